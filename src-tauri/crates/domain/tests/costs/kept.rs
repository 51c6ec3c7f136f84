//! What is kept of one endpoint ends somewhere, whatever it tells: each list with one dead letter that says how much was
//! left out, and what has ended makes room.

use domain::{
    caps::{
        AGENTS, ITEMS, LETTERS, LIMITS, LIVE_CLAIMS, LIVE_TASKS, PATTERN_CLAIMS, PATTERN_NEEDS,
        QUESTIONS, REFERENCES, SCHEDULES, SHORT_LIST,
    },
    change::Change,
    contract::TaskState,
    fact::{Config, read_line, write_status},
    fleet::Fleet,
};

use crate::at;

/// A fleet that is told documents.
pub(crate) struct Told {
    pub(crate) fleet: Fleet,
    pub(crate) lines: u64,
}

impl Told {
    pub(crate) fn new() -> Self {
        Self {
            fleet: Fleet::new(Config::default()),
            lines: 1,
        }
    }

    pub(crate) fn tell(&mut self, agent: &str, members: &str) -> Vec<Change> {
        self.lines += 1;
        let now = at(self.lines as i64 * 10);
        let body = format!(
            "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"{agent}\",\"name\":\"A\",\"status\":\"online\"}},{members}}}"
        );
        let line = read_line(self.lines, &write_status(now, &"e".into(), &body));
        let mut changes = self.fleet.take(&line.unwrap().unwrap());
        self.fleet.judge(now, &mut changes);
        changes
    }
}

pub(crate) fn list(
    name: &str,
    from: usize,
    count: usize,
    item: &dyn Fn(usize) -> String,
) -> String {
    let items: Vec<_> = (from..from + count).map(item).collect();
    format!("\"snapshot\":false,\"{name}\":[{}]", items.join(","))
}

fn letters(changes: &[Change]) -> Vec<&str> {
    let letters = changes.iter().filter_map(|change| match change {
        Change::DeadLetter(letter) => Some(letter.problems[0].message.as_str()),
        _ => None,
    });
    letters.collect()
}

fn cleared(changes: &[Change]) -> usize {
    let gone = |change: &&Change| matches!(change, Change::DeadLetterCleared { .. });
    changes.iter().filter(gone).count()
}

/// So many can be open: one more is left out with a letter, and when one has ended there is room and the letter is gone.
fn check(name: &str, most: usize, open: &dyn Fn(usize) -> String, over: &dyn Fn(usize) -> String) {
    let mut told = Told::new();
    for from in (0..most).step_by(ITEMS) {
        let changes = told.tell("a", &list(name, from, ITEMS.min(most - from), open));
        assert_eq!(letters(&changes), [""; 0], "{name}");
    }
    let changes = told.tell("a", &list(name, most, 3, open));
    let found = letters(&changes);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    assert!(
        found[0].contains("3 of this answer were left out"),
        "{}",
        found[0]
    );
    // What ends makes room, and the letter is over.
    let changes = told.tell("a", &list(name, 0, 1, over));
    assert_eq!(cleared(&changes), 1, "{name}");
    let changes = told.tell("a", &list(name, most, 1, open));
    assert_eq!(letters(&changes), [""; 0], "{name}");
    let changes = told.tell("a", &list(name, most + 1, 1, open));
    assert_eq!(letters(&changes).len(), 1, "{name}");
}

fn task(n: usize, state: &str) -> String {
    format!("{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\"}}}}")
}

fn claim(n: usize, resource: &str, state: &str) -> String {
    format!(
        "{{\"id\":\"c{n}\",\"resource\":\"{resource}\",\"holderIdentity\":\"a\",\"mode\":\"shared\",\"state\":\"{state}\"}}"
    )
}

#[test]
fn tasks_that_have_not_ended() {
    check("tasks", LIVE_TASKS, &|n| task(n, "working"), &|n| {
        task(n, "completed")
    });
}

#[test]
fn claims() {
    let of = |state: &'static str| move |n: usize| claim(n, &format!("file:x{n}"), state);
    check("claims", LIVE_CLAIMS, &of("held"), &of("released"));
}

#[test]
fn claims_on_patterns() {
    let of = |state: &'static str| move |n: usize| claim(n, &format!("file:x{n}/*"), state);
    check("claims", PATTERN_CLAIMS, &of("held"), &of("released"));
}

#[test]
fn questions() {
    let of = |status: &'static str| {
        move |n: usize| {
            format!(
                "{{\"id\":\"q{n}\",\"version\":\"1\",\"kind\":\"question\",\"title\":\"T\",\"message\":\"M\",\"createdAt\":\"2026-11-01T08:00:00Z\",\"status\":\"{status}\"}}"
            )
        }
    };
    check("escalations", QUESTIONS, &of("pending"), &of("withdrawn"));
}

#[test]
fn schedules() {
    let of = |enabled: bool| {
        move |n: usize| {
            format!(
                "{{\"id\":\"s{n}\",\"resource\":\"trigger:x{n}\",\"everySeconds\":60,\"enabled\":{enabled}}}"
            )
        }
    };
    check("schedules", SCHEDULES, &of(true), &of(false));
}

#[test]
fn limits_of_all_agents_of_an_endpoint() {
    let limit = |n: usize| {
        format!(
            "{{\"pool\":{{\"provider\":\"p{n}\"}},\"observedAt\":\"2026-11-01T08:00:00Z\",\"windows\":[{{\"name\":\"w\",\"limit\":9,\"remaining\":1}}]}}"
        )
    };
    let quotas = |changes: &[Change]| {
        let quotas = changes.iter();
        quotas
            .filter(|change| matches!(change, Change::Quota(_)))
            .count()
    };
    let mut told = Told::new();
    let changes = told.tell("a", &list("quotas", 0, LIMITS, &limit));
    assert_eq!((letters(&changes).len(), quotas(&changes)), (0, LIMITS));
    // Whoever is behind the same address tells of no more; of those that are known it may.
    let changes = told.tell("b", &list("quotas", LIMITS - 5, 8, &limit));
    let found = letters(&changes);
    assert_eq!((found.len(), quotas(&changes)), (1, 5), "{found:?}");
    assert!(
        found[0].contains("1000 limits") && found[0].contains("3 of this answer were left out"),
        "{}",
        found[0]
    );
    // After a day without news of them there is room.
    told.lines += 24 * 360;
    let changes = told.tell("b", &list("quotas", LIMITS, 3, &limit));
    assert_eq!((quotas(&changes), cleared(&changes)), (3, 1));
}

#[test]
fn references_in_long_lists_of_tasks() {
    let on = |count: usize| {
        let all: Vec<_> = (0..count).map(|n| format!("\"x{n}\"")).collect();
        all.join(",")
    };
    let task = |n: usize, state: &str, count: usize| {
        format!(
            "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\"}},\"dependsOn\":[{}]}}",
            on(count)
        )
    };
    let full = REFERENCES / (1000 - SHORT_LIST);
    let mut told = Told::new();
    // Those that have ended are counted for a day.
    let state = |n: usize| {
        if n.is_multiple_of(2) {
            "working"
        } else {
            "completed"
        }
    };
    let changes = told.tell("a", &list("tasks", 0, full, &|n| task(n, state(n), 1000)));
    assert_eq!(letters(&changes), [""; 0]);
    let more = list("tasks", full, 2, &|n| task(n, "working", 1000));
    let changes = told.tell("a", &more);
    let found = letters(&changes);
    assert!(
        found.len() == 1
            && found[0].contains("20000 references")
            && found[0].contains("2 of this answer were left out"),
        "{found:?}"
    );
    let tasks = |changes: &[Change]| {
        let tasks = changes.iter();
        tasks
            .filter(|change| matches!(change, Change::Task(_)))
            .count()
    };
    // A short list is no burden, and a task that is known is heard to its end, whatever it names.
    let short = list("tasks", full + 2, 1, &|n| task(n, "working", SHORT_LIST));
    assert_eq!(tasks(&told.tell("a", &short)), 1);
    let ends = list("tasks", full + 2, 1, &|n| task(n, "completed", 1000));
    assert_eq!(tasks(&told.tell("a", &ends)), 1);
    assert_eq!(tasks(&told.tell("a", &more)), 0);
    // A day later those that have ended have made room.
    told.lines += 24 * 360;
    let changes = told.tell("a", &more);
    assert_eq!((tasks(&changes), cleared(&changes)), (2, 1));
}

#[test]
fn agents() {
    let mut told = Told::new();
    for n in 0..AGENTS {
        let changes = told.tell(&format!("a{n}"), "\"tasks\":[]");
        assert_eq!(letters(&changes), [""; 0]);
    }
    let changes = told.tell("another", "\"tasks\":[]");
    let found = letters(&changes);
    assert!(
        found.len() == 1 && found[0].contains("More than 50 agents"),
        "{found:?}"
    );
    assert!(
        !changes
            .iter()
            .any(|change| matches!(change, Change::Agent(_)))
    );
}

#[test]
fn patterns_among_declared_triggers() {
    let needs = |n: usize| {
        let patterns: Vec<_> = (0..n).map(|n| format!("\"trigger:x{n}/*\"")).collect();
        format!("\"ownership\":{{\"triggers\":[{}]}}", patterns.join(","))
    };
    let mut told = Told::new();
    for who in ["a", "c"] {
        assert_eq!(letters(&told.tell(who, &needs(PATTERN_NEEDS / 2))), [""; 0]);
    }
    let changes = told.tell("b", &needs(1));
    let found = letters(&changes);
    assert!(
        found.len() == 1 && found[0].contains("patterns of triggers"),
        "{found:?}"
    );
}

#[test]
fn dead_letters_of_which_one_tells_of_the_rest() {
    let mut told = Told::new();
    let bad = list("tasks", 10_000, LETTERS + 500, &|n| {
        format!("{{\"id\":\"t{n}\"}}")
    });
    let changes = told.tell("a", &bad);
    let found = letters(&changes);
    assert_eq!(found.len(), LETTERS + 1);
    assert!(
        found[LETTERS].contains("500 of this answer were left out"),
        "{}",
        found[LETTERS]
    );
    // Told again there is nothing new to it.
    assert_eq!(letters(&told.tell("a", &bad)).len(), 0);
    let good = list("tasks", 10_000, 10, &|n| task(n, "working"));
    assert_eq!(cleared(&told.tell("a", &good)), 11);
}

#[test]
fn a_hundred_thousand_tasks_in_one_document_end_at_the_cap() {
    let mut told = Told::new();
    let all = list("tasks", 0, 100_000, &|n| task(n, "working"));
    for round in 0..2 {
        let changes = told.tell("a", &all.replace("\"snapshot\":false,", ""));
        let tasks = |change: &&Change| matches!(change, Change::Task(_));
        let taken = changes.iter().filter(tasks).count();
        assert_eq!(taken, if round == 0 { LIVE_TASKS } else { 0 });
        let found = letters(&changes);
        if round == 0 {
            assert_eq!(found.len(), 2, "{found:?}");
            let more = format!("{} of this answer were left out", ITEMS - LIVE_TASKS);
            for sentence in ["90000 of its items were not read", more.as_str()] {
                assert!(found.iter().any(|f| f.contains(sentence)), "{found:?}");
            }
        } else {
            assert_eq!(found, [""; 0]);
        }
    }
    let changes = told.tell("a", &format!("\"tasks\":[{}]", task(0, "working")));
    assert_eq!(cleared(&changes), 2);
}

#[test]
fn artifacts_of_more_bytes_than_are_kept_are_not_left_out() {
    let mut told = Told::new();
    let artifact = |n: usize| {
        let body = "b".repeat(900 * 1024);
        let made = "\"createdAt\":\"2026-11-01T08:00:00Z\"";
        format!("{{\"id\":\"x{n}\",\"name\":\"N\",\"body\":\"{body}\",{made}}}")
    };
    let changes = told.tell("a", &list("artifacts", 0, 6, &artifact));
    assert_eq!(letters(&changes), [""; 0]);
    let artifacts = changes.iter();
    let artifacts = artifacts.filter(|change| matches!(change, Change::Artifact(_)));
    assert_eq!(artifacts.count(), 6);
}

#[test]
fn what_is_known_ends_also_when_there_is_no_room() {
    let mut told = Told::new();
    let wide = "w".repeat(2_000);
    let claim = |state: &'static str| {
        let wide = wide.clone();
        move |n: usize| {
            let of = "\"resource\":\"file:x\",\"holderIdentity\":\"a\",\"mode\":\"shared\"";
            format!("{{\"id\":\"c{n}\",{of},\"state\":\"{state}\",\"purpose\":\"{wide}\"}}")
        }
    };
    let changes = told.tell("a", &list("claims", 0, LIVE_CLAIMS, &claim("held")));
    let taken = |changes: &[Change]| {
        let claims = changes.iter();
        claims
            .filter(|change| matches!(change, Change::Claim(_)))
            .count()
    };
    let held = taken(&changes);
    assert!(held > 100 && held < LIVE_CLAIMS, "{held}");
    let changes = told.tell("a", &list("claims", 0, held, &claim("released")));
    assert_eq!(taken(&changes), held);
}

#[test]
fn a_known_task_that_there_is_no_more_room_for_moves_on_and_its_letter_says_what_is_missing() {
    let task = |n: usize, state: &str, bytes: usize| {
        let message = "w".repeat(bytes);
        format!(
            "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\",\"message\":\"{message}\"}}}}"
        )
    };
    let mut told = Told::new();
    let all = list("tasks", 0, LIVE_TASKS, &|n| task(n, "working", 2_000));
    told.tell("a", &all);
    let mut tell = |state: &str, bytes: usize| {
        let one = list("tasks", 0, 1, &|n| task(n, state, bytes));
        let changes = told.tell("a", &one);
        let moved = changes.iter().find_map(|change| match change {
            Change::Task(record) => Some(record.value.status.clone()),
            _ => None,
        });
        let letters = changes.iter().filter_map(|change| match change {
            Change::DeadLetter(letter) if letter.item == "t0" => Some(letter.clone()),
            _ => None,
        });
        let letters: Vec<_> = letters.collect();
        let cleared = changes
            .iter()
            .any(|change| matches!(change, Change::DeadLetterCleared { item, .. } if item == "t0"));
        (moved, letters, cleared)
    };
    let (moved, letters, _) = tell("input-required", 60_000);
    let moved = moved.expect("its state is known");
    assert_eq!(moved.state, TaskState::InputRequired);
    assert_eq!(moved.message, None);
    assert_eq!(letters.len(), 1);
    let problem = &letters[0].problems[0];
    assert_eq!(letters[0].endpoint.as_str(), "e");
    assert!(
        problem.message.contains("takes more memory")
            && problem
                .message
                .contains("only the state is kept up to date"),
        "{}",
        problem.message
    );
    // Said once, and of a state that is known nothing is new.
    let (moved, letters, cleared) = tell("input-required", 61_000);
    assert_eq!((moved, letters.len(), cleared), (None, 0, false));
    // What is no larger than what was held is taken whole.
    let (moved, _, cleared) = tell("working", 1_000);
    let moved = moved.expect("it is taken");
    assert_eq!(moved.state, TaskState::Working);
    assert_eq!(moved.message.map(|message| message.len()), Some(1_000));
    assert!(cleared);
    // And so is its end, however long.
    tell("working", 60_000);
    let (moved, _, cleared) = tell("completed", 60_000);
    let moved = moved.expect("it is taken");
    assert_eq!(moved.state, TaskState::Completed);
    assert_eq!(moved.message.map(|message| message.len()), Some(60_000));
    assert!(cleared);
}
