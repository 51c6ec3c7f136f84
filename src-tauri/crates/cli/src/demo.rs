//! `missionctl demo`: the demo fleet over HTTP on loopback, until it is interrupted.

use std::sync::{Arc, Mutex};

use clap::Args;
use engine::demo::{
    script::{AGENTS, Script},
    serve::serve,
};
use tokio::net::TcpListener;

use crate::{Failure, out::Lines};

/// Serve the demo fleet.
#[derive(Args)]
pub(crate) struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long)]
    port: u16,
    /// Begin this many seconds into the story.
    #[arg(long, default_value_t = 0)]
    from: u32,
}

/// Prints one line per agent, then serves.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    crate::runtime()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", options.port))
            .await
            .map_err(|error| {
                Failure::Unusable(format!("port {} cannot be used: {error}", options.port))
            })?;
        let port = listener
            .local_addr()
            .map_err(|error| Failure::Unusable(format!("the port cannot be told: {error}")))?
            .port();
        let started = chrono::Utc::now() - chrono::Duration::seconds(options.from.into());
        let mut out = Lines::new();
        for agent in AGENTS {
            let line = serde_json::json!({
                "agent": agent, "statusUrl": format!("http://127.0.0.1:{port}/{agent}/status"),
            });
            // A reader that has gone away is no reason to stop serving.
            let _ = out.json(&line);
        }
        let _ = out.flush();
        drop(out);
        let script = Arc::new(Mutex::new(Script::new(started)));
        tokio::select! {
            () = serve(listener, script) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(())
    })
}
