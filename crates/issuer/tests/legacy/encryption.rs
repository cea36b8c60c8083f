//! Answers under a cover, as drafts 12 to 15 ask for them: with a key in a request that is in the clear.

use issuer::credential_type::Approval;
use keys::jwe::{Curve, DecryptionKey, Jwe, KeyManagement};
use oid4vci::encryption::Encryption::Required;
use oid4vci::legacy::Dialect;
use serde_json::{Value, json};
use testkit::proof::holder_key;
use testkit::wire::Answer;
use testkit::world::World;

use crate::later::approve;
use crate::speaker::{DIPLOMA, DRAFTS, Speaker, world};

fn wallets_key() -> DecryptionKey {
    DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap()
}

/// The members that name this key, in the words of the draft.
fn asked(draft: u32, key: &DecryptionKey) -> Value {
    let mut jwk = Value::Object(key.encryption_key().to_jwk());
    jwk.as_object_mut().unwrap().remove("alg");
    if draft <= 12 {
        return json!({
            "credential_encryption_jwk": jwk,
            "credential_response_encryption_alg": "ECDH-ES",
            "credential_response_encryption_enc": "A128GCM",
        });
    }
    let asked = json!({ "jwk": jwk, "alg": "ECDH-ES", "enc": "A128GCM" });
    json!({ "credential_response_encryption": asked })
}

fn with(mut request: Value, more: &Value) -> Value {
    let more = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(more);
    request
}

fn opened(answer: &Answer, key: &DecryptionKey) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
    let jwe = Jwe::parse(&answer.text(), 1 << 20).unwrap();
    serde_json::from_slice(&jwe.decrypt(key, 1 << 20).unwrap()).unwrap()
}

/// A request for the diploma with a good proof, and the token for it.
async fn ready(speaker: Speaker<'_>) -> (String, Value) {
    let (token, nonce) = speaker.fresh(DIPLOMA).await;
    let key = holder_key();
    let proof = speaker.proof(&key, &nonce).sign(&key).await;
    (token, speaker.request(DIPLOMA, &proof))
}

/// Draft 13, sections 7.2 and 7.3; before draft 12 these members mean nothing.
#[tokio::test]
async fn an_answer_goes_out_under_the_key_of_its_request() {
    let world = world().await;
    for draft in DRAFTS {
        let speaker = Speaker { world: &world, draft };
        let (token, request) = ready(speaker).await;
        let key = wallets_key();
        let answer = speaker.credential(&token, &with(request, &asked(draft, &key))).await;
        let said = if draft <= 11 { answer.success() } else { opened(&answer, &key) };
        assert!(speaker.credential_of(&said).starts_with("ey"), "{said}");
        assert_eq!(said.get("c_nonce").is_some(), draft <= 14, "{said}");
    }
}

#[tokio::test]
async fn what_can_be_asked_for_is_announced() {
    let world = world().await;
    for draft in DRAFTS {
        let place = format!("/.well-known/openid-credential-issuer/draft-{draft}");
        let metadata = world.public.get(&place).await.json();
        let (all, algorithms) = if draft == 12 {
            let required = metadata.get("require_credential_response_encryption");
            (required, &metadata["credential_response_encryption_alg_values_supported"])
        } else {
            let all = metadata.get("credential_response_encryption");
            (all, &metadata["credential_response_encryption"]["alg_values_supported"])
        };
        assert_eq!(all.is_some(), draft >= 12, "{metadata}");
        assert_eq!(algorithms.is_array(), draft >= 12, "{metadata}");
        assert!(metadata.get("credential_request_encryption").is_none(), "{metadata}");
    }
}

/// Draft 13, section 7.3.1.2: nothing was spent.
#[tokio::test]
async fn a_key_that_is_none_costs_nothing() {
    let world = world().await;
    for draft in [12, 13, 14, 15] {
        let speaker = Speaker { world: &world, draft };
        let (token, request) = ready(speaker).await;
        let good = asked(draft, &wallets_key());
        let name = if draft == 12 {
            "/credential_encryption_jwk"
        } else {
            "/credential_response_encryption/jwk"
        };
        let mut private = good.clone();
        private.pointer_mut(name).unwrap()["d"] = json!("AA");
        let mut torn = good.clone();
        torn.pointer_mut(name).unwrap()["alg"] = json!("ECDH-ES+A256KW");
        let alg = if draft == 12 {
            "/credential_response_encryption_alg"
        } else {
            "/credential_response_encryption/alg"
        };
        let mut unknown = good.clone();
        *unknown.pointer_mut(alg).unwrap() = json!("RSA-OAEP");
        for bad in [private, torn, unknown] {
            let answer = speaker.credential(&token, &with(request.clone(), &bad)).await;
            assert!(answer.is(400, "invalid_encryption_parameters"), "{bad}: {answer:?}");
        }
        speaker.credential(&token, &request).await.success();
    }
}

/// Where the operator requires it, nothing goes out in the clear, and drafts without a word for it are
/// not spoken.
#[tokio::test]
async fn what_is_required_is_kept() {
    let world = World::with(|issuer| {
        issuer.config.legacy.drafts =
            Dialect::ALL.into_iter().filter(|dialect| dialect.has_encryption()).collect();
        issuer.config.encryption.response = Required;
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await;
    for draft in [12, 13, 14, 15] {
        let speaker = Speaker { world: &world, draft };
        let (token, request) = ready(speaker).await;
        let answer = speaker.credential(&token, &request).await;
        assert!(answer.is(400, "invalid_encryption_parameters"), "{answer:?}");
        if draft <= 13 {
            let batch = json!({ "credential_requests": [request] }).to_string();
            let answer = speaker.post("batch-credential", &token, batch).await;
            assert!(answer.is(400, "invalid_encryption_parameters"), "{answer:?}");
        }
        let key = wallets_key();
        let answer = speaker.credential(&token, &with(request, &asked(draft, &key))).await;
        assert!(speaker.credential_of(&opened(&answer, &key)).starts_with("ey"));
    }
}

/// What comes later has a cover when it is asked for with a key.
#[tokio::test]
async fn what_waited_goes_out_under_a_key_too() {
    let world = World::with(|issuer| {
        issuer.config.legacy.drafts = Dialect::ALL.to_vec();
        issuer.types.get_mut(DIPLOMA).unwrap().approval = Approval::Deferred;
    })
    .await;
    for draft in [12, 13, 14, 15] {
        let speaker = Speaker { world: &world, draft };
        let (token, request) = ready(speaker).await;
        let put_off = speaker.credential(&token, &request).await.json();
        approve(&world).await;
        let key = wallets_key();
        let body = json!({ "transaction_id": put_off["transaction_id"] });
        let body = with(body, &asked(draft, &key)).to_string();
        let answer = speaker.post("deferred-credential", &token, body).await;
        assert!(speaker.credential_of(&opened(&answer, &key)).starts_with("ey"));
    }
}
