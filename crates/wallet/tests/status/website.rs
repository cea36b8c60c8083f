//! Lists by keys that have a name: below the did:web of the issuer's website.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::status_list::token::TokenFormat;
use formats::status_list::{Status, StatusListError};
use keys::signer::Signer as _;
use serde_json::{Map, json};
use wallet::flow::key::KeyWish;
use wallet::status::StatusFault;

use super::world::{ISSUER, NOW, SigningKey, World};
use super::{IDX, LIST, asked, of, packed, serve, stands};

const WEBSITE: &str = "did:web:issuer.example:a";
const DOCUMENT: &str = "https://issuer.example/a/did.json";

/// A list by a key that has this name, and no certificate.
pub(super) fn list_by(kid: &str, iss: Option<&str>, key: &SigningKey) -> Vec<u8> {
    let list = packed(Status::Suspended);
    let mut claims = Map::from_iter([
        ("sub".to_owned(), json!(LIST)),
        ("iat".to_owned(), json!(NOW)),
        ("exp".to_owned(), json!(NOW.0 + 3600)),
        (
            "status_list".to_owned(),
            json!({ "bits": 2, "lst": BASE64_URL_SAFE_NO_PAD.encode(&list.lst) }),
        ),
    ]);
    claims.extend(iss.map(|iss| ("iss".to_owned(), iss.into())));
    let header = json!({ "typ": "statuslist+jwt", "kid": kid });
    key.sign(&header, &claims.into()).into_bytes()
}

/// An issuer that is known by the did:web of its website signs its lists with a key of the document.
#[tokio::test]
async fn the_list_of_a_website_is_signed_by_a_key_of_its_document() {
    let world = World::new();
    let id = format!("{WEBSITE}#1");
    let method = json!({
        "id": id, "type": "JsonWebKey", "controller": WEBSITE,
        "publicKeyJwk": world.issuer.key.public_key().to_jwk(),
    });
    let document =
        json!({ "id": WEBSITE, "verificationMethod": [method], "assertionMethod": [id] });
    world.network.says(DOCUMENT, 200, document);
    world.issues(move |issuer, proof| {
        issuer.student_card(&proof.cnf(), |header, claims| {
            *header = json!({ "typ": "dc+sd-jwt", "kid": format!("{WEBSITE}#1") });
            claims["iss"] = WEBSITE.into();
            claims["status"] = json!({ "status_list": { "idx": IDX, "uri": LIST } });
        })
    });
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    world.wallet.keep(&received).await.unwrap();
    let (format, stranger) = (TokenFormat::Jwt, SigningKey::new(NOW, ISSUER));
    let (first, other) = (&*format!("{WEBSITE}#1"), "did:web:other.example");
    for (token, fault) in [
        (list_by(first, None, &stranger), of(StatusListError::WrongSignature)),
        (list_by(&format!("{other}#1"), None, &world.issuer), StatusFault::OtherSigner),
        (list_by(first, Some(other), &world.issuer), StatusFault::OtherSigner),
        (list_by(&format!("{WEBSITE}#2"), None, &world.issuer), StatusFault::OtherSigner),
    ] {
        serve(&world, LIST, format, token);
        assert_eq!(asked(&world).await, [fault]);
    }
    for iss in [None, Some(WEBSITE), Some(ISSUER)] {
        world.clock.to(0);
        serve(&world, LIST, format, list_by(first, iss, &world.issuer));
        assert_eq!(asked(&world).await, [], "{iss:?}");
        assert_eq!(stands(&world, 0), "suspended");
    }
}
