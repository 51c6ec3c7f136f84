//! The system's own packages: what is missing, and the command that brings it. Debian and Ubuntu are exercised by every
//! check; the other rows are the vendors' documented names and have not been run.

use crate::step::{self, Outcome, program, step};
use std::{
    io::IsTerminal,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// What the packages are wanted for: checks also need a virtual screen, the driver of the window's engine, a keyring,
/// a recorder of what a process writes, and a clock that jumps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Need {
    Run,
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum System {
    Debian,
    Fedora,
    Arch,
    Mac,
    Windows,
    Other,
}

/// One row of the table: package names, and how to ask for and install them.
struct Row {
    run: &'static [&'static str],
    test: &'static [&'static str],
    /// Prints or fails for one package: is it installed?
    ask: &'static [&'static str],
    /// Installs the packages that are appended to it.
    install: &'static [&'static str],
    /// Does installing need root?
    root: bool,
}

fn row(system: System) -> Option<Row> {
    Some(match system {
        System::Debian => Row {
            run: &[
                "build-essential",
                "pkg-config",
                "libwebkit2gtk-4.1-dev",
                "libayatana-appindicator3-dev",
                "librsvg2-dev",
            ],
            test: &[
                "git",
                "xvfb",
                "xauth",
                "webkit2gtk-driver",
                "python3-venv",
                "chromium",
                "dbus",
                "gnome-keyring",
                "strace",
                "faketime",
            ],
            ask: &["dpkg-query", "--show", "--showformat=${db:Status-Status}"],
            install: &["apt-get", "install", "--yes", "--no-install-recommends"],
            root: true,
        },
        System::Fedora => Row {
            run: &[
                "gcc",
                "gcc-c++",
                "make",
                "pkgconf-pkg-config",
                "webkit2gtk4.1-devel",
                "libappindicator-gtk3-devel",
                "librsvg2-devel",
            ],
            test: &[
                "git",
                "xorg-x11-server-Xvfb",
                "xorg-x11-xauth",
                "chromium",
                "dbus-daemon",
                "dbus-tools",
                "gnome-keyring",
                "strace",
                "libfaketime",
            ],
            ask: &["rpm", "--query"],
            install: &["dnf", "install", "--assumeyes"],
            root: true,
        },
        System::Arch => Row {
            run: &[
                "base-devel",
                "webkit2gtk-4.1",
                "libappindicator-gtk3",
                "librsvg",
            ],
            test: &[
                "git",
                "xorg-server-xvfb",
                "xorg-xauth",
                "python",
                "chromium",
                "dbus",
                "gnome-keyring",
                "strace",
                "libfaketime",
            ],
            ask: &["pacman", "--query"],
            install: &["pacman", "--sync", "--needed", "--noconfirm"],
            root: true,
        },
        // The compiler comes with Apple's command line tools, WebKit with the system.
        System::Mac => Row {
            run: &[],
            test: &[],
            ask: &[],
            install: &["xcode-select", "--install"],
            root: false,
        },
        System::Windows => Row {
            run: &[
                "Microsoft.VisualStudio.2022.BuildTools",
                "Microsoft.EdgeWebView2Runtime",
            ],
            test: &["Git.Git"],
            ask: &["winget", "list", "--exact", "--id"],
            install: &["winget", "install", "--exact", "--id"],
            root: false,
        },
        System::Other => return None,
    })
}

/// `os` as Rust names it, and the text of `/etc/os-release` on Linux.
fn detect(os: &str, release: &str) -> System {
    match os {
        "macos" => return System::Mac,
        "windows" => return System::Windows,
        "linux" => {}
        _ => return System::Other,
    }
    let value = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or_default()
            .trim_matches('"')
    };
    for name in value("ID").split(' ').chain(value("ID_LIKE").split(' ')) {
        match name {
            "debian" | "ubuntu" => return System::Debian,
            "fedora" | "rhel" => return System::Fedora,
            "arch" => return System::Arch,
            _ => {}
        }
    }
    System::Other
}

/// Brings what is missing where that is possible; otherwise says the exact command.
pub(crate) fn install(need: Need) -> Outcome {
    println!("==> System packages");
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = detect(std::env::consts::OS, &release);
    let Some(row) = row(system) else {
        println!(
            "    This system is not known here. Needed: a C compiler, pkg-config, WebKitGTK 4.1 with its headers."
        );
        return Ok(());
    };
    if system == System::Mac {
        return match step::output(&mut program("xcode-select", &["-p"])) {
            Some(_) => Ok(()),
            None => Err(format!(
                "Apple's command line tools are missing. Run: {}",
                row.install.join(" ")
            )),
        };
    }
    let missing: Vec<&str> = wanted(&row, need)
        .into_iter()
        .filter(|name| !is_installed(&row, name))
        .collect();
    if missing.is_empty() {
        println!("    all there");
        return Ok(());
    }
    println!("    missing: {}", missing.join(" "));
    let by_hand = format!(
        "{}{} {}",
        if row.root { "sudo " } else { "" },
        row.install.join(" "),
        missing.join(" ")
    );
    if system == System::Windows {
        return Err(format!(
            "Please install what is missing, then start again:\n\n    {by_hand}"
        ));
    }
    let Some(prefix) = becoming_root() else {
        return Err(format!(
            "Installing needs root. Please run, then start again:\n\n    {by_hand}"
        ));
    };
    if system == System::Debian {
        patiently("Package lists", &prefix, &["apt-get", "update"])?;
    }
    let arguments: Vec<&str> = row.install.iter().copied().chain(missing).collect();
    patiently("Installing packages", &prefix, &arguments)
        .map_err(|problem| format!("{problem}\nTo install them by hand:\n\n    {by_hand}"))
}

fn wanted(row: &Row, need: Need) -> Vec<&'static str> {
    let test = if need == Need::Test { row.test } else { &[] };
    row.run.iter().chain(test).copied().collect()
}

fn is_installed(row: &Row, name: &str) -> bool {
    let [ask, arguments @ ..] = row.ask else {
        return true;
    };
    step::output(program(ask, arguments).arg(name))
        .is_some_and(|text| says_installed(row.ask, &text))
}

/// dpkg also knows packages that were removed, and answers without failing; the others fail.
fn says_installed(ask: &[&str], text: &str) -> bool {
    ask.first() != Some(&"dpkg-query") || text.trim() == "installed"
}

/// Nothing for root, sudo for others. Without a terminal sudo must not wait for a password.
fn becoming_root() -> Option<Vec<&'static str>> {
    if step::output(&mut program("id", &["-u"])).is_some_and(|id| id.trim() == "0") {
        return Some(Vec::new());
    }
    let quiet = ["sudo", "-n"];
    if step::output(&mut program("sudo", &["-n", "true"])).is_some() {
        return Some(quiet.to_vec());
    }
    let can_ask = std::io::stdin().is_terminal()
        && step::output(&mut program("sudo", &["--version"])).is_some();
    can_ask.then(|| vec!["sudo"])
}

/// Another installer may hold the lock, and a mirror may be out for a moment: tried again for ten minutes.
fn patiently(title: &str, prefix: &[&str], arguments: &[&str]) -> Outcome {
    let words: Vec<&str> = prefix.iter().chain(arguments).copied().collect();
    let Some((first, rest)) = words.split_first() else {
        return Ok(());
    };
    let start = Instant::now();
    for attempt in 1..=20 {
        let mut command = Command::new(first);
        command.args(rest);
        if prefix.is_empty() {
            command.env("DEBIAN_FRONTEND", "noninteractive");
        }
        match step(title, &mut command) {
            Ok(()) => return Ok(()),
            Err(problem) if attempt == 20 || start.elapsed() > Duration::from_secs(600) => {
                return Err(problem);
            }
            Err(problem) => println!("    {problem} Trying again in 15 s."),
        }
        thread::sleep(Duration::from_secs(15));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_known_by_its_release_file() {
        let debian =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        let ubuntu = "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n";
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        let fedora = "NAME=\"Fedora Linux\"\nID=fedora\n";
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        let arch = "ID=arch\n";
        let manjaro = "ID=manjaro\nID_LIKE=arch\n";
        for (os, release, expected) in [
            ("linux", debian, System::Debian),
            ("linux", ubuntu, System::Debian),
            ("linux", mint, System::Debian),
            ("linux", fedora, System::Fedora),
            ("linux", rocky, System::Fedora),
            ("linux", arch, System::Arch),
            ("linux", manjaro, System::Arch),
            ("linux", "ID=nixos\n", System::Other),
            ("linux", "", System::Other),
            ("macos", "", System::Mac),
            ("windows", "", System::Windows),
            ("freebsd", "ID=freebsd\n", System::Other),
        ] {
            assert_eq!(detect(os, release), expected, "{os} {release:?}");
        }
    }

    #[test]
    fn a_check_needs_all_that_a_start_needs_and_more() {
        for system in [System::Debian, System::Fedora, System::Arch] {
            let row = row(system).expect("in the table");
            let (run, test) = (wanted(&row, Need::Run), wanted(&row, Need::Test));
            assert!(run.iter().all(|name| test.contains(name)), "{system:?}");
            assert!(test.len() > run.len(), "{system:?}");
            assert!(
                run.iter().any(|name| name.contains("webkit2gtk")),
                "{system:?}"
            );
        }
    }

    #[test]
    fn a_removed_debian_package_is_not_installed() {
        let ask = row(System::Debian).expect("in the table").ask;
        for (text, expected) in [("installed", true), ("config-files", false), ("", false)] {
            assert_eq!(says_installed(ask, text), expected, "{text:?}");
        }
    }
}
