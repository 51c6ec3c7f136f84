//! The rules of `.cargo/deny.toml` that need no network: licences, crates that are banned, sources. Read from that file,
//! so that cargo-deny and this test hold the same. It stands here because cargo-deny takes longer to build than all other
//! checks together; the advisories need its network and stay with it.

use super::check;
use serde_json::Value;
use std::{fs, process::Command};
use toml::{Table, Value as Rule};

fn said(program: &str, arguments: &[&str]) -> Vec<u8> {
    let said = Command::new(program)
        .args(arguments)
        .current_dir(mission_tests::root())
        .output()
        .expect("it runs");
    let complaint = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{complaint}");
    said.stdout
}

/// Everything that is built on this platform, as cargo resolved it: of the others not even the licences are here without
/// a network.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let host = String::from_utf8(said("rustc", &["--print", "host-tuple"])).expect("UTF-8");
    let asked = [
        "metadata",
        "--format-version=1",
        "--locked",
        "--offline",
        "--filter-platform",
        host.trim(),
    ];
    let metadata: Value = serde_json::from_slice(&said(&cargo, &asked)).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Everything that is built on any platform: tables with name, version and source.
fn locked() -> Vec<Rule> {
    let path = mission_tests::root().join("Cargo.lock");
    let file: Table = fs::read_to_string(path)
        .expect("the lock file")
        .parse()
        .expect("valid TOML");
    file["package"].as_array().expect("packages").clone()
}

fn rules(section: &str) -> Table {
    let path = mission_tests::root().join(".cargo/deny.toml");
    let file: Table = fs::read_to_string(path)
        .expect("the rules")
        .parse()
        .expect("valid TOML");
    file[section].as_table().expect("a section").clone()
}

fn list<'a>(rules: &'a Table, name: &str) -> &'a [Rule] {
    rules[name].as_array().expect("a list")
}

fn name(package: &Value) -> String {
    let text = |member: &str| package[member].as_str().unwrap_or_default();
    format!("{} {}", text("name"), text("version"))
}

/// Whether an SPDX expression can be met with these licences; `/` is how older crates write OR.
fn is_met(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any(&mut rest, allowed);
    met && rest.is_empty()
}

fn any(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = all(words, allowed);
    while let ["OR", rest @ ..] = words {
        *words = rest;
        // Read in any case: what follows stands behind it.
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while let ["AND", rest @ ..] = words {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, allowed);
            let [")", rest @ ..] = *words else {
                return false;
            };
            *words = rest;
            met
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(licence)
        }
        [] => false,
    }
}

#[test]
fn an_expression_is_met_by_one_side_of_or_and_both_sides_of_and() {
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("MIT AND (GPL-3.0 OR LGPL-3.0)", false),
        ("ISC WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("", false),
        ("(MIT", false),
    ] {
        let allowed = ["MIT", "ISC", "ISC WITH LLVM-exception"];
        assert_eq!(is_met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_licence_may_be_shipped() {
    let rules = rules("licenses");
    let allowed: Vec<&str> = list(&rules, "allow")
        .iter()
        .filter_map(Rule::as_str)
        .collect();
    let wrong = packages().into_iter().filter_map(|package| {
        let expression = package["license"].as_str().unwrap_or_default();
        (!is_met(expression, &allowed)).then(|| format!("{}: {expression:?}", name(&package)))
    });
    check("Only licences of .cargo/deny.toml are shipped.", wrong);
}

#[test]
fn no_banned_crate_is_built_and_every_version_is_named() {
    let rules = rules("bans");
    let banned: Vec<&str> = list(&rules, "deny")
        .iter()
        .filter_map(|rule| rule["crate"].as_str())
        .collect();
    assert_eq!(rules["wildcards"].as_str(), Some("deny"));
    let built = locked()
        .into_iter()
        .filter_map(|package| Some(package["name"].as_str()?.to_owned()))
        .filter(|name| banned.contains(&name.as_str()));
    check("Crates that .cargo/deny.toml bans are not built.", built);
    let all = packages();
    let wildcards = all.iter().flat_map(|package| {
        let needed = package["dependencies"].as_array().expect("a list");
        needed
            .iter()
            .filter(|needed| needed["req"] == "*" && needed["path"].is_null())
            .map(|needed| format!("{} needs any {}", name(package), needed["name"]))
    });
    check("A dependency says which version it needs.", wildcards);
}

#[test]
fn everything_comes_from_the_one_registry() {
    let rules = rules("sources");
    for unknown in ["unknown-registry", "unknown-git"] {
        assert_eq!(rules[unknown].as_str(), Some("deny"), "{unknown}");
    }
    let wrong = locked().into_iter().filter_map(|package| {
        let source = package.get("source")?.as_str()?;
        let known = source == "registry+https://github.com/rust-lang/crates.io-index";
        (!known).then(|| format!("{}: {source}", package["name"]))
    });
    check("Crates come from crates.io.", wrong);
}
