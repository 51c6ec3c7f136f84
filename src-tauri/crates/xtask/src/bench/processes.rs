//! What /proc says of a process and all that it started. Also part of the desktop walks, which name this file by its path.

use std::fs;

/// /proc counts processor time in hundredths of a second.
pub(crate) const TICKS: f64 = 100.0;

/// A process and all that it started, and they.
pub(crate) fn family(first: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            && let Some(parent) = field(id, 1)
        {
            parents.push((id, parent as u32));
        }
    }
    let mut found = vec![first];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, its)| *its == parent)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    found
}

/// A number of /proc/ID/stat, counted after the name, which may contain anything.
fn field(id: u32, number: usize) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(number)?.parse().ok()
}

/// What it used until now, in [`TICKS`].
pub(crate) fn ticks(id: u32) -> Option<f64> {
    Some((field(id, 11)? + field(id, 12)?) as f64)
}
