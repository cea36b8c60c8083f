//! Keys in hardware: `SoftHSM`, which Debian has, behaves as a module of PKCS #11 does.
#![cfg(feature = "pkcs11")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use keys::algorithm::Algorithm;
use keys::certificate_request::certificate_request;
use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemClock};
use keys::pkcs11::{Pkcs11Error, Pkcs11Key, Pkcs11Uri};
use keys::signer::{KeyAtHand as _, Signer as _, SoftwareKey};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "271828";

fn softhsm(folder: &Path, arguments: &[&str]) {
    let output = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A token with a key of each kind, labelled with its algorithm; gives their public halves.
fn token(folder: &Path) -> Vec<(Algorithm, SoftwareKey)> {
    let store = folder.join("tokens");
    fs::create_dir_all(&store).unwrap();
    let conf = format!("directories.tokendir = {}\nobjectstore.backend = file\n", store.display());
    fs::write(folder.join("softhsm2.conf"), conf).unwrap();
    softhsm(
        folder,
        &["--init-token", "--free", "--label", "bestow test", "--pin", PIN, "--so-pin", "314159"],
    );
    let kinds = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa];
    let import = |(number, algorithm): (usize, Algorithm)| {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let file = folder.join("key.pem");
        fs::write(&file, key.to_pem()).unwrap();
        let (file, id) = (file.display().to_string(), format!("0{number}"));
        let rest = ["--token", "bestow test", "--label", algorithm.name(), "--id", &id];
        softhsm(folder, &[&["--import", &file, "--pin", PIN][..], &rest].concat());
        fs::remove_file(&file).unwrap();
        (algorithm, key)
    };
    kinds.into_iter().enumerate().map(import).collect()
}

fn uri(rest: &str) -> Pkcs11Uri {
    let text = format!("pkcs11:{rest}?module-path={MODULE}&pin-source=file:hsm.pin");
    Pkcs11Uri::parse(&text).unwrap()
}

fn folder() -> PathBuf {
    let folder = env::temp_dir().join(format!("bestow-pkcs11-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The module reads its configuration where an environment variable says: this test is played by a
/// process of its own.
#[test]
fn keys_in_a_token_sign() {
    let folder = folder();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "inside", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .env("BESTOW_TEST_TOKEN", &folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "keys_in_a_token_sign starts it, with the module's environment"]
async fn inside() {
    let folder = PathBuf::from(env::var("BESTOW_TEST_TOKEN").unwrap());
    let ca = DevelopmentCa::generate("Test", SystemClock.now()).unwrap();
    for (algorithm, software) in token(&folder) {
        let name = format!("token=bestow%20test;object={algorithm}");
        let key = Pkcs11Key::open(&uri(&name), PIN).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.public_key(), software.public_key(), "{algorithm}");
        let signature = key.sign(b"a message").await.unwrap();
        key.public_key().verify(b"a message", &signature).unwrap();
        let signature = key.sign_now(b"another").unwrap();
        software.public_key().verify(b"another", &signature).unwrap();
        let request = certificate_request(&key, "University", "https://issuer.example").unwrap();
        assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST"), "{request}");
        let url = "https://issuer.example";
        ca.signing_certificate(key.public_key(), "University", url, SystemClock.now()).unwrap();
    }
    many_at_once().await;
    refusals();
}

/// More than there are sessions; none waits for ever, none gets the signature of another.
async fn many_at_once() {
    let key = Pkcs11Key::open(&uri("object=ES256;id=%00"), PIN).unwrap();
    let key = std::sync::Arc::new(key);
    let sign = |number: u32| {
        let key = std::sync::Arc::clone(&key);
        tokio::spawn(async move {
            let message = number.to_be_bytes();
            let signature = key.sign(&message).await.unwrap();
            key.public_key().verify(&message, &signature).unwrap();
        })
    };
    for one in (0..64).map(sign).collect::<Vec<_>>() {
        one.await.unwrap();
    }
}

fn refusals() {
    let open = |name: &str, pin: &str| Pkcs11Key::open(&uri(name), pin).unwrap_err();
    assert_eq!(open("token=other;object=ES256", PIN), Pkcs11Error::NoToken);
    assert_eq!(open("object=ES256K", PIN), Pkcs11Error::NoKey);
    // A wrong one leaves the right one good.
    assert_eq!(open("object=ES256", "000000"), Pkcs11Error::WrongPin);
    assert_eq!(open("object=EdDSA", "000000"), Pkcs11Error::WrongPin);
    Pkcs11Key::open(&uri("object=ES384"), PIN).unwrap();
    let no_library = "pkcs11:object=k?module-path=/nowhere.so&pin-source=p";
    let no_library = Pkcs11Uri::parse(no_library).unwrap();
    assert_eq!(Pkcs11Key::open(&no_library, PIN).unwrap_err(), Pkcs11Error::NoModule);
}

/// RFC 7512 §2.3
#[test]
fn uris_are_read_or_refused() {
    let fine = "pkcs11:token=a%20b;id=%00%ff;type=private?module-path=/m.so&pin-source=file:/p";
    assert_eq!(Pkcs11Uri::parse(fine).unwrap().pin_source(), Path::new("/p"));
    for (text, problem) in [
        ("file:key.pem", "begins otherwise"),
        ("pkcs11:token=t?module-path=/m&pin-source=p", "needs `object` or `id`"),
        ("pkcs11:object=k?pin-source=p", "needs `module-path` and `pin-source`"),
        ("pkcs11:object=k?module-path=/m", "needs `module-path` and `pin-source`"),
        ("pkcs11:object=k?module-path=/m&pin-value=1234", "holds the PIN: put it into a file"),
        ("pkcs11:object=k;slot-id=one?module-path=/m&pin-source=p", "has a slot-id in words"),
        ("pkcs11:object?module-path=/m&pin-source=p", "has a name without a value"),
        ("pkcs11:object=%ff?module-path=/m&pin-source=p", "is not UTF-8"),
    ] {
        assert_eq!(Pkcs11Uri::parse(text), Err(Pkcs11Error::Uri(problem)), "{text}");
    }
    let unknown = "pkcs11:object=k;colour=red?module-path=/m&pin-source=p";
    assert!(matches!(Pkcs11Uri::parse(unknown), Err(Pkcs11Error::Uri(_))));
}
