//! Figures of two programs that took turns, and their ratio pair by pair: what disturbs the computer disturbs both.

/// One figure of ours and the peer's, measured one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) ours: f64,
    pub(crate) peer: f64,
}

/// Median, smallest and largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted.get(middle.checked_sub(1)?)? + sorted.get(middle)?) / 2.0
        } else {
            *sorted.get(middle)?
        };
        Some(Self {
            median,
            least: *sorted.first()?,
            most: *sorted.last()?,
        })
    }

    fn text(self, digits: usize) -> String {
        format!(
            "{:.digits$} ({:.digits$} to {:.digits$})",
            self.median, self.least, self.most
        )
    }
}

/// One row of the table: ours, the peer's, and the ratio.
pub(crate) fn row(name: &str, digits: usize, pairs: &[Pair]) -> String {
    let spread = |figure: fn(&Pair) -> f64| Spread::of(pairs.iter().map(figure));
    match (
        spread(|pair| pair.ours),
        spread(|pair| pair.peer),
        spread(|pair| pair.ours / pair.peer),
    ) {
        (Some(ours), Some(peer), Some(ratio)) => format!(
            "{name:<34} {:>24} {:>24} {:>22}",
            ours.text(digits),
            peer.text(digits),
            ratio.text(2)
        ),
        _ => format!("{name:<34} not measured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_both_ends() {
        for (figures, expected) in [
            (vec![], None),
            (vec![2.0], Some((2.0, 2.0, 2.0))),
            (vec![9.0, 1.0, 2.0], Some((2.0, 1.0, 9.0))),
            (vec![4.0, 1.0, 2.0, 9.0], Some((3.0, 1.0, 9.0))),
        ] {
            let expected = expected.map(|(median, least, most)| Spread {
                median,
                least,
                most,
            });
            assert_eq!(Spread::of(figures.clone()), expected, "{figures:?}");
        }
    }

    #[test]
    fn ratios_are_of_pairs_and_not_of_medians() {
        let pairs =
            [(10.0, 10.0), (20.0, 10.0), (90.0, 30.0)].map(|(ours, peer)| Pair { ours, peer });
        let row = row("x", 0, &pairs);
        assert!(row.ends_with("2.00 (1.00 to 3.00)"), "{row}");
    }
}
