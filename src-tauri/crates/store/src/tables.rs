//! One file per table (or small family): the only places with SQL on it.

pub mod accesses;
pub mod agents;
pub mod artifacts;
pub mod attempts;
pub mod audit;
pub mod audited;
pub mod context;
pub mod costs;
pub mod dead_letters;
pub mod decisions;
pub mod endpoints;
pub mod escalations;
pub mod facts;
pub mod findings;
pub mod groups;
pub mod health;
pub mod moments;
pub mod overtaken;
pub mod ownership;
pub mod quota;
pub mod records;
pub mod schemas;
pub mod settings;
pub mod starts;
pub mod tasks;
pub mod texts;
