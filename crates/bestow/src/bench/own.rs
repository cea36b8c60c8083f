//! `--self`: an issuer of our own in a process of its own, so that its time can be told from ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use formats::path::Step;
use issuer::config::Config;
use issuer::credential_type::ValueType;
use issuer::init::Purpose;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;
use url::Url;

use super::arguments::BenchArguments;
use super::http::Trust;
use super::plan::read;
use super::process::Usage;
use super::stored::store_offers;
use crate::demo::free_ports;
use crate::exit::Failure;
use crate::issuer::init::make_issuer;
use crate::issuer::open;

/// How long the start may take.
const START_TIME_MAX: Duration = Duration::from_mins(1);
/// More than the default is needed only for many idle ones.
const CONNECTIONS_MIN: u32 = 10_000;
/// How long it is left alone before its memory at rest is looked at.
const REST: Duration = Duration::from_millis(500);

/// A running issuer; it ends, and its folder goes, when this is dropped.
pub(super) struct Own {
    process: Child,
    pub(super) url: String,
    pub(super) admin: String,
    pub(super) key_file: PathBuf,
    pub(super) ca: PathBuf,
    config: Config,
    /// From the start of the process to its first answer.
    pub(super) started_in: Duration,
    /// Resident memory before any work.
    pub(super) rest_bytes: u64,
    _folder: TempDir,
}

impl Own {
    /// Makes an issuer in a temporary folder and starts it.
    pub(super) async fn start(arguments: &BenchArguments) -> Result<Self, Failure> {
        let folder = TempDir::with_prefix("bestow-bench-").map_err(Failure::own_fault)?;
        let place = folder.path().join("issuer");
        let port = free_ports()?;
        let url = format!("https://localhost:{port}");
        make_issuer(&place, &url, "Riverside University", Purpose::Service)?;
        let url = if arguments.tls { url } else { format!("http://localhost:{port}") };
        let file = place.join("bestow.toml");
        fs::write(&file, settings(&url, arguments)).map_err(Failure::own_fault)?;
        if arguments.database.is_some() {
            migrate(&file).await?;
        }
        let config = Config::load(&file).map_err(Failure::mistake)?;
        if arguments.stored > 0 {
            store_offers(open(config.clone()).await?, arguments.stored).await?;
        }
        let ca = place.join("tls/ca.pem");
        let begun = Instant::now();
        let mut process = serve(&file, &folder.path().join("log"))?;
        first_answer(&url, &ca, &mut process, &folder.path().join("log")).await?;
        let started_in = begun.elapsed();
        sleep(REST).await;
        let rest = process.id().and_then(Usage::of);
        Ok(Self {
            process,
            url,
            admin: format!("http://127.0.0.1:{}", port.saturating_add(1)),
            key_file: place.join("keys/admin.key"),
            ca,
            config,
            started_in,
            rest_bytes: rest.map_or(0, |usage| usage.memory_bytes),
            _folder: folder,
        })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// The example values of a type, as `bestow issuer sample` prints them; pictures only when they
    /// are wanted, as they cost more than all the rest.
    pub(super) fn sample(
        &self,
        configuration_id: &str,
        with_pictures: bool,
    ) -> Result<Map<String, Value>, Failure> {
        let types = self.config.credential_types().map_err(Failure::mistake)?;
        let Some(credential_type) = types.get(configuration_id) else { return Ok(Map::new()) };
        let mut sample = credential_type.sample();
        for claim in &credential_type.claims {
            if let ([Step::Name(name)], ValueType::Image, false) =
                (claim.path.as_slice(), claim.value_type, with_pictures)
            {
                sample.remove(name);
            }
        }
        Ok(sample)
    }
}

/// What differs from the defaults: the address, and that this machine may have all connections.
fn settings(url: &str, arguments: &BenchArguments) -> String {
    let database = arguments.database.as_deref().unwrap_or("bestow.db");
    let database = Value::from(database);
    let connections = (arguments.idle + arguments.concurrency).max(CONNECTIONS_MIN);
    let tls = if arguments.tls { "files" } else { "off" };
    format!(
        "url = \"{url}\"\n\
         name = \"Riverside University\"\n\
         database = {database}\n\
         [server]\n\
         tls = \"{tls}\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n\
         connections_max = {connections}\n"
    )
}

fn bestow(arguments: &[&str], file: &Path) -> Result<Command, Failure> {
    let program = std::env::current_exe().map_err(Failure::own_fault)?;
    let mut command = Command::new(program);
    command.args(arguments).arg("--config").arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

/// Makes the tables of a database that is not the usual one.
async fn migrate(file: &Path) -> Result<(), Failure> {
    let status = bestow(&["issuer", "migrate"], file)?.status().await;
    if status.map_err(Failure::own_fault)?.success() {
        return Ok(());
    }
    Err(Failure::usage("the database of --database cannot be used; the reason stands above"))
}

/// Logs to a file, as a service does.
fn serve(file: &Path, log: &Path) -> Result<Child, Failure> {
    let log = fs::File::create(log).map_err(Failure::own_fault)?;
    let mut command = bestow(&["issuer", "serve"], file)?;
    command.stderr(log).spawn().map_err(Failure::own_fault)
}

/// Waits until the metadata can be read.
async fn first_answer(
    url: &str,
    ca: &Path,
    process: &mut Child,
    log: &Path,
) -> Result<(), Failure> {
    let trust = Trust::of(Some(ca))?;
    let place = format!("{url}/.well-known/openid-credential-issuer");
    let place = Url::parse(&place).map_err(Failure::own_fault)?;
    let begun = Instant::now();
    loop {
        if let Ok(Ok(_)) = read(&place, &trust).await {
            return Ok(());
        }
        let has_ended = process.try_wait().map_err(Failure::own_fault)?.is_some();
        if has_ended || begun.elapsed() > START_TIME_MAX {
            let told = fs::read_to_string(log).unwrap_or_default();
            return Err(Failure::own_fault(format!("the issuer did not start: {}", told.trim())));
        }
        sleep(Duration::from_millis(1)).await;
    }
}
