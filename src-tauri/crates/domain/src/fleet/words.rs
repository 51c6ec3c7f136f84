//! Words of ours that a saved state names: places in lines, lists, rules and the ways out they offer.
//!
//! They are found again among those there are. A state with another word was saved by other code, and is of no use.

use super::letters;
use crate::{
    remedy, rules,
    snapshot::{Decoder, Encoder, Save},
};

/// Where rules stand in a line, and when they were reviewed.
const PLACES: [&str; 7] = [
    "/at",
    "/config",
    "/config/ownership",
    "/config/ownership/reviewed_at",
    "/person",
    "/rules",
    "/rules/reviewed_at",
];

fn found(word: &str) -> Option<&'static str> {
    let rules = remedy::OFFERED.iter().map(|(rule, _)| *rule);
    let mut words = letters::PLACES.into_iter().chain(PLACES).chain(rules);
    words.find(|known| *known == word)
}

impl Save for &'static str {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        debug_assert!(found(self).is_some(), "{self} would not be found again");
        to.text(self);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        found(from.text()?)
    }
}

/// The ways out of a finding, with what their buttons say.
impl Save for &'static [(&'static str, &'static str)] {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        debug_assert!(
            rules::OFFERS.contains(self),
            "{self:?} would not be found again"
        );
        to.number(self.len() as u64);
        for (id, label) in *self {
            to.text(id);
            to.text(label);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let count = from.count()?;
        let mut said = Vec::new();
        for _ in 0..count {
            said.push((from.text()?, from.text()?));
        }
        let mut offers = rules::OFFERS.iter();
        offers.find(|offer| ***offer == *said).copied()
    }
}
