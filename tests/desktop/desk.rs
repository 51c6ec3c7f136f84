//! A place to walk: a virtual screen, the driver, a data folder of its own, and the app in it. All of it ends with the value.

use crate::driver::{Driver, Element};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes on a busy computer.
const PATIENCE: Duration = Duration::from_secs(90);
/// One walk at a time: each draws without a graphics card.
static FREE: Mutex<()> = Mutex::new(());

/// The app as the same build made it.
pub(crate) const APP: &str = env!("CARGO_BIN_EXE_mission-control");

/// A process of ours, ended with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// Dropped in this order: the app, the driver, the screen, the folder.
pub(crate) struct Desk {
    app: Option<Driver>,
    driver: Running,
    port: u16,
    screen: Running,
    display: String,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep_picture();
        }
        if let Some(app) = &self.app {
            app.end();
        }
    }
}

impl Desk {
    /// An empty screen. `language` is what the person's computer is set to.
    pub(crate) fn new(language: &str) -> Self {
        let turn = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a folder");
        let mut screen = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1400x900x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map(Running)
            .expect("Xvfb starts; `cargo xtask test` installs it");
        let mut number = String::new();
        let output = screen.0.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut number)
            .expect("the number of the screen");
        let display = format!(":{}", number.trim());
        let port = free_port();
        let driver = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .env("DISPLAY", &display)
            .env("LANG", language)
            .env("LC_ALL", "")
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Running)
            .expect("WebKitWebDriver starts; `cargo xtask test` installs it");
        let desk = Self {
            app: None,
            driver,
            port,
            screen,
            display,
            folder,
            _turn: turn,
        };
        until("the driver listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
        });
        desk
    }

    /// Where the app keeps its data.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("with a space")
    }

    /// Opens the app and waits for its first picture.
    pub(crate) fn open(&mut self) {
        let folder = self.folder().display().to_string();
        let app = Driver::start(self.port, APP, &["--data", &folder]).expect("the app starts");
        let app = self.app.insert(app);
        until("the screens are there", || app.find("//*[@id='app']/*"));
    }

    /// The app that was opened.
    pub(crate) fn app(&self) -> &Driver {
        self.app.as_ref().expect("the app is open")
    }

    /// Ends the app as a power cut would: no warning, no last words. The next `open` finds what was on the disk.
    pub(crate) fn kill(&mut self) {
        let id = self.process();
        let killed = Command::new("kill").args(["-9", &id.to_string()]).status();
        assert!(
            killed.is_ok_and(|status| status.success()),
            "the app was killed"
        );
        until("the app is gone", || match child(self.driver.0.id()) {
            Some(_) => Err("still there".to_owned()),
            None => Ok(()),
        });
        // The driver notices by itself that its app is gone; told to end the session, it forgets it.
        if let Some(app) = self.app.take() {
            app.end();
        }
    }

    /// The app's own process; the window's engine is among those that it started.
    pub(crate) fn process(&self) -> u32 {
        child(self.driver.0.id()).expect("the app runs")
    }

    /// A second start by hand, beside the first.
    pub(crate) fn second_start(&self) -> std::process::Output {
        Command::new(APP)
            .arg("--data")
            .arg(self.folder())
            .env("DISPLAY", &self.display)
            .output()
            .expect("it starts and ends")
    }

    /// A picture of the window as it is on the screen, with few colours so that it stays small.
    pub(crate) fn keep(&self, picture: &Path) {
        let shot = Command::new("import")
            .args(["-display", &self.display, "-window", "root"])
            .args([
                "-crop",
                "1280x820+0+0",
                "+repage",
                "+dither",
                "-colors",
                "96",
            ])
            .arg(format!("png8:{}", picture.display()))
            .status()
            .expect("`import` of ImageMagick takes the picture");
        assert!(shot.success(), "{}", picture.display());
    }

    /// What a failed walk saw last, beside the built program.
    fn keep_picture(&self) {
        let name = thread::current()
            .name()
            .unwrap_or("walk")
            .replace("::", "-");
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        let shot = Command::new("import")
            .args(["-display", &self.display, "-window", "root"])
            .arg(&picture)
            .status();
        if shot.is_ok_and(|status| status.success()) {
            eprintln!("The last picture is {}.", picture.display());
        }
        if let Some(app) = &self.app {
            let text = app.run("return document.body.innerText");
            eprintln!("The window said: {text:?}");
        }
        let _ = (&self.driver, &self.screen);
    }
}

impl Driver {
    /// The element of an XPath, as soon as it is there.
    pub(crate) fn wait_for(&self, xpath: &str) -> Element {
        until(xpath, || self.find(xpath))
    }

    /// Clicks the button or link with this text, as soon as it is there.
    pub(crate) fn press(&self, label: &str) {
        let xpath = format!("//*[self::button or self::a][normalize-space()='{label}']");
        until(label, || {
            self.find(&xpath).and_then(|button| self.click(&button))
        });
    }
}

impl Driver {
    /// The same for what begins with this text, such as a place with a count.
    pub(crate) fn press_start(&self, label: &str) {
        let xpath = format!("//a[starts-with(normalize-space(), '{label}')]");
        until(label, || {
            self.find(&xpath).and_then(|link| self.click(&link))
        });
    }
}

/// The process that another one started: the driver has no more than the one.
fn child(parent: u32) -> Option<u32> {
    let children = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(children).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Tries again until it works, or fails with the last reason.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(problem) => assert!(start.elapsed() < PATIENCE, "{what}: {problem}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// A port nobody listens on. Another process could take it before we do; none here does.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
