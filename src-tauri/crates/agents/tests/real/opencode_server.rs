//! A real `opencode serve` for tests, in folders of its own, with a scripted model provider on loopback. The program comes
//! as a package for this platform; nothing is downloaded after it is installed, and nothing outside is asked for.

use std::{
    fs,
    net::TcpListener as Port,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::server::installed;

/// The password its servers ask for; the user is `opencode`.
pub(crate) const PASSWORD: &str = "open sesame";

/// A running server; ended when dropped.
pub(crate) struct OpenCode {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    port: u16,
    folder: tempfile::TempDir,
    http: reqwest::Client,
}

impl OpenCode {
    /// Starts one with two projects, `shop` (where it runs) and `bank`, and waits until it answers.
    pub(crate) async fn start() -> Self {
        let model = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let model_port = model.local_addr().expect("its address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = model.accept().await {
                tokio::spawn(answer(stream));
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        for project in ["shop", "bank"] {
            let project = folder.path().join(project);
            fs::create_dir_all(&project).expect("a project");
            fs::write(project.join("README"), "A project.\n").expect("a file");
            for arguments in [
                &["init", "--quiet"][..],
                &["add", "README"],
                &[
                    "-c",
                    "user.name=A",
                    "-c",
                    "user.email=a@example.org",
                    "commit",
                    "--quiet",
                    "-m",
                    "Begin",
                ],
            ] {
                let done = Command::new("git")
                    .args(arguments)
                    .current_dir(&project)
                    .status();
                assert!(done.expect("git starts").success(), "{arguments:?}");
            }
        }
        let settings = folder.path().join("home/config/opencode");
        fs::create_dir_all(&settings).expect("a folder");
        fs::write(
            settings.join("opencode.json"),
            config(model_port).to_string(),
        )
        .expect("settings");
        let port = Port::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let child = spawn(folder.path(), port);
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            port,
            folder,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        };
        server.ready().await;
        server
    }

    /// What it printed since it was started.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(self.folder.path().join("printed.txt")).expect("a file")
    }

    /// Ends it at once, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ended");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again at the same port and with the same folders.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.folder.path(), self.port);
        self.ready().await;
    }

    async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(90);
        while Instant::now() < until {
            // A request that comes too early is accepted and never answered.
            let asked = self.send(reqwest::Method::GET, "/global/health", None);
            if let Ok(Ok((200, _))) = tokio::time::timeout(Duration::from_secs(2), asked).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server did not answer within a minute and a half");
    }

    /// The folder of a project.
    pub(crate) fn project(&self, name: &str) -> String {
        let path = self
            .folder
            .path()
            .join(name)
            .canonicalize()
            .expect("a folder");
        path.to_str().expect("a name").to_owned()
    }

    /// Whether a project has this file.
    pub(crate) fn has(&self, project: &str, file: &str) -> bool {
        Path::new(&self.project(project)).join(file).exists()
    }

    /// Begins a session with these words; its id.
    pub(crate) async fn begin(&self, project: &str, words: &str) -> String {
        let place = self.place(project);
        let session = self.post(&format!("/session{place}"), json!({})).await;
        let id = session["id"].as_str().expect("an id").to_owned();
        let parts = json!({"parts": [{"type": "text", "text": words}]});
        self.post(&format!("/session/{id}/prompt_async{place}"), parts)
            .await;
        id
    }

    /// Begins one by the newer interface, which the older one does not see into.
    pub(crate) async fn begin_two(&self, words: &str) -> String {
        let session = self.post("/api/session", json!({})).await;
        let id = session["data"]["id"].as_str().expect("an id").to_owned();
        let prompt = json!({"prompt": {"text": words}});
        self.post(&format!("/api/session/{id}/prompt"), prompt)
            .await;
        id
    }

    /// `?directory=…` of a project.
    pub(crate) fn place(&self, project: &str) -> String {
        format!("?directory={}", self.project(project))
    }

    /// What the server has at a path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, value) = self
            .send(reqwest::Method::GET, path, None)
            .await
            .expect("an answer");
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Posts; the answer.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let sent = self.send(reqwest::Method::POST, path, Some(body)).await;
        let (status, value) = sent.expect("an answer");
        assert!((200..300).contains(&status), "{path}: {status} {value}");
        value
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .basic_auth("opencode", Some(PASSWORD));
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        let body = reply.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The request of a session that waits, once it does: a permission or a question of the older interface.
    pub(crate) async fn waits(&self, project: &str, session: &str) -> Value {
        let place = self.place(project);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            for kind in ["permission", "question"] {
                let all = self.get(&format!("/{kind}{place}")).await;
                let mut all = all.as_array().expect("a list").iter();
                if let Some(found) = all.find(|request| request["sessionID"] == session) {
                    return found.clone();
                }
            }
            assert!(Instant::now() < until, "{session} does not ask");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the server says of a session what is wanted; `idle` when it says nothing.
    pub(crate) async fn comes_to(&self, project: &str, session: &str, word: &str) {
        let place = self.place(project);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let all = self.get(&format!("/session/status{place}")).await;
            if all[session]["type"].as_str().unwrap_or("idle") == word {
                return;
            }
            assert!(Instant::now() < until, "{session} is {all}, not {word}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The state of the first tool call of a session.
    pub(crate) async fn call(&self, session: &str) -> Value {
        let messages = self.get(&format!("/session/{session}/message")).await;
        let messages = messages.as_array().expect("messages").clone();
        let parts = messages
            .into_iter()
            .flat_map(|m| m["parts"].as_array().cloned().unwrap_or_default());
        let mut calls = parts.filter(|part| part["type"] == "tool");
        calls.next().expect("a tool call")["state"].clone()
    }
}

impl Drop for OpenCode {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> PathBuf {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    // The baseline runs on every processor of its kind.
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64-baseline",
        _ => "arm64",
    };
    installed("opencode").join(format!(
        "node_modules/opencode-{system}-{machine}/bin/opencode"
    ))
}

fn spawn(folder: &Path, port: u16) -> Child {
    let home = folder.join("home");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new(program());
    command
        .args([
            "serve",
            "--hostname",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .current_dir(folder.join("shop"))
        .env_clear()
        .env("PATH", path)
        .env("HOME", &home)
        .env("OPENCODE_SERVER_PASSWORD", PASSWORD);
    for (name, place) in [
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
    ] {
        command.env(name, home.join(place));
    }
    for name in [
        "OPENCODE_DISABLE_AUTOUPDATE",
        "OPENCODE_DISABLE_MODELS_FETCH",
        "OPENCODE_DISABLE_LSP_DOWNLOAD",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS",
    ] {
        command.env(name, "1");
    }
    command
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("printed.txt")).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts")
}

fn config(model_port: u16) -> Value {
    json!({
        "model": "local/scripted",
        "small_model": "local/scripted",
        "autoupdate": false,
        "share": "disabled",
        "permission": {"bash": "ask", "edit": "ask"},
        "provider": {"local": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Local",
            "options": {"baseURL": format!("http://127.0.0.1:{model_port}/v1"), "apiKey": "none"},
            "models": {"scripted": {
                "name": "Scripted",
                "cost": {"input": 1, "output": 2},
                "limit": {"context": 100_000, "output": 4000},
            }},
        }},
    })
}

/// One answer of the scripted model: what to do stands in the words of the person.
async fn answer(mut stream: TcpStream) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let messages = asked["messages"].as_array().cloned().unwrap_or_default();
    let is_title = asked.get("tools").is_none();
    let after_tool = messages
        .last()
        .is_some_and(|message| message["role"] == "tool");
    let words = messages
        .iter()
        .rfind(|message| message["role"] == "user")
        .map(|message| message["content"].to_string())
        .unwrap_or_default();
    let says = |word: &str| !is_title && words.contains(word);
    if says("sleep") {
        // Never answered; the connection ends with the session or the test.
        let mut rest = [0; 1];
        let _ = stream.read(&mut rest).await;
        return;
    }
    for (word, status, said) in [
        (
            "hit the limit",
            "429 Too Many Requests",
            "Rate limit reached for requests",
        ),
        ("break", "400 Bad Request", "The model cannot do this"),
    ] {
        if says(word) {
            let body = json!({"error": {"message": said, "type": "error"}}).to_string();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            return;
        }
    }
    let tool = (!is_title && !after_tool).then(|| tool(&words)).flatten();
    let base =
        json!({"id": "chat", "object": "chat.completion.chunk", "created": 1, "model": "scripted"});
    let mut events = vec![];
    let mut event = |more: Value| {
        let mut all = base.clone();
        for (name, value) in more.as_object().cloned().unwrap_or_default() {
            all[name] = value;
        }
        events.push(format!("data: {all}\n\n"));
    };
    match tool {
        Some((name, input)) => {
            let id = format!("call_{:x}", words.len() * 31 + messages.len());
            let call = json!({"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}});
            event(
                json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": null, "tool_calls": [call]}, "finish_reason": null}]}),
            );
            event(
                json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}),
            );
        }
        None => {
            event(
                json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "It is done."}, "finish_reason": null}]}),
            );
            event(
                json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55}}),
            );
        }
    }
    events.push("data: [DONE]\n\n".to_owned());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let _ = stream
        .write_all(format!("{head}{}", events.concat()).as_bytes())
        .await;
}

/// "make NAME" runs a command, "write NAME" edits a file, "ask" and "survey" ask the person.
fn tool(words: &str) -> Option<(&'static str, Value)> {
    let after = |word: &str| {
        let rest = words.split_once(word)?.1;
        let name = rest
            .split(|c: char| !c.is_alphanumeric() && c != '.')
            .next()?;
        Some(name.to_owned())
    };
    if let Some(name) = after("make ") {
        return Some((
            "bash",
            json!({"command": format!("touch {name}"), "description": "Make a file"}),
        ));
    }
    if let Some(name) = after("write ") {
        return Some(("write", json!({"filePath": name, "content": "Hello\n"})));
    }
    let colour = json!({"question": "Which colour?", "header": "Colour", "options": [
        {"label": "Red", "description": "Like fire"}, {"label": "Blue", "description": "Like the sea"}]});
    let sizes = json!({"question": "Which sizes?", "header": "Sizes", "multiple": true, "options": [
        {"label": "Small", "description": "S"}, {"label": "Large", "description": "L"}]});
    if words.contains("ask") {
        return Some(("question", json!({"questions": [colour]})));
    }
    words
        .contains("survey")
        .then(|| ("question", json!({"questions": [colour, sizes]})))
}

/// The JSON body of one request.
async fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = vec![];
    let mut piece = [0; 16 * 1024];
    loop {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return serde_json::from_slice(&bytes[end + 4..]).ok();
            }
        }
        let count = stream.read(&mut piece).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}
