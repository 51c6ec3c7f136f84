//! Bytes that are not exactly what was saved give nothing, and cost nothing.

use domain::{delta::Differ, fleet::Fleet};
use sha2::{Digest, Sha256};

use crate::{examples, said, steps};

/// Where chance begins.
const SEED: u64 = 20_261_122;

struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// The state at the end of every tenth example.
fn saved() -> Vec<Vec<u8>> {
    let examples = examples().into_iter().step_by(10);
    let saved = examples.map(|(_, text)| {
        let (mut fleet, steps) = steps(&text);
        for step in &steps {
            said(&mut fleet, step);
        }
        fleet.save()
    });
    saved.collect()
}

fn differ() -> Differ {
    let mut differ = Differ::new();
    let body = r#"{"schemaVersion": "1.0", "agent": {"id": "a", "name": "A", "status": "online"},
        "tasks": [{"id": "t", "title": "T", "status": {"state": "working", "timestamp": "2026-11-22T10:00:00Z"}}]}"#;
    differ.take(body, true).unwrap();
    differ
}

#[test]
fn what_was_cut_or_changed_gives_nothing() {
    let mut chance = Chance(SEED);
    for bytes in saved() {
        assert!(Fleet::restore(&bytes).is_some());
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Fleet::restore(&longer).is_none(), "longer");
        for _ in 0..100 {
            let at = chance.below(bytes.len());
            assert!(Fleet::restore(&bytes[..at]).is_none(), "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << chance.below(8);
            assert!(Fleet::restore(&flipped).is_none(), "flipped at {at}");
        }
    }
    let bytes = differ().save();
    for at in 0..bytes.len() {
        assert!(Differ::restore(&bytes[..at]).is_none(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(Differ::restore(&flipped).is_none(), "flipped at {at}");
        }
    }
}

#[test]
fn one_kind_of_state_is_no_other() {
    assert!(Differ::restore(&differ().save()).is_some());
    assert!(Fleet::restore(&differ().save()).is_none());
    for bytes in saved() {
        assert!(Differ::restore(&bytes).is_none());
    }
    for nothing in [&[][..], &[0; 32], &[0xff; 4096]] {
        assert!(Fleet::restore(nothing).is_none() && Differ::restore(nothing).is_none());
    }
}

/// Whoever can write a right checksum can write anything; it must still end, and not in a panic.
#[test]
fn nonsense_with_a_right_checksum_breaks_nothing() {
    let mut chance = Chance(SEED);
    let mut all = saved();
    all.push(differ().save());
    for bytes in all {
        for _ in 0..200 {
            let mut changed = bytes.clone();
            let at = 32 + chance.below(bytes.len() - 32);
            match chance.below(3) {
                0 => changed[at] ^= 1 << chance.below(8),
                1 => changed[at] = [0x00, 0x7f, 0x80, 0xff][chance.below(4)],
                _ => changed.truncate(at),
            }
            let sum = Sha256::digest(&changed[32..]);
            changed[..32].copy_from_slice(&sum);
            let _ = (Fleet::restore(&changed), Differ::restore(&changed));
        }
    }
}
