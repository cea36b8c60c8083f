//! VCI §F.1 and VCI §F.3 as tables: where a key attestation is needed, and what its keys get.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod attester;
mod holder;
mod jose;
mod prover;

use holder::{Keys, prove, verify_with};
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::did;
use keys::did_document::DidDocument;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::KeyAttestationRefusal::{self, OtherKey, Unreadable, Untrusted};
use oid4vci::attestation::key::{KeyAttestationPolicy, KeyAttestationsRequired, NewKeyAttestation};
use oid4vci::proof::BindingMethod::{DidJwk, DidKey, DidWeb, Jwk};
use oid4vci::proof::{
    BindingMethod, HolderBinding, KnownDocuments, NewProof, ProofContext, ProofRefusal, Proofs,
    VerifiedProof, VerifiedProofs, documents, verify,
};
use prover::{ISSUER, NOW, context, nonce, nonce_key};
use serde_json::{Value, json};

/// PROOF-10, PROOF-11, META-35, META-37: whether one is needed, and whether one is taken.
#[tokio::test]
async fn an_attestation_is_taken_where_the_metadata_say_so() {
    let keys = Keys::new(1);
    let attesters = keys.attester.by_anchor();
    let attestation = keys.attestation(&json!({}), &json!({})).await;
    let any = KeyAttestationsRequired::default();
    let trusting =
        KeyAttestationPolicy { attesters: Some(&attesters), ..KeyAttestationPolicy::NONE };
    let demanding = KeyAttestationPolicy { required: Some(&any), ..trusting };
    let typed = KeyAttestationPolicy { is_proof_type: true, ..trusting };
    let untrusting = KeyAttestationPolicy { is_proof_type: true, ..KeyAttestationPolicy::NONE };
    let with =
        Proofs::Jwt(vec![prove(&keys.held[0], &json!({ "key_attestation": attestation })).await]);
    let without = Proofs::Jwt(vec![prove(&keys.held[0], &json!({})).await]);
    let chained = json!({ "key_attestation": attestation, "trust_chain": [] });
    let chained = Proofs::Jwt(vec![prove(&keys.held[0], &chained).await]);
    let number = Proofs::Jwt(vec![prove(&keys.held[0], &json!({ "key_attestation": 1 })).await]);
    let alone = Proofs::Attestation(attestation);
    let refused = |refusal| Err(ProofRefusal::KeyAttestation(refusal));
    let cases = [
        ("none needed", &without, trusting, Ok(())),
        ("not needed, though good", &with, trusting, Ok(())),
        ("META-37: needed", &with, demanding, Ok(())),
        ("META-37: missing", &without, demanding, refused(KeyAttestationRefusal::Missing)),
        (
            "nobody is trusted",
            &with,
            KeyAttestationPolicy::NONE,
            Err(ProofRefusal::AttestationNotSupported),
        ),
        ("PROOF-11", &chained, trusting, Err(ProofRefusal::AttestationNotSupported)),
        ("PROOF-10: no string", &number, trusting, refused(Unreadable)),
        ("PROOF-03: announced", &alone, typed, Ok(())),
        ("META-35: not announced", &alone, trusting, Err(ProofRefusal::TypeNotSupported)),
        ("D13: announced, nobody trusted", &alone, untrusting, refused(Untrusted)),
    ];
    for (rule, proofs, policy, expected) in cases {
        assert_eq!(verify_with(proofs, policy).map(|_| ()), expected, "{rule}");
    }
}

/// Which keys are bound, and how.
fn bound(proofs: &VerifiedProofs, keys: &Keys) -> String {
    let name = |proof: &VerifiedProof| {
        let thumbprint = |key: &SoftwareKey| key.public_key().thumbprint();
        let place = keys.held.iter().position(|key| thumbprint(key) == *proof.thumbprint());
        let binding = match proof.binding() {
            HolderBinding::Jwk => "jwk",
            HolderBinding::Did(url) => url.get(..7).unwrap(),
        };
        format!("{} {binding}", place.unwrap())
    };
    proofs.proofs().iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What becomes of a request at an Issuer that takes attestations.
fn outcome(keys: &Keys, proofs: &Proofs) -> Result<String, ProofRefusal> {
    let attesters = keys.attester.by_anchor();
    let policy =
        KeyAttestationPolicy { attesters: Some(&attesters), required: None, is_proof_type: true };
    verify_with(proofs, policy).map(|proofs| bound(&proofs, keys))
}

/// An attestation whose keys bear these names.
async fn attest(keys: &Keys, kids: &[(usize, &str)]) -> String {
    let named = |(place, kid): &(usize, &str)| {
        let jwk = Value::Object(keys.held.get(*place).unwrap().public_key().to_jwk());
        serde_json::from_str::<Value>(&merged(jwk, &json!({ "kid": kid }))).unwrap()
    };
    let jwks: Value = kids.iter().map(named).collect();
    keys.attestation(&json!({}), &json!({ "attested_keys": jwks })).await
}

/// A proof by one of the keys, with an attestation; `kid` names the key in place of `jwk`.
async fn proof(keys: &Keys, place: usize, attestation: &str, kid: Option<&str>) -> String {
    let header = match kid {
        None => json!({ "key_attestation": attestation }),
        Some(kid) => json!({ "key_attestation": attestation, "jwk": null, "kid": kid }),
    };
    prove(keys.held.get(place).unwrap(), &header).await
}

/// PROOF-18, AMB-07, KEYATT-10, HAIP-34: a credential for each attested key, and for none twice.
#[tokio::test]
async fn each_attested_key_gets_a_credential() {
    let keys = Keys::new(3);
    let all = keys.attestation(&json!({}), &json!({})).await;
    let twice = attest(&keys, &[(1, "x"), (0, "y"), (1, "z")]).await;
    let other = Keys { attester: keys.attester, held: vec![key(EdDsa)] };
    let foreign = Proofs::Jwt(vec![proof(&other, 0, &all, None).await]);
    let keys = Keys { attester: other.attester, ..keys };
    let signer = Proofs::Jwt(vec![proof(&keys, 1, &all, None).await]);
    let each = vec![proof(&keys, 0, &all, None).await, proof(&keys, 2, &all, None).await];
    let again = vec![proof(&keys, 0, &all, None).await, proof(&keys, 0, &all, None).await];
    let cases = [
        ("PROOF-18: alone", Proofs::Attestation(all), Ok("0 jwk, 1 jwk, 2 jwk")),
        ("AMB-07: a key twice", Proofs::Attestation(twice), Ok("1 jwk, 0 jwk")),
        ("PROOF-18: the signer first", signer, Ok("1 jwk, 0 jwk, 2 jwk")),
        ("AMB-07, HAIP-34: in each proof", Proofs::Jwt(each), Ok("0 jwk, 2 jwk, 1 jwk")),
        ("AMB-07: by one key twice", Proofs::Jwt(again), Ok("0 jwk, 1 jwk, 2 jwk")),
        ("KEYATT-10: a key of nobody", foreign, Err(ProofRefusal::KeyAttestation(OtherKey))),
    ];
    for (rule, proofs, expected) in cases {
        assert_eq!(outcome(&keys, &proofs), expected.map(str::to_owned), "{rule}");
    }
}

/// AMB-05: how a proof names one of the attested keys.
#[tokio::test]
async fn a_kid_may_mean_an_attested_key() {
    let keys = Keys::new(3);
    let kids = attest(&keys, &[(0, "a"), (1, "b"), (2, "b")]).await;
    let did = did::to_did_key(keys.held[1].public_key());
    let cases = [
        ("by place", 0, "0", Ok("0 jwk, 1 jwk, 2 jwk")),
        ("by kid", 0, "a", Ok("0 jwk, 1 jwk, 2 jwk")),
        ("by a DID, the others in its way", 1, &did, Ok("1 did:key, 0 did:key, 2 did:key")),
        ("no such place", 0, "3", Err(ProofRefusal::KidNotSupported)),
        ("no place", 0, "-1", Err(ProofRefusal::KidNotSupported)),
        ("two bear it", 1, "b", Err(ProofRefusal::KidNotSupported)),
        ("E21: signed by another of them", 1, "0", Err(ProofRefusal::WrongSignature)),
    ];
    for (rule, place, kid, expected) in cases {
        let proofs = Proofs::Jwt(vec![proof(&keys, place, &kids, Some(kid)).await]);
        assert_eq!(outcome(&keys, &proofs), expected.map(str::to_owned), "{rule}");
    }
}

/// META-33: attested keys are bound in a way that the configuration allows.
#[tokio::test]
async fn attested_keys_are_bound_as_the_configuration_allows() {
    let keys = Keys::new(1);
    let attesters = keys.attester.by_anchor();
    let policy =
        KeyAttestationPolicy { attesters: Some(&attesters), required: None, is_proof_type: true };
    let attestation = keys.attestation(&json!({}), &json!({})).await;
    let cases: [(&[BindingMethod], _); 5] = [
        (&[DidJwk, Jwk], Ok("0 jwk")),
        (&[DidKey, DidJwk], Ok("0 did:jwk")),
        (&[DidKey], Ok("0 did:key")),
        (&[], Err(ProofRefusal::BindingNotSupported)),
        (&[DidWeb], Err(ProofRefusal::BindingNotSupported)), // where it would stand, nobody said
    ];
    for (binding_methods, expected) in cases {
        let nonce_key = nonce_key();
        let context =
            ProofContext { binding_methods, key_attestations: policy, ..context(&nonce_key) };
        let found = verify(&Proofs::Attestation(attestation.clone()), &context);
        let found = found.map(|proofs| bound(&proofs, &keys));
        assert_eq!(found, expected.map(str::to_owned), "{binding_methods:?}");
    }
}

/// PROOF-08, PROOF-18, KEYATT-10: an attestation vouches for the key that signs under the name it has in
/// a document; the other keys in it have no name there.
#[tokio::test]
async fn attested_keys_of_a_document_are_those_that_sign() {
    const DID: &str = "did:web:holder.example";
    let (keys, stranger, kid) = (Keys::new(2), key(Es256), format!("{DID}#0"));
    let attesters = keys.attester.by_anchor();
    let attestation = keys.attestation(&json!({}), &json!({})).await;
    let (input, _) = attestation.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", "A".repeat(86));
    let judged = async |key: &SoftwareKey, attestation: &str| {
        let method =
            json!({ "id": kid, "controller": DID, "publicKeyJwk": key.public_key().to_jwk() });
        let document = json!({ "id": DID, "authentication": [method] }).to_string();
        let mut known = KnownDocuments::default();
        known.add(DidDocument::parse(document.as_bytes(), DID).unwrap());
        let more = json!({ "jwk": null, "kid": kid, "key_attestation": attestation });
        let proofs = Proofs::Jwt(vec![prove(key, &more).await]);
        let nonce_key = nonce_key();
        let context = ProofContext {
            binding_methods: &[Jwk, DidWeb],
            key_attestations: KeyAttestationPolicy {
                attesters: Some(&attesters),
                required: None,
                is_proof_type: true,
            },
            known_documents: &known,
            ..context(&nonce_key)
        };
        (documents(&proofs, &context).len(), verify(&proofs, &context))
    };
    let (asked, verified) = judged(&keys.held[0], &attestation).await;
    let verified = verified.unwrap();
    let [proof] = verified.proofs() else { panic!("{verified:?}") };
    assert_eq!((asked, proof.binding()), (1, &HolderBinding::Did(kid.clone())));
    let (_, refused) = judged(&stranger, &attestation).await;
    assert_eq!(refused.unwrap_err(), OtherKey.into());
    let (asked, refused) = judged(&keys.held[0], &forged).await;
    assert_eq!(asked, 0, "F01: nobody vouches for it");
    assert_eq!(refused.unwrap_err(), KeyAttestationRefusal::WrongSignature.into());
}

/// AMB-03, CRED-11: nonces of proofs and attestations are spent together; keys are limited too.
#[tokio::test]
async fn nonces_of_attestations_are_spent_too() {
    let keys = Keys::new(2);
    let attesters = keys.attester.by_anchor();
    let policy =
        KeyAttestationPolicy { attesters: Some(&attesters), required: None, is_proof_type: true };
    let shared = nonce();
    let attestation = keys.attestation(&json!({}), &json!({ "nonce": shared })).await;
    let header = merged(prover::header(&keys.held[0]), &json!({ "key_attestation": attestation }));
    let claims = |nonce: &str| json!({ "aud": ISSUER, "iat": NOW.0, "nonce": nonce }).to_string();
    for (rule, nonce, count) in [("AMB-03: one for all", shared, 1), ("one each", nonce(), 2)] {
        let proof = jwt(&header, &claims(&nonce), &keys.held[0]).await;
        let proofs = verify_with(&Proofs::Jwt(vec![proof]), policy).unwrap();
        assert_eq!((proofs.nonces().len(), proofs.proofs().len()), (count, 2), "{rule}");
    }
    let strangers = [prove(&key(Es256), &json!({})).await, prove(&key(Es256), &json!({})).await];
    let proof = prove(&keys.held[0], &json!({ "key_attestation": attestation })).await;
    let many = Proofs::Jwt(strangers.into_iter().chain([proof]).collect());
    let found = verify_with(&many, policy).map(|_| ());
    assert_eq!(found, Err(ProofRefusal::TooMany), "AMB-06: three proofs, four keys");
}

/// VCI §D.1, KEYATT-06, PROOF-10, PROOF-26, HAIP-33: what our Wallet and its provider send.
#[tokio::test]
async fn ours_are_the_ones_of_the_spec() {
    let keys = Keys::new(2);
    let public: Vec<_> = keys.held.iter().map(|key| key.public_key().clone()).collect();
    let nonce = nonce();
    let attestation = NewKeyAttestation {
        keys: &public,
        key_storage: &["iso_18045_high"],
        user_authentication: &[],
        nonce: Some(&nonce),
        now: NOW,
        expires_at: NOW.plus(300),
    };
    let chain = keys.attester.leaf();
    let attestation = attestation.sign(&keys.attester.key, Some(chain)).await.unwrap();
    let proof = NewProof {
        binding: &HolderBinding::Jwk,
        credential_issuer: ISSUER,
        client_id: None,
        nonce: Some(&nonce),
        key_attestation: Some(&attestation),
        now: NOW,
    };
    let proof = proof.sign(&keys.held[1]).await.unwrap();
    let required = KeyAttestationsRequired {
        key_storage: vec!["iso_18045_high".into()],
        user_authentication: Vec::new(),
    };
    let proofs = [Proofs::Attestation(attestation), Proofs::Jwt(vec![proof])];
    // By the chain in its header (KEYATT-06), and by a key that the issuer was given before.
    for attesters in [keys.attester.by_anchor(), keys.attester.by_key(None)] {
        let policy = KeyAttestationPolicy {
            attesters: Some(&attesters),
            required: Some(&required),
            is_proof_type: true,
        };
        let found =
            proofs.each_ref().map(|proofs| bound(&verify_with(proofs, policy).unwrap(), &keys));
        assert_eq!(found, ["0 jwk, 1 jwk", "1 jwk, 0 jwk"]);
    }
}
