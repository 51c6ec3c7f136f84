//! The options of every command: how results are printed, where secrets and stored things are. Secrets come from the
//! environment only, because arguments can be read by every process of the machine.

use std::path::PathBuf;

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
            .or_else(|| engine::folder::usual(std::env::consts::OS, &|name| std::env::var_os(name)))
            .ok_or_else(|| {
                Failure::Unusable("No home folder is known; name a folder with --data.".to_owned())
            })
    }
}
