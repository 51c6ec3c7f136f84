//! Building the screens. They come before the app, because the app's binary contains them.

use crate::step::{self, Outcome, program, step};
use std::{fs, path::Path};

/// The oldest Node that the build tools of the screens run on.
const NODE: u32 = 20;

/// Exact packages of the lock file. Nothing a package brings is run while it is installed.
pub(crate) fn install(root: &Path) -> Outcome {
    if !root.join("ui/package.json").is_file() {
        return Ok(());
    }
    let version = step::output(&mut program("node", &["--version"]));
    if version
        .as_deref()
        .and_then(major)
        .is_none_or(|major| major < NODE)
    {
        let found = version.map_or("none was found".to_owned(), |version| {
            format!("{} was found", version.trim())
        });
        return Err(format!(
            "Node {NODE} or newer is needed to build the screens; {found}."
        ));
    }
    // npm removes and unpacks everything at each `ci`; an unchanged lock file needs neither.
    let lock = fs::read(root.join("ui/package-lock.json")).unwrap_or_default();
    let mark = root.join("ui/node_modules/.installed-lock.json");
    if !lock.is_empty() && fs::read(&mark).is_ok_and(|installed| installed == lock) {
        println!("==> Packages of the screens: already there");
        return Ok(());
    }
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    step(
        "Packages of the screens",
        program("npm", &arguments).current_dir(root.join("ui")),
    )?;
    fs::write(&mark, lock)
        .map_err(|error| format!("{} cannot be written: {error}.", mark.display()))
}

/// The pages that go into the binary. Before there are any, an empty page lets the app compile.
pub(crate) fn build(root: &Path) -> Outcome {
    if root.join("ui/package.json").is_file() {
        return npm(root, "build", "Screens: build");
    }
    let dist = root.join("ui/dist");
    fs::create_dir_all(&dist)
        .and_then(|()| {
            fs::write(
                dist.join("index.html"),
                "<!doctype html><title>Mission Control</title>",
            )
        })
        .map_err(|error| format!("{} cannot be written: {error}.", dist.display()))
}

/// Types, unit tests and the like. Nothing to do before there are screens.
pub(crate) fn check(root: &Path) -> Outcome {
    if !root.join("ui/package.json").is_file() {
        return Ok(());
    }
    npm(root, "check", "Screens: types")?;
    npm(root, "test", "Screens: tests")
}

/// Every screen in a real browser: readable in both themes, small, quiet, and obedient to keys.
pub(crate) fn walk(root: &Path) -> Outcome {
    if !root.join("ui/package.json").is_file() {
        return Ok(());
    }
    npm(root, "check:screens", "Screens: in a browser")
}

fn npm(root: &Path, script: &str, title: &str) -> Outcome {
    step(
        title,
        program("npm", &["run", script])
            .current_dir(root.join("ui"))
            .env("CI", "true"),
    )
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_major_number_of_node_is_read_from_what_node_prints() {
        for (printed, expected) in [
            ("v20.11.1\n", Some(20)),
            ("v9.0.0", Some(9)),
            ("node", None),
            ("", None),
        ] {
            assert_eq!(super::major(printed), expected, "{printed:?}");
        }
    }
}
