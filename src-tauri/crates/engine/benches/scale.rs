//! What facts cost as the fleet grows: each step of a poll at few and at many tasks, and as a ratio to a peer of the
//! same run. `cargo xtask bench rules` runs it; it checks nothing, and its absolute figures say nothing on another computer.

#![allow(clippy::unwrap_used)] // what goes wrong here concerns nobody else

#[path = "../../domain/benches/running/time.rs"]
mod time;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    change::Change,
    contract::read,
    delta::Differ,
    fact::{Config, Fact, Line},
    fleet::Fleet,
    ids::EndpointId,
};
use engine::{
    api::{
        board,
        views::{BoardGroup, BoardRequest, PageRequest},
        wording::Glance,
    },
    live::Present,
};
use sha2::{Digest, Sha256};
use store::Store;
use time::running;

const FEW: usize = 200;
const MANY: usize = 20_000;
const PAGE: usize = 500;

fn main() {
    polls();
    let few = Fleets::new(FEW).measure();
    let many = Fleets::new(MANY).measure();
    println!(
        "{:<58} {:>11} {:>11} {:>7}",
        "microseconds of one core", FEW, MANY, "ratio"
    );
    for (one, other) in few.iter().zip(&many) {
        let ratio = other.cost / one.cost;
        println!(
            "{:<58} {:>11.2} {:>11.2} {ratio:>7.2}",
            one.what, one.cost, other.cost
        );
    }
}

/// A poll that brings nothing new, against a bare request of the same kind: the client's side only.
fn polls() {
    let port = serve();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("http://127.0.0.1:{port}/status");
    let mut endpoint = agents::open(&agents::Target {
        endpoint: "a".into(),
        kind: agents::Kind::Native,
        url: url.clone(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    })
    .unwrap();
    let first = runtime.block_on(endpoint.observe()).unwrap();
    assert!(matches!(first, agents::Observation::Document { .. }));
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = || {
        let request = bare.get(&url).header("if-none-match", "\"1\"").send();
        let reply = runtime.block_on(async { request.await.unwrap().bytes().await.unwrap() });
        assert!(reply.is_empty());
    };
    let mut poll = || {
        let answer = runtime.block_on(endpoint.observe()).unwrap();
        assert_eq!(answer, agents::Observation::Unchanged);
    };
    // Turn by turn, so that what else the computer does meets both.
    let (mut asked, mut polled) = (0.0, 0.0);
    for _ in 0..5 {
        asked += mean(200, |_| ask()) / 5.0;
        polled += mean(200, |_| poll()) / 5.0;
    }
    println!(
        "a poll answered 304: {polled:.1} microseconds of one core, {:.2} times a bare request ({asked:.1})",
        polled / asked
    );
}

/// Says 304 to whoever knows the tag, else a document with the tag. Until the process ends.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || converse(stream));
        }
    });
    port
}

fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = vec![];
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..length]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let known = String::from_utf8_lossy(&head)
            .to_lowercase()
            .contains("if-none-match");
        head.clear();
        let answer = if known {
            "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n".to_owned()
        } else {
            let body = r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"}}"#;
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n{body}")
        };
        stream.write_all(answer.as_bytes())?;
    }
}

struct Cost {
    what: &'static str,
    cost: f64,
}

/// Long enough, in microseconds, that what comes between weighs little.
const ENOUGH: f64 = 150_000.0;

/// The mean of at least so many rounds, and of more until there is enough to tell.
fn mean(rounds: usize, mut round: impl FnMut(usize)) -> f64 {
    let before = running();
    for number in 0.. {
        round(number);
        let so_far = running() - before;
        if number + 1 >= rounds && (so_far >= ENOUGH || number > 100_000) {
            return so_far / (number + 1) as f64;
        }
    }
    0.0
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

struct Fleets {
    tasks: usize,
    line: u64,
    now: DateTime<Utc>,
}

impl Fleets {
    fn new(tasks: usize) -> Self {
        Self {
            tasks,
            line: 1,
            now: start(),
        }
    }

    /// The pages of a poll in which one task has got on to that number.
    fn pages(&self, changed: usize) -> Vec<(String, bool)> {
        let pages = self.tasks.div_ceil(PAGE);
        let page = |number: usize| {
            let tasks: Vec<_> = (number * PAGE..self.tasks.min((number + 1) * PAGE)).collect();
            let items: Vec<_> = tasks
                .iter()
                .map(|at| task(*at, *at == changed % self.tasks, changed))
                .collect();
            let few = tasks.iter().filter(|at| *at % 10 == 0);
            let claims: Vec<_> = few.clone().map(|at| claim(*at)).collect();
            let accesses: Vec<_> = few.map(|at| access(*at)).collect();
            let next = if number + 1 == pages {
                String::new()
            } else {
                format!("page{number}")
            };
            let body = format!(
                r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"Agent","status":"online"}},"nextCursor":"{next}","tasks":[{}],"claims":[{}],"accesses":[{}]}}"#,
                items.join(","),
                claims.join(","),
                accesses.join(",")
            );
            (body, number + 1 == pages)
        };
        (0..pages).map(page).collect()
    }

    fn fact(&mut self, fleet: &mut Fleet, body: &str) -> Vec<Change> {
        self.line += 1;
        self.now += TimeDelta::milliseconds(1);
        let document = Arc::new(read(body.as_bytes()).unwrap());
        let line = Line {
            number: self.line,
            at: Some(self.now),
            fact: Fact::Status {
                endpoint: EndpointId::from("e"),
                document,
            },
        };
        let mut changes = fleet.take(&line);
        fleet.judge(self.now, &mut changes);
        changes
    }

    fn measure(mut self) -> Vec<Cost> {
        let mut costs = vec![];
        let mut tell = |what, cost| costs.push(Cost { what, cost });
        let each = self.tasks as f64;
        let pages = self.pages(0);
        let other = self.pages(1);

        let hashed = mean(9, |_| {
            for (body, _) in &pages {
                std::hint::black_box(Sha256::digest(body.as_bytes()));
            }
        });
        tell("a task: hashing its bytes (the peer)", hashed / each);
        let cost = mean(3, |_| {
            for (body, _) in &pages {
                std::hint::black_box(read(body.as_bytes()).unwrap());
            }
        });
        tell("a task: reading it", cost / each);
        let cost = mean(3, |_| take(&mut Differ::new(), &pages));
        tell("a task: telling what is new, the first time", cost / each);

        let mut differ = Differ::new();
        take(&mut differ, &pages);
        let cost = mean(9, |_| take(&mut differ, &pages));
        tell("a task: telling that nothing is new", cost / each);
        tell("  as a multiple of hashing", cost / hashed);
        let cost = mean(9, |number| {
            take(&mut differ, if number % 2 == 0 { &other } else { &pages })
        });
        tell("a task: telling that one of all is new", cost / each);

        let (mut fleet, mut all) = (Fleet::new(Config::default()), vec![]);
        let cost = mean(1, |_| {
            fleet = Fleet::new(Config::default());
            all.clear();
            for (body, _) in &pages {
                all.extend(self.fact(&mut fleet, body));
            }
        });
        tell(
            "a task: reading, taking in and judging, the first time",
            cost / each,
        );
        let changes = all.len() as f64;

        let mut later = vec![];
        let cost = mean(3, |round| {
            for number in round * 100..(round + 1) * 100 {
                let at = number * 7 % self.tasks;
                let body = format!(
                    r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"Agent","status":"online"}},"snapshot":false,"tasks":[{}]}}"#,
                    task(at, true, number + 2)
                );
                let changes = self.fact(&mut fleet, &body);
                if round < 100 {
                    later.extend(changes);
                }
            }
        });
        tell(
            "a changed task: reading, taking in and judging",
            cost / 100.0,
        );
        let cost = mean(9, |_| {
            for _ in 0..100 {
                self.now += TimeDelta::milliseconds(1);
                fleet.judge(self.now, &mut vec![]);
            }
        });
        tell("a tick: judging with nothing new", cost / 100.0);

        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), start()).unwrap();
        let cost = store
            .write(move |tx| {
                let before = running();
                store::apply_all(tx, &all)?;
                Ok(running() - before)
            })
            .unwrap();
        tell(
            "a change: storing it, all in one transaction",
            cost / changes,
        );
        let number = later.len() as f64;
        let took = store.write(move |tx| {
            let before = running();
            store::apply_all(tx, &later)?;
            Ok(running() - before)
        });
        tell(
            "a later change: storing it, with many others",
            took.unwrap() / number,
        );

        let present = Present::default();
        let columns = ["queued", "running", "done", "failed"];
        let pages = columns.map(|column| PageRequest {
            column: column.to_owned(),
            offset: 0,
            limit: 40,
        });
        let request = BoardRequest {
            group: BoardGroup::Status,
            pages: pages.to_vec(),
            filter: String::new(),
            problems_only: false,
        };
        let cost = mean(5, |_| {
            for _ in 0..10 {
                let now = self.now;
                let view = store.read(|reader| {
                    let glance = Glance {
                        reader,
                        present: &present,
                        now,
                    };
                    board::board(glance, &request)
                });
                std::hint::black_box(view.unwrap());
            }
        });
        tell("a board of four columns with 40 cards each", cost / 10.0);
        costs
    }
}

fn take(differ: &mut Differ, pages: &[(String, bool)]) {
    for (body, last) in pages {
        std::hint::black_box(differ.take(body, *last).unwrap());
    }
}

fn task(at: usize, changed: bool, number: usize) -> String {
    // A quarter of them has not ended: as many as one endpoint may have.
    let state = match at % 8 {
        0 => "working",
        4 => "submitted",
        1 | 5 => "failed",
        _ => "completed",
    };
    let done = if changed { number } else { 0 };
    format!(
        r#"{{"id":"t{at}","title":"Task number {at} of the fleet","kind":"summarise","key":"work-{at}","status":{{"state":"{state}","message":"Some words of the agent about it","timestamp":"2027-01-01T09:00:00Z"}},"progress":{{"done":{done},"total":1000000}},"dependsOn":["t{}"],"usage":{{"inputTokens":1200,"outputTokens":340}}}}"#,
        at / 2
    )
}

fn claim(at: usize) -> String {
    format!(
        r#"{{"id":"c{at}","resource":"file:shop/src/part{at}.rs","holderIdentity":"a","taskId":"t{at}","mode":"exclusive","state":"held","acquireTime":"2027-01-01T09:00:00Z","leaseDurationSeconds":86400}}"#
    )
}

fn access(at: usize) -> String {
    format!(
        r#"{{"id":"x{at}","taskId":"t{at}","resource":"file:shop/src/part{}.rs","mode":"write","baseVersion":"1","newVersion":"2","at":"2027-01-01T09:00:00Z"}}"#,
        at % 1000
    )
}
