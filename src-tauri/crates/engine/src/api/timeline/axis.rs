//! How time lies on the axis: as it is where something happened, folded where nothing did. No drawing, no facts.

use chrono::TimeDelta;
use domain::time::Time;

use crate::api::views::TimelineSpan;

/// Places on the axis; nothing is told apart more finely.
pub(super) const SLOTS: u32 = 600;
/// A folded stretch takes this many, however long it was, and there are at most so many of them.
const FOLD: u32 = 14;
const FOLDS: usize = 8;
/// A pause is worth folding when it is this part of what is left open, and lasts at least so many microseconds.
const WORTH: i64 = 10;
const SHORTEST: i64 = 20_000_000;

/// The axis of a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// In order, without gaps.
    pub(super) spans: Vec<TimelineSpan>,
}

impl Axis {
    /// Folds what lies between the given times, which are in order.
    pub(super) fn new(from: Time, to: Time, times: &[Time]) -> Self {
        let whole = (to - from).num_microseconds().unwrap_or(i64::MAX).max(1);
        let of = |at: Time| (at - from).num_microseconds().unwrap_or(0).clamp(0, whole);
        let idle = pauses(whole, times.iter().map(|at| of(*at)));
        let folded: i64 = idle.iter().map(|(begin, end)| end - begin).sum();
        let folds = u32::try_from(idle.len()).unwrap_or(0);
        let open = (whole - folded).max(1);
        let slots = i64::from(SLOTS - (folds * FOLD).min(SLOTS / 2));
        let mut spans = vec![];
        let (mut done, mut shown, mut begin) = (0, 0_i64, 0);
        let at = |micros: i64| from + TimeDelta::microseconds(micros);
        for (start, end) in idle.into_iter().chain([(whole, whole)]) {
            if start > done {
                shown += start - done;
                // Of what is open each stretch has its share, and all shares together are all open slots.
                let folds_before = spans
                    .iter()
                    .filter(|span: &&TimelineSpan| span.folded)
                    .count();
                let before = u32::try_from(folds_before).unwrap_or(0) * FOLD;
                let stop = before + u32::try_from(shown.saturating_mul(slots) / open).unwrap_or(0);
                let stop = stop.max(begin + 1).min(SLOTS);
                spans.push(TimelineSpan {
                    from: at(done),
                    to: at(start),
                    begin,
                    end: stop,
                    folded: false,
                });
                begin = stop;
            }
            if end > start {
                let stop = (begin + FOLD).min(SLOTS);
                spans.push(TimelineSpan {
                    from: at(start),
                    to: at(end),
                    begin,
                    end: stop,
                    folded: true,
                });
                begin = stop;
            }
            done = end;
        }
        if let Some(last) = spans.last_mut() {
            last.end = SLOTS;
        }
        Self { spans }
    }

    /// Where a time stands, 0 to `SLOTS` - 1.
    pub(super) fn slot(&self, at: Time) -> u32 {
        let span = match self.spans.iter().position(|span| at < span.to) {
            Some(index) => &self.spans[index],
            None => return SLOTS - 1,
        };
        let long = (span.to - span.from).num_microseconds().unwrap_or(1).max(1);
        let into = (at - span.from).num_microseconds().unwrap_or(0).max(0);
        let wide = i64::from(span.end.saturating_sub(span.begin));
        let place = span.begin + u32::try_from(into.saturating_mul(wide) / long).unwrap_or(0);
        place.min(SLOTS - 1)
    }
}

/// What is folded: the long pauses, each with a margin towards what happened. What is long depends on what is left open
/// without them, so that three busy minutes of a day fill the axis.
fn pauses(whole: i64, times: impl Iterator<Item = i64>) -> Vec<(i64, i64)> {
    let mut all = vec![];
    let mut last = None;
    for at in times {
        all.push((last.unwrap_or(0), at, last.is_some()));
        last = Some(at);
    }
    let Some(last) = last else { return vec![] };
    all.push((last, whole, true));
    let (mut open, mut least) = (whole, i64::MAX);
    loop {
        let next = (open / WORTH).max(SHORTEST);
        let long = all.iter().map(|(begin, end, _)| end - begin);
        let long = long.filter(|long| *long >= next);
        let (folds, folded) = long.fold((0, 0), |(folds, sum), long| (folds + 1, sum + long));
        // Things that happen at a steady pace are no pauses, however slow the pace is.
        if folds > FOLDS {
            break;
        }
        least = next;
        if whole - folded >= open {
            break;
        }
        open = whole - folded;
    }
    all.retain(|(begin, end, _)| end - begin >= least);
    all.sort_by_key(|(begin, end, _)| begin - end);
    all.truncate(FOLDS);
    all.sort_unstable();
    let margin = least / 5;
    let fold = |(begin, end, after): (i64, i64, bool)| {
        let begin = if after { begin + margin } else { begin };
        (begin, if end == whole { end } else { end - margin })
    };
    all.into_iter()
        .map(fold)
        .filter(|(begin, end)| end > begin)
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn check(seconds: &[i64], folded: &[(i64, i64)]) {
        let times: Vec<_> = seconds.iter().map(|second| at(*second)).collect();
        let axis = Axis::new(at(0), at(900), &times);
        let got: Vec<_> = axis
            .spans
            .iter()
            .filter(|span| span.folded)
            .map(|span| {
                (
                    (span.from - at(0)).num_seconds(),
                    (span.to - at(0)).num_seconds(),
                )
            })
            .collect();
        assert_eq!(got, folded, "{seconds:?}");
        assert_eq!(axis.spans.first().map(|span| span.begin), Some(0));
        assert_eq!(axis.spans.last().map(|span| span.end), Some(SLOTS));
        for pair in axis.spans.windows(2) {
            assert_eq!(
                (pair[0].end, pair[0].to),
                (pair[1].begin, pair[1].from),
                "{seconds:?}"
            );
        }
        let slots: Vec<_> = (0..=900).map(|second| axis.slot(at(second))).collect();
        assert!(slots.is_sorted(), "time never runs backwards: {seconds:?}");
        assert!(slots.iter().all(|slot| *slot < SLOTS));
    }

    #[test]
    fn idle_time_is_folded_with_a_margin_around_what_happened() {
        check(&[100, 110, 700, 705], &[(0, 96), (114, 696), (709, 900)]);
        check(&[0, 450], &[(4, 446), (454, 900)]);
    }

    #[test]
    fn short_pauses_and_an_empty_stretch_are_drawn_as_they_are() {
        check(&[], &[]);
        check(
            &[
                60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 660, 720, 780, 840,
            ],
            &[],
        );
    }

    #[test]
    fn however_many_pauses_there_are_half_of_the_axis_is_left_for_what_happened() {
        let times: Vec<_> = (0..24).map(|hour| at(hour * 3600)).collect();
        let axis = Axis::new(at(0), at(86_400), &times);
        let wide: u32 = axis
            .spans
            .iter()
            .filter(|span| !span.folded)
            .map(|span| span.end - span.begin)
            .sum();
        assert!(wide >= SLOTS / 2, "{wide}");
        for pair in times.windows(2) {
            assert!(axis.slot(pair[0]) < axis.slot(pair[1]));
        }
    }
}
