//! Claims that are lists, from the file of their type to the card, in every format.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use issuer::Issuer;
use issuer::credential_type::CredentialType;
use keys::jws::Jws;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::degrees::DEGREES;
use testkit::world::World;
use wallet::flow::key::KeyWish;
use wallet::store::StoredCredential;

const HEAD: &str = r#"
validity_days = 30

[[display]]
name = "Degrees"
locale = "en"

[[claims]]
path = ["nationalities"]
type = "list"
label = { en = "Nationalities" }

[[claims]]
path = ["nationalities", "*"]
type = "string"
example = "DE"
"#;

const MARKS: &str = r#"
[[claims]]
path = ["degrees", "*", "marks"]
type = "list"
form = false
label = { en = "Marks" }

[[claims]]
path = ["degrees", "*", "marks", "*"]
type = "integer"
example = 1
"#;

/// A type in this format.
fn graduate(format: &str) -> String {
    format!("{format}{HEAD}{DEGREES}{MARKS}")
}

fn add(issuer: &mut Issuer, name: &str, text: &str) {
    let read = CredentialType::parse(Path::new(&format!("{name}.toml")), text, "https://x.example");
    issuer.types.insert(name.to_owned(), read.unwrap());
}

async fn received(world: &World, name: &str, claims: &Value) -> StoredCredential {
    let offered = world.offer(name, &json!({ "claims": claims })).await;
    agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await.remove(0)
}

fn lines(card: &StoredCredential) -> Vec<(String, String)> {
    card.lines("en").shown.iter().map(|line| (line.label.clone(), line.text())).collect()
}

/// FMT-SDJWT-06, FMT-JWT-06, PATH-04: in every format of JSON, what was given is what the holder reads.
#[tokio::test]
async fn lists_are_issued_and_shown_in_json() {
    let w3c = |line: &str| format!("{line}\ntypes = [\"VerifiableCredential\"]");
    let kinds = [
        ("sd", "format = \"dc+sd-jwt\"".to_owned()),
        ("decoys", "format = \"dc+sd-jwt\"\ndecoys = 3".to_owned()),
        ("w3c_decoys", w3c("format = \"vc+sd-jwt\"\ndecoys = 3")),
        ("w3c", w3c("format = \"jwt_vc_json\"")),
        ("w3c_ld", w3c("format = \"jwt_vc_json-ld\"")),
        ("w3c_jose", w3c("format = \"vc+jwt\"")),
        ("w3c_jcs", w3c("format = \"ldp_vc\"\ncanonicalization = \"jcs\"")),
    ];
    let world = World::with(|issuer| {
        for (name, head) in &kinds {
            add(issuer, name, &graduate(head));
        }
    })
    .await;
    let degrees = json!([{ "title": "BSc", "marks": [1, 2] }, { "title": "MSc" }]);
    let claims = json!({ "nationalities": ["DE", "AT"], "degrees": degrees });
    for (name, _) in &kinds {
        let card = received(&world, name, &claims).await;
        assert_eq!(Value::Object(card.claims.clone()), claims, "{name}");
        let expected = [
            ("Nationalities", "DE, AT"),
            ("Degree 1 › Title", "BSc"),
            ("Degree 1 › Marks", "1, 2"),
            ("Degree 2 › Title", "MSc"),
        ];
        let expected = expected.map(|(label, text)| (label.to_owned(), text.to_owned()));
        assert_eq!(lines(&card), expected, "{name}");
    }
    let digests = |card: &StoredCredential, place: &str| {
        let signed = card.raw.split('~').next().unwrap();
        let payload = Value::Object(Jws::parse(signed, signed.len()).unwrap().claims().unwrap());
        payload.pointer(place).unwrap().as_array().unwrap().len()
    };
    for (name, place) in [("decoys", "/_sd"), ("w3c_decoys", "/credentialSubject/_sd")] {
        let decoys = received(&world, name, &claims).await;
        assert_eq!(digests(&decoys, place), 2 + 3, "RFC 9901 §4.2.5: {name}");
    }
    let sd = received(&world, "sd", &claims).await;
    assert_eq!(digests(&sd, "/_sd"), 2);
    assert_eq!(sd.raw.matches('~').count(), 12, "2 lists, 2 + 2 elements, 5 more with the marks");
}

/// ISO 18013-5 §7.2: a list of maps with dates, and a portrait as bytes.
#[tokio::test]
async fn a_driving_licence_and_a_pid_become_cards() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/credential-types");
    let types = CredentialType::load_all(folder.as_ref(), "https://x.example").unwrap();
    let world = World::with(|issuer| issuer.types.extend(types)).await;
    let sample = world.issuer.types["mdl"].sample();
    let mdl = received(&world, "mdl", &Value::Object(sample)).await;
    let says = &mdl.claims["org.iso.18013.5.1"];
    let privilege = json!({
        "vehicle_category_code": "B", "issue_date": "2010-07-01", "expiry_date": "2041-01-14",
        "codes": [{ "code": "01" }],
    });
    assert_eq!(says["driving_privileges"], json!([privilege]));
    assert!(says["portrait"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
    assert_eq!(says["portrait_capture_date"], "2026-01-10T09:30:00Z");
    let shown = lines(&mdl);
    let has = |label: &str, text: &str| shown.contains(&(label.to_owned(), text.to_owned()));
    assert!(has("Driving privileges 1 › Category", "B"), "{shown:?}");
    assert!(has("Driving privileges 1 › Conditions 1 › Code", "01"), "{shown:?}");
    for (name, nationalities) in
        [("pid", "/nationalities"), ("pid_mdoc", "/eu.europa.ec.eudi.pid.1/nationality")]
    {
        let sample = world.issuer.types[name].sample();
        let pid = received(&world, name, &Value::Object(sample)).await;
        let claims = Value::Object(pid.claims.clone());
        assert_eq!(claims.pointer(nationalities), Some(&json!(["DE"])), "{name}");
    }
}

/// A wrong element is refused with its place before there is an offer.
#[tokio::test]
async fn an_offer_with_a_wrong_element_is_refused() {
    let world = World::with(|issuer| {
        add(issuer, "sd", &graduate("format = \"dc+sd-jwt\""));
    })
    .await;
    let claims = json!({ "degrees": [{ "title": "BSc" }, { "title": 1 }] });
    let offer = json!({ "credential_configuration_ids": ["sd"], "claims": claims });
    let answer = world.operator("POST", "/admin/v1/offers", Some(&offer)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.text().contains("degrees.1.title"), "{answer:?}");
}
