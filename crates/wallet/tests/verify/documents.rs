//! What nobody signed, by the rules of whoever would read it; and what is signed and no credential.

use formats::mso_mdoc::device_response;
use keys::algorithm::Algorithm;
use keys::jws;
use keys::outside::Timestamp;

use super::*;
use wallet::verify::Asked;

#[track_caller]
fn fails(report: &Report, check: &str) {
    assert_eq!(outcome(report, check), Outcome::Failed, "{report:?}");
    assert_eq!(report.verdict(), Verdict::Failed);
}

/// VCI §4.1
#[test]
fn an_offer_is_held_against_the_rules_of_offers() {
    let scene = Scene::new();
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["card"],
        "grants": { grant: { "pre-authorized_code": "canary", "tx_code": {} } },
    });
    let good = scene.verifier.offer(offer.to_string().as_bytes());
    assert_eq!(good.verdict(), Verdict::NotSigned);
    assert_eq!(good.issuer.as_deref(), Some(ISSUER));
    for check in ["form", "content", "identifier", "grants"] {
        assert_eq!(outcome(&good, check), Outcome::Passed, "{check}");
    }
    assert_eq!(outcome(&good, "signature"), Outcome::NotChecked);
    assert!(!format!("{good:?}").contains("canary"), "what opens a door is not told");
    for (member, value, check) in [
        ("credential_issuer", json!("http://issuer.example"), "identifier"),
        ("credential_issuer", json!(null), "form"),
        ("credential_configuration_ids", json!([]), "form"),
        ("grants", json!({ grant: { "pre-authorized_code": 5 } }), "form"),
    ] {
        let mut spoilt = offer.clone();
        spoilt[member] = value;
        fails(&scene.verifier.offer(spoilt.to_string().as_bytes()), check);
    }
    let link =
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fcanary";
    let by_reference = scene.verifier.offer_link(link);
    assert_eq!(by_reference.verdict(), Verdict::NotSigned);
    assert_eq!(outcome(&by_reference, "offer"), Outcome::NotChecked, "nobody was asked");
    assert!(!format!("{by_reference:?}").contains("canary"));
    fails(&scene.verifier.offer_link("openid-credential-offer://?credential_offer="), "form");
    let draft = json!({ "credential_issuer": ISSUER, "credentials": ["card"] });
    let draft = scene.verifier.offer(draft.to_string().as_bytes());
    assert!(draft.checks.iter().any(|check| check.found.contains("of draft 11")), "{draft:?}");
}

/// VCI §12.2.4, RFC 8414 §2
#[tokio::test]
async fn metadata_are_held_against_the_rules_of_wallets() {
    let scene = Scene::new();
    let at = |path: &str| format!("{ISSUER}{path}");
    let issuer = json!({
        "credential_issuer": ISSUER, "credential_endpoint": at("/credential"),
        "nonce_endpoint": at("/nonce"),
        "credential_configurations_supported": { "card": { "format": "dc+sd-jwt", "vct": "a" } },
    });
    let good = scene.verifier.issuer_metadata(&issuer).await;
    assert_eq!(good.verdict(), Verdict::NotSigned, "{good:?}");
    for (member, value, check) in [
        ("credential_endpoint", json!("https://other.example/credential"), "endpoints"),
        ("nonce_endpoint", json!("http://issuer.example/nonce"), "endpoints"),
        ("nonce_endpoint", json!(5), "form"),
        ("credential_configurations_supported", json!(null), "form"),
        ("credential_configurations_supported", json!({ "card": {} }), "content"),
        ("credential_issuer", json!("https://issuer.example/?a"), "identifier"),
        ("credential_issuer", json!(5), "form"),
        ("signed_metadata", json!("no.jwt.here"), "signed_metadata"),
    ] {
        let mut spoilt = issuer.clone();
        spoilt[member] = value;
        fails(&scene.verifier.issuer_metadata(&spoilt).await, check);
    }
    let server = json!({ "issuer": ISSUER, "token_endpoint": at("/token") });
    assert_eq!(scene.verifier.server_metadata(&server).verdict(), Verdict::NotSigned);
    for (member, value, check) in [
        ("token_endpoint", json!("https://other.example/token"), "endpoints"),
        ("token_endpoint", json!(null), "form"),
        ("issuer", json!("http://issuer.example"), "identifier"),
    ] {
        let mut spoilt = server.clone();
        spoilt[member] = value;
        fails(&scene.verifier.server_metadata(&spoilt), check);
    }
    let key = scene.issuer.key.public_key().to_jwk();
    let keys = json!({ "issuer": ISSUER, "jwks": { "keys": [key] } });
    assert_eq!(scene.verifier.issuer_keys(&keys).verdict(), Verdict::NotSigned);
    let mut private = keys.clone();
    private["jwks"]["keys"][0]["d"] = json!("AAAA");
    fails(&scene.verifier.issuer_keys(&private), "content");
    let both = json!({ "issuer": ISSUER, "jwks": { "keys": [] }, "jwks_uri": at("/jwks") });
    fails(&scene.verifier.issuer_keys(&both), "form");
    let elsewhere = json!({ "issuer": ISSUER, "jwks_uri": "https://other.example/jwks" });
    fails(&scene.verifier.issuer_keys(&elsewhere), "endpoints");
    assert!(scene.network.sent().is_empty(), "nobody was asked");
}

/// VCI §12.2.3: somebody vouched for may sign metadata, and of another issuer they say nothing here.
#[tokio::test]
async fn signed_metadata_are_of_the_issuer_that_they_lie_with() {
    let mut scene = Scene::new();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    scene.verifier.given_keys = Some(vec![key.public_key().to_jwk().into()]);
    for (subject, found) in [
        (json!(ISSUER), Outcome::Passed),
        (json!("https://other.example"), Outcome::Failed),
        (json!(null), Outcome::Failed),
    ] {
        let header = Map::from_iter([("typ".to_owned(), "JWT".into())]);
        let claims = json!({ "sub": subject, "iat": NOW.0 }).to_string();
        let signed = jws::sign(header, claims.as_bytes(), &key).await.unwrap();
        let metadata = json!({
            "credential_issuer": ISSUER, "credential_endpoint": format!("{ISSUER}/credential"),
            "credential_configurations_supported": { "card": { "format": "dc+sd-jwt", "vct": "a" } },
            "signed_metadata": signed,
        });
        let report = scene.verifier.issuer_metadata(&metadata).await;
        assert_eq!(outcome(&report, "signed_metadata"), found, "{report:?}");
    }
}

/// What is told to people is counted in their words, and every rule is one that they can look up.
#[test]
fn texts_are_for_people() {
    let scene = Scene::new();
    let key = scene.issuer.key.public_key().to_jwk();
    let keys = json!({ "issuer": ISSUER, "jwks": { "keys": [key] } });
    let report = scene.verifier.issuer_keys(&keys);
    assert_eq!(report.checks[0].found, "1 key");
    assert!(report.checks.iter().all(|check| check.rule.contains('§')), "{report:?}");
    let header = Map::from_iter([("x5c".to_owned(), scene.issuer.x5c.clone())]);
    let chain = x5c_from_header(&header).unwrap().unwrap();
    let first = scene.verifier.certificates(&chain[..1]);
    assert_eq!(first.checks[0].found, "1 certificate");
}

/// SD-JWT VC §6.2, and documents of DIDs.
#[test]
fn descriptions_are_read_by_their_rules() {
    let scene = Scene::new();
    let good = json!({ "vct": VCT, "claims": [{ "path": ["a"], "svg_id": "a" }] });
    assert_eq!(scene.verifier.type_metadata(&good).verdict(), Verdict::NotSigned);
    fails(&scene.verifier.type_metadata(&json!({ "vct": VCT, "claims": [{}] })), "form");
    let extends = json!({ "vct": VCT, "extends": "https://issuer.example/base" });
    let report = scene.verifier.type_metadata(&extends);
    assert_eq!(outcome(&report, "content"), Outcome::NotChecked, "nobody was asked");
    let document = json!({ "id": "did:web:a.example", "authentication": [] });
    assert_eq!(scene.verifier.did_document(&document).verdict(), Verdict::NotSigned);
    fails(&scene.verifier.did_document(&json!({ "id": 5 })), "form");
}

/// RFC 5280 §6.1
#[test]
fn certificates_are_verified_against_the_given_authorities() {
    let mut scene = Scene::new();
    let header = Map::from_iter([("x5c".to_owned(), scene.issuer.x5c.clone())]);
    let chain = x5c_from_header(&header).unwrap().unwrap();
    let report = scene.verifier.certificates(&chain);
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    scene.verifier.clock = Arc::new(Late);
    fails(&scene.verifier.certificates(&chain), "validity");
    scene.verifier.clock = Arc::new(Moved::default());
    fails(&scene.verifier.certificates(&[vec![1, 2, 3]]), "form");
    let other = SigningKey::new(NOW, ISSUER);
    let anchors = Anchors::from_pem(other.ca.certificate_pem()).unwrap();
    scene.verifier.settings.anchors = Some(Arc::new(anchors));
    assert_eq!(scene.verifier.certificates(&chain).verdict(), Verdict::NotVouched);
    scene.verifier.settings.anchors = None;
    assert_eq!(scene.verifier.certificates(&chain).verdict(), Verdict::NotVouched);
}

#[derive(Debug)]
struct Late;

impl Clock for Late {
    fn now(&self) -> Timestamp {
        Timestamp(NOW.0 + 100 * 366 * 24 * 3600)
    }
}

/// RFC 9901 §7.1: also where it is no credential of a kind that is known.
#[tokio::test]
async fn an_sd_jwt_of_any_kind_is_verified_with_its_disclosures() {
    let mut scene = Scene::new();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    scene.verifier.given_keys = Some(vec![key.public_key().to_jwk().into()]);
    let end = json!({ "exp": NOW.0 + 1 });
    let claims = end.as_object().unwrap().clone();
    let concealed =
        formats::sd_jwt::conceal(claims, &[vec!["exp".into()]], 1, &keys::outside::SystemRandom)
            .unwrap();
    let signed = async |key: &SoftwareKey, add: Value| {
        let mut payload = concealed.payload.clone();
        payload.extend(add.as_object().unwrap().clone());
        let header = Map::from_iter([("typ".to_owned(), "example+sd-jwt".into())]);
        jws::sign(header, Value::from(payload).to_string().as_bytes(), key).await.unwrap()
    };
    let nothing = Asked::default();
    let jwt = signed(&key, json!({})).await;
    let disclosure = concealed.disclosures[0].text();
    let report = scene.verifier.sd_jwt(&format!("{jwt}~{disclosure}~"), nothing).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    assert_eq!(outcome(&report, "validity"), Outcome::Passed, "it was disclosed");
    let report = scene.verifier.sd_jwt(&format!("{jwt}~"), nothing).await;
    assert_eq!(outcome(&report, "validity"), Outcome::NotChecked, "it was withheld");
    fails(&scene.verifier.sd_jwt(&format!("{jwt}~e30~"), nothing).await, "content");
    let twice = format!("{jwt}~{disclosure}~{disclosure}~");
    fails(&scene.verifier.sd_jwt(&twice, nothing).await, "content");
    let bad = json!({ "cnf": { "jwk": {} } });
    let bad = signed(&key, bad).await;
    fails(&scene.verifier.sd_jwt(&format!("{bad}~"), nothing).await, "binding");
    let stranger = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let forged = signed(&stranger, json!({})).await;
    fails(&scene.verifier.sd_jwt(&format!("{forged}~"), nothing).await, "signature");
    fails(&scene.verifier.sd_jwt("no.jwt.here~", nothing).await, "form");
    // What a holder adds is judged here, too.
    let asked = Asked { nonce: Some("n"), ..nothing };
    fails(&scene.verifier.sd_jwt(&format!("{jwt}~"), asked).await, "key_binding");
    fails(&scene.verifier.sd_jwt(&format!("{jwt}~e30.e30.AAAA"), nothing).await, "key_binding");
}

/// What the key of is elsewhere says little, unless that key is given.
#[tokio::test]
async fn a_proof_for_an_attestation_is_verified_with_a_given_key() {
    let mut scene = Scene::new();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let header = Map::from_iter([("typ".to_owned(), "oauth-client-attestation-pop+jwt".into())]);
    let proof = jws::sign(header, br#"{"aud":"a","jti":"1"}"#, &key).await.unwrap();
    let signed_by = SignedBy::Elsewhere("its key is in the attestation");
    let report = scene.verifier.jwt(&proof, signed_by).await;
    assert_eq!(report.verdict(), Verdict::NotVouched);
    assert_eq!(outcome(&report, "signature"), Outcome::NotChecked);
    scene.verifier.given_keys = Some(vec![key.public_key().to_jwk().into()]);
    assert_eq!(scene.verifier.jwt(&proof, signed_by).await.verdict(), Verdict::PossessionOnly);
    let other = scene.issuer.key.public_key().to_jwk();
    scene.verifier.given_keys = Some(vec![other.into()]);
    fails(&scene.verifier.jwt(&proof, signed_by).await, "signature");
}

/// ISO 18013-5 §9.3.1: of what a device shows, what the issuer signed.
#[tokio::test]
async fn the_mdocs_of_a_device_response_are_verified() {
    let mut scene = Scene::new();
    let text = include_str!("../../../formats/tests/vectors/iso-18013-5-annex-d.hex");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = digits.chunks(2).map(pair).collect();
    let mut shown = device_response(&bytes).unwrap();
    scene.verifier.clock = Arc::new(Then);
    let report = scene.verifier.device_response(&shown).await;
    assert_eq!(report.verdict(), Verdict::NotVouched, "{report:?}");
    for check in ["form", "signature", "content", "validity"] {
        assert_eq!(outcome(&report, check), Outcome::Passed, "{check}");
    }
    assert_eq!(outcome(&report, "device"), Outcome::NotChecked);
    shown[0].doc_type = "another".to_owned();
    assert_eq!(scene.verifier.device_response(&shown).await.verdict(), Verdict::Failed);
    assert_eq!(scene.verifier.device_response(&[]).await.verdict(), Verdict::Failed);
}

/// When the example of the standard was good.
#[derive(Debug)]
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        Timestamp::from_rfc3339("2020-11-01T00:00:00Z").unwrap()
    }
}
