//! Wallets that somebody vouches for, in the words of each draft.

use axum::http::Request;
use issuer::credential_type::KeyAttestations;
use keys::outside::{Clock as _, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::NewKeyAttestation;
use oid4vci::legacy::Dialect;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::json;
use testkit::proof::holder_key;
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

/// An issuer that speaks every draft, and takes attestations of keys where there is a word for them.
async fn taking(instance: &Instance) -> World {
    World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        let binding = issuer.types.get_mut(DIPLOMA).unwrap().key_binding.as_mut().unwrap();
        let attesters = instance.attesters();
        let taken = KeyAttestations { attesters, required: None, is_proof_type: true };
        binding.key_attestations = Some(taken);
    })
    .await
}

/// An attestation of these keys, good for one nonce.
async fn attest(world: &World, by: &SoftwareKey, keys: [&SoftwareKey; 2], nonce: &str) -> String {
    let keys = keys.map(|key| key.public_key().clone());
    let now = world.clock.now();
    let attestation = NewKeyAttestation {
        keys: &keys,
        key_storage: &[],
        user_authentication: &[],
        nonce: Some(nonce),
        now,
        expires_at: Timestamp(now.0 + 60),
    };
    attestation.sign(by, None).await.unwrap()
}

/// Nothing is issued that is not handed out: drafts before 15 answer each proof with one credential,
/// so none of them takes an attestation of more keys, alone or in a batch.
#[tokio::test]
async fn keys_are_attested_where_the_draft_has_a_word_for_it() {
    let instance = Instance::default();
    let world = taking(&instance).await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let offered = speaker.offer(DIPLOMA, json!({})).await;
        let (token, nonce) = speaker.token(&offered).await;
        let (key, other) = (holder_key(), holder_key());
        let attestation = attest(&world, &instance.provider, [&key, &other], &nonce).await;
        let mut proof = speaker.proof(&key, &nonce);
        proof.header("key_attestation", json!(attestation));
        let request = speaker.request(DIPLOMA, &proof.sign(&key).await);
        let answer = speaker.credential(&token, &request).await;
        if draft == 15 {
            let answer = answer.success();
            assert_eq!(answer["credentials"].as_array().unwrap().len(), 2, "{answer}");
            continue;
        }
        assert_eq!(answer.status, 400, "{draft}: {answer:?}");
        if (9..=13).contains(&draft) {
            let batch = json!({ "credential_requests": [request] }).to_string();
            let answer = speaker.post("batch-credential", &token, batch).await;
            assert_eq!(answer.status, 400, "{draft}: {answer:?}");
        }
        let path = format!("/admin/v1/offers/{}", offered.id);
        let standing = world.operator("GET", &path, None).await.json();
        assert_ne!(standing["state"], "issued", "{standing}");
        proof.header("key_attestation", None);
        let plain = speaker.request(DIPLOMA, &proof.sign(&key).await);
        speaker.credential(&token, &plain).await.success();
    }
}
