//! Whether words ask something. Some servers call every finished turn "input required", so their answer stands where a
//! question would; what only states is no question.
//!
//! It is careful in one direction: whatever may be a question counts as one. Only plain English statements do not, because
//! only of those it can be told.

/// What a sentence that wants something from a person has in it.
const ASKING: [&str; 46] = [
    "?",
    "？",
    "؟",
    "⸮",
    "please",
    "provide",
    "confirm",
    "approv",
    "which",
    "choose",
    "select",
    "enter ",
    "need",
    "reply",
    "respond",
    "require",
    "await",
    "waiting",
    "permission",
    "allow",
    "authori",
    "sign-off",
    "sign off",
    "tell me",
    "let me know",
    "let us know",
    "specify",
    "clarif",
    "missing",
    "pick",
    "decide",
    "decision",
    "input",
    "yes or no",
    "y/n",
    "yes/no",
    "your ",
    "could you",
    "can you",
    "would you",
    "shall ",
    "should i",
    "may i",
    "do you",
    "pending",
    "review",
];
/// Words that show that a text is English; none of them means something in another widespread language.
const ENGLISH: [&str; 6] = ["the", "are", "were", "been", "have", "has"];

/// Whether these words state something and ask for nothing.
pub(super) fn is_statement(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let ends = text.ends_with(['.', '!', ')', '`', '"', '*']);
    let english = text
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| ENGLISH.contains(&word));
    ends && english && !ASKING.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_statement_is_no_question() {
        for (text, states) in [
            ("The capital of France is Paris.", true),
            ("Done. The report has three pages.", true),
            ("I have sent it to Ann!", true),
            ("Which customer is meant?", false),
            ("Please name the customer.", false),
            ("Customer number", false),
            ("Amount:", false),
            ("The deployment is waiting for its approval.", false),
            ("The order needs a second signature.", false),
            ("Bitte den Kunden nennen.", false),
            ("どの顧客ですか", false),
            ("Le client n'est pas connu.", false),
            ("It is done. Shall I go on", false),
            ("", false),
        ] {
            assert_eq!(is_statement(text), states, "{text:?}");
        }
    }
}
