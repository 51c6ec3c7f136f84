//! Files and folders for this user alone, made so from the first moment on. A folder that was there before keeps its mode:
//! it may be shared on purpose. What lies in it is ours, and is closed to others.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use crate::{Error, Result, open::folder};

/// Makes a folder that is not there, mode 0700, with those above it.
pub fn make_folder(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        fs::create_dir_all(above)?;
    }
    let mut make = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    match make.create(dir) {
        // Somebody else was a moment faster.
        Err(_) if dir.is_dir() => Ok(()),
        made => made,
    }
}

/// How to open files: one that is made has mode 0600.
pub fn options() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// An empty file for what SQLite is to write: its log and its index get the same mode.
pub(crate) fn make_empty(path: &Path) -> io::Result<()> {
    options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map(drop)
}

/// Closes a file of ours to others. One that is not there, or is no file of this user's own, is told.
pub(crate) fn close(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(folder)?,
    };
    if !found.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        is_ours(path, &found)?;
        // Only where it differs: a read-only disk can be looked at.
        if found.mode() & 0o7777 != 0o600 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(folder)?;
        }
    }
    Ok(())
}

/// Refuses what another user owns: they could read it, or exchange it, at any time.
#[cfg(unix)]
pub(crate) fn is_ours(path: &Path, found: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Error::OfAnother(PathBuf::from(path)))
}
