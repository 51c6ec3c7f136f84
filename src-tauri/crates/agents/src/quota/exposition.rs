//! Reads the text that Prometheus endpoints serve: format 0.0.4 and OpenMetrics 1.0, names in quotes included.
//!
//! Exact where it reads, forgiving where it cannot: a line that is none is counted with its reason and loses only itself.
//! What the numbers mean is not known here.

use std::{borrow::Cow, collections::BTreeMap};

/// So many bad lines are kept with their reason.
const REMEMBERED: usize = 5;
/// So many are kept as they are.
const KEPT: usize = 200;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The metric.
    pub name: Cow<'a, str>,
    /// Names and values, in the order of the page.
    pub labels: Labels<'a>,
    /// As it stands there: also infinite, or not a number.
    pub value: f64,
    /// Seconds since 1970, when the page says so.
    pub at: Option<f64>,
}

impl Sample<'_> {
    /// The value of a label; none when it is empty, which means the same.
    pub fn label(&self, name: &str) -> Option<&str> {
        let (_, value) = self.labels.iter().find(|(known, _)| known == name)?;
        Some(value.as_ref()).filter(|value| !value.is_empty())
    }
}

/// What a page holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page<'a> {
    /// In order.
    pub samples: Vec<Sample<'a>>,
    /// Declared types: `counter`, `gauge`…
    pub types: BTreeMap<&'a str, &'a str>,
    /// Lines that could not be read: number (from 1) and reason; the first of them.
    pub problems: Vec<(usize, &'static str)>,
    /// How many there are.
    pub unread: usize,
    /// The first of them as they are, with the name and the labels they begin with.
    pub refused: Vec<(Begun<'a>, &'a str)>,
}

/// What could be read of a line before it went wrong: name and labels.
pub type Begun<'a> = (Cow<'a, str>, Labels<'a>);

/// Names and values.
pub type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads a page. `seconds`: times are seconds (OpenMetrics), not milliseconds.
pub fn read(text: &str, seconds: bool) -> Page<'_> {
    let mut page = Page::default();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let trimmed = line.trim_start_matches([' ', '\t']);
        if trimmed.is_empty() {
            continue;
        }
        if let Some(comment) = trimmed.strip_prefix('#') {
            let mut words = comment.split([' ', '\t']).filter(|word| !word.is_empty());
            match (words.next(), words.next(), words.next()) {
                (Some("EOF"), None, _) => break,
                (Some("TYPE"), Some(name), Some(kind)) => {
                    page.types.insert(name, kind);
                }
                _ => {}
            }
            continue;
        }
        let mut begun = (Cow::Borrowed(""), vec![]);
        match sample(trimmed, seconds, &mut begun) {
            Ok(sample) => page.samples.push(sample),
            Err(reason) => {
                page.unread += 1;
                if page.refused.len() < KEPT {
                    page.refused.push((begun, line));
                }
                if page.problems.len() < REMEMBERED {
                    page.problems.push((index + 1, reason));
                }
            }
        }
    }
    page
}

fn sample<'a>(
    line: &'a str,
    seconds: bool,
    begun: &mut Begun<'a>,
) -> Result<Sample<'a>, &'static str> {
    let mut rest = Rest(line);
    let (name, labels) = begun;
    *name = Cow::Borrowed(rest.name());
    rest.blanks();
    if rest.take('{') {
        in_braces(&mut rest, name, labels)?;
    } else if !line[name.len()..].starts_with([' ', '\t']) {
        return Err("It has no metric name, or no value after it.");
    }
    if name.is_empty() {
        return Err("It has no metric name.");
    }
    rest.blanks();
    let value = number(rest.word())?;
    rest.blanks();
    let word = rest.word();
    let at = if word.is_empty() || word.starts_with('#') {
        None
    } else {
        let at = if seconds {
            number(word)?
        } else {
            let milliseconds: i64 = word
                .parse()
                .map_err(|_| "Its time is no whole number of milliseconds.")?;
            milliseconds as f64 / 1000.0
        };
        rest.blanks();
        let more = rest.word();
        if !(more.is_empty() || more.starts_with('#')) {
            return Err("Something stands after its time.");
        }
        Some(at).filter(|at| at.is_finite())
    };
    let (name, labels) = std::mem::take(begun);
    Ok(Sample {
        name,
        labels,
        value,
        at,
    })
}

/// Up to the closing brace. A quoted word alone is the metric's name.
fn in_braces<'a>(
    rest: &mut Rest<'a>,
    name: &mut Cow<'a, str>,
    labels: &mut Labels<'a>,
) -> Result<(), &'static str> {
    loop {
        rest.blanks();
        if rest.take('}') {
            return Ok(());
        }
        let label = if rest.take('"') {
            rest.quoted()?
        } else {
            Cow::Borrowed(rest.label())
        };
        rest.blanks();
        if rest.take('=') {
            rest.blanks();
            if !rest.take('"') {
                return Err("The value of a label is not in quotes.");
            }
            let value = rest.quoted()?;
            if label.is_empty() {
                return Err("A label has no name.");
            }
            if labels.iter().any(|(known, _)| *known == label) {
                return Err("A label stands twice.");
            }
            labels.push((label, value));
        } else if name.is_empty() && labels.is_empty() && !label.is_empty() {
            *name = label;
        } else {
            return Err("A label has no value.");
        }
        rest.blanks();
        if !rest.take(',') && !rest.0.starts_with('}') {
            return Err("Its labels are not closed.");
        }
    }
}

/// As Go reads it: decimal, or a word for what is no finite number. No hexadecimal, no underscores.
fn number(word: &str) -> Result<f64, &'static str> {
    const NONE: &str = "Its value is no number.";
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    let is_word = ["nan", "inf", "infinity"]
        .iter()
        .any(|known| bare.eq_ignore_ascii_case(known));
    let is_decimal = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !is_word && !is_decimal {
        return Err(NONE);
    }
    word.parse().map_err(|_| NONE)
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, wanted: char) -> bool {
        self.0.strip_prefix(wanted).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !fits(c)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }

    fn name(&mut self) -> &'a str {
        if self.0.starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        self.run(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
    }

    fn label(&mut self) -> &'a str {
        if self.0.starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        self.run(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn word(&mut self) -> &'a str {
        self.run(|c| !matches!(c, ' ' | '\t'))
    }

    /// After the opening quote, up to and with the closing one.
    fn quoted(&mut self) -> Result<Cow<'a, str>, &'static str> {
        let plain = self.run(|c| c != '"' && c != '\\');
        if self.take('"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            let mut chars = self.0.chars();
            match (chars.next(), chars.next()) {
                (Some('"'), _) => {
                    self.0 = &self.0[1..];
                    return Ok(Cow::Owned(text));
                }
                (Some('\\'), Some(escaped)) => {
                    text.push(match escaped {
                        '\\' | '"' => escaped,
                        'n' => '\n',
                        _ => return Err("It has an escape that is none."),
                    });
                    self.0 = &self.0[1 + escaped.len_utf8()..];
                }
                (Some('\\') | None, _) => return Err("A quote is not closed."),
                (Some(_), _) => text.push_str(self.run(|c| c != '"' && c != '\\')),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// `name label=value… @time value` of each sample, then how many lines were not read.
    #[track_caller]
    fn check(text: &str, expected: &[&str], unread: usize) {
        check_as(text, false, expected, unread);
    }

    #[track_caller]
    fn check_as(text: &str, seconds: bool, expected: &[&str], unread: usize) {
        let page = read(text, seconds);
        let found: Vec<_> = page
            .samples
            .iter()
            .map(|sample| {
                let labels: String = sample
                    .labels
                    .iter()
                    .map(|(name, value)| format!(" {name}={value:?}"))
                    .collect();
                let at = sample.at.map_or(String::new(), |at| format!(" @{at}"));
                format!("{}{labels}{at} {}", sample.name, sample.value)
            })
            .collect();
        assert_eq!(found, expected, "{text}\n{:?}", page.problems);
        assert_eq!(page.unread, unread, "{text}\n{:?}", page.problems);
    }

    #[test]
    fn a_sample_is_a_name_labels_a_value_and_perhaps_a_time() {
        check("up 1", &["up 1"], 0);
        check("up\t1\r\n\n  up 2", &["up 1", "up 2"], 0);
        check("up{} 1", &["up 1"], 0);
        check("up {} 1", &["up 1"], 0);
        check("a:b_c{x=\"1\",y=\"2\"} 3", &["a:b_c x=\"1\" y=\"2\" 3"], 0);
        check(
            "a { x = \"1\" , y = \"2\" , } 3",
            &["a x=\"1\" y=\"2\" 3"],
            0,
        );
        check("a 1 1795259227000", &["a @1795259227 1"], 0);
        check("a 1 -1500", &["a @-1.5 1"], 0);
        check_as("a 1 1795259227.25", true, &["a @1795259227.25 1"], 0);
    }

    #[test]
    fn values_are_any_number_and_the_words_for_none() {
        check(
            "a +Inf\na -Inf\na NaN\na inf\na nan\na +1\na -.5\na 1e3\na 1E-3",
            &[
                "a inf", "a -inf", "a NaN", "a inf", "a NaN", "a 1", "a -0.5", "a 1000", "a 0.001",
            ],
            0,
        );
        check(
            "a 1e999\na 9.223372036854776e+18",
            &["a inf", "a 9223372036854776000"],
            0,
        );
        check(
            "a 123456789012345678901234567890",
            &["a 123456789012345680000000000000"],
            0,
        );
        check(
            "a 0x10\na 1_000\na ten\na --1\na\na{x=\"1\"}\na 1e\na infinite",
            &[],
            8,
        );
    }

    #[test]
    fn labels_are_unescaped_and_may_hold_anything() {
        check(
            r#"a{x="C:\\DIR\\FILE.TXT",y="said \"no\"",z="two\nlines"} 1"#,
            &[r#"a x="C:\\DIR\\FILE.TXT" y="said \"no\"" z="two\nlines" 1"#],
            0,
        );
        check(
            "a{x=\"}, y=# \u{e9}\u{1f600}\"} 1",
            &["a x=\"}, y=# \u{e9}\u{1f600}\" 1"],
            0,
        );
        check("a{x=\"\"} 1", &["a x=\"\" 1"], 0);
        check(r#"a{x="\t"} 1"#, &[], 1);
        check(r#"a{x="\"} 1"#, &[], 1);
        check("a{x=\"1\",x=\"2\"} 1", &[], 1);
        check(
            "a{x=1} 1\na{x=\"1\" 1\na{x} 1\na{=\"1\"} 1\na{1x=\"1\"} 1\na{x=\"1\" y=\"2\"} 1",
            &[],
            6,
        );
    }

    #[test]
    fn names_in_quotes_may_hold_anything_too() {
        check(r#"{"my.metric",x="1"} 2"#, &["my.metric x=\"1\" 2"], 0);
        check(r#"{"my.metric"} 2"#, &["my.metric 2"], 0);
        check(r#"a{"my.label"="1"} 2"#, &["a my.label=\"1\" 2"], 0);
        check(
            "{} 1\n{x=\"1\"} 1\na{\"b\"} 1\n1a 1\n-a 1\n\u{e9} 1",
            &[],
            6,
        );
    }

    #[test]
    fn comments_types_exemplars_and_what_follows_the_end_are_no_samples() {
        let page = "# HELP a Said \\n \"twice\"\n# TYPE a counter\n#TYPE b gauge\n# a comment\n#\na_total{x=\"1\"} 17 # {trace=\"ab\"} 1 2\na_total 5 1.5 # {} 1\n# EOF\na 1";
        check_as(page, true, &["a_total x=\"1\" 17", "a_total @1.5 5"], 0);
        let types = read(page, true).types;
        assert_eq!(types.get("a"), Some(&"counter"));
        assert_eq!(types.get("b"), Some(&"gauge"));
    }

    #[test]
    fn a_bad_line_loses_only_itself() {
        check(
            "a 1\n<html>\nb 2 soon\nb 2 1.5\nc 3 4 5\n{\"a\": 1}\nd 4",
            &["a 1", "d 4"],
            5,
        );
        let many = "<\n".repeat(1000);
        let page = read(&many, false);
        assert_eq!((page.unread, page.problems.len()), (1000, 5));
    }
}
