//! The watch over the first picture: nothing else tells the host that the engine of the window drew nothing. It reports and
//! offers; it never closes a window that works.

use std::{
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};
use tauri::AppHandle;

/// Long enough for a cold start on a busy computer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Told by the screens after their first picture.
pub(crate) struct Ready(Sender<()>);

impl Ready {
    pub(crate) fn seen(&self) {
        // After the first time nobody listens any more.
        let _ = self.0.send(());
        // For `cargo xtask bench window`, which waits for this line.
        if std::env::var_os("MISSION_CONTROL_REPORT").is_some() {
            println!("uiReady");
        }
    }
}

pub(crate) fn watch(app: AppHandle) -> Ready {
    let (seen, waiting) = mpsc::channel();
    thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!(
                "The window has shown nothing for {} seconds.",
                PATIENCE.as_secs()
            );
            offer_safe_graphics(&app);
        }
    });
    Ready(seen)
}

#[cfg(target_os = "linux")]
fn offer_safe_graphics(app: &AppHandle) {
    if crate::environment::is_safe() {
        return;
    }
    let shown = app.run_on_main_thread(|| {
        use gtk::prelude::{DialogExt, GtkWindowExt, WidgetExt};
        let dialog = gtk::MessageDialog::new(
            None::<&gtk::Window>,
            gtk::DialogFlags::empty(),
            gtk::MessageType::Question,
            gtk::ButtonsType::None,
            "The window stays empty. This is often the graphics driver.",
        );
        dialog.set_title("Mission Control");
        dialog.add_button("Wait", gtk::ResponseType::Cancel);
        dialog.add_button("Restart with safe graphics", gtk::ResponseType::Accept);
        dialog.connect_response(|dialog, response| {
            dialog.close();
            if response == gtk::ResponseType::Accept {
                let error = crate::environment::restart_with_safe_graphics();
                eprintln!("The restart failed: {error}.");
            }
        });
        dialog.show();
    });
    if let Err(error) = shown {
        eprintln!("Safe graphics could not be offered: {error}.");
    }
}

#[cfg(not(target_os = "linux"))]
fn offer_safe_graphics(_: &AppHandle) {}
