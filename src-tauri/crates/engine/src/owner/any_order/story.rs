//! Tells a story: each step does one thing to the agents, the person, the time or the app, by the owner's own events.

use std::{collections::BTreeMap, path::Path, time::Duration};

use agents::Outcome as Came;
use chrono::TimeDelta;
use domain::{
    change::EscalationPhase,
    decision::{DeliveryState, Outcome},
    fact::{PollError, PollErrorKind},
    ids::EndpointId,
    time::Time,
};
use store::{Store, tables::decisions};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot, time::Instant};

use super::{
    agent::{Agent, Chance, Item, TARGETS},
    laws::{Decided, Handed, Key, Seen, Told, binding},
    stage::{self, CHANCE, HELD, NAMES, WALL, beginning, copied, row, url, wall},
    step::Step,
};
use crate::{
    api::{
        ApiError, escalation,
        views::{DecideRequest, DecisionView, EscalationRequest, EscalationView},
        wording::Glance,
    },
    cost::Cost,
    intake::{Intake, Wanted},
    live::Live,
    owner::{Ask, Event, Observed, Owner, Taken},
    poll::Wish,
};

mod lists;

const IDS: [&str; 3] = ["a", "b", "c"];

/// A request under way.
struct Flight {
    id: String,
}

/// A story under way.
pub(super) struct Story {
    // Dropped in this order.
    owner: Option<Owner>,
    store: Option<Store>,
    dir: TempDir,
    runtime: Runtime,
    live: Live,
    agents: [Agent; 2],
    seen: Seen,
    screens: BTreeMap<Key, (usize, EscalationView)>,
    flights: Vec<Flight>,
    urls: [String; 2],
    paused: [bool; 2],
    went_back: bool,
    number: usize,
    nonce: u32,
    /// Both endpoints are polled at a time.
    together: bool,
    asked: Vec<oneshot::Receiver<Taken>>,
    counts: BTreeMap<&'static str, u64>,
}

type Law = Result<(), String>;

impl Story {
    pub(super) fn begin(template: &Path, seed: u64) -> Self {
        WALL.with(|wall| wall.set(beginning().timestamp_micros()));
        CHANCE.with(|chance| *chance.borrow_mut() = Chance(!seed));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let mut story = Self {
            owner: None,
            store: None,
            dir: copied(template),
            runtime: runtime.expect("a runtime"),
            live: Live::default(),
            agents: [0, 1].map(|at| Agent {
                name: NAMES[at],
                ..Agent::default()
            }),
            seen: Seen::default(),
            screens: BTreeMap::new(),
            flights: vec![],
            urls: [url(0, 0), url(1, 0)],
            paused: [false; 2],
            went_back: false,
            number: 0,
            nonce: 0,
            together: seed > super::ALONE,
            asked: vec![],
            counts: BTreeMap::new(),
        };
        story.start(true);
        story
    }

    fn start(&mut self, reopens: bool) {
        self.owner = None;
        HELD.with(|held| held.borrow_mut().clear());
        if reopens {
            self.store = None;
            self.store = Some(Store::open(self.dir.path(), wall()).expect("it opens"));
        }
        self.live = Live::default();
        let store = self.store().clone();
        let parts = stage::parts(store, &self.live, &self.runtime);
        self.owner = Some(Owner::start(parts).expect("it starts"));
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    fn owner(&mut self) -> &mut Owner {
        self.owner.as_mut().expect("it runs")
    }

    fn count(&mut self, word: &'static str) {
        *self.counts.entry(word).or_default() += 1;
    }

    fn nonce(&mut self) -> u32 {
        self.nonce += 1;
        self.nonce
    }

    fn key(at: u8, id: u8) -> Key {
        let (at, id) = (usize::from(at) % 2, usize::from(id) % IDS.len());
        (at, IDS[id].to_owned())
    }

    /// One of the questions that wait and were not answered, as far as the story saw.
    fn waiting(&self, which: u8) -> Option<Key> {
        let answered = |key: &Key, asking: u32| {
            let mut made = self.seen.decided.values();
            made.any(|made| made.key == *key && made.asking == asking && !made.over)
        };
        let told = self.seen.told.iter();
        let open: Vec<&Key> = told
            .filter(|(key, told)| told.waits && !answered(key, told.asking))
            .map(|(key, _)| key)
            .collect();
        let place = usize::from(which) % open.len().max(1);
        open.get(place).map(|key| (*key).clone())
    }

    /// What the agent has under that id, to change it.
    fn item(&mut self, key: &Key) -> Option<&mut Item> {
        self.agents[key.0].items.get_mut(&key.1)
    }

    pub(super) fn step(&mut self, step: Step) -> Law {
        self.number += 1;
        self.count("steps");
        let now = wall();
        match step {
            Step::Asks(at, id, what, end) => {
                let (key, nonce) = (Self::key(at, id), self.nonce());
                let agent = &mut self.agents[key.0];
                let version = agent.items.get(&key.1).map_or(1, |item| item.version + 1);
                let mut item = Item::new(&key.1, version, what, nonce, now);
                let seconds = [0, 0, 0, 5, 60, 600, 7200, 172_800][usize::from(end) % 8];
                item.expires = (seconds > 0).then(|| now + TimeDelta::seconds(seconds));
                agent.before.extend(agent.items.insert(key.1, item));
            }
            Step::Alters(at, id, how) | Step::Renews(at, id, how) => {
                let (key, nonce) = (Self::key(at, id), self.nonce());
                if let Some(item) = self.item(&key) {
                    let before = item.clone();
                    item.alter(how, nonce, now);
                    item.version += u32::from(matches!(step, Step::Renews(..)));
                    self.agents[key.0].before.push(before);
                }
            }
            Step::Settles(at, id, how) => {
                if let Some(item) = self.item(&Self::key(at, id)) {
                    item.status =
                        ["resolved", "resolved", "withdrawn", "expired"][usize::from(how) % 4];
                }
            }
            Step::Unlists(at, id) => {
                if let Some(item) = self.item(&Self::key(at, id)) {
                    item.listed = false;
                }
            }
            Step::Returns(at, id) => {
                if let Some(item) = self.item(&Self::key(at, id)) {
                    (item.listed, item.status) = (true, "pending");
                }
            }
            Step::Swaps(at, which) => {
                let agent = &mut self.agents[usize::from(at) % 2];
                let which = usize::from(which) % agent.before.len().max(1);
                if let Some(mut item) = agent.before.get(which).cloned() {
                    (item.listed, item.status) = (true, "pending");
                    agent.items.insert(item.id.clone(), item);
                }
            }
            Step::Writes(at, what) => {
                let id = format!("w{}", self.nonce());
                let target = TARGETS[usize::from(what) % 2];
                self.agents[usize::from(at) % 2]
                    .writes
                    .push((id, target, now));
            }
            Step::Polls(at) => {
                let at = usize::from(at) % 2;
                if self.together {
                    self.poll(1 - at)?;
                }
                self.poll(at)?;
                self.kept()?;
            }
            Step::Fails(at, often) => {
                for _ in 0..[1, 1, 2, 6][usize::from(often) % 4] {
                    self.fail(usize::from(at) % 2);
                }
            }
            Step::Looks(at, id) => drop(self.look(&Self::key(at, id))?),
            Step::Clicks(at, id, gesture, wrong) => {
                self.click(&Self::key(at, id), gesture, wrong, false)?
            }
            Step::LooksAndClicks(at, id, gesture) => {
                let key = self.waiting(at).unwrap_or_else(|| Self::key(at, id));
                if self.look(&key)? {
                    self.click(&key, gesture, 0, true)?;
                }
            }
            Step::ClicksTwice(at, id, gesture) => {
                let key = Self::key(at, id);
                self.click(&key, gesture, 0, false)?;
                self.click(&key, gesture, 0, false)?;
            }
            Step::Undoes(which) => self.undo(which)?,
            Step::Acknowledges(which) => {
                if let Some(id) = self.one_of_decided(which) {
                    let (reply, _) = oneshot::channel();
                    let ask = Ask::Acknowledge(id.as_str().into(), reply);
                    self.owner().take(Event::Acted(ask));
                }
            }
            Step::Answers(which, what) => self.answer(which, what),
            Step::Moves(at, port) => {
                let at = usize::from(at) % 2;
                self.urls[at] = url(at, port);
                self.put(at);
            }
            Step::Pauses(at) => {
                let at = usize::from(at) % 2;
                self.paused[at] = !self.paused[at];
                self.put(at);
            }
            Step::Waits(long) => {
                const SECONDS: [i64; 10] = [1, 3, 9, 11, 11, 31, 61, 700, 3_700, 90_000];
                self.wait(SECONDS[usize::from(long) % SECONDS.len()])?;
            }
            Step::Sleeps(long) => {
                let seconds = [60, 3_000, 3_700, 90_000, 260_000][usize::from(long) % 5];
                WALL.with(|wall| wall.set(wall.get() + seconds * 1_000_000));
                let slept_seconds = seconds.unsigned_abs();
                self.owner().take(Event::Woke { slept_seconds });
            }
            Step::SetsClockBack(by) => {
                self.went_back = true;
                let seconds = [1, 1, 30, 4_000][usize::from(by) % 4];
                WALL.with(|wall| wall.set(wall.get() - seconds * 1_000_000));
            }
            Step::Restarts(reopens) => self.restart(reopens),
            Step::Hides(at, id) => {
                if let Some(item) = self.item(&Self::key(at, id)) {
                    item.hidden = !item.hidden;
                }
            }
            Step::Collides(at, id, how) => self.collides(&Self::key(at, id), how)?,
            Step::Lists => self.lists()?,
        }
        self.settle()
    }

    /// What the owner does next by itself, and what it asks for.
    fn settle(&mut self) -> Law {
        // One thing may follow from another at once.
        for _ in 0..8 {
            self.owner().due();
            let wishes = HELD.with(|held| {
                let mut all = vec![];
                for (endpoint, held) in held.borrow_mut().iter_mut() {
                    while let Ok(wish) = held.try_recv() {
                        all.push((endpoint.clone(), wish));
                    }
                }
                all
            });
            if wishes.is_empty() && !self.owner().wait().is_zero() {
                break;
            }
            for (endpoint, wish) in wishes {
                if let Wish::Deliver(_, delivery) = wish {
                    self.handed(&endpoint, &delivery)?;
                }
            }
        }
        let live = self.store().read(decisions::outbox).expect("it is read");
        for (id, made) in &mut self.seen.decided {
            if !made.over && !live.iter().any(|decision| decision.id.as_str() == id) {
                made.over = true;
                if !made.left {
                    *self.counts.entry("ended before it left").or_default() += 1;
                }
            }
        }
        let (now, paused) = (self.owner().now(), self.paused);
        for decision in live {
            let (delivery, id) = (&decision.delivery, decision.id.as_str());
            let at = usize::from(decision.endpoint.as_str() == NAMES[1]);
            let waits = match delivery.state {
                DeliveryState::Held => decision.held_until > now,
                DeliveryState::Queued => {
                    let away = paused[at] || self.owner().reachable(&decision.endpoint).is_none();
                    away || delivery.next_attempt_at.is_some_and(|next| next > now)
                }
                DeliveryState::Sending => {
                    // Lost with the app, or under way.
                    let lost = self.seen.decided.get(id).is_some_and(|made| made.left);
                    lost || self.flights.iter().any(|flight| flight.id == id)
                }
                _ => true,
            };
            // After the clock was set back a wait may be longer than it looks.
            if !waits && !self.went_back {
                return Err(format!("It waits for nothing, at {now}: {decision:?}"));
            }
        }
        Ok(())
    }

    fn handed(&mut self, endpoint: &EndpointId, delivery: &agents::Delivery) -> Law {
        let at = usize::from(endpoint.as_str() == NAMES[1]);
        let by_rule = !self.seen.decided.contains_key(delivery.id.as_str());
        let handed = Handed {
            id: delivery.id.as_str(),
            endpoint: at,
            escalation: delivery.escalation.as_str(),
            version: &delivery.version,
            body: &delivery.body,
            raw: &delivery.escalation_raw,
            resend: delivery.resend,
        };
        self.seen.handed(&handed, &self.urls[at], wall())?;
        self.count("handed");
        if by_rule {
            self.count("refused by rule");
        }
        if delivery.resend {
            self.count("handed again");
        }
        let id = delivery.id.as_str().to_owned();
        self.flights.push(Flight { id });
        Ok(())
    }

    /// What waits for the owner's answer may share its transaction with the next poll.
    fn poll(&mut self, at: usize) -> Law {
        let endpoint: EndpointId = NAMES[at].into();
        let Some(known) = self.owner().known.get(&endpoint) else {
            return Ok(());
        };
        let Some(turn) = known.poller.as_ref().map(|poller| poller.turn) else {
            return Ok(());
        };
        let mut intake = Intake::new(&known.said, &Wanted::default(), Duration::MAX);
        let body = self.agents[at].document();
        let cost = Cost::default();
        let pieces = self.runtime.block_on(intake.news(body, true));
        let pieces = pieces.map_err(|ended| format!("{ended:?}"))?;
        let whole = Some(Instant::now());
        if pieces.is_empty() {
            let (answer, taken) = oneshot::channel();
            self.owner().gather(Event::Unchanged {
                endpoint: endpoint.clone(),
                turn,
                cost,
                whole,
                answer,
            });
            self.asked.push(taken);
        }
        for (number, text) in pieces.into_iter().enumerate() {
            if number > 0 {
                // What is read next is compared with what is believed then.
                self.kept()?;
            }
            let read = self.runtime.block_on(intake.read(text));
            let (text, piece) = read.map_err(|ended| format!("{ended:?}"))?;
            let (answer, taken) = oneshot::channel();
            let observed = Observed {
                endpoint: endpoint.clone(),
                turn,
                text,
                piece,
                cost,
                whole,
                answer,
            };
            // What the owner does about it is judged by what was told with it.
            self.told(at);
            self.owner().gather(Event::Observed(observed));
            self.asked.push(taken);
        }
        Ok(())
    }

    fn kept(&mut self) -> Law {
        self.owner().settle();
        for mut taken in std::mem::take(&mut self.asked) {
            if !taken.try_recv().is_ok_and(|taken| taken.kept) {
                return Err("A poll was not kept.".to_owned());
            }
        }
        Ok(())
    }

    /// Notes what an agent tells now.
    fn told(&mut self, at: usize) {
        for (id, item) in &self.agents[at].items {
            let key = (at, id.clone());
            let waits = item.listed && item.status == "pending";
            match self.seen.told.get_mut(&key) {
                // What cannot be read is not what was asked, and what was asked stands.
                Some(told) if item.listed && item.hidden => told.hidden = true,
                None if item.listed && !item.hidden => {
                    let told = Told {
                        item: item.clone(),
                        waits,
                        hidden: false,
                        asking: 0,
                    };
                    self.seen.told.insert(key, told);
                }
                None => {}
                Some(told) => {
                    let same = told.waits && told.item.raw() == item.raw();
                    told.asking += u32::from(waits && !same);
                    told.waits = waits;
                    if item.listed {
                        told.hidden = false;
                        told.item = item.clone();
                    }
                }
            }
        }
        let known = self
            .seen
            .writes
            .iter()
            .filter(|write| write.1 == at)
            .count();
        for (_, resource, time) in self.agents[at].writes.iter().skip(known) {
            self.seen.writes.push((self.number, at, resource, *time));
        }
    }

    fn fail(&mut self, at: usize) {
        let endpoint: EndpointId = NAMES[at].into();
        let known = self.owner().known.get(&endpoint);
        let Some(turn) = known
            .and_then(|known| known.poller.as_ref())
            .map(|poller| poller.turn)
        else {
            return;
        };
        let error = PollError {
            kind: PollErrorKind::Connect,
            http_status: None,
            retry_after_seconds: None,
            detail: None,
        };
        let (letter, cost, answer) = (None, Cost::default(), None);
        self.owner().take(Event::Failed {
            endpoint,
            turn,
            error,
            letter,
            cost,
            answer,
        });
    }

    /// Looks at a question as the window does. False when there is none.
    fn look(&mut self, key: &Key) -> Result<bool, String> {
        let request = EscalationRequest {
            endpoint: NAMES[key.0].into(),
            escalation: key.1.clone(),
        };
        let view = self.store().read(|reader| {
            let present = self.live.read();
            let glance = Glance {
                reader,
                present: &present,
                now: wall(),
            };
            escalation::escalation(glance, &request)
        });
        let Some(view) = view.expect("it is read") else {
            return Ok(false);
        };
        self.count("looked");
        let told = self.seen.told.get(key);
        let told = told.ok_or_else(|| format!("Nobody asked this: {view:?}"))?;
        let waits = view.phase == EscalationPhase::Pending;
        if waits && !told.waits {
            return Err(format!(
                "It is shown as waiting and does not wait: {told:?}"
            ));
        }
        let made = view
            .decision
            .as_ref()
            .and_then(|shown| self.seen.decided.get(&shown.id));
        let item = made.map_or(&told.item, |made| &made.item);
        if (waits || made.is_some())
            && binding(NAMES[key.0], NAMES[key.0], item) != view.binding_hash
        {
            return Err(format!("Other bytes are shown than {item:?}: {view:?}"));
        }
        let action = view.action.as_ref().map(|action| action.raw.text.as_str());
        let drawn = view.title.text == item.title
            && view.message.text == item.message
            && action == item.action.as_deref();
        if (waits || made.is_some()) && !drawn {
            return Err(format!("Something else is drawn than {item:?}: {view:?}"));
        }
        self.screens.insert(key.clone(), (self.number, view));
        Ok(true)
    }

    fn click(&mut self, key: &Key, gesture: u8, wrong: u8, fresh: bool) -> Law {
        let Some((looked, view)) = self.screens.get(key).cloned() else {
            return Ok(());
        };
        // The same answer once more is another test's.
        let own = view.gestures.iter().filter(|own| own.repeats.is_none());
        let own: Vec<_> = own.collect();
        let chosen = own.get(usize::from(gesture) % own.len().max(1)).copied();
        let outcome = chosen.map_or(Outcome::Approve, |chosen| chosen.outcome);
        let edited = r#"{"name":"mail.send","args":{"n":12345678901234567890123}}"#;
        let edits = outcome == Outcome::Edit;
        let needs =
            |needed: fn(&crate::api::views::GestureView) -> bool| chosen.is_some_and(needed);
        let mut request = DecideRequest {
            endpoint: NAMES[key.0].into(),
            escalation: key.1.clone(),
            version: view.version.clone(),
            binding_hash: view.binding_hash.clone(),
            outcome,
            option_id: chosen.and_then(|chosen| chosen.option_id.clone()),
            edited_action: edits.then(|| edited.to_owned()),
            payload: needs(|chosen| chosen.needs_payload).then(|| r#"{"ok":[1.0]}"#.to_owned()),
            message: needs(|chosen| chosen.needs_message).then(|| "Because.".to_owned()),
            shown_ms: 9_000,
            reached_end: true,
            overtaken_by: view.overtaken.as_ref().map(|done| done.act.clone()),
            again: view.again.as_ref().map(|again| again.decision_id.clone()),
            repeats: None,
        };
        match wrong % 12 {
            1 => request.version += "1",
            2 => request.binding_hash = request.binding_hash.replace('a', "b"),
            3 => request.reached_end = false,
            4 => request.option_id = Some("other".to_owned()),
            5 => {
                (request.outcome, request.option_id) = (Outcome::Approve, Some("later".to_owned()))
            }
            6 => (request.outcome, request.option_id) = (Outcome::ApproveAlways, None),
            7 => request.edited_action = Some(r#"{"a":1,"a":2}"#.to_owned()),
            8 => (request.overtaken_by, request.again) = (None, None),
            _ => {}
        }
        let now = self.owner().now();
        let (reply, mut done) = oneshot::channel();
        self.owner()
            .take(Event::Acted(Ask::Decide(request.clone(), reply)));
        match done.try_recv() {
            Ok(Ok(decided)) => self.accepted(key, &view, looked, &request, &decided, now),
            Ok(Err(refused)) => self.refused(key, fresh && chosen.is_some(), &refused),
            Err(_) => Err("Nobody answered a click.".to_owned()),
        }
    }

    fn accepted(
        &mut self,
        key: &Key,
        view: &EscalationView,
        looked: usize,
        request: &DecideRequest,
        decided: &DecisionView,
        now: Time,
    ) -> Law {
        self.count("accepted");
        if request.version != view.version || request.binding_hash != view.binding_hash {
            return Err(format!(
                "A click on what was not shown was accepted: {request:?}"
            ));
        }
        if view.again.is_some() {
            self.seen
                .asked_again(key, (!self.went_back).then_some(now))?;
        }
        let Some(told) = self.seen.told.get(key) else {
            return Err("Nobody asked this.".to_owned());
        };
        let item = told.item.clone();
        let approves = item.action.is_some() || item.kind == "approval";
        let answers = request.option_id.is_some() || request.outcome == Outcome::Respond;
        let yes = matches!(
            request.outcome,
            Outcome::Approve | Outcome::ApproveAlways | Outcome::Edit
        );
        if (yes && request.outcome != Outcome::Edit || approves && answers) && !request.reached_end
        {
            return Err(format!(
                "A yes was accepted to what was not read: {request:?}"
            ));
        }
        if yes && self.seen.overtaken_since(key, &item, looked) {
            return Err(format!(
                "A yes was accepted to what another agent has done meanwhile: {request:?}"
            ));
        }
        let made = Decided {
            key: key.clone(),
            asking: told.asking,
            outcome: request.outcome,
            option: request.option_id.clone(),
            edited: request.edited_action.clone(),
            payload: request.payload.clone(),
            by: "me",
            acts: yes,
            harmless: match &item.action {
                Some(action) => key.0 == 0 && action.contains("calendar.add"),
                None => matches!(item.kind, "question" | "form" | "exception"),
            },
            at: now,
            step: self.number,
            url: self.urls[key.0].clone(),
            left: false,
            in_flight: false,
            over: false,
            body: None,
            item,
        };
        let names = (NAMES[key.0], NAMES[key.0]);
        self.seen.accepted(&made, names, &view.binding_hash, now)?;
        self.seen.decided.insert(decided.id.clone(), made);
        Ok(())
    }

    fn refused(&mut self, key: &Key, fresh: bool, refused: &ApiError) -> Law {
        self.count("refused");
        let told = self.seen.told.get(key);
        let hidden = told.is_some_and(|told| told.hidden);
        let ends = told.and_then(|told| told.item.expires);
        let soon = ends.is_some_and(|end| end <= wall() + TimeDelta::seconds(3));
        // A record ahead of a clock that was set back is asked about first.
        if fresh && !soon && !hidden && !self.went_back {
            return Err(format!(
                "What the window offered was refused: {refused} {told:?}"
            ));
        }
        Ok(())
    }

    fn one_of_decided(&self, which: u8) -> Option<String> {
        let count = self.seen.decided.len();
        let newest = count.saturating_sub(1 + usize::from(which) % 3);
        self.seen.decided.keys().nth(newest).cloned()
    }

    fn undo(&mut self, which: u8) -> Law {
        let Some(id) = self.one_of_decided(which) else {
            return Ok(());
        };
        let made = self.seen.decided[&id].clone();
        let (reply, mut done) = oneshot::channel();
        self.owner()
            .take(Event::Acted(Ask::Undo(id.as_str().into(), reply)));
        let done = done.try_recv().map_err(|_| "Nobody answered an undo.")?;
        match done {
            Ok(()) if made.left || made.in_flight || made.over => {
                Err(format!("It was taken back though it had left: {made:?}"))
            }
            Ok(()) => {
                self.count("taken back by the person");
                if let Some(made) = self.seen.decided.get_mut(&id) {
                    made.over = true;
                }
                Ok(())
            }
            Err(_) if made.left || made.in_flight || made.over => Ok(()),
            Err(refused) => Err(format!("It could not be taken back: {refused} {made:?}")),
        }
    }

    fn answer(&mut self, which: u8, what: u8) {
        if self.flights.is_empty() {
            return;
        }
        let flight = self.flights.remove(usize::from(which) % self.flights.len());
        let retry = |after_seconds, may_have_arrived| Came::Retry {
            reason: "Not now.".to_owned(),
            after_seconds,
            may_have_arrived,
        };
        let came = match what % 16 {
            0..4 => Came::Applied,
            4..7 => Came::Sent,
            7 => Came::AlreadyResolved {
                recorded: Some("reject".to_owned()),
            },
            8 => Came::Refused("No.".to_owned()),
            9 => Came::Expired,
            10 => Came::Changed,
            11 => Came::Unknown("It cannot be told.".to_owned()),
            12 => retry(None, false),
            13 => retry(Some(30), false),
            14 => retry(None, true),
            _ => retry(Some(90_000), true),
        };
        if let Some(made) = self.seen.decided.get_mut(&flight.id) {
            made.in_flight = false;
            made.left |= !matches!(
                came,
                Came::Retry {
                    may_have_arrived: false,
                    ..
                }
            );
        }
        let decision = flight.id.as_str().into();
        self.owner().take(Event::Delivered {
            decision,
            outcome: came,
        });
    }

    fn put(&mut self, at: usize) {
        let (reply, _) = oneshot::channel();
        let row = row(at, &self.urls[at], self.paused[at]);
        self.owner().take(Event::Acted(Ask::Put(row, reply)));
    }

    /// Time passes, and the owner wakes whenever it wants to.
    fn wait(&mut self, seconds: i64) -> Law {
        let until = wall() + TimeDelta::seconds(seconds);
        for _ in 0..12 {
            let wait = self.owner().wait().as_micros() as i64;
            let next = wall() + TimeDelta::microseconds(wait.max(1_000));
            if next >= until {
                break;
            }
            WALL.with(|wall| wall.set(next.timestamp_micros()));
            self.settle()?;
        }
        WALL.with(|wall| wall.set(until.timestamp_micros()));
        Ok(())
    }

    /// The app ends here and now, whatever is under way.
    fn restart(&mut self, reopens: bool) {
        self.count("restarts");
        for flight in std::mem::take(&mut self.flights) {
            if let Some(made) = self.seen.decided.get_mut(&flight.id) {
                (made.left, made.in_flight) = (true, false);
            }
            self.count("lost with the app");
        }
        self.start(reopens);
    }
}
