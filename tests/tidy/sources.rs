//! What may not be written, and where.

use super::{
    check,
    files::{Source, sources},
};

/// `path:line` of every line that the rule finds.
fn lines(
    sources: &[Source],
    of: impl Fn(&Source) -> bool,
    bad: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| of(source)) {
        for (number, line) in source.text.lines().enumerate() {
            if bad(line) {
                found.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    found
}

fn is_screen(source: &Source) -> bool {
    source.path.starts_with("ui/src/") || source.path == "ui/index.html"
}

#[test]
fn text_never_becomes_html() {
    // Put together here, so that this file does not find itself.
    let sinks = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "new Function",
        "DOMParser",
        "createContextualFragment",
        "{@html",
        "srcdoc",
    ];
    let evaluates = |line: &str| {
        line.match_indices("eval(").any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
        })
    };
    check(
        "Agents write text; it is drawn as text nodes.",
        lines(&sources(), is_screen, |line| {
            sinks.iter().any(|sink| line.contains(sink)) || evaluates(line)
        }),
    );
}

#[test]
fn only_the_shell_knows_tauri() {
    let elsewhere =
        |source: &Source| source.is("rs") && source.path.starts_with("src-tauri/crates/");
    check(
        "Only src-tauri/src names Tauri.",
        lines(&sources(), elsewhere, |line| line.contains("tauri::")),
    );
    let import = |line: &str| {
        line.contains("@tauri-apps")
            && (line.contains("from ") || line.contains("import"))
            && !line.trim_start().starts_with("//")
    };
    check(
        "Only ui/src/api/tauri.ts imports @tauri-apps.",
        lines(
            &sources(),
            |source| is_screen(source) && source.path != "ui/src/api/tauri.ts",
            import,
        ),
    );
}

#[test]
fn every_table_is_strict() {
    let mut loose = Vec::new();
    for source in sources() {
        if !source.path.starts_with("src-tauri/crates/store/src/") {
            continue;
        }
        for statement in source.text.split("CREATE TABLE ").skip(1) {
            let end = statement.find([';', '"']).unwrap_or(statement.len());
            let name = statement.split([' ', '(', '\n']).next().unwrap_or_default();
            if !statement[..end].contains("STRICT") {
                loose.push(format!("{}: {name}", source.path));
            }
        }
    }
    check("SQLite checks types only in STRICT tables.", loose);
}

#[test]
fn sql_is_written_only_in_the_store() {
    check(
        "Only the store names SQL.",
        lines(
            &sources(),
            |source| {
                source.is("rs")
                    && source.path.starts_with("src-tauri/")
                    && !source.path.starts_with("src-tauri/crates/store/")
            },
            |line| {
                line.contains("rusqlite")
                    || line.contains("INSERT INTO ")
                    || line.contains("SELECT * ")
            },
        ),
    );
}
