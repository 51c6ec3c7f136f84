//! The address in what a person pastes: an address, an agent's card, or what a server printed when it started, with all
//! that stands around it.
//!
//! It asks nobody and judges nothing: whether the address may be polled is for the client that polls it.

use reqwest::Url;
use serde_json::Value;

/// What is longer is no address and no start of a server; the beginning is looked through.
const MOST: usize = 64 * 1024;
/// Said where there is none.
pub const NONE: &str = "There is no address in this. It should look like http://localhost:8123, or be the line that a server prints at its start.";

/// Scheme, host and port of an address, as text; `None` when it has none.
pub fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.has_host().then(|| url.origin().ascii_serialization())
}

/// The address to ask, or `None` when the text has none. Of several, one of this computer goes first. What listens at every
/// address of this computer (`0.0.0.0`) is asked at its own.
pub fn address(text: &str) -> Option<String> {
    let text = plain(text);
    let text = text.trim();
    if let Some(found) = in_card(text) {
        return Some(found);
    }
    // One word is meant as it stands.
    let is_one = !text.contains(char::is_whitespace);
    if is_one
        && text
            .get(..4)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
        && let Some(url) = read(bare(text))
    {
        return Some(written(&url));
    }
    let mut found = addresses(text);
    // The first of the nearest.
    found.sort_by_key(distance);
    if let Some(url) = found.first() {
        return Some(written(url));
    }
    let words = || text.split_whitespace().map(bare);
    // No request can be made to it, and the one who polls says so.
    if let Some(url) = words().find_map(socket) {
        return Some(written(&url));
    }
    // Typed without its beginning: `localhost:8123/agent`.
    if is_one && let Some(url) = words().next().and_then(named) {
        return Some(written(&url));
    }
    if let Some(url) = words().find_map(host_and_port) {
        return Some(written(&url));
    }
    port(text).map(|port| format!("http://127.0.0.1:{port}"))
}

/// Without colours and other commands to a terminal, also where their first character got lost on the way.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars().take(MOST).peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' | '\u{9b}' => {
                let kind = if c == '\u{9b}' {
                    Some('[')
                } else {
                    rest.next()
                };
                match kind {
                    Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                    // A title or a link, up to its end.
                    Some(']') => loop {
                        match rest.next() {
                            Some('\u{1b}') => {
                                rest.next();
                                break;
                            }
                            None | Some('\u{7}') => break,
                            Some(_) => {}
                        }
                    },
                    _ => {}
                }
            }
            c if c.is_control() && !c.is_whitespace() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// Where a pasted card (JSON) says that its agent is.
fn in_card(text: &str) -> Option<String> {
    let card: Value = serde_json::from_str(text).ok()?;
    let doors = card.get("supportedInterfaces").and_then(Value::as_array);
    let doors = doors
        .into_iter()
        .flatten()
        .filter_map(|door| door.get("url"));
    let mut urls = doors.chain(card.get("url")).chain(card.get("statusUrl"));
    let url = urls.find_map(|url| read(url.as_str()?.trim()))?;
    Some(written(&url))
}

/// Everything that begins like an address and is one.
fn addresses(text: &str) -> Vec<Url> {
    let lower = text.to_ascii_lowercase();
    let mut found = vec![];
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find("http")) {
        let start = from + at;
        from = start + 4;
        let Some(rest) = text.get(start..) else {
            continue;
        };
        let Some(begins) = ["http://", "https://"].into_iter().find(|scheme| {
            lower
                .get(start..)
                .is_some_and(|rest| rest.starts_with(scheme))
        }) else {
            continue;
        };
        let end = end_of(rest, begins.len());
        from = start + end;
        let one = rest.get(..end).unwrap_or_default();
        found.extend(read(bare(one)).or_else(|| read(up_to_port(one, begins.len())?)));
    }
    found
}

/// Where lines were put together, the next one begins right after a port: `http://127.0.0.1:2024- Docs`.
fn up_to_port(text: &str, scheme: usize) -> Option<&str> {
    let host = text.get(scheme..)?;
    let host = host.split(['/', '?', '#']).next()?;
    let port = scheme
        + host
            .find(|c: char| c == ':' && !host.starts_with('['))
            .or_else(|| Some(host.find("]:")? + 1))?
        + 1;
    let digits = text
        .get(port..)?
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    text.get(..port + digits)
}

/// Where an address ends that begins here with a scheme of this length.
fn end_of(text: &str, scheme: usize) -> usize {
    let mut in_host = true;
    for (at, c) in text.char_indices().skip(scheme) {
        let is_end = match c {
            // The host may be one in brackets: `[::1]`. Elsewhere a bracket is what is left of a colour.
            '[' => at > scheme,
            ']' => !in_host,
            '"' | '\'' | '`' | '<' | '>' | '|' | '\\' | '^' | '{' | '}' => true,
            c => c.is_whitespace() || c.is_control() || ('\u{2500}'..='\u{259f}').contains(&c),
        };
        if is_end {
            return at;
        }
        in_host &= !matches!(c, '/' | '?' | '#' | ']');
    }
    text.len()
}

/// Without what a sentence puts around and after it.
fn bare(mut text: &str) -> &str {
    text = text.trim_start_matches(['(', '<', '"', '\'', '`', '\u{201c}']);
    loop {
        let shorter =
            text.trim_end_matches(|c: char| ".,;:!?\"'`>*\u{2026}\u{201d}\u{bb}".contains(c));
        let shorter = match shorter.strip_suffix(')') {
            Some(inside) if !inside.contains('(') => inside,
            _ => shorter,
        };
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// With every address of this computer replaced by its own.
fn read(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    // A quote or the like belongs to the sentence around it.
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._~%:[]".contains(c);
    let host = url.host_str()?;
    if !host.chars().all(is_host) || host.starts_with('.') || host.contains("..") {
        return None;
    }
    let own = match url.host_str()? {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        _ => return Some(url),
    };
    url.set_host(Some(own)).ok()?;
    Some(url)
}

fn socket(word: &str) -> Option<Url> {
    let url = Url::parse(word).ok()?;
    (matches!(url.scheme(), "ws" | "wss") && url.has_host()).then_some(url)
}

fn written(url: &Url) -> String {
    let text = url.as_str();
    // `http://host` and `http://host/` are the same, and the shorter one is what people know.
    match text.strip_suffix('/') {
        Some(short) if url.path() == "/" && url.query().is_none() => short.to_owned(),
        _ => text.to_owned(),
    }
}

/// How far away the host is: this computer, a house, the world.
fn distance(url: &Url) -> u8 {
    let host = url.host_str().unwrap_or_default();
    if domain::link::is_loopback_url(url.as_str()) {
        return 0;
    }
    let octets: Vec<u8> = host
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    match octets.as_slice() {
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [169, 254, ..] => 1,
        _ if host.ends_with(".local") => 1,
        _ => 2,
    }
}

/// A host with or without port and path, as people type it.
fn named(word: &str) -> Option<Url> {
    let before = word.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = before.contains(['.', ':']) || before == "localhost" || word.contains('/');
    let is_other = word.contains("://") || before.contains('@');
    if !is_host || is_other || before.is_empty() {
        return None;
    }
    if let Some(found) = host_and_port(word) {
        return Some(found);
    }
    // `12:30` is no address.
    let host = before.split(':').next()?;
    let is_name = host.contains(|c: char| c.is_alphabetic() || c == '.');
    is_name.then(|| read(&format!("http://{word}"))).flatten()
}

/// `127.0.0.1:8000`, `localhost:8000/agent`, `[::1]:8000`; as some write it, `:::8000`, `*:8000` and `:8000`.
fn host_and_port(word: &str) -> Option<Url> {
    let end = word.find(['/', '?', '#']).unwrap_or(word.len());
    let (authority, rest) = word.split_at_checked(end)?;
    let (host, port) = authority.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    let own = match host {
        "" | "*" | "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        "localhost" | "127.0.0.1" | "[::1]" => host,
        _ => {
            let is_number = host.parse::<std::net::Ipv4Addr>().is_ok();
            return is_number.then(|| read(&format!("http://{word}"))).flatten();
        }
    };
    read(&format!("http://{own}:{port}{rest}"))
}

/// `listening on port 3000`, `Port: 3000`, `started at 3000`.
fn port(text: &str) -> Option<u16> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let number = |word: &str| word.parse::<u16>().ok().filter(|port| *port > 0);
    let after_port = words.windows(2).find_map(|pair| match pair {
        ["port", word] => number(word),
        _ => None,
    });
    after_port.or_else(|| {
        words.windows(3).find_map(|three| match three {
            [
                "listening" | "running" | "started" | "ready" | "serving",
                "on" | "at",
                word,
            ] => number(word),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(address(text).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn an_address_is_taken_as_it_is() {
        for text in [
            "http://127.0.0.1:8000",
            "https://agents.example.org/crew/card.json",
            "http://localhost:4100/agents/status?team=a&b=[1]#task=t-1&task=t-2",
            "http://[::1]:8080/status/",
            "https://user:secret@example.org",
        ] {
            check(text, Some(text));
        }
        check("  http://localhost:8123/ \n", Some("http://localhost:8123"));
        check("HTTP://LOCALHOST:8123", Some("http://localhost:8123"));
        check("localhost:8123", Some("http://localhost:8123"));
        check("localhost", Some("http://localhost"));
        check(
            "example.org/card.json",
            Some("http://example.org/card.json"),
        );
        check("0.0.0.0:8080/status", Some("http://127.0.0.1:8080/status"));
        check("http://0.0.0.0:4000/", Some("http://127.0.0.1:4000"));
        check("http://[::]:4000/a", Some("http://[::1]:4000/a"));
        check("192.168.1.9:8080", Some("http://192.168.1.9:8080"));
    }

    #[test]
    fn the_line_that_a_server_prints_is_enough() {
        for (line, expected) in [
            (
                "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
                "http://127.0.0.1:8000",
            ),
            (
                "\u{1b}[32mINFO\u{1b}[0m:     Uvicorn running on \u{1b}[1mhttp://0.0.0.0:8000\u{1b}[0m (Press CTRL+C to quit)",
                "http://127.0.0.1:8000",
            ),
            (
                "[32mINFO[0m:     Uvicorn running on [1mhttp://127.0.0.1:8000[0m (Press CTRL+C to quit)",
                "http://127.0.0.1:8000",
            ),
            (
                "- 🚀 API: \u{1b}[36mhttp://127.0.0.1:2024\u{1b}[0m",
                "http://127.0.0.1:2024",
            ),
            (
                "opencode server listening on http://127.0.0.1:4096",
                "http://127.0.0.1:4096",
            ),
            (
                "LiteLLM: Proxy initialized with Config, Set models: desk. http://0.0.0.0:4000",
                "http://127.0.0.1:4000",
            ),
            ("Server listening on port 3000", "http://127.0.0.1:3000"),
            ("Server listening on port 3000.", "http://127.0.0.1:3000"),
            ("listening on 3000", "http://127.0.0.1:3000"),
            ("Listening on :8080", "http://127.0.0.1:8080"),
            ("Listening on :::3000", "http://[::1]:3000"),
            ("server started {\"port\": 3000}", "http://127.0.0.1:3000"),
            ("listening on http://[::1]:8080/", "http://[::1]:8080"),
            ("Listening at http://[::]:8080.", "http://[::1]:8080"),
            (
                "[INFO] Listening at: http://127.0.0.1:8000 (4242)",
                "http://127.0.0.1:8000",
            ),
            (
                " * Running on http://127.0.0.1:5000",
                "http://127.0.0.1:5000",
            ),
            (
                "Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...",
                "http://127.0.0.1:8000",
            ),
            (
                "Agent card: <http://localhost:9999/.well-known/agent-card.json>.",
                "http://localhost:9999/.well-known/agent-card.json",
            ),
            (
                "│  Ready at \"http://localhost:3000/api\" │",
                "http://localhost:3000/api",
            ),
            ("url='http://localhost:41241'", "http://localhost:41241"),
            (
                "\u{1b}]8;;http://localhost:41241\u{7}Open\u{1b}]8;;\u{7} at localhost:41241",
                "http://localhost:41241",
            ),
            (
                "2026-11-21 08:00:00 started server on 0.0.0.0:3000, url: http://localhost:3000",
                "http://localhost:3000",
            ),
            (
                "08:00:12 started server process [4242] 127.0.0.1:9999",
                "http://127.0.0.1:9999",
            ),
        ] {
            check(line, Some(expected));
        }
    }

    #[test]
    fn of_several_lines_the_one_about_this_computer_counts() {
        check(
            "Docs: https://docs.example.org/start\n  Local:   http://localhost:5173/\n  Network: http://192.168.1.7:5173/\n",
            Some("http://localhost:5173"),
        );
        check(
            "https://docs.example.org Network: http://192.168.1.7:5173/",
            Some("http://192.168.1.7:5173"),
        );
        check(
            "- 🚀 API: http://127.0.0.1:2024\n- 🎨 Studio UI: https://smith.example.com/studio/?baseUrl=http://127.0.0.1:2024\n- 📚 API Docs: http://127.0.0.1:2024/docs",
            Some("http://127.0.0.1:2024"),
        );
        check(
            "API: http://127.0.0.1:2024- Docs: http://127.0.0.1:2024/docsThis",
            Some("http://127.0.0.1:2024"),
        );
        check(
            "API: http://[::1]:2024Docs: http://[::1]:2024/docsThis",
            Some("http://[::1]:2024"),
        );
        // A field of one line loses the breaks between the lines.
        check(
            "#  http://0.0.0.0:4000 (Press CTRL+C to quit)INFO: 127.0.0.1:51234 - \"GET /\"",
            Some("http://127.0.0.1:4000"),
        );
    }

    #[test]
    fn a_card_says_where_its_agent_is() {
        check(
            r#"{"name": "Clerk", "provider": {"url": "https://example.org"}, "url": "http://localhost:9999/rpc"}"#,
            Some("http://localhost:9999/rpc"),
        );
        check(
            r#"{"documentationUrl": "https://example.org", "supportedInterfaces": [{"url": "http://0.0.0.0:9999/"}]}"#,
            Some("http://127.0.0.1:9999"),
        );
    }

    #[test]
    fn a_socket_is_an_address_that_is_answered_in_words() {
        check("ws://127.0.0.1:18789", Some("ws://127.0.0.1:18789"));
        check(
            "codex app-server listening on ws://127.0.0.1:4500",
            Some("ws://127.0.0.1:4500"),
        );
        check(
            "ws://127.0.0.1:1 and http://127.0.0.1:2",
            Some("http://127.0.0.1:2"),
        );
        let error = crate::http::Client::new("ws://127.0.0.1:4500", None);
        let error = error.err().expect("no client");
        assert!(error.detail.unwrap_or_default().contains("socket"));
    }

    #[test]
    fn what_has_no_address_has_none() {
        for text in [
            "",
            "   ",
            "Starting up",
            "hello",
            "12:30",
            "at 12:30 nothing happened",
            "Error: port is in use",
            "port 0",
            "port 99999",
            "file:///etc/passwd",
            "ftp://example.org",
            "javascript:alert(1)",
            "http://",
            "http:// localhost",
            "https",
            "user@example.org",
            "\u{1b}[",
            "\u{1b}]",
            "{}",
            "[]",
            "{\"url\": 5}",
            "é:é",
            "listening on all ports",
        ] {
            check(text, None);
        }
        check(&"http".repeat(100_000), None);
    }
}
