//! A verifier that holds nothing: each check, and what follows from all.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod asked;
mod documents;
mod presentation;
#[path = "../world/mod.rs"]
mod world;

use std::sync::Arc;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::ldp_vc;
use formats::status_list::token::{StatusListClaims, StatusListKey, TokenFormat, issue};
use formats::status_list::{Bits, Status, StatusList};
use formats::type_metadata::sha256;
use formats::w3c::W3cClaims;
use keys::did;
use keys::outside::Clock;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{Anchors, x5c_from_header};
use serde_json::{Map, Value, json};
use wallet::Settings;
use wallet::http::{Http, HttpError, NoNetwork};
use wallet::verify::{Outcome, Report, SignedBy, Verdict, Verifier};
use world::{Answer, ISSUER, ISSUER_KEYS, Moved, NOW, Network, SigningKey, published};

const FORMAT: &str = "dc+sd-jwt";
/// What the card is called, and where that is described.
const VCT: &str = "https://issuer.example/vct/student";

/// A verifier and an issuer whose authority it trusts.
struct Scene {
    issuer: SigningKey,
    network: Arc<Network>,
    verifier: Verifier,
}

impl Scene {
    fn new() -> Self {
        let issuer = SigningKey::new(NOW, ISSUER);
        let network = Arc::new(Network::default());
        let anchors = Anchors::from_pem(issuer.ca.certificate_pem()).unwrap();
        let verifier = Verifier {
            http: Arc::clone(&network) as Arc<dyn Http>,
            clock: Arc::new(Moved::default()) as Arc<dyn Clock>,
            settings: Settings { anchors: Some(Arc::new(anchors)), ..Settings::default() },
            given_keys: None,
            status_list: None,
            is_now: true,
            without_status: false,
        };
        Self { issuer, network, verifier }
    }

    fn card(&self, spoil: impl Fn(&mut Value, &mut Value)) -> String {
        let holder = json!({ "jwk": self.issuer.key.public_key().to_jwk() });
        self.issuer.student_card(&holder, spoil).as_str().unwrap().to_owned()
    }

    async fn verify(&self, card: &str) -> Report {
        self.verifier.credential(FORMAT, card).await
    }
}

#[track_caller]
fn outcome(report: &Report, name: &str) -> Outcome {
    let check = report.checks.iter().find(|check| check.name == name);
    check.unwrap_or_else(|| panic!("{name}: {report:?}")).outcome
}

fn by_name(header: &mut Value) {
    *header = json!({ "typ": FORMAT, "kid": "key-1" });
}

#[tokio::test]
async fn an_anchor_vouches_for_a_card_and_nobody_is_asked() {
    let scene = Scene::new();
    let report = scene.verify(&scene.card(|_, _| {})).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    for name in ["form", "signature", "content", "validity", "issuer"] {
        assert_eq!(outcome(&report, name), Outcome::Passed, "{name}");
    }
    assert_eq!(outcome(&report, "status"), Outcome::NotChecked, "it has none");
    assert_eq!(outcome(&report, "type"), Outcome::NotChecked, "nobody describes it");
    assert!(scene.network.sent().iter().all(|sent| sent.url == VCT), "for its type alone");
}

/// SD-JWT VC §9: a credential is as its type says, or refused.
#[tokio::test]
async fn a_card_is_held_against_the_description_of_its_type() {
    let scene = Scene::new();
    let base = "https://types.example/base";
    let card = scene.card(|_, _| {});
    let described = |claim: Value| json!({ "vct": VCT, "name": "Card", "claims": [claim] });
    for (document, expected) in [
        (described(json!({ "path": ["given_name"], "sd": "never" })), Outcome::Passed),
        (described(json!({ "path": ["given_name"], "sd": "always" })), Outcome::Failed),
        (described(json!({ "path": ["matriculation"], "mandatory": true })), Outcome::Failed),
        (json!({ "vct": "https://issuer.example/other" }), Outcome::Failed),
        (json!({ "vct": VCT, "extends": VCT }), Outcome::Failed),
        (json!({ "vct": VCT, "extends": "urn:no:address" }), Outcome::NotChecked),
        (json!({ "vct": VCT, "extends": base }), Outcome::NotChecked),
    ] {
        scene.network.says(VCT, 200, document.clone());
        let report = scene.verify(&card).await;
        assert_eq!(outcome(&report, "type"), expected, "{document}");
        let fails = expected == Outcome::Failed;
        assert_eq!(report.verdict() == Verdict::Failed, fails, "{report:?}");
    }
    let demands = json!({ "vct": base, "claims": [{ "path": ["email"], "mandatory": true }] });
    scene.network.says(base, 200, demands);
    assert_eq!(outcome(&scene.verify(&card).await, "type"), Outcome::Failed, "of the extended one");
    for answer in [|| Answer::Fails(HttpError::TimedOut), || Answer::Json(500, json!({}))] {
        scene.network.on(VCT, move |_| answer());
        let report = scene.verify(&card).await;
        assert_eq!(
            report.verdict(),
            Verdict::Verified,
            "whoever says nothing says nothing against it"
        );
    }
}

/// SD-JWT VC §7
#[tokio::test]
async fn a_card_that_names_its_description_is_verified_with_that_one() {
    let scene = Scene::new();
    let document = json!({ "vct": VCT });
    let integrity = sha256(document.to_string().as_bytes());
    let card = scene.card(move |_, claims| claims["vct#integrity"] = json!(integrity));
    assert_eq!(scene.verify(&card).await.verdict(), Verdict::Unanswered, "it says there is one");
    scene.network.says(VCT, 200, document);
    assert_eq!(outcome(&scene.verify(&card).await, "type"), Outcome::Passed);
    scene.network.says(VCT, 200, json!({ "vct": VCT, "name": "another" }));
    assert_eq!(outcome(&scene.verify(&card).await, "type"), Outcome::Failed);
}

/// Whose word counts for nothing is not asked either.
#[tokio::test]
async fn a_strangers_type_is_not_looked_up() {
    let mut scene = Scene::new();
    scene.verifier.settings.anchors = None;
    let report = scene.verify(&scene.card(|_, _| {})).await;
    assert_eq!(outcome(&report, "type"), Outcome::NotChecked);
    assert!(scene.network.sent_to(VCT).is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_a_card_is_found_by_the_check_for_it() {
    let scene = Scene::new();
    let fails = |report: &Report, name: &str| {
        assert_eq!(outcome(report, name), Outcome::Failed, "{report:?}");
        assert_eq!(report.verdict(), Verdict::Failed);
    };
    fails(&scene.verify("no card~").await, "form");
    fails(&scene.verify(&scene.card(|_, claims| claims["exp"] = json!(1))).await, "validity");
    fails(
        &scene.verify(&scene.card(|_, claims| claims["nbf"] = json!(NOW.0 + 99))).await,
        "validity",
    );
    fails(&scene.verify(&scene.card(|_, claims| claims["_sd"] = json!(1))).await, "content");
    let foreign = SigningKey::new(NOW, ISSUER).x5c;
    let wrong = scene.card(|header, _| header["x5c"] = foreign.clone());
    fails(&scene.verify(&wrong).await, "signature");
    let unknown = scene.card(|_, claims| claims["status"] = json!({ "other": {} }));
    fails(&scene.verify(&unknown).await, "status");
    let nobody = scene.card(|header, claims| {
        by_name(header);
        claims.as_object_mut().unwrap().remove("iss");
    });
    fails(&scene.verify(&nobody).await, "issuer");
}

/// Catalogue I17: who signs for one issuer does not speak for another.
#[tokio::test]
async fn a_right_signature_alone_verifies_nobody() {
    let scene = Scene::new();
    let stranger = SigningKey::new(NOW, ISSUER);
    let holder = json!({ "jwk": stranger.key.public_key().to_jwk() });
    let card = stranger.student_card(&holder, |_, _| {});
    let report = scene.verify(card.as_str().unwrap()).await;
    assert_eq!(outcome(&report, "signature"), Outcome::Passed);
    assert_eq!(report.verdict(), Verdict::NotVouched, "an authority that nobody trusts");
    let other = scene.card(|_, claims| claims["iss"] = json!("https://other.example"));
    assert_eq!(scene.verify(&other).await.verdict(), Verdict::NotVouched, "of another issuer");
    let did = did::to_did_jwk(scene.issuer.key.public_key());
    let bare = scene.card(|header, claims| {
        *header = json!({ "typ": FORMAT });
        claims["iss"] = json!(did);
    });
    let report = scene.verify(&bare).await;
    assert_eq!(outcome(&report, "signature"), Outcome::Passed);
    assert_eq!(report.verdict(), Verdict::NotVouched, "a DID that was made a minute ago");
    assert!(scene.network.sent().is_empty());
}

#[tokio::test]
async fn published_keys_vouch_and_silence_is_no_failure() {
    let mut scene = Scene::new();
    scene.verifier.settings.anchors = None;
    let card = scene.card(|header, _| by_name(header));
    scene.network.says(ISSUER_KEYS, 200, published(scene.issuer.key.public_key()));
    assert_eq!(scene.verify(&card).await.verdict(), Verdict::Verified);
    scene.network.on(ISSUER_KEYS, |_| Answer::Fails(HttpError::TimedOut));
    assert_eq!(scene.verify(&card).await.verdict(), Verdict::Unanswered);
    let offline = Verifier { http: Arc::new(NoNetwork), ..scene.verifier.clone() };
    let report = offline.credential(FORMAT, &card).await;
    assert_eq!(report.verdict(), Verdict::NotVouched, "nobody was to be asked");
}

/// Whoever names an authority is told of nobody else, whose website says what it wants.
#[tokio::test]
async fn where_an_authority_is_given_no_website_vouches_in_its_place() {
    let scene = Scene::new();
    let card = scene.card(|header, _| by_name(header));
    scene.network.says(ISSUER_KEYS, 200, published(scene.issuer.key.public_key()));
    let report = scene.verify(&card).await;
    assert_eq!(outcome(&report, "signature"), Outcome::Passed);
    assert_eq!(report.verdict(), Verdict::NotVouched, "{report:?}");
    assert_eq!(report.issuer.as_deref(), Some(ISSUER), "who it says it is from");
}

#[tokio::test]
async fn given_keys_vouch_for_what_they_signed_and_for_nothing_else() {
    let mut scene = Scene::new();
    scene.verifier.settings.anchors = None;
    let own = published(scene.issuer.key.public_key());
    let own = own.pointer("/jwks/keys").unwrap().as_array().unwrap().clone();
    let other = SoftwareKey::generate(keys::algorithm::Algorithm::Es256).unwrap();
    let other = published(other.public_key()).pointer("/jwks/keys").unwrap().clone();
    let did = did::to_did_jwk(scene.issuer.key.public_key());
    let cards = [
        scene.card(|_, _| {}),
        scene.card(|header, _| by_name(header)),
        scene.card(move |header, claims| {
            *header = json!({ "typ": FORMAT });
            claims["iss"] = json!(did);
        }),
    ];
    for card in cards {
        scene.verifier.given_keys = Some(own.clone());
        assert_eq!(scene.verify(&card).await.verdict(), Verdict::Verified, "{card}");
        scene.verifier.given_keys = Some(other.as_array().unwrap().clone());
        assert_ne!(scene.verify(&card).await.verdict(), Verdict::Verified, "{card}");
    }
    assert!(scene.network.sent().iter().all(|sent| sent.url == VCT), "nobody for keys");
}

#[tokio::test]
async fn other_jwts_are_verified_by_issuer_or_by_the_key_that_they_prove() {
    let scene = Scene::new();
    let claims = json!({ "iss": ISSUER, "sub": ISSUER, "exp": NOW.0 + 60 });
    let attested = scene.issuer.sign(&json!({ "x5c": scene.issuer.x5c }), &claims);
    let report = scene.verifier.jwt(&attested, SignedBy::Issuer("iss")).await;
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    let over = json!({ "iss": ISSUER, "exp": NOW.0 });
    let over = scene.issuer.sign(&json!({ "x5c": scene.issuer.x5c }), &over);
    let report = scene.verifier.jwt(&over, SignedBy::Issuer("iss")).await;
    assert_eq!(outcome(&report, "validity"), Outcome::Failed);
    for (name, date) in [("exp", json!("1")), ("exp", json!(null)), ("nbf", json!([NOW.0]))] {
        let mut claims = claims.clone();
        claims[name] = date;
        let odd = scene.issuer.sign(&json!({ "x5c": scene.issuer.x5c }), &claims);
        let report = scene.verifier.jwt(&odd, SignedBy::Issuer("iss")).await;
        assert_eq!(outcome(&report, "validity"), Outcome::Failed, "{claims}");
    }

    let jwk = scene.issuer.key.public_key().to_jwk();
    let proof = scene.issuer.sign(&json!({ "jwk": jwk }), &json!({ "iat": NOW.0 }));
    let report = scene.verifier.jwt(&proof, SignedBy::Holder).await;
    assert_eq!(report.verdict(), Verdict::PossessionOnly, "{report:?}");
    assert_eq!(outcome(&report, "issuer"), Outcome::NotChecked);
    // The key in its header vouches for nobody else's words.
    let report = scene.verifier.jwt(&proof, SignedBy::Issuer("iss")).await;
    assert_eq!(report.verdict(), Verdict::Failed);
    for garbage in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let report = scene.verifier.jwt(garbage, SignedBy::Holder).await;
        assert_eq!(outcome(&report, "form"), Outcome::Failed, "{garbage}");
    }
    let report = scene.verifier.status_list(TokenFormat::Cwt, b"no list").await;
    assert_eq!(outcome(&report, "form"), Outcome::Failed);
}

/// VCI §D.1: an attestation may have a status as credentials have one.
#[tokio::test]
async fn an_attestation_that_was_revoked_is_not_verified() {
    let scene = Scene::new();
    let uri = "https://lists.example/1";
    let status = json!({ "status_list": { "idx": 5, "uri": uri } });
    let header = Map::from_iter([("x5c".to_owned(), scene.issuer.x5c.clone())]);
    let x5c = x5c_from_header(&header).unwrap().unwrap();
    let attested = |status: &Value| {
        let claims = json!({ "iss": ISSUER, "exp": NOW.0 + 60, "status": status });
        let header = json!({ "typ": "key-attestation+jwt", "x5c": scene.issuer.x5c });
        scene.issuer.sign(&header, &claims)
    };
    for (says, verdict) in [(Status::Valid, Verdict::Verified), (Status::Invalid, Verdict::Failed)]
    {
        let mut list = StatusList::new(Bits::One, 8);
        assert!(list.set(5, says));
        let packed = list.compress().unwrap();
        let (issued_at, expires_at) = (NOW, NOW.plus(60));
        let claims =
            StatusListClaims { uri, issued_at, expires_at, ttl_seconds: 60, list: &packed };
        let key = StatusListKey { x5c: &x5c, kid: "key-1" };
        let token = issue(TokenFormat::Jwt, claims, key, &scene.issuer.key).await.unwrap();
        scene.network.on(uri, move |_| Answer::Typed("application/statuslist+jwt", token.clone()));
        let report = scene.verifier.jwt(&attested(&status), SignedBy::Issuer("iss")).await;
        assert_eq!(report.verdict(), verdict, "{report:?}");
    }
    for unknown in [json!({ "other": {} }), json!("good"), json!({})] {
        let report = scene.verifier.jwt(&attested(&unknown), SignedBy::Issuer("iss")).await;
        assert_eq!(outcome(&report, "status"), Outcome::Failed, "{unknown}");
    }
}

/// RFC 9901 §4: without its end it is no SD-JWT, and nothing else either.
#[tokio::test]
async fn a_card_whose_end_was_cut_off_is_told_so() {
    let scene = Scene::new();
    let card = scene.card(|_, _| {});
    let report = scene.verify(card.trim_end_matches('~')).await;
    assert_eq!(outcome(&report, "form"), Outcome::Failed);
    assert!(report.checks.iter().any(|check| check.found.contains("ends in ~")), "{report:?}");
}

/// What is signed of linked data is their meaning: who shows them could have exchanged the names.
#[tokio::test]
async fn linked_data_that_name_themselves_are_not_verified() {
    let mut scene = Scene::new();
    let key = &scene.issuer.key;
    scene.verifier.given_keys = Some(vec![key.public_key().to_jwk().into()]);
    let did = did::to_did_jwk(key.public_key());
    let (issuer, kid) = (did.as_str(), format!("{did}#0"));
    let made = async |context: Value, canonicalization| {
        let claims = W3cClaims {
            id: None,
            name: None,
            issuer,
            contexts: &[context],
            types: &[],
            subject: None,
            claims: Map::from_iter([("given".to_owned(), json!("Ada"))]),
            issued_at: NOW,
            expires_at: NOW.plus(60),
            status: None,
        };
        let options = ProofOptions {
            verification_method: &kid,
            canonicalization,
            created: NOW,
            contexts: None,
        };
        ldp_vc::issue(claims, options, key).await.unwrap()
    };
    let (vocabulary, term) = (json!({ "@vocab": "urn:x:" }), json!({ "given": "urn:x:family" }));
    for (context, canonicalization, verdict) in [
        (&vocabulary, Canonicalization::Rdfc, Verdict::Verified),
        (&term, Canonicalization::Jcs, Verdict::Verified),
        (&term, Canonicalization::Rdfc, Verdict::Failed),
    ] {
        let credential = made(context.clone(), canonicalization).await.to_string();
        let report = scene.verifier.credential("ldp_vc", &credential).await;
        assert_eq!(report.verdict(), verdict, "{report:?}");
        assert_eq!(outcome(&report, "signature"), Outcome::Passed);
    }
    // What comes before the signature says nothing of it.
    for (canonicalization, place) in
        [(Canonicalization::Jcs, "/proof/@context"), (Canonicalization::Rdfc, "/@context")]
    {
        let mut credential = made(vocabulary.clone(), canonicalization).await;
        credential.pointer_mut(place).unwrap()[1] = json!({ "@index": "x" });
        let report = scene.verifier.credential("ldp_vc", &credential.to_string()).await;
        assert_eq!(outcome(&report, "signature"), Outcome::NotChecked, "{report:?}");
        assert_eq!(outcome(&report, "content"), Outcome::Failed);
    }
}
