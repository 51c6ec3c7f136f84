//! What the reader takes, and what it makes a dead letter.

use super::*;

/// A document around the given members.
fn document(members: &str) -> Document {
    let body = format!(
        "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}}{members}}}"
    );
    read(body.as_bytes()).unwrap()
}

/// `pointer code` of each problem.
fn check(members: &str, expected: &[&str]) {
    let document = document(members);
    let found: Vec<_> = document
        .problems
        .iter()
        .map(|p| format!("{} {}", p.pointer, p.code))
        .collect();
    assert_eq!(found, expected, "{members}");
}

#[test]
fn an_answer_nobody_can_be_found_in_is_no_document() {
    let card = "{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}";
    for (body, code) in [
        ("<html>".to_owned(), "not-json"),
        ("[]".to_owned(), "wrong-type"),
        (format!("{{\"agent\":{card}}}"), "missing"),
        (
            format!("{{\"schemaVersion\":\"2.0\",\"agent\":{card}}}"),
            "incompatible",
        ),
        (
            format!("{{\"schemaVersion\":1,\"agent\":{card}}}"),
            "wrong-type",
        ),
        ("{\"schemaVersion\":\"1.0\"}".to_owned(), "missing"),
        (
            "{\"schemaVersion\":\"1.0\",\"agent\":{\"name\":\"A\"}}".to_owned(),
            "missing",
        ),
        (
            "{\"schemaVersion\":\"1.0\",\"agent\":{\"id\":7}}".to_owned(),
            "missing",
        ),
    ] {
        assert_eq!(read(body.as_bytes()).unwrap_err().code, code, "{body}");
    }
    assert_eq!(read(b"\xff{}").unwrap_err().code, "not-json");
}

#[test]
fn one_bad_item_leaves_the_others() {
    let document = document(
        ",\"tasks\":[{\"id\":\"t1\",\"title\":7,\"status\":{\"state\":\"working\"}},{\"id\":\"t2\",\"title\":\"T\",\"status\":{\"state\":\"working\"}}]",
    );
    let tasks = document.tasks.unwrap();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].pointer, "/tasks/1");
    assert_eq!(document.problems.len(), 1);
    assert_eq!(document.problems[0].item.as_deref(), Some("t1"));
    assert!(document.problems[0].raw.starts_with("{\"id\":\"t1\""));
}

#[test]
fn wrong_types_missing_members_repeated_keys_and_foreign_words_are_named() {
    check(",\"tasks\":{}", &["/tasks wrong-type"]);
    check(",\"tasks\":[7]", &["/tasks/0 wrong-type"]);
    check(",\"tasks\":[],\"tasks\":[]", &["/tasks duplicate-key"]);
    check(
        ",\"tasks\":[{\"id\":\"t\",\"title\":\"T\",\"status\":{\"state\":\"working\",\"state\":\"failed\"}}]",
        &["/tasks/0/status/state duplicate-key"],
    );
    check(
        ",\"accesses\":[{\"id\":\"x\",\"resource\":\"table:t\",\"mode\":\"delete\",\"at\":\"yesterday\"}]",
        &[
            "/accesses/0/resource unknown-word",
            "/accesses/0/mode unknown-word",
            "/accesses/0/at wrong-type",
        ],
    );
    check(
        ",\"claims\":[{\"id\":\"c\"}]",
        &[
            "/claims/0/resource missing",
            "/claims/0/holderIdentity missing",
            "/claims/0/mode missing",
            "/claims/0/state missing",
        ],
    );
    check(",\"snapshot\":\"no\"", &["/snapshot wrong-type"]);
}

#[test]
fn lengths_are_bounded() {
    let long = "x".repeat(513);
    check(
        &format!(
            ",\"tasks\":[{{\"id\":\"{long}\",\"title\":\"T\",\"status\":{{\"state\":\"working\"}}}}]"
        ),
        &["/tasks/0/id too-long"],
    );
    let long = "x".repeat(64 * 1024 + 1);
    check(
        &format!(
            ",\"tasks\":[{{\"id\":\"t\",\"title\":\"{long}\",\"status\":{{\"state\":\"working\"}}}}]"
        ),
        &["/tasks/0/title too-long"],
    );
    let at = "2026-11-01T09:00:00Z";
    let body = "x".repeat(1024 * 1024);
    check(
        &format!(
            ",\"artifacts\":[{{\"id\":\"r\",\"name\":\"R\",\"body\":\"{body}\",\"createdAt\":\"{at}\"}}]"
        ),
        &["/artifacts/0/body too-long"],
    );
    check(
        &format!(
            ",\"artifacts\":[{{\"id\":\"r\",\"name\":\"R\",\"body\":\"{long}\",\"createdAt\":\"{at}\"}}]"
        ),
        &[],
    );
}

/// Words of A2A in all their spellings, words of other programs, and any other: each row of the reference's table.
#[test]
fn states_are_read_in_every_spelling_and_the_word_is_kept() {
    use TaskState as S;
    for (state, words) in [
        (
            S::Submitted,
            "submitted TASK_STATE_SUBMITTED Submitted queued pending",
        ),
        (
            S::Working,
            "working TASK_STATE_WORKING running active in_progress in-progress RUNNING",
        ),
        (
            S::InputRequired,
            "input-required TASK_STATE_INPUT_REQUIRED INPUT_REQUIRED input_required waiting blocked-on-human",
        ),
        (S::AuthRequired, "auth-required TASK_STATE_AUTH_REQUIRED"),
        (
            S::Completed,
            "completed TASK_STATE_COMPLETED done success ok",
        ),
        (S::Failed, "failed TASK_STATE_FAILED error timeout"),
        (
            S::Canceled,
            "canceled cancelled TASK_STATE_CANCELED TASK_STATE_CANCELLED aborted stopped",
        ),
        (S::Rejected, "rejected TASK_STATE_REJECTED declined refused"),
        (
            S::Unknown,
            "unknown unspecified TASK_STATE_UNSPECIFIED dreaming TASK_STATE_DREAMING paused stuck blocked working-hard",
        ),
        // Words of programs that no connector speaks to yet: shown as they are, and not guessed at.
        (
            S::Unknown,
            "hooked open closed deferred idle busy retry interrupted requires_action waiting_for_confirmation prompt-turn",
        ),
    ] {
        for word in words.split(' ') {
            let document = document(&format!(
                ",\"tasks\":[{{\"id\":\"t\",\"title\":\"T\",\"status\":{{\"state\":\"{word}\"}}}}]"
            ));
            let status = &document.tasks.unwrap()[0].value.status;
            assert_eq!(status.state, state, "{word}");
            // Only our own word needs no other beside it.
            let own = serde_json::to_value(state).unwrap() == word;
            assert_eq!(status.native.as_deref(), (!own).then_some(word), "{word}");
        }
    }
}

#[test]
fn absent_is_not_empty_and_unknown_members_do_not_matter() {
    let document = document(
        ",\"tasks\":[],\"weather\":{\"a\":1,\"a\":2},\"claims\":null,\"pollAfterSeconds\":99999",
    );
    assert_eq!(document.tasks, Some(vec![]));
    assert_eq!(document.claims, None);
    assert_eq!(document.poll_after_seconds, Some(3600));
    assert!(document.snapshot && document.problems.is_empty());
}

#[test]
fn two_options_of_one_id_make_their_question_a_dead_letter() {
    let asks = |options: &str| {
        format!(
            ",\"escalations\":[{{\"id\":\"e\",\"version\":\"1\",\"kind\":\"approval\",\"title\":\"T\",\"message\":\"M\",\"createdAt\":\"2026-11-21T08:00:00Z\",\"status\":\"pending\",\"options\":[{options}]}}]"
        )
    };
    let yes = "{\"id\":\"y\",\"label\":\"Yes\",\"intent\":\"approve\"}";
    let no = "{\"id\":\"y\",\"label\":\"No\",\"intent\":\"reject\"}";
    let other = "{\"id\":\"n\",\"label\":\"No\",\"intent\":\"reject\"}";
    check(&asks(&format!("{yes},{other}")), &[]);
    let doubled = asks(&format!("{yes},{other},{no}"));
    check(&doubled, &["/escalations/0/options/2/id unusable-id"]);
    assert_eq!(document(&doubled).escalations.map(|all| all.len()), Some(0));
}
