//! `--context`: words that the program does not know, from the issuer to whoever verifies.

use std::fs;

use keys::digest::sha256;

use crate::world::{World, text};

const URL: &str = "https://words.example/v1";
const WORDS: &str = r#"{ "@context": {
    "Degree": "https://words.example/#Degree",
    "degree": "https://words.example/#degree",
    "courses": "https://words.example/#courses"
} }"#;
const TYPE: &str = r#"
    format = "ldp_vc"
    cryptosuite = "ecdsa-sd-2023"
    types = ["VerifiableCredential", "Degree"]
    contexts = ["https://words.example/v1"]
    validity_days = 30
    [[display]]
    name = "Degree"
    locale = "en"
    [[claims]]
    path = ["degree"]
    type = "string"
    required = true
    example = "BSc"
    [[claims]]
    path = ["courses"]
    type = "list"
    [[claims]]
    path = ["courses", "*"]
    type = "string"
    example = "Algebra"
"#;

#[test]
fn a_context_that_is_not_part_of_the_program_is_a_file_with_a_digest() {
    let mut world = World::new();
    let digest = sha256(WORDS.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
    fs::write(world.path("issuer/credentials/words.jsonld"), WORDS).unwrap();
    fs::write(world.path("words.jsonld"), WORDS).unwrap();
    let pinned = format!(
        "pinned_contexts = [{{ url = \"{URL}\", file = \"words.jsonld\", sha256 = \"{digest}\" }}]"
    );
    let file = world.path("issuer/credentials/degree.toml");
    fs::write(&file, format!("{pinned}\n{TYPE}")).unwrap();
    world.serve();
    let context = format!("{URL}=words.jsonld#sha256-{digest}");
    let refused = world.receive(&world.link(&["degree"]), &["--json"]).exits(6);
    assert_eq!(refused.json()["error"]["code"], "unknown_context");
    let claims = r#"{ "degree": "BSc", "courses": ["Algebra", "Logic"] }"#;
    fs::write(world.path("claims.json"), claims).unwrap();
    let offer = ["issuer", "offer", "degree", "--claims", "claims.json", "--json"];
    let link = text(&world.bestow(&offer).exits(0).json(), "uri");
    let received = world.receive(&link, &["--json", "--context", &context]).exits(0).json();
    let id = text(&received["credentials"][0], "id");
    let raw = world.bestow(&["wallet", "show", &id, "--raw"]).exits(0).stdout;

    let derive = ["derive", "-", "--pointer", "/credentialSubject/courses/1"];
    world.bestow_reading(&derive, raw.as_bytes()).exits(2);
    let derive = [&derive[..], &["--context", &context]].concat();
    let shown = world.bestow_reading(&derive, raw.as_bytes()).exits(0);
    let subject = &shown.json()["credentialSubject"];
    assert_eq!(subject["courses"], serde_json::json!(["Logic"]));
    assert!(subject.get("degree").is_none());
    let verify = ["verify", "-", "--allow-private-addresses", "--ca", "issuer/tls/ca.pem"];
    let verified = |more: &[&str]| {
        world.bestow_reading(&[&verify[..], more].concat(), shown.stdout.as_bytes())
    };
    verified(&[]).exits(6);
    verified(&["--context", &context]).exits(0);
    let wrong = format!("{URL}=words.jsonld#sha256-{}", "0".repeat(64));
    let told = verified(&["--context", &wrong]).exits(2).stderr;
    assert!(told.contains(&digest), "what it has is said: {told}");
    // An address may have a `=`; and a file that is too long is not read to its end.
    let queried = format!("https://words.example/v1?a=1=nowhere.jsonld#sha256-{digest}");
    let told = verified(&["--context", &queried]).exits(2).stderr;
    assert!(
        told.contains("cannot read nowhere.jsonld") && told.contains("check the path"),
        "{told}"
    );
    fs::write(world.path("long.jsonld"), "é".repeat(300 * 1024)).unwrap();
    let long = format!("{URL}=long.jsonld#sha256-{digest}");
    let told = verified(&["--context", &long]).exits(2).stderr;
    assert!(told.contains("is longer than 512 KiB"), "{told}");
    let bundled = format!("https://www.w3.org/ns/credentials/v2=words.jsonld#sha256-{digest}");
    for wrong in ["words.jsonld", "https://x.example=words.jsonld", bundled.as_str()] {
        verified(&["--context", wrong]).exits(2);
    }
}
