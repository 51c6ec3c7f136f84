//! The agents of a story: what they ask, in bytes of their own, and what they have told of it by now. No clock, no store.

use std::collections::BTreeMap;

use domain::time::Time;

/// Numbers that look like chance, the same for the same seed (SplitMix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u8 {
        (self.next() % end) as u8
    }
}

/// A question, as its agent has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) action: Option<String>,
    pub(super) target: Option<&'static str>,
    pub(super) options: &'static str,
    pub(super) label: u32,
    pub(super) schema: bool,
    pub(super) created: Time,
    pub(super) expires: Option<Time>,
    pub(super) severity: &'static str,
    pub(super) extra: u32,
    pub(super) status: &'static str,
    pub(super) listed: bool,
    /// It cannot be read.
    pub(super) hidden: bool,
}

pub(super) const TARGETS: [&str; 2] = ["output:mail/marta", "output:mail/paul"];

const PLAIN: &str = "[]";
const CHOICES: &str = r#"[{"id":"yes","label":"Abort LABEL","intent":"approve"},{"id":"no","label":"Yes LABEL","intent":"reject"},{"id":"later","label":"Approve LABEL"}]"#;
const ALWAYS: &str = r#"[{"id":"once","label":"Once LABEL","intent":"approve"},{"id":"always","label":"Always LABEL","intent":"approve"}]"#;

impl Item {
    pub(super) fn new(id: &str, version: u32, what: u8, nonce: u32, now: Time) -> Self {
        let target = TARGETS[usize::from(what) % 2];
        let (kind, action, options) = match what % 10 {
            0..3 => ("approval", Some("mail.send"), PLAIN),
            3 => ("approval", Some("mail.send"), CHOICES),
            4 => ("approval", Some("file.delete"), PLAIN),
            5 => ("question", Some("calendar.add"), CHOICES),
            6 => ("approval", Some("calendar.add"), ALWAYS),
            7 => ("question", None, CHOICES),
            8 => ("form", None, PLAIN),
            _ => ("auth", None, PLAIN),
        };
        Self {
            id: id.to_owned(),
            version,
            kind,
            title: format!("Title {nonce}"),
            message: format!("Message {nonce}"),
            action: action.map(|name| {
                format!(r#"{{"name":"{name}","target":"{target}","args":{{"n":{nonce}}}}}"#)
            }),
            target: action.map(|_| target),
            options,
            label: nonce,
            schema: kind == "form",
            created: now,
            expires: None,
            severity: "medium",
            extra: nonce,
            status: "pending",
            listed: true,
            hidden: false,
        }
    }

    /// Another question, if only by a byte.
    pub(super) fn alter(&mut self, how: u8, nonce: u32, now: Time) {
        match how % 9 {
            0 => self.title = format!("Title {nonce}"),
            1 => self.message = format!("Message {nonce}"),
            2 | 3 => match &mut self.action {
                Some(action) => {
                    let head = action.split(r#""n":"#).next().unwrap_or_default();
                    *action = format!(r#"{head}"n":{nonce}}}}}"#);
                }
                None => self.title = format!("Title {nonce}"),
            },
            4 => self.label = nonce,
            5 => {
                self.severity = if self.severity == "high" {
                    "low"
                } else {
                    "high"
                }
            }
            6 => self.expires = Some(now + chrono::TimeDelta::seconds(i64::from(nonce % 900) + 30)),
            7 => {
                self.kind = if self.kind == "question" {
                    "exception"
                } else {
                    "question"
                }
            }
            _ => self.extra = nonce,
        }
    }

    fn told(&self) -> String {
        match self.hidden {
            true => format!(r#"{{"id":"{}","version":{}}}"#, self.id, self.extra),
            false => self.raw(),
        }
    }

    pub(super) fn raw(&self) -> String {
        let mut raw = format!(
            r#"{{"id":"{}","version":"{}","kind":"{}", "title":"{}","message":"{}""#,
            self.id, self.version, self.kind, self.title, self.message
        );
        if let Some(action) = &self.action {
            raw += &format!(r#","proposedAction":{action}"#);
        }
        raw += &format!(
            r#","options":{}"#,
            self.options.replace("LABEL", &self.label.to_string())
        );
        if self.schema {
            raw += r#","responseSchema":{"type":"object"}"#;
        }
        raw += &format!(
            r#","severity":"{}","createdAt":"{}""#,
            self.severity,
            stamp(self.created)
        );
        if let Some(expires) = self.expires {
            raw += &format!(r#","expiresAt":"{}""#, stamp(expires));
        }
        raw + &format!(r#","extra":{},"status":"{}"}}"#, self.extra, self.status)
    }
}

fn stamp(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// One agent.
#[derive(Default)]
pub(super) struct Agent {
    pub(super) name: &'static str,
    pub(super) items: BTreeMap<String, Item>,
    /// Questions of before, which may come back byte for byte.
    pub(super) before: Vec<Item>,
    /// Id, resource, when.
    pub(super) writes: Vec<(String, &'static str, Time)>,
}

impl Agent {
    pub(super) fn document(&self) -> String {
        let name = self.name;
        let items: Vec<String> = self
            .items
            .values()
            .filter(|item| item.listed)
            .map(Item::told)
            .collect();
        let writes: Vec<String> = self
            .writes
            .iter()
            .map(|(id, resource, at)| {
                format!(
                    r#"{{"id":"{id}","resource":"{resource}","mode":"write","at":"{}"}}"#,
                    stamp(*at)
                )
            })
            .collect();
        format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"{name}","name":"{name}","status":"online"}},"tasks":[],"accesses":[{}],"escalations":[{}]}}"#,
            writes.join(","),
            items.join(",")
        )
    }
}
