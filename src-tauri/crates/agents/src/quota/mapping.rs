//! From the numbers of a Prometheus page to pools and windows, as the person says in a mapping: which metric is the limit,
//! which is what remains, and which labels tell pools apart.
//!
//! It never guesses: a number that could stand for two things gives no window, and the reason is said.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use domain::{fact::PollError, time::Time};
use serde::{Deserialize, Serialize};

use super::{
    Pool, Refused, Told, Window,
    exposition::{Page, Sample},
};
use crate::http::invalid;

/// Programs without a limit often say the largest number they know.
const UNLIMITED: f64 = 9.2e18;
/// Windows of one page; more than any person reads.
const MOST: usize = 500;
/// A line that is none is passed on up to here, characters.
const LINE: usize = 500;

/// What a person chose to see of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mapping {
    /// In order; each gives any number of windows.
    pub windows: Vec<Rule>,
}

/// One sort of window. All are text; an empty one is absent. In `provider`, `account`, `scope` and `name`, `{label}` is
/// replaced by that label's value, `{one|other}` by the first that has one: pools and windows are told apart by it. The
/// numbers are a metric (`name{label="value"}`, `!=` too, and `* 60` after it) or a plain number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Whose limit it is.
    pub provider: String,
    /// Of which account or key.
    pub account: String,
    /// For which model or resource.
    pub scope: String,
    /// What the window is called.
    pub name: String,
    /// `requests`, `tokens`, `usd`…
    pub unit: String,
    /// How long it is.
    pub window_seconds: Option<u64>,
    /// The whole.
    pub limit: String,
    /// What is left.
    pub remaining: String,
    /// What is used.
    pub used: String,
    /// The same, 0 to 100.
    pub used_percent: String,
    /// When it begins anew, seconds since 1970.
    pub resets_at: String,
    /// The same, in seconds from now.
    pub resets_in: String,
    /// `used` only ever grows: what counts is its rise in the last `window_seconds`.
    pub counts_up: bool,
    /// A counter: the numbers are believed only after it moved, because they are as old as its last step.
    pub moved_by: String,
    /// Of several numbers that fall together: `smallest`, `sum`, or empty to refuse.
    pub several: String,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which rule, from 0.
    pub rule: usize,
    /// The limit.
    pub told: Told,
    /// The samples it came from: what for, and the sample as it stands on the page.
    pub from: Vec<(&'static str, String)>,
}

/// What a mapping makes of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// In order of the rules.
    pub found: Vec<Found>,
    /// What is wrong: the rule, from 0, and a sentence.
    pub problems: Vec<(usize, String)>,
    /// Limits that stand on the page and cannot be read.
    pub refused: Vec<Refused>,
}

/// What has to be remembered from page to page.
#[derive(Default)]
pub struct Memory {
    rises: BTreeMap<(usize, Place), VecDeque<(Time, f64)>>,
    moved: BTreeMap<(usize, Place), f64>,
    has_looked: bool,
}

/// A metric or a plain number.
#[derive(Debug, PartialEq)]
enum Pick {
    Number(f64),
    Metric {
        name: String,
        labels: Vec<(String, bool, String)>,
        factor: f64,
    },
}

impl Pick {
    /// `None` when nothing is wanted.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if let Ok(number) = text.parse::<f64>() {
            return if number.is_finite() {
                Ok(Some(Self::Number(number)))
            } else {
                Err(format!("\"{text}\" is no number that can be used."))
            };
        }
        let (selector, factor) = match text.rsplit_once('*') {
            Some((selector, factor)) if !factor.contains('"') => {
                let factor = factor.trim().parse::<f64>().ok().filter(|f| f.is_finite());
                let wrong = "What stands after * is no number.";
                (selector.trim(), factor.ok_or_else(|| wrong.to_owned())?)
            }
            _ => (text, 1.0),
        };
        let wrong = || format!("\"{text}\" is no metric and no number.");
        // The same grammar as a line of the page, once `!=` is set apart.
        let (unequal, line) = set_apart(selector);
        let line = format!("{line} 0");
        let page = super::exposition::read(&line, false);
        let [sample] = page.samples.as_slice() else {
            return Err(wrong());
        };
        let labels = sample.labels.iter().enumerate();
        Ok(Some(Self::Metric {
            name: sample.name.clone().into_owned(),
            labels: labels
                .map(|(index, (name, value))| {
                    let equal = !unequal.contains(&index);
                    (name.clone().into_owned(), equal, value.clone().into_owned())
                })
                .collect(),
            factor,
        }))
    }

    fn fits(&self, sample: &Sample<'_>) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Metric { name, labels, .. } => {
                *name == sample.name
                    && labels.iter().all(|(label, equal, value)| {
                        (sample.label(label).unwrap_or_default() == value) == *equal
                    })
            }
        }
    }
}

/// Makes `!=` outside of quotes `=`; the places (from 0) of the labels it stood at.
fn set_apart(selector: &str) -> (Vec<usize>, String) {
    let (mut unequal, mut line) = (vec![], String::new());
    let (mut place, mut quoted, mut escaped) = (0, false, false);
    for c in selector.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => place += 1,
            '!' if !quoted => {
                unequal.push(place);
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        line.push(c);
    }
    (unequal, line)
}

/// Provider, account, scope and name, with the labels in place.
type Place = [String; 4];

/// `{label}` replaced. Some exporters write `None` for nothing.
fn filled(template: &str, sample: &Sample<'_>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((names, after)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        let value = names
            .split('|')
            .filter_map(|name| sample.label(name.trim()))
            .find(|value| *value != "None");
        text.push_str(value.unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text.trim().to_owned()
}

fn shown(sample: &Sample<'_>) -> String {
    let labels: Vec<_> = sample
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{}{{{}}} {}", sample.name, labels.join(","), sample.value)
}

/// Unusable numbers say nothing: unknown is never zero.
fn usable(value: f64) -> Option<f64> {
    (value.is_finite() && value.abs() < UNLIMITED).then_some(value)
}

const FIELDS: [&str; 7] = [
    "limit",
    "remaining",
    "used",
    "usedPercent",
    "resetsAt",
    "resetsIn",
    "movedBy",
];

struct Picks {
    all: [Option<Pick>; 7],
}

impl Picks {
    fn of(rule: &Rule) -> Result<Self, String> {
        if rule.provider.trim().is_empty() {
            return Err("It does not say whose limit it is.".to_owned());
        }
        if rule.name.trim().is_empty() {
            return Err("The window has no name.".to_owned());
        }
        if !matches!(rule.several.as_str(), "" | "smallest" | "sum") {
            return Err("Of several numbers the smallest or the sum can be taken.".to_owned());
        }
        if rule.counts_up && rule.window_seconds.is_none_or(|seconds| seconds == 0) {
            return Err("A counter needs the length of its window.".to_owned());
        }
        let all = [
            &rule.limit,
            &rule.remaining,
            &rule.used,
            &rule.used_percent,
            &rule.resets_at,
            &rule.resets_in,
            &rule.moved_by,
        ];
        let mut picks = [const { None }; 7];
        for (pick, text) in picks.iter_mut().zip(all) {
            *pick = Pick::read(text)?;
        }
        let measured = picks[1..4].iter().flatten();
        if !measured
            .into_iter()
            .any(|pick| matches!(pick, Pick::Metric { .. }))
        {
            return Err("No metric says what is used or what remains.".to_owned());
        }
        Ok(Self { all: picks })
    }
}

/// What a mapping makes of a page. `now`: when it was read.
pub fn apply(mapping: &Mapping, page: &Page<'_>, memory: &mut Memory, now: Time) -> Outcome {
    let mut outcome = Outcome::default();
    for (index, rule) in mapping.windows.iter().enumerate() {
        match Picks::of(rule) {
            Ok(picks) => {
                one(index, rule, &picks, page, memory, now, &mut outcome);
                unread(rule, &picks, page, &mut outcome.refused);
            }
            Err(problem) => outcome.problems.push((index, problem)),
        }
    }
    memory.has_looked = true;
    outcome
}

/// Lines that a rule looks for and that are none: the line stands where its number should.
fn unread(rule: &Rule, picks: &Picks, page: &Page<'_>, refused: &mut Vec<Refused>) {
    const MEMBERS: [&str; 5] = ["limit", "remaining", "used", "usedPercent", "resetAt"];
    for ((name, labels), line) in &page.refused {
        let begun = Sample {
            name: name.clone(),
            labels: labels.clone(),
            value: f64::NAN,
            at: None,
        };
        for (pick, member) in picks.all.iter().zip(MEMBERS) {
            let is_wanted =
                matches!(pick, Some(Pick::Metric { name: wanted, .. }) if wanted == name);
            if !is_wanted {
                continue;
            }
            let [provider, account, scope, window] = place(rule, &begun);
            // Labels that could not be read name nothing; what the mapping says does.
            let named = |filled: String, template: &str| match filled.is_empty() {
                true => template.to_owned(),
                false => filled,
            };
            let pool = Pool {
                provider: named(provider, &rule.provider),
                account: given(&account),
                scope: given(&scope),
            };
            let line: String = line.chars().take(LINE).collect();
            let line = serde_json::json!(line).to_string();
            let said = [(member, Some(line.as_str()))];
            refused.push(Refused::window(&pool, &named(window, &rule.name), &said));
        }
    }
}

fn place(rule: &Rule, sample: &Sample<'_>) -> Place {
    [&rule.provider, &rule.account, &rule.scope, &rule.name]
        .map(|template| filled(template, sample))
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Whether a mapping can be used at all.
pub fn check(mapping: &Mapping) -> Result<(), PollError> {
    for rule in &mapping.windows {
        Picks::of(rule).map_err(invalid)?;
    }
    Ok(())
}

/// Values of one window by field, and the samples they came from.
#[derive(Default)]
struct Group<'p, 's> {
    values: [Vec<f64>; 7],
    samples: Vec<(&'static str, &'p Sample<'s>)>,
    at: Option<f64>,
}

fn one(
    index: usize,
    rule: &Rule,
    picks: &Picks,
    page: &Page<'_>,
    memory: &mut Memory,
    now: Time,
    outcome: &mut Outcome,
) {
    let mut groups: BTreeMap<Place, Group<'_, '_>> = BTreeMap::new();
    for sample in &page.samples {
        for (field, pick) in picks.all.iter().enumerate() {
            let Some(pick) = pick.as_ref().filter(|pick| pick.fits(sample)) else {
                continue;
            };
            let Pick::Metric { factor, .. } = pick else {
                continue;
            };
            let group = groups.entry(place(rule, sample)).or_default();
            group.samples.push((FIELDS[field], sample));
            if let Some(value) = usable(sample.value * factor) {
                group.values[field].push(value);
            }
            group.at = sample.at.map_or(group.at, |at| {
                Some(group.at.map_or(at, |known| known.max(at)))
            });
        }
    }
    let mut count = 0;
    for (place, group) in groups {
        match window(index, rule, picks, &place, &group, memory, now) {
            Ok(None) => {}
            Ok(Some(told)) if count < MOST => {
                count += 1;
                let from = group.samples.iter();
                outcome.found.push(Found {
                    rule: index,
                    told,
                    from: from
                        .map(|(field, sample)| (*field, shown(sample)))
                        .collect(),
                });
            }
            Ok(Some(_)) => {
                let problem = format!("It gives more than {MOST} windows; the rest is left out.");
                outcome.problems.push((index, problem));
                return;
            }
            Err(problem) => {
                outcome.problems.push((index, problem));
                outcome.refused.extend(unclear(&place, &group));
            }
        }
    }
}

/// A window with all the numbers that fall together, in their places.
fn unclear(place: &Place, group: &Group<'_, '_>) -> Option<Refused> {
    let [provider, account, scope, name] = place;
    if provider.is_empty() || name.is_empty() {
        return None;
    }
    let pool = Pool {
        provider: provider.clone(),
        account: given(account),
        scope: given(scope),
    };
    let said = group.values[..4].iter().zip(FIELDS);
    let said: Vec<_> = said
        .filter(|(values, _)| values.len() > 1)
        .map(|(values, member)| (member, serde_json::json!(values).to_string()))
        .collect();
    let said: Vec<_> = said
        .iter()
        .map(|(m, raw)| (*m, Some(raw.as_str())))
        .collect();
    (!said.is_empty()).then(|| Refused::window(&pool, name, &said))
}

fn window(
    index: usize,
    rule: &Rule,
    picks: &Picks,
    place: &Place,
    group: &Group<'_, '_>,
    memory: &mut Memory,
    now: Time,
) -> Result<Option<Told>, String> {
    let [provider, account, scope, name] = place;
    // Numbers of which nothing is measured stand for no window: the labels of a limit alone.
    if group.values[1..4].iter().all(Vec::is_empty) {
        return Ok(None);
    }
    if provider.is_empty() || name.is_empty() {
        return Err("A label that should name the limit is empty on the page.".to_owned());
    }
    let key = (index, place.clone());
    if picks.all[6].is_some() {
        let count: f64 = group.values[6].iter().sum();
        // What was not there at an earlier look stood at nothing then.
        let absent = memory.has_looked.then_some(0.0);
        let before = memory.moved.insert(key.clone(), count).or(absent);
        if before.is_none_or(|before| before == count) {
            return Ok(None);
        }
    }
    let value = |field: usize| -> Result<Option<f64>, String> {
        if let Some(Pick::Number(number)) = &picks.all[field] {
            return Ok(Some(*number));
        }
        match (group.values[field].as_slice(), rule.several.as_str()) {
            ([], _) => Ok(None),
            ([one], _) => Ok(Some(*one)),
            (all, "smallest") => Ok(all.iter().copied().reduce(f64::min)),
            (all, "sum") => Ok(Some(all.iter().sum())),
            (all, _) => Err(format!(
                "{} values of {} fall together as {}. Tell them apart by a label in its names.",
                all.len(),
                FIELDS[field],
                place.join("/")
            )),
        }
    };
    let limit = value(0)?.filter(|limit| *limit >= 0.0);
    // Overspent is nothing left; a negative number without a limit is no number of anything.
    let remaining = value(1)?
        .map(|left| if limit.is_some() { left.max(0.0) } else { left })
        .filter(|left| *left >= 0.0);
    let mut used = value(2)?.filter(|used| *used >= 0.0);
    if rule.counts_up
        && let (Some(count), Some(seconds)) = (used, rule.window_seconds)
    {
        used = Some(risen(
            memory.rises.entry(key).or_default(),
            count,
            seconds,
            now,
        ));
    }
    let resets_in = value(5)?.filter(|seconds| (0.0..=1e9).contains(seconds));
    let reset_at = value(4)?
        .and_then(super::time)
        .or_else(|| now.checked_add_signed(TimeDelta::milliseconds((resets_in? * 1000.0) as i64)));
    let observed_at = group.at.and_then(super::time).map_or(now, |at| at.min(now));
    let used_percent = value(3)?.filter(|percent| *percent >= 0.0);
    if remaining.is_none() && used.is_none() && used_percent.is_none() {
        return Ok(None);
    }
    Ok(Some(Told {
        pool: Pool {
            provider: provider.clone(),
            account: given(account),
            scope: given(scope),
        },
        window: Window {
            name: name.clone(),
            unit: given(rule.unit.trim()),
            limit,
            remaining,
            used,
            used_percent,
            window_seconds: rule.window_seconds,
            reset_at,
        },
        observed_at,
    }))
}

/// How much a counter rose in the window; one that fell began anew at zero. At least that: what was before the first look
/// is not known.
fn risen(seen: &mut VecDeque<(Time, f64)>, count: f64, seconds: u64, now: Time) -> f64 {
    seen.push_back((now, count));
    let length = TimeDelta::seconds(i64::try_from(seconds.min(1 << 31)).unwrap_or(0));
    // The newest look before the window stays, as what it begins with.
    while seen.get(1).is_some_and(|(at, _)| *at <= now - length) {
        seen.pop_front();
    }
    let steps = seen.iter().zip(seen.iter().skip(1));
    steps
        .map(|((_, before), (_, after))| {
            if after < before {
                *after
            } else {
                after - before
            }
        })
        .sum()
}

#[cfg(test)]
mod tests;
