//! Metadata that lead away: whom the wallet asks, and where it sends a code.
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod world;

use oid4vci::metadata::MetadataError;
use serde_json::{Value, json};
use wallet::display::PICTURE_BYTES_MAX;
use wallet::error::{Class, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::trust::VerificationError;
use world::{
    Answer, ISSUER, ISSUER_METADATA, SERVER_METADATA, World, issuer_metadata, link, offer,
    server_metadata,
};

/// ENC-12, SEC-32
#[tokio::test]
async fn metadata_of_another_issuer_are_thrown_away() {
    for other in
        ["https://issuer.example/a/", "https://issuer.example/A", "https://Issuer.example/a"]
    {
        let world = World::new();
        let mut metadata = issuer_metadata();
        metadata["credential_issuer"] = json!(other);
        world.network.says(ISSUER_METADATA, 200, metadata);
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        assert_eq!(error, WalletError::Metadata(MetadataError::OtherIssuer), "{other}");
        assert_eq!(error.class(), Class::NotVerified);
        let world = World::new();
        let mut metadata = server_metadata();
        metadata["issuer"] = json!(other);
        world.network.says(SERVER_METADATA, 200, metadata);
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        assert_eq!(error, WalletError::Metadata(MetadataError::OtherIssuer), "{other}");
    }
}

#[tokio::test]
async fn endpoints_that_lead_away_are_refused() {
    for (url, class) in [
        ("https://evil.example/x", Class::NotVerified),
        ("https://issuer.example.evil.example/x", Class::NotVerified),
        ("https://issuer.example:8443/x", Class::NotVerified),
        ("http://issuer.example/a/x", Class::Network),
        ("http://127.0.0.1/x", Class::Network),
    ] {
        for name in ["credential_endpoint", "nonce_endpoint", "token_endpoint"] {
            let world = World::new();
            let (mut issuer, mut server) = (issuer_metadata(), server_metadata());
            let document = if name == "token_endpoint" { &mut server } else { &mut issuer };
            document[name] = json!(url);
            world.network.says(ISSUER_METADATA, 200, issuer);
            world.network.says(SERVER_METADATA, 200, server);
            let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
            assert_eq!(error.class(), class, "{name} {url}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_authorization_server_elsewhere_is_asked_after_the_holder_agreed_to_it() {
    for (server, host) in [
        ("https://login.example", "login.example"),
        ("https://issuer.example:8443", "issuer.example:8443"),
    ] {
        let world = World::new();
        names_server(&world, server);
        let scanned = ScannedOffer::scan(&link(&offer(&["student_card"]))).unwrap();
        let consent = Consent::to(scanned.host());
        let refused = world.resolve_with(scanned.clone(), &consent).await.unwrap_err();
        assert_eq!(refused, WalletError::NotAgreed { host: host.to_owned() });
        let elsewhere =
            world.network.sent().into_iter().filter(|sent| sent.url.starts_with(server));
        assert_eq!(elsewhere.count(), 0, "nothing was sent to {host}");
        let resolved = world.resolve_with(scanned, &consent.and(host)).await.unwrap();
        assert_eq!(resolved.token_host(), host);
    }
}

/// The issuer has its codes redeemed elsewhere.
fn names_server(world: &World, url: &str) {
    let (mut issuer, mut server) = (issuer_metadata(), server_metadata());
    issuer["authorization_servers"] = json!([url]);
    server["issuer"] = json!(url);
    server["token_endpoint"] = json!(format!("{url}/token"));
    world.network.says(ISSUER_METADATA, 200, issuer);
    let place = format!("{url}/.well-known/oauth-authorization-server");
    world.network.says(&place, 200, server);
}

#[tokio::test]
async fn the_place_of_the_drafts_is_tried_only_when_there_is_nothing_at_the_place_of_1_0() {
    let appended = format!("{ISSUER}/.well-known/openid-credential-issuer");
    let world = World::new();
    world.network.says(&appended, 200, issuer_metadata());
    world.network.says(ISSUER_METADATA, 404, json!({}));
    world.resolve(&offer(&["student_card"])).await.unwrap();
    for (status, body) in [(500, json!({})), (403, json!({})), (200, json!([]))] {
        let world = World::new();
        world.network.says(&appended, 200, issuer_metadata());
        world.network.says(ISSUER_METADATA, status, body);
        let error = world.resolve(&offer(&["student_card"])).await.unwrap_err();
        assert!(matches!(error.class(), Class::Refused | Class::NotVerified), "{error:?}");
        assert!(world.network.sent_to(&appended).is_empty());
    }
}

/// SD-JWT VC §8, SD-JWT VC §9: what the issuer leaves out, the description of the type may say; whoever
/// is not the issuer is not asked.
#[tokio::test]
async fn a_type_that_is_described_elsewhere_in_its_issuers_house_has_names() {
    let vct = "https://issuer.example/vct/student";
    let described = |vct: &str| {
        json!({
            "vct": vct,
            "display": [{ "lang": "en", "name": "Ticket", "rendering": { "simple": {
                "background_color": "#123456",
                "logo": { "uri": "data:image/png;base64,iVBORw0KGgo=", "alt_text": "An otter" } } } }],
            "claims": [{ "path": ["seats", null], "display": [{ "lang": "en", "label": "Seat" }] }],
        })
    };
    let world = World::new();
    world.network.says(vct, 200, described(vct));
    let resolved = world.resolve(&offer(&["ticket"])).await.unwrap();
    let display = resolved.offered().first().unwrap().display();
    let face = display.face("en").unwrap();
    assert_eq!((face.name.as_str(), face.background_color.as_deref()), ("Ticket", Some("#123456")));
    assert_eq!(face.logo.as_ref().unwrap().alt_text.as_deref(), Some("An otter"));
    let claim = display.claims.first().unwrap();
    assert_eq!(
        (&claim.path[..], claim.name("en")),
        (&[json!("seats"), Value::Null][..], Some("Seat"))
    );
    assert_eq!(world.network.sent_to(vct).len(), 1, "asked for once");

    world.resolve(&offer(&["student_card"])).await.unwrap();
    assert_eq!(world.network.sent_to(vct).len(), 2, "this one has names, but may have pictures");

    for (address, body) in
        [(vct, json!({ "vct": "other" })), ("https://types.example/t", described(""))]
    {
        let world = World::new();
        let mut metadata = issuer_metadata();
        metadata["credential_configurations_supported"]["ticket"]["vct"] = json!(address);
        world.network.says(ISSUER_METADATA, 200, metadata);
        world.network.says(address, 200, body);
        let resolved = world.resolve(&offer(&["ticket"])).await.unwrap();
        assert!(resolved.offered().first().unwrap().display().faces.is_empty(), "{address}");
        let asked = usize::from(address == vct);
        assert_eq!(world.network.sent_to(address).len(), asked, "{address}");
    }
}

/// SD-JWT VC §9: a description that is taken for its names is taken for its rules.
#[tokio::test]
async fn a_credential_that_is_not_as_described_is_not_kept() {
    let vct = "https://issuer.example/vct/student";
    for (claim, is_kept) in [
        (json!({ "path": ["given_name"], "sd": "never", "mandatory": true }), true),
        (json!({ "path": ["given_name"], "sd": "always" }), false),
        (json!({ "path": ["row"], "mandatory": true }), false),
    ] {
        let world = World::new();
        world.network.says(vct, 200, json!({ "vct": vct, "claims": [claim] }));
        let ticket = world.issuer.student_card(&json!({}), |_, claims| {
            claims.as_object_mut().unwrap().remove("cnf");
        });
        world.answers_credential(200, json!({ "credentials": [{ "credential": ticket }] }));
        let received = world.receive("ticket", &KeyWish::default()).await;
        let error = received.err();
        let expected = WalletError::NotVerified(VerificationError::NotAsDescribed);
        assert_eq!(error, (!is_kept).then_some(expected), "{claim}");
    }
}

/// HAIP-16, catalogue N03: pictures at the issuer's own address are fetched once, and kept; elsewhere
/// nobody is asked, and what cannot be had costs nothing.
#[tokio::test]
async fn pictures_of_the_issuer_are_fetched_once_and_kept() {
    const LOGO: &str = "https://issuer.example/logo";
    let png = b"\x89PNG\r\n\x1a\nrest".to_vec();
    let huge = [png.clone(), vec![0; PICTURE_BYTES_MAX]].concat();
    let data = "data:image/png;base64,iVBORw0KGgpyZXN0";
    for (rule, address, answer, expected) in [
        ("PNG", LOGO, Answer::Typed("image/png", png.clone()), Some(data)),
        (
            "SVG",
            LOGO,
            Answer::Typed("image/svg+xml; charset=utf-8", b"<svg/>".to_vec()),
            Some("data:image/svg+xml;base64,PHN2Zy8+"),
        ),
        ("no PNG", LOGO, Answer::Typed("image/png", b"<html>".to_vec()), None),
        ("a page", LOGO, Answer::Typed("text/html", png.clone()), None),
        ("too large", LOGO, Answer::Typed("image/png", huge), None),
        ("not there", LOGO, Answer::Json(404, json!({})), None),
        ("elsewhere", "https://other.example/logo", Answer::Typed("image/png", png), None),
    ] {
        let world = World::new();
        let mut metadata = issuer_metadata();
        let card = &mut metadata["credential_configurations_supported"]["student_card"];
        let face = |name: &str, locale: &str| json!({ "name": name, "locale": locale, "logo": { "uri": address } });
        card["credential_metadata"]["display"] = json!([face("Card", "en"), face("Karte", "de")]);
        world.network.says(ISSUER_METADATA, 200, metadata);
        world.network.on(address, move |_| answer.clone());
        let offer = world.resolve(&offer(&["student_card"])).await;
        let offer = offer.unwrap_or_else(|error| panic!("{rule}: {error}"));
        let display = offer.offered()[0].display();
        for locale in ["en", "de"] {
            let logo = display.face(locale).and_then(|face| face.logo.as_ref());
            let uri = logo.map(|logo| logo.uri.as_str());
            assert_eq!(uri, Some(expected.unwrap_or(address)), "{rule} {locale}");
        }
        let is_asked = usize::from(rule != "elsewhere");
        assert_eq!(world.network.sent_to(address).len(), is_asked, "{rule}: once");
    }
}

/// A stranger's list of pictures does not keep the wallet busy.
#[tokio::test]
async fn few_pictures_are_fetched() {
    let world = World::new();
    let mut metadata = issuer_metadata();
    let card = &mut metadata["credential_configurations_supported"]["student_card"];
    let addresses: Vec<String> =
        (0..9).map(|at| format!("https://issuer.example/logo/{at}")).collect();
    let faces = addresses.iter().map(|uri| json!({ "name": "Card", "logo": { "uri": uri } }));
    card["credential_metadata"]["display"] = faces.collect();
    world.network.says(ISSUER_METADATA, 200, metadata);
    assert!(world.resolve(&offer(&["student_card"])).await.is_ok());
    let asked = addresses.iter().filter(|uri| !world.network.sent_to(uri).is_empty()).count();
    assert_eq!(asked, 4);
}
