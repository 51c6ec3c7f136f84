//! One careful HTTP client for every kind of endpoint: total timeouts, a body limit counted after decompression, no
//! redirects, no proxy, no referer. It knows nothing of what the bodies mean.
//!
//! Errors are sentences for people; they never carry a URL, a query or a token.

use std::{sync::OnceLock, time::Duration};

use chrono::{DateTime, Utc};
use domain::fact::{PollError, PollErrorKind};
use futures_util::StreamExt;
use reqwest::{
    Method, StatusCode, Url,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::time::{Instant, timeout_at};

use crate::Credential;

/// Largest body, after decompression (contract, section 8, "Size").
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// Room taken for a large body at once, so that it is never moved while it grows. Pages that are not written to cost nothing.
const LARGE_ROOM: usize = LARGEST_BODY;
/// Chunks of one answer. Each costs as much as hundreds of bytes do, and is no larger than its sender likes.
pub(crate) const MOST_PIECES: usize = 200_000;
/// Larger ones are read one at a time.
const USUAL_BODY: usize = 1024 * 1024;
/// Bytes a second, at least, of a body that is read while others wait for their turn.
const LEAST_RATE: f64 = 64.0 * 1024.0;
/// So much of a pause is no slow body yet.
const HICCUP: Duration = Duration::from_secs(1);
/// More pages than any honest list has; a list that goes on for ever would otherwise never be complete.
pub(crate) const MOST_PAGES: usize = 2000;
/// Said of one that has more.
pub(crate) const ENDLESS: &str =
    "Its list has no end: after 2,000 pages there was still another one.";
/// Said of one that is longer than that.
pub(crate) const TOO_LARGE: &str = "Its answer is larger than 16 MiB and was not read to the end.";
const CRUMBS: &str = "Its answer comes in more than 200,000 pieces and was not read to the end.";
const NO_CLIENT: &str = "The HTTP client could not be set up on this machine.";
const LATE: &str = "It did not answer completely in time.";
const TOO_SLOW: &str = "Its answer is larger than 1 MiB and comes at less than 64 KiB a second, so it was not read to the end.";
const ELSEWHERE: &str = "It names an address at another host, which is not followed.";
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(15);
/// Sending an answer may take a single-worker agent half a minute; hanging up could end its work.
const SEND: Duration = Duration::from_secs(60);

/// A client bound to one origin, with its credential.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    place: Option<KeyPlace>,
}

/// An answer with a status the caller understands.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, within the limit.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header as text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the endpoint asked for, seconds, clamped to 0..3600; unreadable forms are ignored.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<u64> {
        retry_after(self.header(RETRY_AFTER)?, now)
    }

    /// Whether a token would be of no use.
    pub(crate) fn wants_basic(&self) -> bool {
        let asked = self.header(WWW_AUTHENTICATE).unwrap_or_default();
        asked.to_ascii_lowercase().starts_with("basic")
    }

    /// This answer as a failed poll.
    pub fn as_error(&self, now: DateTime<Utc>) -> PollError {
        let detail = match self.status.as_u16() {
            300..=399 => {
                "It sends us to another address, which is not followed. Enter the final address instead."
            }
            401 if self.wants_basic() => {
                "It refuses our credentials; it asks for a user name and a password."
            }
            401 | 403 => "It refuses our credentials.",
            404 => "There is nothing at this address.",
            429 => "It asks us to slow down.",
            500..=599 => "It has an error of its own.",
            _ => "It answers with a status that is not a success.",
        };
        PollError {
            kind: PollErrorKind::Http,
            http_status: Some(self.status.as_u16()),
            retry_after_seconds: self.retry_after(now),
            detail: Some(detail.to_owned()),
        }
    }
}

/// No whole answer to something that has an effect.
#[derive(Debug)]
pub struct Broken {
    /// In words.
    pub error: PollError,
    /// Whether the request may have reached the endpoint. Only "no" is ever certain: nothing was sent.
    pub may_have_arrived: bool,
}

impl Broken {
    /// Nothing left this machine.
    fn unsent(error: PollError) -> Self {
        Self {
            error,
            may_have_arrived: false,
        }
    }
}

/// A failed poll because what came cannot be used.
pub fn invalid(detail: impl Into<String>) -> PollError {
    PollError {
        kind: PollErrorKind::Invalid,
        http_status: None,
        retry_after_seconds: None,
        detail: Some(detail.into()),
    }
}

/// Seconds or an HTTP-date, clamped to 0..3600.
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<u64> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => seconds.ceil(),
        Ok(_) => return None,
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(text).ok()?;
            (date.with_timezone(&Utc) - now).num_seconds().max(0) as f64
        }
    };
    Some(seconds.min(3600.0) as u64)
}

/// Of an address that no request can be made to.
const SOCKET: &str = "This is the address of a socket (WebSocket), as OpenClaw and the Codex app server have. Sockets are not spoken here: an agent is asked over http or https. If it also has an address that begins with http, enter that.";

/// Where a server wants its key, instead of the usual header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeyPlace {
    /// A header of its own.
    Header(HeaderName),
    /// A member of the query.
    Query(String),
    /// A cookie.
    Cookie(String),
}

impl KeyPlace {
    /// Headers that are not a server's to name.
    const OURS: [&str; 10] = [
        "accept",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "transfer-encoding",
        "upgrade",
        "a2a-version",
    ];

    /// `header`, `query` or `cookie`, and the name there; `None` = no key is sent at such a place.
    pub(crate) fn named(place: &str, name: &str) -> Option<Self> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.$[]".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_token) {
            return None;
        }
        match place {
            "header" => {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                (!Self::OURS.contains(&name.as_str())).then_some(Self::Header(name))
            }
            "query" => Some(Self::Query(name.to_owned())),
            "cookie" => Some(Self::Cookie(name.to_owned())),
            _ => None,
        }
    }

    /// As a person reads it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Header(name) => format!("the header {name}"),
            Self::Query(name) => format!("the address, as {name}"),
            Self::Cookie(name) => format!("the cookie {name}"),
        }
    }

    fn put(&self, token: &str, headers: &mut HeaderMap, url: &mut Url) -> Result<(), Broken> {
        let value = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| {
                Broken::unsent(invalid("The token has characters no header takes."))
            })?;
            value.set_sensitive(true);
            Ok(value)
        };
        match self {
            Self::Header(name) => {
                headers.insert(name.clone(), value(token)?);
            }
            Self::Query(name) => {
                url.query_pairs_mut().append_pair(name, token);
            }
            Self::Cookie(_) if token.contains([';', ',', '"', ' ']) => {
                return Err(Broken::unsent(invalid(
                    "The token has characters no cookie takes.",
                )));
            }
            Self::Cookie(name) => {
                let cookie = value(&format!("{name}={token}"))?;
                headers.insert(reqwest::header::COOKIE, cookie);
            }
        }
        Ok(())
    }
}

/// The token of `Bearer …`.
fn token(authorization: &HeaderValue) -> Option<&str> {
    authorization.to_str().ok()?.strip_prefix("Bearer ")
}

impl Client {
    /// A client for one address. `http:` is accepted for this machine only.
    pub fn new(url: &str, credential: Option<&Credential>) -> Result<Self, PollError> {
        let base = Url::parse(url).map_err(|_| invalid("This is not a whole web address."))?;
        match base.scheme() {
            "https" => {}
            "http" if domain::link::is_loopback_url(url) => {}
            "http" => {
                return Err(invalid(
                    "Unencrypted addresses are used on this machine only; use https.",
                ));
            }
            "ws" | "wss" => return Err(invalid(SOCKET)),
            _ => return Err(invalid("Only http and https addresses can be polled.")),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid(
                "The address has a password in it; enter it as the credential instead.",
            ));
        }
        let http = http()?;
        let authorization = credential.map(authorization).transpose()?;
        Ok(Self {
            http,
            base,
            authorization,
            place: None,
        })
    }

    /// Puts the token elsewhere than into the usual header, where the server says so.
    pub(crate) fn put_key(&mut self, place: Option<KeyPlace>) {
        self.place = place;
    }

    /// The same client, with the same credential, for another address at the same origin.
    pub fn at(&self, url: Url) -> Result<Self, PollError> {
        if url.origin() != self.base.origin() {
            return Err(invalid(ELSEWHERE));
        }
        Ok(Self {
            http: self.http.clone(),
            base: url,
            authorization: self.authorization.clone(),
            place: self.place.clone(),
        })
    }

    /// The address it was made for.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Reads. Every status comes back as a [`Reply`]; `Err` = no whole answer.
    pub async fn get(&self, url: Url, headers: HeaderMap) -> Result<Reply, PollError> {
        self.request(Method::GET, url, headers, None, READ)
            .await
            .map_err(|broken| broken.error)
    }

    /// Reads by posting (JSON-RPC, searches).
    pub async fn ask(
        &self,
        url: Url,
        headers: HeaderMap,
        body: String,
    ) -> Result<Reply, PollError> {
        self.request(Method::POST, url, headers, Some(body), READ)
            .await
            .map_err(|broken| broken.error)
    }

    /// Sends something that has an effect.
    pub async fn send(&self, url: Url, headers: HeaderMap, body: String) -> Result<Reply, Broken> {
        self.request(Method::POST, url, headers, Some(body), SEND)
            .await
    }

    /// The beginning of an answer that may never end: it is the caller's to bound it, in size and in time.
    pub(crate) async fn open(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<reqwest::Response, PollError> {
        let request = self.prepared(method, url, headers, body);
        let request = request.map_err(|broken| broken.error)?;
        request.send().await.map_err(in_words)
    }

    async fn request(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Option<String>,
        total: Duration,
    ) -> Result<Reply, Broken> {
        let request = self.prepared(method, url, headers, body)?;
        let arrived = |error| Broken {
            error,
            may_have_arrived: true,
        };
        let until = Instant::now() + total;
        let response = match timeout_at(until, request.send()).await {
            Ok(response) => response.map_err(|error| Broken {
                may_have_arrived: !error.is_connect() && !error.is_builder(),
                error: in_words(error),
            })?,
            // Connecting has a shorter time of its own, so this was sent.
            Err(_) => return Err(arrived(late())),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let events = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let body = whole(response, events, until).await.map_err(arrived)?;
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    fn prepared(
        &self,
        method: Method,
        mut url: Url,
        mut headers: HeaderMap,
        body: Option<String>,
    ) -> Result<reqwest::RequestBuilder, Broken> {
        // The credential belongs to its origin: an address that an answer named is asked without it, or not at all.
        if url.origin() != self.base.origin() {
            return Err(Broken::unsent(invalid(ELSEWHERE)));
        }
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        if let Some(value) = &self.authorization {
            match self.place.as_ref().zip(token(value)) {
                Some((place, token)) => place.put(token, &mut headers, &mut url)?,
                None => {
                    headers.insert(AUTHORIZATION, value.clone());
                }
            }
        }
        let mut request = self.http.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        Ok(request)
    }
}

/// The body, within the limit. Beyond a size that is usual, one is read at a time, whoever sends it: that bounds the
/// memory of all loops together. Whoever is read then must send on: to wait for that turn costs no time of its own, to keep
/// the others waiting does.
///
/// Of a stream of `events`, which may have no end, it is what comes up to the end of the first one.
async fn whole(
    response: reqwest::Response,
    events: bool,
    mut until: Instant,
) -> Result<Vec<u8>, PollError> {
    static ONE_LARGE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);
    let mut turn = None;
    let mut body = vec![];
    let mut count = 0;
    let mut pieces = response.bytes_stream();
    loop {
        let next = match &turn {
            None => until,
            Some((_, began)) => until.min(must_have_more(*began, body.len())),
        };
        let piece = match timeout_at(next, pieces.next()).await {
            Ok(None) => return Ok(body),
            Ok(Some(piece)) => piece.map_err(in_words)?,
            Err(_) if next < until => return Err(invalid(TOO_SLOW)),
            Err(_) => return Err(late()),
        };
        if body.len() + piece.len() > LARGEST_BODY {
            return Err(invalid(TOO_LARGE));
        }
        count += 1;
        if count > MOST_PIECES {
            return Err(invalid(CRUMBS));
        }
        if turn.is_none() && body.len() + piece.len() > USUAL_BODY {
            let waits = Instant::now();
            turn = ONE_LARGE
                .acquire()
                .await
                .ok()
                .map(|turn| (turn, Instant::now()));
            until += waits.elapsed();
            body.reserve_exact(LARGE_ROOM - body.len());
        }
        let new = body.len().saturating_sub(3);
        body.extend_from_slice(&piece);
        let ends = |mark: &[u8]| body[new..].windows(mark.len()).any(|part| part == mark);
        if events && (ends(b"\n\n") || ends(b"\r\n\r\n")) {
            return Ok(body);
        }
    }
}

/// When a large body that has come so far is too slow, if nothing more comes.
fn must_have_more(began: Instant, bytes: usize) -> Instant {
    let large = bytes.saturating_sub(USUAL_BODY);
    began + HICCUP + Duration::from_secs_f64(large as f64 / LEAST_RATE)
}

fn late() -> PollError {
    PollError {
        kind: PollErrorKind::Timeout,
        http_status: None,
        retry_after_seconds: None,
        detail: Some(LATE.to_owned()),
    }
}

/// One for each endpoint: its connections are driven where that endpoint is asked, and by nobody else.
fn http() -> Result<reqwest::Client, PollError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("mission-control/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| invalid(NO_CLIENT))
}

/// The machine's certificates are some megabytes, which all clients share.
fn tls() -> Result<ClientConfig, PollError> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(tls) = TLS.get() {
        return Ok(tls.clone());
    }
    let mut tls = ClientConfig::with_platform_verifier().map_err(|_| invalid(NO_CLIENT))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TLS.get_or_init(|| tls).clone())
}

fn authorization(credential: &Credential) -> Result<HeaderValue, PollError> {
    let text = match credential {
        Credential::Bearer(token) => format!("Bearer {token}"),
        Credential::Basic(pair) => format!("Basic {}", base64(pair.as_bytes())),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| invalid("The credential has characters that cannot be sent."))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 4648 with padding; for one header a crate would be more to read than this.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = u32::from_be_bytes([
            0,
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ]);
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() {
                digit as char
            } else {
                '='
            });
        }
    }
    text
}

/// An error of the client, without its URL.
fn in_words(error: reqwest::Error) -> PollError {
    let error = error.without_url();
    let (kind, detail) = if error.is_connect() {
        (
            PollErrorKind::Connect,
            "It cannot be reached: nothing accepts the connection.",
        )
    } else if error.is_timeout() {
        (PollErrorKind::Timeout, LATE)
    } else if error.is_decode() {
        (
            PollErrorKind::Invalid,
            "Its answer is damaged: it broke off, or its body cannot be decoded.",
        )
    } else if error.is_body() || error.is_request() {
        (
            PollErrorKind::Connect,
            "The connection broke before the answer was complete.",
        )
    } else {
        (PollErrorKind::Connect, "The request failed.")
    };
    PollError {
        kind,
        http_status: None,
        retry_after_seconds: None,
        detail: Some(detail.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_clamped() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z")
            .expect("a time")
            .with_timezone(&Utc);
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("1.5", Some(2)),
            ("0", Some(0)),
            ("999999", Some(3600)),
            ("-3", None),
            ("soon", None),
            ("", None),
            ("NaN", None),
            ("inf", None),
            ("Sat, 21 Nov 2026 08:01:00 GMT", Some(60)),
            ("Sat, 21 Nov 2026 07:00:00 GMT", Some(0)),
        ] {
            assert_eq!(retry_after(text, now), expected, "{text:?}");
        }
    }

    #[test]
    fn basic_credentials_are_encoded_with_padding() {
        for (pair, encoded) in [
            ("a:b", "YTpi"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("u:pw", "dTpwdw=="),
        ] {
            assert_eq!(base64(pair.as_bytes()), encoded, "{pair}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        assert!(Client::new("http://127.0.0.1:1/", None).is_ok());
        assert!(Client::new("http://example.com/", None).is_err());
        assert!(Client::new("http://127.evil.com/", None).is_err());
        assert!(Client::new("file:///etc/passwd", None).is_err());
        assert!(Client::new("http://user:secret@127.0.0.1/", None).is_err());
    }
}
