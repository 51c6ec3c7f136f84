//! Servers that can tell at once: something happens, it is heard, and the next poll shows it. How many polls were made is
//! counted; what was heard says nothing of what happened.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use agents::{Credential, Ended, Endpoint, Heard, Kind, Listening, Observation, Target};
use domain::contract::{self, Document, TaskState};
use tokio::task::JoinHandle;

use crate::{
    opencode_server::{OpenCode, PASSWORD},
    server::Server,
};

/// Somebody who listens.
struct Ear {
    opened: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    task: JoinHandle<Ended>,
}

impl Ear {
    fn to(listening: Listening) -> Self {
        let (opened, heard) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (o, h) = (opened.clone(), heard.clone());
        let task = tokio::spawn(async move {
            let note = |what| {
                let count = if what == Heard::Open { &o } else { &h };
                count.fetch_add(1, Ordering::SeqCst);
            };
            listening.listen(&note).await
        });
        Self {
            opened,
            heard,
            task,
        }
    }

    /// Waits until it is open.
    async fn opens(&self) {
        until("it opens", || self.opened.load(Ordering::SeqCst) > 0).await;
    }

    fn count(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }

    /// Waits for something that is heard after so many.
    async fn hears_after(&self, count: usize) {
        until("something is heard", || self.count() > count).await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn poll(endpoint: &mut dyn Endpoint) -> Option<Document> {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            Some(contract::read(body.as_bytes()).expect("a document"))
        }
        Observation::Unchanged => None,
    }
}

fn state(document: &Document, task: &str) -> Option<TaskState> {
    let mut tasks = document.tasks.iter().flatten();
    let found = tasks.find(|item| item.value.id.as_str() == task);
    found.map(|item| item.value.status.state)
}

fn open(server: &Server, task: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "clerk".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: None,
        known_tasks: vec![task.into()],
        known_questions: vec![],
    })
    .expect("it opens")
}

/// A task is at work, is listened to, ends, and only polls that are asked for by what is heard show it.
async fn check(list: &str, script: &str, arguments: &[&str]) {
    let mut server = Server::start(list, script, arguments).await;
    let task = server.begin("dig").await;
    let mut endpoint = open(&server, &task);
    let first = poll(&mut *endpoint).await.expect("news");
    assert_eq!(state(&first, &task), Some(TaskState::Working));
    let ear = Ear::to(
        endpoint
            .listening()
            .expect("a task at work can be listened to"),
    );
    ear.opens().await;
    ear.hears_after(0).await;
    server.go();
    let (mut heard, mut polls) = (0, 0);
    loop {
        ear.hears_after(heard).await;
        heard = ear.count();
        polls += 1;
        let news = poll(&mut *endpoint).await;
        if news.and_then(|news| state(&news, &task)) == Some(TaskState::Completed) {
            break;
        }
    }
    assert!(polls <= heard, "each poll was asked for");
    assert!(endpoint.listening().is_none(), "no task is open any more");
    // Killed while it is listened to, and started again with other tasks.
    let task = server.begin("work").await;
    poll(&mut *endpoint).await;
    let ear = Ear::to(endpoint.listening().expect("another task at work"));
    ear.opens().await;
    server.kill();
    until("the stream breaks", || ear.task.is_finished()).await;
    assert!(endpoint.observe().await.is_err(), "{task}");
    assert!(endpoint.listening().is_none(), "nothing is known of it now");
    server.restart(arguments).await;
    server.begin("work").await;
    poll(&mut *endpoint).await;
    let ear = Ear::to(endpoint.listening().expect("what it works on now"));
    ear.opens().await;
    ear.hears_after(0).await;
}

#[tokio::test]
async fn one_tells_of_a_task_over_both_bindings() {
    check("a2a-1", "a2a_agent.py", &[]).await;
    check("a2a-1", "a2a_agent.py", &["--binding", "HTTP+JSON"]).await;
}

/// Whoever listens there and leaves stops the task after 1,024 events more.
#[tokio::test]
async fn zero_three_is_not_listened_to() {
    for arguments in [&[][..], &["--binding", "HTTP+JSON"]] {
        let server = Server::start("a2a-03", "a2a_03_agent.py", arguments).await;
        let task = server.begin("dig").await;
        let mut endpoint = open(&server, &task);
        let first = poll(&mut *endpoint).await.expect("news");
        assert_eq!(state(&first, &task), Some(TaskState::Working));
        assert!(endpoint.listening().is_none());
        server.go();
    }
}

#[tokio::test]
async fn another_language_tells_of_a_task_over_both_bindings() {
    check("a2a-js", "a2a_agent.mjs", &[]).await;
    check("a2a-js", "a2a_agent.mjs", &["--binding", "HTTP+JSON"]).await;
}

#[tokio::test]
async fn a_real_coding_server_tells_of_sessions_and_not_of_our_own_questions() {
    let mut server = OpenCode::start().await;
    let mut endpoint = agents::open(&Target {
        endpoint: "coder".into(),
        kind: Kind::OpenCode,
        url: server.url.clone(),
        credential: Some(Credential::Basic(format!("opencode:{PASSWORD}"))),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens");
    assert!(
        endpoint.listening().is_none(),
        "it was not asked what it is yet"
    );
    poll(&mut *endpoint).await;
    let ear = Ear::to(endpoint.listening().expect("it can be listened to"));
    ear.opens().await;
    // The folder it was not started in.
    let session = server.begin("bank", "ask me").await;
    ear.hears_after(0).await;
    server.waits("bank", &session).await;
    let shown = poll(&mut *endpoint).await.expect("news");
    assert!(state(&shown, &session).is_some());
    // A poll that brought the next poll would never end. The session itself may still tell of something meanwhile.
    let mut is_quiet = false;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = ear.count();
        for _ in 0..3 {
            poll(&mut *endpoint).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        is_quiet = ear.count() == before;
        if is_quiet {
            break;
        }
    }
    assert!(is_quiet, "our own questions are no news");

    server.kill();
    until("the stream breaks", || ear.task.is_finished()).await;
    server.restart().await;
    while endpoint.observe().await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ear = Ear::to(endpoint.listening().expect("it can be listened to again"));
    ear.opens().await;
    let session = server.begin("shop", "ask me").await;
    ear.hears_after(0).await;
    let shown = poll(&mut *endpoint).await.expect("news");
    assert!(state(&shown, &session).is_some());
}
