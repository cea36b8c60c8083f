//! Step 16: keys that stand in the document of a holder's did:web, from a real server (VCI §F.1, PROOF-08).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod bound;
mod hostile;
mod reach;

use std::fs;
use std::path::Path;

use keys::signer::SoftwareKey;
use serde_json::Value;
use testkit::website::Website;
use testkit::wire::Answer;
use testkit::world::World;

const CARD: &str = "student_card";
const DIPLOMA: &str = "diploma";

/// As an operator changes the file.
fn edit(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    let changed = text.replacen(old, new, 1);
    assert_ne!(text, changed, "{old}");
    fs::write(file, changed).unwrap();
}

/// Two types that are bound to keys of a did:web, beside other ways and alone.
fn name_did_web(folder: &Path) {
    let card = folder.join(format!("credentials/{CARD}.toml"));
    edit(&card, r#""did:key"]"#, r#""did:key", "did:web"]"#);
    let diploma = folder.join(format!("credentials/{DIPLOMA}.toml"));
    edit(&diploma, "key_binding = true", "key_binding = true\nbinding_methods = [\"did:web\"]");
}

/// Trusts the website's authority, and allows for its address.
fn allow(folder: &Path, website: &Website, is_private_allowed: bool) {
    fs::write(folder.join("holders.pem"), &website.authority).unwrap();
    let section = format!(
        "[proof]\ndid_web_ca = \"holders.pem\"\ndid_web_private_addresses = {is_private_allowed}"
    );
    edit(&folder.join("bestow.toml"), "[proof]", &section);
}

async fn world(website: &Website) -> World {
    World::configured(|folder| {
        name_did_web(folder);
        allow(folder, website, true);
    })
    .await
}

/// A proof by this key, under this name.
async fn proof_as(world: &World, key: &SoftwareKey, kid: &str, nonce: &str) -> String {
    let mut draft = world.draft(key, nonce);
    draft.header("jwk", None);
    draft.header("kid", Value::from(kid));
    draft.sign(key).await
}

/// Asks for a card with it, by a token.
async fn ask(world: &World, token: &str, key: &SoftwareKey, kid: &str) -> Answer {
    let proof = proof_as(world, key, kid, &world.nonce().await).await;
    world.credential(token, CARD, &[proof]).await
}
