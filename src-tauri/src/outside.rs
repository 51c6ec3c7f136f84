//! Web addresses leave the app here: as one argument of the system's own opener, with no shell in between. Whether an
//! address may be opened is decided before, in `domain::link`.

use std::{
    io,
    process::{Command, Stdio},
    thread,
};

/// The program that opens an address with what the person chose for it.
const OPENER: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32", "url.dll,FileProtocolHandler"]
} else {
    &["xdg-open"]
};

pub(crate) fn open(url: &str) -> io::Result<()> {
    start(OPENER, url)
}

fn start(opener: &[&str], url: &str) -> io::Result<()> {
    let [program, arguments @ ..] = opener else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for name in crate::environment::own() {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    // Only so that the ended opener does not stay in the list of processes.
    thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn an_address_arrives_as_one_argument_whatever_is_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let heard = folder.path().join("heard");
        let url = "https://example.com/?a=$(touch%20x)&b='c';d|e";
        let script = format!(
            "printf '%s\\n' \"$#\" \"$1\" > '{0}.new'; mv '{0}.new' '{0}'",
            heard.display()
        );
        super::start(&["sh", "-c", &script, "opener"], url).expect("it starts");
        let start = std::time::Instant::now();
        while !heard.exists() && start.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let text = std::fs::read_to_string(heard).expect("the opener ran");
        assert_eq!(text, format!("1\n{url}\n"));
    }

    #[test]
    fn a_computer_without_an_opener_says_so() {
        assert!(super::start(&["/nowhere/opener"], "https://example.com/").is_err());
    }
}
