//! One window for each data folder. The first start holds a lock in the folder and listens on a socket in it; a second one
//! asks the first to come forward, and ends. No port is opened, and nothing but that one wish can be said.

use crate::error::StartError;
use engine::private;
use std::{
    fs::{File, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

const LOCK: &str = "window.lock";
/// How long a second start tries to be heard.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right to show the window of this folder, kept until the process ends.
pub(crate) struct First {
    _lock: File,
    #[cfg(unix)]
    listener: Option<std::os::unix::net::UnixListener>,
}

/// `None`: another start holds the folder, and its window has come forward.
pub(crate) fn claim(folder: &Path) -> Result<Option<First>, StartError> {
    let unusable = |error| StartError::Folder(folder.to_path_buf(), error);
    private::make_folder(folder).map_err(unusable)?;
    let lock = private::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(unusable)?;
    // The first start may not listen yet, or may just be ending: both are over in a moment.
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => {
                return Ok(Some(First {
                    #[cfg(unix)]
                    listener: socket::listen(folder),
                    _lock: lock,
                }));
            }
            Err(TryLockError::WouldBlock) if ask(folder) => return Ok(None),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return Err(StartError::Taken(folder.to_path_buf()));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
}

impl First {
    /// Calls back, on a thread of its own, each time a second start hands over.
    pub(crate) fn on_second_start(self, come_forward: impl Fn() + Send + 'static) {
        thread::spawn(move || {
            // All of it moves here, the lock too: a closure would take only the fields that it names.
            let first = self;
            #[cfg(unix)]
            if let Some(listener) = &first.listener {
                socket::answer(listener, come_forward);
            }
            // Whatever became of the socket, the folder stays ours until the process ends.
            loop {
                thread::park();
                let _ = &first;
            }
        });
    }
}

#[cfg(unix)]
fn ask(folder: &Path) -> bool {
    socket::ask(folder)
}

#[cfg(not(unix))]
fn ask(_: &Path) -> bool {
    false
}

#[cfg(unix)]
mod socket {
    //! One byte each way: come forward, and: done.

    use std::{
        fs,
        io::{Read, Write},
        os::unix::net::{UnixListener, UnixStream},
        path::Path,
        thread,
        time::Duration,
    };

    const SOCKET: &str = "window.sock";
    const COME_FORWARD: &[u8; 1] = b"f";
    const DONE: &[u8; 1] = b"d";

    /// Only the holder of the lock calls this, so a socket that is there is a dead process's. A folder whose path is too
    /// long for a socket still gets its window; a second start then only says that there is one.
    pub(super) fn listen(folder: &Path) -> Option<UnixListener> {
        let path = folder.join(SOCKET);
        let _ = fs::remove_file(&path);
        UnixListener::bind(path)
            .inspect_err(|error| eprintln!("A second start will not find this window: {error}."))
            .ok()
    }

    pub(super) fn answer(listener: &UnixListener, come_forward: impl Fn()) {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else {
                // Out of file handles or the like: not worth spinning for.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            let mut wish = [0];
            let heard = stream
                .set_read_timeout(Some(Duration::from_secs(1)))
                .is_ok()
                && stream.read_exact(&mut wish).is_ok();
            if heard && wish == *COME_FORWARD {
                come_forward();
                let _ = stream.write_all(DONE);
            }
        }
    }

    /// Whether the first start said that it came forward.
    pub(super) fn ask(folder: &Path) -> bool {
        asked(folder).is_some()
    }

    fn asked(folder: &Path) -> Option<()> {
        let mut stream = UnixStream::connect(folder.join(SOCKET)).ok()?;
        stream.set_read_timeout(Some(super::PATIENCE)).ok()?;
        stream.write_all(COME_FORWARD).ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).ok()?;
        (answer == *DONE).then_some(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, sync::mpsc};

    #[test]
    fn a_second_start_brings_the_first_window_forward_and_does_not_open_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = claim(folder.path()).expect("usable").expect("the first");
        let (come, came) = mpsc::channel();
        first.on_second_start(move || come.send(()).expect("the test listens"));
        for _ in 0..3 {
            assert!(claim(folder.path()).expect("usable").is_none());
            came.recv().expect("the first was told");
        }
    }

    #[test]
    fn a_socket_left_by_a_killed_process_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("window.sock"), "").expect("written");
        assert!(
            claim(folder.path())
                .expect("usable")
                .is_some_and(|first| first.listener.is_some())
        );
    }

    #[test]
    fn the_folder_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("new/data");
        let _first = claim(&folder).expect("usable");
        let mode = fs::metadata(&folder).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
