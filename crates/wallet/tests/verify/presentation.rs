//! What a holder adds to a card to show it (RFC 9901 §7.3).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::did_document::for_authentication;
use keys::digest;
use keys::jws;
use keys::public_key::PublicKey;
use wallet::verify::Asked;

use super::*;

const HOLDER: &str = "did:web:holder.example";
const DOCUMENT: &str = "https://holder.example/.well-known/did.json";
const ASKED: Asked<'_> = Asked { audience: Some("https://verifier.example"), nonce: Some("n") };
const NOTHING: Asked<'_> = Asked { audience: None, nonce: None };

/// The card with a key binding by this key.
async fn presented(card: &str, key: &SoftwareKey) -> String {
    let sd_hash = BASE64_URL_SAFE_NO_PAD.encode(digest::sha256(card.as_bytes()));
    let claims = json!({ "iat": NOW.0, "aud": "https://verifier.example", "nonce": "n",
        "sd_hash": sd_hash });
    let header = Map::from_iter([("typ".to_owned(), "kb+jwt".into())]);
    let jwt = jws::sign(header, claims.to_string().as_bytes(), key).await.unwrap();
    format!("{card}{jwt}")
}

fn document(key: &PublicKey) -> Value {
    for_authentication(HOLDER, &[("1".to_owned(), key.clone())])
}

impl Scene {
    fn card_of_website(&self) -> String {
        self.card(|_, claims| claims["cnf"] = json!({ "kid": format!("{HOLDER}#1") }))
    }
}

#[tokio::test]
async fn a_key_binding_is_held_against_the_key_of_the_card() {
    let scene = Scene::new();
    let card = scene.card(|_, _| {});
    let good = presented(&card, &scene.issuer.key).await;
    let report = scene.verifier.presentation(FORMAT, &good, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    for check in ["key_binding", "freshness", "audience", "nonce"] {
        assert_eq!(outcome(&report, check), Outcome::Passed, "{check}");
    }
    let stranger = SoftwareKey::generate(keys::algorithm::Algorithm::Es256).unwrap();
    let forged = presented(&card, &stranger).await;
    for asked in [ASKED, NOTHING] {
        let report = scene.verifier.presentation(FORMAT, &forged, asked).await;
        assert_eq!(outcome(&report, "key_binding"), Outcome::Failed);
        assert_eq!(report.verdict(), Verdict::Failed);
    }
    let report = scene.verifier.presentation(FORMAT, &card, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Failed, "one was asked for, and there is none");
    let report = scene.verifier.presentation(FORMAT, &card, NOTHING).await;
    assert_eq!(report.verdict(), Verdict::Verified);
    // Of a card that is not good, nothing more is said.
    let expired = scene.card(|_, claims| claims["exp"] = json!(1));
    let report = presented(&expired, &scene.issuer.key).await;
    let report = scene.verifier.presentation(FORMAT, &report, ASKED).await;
    assert_eq!(outcome(&report, "key_binding"), Outcome::NotChecked);
    assert_eq!(report.verdict(), Verdict::Failed);
}

/// The document of a holder's did:web is asked for, where somebody vouches for who named it.
#[tokio::test]
async fn the_key_of_a_holder_with_a_website_stands_there() {
    let mut scene = Scene::new();
    let holder = SoftwareKey::generate(keys::algorithm::Algorithm::Es256).unwrap();
    let shown = presented(&scene.card_of_website(), &holder).await;
    scene.network.says(DOCUMENT, 200, document(holder.public_key()));
    let report = scene.verifier.presentation(FORMAT, &shown, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    scene.network.says(DOCUMENT, 200, document(scene.issuer.key.public_key()));
    let report = scene.verifier.presentation(FORMAT, &shown, NOTHING).await;
    assert_eq!(report.verdict(), Verdict::Failed, "it has another key now");
    for (answer, verdict) in [
        (json!({ "id": HOLDER }), Verdict::Failed),
        (json!({ "id": "did:web:other.example" }), Verdict::Failed),
    ] {
        scene.network.says(DOCUMENT, 200, answer);
        let report = scene.verifier.presentation(FORMAT, &shown, ASKED).await;
        assert_eq!(report.verdict(), verdict, "{report:?}");
    }
    scene.network.on(DOCUMENT, |_| Answer::Fails(HttpError::TimedOut));
    let report = scene.verifier.presentation(FORMAT, &shown, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Unanswered, "{report:?}");
    let offline = Verifier { http: Arc::new(NoNetwork), ..scene.verifier.clone() };
    let report = offline.presentation(FORMAT, &shown, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Failed, "what was asked for cannot be had");
    let report = offline.presentation(FORMAT, &shown, NOTHING).await;
    assert_eq!(outcome(&report, "key_binding"), Outcome::NotChecked);
    // A stranger's card sends nobody anywhere.
    scene.verifier.settings.anchors = None;
    let asked = scene.network.sent_to(DOCUMENT).len();
    let report = scene.verifier.presentation(FORMAT, &shown, ASKED).await;
    assert_eq!(report.verdict(), Verdict::Failed);
    assert_eq!(scene.network.sent_to(DOCUMENT).len(), asked);
}
