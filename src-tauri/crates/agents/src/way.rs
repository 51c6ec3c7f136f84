//! From an id to an address: each id becomes exactly one piece of a path below the endpoint's own, or there is no
//! address. Nothing an agent names leads anywhere else.

use domain::contract::leads_elsewhere;
use reqwest::Url;

const NO_PATH: &str = "Its address has no path to go on from.";
pub(crate) const ELSEWHERE: &str = "An id that is a way within an address (\".\" or \"..\"), or holds a tab or a line's end, names nothing there.";

/// The pieces of a path after those of an address; `beside`: in the place of its last one. No query, no fragment.
pub(crate) fn below(base: &Url, beside: bool, pieces: &[&str]) -> Result<Url, &'static str> {
    if pieces.iter().any(|piece| leads_elsewhere(piece)) {
        return Err(ELSEWHERE);
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let mut path = url.path_segments_mut().map_err(|()| NO_PATH)?;
    if beside {
        path.pop();
    } else {
        path.pop_if_empty();
    }
    path.extend(pieces);
    drop(path);
    Ok(url)
}

/// An id as one piece of an address, wherever in it that stands. `None`: it would not be one.
pub(crate) fn piece(id: &str, origin: &Url) -> Option<String> {
    // What may be in one piece of a path is told by the library that takes it apart again.
    let mut one = origin.clone();
    one.path_segments_mut().ok()?.clear().push(id);
    let piece = one.path().strip_prefix('/')?;
    let plain = !piece.is_empty() && !leads_elsewhere(id);
    // In a query they would begin something else.
    let piece = piece.replace('&', "%26").replace('=', "%3D");
    plain.then(|| piece.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_piece_of_a_path_or_there_is_no_address() {
        let base = Url::parse("http://127.0.0.1:1/a/status?x=1#y").unwrap();
        let check = |id: &str, expected: Option<&str>| {
            let found = below(&base, true, &["escalations", id, "decision"]);
            assert_eq!(found.ok().as_ref().map(Url::path), expected, "{id}");
        };
        check("q", Some("/a/escalations/q/decision"));
        check(
            "session/question",
            Some("/a/escalations/session%2Fquestion/decision"),
        );
        check("../../x", Some("/a/escalations/..%2F..%2Fx/decision"));
        check("q?x#y", Some("/a/escalations/q%3Fx%23y/decision"));
        check("...", Some("/a/escalations/.../decision"));
        for id in [
            ".", "..", "%2e", "%2E%2e", ".%2e", "%2e.", ".\t.", "q\t1", "q\r\n",
        ] {
            check(id, None);
            assert_eq!(piece(id, &base), None);
        }
        assert_eq!(
            piece("a&b=c+d/e", &base).as_deref(),
            Some("a%26b%3Dc%2Bd%2Fe")
        );
        assert_eq!(piece("", &base), None);
    }
}
