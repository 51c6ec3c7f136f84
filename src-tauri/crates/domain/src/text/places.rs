//! Where commands, addresses and paths stand within words for a person, so that a dash is judged in `git push` and not in a
//! sentence. It looks for what reads like one, look-alikes included; it runs no grammar of any shell.

use super::{
    Place, is_east_asian,
    signs::{is_dash, reads},
};

/// Programs whose names are not words of a sentence.
const PROGRAMS: &[&str] = &[
    "ansible",
    "apt",
    "apt-get",
    "aws",
    "az",
    "bash",
    "brew",
    "bun",
    "cargo",
    "chmod",
    "chown",
    "chroot",
    "cp",
    "crontab",
    "curl",
    "dd",
    "deno",
    "dig",
    "docker",
    "docker-compose",
    "dpkg",
    "echo",
    "eval",
    "gcloud",
    "gh",
    "git",
    "gpg",
    "grep",
    "gunzip",
    "gzip",
    "helm",
    "iptables",
    "journalctl",
    "jq",
    "kubectl",
    "ln",
    "ls",
    "mkdir",
    "mkfs",
    "mongo",
    "mv",
    "mysql",
    "nc",
    "ncat",
    "node",
    "npm",
    "npx",
    "openssl",
    "pacman",
    "perl",
    "php",
    "pip",
    "pip3",
    "pkill",
    "pnpm",
    "podman",
    "powershell",
    "printf",
    "psql",
    "pwsh",
    "python",
    "python3",
    "redis-cli",
    "rm",
    "rmdir",
    "rsync",
    "ruby",
    "scp",
    "sed",
    "sftp",
    "sh",
    "shred",
    "sqlite3",
    "ssh",
    "su",
    "sudo",
    "systemctl",
    "tar",
    "terraform",
    "umount",
    "unzip",
    "useradd",
    "usermod",
    "uv",
    "vim",
    "wget",
    "xargs",
    "yarn",
    "yum",
    "zsh",
    "cmd",
    "doas",
    "ffmpeg",
    "killall",
    "nohup",
    "sha256sum",
];

/// Programs that are also words: more must speak for a command.
const WORDS: &[&str] = &[
    "awk",
    "cat",
    "cd",
    "cut",
    "date",
    "export",
    "find",
    "go",
    "head",
    "install",
    "kill",
    "less",
    "make",
    "more",
    "mount",
    "nice",
    "open",
    "ping",
    "pulumi",
    "reboot",
    "screen",
    "set",
    "shutdown",
    "sleep",
    "sort",
    "source",
    "split",
    "tail",
    "tee",
    "test",
    "time",
    "top",
    "touch",
    "watch",
    "env",
    "patch",
    "start",
    "stop",
    "del",
    "copy",
    "move",
    "type",
    "run",
    "kustomize",
];

/// Ends of host names that people know.
const DOMAINS: &[&str] = &[
    "ai",
    "app",
    "at",
    "be",
    "biz",
    "br",
    "ca",
    "cc",
    "ch",
    "cloud",
    "cn",
    "co",
    "com",
    "cz",
    "de",
    "dev",
    "dk",
    "edu",
    "es",
    "eu",
    "example",
    "fi",
    "fr",
    "gov",
    "ie",
    "il",
    "in",
    "info",
    "int",
    "internal",
    "io",
    "is",
    "it",
    "jp",
    "kr",
    "local",
    "localhost",
    "me",
    "mil",
    "mx",
    "net",
    "nl",
    "no",
    "nz",
    "online",
    "org",
    "page",
    "pl",
    "pt",
    "ru",
    "se",
    "sh",
    "shop",
    "site",
    "test",
    "top",
    "tr",
    "tv",
    "tw",
    "ua",
    "uk",
    "us",
    "xyz",
    "zip",
];

/// Ends of file names that people know.
const FILES: &[&str] = &[
    "bak", "bat", "bin", "c", "cfg", "conf", "cpp", "crt", "cs", "css", "csv", "db", "doc", "docx",
    "env", "exe", "gif", "go", "gz", "h", "html", "ini", "jar", "java", "jpg", "js", "json", "jsx",
    "key", "lock", "log", "md", "msi", "pdf", "pem", "php", "png", "ps1", "py", "rb", "rs", "sh",
    "sql", "sqlite", "svelte", "svg", "tar", "toml", "ts", "tsx", "txt", "xls", "xlsx", "xml",
    "yaml", "yml", "zip",
];

/// Words after which a command is named in a sentence.
const NAMES_ONE: &[&str] = &[
    "run",
    "runs",
    "running",
    "execute",
    "executes",
    "executing",
    "command",
];

/// The place of every character.
pub(super) fn of(place: Place, text: &[char]) -> Vec<Place> {
    let mut places = vec![Place::Prose; text.len()];
    if place == Place::Name {
        places.fill(Place::Name);
        return places;
    }
    if place == Place::Command && !text.iter().any(char::is_ascii_whitespace) {
        places.fill(Place::Command);
    } else {
        let mut start = 0;
        for line in text.split(|c| matches!(c, '\n' | '\r' | '\u{1c}' | '\u{2028}' | '\u{2029}')) {
            let here = &mut places[start..start + line.len()];
            start += line.len() + 1;
            if line.iter().all(char::is_ascii) {
                continue;
            }
            if place == Place::Command && is_run(line) {
                set(line, here);
                let spoken = (0..line.len()).filter(|at| is_spoken(line, *at));
                spoken.for_each(|at| here[at] = Place::Prose);
                here[remark(line)..].fill(Place::Prose);
            }
            command(line, here);
        }
    }
    addresses(text, &mut places);
    places
}

/// Signs that programs and files have within their names, and words seldom.
const WITHIN_NAMES: [char; 5] = ['-', '.', '/', '_', '\\'];
/// What begins a remark in one language or another.
const REMARKS: [&str; 7] = ["#", "//", "--", "/*", "*", ";", "<!--"];

/// Whether a line of what a program runs begins as a command or a statement does, and not as a sentence or a remark.
fn is_run(line: &[char]) -> bool {
    let mut all = words(line).map(|(start, end)| &line[start..end]);
    let Some(first) = all.find(|word| !matches!(word, ['$' | '>' | '%'])) else {
        return false;
    };
    let word: String = first.iter().collect();
    let is_remark = REMARKS.iter().any(|begins| word.starts_with(begins));
    let is_name = |at: usize| {
        WITHIN_NAMES.contains(&first[at])
            && first.get(at + 1).is_some_and(char::is_ascii_alphanumeric)
    };
    !is_remark && (first[0].is_ascii_lowercase() || (0..first.len()).any(is_name))
}

/// Signs of sentences that no command line has for anything else: an apostrophe in a word, a dash between words, dots after
/// one. A known program beside them is judged by [`command`].
fn is_spoken(line: &[char], at: usize) -> bool {
    let is = |at: Option<usize>, test: fn(&char) -> bool| {
        at.and_then(|at| line.get(at)).is_some_and(test)
    };
    let (before, after) = (at.checked_sub(1), Some(at + 1));
    match line[at] {
        '’' => is(before, |c| c.is_alphabetic()) && is(after, |c| c.is_alphabetic()),
        '–' | '—' => is(before, |c| c.is_whitespace()) && is(after, |c| c.is_whitespace()),
        '…' => is(before, |c| c.is_alphanumeric()),
        _ => false,
    }
}

/// Where a remark begins that stands behind a statement.
fn remark(line: &[char]) -> usize {
    let mut all = words(line).map(|(start, _)| start);
    all.find(|start| line[*start] == '#' || line[*start..].starts_with(&['/', '/']))
        .unwrap_or(line.len())
}

fn command(line: &[char], places: &mut [Place]) {
    in_code(line, places);
    let last = line.len() - last_evidence(line);
    let mut spoken = true; // Whether a command may begin with the next word.
    let mut first = true;
    for (start, end) in words(line) {
        let word: String = line[start..end].iter().collect();
        if first
            && matches!(
                word.as_str(),
                "$" | "#" | "%" | ">" | "-" | "*" | "•" | "PS>"
            )
        {
            continue;
        }
        let name = word.trim_matches(['`', '"', '\'', '(', '“', '”', '‘', '’']);
        let quoted = name.len() < word.len();
        if first && name.contains('=') && name.is_ascii() {
            continue;
        }
        let is_program = program(name);
        let evident = last > end;
        if spoken
            && !quoted
            && (is_program == Some(true) && evident
                || is_program == Some(false) && evident && first)
        {
            set(&line[start..], &mut places[start..]);
            return;
        }
        spoken = NAMES_ONE.contains(&name.trim_end_matches(':').to_lowercase().as_str())
            || word.ends_with(':');
        first = false;
    }
}

/// `Some(true)`: a program and nothing else; `Some(false)`: a word as well.
fn program(name: &str) -> Option<bool> {
    let name = name.rsplit('/').next().unwrap_or(name);
    if PROGRAMS.contains(&name) {
        Some(true)
    } else {
        WORDS.contains(&name).then_some(false)
    }
}

/// Whether the first word is a program.
fn runs(text: &[char]) -> bool {
    words(text).next().is_some_and(|(from, to)| {
        let name: String = text[from..to].iter().collect();
        program(&name).is_some()
    })
}

/// What stands between back quotes in a line.
fn in_code(line: &[char], places: &mut [Place]) {
    let ticks: Vec<usize> = (0..line.len()).filter(|at| line[*at] == '`').collect();
    for pair in ticks.chunks_exact(2) {
        let (start, end) = (pair[0] + 1, pair[1]);
        let code = &line[start..end];
        if runs(code) || last_evidence(code) < code.len() {
            set(code, &mut places[start..end]);
        }
    }
}

/// Marks a command, but not the sentences that are quoted in it, unless they are commands again.
fn set(command: &[char], places: &mut [Place]) {
    places.fill(Place::Command);
    let mut closed = [usize::MAX; 2]; // Beyond it no quote of that kind closes.
    let mut at = 0;
    while at < command.len() {
        let quote = command[at];
        let kind = usize::from(quote == '"');
        let opens = matches!(quote, '"' | '\'')
            && (at == 0
                || command[at - 1].is_whitespace()
                || ['=', '(', '[', '{', ',', ':'].contains(&command[at - 1]))
            && at < closed[kind];
        if !opens {
            at += 1;
            continue;
        }
        let Some(length) = command[at + 1..].iter().position(|c| *c == quote) else {
            closed[kind] = at;
            at += 1;
            continue;
        };
        let inner = &command[at + 1..at + 1 + length];
        if words(inner).nth(1).is_some() && !runs(inner) {
            places[at + 1..at + 1 + length].fill(Place::Prose);
        }
        at += length + 2;
    }
}

/// How far from the end the last thing stands that only a command has: an option, a path, a pipe; the length when none.
fn last_evidence(line: &[char]) -> usize {
    let speaks = |at: usize| {
        let sign = |at: usize| {
            let c = line.get(at).copied()?;
            if c.is_ascii() { Some(c) } else { reads(c) }
        };
        let starts = at == 0 || line[at - 1].is_whitespace();
        match sign(at) {
            Some('-') if starts => {
                let next = line.get(at + 1).copied().unwrap_or(' ');
                is_dash(next) || next.is_ascii_alphanumeric()
            }
            Some('/' | '$' | '~') if starts => line.get(at + 1).is_some_and(|c| !c.is_whitespace()),
            Some('.') if starts => sign(at + 1) == Some('/'),
            Some('|' | '`') => line[at] != '`',
            Some('>' | '<') => line[at].is_ascii() && starts,
            Some('&') => sign(at + 1) == Some('&'),
            Some(';') => at > 0 && (line[at].is_ascii() || line[at - 1].is_ascii()),
            _ => false,
        }
    };
    (0..line.len())
        .rev()
        .find(|at| speaks(*at))
        .map_or(line.len(), |at| line.len() - 1 - at)
}

fn words(line: &[char]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < line.len() && line[at].is_whitespace() {
            at += 1;
        }
        let start = at;
        while at < line.len() && !line[at].is_whitespace() {
            at += 1;
        }
        (start < at).then_some((start, at))
    })
}

fn addresses(text: &[char], places: &mut [Place]) {
    let mut start = 0;
    for end in 0..=text.len() {
        if end < text.len() && !ends(text, end) {
            continue;
        }
        let part = &text[start..end];
        if !part.iter().all(char::is_ascii)
            && let Some((from, to)) = address(part)
        {
            places[start + from..start + to].fill(Place::Name);
        }
        start = end + 1;
    }
}

/// Whether a word of an address cannot go on over it.
fn ends(text: &[char], at: usize) -> bool {
    let c = text[at];
    let closes = matches!(
        c,
        '<' | '>' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | ','
    ) || matches!(
        c,
        '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '—' | '\u{3008}'..='\u{3011}' | '（' | '）'
    );
    let dots = c == '…' && text.get(at + 1).is_none_or(|c| *c != '/');
    c.is_whitespace() || closes || dots || (is_east_asian(c) && c != '。')
}

/// Where in a word an address, a path or a file name stands.
fn address(part: &[char]) -> Option<(usize, usize)> {
    // Between slashes stands how a word is spoken.
    if part.iter().any(|c| matches!(c, 'ˈ' | 'ˌ' | 'ː')) {
        return None;
    }
    let read: Vec<char> = part.iter().map(|c| folded(*c)).collect();
    let mut end = read.len();
    while end > 0 && !read[end - 1].is_ascii_alphanumeric() && read[end - 1] != '/' {
        end -= 1;
    }
    if end > 2 && read[end - 1] == 's' && read[end - 2] == '\'' {
        end -= 2;
    }
    let start = read
        .iter()
        .position(|c| c.is_ascii_alphanumeric() || "/~.\\".contains(*c))?;
    if start >= end {
        return None;
    }
    let whole = &read[start..end];
    let scheme = (1..whole.len().saturating_sub(1)).find(|at| {
        whole[*at] == ':' && whole[at + 1] == '/' && whole[at - 1].is_ascii_alphabetic()
    });
    if let Some(colon) = scheme {
        let letters = whole[..colon]
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_alphabetic())
            .count();
        return Some((start + colon - letters, end));
    }
    (is_path(whole) || is_named(whole)).then_some((start, end))
}

/// A sign as the ASCII sign it reads as; a letter of no ASCII as some letter.
fn folded(character: char) -> char {
    match character {
        c if c.is_ascii() => c,
        c if c.is_alphanumeric() => 'x',
        c => reads(c).unwrap_or('\u{1}'),
    }
}

fn is_path(read: &[char]) -> bool {
    let separator = |c: &char| *c == '/' || *c == '\\';
    let separators = read.iter().filter(|c| separator(c)).count();
    let letters = read.iter().any(char::is_ascii_alphabetic);
    let begins = |with: &str| with.chars().zip(read).filter(|(a, b)| a == *b).count() == with.len();
    let rooted = read.first().is_some_and(separator)
        || begins("~/")
        || begins("./")
        || begins("../")
        || begins(".\\");
    let drive = read.len() > 2 && read[0].is_ascii_uppercase() && read[1] == ':' && read[2] == '\\';
    let plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-~/\\".contains(*c);
    letters && (rooted && read.len() > 2 || drive || (separators > 1 && read.iter().all(plain)))
}

/// A host with a known end, or a file with one; an address of mail is the first.
fn is_named(read: &[char]) -> bool {
    let mut dots = (1..read.len().saturating_sub(1)).filter(|at| read[*at] == '.');
    dots.any(|dot| {
        let rest = &read[dot + 1..];
        let length = rest
            .iter()
            .take(10)
            .take_while(|c| c.is_ascii_alphanumeric())
            .count();
        let name: String = rest[..length]
            .iter()
            .map(char::to_ascii_lowercase)
            .collect();
        let after = rest.get(length);
        let host = DOMAINS.contains(&name.as_str())
            && matches!(after, None | Some('/' | ':' | '?' | '#' | '\\'));
        let file = FILES.contains(&name.as_str()) && after.is_none();
        read[dot - 1].is_ascii_alphanumeric() && (host || file)
    })
}
