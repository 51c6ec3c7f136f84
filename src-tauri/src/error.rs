//! What can go wrong before there is a window to say it in, as sentences for the terminal.

use std::{fmt, io, path::PathBuf};

#[derive(Debug)]
pub(crate) enum StartError {
    Arguments(String),
    Folder(PathBuf, io::Error),
    /// Another process holds the folder and does not answer.
    Taken(PathBuf),
    /// What is remembered cannot be opened; the sentence is the store's.
    Memory(String),
    Window(tauri::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(problem) => write!(f, "{problem}\n\n{}", crate::arguments::USAGE),
            Self::Folder(folder, error) => {
                write!(
                    f,
                    "The data folder {} cannot be used: {error}.",
                    folder.display()
                )
            }
            Self::Taken(folder) => write!(
                f,
                "Mission Control is already open on {}, and its window does not answer.",
                folder.display()
            ),
            Self::Memory(problem) => write!(f, "{problem}"),
            Self::Window(error) => write!(f, "The window could not be opened: {error}."),
        }
    }
}
