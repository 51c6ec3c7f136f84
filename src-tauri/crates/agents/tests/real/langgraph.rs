//! The LangGraph kind against the official development server (`langgraph dev`), with scripted graphs and the real
//! middleware for human review.
//!
//! One server serves all that can share it. What is asserted is what the server shows, not what we believe of ourselves.

use agents::{Credential, Delivery, Kind, Observation, Outcome};
use domain::contract::TaskState;
use serde_json::{Value, json};

use super::{
    arrives, check_retry,
    graphs::{Graphs, TOKEN, all, answer, decide, look, question, questions, state},
};

#[tokio::test]
async fn a_real_server_is_seen_answered_and_cancelled() {
    let graphs = Graphs::start().await;
    is_identified_before_anything_runs(&graphs).await;
    wants_to_know_who_asks(&graphs).await;
    shows_every_state_and_question(&graphs).await;
    // Each waits for threads of its own, so they can wait together.
    tokio::join!(
        takes_every_decision_of_an_inbox(&graphs),
        takes_decisions_of_the_middleware(&graphs),
        takes_values_and_forms(&graphs),
        asks_again_after_an_answer_that_broke_it_off(&graphs),
        a_second_answer_is_harmless_and_told(&graphs),
        answers_one_of_two_and_no_ghost_stays(&graphs),
        goes_from_question_to_question(&graphs),
        a_question_that_moved_on_is_not_answered(&graphs),
        cancels_what_runs_and_not_what_waits(&graphs),
        an_answer_that_takes_long_is_sent_and_can_be_stopped(&graphs),
        tells_what_starts_by_itself(&graphs),
    );
    polls_for_changes_only(&graphs).await;
}

async fn is_identified_before_anything_runs(graphs: &Graphs) {
    let studio = format!(
        "https://smith.langchain.com/studio/?baseUrl={}",
        graphs.server.url
    );
    for address in [
        &graphs.server.url,
        &format!("{}/docs", graphs.server.url),
        &studio,
    ] {
        let found = agents::probe(address, Some(&Credential::Bearer(TOKEN.to_owned())))
            .await
            .expect("it is identified");
        assert_eq!(
            (
                found.kind,
                found.name.as_deref(),
                found.product_version.as_deref()
            ),
            (
                Kind::LangGraph,
                Some("clerk, mailer, mover"),
                Some("0.16.7")
            )
        );
        assert_eq!(found.protocol_version.as_deref(), Some("langgraph 1.2.22"));
        for ability in [
            "listTasks",
            "listEscalations",
            "decideApprove",
            "decideEdit",
            "decideRespond",
            "cancel",
        ] {
            assert!(
                found.capabilities.iter().any(|known| known == ability),
                "{ability}"
            );
        }
        for none in ["idempotentDecision", "conditionalGet", "claims", "quota"] {
            assert!(
                !found.capabilities.iter().any(|known| known == none),
                "{none}"
            );
        }
        assert!(
            found
                .warnings
                .iter()
                .any(|said| said.contains("credential may see"))
        );
    }
}

async fn wants_to_know_who_asks(graphs: &Graphs) {
    for token in [None, Some("wrong")] {
        let credential = token.map(|token| Credential::Bearer(token.to_owned()));
        let error = agents::probe(&graphs.server.url, credential.as_ref())
            .await
            .expect_err("it is refused");
        assert_eq!(error.http_status, Some(401), "{error:?}");
        let mut endpoint = agents::open(&graphs.target(token)).expect("it opens");
        let error = endpoint.observe().await.expect_err("it is refused");
        assert_eq!(error.http_status, Some(401), "{error:?}");
    }
    // A decision waits until the credential is mended.
    let thread = graphs.story("free").await;
    let (_, document) = all(graphs).await;
    let delivery = decide(
        &question(&document, &thread),
        "refused",
        json!({"outcome": "respond", "message": "x"}),
    );
    let mut endpoint = agents::open(&graphs.target(Some("wrong"))).expect("it opens");
    check_retry(&endpoint.deliver(&delivery).await, false);
}

async fn shows_every_state_and_question(graphs: &Graphs) {
    use TaskState as S;
    let fresh = graphs.post("/threads", json!({})).await["thread_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let work = graphs.begin("clerk", json!({"story": "work", "messages": [{"role": "user", "content": "Count the stock\nand more"}]})).await;
    graphs.running(&work).await;
    let mut rows = vec![
        (fresh, S::Submitted, None),
        (work.clone(), S::Working, None),
    ];
    for (story, expected, kind) in [
        ("finish", S::Completed, None),
        ("fail", S::Failed, None),
        ("inbox", S::InputRequired, Some("approval")),
        ("batch", S::InputRequired, Some("approval")),
        ("free", S::InputRequired, Some("question")),
        ("choose", S::InputRequired, Some("question")),
        ("form", S::InputRequired, Some("form")),
    ] {
        rows.push((graphs.story(story).await, expected, kind));
    }
    // A breakpoint waits, and asks nothing.
    let stopped = graphs.post("/threads", json!({})).await["thread_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    graphs.run(&stopped, json!({"assistant_id": "clerk", "input": {"story": "finish"}, "interrupt_before": ["finish"]})).await;
    graphs.settled(&stopped).await;
    rows.push((stopped, S::InputRequired, None));
    let (document, raw) = all(graphs).await;
    for (thread, expected, kind) in &rows {
        assert_eq!(state(&document, thread), *expected, "{thread}");
        let found = questions(&raw, thread);
        let kinds: Vec<_> = found
            .iter()
            .map(|one| one["kind"].as_str().expect("a kind"))
            .collect();
        assert_eq!(kinds, kind.iter().copied().collect::<Vec<_>>(), "{thread}");
    }
    assert_eq!(raw["agent"]["id"], "clerk-mailer-mover");
    let task = |id: &str| {
        let tasks = raw["tasks"].as_array().expect("tasks");
        tasks
            .iter()
            .find(|task| task["id"] == id)
            .expect("the task")
            .clone()
    };
    let failed = task(&rows[3].0);
    assert_eq!(
        failed["status"]["message"],
        "ValueError: The ledger is closed."
    );
    assert_eq!(
        (&failed["status"]["native"], &failed["kind"]),
        (&json!("error"), &json!("clerk"))
    );
    // The run of what asks says "success"; the thread decides.
    assert_eq!(graphs.runs(&rows[4].0).await[0]["status"], "success");

    let inbox = question(&raw, &rows[4].0);
    let exact =
        r#"{"name":"send_mail","args":{"to":"a@example.com","reference":18446744073709551615}}"#;
    assert_eq!(inbox["proposedAction"].to_string().len(), exact.len());
    assert_eq!(
        inbox["proposedAction"],
        serde_json::from_str::<Value>(exact).expect("JSON")
    );
    assert_eq!(inbox["message"], "Send this mail?");
    let batch = question(&raw, &rows[5].0);
    assert_eq!(
        batch["proposedAction"]["args"][1],
        json!({"name": "move_file", "args": {"path": "/tmp/b"}})
    );
    assert_eq!(question(&raw, &rows[6].0)["message"], "Which account pays?");
    let choose = question(&raw, &rows[7].0);
    assert_eq!(
        choose["options"],
        json!([{"id": "giro", "label": "giro"}, {"id": "savings", "label": "savings"}])
    );
    let form = question(&raw, &rows[8].0);
    assert_eq!(
        form["responseSchema"]["required"],
        json!(["account", "amount"])
    );
    let mut endpoint = graphs.connect();
    assert_eq!(
        endpoint.cancel(&work.as_str().into(), &"key".into()).await,
        Outcome::Applied
    );
    assert_eq!(
        graphs.thread(&work).await["status"],
        "interrupted",
        "cancelled is told like asking"
    );
    let (document, raw) = all(graphs).await;
    assert_eq!(state(&document, &work), S::Canceled);
    assert_eq!(questions(&raw, &work), [] as [Value; 0]);
}

async fn takes_every_decision_of_an_inbox(graphs: &Graphs) {
    let edited = json!({"name": "send_mail", "args": {"to": "b@example.com"}});
    for (decision, expected) in [
        (
            json!({"outcome": "approve"}),
            json!({"type": "accept", "args": null}),
        ),
        (
            json!({"outcome": "edit", "editedAction": edited}),
            json!({"type": "edit", "args": {"action": "send_mail", "args": {"to": "b@example.com"}}}),
        ),
        (
            json!({"outcome": "respond", "message": "Call first"}),
            json!({"type": "response", "args": "Call first"}),
        ),
        (
            json!({"outcome": "reject"}),
            json!({"type": "ignore", "args": null}),
        ),
        (
            json!({"outcome": "reject", "message": "Too dear"}),
            json!({"type": "response", "args": "rejected: Too dear"}),
        ),
        (
            json!({"outcome": "cancel"}),
            json!({"type": "ignore", "args": null}),
        ),
    ] {
        let thread = graphs.story("inbox").await;
        assert_eq!(
            answer(graphs, &thread, decision.clone()).await,
            Outcome::Applied,
            "{decision}"
        );
        assert_eq!(
            graphs.answers(&thread).await,
            json!([{"inbox": [expected]}]),
            "{decision}"
        );
    }
}

async fn takes_decisions_of_the_middleware(graphs: &Graphs) {
    let edited = json!({"name": "send_mail", "args": {"to": "Eve"}});
    for (graph, decision, said) in [
        (
            "mailer",
            json!({"outcome": "approve"}),
            "It says: sent to Bob",
        ),
        (
            "mailer",
            json!({"outcome": "edit", "editedAction": edited}),
            "sent to Eve",
        ),
        (
            "mailer",
            json!({"outcome": "reject", "message": "Not now"}),
            "Not now",
        ),
        (
            "mailer",
            json!({"outcome": "respond", "message": "I did it"}),
            "It says: I did it",
        ),
        (
            "mover",
            json!({"outcome": "approve"}),
            "It says: moved to Bob",
        ),
        (
            "mover",
            json!({"outcome": "edit", "editedAction": {"name": "move_file", "args": {"to": "Eve"}}}),
            "moved to Eve",
        ),
        (
            "mover",
            json!({"outcome": "reject", "message": "Not now"}),
            "Not now",
        ),
        (
            "mover",
            json!({"outcome": "respond", "message": "I did it"}),
            "It says: I did it",
        ),
    ] {
        let thread = graphs
            .begin(
                graph,
                json!({"messages": [{"role": "user", "content": "Bob"}]}),
            )
            .await;
        graphs.settled(&thread).await;
        assert_eq!(
            answer(graphs, &thread, decision.clone()).await,
            Outcome::Applied,
            "{graph} {decision}"
        );
        let messages = graphs.settled(&thread).await["values"]["messages"].clone();
        let last = messages
            .as_array()
            .and_then(|all| all.last())
            .expect("messages")
            .to_string();
        assert!(last.contains(said), "{graph} {decision}: {last}");
    }
    // Two actions stand or fall together, and one of them takes no edit.
    let thread = graphs.story("batch").await;
    let edit = |first: &str, second: &str| {
        json!({"outcome": "edit", "editedAction": {"name": "both", "args": [
            {"name": "delete_file", "args": {"path": first}}, {"name": "move_file", "args": {"path": second}}]}})
    };
    let refused = answer(graphs, &thread, edit("/tmp/x", "/tmp/b")).await;
    assert!(
        matches!(&refused, Outcome::Refused(why) if why.contains("approve, reject")),
        "{refused:?}"
    );
    assert_eq!(
        answer(graphs, &thread, edit("/tmp/a", "/tmp/c")).await,
        Outcome::Applied
    );
    let got = json!([{"type": "approve"}, {"type": "edit", "edited_action": {"name": "move_file", "args": {"path": "/tmp/c"}}}]);
    assert_eq!(
        graphs.answers(&thread).await,
        json!([{"batch": {"decisions": got}}])
    );
}

async fn takes_values_and_forms(graphs: &Graphs) {
    for (story, decision, got) in [
        (
            "free",
            json!({"outcome": "respond", "message": "The giro"}),
            json!("The giro"),
        ),
        (
            "free",
            json!({"outcome": "respond", "payload": {"account": "giro"}}),
            json!({"account": "giro"}),
        ),
        (
            "choose",
            json!({"outcome": "respond", "optionId": "savings"}),
            json!("savings"),
        ),
        (
            "form",
            json!({"outcome": "respond", "payload": {"account": "giro", "amount": 3}}),
            json!({"account": "giro", "amount": 3}),
        ),
    ] {
        let thread = graphs.story(story).await;
        assert_eq!(
            answer(graphs, &thread, decision.clone()).await,
            Outcome::Applied,
            "{decision}"
        );
        assert_eq!(
            graphs.answers(&thread).await,
            json!([{story: got}]),
            "{decision}"
        );
    }
    // What has no meaning there is not sent.
    for (story, decision) in [
        ("free", json!({"outcome": "approve"})),
        ("free", json!({"outcome": "reject"})),
        ("form", json!({"outcome": "respond", "message": "yes"})),
        (
            "form",
            json!({"outcome": "respond", "payload": {"account": "giro"}}),
        ),
    ] {
        let thread = graphs.story(story).await;
        let outcome = answer(graphs, &thread, decision.clone()).await;
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{decision}: {outcome:?}"
        );
        assert_eq!(
            graphs.runs(&thread).await.len(),
            1,
            "nothing was sent: {decision}"
        );
    }
}

async fn asks_again_after_an_answer_that_broke_it_off(graphs: &Graphs) {
    let thread = graphs.story("form").await;
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let mut delivery = decide(
        &question(&document, &thread),
        "broken",
        json!({"outcome": "respond", "payload": {"account": "giro"}}),
    );
    // As if the form had not been told: the server itself judges the answer.
    let mut item: Value = serde_json::from_str(&delivery.escalation_raw).expect("JSON");
    item["native"]["interrupt"]
        .as_object_mut()
        .expect("an object")
        .remove("response_schema");
    delivery.escalation_raw = item.to_string();
    let outcome = endpoint.deliver(&delivery).await;
    assert!(
        matches!(&outcome, Outcome::Refused(why) if why.contains("amount")),
        "{outcome:?}"
    );
    assert_eq!(
        graphs.thread(&thread).await["interrupts"],
        json!({}),
        "the thread does not name it any more"
    );
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(state(&document, &thread), TaskState::Failed);
    let open = question(&raw, &thread);
    assert_eq!(open["status"], "pending");
    assert_ne!(
        open["version"],
        delivery.version.as_str(),
        "it can be answered anew"
    );
    let good = decide(
        &open,
        "mended",
        json!({"outcome": "respond", "payload": {"account": "giro", "amount": 7}}),
    );
    assert_eq!(endpoint.deliver(&good).await, Outcome::Applied);
    assert_eq!(
        graphs.answers(&thread).await,
        json!([{"form": {"account": "giro", "amount": 7}}])
    );
}

async fn a_second_answer_is_harmless_and_told(graphs: &Graphs) {
    let thread = graphs.story("inbox").await;
    let (mut one, mut other) = (graphs.connect(), graphs.connect());
    let (_, document) = look(&mut *one).await;
    let asked = question(&document, &thread);
    let (_, document) = look(&mut *other).await;
    assert_eq!(question(&document, &thread), asked, "both see the same");
    let first = decide(&asked, "first", json!({"outcome": "approve"}));
    let second = decide(&asked, "second", json!({"outcome": "reject"}));
    assert_eq!(one.deliver(&first).await, Outcome::Applied);
    let late = other.deliver(&second).await;
    assert_eq!(
        late,
        Outcome::AlreadyResolved {
            recorded: Some("accept".to_owned())
        }
    );
    assert_eq!(
        graphs.runs(&thread).await.len(),
        2,
        "the second was not sent"
    );
    // The same decision again, by somebody who does not know what became of it, is found by its id.
    let again = Delivery {
        resend: true,
        ..first
    };
    assert_eq!(other.deliver(&again).await, Outcome::Applied);
    assert_eq!(graphs.runs(&thread).await.len(), 2);
    assert_eq!(
        graphs.answers(&thread).await,
        json!([{"inbox": [{"type": "accept", "args": null}]}])
    );
    let (_, document) = look(&mut *one).await;
    assert_eq!(question(&document, &thread)["status"], "resolved");
}

async fn answers_one_of_two_and_no_ghost_stays(graphs: &Graphs) {
    let thread = graphs.story("both").await;
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let open = questions(&document, &thread);
    assert_eq!(open.len(), 2);
    let named = |name: &str| {
        let of = |one: &&Value| one["proposedAction"]["name"] == name;
        open.iter().find(of).expect("the question").clone()
    };
    let delivery = decide(&named("send_mail"), "one", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    let other = named("delete_file, move_file");
    // A resume of nothing brings the answered question back into the thread, and only there.
    let nothing = json!({"assistant_id": "clerk", "command": {"resume": {"0".repeat(32): 1}}});
    graphs.run(&thread, nothing).await;
    let told = graphs.settled(&thread).await;
    assert_eq!(
        told["interrupts"].as_object().expect("a map").len(),
        2,
        "the server names both: {told}"
    );
    let (_, document) = all(graphs).await;
    assert_eq!(question(&document, &thread)["id"], other["id"]);
    let delivery = decide(&other, "other", json!({"outcome": "reject"}));
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    let answers = graphs.answers(&thread).await;
    assert_eq!(answers.as_array().expect("answers").len(), 2, "{answers}");
}

async fn goes_from_question_to_question(graphs: &Graphs) {
    for (story, decisions, expected) in [
        ("twice", [json!("one"), json!("two")], json!(["one", "two"])),
        ("again", [json!("many"), json!(7)], json!(7)),
    ] {
        let thread = graphs.story(story).await;
        let mut endpoint = graphs.connect();
        let mut seen = vec![];
        for (number, payload) in decisions.iter().enumerate() {
            let (_, document) = look(&mut *endpoint).await;
            let open = questions(&document, &thread)
                .into_iter()
                .find(|one| one["status"] == "pending")
                .expect("a question");
            let key = format!("{story}-{number}");
            let decision = json!({"outcome": "respond", "payload": payload});
            assert_eq!(
                endpoint.deliver(&decide(&open, &key, decision)).await,
                Outcome::Applied,
                "{key}"
            );
            seen.push((open["id"].clone(), open["version"].clone()));
        }
        assert_ne!(seen[0], seen[1], "each is a question of its own");
        assert_eq!(graphs.answers(&thread).await, json!([{story: expected}]));
    }
}

async fn a_question_that_moved_on_is_not_answered(graphs: &Graphs) {
    let thread = graphs.story("free").await;
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let asked = question(&document, &thread);
    let changed = Delivery {
        version: "another".to_owned(),
        ..decide(
            &asked,
            "changed",
            json!({"outcome": "respond", "message": "x"}),
        )
    };
    assert_eq!(endpoint.deliver(&changed).await, Outcome::Changed);
    let gone = Delivery {
        escalation: "00000000-0000-0000-0000-000000000000/x".into(),
        ..decide(
            &asked,
            "gone",
            json!({"outcome": "respond", "message": "x"}),
        )
    };
    assert_eq!(endpoint.deliver(&gone).await, Outcome::Expired);
    let unsure = Delivery {
        resend: true,
        ..gone
    };
    assert!(matches!(
        endpoint.deliver(&unsure).await,
        Outcome::Unknown(_)
    ));
    // New input makes the question void.
    graphs
        .run(
            &thread,
            json!({"assistant_id": "clerk", "input": {"story": "finish"}}),
        )
        .await;
    graphs.settled(&thread).await;
    let void = decide(
        &asked,
        "void",
        json!({"outcome": "respond", "message": "x"}),
    );
    assert!(matches!(
        endpoint.deliver(&void).await,
        Outcome::AlreadyResolved { .. }
    ));
    assert_eq!(graphs.runs(&thread).await.len(), 2, "nothing was sent");
}

async fn cancels_what_runs_and_not_what_waits(graphs: &Graphs) {
    let mut endpoint = graphs.connect();
    let key = "key".into();
    let work = graphs.begin("clerk", json!({"story": "work"})).await;
    graphs.running(&work).await;
    assert_eq!(
        endpoint.cancel(&work.as_str().into(), &key).await,
        Outcome::Applied
    );
    assert_eq!(graphs.runs(&work).await[0]["status"], "interrupted");
    assert!(matches!(
        endpoint.cancel(&work.as_str().into(), &key).await,
        Outcome::AlreadyResolved { .. }
    ));
    let waits = graphs.story("free").await;
    assert!(matches!(
        endpoint.cancel(&waits.as_str().into(), &key).await,
        Outcome::Refused(_)
    ));
    assert_eq!(graphs.thread(&waits).await["status"], "interrupted");
    let nowhere = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        endpoint.cancel(&nowhere.into(), &key).await,
        Outcome::Expired
    );
}

async fn an_answer_that_takes_long_is_sent_and_can_be_stopped(graphs: &Graphs) {
    // It takes the answer and works on: taken, not yet done.
    let thread = graphs.story("slow").await;
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let asked = question(&document, &thread);
    let delivery = decide(
        &asked,
        "slow",
        json!({"outcome": "respond", "message": "yes"}),
    );
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Sent);
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(state(&document, &thread), TaskState::Working);
    assert_eq!(
        question(&raw, &thread)["status"],
        "resolved",
        "it does not wait any more"
    );
    let late = decide(
        &asked,
        "late",
        json!({"outcome": "respond", "message": "no"}),
    );
    assert!(matches!(
        graphs.connect().deliver(&late).await,
        Outcome::AlreadyResolved { .. }
    ));
    assert_eq!(
        endpoint
            .cancel(&thread.as_str().into(), &"key".into())
            .await,
        Outcome::Applied
    );
}

async fn tells_what_starts_by_itself(graphs: &Graphs) {
    let cron = graphs
        .post("/runs/crons", json!({"assistant_id": "clerk", "schedule": "5 4 * * *", "timezone": "Europe/Berlin", "input": {"story": "finish"}}))
        .await;
    let (document, raw) = all(graphs).await;
    let schedules = document.schedules.expect("schedules");
    let item = &schedules[0].value;
    assert_eq!(
        (
            item.id.as_str(),
            item.cron.as_deref(),
            item.timezone.as_deref()
        ),
        (
            cron["cron_id"].as_str().expect("an id"),
            Some("5 4 * * *"),
            Some("Europe/Berlin")
        )
    );
    assert!(item.enabled && item.next_at.is_some());
    assert!(
        item.resource.as_str().starts_with("trigger:cron/clerk/"),
        "{:?}",
        item.resource
    );
    assert_eq!(
        raw["ownership"]["triggers"],
        json!([item.resource.as_str()])
    );
}

async fn polls_for_changes_only(graphs: &Graphs) {
    let mut endpoint = graphs.connect();
    let (document, _) = look(&mut *endpoint).await;
    assert!(document.snapshot);
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
    let thread = graphs.story("free").await;
    let (document, raw) = look(&mut *endpoint).await;
    assert!(!document.snapshot);
    assert_eq!(document.tasks.map(|tasks| tasks.len()), Some(1));
    assert_eq!(question(&raw, &thread)["status"], "pending");
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
}

#[tokio::test]
async fn a_server_that_was_killed_is_believed_again_as_far_as_it_remembers() {
    let mut graphs = Graphs::start().await;
    let (quick, slow) = (graphs.story("free").await, graphs.story("slow").await);
    graphs.kept_on_disk().await;
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let say = |key: &str, document: &Value, thread: &str| {
        decide(
            &question(document, thread),
            key,
            json!({"outcome": "respond", "message": key}),
        )
    };
    let first = say("first", &document, &quick);

    graphs.server.kill();
    assert!(endpoint.observe().await.is_err());
    check_retry(&endpoint.deliver(&first).await, false);
    graphs.restart().await;
    let (document, raw) = look(&mut *endpoint).await;
    assert!(document.snapshot, "the list is read anew");
    assert_eq!(endpoint.deliver(&first).await, Outcome::Applied);
    let (document, _) = look(&mut *endpoint).await;
    assert_eq!(state(&document, &quick), TaskState::Completed);

    // It takes an answer and is killed in the middle of it.
    let second = say("second", &raw, &slow);
    {
        let mut sending = endpoint.deliver(&second);
        arrives(&mut sending, async || graphs.runs(&slow).await.len() >= 2).await;
        graphs.server.kill();
        check_retry(&sending.await, true);
    }
    // What it had not yet written down is gone: the first answer too, so its question is another one.
    graphs.restart().await;
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(state(&document, &quick), TaskState::InputRequired);
    let again = question(&raw, &quick);
    assert_eq!(
        (&again["id"], &again["status"]),
        (&json!(first.escalation.as_str()), &json!("pending"))
    );
    let tasks = raw["tasks"].as_array().expect("tasks");
    let task = tasks
        .iter()
        .find(|task| task["id"] == quick)
        .expect("the task");
    assert_eq!(
        task["status"].get("timestamp"),
        None,
        "its older time would not count"
    );
    assert_eq!(
        endpoint.deliver(&say("third", &raw, &quick)).await,
        Outcome::Applied
    );
    assert_eq!(graphs.answers(&quick).await, json!([{"free": "third"}]));
    // The answer that may have arrived is looked for, not found, and sent once.
    let resend = Delivery {
        resend: true,
        ..second
    };
    assert_eq!(endpoint.deliver(&resend).await, Outcome::Sent);
    assert_eq!(graphs.runs(&slow).await.len(), 2);
    assert_eq!(
        endpoint.deliver(&resend).await,
        Outcome::Sent,
        "now it is found"
    );
    assert_eq!(graphs.runs(&slow).await.len(), 2);
}
