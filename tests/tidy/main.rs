//! The map of the code, kept true. Each test reads the files as they are and names every offender with the rule it broke.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its subject has failed"
)]

mod arrows;
mod files;
mod map;
mod shell;
mod sources;
mod supply;

/// Fails with all offenders at once, so that they can be mended in one go.
fn check(rule: &str, offenders: impl IntoIterator<Item = String>) {
    let offenders: Vec<String> = offenders.into_iter().collect();
    assert!(
        offenders.is_empty(),
        "{rule}\n  {}\n",
        offenders.join("\n  ")
    );
}
