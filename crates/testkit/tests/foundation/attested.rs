//! The modules in which nobody vouches for the emulated wallet as VCI §E wants it: refused where the
//! request is pushed, and at the Token Endpoint where nothing is pushed.

use serde_json::json;
use testkit::proof::holder_key;
use testkit::wire::{Answer, JSON};

use crate::emulated_wallet::{EmulatedWallet, Spoil};
use crate::refused::spoil_signature;
use crate::variant::Variant;

type Headers = Vec<(&'static str, String)>;

/// A good attestation, changed before it is signed.
async fn spoilt(wallet: &EmulatedWallet, spoil: Spoil) -> Headers {
    let instance = &wallet.instance;
    wallet.attestation(spoil, (&*instance.provider, &instance.key)).await
}

/// Neither place takes it; the same request with a good one is taken after that.
async fn assert_refused(attest: impl AsyncFn(&EmulatedWallet) -> Headers) {
    let wallet = EmulatedWallet::of(Variant::HAIP).await;
    let answer = wallet.form("par", attest(&wallet).await, &wallet.pushed()).await;
    check("par", &answer);
    wallet.token().await;

    let wallet = EmulatedWallet::of(Variant::HAIP_PRE_AUTHORIZED).await;
    let form = wallet.token_request().await;
    let answer = wallet.form("token", attest(&wallet).await, &form).await;
    check("token", &answer);
    let good = wallet.client_authentication().await;
    wallet.form("token", good, &form).await.success();
}

/// WALATT-09: the codes that the draft and the suite allow.
fn check(endpoint: &str, answer: &Answer) {
    assert!([400, 401].contains(&answer.status), "{endpoint}: {answer:?}");
    assert_eq!(answer.header("content-type"), JSON, "{endpoint}");
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    let allowed = ["invalid_client", "invalid_request", "invalid_client_attestation"];
    assert!(allowed.contains(&error.as_str()), "{endpoint}: {error}");
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_invalid_client_attestation_signature() {
    assert_refused(async |wallet| {
        let mut headers = wallet.client_authentication().await;
        headers[0].1 = spoil_signature(&headers[0].1);
        headers
    })
    .await;
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_invalid_client_attestation_pop_signature() {
    assert_refused(async |wallet| {
        let mut headers = wallet.client_authentication().await;
        headers[1].1 = spoil_signature(&headers[1].1);
        headers
    })
    .await;
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_client_attestation_exp_in_past() {
    assert_refused(async |wallet| {
        spoilt(wallet, |attestation, _| {
            let now = attestation.claims["iat"].as_u64().unwrap();
            attestation.claim("iat", json!(now - 1200));
            attestation.claim("exp", json!(now - 600));
        })
        .await
    })
    .await;
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_client_attestation_no_sub() {
    assert_refused(async |wallet| {
        spoilt(wallet, |attestation, _| attestation.claim("sub", None)).await
    })
    .await;
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_client_attestation_pop_wrong_aud() {
    assert_refused(async |wallet| {
        spoilt(wallet, |_, pop| pop.claim("aud", json!("https://other.example"))).await
    })
    .await;
}

#[tokio::test]
async fn oid4vci_1_0_issuer_fail_mismatched_client_attestation_pop_key() {
    assert_refused(async |wallet| {
        wallet.attestation(|_, _| {}, (&*wallet.instance.provider, &holder_key())).await
    })
    .await;
}
