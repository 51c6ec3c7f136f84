//! Logins in files: one file each, mode 0600, in a folder of mode 0700. Unencrypted, and labelled so wherever a person
//! chooses it. Knows nothing of what the text means.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

const FOLDER: &str = "logins";

/// The folder with the files.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Within a data folder; made when it is first needed.
    pub(super) fn below(dir: &Path) -> Self {
        Self {
            folder: dir.join(FOLDER),
        }
    }

    /// Names are ours, made of hexadecimal digits and hyphens; another one leads nowhere.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_ours = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_ours {
            Ok(self.folder.join(name))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Writes a new file and waits for the disk.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path(name)?;
        let mut folder = fs::DirBuilder::new();
        let mut file = fs::OpenOptions::new();
        folder.recursive(true);
        file.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
            folder.mode(0o700).create(&self.folder)?;
            // Also when it was there already.
            fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
            file.mode(0o600);
        }
        #[cfg(not(unix))]
        folder.create(&self.folder)?;
        let mut open = file.open(&path)?;
        let done = open
            .write_all(text.as_bytes())
            .and_then(|()| open.sync_all());
        if done.is_err() {
            // Half a login helps nobody.
            let _ = fs::remove_file(&path);
        }
        done
    }

    pub(super) fn read(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(self.path(name)?)
    }

    pub(super) fn remove(&self, name: &str) {
        if let Ok(path) = self.path(name) {
            // Gone already is gone.
            let _ = fs::remove_file(path);
        }
    }
}
