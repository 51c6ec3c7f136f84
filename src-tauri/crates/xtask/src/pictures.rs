//! `cargo xtask screens`: pictures of every screen of the real app, in both themes, for the README and for looking at. The
//! walk that takes them is in `tests/desktop/pictures.rs`, and is part of every check.

use crate::{
    screens,
    step::{self, Outcome, cargo, program, step},
    system,
};
use std::fs;

pub(crate) fn take() -> Outcome {
    let root = step::root()?;
    system::install(system::Need::Test)?;
    if step::output(&mut program("import", &["-version"])).is_none() {
        return Err("The pictures are taken with `import`. Please install ImageMagick.".to_owned());
    }
    screens::install(&root)?;
    screens::build(&root)?;
    let folder = root.join("ui/screenshots/app");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
    let walk = [
        "test",
        "--package",
        "mission-control",
        "--test",
        "desktop",
        "pictures",
    ];
    step(
        "Pictures of every screen",
        cargo(&root, &walk).env("MISSION_CONTROL_PICTURES", &folder),
    )
}
