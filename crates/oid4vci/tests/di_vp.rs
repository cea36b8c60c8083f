//! Proofs of type `di_vp` (VCI §F.2): presentations that are taken, and each rule that one can break.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[expect(dead_code, reason = "some of it is for proofs that are JWTs")]
mod prover;

use formats::data_integrity::{
    Authentication, Canonicalization, Cryptosuite, ProofOptions, sign_authentication,
};
use keys::algorithm::Algorithm;
use keys::did;
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::{KeyAttestationPolicy, KeyAttestationsRequired};
use oid4vci::proof::BindingMethod::Jwk;
use oid4vci::proof::di_vp::{NewPresentation, cryptosuites};
use oid4vci::proof::{HolderBinding, ProofContext, ProofRefusal, Proofs, VerifiedProofs, verify};
use prover::{ISSUER, NOW, context, nonce, nonce_key};
use serde_json::{Map, Value, json};

const V2: &str = "https://www.w3.org/ns/credentials/v2";

fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm).unwrap()
}

/// Names a key by a DID of either method.
fn method(key: &SoftwareKey, is_did_key: bool) -> String {
    let public = key.public_key();
    let did = if is_did_key { did::to_did_key(public) } else { did::to_did_jwk(public) };
    did::verification_method(&did)
}

fn taking(nonce_key: &MacKey) -> ProofContext<'_> {
    ProofContext { takes_di_vp: true, ..context(nonce_key) }
}

fn judged(presentations: Vec<Value>) -> Result<VerifiedProofs, ProofRefusal> {
    judged_in(presentations, &taking(&nonce_key()))
}

fn judged_in(
    presentations: Vec<Value>,
    context: &ProofContext<'_>,
) -> Result<VerifiedProofs, ProofRefusal> {
    let objects = presentations.into_iter().map(|value| value.as_object().unwrap().clone());
    verify(&Proofs::DiVp(objects.collect()), context)
}

/// As our Wallet makes it.
async fn presented(key: &SoftwareKey, is_did_key: bool) -> Value {
    let new = NewPresentation {
        verification_method: &method(key, is_did_key),
        credential_issuer: ISSUER,
        nonce: Some(&nonce()),
        cryptosuites: &cryptosuites(&Algorithm::ALL),
        now: NOW,
    };
    new.sign(key).await.unwrap().into()
}

/// A good presentation of any wallet, to be spoilt before it is signed.
struct Draft {
    document: Value,
    method: String,
    domain: String,
    challenge: Option<String>,
    created: Timestamp,
    canonicalization: Canonicalization,
}

impl Draft {
    fn new(key: &SoftwareKey) -> Self {
        let method = method(key, true);
        Self {
            document: json!({
                "@context": [V2], "type": ["VerifiablePresentation"], "holder": did::did_of(&method),
            }),
            method,
            domain: ISSUER.to_owned(),
            challenge: Some(nonce()),
            created: NOW,
            canonicalization: Canonicalization::Jcs,
        }
    }

    async fn sign(&self, key: &SoftwareKey) -> Value {
        let options = ProofOptions {
            verification_method: &self.method,
            canonicalization: self.canonicalization,
            created: self.created,
            contexts: None,
        };
        let authentication =
            Authentication { domain: &self.domain, challenge: self.challenge.as_deref() };
        let document: Map<String, Value> = serde_json::from_value(self.document.clone()).unwrap();
        sign_authentication(document, options, authentication, key).await.unwrap().into()
    }
}

/// PROOF-22, PROOF-25: by each suite, with either DID; the key is bound as the proof names it.
#[tokio::test]
async fn a_presentation_proves_its_key() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        for is_did_key in [true, false] {
            for canonicalization in [Canonicalization::Jcs, Canonicalization::Rdfc] {
                let key = key(algorithm);
                let ours = presented(&key, is_did_key).await;
                let mut draft = Draft { canonicalization, ..Draft::new(&key) };
                draft.method = method(&key, is_did_key);
                draft.document["holder"] = did::did_of(&draft.method).into();
                for presentation in [ours, draft.sign(&key).await] {
                    let verified = judged(vec![presentation]).unwrap();
                    let [proof] = verified.proofs() else { panic!() };
                    assert_eq!(*proof.thumbprint(), key.public_key().thumbprint());
                    let binding = HolderBinding::Did(method(&key, is_did_key));
                    assert_eq!((proof.binding(), verified.nonces().len()), (&binding, 1));
                }
            }
        }
    }
}

/// PROOF-24: who has no Nonce Endpoint gets no challenge.
#[tokio::test]
async fn without_a_nonce_there_is_no_challenge() {
    let key = key(Algorithm::EdDsa);
    let new = NewPresentation {
        verification_method: &method(&key, true),
        credential_issuer: ISSUER,
        nonce: None,
        cryptosuites: &[Cryptosuite::EddsaRdfc2022],
        now: NOW,
    };
    let made = new.sign(&key).await.unwrap();
    assert_eq!(made["proof"]["cryptosuite"], "eddsa-rdfc-2022", "PROOF-22: the one that is taken");
    assert!(made["proof"].get("challenge").is_none());
    let other = NewPresentation { cryptosuites: &[Cryptosuite::EcdsaJcs2019], ..new };
    assert_eq!(other.sign(&key).await.unwrap_err(), formats::IssueError::NoCryptosuite);
}

/// PROOF-02, CRED-36: several, each for a key of its own; every nonce among them is spent (AMB-03).
#[tokio::test]
async fn each_presentation_is_for_another_key() {
    let (one, other) = (key(Algorithm::Es256), key(Algorithm::EdDsa));
    let [first, second] = [presented(&one, true).await, presented(&other, false).await];
    let verified = judged(vec![first.clone(), second.clone()]).unwrap();
    assert_eq!((verified.proofs().len(), verified.nonces().len()), (2, 2));
    let again = judged(vec![first.clone(), first.clone()]).unwrap_err();
    assert_eq!(again, ProofRefusal::RepeatedKey);
    assert_eq!(judged(vec![]).unwrap_err(), ProofRefusal::Missing);
    let many = judged(vec![first, second.clone(), second.clone(), second]).unwrap_err();
    assert_eq!(many, ProofRefusal::TooMany);
}

/// A change to a good draft, the rule, and what comes of it.
type Row = (&'static str, Box<dyn Fn(&mut Draft)>, Option<ProofRefusal>);

fn row(
    rule: &'static str,
    spoil: impl Fn(&mut Draft) + 'static,
    refusal: impl Into<Option<ProofRefusal>>,
) -> Row {
    (rule, Box::new(spoil), refusal.into())
}

/// Who signed: `own` is the DID of the signer, `other` the key of somebody else.
fn about_the_key(own: String, other: String) -> Vec<Row> {
    use ProofRefusal as Refusal;
    let holder = |rule, holder: Value, refusal: Option<Refusal>| {
        row(rule, move |draft: &mut Draft| draft.document["holder"] = holder.clone(), refusal)
    };
    let stranger = did::did_of(&other).to_owned();
    let another = Some(Refusal::OtherHolder);
    let of_method = |rule, method: String, refusal: Refusal| {
        row(rule, move |draft: &mut Draft| draft.method.clone_from(&method), refusal)
    };
    let by_another = move |draft: &mut Draft| {
        draft.document["holder"] = did::did_of(&other).into();
        draft.method.clone_from(&other);
    };
    let without =
        |draft: &mut Draft| drop(draft.document.as_object_mut().unwrap().remove("holder"));
    vec![
        row("PROOF-21: no holder", without, None),
        holder("PROOF-21: an object", json!({ "id": own }), None),
        holder("PROOF-21: another", stranger.into(), another),
        holder("PROOF-21: no text", json!(5), another),
        row("PROOF-25: another key", by_another, Refusal::WrongSignature),
        of_method("META-33", "did:web:a.example#1".to_owned(), Refusal::BindingNotSupported),
        of_method("no such kind", "did:ebsi:a#1".to_owned(), Refusal::BadMethod),
        of_method("no key of the DID", own, Refusal::BadMethod),
        of_method("no DID", "https://a.example#1".to_owned(), Refusal::BadMethod),
    ]
}

/// For whom, for which nonce, when; and of which type.
fn about_the_rest() -> Vec<Row> {
    use ProofRefusal as Refusal;
    let domain = |rule, domain: String| {
        let spoil = move |draft: &mut Draft| draft.domain.clone_from(&domain);
        row(rule, spoil, Refusal::WrongDomain)
    };
    let created = |rule, created: Timestamp| {
        row(rule, move |draft: &mut Draft| draft.created = created, Refusal::CreatedTooFar)
    };
    let document = |rule, name: &'static str, value: Value, refusal: Option<Refusal>| {
        row(rule, move |draft: &mut Draft| draft.document[name] = value.clone(), refusal)
    };
    let unreadable = Some(Refusal::UnreadablePresentation);
    vec![
        row("nothing", |_| {}, None),
        domain("PROOF-23: the issuer's DID, AMB-11", "did:web:issuer.example:a".to_owned()),
        domain("PROOF-23: another issuer", format!("{ISSUER}/")),
        row("PROOF-24: none", |draft| draft.challenge = None, Refusal::NoChallenge),
        row("PROOF-24: another", |draft| draft.challenge = Some("x".repeat(75)), Refusal::BadNonce),
        created("PROOF-33: too old", NOW.minus(121)),
        created("PROOF-33: too early", NOW.plus(121)),
        document("of another type", "type", json!("Other"), unreadable),
        document("too long", "x", "x".repeat(16 * 1024).into(), unreadable),
        document("PROOF-25: unknown members", "x", json!("y"), None),
    ]
}

/// What a proof must say, and did say when it was signed.
#[tokio::test]
async fn a_presentation_that_says_the_wrong_thing_is_refused() {
    let (signer, other) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let own = did::did_of(&method(&signer, true)).to_owned();
    let rows = about_the_key(own, method(&other, true)).into_iter().chain(about_the_rest());
    for (rule, spoil, refusal) in rows {
        let mut draft = Draft::new(&signer);
        spoil(&mut draft);
        let presentation = draft.sign(&signer).await;
        assert_eq!(judged(vec![presentation]).err(), refusal, "{rule}");
    }
}

/// As linked data, what has no meaning was signed by nobody.
#[tokio::test]
async fn linked_data_say_nothing_without_a_meaning() {
    let signer = key(Algorithm::Es256);
    let draft = Draft { canonicalization: Canonicalization::Rdfc, ..Draft::new(&signer) };
    let mut presentation = draft.sign(&signer).await;
    assert!(judged(vec![presentation.clone()]).is_ok());
    presentation["more"] = "z".into();
    let refused = judged(vec![presentation.clone()]).unwrap_err();
    assert_eq!(refused, ProofRefusal::UnknownPresentationTerm);
    presentation["@context"] = json!([V2, "https://elsewhere.example/v1"]);
    let refused = judged(vec![presentation]).unwrap_err();
    assert_eq!(refused, ProofRefusal::UnknownPresentationTerm);
}

/// Contexts that are written out make us busy before anybody knows who sent them.
#[tokio::test]
async fn a_presentation_names_its_contexts() {
    let signer = key(Algorithm::Es256);
    for canonicalization in [Canonicalization::Jcs, Canonicalization::Rdfc] {
        for context in [json!([V2, { "x": "urn:x" }]), json!({ "@vocab": "urn:x:" })] {
            let mut draft = Draft { canonicalization, ..Draft::new(&signer) };
            draft.document["@context"] = context.clone();
            let refused = judged(vec![draft.sign(&signer).await]).unwrap_err();
            assert_eq!(refused, ProofRefusal::UnknownPresentationTerm, "{context}");
        }
    }
}

/// What was changed after it was signed.
#[tokio::test]
async fn a_presentation_that_was_changed_is_refused() {
    use ProofRefusal as Refusal;
    let signer = key(Algorithm::Es256);
    let good = Draft::new(&signer).sign(&signer).await;
    for (place, value, refusal) in [
        ("/proof/proofPurpose", json!("assertionMethod"), Refusal::WrongPurpose),
        ("/proof/proofPurpose", Value::Null, Refusal::WrongPurpose),
        ("/proof/cryptosuite", json!("eddsa-2022"), Refusal::CryptosuiteNotSupported),
        ("/proof/cryptosuite", json!("ecdsa-sd-2023"), Refusal::CryptosuiteNotSupported),
        ("/proof/cryptosuite", json!("eddsa-jcs-2022"), Refusal::WrongSignature),
        ("/proof/cryptosuite", json!("ecdsa-rdfc-2019"), Refusal::WrongSignature),
        ("/proof/type", json!("Ed25519Signature2020"), Refusal::UnreadablePresentation),
        ("/proof/created", json!("yesterday"), Refusal::UnreadablePresentation),
        ("/proof/expires", json!("2020-01-01T00:00:00Z"), Refusal::CreatedTooFar),
        ("/proof/nonce", json!("more"), Refusal::WrongSignature),
        ("/proof/proofValue", json!("z2"), Refusal::WrongSignature),
        ("/proof/proofValue", json!("u2"), Refusal::UnreadablePresentation),
        ("/proof", json!([]), Refusal::UnreadablePresentation),
        ("/proof", json!([good["proof"], good["proof"]]), Refusal::UnreadablePresentation),
        ("/proof", json!("x"), Refusal::UnreadablePresentation),
        ("/type", json!(["VerifiablePresentation", "More"]), Refusal::WrongSignature),
    ] {
        let mut changed = good.clone();
        let (parent, member) = place.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[member] = value.clone();
        assert_eq!(judged(vec![changed]).unwrap_err(), refusal, "{place} {value}");
    }
    let mut listed = good.clone();
    listed["proof"] = json!([good["proof"]]);
    assert!(judged(vec![listed]).is_ok(), "the specification writes one proof as a list");
}

/// META-35, META-33, PROOF-20, META-37: what the configuration does not announce is not taken.
#[tokio::test]
async fn a_configuration_decides_what_is_taken() {
    let (nonce_key, signer) = (nonce_key(), key(Algorithm::EdDsa));
    let good = presented(&signer, true).await;
    let judged = |context: &ProofContext<'_>| judged_in(vec![good.clone()], context).err();
    assert_eq!(judged(&taking(&nonce_key)), None);
    assert_eq!(judged(&context(&nonce_key)), Some(ProofRefusal::TypeNotSupported));
    let bare = ProofContext { binding_methods: &[Jwk], ..taking(&nonce_key) };
    assert_eq!(judged(&bare), Some(ProofRefusal::BindingNotSupported));
    let ecdsa = ProofContext { algorithms: &[Algorithm::Es256], ..taking(&nonce_key) };
    assert_eq!(judged(&ecdsa), Some(ProofRefusal::CryptosuiteNotSupported));
    let required = KeyAttestationsRequired::default();
    let key_attestations =
        KeyAttestationPolicy { required: Some(&required), ..KeyAttestationPolicy::NONE };
    let attested = ProofContext { key_attestations, ..taking(&nonce_key) };
    assert!(matches!(judged(&attested), Some(ProofRefusal::KeyAttestation(_))));
    let names = |algorithms: &[Algorithm]| {
        cryptosuites(algorithms).into_iter().map(Cryptosuite::name).collect::<Vec<_>>()
    };
    let all = names(&[Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]);
    assert_eq!(all, ["ecdsa-jcs-2019", "ecdsa-rdfc-2019", "eddsa-jcs-2022", "eddsa-rdfc-2022"]);
    assert!(names(&[Algorithm::Es512, Algorithm::Es256K]).is_empty());
}
