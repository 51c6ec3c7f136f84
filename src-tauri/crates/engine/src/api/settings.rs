//! Settings: the thresholds of the rules, how the window looks, and what it runs on. Each name stands here once.

use chrono::TimeDelta;
use domain::{ids::EndpointId, settings::Settings};
use serde::{Deserialize, Serialize};
use store::{Reader, Result, Store, Tx, tables::settings};

use super::{
    ApiError,
    views::{RecordView, ReversibleAction, SettingsRequest, SettingsView},
    wording::plain,
};
use crate::{live::Present, record::Record};

const RULES: &str = "rules";
const WINDOW: &str = "window";
const DECIDING: &str = "deciding";
/// Rules that make an action lighter; more than anybody can keep in mind.
const MOST_REVERSIBLE: usize = 200;
const THEMES: [&str; 3] = ["system", "light", "dark"];
const DENSITIES: [&str; 3] = ["compact", "default", "roomy"];

const MEANS: &str = "Everything you decided and changed stands in it, each entry bound to the one before. A check finds damage \
    and careless changes. It cannot find what somebody with full use of your account computed anew; for that, keep what \
    missionctl audit export prints somewhere else.";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Window {
    theme: String,
    density: String,
    single_keys: bool,
    replace_hold: bool,
    safe_graphics: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            theme: "system".to_owned(),
            density: "default".to_owned(),
            single_keys: true,
            replace_hold: false,
            safe_graphics: false,
        }
    }
}

/// How answers are given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deciding {
    /// An outward or destructive act that was approved this long before it could leave is asked about once more.
    pub ask_again_minutes: u32,
    /// Actions that the person says can be taken back.
    pub reversible: Vec<ReversibleAction>,
}

impl Default for Deciding {
    fn default() -> Self {
        Self {
            ask_again_minutes: 60,
            reversible: vec![],
        }
    }
}

impl Deciding {
    /// How old an approval may get before it leaves.
    pub fn patience(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.ask_again_minutes))
    }

    /// Whether the person says that this action of this endpoint can be taken back. Exactly this name, to the byte.
    pub fn is_reversible(&self, endpoint: &EndpointId, action: &str) -> bool {
        self.reversible
            .iter()
            .any(|rule| rule.endpoint == *endpoint && rule.action == action)
    }
}

/// What the person set about answers.
pub fn deciding(reader: &Reader) -> Result<Deciding> {
    Ok(settings::get(reader, DECIDING)?.unwrap_or_default())
}

/// The thresholds that count.
pub fn rules(reader: &Reader) -> Result<Settings> {
    Ok(settings::get(reader, RULES)?.unwrap_or_default())
}

/// All settings. `webkit_version` is known to the window only.
pub fn settings(
    reader: &Reader,
    store: &Store,
    present: &Present,
    webkit_version: Option<String>,
) -> Result<SettingsView> {
    let window: Window = settings::get(reader, WINDOW)?.unwrap_or_default();
    let deciding = deciding(reader)?;
    Ok(SettingsView {
        ask_again_minutes: deciding.ask_again_minutes,
        reversible: deciding.reversible,
        rules: rules(reader)?,
        theme: window.theme,
        density: window.density,
        single_keys: window.single_keys,
        replace_hold: window.replace_hold,
        safe_graphics: window.safe_graphics,
        data_folder: store.dir().display().to_string(),
        store_bytes: store.bytes(),
        sqlite_version: store::sqlite_version().to_owned(),
        webkit_version,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        record: record(&present.record),
    })
}

fn record(record: &Record) -> RecordView {
    let entries = record.entries.as_ref();
    let database = record.database.as_ref();
    RecordView {
        running: record.running > 0,
        rows: entries.map_or(0, |found| found.rows),
        intact: entries.map(|found| found.intact),
        sentence: entries.map_or_else(
            || "It was not checked yet.".to_owned(),
            |found| found.sentence.clone(),
        ),
        checked_at: entries.map(|found| found.at),
        means: MEANS.to_owned(),
        database: database.map(|found| match &found.damage {
            None => "No damage was found.".to_owned(),
            Some(words) => format!("It is damaged. SQLite says: {}", plain(words)),
        }),
        database_at: database.map(|found| found.at),
    }
}

/// Why thresholds cannot be used, in a sentence.
pub fn check(rules: &Settings) -> std::result::Result<(), ApiError> {
    let share = rules.readiness_approval_rate;
    let hours = rules.escalation_sla_hours;
    let refused = if rules.stall_after_seconds == 0 {
        "A task cannot have stalled after no time at all."
    } else if rules.stale_after_polls == 0 {
        "At least one poll must fail before an agent counts as silent."
    } else if rules.retry_storm_count < 2 {
        "A storm needs at least two failures."
    } else if !(0.0..=1.0).contains(&share) {
        "The share of approvals lies between 0 and 1."
    } else if !(hours.is_finite() && hours > 0.0) {
        "The time to answer must be longer than nothing."
    } else {
        return Ok(());
    };
    Err(ApiError::new("invalid", refused))
}

/// All that can be set, by name.
pub fn all(reader: &Reader) -> Result<serde_json::Map<String, serde_json::Value>> {
    let window: Window = settings::get(reader, WINDOW)?.unwrap_or_default();
    let mut all = serde_json::Map::new();
    for part in [
        serde_json::to_value(window)?,
        serde_json::to_value(rules(reader)?)?,
    ] {
        if let serde_json::Value::Object(members) = part {
            all.extend(members);
        }
    }
    Ok(all)
}

/// Saves what is given; the rest stays. An unknown word for theme or density is left out.
pub fn save(tx: &Tx<'_>, request: &SettingsRequest) -> Result<()> {
    let mut window: Window = settings::get(tx, WINDOW)?.unwrap_or_default();
    let known = |words: &[&str], word: &Option<String>| {
        word.clone().filter(|word| words.contains(&word.as_str()))
    };
    if let Some(theme) = known(&THEMES, &request.theme) {
        window.theme = theme;
    }
    if let Some(density) = known(&DENSITIES, &request.density) {
        window.density = density;
    }
    window.single_keys = request.single_keys.unwrap_or(window.single_keys);
    window.replace_hold = request.replace_hold.unwrap_or(window.replace_hold);
    window.safe_graphics = request.safe_graphics.unwrap_or(window.safe_graphics);
    settings::set(tx, WINDOW, &window)?;
    if request.ask_again_minutes.is_some() || request.reversible.is_some() {
        let mut now = deciding(tx)?;
        // Of no time at all nothing could ever leave.
        let minutes = request.ask_again_minutes.map(|minutes| minutes.max(1));
        now.ask_again_minutes = minutes.unwrap_or(now.ask_again_minutes);
        if let Some(reversible) = &request.reversible {
            now.reversible = reversible.clone();
            now.reversible.truncate(MOST_REVERSIBLE);
        }
        settings::set(tx, DECIDING, &now)?;
    }
    match &request.rules {
        Some(rules) => settings::set(tx, RULES, rules),
        None => Ok(()),
    }
}
