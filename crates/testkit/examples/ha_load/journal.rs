//! What was acknowledged, and what went wrong: one line each, in the order in which it was learnt.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, LineWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{fmt, fs};

/// A step of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Offer,
    Fetch,
    Token,
    Nonce,
    Credential,
    Check,
}

/// One thing that a wallet, or whoever made its offer, learnt.
pub(crate) enum Entry<'a> {
    Begin,
    /// The offer with this id was made.
    Offer {
        id: &'a str,
    },
    /// Its code was redeemed.
    Token {
        id: &'a str,
        code: &'a str,
    },
    /// The request was answered with a credential.
    Credential {
        id: &'a str,
        token: &'a str,
        request: &'a str,
    },
    /// The code was refused after attempts whose outcome nobody knows.
    Spent {
        id: &'a str,
    },
    /// The offer was left unfinished, as nobody answered for too long.
    GivenUp {
        id: &'a str,
    },
    Error {
        step: Step,
        kind: &'a str,
    },
    /// An answer that no healthy issuer gives, with its status.
    Wrong {
        step: Step,
        kind: &'a str,
    },
    End,
}

/// Written line by line.
pub(crate) struct Journal {
    begun: Instant,
    file: Mutex<LineWriter<File>>,
}

/// A flow as the journal tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) code: Option<String>,
    /// The token and the whole request that was answered with a credential.
    pub(crate) credential: Option<(String, String)>,
}

/// Everything in a journal.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// By the id of the offer.
    pub(crate) flows: BTreeMap<String, Flow>,
    /// The longest time without any acknowledgement, and when it began, in milliseconds.
    pub(crate) gap: (u64, u64),
    pub(crate) milliseconds: u64,
    pub(crate) spent: usize,
    pub(crate) given_up: usize,
    /// How often each error was seen.
    pub(crate) errors: BTreeMap<String, usize>,
}

impl Journal {
    /// Begins a new one.
    pub(crate) fn create(file: &Path) -> io::Result<Self> {
        let file = Mutex::new(LineWriter::new(File::create(file)?));
        Ok(Self { begun: Instant::now(), file })
    }

    /// A journal that cannot be written would prove nothing, so this ends the program.
    pub(crate) fn write(&self, entry: &Entry<'_>) {
        let milliseconds = self.begun.elapsed().as_millis();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{milliseconds}\t{entry}") {
            eprintln!("error: the journal: {error}");
            std::process::exit(1);
        }
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("begin"),
            Self::Offer { id } => write!(f, "offer\t{id}"),
            Self::Token { id, code } => write!(f, "token\t{id}\t{code}"),
            Self::Credential { id, token, request } => {
                write!(f, "credential\t{id}\t{token}\t{request}")
            }
            Self::Spent { id } => write!(f, "spent\t{id}"),
            Self::GivenUp { id } => write!(f, "given up\t{id}"),
            Self::Error { step, kind } => write!(f, "error\t{step:?}: {kind}"),
            Self::Wrong { step, kind } => write!(f, "error\t{step:?}: WRONG {kind}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl Story {
    /// Reads a journal from its beginning to its end.
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        let mut story = Self::default();
        let mut last = 0;
        for line in fs::read_to_string(file)?.lines() {
            let mut words = line.split('\t');
            let at = words.next().and_then(|word| word.parse().ok());
            let at: u64 = at.ok_or_else(|| io::Error::other(format!("the journal: {line}")))?;
            let words: Vec<&str> = words.collect();
            if story.learn(&words) {
                story.gap = story.gap.max((at.saturating_sub(last), last));
                last = at;
            }
            story.milliseconds = at;
        }
        Ok(story)
    }

    /// Says whether it was an acknowledgement, or the end of the time in which one could come.
    fn learn(&mut self, words: &[&str]) -> bool {
        match *words {
            ["begin" | "end"] => {}
            ["offer", id] => drop(self.flows.insert(id.to_owned(), Flow::default())),
            ["token", id, code] => self.flow(id).code = Some(code.to_owned()),
            ["credential", id, token, request] => {
                self.flow(id).credential = Some((token.to_owned(), request.to_owned()));
            }
            ["spent", _] => self.spent += 1,
            ["given up", _] => self.given_up += 1,
            ["error", kind] => *self.errors.entry(kind.to_owned()).or_default() += 1,
            _ => return false,
        }
        matches!(words.first(), Some(&("begin" | "end" | "offer" | "token" | "credential")))
    }

    fn flow(&mut self, id: &str) -> &mut Flow {
        self.flows.entry(id.to_owned()).or_default()
    }
}
