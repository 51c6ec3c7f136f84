//! Whether what is kept is as it was written: the record of decisions, and the database file under everything. Looked at
//! once after each start, beside the work, and whenever the person asks.
//!
//! Reads on a connection of its own and repairs nothing. It finds damage and careless changes; whoever has this account
//! and computes a whole new record is not found, and Settings says so.

use domain::time::Time;
use store::{
    InterruptHandle, Look, Store,
    tables::audit::{self, Verdict},
};

use crate::{clock::wall, live::Live};

/// What the checks have found since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Checks under way.
    pub running: u32,
    /// The last check of the record.
    pub entries: Option<Entries>,
    /// The last check of the file.
    pub database: Option<Database>,
}

/// A check of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// When.
    pub at: Time,
    /// How many entries there are.
    pub rows: u32,
    /// Whether all is as it was written.
    pub intact: bool,
    /// In a sentence.
    pub sentence: String,
}

/// A check of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// When.
    pub at: Time,
    /// What SQLite found first, in its own words.
    pub damage: Option<String>,
}

impl Record {
    /// What nobody may miss, in sentences.
    pub fn notice(&self) -> Option<String> {
        let damaged = self
            .database
            .iter()
            .any(|found| found.damage.is_some())
            .then(|| {
                "The database is damaged. Close Mission Control and start it again: the damaged file is then set aside, \
                 and a new one is started. What can still be read of your decisions is printed by missionctl audit export."
                    .to_owned()
            });
        let entries = self.entries.iter().filter(|found| !found.intact);
        let entries = entries.map(|found| {
            format!(
                "The record of your decisions is not as it was written. {} More is in Settings.",
                found.sentence
            )
        });
        let all: Vec<String> = damaged.into_iter().chain(entries).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// A check that was announced and is not done yet.
pub(crate) struct Check {
    look: Look,
    live: Live,
}

impl Check {
    /// Opens what is to be checked; holds neither the store nor its folder. `None` when it cannot be opened to read.
    pub(crate) fn begin(store: &Store, live: &Live) -> Option<Self> {
        let look = Look::open(store.dir()).ok()?;
        live.write().record.running += 1;
        Some(Self {
            look,
            live: live.clone(),
        })
    }

    /// Ends the check early, from another thread.
    pub(crate) fn interrupter(&self) -> InterruptHandle {
        self.look.interrupter()
    }

    /// Reads everything. What was interrupted has found nothing.
    pub(crate) fn run(&mut self, with_database: bool) {
        if let Some(found) = self.entries() {
            self.live.write().record.entries = Some(found);
        }
        if with_database && let Ok(damage) = self.look.damage() {
            let at = wall();
            self.live.write().record.database = Some(Database { at, damage });
        }
    }

    fn entries(&mut self) -> Option<Entries> {
        let head = self.look.audit_head();
        let found = self.look.read(|reader| audit::verify(reader, &head));
        let rows = self
            .look
            .read(audit::end)
            .map_or(0, |(rows, _)| u32::try_from(rows).unwrap_or(u32::MAX));
        let (intact, sentence) = match found {
            Ok(verdict) => (matches!(verdict, Verdict::Whole(_)), verdict.to_string()),
            Err(error) if error.is_interrupted() => return None,
            Err(error) => (false, format!("It cannot be read. {error}")),
        };
        Some(Entries {
            at: wall(),
            rows,
            intact,
            sentence,
        })
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.live.write().record.running -= 1;
    }
}

/// Whether the file was found damaged just now, so that the next start must look before it reads.
pub(crate) fn is_damaged(live: &Live) -> bool {
    let present = live.read();
    let found = present.record.database.as_ref();
    found.is_some_and(|found| found.damage.is_some())
}
