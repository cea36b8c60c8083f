//! RFC 9449 §5 and VCI §E as tables: what a sender must have proved, and who may redeem a code again.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod fixture;

use fixture::{CODE, NOW, OFFER, grant, redeemed};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::digest::MacKey;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::client::{
    ClientAttestationContext, ClientAttestationRefusal, NewClientAttestation,
    NewClientAttestationPop,
};
use oid4vci::attestation::status::KnownEntries;
use oid4vci::attestation::{AttesterKey, Attesters, client};
use oid4vci::dpop::{self, ALGORITHMS, DpopContext, DpopRefusal, NewDpopProof};
use oid4vci::grant::{Grant, Issued, Redemption};
use oid4vci::nonce::{Nonces, Purpose};
use oid4vci::secret::TxCode;
use oid4vci::sender::{RETRY_SECONDS, ReceivedSenderMetadata, Sender, SenderPolicy};
use oid4vci::token::{
    Commit, PRE_AUTHORIZED_CODE, TokenPolicy, TokenRefusal, TokenRequest, TokenType, decide,
};
use serde_json::{Value, json};
use url::Url;

const SERVER: &str = "https://issuer.example";
const CLIENT: &str = "https://wallet.example";

fn nonces(key: &MacKey, purpose: Purpose) -> Nonces<'_> {
    Nonces { purpose, issuer: SERVER, key }
}

async fn with_dpop(key: &SoftwareKey) -> Sender {
    let endpoint = Url::parse("https://issuer.example/token").unwrap();
    let new = NewDpopProof {
        method: "POST",
        endpoint: &endpoint,
        access_token: None,
        nonce: None,
        now: NOW,
    };
    let proof = new.sign(key, &SystemRandom).await.unwrap();
    let mac = MacKey::new([7; 32]);
    let context = DpopContext {
        method: "POST",
        endpoint: endpoint.as_str(),
        algorithms: &ALGORITHMS,
        nonces: nonces(&mac, Purpose::Dpop),
        is_nonce_required: false,
        window_seconds: 60,
        now: NOW,
    };
    Sender { dpop: dpop::verify(&[&proof], None, &context).unwrap(), client: None }
}

async fn with_attestation(instance: &SoftwareKey) -> Sender {
    let provider = SoftwareKey::generate(Es256).unwrap();
    let new = NewClientAttestation {
        provider: "https://provider.example",
        client_id: CLIENT,
        instance_key: instance.public_key(),
        wallet_name: None,
        now: NOW,
        expires_at: NOW.plus(60),
    };
    let attestation = new.sign(&provider, None).await.unwrap();
    let pop = NewClientAttestationPop {
        client_id: CLIENT,
        authorization_server: SERVER,
        challenge: None,
        now: NOW,
    };
    let pop = pop.sign(instance, &SystemRandom).await.unwrap();
    let jwk = Value::Object(provider.public_key().to_jwk());
    let keys = vec![AttesterKey::from_jwk(&jwk).unwrap()];
    let (attesters, mac) = (Attesters { keys, ..Attesters::default() }, MacKey::new([7; 32]));
    let context = ClientAttestationContext {
        attesters: &attesters,
        authorization_server: SERVER,
        algorithms: &ALGORITHMS,
        challenges: nonces(&mac, Purpose::ClientAttestation),
        is_challenge_required: false,
        age_seconds_max: None,
        window_seconds: 60,
        known_entries: KnownEntries::NONE,
        now: NOW,
    };
    let client = client::verify(&[&attestation], &[&pop], None, &context).unwrap();
    Sender { dpop: None, client }
}

fn both(dpop: &Sender, client: &Sender) -> Sender {
    Sender { dpop: dpop.dpop.clone(), client: client.client.clone() }
}

/// What a request of this sender leads to, in a word.
fn verdict(
    sender: &Sender,
    grant: &Grant,
    (tx_code, now): (&str, Timestamp),
    policy: SenderPolicy,
) -> Result<&'static str, TokenRefusal> {
    let form = [
        ("grant_type", PRE_AUTHORIZED_CODE),
        ("pre-authorized_code", CODE),
        ("tx_code", tx_code),
        ("client_id", ""),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let TokenRequest::PreAuthorizedCode(request) = TokenRequest::parse(&form)? else {
        unreachable!("the form has another grant_type")
    };
    let key = MacKey::new([7; 32]);
    let policy = TokenPolicy {
        has_invalid_tx_code: false,
        tx_code_key: &key,
        attempts_max: 5,
        anonymous_access: !policy.attestation_required,
        sender: policy,
    };
    Ok(match decide(&request, Some(grant), sender, &policy, now)? {
        Commit::Redeem(..) => "redeem",
        Commit::RedeemAgain(..) => "again",
        Commit::CountWrongTxCode(_) => "count",
    })
}

/// HAIP-05, WALATT-02: what the operator requires is required before anything is looked at.
#[tokio::test]
async fn what_is_required_must_have_been_proved() {
    let key = || SoftwareKey::generate(Es256).unwrap();
    let (dpop, attested) = (with_dpop(&key()).await, with_attestation(&key()).await);
    let (neither, all) = (Sender::default(), both(&dpop, &attested));
    let none = SenderPolicy::default();
    let bound = SenderPolicy { dpop_required: true, ..none };
    let vouched = SenderPolicy { attestation_required: true, ..none };
    let strict = SenderPolicy { dpop_required: true, attestation_required: true };
    let no_proof = Err(TokenRefusal::Dpop(DpopRefusal::Missing));
    let no_attestation = Err(TokenRefusal::Client(ClientAttestationRefusal::Missing));
    let cases = [
        ("nothing asked", &neither, none, Ok("redeem")),
        ("more than asked", &all, none, Ok("redeem")),
        ("HAIP-05", &neither, bound, no_proof),
        ("HAIP-05: an attestation is no proof", &attested, bound, no_proof),
        ("HAIP-05", &dpop, bound, Ok("redeem")),
        ("WALATT-02", &dpop, vouched, no_attestation),
        ("WALATT-02: it says who it is, too", &attested, vouched, Ok("redeem")),
        ("both", &dpop, strict, no_attestation),
        ("both", &attested, strict, no_proof),
        ("both", &all, strict, Ok("redeem")),
    ];
    for (rule, sender, policy, expected) in cases {
        assert_eq!(verdict(sender, &grant(), ("", NOW), policy), expected, "{rule}");
    }
    assert_eq!(neither.token_type(), TokenType::Bearer);
    assert_eq!(attested.token_type(), TokenType::Bearer);
    assert_eq!(all.token_type(), TokenType::DPoP, "RFC 9449 §5");
    assert_eq!((neither.used().len(), all.used().len()), (0, 2), "each proof is spent");
    assert_eq!(all.client_id(Some("other")), Some(CLIENT), "HAIP-29");
    assert_eq!(dpop.client_id(Some("other")), Some("other"));
    assert_eq!(all.replayed(), TokenRefusal::Dpop(DpopRefusal::Replayed));
    assert_eq!(
        attested.replayed(),
        TokenRefusal::Client(ClientAttestationRefusal::Replayed),
        "B23"
    );
}

/// The offer as it is once this sender has redeemed it.
fn redeemed_by(sender: &Sender) -> Grant {
    let redemption = Redemption {
        bound_to: sender.bound_to().cloned(),
        client_key: sender.client_key().cloned(),
        ..redeemed().redemption.unwrap()
    };
    Grant { redemption: Some(redemption), ..redeemed() }
}

/// A lost answer: the same keys, for a minute, until something was issued; nobody else learns
/// anything (TOKEN-26).
#[tokio::test]
async fn a_code_is_redeemed_again_by_who_redeemed_it() {
    let key = || SoftwareKey::generate(Es256).unwrap();
    let (mine, wallet) = (key(), key());
    let dpop = with_dpop(&mine).await;
    let attested = with_attestation(&wallet).await;
    let (again, other) = (with_dpop(&mine).await, with_dpop(&key()).await);
    let sibling = with_attestation(&key()).await;
    let (all, none) = (both(&dpop, &attested), Sender::default());
    let issued = Issued {
        credential_configuration_id: "a".into(),
        thumbprint: None,
        at: NOW,
        entry: None,
        notified: None,
    };
    let issued = Grant { issued: vec![issued], ..redeemed_by(&dpop) };
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..redeemed_by(&dpop) };
    let tx_code_digest = Some(TxCode::new("493536").digest(&MacKey::new([7; 32]), OFFER));
    let guarded = Grant { tx_code_digest, ..redeemed_by(&dpop) };
    let spent = Err(TokenRefusal::UnknownCode);
    let last = RETRY_SECONDS - 1;
    let cases = [
        ("the same key", &again, redeemed_by(&dpop), "", 0, Ok("again")),
        ("the last second", &again, redeemed_by(&dpop), "", last, Ok("again")),
        ("too late", &again, redeemed_by(&dpop), "", last + 1, spent),
        ("another key", &other, redeemed_by(&dpop), "", 0, spent),
        ("no key", &none, redeemed_by(&dpop), "", 0, spent),
        ("nobody can be known again", &none, redeemed_by(&none), "", 0, spent),
        ("a key that was not there", &dpop, redeemed_by(&none), "", 0, spent),
        ("the same instance", &attested, redeemed_by(&attested), "", 0, Ok("again")),
        ("another instance", &sibling, redeemed_by(&attested), "", 0, spent),
        ("both", &all, redeemed_by(&all), "", 0, Ok("again")),
        ("one of both", &dpop, redeemed_by(&all), "", 0, spent),
        ("one of both", &attested, redeemed_by(&all), "", 0, spent),
        ("one key more", &all, redeemed_by(&dpop), "", 0, spent),
        ("something was issued", &again, issued, "", 0, spent),
        ("withdrawn", &again, withdrawn, "", 0, spent),
        ("the right tx_code", &again, guarded.clone(), "493536", 0, Ok("again")),
        ("a wrong one is no guess", &again, guarded.clone(), "000000", 0, spent),
        ("none", &again, guarded, "", 0, spent),
        ("one that was not asked for", &again, redeemed_by(&dpop), "493536", 0, spent),
    ];
    for (rule, sender, grant, tx_code, after, expected) in cases {
        let found = verdict(sender, &grant, (tx_code, NOW.plus(after)), SenderPolicy::default());
        assert_eq!(found, expected, "{rule}");
    }
}

/// RFC 9449 §5.1, WALATT-11: what a Wallet reads of it.
#[test]
fn a_wallet_reads_what_a_server_wants() {
    let cases = [
        ("nothing", json!({}), vec![], false, false),
        (
            "RFC 9449 §5.1: those that we know",
            json!({ "dpop_signing_alg_values_supported": ["RS256", "EdDSA", "ES256", 1] }),
            vec![EdDsa, Es256],
            false,
            false,
        ),
        (
            "WALATT-11: among others",
            json!({ "token_endpoint_auth_methods_supported": ["none", "attest_jwt_client_auth"] }),
            vec![],
            true,
            false,
        ),
        (
            "WALATT-11: alone",
            json!({ "token_endpoint_auth_methods_supported": ["attest_jwt_client_auth"] }),
            vec![],
            true,
            true,
        ),
        ("no list", json!({ "dpop_signing_alg_values_supported": "ES256" }), vec![], false, false),
    ];
    for (rule, metadata, algorithms, takes, needs) in cases {
        let read = ReceivedSenderMetadata::parse(&metadata);
        assert_eq!(read.dpop_algorithms, algorithms, "{rule}");
        assert_eq!((read.takes_attestations, read.needs_attestation), (takes, needs), "{rule}");
    }
}
