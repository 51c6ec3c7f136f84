//! Names the form of saved states by the code that gives them meaning: all of this crate's own sources, in order.
//!
//! Nobody has to remember to raise a number, and no state is read by other code than wrote it. What is told apart is
//! text, not meaning: a changed comment costs one start from the log.

#![allow(clippy::disallowed_methods)] // the rules read no files; this reads the rules

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.toml");
    let mut files = vec![PathBuf::from("Cargo.toml")];
    collect(Path::new("src"), &mut files)?;
    files.sort();
    let mut hash = Fnv::new();
    for file in files {
        // A checkout may write paths and ends of lines in another way.
        let name = file.to_string_lossy().replace('\\', "/");
        let text = String::from_utf8_lossy(&fs::read(&file)?).replace("\r\n", "\n");
        hash.part(name.as_bytes());
        hash.part(text.as_bytes());
    }
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo:rustc-env=DOMAIN_FORM={version}-{:032x}", hash.0);
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// FNV-1a with 128 bits (draft-eastlake-fnv): nobody attacks our own sources.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// A part and its length, so that no two lists of parts read alike.
    fn part(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}
