//! Members of a JSON object as they stand there, so that one that cannot be used loses only itself; and what is said of a
//! limit that cannot be read. It judges nothing: the reader of the contract says what is wrong, in its own words.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{json, value::RawValue};

use super::Pool;

/// Passed on whole up to here; larger ones by their beginning.
const WHOLE: usize = 32 * 1024;
const BEGINNING: usize = 1000;

/// In the order written, those that stand twice included.
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

/// A member that stands there and cannot be used.
#[derive(Debug)]
pub(super) struct Unusable;

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut all = vec![];
                // A name with half a character in it is no text, but no reason to lose the others.
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let text = serde_json::from_str(name.get());
                    let text = text.unwrap_or_else(|_| name.get().trim_matches('"').to_owned());
                    all.push((text, value));
                }
                Ok(Members(all))
            }
        }
        reader.deserialize_map(All)
    }
}

impl<'a> Members<'a> {
    /// `None`: it is no object.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        let all = self.0.iter();
        all.map(|(name, value)| (name.as_str(), value.get()))
    }

    /// How often it stands there.
    pub(super) fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|(known, _)| known == name).count()
    }

    /// As it stands there; null is nothing.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a str>, Unusable> {
        let mut found = self.iter().filter(|(known, _)| *known == name);
        let first = found.next().map(|(_, value)| value);
        match found.next() {
            Some(_) => Err(Unusable),
            None => Ok(first.filter(|value| *value != "null")),
        }
    }

    /// A negative number is said for one that is not known.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Unusable> {
        let Some(raw) = self.get(name)? else {
            return Ok(None);
        };
        let number: f64 = serde_json::from_str(raw).map_err(|_| Unusable)?;
        Ok(Some(number).filter(|number| *number >= 0.0))
    }

    /// Blank is nothing.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Unusable> {
        let Some(raw) = self.get(name)? else {
            return Ok(None);
        };
        let text: String = serde_json::from_str(raw).map_err(|_| Unusable)?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}

/// A limit as it was said, which cannot be read: passed on, so that it becomes a dead letter that says why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Whose it would be.
    pub(super) pool: Pool,
    /// The same as it was said, as JSON.
    said: String,
    /// Its windows, as JSON.
    windows: String,
}

impl Refused {
    /// What stands where a limit should.
    pub(super) fn whole(pool: &Pool, name: &str, raw: &str) -> Self {
        if raw.starts_with('{') {
            // No number of it is known, so it stands for one; as a window it might pass for a good one.
            return Self::window(pool, name, &[("limit", Some(raw))]);
        }
        Self::new(pool, json!(pool).to_string(), format!("[{}]", kept(raw)))
    }

    /// One of several of the same name.
    pub(super) fn twice(pool: &Pool, raw: &str) -> Self {
        let said = json!(pool).to_string();
        let again = format!(",\"scope\":{}}}", json!(pool.scope));
        let said = format!("{}{again}", said.trim_end_matches('}'));
        Self::new(pool, said, format!("[{}]", kept(raw)))
    }

    /// A window of which some member is wrong.
    pub(super) fn window(pool: &Pool, name: &str, members: &[(&str, Option<&str>)]) -> Self {
        let said = members
            .iter()
            .filter_map(|(member, raw)| Some(format!(",\"{member}\":{}", kept((*raw)?))));
        let said: String = said.collect();
        let window = format!("[{{\"name\":{}{said}}}]", json!(name));
        Self::new(pool, json!(pool).to_string(), window)
    }

    /// `said` and `windows` are JSON.
    pub(super) fn new(pool: &Pool, said: String, windows: String) -> Self {
        let pool = pool.clone();
        Self {
            pool,
            said,
            windows,
        }
    }

    /// As an item of the contract.
    pub(super) fn item(&self, observed_at: &str) -> String {
        let (pool, windows) = (&self.said, &self.windows);
        let at = json!(observed_at);
        format!("{{\"pool\":{pool},\"windows\":{windows},\"observedAt\":{at}}}")
    }
}

/// What is too large to be kept is told by its beginning.
pub(super) fn kept(raw: &str) -> String {
    if raw.len() <= WHOLE {
        return raw.to_owned();
    }
    let beginning: String = raw.chars().take(BEGINNING).collect();
    json!(beginning).to_string()
}

#[cfg(test)]
mod tests {
    use super::Members;

    #[test]
    fn members_are_read_one_by_one_whatever_stands_beside_them() {
        let text = r#"{"a": 1e999, "b": 2, "b": 3, "\ud800": 4, "c": "\ud800", "d": null, "e": -1, "f": " x "}"#;
        let all = Members::read(text).expect("an object");
        assert!(all.number("a").is_err() && all.number("b").is_err() && all.text("c").is_err());
        assert_eq!(all.number("d").expect("nothing"), None);
        assert_eq!(all.number("e").expect("unknown"), None);
        assert_eq!(all.text("f").expect("text").as_deref(), Some("x"));
        assert_eq!(all.number("\\ud800").expect("a number"), Some(4.0));
        assert!(Members::read("[]").is_none() && Members::read("{").is_none());
    }
}
