//! What tests of several kinds have in common: where the repository and the built programs are. No test is here.

use std::path::PathBuf;

/// The top folder of the repository. A test runs in the folder of its package; the one that it was compiled in may be
/// another checkout's, where they share what is compiled.
pub fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.parent().unwrap_or(&here).to_path_buf()
}
