//! What is more than is read of one item, or of one answer, becomes a dead letter that says so.

use domain::{
    caps::{COMMAND, ENTRIES, ITEM_BYTES, ITEMS, MEMBERS, PROBLEMS, WILDCARDS},
    contract,
    delta::Differ,
};

fn document(members: &str) -> String {
    format!(
        "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}},{members}}}"
    )
}

fn times(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().join(",")
}

fn task(id: &str, more: &str) -> String {
    format!("{{\"id\":\"{id}\",\"title\":\"T\",\"status\":{{\"state\":\"working\"}}{more}}}")
}

fn question(id: &str, more: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"version\":\"1\",\"kind\":\"approval\",\"title\":\"T\",\"message\":\"M\",\"createdAt\":\"2026-11-01T08:00:00Z\",\"status\":\"pending\"{more}}}"
    )
}

/// One bad item beside a good one: it alone is a dead letter, with that code and those words.
#[track_caller]
fn check(list: &str, bad: &str, good: &str, code: &str, words: &str) {
    let read = contract::read(document(&format!("\"{list}\":[{bad},{good}]")).as_bytes()).unwrap();
    let told: Vec<_> = read
        .problems
        .iter()
        .map(|p| (p.list.as_str(), p.code.as_str(), p.message.as_str()))
        .collect();
    let [(of, found, message)] = told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((of, found), (list, code), "{message}");
    assert!(message.contains(words), "{message}");
    let kept = read.tasks.map_or(0, |l| l.len())
        + read.claims.map_or(0, |l| l.len())
        + read.escalations.map_or(0, |l| l.len());
    assert_eq!(kept, 1);
}

#[test]
fn an_object_has_so_many_members() {
    let members = |n| {
        task(
            "t",
            &format!(",\"k\":{{{}}}", times(n, |n| format!("\"k{n}\":0"))),
        )
    };
    let read = contract::read(document(&format!("\"tasks\":[{}]", members(MEMBERS))).as_bytes());
    assert_eq!(read.unwrap().problems, []);
    check(
        "tasks",
        &members(MEMBERS + 1),
        &task("u", ""),
        "too-many",
        "more than is read",
    );
}

#[test]
fn a_list_within_an_item_has_so_many_entries() {
    let on = |n| {
        task(
            "t",
            &format!(",\"dependsOn\":[{}]", times(n, |n| format!("\"d{n}\""))),
        )
    };
    let read = contract::read(document(&format!("\"tasks\":[{}]", on(ENTRIES))).as_bytes());
    assert_eq!(read.unwrap().problems, []);
    check(
        "tasks",
        &on(ENTRIES + 1),
        &task("u", ""),
        "too-many",
        "At most 1000, found 1001",
    );
    let command = times(COMMAND + 1, |_| "\"x\"".into());
    let asked = question(
        "q",
        &format!(",\"proposedAction\":{{\"name\":\"n\",\"command\":[{command}]}}"),
    );
    check(
        "escalations",
        &asked,
        &question("r", ""),
        "too-many",
        "At most 10000",
    );
}

#[test]
fn an_item_has_so_many_bytes() {
    let large = task("t", &format!(",\"k\":\"{}\"", "x".repeat(ITEM_BYTES)));
    check(
        "tasks",
        &large,
        &task("u", ""),
        "too-long",
        "At most 2097152 bytes",
    );
}

#[test]
fn a_pattern_has_so_many_wildcards() {
    let claim = |id: &str, stars: usize| {
        format!(
            "{{\"id\":\"{id}\",\"resource\":\"file:{}\",\"holderIdentity\":\"a\",\"mode\":\"exclusive\",\"state\":\"held\"}}",
            "a*".repeat(stars)
        )
    };
    let (bad, good) = (claim("c", WILDCARDS + 1), claim("d", WILDCARDS));
    check(
        "claims",
        &bad,
        &good,
        "too-many",
        "At most 8 wildcards in one pattern, found 9",
    );
    let needs = document(&format!(
        "\"ownership\":{{\"writes\":[\"file:{}\"]}}",
        "*a".repeat(9)
    ));
    let read = contract::read(needs.as_bytes()).unwrap();
    assert_eq!(read.ownership, None);
    assert_eq!(read.problems[0].pointer, "/ownership/writes/0");
}

#[test]
fn of_one_item_so_much_is_told_that_is_wrong() {
    let bad = task(
        "t",
        &format!(",\"contextRefs\":[{}]", times(900, |_| "0".into())),
    );
    let read = contract::read(document(&format!("\"tasks\":[{bad}]")).as_bytes()).unwrap();
    assert_eq!(read.problems.len(), PROBLEMS);
    let last = read.problems.last().unwrap();
    assert_eq!(
        (last.pointer.as_str(), last.code.as_str()),
        ("/tasks/0", "too-many")
    );
    assert!(read.problems.iter().all(|p| p.item.as_deref() == Some("t")));
}

#[test]
fn an_id_that_is_a_way_within_an_address_names_nothing() {
    for id in [".", "..", "%2e", "%2E%2e", ".%2E"] {
        check(
            "tasks",
            &task(id, ""),
            &task("u", ""),
            "unusable-id",
            "names nothing",
        );
        check(
            "escalations",
            &question(id, ""),
            &question("r", ""),
            "unusable-id",
            "names nothing",
        );
    }
    // Opaque, whatever else is in it.
    for id in ["a/b", "../x", "...", "%2e%2e/", "session/question", "a?b#c"] {
        let read = contract::read(document(&format!("\"tasks\":[{}]", task(id, ""))).as_bytes());
        assert_eq!(read.unwrap().problems, [], "{id}");
    }
}

#[test]
fn a_list_has_so_many_items_and_says_how_many_were_left_out() {
    let list = |n| {
        document(&format!(
            "\"tasks\":[{}],\"claims\":[]",
            times(n, |n| task(&format!("t{n}"), ""))
        ))
    };
    let read = contract::read(list(ITEMS + 3).as_bytes()).unwrap();
    assert_eq!(read.tasks.unwrap().len(), ITEMS);
    assert_eq!(read.left_out.get("tasks"), Some(&3));
    assert_eq!(read.left_out.get("claims"), Some(&0));
    assert_eq!(
        contract::read(list(ITEMS).as_bytes()).unwrap().left_out["tasks"],
        0
    );

    // As a difference it is told once, and taken back once.
    let mut differ = Differ::new();
    let mut take = |n| differ.take(&list(n), true).unwrap();
    let first = take(ITEMS + 3).unwrap();
    assert!(
        first.contains("\"leftOut\":{\"tasks\":3}"),
        "{}",
        &first[..200]
    );
    assert_eq!(
        contract::read(first.as_bytes()).unwrap().left_out["tasks"],
        3
    );
    assert_eq!(take(ITEMS + 3), None);
    let other = take(ITEMS + 9).unwrap();
    assert!(other.contains("\"leftOut\":{\"tasks\":9}") && !other.contains("\"tasks\":["));
    let mut again = Differ::new();
    again.learn(&first);
    again.learn(&other);
    assert_eq!(again.take(&list(ITEMS + 9), true).unwrap(), None);
    assert!(take(ITEMS).unwrap().contains("\"leftOut\":{\"tasks\":0}"));
    assert_eq!(take(ITEMS), None);
}

#[test]
fn what_a_list_that_is_too_long_leaves_out_has_not_ended() {
    let list = |from: usize| {
        document(&format!(
            "\"tasks\":[{}]",
            times(ITEMS + 1, |n| task(&format!("t{}", from + n), ""))
        ))
    };
    let mut differ = Differ::new();
    differ.take(&list(0), true).unwrap();
    let moved = differ.take(&list(1), true).unwrap().unwrap_or_default();
    assert!(!moved.contains("unknown"), "{moved}");
}
