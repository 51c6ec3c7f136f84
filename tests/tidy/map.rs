//! The README's picture of the folders against the folders.

use super::check;
use std::{collections::BTreeSet, fs};

/// Folders named in the block that begins with `Cargo.toml`, as paths: indentation is depth.
fn drawn(readme: &str) -> BTreeSet<String> {
    let block = readme
        .split("```")
        .find(|block| block.trim_start().starts_with("Cargo.toml"));
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut found = BTreeSet::new();
    for line in block.unwrap_or_default().lines() {
        let depth = line.len() - line.trim_start().len();
        let name = line.split_whitespace().next().unwrap_or_default();
        let Some(name) = name.strip_suffix('/') else {
            continue;
        };
        open.retain(|(outer, _)| *outer < depth);
        let path = open
            .iter()
            .map(|(_, name)| name.as_str())
            .chain([name])
            .collect::<Vec<_>>()
            .join("/");
        open.push((depth, name.to_owned()));
        found.insert(path);
    }
    found
}

fn folders(path: &str) -> Vec<String> {
    let ignored = ["target", "node_modules"];
    fs::read_dir(mission_tests::root().join(path))
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !ignored.contains(&name.as_str()))
        .collect()
}

#[test]
fn the_readme_draws_the_folders_that_are_there() {
    let root = mission_tests::root();
    let readme = fs::read_to_string(root.join("README.md")).expect("a README");
    let drawn = drawn(&readme);
    check(
        "The README draws a folder that is not there.",
        drawn
            .iter()
            .filter(|path| !root.join(path).is_dir())
            .cloned(),
    );
    let crates = folders("src-tauri/crates")
        .into_iter()
        .map(|name| format!("src-tauri/crates/{name}"));
    check(
        "The README does not draw a folder that is there.",
        folders("")
            .into_iter()
            .chain(crates)
            .filter(|path| !drawn.contains(path)),
    );
}

#[test]
fn a_picture_of_folders_is_read_by_its_indentation() {
    let picture = "```\nCargo.toml  x\na/   one\n  b/c/  two\n  d/\ne/\n```";
    let expected = ["a", "a/b/c", "a/d", "e"].map(str::to_owned);
    assert_eq!(drawn(picture), BTreeSet::from(expected));
}
