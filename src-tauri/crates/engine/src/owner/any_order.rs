//! Stories made up by chance over the running owner with its outbox and a real store, driven step by step: agents ask,
//! change and settle questions, the person looks and clicks, endpoints fail, time passes, the app is closed. After every
//! step the laws of `laws.rs` hold: an agent receives a decision only for the bytes that were on screen.
//!
//! A law that breaks prints the story with every step left out that is not needed. It needs no network: the test is the endpoint.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

mod agent;
mod laws;
pub(super) mod stage;
mod step;
mod story;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use self::{agent::Chance, stage::template, step::Step, story::Story};

/// Stories of the normal run, and steps of each. In the last hundred, and in those of the long run, polls share transactions.
const STORIES: u64 = 800;
const ALONE: u64 = 700;
const STEPS: usize = 150;
/// Every fourth story beyond those has more kinds of steps; so many are told in the normal run.
const FURTHER: usize = 100;
/// Of stories beyond those that broke a law once.
const BROKE_ONCE: [u64; 1] = [10_476_872_862_545_105_213];

fn is_further(seed: &u64) -> bool {
    *seed > STORIES && seed.is_multiple_of(4)
}

fn steps(seed: u64) -> Vec<Step> {
    let mut chance = Chance(seed);
    let step = if is_further(&seed) {
        Step::further
    } else {
        Step::any
    };
    (0..STEPS).map(|_| step(&mut chance)).collect()
}

type Counts = BTreeMap<&'static str, u64>;

/// `Err` says which law broke at which step.
fn tell(template: &Path, seed: u64, steps: &[Step]) -> Result<Counts, (usize, String)> {
    let mut at = 0;
    let told = catch_unwind(AssertUnwindSafe(|| {
        let mut story = Story::begin(template, seed);
        for (number, step) in steps.iter().enumerate() {
            at = number;
            story.step(*step)?;
        }
        at = steps.len();
        story.end()
    }));
    match told {
        Ok(Ok(counts)) => Ok(counts),
        Ok(Err(broken)) => Err((at, broken)),
        Err(_) => Err((at, "It panicked.".to_owned())),
    }
}

/// The story without what it does not need to break a law.
fn shortened(template: &Path, seed: u64, mut steps: Vec<Step>) -> (Vec<Step>, String) {
    let Err((at, mut broken)) = tell(template, seed, &steps) else {
        return (steps, "It breaks no law when it is told again.".to_owned());
    };
    steps.truncate(at + 1);
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(from..(from + piece).min(steps.len()));
            match tell(template, seed, &fewer) {
                Err((at, said)) => {
                    fewer.truncate(at + 1);
                    (steps, broken) = (fewer, said);
                }
                Ok(_) => from += piece,
            }
        }
        piece /= 2;
    }
    (steps, broken)
}

/// Tells the stories of these seeds on as many threads as there are cores.
fn check(seeds: &[u64]) -> Counts {
    let dir = stage::folder();
    let template = template(dir.path());
    let lanes = std::thread::available_parallelism().map_or(2, |cores| cores.get().min(8));
    let parts: Vec<Vec<u64>> = (0..lanes)
        .map(|lane| seeds.iter().skip(lane).step_by(lanes).copied().collect())
        .collect();
    let template = &template;
    let lane = |seeds: Vec<u64>| {
        let mut all = Counts::new();
        for seed in seeds {
            let story = steps(seed);
            match tell(template, seed, &story) {
                Ok(counts) => counts
                    .into_iter()
                    .for_each(|(word, count)| *all.entry(word).or_default() += count),
                Err(_) => {
                    let (story, broken) = shortened(template, seed, story);
                    panic!("seed {seed}: {broken}\n{story:?}");
                }
            }
        }
        all
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = parts
            .into_iter()
            .map(|seeds| scope.spawn(|| lane(seeds)))
            .collect();
        let mut all = Counts::new();
        for counts in running {
            for (word, count) in counts.join().expect("no law breaks") {
                *all.entry(word).or_default() += count;
            }
        }
        all
    })
}

#[test]
fn whatever_happens_in_whatever_order_an_agent_hears_only_what_was_decided_of_what_was_shown() {
    let further = (STORIES..).filter(is_further).take(FURTHER);
    let seeds = (1..=STORIES).chain(further).chain(BROKE_ONCE);
    let seeds: Vec<u64> = seeds.collect();
    let counts = check(&seeds);
    println!("{counts:#?}");
    for (word, least) in [
        ("steps", 100_000),
        ("looked", 5_000),
        ("accepted", 2_000),
        ("refused", 2_000),
        ("handed", 1_500),
        ("handed again", 150),
        ("taken back by the person", 150),
        ("ended before it left", 150),
        ("refused by rule", 20),
        ("restarts", 1_000),
        ("lost with the app", 50),
        ("listed", 1_000),
    ] {
        let count = counts.get(word).copied().unwrap_or_default();
        assert!(count >= least, "{word}: {count} of {least}");
    }
    if std::env::var_os("MISSION_CONTROL_LONG").is_some() {
        let seeds: Vec<u64> = (0..STORIES * 5)
            .map(|_| uuid::Uuid::now_v7().as_u128() as u64)
            .collect();
        println!("seeds: {seeds:?}");
        check(&seeds);
    }
}

/// Told step by step, it breaks no law; how often that happened in it.
fn told(steps: &[Step], word: &str) -> u64 {
    let dir = stage::folder();
    let template = template(dir.path());
    let counts = tell(&template, 0, steps).unwrap_or_else(|(at, broken)| panic!("{at}: {broken}"));
    counts.get(word).copied().unwrap_or_default()
}

/// Of the endpoint whose questions are refused after an hour.
const ASKS: Step = Step::Asks(1, 0, 0, 0);
const POLLS: Step = Step::Polls(1);
const AN_HOUR: Step = Step::Sleeps(2);
const UNDO_TIME: Step = Step::Waits(3);

#[test]
fn a_deadline_holds_also_for_what_was_answered_and_taken_back() {
    let ends_in_two_hours = Step::Asks(0, 0, 0, 6);
    let rejects = Step::LooksAndClicks(0, 0, 1);
    let other_asks = Step::Asks(1, 1, 0, 0);
    let steps = [
        ends_in_two_hours,
        Step::Polls(0),
        rejects,
        other_asks,
        POLLS,
        Step::Undoes(0),
        AN_HOUR,
        AN_HOUR,
        Step::Lists,
    ];
    assert_eq!(told(&steps, "taken back by the person"), 1);
}

#[test]
fn a_rule_does_not_refuse_what_cannot_be_read_and_does_when_it_can() {
    let hides = Step::Hides(1, 0);
    let steps = [ASKS, POLLS, hides, POLLS, AN_HOUR, POLLS, UNDO_TIME];
    assert_eq!(told(&steps, "refused by rule"), 0);
    let then = [hides, POLLS, UNDO_TIME, UNDO_TIME];
    let steps = [&steps[..], &then].concat();
    assert_eq!(told(&steps, "refused by rule"), 1);
}

#[test]
fn a_refusal_by_rule_that_could_not_leave_is_made_again() {
    for (before, after) in [
        (Step::Moves(1, 1), Step::Lists),
        (Step::Hides(1, 0), Step::Hides(1, 0)),
    ] {
        let steps = [
            ASKS, POLLS, AN_HOUR, POLLS, before, POLLS, UNDO_TIME, after, POLLS,
        ];
        assert_eq!(told(&steps, "refused by rule"), 0, "{before:?}");
        let steps = [&steps[..], &[UNDO_TIME, UNDO_TIME]].concat();
        assert_eq!(told(&steps, "refused by rule"), 1, "{before:?}");
    }
}

#[test]
fn a_version_that_comes_back_after_another_had_ended_its_answer_waits_again() {
    let (asks, polls) = (Step::Asks(0, 0, 0, 0), Step::Polls(0));
    let answers = Step::LooksAndClicks(0, 0, 0);
    let comes_back = Step::Swaps(0, 0);
    let steps = [asks, polls, answers, asks, polls, comes_back, polls];
    let steps = [&steps[..], &[Step::Lists, answers, UNDO_TIME]].concat();
    assert_eq!(told(&steps, "handed"), 1);
}

#[test]
fn what_an_agent_called_expired_and_asks_again_waits_again() {
    let (asks, polls) = (Step::Asks(0, 0, 0, 0), Step::Polls(0));
    let (expires, asks_again) = (Step::Settles(0, 0, 3), Step::Returns(0, 0));
    let answers = Step::LooksAndClicks(0, 0, 0);
    for before in [&[asks, polls, expires, polls][..], &[asks, expires, polls]] {
        let steps = [
            before,
            &[asks_again, polls, Step::Lists, answers, UNDO_TIME],
        ]
        .concat();
        assert_eq!(told(&steps, "handed"), 1);
    }
}
