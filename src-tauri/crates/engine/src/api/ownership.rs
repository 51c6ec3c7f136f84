//! The ownership screen: the saved document, the draft, versions, import and export.
//!
//! What rules mean and whether they are right is `domain::ownership`'s. Saving is in two halves, so that the engine can
//! put the new rules into the log in the same transaction: [`ready_to_save`], then [`commit_save`].

use std::{io::Write, path::Path};

use domain::{
    ownership::{
        Ownership, diff,
        edit::{Edit, draft::Draft},
        lint,
        pattern::Index,
        text,
    },
    time::Time,
};
use store::{Reader, Tx, private, tables};

use super::{
    ApiError,
    views::{
        DraftView, EditView, ExportRequest, ExportView, ImportRequest, LintView, OwnershipView,
        RevisionRequest, RuledView, SaveRequest, VersionView,
    },
    wording::count,
};
use crate::live::Present;

mod edits;
mod matrix;

use matrix::Fleet;

/// Of a command that reads.
type Answer<T> = Result<T, ApiError>;
/// Of a command that runs in a write transaction: refused is not failed.
type Written<T> = store::Result<Answer<T>>;

/// Everything about the saved document and, if there is one, the draft.
pub fn view(reader: &Reader, now: Time, present: &Present) -> Answer<OwnershipView> {
    let current = tables::ownership::current(reader)?;
    let fleet = Fleet::read(reader, now, present)?;
    let (document, revision, saved_at) = match current {
        Some(version) => (version.document, version.revision, Some(version.saved_at)),
        None => (Ownership::default(), 0, None),
    };
    let draft = stored_draft(reader)?;
    let shown = draft.as_ref().map_or(&document, |draft| &draft.document);
    let columns = fleet.columns(&[&document, shown]);
    let lint = fleet.lint(&document, &columns, &document);
    let draft = draft.map(|draft| draft_view(&fleet, &columns, &document, &draft));
    let title = title(
        &draft.as_ref().map_or(&lint, |draft| &draft.lint).clone(),
        draft.as_ref(),
        &document,
    );
    Ok(OwnershipView {
        title,
        revision,
        saved_at,
        seen: fleet.seen_views(&document),
        agents: fleet.agent_views(&columns),
        document,
        versions: versions(reader)?,
        lint,
        draft,
    })
}

/// How many conflicts the title of the screen counts: of the draft, or else of what is in force.
pub fn conflicts(reader: &Reader) -> store::Result<u32> {
    let document = draft(reader)?.document;
    let agents = matrix::known_agents(reader, &Present::default())?;
    let known = lint::Known {
        agents,
        usage: None,
    };
    let blocks = lint::blocking(&lint::lint(&document, &known));
    Ok(u32::try_from(blocks).unwrap_or(u32::MAX))
}

/// The rules that cover a resource, in the draft or else in what is in force.
pub fn ruled_by(reader: &Reader, resource: &str) -> Answer<RuledView> {
    let document = draft(reader)?.document;
    let index = Index::new(document.rules.iter().map(|rule| rule.resource.as_str()));
    let rules = index.matching(resource).into_iter();
    Ok(RuledView {
        rules: rules.filter_map(|at| u32::try_from(at).ok()).collect(),
    })
}

/// One saved version as it was, with what it changed.
pub fn version(
    reader: &Reader,
    now: Time,
    present: &Present,
    asked: &RevisionRequest,
) -> Answer<OwnershipView> {
    let version = saved(reader, asked.revision)?;
    let before = match asked.revision.checked_sub(1) {
        Some(earlier) => {
            tables::ownership::version(reader, earlier)?.map(|version| version.document)
        }
        None => None,
    };
    let fleet = Fleet::read(reader, now, present)?;
    let columns = fleet.columns(&[&version.document]);
    let lint = fleet.lint(&version.document, &columns, &before.unwrap_or_default());
    Ok(OwnershipView {
        title: format!("Version {}: {}", version.revision, version.sentence),
        revision: version.revision,
        saved_at: Some(version.saved_at),
        seen: vec![],
        agents: fleet.agent_views(&columns),
        document: version.document,
        versions: versions(reader)?,
        lint,
        draft: None,
    })
}

/// One edit of the draft, which begins with the first one.
pub fn edit(tx: &Tx<'_>, now: Time, present: &Present, asked: &EditView) -> Written<DraftView> {
    match asked.kind.as_str() {
        "discard" => {
            tables::ownership::set_draft(tx, None)?;
            let draft = draft(tx)?;
            answer(tx, now, present, &draft).map(Ok)
        }
        "undo" | "redo" => {
            let mut draft = draft(tx)?;
            let back = asked.kind == "undo";
            if !(if back { draft.undo() } else { draft.redo() }) {
                return Ok(Err(ApiError::new(
                    "invalid",
                    if back {
                        "There is nothing to undo."
                    } else {
                        "There is nothing to redo."
                    },
                )));
            }
            keep(tx, now, present, &draft)
        }
        _ => match edits::read(asked, now) {
            Ok(edit) => change(tx, now, present, &edit),
            Err(refused) => Ok(Err(refused)),
        },
    }
}

/// Puts a document from outside into the draft.
pub fn import(
    tx: &Tx<'_>,
    now: Time,
    present: &Present,
    asked: &ImportRequest,
) -> Written<DraftView> {
    match text::read(&asked.text) {
        Ok(document) => change(
            tx,
            now,
            present,
            &Edit::Replace {
                document: Box::new(document),
                from: "import".into(),
            },
        ),
        Err(error) => Ok(Err(ApiError::new("unreadable", error.to_string()))),
    }
}

/// Puts an earlier version into the draft; saving makes it the newest.
pub fn restore(
    tx: &Tx<'_>,
    now: Time,
    present: &Present,
    asked: &RevisionRequest,
) -> Written<DraftView> {
    match saved(tx, asked.revision) {
        Ok(version) => {
            let from = format!("version {}", version.revision);
            change(
                tx,
                now,
                present,
                &Edit::Replace {
                    document: Box::new(version.document),
                    from,
                },
            )
        }
        Err(refused) => Ok(Err(refused)),
    }
}

/// The document (the draft, if there is one, unless a revision is asked for) in another form.
pub fn export(reader: &Reader, asked: &ExportRequest) -> Answer<ExportView> {
    let document = match asked.revision {
        Some(revision) => saved(reader, revision)?.document,
        None => draft(reader)?.document,
    };
    let (file_name, text) = match asked.format.as_str() {
        "toml" => ("ownership.toml", text::write(&document)),
        "markdown" => ("ownership.md", text::export::markdown(&document)),
        "codeowners" => ("CODEOWNERS", text::export::codeowners(&document)),
        "agents-md" => ("AGENTS.md", text::export::agents_section(&document)),
        _ => return Err(ApiError::new("invalid", "There is no such form to export.")),
    };
    Ok(ExportView {
        file_name: file_name.into(),
        text,
        path: None,
    })
}

/// Writes an export into a folder, over the one of that name and never half, and says where it is.
pub fn write_export(folder: &Path, view: ExportView) -> Answer<ExportView> {
    let path = folder.join(&view.file_name);
    let part = folder.join(format!(".{}.part", view.file_name));
    let write = || {
        let mut options = private::options();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)?;
        file.write_all(view.text.as_bytes())
    };
    let written = private::make_folder(folder)
        .and_then(|()| write())
        .and_then(|()| std::fs::rename(&part, &path));
    match written {
        Ok(()) => Ok(ExportView {
            path: Some(path.display().to_string()),
            ..view
        }),
        Err(_) => Err(ApiError::new(
            "store",
            format!("The file could not be written to {}.", folder.display()),
        )),
    }
}

/// What is to be saved, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    base_revision: u64,
    /// The rules as they will be in force.
    pub document: Ownership,
    /// What changed, as it will stand in the list of versions.
    pub sentence: String,
}

/// First half of saving: is there a draft, is it based on what is in force, does nothing block it?
pub fn ready_to_save(reader: &Reader, asked: &SaveRequest) -> Answer<Ready> {
    let current = tables::ownership::current(reader)?;
    let revision = current.as_ref().map_or(0, |version| version.revision);
    if revision != asked.base_revision {
        return Err(ApiError::new(
            "changed",
            format!("Version {revision} was saved meanwhile. Nothing was saved now."),
        ));
    }
    let Some(draft) = stored_draft(reader)? else {
        return Err(ApiError::new("missing", "There is no draft to save."));
    };
    let agents = matrix::known_agents(reader, &Present::default())?;
    let issues = lint::lint(
        &draft.document,
        &lint::Known {
            agents,
            usage: None,
        },
    );
    match lint::blocking(&issues) {
        0 => {}
        1 => return Err(ApiError::new("blocked", issues[0].message.clone())),
        many => {
            return Err(ApiError::new(
                "blocked",
                format!("{} And {} more.", issues[0].message, many - 1),
            ));
        }
    }
    let before = current.map(|version| version.document).unwrap_or_default();
    let own = asked
        .sentence
        .as_deref()
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty());
    let sentence = own.map_or_else(|| diff::summary(&before, &draft.document), str::to_owned);
    Ok(Ready {
        base_revision: revision,
        document: draft.document,
        sentence,
    })
}

/// Second half: the new version, and no draft any more. Answers its revision.
pub fn commit_save(tx: &Tx<'_>, now: Time, ready: &Ready) -> Written<u64> {
    let saved = tables::ownership::save(
        tx,
        now,
        ready.base_revision,
        &ready.document,
        &ready.sentence,
    )?;
    let Some(revision) = saved else {
        return Ok(Err(ApiError::new(
            "changed",
            "Another version was saved meanwhile. Nothing was saved now.",
        )));
    };
    tables::ownership::set_draft(tx, None)?;
    Ok(Ok(revision))
}

/// The rules were changed beside the draft, which goes on from there.
pub fn follow(
    tx: &Tx<'_>,
    revision: u64,
    before: &Ownership,
    after: &Ownership,
) -> store::Result<()> {
    let Some(mut draft) = stored_draft(tx)? else {
        return Ok(());
    };
    draft.follow(revision, before, after);
    let content = serde_json::to_value(&draft)?;
    tables::ownership::set_draft(tx, Some((revision, &content)))
}

fn saved(reader: &Reader, revision: u64) -> Answer<tables::ownership::Version> {
    tables::ownership::version(reader, revision)?
        .ok_or_else(|| ApiError::new("missing", format!("There is no version {revision}.")))
}

fn versions(reader: &Reader) -> store::Result<Vec<VersionView>> {
    let all = tables::ownership::versions(reader, 100)?;
    Ok(all
        .into_iter()
        .map(|version| VersionView {
            revision: version.revision,
            saved_at: version.saved_at,
            sentence: version.sentence,
            hash: version.hash,
        })
        .collect())
}

/// The stored draft; one that cannot be read any more is none.
fn stored_draft(reader: &Reader) -> store::Result<Option<Draft>> {
    let stored = tables::ownership::draft(reader)?;
    Ok(stored.and_then(|(_, content)| serde_json::from_value(content).ok()))
}

/// The stored draft, or a new one on what is in force.
fn draft(reader: &Reader) -> store::Result<Draft> {
    if let Some(draft) = stored_draft(reader)? {
        return Ok(draft);
    }
    Ok(match tables::ownership::current(reader)? {
        Some(version) => Draft::new(version.revision, version.document),
        None => Draft::new(0, Ownership::default()),
    })
}

fn change(tx: &Tx<'_>, now: Time, present: &Present, edit: &Edit) -> Written<DraftView> {
    let mut draft = draft(tx)?;
    if let Err(refused) = draft.edit(edit) {
        return Ok(Err(ApiError::new("invalid", refused.to_string())));
    }
    keep(tx, now, present, &draft)
}

fn keep(tx: &Tx<'_>, now: Time, present: &Present, draft: &Draft) -> Written<DraftView> {
    let content = match serde_json::to_value(draft) {
        Ok(content) => content,
        Err(_) => return Ok(Err(ApiError::new("invalid", "This draft cannot be kept."))),
    };
    tables::ownership::set_draft(tx, Some((draft.base_revision, &content)))?;
    answer(tx, now, present, draft).map(Ok)
}

fn answer(
    reader: &Reader,
    now: Time,
    present: &Present,
    draft: &Draft,
) -> store::Result<DraftView> {
    let base = tables::ownership::current(reader)?
        .map(|version| version.document)
        .unwrap_or_default();
    let fleet = Fleet::read(reader, now, present)?;
    let columns = fleet.columns(&[&base, &draft.document]);
    Ok(draft_view(&fleet, &columns, &base, draft))
}

fn draft_view(
    fleet: &Fleet,
    columns: &matrix::Columns,
    base: &Ownership,
    draft: &Draft,
) -> DraftView {
    DraftView {
        base_revision: draft.base_revision,
        document: draft.document.clone(),
        lint: fleet.lint(&draft.document, columns, base),
        summary: diff::summary(base, &draft.document),
        can_undo: draft.can_undo().map(str::to_owned),
        can_redo: draft.can_redo().map(str::to_owned),
    }
}

/// The answer to "who may do what, and where do rules collide?".
fn title(lint: &LintView, draft: Option<&DraftView>, document: &Ownership) -> String {
    let count =
        |n: usize, one: &str, many: &str| count(u32::try_from(n).unwrap_or(u32::MAX), one, many);
    let blocks = lint.blocks as usize;
    if draft.is_some() && blocks > 0 {
        let verb = if blocks == 1 { "blocks" } else { "block" };
        return format!(
            "{} {verb} this draft",
            count(blocks, "conflict", "conflicts")
        );
    }
    let rules = draft.map_or(document, |draft| &draft.document).rules.len();
    if rules == 0 && blocks == 0 {
        return "No rules yet".into();
    }
    let conflicts = if blocks == 0 {
        "no conflicts".into()
    } else {
        count(blocks, "conflict", "conflicts")
    };
    let unowned = lint.unowned as usize;
    let unowned = if unowned == 0 {
        String::new()
    } else {
        format!(", {} unowned", count(unowned, "resource", "resources"))
    };
    format!("{}, {conflicts}{unowned}", count(rules, "rule", "rules"))
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
