//! Where the logins of endpoints are kept: the computer's keychain, memory until the end of the process, or a file that
//! only this account can read, when the person chose it. The store holds a reference; screens get a sentence.
//!
//! A login is bound to the origin it was entered for: for another address it is never handed out. Which place is used is
//! the person's choice and never changes silently.

mod files;
mod keychain;

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agents::Credential;
use domain::fact::{PollError, PollErrorKind};
use serde::{Deserialize, Serialize};

use self::{files::Files, keychain::Keychain};
use crate::api::ApiError;

/// Stored of an endpoint without a login.
pub(crate) const NONE: &str = "none";

/// Where a login is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The keychain of the computer.
    Keychain,
    /// Memory, until the process ends.
    Session,
    /// A file, unencrypted.
    File,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Keychain, Self::Session, Self::File];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Session => "session",
            Self::File => "file",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.word() == word)
    }
}

/// What the store holds of a login: where it is, what sort it is, and its name there. Never the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) place: Place,
    is_token: bool,
    name: String,
}

impl Reference {
    /// From the store; `None` = no login. Older rows hold a sentence: those were in memory only and are gone.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text == NONE || text.is_empty() {
            return None;
        }
        let mut words = text.splitn(3, ':');
        let known = words.next().and_then(Place::read).zip(words.next());
        Some(match (known, words.next()) {
            (Some((place, sort)), Some(name)) => Self {
                place,
                is_token: sort == "token",
                name: name.to_owned(),
            },
            _ => Self {
                place: Place::Session,
                is_token: !text.contains("password"),
                name: String::new(),
            },
        })
    }

    /// For a person.
    pub(crate) fn sentence(&self) -> String {
        let sort = if self.is_token {
            "A token"
        } else {
            "A user name and password"
        };
        let place = match self.place {
            Place::Keychain => "kept in this computer's keychain",
            Place::Session => "kept until Mission Control is closed",
            Place::File => "kept unencrypted in a file that only your account can read",
        };
        format!("{sort}, {place}")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = if self.is_token { "token" } else { "password" };
        write!(f, "{}:{sort}:{}", self.place.word(), self.name)
    }
}

/// What is said to a person of the login that a row refers to.
pub(crate) fn sentence(stored: &str) -> String {
    Reference::read(stored).map_or_else(|| NONE.to_owned(), |reference| reference.sentence())
}

/// A login with the origin it belongs to, as it is written where it is kept. No `Debug`: it is never printed.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basic: Option<String>,
}

/// Scheme, host and port of an address; `None` when it has none.
pub(crate) fn origin(url: &str) -> Option<String> {
    domain::link::origin(url)
}

/// Logins of one data folder. Clones share it.
#[derive(Clone)]
pub(crate) struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    session: Mutex<BTreeMap<String, Kept>>,
    keychain: Keychain,
    /// `None` = neither keychain nor files: what a demo is given ends with it.
    files: Option<Files>,
}

impl Secrets {
    /// The logins of a data folder. Touches nothing yet.
    pub(crate) fn new(dir: &Path) -> Self {
        Self::over(Some(Files::below(dir)))
    }

    /// Only in memory.
    pub(crate) fn session_only() -> Self {
        Self::over(None)
    }

    fn over(files: Option<Files>) -> Self {
        Self {
            inner: Arc::new(Inner {
                session: Mutex::default(),
                keychain: Keychain::default(),
                files,
            }),
        }
    }

    fn session(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.inner
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the keychain cannot be used, in a sentence.
    pub(crate) async fn without_keychain(&self) -> Option<String> {
        if self.inner.files.is_none() {
            return Some("The demo keeps nothing.".to_owned());
        }
        self.inner.keychain.look().await.err()
    }

    /// Whether files can be used.
    pub(crate) fn has_files(&self) -> bool {
        self.inner.files.is_some()
    }

    /// Keeps a login for the origin of `url`. Without a chosen place it goes to the keychain, or nowhere.
    pub(crate) async fn keep(
        &self,
        place: Option<Place>,
        url: &str,
        credential: &Credential,
    ) -> Result<Reference, ApiError> {
        let refused = |sentence: String| ApiError::new("invalid", sentence);
        let origin =
            origin(url).ok_or_else(|| refused("This is not a whole web address.".into()))?;
        let place = match (place, &self.inner.files) {
            (_, None) => Place::Session,
            (Some(place), _) => place,
            (None, _) => Place::Keychain,
        };
        let reference = Reference {
            place,
            is_token: matches!(credential, Credential::Bearer(_)),
            name: uuid::Uuid::now_v7().to_string(),
        };
        let label = format!("Mission Control: login for {origin}");
        let kept = match credential.clone() {
            Credential::Bearer(token) => Kept {
                origin,
                token: Some(token),
                basic: None,
            },
            Credential::Basic(pair) => Kept {
                origin,
                token: None,
                basic: Some(pair),
            },
        };
        let name = reference.name.clone();
        match (place, &self.inner.files) {
            (Place::Session, _) | (_, None) => {
                self.session().insert(name, kept);
            }
            (Place::Keychain, _) => {
                let text = written(&kept)?;
                self.inner
                    .keychain
                    .write(name, label, text)
                    .await
                    .map_err(|why| {
                        refused(format!(
                            "The login could not be put into the keychain, so nothing was changed. {why}"
                        ))
                    })?;
            }
            (Place::File, Some(files)) => files
                .write(&name, &written(&kept)?)
                .map_err(|_| refused("The login could not be written to a file.".into()))?,
        }
        Ok(reference)
    }

    /// The login a row refers to, for that address; `Err` when it should be there and is not.
    pub(crate) async fn of(
        &self,
        stored: &str,
        url: &str,
    ) -> Result<Option<Credential>, PollError> {
        let Some(reference) = Reference::read(stored) else {
            return Ok(None);
        };
        let kept = match (reference.place, &self.inner.files) {
            (Place::Session, _) | (_, None) => self.session().get(&reference.name).cloned().ok_or(
                "Its login was kept only until Mission Control was closed. Enter it again."
                    .to_owned(),
            ),
            (Place::Keychain, _) => match self.inner.keychain.read(reference.name).await {
                Ok(Some(text)) => read(&text),
                Ok(None) => {
                    Err("Its login is no longer in the keychain. Enter it again.".to_owned())
                }
                Err(why) => Err(format!("Its login could not be read. {why}")),
            },
            (Place::File, Some(files)) => match files.read(&reference.name) {
                Ok(text) => read(&text),
                Err(_) => Err("The file with its login is gone. Enter it again.".to_owned()),
            },
        }
        .map_err(absent)?;
        if origin(url).as_deref() != Some(kept.origin.as_str()) {
            return Err(absent(
                "Its login belongs to another address and was not sent. Enter it again.".to_owned(),
            ));
        }
        Ok(kept
            .token
            .map(Credential::Bearer)
            .or(kept.basic.map(Credential::Basic)))
    }

    /// Takes a login out of where it is. What cannot be reached now stays there; nobody refers to it any more.
    pub(crate) async fn forget(&self, stored: &str) {
        let Some(reference) = Reference::read(stored) else {
            return;
        };
        match (reference.place, &self.inner.files) {
            (Place::Session, _) | (_, None) => {
                self.session().remove(&reference.name);
            }
            (Place::Keychain, _) => self.inner.keychain.remove(reference.name).await,
            (Place::File, Some(files)) => files.remove(&reference.name),
        }
    }
}

fn written(kept: &Kept) -> Result<String, ApiError> {
    serde_json::to_string(kept)
        .map_err(|_| ApiError::new("invalid", "The login has characters that cannot be kept."))
}

fn read(text: &str) -> Result<Kept, String> {
    serde_json::from_str(text)
        .map_err(|_| "Its login was changed from outside. Enter it again.".to_owned())
}

/// Nothing was sent, because the login is not there.
fn absent(detail: String) -> PollError {
    PollError {
        kind: PollErrorKind::Connect,
        http_status: None,
        retry_after_seconds: None,
        detail: Some(detail),
    }
}

#[cfg(test)]
mod tests;
