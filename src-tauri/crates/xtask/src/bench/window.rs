//! The app's window against an empty window of the same versions, taking turns on one virtual screen: how long until the
//! first picture, and what all processes together use then. Linux only, because it reads /proc.

use super::{
    pairs::{Pair, row},
    processes::{TICKS, family, ticks},
};
use crate::{
    display::Display,
    screens,
    step::{Outcome, cargo, step},
    system,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// After one start of each that does not count: it fills the disk cache.
const PAIRS: usize = 11;
/// Until a window that just drew has loaded what comes after.
const SETTLE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);
/// A pair counts as disturbed when others used more than this part of one core meanwhile.
const FOREIGN: f64 = 0.3;

struct Figures {
    /// Milliseconds from the start of the process until its page said that its first frame was drawn.
    picture: f64,
    /// Seconds of processor time of all its processes until then.
    processor: f64,
    /// MB, shared pages divided among those who share them, of all its processes.
    memory: f64,
    /// Cores that other programs used meanwhile.
    foreign: f64,
}

pub(crate) fn measure(root: &Path) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err("The window is measured on Linux only: it needs /proc and Xvfb.".to_owned());
    }
    system::install(system::Need::Test)?;
    screens::install(root)?;
    screens::build(root)?;
    let build = [
        "build",
        "--release",
        "--package",
        "mission-control",
        "--features",
        "bench",
    ];
    step(
        "The app and the empty window: build",
        &mut cargo(root, &build),
    )?;
    let built = built(root);
    let folder = std::env::temp_dir().join(format!("mission-control-bench-{}", std::process::id()));
    let result = take_turns(&built, &folder);
    // Only what this run made is in there.
    let _ = fs::remove_dir_all(&folder);
    let pairs = result?;
    report(&pairs, &built);
    Ok(())
}

fn built(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release")
}

fn take_turns(built: &Path, folder: &Path) -> Result<Vec<(Figures, Figures)>, String> {
    let display = Display::open("1400x900x24")?;
    let ours = || {
        let mut command = Command::new(built.join("mission-control"));
        command.arg("--data").arg(folder.join("ours"));
        run(command, &display)
    };
    let peer = || {
        let mut command = Command::new(built.join("empty-window"));
        command.arg(folder.join("peer"));
        // The app chooses this for itself.
        command.env("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        run(command, &display)
    };
    println!("==> {PAIRS} pairs of starts");
    ours()?;
    peer()?;
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        // Whoever comes second finds the caches as the first left them: both come second equally often.
        let pair = if number % 2 == 0 {
            let ours = ours()?;
            (ours, peer()?)
        } else {
            let peer = peer()?;
            (ours()?, peer)
        };
        println!(
            "    {:>2}: {:.0} ms, {:.0} MB; empty {:.0} ms, {:.0} MB",
            number + 1,
            pair.0.picture,
            pair.0.memory,
            pair.1.picture,
            pair.1.memory
        );
        pairs.push(pair);
    }
    Ok(pairs)
}

fn report(pairs: &[(Figures, Figures)], built: &Path) {
    let quiet: Vec<_> = pairs
        .iter()
        .filter(|(ours, peer)| ours.foreign.max(peer.foreign) <= FOREIGN)
        .collect();
    let enough = quiet.len() >= 5;
    let used: Vec<_> = if enough {
        quiet
    } else {
        pairs.iter().collect()
    };
    println!(
        "\n{:<34} {:>24} {:>24} {:>22}",
        "median (smallest to largest)", "Mission Control", "empty window", "ratio of pairs"
    );
    let figure = |name: &str, digits, figure: fn(&Figures) -> f64| {
        let pairs: Vec<Pair> = used
            .iter()
            .map(|(ours, peer)| Pair {
                ours: figure(ours),
                peer: figure(peer),
            })
            .collect();
        println!("{}", row(name, digits, &pairs));
    };
    figure("until the first picture, ms", 0, |figures| figures.picture);
    figure("processor time until then, s", 2, |figures| {
        figures.processor
    });
    figure("memory of all processes, MB PSS", 0, |figures| {
        figures.memory
    });
    let disturbed = pairs.len()
        - pairs
            .iter()
            .filter(|(a, b)| a.foreign.max(b.foreign) <= FOREIGN)
            .count();
    println!(
        "{} of {} pairs used; {disturbed} were disturbed by other programs{}.",
        used.len(),
        pairs.len(),
        if enough || disturbed == 0 {
            ""
        } else {
            ", too many to leave them out"
        }
    );
    if let Ok(about) = fs::metadata(built.join("mission-control")) {
        println!("The program is {:.1} MB large.", about.len() as f64 / 1e6);
    }
}

/// Starts a window, waits for its first picture, measures, ends it.
fn run(mut command: Command, display: &Display) -> Result<Figures, String> {
    let machine = machine_ticks();
    let start = Instant::now();
    let mut child = command
        .env("DISPLAY", &display.name)
        .env("LANG", "en_US.UTF-8")
        .env("LC_ALL", "")
        .env("GDK_BACKEND", "x11")
        .env("NO_AT_BRIDGE", "1")
        .env("MISSION_CONTROL_REPORT", "1")
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            format!(
                "{} did not start: {error}.",
                command.get_program().to_string_lossy()
            )
        })?;
    let figures = observe(&mut child, start, machine);
    let _ = child.kill();
    let _ = child.wait();
    // The engine of the window ends a moment after its owner.
    thread::sleep(Duration::from_millis(500));
    figures
}

fn observe(child: &mut Child, start: Instant, machine: f64) -> Result<Figures, String> {
    let output = child.stdout.take().ok_or("The program has no output.")?;
    let (say, said) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line == "uiReady" {
                // Nobody waits any more after the first.
                let _ = say.send(Instant::now());
            }
        }
    });
    let drawn = said
        .recv_timeout(PATIENCE)
        .map_err(|_| format!("There was no picture within {} s.", PATIENCE.as_secs()))?;
    let own = |ids: &[u32]| ids.iter().filter_map(|id| ticks(*id)).sum::<f64>() / TICKS;
    let processor = own(&family(child.id()));
    let machine = (machine_ticks() - machine) / TICKS;
    let elapsed = drawn.duration_since(start).as_secs_f64();
    thread::sleep(SETTLE);
    Ok(Figures {
        picture: elapsed * 1000.0,
        processor,
        memory: family(child.id())
            .iter()
            .filter_map(|id| pss(*id))
            .sum::<f64>()
            / 1024.0,
        foreign: (machine - processor).max(0.0) / elapsed,
    })
}

/// Kilobytes.
fn pss(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What all cores did that was not waiting.
fn machine_ticks() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    numbers
        .iter()
        .take(8)
        .enumerate()
        .filter(|(place, _)| ![3, 4].contains(place))
        .map(|(_, ticks)| ticks)
        .sum()
}
