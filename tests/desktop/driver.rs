//! A WebDriver client of the few requests that walks need: JSON over one HTTP connection each, to a driver on loopback.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One session: one running app.
pub(crate) struct Driver {
    port: u16,
    session: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Element(String);

impl Driver {
    /// Starts `app` through the driver that listens on `port`.
    pub(crate) fn start(port: u16, app: &str, arguments: &[&str]) -> Result<Self, String> {
        let options = json!({ "binary": app, "args": arguments });
        let capabilities = json!({ "alwaysMatch": { "webkitgtk:browserOptions": options } });
        let answer = request(
            port,
            "POST",
            "/session",
            &json!({ "capabilities": capabilities }),
        )?;
        let session = answer["sessionId"].as_str().ok_or("no session")?.to_owned();
        Ok(Self { port, session })
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        request(
            self.port,
            method,
            &format!("/session/{}{path}", self.session),
            body,
        )
    }

    /// Ends the session, and with it the app.
    pub(crate) fn end(&self) {
        // The app may be gone already; that is what the walk wanted.
        let _ = self.ask("DELETE", "", &Value::Null);
    }

    /// What a function body returns in the page.
    pub(crate) fn run(&self, script: &str) -> Result<Value, String> {
        self.ask(
            "POST",
            "/execute/sync",
            &json!({ "script": script, "args": [] }),
        )
    }

    /// The first element of an XPath, if it is there now.
    pub(crate) fn find(&self, xpath: &str) -> Result<Element, String> {
        let found = self.ask(
            "POST",
            "/element",
            &json!({ "using": "xpath", "value": xpath }),
        )?;
        let id = found[ELEMENT].as_str().ok_or("no element")?;
        Ok(Element(id.to_owned()))
    }

    /// Scrolls to an element, moves the pointer to its middle, presses and lets go. Refused when something lies over it.
    pub(crate) fn click(&self, element: &Element) -> Result<(), String> {
        let path = format!("/element/{}/click", element.0);
        self.ask("POST", &path, &json!({})).map(|_| ())
    }

    /// Presses keys one after the other, as a person types them.
    pub(crate) fn keys(&self, text: &str) -> Result<(), String> {
        let mut actions = Vec::new();
        for key in text.chars() {
            actions.push(json!({ "type": "keyDown", "value": key.to_string() }));
            actions.push(json!({ "type": "keyUp", "value": key.to_string() }));
        }
        self.type_in(actions)
    }

    /// Presses a key while another one is held down.
    pub(crate) fn chord(&self, held: &str, key: &str) -> Result<(), String> {
        self.type_in(vec![
            json!({ "type": "keyDown", "value": held }),
            json!({ "type": "keyDown", "value": key }),
            json!({ "type": "keyUp", "value": key }),
            json!({ "type": "keyUp", "value": held }),
        ])
    }

    /// Moves the pointer to the middle of an element, and no further when that moves away.
    pub(crate) fn point(&self, element: &Element) -> Result<(), String> {
        let there = json!({ ELEMENT: element.0 });
        self.point_with(vec![
            json!({ "type": "pointerMove", "duration": 0, "origin": there, "x": 0, "y": 0 }),
        ])
    }

    /// Presses where the pointer is, whatever lies there now, and lets go after so many milliseconds.
    pub(crate) fn hold_here(&self, milliseconds: u64) -> Result<(), String> {
        self.point_with(vec![
            json!({ "type": "pointerDown", "button": 0 }),
            json!({ "type": "pause", "duration": milliseconds }),
            json!({ "type": "pointerUp", "button": 0 }),
        ])
    }

    fn point_with(&self, actions: Vec<Value>) -> Result<(), String> {
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.ask("POST", "/actions", &json!({ "actions": [mouse] }))
            .map(|_| ())
    }

    fn type_in(&self, actions: Vec<Value>) -> Result<(), String> {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.ask("POST", "/actions", &json!({ "actions": [keyboard] }))
            .map(|_| ())
    }
}

/// The `value` of the answer, or its error as text.
fn request(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer =
        exchange(port, method, path, &text).map_err(|error| format!("{method} {path}: {error}"))?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("an answer without a body")?;
    let value: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?;
    let ok = head.split(' ').nth(1) == Some("200");
    if ok {
        Ok(value["value"].clone())
    } else {
        Err(value["value"]["message"].to_string())
    }
}

fn exchange(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
