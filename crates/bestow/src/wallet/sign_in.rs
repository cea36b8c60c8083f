//! Signing in with an issuer from the terminal: the browser comes back to this machine (RFC 8252 §7.3).

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::exit::{Failure, Kind};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long a browser may take to send its request.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 32 * 1024;
/// Where the browser comes back to; an issuer registers it without a port.
const PATH: &str = "/cb";
const STYLE: &str =
    "main{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}";
const SCRIPT: &str = "history.replaceState(null,'',location.pathname)";
/// Nothing but these two.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
    script-src 'sha256-UBodp8UhLR9ASBc1PNRKcs3r2CjAFWxCbrUGPN7u1jo='";

/// Waits for the browser on a port of this machine that nobody knew before.
pub(crate) struct Return {
    listener: TcpListener,
    port: u16,
}

impl Return {
    /// Takes a free port of 127.0.0.1: another machine cannot reach it.
    pub(crate) async fn open() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::own_fault)?;
        let port = listener.local_addr().map_err(Failure::own_fault)?.port();
        Ok(Self { listener, port })
    }

    /// What the issuer is told.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// The query that the browser brings, within ten minutes. What asks for something else, such as
    /// an icon, is answered and not counted.
    pub(crate) async fn query(self) -> Result<String, Failure> {
        let late = |_| {
            Failure::new(Kind::Declined, "no_sign_in", "nobody came back from the sign-in")
                .hint("begin again; the offer may still be good")
        };
        timeout(PATIENCE, self.wait()).await.map_err(late)?
    }

    async fn wait(&self) -> Result<String, Failure> {
        loop {
            let (stream, _) = self.listener.accept().await.map_err(Failure::own_fault)?;
            // A browser that opens a connection and says nothing must not hold up the next one.
            if let Ok(Some(query)) = timeout(REQUEST_TIME_MAX, answer(stream, self.port)).await {
                return Ok(query);
            }
        }
    }
}

async fn answer(mut stream: TcpStream, port: u16) -> Option<String> {
    let head = head(&mut stream).await?;
    let query = query(&head, port).map(str::to_owned);
    let (status, title, text) = match &query {
        Some(_) => ("200 OK", "Thank you", "You can close this window and go back to the wallet."),
        None => ("404 Not Found", "There is nothing here", "Go back to the wallet."),
    };
    let page = page(title, text);
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: {POLICY}\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    // The person has done their part, whether or not the browser waits for our word.
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
    query
}

/// The address holds the code that was brought: it is taken out of sight, and nothing is loaded.
fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><meta name=color-scheme \
         content=\"light dark\"><link rel=icon href=data:,><title>{title}</title>\
         <style>{STYLE}</style><main><h1>{title}</h1><p>{text}</p></main>\
         <script>{SCRIPT}</script></html>"
    )
}

/// The request up to its empty line.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= REQUEST_BYTES_MAX {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// The query of a browser that comes back. `Host` must be ours: a page elsewhere that has a name for
/// this machine is not the issuer's.
fn query(head: &str, port: u16) -> Option<&str> {
    let mut lines = head.split("\r\n");
    let mut request = lines.next()?.split(' ');
    if request.next() != Some("GET") {
        return None;
    }
    let (path, query) = request.next()?.split_once('?')?;
    let host = format!("127.0.0.1:{port}");
    let is_ours = lines
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| name.eq_ignore_ascii_case("host") && value.trim() == host);
    (path == PATH && is_ours).then_some(query)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use keys::digest::sha256;

    use super::{POLICY, SCRIPT, query};

    #[test]
    fn the_policy_lets_the_one_script_run() {
        let hash = BASE64_STANDARD.encode(sha256(SCRIPT.as_bytes()));
        assert!(POLICY.ends_with(&format!("'sha256-{hash}'")), "{hash}");
    }

    #[test]
    fn only_the_browser_that_comes_back_is_heard() {
        let ask = |line: &str, host: &str| {
            let head = format!("{line} HTTP/1.1\r\nAccept: */*\r\nhost: {host}\r\n\r\n");
            query(&head, 4711).map(str::to_owned)
        };
        let ours = "127.0.0.1:4711";
        assert_eq!(ask("GET /cb?code=c&state=s", ours).as_deref(), Some("code=c&state=s"));
        assert_eq!(ask("GET /favicon.ico", ours), None);
        assert_eq!(ask("GET /other?code=c", ours), None);
        assert_eq!(ask("POST /cb?code=c", ours), None);
        assert_eq!(ask("GET /cb?code=c", "evil.example:4711"), None, "DNS rebinding");
        assert_eq!(query("GET /cb?code=c HTTP/1.1\r\n\r\n", 4711), None);
    }
}
