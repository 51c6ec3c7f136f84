//! The loop of one endpoint with a server that is really asked; the test stands for the owner.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use agents::{Kind, Target};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::owner::agent::http;

type Paths = Arc<Mutex<Vec<String>>>;

/// A list of two pages, the second of which holds nothing, and whoever asks from its end on hears of nothing new.
async fn two_pages(after: Option<u32>) -> (u16, Paths) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let paths = Paths::default();
    let asked = Arc::clone(&paths);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Ok(Some((path, _))) = http::asked(&mut stream).await else {
                continue;
            };
            let first = !path.contains("cursor=");
            let tasks = json!([{ "id": "t", "title": "Row", "status": { "state": "working" } }]);
            let page = json!({
                "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
                "snapshot": first, "tasks": if first { tasks } else { json!([]) },
                "nextCursor": "end", "pollAfterSeconds": after,
            });
            asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(path);
            // The client hangs up when it likes.
            drop(http::answer(&mut stream, "200 OK", &page).await);
        }
    });
    (port, paths)
}

/// A loop at that port, and what it hands over.
fn started(port: u16) -> (Poller, mpsc::Receiver<Event>, Live) {
    let (events, handed) = mpsc::channel();
    let (wishes, receiver) = tokio::sync::mpsc::unbounded_channel();
    let (listens, end) = watch::channel(());
    let wanted = Wanted::default();
    let target = Target {
        endpoint: "a".into(),
        kind: Kind::Native,
        url: format!("http://127.0.0.1:{port}/status"),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    };
    let live = Live::default();
    let asked = Asked {
        endpoint: "a".into(),
        near: true,
        connect: Arc::new(move || {
            let opened = agents::open(&target);
            Box::pin(async { opened })
        }),
        known: Known::default(),
        wanted: wanted.clone(),
        budget: Duration::from_secs(60),
        turn: 0,
        events,
        live: live.clone(),
        slots: Instant::now(),
        lanes: Lanes::default(),
        wishes: Arc::new(tokio::sync::Mutex::new(receiver)),
        end,
    };
    tokio::spawn(supervise(asked));
    let poller = Poller {
        wishes,
        _listens: listens,
        wanted,
        turn: 0,
    };
    (poller, handed, live)
}

fn next(handed: &mpsc::Receiver<Event>) -> oneshot::Sender<Taken> {
    match handed.recv_timeout(Duration::from_secs(60)) {
        Ok(Event::Observed(Observed { answer, .. }) | Event::Unchanged { answer, .. }) => answer,
        _ => panic!("neither news nor none"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wishes_for_a_poll_in_the_middle_of_a_list_gets_a_whole_one_after_it() {
    let (port, paths) = two_pages(Some(3600)).await;
    let (poller, handed, _) = started(port);
    let taken = Taken {
        kept: true,
        live: true,
        heard: true,
    };
    let first = next(&handed);
    assert!(poller.wish(Wish::Poll));
    first.send(taken).expect("it waits for this");
    for _ in ["the rest of the list", "the poll that was wished for"] {
        next(&handed).send(taken).expect("it waits for this");
    }
    let asked = paths.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_happens_on_this_computer_the_first_question_is_seen_within_seconds() {
    let (port, _) = two_pages(None).await;
    let (_poller, handed, live) = started(port);
    let quiet = Taken {
        kept: true,
        live: false,
        heard: true,
    };
    for _ in ["both pages of it", "and nothing new"] {
        next(&handed).send(quiet).expect("it waits for this");
    }
    let interval = loop {
        let pulse = live.read().endpoints.get(&EndpointId::from("a")).cloned();
        if let Some(interval) = pulse.and_then(|pulse| pulse.interval_seconds) {
            break interval;
        }
        tokio::task::yield_now().await;
    };
    assert!((4.0..=6.0).contains(&interval), "{interval}");
}
