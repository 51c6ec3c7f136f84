//! Cron lines of five fields: which minutes they mean, the next of them in a zone, and the usual ones in words.
//!
//! Written by agents, so the search is bounded: a line that never comes true costs eight years of days and no more.
//! Seconds, years, `L`, `W` and `#` are not read; what is not read is shown as it was told.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::time::Time;

/// The 29th of February is never further away.
const DAYS: u64 = 366 * 8;
/// Clocks never jump further than a day.
const LONGEST_JUMP: i64 = 26 * 60;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NAMES: [&str; 7] = [
    "Sundays",
    "Mondays",
    "Tuesdays",
    "Wednesdays",
    "Thursdays",
    "Fridays",
    "Saturdays",
];

/// One line, as sets of numbers: a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both fields of days say something: either is enough, as cron has it.
    either: bool,
}

/// A field: the numbers it may hold, and names for them.
struct Field {
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

impl Field {
    const fn new(first: u32, last: u32, names: &'static [&'static str]) -> Self {
        Self { first, last, names }
    }

    fn number(&self, text: &str) -> Option<u32> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(place) => u32::try_from(place).ok()? + self.first,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (self.first..=self.last).contains(&number).then_some(number)
    }

    fn read(&self, text: &str) -> Option<u64> {
        let mut bits = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step.parse::<u32>().ok()?)),
                None => (part, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.first, self.last),
                Some((from, to)) => (self.number(from)?, self.number(to)?),
                None => {
                    let from = self.number(range)?;
                    (from, if step.is_some() { self.last } else { from })
                }
            };
            let step = usize::try_from(step.unwrap_or(1)).ok()?;
            if from > to || step == 0 {
                return None;
            }
            for number in (from..=to).step_by(step) {
                bits |= 1 << number;
            }
        }
        Some(bits)
    }
}

impl Cron {
    /// `None`: it is none of five fields.
    pub fn parse(line: &str) -> Option<Self> {
        let line = match line.trim().to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            _ => line,
        };
        let mut fields = line.split_whitespace();
        let mut next = || fields.next();
        let minutes = Field::new(0, 59, &[]).read(next()?)?;
        let hours = Field::new(0, 23, &[]).read(next()?)?;
        let plain = |text: &'static str, given| if given == "?" { text } else { given };
        let (days, months, weekdays) = (next()?, next()?, next()?);
        let (days, weekdays) = (plain("*", days), plain("*", weekdays));
        if fields.next().is_some() {
            return None;
        }
        let either = !days.starts_with('*') && !weekdays.starts_with('*');
        let of_week = Field::new(0, 7, &WEEKDAYS).read(weekdays)?;
        Some(Self {
            minutes,
            hours,
            days: Field::new(1, 31, &[]).read(days)?,
            months: Field::new(1, 12, &MONTHS).read(months)?,
            // Seven is Sunday, too.
            weekdays: (of_week | of_week >> 7) & 0x7f,
            either,
        })
    }

    fn on(&self, day: NaiveDate) -> bool {
        let of_month = has(self.days, day.day());
        let of_week = has(self.weekdays, day.weekday().num_days_from_sunday());
        let day_fits = if self.either {
            of_month || of_week
        } else {
            of_month && of_week
        };
        day_fits && has(self.months, day.month())
    }

    /// Is that minute of the clock meant?
    pub fn means(&self, local: NaiveDateTime) -> bool {
        self.on(local.date()) && has(self.hours, local.hour()) && has(self.minutes, local.minute())
    }

    /// The first time after another, by the clock of a zone. An hour the clock shows twice counts once; what falls into
    /// one it leaves out is when the clock jumps. `None`: not within eight years.
    pub fn next(&self, after: Time, zone: Tz) -> Option<Time> {
        let from = after.with_timezone(&zone).naive_local();
        let mut day = from.date();
        for ahead in 0..DAYS {
            if ahead > 0 {
                day = day.succ_opt()?;
            }
            if !self.on(day) {
                continue;
            }
            for hour in (0..24).filter(|hour| has(self.hours, *hour)) {
                for minute in (0..60).filter(|minute| has(self.minutes, *minute)) {
                    let local = day.and_hms_opt(hour, minute, 0)?;
                    if let Some(at) = shown(local, zone).filter(|at| *at > after) {
                        return Some(at);
                    }
                }
            }
        }
        None
    }

    /// The lines people write, in words; `None`: there are no short ones.
    pub fn words(&self) -> Option<String> {
        let whole = |bits: u64, first: u32, last: u32| (first..=last).all(|n| has(bits, n));
        if !whole(self.months, 1, 12) {
            return None;
        }
        let (any_day, any_weekday) = (whole(self.days, 1, 31), self.weekdays == 0x7f);
        let (minutes, hours) = (self.minutes, self.hours);
        let every_day = any_day && any_weekday;
        if every_day && hours.count_ones() == 24 {
            return match (minutes.count_ones(), spaced(minutes, 60)) {
                (60, _) => Some("every minute".to_owned()),
                (1, _) if minutes == 1 => Some("every hour".to_owned()),
                (1, _) => Some(format!("every hour at minute {}", minutes.trailing_zeros())),
                (_, Some(step)) => Some(format!("every {step} minutes")),
                _ => None,
            };
        }
        let days = match () {
            () if every_day => "every day".to_owned(),
            () if any_day && self.weekdays == 0b011_1110 => "on weekdays".to_owned(),
            () if any_day && self.weekdays == 0b100_0001 => "at weekends".to_owned(),
            () if any_day && self.weekdays.count_ones() == 1 => {
                let name = NAMES.get(self.weekdays.trailing_zeros() as usize)?;
                format!("on {name}")
            }
            () if any_weekday && self.days.count_ones() == 1 => {
                format!("on day {} of each month", self.days.trailing_zeros())
            }
            () => return None,
        };
        if minutes.count_ones() != 1 {
            return None;
        }
        let minute = minutes.trailing_zeros();
        if every_day
            && minute == 0
            && let Some(step) = spaced(hours, 24)
        {
            return Some(format!("every {step} hours"));
        }
        let times: Vec<String> = (0..24)
            .filter(|hour| has(hours, *hour))
            .map(|hour| format!("{hour:02}:{minute:02}"))
            .collect();
        match times.as_slice() {
            [one] => Some(format!("{days} at {one}")),
            [one, two] => Some(format!("{days} at {one} and {two}")),
            [one, two, three] => Some(format!("{days} at {one}, {two} and {three}")),
            _ => None,
        }
    }
}

fn has(bits: u64, number: u32) -> bool {
    bits >> number & 1 == 1
}

/// Evenly spaced from zero, more than one and less than all.
fn spaced(bits: u64, of: u32) -> Option<u32> {
    let step = of.checked_div(bits.count_ones())?;
    let even = (0..of).all(|number| has(bits, number) == (number % step == 0));
    (even && step > 1 && step < of).then_some(step)
}

/// When a clock shows that, first.
fn shown(local: NaiveDateTime, zone: Tz) -> Option<Time> {
    let at = |minutes: i64| -> Option<DateTime<Tz>> {
        let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
        zone.from_local_datetime(&local).earliest()
    };
    (0..LONGEST_JUMP).find_map(at).map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(line: &str, zone: &str, after: &str, next: Option<&str>) {
        let cron = Cron::parse(line).unwrap();
        let got = cron.next(at(after), zone.parse().unwrap());
        assert_eq!(got, next.map(at), "{line}");
    }

    #[test]
    fn the_next_time_is_by_the_clock_of_the_zone() {
        let now = "2026-11-21T12:00:00Z";
        check(
            "0 9 * * 1-5",
            "Europe/Berlin",
            now,
            Some("2026-11-23T08:00:00Z"),
        );
        check("0 9 * * 1-5", "UTC", now, Some("2026-11-23T09:00:00Z"));
        check("*/15 * * * *", "UTC", now, Some("2026-11-21T12:15:00Z"));
        check(
            "0 0 * * SUN",
            "Asia/Tokyo",
            now,
            Some("2026-11-21T15:00:00Z"),
        );
        check("0 0 29 2 *", "UTC", now, Some("2028-02-29T00:00:00Z"));
        check("@monthly", "UTC", now, Some("2026-12-01T00:00:00Z"));
        check("0 0 30 2 *", "UTC", now, None);
        // Either field of days is enough, unless one is a star.
        check("0 0 1 * MON", "UTC", now, Some("2026-11-23T00:00:00Z"));
        check("0 0 */2 * MON", "UTC", now, Some("2026-11-23T00:00:00Z"));
    }

    #[test]
    fn hours_that_a_clock_leaves_out_or_shows_twice_count_once() {
        let berlin = "Europe/Berlin";
        // On 29 March the clock jumps from 02:00 to 03:00.
        check(
            "30 2 * * *",
            berlin,
            "2026-03-28T12:00:00Z",
            Some("2026-03-29T01:00:00Z"),
        );
        check(
            "30 2 * * *",
            berlin,
            "2026-03-29T01:00:00Z",
            Some("2026-03-30T00:30:00Z"),
        );
        // On 25 October it shows 02:30 twice.
        check(
            "30 2 * * *",
            berlin,
            "2026-10-24T12:00:00Z",
            Some("2026-10-25T00:30:00Z"),
        );
        check(
            "30 2 * * *",
            berlin,
            "2026-10-25T00:30:00Z",
            Some("2026-10-26T01:30:00Z"),
        );
    }

    #[test]
    fn what_is_no_line_of_five_fields_is_not_read() {
        for line in [
            "",
            "0 7 * *",
            "0 7 * * * *",
            "60 7 * * *",
            "0 24 * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "0 0 0 * *",
            "0 0 L * *",
            "0 0 * * 1#2",
            "+1 * * * *",
            "1,,2 * * * *",
            "0 0 * * 8",
            "99999999999999999999 * * * *",
            "@never",
        ] {
            assert_eq!(Cron::parse(line), None, "{line}");
        }
    }

    #[test]
    fn usual_lines_are_said_in_words_and_others_are_not() {
        for (line, words) in [
            ("0 7 * * *", Some("every day at 07:00")),
            ("30 9 * * 1-5", Some("on weekdays at 09:30")),
            ("30 9 * * MON-FRI", Some("on weekdays at 09:30")),
            ("0 8,17 * * 6,7", Some("at weekends at 08:00 and 17:00")),
            ("0 8 * * 7", Some("on Sundays at 08:00")),
            ("*/10 * * * *", Some("every 10 minutes")),
            ("* * * * *", Some("every minute")),
            ("0 * * * *", Some("every hour")),
            ("5 * * * *", Some("every hour at minute 5")),
            ("0 */6 * * *", Some("every 6 hours")),
            ("0 7 1 * *", Some("on day 1 of each month at 07:00")),
            ("0 7 1 1 *", None),
            ("*/7 * * * *", None),
            ("0 7 1 * 1", None),
        ] {
            let got = Cron::parse(line).unwrap().words();
            assert_eq!(got.as_deref(), words, "{line}");
        }
    }

    fn field(first: u32, last: u32) -> impl Strategy<Value = String> {
        let number = first..=last;
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (2..20_u32).prop_map(|step| format!("*/{step}")),
            2 => number.clone().prop_map(|n| n.to_string()),
            2 => (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => (number.clone(), number).prop_map(|(a, b)| format!("{a},{b}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// Beside a walk over every minute, in two zones and over the days when clocks are put forward or back.
        #[test]
        fn the_next_time_is_the_first_minute_that_is_meant(
            line in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
            begin in prop_oneof![Just("2026-03-27T00:00:00Z"), Just("2026-10-23T00:00:00Z"), Just("2027-12-30T20:00:00Z")],
            minutes in 0_i64..6_000,
            zone in prop_oneof![Just("UTC"), Just("Europe/Berlin")],
        ) {
            let (a, b, c, d, e) = line;
            let cron = Cron::parse(&format!("{a} {b} {c} {d} {e}")).unwrap();
            let zone: Tz = zone.parse().unwrap();
            let after = at(begin) + TimeDelta::minutes(minutes);
            let next = cron.next(after, zone);
            prop_assert!(next.is_none_or(|next| next > after));
            let meant = |at: &Time| {
                let local = at.with_timezone(&zone);
                // The second showing of an hour is not meant.
                let first = shown(local.naive_local(), zone) == Some(*at);
                first && cron.means(local.naive_local())
            };
            let mut all = (1..=3 * 1440).map(|ahead| after + TimeDelta::minutes(ahead));
            let walked = all.find(meant);
            match (walked, next) {
                (Some(walked), Some(next)) if next < walked => {
                    // In an hour that is left out: when the clock jumped, which the walk does not see as meant.
                    let before = (next - TimeDelta::minutes(1)).with_timezone(&zone).naive_local();
                    let jump = next.with_timezone(&zone).naive_local() - before;
                    prop_assert!(jump > TimeDelta::minutes(1), "{walked} {next}");
                }
                (Some(walked), next) => prop_assert_eq!(Some(walked), next),
                (None, _) => {}
            }
        }

        #[test]
        fn no_text_breaks_the_reading(line in ".{0,40}", days in 0_i64..4000) {
            if let Some(cron) = Cron::parse(&line) {
                let after = at("2026-01-01T01:02:03Z") + TimeDelta::days(days);
                let next = cron.next(after, Tz::UTC);
                prop_assert!(next.is_none_or(|next| next > after));
            }
        }
    }
}
