//! The recorder: what a process did to the files of one folder, and what it printed meanwhile, in order and with every
//! byte, as `strace` saw it at the border to the kernel.

use std::{collections::BTreeMap, path::Path, process::Command};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A file was opened so that it is there afterwards.
    Created { path: String, emptied: bool },
    /// Bytes from a place on.
    Wrote {
        path: String,
        from: usize,
        bytes: Vec<u8>,
    },
    /// The length was set.
    Cut { path: String, length: usize },
    /// Everything of this file, or of this folder's names, is on the disk.
    Synced { path: String },
    /// Another name.
    Renamed { from: String, to: String },
    /// The name is gone.
    Removed { path: String },
    /// A line on the standard output: what the process promises to whoever reads it.
    Said(String),
}

const CALLS: &str = "trace=?open,?openat,?write,?pwrite64,?writev,?pwritev,?lseek,?ftruncate,?fallocate,?fsync,?fdatasync,\
    ?rename,?renameat,?renameat2,?unlink,?unlinkat,?link,?linkat,?copy_file_range,?sendfile";

/// Runs the command to its end under `strace`, which writes into `log`.
pub(crate) fn record(command: &Command, log: &Path) {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-y", "-xx", "-s", "1048576", "-e", CALLS, "-o"])
        .arg(log)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    let run = traced.output();
    let run = run.expect("strace starts (`cargo xtask test` installs it)");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Reads what `strace` wrote. Only files below `folder` count, and are named without it; the shared memory beside a
/// database is not on the disk and is left out.
pub(crate) fn read(log: &str, folder: &str) -> Vec<Event> {
    let mut reader = Reader {
        folder,
        places: BTreeMap::new(),
        events: vec![],
    };
    let mut begun = BTreeMap::new();
    for line in log.lines() {
        let (process, rest) = line.split_once(' ').expect("a process");
        let rest = rest.trim_start();
        if let Some(call) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(process, call);
        } else if let Some((_, end)) = rest
            .strip_prefix("<... ")
            .and_then(|rest| rest.split_once(" resumed>"))
        {
            let call = begun.remove(process).expect("it was begun");
            reader.call(&format!("{call}{end}"));
        } else if !rest.starts_with("---") && !rest.starts_with("+++") {
            reader.call(rest);
        }
    }
    reader.events
}

struct Reader<'a> {
    folder: &'a str,
    /// Where the next `write` of an open file goes.
    places: BTreeMap<String, usize>,
    events: Vec<Event>,
}

impl Reader<'_> {
    fn call(&mut self, line: &str) {
        let (name, rest) = line.split_once('(').expect("a call");
        let (arguments, result) = rest
            .rsplit_once(") = ")
            .or_else(|| {
                // The result of a long call is set off.
                let (arguments, result) = rest.rsplit_once(" = ")?;
                Some((arguments.trim_end().strip_suffix(')')?, result))
            })
            .unwrap_or_else(|| panic!("no result: {}", &line[..line.len().min(200)]));
        let count: Result<usize, _> = result.split(['<', ' ']).next().expect("a number").parse();
        // What failed did nothing.
        let Ok(count) = count else { return };
        let arguments: Vec<_> = arguments.split(", ").collect();
        let number = |index: usize| arguments[index].parse::<usize>().expect("a number");
        match name {
            "open" | "openat" => {
                let flags = arguments.iter().find(|word| word.starts_with("O_"));
                let flags = flags.expect("flags");
                self.places.insert(count.to_string(), 0);
                if let Some(path) = self.ours(between(result, '<', '>'))
                    && flags.contains("O_CREAT")
                {
                    let emptied = flags.contains("O_TRUNC");
                    self.events.push(Event::Created { path, emptied });
                }
            }
            "write" => {
                let bytes = text(arguments[1]);
                if arguments[0].starts_with("1<") {
                    let said = String::from_utf8(bytes).expect("UTF-8");
                    self.events.push(Event::Said(said));
                } else if let Some(path) = self.ours(between(arguments[0], '<', '>')) {
                    let place = self.place(arguments[0]);
                    let from = *place;
                    *place += count;
                    self.wrote(path, from, bytes, count);
                }
            }
            "pwrite64" => {
                if let Some(path) = self.ours(between(arguments[0], '<', '>')) {
                    self.wrote(path, number(3), text(arguments[1]), count);
                }
            }
            "lseek" => *self.place(arguments[0]) = count,
            "ftruncate" => {
                if let Some(path) = self.ours(between(arguments[0], '<', '>')) {
                    let length = number(1);
                    self.events.push(Event::Cut { path, length });
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(path) = self.ours(between(arguments[0], '<', '>')) {
                    self.events.push(Event::Synced { path });
                }
            }
            "rename" | "renameat" | "renameat2" => {
                let mut names = arguments.iter().filter(|word| word.starts_with('"'));
                let mut name = || {
                    let name = text(names.next().expect("a name"));
                    String::from_utf8(name).expect("UTF-8")
                };
                if let (Some(from), Some(to)) = (self.ours(Some(name())), self.ours(Some(name()))) {
                    self.events.push(Event::Renamed { from, to });
                }
            }
            "unlink" | "unlinkat" => {
                let name = arguments.iter().find(|word| word.starts_with('"'));
                let name = String::from_utf8(text(name.expect("a name"))).expect("UTF-8");
                if let Some(path) = self.ours(Some(name)) {
                    self.events.push(Event::Removed { path });
                }
            }
            // A write that is not replayed would make every state wrong.
            _ => {
                let touched = arguments.iter().any(|word| {
                    let path = between(word, '<', '>');
                    self.ours(path).is_some()
                });
                assert!(!touched, "{name} is not known here");
            }
        }
    }

    fn place(&mut self, file: &str) -> &mut usize {
        let number = file.split('<').next().unwrap_or_default();
        self.places.entry(number.to_owned()).or_default()
    }

    fn wrote(&mut self, path: String, from: usize, mut bytes: Vec<u8>, count: usize) {
        bytes.truncate(count);
        assert_eq!(bytes.len(), count, "every byte is recorded");
        self.events.push(Event::Wrote { path, from, bytes });
    }

    /// The name below the folder; the folder itself is empty.
    fn ours(&self, path: Option<String>) -> Option<String> {
        let below = path?.strip_prefix(self.folder)?.to_owned();
        let name = match below.strip_prefix('/') {
            Some(name) => name.to_owned(),
            None => return below.is_empty().then_some(below),
        };
        (!name.ends_with("-shm")).then_some(name)
    }
}

/// The decoded text between two marks.
fn between(word: &str, open: char, close: char) -> Option<String> {
    let (_, rest) = word.split_once(open)?;
    let (path, _) = rest.split_once(close)?;
    String::from_utf8(unescaped(path)).ok()
}

/// The bytes of a quoted argument.
fn text(word: &str) -> Vec<u8> {
    let inner = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    unescaped(inner.unwrap_or_else(|| panic!("cut off: {}", &word[word.len() - 20..])))
}

/// `\x41\x42`.
fn unescaped(text: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).expect("hex") as u8;
    let pieces = text.as_bytes().chunks_exact(4);
    assert!(pieces.remainder().is_empty(), "whole escapes");
    pieces
        .map(|piece| digit(piece[2]) << 4 | digit(piece[3]))
        .collect()
}
