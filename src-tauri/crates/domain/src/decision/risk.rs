//! How hard a proposed action is to take back, by our own words for actions, never by what the agent says of it.
//!
//! It does not try to prove a command safe: what it does not know counts as outward.

use serde::{Deserialize, Serialize};

use crate::contract::{Escalation, EscalationKind, ProposedAction};

/// Decides the gesture (see the README, "Deciding").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Can be taken back.
    Reversible,
    /// Leaves this machine, or is hard to take back.
    Outward,
    /// Destroys, pays, forces, or uses secrets.
    Destructive,
}

/// Words that make an action destructive wherever they stand in its name, command or target.
const DESTRUCTIVE: &[&str] = &[
    "charge",
    "credential",
    "credentials",
    "delete",
    "destroy",
    "drop",
    "erase",
    "force",
    "format",
    "kill",
    "mkfs",
    "pay",
    "payment",
    "payout",
    "purge",
    "refund",
    "refunds",
    "remove",
    "reset",
    "revoke",
    "rm",
    "rmdir",
    "secret",
    "secrets",
    "shred",
    "shutdown",
    "sudo",
    "transfer",
    "truncate",
    "uninstall",
    "unlink",
    "wipe",
    "withdraw",
];

/// Words that make an action's name reversible when nothing else speaks against it.
const REVERSIBLE: &[&str] = &[
    "comment",
    "draft",
    "fetch",
    "get",
    "label",
    "list",
    "note",
    "preview",
    "read",
    "requeue",
    "retry",
    "search",
    "show",
    "summarise",
    "summarize",
    "view",
];

/// The class of an escalation.
pub fn risk(escalation: &Escalation) -> Risk {
    match &escalation.proposed_action {
        Some(action) => risk_of_action(action),
        None => match escalation.kind {
            EscalationKind::Auth | EscalationKind::Approval => Risk::Outward,
            EscalationKind::Question
            | EscalationKind::Form
            | EscalationKind::Conflict
            | EscalationKind::Exception => Risk::Reversible,
        },
    }
}

/// The class of an action.
pub fn risk_of_action(action: &ProposedAction) -> Risk {
    let command = action.command.iter().flatten().map(String::as_str);
    let named = [action.name.as_str()]
        .into_iter()
        .chain(action.target.as_deref());
    let args = action
        .args
        .as_ref()
        .and_then(|args| args.get("command"))
        .and_then(|command| command.as_str());
    let is = |list: &[&str], text: &str| words(text).any(|word| list.contains(&word.as_str()));
    if command
        .chain(named)
        .chain(args)
        .any(|text| is(DESTRUCTIVE, text))
        || has_secret(action)
    {
        return Risk::Destructive;
    }
    let runs =
        action.command.is_some() || args.is_some() || action.diff.is_some() || action.env.is_some();
    if !runs && is(REVERSIBLE, &action.name) {
        Risk::Reversible
    } else {
        Risk::Outward
    }
}

fn has_secret(action: &ProposedAction) -> bool {
    let names = [&action.args, &action.env]
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_object());
    names.flat_map(|members| members.keys()).any(|name| {
        words(name).any(|word| {
            matches!(
                word.as_str(),
                "secret" | "password" | "token" | "credential"
            )
        })
    })
}

/// Lower-case words of `stripe.refunds.create`, `force-push`, `deleteUser`, `DROP TABLE`.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let mut end = rest.len();
        let mut lower_before = false;
        for (index, character) in rest.char_indices() {
            if !character.is_alphanumeric() || (character.is_uppercase() && lower_before) {
                end = index;
                break;
            }
            lower_before = character.is_lowercase();
        }
        let (word, tail) = rest.split_at(end);
        rest = tail;
        (!word.is_empty()).then(|| word.to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::{Risk, risk_of_action};

    fn check(action: &str, expected: Risk) {
        let action = serde_json::from_str(action).expect("an action");
        assert_eq!(risk_of_action(&action), expected, "{action:?}");
    }

    #[test]
    fn what_destroys_pays_or_forces_is_destructive() {
        check(
            r#"{"name":"stripe.refunds.create","args":{"amount":420}}"#,
            Risk::Destructive,
        );
        check(
            r#"{"name":"shell","command":["git","push","--force","origin"]}"#,
            Risk::Destructive,
        );
        check(r#"{"name":"deleteUser"}"#, Risk::Destructive);
        check(
            r#"{"name":"bash","args":{"command":"rm -rf build"}}"#,
            Risk::Destructive,
        );
        check(
            r#"{"name":"call","args":{"api_token":"x"}}"#,
            Risk::Destructive,
        );
    }

    #[test]
    fn what_is_not_known_counts_as_outward() {
        check(
            r#"{"name":"mail.send","target":"output:mail/supplier"}"#,
            Risk::Outward,
        );
        check(r#"{"name":"frobnicate"}"#, Risk::Outward);
        check(r#"{"name":"read","command":["cat","x"]}"#, Risk::Outward);
    }

    #[test]
    fn drafts_and_notes_are_reversible() {
        check(r#"{"name":"mail.draft"}"#, Risk::Reversible);
        check(r#"{"name":"add_note"}"#, Risk::Reversible);
    }
}
