//! Brings a file to the newest schema: numbered steps, each in one transaction, with a backup before the first one.
//! Steps are never edited after release and never go back.

use std::path::Path;

use domain::time::Time;
use rusqlite::Connection;

use crate::{Error, Result, open};

/// `MCTL`: this file is ours.
pub(crate) const APPLICATION_ID: i64 = 0x4d43_544c;

const STEPS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_found_by_index.sql"),
    include_str!("../migrations/0003_open_findings_by_rule.sql"),
    include_str!("../migrations/0004_letters.sql"),
    include_str!("../migrations/0005_timeline.sql"),
    include_str!("../migrations/0006_acts_by_thing.sql"),
    include_str!("../migrations/0007_context_and_artifacts.sql"),
    include_str!("../migrations/0008_search.sql"),
    include_str!("../migrations/0009_samples_as_foretold_from.sql"),
    include_str!("../migrations/0010_starts.sql"),
    include_str!("../migrations/0011_board_groups.sql"),
    include_str!("../migrations/0012_task_needs.sql"),
    include_str!("../migrations/0013_schemas.sql"),
    include_str!("../migrations/0014_task_attempts.sql"),
    include_str!("../migrations/0015_bound_items.sql"),
    include_str!("../migrations/0016_audit.sql"),
    include_str!("../migrations/0017_endpoint_costs.sql"),
    include_str!("../migrations/0018_snapshots.sql"),
    include_str!("../migrations/0019_asked_again.sql"),
    include_str!("../migrations/0020_pins.sql"),
    include_str!("../migrations/0021_endpoints_before_record.sql"),
];

/// Refuses files that are not ours or too new, then applies what is missing.
pub(crate) fn migrate(connection: &mut Connection, dir: &Path, now: Time) -> Result<()> {
    let pragma = |name: &str| -> Result<i64> {
        Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
    };
    let application = pragma("application_id")?;
    let found = pragma("user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = STEPS.len() as i64;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(Error::Foreign(dir.join(open::FILE)));
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if (1..known).contains(&found) {
        let name = format!("before-format-{known}-{}.db", open::stamp(now));
        open::copy(connection, &dir.join(name))?;
    }
    for (index, step) in STEPS
        .iter()
        .enumerate()
        .skip(usize::try_from(found).unwrap_or(0))
    {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Whether the file is ours and can be read as it is.
pub(crate) fn is_newest(connection: &Connection, dir: &Path) -> Result<()> {
    let pragma = |name: &str| -> Result<i64> {
        Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(Error::Foreign(dir.join(open::FILE)));
    }
    let (found, known) = (pragma("user_version")?, STEPS.len() as i64);
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(Error::Older { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::Newer { found, known }),
    }
}
