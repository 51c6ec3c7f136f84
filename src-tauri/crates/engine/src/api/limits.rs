//! Limits: what is left in each window of each pool, how sure that number is, and when it runs out at the present rate.
//! The forecast is the one the rule `quota-pressure` uses; this only puts it into words.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::{
    contract::QuotaWindow,
    forecast::{
        Forecast, KEPT, Point, forecast, foremost, observed,
        starts::{added, used_by_start, with_starts},
        users,
    },
    ids::{AgentId, AgentRef},
    settings::Settings,
    time::Time,
};
use store::{
    Reader, Result,
    tables::{
        agents,
        quota::{self, SampleRow, WindowRow},
    },
};

use super::{
    schedules::{Known, known},
    settings,
    views::{Basis, ExpectedView, LimitsView, PointView, PoolView, UseView, WindowView},
    wording::{Glance, between, plain, span},
};

/// Older numbers are not to be trusted.
const STALE_SECONDS: i64 = 600;
/// Without a reset, starts are told so far ahead.
const HORIZON: TimeDelta = TimeDelta::hours(6);
/// Use within that is the present rate.
const LATELY: TimeDelta = TimeDelta::seconds(1800);
/// Starts told of one window.
const EXPECTED: usize = 6;
/// Of longer windows only that much is read, to say who used them.
const LONGEST: TimeDelta = TimeDelta::days(31);
/// Points of the small curve.
const POINTS: usize = 96;

/// All pools, the one that runs out first on top.
pub fn limits(glance: Glance<'_>) -> Result<LimitsView> {
    let rules = settings::rules(glance.reader)?;
    let mut rows: BTreeMap<String, Vec<WindowRow>> = BTreeMap::new();
    for row in quota::windows(glance.reader)? {
        rows.entry(row.key.clone()).or_default().push(row);
    }
    let ahead = known(glance)?;
    let sources = sources(glance.reader)?;
    let mut pools = rows
        .into_values()
        .map(|windows| pool(glance, &rules, &windows, &ahead, &sources))
        .collect::<Result<Vec<_>>>()?;
    pools.sort_by(|a, b| {
        urgency(a)
            .total_cmp(&urgency(b))
            .then_with(|| a.key.cmp(&b.key))
    });
    Ok(LimitsView {
        title: title(glance.now, &pools),
        pools,
    })
}

/// Where limits are only read: what it tells was used by others.
fn sources(reader: &Reader) -> Result<BTreeSet<AgentRef>> {
    let all = agents::list(reader)?.into_iter();
    let sources = all.filter(|record| record.card.limits_only);
    Ok(sources.map(|record| record.agent).collect())
}

/// Smaller is more urgent: used up, then by the time it runs out, then by what is left.
fn urgency(pool: &PoolView) -> f64 {
    pool.windows
        .iter()
        .map(window_urgency)
        .fold(f64::INFINITY, f64::min)
}

fn window_urgency(window: &WindowView) -> f64 {
    match (window.level.as_str(), window.runs_out_at) {
        ("out", _) => 0.0,
        (_, Some(at)) => at.timestamp() as f64,
        (_, None) => 1e12 + 100.0 - window.used_percent.unwrap_or(-100.0),
    }
}

fn title(now: Time, pools: &[PoolView]) -> String {
    let windows = || {
        pools
            .iter()
            .flat_map(|pool| pool.windows.iter().map(move |window| (pool, window)))
    };
    if let Some((pool, window)) = windows().find(|(_, window)| window.level == "out") {
        return match window.reset_at.filter(|at| *at > now) {
            Some(at) => format!(
                "{} is used up, it starts anew in {}",
                pool.provider,
                span(between(now, at))
            ),
            None => format!("{} is used up", pool.provider),
        };
    }
    let first = windows()
        .filter_map(|(pool, window)| Some((window.runs_out_at?, pool, window)))
        .min_by_key(|(at, ..)| *at);
    if let Some((at, pool, window)) = first {
        let begin = format!(
            "{} {} runs out in {}",
            pool.provider,
            window.name,
            span(between(now, at))
        );
        return match window.reset_at {
            Some(reset) => format!("{begin}, {} before its reset", span(between(at, reset))),
            None => begin,
        };
    }
    let unknown = windows()
        .filter(|(_, window)| window.level == "unknown" || window.stale || window.too_early)
        .count();
    match (windows().count(), unknown) {
        (0, _) => "No limits seen yet".to_owned(),
        (1, 0) => "The limit is not running out".to_owned(),
        (all, 0) => format!("None of the {all} limits is running out"),
        (1, _) => "When the limit runs out cannot be told yet".to_owned(),
        (all, unknown) if all == unknown => "When the limits run out cannot be told yet".to_owned(),
        (all, unknown) => format!(
            "{} of {all} limits not running out, {unknown} cannot be told yet",
            all - unknown
        ),
    }
}

fn pool(
    glance: Glance<'_>,
    rules: &Settings,
    rows: &[WindowRow],
    ahead: &[Known],
    sources: &BTreeSet<AgentRef>,
) -> Result<PoolView> {
    let day = glance.now - TimeDelta::hours(24);
    let mut windows = vec![];
    let mut reporters = BTreeSet::new();
    let (mut rejected, mut last_rejected) = (0, None);
    for row in rows {
        let from = begin(&row.window, glance.now).min(day);
        let kept = quota::samples(glance.reader, &row.key, &row.window.name, from)?;
        let samples = kept.get(kept.partition_point(|sample| sample.at < day)..);
        let samples = samples.unwrap_or_default();
        reporters.extend(samples.iter().map(|sample| sample.agent.clone()));
        let refused = samples.iter().filter(|sample| sample.rejected);
        let here = u32::try_from(refused.clone().count()).unwrap_or(u32::MAX);
        rejected = here.max(rejected);
        last_rejected = refused.map(|sample| sample.at).max().max(last_rejected);
        let mut view = window(glance.now, rules, row, samples, &told(samples));
        view.seen = seen(row, &kept, sources);
        windows.push(expecting(glance.now, row, samples, ahead, view));
    }
    windows.sort_by(|a, b| window_urgency(a).total_cmp(&window_urgency(b)));
    let (sources, agents) = reporters
        .into_iter()
        .partition::<BTreeSet<_>, _>(|reporter| sources.contains(reporter));
    let names = |of: BTreeSet<AgentRef>| {
        let names = of.into_iter().map(|one| plain(one.agent.as_str()));
        names.collect()
    };
    let first = rows.first();
    let part = |part: fn(&domain::contract::Pool) -> Option<&String>| {
        first
            .and_then(|row| part(&row.pool))
            .map(|text| plain(text))
    };
    Ok(PoolView {
        key: first.map(|row| row.key.clone()).unwrap_or_default(),
        provider: first
            .map(|row| plain(&row.pool.provider))
            .unwrap_or_default(),
        account: part(|pool| pool.account.as_ref()),
        scope: part(|pool| pool.scope.as_ref()),
        agents: names(agents),
        sources: names(sources),
        windows,
        rejected_last_day: rejected,
        last_rejected_at: last_rejected,
    })
}

fn length(window: &QuotaWindow) -> Option<TimeDelta> {
    TimeDelta::try_seconds(i64::try_from(window.window_seconds?).ok()?)
}

/// When the present window began, as far as is told, and a while before, so that it can be seen to begin.
fn begin(window: &QuotaWindow, now: Time) -> Time {
    let end = window.reset_at.unwrap_or(now);
    let length = length(window).unwrap_or_default().min(LONGEST);
    end - length - TimeDelta::seconds(STALE_SECONDS)
}

/// Who was seen to use a window since it began. `kept`: its samples from before that.
fn seen(row: &WindowRow, kept: &[SampleRow], sources: &BTreeSet<AgentRef>) -> Vec<UseView> {
    let told = in_order(kept);
    let Some(newest) = told.iter().rev().find_map(|(_, point)| *point) else {
        return vec![];
    };
    let used = observed(&told, length(&row.window));
    let whole = newest.used + newest.left;
    let mut seen: Vec<_> = used
        .into_iter()
        .filter(|(agent, _)| !sources.contains(agent))
        .map(|(agent, units)| UseView {
            agent: plain(agent.agent.as_str()),
            percent: 100.0 * units / whole,
        })
        // Numbers that contradict each other say nothing.
        .filter(|seen| seen.percent.is_finite() && seen.percent > 0.0)
        .collect();
    // Those who used as much as another stand by name.
    seen.sort_by(|one, two| two.percent.total_cmp(&one.percent));
    seen
}

/// Who reported what of a window.
type Told = Vec<(AgentRef, Option<Point>)>;

/// Samples in the order of the rule: of several with one time the one that leaves least counts.
fn in_order(samples: &[SampleRow]) -> Told {
    let left = |sample: &SampleRow| sample.remaining.unwrap_or(f64::INFINITY);
    let mut samples: Vec<_> = samples.iter().collect();
    samples.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| left(b).total_cmp(&left(a))));
    let told = samples.into_iter().map(|s| (s.agent.clone(), point(s)));
    told.collect()
}

/// The samples that the rule has of a window.
fn told(samples: &[SampleRow]) -> Told {
    let told = in_order(samples);
    // What several report alike is one sample.
    let alike = told.chunk_by(|one, two| one.1.is_some() && one.1 == two.1);
    let kept: usize = alike.rev().take(KEPT).map(<[_]>::len).sum();
    told.get(told.len() - kept..).unwrap_or_default().to_vec()
}

/// Who used a pool lately, the largest first, in the window that the finding about it speaks of; and when that one starts
/// anew.
fn used_by(windows: &[Told], now: Time) -> (Vec<(AgentRef, f64)>, Option<Time>) {
    let points = |told: &Told| told.iter().map(|(_, point)| *point).collect();
    let found = foremost(windows.iter().map(|told| (told, points(told))), now);
    let Some((told, _)) = found else {
        return (vec![], None);
    };
    let newest = told.last().and_then(|(_, point)| *point);
    (users(told), newest.and_then(|point| point.reset_at))
}

/// A pool as the ways out of a finding about it need it.
pub(super) struct InUse {
    /// Who reported it in the last day, and their shares of what was used lately, the largest first.
    pub(super) users: Vec<(AgentId, f64)>,
    /// When the window that runs out first starts anew.
    pub(super) reset_at: Option<Time>,
}

impl InUse {
    pub(super) fn read(reader: &Reader, windows: &[WindowRow], now: Time) -> Result<Self> {
        let mut all = vec![];
        let sources = sources(reader)?;
        for row in windows {
            let from = now - TimeDelta::days(1);
            let samples = quota::samples(reader, &row.key, &row.window.name, from)?;
            all.push(told(&samples));
        }
        let (mut users, reset_at) = used_by(&all, now);
        let reporters: BTreeSet<_> = all.iter().flatten().map(|(agent, _)| agent).collect();
        let named: BTreeSet<_> = users.iter().map(|(agent, _)| agent.clone()).collect();
        let silent = reporters
            .into_iter()
            .filter(|agent| !named.contains(*agent));
        users.extend(silent.map(|agent| (agent.clone(), 0.0)));
        users.retain(|(agent, _)| !sources.contains(agent));
        let users = users.into_iter();
        Ok(Self {
            users: users.map(|(agent, share)| (agent.agent, share)).collect(),
            reset_at,
        })
    }
}

/// What the samples say about the future.
fn foretell(row: &WindowRow, told: &Told) -> Outlook {
    let Some(newest) = Point::of(row.observed_at, &row.window) else {
        return Outlook::Unknown;
    };
    let points: Vec<_> = told.iter().filter_map(|(_, point)| *point).collect();
    match forecast(&points) {
        Forecast::TooFew => Outlook::TooFew,
        told @ Forecast::RunsOut { at, .. } if told.presses(&newest) => Outlook::RunsOut(at),
        Forecast::RunsOut { .. } | Forecast::Lasts => Outlook::Lasts,
    }
}

fn point(sample: &SampleRow) -> Option<Point> {
    Some(Point {
        at: sample.at,
        used: sample.used?,
        left: sample.remaining?,
        reset_at: sample.reset_at,
    })
}

enum Outlook {
    Unknown,
    TooFew,
    Lasts,
    RunsOut(Time),
}

fn window(
    now: Time,
    rules: &Settings,
    row: &WindowRow,
    samples: &[SampleRow],
    told: &Told,
) -> WindowView {
    let reported = &row.window;
    let percent = quota::used_percent(reported);
    let started_anew = reported.reset_at.is_some_and(|at| at <= now);
    let stale = started_anew || between(row.observed_at, now) > STALE_SECONDS;
    let refused = reported.status.as_deref() == Some("rejected");
    let out = refused
        || reported.remaining.is_some_and(|left| left <= 0.0)
        || percent.is_some_and(|used| used >= 100.0);
    let above = percent.map(|used| {
        rules
            .quota_warn_percent
            .iter()
            .filter(|warn| used >= **warn)
            .count()
    });
    let level = match (out && !started_anew, above) {
        (true, _) => "out",
        (false, None) => "unknown",
        (false, Some(0)) => "ok",
        (false, Some(1)) => "warn",
        (false, Some(_)) => "high",
    };
    let outlook = foretell(row, told);
    let runs_out_at = match outlook {
        Outlook::RunsOut(at) if !stale && level != "out" => Some(at.max(now)),
        _ => None,
    };
    let sentence = match (&outlook, level) {
        _ if started_anew => "It has started anew since; no newer numbers yet.".to_owned(),
        (_, "out") => match reported.reset_at {
            Some(at) => format!("Used up; it starts anew in {}.", span(between(now, at))),
            None => "Used up.".to_owned(),
        },
        _ if stale => format!(
            "The numbers are {} old.",
            span(between(row.observed_at, now))
        ),
        (Outlook::Unknown, _) => "The limit is not reported, so nothing can be said.".to_owned(),
        (Outlook::TooFew, _) => "Not measured often enough yet to say when it runs out.".to_owned(),
        (Outlook::Lasts, _) => match reported.reset_at {
            Some(_) => "Lasts until it starts anew.".to_owned(),
            None => "Lasts at the present rate.".to_owned(),
        },
        (Outlook::RunsOut(at), _) => match reported.reset_at {
            Some(reset) => format!(
                "Runs out in {}, {} before its reset.",
                span(between(now, *at)),
                span(between(*at, reset))
            ),
            None => format!("Runs out in {}.", span(between(now, *at))),
        },
    };
    let basis = match (row.from_headers, reported.limit, percent) {
        (true, ..) => Basis::Headers,
        (false, Some(_), _) => Basis::Reported,
        (false, None, Some(_)) => Basis::Percent,
        (false, None, None) => Basis::Unknown,
    };
    WindowView {
        name: plain(&reported.name),
        unit: reported.unit.as_deref().map(plain),
        limit: reported.limit,
        remaining: reported.remaining,
        used: reported
            .used
            .or_else(|| Some(reported.limit? - reported.remaining?)),
        used_percent: percent,
        window_seconds: reported.window_seconds,
        reset_at: reported.reset_at,
        status: reported.status.as_deref().map(plain),
        observed_at: row.observed_at,
        stale,
        basis,
        runs_out_at,
        too_early: matches!(outlook, Outlook::TooFew),
        forecast: sentence,
        level: level.to_owned(),
        history: curve(samples),
        seen: vec![],
        starts: vec![],
        with_starts_at: None,
    }
}

/// Adds what will start before the window begins anew, of agents that use the pool, and when it runs out with that.
fn expecting(
    now: Time,
    row: &WindowRow,
    samples: &[SampleRow],
    ahead: &[Known],
    mut window: WindowView,
) -> WindowView {
    let Some(newest) = Point::of(row.observed_at, &row.window).filter(|_| !window.stale) else {
        return window;
    };
    let until = newest.reset_at.unwrap_or(now + HORIZON);
    let points = samples.iter().map(|s| (s.agent.clone(), point(s)));
    let points: Vec<_> = points.filter_map(|(who, p)| Some((who, p?))).collect();
    let mut coming = vec![];
    for known in ahead {
        let agent = &known.record.agent;
        if !samples.iter().any(|sample| sample.agent == *agent) {
            continue;
        }
        // What it uses now is in the present rate already.
        let busy = added(&points, agent, newest.at - LATELY, newest.at) > 0.0;
        for start in &known.starts {
            let Some(at) = start.view.next_at.filter(|at| *at < until) else {
                continue;
            };
            let mut before = start.before.clone();
            before.sort_unstable();
            let units = used_by_start(&points, agent, &before);
            if let Some(units) = units.filter(|_| !busy) {
                coming.push((at, units));
            }
            window.starts.push(ExpectedView {
                at,
                agent: plain(agent.agent.as_str()),
                what: start.view.task_kind.clone(),
                source: start.view.source,
                percent: units
                    .map(|units| 100.0 * units / (newest.used + newest.left))
                    .filter(|percent| percent.is_finite()),
            });
        }
    }
    window.starts.sort_by_key(|start| start.at);
    window.starts.truncate(EXPECTED);
    coming.sort_by_key(|(at, _)| *at);
    if !coming.is_empty() && window.level != "out" {
        let points: Vec<_> = points.into_iter().map(|(_, point)| point).collect();
        let at = with_starts(&points, &coming).map(|at| at.max(now));
        // Said only where the starts make a difference.
        window.with_starts_at = at.filter(|at| window.runs_out_at.is_none_or(|out| *at < out));
    }
    window
}

fn curve(samples: &[SampleRow]) -> Vec<PointView> {
    let points: Vec<_> = samples
        .iter()
        .filter_map(|sample| {
            Some(PointView {
                at: sample.at,
                used_percent: sample.used_percent?,
            })
        })
        .collect();
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(place, _)| place % step == 0 || *place == last)
        .map(|(_, point)| point)
        .collect()
}
