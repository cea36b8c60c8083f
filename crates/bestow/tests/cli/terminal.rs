//! What a person at a terminal is asked: `script` of util-linux plays the terminal.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::stranger::Stranger;
use crate::world::{TRUST, World, text};

/// Longest wait for a question.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program on a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let quoted: Vec<String> =
            arguments.iter().map(|argument| format!("'{argument}'")).collect();
        let line = format!("'{}' {}", env!("CARGO_BIN_EXE_bestow"), quoted.join(" "));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        command.current_dir(world.folder()).envs(world.environment()).env_remove("NO_COLOR");
        command.envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keyboard, screen: follow(output), seen: String::new() }
    }

    /// Waits until the screen shows a text after all that was seen before.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        let began = Instant::now();
        while !self.seen.contains(text) {
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {:?}", self.seen);
            let shown = self.screen.recv_timeout(PATIENCE).ok();
            let shown = shown.unwrap_or_else(|| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&shown));
        }
        self.seen = self.seen.split_once(text).map(|(_, after)| after.to_owned()).unwrap();
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Waits for the end: the rest of the screen, and the exit code.
    fn ends(mut self) -> (String, Option<i32>) {
        while let Ok(bytes) = self.screen.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.seen, self.child.wait().unwrap().code())
    }
}

fn follow(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, screen) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    screen
}

#[test]
fn a_wrong_tx_code_may_be_typed_again() {
    let world = World::serving();
    let offer = world.offer(&["student_card", "--tx-code"]);
    let (link, tx_code) = (text(&offer, "uri"), text(&offer, "tx_code"));
    let wrong = if tx_code == "000000" { "000001" } else { "000000" };
    let receive = [&["wallet", "receive", &link], TRUST].concat();
    let mut terminal = Terminal::start(&world, &receive, &[]);
    terminal.sees("Contact localhost:");
    terminal.sees("[y/N]");
    terminal.types("y");
    terminal.sees("Riverside University");
    terminal.sees("Receive it? [y/N]");
    terminal.types("yes");
    terminal.sees("Transaction code for localhost:");
    terminal.types("12");
    terminal.sees("wrong form; type the code again");
    terminal.sees("Transaction code for localhost:");
    terminal.types(wrong);
    terminal.sees("the tx_code is wrong; type the code again");
    terminal.sees("Transaction code for localhost:");
    terminal.types(&tx_code);
    terminal.sees("Student Card");
    let (screen, code) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(world.logged("wrong tx_code"), 1, "a slip is not sent");
}

#[test]
fn a_no_to_the_host_sends_nothing() {
    let world = World::serving();
    let offer = world.offer(&["student_card"]);
    let link = text(&offer, "uri");
    let receive = [&["wallet", "receive", &link], TRUST].concat();
    let mut terminal = Terminal::start(&world, &receive, &[]);
    terminal.sees("[y/N]");
    terminal.types("");
    let (screen, code) = terminal.ends();
    assert_eq!(code, Some(5), "{screen}");
    assert_eq!(world.offer_state(&text(&offer, "id")), "created");
}

/// Where the code goes to another host than the issuer's, that host needs a yes of its own (SEC-09).
#[tokio::test]
async fn a_server_elsewhere_gets_nothing_before_the_person_agreed_to_it() {
    let stranger = Stranger::start_with_server().await;
    let (link, server) = (stranger.link(), stranger.server().to_owned());
    let declined = spawn_blocking(move || {
        let world = World::new();
        let receive = ["wallet", "receive", &link, "--allow-http-loopback"];
        let mut terminal = Terminal::start(&world, &receive, &[]);
        terminal.sees("about this offer? [y/N]");
        terminal.types("y");
        terminal.sees(&format!("redeemed at {server}. Send them to that host? [y/N]"));
        terminal.types("n");
        terminal.ends()
    });
    let (screen, code) = declined.await.unwrap();
    assert_eq!((code, stranger.asked()), (Some(5), 0), "{screen}");

    let link = stranger.link();
    let agreed = spawn_blocking(move || World::new().receive(&link, &["--allow-http-loopback"]));
    let outcome = agreed.await.unwrap().exits(7); // it needs time, as always
    let told = format!("redeemed at {}. Send them to that host? yes", stranger.server());
    assert!(outcome.stderr.contains(&told), "{outcome}");
    assert_eq!(stranger.asked(), 2, "its metadata, and the token");
}

/// The warning comes with the card, before anything is stored; `--yes` does not answer it.
#[test]
fn an_issuer_that_nobody_vouches_for_needs_a_yes_of_its_own() {
    let world = World::serving();
    for (answer, code) in [("n", 6), ("y", 0)] {
        let link = world.link(&["course_ticket"]);
        let receive = ["wallet", "receive", &link, "--ca", "issuer/tls/ca.pem"];
        let mut terminal = Terminal::start(&world, &receive, &[]);
        terminal.sees("[y/N]");
        terminal.types("y");
        terminal.sees("[y/N]");
        terminal.types("y");
        terminal.sees("NOT VERIFIED");
        terminal.sees("the issuer is not verified");
        terminal.sees("Keep it nevertheless? [y/N]");
        terminal.types(answer);
        let (screen, ended) = terminal.ends();
        assert_eq!(ended, Some(code), "{screen}");
    }
    let listed = world.bestow(&["wallet", "list", "--json"]).exits(0).json();
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
}

#[test]
fn the_passphrase_is_asked_for_and_not_shown() {
    let world = World::new();
    std::fs::write(world.path("passphrase"), "correct horse").unwrap();
    world.bestow(&["wallet", "list", "--passphrase-file", "passphrase"]).exits(0);
    let mut terminal = Terminal::start(&world, &["wallet", "list", "--json"], &[]);
    terminal.sees("Passphrase of the wallet:");
    thread::sleep(Duration::from_millis(200)); // until the terminal does not echo any more
    terminal.types("correct horse");
    let (screen, code) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("correct horse") && screen.contains("credentials"), "{screen}");
}

#[test]
fn colours_are_for_terminals_whose_owner_wants_them() {
    let world = World::new();
    let offer = ["issuer", "offer", "course_ticket", "--sample"];
    let coloured = |environment: &[(&str, &str)]| {
        let (screen, code) = Terminal::start(&world, &offer, environment).ends();
        assert_eq!(code, Some(0), "{screen}");
        screen.contains('\u{1b}')
    };
    assert!(coloured(&[]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    let piped = world.bestow(&offer).exits(0);
    assert!(!piped.stdout.contains('\u{1b}'), "{piped}");
}
