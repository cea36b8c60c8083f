//! Whom a verifier asks: those that somebody who is trusted names, and nobody twice for what is named by
//! its digest.

use std::sync::Arc;

use formats::type_metadata::sha256;
use serde_json::json;
use wallet::documents::DocumentsInMemory;
use wallet::http::NoNetwork;
use wallet::verify::{Outcome, SignedBy, Verdict, Verifier};

use crate::world::{ISSUER, NOW};
use crate::{FORMAT, Scene, VCT, outcome};

/// SD-JWT VC §6.3.4: who has read a description that is named by its digest does not ask for it again,
/// whatever lies there now; one without a digest is asked for each time.
#[tokio::test]
async fn a_description_that_is_named_by_its_digest_is_asked_for_once() {
    let mut scene = Scene::new();
    scene.verifier.settings.documents = Some(Arc::new(DocumentsInMemory::default()));
    let base = "https://types.example/base";
    let extended = json!({ "vct": base, "claims": [{ "path": ["given_name"], "sd": "never" }] });
    let pin = sha256(extended.to_string().as_bytes());
    let document = json!({ "vct": VCT, "extends": base, "extends#integrity": pin });
    let integrity = sha256(document.to_string().as_bytes());
    let pinned = scene.card(|_, claims| claims["vct#integrity"] = json!(integrity));
    let plain = scene.card(|_, _| {});
    scene.network.says(base, 200, extended);
    let elsewhere = "https://issuer.example/vct/other";
    scene.network.says(elsewhere, 200, document.clone());
    scene.network.says(VCT, 200, document);
    for _ in 0..3 {
        assert_eq!(outcome(&scene.verify(&pinned).await, "type"), Outcome::Passed);
        assert_eq!(scene.network.sent_to(VCT).len(), 1);
        assert_eq!(scene.network.sent_to(base).len(), 1);
    }
    assert_eq!(outcome(&scene.verify(&plain).await, "type"), Outcome::Passed);
    assert_eq!((scene.network.sent_to(VCT).len(), scene.network.sent_to(base).len()), (2, 1));
    let offline = Verifier { http: Arc::new(NoNetwork), ..scene.verifier.clone() };
    let report = offline.credential(FORMAT, &pinned).await;
    assert_eq!(outcome(&report, "type"), Outcome::Passed, "{report:?}");
    // At another address it is asked for, so that whoever has that learns nothing of the first; what it
    // says is held against the card.
    let other = scene.card(|_, claims| {
        claims["vct#integrity"] = json!(integrity);
        claims["vct"] = json!(elsewhere);
    });
    assert_eq!(outcome(&scene.verify(&other).await, "type"), Outcome::Failed);
    assert_eq!(scene.network.sent_to(elsewhere).len(), 1);
}

/// Whoever signs something chooses where its status list lies: only somebody who is trusted sends us
/// there, or whoever brings the list along. The same holds for an attestation.
#[tokio::test]
async fn a_stranger_sends_nobody_to_a_status_list() {
    let mut scene = Scene::new();
    let uri = "https://lists.example/1";
    let status = json!({ "status_list": { "idx": 0, "uri": uri } });
    let card = scene.card(|_, claims| claims["status"] = status.clone());
    let claims = json!({ "iss": ISSUER, "exp": NOW.0 + 60, "status": status });
    let header = json!({ "typ": "key-attestation+jwt", "x5c": scene.issuer.x5c });
    let attestation = scene.issuer.sign(&header, &claims);
    scene.verifier.settings.anchors = None;
    for list in [None, Some(b"ey".to_vec())] {
        scene.verifier.status_list = list.clone();
        let jwt = scene.verifier.jwt(&attestation, SignedBy::Issuer("iss")).await;
        for report in [scene.verify(&card).await, jwt] {
            assert_eq!(outcome(&report, "issuer"), Outcome::NotChecked, "{report:?}");
            let expected = if list.is_some() { Outcome::Failed } else { Outcome::NotChecked };
            assert_eq!(outcome(&report, "status"), expected, "{report:?}");
            let verdict = if list.is_some() { Verdict::Failed } else { Verdict::NotVouched };
            assert_eq!(report.verdict(), verdict);
        }
    }
    assert!(scene.network.sent_to(uri).is_empty());
}

/// TSL §8.4: what is fetched tells nothing of another time.
#[tokio::test]
async fn a_status_is_asked_for_of_now_alone() {
    let mut scene = Scene::new();
    let uri = "https://lists.example/1";
    let card = scene
        .card(|_, claims| claims["status"] = json!({ "status_list": { "idx": 0, "uri": uri } }));
    scene.network.says(uri, 500, json!({}));
    let report = scene.verify(&card).await;
    assert_eq!(report.verdict(), Verdict::Unanswered);
    assert_eq!(scene.network.sent_to(uri).len(), 1);
    scene.verifier.is_now = false;
    let report = scene.verify(&card).await;
    assert_eq!(outcome(&report, "status"), Outcome::NotChecked);
    assert_eq!(report.verdict(), Verdict::StatusUnknown, "it may have been revoked");
    assert_eq!(scene.network.sent_to(uri).len(), 1);
    let offline = Verifier { http: Arc::new(NoNetwork), is_now: true, ..scene.verifier.clone() };
    assert_eq!(offline.credential(FORMAT, &card).await.verdict(), Verdict::StatusUnknown);
    let content = Verifier { without_status: true, ..offline };
    let report = content.credential(FORMAT, &card).await;
    assert_eq!(outcome(&report, "status"), Outcome::NotChecked);
    assert_eq!(report.verdict(), Verdict::Verified, "its user does without");
    scene.verifier.status_list = Some(b"ey".to_vec());
    assert_eq!(outcome(&scene.verify(&card).await, "status"), Outcome::Failed);
}
