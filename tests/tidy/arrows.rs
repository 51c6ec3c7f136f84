//! Which crate may know which: read from the manifests, because that is what the compiler enforces.

use super::check;
use std::{collections::BTreeMap, fs};
use toml::Table;

/// The crates of the workspace that each may know, in reading order.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("agents", &["domain"]),
    ("engine", &["domain", "store", "agents"]),
    ("cli", &["domain", "store", "agents", "engine"]),
    ("xtask", &[]),
];
/// What only one crate may bring in, and what it is for.
const OWNED: &[(&str, &str)] = &[
    ("rusqlite", "store"),
    ("reqwest", "agents"),
    ("tauri", "mission-control"),
    ("clap", "cli"),
    ("keyring-core", "engine"),
];
/// A crate without I/O has no use for these.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "tauri",
    "tempfile",
    "futures-util",
];

/// Dependencies of a manifest by name, for the tests too.
fn dependencies(path: &str) -> Vec<String> {
    let text = fs::read_to_string(mission_tests::root().join(path)).expect("a manifest");
    let manifest: Table = text.parse().expect("valid TOML");
    let mut names = Vec::new();
    for section in ["dependencies", "build-dependencies"] {
        names.extend(
            manifest
                .get(section)
                .and_then(|found| found.as_table())
                .into_iter()
                .flat_map(Table::keys)
                .cloned(),
        );
    }
    names
}

fn crates() -> BTreeMap<&'static str, Vec<String>> {
    let inner = ARROWS
        .iter()
        .map(|(name, _)| (*name, format!("src-tauri/crates/{name}/Cargo.toml")));
    let app = ("mission-control", "src-tauri/Cargo.toml".to_owned());
    inner
        .chain([app])
        .map(|(name, path)| (name, dependencies(&path)))
        .collect()
}

#[test]
fn a_crate_knows_only_those_below_it() {
    let all = crates();
    let mut wrong = Vec::new();
    for (name, allowed) in ARROWS {
        for other in &all[name] {
            let ours = ARROWS.iter().any(|(known, _)| known == other) || other == "mission-control";
            if ours && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{name} -> {other}"));
            }
        }
    }
    check("A crate exists to forbid a dependency.", wrong);
}

#[test]
fn what_touches_the_world_stands_in_one_crate() {
    let mut wrong = Vec::new();
    for (name, dependencies) in crates() {
        for (library, owner) in OWNED {
            if name != *owner && dependencies.iter().any(|found| found == library) {
                wrong.push(format!("{name} -> {library}, which is for {owner}"));
            }
        }
        if name == "domain" {
            let impure = dependencies
                .iter()
                .filter(|found| IMPURE.contains(&found.as_str()));
            wrong.extend(impure.map(|found| format!("domain -> {found}, which does I/O")));
        }
    }
    check("Each way to the outside has one owner.", wrong);
}

#[test]
fn the_set_up_starts_without_libraries() {
    let dependencies = dependencies("src-tauri/crates/xtask/Cargo.toml");
    check(
        "xtask has to start in seconds on a fresh machine.",
        dependencies,
    );
}
