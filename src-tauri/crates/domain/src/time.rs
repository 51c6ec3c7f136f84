//! Time as a parameter. Instants are UTC with microseconds; intervals are half-open `[start, end)`.

use chrono::{DateTime, SecondsFormat, Utc};

/// An instant. Parsed from RFC 3339 with an offset; the offset itself is kept only where a rule needs it.
pub type Time = DateTime<Utc>;

/// RFC 3339 in UTC with a `Z`, as short as it can be without losing anything: what files and screens get.
pub fn format(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
