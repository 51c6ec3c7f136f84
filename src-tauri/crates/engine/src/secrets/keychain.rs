//! The computer's keychain: the Secret Service on Linux, Keychain Services on macOS, the Credential Manager on Windows.
//!
//! It may ask the person to unlock it, and then answers when they have; or never. So one thread of its own talks to it,
//! and whoever waits does so for a limited time. It is not touched before a login is kept or somebody asks for it.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use keyring_core::{CredentialStore, Entry, Error};
use tokio::{sync::oneshot, time::timeout};

/// The name all our entries go by; each has a name of its own besides.
const OURS: &str = "Mission Control";
/// For finding out whether there is one.
const LOOK: Duration = Duration::from_secs(3);
/// For a person who is asked to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);

type Job = Box<dyn FnOnce(&mut Door) + Send>;
type Reply<T> = Result<T, String>;

/// The way to the keychain.
#[derive(Default)]
pub(super) struct Keychain {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Keychain {
    /// Whether it can be used; if not, why, in a sentence.
    pub(super) async fn look(&self) -> Reply<()> {
        self.ask(LOOK, |door, _| {
            match door.entry("look", None, Entry::get_secret) {
                Ok(_) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// The text of an entry, `None` when there is none.
    pub(super) async fn read(&self, name: String) -> Reply<Option<String>> {
        self.ask(PATIENCE, move |door, _| {
            match door.entry(&name, None, Entry::get_password) {
                Ok(text) => Ok(Some(text)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Makes an entry. One that is made after nobody waited any more is taken out again.
    pub(super) async fn write(&self, name: String, label: String, text: String) -> Reply<()> {
        self.ask(PATIENCE, move |door, is_late| {
            door.entry(&name, Some(&label), |entry| entry.set_password(&text))?;
            if is_late() {
                door.entry(&name, None, Entry::delete_credential)?;
            }
            Ok(())
        })
        .await
    }

    /// Removes an entry; one that is not there is removed.
    pub(super) async fn remove(&self, name: String) {
        let _ = self
            .ask(PATIENCE, move |door, _| {
                door.entry(&name, None, Entry::delete_credential)
            })
            .await;
    }

    /// Lets the thread do something. `work` is told whether somebody still waits.
    async fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Door, &dyn Fn() -> bool) -> Result<T, Error> + Send + 'static,
    ) -> Reply<T> {
        let (reply, answer) = oneshot::channel::<Result<T, String>>();
        let job: Job = Box::new(move |door| {
            // Nobody waits: then nothing is asked of the person either.
            if reply.is_closed() {
                return;
            }
            let done = work(door, &|| reply.is_closed()).map_err(|error| in_words(&error));
            let _ = reply.send(done);
        });
        let lost = || "The keychain cannot be reached.".to_owned();
        if !self.queue(job) {
            return Err(lost());
        }
        match timeout(limit, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(lost()),
            Err(_) => Err("The keychain does not answer; it may be waiting to be unlocked.".into()),
        }
    }

    fn queue(&self, job: Job) -> bool {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut job = job;
        if let Some(open) = jobs.as_ref() {
            match open.send(job) {
                Ok(()) => return true,
                // The thread has ended by a panic in the keychain's code; the next one begins anew.
                Err(back) => job = back.0,
            }
        }
        let (sender, receiver) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name("keychain".to_owned());
        let started = thread.spawn(move || {
            let mut door = Door::default();
            while let Ok(job) = receiver.recv() {
                job(&mut door);
            }
        });
        let queued = started.is_ok() && sender.send(job).is_ok();
        *jobs = queued.then_some(sender);
        queued
    }
}

/// The open connection to the keychain.
#[derive(Default)]
struct Door {
    store: Option<Arc<CredentialStore>>,
}

impl Door {
    /// Does something with an entry. A connection that was open before may be dead: then once more over a new one.
    fn entry<T>(
        &mut self,
        name: &str,
        label: Option<&str>,
        act: impl Fn(&Entry) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(store) = self.store.clone() {
            match build(&store, name, label).and_then(|entry| act(&entry)) {
                Err(Error::PlatformFailure(_)) => self.store = None,
                other => return other,
            }
        }
        let store = open()?;
        self.store = Some(Arc::clone(&store));
        build(&store, name, label).and_then(|entry| act(&entry))
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn build(store: &Arc<CredentialStore>, name: &str, label: Option<&str>) -> Result<Entry, Error> {
    let label = label.map(|label| [("label", label)].into());
    store.build(OURS, name, label.as_ref())
}

/// Other platforms show the two names.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn build(store: &Arc<CredentialStore>, name: &str, _: Option<&str>) -> Result<Entry, Error> {
    store.build(OURS, name, None)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> Result<Arc<CredentialStore>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// Never the error's own text: some hold what was found.
fn in_words(error: &Error) -> String {
    match error {
        Error::NoStorageAccess(_) => "The keychain is locked or refuses access.",
        Error::TooLong(..) => "It is too long for the keychain.",
        Error::PlatformFailure(_) => "There is no keychain that answers on this computer.",
        _ => "The keychain has an error of its own.",
    }
    .to_owned()
}
