//! Pictures of whole cards (SD-JWT VC §8.1.2): from the description of a type into the store, and out
//! of it with the holder's values.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod world;

use formats::type_metadata::{ColorScheme, Look, sha256};
use serde_json::{Value, json};
use wallet::flow::key::KeyWish;
use world::{Answer, World};

const VCT: &str = "https://issuer.example/vct/student";
const PICTURE: &str = "https://issuer.example/vct/student/card.svg";

fn svg(text: &str) -> String {
    format!("<svg xmlns='http://www.w3.org/2000/svg'><text>{text}</text></svg>")
}

/// What describes the type, with these templates in English.
fn described(templates: &Value) -> Value {
    json!({
        "vct": VCT,
        "display": [{ "locale": "en", "name": "Card", "rendering": { "svg_templates": templates } }],
        "claims": [
            { "path": ["given_name"], "svg_id": "given_name" },
            { "path": ["degrees", null, "title"], "svg_id": "degrees" },
            { "path": ["photo"], "svg_id": "photo" },
            { "path": ["nothing"], "svg_id": "nothing" },
        ],
    })
}

fn named(uri: &str, scheme: &str) -> Value {
    json!({ "uri": uri, "properties": { "color_scheme": scheme } })
}

/// What the wallet shows of the card once it is kept: `None` is the card as it looks without.
async fn shown(world: &World, wanted: Look) -> Option<String> {
    world.issues(|issuer, proof| {
        issuer.student_card(&proof.cnf(), |_, claims| {
            claims["given_name"] = json!("A<b>&\u{202e}da");
            claims["photo"] = json!("data:image/png;base64,AA");
            claims["degrees"] = json!([{ "title": "BSc" }, { "title": "MSc" }]);
        })
    });
    let received = world.receive("student_card", &KeyWish::default()).await.unwrap();
    let kept = world.wallet.keep(&received).await.unwrap();
    let text = serde_json::to_string(&kept[0]).unwrap();
    let stored: wallet::store::StoredCredential = serde_json::from_str(&text).unwrap();
    stored.display.svg_templates.drawn(&stored.claims, "en-GB", wanted)
}

fn wanted(color_scheme: ColorScheme) -> Look {
    Look { color_scheme: Some(color_scheme), ..Look::default() }
}

/// SD-JWT VC §8.1.2.2: what the credential says is text, whatever it says; what it does not say is
/// left empty.
#[tokio::test]
async fn a_card_is_drawn_as_its_issuer_drew_it() {
    let world = World::new();
    let light = svg("{{given_name}} {{degrees}} {{photo}}{{nothing}}.");
    let dark = format!("data:image/svg+xml,{}", svg("dark {{given_name}}").replace('\'', "%27"));
    let mut first = named(PICTURE, "light");
    first["uri#integrity"] = sha256(light.as_bytes()).into();
    world.network.says(VCT, 200, described(&json!([first, named(&dark, "dark")])));
    world.network.on(PICTURE, move |_| Answer::Typed("image/svg+xml", light.clone().into_bytes()));
    let drawn = shown(&world, wanted(ColorScheme::Light)).await.unwrap();
    assert!(drawn.contains("<text>A&lt;b&gt;&amp;da BSc, MSc .</text>"), "{drawn}");
    assert_eq!(world.network.sent_to(PICTURE).len(), 1);
    let drawn = shown(&world, wanted(ColorScheme::Dark)).await.unwrap();
    assert!(drawn.contains("<text>dark A&lt;b&gt;&amp;da</text>"), "{drawn}");
}

/// The credential comes nevertheless, and looks as it does without; nobody but the issuer is asked.
#[tokio::test]
async fn a_picture_that_is_not_safe_is_not_shown() {
    let honest = svg("{{given_name}}");
    let other = sha256(b"other");
    let long = svg(&"a".repeat(200_000));
    for (rule, uri, integrity, body) in [
        ("a script", PICTURE, None, svg("</text><script>alert(1)</script><text>")),
        ("no such claim", PICTURE, None, svg("{{row}}")),
        ("other bytes", PICTURE, Some(&other), honest.clone()),
        ("no SVG", PICTURE, None, "<html/>".to_owned()),
        ("too long", PICTURE, None, long),
        ("elsewhere", "https://other.example/card.svg", None, honest.clone()),
        ("plain http", "http://issuer.example/card.svg", None, honest.clone()),
    ] {
        let world = World::new();
        let mut template = named(uri, "light");
        if let Some(integrity) = integrity {
            template["uri#integrity"] = integrity.as_str().into();
        }
        world.network.says(VCT, 200, described(&json!([template])));
        world.network.on(uri, move |_| Answer::Typed("image/svg+xml", body.clone().into_bytes()));
        assert_eq!(shown(&world, Look::default()).await, None, "{rule}");
        let asked = usize::from(uri == PICTURE);
        assert_eq!(world.network.sent_to(uri).len(), asked, "{rule}");
    }
}

/// A stranger's list of pictures does not keep the wallet busy, nor fill its store.
#[tokio::test]
async fn few_pictures_are_fetched_and_kept() {
    let world = World::new();
    let address = |at: usize| format!("{VCT}/{at}.svg");
    let templates: Value = (0..20).map(|at| named(&address(at), "light")).collect();
    world.network.says(VCT, 200, described(&templates));
    for at in 0..20 {
        let body = svg(&format!("{at} {}", "a".repeat(120_000)));
        world
            .network
            .on(&address(at), move |_| Answer::Typed("image/svg+xml", body.clone().into_bytes()));
    }
    assert!(shown(&world, Look::default()).await.is_some());
    let asked = (0..20).filter(|at| !world.network.sent_to(&address(*at)).is_empty()).count();
    assert_eq!(asked, 8);
    let stored = serde_json::to_vec(&world.stored()[0]).unwrap().len();
    assert!(stored < 600_000, "{stored}");
}
