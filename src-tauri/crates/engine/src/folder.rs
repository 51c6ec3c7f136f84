//! Where everything is kept when the person names no folder: the same for the window and for the command line. Knows the
//! platforms' folders; makes none.

use std::{ffi::OsString, path::PathBuf};

/// The folder for everything, unless the person names one. `environment` answers a variable's value; an empty one counts as unset.
pub fn usual(os: &str, environment: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let variable = |name: &str| {
        environment(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = variable("MISSION_CONTROL_DATA") {
        return Some(folder);
    }
    // Where programs of each platform keep what belongs to one user.
    match os {
        "windows" => Some(variable("LOCALAPPDATA")?.join("Mission Control")),
        "macos" => Some(variable("HOME")?.join("Library/Application Support/Mission Control")),
        _ => Some(
            variable("XDG_DATA_HOME")
                .filter(|folder| folder.is_absolute())
                .or_else(|| Some(variable("HOME")?.join(".local/share")))?
                .join("mission-control"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(os: &str, environment: &[(&str, &str)], expected: Option<&str>) {
        let value = |name: &str| {
            let (_, value) = environment.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        };
        let found = usual(os, &value);
        assert_eq!(found, expected.map(PathBuf::from), "{os} {environment:?}");
    }

    #[test]
    fn the_variable_wins_over_the_usual_place_of_each_platform() {
        let home = ("HOME", "/home/ada");
        check(
            "linux",
            &[home],
            Some("/home/ada/.local/share/mission-control"),
        );
        check(
            "linux",
            &[home, ("XDG_DATA_HOME", "/x")],
            Some("/x/mission-control"),
        );
        check(
            "linux",
            &[home, ("XDG_DATA_HOME", "relative")],
            Some("/home/ada/.local/share/mission-control"),
        );
        check("linux", &[home, ("MISSION_CONTROL_DATA", "/b")], Some("/b"));
        check(
            "macos",
            &[home, ("MISSION_CONTROL_DATA", "")],
            Some("/home/ada/Library/Application Support/Mission Control"),
        );
        check("linux", &[], None);
        // A relative folder says nothing about where.
        check("linux", &[("XDG_DATA_HOME", "x")], None);
        for (os, expected) in [
            ("linux", "/h/.local/share/mission-control"),
            ("macos", "/h/Library/Application Support/Mission Control"),
            ("windows", "/l/Mission Control"),
        ] {
            check(
                os,
                &[("HOME", "/h"), ("LOCALAPPDATA", "/l")],
                Some(expected),
            );
        }
    }
}
