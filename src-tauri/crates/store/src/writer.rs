//! The one thread that writes. Changes are queued as closures and run one after the other, each in one transaction.
//!
//! A closure that panics rolls back and is reported; the thread goes on.

use std::{
    cell::Cell,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    Error, Result, breakpoint,
    tables::audit::{self, Head},
};

/// A write transaction. Reads like a connection; the functions that write take it.
pub struct Tx<'a> {
    transaction: Transaction<'a>,
    /// The first entry added to the chain: its end is written beside the database after the commit.
    pub(crate) audit_first: Cell<Option<i64>>,
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

type Job = Box<dyn FnOnce(&mut Connection, &mpsc::Sender<bool>) + Send>;

pub(crate) struct Writer {
    /// None once it has ended.
    running: Mutex<Option<Running>>,
}

struct Running {
    jobs: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

/// The thread that writes where the chain of the audit ends: the disk is waited for three times there, and nobody waits for
/// that. However many entries came meanwhile, it is written once.
pub(crate) struct Follower {
    /// Told of each commit with entries: whether one of them is the first of all.
    commits: mpsc::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Follower {
    pub(crate) fn start(reader: Connection, head: Head) -> Result<Self> {
        let (commits, told) = mpsc::channel();
        let thread = spawn("store-head", move || {
            while let Ok(mut begins) = told.recv() {
                begins |= told.try_iter().any(|first| first);
                // The commit stands whether or not this works; the next one catches up.
                let _ = audit::follow(&reader, &head, begins);
                breakpoint("head-written");
            }
        })?;
        Ok(Self { commits, thread })
    }

    fn end(self) {
        drop(self.commits);
        let _ = self.thread.join();
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(work);
    spawned.map_err(|error| Error::Folder(error, "no thread could be started".to_owned()))
}

impl Writer {
    pub(crate) fn start(mut connection: Connection, follower: Follower) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = spawn("store-writer", move || {
            for job in queue {
                job(&mut connection, &follower.commits);
            }
            follower.end();
            // Best effort: the next start repeats what is missing.
            let _ = connection.execute_batch("PRAGMA optimize");
        })?;
        Ok(Self {
            running: Mutex::new(Some(Running { jobs, thread })),
        })
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is queued and takes nothing more.
    pub(crate) fn end(&self) {
        let Some(Running { jobs, thread }) = self.running().take() else {
            return;
        };
        drop(jobs);
        // On the writer thread itself there is nothing to wait for.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }

    pub(crate) fn queue<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |connection, commits| {
            let result = catch_unwind(AssertUnwindSafe(|| transact(connection, change, commits)));
            let result = result.unwrap_or(Err(Error::Panicked));
            // What the caller does with the answer must not end the writer either.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
        });
        if let Some(running) = &*self.running() {
            // A closed queue drops the job, and with it `done`: the asker sees its channel close.
            let _ = running.jobs.send(job);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

fn transact<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Tx<'_>) -> Result<T>,
    commits: &mpsc::Sender<bool>,
) -> Result<T> {
    let (value, first) = {
        let tx = Tx {
            transaction: connection.transaction_with_behavior(TransactionBehavior::Immediate)?,
            audit_first: Cell::default(),
        };
        let value = change(&tx)?;
        let first = tx.audit_first.get();
        tx.transaction.commit()?;
        (value, first)
    };
    if let Some(first) = first {
        breakpoint("committed");
        // It listens for as long as this thread writes.
        let _ = commits.send(first == 1);
    }
    Ok(value)
}
