//! `bestow issuer serve` as an operator meets it: signals, health, and starts that are refused.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemClock};
use process::{Process, bestow, claims, client, names_line, text};
use reqwest::Client;
use serde_json::json;

mod process;

/// The exit code for usage and configuration.
const USAGE: i32 = 2;

/// Begins a request for an offer and holds back the end of its body.
fn half_a_request(issuer: &Process) -> (TcpStream, String) {
    let body = json!({ "credential_configuration_ids": ["student_card"], "claims": claims() });
    let body = body.to_string();
    let head = format!(
        "POST /admin/v1/offers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\n\r\n",
        issuer.caller().key,
        body.len()
    );
    let mut stream = TcpStream::connect(issuer.admin()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(format!("{head}{first}").as_bytes()).unwrap();
    (stream, rest.to_owned())
}

/// X47: what has begun is finished, nothing new is taken, and the end is a success.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_in_flight() {
    let mut issuer = Process::running().await;
    let idle = TcpStream::connect(issuer.admin()).unwrap();
    let (mut stream, rest) = half_a_request(&issuer);
    tokio::time::sleep(Duration::from_millis(200)).await;
    issuer.signal("TERM");
    let begun = Instant::now();
    while TcpStream::connect(issuer.admin()).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it still takes connections");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    drop(idle);
    assert_eq!(issuer.ended().await.code(), Some(0), "{}", issuer.log());
    let made: serde_json::Value =
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    issuer.start().await;
    let (_, standing) = issuer.caller().standing(made["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(standing["state"], "created");
}

/// Whoever never finishes does not hold the others up for ever.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_waits_no_longer_than_configured() {
    let mut issuer = Process::init();
    issuer.configure("shutdown_seconds", "1");
    issuer.start().await;
    let (_stream, _rest) = half_a_request(&issuer);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    issuer.signal("TERM");
    assert_eq!(issuer.ended().await.code(), Some(0));
    let took = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&took), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_ends_it_too() {
    let mut issuer = Process::running().await;
    issuer.signal("INT");
    assert_eq!(issuer.ended().await.code(), Some(0));
}

async fn is_served(issuer: &Process, authority: &str) -> bool {
    let address = format!("{}/.well-known/openid-credential-issuer", issuer.url());
    client(authority).get(address).send().await.is_ok_and(|answer| answer.status() == 200)
}

/// Q07: a new certificate without a restart, and a broken one is not taken.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_the_certificate_again() {
    let issuer = Process::running().await;
    let old = issuer.authority();
    assert!(is_served(&issuer, &old).await);
    let now = SystemClock.now();
    let authority = DevelopmentCa::generate("Another CA", now).unwrap();
    let (certificate, key) = authority.tls_certificate(&["localhost".to_owned()], now).unwrap();
    fs::write(issuer.file("tls/cert.pem"), &certificate).unwrap();
    fs::write(issuer.file("tls/key.pem"), key.as_bytes()).unwrap();
    let new = authority.certificate_pem();
    assert!(!is_served(&issuer, new).await, "not before it is asked to");
    issuer.signal("HUP");
    let begun = Instant::now();
    while !is_served(&issuer, new).await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", issuer.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!is_served(&issuer, &old).await);
    fs::write(issuer.file("tls/cert.pem"), "broken").unwrap();
    issuer.signal("HUP");
    while !issuer.log().contains("the old certificates stay in use") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", issuer.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_served(&issuer, new).await);
}

/// P18: health is for load balancers, on the admin listener alone.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_on_the_admin_listener() {
    let issuer = Process::running().await;
    for path in ["healthz", "readyz"] {
        let answer = Client::new().get(format!("http://{}/{path}", issuer.admin())).send().await;
        assert_eq!(answer.unwrap().status(), 200);
        let (public, _) = issuer.caller().get(&format!("{}/{path}", issuer.url())).await.unwrap();
        assert_eq!(public, 404);
    }
}

/// Runs `serve`, which must refuse; what it says comes back.
fn refused(issuer: &Process) -> String {
    let output = issuer.command(&["serve"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(USAGE), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    told
}

/// X39
#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_named_with_its_key() {
    let issuer = Process::running().await;
    let told = refused(&issuer);
    assert!(told.contains("[server] listen"), "{told}");
    assert!(told.contains(issuer.url().rsplit(':').next().unwrap()), "{told}");
    let other = Process::init();
    let config = fs::read_to_string(other.file("bestow.toml")).unwrap();
    let (front, back) = config.split_once("[admin]").unwrap();
    let listen = format!("[admin]\nlisten = \"{}\"", issuer.admin());
    fs::write(other.file("bestow.toml"), format!("{front}{listen}{back}")).unwrap();
    let told = refused(&other);
    assert!(told.contains("[admin] listen") && told.contains(&issuer.admin()), "{told}");
}

/// X39, X41: `serve` changes no schema; it names the command that does.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_schema_is_refused() {
    let mut issuer = Process::init();
    let database = issuer.file("bestow.db");
    let mut file = fs::File::options().write(true).open(&database).unwrap();
    file.seek(SeekFrom::Start(60)).unwrap(); // `user_version` in the header of every SQLite file
    file.write_all(&99u32.to_be_bytes()).unwrap();
    drop(file);
    let told = refused(&issuer);
    assert!(told.contains("newer"), "{told}");
    let newer = fs::read(&database).unwrap();
    assert!(!issuer.command(&["migrate"]).status.success());
    assert_eq!(fs::read(&database).unwrap(), newer, "nothing was changed");
    fs::remove_file(&database).unwrap();
    let told = refused(&issuer);
    assert!(told.contains("bestow issuer migrate"), "{told}");
    let migrated = issuer.command(&["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    issuer.start().await;
}

/// X39: file, line, and what to do; `check-config` says the same.
#[test]
fn a_mistake_in_the_configuration_is_told_with_its_line() {
    let mistakes: [(&str, &[&str]); 5] = [
        ("nmae = \"x\"\n", &["nmae"]),
        ("[server]\ntls = \"off\"\n", &["trusted_proxies"]),
        ("[server]\nconnections = 1\n", &["connections"]),
        ("[token]\nexpires_in = 301\n", &["300"]),
        ("[offer]\nexpires_in = \"soon\"\n", &["soon"]),
    ];
    let issuer = Process::init();
    let file = issuer.file("bestow.toml");
    for (mistake, named) in mistakes {
        fs::write(&file, format!("url = \"{}\"\n{mistake}", issuer.url())).unwrap();
        let checked = issuer.command(&["check-config"]);
        assert_eq!(checked.status.code(), Some(USAGE));
        for told in [refused(&issuer), text(&checked.stderr)] {
            assert!(names_line(&told, &file), "{told}");
            assert!(named.iter().all(|name| told.contains(name)), "{told}");
        }
    }
}

/// R03: a key that others may read, or that is not there.
#[test]
fn keys_that_others_may_read_are_refused() {
    let issuer = Process::init();
    let key = issuer.file("keys/offer.mac");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let told = refused(&issuer);
    assert!(told.contains("offer.mac"), "{told}");
    fs::remove_file(&key).unwrap();
    assert!(refused(&issuer).contains("offer.mac"));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = bestow(&["issuer", "serve", "--config", "no/such/bestow.toml"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(told.contains("no/such/bestow.toml") && told.contains("bestow issuer init"), "{told}");
}

/// Behind a reverse proxy: plain HTTP, with the addresses of the configuration.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_it_serves_without_tls() {
    let mut issuer = Process::init();
    issuer.configure("tls", "\"off\"");
    issuer.configure("trusted_proxies", "[\"127.0.0.1\"]");
    issuer.start().await;
    let plain = issuer.url().replace("https", "http");
    let answer = Client::new().get(format!("{plain}/.well-known/openid-credential-issuer"));
    let answer = answer.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(&format!("{}/credential", issuer.url())), "{answer}");
}
