//! The rules of Mission Control: what an agent may say, what is true after it said it, who owns what, what went
//! wrong between agents, and what a person decided.
//!
//! Pure: no I/O, no clock, no async, no HTTP, no SQL. Time and ids are parameters; the same facts in the same order
//! always give the same changes.

pub mod caps;
mod few;
pub mod ids;
pub mod object;
pub mod snapshot;
pub mod time;

pub mod contract;
pub mod fact;
pub mod ownership;
pub mod settings;

pub mod change;
pub mod decision;
pub mod finding;
pub mod lineage;
pub mod link;
pub mod mend;
pub mod outline;
pub mod remedy;
pub mod text;

pub mod delta;
pub mod fleet;
pub mod forecast;
pub mod replay;
pub mod route;
mod rules;
pub mod schedule;
pub mod schema;
