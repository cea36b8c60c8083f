//! VCI §8.2 as tables: the Credential Request, and who may have what.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod fixture;
#[macro_use]
mod refusals;

use fixture::{NOW, TOKEN, redeemed};
use keys::algorithm::Algorithm::Es256;
use keys::digest::MacKey;
use keys::outside::SystemRandom;
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::access::{Authenticated, Presented, authenticate};
use oid4vci::attestation::key::{KeyAttestationPolicy, KeyAttestationRefusal};
use oid4vci::attestation::status::KnownEntries;
use oid4vci::credential::CredentialRefusal::{
    Encryption, IdentifierNeeded, NoSelector, NotAuthorised, Proof, ProofBesideProofs,
    SeveralProofTypes, SeveralSelectors, TooLong, TooManyKeys, UnknownConfiguration,
    UnknownIdentifier, Unreadable,
};
use oid4vci::credential::{
    CredentialRefusal, CredentialRequest, ISSUANCES_MAX, REQUEST_BYTES_MAX, Selector, authorize,
    decide, decide_all,
};
use oid4vci::dpop::DpopRefusal;
use oid4vci::encryption::EncryptionRefusal::ResponseNotSupported;
use oid4vci::error::{Challenge, ErrorCode, Refusal as _};
use oid4vci::grant::{Grant, Issued};
use oid4vci::nonce::NonceResponse;
use oid4vci::proof::ProofRefusal::{self, Missing, TypeNotSupported};
use oid4vci::proof::{
    BindingMethod, HolderBinding, KnownDocuments, NewProof, ProofContext, Proofs, VerifiedProofs,
    verify,
};
use oid4vci::secret::AccessToken;
use refusals::check_texts;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";

/// VCI §8.2: one way to name the credential; `c` and `i` tell which was read.
#[test]
fn a_request_names_one_credential() {
    let cases = [
        ("CRED-04", r#"{"credential_configuration_id":"a"}"#, Ok("c a")),
        ("CRED-03", r#"{"credential_identifier":"a"}"#, Ok("i a")),
        ("CRED-20, G04", r#"{"credential_configuration_id":"a","x":[1]}"#, Ok("c a")),
        ("CRED-23", r#"{"credential_configuration_id":"a","format":"f","vct":1}"#, Ok("c a")),
        (
            "CRED-05, G01",
            r#"{"credential_configuration_id":"a","credential_identifier":"a"}"#,
            Err(SeveralSelectors),
        ),
        ("CRED-03, CRED-04, G01", "{}", Err(NoSelector)),
        ("CRED-23: drafts", r#"{"format":"f","vct":"v"}"#, Err(NoSelector)),
        ("CRED-04: a number", r#"{"credential_configuration_id":1}"#, Err(Unreadable)),
        ("CRED-03: an array", r#"{"credential_identifier":["a"]}"#, Err(Unreadable)),
        (
            "CRED-54, G03",
            r#"{"credential_identifier":"a","credential_identifier":"a"}"#,
            Err(Unreadable),
        ),
        (
            "G03: in disguise",
            r#"{"credential_identifier":"a","credential\u005fidentifier":"b"}"#,
            Err(Unreadable),
        ),
        ("G03: inside", r#"{"credential_identifier":"a","x":{"y":1,"y":1}}"#, Err(Unreadable)),
        ("CRED-54: no object", r#"["a"]"#, Err(Unreadable)),
        ("CRED-54: a JWE", "e30.a.b.c.d", Err(Unreadable)),
        ("CRED-54: a form", "credential_identifier=a", Err(Unreadable)),
        ("CRED-54: nothing", "", Err(Unreadable)),
        ("CRED-54: something behind", r#"{"credential_identifier":"a"}{}"#, Err(Unreadable)),
        (
            "CRED-12, CRED-60",
            r#"{"credential_identifier":"a","credential_response_encryption":{}}"#,
            Err(Encryption(ResponseNotSupported)),
        ),
        (
            "AMB-23",
            r#"{"credential_response_encryption":{"jwk":{"alg":"UNSUPPORTED_ALG"}}}"#,
            Err(Encryption(ResponseNotSupported)),
        ),
    ];
    for (rule, body, expected) in cases {
        let found =
            CredentialRequest::parse(body.as_bytes(), true).map(|request| match request.selector {
                Selector::Configuration(id) => format!("c {id}"),
                Selector::Identifier(id) => format!("i {id}"),
            });
        assert_eq!(found, expected.map(str::to_owned), "{rule}");
    }
}

/// G05, G07, G14: bytes that are no request are refused at once.
#[test]
fn a_hostile_body_is_refused() {
    let nested = |depth| {
        format!(r#"{{"credential_identifier":"a","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    let padded = |length: usize| {
        let body = r#"{"credential_identifier":"a"}"#;
        format!("{body}{}", " ".repeat(length - body.len())).into_bytes()
    };
    let cases = [
        ("G05: as deep as allowed", nested(31).into_bytes(), Ok(())),
        ("G05: deeper", nested(32).into_bytes(), Err(Unreadable)),
        ("G05: 10 000 deep", nested(10_000).into_bytes(), Err(Unreadable)),
        ("G05: as long as allowed", padded(REQUEST_BYTES_MAX), Ok(())),
        ("G05: longer", padded(REQUEST_BYTES_MAX + 1), Err(TooLong)),
        ("G07: not UTF-8", b"{\"credential_identifier\":\"\xff\"}".to_vec(), Err(Unreadable)),
        ("G07: overlong", b"{\"credential_identifier\":\"\xc0\xaf\"}".to_vec(), Err(Unreadable)),
        (
            "G07: a byte order mark",
            b"\xef\xbb\xbf{\"credential_identifier\":\"a\"}".to_vec(),
            Err(Unreadable),
        ),
        (
            "G07: half a character",
            br#"{"credential_identifier":"\ud800"}"#.to_vec(),
            Err(Unreadable),
        ),
        ("G07: a NUL outside", b"{\"credential_identifier\":\"a\"}\0".to_vec(), Err(Unreadable)),
        (
            "G14: a number beyond all numbers",
            br#"{"credential_identifier":"a","x":1e999}"#.to_vec(),
            Err(Unreadable),
        ),
    ];
    for (rule, body, expected) in cases {
        assert_eq!(CredentialRequest::parse(&body, true).map(|_| ()), expected, "{rule}");
    }
}

/// The proofs of a request; `-` is none.
fn proofs_of(mut body: Value, single_proof: bool) -> Result<String, CredentialRefusal> {
    body.as_object_mut().unwrap().insert("credential_configuration_id".into(), json!("a"));
    let request = CredentialRequest::parse(body.to_string().as_bytes(), single_proof)?;
    Ok(match request.proofs {
        None => "-".into(),
        Some(Proofs::Jwt(jwts)) => jwts.join(" "),
        Some(Proofs::Attestation(jwt)) => format!("attestation {jwt}"),
        Some(Proofs::DiVp(presentations)) => format!("di_vp {}", json!(presentations.first())),
    })
}

/// CRED-08, PROOF-01: `proofs` has one member, with a filled array.
#[test]
fn a_request_has_proofs_of_one_type() {
    let unreadable = Proof(ProofRefusal::Unreadable);
    let no_object = Proof(ProofRefusal::UnreadablePresentation);
    let several = ProofRefusal::KeyAttestation(KeyAttestationRefusal::Several);
    let cases = [
        ("CRED-08", json!({ "jwt": ["p", "q"] }), Ok("p q")),
        ("PROOF-03", json!({ "attestation": ["a"] }), Ok("attestation a")),
        ("PROOF-01: an empty array", json!({ "jwt": [] }), Err(Proof(Missing))),
        ("PROOF-03: an empty array", json!({ "attestation": [] }), Err(Proof(Missing))),
        ("PROOF-03: two", json!({ "attestation": ["a", "b"] }), Err(Proof(several))),
        ("CRED-08, E22: two types", json!({ "jwt": ["p"], "di_vp": [] }), Err(SeveralProofTypes)),
        ("CRED-08: none in it", json!({}), Err(Proof(Missing))),
        ("META-35: another type", json!({ "ldp_vp": [{}] }), Err(Proof(TypeNotSupported))),
        ("PROOF-02: no object", json!({ "di_vp": ["p"] }), Err(no_object)),
        ("PROOF-02", json!({ "di_vp": [{ "a": 1 }] }), Ok("di_vp {\"a\":1}")),
        ("CRED-08: no array", json!({ "jwt": "p" }), Err(unreadable)),
        ("PROOF-01: no string", json!({ "jwt": ["p", 1] }), Err(unreadable)),
        ("CRED-08: no object", json!(["p"]), Err(unreadable)),
    ];
    for (rule, proofs, expected) in cases {
        let found = proofs_of(json!({ "proofs": proofs }), false);
        assert_eq!(found, expected.map(str::to_owned), "{rule}");
    }
    assert_eq!(proofs_of(json!({}), true), Ok("-".into()), "CRED-09: none");
}

/// AMB-17: the lone `proof` of the drafts counts where that is allowed, and nothing is beside it.
#[test]
fn a_lone_proof_of_the_drafts_is_taken_where_it_may() {
    let jwt = json!({ "proof_type": "jwt", "jwt": "p" });
    let cwt = json!({ "proof_type": "cwt", "cwt": "p" });
    let both = |proof: &Value, jwts: Value| json!({ "proof": proof, "proofs": { "jwt": jwts } });
    let cases = [
        ("allowed", json!({ "proof": jwt }), true, Ok("p")),
        ("strict", json!({ "proof": jwt }), false, Ok("-")),
        ("both mean something", both(&jwt, json!(["q"])), true, Err(ProofBesideProofs)),
        ("neither is good", both(&Value::Null, json!([])), true, Err(ProofBesideProofs)),
        ("CRED-20: strict, an unknown member", both(&jwt, json!(["q"])), false, Ok("q")),
        ("PROOF-35: cwt", json!({ "proof": cwt }), true, Err(Proof(TypeNotSupported))),
        (
            "no JWT",
            json!({ "proof": { "proof_type": "jwt" } }),
            true,
            Err(Proof(ProofRefusal::Unreadable)),
        ),
    ];
    for (rule, body, single_proof, expected) in cases {
        assert_eq!(proofs_of(body, single_proof), expected.map(str::to_owned), "{rule}");
    }
}

/// VCI §8.2: what our Wallet sends is what our Issuer reads, and what the spec shows.
#[test]
fn our_request_is_the_one_of_the_spec() {
    let requests = [
        (
            Selector::Configuration("a".into()),
            Some(Proofs::Jwt(vec!["p".into()])),
            json!({ "credential_configuration_id": "a", "proofs": { "jwt": ["p"] } }),
        ),
        (
            Selector::Configuration("a".into()),
            Some(Proofs::Attestation("k".into())),
            json!({ "credential_configuration_id": "a", "proofs": { "attestation": ["k"] } }),
        ),
        (Selector::Identifier("a#1".into()), None, json!({ "credential_identifier": "a#1" })),
    ];
    for (selector, proofs, expected) in requests {
        let request = CredentialRequest { selector, proofs };
        assert_eq!(request.to_json(), expected, "CRED-03, CRED-04, CRED-08, CRED-09");
        let body = request.to_json().to_string();
        assert_eq!(CredentialRequest::parse(body.as_bytes(), false), Ok(request));
    }
}

fn authenticated(grant: &Grant) -> Authenticated<'_> {
    authenticate(Presented::Bearer(&AccessToken::new(TOKEN)), Some(grant), NOW).unwrap()
}

/// VCI §8.3.1.2, AMB-08, AMB-09: known at all, then of the right kind, then covered by the token.
#[test]
fn a_token_is_good_for_what_it_was_made_for() {
    let id = |text: &str| Selector::Configuration(text.into());
    let identifier = |text: &str| Selector::Identifier(text.into());
    let cases = [
        ("CRED-04, CRED-07", false, id("student_card"), Ok("student_card")),
        ("CRED-22: the other one", false, id("diploma"), Ok("diploma")),
        ("CRED-55, G02", false, id("unknown"), Err(UnknownConfiguration)),
        ("CRED-07, AMB-09, B11", false, id("course_ticket"), Err(NotAuthorised)),
        (
            "CRED-03: no identifiers came back",
            false,
            identifier("diploma#1"),
            Err(UnknownIdentifier),
        ),
        ("CRED-03, TOKEN-20", true, identifier("diploma#1"), Ok("diploma")),
        ("CRED-56, G02", true, identifier("unknown"), Err(UnknownIdentifier)),
        ("CRED-56: an id is no identifier", true, identifier("diploma"), Err(UnknownIdentifier)),
        ("AMB-09: of another token", true, identifier("course_ticket#1"), Err(UnknownIdentifier)),
        ("CRED-04, AMB-08: the wrong kind", true, id("diploma"), Err(IdentifierNeeded)),
        ("AMB-08: unknown, of the wrong kind", true, id("unknown"), Err(UnknownConfiguration)),
        ("AMB-08: kind before authorisation", true, id("course_ticket"), Err(IdentifierNeeded)),
        ("CRED-55: case", false, id("Diploma"), Err(UnknownConfiguration)),
    ];
    for (rule, by_identifier, selector, expected) in cases {
        let mut grant = redeemed();
        grant.redemption.as_mut().unwrap().by_identifier = by_identifier;
        let token = authenticated(&grant);
        let is_known = |id: &str| ["student_card", "diploma", "course_ticket"].contains(&id);
        assert_eq!(authorize(&selector, token, is_known), expected, "{rule}");
    }
    let mut chosen = redeemed();
    chosen.redemption.as_mut().unwrap().credential_configuration_ids = vec!["diploma".into()];
    let token = authenticated(&chosen);
    let refused = authorize(&id("student_card"), token, |_| true);
    assert_eq!(refused, Err(NotAuthorised), "TOKEN-15: offered, but the Wallet asked for less");
}

/// Proofs of these keys, verified.
async fn proofs(keys: &[&SoftwareKey]) -> VerifiedProofs {
    let nonce_key = MacKey::new([7; 32]);
    let nonce = NonceResponse::fresh(ISSUER, &nonce_key, NOW, &SystemRandom).c_nonce;
    let proof = NewProof {
        binding: &HolderBinding::Jwk,
        credential_issuer: ISSUER,
        client_id: None,
        nonce: Some(&nonce),
        key_attestation: None,
        now: NOW,
    };
    let mut jwts = Vec::new();
    for key in keys {
        jwts.push(proof.sign(*key).await.unwrap());
    }
    let context = ProofContext {
        is_typed: true,
        takes_certificates_beside_keys: false,
        credential_issuer: ISSUER,
        client_id: None,
        algorithms: &[Es256],
        binding_methods: &[BindingMethod::Jwk],
        proofs_max: 10,
        window_seconds: 120,
        nonce_key: &nonce_key,
        key_attestations: KeyAttestationPolicy::NONE,
        takes_di_vp: false,
        known_entries: KnownEntries::NONE,
        known_documents: KnownDocuments::NONE,
        now: NOW,
    };
    verify(&Proofs::Jwt(jwts), &context).unwrap()
}

/// CRED-22, CRED-36, CRED-61: up to `keys_max` distinct keys, each as often as it asks.
#[tokio::test]
async fn a_token_gives_credentials_for_so_many_keys() {
    let keys: Vec<SoftwareKey> = (0..4).map(|_| SoftwareKey::generate(Es256).unwrap()).collect();
    let [a, b, c, d] = &keys[..] else { unreachable!() };
    let cases: [(&str, &[&SoftwareKey], &[&SoftwareKey], bool); 9] = [
        ("the first", &[], &[a], true),
        ("all at once", &[], &[a, b, c], true),
        ("CRED-61: more at once", &[], &[a, b, c, d], false),
        ("CRED-22: one after another", &[a, b], &[c], true),
        ("CRED-61: one more", &[a, b, c], &[d], false),
        ("IMPL-03: the same again", &[a, b, c], &[b], true),
        ("IMPL-03: all of them again", &[a, b, c], &[c, b, a], true),
        ("CRED-61: an old one and a new one", &[a, b, c], &[a, d], false),
        ("a repeated one counts once", &[a, a, a, a], &[b, c], true),
    ];
    for (rule, before, now, good) in cases {
        let issued = |key: &&SoftwareKey| Issued {
            credential_configuration_id: "diploma".into(),
            thumbprint: Some(key.public_key().thumbprint()),
            at: NOW,
            entry: None,
            notified: None,
        };
        let grant = Grant { issued: before.iter().map(issued).collect(), ..redeemed() };
        let token = authenticated(&grant);
        let proofs = proofs(now).await;
        let found = decide(token, "diploma", Some(&proofs), 3);
        let expected: Vec<Option<Thumbprint>> =
            now.iter().map(|key| Some(key.public_key().thumbprint())).collect();
        let found = found.map(|record| (record.credential_configuration_id, record.thumbprints));
        let expected = if good { Ok(("diploma", expected)) } else { Err(TooManyKeys) };
        assert_eq!(found, expected, "{rule}");
    }
}

/// CRED-11, CRED-61: the keys of one configuration cost nothing of another's, whether they were asked
/// for before or in the same batch of a draft.
#[tokio::test]
async fn keys_count_for_their_configuration() {
    let keys: Vec<SoftwareKey> = (0..5).map(|_| SoftwareKey::generate(Es256).unwrap()).collect();
    let [a, b, c, d, last] = &keys[..] else { unreachable!() };
    let issued = |id: &str, key: &SoftwareKey| Issued {
        credential_configuration_id: id.into(),
        thumbprint: Some(key.public_key().thumbprint()),
        at: NOW,
        entry: None,
        notified: None,
    };
    let (one, two, other_two) =
        (proofs(&[last]).await, proofs(&[c, d]).await, proofs(&[a, b]).await);
    let (one, two, other_two) = (Some(&one), Some(&two), Some(&other_two));
    let full = vec![issued("student_card", a), issued("student_card", b)];
    let cases = [
        ("another format is full", &full, ("diploma", two), None, true),
        ("full itself", &full, ("student_card", one), None, false),
        ("both in one batch", &vec![], ("student_card", two), Some(("diploma", other_two)), true),
        ("twice in one batch", &vec![], ("diploma", two), Some(("diploma", one)), false),
        ("the one behind is full", &full, ("diploma", two), Some(("student_card", one)), false),
    ];
    for (rule, before, first, beside, good) in cases {
        let grant = Grant { issued: before.clone(), ..redeemed() };
        let beside: Vec<_> = beside.into_iter().collect();
        let found = decide_all(authenticated(&grant), first, &beside, 2).map(drop);
        assert_eq!(found, if good { Ok(()) } else { Err(TooManyKeys) }, "{rule}");
    }
}

/// CRED-61: whatever the keys, what one token can cause has an end; so has a credential without key.
#[tokio::test]
async fn issuances_of_a_token_have_an_end() {
    let key = SoftwareKey::generate(Es256).unwrap();
    let proofs = proofs(&[&key]).await;
    let cases = [
        ("a credential without key", 0, None, true),
        ("the last one", ISSUANCES_MAX - 1, None, true),
        ("one more", ISSUANCES_MAX, None, false),
        ("the last one of a key", ISSUANCES_MAX - 1, Some(&proofs), true),
        ("one more of a key", ISSUANCES_MAX, Some(&proofs), false),
    ];
    for (rule, before, proofs, good) in cases {
        let issued = Issued {
            credential_configuration_id: "a".into(),
            thumbprint: proofs.map(|_| key.public_key().thumbprint()),
            at: NOW,
            entry: None,
            notified: None,
        };
        let grant = Grant { issued: vec![issued; before], ..redeemed() };
        let token = authenticated(&grant);
        let found = decide(token, "diploma", proofs, 1).map(|record| record.thumbprints.len());
        assert_eq!(found, if good { Ok(1) } else { Err(TooManyKeys) }, "{rule}");
    }
}

/// VCI §8.3.1, CRED-50 to CRED-64: the code, status and challenge of each refusal.
#[test]
fn each_refusal_of_a_credential_request_has_its_code_and_text() {
    let all = every!(CredentialRefusal {
        NoToken, TokenInQuery, BadToken, NotAuthorised, Unreadable, WrongMediaType, TooLong,
        NoSelector, SeveralSelectors, IdentifierNeeded, UnknownConfiguration, UnknownIdentifier,
        SeveralProofTypes, ProofBesideProofs, TooManyKeys, Denied,
    } except Proof(_) | Encryption(_) | CredentialRefusal::Dpop(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    let nonce = Proof(ProofRefusal::BadNonce);
    let bound = CredentialRefusal::Dpop(DpopRefusal::OtherKey);
    let encryption = Encryption(ResponseNotSupported);
    for refusal in all.into_iter().chain([Proof(Missing), nonce, bound, encryption]) {
        use CredentialRefusal::*;
        use ErrorCode::*;
        let payload = |code| (code, 400, None); // CRED-51, CRED-52
        let expected = match refusal {
            NoToken => (InvalidToken, 401, Some(Challenge::Bare)), // CRED-50, RFC 6750 §3.1
            // CRED-50, RFC 9449 §7.1
            BadToken | Dpop(_) => (InvalidToken, 401, Some(Challenge::WithError)),
            NotAuthorised => (InsufficientScope, 403, Some(Challenge::WithError)), // AMB-09
            TokenInQuery => (InvalidRequest, 400, Some(Challenge::WithError)),     // DEP-08
            UnknownConfiguration => payload(UnknownCredentialConfiguration),       // CRED-55
            UnknownIdentifier => payload(UnknownCredentialIdentifier),             // CRED-56
            Encryption(_) => payload(InvalidEncryptionParameters), // CRED-60, ENC-13
            TooManyKeys | Denied => payload(CredentialRequestDenied), // CRED-61
            Proof(ProofRefusal::BadNonce) => payload(InvalidNonce), // CRED-58
            Proof(_) => payload(InvalidProof),                     // CRED-57
            // CRED-54
            Unreadable | WrongMediaType | TooLong | NoSelector | SeveralSelectors
            | IdentifierNeeded | SeveralProofTypes | ProofBesideProofs => {
                payload(InvalidCredentialRequest)
            }
        };
        let found = (refusal.answer().0, refusal.status(), refusal.challenge());
        assert_eq!(found, expected, "{refusal:?}");
    }
}
