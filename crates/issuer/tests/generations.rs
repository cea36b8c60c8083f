//! Which keys there are, since when, and what may become of them; and the folder that holds them.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use issuer::config::{Config, Profile};
use issuer::generations::{
    ALIVE_MAX, FOLLOWED_SECONDS, Generation, Generations, KeyPurpose, KeyState, KeysError,
    MANIFEST, Refusal, Retired, Rotated, Rotation, SigningKeyWish, Start, Step, Uses, list,
    needed_until, request_certificate, retire, retire_one, rotate,
};
use issuer::init::load_keys;
use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::Certificate;
use testkit::world::World;

const NOW: Timestamp = Timestamp(1_000_000);
const LEAD: u64 = 3_600;
const DAY: u64 = 24 * 3_600;

fn generation(number: u32, active_from: u64) -> Generation {
    let active_from = Timestamp(active_from);
    Generation {
        number,
        made_at: (number > 1).then_some(active_from),
        active_from,
        erased_at: None,
        destroyed_at: None,
    }
}

/// The states of all generations of a purpose.
fn states(generations: &Generations, now: Timestamp) -> Vec<KeyState> {
    let all = generations.of(KeyPurpose::Nonce).iter();
    all.map(|one| generations.state(KeyPurpose::Nonce, one, now)).collect()
}

fn made(generations: &Generations, start: Start, now: Timestamp) -> Generation {
    match generations.decide_rotation(KeyPurpose::Nonce, start, now) {
        Ok(Step::Make(generation)) => generation,
        other => panic!("{other:?}"),
    }
}

/// J09: what will be, is and was in use follows from the clock alone.
#[test]
fn a_key_is_next_then_active_then_retired() {
    use KeyState::{Active, Next, Retired};
    let first = Generations::default();
    assert_eq!(states(&first, NOW), [Active]);
    assert_eq!(first.change_at(NOW), None);
    let next = made(&first, Start::After(LEAD), NOW);
    assert_eq!((next.number, next.made_at), (2, Some(NOW)));
    let both = first.with(KeyPurpose::Nonce, next);
    let begins = NOW.plus(LEAD);
    assert_eq!(both.change_at(NOW), Some(begins));
    assert_eq!(states(&both, NOW), [Active, Next]);
    assert_eq!(states(&both, begins.minus(1)), [Active, Next]);
    assert_eq!(states(&both, begins), [Retired, Active]);
    let old = both.of(KeyPurpose::Nonce)[0];
    assert_eq!(both.retired_at(KeyPurpose::Nonce, &old, begins.minus(1)), None);
    assert_eq!(both.retired_at(KeyPurpose::Nonce, &old, begins), Some(begins));
    assert_eq!(both.change_at(begins), None);
}

#[test]
fn one_key_at_a_time_is_about_to_take_anothers_place() {
    let first = Generations::default();
    let next = made(&first, Start::After(LEAD), NOW);
    let both = first.with(KeyPurpose::Nonce, next);
    let again = both.decide_rotation(KeyPurpose::Nonce, Start::After(1), NOW);
    assert_eq!(again, Err(Refusal::HasNext(next)));
    let sooner = both.decide_rotation(KeyPurpose::Nonce, Start::AtOnce, NOW);
    let active_from = NOW.plus(FOLLOWED_SECONDS);
    assert_eq!(sooner, Ok(Step::Hasten(Generation { active_from, ..next })));
    let late = next.active_from.minus(1);
    let sooner = both.decide_rotation(KeyPurpose::Nonce, Start::AtOnce, late);
    assert_eq!(sooner, Ok(Step::Hasten(next)), "never later than it was said to be");
    let other = both.decide_rotation(KeyPurpose::Form, Start::After(LEAD), NOW);
    assert!(matches!(other, Ok(Step::Make(_))), "each purpose by itself");
}

/// By the time of what they made, any two generations can be told apart.
#[test]
fn keys_that_are_replaced_in_one_second_begin_one_after_the_other() {
    let mut all = Generations::default();
    for expected in 1..ALIVE_MAX {
        let next = made(&all, Start::After(0), NOW);
        assert_eq!(next.active_from, NOW.plus(u64::try_from(expected).unwrap() - 1));
        all = all.with(KeyPurpose::Nonce, next);
        if next.active_from > NOW {
            let refused = all.decide_rotation(KeyPurpose::Nonce, Start::After(0), NOW);
            assert_eq!(refused, Err(Refusal::HasNext(next)));
            break;
        }
    }
}

#[test]
fn there_is_a_bound_to_how_many_are_kept() {
    let mut all = Generations::default();
    for number in 2..=u32::try_from(ALIVE_MAX).unwrap() {
        all = all.with(KeyPurpose::Nonce, generation(number, u64::from(number)));
    }
    let refused = all.decide_rotation(KeyPurpose::Nonce, Start::After(LEAD), NOW);
    assert_eq!(refused, Err(Refusal::TooMany));
}

/// What may still be needed stays, what is in use stays in any case.
#[test]
fn a_key_ends_when_nothing_needs_it() {
    let all = Generations::default()
        .with(KeyPurpose::Nonce, generation(2, 500))
        .with(KeyPurpose::Nonce, generation(3, 2_000));
    let end = |number, now, force| {
        let until = |retired_at: Timestamp| retired_at.plus(100);
        all.decide_end(KeyPurpose::Nonce, number, until, (Timestamp(now), force))
    };
    let destroyed = |number, from, at| Generation {
        destroyed_at: Some(Timestamp(at)),
        ..generation(number, from)
    };
    assert_eq!(end(1, 599, false), Err(Refusal::Needed(Timestamp(600))));
    assert_eq!(end(1, 600, false), Ok(destroyed(1, 0, 600)));
    assert_eq!(end(1, 599, true), Ok(destroyed(1, 0, 599)), "when it is no longer safe");
    for force in [false, true] {
        assert_eq!(end(2, 600, force), Err(Refusal::Active));
        assert_eq!(end(4, 600, force), Err(Refusal::Unknown));
    }
    assert_eq!(end(3, 600, false), Err(Refusal::Needed(Timestamp(2_000))), "not yet in use");
    assert_eq!(end(3, 600, true), Ok(destroyed(3, 2_000, 600)), "it is taken back");
}

/// A rotation that was taken back leaves no trace in time.
#[test]
fn a_key_that_was_taken_back_was_never_in_use() {
    let next = generation(2, NOW.0 + DAY);
    let taken_back = Generation { destroyed_at: Some(NOW), ..next };
    let all = Generations::default().with(KeyPurpose::Nonce, taken_back);
    let later = NOW.plus(2 * DAY);
    assert_eq!(states(&all, later), [KeyState::Active, KeyState::Destroyed]);
    assert_eq!(all.change_at(NOW), None);
    let first = all.of(KeyPurpose::Nonce)[0];
    assert_eq!(all.retired_at(KeyPurpose::Nonce, &first, later), None);
    let third = made(&all, Start::AtOnce, NOW);
    assert_eq!((third.number, third.active_from), (3, NOW.plus(FOLLOWED_SECONDS)));
}

fn rotation(world: &World, start: Start) -> Rotation<'_> {
    let config = &world.issuer.config;
    let now = world.clock.now();
    Rotation {
        config,
        now,
        random: &SystemRandom,
        start,
        certificate: None,
        wish: &SigningKeyWish::Same,
    }
}

fn next(world: &World, purpose: KeyPurpose) -> Rotated {
    rotate(purpose, &rotation(world, Start::After(LEAD))).unwrap()
}

fn uses(world: &World) -> Uses<'_> {
    Uses { config: &world.issuer.config, types: &world.issuer.types }
}

/// R03: every file of every purpose is made for its owner alone, and read as `serve` reads it.
#[tokio::test]
async fn a_rotation_is_on_disk_and_complete() {
    let world = World::new().await;
    let config: &Config = &world.issuer.config;
    for purpose in KeyPurpose::OF_EVERY_ISSUER {
        let rotated = next(&world, purpose);
        assert_eq!((rotated.generation.number, rotated.is_hastened), (2, false));
        assert_eq!(rotated.generation.active_from, world.clock.now().plus(LEAD));
        let refused = rotate(purpose, &rotation(&world, Start::After(LEAD)));
        assert!(matches!(refused, Err(KeysError::Refused(_, Refusal::HasNext(_)))), "{refused:?}");
    }
    for file in fs::read_dir(&config.keys).unwrap() {
        let path = file.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
        assert_ne!(path.extension().unwrap(), "new", "nothing half-written is left");
    }
    let before = load_keys(config, world.clock.now()).unwrap();
    assert_eq!(before.change_at, Some(world.clock.now().plus(LEAD)));
    assert_eq!(before.signing.kid, world.issuer.keys().signing.kid);
    assert_eq!((before.published.len(), before.encryption.len()), (2, 2));
    let after = load_keys(config, world.clock.now().plus(LEAD)).unwrap();
    assert_eq!(after.signing.kid, before.published[1].kid, "known before it signed");
    assert_eq!(after.published[1].kid, before.signing.kid, "and after it has signed");
    assert_eq!(after.encryption[0].kid(), before.encryption[1].kid());
    assert_ne!(after.nonce.expose(), before.nonce.expose());
    let name = config.name.as_str();
    let certificate = Certificate::from_der(&after.signing.x5c[0]).unwrap();
    assert_eq!(certificate.common_name.as_deref(), Some(name));
}

/// A manifest that does not fit is refused, and names its file.
#[tokio::test]
async fn a_manifest_is_read_strictly() {
    let world = World::new().await;
    let config = &world.issuer.config;
    let file = config.keys.join(MANIFEST);
    assert!(!file.exists(), "a new issuer needs none");
    next(&world, KeyPurpose::Nonce);
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(Generations::load(&config.keys).unwrap().of(KeyPurpose::Nonce).len(), 2);
    let cases = [
        ("an unknown purpose", written.replace("[[nonce]]", "[[nonsense]]")),
        ("an unknown member", written.replace("generation = 2", "generation = 2\nfile = \"x\"")),
        ("a number twice", written.replace("generation = 2", "generation = 1")),
        ("number 0", written.replacen("generation = 1", "generation = 0", 1)),
        ("no time", written.replace("active_from = \"2", "active_from = \"x2")),
        ("no TOML", "[[".to_owned()),
        ("no key left", "nonce = []".to_owned()),
        ("too long", "#".repeat(300_000)),
    ];
    for (case, text) in cases {
        assert_ne!(text, written, "{case}");
        fs::write(&file, text).unwrap();
        let error = load_keys(config, world.clock.now()).unwrap_err();
        assert_eq!(error.file, file, "{case}");
    }
    fs::write(&file, &written).unwrap();
    assert!(load_keys(config, world.clock.now()).is_ok());
    fs::remove_file(config.keys.join("nonce.2.mac")).unwrap();
    let error = load_keys(config, world.clock.now()).unwrap_err();
    assert_eq!(error.file, config.keys.join("nonce.2.mac"), "what it names must be there");
}

/// R05: a private key is kept no longer than it is of use, a public one no shorter.
#[tokio::test]
async fn what_nothing_needs_any_more_is_destroyed() {
    let world = World::new().await;
    let keys = &world.issuer.config.keys;
    for purpose in KeyPurpose::OF_EVERY_ISSUER {
        next(&world, purpose);
        assert!(retire(purpose, &uses(&world), world.clock.now()).unwrap().is_empty());
    }
    world.clock.advance(LEAD);
    let retired_at = world.clock.now();
    let just_now = retire(KeyPurpose::Signing, &uses(&world), retired_at).unwrap();
    assert!(matches!(just_now[..], [Retired::Kept(..)]), "a node may just be signing");
    world.clock.advance(FOLLOWED_SECONDS);
    for purpose in KeyPurpose::OF_EVERY_ISSUER {
        let until = needed_until(purpose, &uses(&world), retired_at);
        let kept = retire(purpose, &uses(&world), world.clock.now()).unwrap();
        let expected = match purpose {
            KeyPurpose::Signing | KeyPurpose::Bbs => Retired::Erased(purpose, 1, until),
            KeyPurpose::Encryption
            | KeyPurpose::Offer
            | KeyPurpose::TxCode
            | KeyPurpose::Nonce
            | KeyPurpose::Form => Retired::Kept(purpose, 1, until),
        };
        assert_eq!(kept, [expected]);
        let kept = retire(purpose, &uses(&world), until.minus(1)).unwrap();
        assert_eq!(kept, [expected], "the last second");
    }
    assert!(!keys.join("signing-key.pem").exists(), "nobody signs with it any more");
    let loaded = load_keys(&world.issuer.config, world.clock.now()).unwrap();
    assert_eq!(loaded.published.len(), 2, "credentials of it are still verified");
    for purpose in KeyPurpose::OF_EVERY_ISSUER {
        let until = needed_until(purpose, &uses(&world), retired_at);
        let ended = retire(purpose, &uses(&world), until).unwrap();
        assert_eq!(ended, [Retired::Destroyed(purpose, 1)]);
        assert!(retire(purpose, &uses(&world), until).unwrap().is_empty());
    }
    for file in ["signing-certificate.pem", "encryption-keys.pem", "offer.mac", "nonce.mac"] {
        assert!(!keys.join(file).exists(), "{file}");
    }
    let loaded = load_keys(&world.issuer.config, world.clock.now()).unwrap();
    assert_eq!((loaded.published.len(), loaded.encryption.len()), (1, 1));
    fs::write(keys.join("nonce.mac"), "back from a copy").unwrap();
    retire(KeyPurpose::Nonce, &uses(&world), world.clock.now()).unwrap();
    assert!(!keys.join("nonce.mac").exists(), "what is destroyed stays so");
}

/// As long as what was made with a key can come back.
#[tokio::test]
async fn each_purpose_is_needed_as_long_as_what_it_made() {
    let world = World::new().await;
    let needed = |purpose| needed_until(purpose, &uses(&world), Timestamp(0)).0;
    let config = &world.issuer.config;
    let days = |days: u32| u64::from(days) * DAY;
    let longest = world.issuer.types.values().map(|one| one.validity_days).max().unwrap();
    assert!(needed(KeyPurpose::Signing) >= days(longest));
    assert!(needed(KeyPurpose::Encryption) >= DAY, "signed metadata");
    assert!(needed(KeyPurpose::Offer) >= days(config.retention.offers_days));
    assert!(needed(KeyPurpose::Offer) >= u64::from(config.offer.expires_in_max));
    let applications = 2 * days(config.retention.applications_days); // until decided, and after
    assert!(needed(KeyPurpose::TxCode) >= applications + u64::from(config.offer.expires_in_max));
    assert!(needed(KeyPurpose::Nonce) >= 300);
    assert!(needed(KeyPurpose::Form) >= 400 * DAY, "browsers that are known again");
}

/// R05: the key that got into wrong hands.
#[tokio::test]
async fn a_key_that_is_not_safe_any_more_ends_at_once() {
    let world = World::new().await;
    let now = rotate(KeyPurpose::Signing, &rotation(&world, Start::AtOnce)).unwrap();
    assert_eq!(now.generation.active_from, world.clock.now().plus(FOLLOWED_SECONDS));
    let end = |number, force| {
        retire_one(KeyPurpose::Signing, number, &uses(&world), (world.clock.now(), force))
    };
    assert!(matches!(end(1, true), Err(KeysError::Refused(_, Refusal::Active))));
    world.clock.advance(FOLLOWED_SECONDS);
    assert!(matches!(end(1, false), Err(KeysError::Refused(_, Refusal::Needed(_)))));
    assert_eq!(end(1, true).unwrap(), Retired::Destroyed(KeyPurpose::Signing, 1));
    world.issuer.reload_keys().unwrap();
    let keys = world.issuer.keys();
    assert_eq!(keys.published.len(), 1, "nobody is told to trust it");
    assert_eq!(keys.published[0].kid, keys.signing.kid);
    let listed = list(&keys.generations, &uses(&world), world.clock.now());
    let signing: Vec<_> = listed.iter().filter(|one| one.purpose == KeyPurpose::Signing).collect();
    assert_eq!(
        signing.iter().map(|one| one.state).collect::<Vec<_>>(),
        [KeyState::Destroyed, KeyState::Active]
    );
}

/// HAIP-44: with a certification authority of its own, the operator has the new key certified first.
#[tokio::test]
async fn a_signing_key_waits_for_its_certificate() {
    let world = World::new().await;
    let config = &world.issuer.config;
    let authority_key = config.keys.join("development-ca-key.pem");
    let authority_pem = fs::read_to_string(config.keys.join("../tls/ca.pem")).unwrap();
    let authority = fs::read_to_string(&authority_key).unwrap();
    let authority = DevelopmentCa::from_pem(&authority_pem, &authority).unwrap();
    fs::remove_file(&authority_key).unwrap();
    let plain = rotation(&world, Start::After(LEAD));
    let refused = rotate(KeyPurpose::Signing, &plain);
    assert!(matches!(refused, Err(KeysError::NoAuthority)), "{refused:?}");
    let certify = |key: &SoftwareKey, now| {
        let url = config.url.as_str();
        authority.signing_certificate(key.public_key(), &config.name, url, now).unwrap()
    };
    let foreign = SoftwareKey::generate(keys::algorithm::Algorithm::Es256).unwrap();
    let foreign = certify(&foreign, world.clock.now());
    let with = |certificate| {
        rotate(KeyPurpose::Signing, &Rotation { certificate: Some(certificate), ..plain })
    };
    let refused = with(&foreign);
    assert!(matches!(refused, Err(KeysError::WrongCertificate(_))), "nothing was requested");
    let request = request_certificate(config, &SigningKeyWish::Same).unwrap();
    assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{request}");
    assert_eq!(load_keys(config, world.clock.now()).unwrap().published.len(), 1, "not yet");
    let key_file = config.keys.join("signing-key.2.pem");
    let key = SoftwareKey::from_pem(&fs::read_to_string(&key_file).unwrap()).unwrap();
    request_certificate(config, &SigningKeyWish::Same).unwrap();
    let again = SoftwareKey::from_pem(&fs::read_to_string(&key_file).unwrap()).unwrap();
    assert_eq!(again.public_key(), key.public_key(), "asked again, it is the same key");
    let old = certify(&key, world.clock.now().minus(3 * 366 * DAY));
    for wrong in [foreign.as_str(), "nonsense", old.as_str()] {
        let refused = with(wrong);
        assert!(matches!(refused, Err(KeysError::WrongCertificate(_))), "{refused:?}");
    }
    let good = certify(&key, world.clock.now());
    let haip = Config { profile: Profile::Haip, ..config.clone() };
    let with_anchor = good.clone() + &authority_pem;
    let anchored = Rotation { config: &haip, certificate: Some(&with_anchor), ..plain };
    let refused = rotate(KeyPurpose::Signing, &anchored);
    assert!(matches!(refused, Err(KeysError::WrongChain(..))), "HAIP-46: {refused:?}");
    let certificate_file = config.keys.join("signing-certificate.2.pem");
    assert!(!certificate_file.exists(), "what is refused leaves nothing behind");
    let rotated = with(&good).unwrap();
    assert_eq!(rotated.generation.number, 2);
    let sooner = Rotation { start: Start::AtOnce, ..plain };
    let another = Rotation { certificate: Some(&good), ..sooner };
    let refused = rotate(KeyPurpose::Signing, &another);
    assert!(matches!(refused, Err(KeysError::HasCertificate(next)) if next.number == 2));
    let later = certify(&key, world.clock.now().plus(2 * DAY));
    fs::write(&certificate_file, later).unwrap();
    let refused = rotate(KeyPurpose::Signing, &sooner);
    assert!(matches!(refused, Err(KeysError::WrongCertificate(_))), "not good yet: {refused:?}");
    fs::write(&certificate_file, good).unwrap();
    assert!(rotate(KeyPurpose::Signing, &sooner).unwrap().is_hastened);
    let loaded = load_keys(config, world.clock.now().plus(LEAD)).unwrap();
    assert_eq!(loaded.signing.signer.public_key(), key.public_key());
}
