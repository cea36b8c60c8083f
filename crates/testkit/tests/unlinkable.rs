//! Our wallet and our issuer: credentials of which disclosures cannot be linked (`bbs-2023`).

#![cfg(feature = "bbs-2023")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use formats::data_integrity::{Contexts, sd::derive};
use issuer::Issuer;
use issuer::config::Config;
use issuer::credential_type::CredentialType;
use issuer::generations::{
    FOLLOWED_SECONDS, KeyPurpose, KeyState, Retired, Rotation, SigningKeyWish, Start, Uses,
    make_missing_keys, needed_until, retire, rotate,
};
use issuer::init::load_keys;
use keys::did::read_issuer_multikey;
use keys::outside::{Clock as _, Random, SystemRandom};
use serde_json::{Map, Value, json};
use testkit::agreed;
use testkit::world::{ISSUER, World};
use wallet::flow::key::KeyWish;
use wallet::store::{StoredCredential, Trust};

const PASS: &str = "pass";
const DAY: u64 = 24 * 3_600;
const TYPE: &str = r##"
format = "ldp_vc"
cryptosuite = "bbs-2023"
types = ["VerifiableCredential", "Pass"]
validity_days = 30
key_binding = false
status_list = false

[[display]]
name = "Pass"
locale = "en"
background_color = "#12406b"
text_color = "#ffffff"

[[claims]]
path = ["zone"]
type = "string"
disclosure = "always"
label = { en = "Zone" }
example = "A"

[[claims]]
path = ["holder"]
type = "object"

[[claims]]
path = ["holder", "name"]
type = "string"
label = { en = "Name" }
example = "Ada"

[[claims]]
path = ["holder", "is_adult"]
type = "boolean"
label = { en = "Adult" }
example = true
"##;

/// Adds the type as an operator does, and gives what the issuer reads.
fn with_type(folder: &Path) -> Config {
    fs::write(folder.join("credentials/pass.toml"), TYPE).unwrap();
    Config::load(&folder.join("bestow.toml")).unwrap()
}

async fn world() -> World {
    world_with(|_| ()).await
}

async fn world_with(change: impl FnOnce(&mut Issuer)) -> World {
    let edit = |folder: &Path| {
        let config = with_type(folder);
        let made = make_missing_keys(&config, &SystemRandom).unwrap();
        let files = ["bbs-key.multikey", "bbs-public-key.multikey", "generations.toml"];
        assert_eq!(made, files.map(|file| config.keys.join(file)));
        assert!(make_missing_keys(&config, &SystemRandom).unwrap().is_empty(), "once");
        // A list from before names none; the key that is there may be the only one.
        let (list, away) = (config.keys.join("generations.toml"), config.keys.join("away"));
        let key = fs::read(config.keys.join("bbs-key.multikey")).unwrap();
        fs::rename(&list, &away).unwrap();
        let refused = make_missing_keys(&config, &SystemRandom).unwrap_err().to_string();
        assert!(refused.contains("bbs-key.multikey is there"), "{refused}");
        assert_eq!(fs::read(config.keys.join("bbs-key.multikey")).unwrap(), key);
        fs::rename(&away, &list).unwrap();
        for file in ["bbs-key.multikey", "bbs-public-key.multikey"] {
            let permissions = fs::metadata(config.keys.join(file)).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o077, 0, "{file}");
        }
    };
    World::configured_with(edit, change).await
}

async fn received(world: &World) -> StoredCredential {
    let offered = world.offer(PASS, &json!({})).await;
    let mut kept = agreed::receive(&world.wallet, &offered.uri, &KeyWish::default()).await;
    kept.remove(0)
}

/// Notes in which threads a key of a credential is drawn.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Mutex<Vec<ThreadId>>>);

impl Random for Watched {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().push(thread::current().id());
        SystemRandom.fill(bytes);
    }
}

/// Long arithmetic is done where no other request waits for it.
#[tokio::test]
async fn a_pass_is_signed_beside_the_thread_that_answers() {
    let watched = Watched::default();
    let random = watched.clone();
    let world = world_with(|issuer| issuer.random = Arc::new(random)).await;
    received(&world).await;
    let own = thread::current().id();
    assert!(watched.0.lock().unwrap().iter().any(|thread| *thread != own));
}

/// The names and keys of the did:web that may sign credentials, of BLS12-381.
async fn published(world: &World) -> Vec<(String, String)> {
    let document = world.public.get("/.well-known/did.json").await.json();
    let methods = document["verificationMethod"].as_array().unwrap().clone();
    let methods = methods.into_iter().map(|method| {
        let text = |name: &str| method[name].as_str().unwrap().to_owned();
        assert!(document["assertionMethod"].as_array().unwrap().contains(&method["id"]));
        assert_eq!(text("type"), "Multikey");
        (text("id"), text("publicKeyMultibase"))
    });
    methods.filter(|(_, multikey)| multikey.starts_with("zUC7")).collect()
}

fn base_of(card: &StoredCredential) -> Map<String, Value> {
    serde_json::from_str(&card.raw).unwrap()
}

fn shown(base: &Map<String, Value>) -> Value {
    let pointers = ["/credentialSubject/holder/is_adult".to_owned()];
    Value::Object(derive(base, &pointers, &Contexts::default()).unwrap())
}

/// The wallet keeps what the issuer signed; each disclosure is verified by the key that the issuer
/// publishes, and is another one.
#[tokio::test]
async fn a_pass_is_issued_kept_and_shown() {
    let world = world().await;
    world.clock.advance(86_400); // on the first day of its certificate none begins before that
    let metadata = world.public.get("/.well-known/openid-credential-issuer").await.json();
    let pass = &metadata["credential_configurations_supported"][PASS];
    assert_eq!(pass["credential_signing_alg_values_supported"], json!(["bbs-2023"]));
    assert!(pass.get("proof_types_supported").is_none());
    let other = &metadata["credential_configurations_supported"]["diploma"];
    assert_eq!(other["credential_signing_alg_values_supported"], json!(["ES256"]));
    let card = received(&world).await;
    let said = json!({ "zone": "A", "holder": { "name": "Ada", "is_adult": true } });
    assert_eq!(Value::Object(card.claims.clone()), said);
    assert_eq!(card.trust, Trust::IssuerMetadata);
    let base = base_of(&card);
    assert_eq!(base["proof"]["cryptosuite"], "bbs-2023");
    let [(method, multikey)] = &published(&world).await[..] else { unreachable!() };
    assert_eq!(base["proof"]["verificationMethod"], *method);
    let key = read_issuer_multikey(multikey).unwrap();
    let (one, other) = (shown(&base), shown(&base));
    assert_ne!(one["proof"]["proofValue"], other["proof"]["proofValue"]);
    for shown in [one, other] {
        let verified = formats::parse("ldp_vc", &shown).unwrap();
        let verified = verified.verify(&key, world.clock.now()).unwrap();
        let claims = json!({ "zone": "A", "holder": { "is_adult": true } });
        assert_eq!(Value::Object(verified.claims), claims);
        assert!(verified.status.is_none() && verified.binding.is_none());
    }
    // What is signed for one holder says nothing that is another's: dates are rounded.
    assert_eq!(base["validFrom"], base["proof"]["created"]);
    assert!(base["validFrom"].as_str().unwrap().ends_with("T00:00:00Z"));
}

/// ADR 0016: the next key is known before it signs; what the former signed is verified as long as it is
/// valid, and its private half goes before.
#[tokio::test]
async fn its_key_is_replaced_like_the_others() {
    let world = world().await;
    let config = &world.issuer.config;
    let old = base_of(&received(&world).await);
    let rotation = Rotation {
        config,
        now: world.clock.now(),
        random: &SystemRandom,
        start: Start::After(3_600),
        certificate: None,
        wish: &SigningKeyWish::Same,
    };
    let rotated = rotate(KeyPurpose::Bbs, &rotation).unwrap();
    assert_eq!(rotated.generation.number, 2);
    assert!(world.issuer.follow_keys().unwrap());
    let both = published(&world).await;
    assert_eq!(both.len(), 2, "published before it signs");
    let still = base_of(&received(&world).await);
    assert_eq!(still["proof"]["verificationMethod"], old["proof"]["verificationMethod"]);
    world.clock.advance(3_600);
    assert!(world.issuer.follow_keys().unwrap());
    let new = base_of(&received(&world).await);
    assert_ne!(new["proof"]["verificationMethod"], old["proof"]["verificationMethod"]);
    assert_eq!(published(&world).await, both);
    for base in [&old, &new] {
        let method = base["proof"]["verificationMethod"].as_str().unwrap();
        let (_, multikey) = both.iter().find(|(id, _)| id == method).unwrap();
        let verified = formats::parse("ldp_vc", &shown(base)).unwrap();
        verified.verify(&read_issuer_multikey(multikey).unwrap(), world.clock.now()).unwrap();
    }
    let retired_at = world.clock.now();
    world.clock.advance(FOLLOWED_SECONDS);
    let uses = Uses { config, types: &world.issuer.types };
    let until = needed_until(KeyPurpose::Bbs, &uses, retired_at);
    assert!(until >= retired_at.plus(30 * DAY));
    let ended = retire(KeyPurpose::Bbs, &uses, world.clock.now()).unwrap();
    assert_eq!(ended, [Retired::Erased(KeyPurpose::Bbs, 1, until)]);
    assert!(!config.keys.join("bbs-key.multikey").exists());
    world.issuer.reload_keys().unwrap();
    assert_eq!(published(&world).await, both, "credentials of it are still verified");
    let ended = retire(KeyPurpose::Bbs, &uses, until).unwrap();
    assert_eq!(ended, [Retired::Destroyed(KeyPurpose::Bbs, 1)]);
    assert!(!config.keys.join("bbs-public-key.multikey").exists());
    world.issuer.reload_keys().unwrap();
    assert_eq!(published(&world).await, both[1..]);
}

/// An issuer without a key does not start, and says how it gets one; nor with files that do not belong
/// together.
#[tokio::test]
async fn without_its_key_nothing_is_served() {
    let world = World::configured(|_| {}).await;
    let folder = world.folder.path().join("issuer");
    let config = with_type(&folder);
    let types = config.credential_types().unwrap();
    let check = || {
        let keys = load_keys(&config, world.clock.now())?;
        issuer::issue::check_key(&config, &keys, &types)
    };
    let refused = check().unwrap_err().to_string();
    assert!(refused.contains("`bestow issuer migrate`"), "{refused}");
    make_missing_keys(&config, &SystemRandom).unwrap();
    assert!(check().is_ok());
    let keys = load_keys(&config, world.clock.now()).unwrap();
    let state = keys.generations.alive(KeyPurpose::Bbs, world.clock.now()).next().unwrap().1;
    assert_eq!(state, KeyState::Active);
    assert!(keys.in_use(world.clock.now()).ends_with("bbs 1"));
    let private = config.keys.join("bbs-key.multikey");
    let other = keys::bbs::BbsKey::generate(&SystemRandom).unwrap();
    fs::write(&private, other.to_multikey().as_bytes()).unwrap();
    let refused = check().unwrap_err().to_string();
    assert!(refused.contains("is not the private key of bbs-public-key.multikey"), "{refused}");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(check().unwrap_err().to_string().contains("chmod 600"), "R03");
    fs::write(config.keys.join("bbs-public-key.multikey"), "zUC7\n").unwrap();
    assert!(check().unwrap_err().to_string().contains("no public key of BLS12-381"));
}

/// What is another for each credential and always shown makes them linkable all the same.
#[tokio::test]
async fn what_links_disclosures_is_told() {
    let world = World::configured(|_| {}).await;
    let file = world.folder.path().join("pass.toml");
    let warnings = |text: &str| {
        fs::write(&file, text).unwrap();
        let inspected = CredentialType::inspect(&file, ISSUER);
        assert!(inspected.mistakes.is_empty(), "{:?}", inspected.mistakes);
        let told = inspected.warnings.iter().map(ToString::to_string);
        told.filter(|told| told.contains("can be linked")).collect::<Vec<_>>()
    };
    assert!(warnings(TYPE).is_empty());
    let bound = TYPE.replace("key_binding = false\n", "");
    assert!(matches!(&warnings(&bound)[..], [told] if told.contains("the DID of its holder")));
    let listed = TYPE.replace("status_list = false\n", "");
    assert!(matches!(&warnings(&listed)[..], [told] if told.contains("entry in the status list")));
    let object = |name: &str| {
        format!(
            "\n[[claims]]\npath = [\"{name}\"]\ntype = \"object\"\n[[claims]]\npath = [\"{name}\", \"x\"]\n\
             type = \"string\"\n"
        )
    };
    let two = format!("{TYPE}{}", object("home"));
    assert!(warnings(&two).is_empty());
    let three = format!("{two}{}", object("work"));
    assert!(matches!(&warnings(&three)[..], [told] if told.contains("order in which its objects")));
    let selective = bound.replace("bbs-2023", "ecdsa-sd-2023");
    assert!(warnings(&selective).is_empty(), "nobody promised anything");
}
