//! `missionctl check`: what is wrong with a status document, item by item, for the author of an agent.

use std::path::Path;

use clap::Args;
use domain::contract::{self, Document, Problem};
use serde_json::json;

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    out::{Lines, plain},
    probe::{sentence, unusable},
};

/// Pages looked at: what is wrong shows long before.
const PAGES: usize = 20;

/// Check a status document.
#[derive(Args)]
pub(crate) struct Options {
    /// A status URL, a file, or "-" for the standard input.
    #[arg(value_name = "URL-or-FILE")]
    place: String,
}

/// Prints one line a problem; problems are a "no".
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let place = &options.place;
    // An address of another kind is no file either; what is wrong with it is said where it is used.
    let bodies = if place.contains("://") {
        crate::runtime()?.block_on(pages(place, everywhere))?
    } else {
        vec![input::bytes(Path::new(place))?]
    };
    let mut out = Lines::new();
    let mut is_good = true;
    for (page, body) in bodies.iter().enumerate() {
        let (problems, unreadable) = match contract::read(body) {
            Ok(document) => (document.problems, None),
            // Not even JSON: there is nothing to check.
            Err(problem) if problem.code == "not-json" => (vec![], Some(problem.message)),
            Err(problem) => (vec![*problem], None),
        };
        if let Some(why) = unreadable {
            out.flush()?;
            return Err(Failure::Unusable(why));
        }
        is_good &= problems.is_empty();
        for problem in &problems {
            let of_page = if page == 0 {
                String::new()
            } else {
                format!(" (Page {}.)", page + 1)
            };
            print(&mut out, problem, &of_page, everywhere.json)?;
        }
    }
    if is_good && !everywhere.json {
        out.text("Nothing is wrong with it.")?;
    }
    out.flush()?;
    if is_good {
        Ok(())
    } else {
        Err(Failure::No(None))
    }
}

fn print(out: &mut Lines, problem: &Problem, of_page: &str, as_json: bool) -> Result<(), Failure> {
    let message = format!("{}{of_page}", problem.message);
    if as_json {
        return out.json(&json!({
            "pointer": problem.pointer, "item": problem.item, "code": problem.code, "message": message,
        }));
    }
    let pointer = if problem.pointer.is_empty() {
        "/"
    } else {
        &problem.pointer
    };
    out.text(&format!(
        "{}  {}  {}",
        plain(pointer),
        problem.code,
        plain(&message)
    ))
}

/// The bodies as they come, without giving up on one that cannot be used.
async fn pages(url: &str, everywhere: &Everywhere) -> Result<Vec<Vec<u8>>, Failure> {
    let credential = everywhere.credential()?;
    let client = agents::http::Client::new(url, credential.as_ref()).map_err(unusable)?;
    let mut bodies = vec![];
    let mut cursors: Vec<String> = vec![];
    while bodies.len() < PAGES {
        let mut page = client.base().clone();
        page.query_pairs_mut().append_pair("limit", "500");
        if let Some(cursor) = cursors.last() {
            page.query_pairs_mut().append_pair("cursor", cursor);
        }
        let reply = client
            .get(page, Default::default())
            .await
            .map_err(unusable)?;
        if reply.status.as_u16() != 200 {
            return Err(Failure::Unusable(sentence(
                &reply.as_error(chrono::Utc::now()),
            )));
        }
        let next = contract::read(&reply.body).ok().and_then(next_cursor);
        bodies.push(reply.body);
        match next {
            Some(next) if !cursors.contains(&next) => cursors.push(next),
            _ => break,
        }
    }
    Ok(bodies)
}

fn next_cursor(document: Document) -> Option<String> {
    let next = document.next_cursor.filter(|cursor| !cursor.is_empty());
    next.filter(|_| document.snapshot)
}
