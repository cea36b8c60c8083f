//! `bestow bench` counts real flows, and tells what went wrong.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use process::{Process, bestow, claims, text};
use serde_json::{Value, json};

mod process;

/// Short, but longer than a busy disk stands still, and for programs.
const BRIEF: [&str; 7] = ["--duration", "4", "--warm-up", "0", "--concurrency", "4", "--json"];

fn bench(arguments: &[&str]) -> (Option<i32>, Value) {
    let ran = bestow(&[&["bench"], arguments, &BRIEF].concat());
    assert_eq!(text(&ran.stderr), "", "nothing stands beside the object");
    (ran.status.code(), serde_json::from_slice(&ran.stdout).unwrap())
}

#[test]
fn an_issuer_of_its_own_is_measured() {
    let more = ["--stored", "500", "--reconnect", "--batch", "3", "--idle", "20"];
    let (code, report) = bench(&[&["--self"], &more[..]].concat());
    assert_eq!((code, &report["errors"]), (Some(0), &json!([])), "{report}");
    assert_eq!(report["credential_configuration_id"], "student_card");
    let flows = report["flows"].as_u64().unwrap();
    assert!(flows > 10, "{report}");
    for step in ["offer", "fetch", "token", "nonce", "credential", "flow"] {
        assert_eq!(report["steps"][step]["count"], flows, "{step}");
        let time = |name: &str| report["steps"][step][name].as_f64().unwrap();
        assert!(0.0 < time("p50_ms") && time("p50_ms") <= time("p99_ms"), "{step}: {report}");
        assert!(time("p99_ms") <= time("max_ms"), "{step}: {report}");
    }
    for number in ["cpu_ms_per_flow", "memory_mib", "memory_mib_max"] {
        assert!(report["server"][number].as_f64().unwrap() > 0.0, "{number}: {report}");
    }
    assert_eq!((&report["idle"]["opened"], &report["idle"]["open"]), (&json!(20), &json!(20)));
    assert!(report["start_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn another_format_over_tls() {
    let (code, report) = bench(&["--self", "--tls", "--format", "jwt_vc_json", "--single-proof"]);
    assert_eq!((code, &report["errors"]), (Some(0), &json!([])), "{report}");
    assert_eq!((&report["format"], &report["tls"]), (&json!("jwt_vc_json"), &json!(true)));
}

/// A list of offers: each is used once, and one of them is none.
#[tokio::test(flavor = "multi_thread")]
async fn offers_of_a_list_are_used_up() {
    let issuer = Process::running().await;
    let mut lines = vec![String::new(); 3];
    for number in 0..12 {
        let more = json!({ "tx_code": number % 2 == 0, "by_value": number % 3 == 0 });
        let (_, offer) = issuer.caller().offer(&more).await.unwrap();
        let code = offer["tx_code"].as_str().unwrap_or_default();
        lines.push(format!("{} {code}", offer["uri"].as_str().unwrap()));
    }
    lines.push("openid-credential-offer://?nothing=".to_owned());
    let list = issuer.file("offers.txt");
    fs::write(&list, lines.join("\n")).unwrap();
    let (list, ca) = (list.to_str().unwrap(), issuer.file("tls/ca.pem"));
    let ca = ["--ca", ca.to_str().unwrap()];
    let (code, report) = bench(&[&["--offers", list], &ca[..]].concat());
    assert_eq!((code, &report["flows"]), (Some(0), &json!(11)), "one went to try: {report}");
    assert_eq!(report["errors"][0]["step"], "fetch", "{report}");
    assert_eq!(report["errors"][0]["count"], 1);
    let print = format!("cat {list}");
    let (code, report) = bench(&[&["--offer-command", &print], &ca[..]].concat());
    assert_eq!(code, Some(3), "all are spent: {report}");
    assert_eq!(report["error"]["code"], "no_flow");
}

/// The admin API of a running issuer makes the offers.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_issuer_is_measured() {
    let issuer = Process::running().await;
    let (ca, key) = (issuer.file("tls/ca.pem"), issuer.file("keys/admin.key"));
    let (url, admin) = (issuer.url(), format!("http://{}", issuer.admin()));
    let there = [
        ["--issuer", url.as_str()],
        ["--admin", &admin],
        ["--key-file", key.to_str().unwrap()],
        ["--ca", ca.to_str().unwrap()],
    ]
    .concat();
    let (code, report) = bench(&there);
    assert_eq!(code, Some(3), "required claims are missing: {report}");
    let file = issuer.file("claims.json");
    fs::write(&file, claims().to_string()).unwrap();
    let (code, report) = bench(&[&there[..], &["--claims", file.to_str().unwrap()]].concat());
    assert_eq!((code, &report["errors"]), (Some(0), &json!([])), "{report}");
    assert_eq!(report["server"], Value::Null, "nobody said which process it is");
}

#[test]
fn mistakes_are_told() {
    let (code, report) = bench(&["--self", "--configuration", "passport"]);
    assert_eq!(code, Some(2), "{report}");
    assert!(report["error"]["hint"].as_str().unwrap().contains("student_card"), "{report}");
    let (code, report) = bench(&["--issuer", "http://example.com", "--offers", "/dev/null"]);
    assert_eq!((code, &report["error"]["code"]), (Some(2), &json!("no_offers")));
    let far = ["--issuer", "http://192.0.2.1", "--admin", "http://192.0.2.1", "--key-file", "x"];
    let (code, report) = bench(&far);
    assert_eq!(code, Some(2), "plain http to another machine: {report}");
    let nobody = ["--issuer", "http://127.0.0.1:1", "--admin", "http://127.0.0.1:1"];
    let (code, _) = bench(&[&nobody[..], &["--key-file", "x"]].concat());
    assert_eq!(code, Some(4));
}
