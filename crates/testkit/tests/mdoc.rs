//! Our wallet and our issuer: an mdoc, from the file of its type to the card (VCI §A.2).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use issuer::Issuer;
use issuer::credential_type::CredentialType;
use keys::cbor::{Label, Map};
use serde_json::{Value, json};
use testkit::agreed;
use testkit::proof::holder_key;
use testkit::world::World;
use wallet::flow::key::KeyWish;
use wallet::store::Trust;

const BADGE: &str = "badge";
const SPACE: &str = "org.example.badge.1";
const TYPE: &str = r#"
format = "mso_mdoc"
doctype = "org.example.badge.1.badge"
validity_days = 30

[[display]]
name = "Badge"
locale = "en"

[[claims]]
path = ["org.example.badge.1", "family_name"]
type = "string"
required = true
label = { en = "Family name" }
example = "Mustermann"

[[claims]]
path = ["org.example.badge.1", "birth_date"]
type = "date"
label = { en = "Date of birth" }
example = "1990-05-06"

[[claims]]
path = ["org.example.badge.1", "is_visitor"]
type = "boolean"
example = false

[[claims]]
path = ["org.example.badge.1", "floor"]
type = "integer"
example = -1

[[claims]]
path = ["org.example.badge.1", "room"]
type = "object"

[[claims]]
path = ["org.example.badge.1", "room", "building"]
type = "string"
example = "B"

[[claims]]
path = ["org.example.badge.1", "printed_at"]
type = "date-time"
example = "2026-01-31T13:00:00.5+01:00"

[[claims]]
path = ["org.example.badge.1", "template"]
type = "bytes"
example = "AQIDBA"

[[claims]]
path = ["org.example.badge.1", "logo"]
type = "image"
example = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="

[[claims]]
path = ["org.example.badge.1", "portrait"]
type = "image"
example = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"#;

fn parse(text: &str) -> Result<CredentialType, String> {
    let issuer = "https://issuer.example";
    let parsed = CredentialType::parse(Path::new("badge.toml"), text, issuer);
    parsed.map_err(|error| error.to_string())
}

fn with_badge(issuer: &mut Issuer) {
    issuer.types.insert(BADGE.to_owned(), parse(TYPE).unwrap());
}

/// FMT-MDOC-01, FMT-MDOC-05, FMT-MDOC-06: bound to the key of the proof, verified, and shown.
#[tokio::test]
async fn an_mdoc_becomes_a_card() {
    let world = World::with(with_badge).await;
    let offered = world.offer(BADGE, &json!({})).await;
    let wish = KeyWish { copies: 2, ..KeyWish::default() };
    let kept = agreed::receive(&world.wallet, &offered.uri, &wish).await;
    let [card] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((card.format.as_str(), card.copies.len()), ("mso_mdoc", 1));
    assert_eq!(card.types, ["org.example.badge.1.badge"]);
    assert!(!matches!(card.trust, Trust::Accepted), "its certificate names the issuer");
    let says = &card.claims[SPACE];
    assert_eq!(
        (&says["family_name"], &says["birth_date"]),
        (&json!("Mustermann"), &json!("1990-05-06"))
    );
    assert_eq!((&says["is_visitor"], &says["floor"]), (&json!(false), &json!(-1)));
    assert_eq!(says["room"], json!({ "building": "B" }));
    assert!(says["logo"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    let portrait = says["portrait"].as_str().unwrap();
    assert!(portrait.starts_with("data:image/jpeg;base64,/9j/"), "readers know no PNG: {portrait}");
    assert_eq!(
        (&says["printed_at"], &says["template"]),
        (&json!("2026-01-31T12:00:00Z"), &json!("AQIDBA"))
    );
    let lines = card.lines("en").shown;
    let labels: Vec<&str> = lines.iter().map(|line| line.label.as_str()).collect();
    assert_eq!(labels[..2], ["Family name", "Date of birth"], "in the issuer's words and order");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&card.raw).unwrap();
    // RFC 8949 §3.4.1, ISO 18013-5 §7.2: a tdate has its tag, bytes are bytes.
    for part in [&b"\xc0\x742026-01-31T12:00:00Z"[..], b"\x44\x01\x02\x03\x04"] {
        assert!(bytes.windows(part.len()).any(|window| window == part), "{part:?}");
    }
    let members = Map::parse(&bytes).unwrap();
    assert_eq!(members.iter().count(), 2, "an IssuerSigned and nothing around it");
    assert!(members.get(Label::Text("issuerAuth")).is_some());
}

/// FMT-MDOC-02, FMT-MDOC-03, FMT-MDOC-04, FMT-MDOC-06: numbers of COSE, `doctype`, `cose_key`, paths.
#[tokio::test]
async fn metadata_speak_the_words_of_mdocs() {
    let world = World::with(with_badge).await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let badge = &metadata["credential_configurations_supported"][BADGE];
    assert_eq!(
        (&badge["format"], &badge["doctype"]),
        (&json!("mso_mdoc"), &json!("org.example.badge.1.badge"))
    );
    assert_eq!(badge["credential_signing_alg_values_supported"], json!([-7]));
    assert_eq!(badge["cryptographic_binding_methods_supported"], json!(["cose_key"]));
    let jwt = &badge["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"];
    assert_eq!(*jwt, json!(["ES256", "EdDSA"]));
    assert_eq!(badge["credential_metadata"]["claims"][0]["path"], json!([SPACE, "family_name"]));
    assert!(badge.get("vct").is_none() && badge.get("credential_definition").is_none());
}

/// FMT-MDOC-06: a DID names no key in CBOR.
#[tokio::test]
async fn only_a_bare_key_can_be_bound() {
    let world = World::with(with_badge).await;
    let token = world.token(BADGE).await;
    let key = holder_key();
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header("jwk", None);
    let did = keys::did::to_did_jwk(keys::signer::Signer::public_key(&key));
    draft.header("kid", Some(Value::from(keys::did::verification_method(&did))));
    let answer = world.credential(&token, BADGE, &[draft.sign(&key).await]).await;
    assert!(answer.is(400, "invalid_proof"), "{answer:?}");
    let answer = world.credential(&token, BADGE, &[world.proof(&key).await]).await.success();
    let credential = &answer["credentials"][0]["credential"];
    let verified = formats::parse("mso_mdoc", credential).unwrap();
    let keys = world.issuer.keys();
    let signer = keys.signing.signer.public_key();
    let verified = verified.verify(signer, keys::outside::Clock::now(&world.clock)).unwrap();
    let Some(formats::binding::Binding::Jwk(bound)) = verified.binding else { panic!() };
    assert_eq!(bound.thumbprint(), keys::signer::Signer::public_key(&key).thumbprint());
    assert!(verified.status.is_some(), "DEP-10: it can be revoked");
}

/// The name of an element is typed whole, whatever has dots in it.
#[test]
fn a_provider_may_say_what_an_element_says() {
    let line = "sign_in_claims = { \"org.example.badge.1.family_name\" = \"name\" }\nvalidity_days";
    let badge = parse(&TYPE.replacen("validity_days", line, 1)).unwrap();
    let person = serde_json::Map::from_iter([("name".to_owned(), json!("Ada"))]);
    let claims = badge.sign_in_claims.unwrap().of(&person);
    assert_eq!(Value::from(claims), json!({ SPACE: { "family_name": "Ada" } }));
}

/// What an operator writes wrongly is told, with what to write instead.
#[test]
fn a_type_that_is_no_mdoc_is_refused() {
    let cases = [
        ("doctype = \"org.example.badge.1.badge\"", "", "needs the doctype"),
        ("doctype = \"org.example.badge.1.badge\"", "doctype = \"a b\"", "needs the doctype"),
        ("validity_days", "vct = \"x\"\nvalidity_days", "`vct` belongs to dc+sd-jwt"),
        ("validity_days", "types = [\"x\"]\nvalidity_days", "`types` belongs to jwt_vc_json"),
        ("validity_days", "key_binding = false\nvalidity_days", "without a key"),
        ("validity_days", "binding_methods = [\"jwk\"]\nvalidity_days", "cose_key"),
        ("[\"org.example.badge.1\", \"family_name\"]", "[\"family_name\"]", "of a name space"),
        ("type = \"object\"", "type = \"string\"", "a value itself"),
        ("\"floor\"]", "\"house\", \"floor\"]", "not declared"),
        ("required = true", "required = false", "may be left out"),
        (
            "required = true",
            "required = true\ndisclosure = \"always\"",
            "may leave out every element",
        ),
    ];
    for (from, to, told) in cases {
        let error = parse(&TYPE.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(told), "{to}: {error}");
    }
}
