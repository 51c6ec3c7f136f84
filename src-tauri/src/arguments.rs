//! What may be written after the program's name, and where its data are kept.

use crate::error::StartError;
use std::{ffi::OsString, path::PathBuf};

pub(crate) const USAGE: &str = "\
mission-control [--data DIR]

  --data DIR   keep everything in DIR instead of the user's data folder
               (MISSION_CONTROL_DATA=DIR does the same)
  --version    print the version
  --help       print this";

#[derive(Debug, PartialEq)]
pub(crate) enum Wish {
    Open { folder: PathBuf },
    Say(String),
}

/// `environment` answers a variable's value; an empty one counts as unset.
pub(crate) fn read(
    mut arguments: impl Iterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Wish, StartError> {
    let mut folder = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Wish::Say(USAGE.to_owned())),
            Some("--version" | "-V") => {
                return Ok(Wish::Say(format!(
                    "Mission Control {}",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Some("--data") => match arguments.next().filter(|value| !value.is_empty()) {
                Some(value) => folder = Some(PathBuf::from(value)),
                None => return Err(StartError::Arguments("--data needs a folder.".to_owned())),
            },
            _ => {
                return Err(StartError::Arguments(format!(
                    "{} is not known here.",
                    argument.to_string_lossy()
                )));
            }
        }
    }
    folder
        .or_else(|| engine::folder::usual(std::env::consts::OS, &environment))
        .map(|folder| Wish::Open { folder })
        .ok_or_else(|| {
            StartError::Arguments("No home folder is known; name a folder with --data.".to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], environment: &[(&str, &str)], expected: &str) {
        let value = |name: &str| {
            let (_, value) = environment.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        };
        let got = match read(arguments.iter().map(OsString::from), value) {
            Ok(Wish::Open { folder }) => folder.display().to_string(),
            Ok(Wish::Say(text)) => text.lines().next().unwrap_or_default().to_owned(),
            Err(problem) => problem
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        assert_eq!(got, expected, "{arguments:?} {environment:?}");
    }

    #[test]
    fn a_named_folder_wins_over_the_variable_and_that_over_the_usual_place() {
        let all = [("MISSION_CONTROL_DATA", "/b"), ("HOME", "/home/ada")];
        check(&["--data", "/a"], &all, "/a");
        check(&[], &all, "/b");
        if cfg!(target_os = "linux") {
            check(
                &[],
                &[("MISSION_CONTROL_DATA", ""), ("HOME", "/home/ada")],
                "/home/ada/.local/share/mission-control",
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        check(&["--data"], &[], "--data needs a folder.");
        check(&["--port"], &[], "--port is not known here.");
        check(
            &["--version"],
            &[],
            concat!("Mission Control ", env!("CARGO_PKG_VERSION")),
        );
    }
}
