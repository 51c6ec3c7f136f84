//! Logins are kept where the person said, given to nobody else, and found nowhere else: with a real keyring daemon on a
//! session bus of its own, without any, and with one that never answers.
//!
//! Each test starts itself again in such a session: which keychain there is, is a matter of the process's surroundings.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used)]

#[path = "../../cli/tests/missionctl/server.rs"]
#[allow(dead_code)]
mod server;

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::{Value, json};
use server::{Asked, Server};

const INSIDE: &str = "MISSION_CONTROL_TEST_INSIDE";
const TOKEN: &str = "canary-9f1c7ab2-token";
const PAIR: &str = "ada:canary-9f1c7ab2-password";

/// Ours, and base64 of what is in the header for the pair.
const TRACES: [&str; 6] = [
    "9f1c7ab2",
    "OWYxYzdhYj",
    "lmMWM3YWIy",
    "5ZjFjN2FiM",
    "3966316337616232",
    "9\0f\x001\0c\x007\0a\0b\x002\0",
];

/// Runs a test of this file again in other surroundings, with a home of its own; its output has no trace of a login.
#[track_caller]
fn again(name: &str, before: &str, variables: &[(&str, &str)]) {
    let home = tempfile::tempdir().expect("a folder");
    let itself = std::env::current_exe().expect("this program");
    let script = format!("{before}\nexec \"$0\" --exact {name} --nocapture");
    let output: Output = Command::new("dbus-run-session")
        .args(["--", "sh", "-ec", &script])
        .arg(itself)
        .env(INSIDE, "yes")
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("GNOME_KEYRING_CONTROL")
        // Nobody is there to be asked.
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .envs(variables.iter().copied())
        .output()
        .expect("a session (package `dbus`)");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "it was not run: {said}");
    for trace in TRACES {
        assert!(!said.contains(trace), "{trace} is in the output");
    }
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

const UNLOCKED: &str =
    "printf opensesame | gnome-keyring-daemon --unlock --components=secrets > /dev/null";

fn agent(_: &Asked) -> Option<server::Reply> {
    let document = json!({
        "schemaVersion": "1.0", "agent": { "id": "worker", "name": "Worker", "status": "online" },
        "tasks": [], "pollAfterSeconds": 1,
    });
    Some(("200 OK", document.to_string().into_bytes()))
}

fn open(dir: &Path) -> Api {
    Api::open(dir, None, Box::new(|_| Ok(()))).expect("it starts")
}

async fn call(api: &Api, name: &str, request: Value) -> Value {
    match api.call(name, request).await {
        Ok(answer) => answer,
        Err(error) => panic!("{name}: {}", error.message),
    }
}

async fn refused(api: &Api, name: &str, request: Value) -> String {
    match api.call(name, request).await {
        Ok(answer) => panic!("{name} was not refused: {answer}"),
        Err(error) => error.message,
    }
}

async fn end(api: Api) {
    tokio::task::spawn_blocking(move || api.end())
        .await
        .expect("it ends");
}

/// Waits until what a closure looks for is there.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "never seen: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The login of the next request there.
async fn next(server: &Server) -> Option<String> {
    let known = server.asked().len();
    until("a request", async || {
        let asked = server.asked();
        asked
            .get(known)
            .map(|asked| asked.header("authorization").map(str::to_owned))
    })
    .await
}

/// Asks the keyring by another program than ours.
fn keyring(object: &str, method: &str, arguments: &[&str]) -> String {
    let output = Command::new("dbus-send")
        .args(["--session", "--print-reply"])
        .args(["--dest=org.freedesktop.secrets", object])
        .arg(format!("org.freedesktop.Secret.{method}"))
        .args(arguments)
        .output()
        .expect("dbus-send");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The entries of ours that it has.
fn found() -> Vec<String> {
    let ours = "dict:string:string:service,Mission Control";
    let said = keyring("/org/freedesktop/secrets", "Service.SearchItems", &[ours]);
    let paths = said.split("object path \"").skip(1);
    paths
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

fn entries() -> usize {
    found().len()
}

/// Ends the daemon, by the number the bus knows it by, and starts another one that is unlocked.
fn replace_daemon() {
    let script = format!(
        "set -e
        ask() {{ dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.$1 string:org.freedesktop.secrets; }}
        pid=$(ask GetConnectionUnixProcessID | awk '{{ print $2 }}')
        test \"$(cat /proc/$pid/comm)\" = gnome-keyring-d
        kill $pid
        while ask GetNameOwner > /dev/null 2>&1; do :; done
        {UNLOCKED}"
    );
    let done = Command::new("sh").args(["-c", &script]).output();
    let done = done.expect("a shell");
    assert!(done.status.success(), "{done:?}");
}

fn search(folder: &Path, found: &mut Vec<String>) {
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, found);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        for trace in TRACES {
            if bytes
                .windows(trace.len())
                .any(|part| part == trace.as_bytes())
            {
                found.push(format!("{trace:?} in {}", path.display()));
            }
        }
    }
}

/// No file of the data folder has a trace, while it is open and after; nor has any view.
async fn check_nowhere(api: &Api, dir: &Path, endpoint: &Value) {
    let mut found = vec![];
    search(dir, &mut found);
    for (name, request) in [
        ("agents", json!({})),
        ("status", json!({})),
        ("inbox", json!({})),
        ("settings", json!({})),
        ("loginPlaces", json!({})),
        ("rawAnswer", json!({ "endpoint": endpoint })),
        ("search", json!({ "text": "canary", "limit": 20 })),
    ] {
        let view = call(api, name, request).await.to_string();
        found.extend(
            TRACES
                .iter()
                .filter(|trace| view.contains(**trace))
                .map(|trace| format!("{trace} in {name}")),
        );
    }
    assert_eq!(found, Vec::<String>::new());
}

async fn kept(api: &Api) -> String {
    let agents = call(api, "agents", json!({})).await;
    let text = agents["endpoints"][0]["credential"].as_str();
    text.unwrap_or_default().to_owned()
}

#[test]
fn a_login_outlives_a_restart_in_the_keychain_and_is_found_nowhere_else() {
    if !is_inside() {
        let name = "a_login_outlives_a_restart_in_the_keychain_and_is_found_nowhere_else";
        return again(name, UNLOCKED, &[]);
    }
    run(async {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, other) = (Server::start(agent), Server::start(agent));
        let bearer = format!("Bearer {TOKEN}");
        let api = open(dir.path());
        let places = call(&api, "loginPlaces", json!({})).await;
        assert_eq!(places["keychain"], true, "{places}");
        let added = call(
            &api,
            "addEndpoint",
            json!({ "name": "Worker", "url": one.status_url(), "kind": "native", "token": TOKEN }),
        )
        .await;
        let id = added["id"].clone();
        assert_eq!(
            kept(&api).await,
            "A token, kept in this computer's keychain"
        );
        assert_eq!(next(&one).await.as_deref(), Some(bearer.as_str()));
        assert_eq!(entries(), 1);
        check_nowhere(&api, dir.path(), &id).await;

        end(api).await;
        let api = open(dir.path());
        assert_eq!(next(&one).await.as_deref(), Some(bearer.as_str()));

        // Paused and renamed, it keeps its login.
        let edit = json!({ "endpoint": id, "name": "Desk", "paused": true });
        call(&api, "editEndpoint", edit).await;
        call(
            &api,
            "editEndpoint",
            json!({ "endpoint": id, "paused": false }),
        )
        .await;
        assert_eq!(next(&one).await.as_deref(), Some(bearer.as_str()));
        // Another path at the same origin too; the look at the new address has it already.
        let moved = format!("{}?again", one.status_url());
        call(
            &api,
            "editEndpoint",
            json!({ "endpoint": id, "url": moved }),
        )
        .await;
        assert!(
            one.asked()
                .iter()
                .all(|asked| asked.header("authorization").is_some())
        );
        assert_eq!(entries(), 1);

        // Replaced, the new one counts from the next request on.
        call(
            &api,
            "editEndpoint",
            json!({ "endpoint": id, "token": "", "basic": PAIR }),
        )
        .await;
        assert!(
            next(&one)
                .await
                .is_some_and(|sent| sent.starts_with("Basic "))
        );
        assert_eq!(entries(), 1);
        check_nowhere(&api, dir.path(), &id).await;

        // At another origin it is not used, and forgotten.
        let away = json!({ "endpoint": id, "url": other.status_url() });
        call(&api, "editEndpoint", away).await;
        assert_eq!(next(&other).await, None);
        assert!(
            other
                .asked()
                .iter()
                .all(|asked| asked.header("authorization").is_none())
        );
        assert_eq!(kept(&api).await, "none");
        assert_eq!(entries(), 0);

        // Taken along by hand, moved to a file, and removed with its endpoint.
        let by_hand = json!({ "endpoint": id, "token": TOKEN });
        call(&api, "editEndpoint", by_hand).await;
        assert_eq!(entries(), 1);
        call(
            &api,
            "editEndpoint",
            json!({ "endpoint": id, "keep": "file" }),
        )
        .await;
        assert_eq!(entries(), 0);
        assert_eq!(next(&other).await.as_deref(), Some(bearer.as_str()));
        call(
            &api,
            "editEndpoint",
            json!({ "endpoint": id, "keep": "keychain" }),
        )
        .await;
        assert_eq!(entries(), 1);
        assert_eq!(next(&other).await.as_deref(), Some(bearer.as_str()));
        check_nowhere(&api, dir.path(), &id).await;
        call(&api, "removeEndpoint", json!({ "endpoint": id })).await;
        assert_eq!(entries(), 0);
        for server in [&one, &other] {
            assert!(
                server
                    .asked()
                    .iter()
                    .all(|asked| !asked.path.contains("9f1c7ab2"))
            );
        }
        end(api).await;
        let mut found = vec![];
        search(dir.path(), &mut found);
        assert_eq!(found, Vec::<String>::new());
    });
}

/// What is said of the only endpoint while it fails.
async fn complaint(api: &Api) -> String {
    until("a failure", async || {
        let agents = call(api, "agents", json!({})).await;
        agents["endpoints"][0]["detail"].as_str().map(str::to_owned)
    })
    .await
}

#[test]
fn a_login_that_cannot_be_had_is_missed_in_words_and_nothing_is_asked_without_it() {
    if !is_inside() {
        let name = "a_login_that_cannot_be_had_is_missed_in_words_and_nothing_is_asked_without_it";
        return again(name, UNLOCKED, &[]);
    }
    run(async {
        let dir = tempfile::tempdir().expect("a folder");
        let server = Server::start(agent);
        let api = open(dir.path());
        let add = json!({ "name": "Worker", "url": server.status_url(), "kind": "native", "token": TOKEN });
        let id = call(&api, "addEndpoint", add).await["id"].clone();
        next(&server).await;
        end(api).await;

        let collection = "array:objpath:/org/freedesktop/secrets/collection/login";
        keyring("/org/freedesktop/secrets", "Service.Lock", &[collection]);
        let known = server.asked().len();
        let api = open(dir.path());
        assert_eq!(
            complaint(&api).await,
            "Its login could not be read. The keychain is locked or refuses access."
        );
        assert_eq!(server.asked().len(), known);
        // A daemon that was started anew and is unlocked is used at the next try, although the old one was in use.
        replace_daemon();
        call(&api, "pollNow", json!({ "endpoint": id })).await;
        assert!(next(&server).await.is_some());
        // Else the next start would still say what was wrong before.
        until("no complaint", async || {
            let agents = call(&api, "agents", json!({})).await;
            agents["endpoints"][0]["detail"].is_null().then_some(())
        })
        .await;
        end(api).await;

        for path in found() {
            keyring(&path, "Item.Delete", &[]);
        }
        let known = server.asked().len();
        let api = open(dir.path());
        assert_eq!(
            complaint(&api).await,
            "Its login is no longer in the keychain. Enter it again."
        );
        assert_eq!(server.asked().len(), known);
        end(api).await;
    });
}

#[test]
fn without_a_keychain_the_person_chooses_and_nothing_is_kept_silently() {
    let name = "without_a_keychain_the_person_chooses_and_nothing_is_kept_silently";
    if !is_inside() {
        return again(
            name,
            "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent",
            &[],
        );
    }
    run(async {
        let dir = tempfile::tempdir().expect("a folder");
        let server = Server::start(agent);
        let api = open(dir.path());
        let begin = Instant::now();
        let places = call(&api, "loginPlaces", json!({})).await;
        assert!(
            begin.elapsed() < Duration::from_secs(4),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(places["keychain"], false);
        assert_eq!(
            places["sentence"],
            "Logins cannot be kept in the keychain. There is no keychain that answers on this computer."
        );
        let offered: Vec<_> = places["places"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|place| place["offered"].as_bool())
            .collect();
        assert_eq!(offered, [Some(false), Some(true), Some(true)]);

        let add = |keep: Value| json!({ "name": "Worker", "url": server.status_url(), "kind": "native", "token": TOKEN, "keep": keep });
        let why = refused(&api, "addEndpoint", add(Value::Null)).await;
        assert!(why.contains("nothing was changed"), "{why}");
        let agents = call(&api, "agents", json!({})).await;
        assert_eq!(agents["endpoints"], json!([]));
        assert!(!dir.path().join("logins").exists());

        let added = call(&api, "addEndpoint", add(json!("session"))).await;
        assert_eq!(
            kept(&api).await,
            "A token, kept until Mission Control is closed"
        );
        assert!(next(&server).await.is_some());
        check_nowhere(&api, dir.path(), &added["id"]).await;
        end(api).await;

        let known = server.asked().len();
        let api = open(dir.path());
        assert_eq!(
            complaint(&api).await,
            "Its login was kept only until Mission Control was closed. Enter it again."
        );
        assert_eq!(
            server.asked().len(),
            known,
            "it was asked without its login"
        );

        // By explicit choice in a file, which is the one place that has it.
        let again = json!({ "endpoint": added["id"], "token": TOKEN, "keep": "file" });
        call(&api, "editEndpoint", again).await;
        assert!(next(&server).await.is_some());
        end(api).await;
        let api = open(dir.path());
        assert!(next(&server).await.is_some());
        let mut found = vec![];
        search(dir.path(), &mut found);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("/logins/"), "{found:?}");
        end(api).await;
    });
}

#[test]
fn a_keychain_that_hangs_is_called_so_in_three_seconds() {
    let name = "a_keychain_that_hangs_is_called_so_in_three_seconds";
    if !is_inside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bus");
        // Connections are taken, and never answered.
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let set = format!(
            "export DBUS_SESSION_BUS_ADDRESS=unix:path={}",
            path.display()
        );
        again(name, &set, &[]);
        return;
    }
    run(async {
        let dir = tempfile::tempdir().expect("a folder");
        let api = open(dir.path());
        let begin = Instant::now();
        let places = call(&api, "loginPlaces", json!({})).await;
        assert!(
            begin.elapsed() < Duration::from_secs(4),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(places["keychain"], false);
        assert_eq!(
            places["sentence"],
            "Logins cannot be kept in the keychain. The keychain does not answer; it may be waiting to be unlocked."
        );
        end(api).await;
    });
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test);
    // A keychain that hangs must not keep it.
    runtime.shutdown_timeout(Duration::from_secs(1));
}
