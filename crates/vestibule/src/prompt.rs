//! Questions on a terminal. Whoever calls from a script is never asked: there the flags must say it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use gateway::Secret;

/// Whether somebody is there to answer.
pub(crate) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line; an empty one means `default`, if there is one.
pub(crate) fn ask(question: &str, default: Option<&str>) -> anyhow::Result<String> {
    loop {
        match default {
            Some(default) => eprint!("{question} [{default}]: "),
            None => eprint!("{question}: "),
        }
        let line = read_line()?;
        match (line.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks until the answer is sound; what is wrong with one is said at once.
pub(crate) fn ask_sound(
    question: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> anyhow::Result<String> {
    loop {
        let answer = ask(question, None)?;
        match check(&answer) {
            Ok(()) => return Ok(answer),
            Err(wrong) => eprintln!("  {wrong}"),
        }
    }
}

/// Asks for a secret; what is typed is not shown, if the terminal can do that.
pub(crate) fn ask_secret(question: &str) -> anyhow::Result<Secret<String>> {
    loop {
        eprint!("{question} (not shown): ");
        let line = {
            let _hidden = Hidden::begin();
            Secret::new(read_line()?)
        };
        eprintln!();
        let answer = line.expose().trim();
        if !answer.is_empty() {
            return Ok(Secret::new(answer.to_owned()));
        }
    }
}

/// Asks for a yes; anything else is a no.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    eprint!("{question} [y/N]: ");
    Ok(matches!(read_line()?.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn read_line() -> anyhow::Result<String> {
    std::io::stderr().flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).context("no answer could be read")?;
    if read == 0 {
        bail!("the input ended before the question was answered");
    }
    Ok(line)
}

/// The terminal shows nothing of what is typed while this lives.
struct Hidden(bool);

impl Hidden {
    fn begin() -> Self {
        Self(stty("-echo"))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if self.0 {
            stty("echo");
        }
    }
}

/// Every Unix has `stty`; doing without it would take unsafe code or one more dependency for one question.
fn stty(mode: &str) -> bool {
    Command::new("stty")
        .arg(mode)
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}
