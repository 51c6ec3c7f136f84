//! Real agent servers for tests: the official packages in a folder of their own, and a scripted agent on a free port that
//! is ended with the test. Set up once, under the target folder; needs the package index the first time.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The top folder of the repository.
fn root() -> PathBuf {
    let start = std::env::current_dir().expect("a folder");
    let top = start
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file());
    top.expect("the repository").to_owned()
}

/// The command that runs a script with the packages of a list, or the program that a crate is built into.
fn command(list: &str, script: &str) -> Command {
    if of_rust(list).is_file() {
        return Command::new(installed(list).join("debug").join(script));
    }
    let source = root().join("tests/real").join(script);
    if !script.ends_with(".mjs") {
        let mut command = Command::new(installed(list).join("bin/python"));
        command.arg(source);
        return command;
    }
    // Node looks for packages beside the script.
    let beside = installed(list).join(script);
    fs::copy(source, &beside).expect("the script is copied");
    let mut command = Command::new("node");
    command.arg(beside);
    command
}

fn of_rust(list: &str) -> PathBuf {
    root().join("tests/real").join(list).join("Cargo.toml")
}

/// The folder with the packages of `tests/real/{list}.txt` (a virtual environment), or of `{list}/package.json`, or with
/// what the crate `{list}` was built into.
pub(crate) fn installed(list: &str) -> PathBuf {
    static ONE_AT_A_TIME: OnceLock<Mutex<()>> = OnceLock::new();
    let _turn = ONE_AT_A_TIME
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(|broken| broken.into_inner());
    let of_node = root().join("tests/real").join(list).join("package.json");
    let of_python = root().join(format!("tests/real/{list}.txt"));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("real").join(list);
    if of_rust(list).is_file() {
        // It has its own list and its own look at what is new.
        run(Command::new("cargo")
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(of_rust(list))
            .arg("--target-dir")
            .arg(&folder));
        return folder;
    }
    let source = if of_node.exists() {
        &of_node
    } else {
        &of_python
    };
    let wanted = fs::read_to_string(source).expect("the list of packages");
    let mark = folder.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    if of_node.exists() {
        fs::create_dir_all(&folder).expect("the folder is made");
        fs::copy(&of_node, folder.join("package.json")).expect("the list is copied");
        run(Command::new("npm")
            .args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ])
            .current_dir(&folder));
    } else {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&of_python));
    }
    fs::write(mark, wanted).expect("the mark is written");
    folder
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The master key of the LiteLLM proxy.
pub(crate) const LITELLM_KEY: &str = "sk-test-1234";

/// A running scripted agent; ended when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    log: PathBuf,
    arguments: Vec<String>,
    script: (String, String),
    port: u16,
    rpc: reqwest::Client,
}

impl Server {
    /// Starts `tests/real/{script}` with the packages of `list` on a free port, and waits until it answers.
    pub(crate) async fn start(list: &str, script: &str, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let log = std::env::temp_dir().join(format!(
            "mission-control-real-{}-{port}.jsonl",
            std::process::id()
        ));
        let _ = fs::remove_file(&log);
        let arguments: Vec<_> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let script = (list.to_owned(), script.to_owned());
        let child = spawn(&script, port, &log, &arguments);
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            log,
            arguments,
            script,
            port,
            rpc: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        };
        server.ready().await;
        server
    }

    async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(180);
        // Some listen before they know their own routes.
        let is_there = async |path: &str| {
            let answer = self.rpc.get(format!("{}/{path}", self.url)).send().await;
            answer.is_ok_and(|answer| answer.status() != 404 && !answer.status().is_server_error())
        };
        while Instant::now() < until {
            for path in [".well-known/agent-card.json", ".well-known/agent.json", ""] {
                if is_there(path).await {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not answer within three minutes");
    }

    /// Whether it was made with this list of packages.
    pub(crate) fn is(&self, list: &str) -> bool {
        self.script.0 == list
    }

    /// Where it keeps what it has, if it does.
    pub(crate) fn folder(&self) -> PathBuf {
        self.log.with_extension("folder")
    }

    /// Lets a task that digs come to its end.
    pub(crate) fn go(&self) {
        fs::create_dir_all(self.folder()).expect("a folder");
        fs::write(self.folder().join("go"), "").expect("a file");
    }

    /// What it printed since it was started; some print only when they are told to.
    pub(crate) fn printed(&self) -> String {
        let files = [
            self.log.with_extension("said"),
            self.folder().join("server.txt"),
        ];
        let texts = files.map(|file| fs::read(file).unwrap_or_default());
        String::from_utf8_lossy(&texts.concat()).into_owned()
    }

    /// Ends it at once, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ended");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again at the same port, with nothing remembered.
    pub(crate) async fn restart(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        self.child = spawn(&self.script, self.port, &self.log, &self.arguments);
        self.ready().await;
    }

    /// Every JSON body it got, in order.
    pub(crate) fn received(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).expect("a line of the log");
                line["body"].clone()
            })
            .collect()
    }

    /// Messages with this id that arrived, whatever the method was called.
    pub(crate) fn messages(&self, id: &str) -> usize {
        let bodies = self.received();
        bodies
            .iter()
            .filter(|body| {
                let message = body.get("message").unwrap_or(&body["params"]["message"]);
                message["messageId"] == id
            })
            .count()
    }

    /// Says something to a task, as another client would.
    pub(crate) async fn reply(&self, task: &str, id: &str, words: &str) {
        let (method, message) = if self.script.0 == "a2a-03" {
            let parts = json!([{"kind": "text", "text": words}]);
            (
                "message/send",
                json!({"kind": "message", "messageId": id, "taskId": task, "role": "user", "parts": parts}),
            )
        } else {
            (
                "SendMessage",
                json!({"messageId": id, "taskId": task, "role": "ROLE_USER", "parts": [{"text": words}]}),
            )
        };
        self.call(method, json!({"message": message})).await;
    }

    /// Messages to a task that arrived.
    pub(crate) fn replies(&self) -> usize {
        let bodies = self.received();
        let message = |body: &Value| {
            let message = body.get("message").unwrap_or(&body["params"]["message"]);
            message["taskId"].is_string()
        };
        bodies.iter().filter(|body| message(body)).count()
    }

    /// Begins a task of the scripted agent; its id.
    pub(crate) async fn begin(&self, story: &str) -> String {
        if self.script.0 == "a2a-03" {
            return self.begin_old(story).await;
        }
        let message = json!({"messageId": format!("story-{story}"), "role": "ROLE_USER", "parts": [{"text": format!("{story} on the invoices")}]});
        let task = self
            .call(
                "SendMessage",
                json!({"message": message, "configuration": {"returnImmediately": true}}),
            )
            .await["task"]["id"]
            .as_str()
            .expect("a task")
            .to_owned();
        if matches!(story, "work" | "dig") {
            while self.task(&task).await["status"]["state"] != "TASK_STATE_WORKING" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } else {
            self.settled(&task).await;
        }
        task
    }

    /// Waits until the status message has these words.
    pub(crate) async fn says(&self, task: &str, words: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = self.settled(task).await["status"]["message"].to_string();
            if said.contains(words) {
                return;
            }
            assert!(Instant::now() < until, "it still says {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn begin_old(&self, story: &str) -> String {
        let parts = json!([{"kind": "text", "text": format!("{story} on the invoices")}]);
        let message = json!({"kind": "message", "messageId": format!("story-{story}"), "role": "user", "parts": parts});
        let configuration = json!({"blocking": story != "dig"});
        let sent = json!({"message": message, "configuration": configuration});
        let task = self.call("message/send", sent).await;
        task["id"].as_str().expect("a task").to_owned()
    }

    /// The task once it does not move by itself any more.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            let task = self.task(id).await;
            let state = task["status"]["state"].as_str().expect("a state");
            let state = format!(
                "TASK_STATE_{}",
                state.trim_start_matches("TASK_STATE_").to_uppercase()
            );
            if state != "TASK_STATE_SUBMITTED" && state != "TASK_STATE_WORKING" {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the task {id} does not settle");
    }

    /// The task as the server has it.
    pub(crate) async fn task(&self, id: &str) -> Value {
        let method = if self.script.0 == "a2a-03" {
            "tasks/get"
        } else {
            "GetTask"
        };
        self.call(method, json!({"id": id, "historyLength": 20}))
            .await
    }

    /// One request to the model of a LiteLLM proxy.
    pub(crate) async fn complete(&self) -> reqwest::Response {
        let body =
            json!({ "model": "desk", "messages": [{ "role": "user", "content": "Book it." }] });
        self.rpc
            .post(format!("{}/v1/chat/completions", self.url))
            .bearer_auth(LITELLM_KEY)
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("it answers")
    }

    /// What it answers to JSON at a path. The connection is kept: some servers stop what they do for a client that goes.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let method = body["method"].as_str().unwrap_or_default();
        let one = method.starts_with(char::is_uppercase);
        let reply = self
            .rpc
            .post(format!("{}{path}", self.url))
            .bearer_auth(token)
            .header("A2A-Version", if one { "1.0" } else { "0.3" })
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        serde_json::from_slice(&reply.bytes().await.expect("a body")).expect("JSON")
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut token = self.arguments.iter().skip_while(|one| *one != "--token");
        let reply = self
            .rpc
            .post(format!("{}/rpc", self.url))
            .bearer_auth(token.nth(1).map_or("none", String::as_str))
            .header(
                "A2A-Version",
                if self.script.0 == "a2a-03" {
                    "0.3"
                } else {
                    "1.0"
                },
            )
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        let reply: Value =
            serde_json::from_slice(&reply.bytes().await.expect("a body")).expect("JSON");
        assert!(reply.get("result").is_some(), "{method}: {reply}");
        reply["result"].clone()
    }
}

fn spawn(script: &(String, String), port: u16, log: &Path, arguments: &[String]) -> Child {
    command(&script.0, &script.1)
        .args(["--port", &port.to_string(), "--log"])
        .arg(log)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(fs::File::create(log.with_extension("said")).expect("a file"))
        .spawn()
        .expect("the scripted agent starts")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
        let _ = fs::remove_file(self.log.with_extension("said"));
        let _ = fs::remove_dir_all(self.folder());
    }
}
