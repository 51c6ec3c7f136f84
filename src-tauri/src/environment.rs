//! What the window's engine must find in the environment, set before anything else of the process has begun.

use std::sync::OnceLock;

/// What was set for us alone.
static OWN: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Sets the variables that have to differ. Must be called while the process has one thread only.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() {
    let mut set = Vec::new();
    for (name, value) in wanted(|name| std::env::var(name).ok()) {
        // Without it the window may stay blank; that is watched for elsewhere.
        if gtk::glib::setenv(name, value, true).is_ok() {
            set.push(name);
        }
    }
    let _ = OWN.set(set);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}

/// What `prepare` set: programs that we start get none of it.
pub(crate) fn own() -> &'static [&'static str] {
    OWN.get().map_or(&[], Vec::as_slice)
}

/// Whether this process draws without the graphics card. Elsewhere than on Linux there is nothing to choose.
pub(crate) fn is_safe() -> bool {
    !cfg!(target_os = "linux") || std::env::var_os(NO_COMPOSITING).is_some()
}

const NO_COMPOSITING: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

#[cfg(not(target_os = "linux"))]
pub(crate) fn restart_with_safe_graphics() -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}

/// Starts the app anew without compositing, for graphics drivers that draw nothing at all.
#[cfg(target_os = "linux")]
pub(crate) fn restart_with_safe_graphics() -> std::io::Error {
    use std::os::unix::process::CommandExt;
    match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(NO_COMPOSITING, "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .exec(),
        Err(error) => error,
    }
}

/// The variables that have to change, as data.
#[cfg(any(target_os = "linux", test))]
fn wanted(set: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, &'static str)> {
    let mut wanted = Vec::new();
    // The DMA-BUF renderer leaves windows blank with several drivers. Whoever set it, also to 0, keeps their choice.
    if set("WEBKIT_DISABLE_DMABUF_RENDERER").is_none() {
        wanted.push(("WEBKIT_DISABLE_DMABUF_RENDERER", "1"));
    }
    // In these locales the engine reports the language "C", with which every Intl call of the screens fails.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| set(name).filter(|value| !value.is_empty()))
        .unwrap_or_default();
    let language = locale.split(['.', '@']).next().unwrap_or_default();
    if matches!(language, "" | "C" | "POSIX") {
        wanted.push(("LC_ALL", "en_US.UTF-8"));
    }
    wanted
}

#[cfg(test)]
mod tests {
    const DMABUF: (&str, &str) = ("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
    const LOCALE: (&str, &str) = ("LC_ALL", "en_US.UTF-8");

    fn check(set: &[(&str, &str)], expected: &[(&str, &str)]) {
        let value = |name: &str| {
            let (_, value) = set.iter().find(|(key, _)| *key == name)?;
            Some((*value).to_owned())
        };
        assert_eq!(super::wanted(value), expected, "{set:?}");
    }

    #[test]
    fn the_renderer_is_chosen_only_where_nobody_chose() {
        check(&[("LANG", "de_DE.UTF-8")], &[DMABUF]);
        check(
            &[
                ("LANG", "de_DE.UTF-8"),
                ("WEBKIT_DISABLE_DMABUF_RENDERER", "0"),
            ],
            &[],
        );
    }

    #[test]
    fn a_locale_without_a_language_gets_one() {
        let chosen = ("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        for (name, value) in [
            ("LANG", "C"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "POSIX"),
            ("LANG", ""),
        ] {
            check(&[chosen, (name, value)], &[LOCALE]);
        }
        check(
            &[chosen, ("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")],
            &[LOCALE],
        );
        check(&[chosen, ("LC_ALL", ""), ("LANG", "de_DE@euro")], &[]);
    }
}
