//! Matching as sets of positions, one bit each: what it costs is the length of the name times the length of the pattern
//! over 64, whatever stands in them. Nothing is tried and taken back.
//!
//! Works on bytes: no piece of a pattern begins within a character, so that it says the same of characters.

use super::Token;

/// Positions, the least first.
type Set = Vec<u64>;

/// A pattern with wildcards, ready to be held against names and other patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    tokens: Vec<Token<u8>>,
    words: usize,
    /// Where each byte stands: which of `sets`, 0 for none.
    sets_of: Vec<u8>,
    sets: Vec<Set>,
    /// Where `*` and `**` stand.
    segments: Set,
    runs: Set,
}

impl Machine {
    pub(super) fn new(pattern: &[Token<char>]) -> Self {
        let mut tokens = vec![];
        for token in pattern {
            match token {
                Token::Char(c) => {
                    let mut bytes = [0; 4];
                    let bytes = c.encode_utf8(&mut bytes).bytes();
                    tokens.extend(bytes.map(Token::Char));
                }
                Token::Segment => tokens.push(Token::Segment),
                Token::Run => tokens.push(Token::Run),
            }
        }
        let words = tokens.len() / 64 + 1;
        let none = || vec![0; words];
        let mut machine = Self {
            words,
            sets_of: vec![0; 256],
            sets: vec![none()],
            segments: none(),
            runs: none(),
            tokens: vec![],
        };
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Char(byte) => {
                    let known = machine.sets_of.get_mut(usize::from(*byte));
                    // 255 bytes at most stand in text.
                    let of = match known {
                        Some(0) => {
                            machine.sets.push(none());
                            machine.sets.len() - 1
                        }
                        Some(of) => usize::from(*of),
                        None => 0,
                    };
                    if let Some(known) = machine.sets_of.get_mut(usize::from(*byte)) {
                        *known = of as u8;
                    }
                    if let Some(set) = machine.sets.get_mut(of) {
                        add(set, at);
                    }
                }
                Token::Segment => add(&mut machine.segments, at),
                Token::Run => add(&mut machine.runs, at),
            }
        }
        machine.tokens = tokens;
        machine
    }

    fn set_of(&self, byte: u8) -> &[u64] {
        let of = self.sets_of.get(usize::from(byte)).copied();
        let set = self.sets.get(usize::from(of.unwrap_or_default()));
        set.map_or(&[], Vec::as_slice)
    }

    fn is_wild(&self, word: usize) -> u64 {
        at(&self.segments, word) | at(&self.runs, word)
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut here, mut before) = (self.start(), self.start());
        self.past_wildcards(&mut here);
        for byte in name.bytes() {
            std::mem::swap(&mut here, &mut before);
            self.read(&before, byte, &mut here);
            self.past_wildcards(&mut here);
            if here.iter().all(|word| *word == 0) {
                return false;
            }
        }
        has(&here, self.tokens.len())
    }

    /// Is there a name that both match?
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        // Positions in the other, while this one stands before each of its tokens in turn.
        let mut here = other.start();
        for token in &self.tokens {
            here = match token {
                Token::Char(byte) => {
                    other.past_wildcards(&mut here);
                    let mut next = other.start();
                    other.read(&here, *byte, &mut next);
                    next
                }
                wild => {
                    let takes = |word| {
                        let own = other.is_wild(word);
                        if *wild == Token::Run {
                            return u64::MAX;
                        }
                        own | !at(other.set_of(b'/'), word)
                    };
                    spread(&mut here, takes);
                    other.past_wildcards(&mut here);
                    here
                }
            };
            if here.iter().all(|word| *word == 0) {
                return false;
            }
        }
        other.past_wildcards(&mut here);
        has(&here, other.tokens.len())
    }

    fn start(&self) -> Set {
        let mut set = vec![0; self.words];
        add(&mut set, 0);
        set
    }

    /// Where it stands after one byte.
    fn read(&self, from: &[u64], byte: u8, to: &mut [u64]) {
        let literal = self.set_of(byte);
        let mut carry = 0;
        for (word, (here, to)) in from.iter().zip(to).enumerate() {
            let moved = here & at(literal, word);
            let next = moved << 1 | carry;
            carry = moved >> 63;
            let segments = if byte == b'/' {
                0
            } else {
                at(&self.segments, word)
            };
            *to = next | here & (at(&self.runs, word) | segments);
        }
    }

    /// A wildcard may take nothing.
    fn past_wildcards(&self, set: &mut [u64]) {
        spread(set, |word| self.is_wild(word));
    }
}

/// From each position on, as long as what stands there can be passed: by the carry of an addition.
fn spread(set: &mut [u64], passes: impl Fn(usize) -> u64) {
    let mut carry = false;
    for (word, here) in set.iter_mut().enumerate() {
        let passes = passes(word);
        let (sum, one) = (*here & passes).overflowing_add(passes);
        let (sum, two) = sum.overflowing_add(u64::from(carry));
        carry = one || two;
        *here |= sum ^ passes;
    }
}

fn at(set: &[u64], word: usize) -> u64 {
    set.get(word).copied().unwrap_or_default()
}

fn add(set: &mut [u64], at: usize) {
    if let Some(word) = set.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn has(set: &[u64], at: usize) -> bool {
    set.get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}
