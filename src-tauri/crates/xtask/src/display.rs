//! A virtual screen of our own, gone with the value. Linux only.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

pub(crate) struct Display {
    server: Child,
    /// As the variable DISPLAY wants it.
    pub(crate) name: String,
}

impl Display {
    pub(crate) fn open(size: &str) -> Result<Self, String> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", size])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb did not start: {error}."))?;
        let mut number = String::new();
        let said = server.stdout.take().map(BufReader::new);
        let read = said.map(|mut said| said.read_line(&mut number));
        let display = Self {
            server,
            name: format!(":{}", number.trim()),
        };
        match read {
            Some(Ok(1..)) => Ok(display),
            _ => Err("Xvfb did not say the number of its screen.".to_owned()),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
