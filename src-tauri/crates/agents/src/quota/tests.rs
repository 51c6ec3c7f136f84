//! What a source told once is not told again before it would go stale.

use chrono::{DateTime, TimeDelta};

use super::*;

struct Recorded(Vec<Vec<Told>>);

impl Source for Recorded {
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>> {
        Box::pin(async {
            Ok(Said {
                told: self.0.remove(0),
                refused: vec![],
            })
        })
    }
}

/// `remaining`, seconds after the begin, and seconds after it when the window ends.
fn told((remaining, at, reset): (u32, i64, i64)) -> Told {
    let begin = DateTime::from_timestamp(1_795_259_227, 0).expect("a time");
    Told {
        pool: Pool {
            provider: "p".to_owned(),
            account: None,
            scope: None,
        },
        window: Window {
            name: "w".to_owned(),
            remaining: Some(f64::from(remaining)),
            reset_at: Some(begin + TimeDelta::seconds(reset)),
            ..Window::default()
        },
        observed_at: begin + TimeDelta::seconds(at),
    }
}

async fn check(looks: &[(u32, i64, i64)], expected: &str) {
    let source = Recorded(looks.iter().map(|look| vec![told(*look)]).collect());
    let target = Target {
        endpoint: "e".into(),
        kind: crate::Kind::Github,
        url: "http://127.0.0.1/".to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    };
    let mut quotas = Quotas::over(source, &target, "Limits");
    let mut said = String::new();
    for _ in looks {
        said.push(match quotas.observe().await.expect("it answers") {
            Observation::Unchanged => '.',
            Observation::Document { body, .. } => {
                let document = domain::contract::read(body.as_bytes()).expect("a document");
                assert_eq!(document.problems, []);
                assert!(document.tasks.is_none() && document.escalations.is_none());
                '!'
            }
        });
    }
    assert_eq!(said, expected, "{looks:?}");
}

#[tokio::test]
async fn a_limit_is_told_when_it_moved_or_would_go_stale() {
    check(
        &[(5, 0, 3600), (5, 60, 3600), (4, 120, 3600), (4, 180, 3600)],
        "!.!.",
    )
    .await;
    // Told again after four minutes.
    check(
        &[(5, 0, 3600), (5, 239, 3600), (5, 240, 3600), (5, 300, 3600)],
        "!.!.",
    )
    .await;
    // A new window with the same numbers is news; an end that is reckoned from now is none.
    check(&[(5, 0, 60), (5, 61, 120)], "!!").await;
    check(&[(5, 0, 600), (5, 10, 610)], "!.").await;
}

#[test]
fn times_that_are_none_of_ours_are_unknown() {
    for seconds in [-1.0, 1e12, f64::NAN, f64::INFINITY] {
        assert_eq!(time(seconds), None, "{seconds}");
    }
    assert_eq!(
        time(1.5).map(text).as_deref(),
        Some("1970-01-01T00:00:01.500Z")
    );
}
