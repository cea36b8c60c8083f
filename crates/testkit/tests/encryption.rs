//! Our wallet and our issuer, with messages under a cover (VCI §10).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use issuer::Issuer;
use keys::jwe::Compression;
use oid4vci::encryption::Encryption::{self, Off, Offered, Required};
use serde_json::json;
use testkit::agreed;
use testkit::wire::Wire;
use testkit::world::World;
use wallet::Wallet;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::http::{Http, HttpError, Request, Response};
use wallet::store::StoredCredential;

fn set(issuer: &mut Issuer, request: Encryption, response: Encryption) {
    issuer.config.encryption.request = request;
    issuer.config.encryption.response = response;
    issuer.config.encryption.zip_values_supported.0 = vec![Compression::Deflate];
    issuer.encryption = issuer.config.encryption.policy().unwrap();
}

/// What passes at the Credential Endpoint, and a hand that may change the answer.
#[derive(Debug)]
struct Tap {
    wire: Wire,
    bodies: Mutex<Vec<Vec<u8>>>,
    strips: bool,
}

#[async_trait]
impl Http for Tap {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let is_credential = request.url.path() == "/credential";
        let sent = request.body.clone();
        let mut response = Http::send(&self.wire, request).await?;
        if is_credential {
            if self.strips {
                let body = json!({ "credentials": [{ "credential": "a.b.c~" }] });
                response.content_type = Some("application/json".to_owned());
                response.body = body.to_string().into_bytes();
            }
            self.bodies.lock().unwrap().extend([sent, response.body.clone()]);
        }
        Ok(response)
    }
}

async fn receive(world: &World, tap: &Arc<Tap>) -> Result<Vec<StoredCredential>, WalletError> {
    let wallet = Wallet { http: Arc::clone(tap) as Arc<dyn Http>, ..world.wallet.clone() };
    let offered = world.offer("student_card", &json!({})).await;
    let resolved = agreed::resolve(&wallet, &offered.uri).await?;
    let authorized = wallet.request_token(resolved, None).await.unwrap();
    let received = wallet.request_credentials(&authorized, &KeyWish::default()).await?;
    wallet.keep(&received).await
}

fn tap(world: &World, strips: bool) -> Arc<Tap> {
    Arc::new(Tap { wire: world.public.clone(), bodies: Mutex::default(), strips })
}

/// CRED-15, CRED-16: what is demanded is done, and what is offered too.
#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_encrypts_as_the_issuer_says() {
    let rows = [
        (Off, Off, false, false),
        (Offered, Off, true, false),
        (Required, Off, true, false),
        (Off, Offered, true, true),
        (Required, Required, true, true),
    ];
    for (requests, responses, hides_request, hides_response) in rows {
        let world = World::with(|issuer| set(issuer, requests, responses)).await;
        let tap = tap(&world, false);
        let kept = receive(&world, &tap).await.unwrap();
        assert_eq!(kept.len(), 1);
        let bodies = tap.bodies.lock().unwrap();
        let is_hidden = |body: &[u8]| body.first() != Some(&b'{');
        let hidden: Vec<bool> = bodies.iter().map(|body| is_hidden(body)).collect();
        assert_eq!(hidden, [hides_request, hides_response], "{requests:?} {responses:?}");
    }
}

/// ENC-09, H10: whoever takes the cover off is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_the_clear_is_refused_when_it_should_be_encrypted() {
    let world = World::new().await;
    let error = receive(&world, &tap(&world, true)).await.unwrap_err();
    assert_eq!(error.code(), "bad_encryption", "{error}");
    assert!(world.wallet.store.credentials().await.unwrap().records.is_empty());
    assert!(world.wallet.store.keys().await.unwrap().records.is_empty(), "no key for nothing");
}
