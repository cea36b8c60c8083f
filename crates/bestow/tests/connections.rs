//! Connections as a flood or a stuck peer meets them: places, deadlines, and operators let in.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use process::{Process, text};
use serde_json::json;

mod process;

/// An HTTP/2 connection without TLS: preface and settings, then one GET of `/healthz`.
const HTTP2_REQUEST: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x44\x08/healthz\x41\x01x";

/// How long a peer may take for its headers.
const HEADERS_TIME_MAX: Duration = Duration::from_secs(10);

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// How long it took until the other side closed the connection.
fn time_to_close(mut stream: TcpStream) -> Duration {
    let (begun, mut rest) = (Instant::now(), Vec::new());
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
    begun.elapsed()
}

/// Q01: one address does not take all places, and none of them is the operator's.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_is_refused_and_told() {
    let mut issuer = Process::init();
    issuer.configure("connections_per_address", "8");
    issuer.start().await;
    let public = issuer.url().replace("https://", "");
    let held: Vec<TcpStream> = (0..8).map(|_| connect(&public)).collect();
    std::thread::sleep(Duration::from_millis(200));
    for _ in 0..20 {
        assert!(time_to_close(connect(&public)) < Duration::from_secs(2), "no place for it");
    }
    let (status, _) = issuer.caller().offer(&json!({})).await.unwrap();
    assert_eq!(status, 201, "operators have places of their own");
    let told = issuer.log().matches("all places are taken").count();
    assert!((1..=6).contains(&told), "told, but not for each: {told}");
    drop(held);
    let metadata = format!("{}/.well-known/openid-credential-issuer", issuer.url());
    let begun = Instant::now();
    while issuer.caller().get(&metadata).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5), "places are given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Q03: an HTTP/2 connection that only stays is ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_ended() {
    let mut issuer = Process::init();
    issuer.configure("request_seconds", "1");
    issuer.configure("idle_seconds", "2");
    issuer.start().await;
    let mut stream = connect(&issuer.admin());
    stream.write_all(HTTP2_REQUEST).unwrap();
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).unwrap(); // a frame came: it was understood
    let took = time_to_close(stream);
    assert!((Duration::from_secs(1)..Duration::from_secs(6)).contains(&took), "{took:?}");
}

/// Wallets and proxies keep connections: one may be silent for `idle_seconds`, between requests too.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_as_long_as_configured() {
    let mut issuer = Process::init();
    issuer.start().await; // for 60 seconds
    let mut stream = connect(&issuer.admin());
    let mut ask = || {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = [0; 4096];
        assert!(stream.read(&mut rest).unwrap() > 0);
    };
    ask();
    tokio::time::sleep(HEADERS_TIME_MAX + Duration::from_secs(2)).await;
    ask();
}

/// Q02: whoever dawdles with a request meets a deadline, and so does one who sends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_request_is_ended() {
    let issuer = Process::running().await;
    let silent = connect(&issuer.admin());
    let mut slow = connect(&issuer.admin());
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A").unwrap();
    for stream in [silent, slow] {
        let took = time_to_close(stream);
        assert!(took < HEADERS_TIME_MAX + Duration::from_secs(5), "{took:?}");
    }
}

/// X20: what is written to a file that somebody took away would be lost: not ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_taken_away_is_not_ready() {
    let mut issuer = Process::running().await;
    let database = issuer.file("bestow.db");
    let aside = issuer.file("aside.db");
    fs::rename(&database, &aside).unwrap();
    let ready = format!("http://{}/readyz", issuer.admin());
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 503);
    assert!(issuer.log().contains("bestow.db"), "{}", issuer.log());
    fs::rename(&aside, &database).unwrap();
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200, "it heals by itself");
    issuer.signal("TERM");
    assert_eq!(issuer.ended().await.code(), Some(0));
}

/// A range of the configuration that would cut requests short.
#[test]
fn idle_time_is_longer_than_a_request_may_take() {
    let issuer = Process::init();
    issuer.configure("request_seconds", "60");
    issuer.configure("idle_seconds", "60");
    let checked = issuer.command(&["check-config"]);
    assert!(text(&checked.stderr).contains("61 to 3600"), "{}", text(&checked.stderr));
}
