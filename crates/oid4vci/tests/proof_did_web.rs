//! VCI §F.1, VCI §F.2: keys that stand in the document of a did:web (PROOF-08), which others have read.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod jose;
mod prover;

use std::sync::LazyLock;

use formats::data_integrity::{
    Authentication, Canonicalization, ProofOptions, sign_authentication,
};
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256, Es384};
use keys::did::to_multikey;
use keys::did_document::DidDocument;
use keys::digest::MacKey;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::proof::BindingMethod::{self, DidJwk, DidKey, DidWeb, Jwk};
use oid4vci::proof::ProofRefusal::{
    BadDid, BadNonce, BindingNotSupported, Document, RepeatedKey, WrongSignature,
};
use oid4vci::proof::{
    DOCUMENTS_MAX, DocumentRefusal, HolderBinding, KnownDocuments, ProofContext, ProofRefusal,
    Proofs, VerifiedProofs, WantedDocument, documents, verify,
};
use prover::{ISSUER, NOW, claims, context, header, nonce, nonce_key};
use serde_json::{Map, Value, json};

const UNREAD: ProofRefusal = Document(DocumentRefusal::Unread);
const UNLISTED: ProofRefusal = Document(DocumentRefusal::KeyNotListed);
const DID: &str = "did:web:holder.example:a";
const ALL: &[BindingMethod] = &[Jwk, DidJwk, DidKey, DidWeb];

fn name(at: usize) -> String {
    format!("{DID}#{at}")
}

/// The document of a holder with these keys, to be spoilt.
fn document(keys: &[&SoftwareKey]) -> Value {
    let method = |(at, key): (usize, &&SoftwareKey)| {
        json!({
            "id": name(at), "type": "JsonWebKey", "controller": DID,
            "publicKeyJwk": key.public_key().to_jwk(),
        })
    };
    let names: Vec<String> = (0..keys.len()).map(name).collect();
    let methods: Value = keys.iter().enumerate().map(method).collect();
    json!({ "id": DID, "verificationMethod": methods, "authentication": names })
}

fn known(document: &Value) -> KnownDocuments {
    let mut known = KnownDocuments::default();
    known.add(DidDocument::parse(document.to_string().as_bytes(), DID).unwrap());
    known
}

async fn proof(kid: &str, key: &SoftwareKey) -> String {
    let head = merged(header(key), &json!({ "jwk": null, "kid": kid }));
    jwt(&head, &claims().to_string(), key).await
}

static NONCE_KEY: LazyLock<MacKey> = LazyLock::new(nonce_key);

/// An issuer that knows these documents.
fn knowing(known: &KnownDocuments) -> ProofContext<'_> {
    ProofContext {
        binding_methods: ALL,
        known_documents: known,
        takes_di_vp: true,
        ..context(&NONCE_KEY)
    }
}

/// What is wanted, and what comes of it.
fn judged(
    proofs: &Proofs,
    context: &ProofContext<'_>,
) -> (Vec<WantedDocument>, Result<VerifiedProofs, ProofRefusal>) {
    (documents(proofs, context), verify(proofs, context))
}

fn verdict(proofs: &Proofs, known: &KnownDocuments) -> Result<VerifiedProofs, ProofRefusal> {
    judged(proofs, &knowing(known)).1
}

fn wanted(did: &str, keys: &[String]) -> WantedDocument {
    WantedDocument { did: did.to_owned(), keys: keys.to_vec() }
}

/// PROOF-08, META-34: the credential names the key as the proof did; one document serves several.
#[tokio::test]
async fn a_key_is_bound_by_the_name_it_has_in_a_document() {
    let [one, two] = [key(Es256), key(EdDsa)];
    let jwts = Proofs::Jwt(vec![proof(&name(0), &one).await, proof(&name(1), &two).await]);
    let known = known(&document(&[&one, &two]));
    let (asked, verified) = judged(&jwts, &knowing(&known));
    assert_eq!(asked, [wanted(DID, &[name(0), name(1)])]);
    let verified = verified.unwrap();
    let bound: Vec<_> = verified.proofs().iter().map(|proof| proof.binding().clone()).collect();
    assert_eq!(bound, [0, 1].map(|at| HolderBinding::Did(name(at))));
    let kept = VerifiedProofs::from_kept(&verified.to_kept()).unwrap();
    let again: Vec<_> = kept.proofs().iter().map(|proof| proof.binding().clone()).collect();
    assert_eq!(again, bound, "VCI §9: as it was when it was proved");
    let (asked, refused) =
        judged(&jwts, &ProofContext { binding_methods: &[Jwk, DidJwk, DidKey], ..knowing(&known) });
    assert_eq!((asked, refused.unwrap_err()), (vec![], BindingNotSupported), "META-33");
}

type Spoil = fn(&mut Value);

/// PROOF-08, PROOF-17: what the document must say of the key.
#[tokio::test]
async fn a_document_vouches_for_a_key_or_does_not() {
    let cases: [(&str, Spoil, Result<(), ProofRefusal>); 11] = [
        ("as it is", |_| {}, Ok(())),
        ("relative", |d| d["authentication"] = json!(["#0"]), Ok(())),
        (
            "embedded",
            |d| {
                d["authentication"] = d["verificationMethod"].clone();
                d["verificationMethod"] = json!([]);
            },
            Ok(()),
        ),
        ("for nothing", |d| d["authentication"] = json!([]), Err(UNLISTED)),
        (
            "for credentials alone",
            |d| {
                d["assertionMethod"] = d["authentication"].clone();
                d["authentication"] = Value::Null;
            },
            Err(UNLISTED),
        ),
        ("named, not there", |d| d["verificationMethod"] = json!([]), Err(UNLISTED)),
        (
            "of somebody else",
            |d| d["verificationMethod"][0]["controller"] = "did:web:other.example".into(),
            Err(UNLISTED),
        ),
        ("of nobody", |d| d["verificationMethod"][0]["controller"] = Value::Null, Err(UNLISTED)),
        (
            "twice in two forms",
            |d| d["verificationMethod"][0]["publicKeyMultibase"] = "z6Mk".into(),
            Err(UNLISTED),
        ),
        (
            "PROOF-31: private",
            |d| d["verificationMethod"][0]["publicKeyJwk"]["d"] = "AAAA".into(),
            Err(UNLISTED),
        ),
        (
            "of another name",
            |d| d["verificationMethod"][0]["id"] = "did:web:holder.example:b#0".into(),
            Err(UNLISTED),
        ),
    ];
    let key = key(Es256);
    let jwts = Proofs::Jwt(vec![proof(&name(0), &key).await]);
    for (rule, spoil, expected) in cases {
        let mut document = document(&[&key]);
        spoil(&mut document);
        assert_eq!(verdict(&jwts, &known(&document)).map(|_| ()), expected, "{rule}");
    }
    let multikey = &mut document(&[&key]);
    multikey["verificationMethod"][0] = json!({
        "id": name(0), "type": "Multikey", "controller": DID,
        "publicKeyMultibase": to_multikey(key.public_key()),
    });
    verdict(&jwts, &known(multikey)).unwrap();
}

/// PROOF-17, PROOF-19, E21: the signature is by this key, and by an algorithm that was announced.
#[tokio::test]
async fn the_key_of_the_document_has_signed() {
    let [mine, other] = [key(Es256), key(Es256)];
    let jwts = Proofs::Jwt(vec![proof(&name(0), &mine).await]);
    let refused = verdict(&jwts, &known(&document(&[&other]))).unwrap_err();
    assert_eq!(refused, WrongSignature);
    let foreign = key(Es384);
    let refused = verdict(&jwts, &known(&document(&[&foreign])));
    assert!(refused.is_err(), "PROOF-19: {refused:?}");
    let twice = vec![proof(&name(0), &mine).await, proof(&name(1), &mine).await];
    let refused = verdict(&Proofs::Jwt(twice), &known(&document(&[&mine, &mine]))).unwrap_err();
    assert_eq!(refused, RepeatedKey, "CRED-36: two names are one key");
}

/// What could not be read says nothing; the Wallet is told what it is about.
#[tokio::test]
async fn without_its_document_a_name_is_nobodys() {
    let key = key(Es256);
    let jwts = Proofs::Jwt(vec![proof(&name(0), &key).await]);
    assert_eq!(verdict(&jwts, KnownDocuments::NONE).unwrap_err(), UNREAD);
    let document = known(&document(&[&key]));
    let elsewhere = Proofs::Jwt(vec![proof("did:web:holder.example#0", &key).await]);
    assert_eq!(verdict(&elsewhere, &document).unwrap_err(), UNREAD, "of another path");
}

/// F01: only the names of websites, each written in one way, are looked up.
#[tokio::test]
async fn what_is_no_website_is_not_asked() {
    let key = key(Es256);
    let known = known(&document(&[&key]));
    for kid in [
        DID,
        "did:web:127.0.0.1#0",
        "did:web:10.0.0.1%3A8080#0",
        "did:web:169.254.169.254#0",
        "did:web:2130706433#0",
        "did:web:0x7f.1#0",
        "did:web:[::1]#0",
        "did:web:%5B%3A%3A1%5D#0",
        "did:web:holder.example%2Fb#0",
        "did:web:user@holder.example#0",
        "did:web:holder.example:..:b#0",
        "did:web:holder.example/b#0",
        "did:web:holder.example?service=files#0",
        "did:web:HOLDER.example#0",
        "did:web:holder.example#",
        "did:web:holder.example#0#1",
        "did:web:holder.example#a b",
        "did:web:#0",
    ] {
        let jwts = Proofs::Jwt(vec![proof(kid, &key).await]);
        let (asked, refused) = judged(&jwts, &knowing(&known));
        assert_eq!((asked, refused.unwrap_err()), (vec![], BadDid), "{kid}");
    }
    let long = format!("did:web:holder.example:{}#0", "a".repeat(5_000));
    let jwts = Proofs::Jwt(vec![proof(&long, &key).await]);
    assert_eq!(judged(&jwts, &knowing(&known)).0, []);
}

/// F01: a request that is refused whatever a document says makes nobody ask for it.
#[tokio::test]
async fn nobody_is_asked_for_a_proof_that_is_not_good() {
    let key = key(Es256);
    let known = known(&document(&[&key]));
    let good = proof(&name(0), &key).await;
    let claim = async |more: Value| {
        let claims = merged(claims(), &more);
        let head = merged(header(&key), &json!({ "jwk": null, "kid": name(0) }));
        jwt(&head, &claims, &key).await
    };
    let typed = async |typ: Value| {
        let more = json!({ "jwk": null, "kid": name(0), "typ": typ });
        jwt(&merged(header(&key), &more), &claims().to_string(), &key).await
    };
    let foreign = self::key(Es384);
    let cases = [
        ("PROOF-28", typed(json!("JWT")).await),
        ("PROOF-29", proof(&name(0), &foreign).await),
        ("PROOF-14", claim(json!({ "aud": format!("{ISSUER}/") })).await),
        ("PROOF-33", claim(json!({ "iat": NOW.0 - 1000 })).await),
        ("PROOF-16", claim(json!({ "nonce": null })).await),
        ("PROOF-32", claim(json!({ "nonce": "A".repeat(75) })).await),
    ];
    for (rule, bad) in cases {
        for jwts in [vec![bad.clone()], vec![good.clone(), bad]] {
            let (asked, verified) = judged(&Proofs::Jwt(jwts), &knowing(&known));
            assert!(asked.is_empty() && verified.is_err(), "{rule}");
        }
    }
    let late = Proofs::Jwt(vec![good.clone()]);
    let (asked, refused) =
        judged(&late, &ProofContext { now: NOW.plus(100_000), ..knowing(&known) });
    assert!(asked.is_empty() && refused.is_err());
    assert_ne!(refused.unwrap_err(), BadNonce, "`iat` comes first");
}

/// F01: a request names few websites.
#[tokio::test]
async fn a_request_names_few_websites() {
    let mut jwts = Vec::new();
    for at in 0..=DOCUMENTS_MAX {
        jwts.push(proof(&format!("did:web:h{at}.example#0"), &key(Es256)).await);
    }
    let many = &ProofContext { proofs_max: 10, ..knowing(KnownDocuments::NONE) };
    let (asked, refused) = judged(&Proofs::Jwt(jwts.clone()), many);
    assert_eq!((asked, refused.unwrap_err()), (vec![], Document(DocumentRefusal::TooMany)));
    jwts.pop();
    let (asked, refused) = judged(&Proofs::Jwt(jwts), many);
    assert_eq!((asked.len(), refused.unwrap_err()), (DOCUMENTS_MAX, UNREAD));
}

/// A document that lacks a key may be out of date, and is asked for again.
#[test]
fn a_document_answers_what_is_wanted_of_it() {
    let [one, two] = [key(Es256), key(Es256)];
    let document = document(&[&one, &two]);
    let document = DidDocument::parse(document.to_string().as_bytes(), DID).unwrap();
    assert!(wanted(DID, &[name(0), name(1)]).is_answered_by(&document));
    assert!(!wanted(DID, &[name(0), name(2)]).is_answered_by(&document));
}

/// VCI §F.2, PROOF-21, PROOF-25: a presentation names its key in the same way.
#[tokio::test]
async fn a_presentation_may_name_a_key_of_a_document() {
    let [mine, other] = [key(EdDsa), key(EdDsa)];
    let vp: Map<String, Value> = serde_json::from_value(json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": DID,
    }))
    .unwrap();
    let method = name(0);
    let options = ProofOptions {
        verification_method: &method,
        canonicalization: Canonicalization::Jcs,
        created: NOW,
        contexts: None,
    };
    let nonce = nonce();
    let authentication = Authentication { domain: ISSUER, challenge: Some(&nonce) };
    let vp = sign_authentication(vp, options, authentication, &mine).await.unwrap();
    let proofs = Proofs::DiVp(vec![vp]);
    let (asked, verified) = judged(&proofs, &knowing(&known(&document(&[&mine]))));
    assert_eq!(asked, [wanted(DID, &[name(0)])]);
    assert_eq!(*verified.unwrap().proofs()[0].binding(), HolderBinding::Did(name(0)));
    let refused = |keys: &[&SoftwareKey]| verdict(&proofs, &known(&document(keys))).unwrap_err();
    assert_eq!(refused(&[&other]), WrongSignature);
    assert_eq!(refused(&[]), UNLISTED);
    assert_eq!(refused(&[&key(Es384)]), ProofRefusal::CryptosuiteNotSupported);
    let off = ProofContext { takes_di_vp: false, ..knowing(KnownDocuments::NONE) };
    assert_eq!(judged(&proofs, &off).0, [], "META-35");
}
