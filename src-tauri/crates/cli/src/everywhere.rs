//! The options of every command: how results are printed, where secrets and stored things are. Secrets come from the
//! environment only, because arguments can be read by every process of the machine.

use std::{ffi::OsString, path::PathBuf};

use agents::Credential;
use clap::Args;

use crate::Failure;

/// Options of every command.
#[derive(Args)]
pub(crate) struct Everywhere {
    /// Print JSON only.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Environment variable that holds a bearer token.
    #[arg(long, global = true, value_name = "NAME")]
    token_env: Option<String>,
    /// Environment variable that holds user:password.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "token_env")]
    basic_env: Option<String>,
    /// Data folder.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Everywhere {
    /// The secret for the endpoint, if one was named.
    pub(crate) fn credential(&self) -> Result<Option<Credential>, Failure> {
        let secret = |name: &String| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(value),
            Ok(_) => Err(Failure::Unusable(format!(
                "The environment variable {name} is empty."
            ))),
            Err(std::env::VarError::NotPresent) => Err(Failure::Unusable(format!(
                "The environment variable {name} is not set."
            ))),
            Err(std::env::VarError::NotUnicode(_)) => Err(Failure::Unusable(format!(
                "The environment variable {name} is not UTF-8 text."
            ))),
        };
        if let Some(name) = &self.token_env {
            return Ok(Some(Credential::Bearer(secret(name)?)));
        }
        let Some(name) = &self.basic_env else {
            return Ok(None);
        };
        let pair = secret(name)?;
        if !pair.contains(':') {
            return Err(Failure::Unusable(format!(
                "The environment variable {name} does not hold user:password."
            )));
        }
        Ok(Some(Credential::Basic(pair)))
    }

    /// Where everything is kept: as the app finds it.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        self.data
            .clone()
            .or_else(|| folder(std::env::consts::OS, &|name| std::env::var_os(name)))
            .ok_or_else(|| {
                Failure::Unusable("No home folder is known; name a folder with --data.".to_owned())
            })
    }
}

/// `environment` answers a variable's value; an empty one counts as unset.
fn folder(os: &str, environment: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let variable = |name: &str| {
        environment(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = variable("MISSION_CONTROL_DATA") {
        return Some(folder);
    }
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
        let found = folder(os, &value);
        assert_eq!(found, expected.map(PathBuf::from), "{os} {environment:?}");
    }

    #[test]
    fn data_are_looked_for_where_the_app_keeps_them() {
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
    }
}
