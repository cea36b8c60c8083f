//! VCI §9 as tables: what waits, for whom, for how long, and every refusal.

mod fixture;
#[macro_use]
mod refusals;

use fixture::{NOW, OFFER, TOKEN, redeemed};
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use oid4vci::access::Presented;
use oid4vci::credential::{CredentialRefusal, Record};
use oid4vci::deferred::DeferralState::{Approved, Delivered, Rejected, Waiting};
use oid4vci::deferred::{
    Deferral, DeferralId, DeferralState, DeferredCredentialRequest, DeferredRefusal,
    DeferredResponse, Next, authenticate, decide,
};
use oid4vci::error::{ErrorCode, Refusal as _};
use oid4vci::grant::Grant;
use oid4vci::offer::OfferId;
use oid4vci::secret::{AccessToken, TransactionId};
use refusals::check_texts;
use serde_json::{json, to_value};

fn key() -> MacKey {
    MacKey::new([3; 32])
}

fn thumbprint(letter: char) -> Option<Thumbprint> {
    Thumbprint::parse(&letter.to_string().repeat(43))
}

fn deferral(grant: &Grant) -> (Deferral, TransactionId) {
    let record = Record {
        grant,
        credential_configuration_id: "student_card",
        thumbprints: vec![thumbprint('A')],
        beside: Vec::new(),
        used: None,
    };
    Deferral::new(&record, None, &key(), (NOW, NOW.plus(5000)))
}

/// A lost answer costs nothing: the same request finds the same deferral, and nobody else does.
#[test]
fn the_same_keys_are_one_deferral() {
    let (a, b) = (thumbprint('A'), thumbprint('E'));
    let of = |offer, id: &str, keys: &[Option<Thumbprint>]| DeferralId::of(offer, id, keys);
    let first = of(OFFER, "card", &[a.clone(), b.clone()]);
    assert_eq!(first, of(OFFER, "card", &[b.clone(), a.clone()]), "in any order");
    assert_ne!(first, of(OFFER, "card", std::slice::from_ref(&a)));
    assert_ne!(first, of(OFFER, "other", &[a.clone(), b.clone()]));
    assert_ne!(first, of(OfferId([2; 16]), "card", &[a.clone(), b]));
    assert_ne!(of(OFFER, "card", &[None]), of(OFFER, "card", &[a]));
    let early = DeferralId::of(OfferId::before(NOW), "card", &[None]);
    let late = DeferralId::of(OfferId::before(NOW.plus(1)), "card", &[None]);
    assert!(early < late, "they stand in the order of their offers");
}

/// CRED-38: nobody can guess it, and only its digest is kept.
#[test]
fn a_transaction_id_is_a_secret() {
    let grant = redeemed();
    let (one, transaction_id) = deferral(&grant);
    let (_, again) = deferral(&grant);
    assert_eq!(transaction_id.expose(), again.expose());
    assert_eq!(transaction_id.deferral_id(), Some(one.id));
    assert!(one.transaction_digest.matches(&transaction_id.digest()));
    let other = TransactionId::derive(one.id, OFFER, &MacKey::new([4; 32]));
    assert!(!one.transaction_digest.matches(&other.digest()), "a key of ours is in it");
    assert!(!format!("{one:?} {transaction_id:?}").contains(transaction_id.expose()));
    for foreign in ["", "t", &"A".repeat(63), &"A".repeat(65), &"!".repeat(64)] {
        assert_eq!(TransactionId::new(foreign).deferral_id(), None, "{foreign}");
    }
}

/// X34: what was put off before the key was replaced has the same `transaction_id` after it, with
/// and without the first response key in it.
#[test]
fn a_transaction_id_outlives_the_key_of_its_time() {
    let grant = Grant { id: OfferId::before(NOW), ..redeemed() };
    let thumbprint = thumbprint('A').unwrap();
    let ids = |key: &MacKey| {
        let id = DeferralId(grant.id);
        [
            TransactionId::derive(id, grant.id, key),
            TransactionId::derive_under(&thumbprint, (id, grant.id), key),
        ]
        .map(|id| id.expose().to_owned())
    };
    let (old, new) = (MacKey::new([3; 32]), MacKey::new([4; 32]));
    let generations = vec![(Timestamp(0), old.clone()), (NOW.plus(10), new.clone())];
    let replaced = MacKey::of_generations(generations, NOW.plus(20)).unwrap();
    assert_eq!(ids(&replaced), ids(&old));
    assert_ne!(ids(&replaced), ids(&new));
}

/// DEFER-03, DEFER-21: a token outlives its own time here, and here alone.
#[test]
fn a_token_outlives_the_wait() {
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..redeemed() };
    let token = AccessToken::new(TOKEN);
    let presented = Presented::Bearer(&token);
    for (rule, grant, after, good) in [
        ("in time", redeemed(), 299, true),
        ("days later", redeemed(), 500_000, true),
        ("the offer was taken back", withdrawn, 0, false),
    ] {
        let found = authenticate(presented, Some(&grant), NOW.plus(after));
        assert_eq!(found.is_ok(), good, "{rule}");
    }
    let (other, grant) = (AccessToken::new("another"), redeemed());
    let found = authenticate(Presented::Bearer(&other), Some(&grant), NOW);
    assert_eq!(found.err(), Some(CredentialRefusal::BadToken));
    let late = oid4vci::access::authenticate(presented, Some(&grant), NOW.plus(300));
    assert_eq!(late.err(), Some(CredentialRefusal::BadToken), "SEC-30: nowhere else");
}

/// DEFER-05, DEFER-11, DEFER-12, DEFER-16, DEFER-17
#[test]
fn the_answer_follows_from_the_state() {
    let grant = redeemed();
    let foreign = Grant { id: OfferId([9; 16]), ..grant.clone() };
    let (deferral, transaction_id) = deferral(&grant);
    let of = |state: DeferralState| Deferral { state, ..deferral.clone() };
    let unknown = Err(DeferredRefusal::UnknownTransactionId);
    let denied = Err(DeferredRefusal::Denied);
    let over = Err(DeferredRefusal::Credential(CredentialRefusal::BadToken));
    let guessed = TransactionId::derive(deferral.id, OFFER, &MacKey::new([4; 32]));
    let cases = [
        ("DEFER-12", &grant, Waiting, &transaction_id, 4999, Ok(Next::Wait)),
        ("DEFER-11", &grant, Approved, &transaction_id, 4999, Ok(Next::Deliver)),
        ("DEFER-17, DEFER-18", &grant, Rejected, &transaction_id, 4999, denied),
        ("DEFER-05", &grant, Delivered, &transaction_id, 4999, unknown),
        ("nobody decided in time", &grant, Waiting, &transaction_id, 5000, denied),
        ("nobody fetched it in time", &grant, Approved, &transaction_id, 5000, denied),
        ("guessed", &grant, Approved, &guessed, 0, unknown),
        ("another's token", &foreign, Approved, &transaction_id, 0, unknown),
        ("guessed, and nothing is told of it", &grant, Rejected, &guessed, 0, unknown),
        ("SEC-30: good for what it asked for alone", &grant, Approved, &guessed, 300, over),
        ("another's token is over, too", &foreign, Approved, &transaction_id, 300, over),
    ];
    let token = AccessToken::new(TOKEN);
    let presented = Presented::Bearer(&token);
    for (rule, grant, state, transaction_id, after, expected) in cases {
        let now = NOW.plus(after);
        let token = (presented, authenticate(presented, Some(grant), now).unwrap());
        let request = DeferredCredentialRequest { transaction_id: transaction_id.clone() };
        assert_eq!(decide(Some(&of(state)), token, &request, now), expected, "{rule}");
    }
    let request = DeferredCredentialRequest { transaction_id };
    let token = (presented, authenticate(presented, Some(&grant), NOW).unwrap());
    assert_eq!(decide(None, token, &request, NOW), unknown, "nobody knows it");
}

/// DEFER-04, DEFER-06
#[test]
fn a_request_names_its_transaction() {
    let read = |value: serde_json::Value| {
        let read = DeferredCredentialRequest::from_parameters(value.as_object().unwrap());
        read.map(|request| request.transaction_id.expose().to_owned())
    };
    assert_eq!(read(json!({ "transaction_id": "t", "x": 1 })), Ok("t".to_owned()));
    for bad in [json!({}), json!({ "transaction_id": 1 }), json!({ "transaction_id": null })] {
        assert_eq!(read(bad), Err(DeferredRefusal::NoTransactionId));
    }
    let request = DeferredCredentialRequest { transaction_id: TransactionId::new("t") };
    assert_eq!(request.to_json(), json!({ "transaction_id": "t" }));
    let response = DeferredResponse::new(&TransactionId::new("t"), 5);
    let expected = json!({ "transaction_id": "t", "interval": 5 }); // CRED-39
    assert_eq!(to_value(response).unwrap(), expected);
}

#[test]
fn each_state_has_one_word() {
    for state in DeferralState::ALL {
        assert_eq!(DeferralState::parse(state.name()), Some(state));
        assert_eq!(to_value(state).unwrap(), state.name());
    }
    assert_eq!(DeferralState::parse("Waiting"), None);
}

/// VCI §9.3
#[test]
fn each_refusal_has_its_code_and_text() {
    let all = every!(DeferredRefusal { NoTransactionId, UnknownTransactionId, Denied }
        except DeferredRefusal::Credential(_));
    check_texts(&all.map(|refusal| refusal.answer().1));
    let credential = DeferredRefusal::Credential(CredentialRefusal::BadToken);
    assert_eq!((credential.answer().0, credential.status()), (ErrorCode::InvalidToken, 401));
    assert!(credential.challenge().is_some());
    let codes = all.map(|refusal| (refusal.answer().0, refusal.status(), refusal.challenge()));
    assert_eq!(
        codes,
        [
            (ErrorCode::InvalidCredentialRequest, 400, None),
            (ErrorCode::InvalidTransactionId, 400, None),
            (ErrorCode::CredentialRequestDenied, 400, None),
        ]
    );
}
