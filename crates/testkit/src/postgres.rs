//! A PostgreSQL server of our own: made from Debian's package, in a folder that goes with it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use issuer::store::postgres::{Address, Options, Postgres, migrate};
use keys::outside::SystemRandom;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long a start may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// One server, running or not.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    port: u16,
    programs: PathBuf,
    databases: AtomicUsize,
}

impl Server {
    /// One server for all tests of a program that run at the same time; the last of them ends it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Makes a cluster and starts it, on a port of its own on this machine.
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same with lines of `postgresql.conf`.
    pub fn with(settings: &str) -> Self {
        let server = Self::make(settings);
        server.resume();
        server
    }

    fn make(more: &str) -> Self {
        let server = Self {
            folder: TempDir::new().unwrap(),
            port: free_port(),
            programs: programs(),
            databases: AtomicUsize::new(0),
        };
        let folder = server.folder.path();
        if let Some((user, group)) = unprivileged() {
            chown(folder, Some(user), Some(group)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        server.run(
            "initdb",
            &[
                "--auth=trust",
                "--username=bestow",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "--pgdata",
                &server.data(),
            ],
        );
        let settings = format!(
            "listen_addresses = '127.0.0.1, 127.0.0.2'\nport = {}\nunix_socket_directories = '{}'\n\
             max_connections = 200\nlog_destination = 'stderr'\nlog_line_prefix = '%d|'\n{more}\n",
            server.port,
            folder.display()
        );
        let file = Path::new(&server.data()).join("postgresql.auto.conf");
        fs::write(file, settings).unwrap();
        server
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// The folder of its Unix socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts it again, and waits until it answers.
    pub fn resume(&self) {
        let log = self.folder.path().join("log").display().to_string();
        let wait = PATIENCE.as_secs().to_string();
        self.run(
            "pg_ctl",
            &[
                "start",
                "--silent",
                "--wait",
                "--timeout",
                &wait,
                "--log",
                &log,
                "--pgdata",
                &self.data(),
            ],
        );
    }

    /// Ends it; `immediate` leaves it no moment to finish anything, as SIGKILL and a power cut do.
    pub fn stop(&self, mode: &str) {
        self.run(
            "pg_ctl",
            &["stop", "--silent", "--wait", "--mode", mode, "--pgdata", &self.data()],
        );
    }

    /// Puts a line before all others of `pg_hba.conf`.
    pub fn allow(&self, line: &str) {
        let file = Path::new(&self.data()).join("pg_hba.conf");
        let lines = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{line}\n{lines}")).unwrap();
        self.reload();
    }

    /// Offers TLS with a certificate and its key, both as PEM.
    pub fn use_tls(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = Path::new(&self.data()).join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = unprivileged() {
                chown(&file, Some(user), Some(group)).unwrap();
            }
        }
        let file = Path::new(&self.data()).join("postgresql.auto.conf");
        let settings = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{settings}ssl = on\n")).unwrap();
        self.reload();
    }

    fn reload(&self) {
        self.run("pg_ctl", &["reload", "--silent", "--pgdata", &self.data()]);
    }

    /// Runs one of its programs, as a user that may be no administrator of this machine.
    fn run(&self, name: &str, arguments: &[&str]) {
        let program = self.programs.join(name);
        let mut command = match unprivileged() {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &user.to_string(), "--regid", &group.to_string()]);
                command.arg("--clear-groups").arg(program);
                command
            }
        };
        let output = File::create(self.folder.path().join("output")).unwrap();
        let status = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .status()
            .unwrap();
        let output = fs::read_to_string(self.folder.path().join("output")).unwrap();
        assert!(status.success(), "{name}: {output}{}", self.log());
    }

    /// A new, empty database.
    pub async fn database(&self) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let client = self.client("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let address = format!("postgres://bestow@127.0.0.1:{}/{name}", self.port);
        Database { server: self, address: Address::parse(&address).unwrap(), name }
    }

    /// A new database with the tables of an issuer.
    pub async fn migrated(&self) -> Database<'_> {
        let database = self.database().await;
        assert!(migrate(&database.options()).await.unwrap() > 0);
        database
    }

    /// A connection of the test's own, past the store.
    pub async fn client(&self, database: &str) -> Client {
        let config = format!("host=127.0.0.1 port={} user=bestow dbname={database}", self.port);
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let file = Path::new(&self.data()).join("postmaster.pid");
        if file.exists() {
            self.stop("immediate");
        }
    }
}

/// One database of a server.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Server,
    /// As `bestow.toml` would have it.
    pub address: Address,
    /// Its name.
    pub name: String,
}

impl Database<'_> {
    /// How the store gets at it.
    pub fn options(&self) -> Options<'_> {
        Options { address: &self.address, password_file: None, ca: None }
    }

    /// The store of one node.
    pub async fn open(&self, issuer_id: &str) -> Postgres {
        Postgres::open(&self.options(), issuer_id, &SystemRandom).await.unwrap()
    }

    /// The same database behind another port of this machine.
    pub fn behind(&self, port: u16) -> Address {
        Address::parse(&format!("postgres://bestow@127.0.0.1:{port}/{}", self.name)).unwrap()
    }

    /// Changes a setting for connections to come.
    pub async fn set(&self, setting: &str) {
        let sql = format!("ALTER DATABASE {} SET {setting}", self.name);
        self.client().await.batch_execute(&sql).await.unwrap();
    }

    /// Cuts every connection of a store, as a restarted balancer between them would.
    pub async fn cut(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = $1 AND application_name = 'bestow'";
        self.client().await.query(sql, &[&self.name]).await.unwrap();
    }

    /// A connection of the test's own, past the store.
    pub async fn client(&self) -> Client {
        self.server.client(&self.name).await
    }
}

/// The newest version that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("Debian's package postgresql");
    let versions = versions.map(|entry| entry.unwrap().path());
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter(|path| path.join("bin/postgres").exists()).max_by_key(version);
    newest.expect("a server below /usr/lib/postgresql").join("bin")
}

/// PostgreSQL refuses to run as root: then it runs as the user of its package.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let id = |kind: &str| {
        let told = Command::new("id").args([kind, "postgres"]).output().unwrap();
        String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
    };
    is_root.then(|| (id("-u"), id("-g")))
}

/// A port that no outgoing connection is given by chance: a server that is away for a moment must
/// find it free.
fn free_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let port = u16::try_from(15_000 + (std::process::id() * 101 + count) % 15_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for something that takes a moment.
pub async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
