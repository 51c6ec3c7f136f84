//! `probe` and `observe` where limits are told: a LiteLLM proxy as people run it, and metrics pages by a mapping of one's
//! own.

use serde_json::{Value, json};

use super::{
    Said,
    a2a::server::{LITELLM_KEY as KEY, Server as Real},
    check_unusable, run, run_with,
    server::{Asked, Reply, Server},
};

fn ask(arguments: &[&str], key: &str) -> Said {
    let arguments = [arguments, &["--json", "--token-env", "KEY"]].concat();
    run_with(&arguments, b"", &[("KEY", key)])
}

/// Names of pools and windows with what is left.
fn windows(document: &Value) -> Vec<(String, String, f64)> {
    let quotas = document["quotas"].as_array().expect("quotas").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    quotas
        .flat_map(|quota| {
            let windows = quota["windows"].as_array().expect("windows").iter();
            windows.map(move |window| {
                let left = window["remaining"].as_f64().expect("what is left");
                (text(&quota["pool"]["scope"]), text(&window["name"]), left)
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_litellm_proxy_is_named_its_key_is_needed_and_its_gauges_are_read_by_a_mapping() {
    let mut proxy = Real::start("litellm", "litellm_proxy.py", &[]).await;
    check_unusable(&run(&["probe", &proxy.url]), "credentials");
    check_unusable(&ask(&["observe", &proxy.url], "sk-wrong"), "credentials");
    let found = ask(&["probe", &proxy.url], KEY).one();
    assert_eq!(
        (&found["kind"], &found["product"], &found["capabilities"]),
        (
            &json!("litellm"),
            &json!("LiteLLM proxy"),
            &json!(["quota"])
        )
    );
    // The model may be asked twice a minute, a minute that may just have ended.
    let mut answers = vec![];
    for _ in 0..6 {
        answers.push(proxy.complete().await.status().as_u16());
    }
    assert!(
        answers.contains(&200) && answers.contains(&429),
        "{answers:?}"
    );

    // A gauge that was not seen to move may be of any age, so one look alone believes none.
    let observed = ask(&["observe", &proxy.url], KEY);
    assert_eq!(windows(&observed.one()), []);
    let checked = run_with(&["check", "-", "--json"], observed.out.as_bytes(), &[]);
    assert_eq!((checked.code, checked.out.as_str()), (0, ""));
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("mapping.json");
    let mapping = json!({ "windows": [{ "provider": "gateway", "scope": "{litellm_model_name}", "name": "calls",
        "remaining": "litellm_remaining_requests_metric", "several": "smallest" }] });
    std::fs::write(&file, mapping.to_string()).expect("a file");
    let page = format!("{}/metrics/", proxy.url);
    let file = file.to_str().expect("a name");
    let observed = ask(
        &["observe", &page, "--kind", "prometheus", "--mapping", file],
        KEY,
    )
    .one();
    let seen = windows(&observed);
    assert_eq!(seen.len(), 1, "{observed}");
    assert_eq!((seen[0].0.as_str(), seen[0].1.as_str()), ("desk", "calls"));
    assert!(seen[0].2 < 2.0, "{observed}");

    // It asks nothing, so nothing can be answered.
    let answer = [
        "answer",
        &proxy.url,
        "--escalation",
        "e",
        "--outcome",
        "approve",
    ];
    let said = ask(&answer, KEY);
    assert_eq!((said.code, &said.one()["state"]), (1, &json!("expired")));
    proxy.kill();
    for command in ["probe", "observe"] {
        check_unusable(&ask(&[command, &proxy.url], KEY), "");
    }
    proxy.restart(&[]).await;
    assert_eq!(ask(&["observe", &proxy.url], KEY).code, 0);
}

fn metrics(_: &Asked) -> Option<Reply> {
    let page = "# TYPE left gauge\nleft{team=\"red\"} 5\nleft{team=\"blue\"} 50\n";
    Some(("200 OK", page.as_bytes().to_vec()))
}

#[test]
fn a_metrics_page_is_read_by_the_mapping_of_a_file_or_of_the_standard_input() {
    let server = Server::start(metrics);
    let mapping = json!({ "windows": [{ "provider": "gateway", "scope": "{team}", "name": "calls", "remaining": "left", "limit": "100" }] });
    let mapping = mapping.to_string();
    for more in [&[][..], &["--kind", "prometheus"]] {
        let arguments = [&["observe", &server.url, "--json", "--mapping", "-"], more].concat();
        let said = run_with(&arguments, mapping.as_bytes(), &[]);
        let mut seen = windows(&said.one());
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let calls = |scope: &str, left| (scope.to_owned(), "calls".to_owned(), left);
        assert_eq!(seen, [calls("blue", 50.0), calls("red", 5.0)]);
    }
    let help = run(&["observe", "--help"]).out;
    assert!(
        help.contains("--mapping <FILE>") && help.contains("metrics page"),
        "{help}"
    );
}

#[test]
fn a_mapping_that_cannot_be_used_is_told_before_anything_is_asked() {
    let server = Server::start(metrics);
    let url = server.url.as_str();
    for (mapping, more, part) in [
        ("{", &[][..], "is no mapping"),
        ("[]", &[], "a list stands where"),
        (r#"{"windows": [["p"]]}"#, &[], "a list stands where"),
        (
            r#"{"windows": [{"providr": "p"}]}"#,
            &[],
            "\"providr\" is not known",
        ),
        (r#"{"window": []}"#, &[], "\"window\" is not known"),
        (
            r#"{"windows": [{"name": "n", "remaining": "left *"}]}"#,
            &[],
            "",
        ),
        (
            r#"{"windows": []}"#,
            &["--kind", "a2a"],
            "--kind prometheus",
        ),
    ] {
        let arguments = [&["observe", url, "--mapping", "-"], more].concat();
        check_unusable(&run_with(&arguments, mapping.as_bytes(), &[]), part);
    }
    check_unusable(
        &run(&["observe", url, "--mapping", "/nowhere.json"]),
        "/nowhere.json",
    );
    assert_eq!(server.asked().len(), 0);
}
