//! The modules that an issuer passes by issuing.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::binding::Binding;
use formats::status_list::CredentialStatus;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::sender::Instance;
use testkit::wire::JSON;

use crate::emulated_wallet::{EmulatedWallet, SECOND_CLIENT};
use crate::variant::Variant;

/// A whole flow, to the end that the holder sees; without a word to the issuer at the end if so
/// wanted.
async fn flow(wallet: &EmulatedWallet, notifies: bool) {
    let token = wallet.token().await;
    let issued = wallet.issued(&token, wallet.credential_request(&token).await).await;
    let verified = wallet.verified(&issued);
    let sample = wallet.world.issuer.types["student_card"].sample();
    assert_eq!(verified.claims["family_name"], sample["family_name"]);
    let Some(Binding::Jwk(key)) = verified.binding else { panic!("{:?}", verified.binding) };
    assert_eq!(key.thumbprint(), wallet.holder.public_key().thumbprint(), "CRED-21");
    let known = ["credentials", "notification_id"];
    assert!(issued.as_object().unwrap().keys().all(|name| known.contains(&name.as_str())));
    if notifies {
        wallet.notify(&token, &issued).await;
    }
}

/// The flow, with a parameter or member in each message that nobody knows; in every variant
/// (GEN-03, GEN-11, CRED-20, CRED-30, AUTHZ-20, TOKEN-13). Under a cover also compressed (CRED-13).
#[tokio::test]
async fn oid4vci_1_0_issuer_happy_flow() {
    for variant in Variant::all() {
        flow(&EmulatedWallet::of(variant).await, true).await;
    }
    let wallet = EmulatedWallet::of(Variant { encrypted: true, ..Variant::HAIP }).await;
    let token = wallet.token().await;
    let body = wallet.credential_request(&token).await;
    let (status, issued) = wallet.ask("credential", &token, (&[], body, true)).await;
    assert_eq!(status, 200);
    wallet.verified(&issued);
}

/// Once more with the headers of financial services and with media types in many shapes. What the
/// module asks of TLS is asked where there is a socket: `crates/bestow/tests/connections.rs`.
#[tokio::test]
async fn oid4vci_1_0_issuer_happy_flow_additional_requests() {
    let headers: [&[(&str, &str)]; 3] = [
        &[("x-fapi-customer-ip-address", "2001:db8::1893:25c8:1946"), ("accept-charset", "UTF-8")],
        &[("accept", "application/json;charset=UTF-8, */*;q=0.1"), ("x-fapi-auth-date", "x")],
        &[("accept", "*/*")],
    ];
    for variant in [Variant::HAIP, Variant::PLAIN] {
        let wallet = EmulatedWallet::of(variant).await;
        let token = wallet.token().await;
        for more in headers {
            let body = wallet.credential_request(&token).await;
            let (status, issued) = wallet.ask("credential", &token, (more, body, false)).await;
            assert_eq!(status, 200, "{more:?}: {issued}");
            wallet.verified(&issued);
        }
    }
}

/// Two clients one after the other, each with keys of its own. The second one sends the parameters
/// of the browser's request in another order.
#[tokio::test]
async fn oid4vci_1_0_issuer_happy_flow_multiple_clients() {
    for variant in [Variant::HAIP, Variant::HAIP_PRE_AUTHORIZED, Variant::PLAIN] {
        let first = EmulatedWallet::of(variant).await;
        flow(&first, true).await;
        let EmulatedWallet { world, instance, .. } = first;
        let instance = Instance { provider: instance.provider, key: holder_key() };
        let second = EmulatedWallet::client(world, variant, (SECOND_CLIENT, instance));
        flow(&second, true).await;
    }
}

/// NOTIF-04: an issuer that never hears of it is not the worse for it.
#[tokio::test]
async fn oid4vci_1_0_issuer_happy_flow_skip_notification() {
    let wallet = EmulatedWallet::of(Variant::HAIP).await;
    flow(&wallet, false).await;
    flow(&wallet, false).await;
}

/// As many as announced: one dataset (GEN-04), each with its own key, salts and place in a status
/// list (GEN-05), and with times that all others have, too (PRIV-07).
#[tokio::test]
async fn oid4vci_1_0_issuer_batch_issuance() {
    for encrypted in [false, true] {
        let wallet = EmulatedWallet::of(Variant { encrypted, ..Variant::HAIP }).await;
        wallet.world.clock.advance(86_400); // on the first day of its certificate none begins before that
        let metadata = wallet.metadata().await;
        let size = metadata["batch_credential_issuance"]["batch_size"].as_u64().unwrap();
        let keys: Vec<SoftwareKey> = (0..size.min(20)).map(|_| holder_key()).collect();
        let token = wallet.token().await;
        let mut body = EmulatedWallet::named(&token);
        body["proofs"] = json!({ "jwt": proofs(&wallet, &keys).await });
        let issued = wallet.issued(&token, body).await;
        check_batch(&wallet, &issued, &keys);
    }
}

async fn proofs(wallet: &EmulatedWallet, keys: &[SoftwareKey]) -> Vec<String> {
    let mut proofs = Vec::new();
    for key in keys {
        proofs.push(wallet.draft(key).await.sign(key).await);
    }
    proofs
}

fn check_batch(wallet: &EmulatedWallet, issued: &Value, keys: &[SoftwareKey]) {
    let issued = issued["credentials"].as_array().unwrap();
    assert_eq!(issued.len(), keys.len());
    let verified: Vec<_> = issued.iter().map(|one| wallet.verify(&one["credential"])).collect();
    assert!(verified.iter().all(|one| one.claims == verified[0].claims), "GEN-04");
    let thumbprints = |one: &formats::verified::Verified| match &one.binding {
        Some(Binding::Jwk(key)) => key.thumbprint().to_string(),
        other => panic!("{other:?}"),
    };
    let bound: BTreeSet<String> = verified.iter().map(thumbprints).collect();
    let sent = keys.iter().map(|key| key.public_key().thumbprint().to_string()).collect();
    assert_eq!(bound, sent, "CRED-36");
    let salts = issued.iter().flat_map(disclosures).collect::<Vec<_>>();
    assert_eq!(salts.iter().collect::<BTreeSet<_>>().len(), salts.len(), "a salt came twice");
    for one in &verified {
        let times = [one.issued_at, one.expires_at].map(Option::unwrap);
        assert!(times.iter().all(|time| time.0 % 86_400 == 0), "{times:?}");
    }
    let places = verified.iter().map(|one| match &one.status {
        Some(CredentialStatus::StatusList(one)) => (one.uri.clone(), one.idx),
        other => panic!("{other:?}"),
    });
    let places: Vec<(String, u64)> = places.collect();
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "HAIP-44");
    let lists: BTreeSet<&String> = places.iter().map(|(uri, _)| uri).collect();
    assert_eq!(lists.len(), 1, "a list for one credential tells who it is");
    let steps: BTreeSet<i128> =
        places.windows(2).map(|two| i128::from(two[1].1) - i128::from(two[0].1)).collect();
    assert!(steps.len() > 2, "indices that can be foretold: {places:?}");
}

/// The salts of a credential.
fn disclosures(issued: &Value) -> Vec<String> {
    let text = issued["credential"].as_str().unwrap();
    let disclosed = text.split('~').skip(1).filter(|one| !one.is_empty());
    let salt = |one: &str| {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(one).unwrap();
        serde_json::from_slice::<Value>(&decoded).unwrap()[0].as_str().unwrap().to_owned()
    };
    disclosed.map(salt).collect()
}

/// GEN-02: what is kept for those who were authorised is kept from all others, and what is for
/// everybody is not.
#[tokio::test]
async fn only_the_resources_of_the_holder_need_a_token() {
    let wallet = EmulatedWallet::of(Variant { deferred: true, ..Variant::PLAIN }).await;
    let public = &wallet.world.public;
    for endpoint in ["credential", "deferred-credential", "notification"] {
        let begun = axum::http::Request::post(wallet.world.issuer.endpoint(endpoint));
        let answer = public.ask(begun.header("content-type", JSON), "{}").await;
        assert!(answer.is(401, "invalid_token"), "{endpoint}: {answer:?}");
        assert!(answer.header("www-authenticate").contains("Bearer"), "{endpoint}");
    }
    wallet.world.nonce().await;
    wallet.metadata().await;
}
