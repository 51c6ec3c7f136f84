//! What an agent says of an answer, as far as its words can tell. They are read to doubt: words that may say that the answer
//! did not count, or that ask, prove nothing. Where they are of another language, other signs must show the effect.

/// Words that turn a sentence round, or say of an answer only that it is waited for.
const DOUBTING: [&str; 24] = [
    "no", "not", "nothing", "never", "cannot", "neither", "nor", "without", "unable", "failed",
    "invalid", "yet", "until", "unless", "if", "whether", "or", "must", "should", "please",
    "reply", "waiting", "awaiting", "pending",
];
/// Those of them with which a sentence says the contrary.
const CONTRARY: [&str; 7] = ["no", "not", "nothing", "never", "neither", "nor", "without"];
/// What says that words were not taken in.
const UNREAD: [&str; 12] = [
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

/// A text in words, each with the number of its sentence.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<(String, usize)>,
    /// Of each sentence, whether it asks.
    asks: Vec<bool>,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut all = Self {
            words: vec![],
            asks: vec![],
        };
        let text = text.to_lowercase().replace('\u{2019}', "'");
        for sentence in text.split_inclusive(['.', '!', '?', ';', '\n']) {
            let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'');
            let words = words
                .map(|word| word.trim_matches('\''))
                .filter(|word| !word.is_empty());
            let number = all.asks.len();
            all.words
                .extend(words.flat_map(plain).map(|word| (word, number)));
            all.asks.push(sentence.ends_with('?'));
        }
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|(word, _)| word.as_str())
    }

    /// Whether these words stand in it, one after the other.
    pub(super) fn contain(&self, other: &Self) -> bool {
        self.places_of(other).next().is_some()
    }

    fn places_of<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let long = other.words.len();
        let ends = if long == 0 {
            0
        } else {
            (self.words.len() + 1).saturating_sub(long)
        };
        (0..ends).filter(move |at| self.words().skip(*at).take(long).eq(other.words()))
    }

    /// Whether it says these words for certain: not in a question, and with nothing round them that may turn them round.
    pub(super) fn say(&self, name: &Self) -> bool {
        self.places_of(name).any(|at| {
            let round = self.round(at, name.words.len());
            round.is_some_and(|mut round| !round.any(|word| DOUBTING.contains(&word)))
        })
    }

    /// Whether it says the contrary of these words.
    pub(super) fn deny(&self, name: &Self) -> bool {
        self.places_of(name).any(|at| {
            let round = self.round(at, name.words.len());
            round.is_some_and(|round| {
                let doubts: Vec<_> = round.filter(|word| DOUBTING.contains(word)).collect();
                !doubts.is_empty() && doubts.iter().all(|word| CONTRARY.contains(word))
            })
        })
    }

    /// The words round so many in their sentences; `None` = those ask, or what they name is still to come.
    fn round(&self, at: usize, long: usize) -> Option<impl Iterator<Item = &str>> {
        let (first, last) = (self.words[at].1, self.words[at + long - 1].1);
        let before = at.checked_sub(1).map(|before| &self.words[before]);
        let to_come = before.is_some_and(|(word, of)| *of == first && word == "be");
        let all = self.words.iter().enumerate();
        (!to_come && !self.asks[first..=last].contains(&true)).then(|| {
            all.filter(move |(here, (_, of))| {
                (first..=last).contains(of) && !(at..at + long).contains(here)
            })
            .map(|(_, (word, _))| word.as_str())
        })
    }

    /// Whether it may say that an answer was not taken in.
    pub(super) fn may_not_have_read(&self) -> bool {
        let doubts =
            |word: &str| CONTRARY.contains(&word) || ["cannot", "unable", "failed"].contains(&word);
        (0..self.asks.len()).any(|number| {
            let sentence = || {
                let words = self.words.iter().filter(move |(_, of)| *of == number);
                words.map(|(word, _)| word.as_str())
            };
            sentence().any(|word| ["invalid", "again", "unrecognized", "unclear"].contains(&word))
                || sentence().any(doubts) && sentence().any(|word| UNREAD.contains(&word))
        })
    }

    /// Whether anything in it says the contrary of something.
    pub(super) fn may_deny(&self) -> bool {
        self.words().any(|word| {
            CONTRARY.contains(&word) || ["cannot", "unable", "failed", "invalid"].contains(&word)
        })
    }
}

/// A short form in its words.
fn plain(word: &str) -> Vec<String> {
    match word.strip_suffix("n't") {
        Some(verb) => vec![verb.to_owned(), "not".to_owned()],
        None => vec![word.to_owned()],
    }
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
            "",
        ] {
            assert!(!Words::of(text).say(&approved), "{text}");
        }
        for text in [
            "It was not approved.",
            "Nothing was approved",
            "This wasn\u{2019}t approved.",
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
}
