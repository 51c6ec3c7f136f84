//! `missionctl audit`: whether the chain of decisions is whole, and the chain itself for keeping elsewhere.

use clap::{Args, Subcommand};
use serde_json::json;
use store::tables::audit;

use crate::{
    Failure,
    everywhere::Everywhere,
    out::Lines,
    record::{look, unusable},
};

/// Check or print what was decided.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    wish: Wish,
}

#[derive(Subcommand)]
enum Wish {
    /// Say whether every entry is as it was written, and none is missing.
    Verify,
    /// Print every entry, oldest first, as JSON Lines.
    Export,
}

/// Reads beside the running app; changes nothing.
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let mut look = look(everywhere)?;
    let mut out = Lines::new();
    match options.wish {
        Wish::Export => {
            let text = look.read(audit::export).map_err(unusable)?;
            for line in text.lines() {
                out.text(line)?;
            }
            out.flush()
        }
        Wish::Verify => {
            let head = look.audit_head();
            let (verdict, rows) = look
                .read(|reader| {
                    Ok((
                        audit::verify(reader, &head)?,
                        audit::end(reader).map(|end| end.0),
                    ))
                })
                .map_err(unusable)?;
            let first_bad = verdict.first_bad(rows.as_ref().map_or(0, |rows| *rows));
            // Of a damaged file it may not be known how many there are.
            let rows = rows.unwrap_or_else(|_| first_bad.map_or(0, |seq| seq - 1));
            let mut said = json!({ "rows": rows, "intact": first_bad.is_none() });
            if let Some(seq) = first_bad {
                said["firstBad"] = json!(seq);
            }
            if everywhere.json {
                out.json(&said)?;
            } else {
                out.text(&verdict.to_string())?;
            }
            out.flush()?;
            first_bad.map_or(Ok(()), |_| Err(Failure::No(None)))
        }
    }
}
