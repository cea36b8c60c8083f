//! Our wallet and our issuer: credentials bound to a key that stands on the holder's own website.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use issuer::credential_type::CredentialType;
use issuer::did_documents::DidDocuments;
use keys::algorithm::Algorithm;
use oid4vci::encryption::Encryption::Off;
use oid4vci::proof::BindingMethod;
use serde_json::json;
use testkit::agreed;
use testkit::website::{Says, Website};
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;

const DEGREE: &str = "degree";
const TYPE: &str = r#"
validity_days = 30
binding_methods = ["did:web"]

[[display]]
name = "Degree"
locale = "en"

[[claims]]
path = ["name"]
type = "string"
required = true
label = { en = "Name" }
example = "Ada"
"#;

async fn world(website: &Website, head: &str) -> World {
    let path = Path::new("degree.toml");
    let parsed = CredentialType::parse(path, &format!("{head}\n{TYPE}"), ISSUER).unwrap();
    World::with(|issuer| {
        let file = std::env::temp_dir().join(format!("{}.pem", website.did("").replace(':', "-")));
        std::fs::write(&file, &website.authority).unwrap();
        issuer.config.proof.did_web_ca = Some(file.clone());
        issuer.config.proof.did_web_private_addresses = true;
        issuer.did_documents = Some(DidDocuments::open(&issuer.config.proof).unwrap());
        std::fs::remove_file(file).unwrap();
        issuer.types.insert(DEGREE.to_owned(), parsed);
        (issuer.config.encryption.request, issuer.config.encryption.response) = (Off, Off);
        issuer.encryption = issuer.config.encryption.policy().unwrap();
    })
    .await
}

/// PROOF-08, META-34: in each format that names its holder by a DID, the card has the key of the
/// website.
#[tokio::test]
async fn the_wallet_proves_a_key_of_its_website() {
    for head in [
        "format = \"dc+sd-jwt\"\nvct = \"urn:degree\"",
        "format = \"jwt_vc_json\"\ntypes = [\"VerifiableCredential\", \"Degree\"]",
        "format = \"vc+jwt\"\ntypes = [\"VerifiableCredential\", \"Degree\"]",
        "format = \"vc+sd-jwt\"\ntypes = [\"VerifiableCredential\", \"Degree\"]",
        "format = \"ldp_vc\"\ntypes = [\"VerifiableCredential\", \"Degree\"]",
    ] {
        let website = Website::start().await;
        let (world, did) = (world(&website, head).await, website.did(""));
        let wallet = &world.wallet;
        let key = wallet.make_key(Algorithm::Es256, BindingMethod::DidWeb).await.unwrap();
        let document = wallet.did_document(&did, std::slice::from_ref(&key.id)).await.unwrap();
        website.says(Says::document(&document));
        let wish =
            KeyWish { key: Some(key.id.clone()), did_web: Some(did.clone()), ..KeyWish::default() };
        let offered = world.offer(DEGREE, &json!({})).await;
        let kept = agreed::receive(wallet, &offered.uri, &wish).await;
        let [card] = &kept[..] else { panic!("{head}") };
        let holder = card.holder_key.as_ref().unwrap();
        assert_eq!(holder.did_url(), Some(format!("{did}#{}", key.id)), "{head}");
        assert_eq!((holder.binding, &holder.kid), (BindingMethod::DidWeb, &key.id));
        assert_eq!(website.asked().len(), 1, "{head}");
    }
}

/// A wallet that has no website, or wishes for two things at once, is told before anything is sent.
#[tokio::test]
async fn a_did_web_is_the_holders_own_wish() {
    let website = Website::start().await;
    let world = world(&website, "format = \"dc+sd-jwt\"\nvct = \"urn:degree\"").await;
    let key = world.wallet.make_key(Algorithm::Es256, BindingMethod::Jwk).await.unwrap().id;
    let did = || Some(website.did(""));
    for wish in [
        KeyWish::default(),
        KeyWish { binding: Some(BindingMethod::DidWeb), ..KeyWish::default() },
        KeyWish { did_web: did(), ..KeyWish::default() },
        KeyWish {
            key: Some(key.clone()),
            did_web: Some("did:web:127.0.0.1".to_owned()),
            ..KeyWish::default()
        },
        KeyWish {
            key: Some(key.clone()),
            did_web: did(),
            binding: Some(BindingMethod::Jwk),
            ..KeyWish::default()
        },
    ] {
        let offered = world.offer(DEGREE, &json!({})).await;
        let resolved = agreed::resolve(&world.wallet, &offered.uri).await.unwrap();
        let authorized = world.wallet.request_token(resolved, None).await.unwrap();
        let told = match world.wallet.request_credentials(&authorized, &wish).await {
            Ok(received) => format!("{:?}", received.failures()),
            Err(error) => format!("{error:?}"),
        };
        assert!(told.contains("UnsupportedBinding"), "{wish:?}: {told}");
    }
    assert_eq!(website.connections(), 0);
}
