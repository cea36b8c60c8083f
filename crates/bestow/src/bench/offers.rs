//! Where offers come from: the admin API, a list, or a program that prints them.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::IntoIter;
use std::{fs, io};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Uri};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use url::Url;

use super::http::{Connection, Origin, Trust, path};
use super::trouble::Trouble;
use crate::exit::{Failure, Kind};

/// Connections to the admin API: an operator's program has a few, not one for each holder.
const ADMIN_CONNECTIONS_MAX: usize = 64;
/// How often an issuer that asks for patience is asked again.
const ATTEMPTS_MAX: usize = 20;
/// Longest list of offers.
const LIST_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Offers that a program may be ahead.
const AHEAD_MAX: usize = 1024;

/// An offer on its way to a holder.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) link: String,
    pub(super) tx_code: Option<String>,
}

impl Made {
    /// A line of a list: the link, and behind a space its Transaction Code.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let link = words.next()?.to_owned();
        Some(Self { link, tx_code: words.next().map(str::to_owned) })
    }
}

/// Hands out offers, each once.
#[derive(Clone)]
pub(super) enum Offers {
    Admin(Arc<Admin>),
    List(Arc<Mutex<IntoIter<Made>>>),
    Program(Arc<tokio::sync::Mutex<mpsc::Receiver<Result<Made, Trouble>>>>),
}

impl Offers {
    /// The next one; `None` when all are used up.
    pub(super) async fn next(&self) -> Result<Option<Made>, Trouble> {
        match self {
            Self::Admin(admin) => admin.make().await.map(Some),
            Self::List(list) => Ok(list.lock().unwrap_or_else(PoisonError::into_inner).next()),
            Self::Program(printed) => printed.lock().await.recv().await.transpose(),
        }
    }

    /// For one thread of several: connections belong to the thread that made them.
    pub(super) fn for_one_of(&self, threads: usize) -> Self {
        match self {
            Self::Admin(admin) => Self::Admin(Arc::new(admin.for_one_of(threads))),
            Self::List(_) | Self::Program(_) => self.clone(),
        }
    }

    /// As many of them, all there before the first is handed out.
    pub(super) async fn ahead(self, count: u32) -> Result<Self, Failure> {
        let left = Arc::new(AtomicU32::new(count));
        let mut makers = JoinSet::new();
        for _ in 0..ADMIN_CONNECTIONS_MAX {
            let (offers, left) = (self.clone(), Arc::clone(&left));
            makers.spawn(async move {
                let mut made = Vec::new();
                let one_less = |left: u32| left.checked_sub(1);
                while left.fetch_update(Relaxed, Relaxed, one_less).is_ok() {
                    made.extend(offers.next_in_time().await?);
                }
                Ok(made)
            });
        }
        let made: Result<Vec<_>, Trouble> = makers.join_all().await.into_iter().collect();
        let made = made.map_err(|trouble| trouble.failure("offer"))?.concat();
        Ok(Self::List(Arc::new(Mutex::new(made.into_iter()))))
    }

    /// The next one, also from an issuer that has too much to do just now.
    async fn next_in_time(&self) -> Result<Option<Made>, Trouble> {
        for _ in 0..ATTEMPTS_MAX {
            match self.next().await {
                Err(Trouble { retry_after: Some(pause), .. }) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
        }
        self.next().await
    }

    /// One offer and no other.
    pub(super) fn only(made: Made) -> Self {
        Self::List(Arc::new(Mutex::new(vec![made].into_iter())))
    }

    /// Reads a whole list before anything is measured.
    pub(super) fn list(file: &Path) -> Result<Self, Failure> {
        let mut text = String::new();
        let read = if file.as_os_str() == "-" {
            io::stdin().lock().take(LIST_BYTES_MAX).read_to_string(&mut text)
        } else {
            let opened = fs::File::open(file);
            opened.and_then(|file| file.take(LIST_BYTES_MAX).read_to_string(&mut text))
        };
        read.map_err(|error| {
            Failure::usage(format!("cannot read the offers of {}: {error}", file.display()))
        })?;
        let offers: Vec<Made> = text.lines().filter_map(Made::read).collect();
        Ok(Self::List(Arc::new(Mutex::new(offers.into_iter()))))
    }

    /// Runs a shell command that prints offers.
    pub(super) fn program(line: &str) -> Self {
        let (ahead, printed) = mpsc::channel(AHEAD_MAX);
        let line = line.to_owned();
        tokio::spawn(async move {
            if let Err(trouble) = run(&line, &ahead).await {
                drop(ahead.send(Err(trouble)).await); // nobody waits when all is over
            }
        });
        Self::Program(Arc::new(tokio::sync::Mutex::new(printed)))
    }
}

/// Runs the command again and again, as long as it ends well and has printed something.
async fn run(line: &str, ahead: &mpsc::Sender<Result<Made, Trouble>>) -> Result<(), Trouble> {
    let failed = |error: io::Error| Trouble::refusal("offer_command", &error);
    loop {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let output = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let mut lines = BufReader::new(output).lines();
        let mut count = 0_u64;
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            let Some(made) = Made::read(&line) else { continue };
            count += 1;
            if ahead.send(Ok(made)).await.is_err() {
                return Ok(());
            }
        }
        let status = child.wait().await.map_err(failed)?;
        if !status.success() || count == 0 {
            let text = format!("{status} after {count} offers");
            return Err(Trouble::refusal("offer_command", &text));
        }
    }
}

/// Makes offers as an operator's program does.
pub(super) struct Admin {
    origin: Arc<Origin>,
    path: Uri,
    authorization: HeaderValue,
    wish: Bytes,
    places: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Admin {
    /// `url` is the address of the admin listener.
    pub(super) fn new(
        url: &str,
        key: &str,
        (configuration_id, claims): (&str, Map<String, Value>),
        trust: &Trust,
    ) -> Result<Self, Failure> {
        let bad = |error: &dyn std::fmt::Display| Failure::usage(format!("--admin {url}: {error}"));
        let url = format!("{}/admin/v1/offers", url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| bad(&error))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", key.trim()))
            .map_err(|_| Failure::usage("the file of --key-file holds no key"))?;
        authorization.set_sensitive(true);
        let wish = json!({
            "credential_configuration_ids": [configuration_id],
            "claims": claims,
        });
        Ok(Self {
            origin: Arc::new(Origin::of(&url, trust)?),
            path: path(&url).map_err(|trouble| bad(&trouble.example))?,
            authorization,
            wish: wish.to_string().into(),
            places: Semaphore::new(ADMIN_CONNECTIONS_MAX),
            idle: Mutex::default(),
        })
    }

    fn for_one_of(&self, threads: usize) -> Self {
        Self {
            origin: Arc::clone(&self.origin),
            path: self.path.clone(),
            authorization: self.authorization.clone(),
            wish: self.wish.clone(),
            places: Semaphore::new(ADMIN_CONNECTIONS_MAX.div_ceil(threads)),
            idle: Mutex::default(),
        }
    }

    async fn make(&self) -> Result<Made, Trouble> {
        let closed = |error| Trouble::network("connection", &error);
        let _place = self.places.acquire().await.map_err(closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle.filter(Connection::is_open) {
            Some(connection) => connection,
            None => self.origin.connect().await?,
        };
        let answer = connection.ask(self.request()).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        let answer: Value = serde_json::from_slice(&answer.success()?).unwrap_or_default();
        let text = |name| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let link = text("uri").ok_or_else(|| Trouble::refusal("no_offer", &answer))?;
        Ok(Made { link, tx_code: text("tx_code") })
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.wish.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}

/// The claims of a file.
pub(super) fn claims(file: &Path) -> Result<Map<String, Value>, Failure> {
    let bad = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the claims of {}: {error}", file.display()))
    };
    let text = fs::read(file).map_err(|error| bad(&error))?;
    serde_json::from_slice(&text).map_err(|error| bad(&error))
}

/// No offer came, so nothing can be measured.
pub(super) fn none() -> Failure {
    Failure::new(Kind::Usage, "no_offers", "there are no offers")
}
