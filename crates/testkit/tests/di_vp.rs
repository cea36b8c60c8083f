//! Our wallet and our issuer: presentations as proofs (VCI §F.2), where an issuer takes nothing else.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use issuer::credential_type::CredentialType;
use keys::algorithm::Algorithm;
use keys::did;
use oid4vci::encryption::Encryption::Off;
use oid4vci::proof::BindingMethod;
use serde_json::{Value, json};
use testkit::agreed;
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::http::{Http, HttpError, Request, Response};

const DEGREE: &str = "degree";
const TYPE: &str = r#"
types = ["VerifiableCredential", "Degree"]
validity_days = 30
[[display]]
name = "Degree"
locale = "en"
[[claims]]
path = ["name"]
type = "string"
label = { en = "Name" }
example = "Ada"
"#;

fn parse(lines: &str) -> Result<CredentialType, String> {
    let parsed = CredentialType::parse(Path::new("degree.toml"), &format!("{lines}{TYPE}"), ISSUER);
    parsed.map_err(|error| error.to_string())
}

/// The way to the issuer, as if it took presentations alone, and what went over it.
#[derive(Debug)]
struct PresentationsOnly {
    inner: Arc<dyn Http>,
    sent: Arc<Mutex<Vec<Value>>>,
}

#[async_trait]
impl Http for PresentationsOnly {
    async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        let is_metadata = request.url.path().contains("openid-credential-issuer");
        if request.url.path() == "/credential" {
            self.sent.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
        }
        if is_metadata {
            request.headers.retain(|(name, _)| *name != "accept"); // signed, they would be changed
        }
        let mut response = self.inner.send(request).await?;
        if is_metadata {
            let mut metadata: Value = serde_json::from_slice(&response.body).unwrap();
            let degree = &mut metadata["credential_configurations_supported"][DEGREE];
            let proof_types = degree["proof_types_supported"].as_object_mut().unwrap();
            assert!(proof_types.remove("jwt").is_some() && proof_types.len() == 1);
            response.body = metadata.to_string().into_bytes();
        }
        Ok(response)
    }
}

async fn world(lines: &str) -> (World, Arc<Mutex<Vec<Value>>>) {
    let credential_type = parse(&format!("{lines}\ndi_vp_proofs = true")).unwrap();
    let mut world = World::with(|issuer| {
        issuer.types.insert(DEGREE.to_owned(), credential_type);
        (issuer.config.encryption.request, issuer.config.encryption.response) = (Off, Off);
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let inner = Arc::clone(&world.wallet.http);
    world.wallet.http = Arc::new(PresentationsOnly { inner, sent: Arc::clone(&sent) });
    (world, sent)
}

/// PROOF-02, PROOF-21, PROOF-22, PROOF-23, PROOF-24: each copy has a presentation, by the DID to which it is bound.
#[tokio::test]
async fn the_wallet_presents_its_keys() {
    for (format, algorithm, binding) in [
        ("ldp_vc", None, None),
        ("vc+jwt", Some(Algorithm::EdDsa), Some(BindingMethod::DidKey)),
        ("vc+sd-jwt", None, Some(BindingMethod::DidJwk)),
    ] {
        let lines = format!("format = \"{format}\"");
        let (world, sent) = world(&lines).await;
        let offered = world.offer(DEGREE, &json!({})).await;
        let wish = KeyWish { copies: 2, algorithm, binding, ..KeyWish::default() };
        let kept = agreed::receive(&world.wallet, &offered.uri, &wish).await;
        assert_eq!(kept[0].copies.len(), 1, "{format}");
        let sent = sent.lock().unwrap();
        let presentations = sent[0]["proofs"]["di_vp"].as_array().unwrap();
        assert_eq!(presentations.len(), 2);
        let keys: Vec<_> = kept[0].holder_keys().collect();
        for presentation in presentations {
            let proof = &presentation["proof"];
            assert_eq!(
                (&proof["domain"], &proof["proofPurpose"]),
                (&json!(ISSUER), &json!("authentication"))
            );
            let holder = presentation["holder"].as_str().unwrap();
            assert_eq!(did::did_of(proof["verificationMethod"].as_str().unwrap()), holder);
            assert!(keys.iter().any(|key| key.did.as_deref() == Some(holder)), "{holder}");
        }
    }
}

/// PROOF-21: a bare key cannot be presented; that is told before anything is spent.
#[tokio::test]
async fn a_key_without_a_did_cannot_be_presented() {
    let (world, sent) = world("format = \"vc+jwt\"").await;
    let offered = world.offer(DEGREE, &json!({})).await;
    let resolved = agreed::resolve(&world.wallet, &offered.uri).await.unwrap();
    let authorized = world.wallet.request_token(resolved, None).await.unwrap();
    let wish = KeyWish { binding: Some(BindingMethod::Jwk), ..KeyWish::default() };
    let told = match world.wallet.request_credentials(&authorized, &wish).await {
        Ok(received) => format!("{:?}", received.failures()),
        Err(error) => format!("{error:?}"),
    };
    assert!(told.contains("UnsupportedBinding") && sent.lock().unwrap().is_empty(), "{told}");
}

/// META-35, PROOF-20: presentations are announced where the operator says so, by cryptosuites.
#[tokio::test]
async fn presentations_are_announced_where_they_are_taken() {
    for (line, announced) in [
        ("", None),
        ("\ndi_vp_proofs = false", None),
        (
            "\ndi_vp_proofs = true",
            Some(["ecdsa-jcs-2019", "ecdsa-rdfc-2019", "eddsa-jcs-2022", "eddsa-rdfc-2022"]),
        ),
    ] {
        let credential_type = parse(&format!("format = \"ldp_vc\"{line}")).unwrap();
        let world = World::with(|issuer| {
            issuer.types.insert(DEGREE.to_owned(), credential_type);
        })
        .await;
        let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
        let types =
            &metadata["credential_configurations_supported"][DEGREE]["proof_types_supported"];
        let names = types.get("di_vp").map(|of| of["proof_signing_alg_values_supported"].clone());
        assert_eq!(names, announced.map(|names| json!(names)));
        assert!(types["jwt"].is_object());
    }
}

/// What an operator writes wrongly is told, with what to write instead.
#[test]
fn a_type_that_cannot_take_presentations_is_refused() {
    for (lines, told) in [
        ("format = \"vc+jwt\"\nbinding_methods = [\"jwk\"]", "names its key by a DID"),
        ("format = \"vc+jwt\"\nkey_binding = false", "bound to a key"),
        ("format = \"vc+jwt\"\nproof_algorithms = [\"ES512\"]", "signed by these"),
    ] {
        let error = parse(&format!("{lines}\ndi_vp_proofs = true")).unwrap_err();
        assert!(error.contains(told), "{lines}: {error}");
    }
}
