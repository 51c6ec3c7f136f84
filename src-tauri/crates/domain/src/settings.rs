//! The thresholds the rules use, with the contract's defaults (section 6). Durations are whole seconds unless named.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::snapshot::saved;

/// Thresholds; a member that is absent keeps its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// A working task without a mark for this long has stalled.
    pub stall_after_seconds: u64,
    /// Completed with a next stage but no handoff for this long is silent.
    pub handoff_due_seconds: u64,
    /// A handoff without its own due time must be acknowledged in this time.
    pub acknowledge_due_seconds: u64,
    /// This many failed polls in a row make an endpoint stale.
    pub stale_after_polls: u32,
    /// Overlaps up to this long do not count.
    pub write_overlap_seconds: u64,
    /// The ownership document is to be reviewed this often.
    pub review_every_days: u32,
    /// Stable days an agent needs before the next one is added.
    pub readiness_days: u32,
    /// Considered approvals without edits must be strictly above this share.
    pub readiness_approval_rate: f64,
    /// And there must be this many decisions.
    pub readiness_min_decisions: u32,
    /// When no exception rule says otherwise.
    pub escalation_sla_hours: f64,
    /// Colours gauges; makes no finding.
    pub quota_warn_percent: Vec<f64>,
    /// So many repeats …
    pub retry_storm_count: u32,
    /// … within this time are a storm.
    pub retry_storm_window_seconds: u64,
}
saved! { Settings {
    stall_after_seconds, handoff_due_seconds, acknowledge_due_seconds, stale_after_polls,
    write_overlap_seconds, review_every_days, readiness_days, readiness_approval_rate,
    readiness_min_decisions, escalation_sla_hours, quota_warn_percent, retry_storm_count,
    retry_storm_window_seconds,
} }

impl Default for Settings {
    fn default() -> Self {
        Self {
            stall_after_seconds: 600,
            handoff_due_seconds: 300,
            acknowledge_due_seconds: 900,
            stale_after_polls: 3,
            write_overlap_seconds: 0,
            review_every_days: 90,
            readiness_days: 28,
            readiness_approval_rate: 0.85,
            readiness_min_decisions: 20,
            escalation_sla_hours: 24.0,
            quota_warn_percent: vec![75.0, 90.0],
            retry_storm_count: 5,
            retry_storm_window_seconds: 600,
        }
    }
}
