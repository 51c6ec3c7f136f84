//! Which addresses may be opened from agent text, and which hosts are this machine.
//!
//! Hosts are parsed, never compared by prefix: `127.evil.com` is not loopback. Nothing is opened here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use url::{Host, Url};

use crate::text::{self, Place};

/// An address that may be opened after a click that showed its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Normalised, ready to be one argument of a program.
    pub url: String,
    /// The host as it is contacted (punycode for international names).
    pub host: String,
    /// Whether the host is this machine.
    pub loopback: bool,
}

/// What a shell would act on, wherever the opener's own quoting fails.
const SHELL: &[char] = &['$', '`', ';', '|', '<', '>', '"', '\'', '{', '}', '^'];

/// Reads an address. `Err` says in a sentence why it is not opened. Allowed are `https:` and, to this machine only,
/// `http:`, written out with `//`; without user names or what looks like one, blanks, control characters, backslashes,
/// characters of a shell, or a name that is written in another way than it reads.
pub fn read(text: &str) -> Result<Link, &'static str> {
    if text.len() > 2048 {
        return Err("The address is too long.");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        || text::visible_in(Place::Name, text).is_flagged()
    {
        return Err("The address has blanks, control characters or look-alike characters in it.");
    }
    let url = Url::parse(text).map_err(|_| "This is not a whole web address.")?;
    let after_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    let Some(rest) = after_scheme
        .strip_prefix("//")
        .filter(|rest| !rest.starts_with('/'))
    else {
        return Err("This is not a whole web address.");
    };
    if !url.username().is_empty() || url.password().is_some() || names_somebody(rest) {
        return Err(
            "The address has a user name in it, or what looks like one, which can hide where it leads.",
        );
    }
    if rest.contains(SHELL) || !is_escaped(rest) || !is_joined(rest) {
        return Err("The address has characters in it that a shell would act on.");
    }
    let Some(host) = url.host() else {
        return Err("Only web addresses with a host are opened.");
    };
    if !reads_as_written(rest) {
        return Err("The address names its host in a way that does not show how it reads.");
    }
    let loopback = is_loopback(&host);
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err("Unencrypted addresses are opened on this machine only."),
        _ => return Err("Only web addresses are opened."),
    }
    Ok(Link {
        host: host.to_string(),
        loopback,
        url: url.into(),
    })
}

/// Whether an `@` stands where a person could take what is before it for a user, and what is after it for the host: in the
/// authority, right after it, or at the beginning of what follows `?` or `#`. In a path it is a name like any other.
fn names_somebody(rest: &str) -> bool {
    let rest = rest.replace("%40", "@");
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (address, fragment) = after.split_once('#').unwrap_or((after, ""));
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let looks = |part: &str, ends: &[char]| {
        part.split_once('@')
            .is_some_and(|(before, _)| !before.contains(ends))
    };
    authority.contains('@') || looks(query, &['=', '/']) || looks(fragment, &['=', '/'])
}

/// Whether every `%` begins an escape; `%PATH%` is a variable elsewhere.
fn is_escaped(rest: &str) -> bool {
    rest.split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether every `&` joins two parameters.
fn is_joined(rest: &str) -> bool {
    let start = rest.find(['?', '#']).unwrap_or(rest.len());
    !rest[..start].contains('&') && !rest.contains("&&")
}

/// Whether the host is written in the letters it is read in: no punycode, no escapes, and outside ASCII letters only, none
/// of which is another spelling of an ASCII one.
fn reads_as_written(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.to_lowercase();
    let plain = |c: char| c.is_alphabetic() && !is_styled(c);
    !host.contains('%')
        && !host.split('.').any(|label| label.starts_with("xn--"))
        && host.chars().all(|c| c.is_ascii() || is_mark(c) || plain(c))
        && !text::visible_in(Place::Name, &host).is_flagged()
}

fn is_mark(character: char) -> bool {
    matches!(
        character.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
    )
}

/// Blocks of letters that a browser turns into plain ones.
fn is_styled(character: char) -> bool {
    matches!(character, '\u{aa}' | '\u{ba}' | '\u{2b0}'..='\u{2ff}' | '\u{1d2c}'..='\u{1d6a}' | '\u{2070}'..='\u{209f}'
        | '\u{2100}'..='\u{218f}' | '\u{2460}'..='\u{24ff}' | '\u{fb00}'..='\u{fb4f}' | '\u{ff00}'..='\u{ffef}'
        | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f2ff}')
}

/// Whether the host of a URL is this machine, by parsing: `localhost`, 127.0.0.0/8, `[::1]`.
pub fn is_loopback_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
}

/// Whether two web addresses lead to one place: `localhost`, 127.0.0.1 and `[::1]` are one host here, and a slash at the
/// end says nothing.
pub fn same_address(one: &str, other: &str) -> bool {
    let place = |text: &str| {
        let mut url = Url::parse(text.trim()).ok()?;
        let own = match url.host()? {
            Host::Ipv6(ip) => ip == Ipv6Addr::LOCALHOST,
            Host::Ipv4(ip) => ip == Ipv4Addr::LOCALHOST,
            Host::Domain(_) => is_loopback_url(text.trim()),
        };
        if own {
            url.set_host(Some("localhost")).ok()?;
        }
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Some(url)
    };
    let one = place(one);
    one.is_some() && one == place(other)
}

/// Scheme, host and port of a web address, as credentials are bound to it; `None` when it has none.
pub fn origin(text: &str) -> Option<String> {
    let origin = Url::parse(text.trim()).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    let ip = match host {
        Host::Domain(name) => {
            return name
                .as_ref()
                .trim_end_matches('.')
                .eq_ignore_ascii_case("localhost");
        }
        Host::Ipv4(ip) => IpAddr::V4(*ip),
        Host::Ipv6(ip) => IpAddr::V6(*ip),
    };
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::is_loopback(&ip),
        IpAddr::V6(ip) => {
            Ipv6Addr::is_loopback(&ip) || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{read, same_address};

    #[test]
    fn spellings_of_one_address_are_one_place() {
        let at = "http://127.0.0.1:8000/status";
        for (other, same) in [
            ("http://localhost:8000/status/", true),
            ("HTTP://LocalHost.:8000/status#top", true),
            ("http://[::1]:8000/status", true),
            ("http://127.0.0.2:8000/status", false),
            ("http://127.0.0.1:8001/status", false),
            ("https://127.0.0.1:8000/status", false),
            ("http://127.0.0.1:8000/other", false),
            ("http://127.0.0.1:8000/status?of=a", false),
            ("127.0.0.1:8000/status", false),
        ] {
            assert_eq!(same_address(at, other), same, "{other}");
            assert_eq!(same_address(other, at), same, "{other}");
        }
        assert!(same_address("https://a.example:443", "https://A.example/"));
        assert!(!same_address("no address", "no address"));
    }

    #[test]
    fn only_plain_web_addresses_open() {
        for (text, opens) in [
            ("https://example.com/a?b#c", true),
            ("http://127.0.0.1:8080/", true),
            ("http://localhost/x", true),
            ("http://[::1]:3000/", true),
            ("http://example.com/", false),
            ("http://127.evil.com/", false),
            ("http://localhost.evil.com/", false),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
            ("https://user:pass@example.com/", false),
            ("https://example.com@evil.com/", false),
            ("https://ex\u{430}mple.com/", false),
            ("https://a b.com", false),
            ("https:\\\\evil.com", false),
            ("-oProxyCommand=x", false),
            ("mailto:a@b.c", false),
            ("//evil.com", false),
            ("", false),
        ] {
            assert_eq!(read(text).is_ok(), opens, "{text:?}: {:?}", read(text));
        }
    }

    #[test]
    fn this_machine_is_found_by_parsing() {
        for (host, loopback) in [
            ("127.0.0.1", true),
            ("127.255.0.3", true),
            ("localhost", true),
            ("LOCALHOST", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("2130706433", true),
            ("0x7f.1", true),
            ("0.0.0.0", false),
            ("127.evil.com", false),
            ("localhost.evil.com", false),
            ("10.0.0.1", false),
            ("[::2]", false),
        ] {
            assert_eq!(
                super::is_loopback_url(&format!("http://{host}/")),
                loopback,
                "{host}"
            );
        }
    }
}
