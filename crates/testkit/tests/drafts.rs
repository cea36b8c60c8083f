//! Every draft between our issuer and our wallet.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use issuer::credential_type::{Approval, CredentialType};
use issuer::flow::deferred::approve_deferral;
use issuer::store::deferral::DeferralPage;
use oid4vci::legacy::Dialect;
use oid4vci::secret::TxCode;
use serde_json::json;
use testkit::agreed;
use testkit::world::{ISSUER, World};
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::status::Lists;

const BADGE: &str = r#"
types = ["VerifiableCredential", "Badge"]
validity_days = 30
[[display]]
name = "Badge"
locale = "en"
[[claims]]
path = ["room"]
type = "integer"
required = true
example = 7
"#;

async fn offer(
    world: &World,
    id: &str,
    dialect: Dialect,
    tx_code: bool,
) -> (String, Option<TxCode>) {
    let wish = world.wish(id, &json!({ "draft": dialect.name(), "tx_code": tx_code }));
    let made = world.operator("POST", "/admin/v1/offers", Some(&wish)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let pin = made["tx_code"].as_str().map(TxCode::new);
    (made["uri"].as_str().unwrap().to_owned(), pin)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_draft_leads_from_our_issuer_to_our_wallet() {
    let badge = format!("format = \"ldp_vc\"\n{BADGE}");
    let badge = CredentialType::parse(Path::new("badge.toml"), &badge, ISSUER).unwrap();
    let world = World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.types.insert("badge".to_owned(), badge);
    })
    .await;
    for dialect in Dialect::ALL {
        for id in ["diploma", "badge", "student_card"] {
            if id == "student_card" && !dialect.has_format("dc+sd-jwt") {
                continue;
            }
            for tx_code in [false, true] {
                let (uri, pin) = offer(&world, id, dialect, tx_code).await;
                let resolved = agreed::resolve(&world.wallet, &uri).await.unwrap();
                let authorized = world.wallet.request_token(resolved, pin).await.unwrap();
                let wish = KeyWish::default();
                let received = world.wallet.request_credentials(&authorized, &wish).await.unwrap();
                assert!(received.failures().is_empty(), "{dialect}: {:?}", received.failures());
                assert_eq!(received.doubt(), None, "draft {dialect}");
                let kept = world.wallet.keep(&received).await.unwrap();
                let [card] = kept.as_slice() else { panic!("{dialect}: {}", kept.len()) };
                // Its list is the issuer's own, whatever the identifier that it came from.
                let mut lists = Lists::default();
                let asked = world.wallet.refresh_status(card, &[], &mut lists).await.unwrap();
                assert_eq!((asked.faults, asked.learnt), (vec![], 1), "{id} in draft {dialect}");
            }
        }
    }
}

/// Drafts 13 and 14 give a nonce with every token, also where no proof is asked for: what is bound to
/// nothing is taken as it is, and the key that was made for nothing is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_bound_to_no_key_comes_in_every_draft() {
    let world = World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.types.get_mut("diploma").unwrap().key_binding = None;
    })
    .await;
    for dialect in Dialect::ALL {
        let (uri, _) = offer(&world, "diploma", dialect, false).await;
        let resolved = agreed::resolve(&world.wallet, &uri).await.unwrap();
        let authorized = world.wallet.request_token(resolved, None).await.unwrap();
        let wish = KeyWish::default();
        let received = world.wallet.request_credentials(&authorized, &wish).await;
        let received = received.unwrap_or_else(|error| panic!("draft {dialect}: {error}"));
        assert!(received.failures().is_empty(), "{dialect}: {:?}", received.failures());
        let kept = world.wallet.keep(&received).await.unwrap();
        assert!(kept[0].holder_key.is_none(), "draft {dialect}");
        assert_eq!(world.wallet.store.keys().await.unwrap().records.len(), 0, "draft {dialect}");
    }
}

/// Put off in the words of the draft, approved, fetched, kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_fetched_in_every_draft() {
    for dialect in Dialect::ALL {
        let world = World::with(|issuer| {
            issuer.config.legacy.drafts = Dialect::ALL.to_vec();
            issuer.types.get_mut("diploma").unwrap().approval = Approval::Deferred;
        })
        .await;
        let (uri, _) = offer(&world, "diploma", dialect, false).await;
        let resolved = agreed::resolve(&world.wallet, &uri).await.unwrap();
        let authorized = world.wallet.request_token(resolved, None).await.unwrap();
        let wish = KeyWish::default();
        let received = world.wallet.request_credentials(&authorized, &wish).await.unwrap();
        assert!(received.failures().is_empty(), "{dialect}: {:?}", received.failures());
        assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 0);
        let page = DeferralPage { state: None, after: None, limit: 10 };
        let waiting = world.issuer.store.deferrals(page).await.unwrap();
        approve_deferral(&world.issuer, waiting[0].id, None).await.unwrap();
        world.clock.advance(120);
        let pending = world.wallet.store.pending().await.unwrap().records;
        let resumed = world.wallet.resume(&pending[0].id).await;
        let Ok(Resumed::Received(received)) = resumed else {
            panic!("draft {dialect}: it is approved, {:?}", resumed.map(|_| "waits"));
        };
        assert_eq!(received.doubt(), None, "draft {dialect}");
        assert_eq!(world.wallet.keep(&received).await.unwrap().len(), 1);
    }
}
