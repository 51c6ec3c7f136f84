//! Time as a parameter. Instants are UTC with microseconds; intervals are half-open `[start, end)`.

use chrono::{DateTime, SecondsFormat, Utc};

/// An instant. Parsed from RFC 3339 with an offset; the offset itself is kept only where a rule needs it.
pub type Time = DateTime<Utc>;

/// RFC 3339 in UTC with a `Z`, as short as it can be without losing anything: what files and screens get.
pub fn format(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A span of time in the largest unit that fits twice: a number and its unit. Whole units, never rounded up.
pub fn in_units(seconds: i64) -> (u32, &'static str) {
    let seconds = seconds.max(0);
    let (number, one, many) = match seconds {
        0..60 => (seconds, "second", "seconds"),
        60..7_200 => (seconds / 60, "minute", "minutes"),
        7_200..172_800 => (seconds / 3_600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    (number, if number == 1 { one } else { many })
}
