//! Streams of server-sent events, as a wake-up and nothing else: what an event says is never read into state, because no
//! such stream can be resumed without loss. A silent or broken one costs latency, the polls go on beside it.
//!
//! Of an event only its first bytes are kept, to pass over heartbeats; the rest is counted and let go, so that memory is
//! bounded whatever comes. When to listen again is the engine's.

use std::time::Duration;

use chrono::Utc;
use futures_util::StreamExt;
use reqwest::{
    Method, Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::http::{Client, LARGEST_BODY, MOST_PIECES, retry_after};

/// Without a whole line for so long, a stream is taken for dead. Honest servers send a comment every 10 to 30 seconds.
const SILENCE: Duration = Duration::from_secs(90);
/// An event that is larger is no event.
const LARGEST_EVENT: usize = 1024 * 1024;
/// What is kept of one, to tell news from heartbeats.
const LOOKED_AT: usize = 2048;
/// What is read of an answer that is no stream.
const REFUSAL: usize = 64 * 1024;

/// Something to listen to, with everything that it takes; lives beside the endpoint that named it.
#[derive(Clone)]
pub struct Listening {
    client: Client,
    /// Tried in turn: the next one when one is not allowed.
    verbs: &'static [Method],
    url: Url,
    headers: HeaderMap,
    /// Of the verbs that have one.
    body: String,
    is_news: fn(&str) -> bool,
    silence: Duration,
}

/// What is told while listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It listens from now on. What happened just before was not heard.
    Open,
    /// Something happened.
    News,
}

/// Why listening ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It said no; asking the same again would not help.
    Refused,
    /// It ended, broke, or became unbearable; it may be tried again.
    Broken {
        /// Seconds it asked for.
        after_seconds: Option<u64>,
    },
}

const BROKEN: Ended = Ended::Broken {
    after_seconds: None,
};

impl PartialEq for Listening {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.body) == (&other.url, &other.body)
    }
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listening(…)")
    }
}

impl Listening {
    pub(crate) fn new(
        client: &Client,
        verbs: &'static [Method],
        url: Url,
        mut headers: HeaderMap,
        body: String,
    ) -> Self {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        // What is packed is held back until a block is full.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Self {
            client: client.clone(),
            verbs,
            url,
            headers,
            body,
            is_news: |_| true,
            silence: SILENCE,
        }
    }

    /// Only these events count; it is shown the beginning of what they say.
    pub(crate) fn only(mut self, is_news: fn(&str) -> bool) -> Self {
        self.is_news = is_news;
        self
    }

    /// Waits so long for the next line.
    pub fn patient_for(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Listens until that ends. Dropping it hangs up at once.
    pub async fn listen(&self, heard: &(dyn Fn(Heard) + Send + Sync)) -> Ended {
        let mut until = Instant::now() + self.silence;
        let response = match timeout_at(until, self.begin()).await {
            Ok(Ok(response)) => response,
            Ok(Err(ended)) => return ended,
            Err(_) => return BROKEN,
        };
        heard(Heard::Open);
        let mut reader = Reader::default();
        let (mut all, mut count) = (0, 0);
        let mut pieces = response.bytes_stream();
        while let Ok(Some(Ok(piece))) = timeout_at(until, pieces.next()).await {
            all += piece.len();
            count += 1;
            let mut any = false;
            let whole = reader.take(&piece, |event| any |= (self.is_news)(event));
            // One word for however many there were in it.
            if any {
                heard(Heard::News);
            }
            match whole {
                Ok(0) => {}
                Ok(_) => until = Instant::now() + self.silence,
                Err(TooLarge) => break,
            }
            if all > LARGEST_BODY || count > MOST_PIECES {
                break;
            }
        }
        BROKEN
    }

    async fn begin(&self) -> Result<Response, Ended> {
        let mut ended = BROKEN;
        for verb in self.verbs {
            let headers = self.headers.clone();
            let body = (verb != Method::GET).then(|| self.body.clone());
            let response = self
                .client
                .open(verb.clone(), self.url.clone(), headers, body);
            let response = response.await.map_err(|_| BROKEN)?;
            let status = response.status().as_u16();
            if status == 200 && is_stream(&response) {
                return Ok(response);
            }
            ended = why_not(response).await;
            if !matches!(status, 404 | 405) {
                break;
            }
        }
        Err(ended)
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}

/// What an answer means that is no stream.
async fn why_not(response: Response) -> Ended {
    let wish = response.headers().get(RETRY_AFTER);
    let after_seconds = wish
        .and_then(|wish| wish.to_str().ok())
        .and_then(|wish| retry_after(wish, Utc::now()));
    match response.status().as_u16() {
        408 | 425 | 429 | 500 | 502..=599 => Ended::Broken { after_seconds },
        200 if is_of_the_moment(response).await => BROKEN,
        _ => Ended::Refused,
    }
}

/// A JSON-RPC error that speaks of this task and this moment (it is over, it is gone, something went wrong), not of streams.
async fn is_of_the_moment(response: Response) -> bool {
    let mut body = vec![];
    let mut pieces = response.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        body.extend_from_slice(&piece);
        if body.len() > REFUSAL {
            return false;
        }
    }
    let said: Option<Value> = serde_json::from_slice(&body).ok();
    let code = said.as_ref().and_then(|said| said.pointer("/error/code"));
    matches!(
        code.and_then(Value::as_i64),
        Some(-32001 | -32002 | -32004 | -32603)
    )
}

struct TooLarge;

/// Takes lines apart. A line ends with LF, CR or both; an empty one ends an event.
#[derive(Default)]
struct Reader {
    /// The beginning of the line.
    line: Vec<u8>,
    /// The beginning of what the event says.
    says: Vec<u8>,
    has_data: bool,
    /// Bytes since the last event.
    size: usize,
    was_return: bool,
}

impl Reader {
    /// Calls for every whole event in it; how many lines were ended.
    fn take(&mut self, piece: &[u8], mut event: impl FnMut(&str)) -> Result<usize, TooLarge> {
        let mut lines = 0;
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.was_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
            self.size += text.len() + 1;
            let room = LOOKED_AT.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..room.min(text.len())]);
            if self.size > LARGEST_EVENT {
                return Err(TooLarge);
            }
            if let Some(&break_) = after.first() {
                self.was_return = break_ == b'\r';
                lines += 1;
                self.end_line(&mut event);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        Ok(lines)
    }

    fn end_line(&mut self, event: &mut impl FnMut(&str)) {
        if self.line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                event(&String::from_utf8_lossy(&self.says));
            }
            self.says.clear();
            self.size = 0;
        } else if let Some(data) = self.line.strip_prefix(b"data") {
            let data = data.strip_prefix(b":").or(data.is_empty().then_some(data));
            if let Some(data) = data {
                self.has_data = true;
                let room = LOOKED_AT.saturating_sub(self.says.len());
                self.says.extend_from_slice(&data[..room.min(data.len())]);
            }
        }
        self.line.clear();
    }
}

/// What the events of a stream say that comes in these pieces.
#[cfg(test)]
pub(crate) fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut said = vec![];
    let mut reader = Reader::default();
    for piece in pieces {
        let taken = reader.take(piece, |event| said.push(event.to_owned()));
        assert!(taken.is_ok(), "it is too large");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What events say, whole and byte by byte.
    fn check(stream: &[u8], expected: &[&str]) {
        assert_eq!(events([stream]), expected);
        assert_eq!(events(stream.chunks(1)), expected, "byte by byte");
    }

    #[test]
    fn an_event_is_what_ends_with_an_empty_line_and_says_something() {
        for (stream, expected) in [
            (&b"data: one\n\n"[..], &[" one"][..]),
            (b"data:a\r\n\r\ndata:b\r\rdata:c\n\n", &["a", "b", "c"]),
            (b"data:a\ndata:b\n\n", &["ab"]),
            (b"event: x\nid: 7\ndata\n\n", &[""]),
            (b": ping\n\n: ping\r\n\r\n\n\n\n", &[]),
            (b"event: ping\n\nretry: 1\n\ndatabase: x\n\n", &[]),
            (b"data: not ended", &[]),
            (b"data: \xff\n\n", &[" \u{fffd}"]),
        ] {
            check(stream, expected);
        }
    }

    #[test]
    fn of_an_event_only_the_beginning_is_kept_and_a_huge_one_ends_it() {
        let mut reader = Reader::default();
        let mut said = 0;
        let long = [b"data:".as_slice(), &[b'x'; 500_000], b"\n\n"].concat();
        assert!(reader.take(&long, |event| said = event.len()).is_ok());
        assert!(said <= LOOKED_AT, "{said}");
        let mut pieces = 0;
        while reader.take(&[b'x'; 1000], |_| {}).is_ok() {
            pieces += 1;
        }
        assert!((1000..1100).contains(&pieces), "{pieces}");
        assert!(reader.line.capacity() <= 2 * LOOKED_AT);
    }
}
