//! Tasks, findings and questions by their words. The index follows the tables by triggers; nothing is written here. What is
//! typed is never a query of its own: only words are taken from it.

use rusqlite::params;

use crate::{Reader, Result, sql};

/// The most words that are looked for, and the longest word.
const WORDS: usize = 12;
const LONGEST: usize = 64;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRow {
    /// `task`, `finding` or `question`.
    pub kind: String,
    /// Endpoint; empty for a finding.
    pub endpoint: String,
    /// Id of the task or question, episode of the finding.
    pub item: String,
    /// The title as it was told last.
    pub title: String,
}

/// What has all the words, the last of them as a beginning; best first, a title before what else is said. `kinds` is one of
/// the words of [`TextRow::kind`], or empty for all.
pub fn search(reader: &Reader, typed: &str, kind: &str, limit: u32) -> Result<Vec<TextRow>> {
    let Some(wanted) = wanted(typed) else {
        return Ok(vec![]);
    };
    sql::all(
        reader,
        "SELECT texts.kind, texts.endpoint, texts.item, texts_words.title FROM texts_words JOIN texts ON texts.id = texts_words.rowid
         WHERE texts_words MATCH ?1 AND (?2 = '' OR texts.kind = ?2) ORDER BY bm25(texts_words, 4.0, 1.0), texts.id DESC LIMIT ?3",
        params![wanted, kind, limit],
        |row| {
            Ok(TextRow {
                kind: row.get(0)?,
                endpoint: row.get(1)?,
                item: row.get(2)?,
                title: row.get(3)?,
            })
        },
    )
}

/// The question to the index: each word in quotes, each as a beginning. None without a word.
fn wanted(typed: &str) -> Option<String> {
    let words: Vec<String> = typed
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(|word| {
            let word: String = word.chars().take(LONGEST).collect();
            format!("\"{word}\"*")
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
