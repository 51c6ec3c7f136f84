//! What an agent says of an answer, as far as its words can tell. They are read to doubt: words that may say that the answer
//! did not count, or that ask, prove nothing. Where they are of another language, other signs must show the effect.

/// Words with which a sentence says the contrary.
const CONTRARY: [&str; 8] = [
    "no", "not", "nothing", "never", "neither", "nor", "without", "false",
];
/// Words of what did not go well.
const FAILED: [&str; 4] = ["cannot", "unable", "failed", "invalid"];
/// Words of what is waited for, or said of every answer.
const WAITED: [&str; 13] = [
    "yet", "until", "unless", "if", "whether", "or", "must", "should", "please", "reply",
    "waiting", "awaiting", "pending",
];
/// What is done with words that are taken in.
const READ: [&str; 12] = [
    "read",
    "understand",
    "understood",
    "parse",
    "parsed",
    "process",
    "processed",
    "recognize",
    "recognized",
    "recognise",
    "accept",
    "accepted",
];
/// What says alone that they were not.
const LOST: [&str; 4] = ["invalid", "again", "unrecognized", "unclear"];

/// A text in words. An agent may have written all of it, so nothing here takes longer than its length allows.
#[derive(Debug)]
pub(super) struct Words {
    /// Lower case, with one blank before, between and after the words.
    text: String,
    /// Of each word, where it begins and in which sentence.
    words: Vec<(usize, usize)>,
    sentences: Vec<Sentence>,
}

/// What stands in a sentence.
#[derive(Debug, Default)]
struct Sentence {
    asks: bool,
    contrary: usize,
    failed: usize,
    waited: usize,
    read: bool,
    lost: bool,
}

impl Sentence {
    fn add(&mut self, word: &str) {
        self.contrary += usize::from(CONTRARY.contains(&word));
        self.failed += usize::from(FAILED.contains(&word));
        self.waited += usize::from(WAITED.contains(&word));
        self.read |= READ.contains(&word);
        self.lost |= LOST.contains(&word);
    }

    fn denies(&self) -> bool {
        self.contrary + self.failed > 0
    }
}

/// Words of doubt: those that say the contrary, and the others.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Doubts {
    contrary: usize,
    other: usize,
}

impl Doubts {
    fn of(sentences: &[Sentence]) -> Self {
        Self {
            contrary: sentences.iter().map(|of| of.contrary).sum(),
            other: sentences.iter().map(|of| of.failed + of.waited).sum(),
        }
    }
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut all = Self {
            text: " ".to_owned(),
            words: vec![],
            sentences: vec![],
        };
        let text = text.to_lowercase().replace('\u{2019}', "'");
        for sentence in text.split_inclusive(['.', '!', '?', ';', '\n']) {
            let mut seen = Sentence {
                asks: sentence.ends_with('?'),
                ..Sentence::default()
            };
            let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'');
            let words = words.map(|word| word.trim_matches('\''));
            for word in words.filter(|word| !word.is_empty()).flat_map(plain) {
                seen.add(word);
                all.words.push((all.text.len(), all.sentences.len()));
                all.text.push_str(word);
                all.text.push(' ');
            }
            all.sentences.push(seen);
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether it says nothing but that something was not done, in two words: "Not paid."
    pub(super) fn are_a_bare_not(&self) -> bool {
        let sure = |of: &Sentence| !of.asks && of.contrary == 1 && of.failed + of.waited == 0;
        self.words.len() == 2 && self.text.starts_with(" not ") && self.sentences.iter().all(sure)
    }

    /// Whether it says "not allowed" of what was asked. Whoever "is not allowed" something may have done it or another thing.
    pub(super) fn are_not_allowed(&self) -> bool {
        const OF_WHOM: [&str; 6] = ["am", "are", "be", "is", "was", "were"];
        let before = self.text.split_once(" not allowed ");
        let before = before.and_then(|(before, _)| before.rsplit(' ').next());
        before.is_some_and(|word| !OF_WHOM.contains(&word))
            && !self.sentences.iter().any(|of| of.asks)
    }

    /// Whether these words stand in it, one after the other.
    pub(super) fn contain(&self, other: &Self) -> bool {
        !other.is_empty() && self.text.contains(&other.text)
    }

    /// Whether it says these words for certain: not in a question, and with nothing round them that may turn them round.
    pub(super) fn say(&self, name: &Self) -> bool {
        let none = Doubts {
            contrary: 0,
            other: 0,
        };
        self.round(name).any(|doubts| doubts == none)
    }

    /// Whether it says the contrary of these words.
    pub(super) fn deny(&self, name: &Self) -> bool {
        let denies = |doubts: Doubts| doubts.contrary > 0 && doubts.other == 0;
        self.round(name).any(denies)
    }

    /// The doubts round these words wherever they stand, but in questions and where what they name is still to come.
    fn round(&self, name: &Self) -> impl Iterator<Item = Doubts> {
        let own = Doubts::of(&name.sentences);
        let places = self.text.match_indices(&name.text);
        places.filter_map(move |(at, _)| {
            let first = self
                .words
                .binary_search_by_key(&(at + 1), |(at, _)| *at)
                .ok()?;
            let last = (first + name.words.len()).checked_sub(1)?;
            let (_, begins) = self.words[first];
            let (_, ends) = self.words.get(last)?;
            let here = &self.sentences[begins..=*ends];
            let same = first > 0 && self.words[first - 1].1 == begins;
            let is_to_come = same && self.text[..=at].ends_with(" be ");
            let all = Doubts::of(here);
            (!name.is_empty() && !is_to_come && !here.iter().any(|of| of.asks)).then(|| Doubts {
                contrary: all.contrary - own.contrary,
                other: all.other - own.other,
            })
        })
    }

    /// Whether it may say that an answer was not taken in.
    pub(super) fn may_not_have_read(&self) -> bool {
        let mut all = self.sentences.iter();
        all.any(|of| of.lost || of.denies() && of.read)
    }

    /// Whether a sentence says that something was not taken in.
    pub(super) fn were_not_read(&self) -> bool {
        let mut all = self.sentences.iter();
        all.any(|of| !of.asks && of.denies() && of.read)
    }

    /// Whether anything in it says the contrary of something.
    pub(super) fn may_deny(&self) -> bool {
        self.sentences.iter().any(Sentence::denies)
    }
}

/// A short form in its words.
fn plain(word: &str) -> impl Iterator<Item = &str> {
    let (verb, not) = match word.strip_suffix("n't") {
        Some(verb) => (verb, Some("not")),
        None => (word, None),
    };
    std::iter::once(verb).chain(not)
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn an_answer_is_named_only_by_words_that_leave_no_doubt() {
        let approved = Words::of("approved");
        for text in [
            "Approved, going on.",
            "It was approved: I deploy. Nothing else is left.",
            "Is it late? It is approved",
        ] {
            assert!(Words::of(text).say(&approved), "{text}");
        }
        for text in [
            "It was not approved.",
            "This wasn't approved",
            "It could not be read, nothing was approved. May I deploy?",
            "Is it approved?",
            "Waiting to be approved.",
            "Reply with approved or rejected.",
            "If approved, I deploy.",
            "Pending until approved",
            "Approves",
            "Got: {\"approved\": false}",
            "",
        ] {
            assert!(!Words::of(text).say(&approved), "{text}");
        }
        for text in [
            "It was not approved.",
            "Nothing was approved",
            "This wasn\u{2019}t approved.",
            "Got: {\"approved\": false}",
        ] {
            assert!(Words::of(text).deny(&approved), "{text}");
        }
        for text in [
            "Approved.",
            "Is it not approved?",
            "Not approved yet, please reply.",
            "No. Approved.",
        ] {
            assert!(!Words::of(text).deny(&approved), "{text}");
        }
    }

    #[test]
    fn a_bare_not_is_all_that_is_said() {
        for text in ["Not paid.", "not deployed", "NOT DONE!"] {
            assert!(Words::of(text).are_a_bare_not(), "{text}");
        }
        for text in [
            "Not paid?",
            "Not yet.",
            "Not paid. Deployed.",
            "Not bad, deployed.",
            "Not not",
            "Paid not",
            "Not. Paid.",
            "Not",
            "",
        ] {
            assert!(!Words::of(text).are_a_bare_not(), "{text}");
        }
    }

    #[test]
    fn what_was_not_allowed_is_not_who() {
        for text in ["Result: not allowed: n", "Not allowed.", "n: NOT ALLOWED"] {
            assert!(Words::of(text).are_not_allowed(), "{text}");
        }
        for text in [
            "You are not allowed to read the plan, so I deployed.",
            "I wasn't allowed to ask.",
            "Not allowed?",
            "Allowed.",
            "",
        ] {
            assert!(!Words::of(text).are_not_allowed(), "{text}");
        }
    }

    #[test]
    fn words_of_the_answer_itself_turn_nothing_round() {
        let said = Words::of("Do not deploy on Friday. Later is fine.");
        assert!(Words::of("Understood: do not deploy on Friday. Later is fine.").say(&said));
        assert!(
            !Words::of("I did not hear \"do not deploy on Friday. Later is fine.\"").say(&said)
        );
        assert!(!Words::of("Rome").say(&Words::of("")));
    }

    #[test]
    fn words_that_were_not_taken_in_are_known() {
        for text in [
            "I could not read that.",
            "I did not understand your answer. Which city?",
            "Invalid answer",
            "Please say that again.",
        ] {
            assert!(Words::of(text).may_not_have_read(), "{text}");
        }
        for text in ["And when?", "I read it. No flights on Monday.", "Fine."] {
            assert!(!Words::of(text).may_not_have_read(), "{text}");
        }
    }

    #[test]
    fn what_a_hostile_agent_writes_is_read_in_the_time_of_its_length() {
        let approved = Words::of("approved");
        for text in [
            "not approved ".repeat(100_000),
            "not. approved? ".repeat(100_000),
            "a ".repeat(200_000),
        ] {
            let said = Words::of(&text);
            let _ = (
                said.may_not_have_read(),
                said.may_deny(),
                said.deny(&approved),
            );
            assert!(!said.say(&approved));
            // All but the same.
            let asked = Words::of(&format!("{}b", &text[..text.len() / 2]));
            assert!(!said.contain(&asked) && !said.say(&asked));
        }
    }
}
