//! A log that goes on until long after this computer's clock: the clock was ahead once, or is behind now. The person is
//! told, and says whether the clock is right; until then nothing is taken for granted that only one of the two times gives.
//!
//! Deadlines go by the clock in any case, so nothing expires before its time. Only a question that was asked before the
//! start, and would have expired by the log, is not answered. Polls go on.

use domain::{
    change::{EscalationPhase, EscalationRecord},
    time::Time,
};
use serde_json::json;
use store::{
    Store,
    tables::{audit, settings},
};

use super::Owner;
use crate::api::{
    ApiError,
    views::Topic,
    wording::{between, span},
};

/// Up to this end of the log the person has said that the clock is right.
const TRUSTED: &str = "clock-trusted-until";

/// What the person has not said yet.
#[derive(Default)]
pub(super) struct Ahead {
    trusted: Option<Time>,
    /// The log's end at the start, and the number of its last row.
    start: Option<(Time, u64)>,
}

impl Ahead {
    pub(super) fn at_start(store: &Store, last: Option<Time>, seq: u64) -> store::Result<Self> {
        Ok(Self {
            trusted: store.read(|reader| settings::get(reader, TRUSTED))?,
            start: last.map(|last| (last, seq)),
        })
    }

    fn doubts(&self, end: Time) -> bool {
        self.trusted.is_none_or(|trusted| end > trusted)
    }
}

impl Owner {
    /// Tells the person when the log is ahead, and no longer when it is not.
    pub(super) fn look_ahead(&mut self) {
        let wall = self.wall();
        let end = self.clock.ahead(wall);
        let said = end
            .filter(|end| self.ahead.doubts(*end))
            .map(|end| sentence(end, wall));
        if self.parts.live.read().clock == said {
            return;
        }
        self.parts.live.write().clock = said;
        self.announce_topics(&[Topic::Status]);
    }

    /// Refuses an answer to what may have expired.
    pub(super) fn is_certain(&self, record: &EscalationRecord) -> Result<(), ApiError> {
        let Some((end, seq)) = self.ahead.start else {
            return Ok(());
        };
        let expired = record.value.expires_at.is_some_and(|until| until <= end);
        // Line 1 of a recording is the configuration.
        let is_old = record.line <= seq + 1;
        let is_ahead = self.clock.ahead(self.wall()).is_some() && self.ahead.doubts(end);
        let waits = record.phase == EscalationPhase::Pending;
        if !(waits && expired && is_old && is_ahead) {
            return Ok(());
        }
        Err(ApiError::new(
            "blocked",
            "It is not certain that this question still waits: by the record it has expired, by this computer's clock it has not. Say first whether the clock is right.",
        ))
    }

    /// The person says that this computer's clock is right.
    pub(super) fn trust_clock(&mut self) -> Result<(), ApiError> {
        let now = self.now();
        let Some(end) = self.clock.ahead(self.wall()) else {
            return Ok(());
        };
        let detail = json!({ "recordEnds": end, "clock": now });
        // What is heard until the clock is there again goes on behind this end, a microsecond each.
        let trusted = end + chrono::TimeDelta::minutes(1);
        let written = self.write(move |tx| {
            settings::set(tx, TRUSTED, &trusted)?;
            audit::append(tx, now, "clock-trusted", "clock", &detail)?;
            Ok(())
        });
        written.map_err(|_| self.unsaved())?;
        self.ahead.trusted = Some(trusted);
        self.look_ahead();
        Ok(())
    }
}

fn sentence(end: Time, wall: Time) -> String {
    let until = end.with_timezone(&chrono::Local).format("%-d %b %H:%M");
    let by = span(between(wall, end));
    format!(
        "The record goes on until {until}, {by} after this computer's clock. If the clock is right now, say so and go on: deadlines go by the clock, and rules that wait for time to pass stand still until the clock is there. If the clock is wrong, set it right."
    )
}
