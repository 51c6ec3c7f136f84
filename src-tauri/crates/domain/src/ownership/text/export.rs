//! The ownership document in forms that others read: Markdown for people, CODEOWNERS for a forge, a section of
//! AGENTS.md for the agents themselves. Nothing here is read back.

use std::collections::BTreeMap;

use super::super::{Exception, Ownership, Rule, names};
use crate::time;

/// Prose and tables for people: one section per kind of resource, then exceptions, then one section per agent.
pub fn markdown(document: &Ownership) -> String {
    let mut text = String::from("# Who owns what\n\n");
    match document.reviewed_at {
        Some(at) => text.push_str(&format!("Reviewed {}.\n", time::format(at))),
        None => text.push_str("Not reviewed yet.\n"),
    }
    for (kind, title) in names::GROUPS {
        let rules: Vec<_> = document
            .rules
            .iter()
            .filter(|rule| names::group(&rule.resource) == *kind)
            .collect();
        if rules.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "\n## {title}\n\n| Resource | Owner | Readers | Why |\n|---|---|---|---|\n"
        ));
        for rule in rules {
            text.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                code(names::without_kind(&rule.resource)),
                cell(&names::writers_phrase(rule)),
                cell(&names::list(&rule.readers)),
                cell(rule.purpose.as_deref().unwrap_or_default()),
            ));
        }
    }
    if !document.exceptions.is_empty() {
        text.push_str("\n## Exceptions\n\n| Agents | Goes to | Within | Priority | Then |\n|---|---|---|---|---|\n");
        for exception in &document.exceptions {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                cell(&names::list(&exception.agents)),
                cell(
                    exception
                        .route_to
                        .as_deref()
                        .map(names::person)
                        .unwrap_or("nobody")
                ),
                exception.sla_hours.map(names::hours).unwrap_or_default(),
                exception
                    .priority
                    .map(|priority| priority.to_string())
                    .unwrap_or_default(),
                cell(exception.fallback.as_deref().unwrap_or("hold")),
            ));
        }
    }
    if !document.stages.is_empty() {
        text.push_str("\n## Stages\n\n| Stage | Agent | Accepts |\n|---|---|---|\n");
        for stage in &document.stages {
            let schema = stage
                .accepts_schema
                .as_deref()
                .map(code)
                .unwrap_or_default();
            text.push_str(&format!(
                "| {} | {} | {schema} |\n",
                cell(&stage.name),
                cell(&stage.agent)
            ));
        }
    }
    for (agent, does) in by_agent(document) {
        text.push_str(&format!("\n## Agent {}\n\n{}", cell(&agent), does));
    }
    text
}

/// File rules in the syntax of GitHub and GitLab. What that syntax cannot say stands there as a comment.
pub fn codeowners(document: &Ownership) -> String {
    let mut text = String::from(
        "# Who owns which file. Written from the ownership document; change it there.\n",
    );
    let mut rules: Vec<_> = document
        .rules
        .iter()
        .filter(|rule| names::group(&rule.resource) == "file")
        .collect();
    // There the last match wins, here nothing does: the closer a pattern looks, the later it stands.
    rules.sort_by_key(|rule| rule.resource.chars().filter(|c| *c != '*').count());
    for rule in rules {
        let path = names::without_kind(&rule.resource);
        let writers = names::writers(rule);
        let owners: Vec<_> = writers.iter().filter_map(|writer| handle(writer)).collect();
        if owners.is_empty() || owners.len() < writers.len() || !codeowners_can_say(path) {
            text.push_str(&format!(
                "# Not expressible here: {}\n",
                one_line(&rule.resource)
            ));
            continue;
        }
        let path = path.replace('\\', "\\\\").replace(' ', "\\ ");
        text.push_str(&format!(
            "/{} {}\n",
            path.trim_start_matches('/'),
            owners.join(" ")
        ));
    }
    text
}

/// A `*` next to `**`, brackets and control characters mean something else there, or nothing.
fn codeowners_can_say(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(|c: char| "[]?!#".contains(c) || c.is_control())
        && path
            .split('/')
            .all(|segment| segment == "**" || !segment.contains("**"))
}

fn handle(agent: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!agent.is_empty() && agent.chars().all(plain)).then(|| format!("@{agent}"))
}

const START: &str = "<!-- ownership: start -->";
const END: &str = "<!-- ownership: end -->";

/// A section for AGENTS.md: what each agent may do, in sentences it can follow.
pub fn agents_section(document: &Ownership) -> String {
    let mut text = format!(
        "{START}\n## Ownership\n\nOne resource has one writer. What is not listed under your name, ask for.\n"
    );
    for (agent, does) in by_agent(document) {
        text.push_str(&format!("\n### {}\n\n{}", cell(&agent), does));
    }
    for exception in &document.exceptions {
        text.push_str(&format!("\n{}\n", exception_sentence(exception)));
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// The same, put into an existing file: replaces the section there, or adds one at the end.
pub fn into_agents_file(existing: &str, document: &Ownership) -> String {
    let section = agents_section(document);
    let found = existing.find(START).and_then(|start| {
        let end = start + existing[start..].find(END)? + END.len();
        Some((start, end))
    });
    match found {
        Some((start, end)) => {
            let after = existing[end..]
                .strip_prefix('\n')
                .unwrap_or(&existing[end..]);
            format!("{}{section}{after}", &existing[..start])
        }
        None if existing.trim().is_empty() => section,
        None => format!("{}\n\n{section}", existing.trim_end()),
    }
}

/// Every agent with what it does, as a Markdown list.
fn by_agent(document: &Ownership) -> BTreeMap<String, String> {
    let mut agents: BTreeMap<String, String> = BTreeMap::new();
    for rule in &document.rules {
        let resource = code(&rule.resource);
        let verb = verb(rule);
        for agent in names::writers(rule) {
            let turn = if rule.sequence.len() > 1 {
                format!(
                    ", one at a time with {}",
                    cell(&names::list(&others(&rule.sequence, agent)))
                )
            } else {
                String::new()
            };
            agents
                .entry(agent.to_owned())
                .or_default()
                .push_str(&format!("- {verb} {resource}{turn}\n"));
        }
        for reader in rule.readers.iter().filter(|reader| !reader.contains('*')) {
            agents
                .entry(reader.clone())
                .or_default()
                .push_str(&format!("- reads {resource}\n"));
        }
    }
    agents
}

fn others(all: &[String], agent: &str) -> Vec<String> {
    all.iter()
        .filter(|other| *other != agent)
        .cloned()
        .collect()
}

fn verb(rule: &Rule) -> &'static str {
    if names::group(&rule.resource) == "trigger" {
        "starts on"
    } else {
        "writes"
    }
}

fn exception_sentence(exception: &Exception) -> String {
    format!(
        "Exceptions of {} go to {}{}.",
        cell(&names::list(&exception.agents)),
        cell(exception.route_to.as_deref().unwrap_or("nobody")),
        exception
            .sla_hours
            .map(|hours| format!(" within {}", names::hours(hours)))
            .unwrap_or_default(),
    )
}

/// Plain text inside Markdown and inside a table cell: nothing in it is markup.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A code span that nothing inside can end.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::text::read;

    fn document() -> Ownership {
        read(
            r##"
            [[rules]]
            resource = "trigger:inbox/invoices"
            owner = "billing"
            purpose = "Supplier | invoices"
            [[rules]]
            resource = "file:shop/**"
            owner = "coder"
            readers = ["review"]
            [[rules]]
            resource = "file:shop/docs/my notes.md"
            owner = "writer"
            [[rules]]
            resource = "file:a**b"
            owner = "coder"
            [[rules]]
            resource = "output:slack/#billing"
            sequence = ["billing", "collections"]
            [[exceptions]]
            agents = ["*"]
            route_to = "me"
            sla_hours = 1.5
            "##,
        )
        .unwrap()
    }

    #[test]
    fn codeowners_holds_file_rules_the_closest_last_and_says_what_it_cannot() {
        assert_eq!(
            codeowners(&document()),
            "# Who owns which file. Written from the ownership document; change it there.\n\
             # Not expressible here: file:a**b\n\
             /shop/** @coder\n\
             /shop/docs/my\\ notes.md @writer\n"
        );
    }

    #[test]
    fn markdown_has_a_section_per_kind_and_per_agent_and_no_markup_from_values() {
        let text = markdown(&document());
        assert!(
            text.contains("| `inbox/invoices` | billing |  | Supplier \\| invoices |"),
            "{text}"
        );
        assert!(
            text.contains("| `slack/#billing` | billing, then collections |"),
            "{text}"
        );
        assert!(text.contains("| \\* | you | 1.5 h |  | hold |"), "{text}");
        assert!(
            text.contains("## Agent review\n\n- reads `file:shop/**`"),
            "{text}"
        );
        assert_eq!(code("a``b`"), "``` a``b` ```");
    }

    #[test]
    fn the_section_of_an_agents_file_replaces_itself_and_leaves_the_rest() {
        let first = into_agents_file("# House\n\nBe kind.\n", &document());
        assert!(
            first.starts_with("# House\n\nBe kind.\n\n<!-- ownership: start -->"),
            "{first}"
        );
        assert!(
            first.contains("- writes `output:slack/#billing`, one at a time with collections"),
            "{first}"
        );
        let again = into_agents_file(&format!("{first}\nEnd.\n"), &document());
        assert_eq!(again, format!("{first}\nEnd.\n"));
    }
}
