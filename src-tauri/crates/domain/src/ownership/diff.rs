//! What changed between two ownership documents, in sentences a person signs: one per change, and one for all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Exception, Ownership, Rule, names};

/// One sentence per change, in the order of the rules. Rules are the same when they name the same resource.
pub fn sentences(before: &Ownership, after: &Ownership) -> Vec<String> {
    let mut all = vec![];
    let old = by_key(&before.rules, |rule| rule.resource.clone());
    let new = by_key(&after.rules, |rule| rule.resource.clone());
    for (key, rule) in in_order(&after.rules, |rule| rule.resource.clone()) {
        match old.get(&key) {
            None => all.push(match names::writers(rule).as_slice() {
                [] => format!("New rule {} without an owner.", rule.resource),
                [one] => format!("{one} {} {}.", verb(rule), rule.resource),
                many => format!("{} take turns on {}.", names::list(many), rule.resource),
            }),
            Some(old) => rule_changes(old, rule, &mut all),
        }
    }
    for (key, rule) in in_order(&before.rules, |rule| rule.resource.clone()) {
        if !new.contains_key(&key) {
            all.push(format!(
                "No rule for {} any more ({}).",
                rule.resource,
                names::writers_phrase(rule)
            ));
        }
    }
    exception_changes(before, after, &mut all);
    simple(
        &before.stages,
        &after.stages,
        |stage| stage.name.clone(),
        |stage| format!("The stage {} belongs to {}.", stage.name, stage.agent),
        |stage| format!("No stage {} any more.", stage.name),
        &mut all,
    );
    simple(
        &before.budgets,
        &after.budgets,
        |budget| budget.kind.clone(),
        |budget| format!("{} may take {} s.", budget.kind, budget.seconds),
        |budget| format!("No time budget for {} any more.", budget.kind),
        &mut all,
    );
    if before.reviewed_at != after.reviewed_at {
        all.push("Marked as reviewed.".into());
    }
    all
}

/// One sentence for the list of versions.
pub fn summary(before: &Ownership, after: &Ownership) -> String {
    let all = sentences(before, after);
    match all.as_slice() {
        [] => "Nothing changed.".into(),
        [one] => one.clone(),
        [first, rest @ ..] => {
            let changes = if rest.len() == 1 { "change" } else { "changes" };
            format!("{} {} more {changes}.", first, rest.len())
        }
    }
}

fn verb(rule: &Rule) -> &'static str {
    if names::group(&rule.resource) == "trigger" {
        "starts on"
    } else {
        "owns"
    }
}

fn rule_changes(old: &Rule, new: &Rule, all: &mut Vec<String>) {
    let (was, is) = (names::writers(old), names::writers(new));
    let resource = &new.resource;
    if was != is {
        all.push(match (was.as_slice(), is.as_slice()) {
            ([], [one]) => format!("{one} {} {resource}.", verb(new)),
            ([one], []) => format!("{one} gives up {resource}; nobody owns it."),
            ([a], [b]) => format!("{resource} goes from {a} to {b}."),
            (_, []) => format!("Nobody owns {resource} any more."),
            (_, [one]) => format!("{one} alone {} {resource}.", verb(new)),
            (_, many) => format!("{} take turns on {resource}.", names::list(many)),
        });
    }
    let readers = |rule: &Rule| rule.readers.iter().cloned().collect::<BTreeSet<_>>();
    let (before, after) = (readers(old), readers(new));
    let more: Vec<_> = after.difference(&before).collect();
    let fewer: Vec<_> = before
        .difference(&after)
        .filter(|name| !is.contains(&name.as_str()))
        .collect();
    if !more.is_empty() {
        let s = if more.len() == 1 { "s" } else { "" };
        all.push(format!("{} read{s} {resource}.", names::list(&more)));
    }
    if !fewer.is_empty() {
        let s = if fewer.len() == 1 { "s" } else { "" };
        all.push(format!(
            "{} no longer read{s} {resource}.",
            names::list(&fewer)
        ));
    }
    if old.purpose != new.purpose {
        all.push(match &new.purpose {
            Some(purpose) => format!("{resource} is for: {purpose}."),
            None => format!("{resource} has no purpose written down any more."),
        });
    }
}

fn exception_changes(before: &Ownership, after: &Ownership, all: &mut Vec<String>) {
    let key = |exception: &Exception| exception.agents.join(" ");
    let (old, new) = (
        by_key(&before.exceptions, key),
        by_key(&after.exceptions, key),
    );
    for (name, exception) in in_order(&after.exceptions, key) {
        if old.get(&name) != Some(&exception) {
            let to = exception
                .route_to
                .as_deref()
                .map_or("nobody", names::person);
            let within = exception
                .sla_hours
                .map(|hours| format!(" within {}", names::hours(hours)))
                .unwrap_or_default();
            all.push(format!(
                "Exceptions of {} go to {to}{within}.",
                names::list(&exception.agents)
            ));
        }
    }
    for (name, exception) in in_order(&before.exceptions, key) {
        if !new.contains_key(&name) {
            all.push(format!(
                "No exception rule for {} any more.",
                names::list(&exception.agents)
            ));
        }
    }
}

fn simple<T: PartialEq>(
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> String + Copy,
    now: impl Fn(&T) -> String,
    gone: impl Fn(&T) -> String,
    all: &mut Vec<String>,
) {
    let (old, new) = (by_key(before, key), by_key(after, key));
    all.extend(
        in_order(after, key)
            .filter(|(name, item)| old.get(name) != Some(item))
            .map(|(_, item)| now(item)),
    );
    all.extend(
        in_order(before, key)
            .filter(|(name, _)| !new.contains_key(name))
            .map(|(_, item)| gone(item)),
    );
}

/// Items by their name and how many of that name stand before.
fn in_order<T>(
    items: &[T],
    key: impl Fn(&T) -> String,
) -> impl Iterator<Item = ((String, usize), &T)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    items.iter().map(move |item| {
        let name = key(item);
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        ((name, *count), item)
    })
}

fn by_key<T>(items: &[T], key: impl Fn(&T) -> String) -> BTreeMap<(String, usize), &T> {
    in_order(items, key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::text::read;

    #[track_caller]
    fn check(before: &str, after: &str, expected: &[&str]) {
        assert_eq!(
            sentences(&read(before).unwrap(), &read(after).unwrap()),
            expected
        );
    }

    #[test]
    fn a_change_of_rules_is_told_in_sentences() {
        check(
            r#"rules = [{ resource = "field:x", owner = "a" }, { resource = "output:y", owner = "a" }, { resource = "api:z" }]"#,
            r#"rules = [{ resource = "output:y", sequence = ["a", "b"] }, { resource = "field:x", owner = "b", readers = ["a"] },
                        { resource = "trigger:t", owner = "c" }]"#,
            &[
                "a and b take turns on output:y.",
                "field:x goes from a to b.",
                "a reads field:x.",
                "c starts on trigger:t.",
                "No rule for api:z any more (nobody).",
            ],
        );
    }

    #[test]
    fn a_change_of_exceptions_stages_and_budgets_is_told_too() {
        check(
            r#"exceptions = [{ agents = ["*"], route_to = "me", sla_hours = 24 }]
               stages = [{ name = "publish", agent = "a" }]"#,
            r#"exceptions = [{ agents = ["*"], route_to = "me", sla_hours = 1.5 }]
               budgets = [{ kind = "draft", seconds = 30 }]"#,
            &[
                "Exceptions of * go to you within 1.5 h.",
                "No stage publish any more.",
                "draft may take 30 s.",
            ],
        );
    }

    #[test]
    fn one_sentence_names_the_first_change_and_counts_the_rest() {
        let before = Ownership::default();
        let after = read(r#"rules = [{ resource = "field:x", owner = "a" }, { resource = "field:y", owner = "a" }]"#).unwrap();
        assert_eq!(summary(&before, &after), "a owns field:x. 1 more change.");
        assert_eq!(summary(&before, &before), "Nothing changed.");
    }
}
