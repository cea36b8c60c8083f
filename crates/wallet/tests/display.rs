//! How an issuer's names, colours and pictures are taken: as a stranger's text.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use oid4vci::metadata::ReceivedIssuerMetadata;
use serde_json::{Value, json};
use wallet::display::{CLAIMS_MAX, Display, LANGUAGES_MAX, TEXT_CHARACTERS_MAX, clean};

const ISSUER: &str = "https://issuer.example";

fn display(issuer: &Value, metadata: &Value) -> Display {
    let document = json!({
        "credential_issuer": ISSUER, "credential_endpoint": "https://issuer.example/credential",
        "display": issuer,
        "credential_configurations_supported":
            { "card": { "format": "dc+sd-jwt", "credential_metadata": metadata } },
    });
    let metadata = ReceivedIssuerMetadata::parse(document.to_string().as_bytes(), ISSUER).unwrap();
    Display::new(&metadata, metadata.configurations.get("card").unwrap())
}

#[test]
fn a_terminal_cannot_be_commanded_and_a_name_cannot_be_turned() {
    assert_eq!(clean(" a\u{1b}[2Jb\r\nc\u{7}\u{9b}31m "), "a[2Jb c31m");
    assert_eq!(clean("bank\u{202e}elpmaxe.\u{2066}com\u{200f}"), "bankelpmaxe.com");
    assert_eq!(clean(&"ä".repeat(1000)).chars().count(), TEXT_CHARACTERS_MAX);
}

/// Catalogue N04: two names that look the same are the same, and a name that looks empty is none.
#[test]
fn what_nobody_sees_is_left_out_and_a_name_stays_on_its_line() {
    for (given, shown) in [
        ("pay\u{200b}pal\u{feff}\u{2060}\u{ad}", "paypal"),
        ("pay\u{200d}pal\u{200c}", "paypal"),
        ("a\u{e0041}\u{61c}\u{180e}\u{206a}\u{fff9}b", "ab"),
        ("\u{3164}\u{115f}\u{200b} \u{2028}", ""),
        ("Riverside\u{2028}University\u{2029}", "Riverside University"),
        ("one\ntwo\tthree\u{85}four", "one two three four"),
        ("\u{200b} name \u{200b}", "name"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("क्\u{200d}ष", "क्\u{200d}ष"),
        ("👩\u{200d}🎓 葛\u{e0100}", "👩\u{200d}🎓 葛\u{e0100}"),
    ] {
        assert_eq!(clean(given), shown, "{given:?}");
    }
    let blank = json!([{ "name": "\u{200b}\u{2028}\u{3164}" }]);
    assert_eq!(display(&blank, &json!({})).issuer_name("en"), None);
}

#[test]
fn the_language_that_fits_best_is_shown() {
    let names = json!([
        { "name": "Université", "locale": "fr-FR" },
        { "name": "University", "locale": "en" },
        { "name": "Default" },
    ]);
    let display = display(&names, &json!({}));
    for (wanted, name) in [
        ("fr-FR", "Université"),
        ("fr-CA", "Université"),
        ("EN-gb", "University"),
        ("nl", "Default"),
    ] {
        assert_eq!(display.issuer_name(wanted), Some(name), "{wanted}");
    }
    assert_eq!(display.face("en"), None);
}

#[test]
fn colours_that_are_none_are_left_out() {
    for (given, taken) in [
        ("#12ABef", Some("#12abef")),
        ("#1aF", Some("#11aaff")),
        ("red", None),
        ("#12345", None),
        ("#12345g", None),
        ("#fff;background:url(//evil.example)", None),
        ("url(javascript:alert(1))", None),
    ] {
        let display =
            display(&json!([]), &json!({ "display": [{ "name": "x", "text_color": given }] }));
        assert_eq!(display.face("en").unwrap().text_color.as_deref(), taken, "{given}");
    }
}

/// HAIP-16
#[test]
fn pictures_are_https_or_data_or_nothing() {
    let huge = format!("data:image/png;base64,{}", "A".repeat(300 * 1024));
    for (uri, taken) in [
        ("https://issuer.example/logo.png", true),
        ("data:image/png;base64,AAAA", true),
        ("data:image/svg+xml;base64,AAAA", true),
        ("https://issuer.example/logo.svg", true),
        ("http://issuer.example/logo.png", false),
        ("data:text/html,<script>", false),
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("logo.png", false),
        (huge.as_str(), false),
    ] {
        let logo = json!({ "uri": uri, "alt_text": "logo" });
        let display = display(&json!([]), &json!({ "display": [{ "name": "x", "logo": logo }] }));
        assert_eq!(display.face("en").unwrap().logo.is_some(), taken, "{uri:.40}");
    }
}

#[test]
fn what_is_too_much_or_of_a_wrong_shape_is_left_out() {
    let claims = json!([
        { "path": ["a", 0, null], "display": [{ "name": "A", "locale": "en" }] },
        { "path": [] },
        { "path": "b" },
        { "path": [-1] },
        { "path": [true] },
        { "path": vec!["x"; 17] },
        { "path": ["c"], "display": "no" },
        "d",
    ]);
    let shown = display(&json!(["x", { "locale": "en" }]), &json!({ "claims": claims }));
    assert!(shown.issuer.is_empty());
    assert_eq!(shown.claims.len(), 2);
    assert_eq!(shown.claims[0].name("en"), Some("A"));
    let many = json!({
        "claims": vec![json!({ "path": ["a"] }); 1000],
        "display": vec![json!({ "name": "a" }); 1000],
    });
    let shown = display(&json!(vec![json!({ "name": "a" }); 1000]), &many);
    assert_eq!((shown.claims.len(), shown.faces.len()), (CLAIMS_MAX, LANGUAGES_MAX));
    assert_eq!(shown.issuer.len(), LANGUAGES_MAX);
}

/// FMT-JWT-06: the paths of a W3C credential begin at the credential, ours at its subject.
#[test]
fn labels_of_a_w3c_credential_are_for_its_subject() {
    let document = json!({
        "credential_issuer": ISSUER, "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": { "diploma": {
            "format": "jwt_vc_json",
            "credential_metadata": { "claims": [{ "path": ["credentialSubject", "degree"] }] },
        } },
    });
    let metadata = ReceivedIssuerMetadata::parse(document.to_string().as_bytes(), ISSUER).unwrap();
    let display = Display::new(&metadata, metadata.configurations.get("diploma").unwrap());
    assert_eq!(display.claims.first().unwrap().path, [json!("degree")]);
}
