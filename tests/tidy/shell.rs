//! The window's configuration, as it is shipped: what a mistake here opens, no other test would notice.

use serde_json::Value;
use std::fs;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'; frame-src 'none'; object-src 'none'";

fn read(path: &str) -> Value {
    let text = fs::read_to_string(mission_tests::root().join(path)).expect("the file");
    serde_json::from_str(&text).expect("valid JSON")
}

#[test]
fn the_window_runs_only_its_own_scripts() {
    let config = read("src-tauri/tauri.conf.json");
    for (pointer, expected) in [
        ("/app/withGlobalTauri", Value::from(false)),
        ("/app/security/csp", Value::from(POLICY)),
        (
            "/app/security/dangerousDisableAssetCspModification",
            Value::from(false),
        ),
        ("/app/security/freezePrototype", Value::from(true)),
        ("/app/security/assetProtocol/enable", Value::from(false)),
        ("/app/security/capabilities", Value::from(vec!["main"])),
    ] {
        assert_eq!(config.pointer(pointer), Some(&expected), "{pointer}");
    }
}

#[test]
fn there_is_one_window_with_one_short_list_of_permissions() {
    let windows = &read("src-tauri/tauri.conf.json")["app"]["windows"];
    assert_eq!(windows.as_array().map(Vec::len), Some(1));
    // The shell opens it, because only there can foreign addresses be refused.
    assert_eq!(windows[0]["create"], false);
    let folder =
        fs::read_dir(mission_tests::root().join("src-tauri/capabilities")).expect("a folder");
    assert_eq!(
        folder.count(),
        1,
        "every file of the folder would be in force"
    );
    let capability = read("src-tauri/capabilities/main.json");
    assert_eq!(
        capability["permissions"],
        Value::from(vec![
            "allow-call",
            "core:event:allow-listen",
            "core:event:allow-unlisten"
        ])
    );
    assert_eq!(capability["windows"], Value::from(vec!["main"]));
    assert_eq!(
        capability.get("remote"),
        None,
        "no page of the network may call"
    );
}
