//! Which window of a pool tells how it stands, and who uses it: what the finding says, whom it proposes to hold, and the
//! shares beside a limit are all read from that one window.
//!
//! Fires nothing: whether it is told is `rules/quota_pressure.rs`.

use std::cmp::Ordering;

use chrono::TimeDelta;

use super::{Point, forecast, shares};
use crate::{ids::AgentRef, time::Time};

/// A sample is stale after that.
const STALE: TimeDelta = TimeDelta::seconds(600);

/// Whether a window runs out before it starts anew, as far as its samples tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// It runs out then.
    Presses(Time),
    /// The same, by samples that are too old to say it anew.
    Pressed(Time),
    /// It lasts, or nothing can be said. The part of it that is used.
    Lasts(f64),
    /// It has started anew since; the part of it that was used.
    Over(f64),
}

/// The window that runs out first, else the fullest; with what its samples say. `windows`: numbers of each in order of
/// time, `None` where they say too little. `None`: no window has any.
pub fn foremost<W>(
    windows: impl IntoIterator<Item = (W, Vec<Option<Point>>)>,
    now: Time,
) -> Option<(W, Outlook)> {
    let windows = windows.into_iter();
    let told = windows.filter_map(|(window, points)| Some((window, outlook(&points, now)?)));
    // Of several alike the first.
    told.min_by(|(_, one), (_, two)| order(one, two))
}

fn outlook(points: &[Option<Point>], now: Time) -> Option<Outlook> {
    let newest = (*points.last()?)?;
    let all = newest.used + newest.left;
    let part = if all > 0.0 { newest.used / all } else { 1.0 };
    if newest.reset_at.is_some_and(|reset| reset <= now) {
        return Some(Outlook::Over(part));
    }
    let points: Vec<_> = points.iter().copied().flatten().collect();
    let forecast = forecast(&points);
    Some(match forecast.at().filter(|_| forecast.presses(&newest)) {
        Some(at) if now < newest.at + STALE => Outlook::Presses(at),
        Some(at) => Outlook::Pressed(at),
        None => Outlook::Lasts(part),
    })
}

fn order(one: &Outlook, two: &Outlook) -> Ordering {
    let rank = |outlook: &Outlook| match outlook {
        Outlook::Presses(_) => 0,
        Outlook::Pressed(_) => 1,
        Outlook::Lasts(_) => 2,
        Outlook::Over(_) => 3,
    };
    match (one, two) {
        (Outlook::Presses(one), Outlook::Presses(two))
        | (Outlook::Pressed(one), Outlook::Pressed(two)) => one.cmp(two),
        (Outlook::Lasts(one), Outlook::Lasts(two)) | (Outlook::Over(one), Outlook::Over(two)) => {
            two.total_cmp(one)
        }
        _ => rank(one).cmp(&rank(two)),
    }
}

/// Who used a window lately, the largest first. `told`: who reported what, in order of time.
pub fn users(told: &[(AgentRef, Option<Point>)]) -> Vec<(AgentRef, f64)> {
    let mut users: Vec<_> = shares(told).into_iter().collect();
    // Those who used as much as another stand by name.
    users.sort_by(|one, two| two.1.total_cmp(&one.1));
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// A window of 200 that was used like that at 0, 60 and 120 s.
    fn window(used: [f64; 3], reset: Option<i64>) -> Vec<Option<Point>> {
        let points = used.into_iter().zip([0, 60, 120]);
        let points = points.map(|(used, seconds)| {
            Some(Point {
                at: at(seconds),
                used,
                left: 200.0 - used,
                reset_at: reset.map(at),
            })
        });
        points.collect()
    }

    #[test]
    fn the_window_that_runs_out_first_stands_for_the_pool_else_the_fullest() {
        let check = |windows: &[(&'static str, Vec<Option<Point>>)], now: i64, expected: &str| {
            let found = foremost(windows.iter().cloned(), at(now));
            assert_eq!(found.map(|(name, _)| name).unwrap_or("none"), expected);
        };
        let slow = ("slow", window([0.0, 10.0, 20.0], None));
        let fast = ("fast", window([0.0, 40.0, 80.0], None));
        let full = ("full", window([150.0, 150.0, 150.0], None));
        let empty = ("empty", window([5.0, 5.0, 5.0], None));
        let over = ("over", window([0.0, 90.0, 180.0], Some(121)));
        let mute = ("mute", vec![None]);
        check(&[slow.clone(), fast.clone(), full.clone()], 120, "fast");
        check(&[full.clone(), slow.clone()], 120, "slow");
        check(&[empty.clone(), full.clone(), over.clone()], 130, "full");
        check(&[over.clone(), mute.clone()], 130, "over");
        check(&[fast.clone(), full], 900, "fast");
        check(&[slow, mute.clone(), fast], 900, "fast");
        check(&[mute], 120, "none");
    }
}
