//! Which addresses may be opened from agent text, and which hosts are this machine.
//!
//! Hosts are parsed, never compared by prefix: `127.evil.com` is not loopback. Nothing is opened here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

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

/// Reads an address. `Err` says in a sentence why it is not opened. Allowed are `https:` and, to this machine only,
/// `http:`; without user names, blanks, control characters or backslashes.
pub fn read(text: &str) -> Result<Link, &'static str> {
    if text.len() > 2048 {
        return Err("The address is too long.");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        || crate::text::visible(text).is_flagged()
    {
        return Err("The address has blanks, control characters or look-alike letters in it.");
    }
    let url = Url::parse(text).map_err(|_| "This is not a whole web address.")?;
    if !url.username().is_empty()
        || url.password().is_some()
        || text
            .split(['/', '?', '#'])
            .nth(2)
            .is_some_and(|a| a.contains('@'))
    {
        return Err("The address has a user name in it, which can hide where it leads.");
    }
    let Some(host) = url.host() else {
        return Err("Only web addresses with a host are opened.");
    };
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

/// Whether the host of a URL is this machine, by parsing: `localhost`, 127.0.0.0/8, `[::1]`.
pub fn is_loopback_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
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
    use super::read;

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
