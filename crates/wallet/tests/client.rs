//! The wallet's HTTP client: where it connects, what it accepts, how it says what went wrong.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use url::Url;
use wallet::client::{ClientError, ClientOptions, GuardedClient};
use wallet::http::{Http, HttpError, Request, Response};

/// Answers every connection with the same bytes; tells what was asked.
fn server(answer: impl Into<Vec<u8>>) -> (SocketAddr, Receiver<String>) {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, questions) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut question = [0; 4096];
            let read = stream.read(&mut question).unwrap_or(0);
            let question = String::from_utf8_lossy(question.get(..read).unwrap_or_default());
            drop(asked.send(question.into_owned()));
            drop(stream.write_all(&answer));
        }
    });
    (address, questions)
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn loopback() -> ClientOptions {
    ClientOptions { allow_http_loopback: true, ..ClientOptions::default() }
}

async fn get(options: &ClientOptions, url: &str) -> Result<Response, HttpError> {
    let client = GuardedClient::new(options).unwrap();
    client.send(Request::get(Url::parse(url).unwrap())).await
}

#[tokio::test]
async fn an_answer_is_read_to_its_end() {
    let (address, questions) = server(ok("{}"));
    let answer = get(&loopback(), &format!("http://{address}/path?query")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert!(answer.is("application/json") && !answer.is("text/html"));
    let question = questions.recv().unwrap().to_lowercase();
    assert!(question.starts_with("get /path?query http/1.1\r\n"), "{question}");
    assert!(question.contains("user-agent: bestow/"), "{question}");
    assert!(!question.contains("cookie") && !question.contains("accept-encoding"), "{question}");
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_answer_is_read_to_its_end"])
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")))
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    let (address, questions) = server(ok("{}"));
    let url = Url::parse(&format!("http://{address}/nonce")).unwrap();
    GuardedClient::new(&loopback()).unwrap().send(Request::post(url)).await.unwrap();
    let question = questions.recv().unwrap().to_lowercase();
    assert!(question.contains("content-length: 0"), "{question}");
}

/// SEC-21, CRED-01, META-03
#[tokio::test]
async fn plain_http_is_refused_unless_it_stays_on_this_machine() {
    let (address, questions) = server(ok("{}"));
    let strict = ClientOptions::default();
    assert_eq!(get(&strict, &format!("http://{address}/")).await.unwrap_err(), HttpError::NotHttps);
    for url in ["http://example.com/", "http://10.0.0.1/", "file:///etc/passwd", "data:,x"] {
        assert_eq!(get(&loopback(), url).await.unwrap_err(), HttpError::NotHttps, "{url}");
    }
    assert!(questions.try_recv().is_err(), "a packet was sent");
}

#[tokio::test]
async fn private_addresses_are_refused_without_a_packet() {
    let (address, questions) = server("");
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "localhost",
        "localhost.",
        "0.0.0.0",
        "[::1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
    ] {
        let url = format!("https://{host}:{port}/");
        let refused = get(&ClientOptions::default(), &url).await.unwrap_err();
        assert_eq!(refused, HttpError::ForbiddenAddress, "{host}");
    }
    let agreed = ClientOptions { allow_private_addresses: true, ..ClientOptions::default() };
    for options in [ClientOptions::default(), agreed] {
        let refused = get(&options, "https://169.254.169.254/").await.unwrap_err();
        assert_eq!(refused, HttpError::OffLimits);
    }
    assert!(questions.try_recv().is_err(), "a packet was sent");
}

#[tokio::test]
async fn leave_for_this_machine_is_no_leave_for_the_network_around_it() {
    for host in ["10.0.0.1", "192.168.0.1", "[fd00::1]"] {
        let refused = get(&loopback(), &format!("https://{host}/")).await.unwrap_err();
        assert_eq!(refused, HttpError::ForbiddenAddress, "{host}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (inner, inner_questions) = server(ok("{}"));
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{inner}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (outer, _questions) = server(answer);
        let refused = get(&loopback(), &format!("http://{outer}/")).await.unwrap_err();
        assert_eq!(refused, HttpError::Redirected);
    }
    assert!(inner_questions.try_recv().is_err(), "a redirect was followed");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let body = "x".repeat(1001);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         3e9\r\n{body}\r\n0\r\n\r\n"
    );
    for answer in [ok(&body), chunked] {
        let (address, _questions) = server(answer);
        let url = Url::parse(&format!("http://{address}/")).unwrap();
        let client = GuardedClient::new(&loopback()).unwrap();
        let refused = client.send(Request::get(url.clone()).at_most(1000)).await.unwrap_err();
        assert_eq!(refused, HttpError::TooLarge);
        assert_eq!(client.send(Request::get(url).at_most(1001)).await.unwrap().body.len(), 1001);
    }
}

#[tokio::test]
async fn a_server_that_drips_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut request = Request::get(Url::parse(&format!("http://{address}/")).unwrap());
    request.deadline = Duration::from_millis(400);
    let begun = Instant::now();
    let refused = GuardedClient::new(&loopback()).unwrap().send(request).await.unwrap_err();
    assert_eq!(refused, HttpError::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn each_failure_has_its_own_name() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (garbled, _questions) = server("hello, is this a web server?\r\n\r\n");
    let (silent, _questions) = server("");
    for (url, cause) in [
        (format!("http://{closed}/"), HttpError::ConnectionRefused),
        (format!("http://{garbled}/"), HttpError::Garbled),
        (format!("http://{silent}/"), HttpError::Garbled),
        ("https://no-such-host.invalid/".to_owned(), HttpError::UnknownHost),
    ] {
        assert_eq!(get(&loopback(), &url).await.unwrap_err(), cause, "{url}");
    }
    let (no_tls, _questions) = server("HTTP/1.1 400 Bad Request\r\n\r\n");
    let options = ClientOptions { allow_private_addresses: true, ..ClientOptions::default() };
    let refused = get(&options, &format!("https://{no_tls}/")).await.unwrap_err();
    assert_eq!(refused, HttpError::Tls);
}

#[tokio::test]
async fn a_header_that_is_none_is_not_sent() {
    let (address, questions) = server(ok("{}"));
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let request = Request::get(url).header("authorization", "Bearer a\r\nx-evil: b");
    assert!(GuardedClient::new(&loopback()).unwrap().send(request).await.is_err());
    assert!(questions.try_recv().is_err());
}

#[test]
fn an_authority_that_is_no_certificate_is_refused() {
    for text in
        ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let options =
            ClientOptions { extra_authorities: vec![text.to_owned()], ..ClientOptions::default() };
        assert_eq!(GuardedClient::new(&options).unwrap_err(), ClientError::BadAuthority, "{text}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let request = Request::post(Url::parse("https://issuer.example/offers/canary").unwrap())
        .header("authorization", "Bearer canary")
        .body("text/plain", b"canary".to_vec());
    assert!(!format!("{request:?}").contains("canary"));
    let answer = Response {
        status: 200,
        content_type: None,
        headers: vec![("DPoP-Nonce", "canary".to_owned())],
        body: b"canary".to_vec(),
    };
    assert!(!format!("{answer:?}").contains("canary"));
}
