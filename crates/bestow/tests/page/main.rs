//! The wallet's page as a browser, or somebody who would like to be one, meets it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use serde_json::json;

use crate::served::{Answer, Served};

mod flow;
mod served;

/// Every question of the page, and a way to ask it.
const QUESTIONS: [(&str, &str); 11] = [
    ("GET", "/api/cards"),
    ("GET", "/api/cards/1"),
    ("GET", "/api/cards/1/picture"),
    ("GET", "/api/cards/1/raw"),
    ("DELETE", "/api/cards/1"),
    ("POST", "/api/scan/text"),
    ("POST", "/api/scan/picture"),
    ("POST", "/api/scan/frame?width=1&height=1"),
    ("GET", "/api/flows/1"),
    ("POST", "/api/flows/1"),
    ("GET", "/api/flows/1/cards/0/picture"),
];

fn refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (403, code), "{}", answer.body);
}

#[test]
fn a_strangers_name_for_this_machine_is_refused() {
    let page = Served::start();
    let cookie = page.session();
    let port = page.port();
    let strangers = [
        format!("rebound.example:{port}"),
        "127.0.0.1".to_owned(),
        "localhost:1".to_owned(),
        format!("127.0.0.1:{port}.rebound.example"),
        format!("127.0.0.2:{port}"),
    ];
    for host in &strangers {
        for path in ["/", "/assets/wallet.js", "/api/cards", "/nothing"] {
            let answer = page.send("GET", path, &[("Host", host), ("Cookie", &cookie)], b"");
            refused(&answer, "wrong_host");
        }
    }
    refused(&page.send("GET", "/", &[], b""), "wrong_host");
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}")] {
        assert_eq!(page.send("GET", "/", &[("Host", &host)], b"").status, 200);
    }
}

#[test]
fn the_token_is_exchanged_once_for_a_strict_cookie() {
    let page = Served::start();
    refused(&page.exchange("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "dead_token");
    let opened = page.exchange(page.token());
    assert_eq!(opened.status, 204);
    let cookie = opened.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/api"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
    }
    assert!(!cookie.contains(page.token()) && !cookie.contains("Domain"), "{cookie}");
    let again = page.exchange(page.token());
    refused(&again, "dead_token");
    assert_eq!(again.header("set-cookie"), None);
}

#[test]
fn without_the_cookie_nothing_is_told_or_done() {
    let page = Served::start();
    let forged = format!("bestow-{}=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", page.port());
    for (method, path) in QUESTIONS {
        refused(&page.ask(method, path, "", b""), "no_session");
        refused(&page.ask(method, path, &forged, b""), "no_session");
    }
    drop(page.session());
    for (method, path) in QUESTIONS {
        refused(&page.ask(method, path, "", b""), "no_session");
        refused(&page.ask(method, path, &forged, b""), "no_session");
    }
}

#[test]
fn another_page_can_neither_ask_nor_change_anything() {
    let page = Served::start();
    let token = json!({ "token": page.token() }).to_string();
    let (host, port) = (page.host(), page.port());
    let others = [
        "null".to_owned(),
        "http://evil.example".to_owned(),
        format!("https://{host}"),
        format!("http://localhost:{port}"),
        "http://127.0.0.1:1".to_owned(),
    ];
    for origin in &others {
        let json = ("Content-Type", "application/json");
        let headers = [("Host", host.as_str()), ("Origin", origin), json];
        refused(&page.send("POST", "/api/session", &headers, token.as_bytes()), "wrong_origin");
    }
    let cookie = page.session();
    let with_cookie = [("Host", host.as_str()), ("Cookie", cookie.as_str())];
    for (method, path) in QUESTIONS {
        for origin in &others {
            let headers = [&with_cookie[..], &[("Origin", origin)]].concat();
            refused(&page.send(method, path, &headers, b""), "wrong_origin");
        }
        if method != "GET" {
            refused(&page.send(method, path, &with_cookie, b""), "wrong_origin");
        }
        for site in ["cross-site", "same-site", "none"] {
            let headers = [&with_cookie[..], &[("Sec-Fetch-Site", site)]].concat();
            refused(&page.send(method, path, &headers, b""), "wrong_origin");
        }
    }
    assert_eq!(page.ask("GET", "/api/cards", &cookie, b"").status, 200);
}

#[test]
fn every_answer_carries_a_strict_policy() {
    let page = Served::start();
    for path in ["/", "/assets/wallet.css", "/api/cards", "/nothing"] {
        let answer = page.ask("GET", path, "", b"");
        let policy = answer.header("content-security-policy").unwrap();
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn the_page_has_nothing_inline_and_nothing_from_elsewhere() {
    let page = Served::start();
    let html = page.ask("GET", "/", "", b"").body;
    assert!(!html.contains(" style=") && !html.contains("<style"), "inline style");
    assert!(!html.contains("://") || html.matches("://").count() == 1, "a link leads elsewhere");
    let handlers = [" onclick", " onload", " onerror", "javascript:"];
    assert!(handlers.iter().all(|handler| !html.contains(handler)), "inline handler");
    let scripts: Vec<&str> = html.split("<script").skip(1).collect();
    assert!(scripts.iter().all(|tag| tag.starts_with(" type=\"module\" src=\"assets/")));
    for name in ["wallet", "api", "page", "card", "scan", "receive"] {
        let script = page.ask("GET", &format!("/assets/{name}.js"), "", b"");
        assert_eq!(script.status, 200, "{name}");
        assert!(!script.body.contains("innerHTML") && !script.body.contains("insertAdjacentHTML"));
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_a_way_on() {
    let page = Served::start();
    let cookie = page.session();
    let bad = [
        ("/api/scan/text", json!({ "text": "https://issuer.example" }).to_string(), "bad_offer"),
        ("/api/scan/text", json!({ "text": "" }).to_string(), "bad_offer"),
        ("/api/scan/text", "{".to_owned(), "bad_request"),
        ("/api/scan/text", json!({ "link": 1 }).to_string(), "bad_request"),
        ("/api/scan/picture", "no picture".to_owned(), "no_qr_code"),
        ("/api/scan/frame?width=x", String::new(), "bad_request"),
        ("/api/flows/1", json!({ "action": "steal" }).to_string(), "bad_request"),
        ("/api/flows/1", json!({ "action": "agree", "host": "a" }).to_string(), "flow_gone"),
        ("/api/nothing", "{}".to_owned(), "not_found"),
    ];
    for (path, body, code) in bad {
        let answer = page.ask("POST", path, &cookie, body.as_bytes());
        assert!((400..500).contains(&answer.status), "{path} {body}: {}", answer.status);
        assert_eq!(answer.code(), code, "{path} {body}");
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|text| text.len() > 10));
        assert!(answer.json()["error"]["hint"].as_str().is_some_and(|text| text.len() > 10));
    }
    for (method, path, status, code) in [
        ("GET", "/api/cards/%ff", 400, "bad_request"),
        ("DELETE", "/api/cards/%ff", 400, "bad_request"),
        ("GET", "/api/flows/%ff", 400, "bad_request"),
        ("PUT", "/api/cards", 405, "wrong_method"),
        ("POST", "/", 405, "wrong_method"),
        ("GET", "/%ff", 404, "not_found"),
    ] {
        let answer = page.ask(method, path, &cookie, b"");
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}");
    }
    let frame = vec![0; 2_000_000];
    let too_large = page.ask("POST", "/api/scan/frame?width=1&height=1", &cookie, &frame);
    assert_eq!((too_large.status, too_large.code().as_str()), (413, "too_large"));
    assert_eq!(page.ask("GET", "/api/cards/0badc0de", &cookie, b"").code(), "unknown_credential");
}

/// A record that nobody can open any more is listed by the name of its file, and goes by it.
#[test]
fn a_damaged_card_is_named_and_can_be_deleted() {
    let page = Served::start();
    let cookie = page.session();
    let name = "0f".repeat(32);
    std::fs::write(page.folder().join("credentials").join(&name), "spoiled").unwrap();
    let cards = page.ask("GET", "/api/cards", &cookie, b"").json();
    assert_eq!(cards, json!({ "cards": [], "pending": [], "damaged": [name] }));
    let path = format!("/api/cards/{name}");
    assert_eq!(page.ask("GET", &path, &cookie, b"").code(), "store_damaged");
    assert_eq!(page.ask("DELETE", &path, &cookie, b"").status, 204);
    assert_eq!(page.ask("DELETE", &path, &cookie, b"").code(), "unknown_credential");
}

#[test]
fn a_frame_without_a_code_is_no_failure() {
    let page = Served::start();
    let cookie = page.session();
    let frame = page.ask("POST", "/api/scan/frame?width=64&height=64", &cookie, &[128; 64 * 64]);
    assert_eq!((frame.status, frame.json()), (200, json!({ "seen": "nothing" })));
    let wrong_size = page.ask("POST", "/api/scan/frame?width=64&height=63", &cookie, &[0; 64]);
    assert_eq!(wrong_size.json(), json!({ "seen": "nothing" }));
}

#[test]
fn it_listens_on_this_machine_only() {
    let store = tempfile::tempdir().unwrap();
    let output = served::bestow(&["wallet", "serve", "--listen", "0.0.0.0:0", "--store"])
        .arg(store.path().join("wallet"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("loopback"));
}
