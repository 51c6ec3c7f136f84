//! The worst of the attacks on what an answer means, each in the real window with real keys and clicks, in one run: an agent
//! exchanges, disguises, repeats or moves what it asks, and hears of nothing but what was on the screen. The whole suite, asked
//! through the window's commands, is in `engine/tests/attacks`.

use crate::{
    agent::{Heard, serve},
    desk::{Desk, until},
    driver::{Driver, Element},
    flight::add,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Longer than any content has to be looked at before its key counts.
const READ: Duration = Duration::from_millis(1100);
/// Longer than a hold takes.
const HOLD: u64 = 1800;

/// Members of an item, as JSON; an empty one is left out, and `SOON` is a time that comes while it is looked at.
type Members = &'static [(&'static str, &'static str)];

const SOON: &str = "soon";
const MAIL: &str =
    r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta","copies":1}}"#;
const DELETE: &str = r#"{"name":"shell","args":{"cmd":"rm -rf /"}}"#;
const REMINDER: &str = r#"{"name":"mail.send","target":"output:mail/paul","args":{"copies":1}}"#;
/// A letter of another script, one that takes no room, and one that turns the order round.
const DISGUISED: &str = r#"{"name":"shell","command":["gіt","push","ori\u200bgin","\u202eniam"]}"#;

enum Step {
    /// From now on the agent asks the attack's question with these members instead of the usual ones.
    Asks(Members),
    /// The same for a second question of the attack.
    AsksToo(Members),
    /// The person opens the card of the question; `AsksToo` has one of its own.
    Opens,
    OpensToo,
    /// The person presses these keys, each after reading.
    Keys(&'static str),
    /// The person presses this key at once.
    AtOnce(&'static str),
    /// The person clicks the answer that begins with this.
    Clicks(&'static str),
    /// The person holds the answer that says this, with the pointer.
    Holds(&'static str),
    /// The pointer comes to rest on the card of the question.
    Points,
    /// The person clicks where the pointer rests, whatever is there now.
    ClicksThere,
    /// The window says this of what is opened.
    Says(&'static str),
    /// The list of the inbox says this.
    Lists(&'static str),
    /// The second question stands before the first now.
    Leads,
    /// The window offers no such answer any more.
    Misses(&'static str),
    /// The person goes to another place.
    Goes(&'static str),
}
use Step::*;

struct Attack {
    name: &'static str,
    steps: &'static [Step],
    /// All that the agent may ever hear of it: outcome, option, and the action that was on the screen.
    hears: &'static [(&'static str, Option<&'static str>, &'static str)],
}

const ATTACKS: &[Attack] = &[
    Attack {
        name: "another action under the same id and version, in the undo time",
        steps: &[
            Asks(&[]),
            Opens,
            Keys("aa"),
            Says("Held"),
            Asks(&[("proposedAction", DELETE)]),
            Says("Changed before your answer left"),
            Says("Nothing was sent"),
            Says("output:mail/marta"),
            Says("rm -rf /"),
        ],
        hears: &[],
    },
    Attack {
        name: "another action in a new version, just before the second press",
        steps: &[
            Asks(&[]),
            Opens,
            Keys("a"),
            Says("Press again to do it"),
            Asks(&[("version", r#""2""#), ("proposedAction", DELETE)]),
            Says("The content changed. What you had armed was let go."),
            AtOnce("a"),
            Says("This has just come up or changed."),
            // From here on it is the new one that is read, and it takes more than presses.
            Keys("aa"),
            Says("Read it once more"),
        ],
        hears: &[],
    },
    Attack {
        name: "another action after the approved one was taken",
        steps: &[
            Asks(&[]),
            Opens,
            Keys("aa"),
            Says("Taken, effect seen"),
            Asks(&[("proposedAction", DELETE), ("status", r#""resolved""#)]),
            Says("Changed after you answered"),
            Says("output:mail/marta"),
            Says("rm -rf /"),
            Lists("Changed after you answered"),
            Keys("v"),
            Misses("I have seen it"),
        ],
        hears: &[("approve", None, MAIL)],
    },
    Attack {
        name: "a deletion that calls itself a question",
        steps: &[
            Asks(&[
                ("kind", r#""question""#),
                ("proposedAction", DELETE),
                (
                    "options",
                    r#"[{"id":"ok","label":"OK","intent":"approve"}]"#,
                ),
            ]),
            Opens,
            Says("Cannot be taken back"),
            Keys("111"),
            Says("Read it once more"),
            Holds("OK: hold"),
            Says("Taken, effect seen"),
        ],
        hears: &[("approve", Some("ok"), DELETE)],
    },
    Attack {
        name: "an approval with the label \"Abort\"",
        steps: &[
            Asks(&[("options", r#"[{"id":"abort","label":"Abort"}]"#)]),
            Opens,
            Keys(""),
            Clicks("Abort"),
            Says("Press again to do it"),
            Keys(""),
            Clicks("Abort: press again"),
            Says("Taken, effect seen"),
        ],
        hears: &[("respond", Some("abort"), MAIL)],
    },
    Attack {
        name: "a refusal with the label \"Yes and delete\"",
        steps: &[
            Asks(&[
                ("proposedAction", DELETE),
                (
                    "options",
                    r#"[{"id":"yes","label":"Yes and delete","intent":"reject"}]"#,
                ),
            ]),
            Opens,
            Keys("111"),
            Says("Read it once more"),
        ],
        hears: &[],
    },
    Attack {
        name: "the refused action under another id",
        steps: &[
            Asks(&[]),
            Opens,
            Keys("d"),
            Clicks("Not now"),
            Says("Taken, effect seen"),
            AsksToo(&[]),
            OpensToo,
            Says("You refused exactly this"),
            Says("Cannot be taken back"),
            Keys("aaa"),
            Says("Read it once more"),
        ],
        hears: &[("reject", None, MAIL)],
    },
    Attack {
        name: "letters that look like others, or like nothing",
        steps: &[
            Asks(&[("proposedAction", DISGUISED)]),
            Opens,
            Says("Cannot be taken back"),
            Says("⟨U+0456⟩"),
            Says("⟨U+200B⟩"),
            Says("⟨U+202E⟩"),
            Keys("aaa"),
            Says("Read it once more"),
        ],
        hears: &[],
    },
    Attack {
        name: "an id that leads elsewhere",
        steps: &[
            Asks(&[("id", r#""..""#)]),
            Goes("Dead letters"),
            Says("names nothing"),
            Misses("Approve"),
            Goes("Inbox"),
        ],
        hears: &[],
    },
    Attack {
        name: "an end that passes between the presses",
        steps: &[
            // Not the action that was refused before: two presses would do.
            Asks(&[("expiresAt", SOON), ("proposedAction", REMINDER)]),
            Opens,
            Keys("a"),
            Says("Press again to do it"),
            Says("The time passed. It was not approved."),
            AtOnce("a"),
            Misses("Approve"),
        ],
        hears: &[],
    },
    Attack {
        name: "another question in the place that is about to be clicked",
        steps: &[
            Asks(&[]),
            Points,
            AsksToo(&[
                ("proposedAction", DELETE),
                ("createdAt", r#""2026-01-01T09:00:00Z""#),
            ]),
            Lists("1 new"),
            ClicksThere,
            Says("Question 11."),
            Says("mail.send"),
            OpensToo,
            Leads,
        ],
        hears: &[],
    },
];

/// An item of an attack, as the agent writes it: the bytes of a member stand as they are given.
fn item(id: &str, title: &str, members: Members, soon: &str) -> String {
    let (id, title) = (json!(id).to_string(), json!(title).to_string());
    let usual = [
        ("id", id.as_str()),
        ("version", r#""1""#),
        ("kind", r#""approval""#),
        ("title", &title),
        ("message", r#""It is ready.""#),
        ("proposedAction", MAIL),
        ("createdAt", r#""2026-01-05T09:00:00Z""#),
        ("expiresAt", r#""2099-01-05T09:00:00Z""#),
        ("status", r#""pending""#),
    ];
    let mut all = BTreeMap::from(usual);
    all.extend(members.iter().copied());
    let all: Vec<_> = all
        .into_iter()
        .map(|(name, value)| format!(r#""{name}":{}"#, if value == SOON { soon } else { value }))
        .collect();
    format!("{{{}}}", all.join(","))
}

/// What the agent asks, by attack and place, and all that it was sent.
#[derive(Default)]
struct Agent {
    asks: BTreeMap<(usize, bool), String>,
    heard: Vec<Heard>,
}

impl Agent {
    fn document(&self) -> String {
        let asks: Vec<_> = self.asks.values().map(String::as_str).collect();
        format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"clerk","name":"Clerk","status":"online"}},"escalations":[{}],"pollAfterSeconds":1}}"#,
            asks.join(",")
        )
    }
}

/// One attack after the other, at one window.
struct Walk<'w> {
    app: &'w Driver,
    agent: &'w Mutex<Agent>,
    number: usize,
}

impl Walk<'_> {
    fn agent(&self) -> MutexGuard<'_, Agent> {
        self.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn title(&self, too: bool) -> String {
        format!("Question {}{}.", self.number, if too { " too" } else { "" })
    }

    fn asks(&self, too: bool, members: Members) {
        let soon = "return JSON.stringify(new Date(Date.now() + 20000).toISOString())";
        let soon = self.app.run(soon).expect("a time");
        let id = format!("q{}{}", self.number, if too { "-too" } else { "" });
        let soon = soon.as_str().unwrap_or_default();
        let item = item(&id, &self.title(too), members, soon);
        self.agent().asks.insert((self.number, too), item);
    }

    /// The card of a question. What is new waits behind a button while the pointer is in the list.
    fn card(&self, too: bool) -> Result<Element, String> {
        let row = format!("//*[@role='option'][contains(., '{}')]", self.title(too));
        self.app.find(&row).or_else(|_| {
            let new = self.app.find("//*[contains(@class, 'pill')]/button")?;
            self.app.click(&new)?;
            self.app.find(&row)
        })
    }

    fn opens(&self, too: bool) {
        let title = self.title(too);
        until(&title, || {
            self.card(too).and_then(|card| self.app.click(&card))?;
            self.app.find(&format!("//h2[contains(., '{title}')]"))
        });
    }

    /// How far from the top a card stands.
    fn height(&self, too: bool) -> f64 {
        let title = self.title(too);
        let script = format!(
            "return [...document.querySelectorAll('[role=option]')].find((row) => row.textContent.includes('{title}'))?.getBoundingClientRect().top"
        );
        let top = self.app.run(&script).expect("it runs");
        top.as_f64().expect("it is in the list")
    }

    fn says(&self, element: &str, words: &str) {
        let text = format!("return ({element})?.textContent ?? ''");
        until(words, || match self.app.run(&text)? {
            Value::String(text) if text.contains(words) => Ok(()),
            other => Err(other.to_string()),
        });
    }

    fn answer(label: &str) -> String {
        format!("//article//button[starts-with(normalize-space(), '{label}')]")
    }

    fn take(&self, step: &Step) {
        let app = self.app;
        match *step {
            Asks(members) => self.asks(false, members),
            AsksToo(members) => self.asks(true, members),
            Opens => self.opens(false),
            OpensToo => self.opens(true),
            Keys(keys) => {
                for key in keys.chars() {
                    thread::sleep(READ);
                    app.keys(&key.to_string()).expect("typed");
                }
                if keys.is_empty() {
                    thread::sleep(READ);
                }
            }
            AtOnce(key) => app.keys(key).expect("typed"),
            Clicks(label) => until(label, || {
                app.find(&Self::answer(label))
                    .and_then(|button| app.click(&button))
            }),
            Holds(label) => {
                let button = app.wait_for(&format!(
                    "{}[not(contains(., 'hold in'))]",
                    Self::answer(label)
                ));
                app.point(&button)
                    .and_then(|()| app.hold_here(HOLD))
                    .expect("held");
            }
            Points => {
                until("its card", || {
                    // Twice: the button that shows new ones lies above them, and goes.
                    self.card(false).and_then(|card| app.point(&card))?;
                    self.card(false).and_then(|card| app.point(&card))
                });
            }
            ClicksThere => app.hold_here(0).expect("clicked"),
            Says(words) => self.says(
                "document.querySelector('article') ?? document.querySelector('main')",
                words,
            ),
            Lists(words) => self.says("document.querySelector('main')", words),
            Leads => until("it stands first", || {
                let (first, second) = (self.height(true), self.height(false));
                (first < second)
                    .then_some(())
                    .ok_or(format!("{first} and {second}"))
            }),
            Misses(label) => until(label, || match app.find(&Self::answer(label)) {
                Ok(_) => Err("still offered".to_owned()),
                Err(_) => Ok(()),
            }),
            Goes(place) => app.press_start(place),
        }
    }
}

fn digest(bytes: &str) -> Value {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!(format!("sha256:{hex}"))
}

/// All that the agent has heard, in the words of an attack.
fn heard(agent: &Agent) -> Vec<(Value, Value, Value)> {
    let bodies = agent.heard.iter().map(|heard| {
        let body: Value = serde_json::from_str(&heard.body).expect("JSON");
        (
            body["outcome"].clone(),
            body["optionId"].clone(),
            body["actionDigest"].clone(),
        )
    });
    bodies.collect()
}

/// Starts the agent; what it asks and heard, and its port.
fn start() -> (Arc<Mutex<Agent>>, u16) {
    let agent = Arc::new(Mutex::new(Agent::default()));
    let serving = Arc::clone(&agent);
    let port = serve(move |method, heard| {
        let mut agent = serving.lock().unwrap_or_else(PoisonError::into_inner);
        if method == "GET" {
            return Some(agent.document());
        }
        agent.heard.push(heard);
        Some(json!({ "applied": true }).to_string())
    });
    (agent, port)
}

#[test]
fn the_worst_attacks_get_nothing_but_what_was_on_the_screen() {
    let (agent, port) = start();
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    add(app, &format!("http://127.0.0.1:{port}/status"));
    app.press_start("Inbox");
    let mut expected = vec![];
    for (number, attack) in (1..).zip(ATTACKS) {
        println!("{number}. {}", attack.name);
        let walk = Walk {
            app,
            agent: &agent,
            number,
        };
        for step in attack.steps {
            walk.take(step);
        }
        let told = attack.hears.iter();
        expected.extend(
            told.map(|(outcome, option, action)| (json!(outcome), json!(option), digest(action))),
        );
        assert_eq!(heard(&walk.agent()), expected, "{}", attack.name);
    }
    // Whatever was held would have left by now.
    thread::sleep(Duration::from_secs(12));
    let agent = agent.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(heard(&agent), expected, "{:#?}", agent.heard);
}
