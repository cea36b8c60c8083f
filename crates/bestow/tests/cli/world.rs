//! An issuer and a wallet in a folder of their own, worked by the program alone.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for a server to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// Below the ports that the system hands out by itself.
const PORTS_FROM: u16 = 20_000;

/// What `bestow` did.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The one object on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Insists on the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code:?}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

/// The type of an mdoc.
pub(crate) const BADGE: &str = r#"
    format = "mso_mdoc"
    doctype = "org.example.badge.1.badge"
    validity_days = 30
    [[display]]
    name = "Badge"
    locale = "en"
    [[claims]]
    path = ["org.example.badge.1", "room"]
    type = "integer"
    required = true
    example = 7
"#;

/// A folder with `issuer/` and `wallet/`.
pub(crate) struct World {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl World {
    /// Makes the issuer; it does not serve yet.
    pub(crate) fn new() -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let world = Self { folder, port, server: None };
        let url = format!("https://localhost:{port}");
        let name = "Riverside University";
        world.bestow(&["issuer", "init", "issuer", "--url", &url, "--name", name]).exits(0);
        world
    }

    /// Makes the issuer and serves it.
    pub(crate) fn serving() -> Self {
        let mut world = Self::new();
        world.serve();
        world
    }

    pub(crate) fn serve(&mut self) {
        let log = File::create(self.path("serve.log")).unwrap();
        let mut serve = self.command(&["issuer", "serve"]);
        self.server = Some(serve.stderr(log).spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("localhost", self.port + 1)).is_err() {
            assert!(began.elapsed() < PATIENCE, "no server: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// How often the server has logged a text; its lines come a moment later than its answers.
    pub(crate) fn logged(&self, text: &str) -> usize {
        let began = Instant::now();
        while !self.log().contains(text) && began.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
        }
        self.log().matches(text).count()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The program, in the folder, with its issuer and its wallet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bestow"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("BESTOW_CONFIG", self.path("issuer/bestow.toml")),
            ("BESTOW_WALLET", self.path("wallet")),
            ("SOFTHSM2_CONF", self.path("softhsm2.conf")), // of a test with a key in hardware
        ]
    }

    pub(crate) fn bestow(&self, arguments: &[&str]) -> Outcome {
        self.bestow_reading(arguments, b"")
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn bestow_reading(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that needs no input may be gone before it got any.
        drop(child.stdin.take().unwrap().write_all(input));
        let output = child.wait_with_output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `wallet receive` by a script that trusts the issuer's authority.
    pub(crate) fn receive(&self, offer: &str, more: &[&str]) -> Outcome {
        self.bestow(&[&["wallet", "receive", offer], TRUST, &["--yes"], more].concat())
    }

    /// `issuer offer --json` with example claims.
    pub(crate) fn offer(&self, arguments: &[&str]) -> Value {
        let command = [&["issuer", "offer", "--sample", "--json"], arguments].concat();
        self.bestow(&command).exits(0).json()
    }

    /// The link of such an offer.
    pub(crate) fn link(&self, arguments: &[&str]) -> String {
        text(&self.offer(arguments), "uri")
    }

    /// How the offer stands, as the admin API tells it.
    pub(crate) fn offer_state(&self, id: &str) -> String {
        text(&self.admin("GET", &format!("/admin/v1/offers/{id}")), "state")
    }

    /// What the admin API answers.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Value {
        let key = fs::read_to_string(self.path("issuer/keys/admin.key")).unwrap();
        let mut stream = TcpStream::connect(("localhost", self.port + 1)).unwrap();
        let key = key.trim();
        let head = "Host: localhost\r\nConnection: close\r\nAuthorization: Bearer";
        write!(stream, "{method} {path} HTTP/1.1\r\n{head} {key}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// Trust in what `issuer init` made, for TLS and for credentials.
pub(crate) const TRUST: &[&str] =
    &["--ca", "issuer/tls/ca.pem", "--trust-anchor", "issuer/tls/ca.pem"];

/// A text member of an object.
#[track_caller]
pub(crate) fn text(object: &Value, name: &str) -> String {
    object
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{name}: {object}"))
        .to_owned()
}

/// The names of the members, sorted.
pub(crate) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Two ports beside each other that nobody uses; no test gets those of another.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = PORTS_FROM + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(2, Ordering::Relaxed);
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
}
