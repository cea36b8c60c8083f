//! Wallets that somebody vouches for, in the words of each draft.

use axum::http::Request;
use keys::outside::Clock as _;
use oid4vci::legacy::Dialect;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::json;
use testkit::sender::{CLIENT, Instance};
use testkit::wire::{Answer, FORM};
use testkit::world::{ISSUER, World};

use crate::speaker::{DIPLOMA, DRAFTS, Speaker};

/// An issuer that speaks every draft, to wallets of this provider alone.
async fn world(instance: &Instance) -> World {
    World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.config.authorization.client_attestation_required = true;
        issuer.client_attesters = Some(instance.attesters());
    })
    .await
}

/// Redeems a code with an attestation, and a proof of possession for the server that it names.
async fn redeem(speaker: Speaker<'_>, code: &str, (instance, aud): (&Instance, &str)) -> Answer {
    let public = &speaker.world.public;
    let challenge = public.ask(Request::post("/challenge"), "").await.success();
    let challenge = challenge["attestation_challenge"].as_str();
    let now = speaker.world.clock.now().0;
    let attestation = instance.attestation(now).sign(&instance.provider).await;
    let pop = instance.pop(aud, now, challenge).sign(&instance.key).await;
    let form =
        [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code), ("client_id", CLIENT)];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let begun = Request::post(format!("/draft-{}/token", speaker.draft))
        .header("OAuth-Client-Attestation", attestation)
        .header("OAuth-Client-Attestation-PoP", pop)
        .header("content-type", FORM);
    public.ask(begun, form).await
}

/// WALATT-08: the proof is for the `issuer` that the metadata of the draft name, and for no other.
#[tokio::test]
async fn an_attested_wallet_speaks_to_the_server_of_its_draft() {
    let instance = Instance::default();
    let world = world(&instance).await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let metadata = format!("/.well-known/oauth-authorization-server/draft-{draft}");
        let metadata = world.public.get(&metadata).await.json();
        let code = speaker.offer(DIPLOMA, json!({})).await.code;
        let bare = speaker.redeem(&code, &[("client_id", CLIENT)]).await;
        assert_eq!((bare.status, &bare.json()["error"]), (400, &json!("invalid_client")));
        let elsewhere = redeem(speaker, &code, (&instance, ISSUER)).await;
        assert_eq!(elsewhere.json()["error"], "invalid_client", "for the server of 1.0");
        let named = metadata["issuer"].as_str().unwrap();
        redeem(speaker, &code, (&instance, named)).await.success();
    }
}
