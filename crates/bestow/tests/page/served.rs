//! The page in a process of its own, spoken to byte by byte: no client tidies up what is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The program, told nothing by the environment.
pub(crate) fn bestow(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bestow"));
    for name in ["BESTOW_CONFIG", "BESTOW_WALLET", "BESTOW_WALLET_PASSPHRASE_FILE"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// A process that ends with the test.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `bestow wallet serve` with an empty wallet.
pub(crate) struct Served {
    host: String,
    token: String,
    _process: Running,
    store: TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let store = tempfile::tempdir().unwrap();
        let mut command = bestow(&["wallet", "serve"]);
        command.args(arguments).arg("--store").arg(store.path().join("wallet"));
        let mut process = Running::start(&mut command);
        let mut url = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let (host, token) =
            url.trim().strip_prefix("http://").unwrap().split_once("/#token=").unwrap();
        let (host, token) = (host.to_owned(), token.to_owned());
        Self { host, token, _process: process, store }
    }

    pub(crate) fn host(&self) -> String {
        self.host.clone()
    }

    pub(crate) fn port(&self) -> String {
        self.host.rsplit(':').next().unwrap().to_owned()
    }

    /// The wallet's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.store.path().join("wallet")
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Sends just these headers and this body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut connection = TcpStream::connect(&self.host).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let length = body.len();
        write!(connection, "{head}Content-Length: {length}\r\n\r\n").unwrap();
        // Who is refused by the headers may find the door shut before the body is through.
        drop(connection.write_all(body));
        let mut answer = Vec::new();
        drop(connection.read_to_end(&mut answer));
        Answer::read(&String::from_utf8(answer).unwrap())
    }

    /// Asks as the page does.
    pub(crate) fn ask(&self, method: &str, path: &str, cookie: &str, body: &[u8]) -> Answer {
        let origin = format!("http://{}", self.host);
        let mut headers = vec![
            ("Host", self.host.as_str()),
            ("Cookie", cookie),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/json"),
            ("Accept-Language", "en-GB,en;q=0.8"),
        ];
        if method != "GET" {
            headers.push(("Origin", &origin));
        }
        self.send(method, path, &headers, body)
    }

    pub(crate) fn exchange(&self, token: &str) -> Answer {
        let body = json!({ "token": token }).to_string();
        self.ask("POST", "/api/session", "", body.as_bytes())
    }

    /// The cookie that the token is exchanged for.
    pub(crate) fn session(&self) -> String {
        let answer = self.exchange(&self.token);
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self { status, headers: lines.map(header).collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}
