//! Rules of keeping that need no keychain; those that do are `tests/secrets`.

use super::*;

fn token(text: &str) -> Credential {
    Credential::Bearer(text.to_owned())
}

fn text_of(found: &Result<Option<Credential>, PollError>) -> &str {
    match found {
        Ok(Some(Credential::Bearer(text) | Credential::Basic(text))) => text,
        Ok(None) => "nothing",
        Err(error) => error.detail.as_deref().unwrap_or_default(),
    }
}

async fn check(place: Place, url: &str, expected: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let secrets = Secrets::new(dir.path());
    let kept = secrets
        .keep(Some(place), "http://127.0.0.1:7777/status", &token("T-1"))
        .await
        .unwrap_or_else(|error| panic!("{}", error.message));
    let found = secrets.of(&kept.to_string(), url).await;
    assert_eq!(text_of(&found), expected, "{place:?} {url}");
    secrets.forget(&kept.to_string()).await;
    let found = secrets.of(&kept.to_string(), url).await;
    assert!(found.is_err(), "{place:?}: it is still there");
}

#[tokio::test]
async fn a_login_is_handed_out_for_the_origin_it_was_entered_for_and_for_no_other() {
    let refused = "Its login belongs to another address and was not sent. Enter it again.";
    for place in [Place::Session, Place::File] {
        for (url, expected) in [
            ("http://127.0.0.1:7777/status", "T-1"),
            ("http://127.0.0.1:7777/other?x=1", "T-1"),
            ("http://127.0.0.1:7778/status", refused),
            ("https://127.0.0.1:7777/status", refused),
            ("http://localhost:7777/status", refused),
            ("http://127.0.0.1:7777.evil.example/", refused),
            ("no address", refused),
        ] {
            check(place, url, expected).await;
        }
    }
}

#[tokio::test]
async fn a_login_of_the_session_is_gone_with_it_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let url = "http://127.0.0.1:7777/";
    let kept = Secrets::new(dir.path())
        .keep(Some(Place::Session), url, &token("T-1"))
        .await
        .unwrap_or_else(|error| panic!("{}", error.message));
    let found = Secrets::new(dir.path()).of(&kept.to_string(), url).await;
    assert_eq!(
        text_of(&found),
        "Its login was kept only until Mission Control was closed. Enter it again."
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_for_this_account_only_and_outlives_the_process() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let url = "https://example.com/status";
    let pair = Credential::Basic("ada:T-2".to_owned());
    let kept = Secrets::new(dir.path())
        .keep(Some(Place::File), url, &pair)
        .await
        .unwrap_or_else(|error| panic!("{}", error.message));
    let found = Secrets::new(dir.path()).of(&kept.to_string(), url).await;
    assert_eq!(text_of(&found), "ada:T-2");
    let folder = dir.path().join("logins");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in folder.read_dir().expect("a folder") {
        assert_eq!(mode(&file.expect("a file").path()), 0o600);
    }
}

#[test]
fn what_the_store_holds_is_read_back_and_said_in_a_sentence() {
    for (stored, sentence_of_it) in [
        ("none", "none"),
        ("", "none"),
        (
            "keychain:token:01",
            "A token, kept in this computer's keychain",
        ),
        (
            "session:password:01",
            "A user name and password, kept until Mission Control is closed",
        ),
        (
            "file:token:01",
            "A token, kept unencrypted in a file that only your account can read",
        ),
        // Of older versions.
        (
            "A user name and password, kept until Mission Control is closed",
            "A user name and password, kept until Mission Control is closed",
        ),
        (
            "Kept until Mission Control is closed",
            "A token, kept until Mission Control is closed",
        ),
    ] {
        assert_eq!(sentence(stored), sentence_of_it);
    }
}

#[tokio::test]
async fn names_that_are_not_ours_lead_to_no_file() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("secret"), "{}").expect("it can be written");
    for name in ["../secret", "/etc/passwd", "", "a/b"] {
        let found = Secrets::new(dir.path())
            .of(&format!("file:token:{name}"), "http://127.0.0.1/")
            .await;
        assert_eq!(
            text_of(&found),
            "The file with its login is gone. Enter it again.",
            "{name}"
        );
    }
}
