//! Sentences for a person who sees no terminal, while there is no window to say them in. Linux only; elsewhere the
//! terminal has to do.

/// Shows a sentence and waits until it was read. Says nothing where there is no display.
#[cfg(target_os = "linux")]
pub(crate) fn say(sentence: &str) {
    use gtk::prelude::{DialogExt, GtkWindowExt};
    if gtk::init().is_err() {
        return;
    }
    let dialog = gtk::MessageDialog::new(
        None::<&gtk::Window>,
        gtk::DialogFlags::empty(),
        gtk::MessageType::Error,
        gtk::ButtonsType::Close,
        sentence,
    );
    dialog.set_title("Mission Control");
    dialog.run();
    dialog.close();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn say(_: &str) {}
