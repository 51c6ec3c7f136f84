//! An hour of other makers' servers, all watched by one engine as the app runs it: healthy work, work that speaks for as long
//! as the hour lasts, questions that are approved, refused and answered in words, and cancellations. Each round looks at the
//! servers themselves: every question that is asked is in the inbox and no other, what is called applied had its effect, and
//! no rule finds anything wrong. Two rounds in the normal run, an hour with `MISSION_CONTROL_LONG=1`.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use chrono::Utc;
use store::{Look, tables::findings};

use super::{
    makers::{self, Maker, PATIENCE, Said, Story, WORDS},
    server::Server,
    *,
};

const HOUR: Duration = Duration::from_secs(3600);
/// A question has to be in the inbox by then, counted from when all of its round were begun: on a busy machine a server
/// needs most of that before it asks. How long the slowest took is told.
const SEEN_WITHIN: Duration = Duration::from_secs(120);
/// A server that hangs keeps an answer waiting so long at most: on a busy machine one did for six minutes.
const LEAVES_WITHIN: Duration = Duration::from_secs(600);

/// One server, and what was driven and seen there.
struct Seat {
    endpoint: String,
    maker: Maker,
    tasks: Vec<String>,
    drove: Drove,
}

#[derive(Default)]
struct Drove {
    begun: usize,
    asked: usize,
    seen: usize,
    slowest: Duration,
    yes: usize,
    no: usize,
    words: usize,
    effects: usize,
    stopped: usize,
    ends: HashMap<String, usize>,
}

/// A question that waits at a server, and what is to be said to it.
struct Open {
    seat: usize,
    task: String,
    name: String,
    said: Said,
    begun: Instant,
    question: Option<Value>,
}

/// An answer whose effect was not seen in time.
struct Undone {
    seat: usize,
    task: String,
    name: String,
    said: Said,
    escalation: String,
}

impl Open {
    /// Whether this is what it asks: leave, or words.
    fn is_asked_in(&self, question: &Value) -> bool {
        (question["kind"] == "approval") == (self.said != Said::Words)
    }
}

/// Everything in the inbox that waits for the person: endpoint, task, and whether it asks for certain.
async fn waiting(api: &Api) -> Vec<(String, String, bool, Value)> {
    let inbox = ask(api, "inbox", json!({})).await;
    let mut found = vec![];
    for group in inbox["groups"].as_array().expect("groups") {
        for item in group["items"].as_array().expect("items") {
            let key = item["key"].as_str().expect("a key");
            let Some((endpoint, escalation)) =
                key.strip_prefix("e:").and_then(|key| key.split_once('/'))
            else {
                continue;
            };
            let asked = json!({ "endpoint": endpoint, "escalation": escalation });
            let Ok(question) = api.call("escalation", asked).await else {
                continue;
            };
            // What is on its way, or was taken, stands there too.
            if question["phase"] != "pending" {
                continue;
            }
            let task = question["task"]["task"].as_str().unwrap_or(escalation);
            let certain = item["severity"] != "info";
            found.push((endpoint.to_owned(), task.to_owned(), certain, question));
        }
    }
    found
}

/// All findings that were raised since a time, open or not.
fn raised(dir: &Path, from: domain::time::Time) -> Vec<findings::FindingRow> {
    let mut look = Look::open(dir).expect("it is there");
    let until = domain::time::Time::from(Utc::now());
    let found = look.read(|reader| findings::during(reader, from, until, 5000));
    found.expect("it can be read")
}

async fn state_of(api: &Api, endpoint: &str, escalation: &str) -> (String, String) {
    let asked = json!({ "endpoint": endpoint, "escalation": escalation });
    let now = ask(api, "escalation", asked).await;
    let text = |name: &str| {
        now["decision"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("state"), text("sentence"))
}

/// Says it as the window does.
async fn answer(api: &Api, open: &Open, endpoint: &str) -> Value {
    let question = open.question.as_ref().expect("it is seen");
    let option = question["options"].as_array().and_then(|all| all.last());
    let (outcome, option, message) = match (open.said, option) {
        (Said::Yes, _) => ("approve", Value::Null, Value::Null),
        (Said::No, _) => ("reject", Value::Null, Value::Null),
        (Said::Words, Some(option)) => ("respond", option["id"].clone(), Value::Null),
        (Said::Words, None) => ("respond", Value::Null, json!(WORDS)),
    };
    let decide = json!({
        "endpoint": endpoint, "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": outcome, "optionId": option, "editedAction": null,
        "payload": null, "message": message, "shownMs": 5000, "reachedEnd": true,
    });
    ask(api, "decide", decide).await
}

struct Hour {
    api: Api,
    seats: Vec<Seat>,
    wrong: Vec<String>,
    /// Tasks whose question was not seen in time; that they ask is true all the same.
    late: HashSet<String>,
    /// Answers without effect, by endpoint and question: none of them may be called applied later.
    undone: Vec<Undone>,
}

impl Hour {
    /// Its confirmations cannot be seen, and that is what is said of it; nobody is made to watch it in vain.
    async fn name(&mut self, agno: &Server, round: usize) {
        let parts = json!([{"kind": "text", "text": "Pay it"}]);
        let message = json!({"kind": "message", "messageId": format!("r{round}"), "role": "user", "parts": parts});
        let send = json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}});
        let face = "/a2a/agents/clerk";
        agno.post(&format!("{face}/v1/message:send"), "none", &send)
            .await;
        for path in ["", face] {
            let asked =
                json!({ "url": format!("{}{path}", agno.url), "token": null, "basic": null });
            let report = ask(&self.api, "probe", asked).await;
            let problem = report["problem"].as_str().unwrap_or_default();
            if report["identified"] != json!(false) || !problem.contains("AgentOS of Agno") {
                let about = format!("round {round}: Agno is not called by name: {report}");
                self.wrong.push(about);
            }
        }
    }

    async fn follow(&self, seat: &Seat) {
        let ids: Vec<_> = seat.tasks.iter().map(|id| format!("task={id}")).collect();
        let url = format!("{}/#{}", seat.maker.entered().1, ids.join("&"));
        let edit = json!({ "endpoint": seat.endpoint, "url": url });
        ask(&self.api, "editEndpoint", edit).await;
    }

    /// Begins one of everything that each server can do.
    async fn begin(&mut self, round: usize) -> (Vec<Open>, Vec<(usize, String)>) {
        let (mut open, mut stop) = (vec![], vec![]);
        for at in 0..self.seats.len() {
            let seat = &mut self.seats[at];
            seat.tasks.clear();
            for story in seat.maker.stories() {
                if *story == Story::Long && round > 0 {
                    continue;
                }
                // Names of different lengths, for what depends on the round.
                let name = format!("{story:?}{at}r{}{round}", "x".repeat(round % 3)).to_lowercase();
                let begun = Instant::now();
                let task = seat.maker.begin(*story, &name).await;
                seat.drove.begun += 1;
                seat.tasks.push(task.clone());
                let said = match story {
                    Story::Leave if (round + at).is_multiple_of(2) => Said::Yes,
                    Story::Leave => Said::No,
                    Story::Words => Said::Words,
                    Story::Stop => {
                        stop.push((at, task));
                        continue;
                    }
                    Story::Work | Story::Long => continue,
                };
                seat.drove.asked += 1;
                open.push(Open {
                    seat: at,
                    task,
                    name,
                    said,
                    begun,
                    question: None,
                });
            }
            seat.maker.use_up().await;
            let seat = &self.seats[at];
            if seat.maker.has_no_list() {
                self.follow(seat).await;
            }
        }
        (open, stop)
    }

    /// Waits until all that asks is in the inbox, and looks for what nobody asked.
    async fn see(&mut self, open: &mut [Open], round: usize) {
        let end = Instant::now() + SEEN_WITHIN;
        loop {
            for (endpoint, task, certain, question) in waiting(&self.api).await {
                let one = open
                    .iter_mut()
                    .find(|one| self.seats[one.seat].endpoint == endpoint && one.task == task);
                match one {
                    // What may be asking is no leave that is asked for.
                    Some(one)
                        if one.question.is_none() && !(certain && one.is_asked_in(&question)) => {}
                    Some(one) if one.question.is_none() => {
                        let drove = &mut self.seats[one.seat].drove;
                        drove.seen += 1;
                        drove.slowest = drove.slowest.max(one.begun.elapsed());
                        one.question = Some(question);
                    }
                    Some(_) => {}
                    None if self.late.contains(&task) => {}
                    None if certain && !self.asks_anew(&endpoint) => {
                        let said = format!(
                            "round {round}: {endpoint} is said to ask in {task}, and does not: {}",
                            question["title"]
                        );
                        if !self.wrong.contains(&said) {
                            self.wrong.push(said);
                        }
                    }
                    None => {}
                }
            }
            if open.iter().all(|one| one.question.is_some()) {
                return;
            }
            if Instant::now() > end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        for one in open.iter().filter(|one| one.question.is_none()) {
            let endpoint = &self.seats[one.seat].endpoint;
            let (task, name) = (&one.task, &one.name);
            self.late.insert(task.clone());
            self.wrong.push(format!(
                "round {round}: {endpoint} asks in {task} ({name}), and it is missed"
            ));
        }
    }

    /// A server that begins a new task with every answer asks there once more, truly.
    fn asks_anew(&self, endpoint: &str) -> bool {
        let mut seats = self.seats.iter();
        seats.any(|seat| seat.endpoint == endpoint && !seat.maker.shows_effects())
    }

    /// What became of an answer, said and done.
    async fn check(&mut self, one: &Open, round: usize) {
        let endpoint = self.seats[one.seat].endpoint.clone();
        let Some(question) = &one.question else {
            return;
        };
        let escalation = question["escalation"].as_str().expect("an id");
        let end = Instant::now() + LEAVES_WITHIN;
        let mut sent = None;
        let (state, sentence) = loop {
            let (state, sentence) = state_of(&self.api, &endpoint, escalation).await;
            match state.as_str() {
                "held" | "queued" | "sending" => {}
                // It may be shown yet.
                "sent" => {
                    let since: &mut Instant = sent.get_or_insert_with(Instant::now);
                    if since.elapsed() > PATIENCE {
                        break (state, sentence);
                    }
                }
                _ => break (state, sentence),
            }
            if Instant::now() > end {
                break (state, sentence);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let seat = &mut self.seats[one.seat];
        let wants = one.said != Said::No;
        let end = Instant::now()
            + if wants && state == "applied" {
                PATIENCE
            } else {
                Duration::ZERO
            };
        let done = loop {
            let done = seat.maker.is_done(&one.task, &one.name, one.said).await;
            if done == wants || Instant::now() > end {
                break done;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        *seat.drove.ends.entry(state.clone()).or_default() += 1;
        match one.said {
            Said::Yes => seat.drove.yes += 1,
            Said::No => seat.drove.no += 1,
            Said::Words => seat.drove.words += 1,
        }
        seat.drove.effects += usize::from(done == wants);
        let about = format!(
            "round {round}: {endpoint} {} in {}: \"{state}\" ({sentence}), done: {done}",
            one.name, one.task
        );
        if done != wants {
            self.undone.push(Undone {
                seat: one.seat,
                task: one.task.clone(),
                name: one.name.clone(),
                said: one.said,
                escalation: escalation.to_owned(),
            });
        }
        let told = ["applied", "sent"].contains(&state.as_str());
        if state == "applied" && done != wants {
            self.wrong.push(format!("applied without effect: {about}"));
        } else if done == wants && !told && seat.maker.shows_effects() {
            self.wrong
                .push(format!("an effect that is not told: {about}"));
        } else if done != wants && seat.maker.shows_effects() {
            self.wrong
                .push(format!("an answer that does nothing: {about}"));
        }
    }

    /// Nothing is called applied afterwards either, unless it was done by then: it may have left late.
    async fn look_back(&mut self, round: usize) {
        for one in &self.undone {
            let seat = &self.seats[one.seat];
            let (endpoint, escalation) = (&seat.endpoint, &one.escalation);
            let (state, _) = state_of(&self.api, endpoint, escalation).await;
            let wants = one.said != Said::No;
            if state == "applied"
                && seat.maker.is_done(&one.task, &one.name, one.said).await != wants
            {
                self.wrong.push(format!(
                    "applied without effect, by round {round}: {endpoint} {escalation}"
                ));
            }
        }
    }

    async fn stop(&mut self, stop: &[(usize, String)], round: usize) {
        for (at, task) in stop {
            let endpoint = self.seats[*at].endpoint.clone();
            let asked = json!({ "endpoint": endpoint, "task": task });
            let end = Instant::now() + SEEN_WITHIN;
            // It has to be seen before it can be stopped.
            let said = loop {
                match self.api.call("cancelTask", asked.clone()).await {
                    Ok(said) => break said["text"].to_string(),
                    Err(error) if Instant::now() > end => break error.to_string(),
                    Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
                }
            };
            let seat = &mut self.seats[*at];
            while !seat.maker.is_stopped(task).await {
                if Instant::now() > end {
                    let about = format!("round {round}: {endpoint} {task} is not stopped: {said}");
                    self.wrong.push(about);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            seat.drove.stopped += 1;
        }
    }

    fn table(&self, rounds: usize, took: Duration) -> String {
        let mut text = format!("{rounds} rounds in {} s\n", took.as_secs());
        text.push_str("server       begun asked seen slowest   yes  no words effects stopped  answers ended as\n");
        for seat in &self.seats {
            let d = &seat.drove;
            let mut ends: Vec<_> = d.ends.iter().map(|(end, n)| format!("{end} {n}")).collect();
            ends.sort();
            text.push_str(&format!(
                "{:<12} {:>5} {:>5} {:>4} {:>6.1}s {:>5} {:>3} {:>5} {:>7} {:>7}  {}\n",
                seat.endpoint,
                d.begun,
                d.asked,
                d.seen,
                d.slowest.as_secs_f32(),
                d.yes,
                d.no,
                d.words,
                d.effects,
                d.stopped,
                ends.join(", ")
            ));
        }
        text
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_other_makers_servers_raises_no_false_alarm_and_loses_no_question_and_no_answer()
{
    let long = std::env::var_os("MISSION_CONTROL_LONG").is_some();
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let from = domain::time::Time::from(Utc::now());
    let mut hour = Hour {
        api,
        seats: vec![],
        wrong: vec![],
        late: HashSet::new(),
        undone: vec![],
    };
    for (name, maker) in makers::start().await {
        let (kind, url, token, basic) = maker.entered();
        let add = json!({ "name": name, "url": url, "kind": kind, "token": token, "basic": basic, "keep": "session" });
        let added = ask(&hour.api, "addEndpoint", add).await;
        hour.seats.push(Seat {
            endpoint: added["id"].as_str().expect("an id").to_owned(),
            maker,
            tasks: vec![],
            drove: Drove::default(),
        });
    }
    let agno = Server::start("agno", "agno_agent.py", &[]).await;
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < 2 || long && began.elapsed() < HOUR {
        let (mut open, stop) = hour.begin(rounds).await;
        hour.name(&agno, rounds).await;
        hour.see(&mut open, rounds).await;
        for one in open.iter().filter(|one| one.question.is_some()) {
            answer(&hour.api, one, &hour.seats[one.seat].endpoint).await;
        }
        hour.stop(&stop, rounds).await;
        for one in &open {
            hour.check(one, rounds).await;
        }
        rounds += 1;
        hour.look_back(rounds).await;
        if long {
            println!("{}", hour.table(rounds, began.elapsed()));
            println!("{:#?}", hour.wrong);
            for row in raised(dir.path(), from) {
                println!("{:?} {:?}", row.cleared_at, row.finding);
            }
        }
    }
    // Work that spoke all the time is healthy work.
    for seat in &hour.seats {
        seat.maker.end_long();
    }
    let table = hour.table(rounds, began.elapsed());
    let found: Vec<String> = raised(dir.path(), from)
        .into_iter()
        .map(|row| {
            let finding = row.finding;
            format!(
                "{} ({:?}): {}",
                finding.rule, finding.tasks, finding.summary
            )
        })
        .collect();
    println!("{table}\nfindings: {found:#?}");
    hour.api.end();
    assert!(hour.wrong.is_empty(), "{:#?}\n{table}", hour.wrong);
    assert!(found.is_empty(), "{found:#?}\n{table}");
}
