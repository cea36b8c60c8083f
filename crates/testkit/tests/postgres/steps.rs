//! Steps as a flow takes them, with what they need.

use issuer::application::{Application, ApplicationId, ApplicationSecret, ApplicationState};
use issuer::store::{NewOffer, Opened, Store};
use keys::outside::{Clock as _, Random as _, SystemClock, SystemRandom, Timestamp};
use keys::signer::Signer as _;
use oid4vci::credential::Record;
use oid4vci::grant::{Grant, Redemption};
use oid4vci::nonce::SpendableNonce;
use oid4vci::offer::OfferId;
use oid4vci::secret::AccessToken;
use serde_json::{Map, json};
use testkit::proof::holder_key;

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn new_offer() -> NewOffer {
    testkit::contract::new_offer(now(), &SystemRandom)
}

/// Opens an offer and reads it back.
pub(crate) async fn opened(store: &dyn Store) -> Grant {
    let offer = new_offer();
    let id = offer.grant.id;
    assert_eq!(store.open_offer(offer).await.unwrap(), Opened::Opened);
    store.grant(id).await.unwrap().unwrap()
}

pub(crate) fn redemption(id: OfferId) -> Redemption {
    Redemption {
        at: now(),
        token_digest: AccessToken::fresh(id, &SystemRandom).digest(),
        token_expires_at: now().plus(300),
        credential_configuration_ids: vec!["student_card".into()],
        by_identifier: false,
        client_id: Some("wallet".into()),
        bound_to: None,
        client_key: None,
    }
}

/// Opens an offer, spends its code, and reads it back.
pub(crate) async fn redeemed(store: &dyn Store) -> Grant {
    let grant = opened(store).await;
    assert!(store.redeem(&grant, &redemption(grant.id)).await.unwrap());
    store.grant(grant.id).await.unwrap().unwrap()
}

/// A nonce that nobody has spent.
pub(crate) fn nonce() -> SpendableNonce {
    let mut front = [0; 24];
    SystemRandom.fill(&mut front);
    front[..8].copy_from_slice(&now().plus(300).0.to_be_bytes());
    SpendableNonce { expires_at: now().plus(300), front }
}

/// An issuance of one credential to a new key.
pub(crate) fn record(grant: &Grant) -> Record<'_> {
    Record {
        grant,
        credential_configuration_id: "student_card",
        thumbprints: vec![Some(holder_key().public_key().thumbprint())],
        beside: Vec::new(),
        used: None,
    }
}

/// An application that waits.
pub(crate) fn application(state: ApplicationState) -> Application {
    let id = ApplicationId(OfferId::fresh(now(), &SystemRandom));
    Application {
        id,
        secret_digest: ApplicationSecret::fresh(id, &SystemRandom).digest(),
        credential_configuration_id: "student_card".into(),
        claims: Map::from_iter([("name".to_owned(), json!("Ada"))]),
        state,
        created_at: now(),
        decided_at: None,
        approvals: 0,
        offer_id: None,
    }
}
