//! Whose key signed an `ldp_vc`: the document of the issuer's did:web says it.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::ldp_vc;
use formats::w3c::W3cClaims;
use keys::did::to_multikey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::store::Trust;
use wallet::trust::VerificationError;
use world::{ISSUER_KEYS, ISSUER_METADATA, NOW, World, issuer_metadata, now};

const DID: &str = "did:web:issuer.example:a";
const DOCUMENT: &str = "https://issuer.example/a/did.json";

fn key() -> SoftwareKey {
    SoftwareKey::generate(keys::algorithm::Algorithm::EdDsa).unwrap()
}

/// The document, to be spoilt.
fn document(key: &SoftwareKey) -> Value {
    let id = format!("{DID}#1");
    let method = json!({
        "id": id, "type": "Multikey", "controller": DID,
        "publicKeyMultibase": to_multikey(key.public_key()),
    });
    json!({ "id": DID, "verificationMethod": [method], "assertionMethod": [id] })
}

/// The credential; `contexts` are what the issuer signs it with.
fn credential(key: &SoftwareKey, holder: &str, contexts: &[Value]) -> Value {
    credential_by(Canonicalization::Rdfc, key, (holder, contexts))
}

fn credential_by(
    canonicalization: Canonicalization,
    key: &SoftwareKey,
    (holder, contexts): (&str, &[Value]),
) -> Value {
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: DID,
        contexts,
        types: &["Degree".to_owned()],
        subject: Some(holder),
        claims: Map::from_iter([("degree".to_owned(), json!("BSc"))]),
        issued_at: NOW,
        expires_at: NOW.plus(1000),
        status: None,
    };
    let options = ProofOptions {
        verification_method: &format!("{DID}#1"),
        canonicalization,
        created: NOW,
        contexts: None,
    };
    now(ldp_vc::issue(claims, options, key)).unwrap()
}

fn vocabulary() -> Vec<Value> {
    vec![json!({ "@vocab": "urn:x:" })]
}

/// The wallet asks for the degree, and the website has this document.
async fn received(
    document: Value,
    made: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> Result<World, WalletError> {
    let world = World::new();
    world.network.says(DOCUMENT, 200, document);
    world.issues(move |_, proof| made(&proof.did()));
    let received = world.receive("degree", &KeyWish::default()).await?;
    world.wallet.keep(&received).await?;
    Ok(world)
}

#[tokio::test]
async fn a_key_of_the_website_is_the_issuers() {
    let key = key();
    let world = received(document(&key), move |holder| credential(&key, holder, &vocabulary()));
    let world = world.await.unwrap();
    let [card] = &world.stored()[..] else { panic!() };
    assert_eq!(
        (card.trust.clone(), &card.claims["degree"]),
        (Trust::IssuerMetadata, &json!("BSc"))
    );
    assert_eq!(world.network.sent_to(ISSUER_KEYS).len(), 0, "one document says it");
}

/// DID Core 1.0: what begins with `#` belongs to the document in which it stands.
#[tokio::test]
async fn a_key_may_be_named_within_its_document() {
    for spoil in
        [(|document| document["verificationMethod"][0]["id"] = json!("#1")) as Spoil, |document| {
            document["assertionMethod"] = json!(["#1"]);
        }]
    {
        let key = key();
        let mut document = document(&key);
        spoil(&mut document);
        let made = move |holder: &str| credential(&key, holder, &vocabulary());
        received(document, made).await.unwrap();
    }
}

type Spoil = fn(&mut Value);

#[tokio::test]
async fn a_document_that_does_not_vouch_for_the_key_is_no_reason() {
    use VerificationError as Error;
    let spoils: [(Spoil, Error); 6] = [
        (|document| document["id"] = json!("did:web:other.example"), Error::BadDid),
        (|document| document["assertionMethod"] = json!([]), Error::KeyNotPublished),
        (|document| document["verificationMethod"] = json!([]), Error::KeyNotPublished),
        (
            |document| document["verificationMethod"][0]["controller"] = json!("did:web:x"),
            Error::KeyNotPublished,
        ),
        (
            |document| document["verificationMethod"][0]["publicKeyMultibase"] = json!("z1"),
            Error::KeyNotPublished,
        ),
        (
            |document| {
                let other = to_multikey(key().public_key());
                document["verificationMethod"][0]["publicKeyMultibase"] = other.into();
            },
            Error::WrongSignature,
        ),
    ];
    for (place, (spoil, error)) in spoils.into_iter().enumerate() {
        let key = key();
        let mut document = document(&key);
        spoil(&mut document);
        let made = move |holder: &str| credential(&key, holder, &vocabulary());
        let refused = received(document, made).await.err().unwrap();
        assert_eq!(refused, error.into(), "spoil {place}");
    }
}

/// The signature is on what words mean. With another context the same statements read otherwise, and
/// the signature is still right.
#[tokio::test]
async fn another_context_is_another_credential() {
    let key = key();
    let vouched = document(&key);
    let swapped = move |holder: &str| {
        let mut credential = credential(&key, holder, &vocabulary());
        let master = json!({ "@vocab": "urn:x:", "master": "urn:x:degree" });
        credential["@context"][1] = master;
        let subject = credential["credentialSubject"].as_object_mut().unwrap();
        let value = subject.remove("degree").unwrap();
        subject.insert("master".to_owned(), value);
        credential
    };
    let refused = received(vouched, swapped).await.err().unwrap();
    assert_eq!(refused, VerificationError::OtherType.into());
}

/// FMT-LDP-06: also where its name is known, a context that was not offered gives words another
/// meaning. Those of the W3C for proof and status whoever signs may add.
#[tokio::test]
async fn a_known_context_that_was_not_offered_is_refused() {
    let integrity = "https://w3id.org/security/data-integrity/v2";
    let badges = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
    let with = |context: &str| [vec![context.into()], vocabulary()].concat();
    for (contexts, is_offered) in
        [(vocabulary(), true), (with(integrity), true), (with(badges), false)]
    {
        let key = key();
        let made = document(&key);
        let by = Canonicalization::Jcs;
        let made_for = move |holder: &str| credential_by(by, &key, (holder, &contexts));
        let received = received(made, made_for).await;
        let refused = (!is_offered).then(|| VerificationError::OtherType.into());
        assert_eq!(received.err(), refused);
    }
}

/// VCI §A.1.3: what was offered gives the words their meaning, and is there.
#[tokio::test]
async fn a_jwt_without_the_contexts_that_were_offered_is_refused() {
    const V1: &str = "https://www.w3.org/2018/credentials/v1";
    let own = "https://issuer.example/a/words";
    for (contexts, is_offered) in [(json!([V1, own]), true), (json!([V1]), false)] {
        let world = World::new();
        let mut metadata = issuer_metadata();
        let diploma = &mut metadata["credential_configurations_supported"]["diploma"];
        diploma["format"] = "jwt_vc_json-ld".into();
        diploma["credential_definition"]["@context"] = json!([V1, own]);
        world.network.says(ISSUER_METADATA, 200, metadata);
        world.issues(move |issuer, proof| {
            issuer.diploma(&proof.did(), |_, claims| claims["vc"]["@context"] = contexts.clone())
        });
        let received = world.receive("diploma", &KeyWish::default()).await;
        let refused = (!is_offered).then(|| VerificationError::OtherType.into());
        assert_eq!(received.err(), refused);
    }
}

/// Another did:web is not looked up: its host is one that nobody agreed to.
#[tokio::test]
async fn no_other_website_is_asked() {
    let key = key();
    let elsewhere = move |holder: &str| {
        let mut credential = credential(&key, holder, &vocabulary());
        credential["issuer"] = json!("did:web:other.example");
        credential["proof"]["verificationMethod"] = json!("did:web:other.example#1");
        credential
    };
    let refused = received(json!({}), elsewhere).await.err().unwrap();
    assert_eq!(refused, VerificationError::BadDid.into());
}
