//! A real issuer: the program itself, in a folder and on ports of its own.
#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keys::outside::{Clock as _, SystemClock};
use keys::signer::SoftwareKey;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::by_hand::request;
use testkit::postgres::Server;
use testkit::proof::Draft;
use testkit::wire::{FORM, JSON};

/// How long a start or an end may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where an issuer keeps what it knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// One issuer, running or not.
pub(crate) struct Process {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    /// The server of its database, where it has one.
    server: Option<Arc<Server>>,
}

impl Process {
    /// Makes an issuer as `bestow issuer init` does; it does not run yet.
    pub(crate) fn init() -> Self {
        // Others may have done so before us.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let (folder, port) = (TempDir::new().unwrap(), free_ports());
        let url = format!("https://localhost:{port}");
        let target = folder.path().join("issuer");
        let made = bestow(&["issuer", "init", target.to_str().unwrap(), "--url", &url]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        Self { folder, port, child: None, server: None }
    }

    /// Lets it keep everything in a new database of this server.
    pub(crate) async fn move_to(&mut self, server: Arc<Server>) {
        let address = server.database().await.address;
        self.configure("database", &format!("\"{address}\""));
        let migrated = self.command(&["migrate"]);
        assert!(migrated.status.success(), "{}", text(&migrated.stderr));
        self.server = Some(server);
    }

    /// Becomes another node of the same issuer: the same settings, keys and database.
    pub(crate) fn be_node_of(&mut self, first: &Self) {
        let all = first.file(".");
        let copied = Command::new("cp").arg("--archive").arg(all).arg(self.file("")).status();
        assert!(copied.unwrap().success());
        self.configure("listen", &format!("\"127.0.0.1:{}\"", self.port));
        self.server.clone_from(&first.server);
    }

    /// Makes an issuer with a database of this kind, and starts it.
    pub(crate) async fn running_on(engine: Engine) -> Self {
        let mut process = Self::init();
        if let Engine::Postgres = engine {
            process.move_to(Server::shared()).await;
        }
        process.start().await;
        process
    }

    /// Makes an issuer and starts it.
    pub(crate) async fn running() -> Self {
        Self::running_on(Engine::Sqlite).await
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The address of the admin listener.
    pub(crate) fn admin(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1)
    }

    /// A file of the issuer.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("issuer").join(name)
    }

    /// The authority that its certificates come from, in PEM.
    pub(crate) fn authority(&self) -> String {
        fs::read_to_string(self.file("tls/ca.pem")).unwrap()
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Runs a command of `bestow issuer` on it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let config = self.file("bestow.toml");
        bestow(&[&["issuer"], arguments, &["--config", config.to_str().unwrap()]].concat())
    }

    /// Changes a line of `bestow.toml`, which may be a default that is commented out.
    pub(crate) fn configure(&self, key: &str, value: &str) {
        let written = fs::read_to_string(self.file("bestow.toml")).unwrap();
        let is_key = |line: &&str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
        let line = written.lines().find(is_key).unwrap_or_else(|| panic!("no {key}"));
        let changed = written.replacen(line, &format!("{key} = {value}"), 1);
        fs::write(self.file("bestow.toml"), changed).unwrap();
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&mut self) {
        let log =
            fs::File::options().create(true).append(true).open(self.folder.path().join("log"));
        let child = Command::new(env!("CARGO_BIN_EXE_bestow"))
            .args(["issuer", "serve", "--config"])
            .arg(self.file("bestow.toml"))
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn();
        self.child = Some(child.unwrap());
        let (client, begun) = (Client::new(), Instant::now());
        let ready = format!("http://{}/readyz", self.admin());
        while !client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(begun.elapsed() < PATIENCE, "not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL: not a moment to finish anything.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Dies and comes back.
    pub(crate) async fn crash(&mut self) {
        self.kill();
        self.start().await;
    }

    /// Sends `TERM`, `HUP` and the like.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id();
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it takes to call this issuer, whether it runs or not.
    pub(crate) fn caller(&self) -> Caller {
        let key = fs::read_to_string(self.file("keys/admin.key")).unwrap();
        Caller {
            client: client(&self.authority()),
            credential_issuer: self.url(),
            url: self.url(),
            admin: format!("http://{}/admin/v1", self.admin()),
            key: key.trim().to_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// Somebody who calls an issuer; an error is a connection that broke, everything else an answer.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    /// Whose credentials these are; another node of the same issuer has another `url`.
    pub(crate) credential_issuer: String,
    pub(crate) url: String,
    admin: String,
    pub(crate) key: String,
}

/// Status and JSON of one answer.
pub(crate) type Answer = reqwest::Result<(u16, Value)>;

impl Caller {
    /// Makes an offer of the student card.
    pub(crate) async fn offer(&self, more: &Value) -> Answer {
        let mut wish =
            json!({ "credential_configuration_ids": ["student_card"], "claims": claims() });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = self.client.post(format!("{}/offers", self.admin)).bearer_auth(&self.key);
        answer(request.body(wish.to_string())).await
    }

    /// Where an offer stands.
    pub(crate) async fn standing(&self, id: &str) -> Answer {
        let request = self.client.get(format!("{}/offers/{id}", self.admin));
        answer(request.bearer_auth(&self.key)).await
    }

    /// Reads any address.
    pub(crate) async fn get(&self, address: &str) -> Answer {
        answer(self.client.get(address)).await
    }

    /// Redeems a code.
    pub(crate) async fn token(&self, code: &str) -> Answer {
        let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("{}/token", self.url));
        answer(request.header("content-type", FORM).body(body)).await
    }

    /// Asks for a nonce.
    pub(crate) async fn nonce(&self) -> reqwest::Result<String> {
        let (_, body) = answer(self.client.post(format!("{}/nonce", self.url))).await?;
        Ok(body["c_nonce"].as_str().unwrap().to_owned())
    }

    /// Asks for a credential with a proof of this key and nonce.
    pub(crate) async fn credential(&self, token: &str, key: &SoftwareKey, nonce: &str) -> Answer {
        let draft = Draft::new(key, &self.credential_issuer, SystemClock.now().0, nonce);
        let body = request("student_card", &[draft.sign(key).await]);
        let request = self.client.post(format!("{}/credential", self.url)).bearer_auth(token);
        answer(request.header("content-type", JSON).body(body.to_string())).await
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let answer = request.send().await?;
    let (status, body) = (answer.status().as_u16(), answer.bytes().await?);
    Ok((status, serde_json::from_slice(&body).unwrap()))
}

/// What a student card needs.
pub(crate) fn claims() -> Value {
    json!({
        "given_name": "Erika",
        "family_name": "Mustermann",
        "birth_date": "2003-08-12",
        "student_id": "20260815",
    })
}

/// A client that trusts one authority and nobody else.
pub(crate) fn client(authority: &str) -> Client {
    let trusted = Certificate::from_pem_bundle(authority.as_bytes()).unwrap();
    let builder = Client::builder().no_proxy().tls_certs_only(trusted);
    builder.timeout(Duration::from_secs(10)).build().unwrap()
}

/// Runs the program to its end.
pub(crate) fn bestow(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bestow"));
    command.args(arguments).env_remove("BESTOW_CONFIG").stdin(Stdio::null()).output().unwrap()
}

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Two ports side by side that nobody listens on.
pub(crate) fn free_ports() -> u16 {
    loop {
        let public = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = public.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// Whether a text names a file and a line in it.
pub(crate) fn names_line(text: &str, file: &Path) -> bool {
    let place = format!("{}:", file.display());
    let after = text.split_once(&place).map(|(_, after)| after);
    after.is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}
