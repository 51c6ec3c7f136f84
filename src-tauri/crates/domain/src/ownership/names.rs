//! Words for what stands in a rule: its kind, its writers, durations. Used wherever a rule is told to a person.

use super::Rule;

/// Kinds of resources in the order screens show them, with their titles.
pub const GROUPS: &[(&str, &str)] = &[
    ("trigger", "Triggers"),
    ("field", "Data fields"),
    ("output", "Outputs"),
    ("file", "Files"),
    ("api", "APIs"),
    ("other", "Other"),
];

/// The kind of a resource; what has none we know counts as `other`.
pub fn group(resource: &str) -> &'static str {
    let kind = resource.split_once(':').map_or("", |(kind, _)| kind);
    GROUPS
        .iter()
        .map(|(known, _)| *known)
        .find(|known| *known == kind)
        .unwrap_or("other")
}

/// The name without a kind that its group says already.
pub fn without_kind(resource: &str) -> &str {
    match resource.split_once(':') {
        Some((kind, name)) if GROUPS.iter().any(|(known, _)| *known == kind) => name,
        _ => resource,
    }
}

/// Everyone who may write (or start): the owner, then the sequence.
pub fn writers(rule: &Rule) -> Vec<&str> {
    let mut all: Vec<&str> = rule.owner.as_deref().into_iter().collect();
    for agent in &rule.sequence {
        if !all.contains(&agent.as_str()) {
            all.push(agent);
        }
    }
    all
}

/// Who writes, in words: `billing`, `billing, then collections`, `nobody`.
pub fn writers_phrase(rule: &Rule) -> String {
    match writers(rule).as_slice() {
        [] => "nobody".into(),
        many => many.join(", then "),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [many @ .., last] => {
            let many: Vec<_> = many.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", many.join(", "), last.as_ref())
        }
    }
}

/// `me` is the person who reads this.
pub fn person(name: &str) -> &str {
    if name == "me" { "you" } else { name }
}

/// `24 h`, `1.5 h`.
pub fn hours(hours: f64) -> String {
    format!("{} h", (hours * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_plainly() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(hours(24.0), "24 h");
        assert_eq!(group("mail:x"), "other");
        assert_eq!(without_kind("mail:x"), "mail:x");
        let rule = Rule {
            owner: Some("a".into()),
            sequence: vec!["a".into(), "b".into()],
            ..Rule::default()
        };
        assert_eq!(writers_phrase(&rule), "a, then b");
    }
}
