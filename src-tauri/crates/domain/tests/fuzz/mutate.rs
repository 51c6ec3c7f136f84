//! A small mutating fuzzer that runs on stable Rust within the normal tests: seeds from files, the worst large bodies, a
//! fixed beginning of chance, a box of time. It asserts what holds for every reader: it neither panics nor takes long.
//!
//! `MISSION_CONTROL_LONG=1` gives each target minutes, with another beginning each time, which is printed.

#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // It has a clock and files; the readers it tries have neither.

#[path = "../costs/bodies.rs"]
mod bodies;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

/// Seconds for one target in the normal run.
const USUAL: u64 = 5;
const LONG: u64 = 180;
/// One input, in seconds of the processor: far more than any reader needs, far less than comparing everything with
/// everything takes.
const LONGEST: f64 = 5.0;
/// Inputs grow no larger than this. The worst bodies are that large as well: what matters here is that each meets the
/// state which all before it left; how the cost grows with the size of one is told by the test `costs`.
const LARGEST: usize = 64 * 1024;

/// Chance that is the same in every run (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        drawn as usize % end.max(1)
    }
}

/// Pieces that readers stumble over.
const PIECES: [&str; 44] = [
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-0",
    "1e999",
    "-1e-999",
    "18446744073709551616",
    "0.1",
    "NaN",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\u{200b}",
    "ß",
    "\u{10ffff}",
    "\n",
    "\r\n",
    "\t",
    "9999-12-31T23:59:60Z",
    "2026-02-30T25:00:00+99:99",
    "-9223372036854775808",
    "*",
    "**",
    "?",
    "%",
    "%00",
    "%zz",
    "..",
    "//",
    "@",
    "#",
    "=",
    "'",
    "[[rules]]",
];

/// A changed input.
fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(input.len() + 1);
        let end = (at + 1 + chance.below(40)).min(input.len());
        match chance.below(9) {
            0 if !input.is_empty() => {
                let at = at.min(input.len() - 1);
                input[at] ^= 1 << chance.below(8);
            }
            1 if at < end => drop(input.drain(at..end)),
            2 if at < end => {
                let again = input[at..end].to_vec();
                let times = 1 + chance.below(30);
                input.splice(at..at, again.repeat(times));
            }
            3 => input.truncate(at),
            4 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                let to = (from + chance.below(400)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            5 => {
                let piece = PIECES[chance.below(PIECES.len())];
                input.splice(at..at, piece.repeat(1 + chance.below(200)).into_bytes());
            }
            6 if at < end => {
                let piece = PIECES[chance.below(PIECES.len())];
                input.splice(at..end, piece.bytes());
            }
            7 => input.insert(at, chance.below(256) as u8),
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                input.splice(at..at, piece.bytes());
            }
        }
        input.truncate(LARGEST);
    }
    input
}

/// The files of a folder below `tests/fixtures` that end so; with `by_line`, each line is a seed.
pub(crate) fn seeds(folder: &str, ending: &str, by_line: bool) -> Vec<Vec<u8>> {
    let folder = Path::new("../../../tests/fixtures").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.expect("a file").path())
        .filter(|file| file.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    let read = files
        .iter()
        .map(|file| std::fs::read(file).expect("a seed"));
    let all: Vec<Vec<u8>> = if by_line {
        let lines = |file: Vec<u8>| file.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        read.flat_map::<Vec<Vec<u8>>, _>(lines).collect()
    } else {
        read.collect()
    };
    assert!(!all.is_empty(), "no seeds in {}", folder.display());
    all
}

/// Runs a target on its seeds, and then on what becomes of them, until its time is over.
pub(crate) fn fuzz(name: &str, seeds: &[Vec<u8>], target: impl Fn(&[u8])) {
    let long = std::env::var_os("MISSION_CONTROL_LONG").is_some();
    let begin = if long {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |since| since.as_nanos() as u64)
    } else {
        20_261_121
    };
    let mut chance = Chance::new(begin);
    for seed in seeds {
        run(name, seed, &target);
    }
    for kind in bodies::KINDS {
        let name = format!("{name} over {}", kind.name);
        for body in kind.bodies(LARGEST).iter().take(4) {
            run(&name, body.as_bytes(), &target);
            let line =
                format!("{{\"at\":\"2026-11-21T08:00:00Z\",\"endpoint\":\"e\",\"status\":{body}}}");
            run(&name, line.as_bytes(), &target);
        }
    }
    let end = Instant::now() + Duration::from_secs(if long { LONG } else { USUAL });
    let mut inputs = 0_u64;
    while Instant::now() < end {
        run(name, &mutated(seeds, &mut chance), &target);
        inputs += 1;
    }
    println!("{name}: {inputs} inputs from {begin}");
    assert!(inputs > 20, "{name}: only {inputs} inputs were tried");
}

fn run(name: &str, input: &[u8], target: &impl Fn(&[u8])) {
    let begin = running();
    let ended = catch_unwind(AssertUnwindSafe(|| target(input)));
    let took = running() - begin;
    let shown = || String::from_utf8_lossy(&input[..input.len().min(4000)]).into_owned();
    if let Err(why) = ended {
        panic!("{name}: {} with {:?}", words(&*why), shown());
    }
    assert!(took < LONGEST, "{name} took {took:.1} s with {:?}", shown());
}

/// Seconds this thread has had of a processor: others that are busy do not count.
#[cfg(unix)]
fn running() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(not(unix))]
fn running() -> f64 {
    use std::sync::OnceLock;
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

fn words(why: &(dyn Any + Send)) -> String {
    let text = why.downcast_ref::<String>().cloned();
    text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}
