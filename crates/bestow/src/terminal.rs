//! The person at the terminal: what is printed for them and asked of them.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use wallet::display::{is_joiner, is_unseen};

use crate::exit::Failure;

/// Set once a result could not be written.
static RESULT_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a result on standard output.
pub(crate) fn print(text: impl AsRef<str>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{}", text.as_ref()) {
        lose_result(&error);
    }
}

/// Says once that a result cannot be written: the next line will fare no better.
///
/// A reader who has seen enough (`| head`) is no fault; a full disk is, see [`is_result_lost`].
pub(crate) fn lose_result(error: &io::Error) {
    let is_enough = error.kind() == io::ErrorKind::BrokenPipe;
    if !is_enough && !RESULT_LOST.swap(true, Ordering::Relaxed) {
        tell(format!("error: cannot write the result: {error}"));
    }
}

/// Whether a result could not be written: then the command has not done what was asked.
pub(crate) fn is_result_lost() -> bool {
    RESULT_LOST.load(Ordering::Relaxed)
}

/// Prints a JSON result on standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(spelled(&serde_json::to_string(value).map_err(Failure::own_fault)?));
    Ok(())
}

/// JSON that spells by its number what nobody sees (catalogue N04): whoever looks at it is not
/// fooled, and whoever parses it gets the same text.
fn spelled(json: &str) -> String {
    let mut spelled = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_unseen(c) {
            spelled.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(spelled, "\\u{unit:04x}");
        }
    }
    spelled
}

/// Tells the person something that is no result.
pub(crate) fn tell(text: impl AsRef<str>) {
    // Where nobody listens, nobody is told; that is no reason to stop.
    drop(writeln!(io::stderr().lock(), "{}", text.as_ref()));
}

/// Whether standard output takes colours: a terminal, and nobody said `NO_COLOR`.
pub(crate) fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether somebody is there to answer.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks and waits for a line; `None` at the end of the input.
pub(crate) fn ask(question: &str) -> Result<Option<String>, Failure> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} ").and_then(|()| terminal.flush()).map_err(Failure::own_fault)?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).map_err(Failure::own_fault)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

/// Asks for a yes; anything else is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let answer = ask(&format!("{question} [y/N]"))?;
    Ok(answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes")))
}

/// Text that came from elsewhere, without what could steer the terminal (catalogue N04).
pub(crate) fn plain(text: &str) -> String {
    let is_steering = |c: char| is_unseen(c) && !is_joiner(c);
    text.chars().map(|c| if is_steering(c) { '\u{fffd}' } else { c }).collect()
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_end() -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::own_fault)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::own_fault)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::spelled;

    #[test]
    fn json_shows_what_nobody_sees_and_says_the_same() {
        let value =
            json!({ "a\u{202e}b": "\u{9b}31m\u{7f}\u{200b}\u{2028}\u{e0041} Köln \" \\ \n" });
        let json = spelled(&value.to_string());
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        let shown = r#"{"a\u202eb":"\u009b31m\u007f\u200b\u2028\udb40\udc41 Köln \" \\ \n"}"#;
        assert_eq!(json, shown);
    }
}
