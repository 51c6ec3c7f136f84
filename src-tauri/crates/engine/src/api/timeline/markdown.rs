//! The timeline as Markdown: what is wrong with its witnesses, then what happened, in sentences. Signs of Markdown in what
//! agents wrote lose their meaning.

use domain::time;

use super::{Scene, events::sentence};
use crate::api::{
    views::{ExportView, TimelineFinding, TimelineView},
    wording::plain,
};

/// Facts that are written out; of more, the last ones.
const FACTS: usize = 500;

/// A stretch of time, or one finding of it with the facts of its agents.
pub(super) fn write(scene: &Scene, view: &TimelineView, finding: Option<&str>) -> ExportView {
    let mut text = format!("# {}\n\n", safe(&view.title));
    let (from, to) = (time::format(view.from), time::format(view.to));
    text.push_str(&format!(
        "From {from} to {to}, as Mission Control saw it.\n"
    ));
    if !view.pair.is_empty() {
        let names: Vec<_> = view
            .pair
            .iter()
            .map(|agent| safe(agent.agent.as_str()))
            .collect();
        text.push_str(&format!("\nAgents: {}.\n", names.join(" and ")));
    }
    let wanted: Vec<_> = view
        .findings
        .iter()
        .filter(|each| finding.is_none_or(|key| each.key == key))
        .collect();
    text.push_str("\n## Findings\n\n");
    if wanted.is_empty() {
        text.push_str("None.\n");
    }
    for each in &wanted {
        one(&mut text, each);
    }
    if finding.is_none() && view.more_findings > 0 {
        text.push_str(&format!("\n{} more are not listed.\n", view.more_findings));
    }
    text.push_str("\n## What happened\n\n");
    let agents: Vec<&String> = match finding {
        Some(_) => wanted.iter().flat_map(|each| &each.agents).collect(),
        None => view.pair.iter().map(|agent| &agent.key).collect(),
    };
    let facts: Vec<_> = scene
        .story
        .events
        .iter()
        .filter(|event| agents.is_empty() || agents.contains(&&super::key(&event.agent)))
        .collect();
    let left_out = facts.len().saturating_sub(FACTS);
    if left_out > 0 {
        text.push_str(&format!("The first {left_out} are left out.\n\n"));
    }
    if facts.is_empty() {
        text.push_str("Nothing.\n");
    }
    for event in facts.into_iter().skip(left_out) {
        let said = sentence(event, &scene.people);
        text.push_str(&format!("- `{}` {}\n", time::format(event.at), safe(&said)));
    }
    let stamp: String = to.chars().filter(char::is_ascii_digit).take(14).collect();
    ExportView {
        file_name: format!("timeline-{stamp}.md"),
        text,
        path: None,
    }
}

fn one(text: &mut String, finding: &TimelineFinding) {
    text.push_str(&format!("- **{}**\n", safe(&finding.summary.text)));
    let until = match finding.cleared_at {
        Some(at) => format!("until {}", time::format(at)),
        None => "still so".to_owned(),
    };
    text.push_str(&format!(
        "  - `{}`, since {}, {until}\n",
        finding.rule,
        time::format(finding.at)
    ));
    text.push_str(&format!("  - Why it matters: {}\n", finding.explanation));
    for witness in &finding.witnesses {
        // What was always so has no time.
        let at = witness.at.map(|at| format!("`{}` ", time::format(at)));
        let fact = &witness.evidence;
        text.push_str(&format!(
            "  - {}{} (line {}, `{}`)\n",
            at.unwrap_or_default(),
            safe(&witness.sentence.text),
            fact.line,
            fact.pointer.replace('`', "'")
        ));
    }
}

/// Text whose signs mean nothing to a reader of Markdown, on one line.
fn safe(text: &str) -> String {
    let mut out = String::new();
    for sign in plain(text).chars() {
        match sign {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' => {
                out.extend(['\\', sign])
            }
            _ => out.push(sign),
        }
    }
    out
}
