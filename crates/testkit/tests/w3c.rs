//! Our wallet and our issuer: W3C credentials, from the file of their type to the card (VCI §A.1).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use formats::data_integrity::{Contexts, sd::derive};
use issuer::credential_type::CredentialType;
use keys::jws::Jws;
use keys::outside::Clock as _;
use serde_json::{Map, Value, json};
use testkit::agreed;
use testkit::proof::holder_key;
use testkit::sign_in::{Browser, parameter, with_client};
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::store::{StoredCredential, Trust};

const DEGREE: &str = "degree";
const V1: &str = "https://www.w3.org/2018/credentials/v1";
const V2: &str = "https://www.w3.org/ns/credentials/v2";
const TYPE: &str = r#"
format = "FORMAT"
types = ["VerifiableCredential", "Degree"]
validity_days = 30

[[display]]
name = "Degree"
locale = "en"

[[claims]]
path = ["name"]
type = "string"
required = true
label = { en = "Name" }
example = "Ada"

[[claims]]
path = ["degree"]
type = "object"

[[claims]]
path = ["degree", "grade"]
type = "number"
example = 1.7

[[claims]]
path = ["degree", "awarded_on"]
type = "date"
example = "2026-07-15"
"#;

fn parse(text: &str) -> Result<CredentialType, String> {
    let parsed = CredentialType::parse(Path::new("degree.toml"), text, ISSUER);
    parsed.map_err(|error| error.to_string())
}

/// A world whose issuer has the type in this format; `more` is written above everything else.
async fn world(format: &str, more: &str) -> World {
    let credential_type = parse(&format!("{more}\n{}", TYPE.replace("FORMAT", format))).unwrap();
    World::with(|issuer| {
        issuer.types.insert(DEGREE.to_owned(), credential_type);
    })
    .await
}

/// The wallet takes an offer and keeps what comes.
async fn received(world: &World) -> StoredCredential {
    let offered = world.offer(DEGREE, &json!({})).await;
    let wish = KeyWish { copies: 2, ..KeyWish::default() };
    let mut kept = agreed::receive(&world.wallet, &offered.uri, &wish).await;
    assert_eq!(kept.len(), 1, "both copies say the same");
    kept.remove(0)
}

/// Bound to the key of the proof, verified, and shown with the issuer's words, in every format.
#[tokio::test]
async fn each_format_becomes_a_card() {
    for format in FORMATS {
        let world = world(format, "").await;
        let card = received(&world).await;
        assert_eq!((card.format.as_str(), card.copies.len()), (format, 1));
        assert_eq!(card.types, ["VerifiableCredential", "Degree"], "{format}");
        assert_eq!(card.trust, Trust::IssuerMetadata, "{format}");
        let said = json!({ "name": "Ada", "degree": { "grade": 1.7, "awarded_on": "2026-07-15" } });
        assert_eq!(Value::Object(card.claims.clone()), said, "{format}");
        let lines = card.lines("en").shown;
        assert_eq!((lines[0].label.as_str(), lines[0].text().as_str()), ("Name", "Ada"));
    }
}

/// FMT-JWTLD-03, FMT-LDP-04: metadata of linked data name contexts beside the types; paths begin at the
/// credential (FMT-JWT-06); of `ldp_vc` the algorithm is a cryptosuite (FMT-LDP-03).
#[tokio::test]
async fn metadata_name_contexts_and_types() {
    for (format, context) in [
        ("jwt_vc_json", None),
        ("jwt_vc_json-ld", Some(V1)),
        ("vc+jwt", Some(V2)),
        ("vc+sd-jwt", Some(V2)),
        ("ldp_vc", Some(V2)),
    ] {
        let world = world(format, "").await;
        let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
        let degree = &metadata["credential_configurations_supported"][DEGREE];
        assert_eq!(degree["format"], format);
        let mut definition = Map::new();
        definition.insert("type".to_owned(), json!(["VerifiableCredential", "Degree"]));
        if let Some(context) = context {
            definition.insert("@context".to_owned(), json!([context]));
        }
        assert_eq!(degree["credential_definition"], Value::Object(definition));
        let algorithm = if format == "ldp_vc" { "ecdsa-rdfc-2019" } else { "ES256" };
        assert_eq!(degree["credential_signing_alg_values_supported"], json!([algorithm]));
        let path = &degree["credential_metadata"]["claims"][0]["path"];
        assert_eq!(*path, json!(["credentialSubject", "name"]));
    }
}

/// FMT-JWT-06, FMT-JWTLD-03: in authorization details, too, paths begin at the credential.
#[tokio::test]
async fn a_wallet_asks_for_claims_by_their_place_in_the_credential() {
    for format in ["jwt_vc_json", "jwt_vc_json-ld", "ldp_vc"] {
        let credential_type = parse(&TYPE.replace("FORMAT", format)).unwrap();
        let world = World::with(|issuer| {
            with_client(issuer);
            issuer.types.insert(DEGREE.to_owned(), credential_type);
        })
        .await;
        world.account("ada", &[DEGREE]).await;
        let claim = json!({ "path": ["credentialSubject", "name"], "mandatory": true });
        let details = json!([{
            "type": "openid_credential",
            "credential_configuration_id": DEGREE,
            "claims": [claim],
        }]);
        let details = [("authorization_details", &*details.to_string())];
        let address = world.authorize(&world.authorization_request("", &details));
        let back = Browser::of(&world.public).allow(&address, "ada").await;
        let tokens = world.redeem_code(&parameter(&back, "code").unwrap(), &[]).await.success();
        let named = &tokens["authorization_details"][0]["credential_identifiers"][0];
        let proofs = json!({ "jwt": [world.proof(&holder_key()).await] });
        let asked = json!({ "credential_identifier": named, "proofs": proofs });
        let token = tokens["access_token"].as_str().unwrap();
        let answer = world.credential_request(token, &asked).await.success();
        let unverified = formats::parse(format, &answer["credentials"][0]["credential"]).unwrap();
        let keys = world.issuer.keys();
        let signer = keys.signing.signer.public_key();
        let verified = unverified.verify(signer, world.clock.now()).unwrap();
        assert_eq!(Value::Object(verified.claims), json!({ "name": "Ada" }), "{format}");
    }
}

/// An operator may give claims a meaning that others know.
#[tokio::test]
async fn contexts_of_the_operator_are_signed() {
    let context = "https://www.w3.org/2018/credentials/examples/v1";
    let world = world("jwt_vc_json-ld", &format!("contexts = [\"{context}\"]")).await;
    let token = world.token(DEGREE).await;
    let key = holder_key();
    let answer = world.credential(&token, DEGREE, &[world.proof(&key).await]).await.success();
    let credential = &answer["credentials"][0]["credential"];
    let verified = formats::parse("jwt_vc_json-ld", credential).unwrap();
    let keys = world.issuer.keys();
    let verified = verified.verify(keys.signing.signer.public_key(), world.clock.now()).unwrap();
    assert_eq!(verified.contexts, [V1, context]);
    assert!(verified.status.is_some(), "DEP-10: it can be revoked");
}

/// What the holder may leave out of a `vc+sd-jwt` is not in its payload, and lies below the subject.
#[tokio::test]
async fn claims_of_an_sd_jwt_can_be_left_out() {
    let world = world("vc+sd-jwt", "").await;
    let card = received(&world).await;
    let (jwt, disclosures) = card.raw.split_once('~').unwrap();
    let payload = Jws::parse(jwt, 100_000).unwrap().claims().unwrap();
    assert_eq!(payload["credentialSubject"]["_sd"].as_array().unwrap().len(), 2);
    assert!(payload["credentialSubject"].get("name").is_none());
    assert_eq!(disclosures.matches('~').count(), 4, "name, degree and what is in it");
    assert!(payload["cnf"].is_object() && payload["credentialSubject"]["id"].is_string());
}

/// FMT-LDP-05: an object, signed by a key of the website's DID, in the canonical form of the operator.
#[tokio::test]
async fn linked_data_are_signed_by_a_key_of_the_did() {
    for (line, suite) in [("", "ecdsa-rdfc-2019"), ("canonicalization = \"jcs\"", "ecdsa-jcs-2019")]
    {
        let world = world("ldp_vc", line).await;
        let document = world.public.get("/.well-known/did.json").await.json();
        let did = "did:web:issuer.example";
        let method = &document["verificationMethod"][0];
        assert_eq!((&document["id"], &method["controller"]), (&json!(did), &json!(did)));
        let card = received(&world).await;
        let credential: Value = serde_json::from_str(&card.raw).unwrap();
        assert_eq!(credential["issuer"], did);
        let vocabulary = json!({ "@vocab": format!("{ISSUER}/credentials/{DEGREE}#") });
        assert_eq!(credential["@context"], json!([V2, vocabulary]));
        assert_eq!(credential["proof"]["cryptosuite"], suite);
        assert_eq!(credential["proof"]["verificationMethod"], method["id"]);
        assert_eq!(document["assertionMethod"], json!([method["id"]]));
        assert_eq!(card.trust, Trust::IssuerMetadata);
    }
}

/// `ecdsa-sd-2023`: the wallet keeps what the issuer signed, and the card says all of it; what a holder
/// shows of it has what the type says is always there.
#[tokio::test]
async fn statements_are_signed_one_by_one() {
    let lines = "cryptosuite = \"ecdsa-sd-2023\"";
    let always = TYPE.replacen("required = true", "required = true\ndisclosure = \"always\"", 1);
    let text = format!("{lines}\n{}", always.replace("FORMAT", "ldp_vc"));
    let credential_type = parse(&text).unwrap();
    let world = World::with(|issuer| {
        issuer.types.insert(DEGREE.to_owned(), credential_type);
    })
    .await;
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let degree = &metadata["credential_configurations_supported"][DEGREE];
    assert_eq!(degree["credential_signing_alg_values_supported"], json!(["ecdsa-sd-2023"]));
    let card = received(&world).await;
    let said = json!({ "name": "Ada", "degree": { "grade": 1.7, "awarded_on": "2026-07-15" } });
    assert_eq!(Value::Object(card.claims.clone()), said);
    assert_eq!((card.trust, card.copies.len()), (Trust::IssuerMetadata, 1));
    let base: Map<String, Value> = serde_json::from_str(&card.raw).unwrap();
    let shown =
        derive(&base, &["/credentialSubject/degree/grade".to_owned()], &Contexts::default());
    let shown = Value::Object(shown.unwrap());
    let keys = world.issuer.keys();
    let verified = formats::parse("ldp_vc", &shown).unwrap();
    let verified = verified.verify(keys.signing.signer.public_key(), world.clock.now()).unwrap();
    let claims = json!({ "name": "Ada", "degree": { "grade": 1.7 } });
    assert_eq!(Value::Object(verified.claims), claims);
    assert!(verified.status.is_some() && verified.binding.is_some());
}

/// An issuer below a path has a DID of its own there.
#[tokio::test]
async fn an_issuer_at_a_path_has_its_own_did() {
    let world = World::at("https://issuer.example:8443/uni", |_| {}).await;
    let document = world.public.get("/uni/did.json").await.json();
    assert_eq!(document["id"], "did:web:issuer.example%3A8443:uni");
}

/// What another build signed stays verifiable: the public half of its key is published, of which nothing
/// else is known here.
#[cfg(not(feature = "bbs-2023"))]
#[tokio::test]
async fn keys_of_other_builds_stay_published() {
    use std::fs;
    let multikey = keys::multibase::encode_base58(&[&[0xeb, 0x01][..], &[0xa5; 96]].concat());
    let world = World::configured(|folder| {
        let keys = folder.join("keys");
        fs::write(keys.join("bbs-public-key.multikey"), format!("{multikey}\n")).unwrap();
        fs::write(keys.join("generations.toml"), "[[bbs]]\ngeneration = 1\n").unwrap();
    })
    .await;
    let document = world.public.get("/.well-known/did.json").await.json();
    let id = format!("did:web:issuer.example#{multikey}");
    assert_eq!(document["assertionMethod"][1], *id);
    assert_eq!(document["verificationMethod"][1]["publicKeyMultibase"], *multikey);
    let jwks = world.public.get("/.well-known/jwt-vc-issuer").await.json();
    assert_eq!(jwks["jwks"]["keys"].as_array().unwrap().len(), 1, "it is no key of JOSE");
}

/// A program that was built without it says so, and what to do.
#[cfg(not(feature = "bbs-2023"))]
#[test]
fn unlinkable_disclosures_are_not_in_every_build() {
    let error = parse(&format!("cryptosuite = \"bbs-2023\"\n{}", TYPE.replace("FORMAT", "ldp_vc")));
    let error = error.unwrap_err();
    assert!(error.contains("without bbs-2023") && error.contains("--features bbs-2023"), "{error}");
}

/// What an operator writes wrongly is told, with what to write instead.
#[test]
fn a_type_that_is_no_w3c_credential_is_refused() {
    let own = format!("contexts = [\"{V1}\"]");
    let cases = [
        ("jwt_vc_json", "contexts = []", "belongs to W3C credentials as linked data"),
        ("dc+sd-jwt", "", "`types` belongs to jwt_vc_json"),
        ("jwt_vc_json-ld", own.as_str(), "comes first by itself"),
        ("jwt_vc_json-ld", "vct = \"x\"", "use `types` instead"),
        ("vc+jwt", "canonicalization = \"jcs\"", "belongs to ldp_vc"),
        ("ldp_vc", "contexts = []", "has no meaning by its contexts"),
        ("vc+jwt", "cryptosuite = \"ecdsa-sd-2023\"", "belongs to ldp_vc"),
        ("vc+jwt", "cryptosuite = \"bbs-2023\"", "belongs to ldp_vc"),
        (
            "ldp_vc",
            "canonicalization = \"jcs\"\ncryptosuite = \"ecdsa-sd-2023\"",
            "signed as linked data",
        ),
        ("ldp_vc", "contexts = [\"https://elsewhere.example/v1\"]", "a context that is not known"),
    ];
    for (format, line, told) in cases {
        let error = parse(&format!("{line}\n{}", TYPE.replace("FORMAT", format))).unwrap_err();
        assert!(error.contains(told), "{format} {line}: {error}");
    }
    let selective = TYPE.replace("FORMAT", "jwt_vc_json-ld");
    let selective = selective.replacen("required = true", "disclosure = \"selective\"", 1);
    assert!(parse(&selective).unwrap_err().contains("shown as a whole"));
}

const FORMATS: [&str; 5] = ["jwt_vc_json", "jwt_vc_json-ld", "vc+jwt", "vc+sd-jwt", "ldp_vc"];
