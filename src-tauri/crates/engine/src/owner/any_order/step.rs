//! The kinds of things that happen in a story, and how often each.

use super::agent::Chance;

/// One thing that happens. Numbers stand for one of what is there at that moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A new question, or a new version of one.
    Asks(u8, u8, u8, u8),
    /// Other bytes under the same version.
    Alters(u8, u8, u8),
    /// Other bytes under a new version.
    Renews(u8, u8, u8),
    Settles(u8, u8, u8),
    Unlists(u8, u8),
    /// Listed and waiting as it was before.
    Returns(u8, u8),
    /// An item of before in the place of what stands there.
    Swaps(u8, u8),
    Writes(u8, u8),
    Polls(u8),
    Fails(u8, u8),
    Looks(u8, u8),
    /// On what was looked at last, however long ago: which gesture, what is wrong with it.
    Clicks(u8, u8, u8, u8),
    LooksAndClicks(u8, u8, u8),
    ClicksTwice(u8, u8, u8),
    Undoes(u8),
    Acknowledges(u8),
    /// What became of a request.
    Answers(u8, u8),
    Moves(u8, u8),
    Pauses(u8),
    Waits(u8),
    Sleeps(u8),
    SetsClockBack(u8),
    Restarts(bool),
    /// From here on these happen in further stories only, and leave the others as they were.
    ///
    /// What stands there cannot be read, or can again.
    Hides(u8, u8),
    /// Another agent acts on the thing of a question at the moment in which that changes, and both are polled together.
    Collides(u8, u8, u8),
    /// Looks at the whole list.
    Lists,
}

impl Step {
    pub(super) fn any(chance: &mut Chance) -> Self {
        let which = chance.below(100);
        let mut n = || chance.below(250);
        let (a, b, c, d) = (n(), n(), n(), n());
        match which {
            0..8 => Self::Asks(a, b, c, d),
            8..12 => Self::Alters(a, b, c),
            12..14 => Self::Renews(a, b, c),
            14..17 => Self::Settles(a, b, c),
            17..19 => Self::Unlists(a, b),
            19..21 => Self::Returns(a, b),
            21..22 => Self::Swaps(a, b),
            22..24 => Self::Writes(a, b),
            24..42 => Self::Polls(a),
            42..44 => Self::Fails(a, b),
            44..48 => Self::Looks(a, b),
            48..54 => Self::Clicks(a, b, c, d),
            54..65 => Self::LooksAndClicks(a, b, c),
            65..67 => Self::ClicksTwice(a, b, c),
            67..70 => Self::Undoes(a),
            70..71 => Self::Acknowledges(a),
            71..83 => Self::Answers(a, b),
            83..84 => Self::Moves(a, b),
            84..86 => Self::Pauses(a),
            86..94 => Self::Waits(a),
            94..96 => Self::Sleeps(a),
            96..97 if d < 60 => Self::SetsClockBack(a),
            96..98 => Self::Waits(2),
            _ => Self::Restarts(a < 60),
        }
    }

    /// The same of further stories.
    pub(super) fn further(chance: &mut Chance) -> Self {
        let which = chance.below(100);
        let mut n = || chance.below(250);
        match which {
            0..2 => Self::Hides(n(), n()),
            2..6 => Self::Collides(n(), n(), n()),
            6..14 => Self::Lists,
            _ => Self::any(chance),
        }
    }
}
