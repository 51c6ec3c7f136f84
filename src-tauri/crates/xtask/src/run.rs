//! `cargo xtask run`: sets up, builds and starts the app.

use crate::{
    screens,
    step::{self, Outcome, cargo, step},
    system,
};

pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let root = step::root()?;
    system::install(system::Need::Run)?;
    screens::install(&root)?;
    screens::build(&root)?;
    step(
        "The app: build",
        &mut cargo(&root, &["build", "--package", "mission-control"]),
    )?;
    if cfg!(target_os = "linux")
        && !has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    {
        return Err(format!(
            "Mission Control is built, but there is no display to open its window on.\n\
             Start it from a desktop session, or on a virtual screen with:\n\n    \
             xvfb-run --auto-servernum cargo xtask run{}",
            if arguments.is_empty() {
                String::new()
            } else {
                format!(" -- {}", arguments.join(" "))
            }
        ));
    }
    let mut all = vec!["run", "--quiet", "--package", "mission-control", "--"];
    all.extend(arguments);
    step("The app", &mut cargo(&root, &all))
}

fn has_display(set: impl Fn(&str) -> bool) -> bool {
    set("WAYLAND_DISPLAY") || set("DISPLAY")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_window_needs_x11_or_wayland() {
        for (set, expected) in [
            ("DISPLAY", true),
            ("WAYLAND_DISPLAY", true),
            ("HOME", false),
        ] {
            assert_eq!(super::has_display(|name| name == set), expected, "{set}");
        }
    }
}
