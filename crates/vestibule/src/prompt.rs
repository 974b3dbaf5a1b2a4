//! Questions on a terminal. Whoever calls from a script is never asked: there the flags must say it.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use gateway::Secret;

use crate::output;

/// Whether somebody is there to answer.
pub(crate) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line; an empty one means `default`, if there is one.
pub(crate) fn ask(question: &str, default: Option<&str>) -> anyhow::Result<String> {
    loop {
        match default {
            Some(default) => output::ask(&format!("{question} [{default}]: ")),
            None => output::ask(&format!("{question}: ")),
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
            Err(wrong) => output::complain(&format!("  {wrong}")),
        }
    }
}

/// Asks for a secret; what is typed is not shown, if the terminal can do that.
pub(crate) fn ask_secret(question: &str) -> anyhow::Result<Secret<String>> {
    loop {
        output::ask(&format!("{question} (not shown): "));
        let line = {
            let _hidden = Hidden::begin();
            Secret::new(read_line()?)
        };
        output::complain("");
        let answer = line.expose().trim();
        if !answer.is_empty() {
            return Ok(Secret::new(answer.to_owned()));
        }
    }
}

/// Asks for a yes; anything else is a no.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    output::ask(&format!("{question} [y/N]: "));
    Ok(matches!(read_line()?.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a yes before something is ended. Where nobody is there to answer, `--yes` must say it.
pub(crate) fn confirm_end(question: &str) -> anyhow::Result<()> {
    // It names what strangers named.
    let question = &output::printable(question);
    if !somebody_is_there() {
        let why = format!("{question} Nobody is there to answer: say --yes if that is meant");
        return Err(crate::Usage(why).into());
    }
    if confirm(question)? { Ok(()) } else { bail!("nothing was ended") }
}

fn read_line() -> anyhow::Result<String> {
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
