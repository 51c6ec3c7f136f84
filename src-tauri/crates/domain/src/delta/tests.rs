//! Each clause of what a difference holds, as a sequence of polls and what is left of each.

use serde_json::{Value, json};

use super::*;

fn body(members: &str) -> String {
    format!(
        "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}}{members}}}"
    )
}

fn task(id: &str, state: &str) -> String {
    format!("{{\"id\":\"{id}\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\"}}}}")
}

/// Polls of one page each, by the members beside version and agent, and the members the difference holds.
fn check(polls: &[(&str, Option<&str>)]) {
    let mut differ = Differ::new();
    let mut logged: Vec<String> = vec![];
    for (number, (members, expected)) in polls.iter().enumerate() {
        let found = differ.take(&body(members), true).unwrap();
        let expected = expected.map(|members| body(&format!(",\"snapshot\":false{members}")));
        assert_eq!(found, expected, "poll {number}");
        logged.extend(found);
        // Started again at any moment, it knows the same.
        let mut again = Differ::new();
        logged.iter().for_each(|document| again.learn(document));
        assert_eq!(
            again.take(&body(members), true).unwrap(),
            None,
            "poll {number} again"
        );
        assert_eq!(
            differ.take(&body(members), true).unwrap(),
            None,
            "poll {number} twice"
        );
    }
}

fn tasks(items: &[&str]) -> String {
    format!(",\"tasks\":[{}]", items.join(","))
}

#[test]
fn only_what_is_new_or_different_is_said_again() {
    let (one, two) = (task("1", "working"), task("2", "working"));
    let done = task("1", "completed");
    check(&[
        ("", Some("")),
        (&tasks(&[&one]), Some(&tasks(&[&one]))),
        (&tasks(&[&one, &two]), Some(&tasks(&[&two]))),
        (&tasks(&[&two, &one]), None),
        (&tasks(&[&two, &done]), Some(&tasks(&[&done]))),
        ("", None),
    ]);
}

#[test]
fn bytes_stay_as_they_came() {
    let odd =
        "{ \"id\":\"1\",\n\"title\" : \"\\u00e9\", \"status\":{\"state\":\"working\"},\"n\":1.0 }";
    check(&[(
        &format!(" , \"tasks\" : [ {odd} ]"),
        Some(&format!(",\"tasks\":[{odd}]")),
    )]);
}

#[test]
fn what_a_complete_snapshot_no_longer_lists_ends_and_can_come_back() {
    let (one, done) = (task("1", "working"), task("2", "completed"));
    let lost = task("1", "unknown");
    check(&[
        (&tasks(&[&one, &done]), Some(&tasks(&[&one, &done]))),
        // A list that is not there says nothing; what is over does not end again.
        ("", None),
        (",\"tasks\":[]", Some(&tasks(&[&lost]))),
        (&tasks(&[&one]), Some(&tasks(&[&one]))),
        (",\"snapshot\":false,\"tasks\":[]", None),
        (",\"tasks\":[]", Some(&tasks(&[&lost]))),
    ]);
    let claim = |state: &str| {
        format!(
            ",\"claims\":[{{\"id\":\"c\",\"resource\":\"file:x\",\"holderIdentity\":\"a\",\"mode\":\"shared\",\"state\":\"{state}\"}}]"
        )
    };
    check(&[
        (&claim("held"), Some(&claim("held"))),
        (",\"claims\":[]", Some(&claim("released"))),
        (&claim("held"), Some(&claim("held"))),
    ]);
    let asked = |status: &str| {
        format!(
            ",\"escalations\":[{{\"id\":\"e\",\"version\":\"1\",\"kind\":\"approval\",\"title\":\"T\",\"message\":\"M\",\"proposedAction\":{{ \"name\" : \"x\" }},\"createdAt\":\"2026-11-01T09:00:00Z\",\"status\":\"{status}\"}}]"
        )
    };
    check(&[
        (&asked("pending"), Some(&asked("pending"))),
        (",\"escalations\":[]", Some(&asked("withdrawn"))),
        (&asked("pending"), Some(&asked("pending"))),
        (&asked("resolved"), Some(&asked("resolved"))),
        (",\"escalations\":[]", None),
    ]);
}

#[test]
fn an_ending_keeps_the_account_that_stands() {
    let at = |state: &str, minute: u8| {
        format!(
            "{{\"id\":\"1\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\",\"timestamp\":\"2026-11-01T09:0{minute}:00Z\"}}}}"
        )
    };
    let (over, late) = (at("completed", 5), at("working", 3));
    check(&[
        (&tasks(&[&over]), Some(&tasks(&[&over]))),
        (&tasks(&[&late]), Some(&tasks(&[&late]))),
        (",\"tasks\":[]", None),
    ]);
    // A bad item is still listed, and what was good of it is what ends.
    let (good, bad) = (task("1", "working"), "{\"id\":\"1\"}".to_owned());
    check(&[
        (&tasks(&[&good]), Some(&tasks(&[&good]))),
        (&tasks(&[&bad]), Some(&tasks(&[&bad]))),
        // Its ending is no good item that would clear its dead letter.
        (
            ",\"tasks\":[]",
            Some(&tasks(&[&task("1", "unknown"), &bad])),
        ),
        (&tasks(&[&bad]), Some(&tasks(&[&bad]))),
    ]);
}

#[test]
fn bad_items_are_said_once_and_again_after_they_were_good() {
    let (good, bad) = (task("1", "working"), "{\"id\":\"1\"}".to_owned());
    let nameless = "{\"id\":7}".to_owned();
    check(&[
        (&tasks(&[&bad]), Some(&tasks(&[&bad]))),
        (&tasks(&[&good]), Some(&tasks(&[&good]))),
        (&tasks(&[&bad]), Some(&tasks(&[&bad]))),
        (
            &tasks(&[&bad, &nameless, &nameless]),
            Some(&tasks(&[&nameless, &nameless])),
        ),
    ]);
    check(&[
        (",\"tasks\":5", Some(",\"tasks\":5")),
        (",\"tasks\":[]", Some(",\"tasks\":[]")),
        (",\"tasks\":5", Some(",\"tasks\":5")),
        (
            ",\"tasks\":[],\"tasks\":[]",
            Some(",\"tasks\":[],\"tasks\":[]"),
        ),
        (",\"nextCursor\":5", Some(",\"nextCursor\":5")),
        (",\"pollAfterSeconds\":5", None),
    ]);
}

#[test]
fn every_list_has_names_of_its_own() {
    let entry = |seq: u8| {
        format!(
            "{{\"documentId\":\"d\",\"seq\":{seq},\"kind\":\"fact\",\"body\":\"b\",\"author\":\"a\",\"createdAt\":\"2026-11-01T09:00:00Z\"}}"
        )
    };
    let quota = |scope: &str, left: u8| {
        format!(
            "{{\"pool\":{{\"provider\":\"p\"{scope}}},\"windows\":[{{\"name\":\"w\",\"remaining\":{left}}}],\"observedAt\":\"2026-11-01T09:00:00Z\"}}"
        )
    };
    let (all, tokens) = (quota("", 5), quota(",\"scope\":\"tokens\"", 5));
    check(&[
        (
            &format!(",\"context\":[{}]", entry(1)),
            Some(&format!(",\"context\":[{}]", entry(1))),
        ),
        (
            &format!(",\"context\":[{},{}]", entry(1), entry(2)),
            Some(&format!(",\"context\":[{}]", entry(2))),
        ),
        (
            &format!(",\"quotas\":[{all},{tokens}]"),
            Some(&format!(",\"quotas\":[{all},{tokens}]")),
        ),
        (
            &format!(",\"quotas\":[{all},{}]", quota(",\"scope\":\"tokens\"", 4)),
            Some(&format!(
                ",\"quotas\":[{}]",
                quota(",\"scope\":\"tokens\"", 4)
            )),
        ),
        (
            ",\"ownership\":{\"reads\":[\"file:a\"]}",
            Some(",\"ownership\":{\"reads\":[\"file:a\"]}"),
        ),
        (
            ",\"ownership\":{\"reads\":[\"file:b\"]},\"tasks\":null",
            Some(",\"ownership\":{\"reads\":[\"file:b\"]}"),
        ),
    ]);
}

#[test]
fn a_heartbeat_alone_is_no_news() {
    let card = |more: &str| {
        format!(
            "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"{more}}},\"tasks\":[]}}"
        )
    };
    let mut differ = Differ::new();
    let beat = |second: u8| card(&format!(",\"heartbeatAt\":\"2026-11-01T09:00:0{second}Z\""));
    assert!(differ.take(&beat(1), true).unwrap().is_some());
    assert_eq!(differ.take(&beat(2), true).unwrap(), None);
    assert!(
        differ
            .take(&card(",\"model\":\"m\""), true)
            .unwrap()
            .is_some()
    );
    assert!(
        differ
            .take(&card(",\"heartbeatAt\":2"), true)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_snapshot_of_many_pages_is_complete_with_its_last_page() {
    let (one, two, three) = (
        task("1", "working"),
        task("2", "working"),
        task("3", "working"),
    );
    let lost = task("3", "unknown");
    let page = |items: &[&String]| {
        let items: Vec<_> = items.iter().map(|item| item.as_str()).collect();
        body(&tasks(&items))
    };
    let mut differ = Differ::new();
    let mut check = |pages: &[&[&String]], expected: &[Option<&String>]| {
        for (number, (items, expected)) in pages.iter().zip(expected).enumerate() {
            let last = number + 1 == pages.len();
            let found = differ.take(&page(items), last).unwrap();
            let tasks = found.map(|found| {
                let found: Value = serde_json::from_str(&found).unwrap();
                found["tasks"].clone()
            });
            let expected = expected.map(|item| {
                let item: Value = serde_json::from_str(item).unwrap();
                json!([item])
            });
            assert_eq!(tasks, expected, "page {number}");
        }
    };
    check(
        &[&[&one], &[&two], &[&three]],
        &[Some(&one), Some(&two), Some(&three)],
    );
    check(&[&[&one], &[&two], &[&three]], &[None, None, None]);
    check(&[&[&one], &[&three, &two]], &[None, None]);
    // The last page did not change, yet with it the snapshot is complete and lacks one.
    check(&[&[&one, &three], &[&two]], &[None, None]);
    check(&[&[&one], &[&two]], &[None, Some(&lost)]);
    check(&[&[&one], &[&two]], &[None, None]);
    check(&[&[&one], &[&two, &three]], &[None, Some(&three)]);
}

#[test]
fn an_answer_that_cannot_be_used_leaves_no_trace() {
    let mut differ = Differ::new();
    assert_eq!(differ.nothing(), None);
    let good = body(&tasks(&[&task("1", "working")]));
    differ.take(&good, true).unwrap();
    for bad in [
        "",
        "[]",
        "{\"schemaVersion\":\"1.0\"}",
        "{\"schemaVersion\":\"2.0\",\"agent\":{\"id\":\"a\"},\"tasks\":[]}",
    ] {
        assert!(differ.take(bad, true).is_err(), "{bad}");
    }
    assert_eq!(differ.take(&good, true).unwrap(), None);
    assert_eq!(differ.nothing(), Some(body(",\"snapshot\":false")));
}

/// The pieces of one poll of three tasks, and what a second look finds new after the first `believed` of them.
fn pieces(most: Most, believed: usize) -> (usize, usize) {
    let all: Vec<_> = ["1", "2", "3"].map(|id| task(id, "working")).into();
    let body = body(&tasks(&all.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut differ = Differ::new();
    let found = differ.news(&body, true, most, &|| true).unwrap();
    for text in found.iter().take(believed) {
        let piece = differ.look_at(text).unwrap();
        differ.believe(&piece);
    }
    differ.forget_pages();
    let again = differ.news(&body, true, most, &|| true).unwrap();
    (found.len(), again.len())
}

#[test]
fn a_large_difference_comes_in_pieces_and_what_was_not_believed_comes_again() {
    let item = task("1", "working").len();
    for (items, bytes, believed, expected) in [
        (usize::MAX, usize::MAX, 1, (1, 0)),
        (usize::MAX, usize::MAX, 0, (1, 1)),
        // The card goes with the first.
        (1, usize::MAX, 1, (3, 2)),
        (2, usize::MAX, 1, (2, 1)),
        (2, usize::MAX, 0, (2, 2)),
        (usize::MAX, item, 3, (3, 0)),
        (usize::MAX, 1, 2, (3, 1)),
    ] {
        let most = Most { items, bytes };
        assert_eq!(pieces(most, believed), expected, "{most:?} {believed}");
    }
}

#[test]
fn a_reading_that_is_stopped_leaves_no_trace() {
    let all = tasks(&[&task("1", "working"), &task("2", "working")]);
    let (first, second) = (body(""), body(&all));
    let mut differ = Differ::new();
    differ.take(&first, true).unwrap();
    for left in 0..4 {
        let asked = std::cell::Cell::new(0);
        let go_on = || asked.replace(asked.get() + 1) < left;
        let stopped = differ.news(&second, true, Most::ALL, &go_on);
        assert_eq!(stopped, Err(Refused::Stopped), "{left}");
    }
    let expected = body(&format!(",\"snapshot\":false{all}"));
    assert_eq!(differ.take(&second, true).unwrap(), Some(expected));
}

#[test]
fn names_that_are_over_make_room_and_what_is_open_stays() {
    let mut differ = Differ::new();
    let mut told = |members: String| differ.take(&body(&members), true).unwrap();
    let open = task("open", "working");
    let part = |ids: std::ops::Range<usize>| {
        let done = ids.map(|id| task(&format!("t{id}"), "completed"));
        let done: Vec<_> = done.collect();
        let items: Vec<_> = done.iter().map(String::as_str).collect();
        format!(",\"snapshot\":false{}", tasks(&items))
    };
    told(tasks(&[&open]));
    for round in 0..10 {
        told(part(round * 9_000..(round + 1) * 9_000)).unwrap();
    }
    // What was told last is known, what was told long ago is news again, and takes nothing from what is open.
    assert_eq!(told(part(81_000..90_000)), None);
    assert!(told(part(0..9_000)).unwrap().contains("\"t0\""));
    assert_eq!(told(tasks(&[&open])), None);
    let gone = told(",\"tasks\":[]".to_owned()).unwrap();
    assert!(
        gone.contains("unknown") && !gone.contains("completed"),
        "{gone}"
    );
    assert!(differ.slots.len() <= caps::KNOWN);
}

#[test]
fn more_open_items_than_can_be_known_are_counted_until_there_is_room() {
    let mut differ = Differ::new();
    let all: Vec<_> = (0..35_000)
        .map(|id| task(&format!("t{id}"), "working"))
        .collect();
    let mut poll = |all: &[String]| {
        let pages = all.chunks(10_000).collect::<Vec<_>>();
        let mut news = String::new();
        for (at, page) in pages.iter().enumerate() {
            let items: Vec<_> = page.iter().map(String::as_str).collect();
            let last = at + 1 == pages.len();
            let next = if last { "" } else { ",\"nextCursor\":\"n\"" };
            news += &differ
                .take(&body(&format!("{next}{}", tasks(&items))), last)
                .unwrap()
                .unwrap_or_default();
        }
        news
    };
    let news = poll(&all);
    assert!(news.contains("\"t29000\"") && !news.contains("\"t31000\""));
    assert!(news.contains("\"leftOut\""), "{}", news.len());
    // The list was not read whole, so nothing of it has ended.
    assert_eq!(poll(&all), "");
    // Those that are no longer listed end, and with the next poll the others have room.
    let gone = poll(&all[8_000..]);
    assert!(gone.contains("\"t7999\"") && gone.contains("unknown"));
    assert!(poll(&all[8_000..]).contains("\"t34999\""));
    assert_eq!(poll(&all[8_000..]), "");
}

#[test]
fn open_items_of_more_bytes_than_are_kept_are_counted_and_those_that_grow_end_as_they_were() {
    let claim = |id: usize, bytes: usize| {
        let purpose = "p".repeat(bytes);
        format!(
            "{{\"id\":\"c{id}\",\"resource\":\"file:x\",\"holderIdentity\":\"a\",\"mode\":\"exclusive\",\"state\":\"held\",\"purpose\":\"{purpose}\"}}"
        )
    };
    let part = |claims: &[String]| format!(",\"snapshot\":false,\"claims\":[{}]", claims.join(","));
    let mut differ = Differ::new();
    let mut told = |members: &str| {
        differ
            .take(&body(members), true)
            .unwrap()
            .unwrap_or_default()
    };
    let size = 64 * 1024;
    let fit = OPEN / size - 1;
    let mut news = String::new();
    for round in 0..4 {
        let more: Vec<_> = (round * fit..(round + 1) * fit)
            .map(|id| claim(id, size - 200))
            .collect();
        news += &told(&part(&more));
    }
    let told_of = (0..4 * fit).filter(|id| news.contains(&format!("\"c{id}\"")));
    assert_eq!(told_of.count(), fit + 1);
    assert!(news.contains("\"leftOut\":{\"claims\":"));
    // What is known is told of whatever it is now.
    let grown = told(&part(&[claim(0, 3 * size)]));
    assert!(grown.len() > 3 * size);
    let gone = told(",\"claims\":[]");
    assert!(gone.len() < OPEN + 64 * 1024, "{}", gone.len());
    assert_eq!(gone.matches("\"released\"").count(), fit + 1);
    assert!(told(&part(&[claim(4 * fit, size)])).contains("\"held\""));
    assert!(differ.open_bytes < 2 * size && differ.open.len() == 1);
}
