//! `bestow issuer init`: a folder that is complete, private and ready to serve.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use issuer::Issuer;
use issuer::config::{Config, IssuerUrl, Tls};
use issuer::credential_type::{Approval, Format, Pictures, TxCodeChannel};
use issuer::init::{InitError, NewIssuer, Purpose, Report, check_tls, init, load_keys};
use issuer::store::Schema;
use issuer::store::sqlite::schema;
use keys::outside::{Clock, Random, SystemClock, SystemRandom};
use keys::x509::{Anchors, Certificate, verify_chain, x5c_from_pem};

fn make(folder: &Path, url: &str, purpose: Purpose) -> Result<Report, InitError> {
    let url = IssuerUrl::try_from(url.to_owned()).unwrap();
    let issuer = NewIssuer { url: &url, name: "Riverside \"R\" University", purpose };
    init(folder, &issuer, &SystemClock, &SystemRandom)
}

fn made(folder: &Path) -> Config {
    let report = make(folder, "https://localhost:8443", Purpose::Service).unwrap();
    Config::load(&report.config).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_init_makes_is_a_configuration_that_loads() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(&folder.path().join("new"));
    assert_eq!(config.name, "Riverside \"R\" University");
    let types = config.credential_types().unwrap();
    let ids: Vec<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(ids, ["course_ticket", "diploma", "student_card"]);
    for credential_type in types.values() {
        let sample = credential_type.sample();
        assert_eq!(credential_type.claims.check(&sample, &Pictures::of_store()).unwrap(), sample);
        assert_eq!(credential_type.approval, Approval::Officer);
    }
    assert!(types["student_card"].key_binding.is_some());
    assert!(matches!(types["diploma"].format, Format::W3c(_)));
    assert!(types["course_ticket"].key_binding.is_none());
    assert_eq!(types["student_card"].sample()["university"], "Riverside \"R\" University");
}

#[test]
fn a_demonstration_approves_at_once_and_shows_codes() {
    let folder = tempfile::tempdir().unwrap();
    let report = make(folder.path(), "https://localhost:8443", Purpose::Demonstration).unwrap();
    let config = Config::load(&report.config).unwrap();
    let types = config.credential_types().unwrap();
    assert!(types.values().all(|one| one.approval == Approval::AtOnce));
    assert_eq!(types["student_card"].tx_code_channel, TxCodeChannel::Screen);
    assert!(config.warnings(&types).len() >= 4);
}

#[test]
fn keys_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(folder.path());
    assert_eq!(mode(&config.keys), 0o700);
    for file in fs::read_dir(&config.keys).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    assert_eq!(mode(&config.server.private_key), 0o600);
    assert_eq!(mode(config.database.file().unwrap()), 0o600);
    assert!(!folder.path().join(".unfinished").exists());
}

#[tokio::test]
async fn the_database_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(&folder.path().join("new"));
    assert_eq!(schema(config.database.file().unwrap()).unwrap(), Schema::Current);
    assert!(Issuer::open(config, Box::new(SystemClock), Box::new(SystemRandom)).await.is_ok());
}

#[test]
fn the_keys_load_and_each_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let keys = load_keys(&made(folder.path()), SystemClock.now()).unwrap();
    let macs = [&keys.offer, &keys.tx_code, &keys.nonce, &keys.form].map(|key| *key.expose());
    for (at, mac) in macs.iter().enumerate() {
        assert!(!macs[..at].contains(mac));
    }
    assert!(keys.admin.expose().len() >= 43);
    let shown = format!("{keys:?}");
    assert!(!shown.contains(keys.admin.expose()), "{shown}");
}

/// HAIP §6.1.1: the signing certificate ends in the CA, is not the CA, and is not the one of TLS.
#[test]
fn the_signing_certificate_is_issued_by_the_development_ca() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(folder.path());
    let keys = load_keys(&config, SystemClock.now()).unwrap();
    let anchors = fs::read_to_string(folder.path().join("tls/ca.pem")).unwrap();
    let anchors = Anchors::from_pem(&anchors).unwrap();
    let verified = verify_chain(&keys.signing.x5c, &anchors, SystemClock.now()).unwrap();
    assert_eq!(verified.public_key, *keys.signing.signer.public_key());
    assert!(verified.uris.contains(&"https://localhost:8443".to_owned()));

    let tls = fs::read_to_string(&config.server.certificate).unwrap();
    let tls = Certificate::from_der(&x5c_from_pem(&tls).unwrap()[0]).unwrap();
    assert!(tls.dns_names.contains(&"localhost".to_owned()));
    assert_ne!(tls.public_key, verified.public_key);
}

#[test]
fn an_issuer_elsewhere_gets_certificates_for_its_host() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://issuer.example/university";
    let report = make(folder.path(), url, Purpose::Service).unwrap();
    let config = Config::load(&report.config).unwrap();
    let tls = fs::read_to_string(&config.server.certificate).unwrap();
    let tls = Certificate::from_der(&x5c_from_pem(&tls).unwrap()[0]).unwrap();
    assert_eq!(tls.dns_names, ["issuer.example"]);
    assert!(load_keys(&config, SystemClock.now()).is_ok());
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let refused = make(folder.path(), "https://localhost:8443", Purpose::Service);
    assert!(matches!(refused, Err(InitError::NotEmpty(_))));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn nothing_is_left_of_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let refused = make(&new, "http://localhost:8080", Purpose::Service);
    assert!(matches!(refused, Err(InitError::PlainHttp)));
    assert!(!new.exists());

    let url = IssuerUrl::development();
    let issuer = NewIssuer { url: &url, name: "two\nlines", purpose: Purpose::Service };
    let refused = init(&new, &issuer, &SystemClock, &SystemRandom);
    assert!(matches!(refused, Err(InitError::BadName)));
    assert!(!new.exists());

    for url in ["https://localhost:65535", "https://issuer.example:65535"] {
        let refused = make(&new, url, Purpose::Service);
        assert!(matches!(refused, Err(InitError::NoAdminPort)));
        assert!(!new.exists());
    }

    let odd = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    for odd in [&odd, &odd.join("new"), Path::new("")] {
        let refused = make(odd, "https://localhost:8443", Purpose::Service);
        assert!(matches!(refused, Err(InitError::BadFolder(_))));
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

/// What is in the way of the database shows before anything stands where it will be found.
#[test]
fn nothing_is_left_when_the_database_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let url = IssuerUrl::development();
    let issuer = NewIssuer { url: &url, name: "A", purpose: Purpose::Service };
    let blocked = BlocksDatabase { folder: new.clone() };
    let refused = init(&new, &issuer, &SystemClock, &blocked);
    assert!(matches!(refused, Err(InitError::Store(_))), "{refused:?}");
    assert!(!new.exists());
}

/// Puts a folder where the database will be, as soon as keys are drawn.
#[derive(Debug)]
struct BlocksDatabase {
    folder: PathBuf,
}

impl Random for BlocksDatabase {
    fn fill(&self, bytes: &mut [u8]) {
        fs::create_dir_all(self.folder.join(".unfinished/bestow.db")).unwrap();
        SystemRandom.fill(bytes);
    }
}

/// Fails in the midst of it.
#[derive(Debug)]
struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) {
        panic!("no randomness today");
    }
}

#[test]
fn nothing_is_left_of_a_failure_half_way() {
    let folder = tempfile::tempdir().unwrap();
    let (new, empty) = (folder.path().join("new"), folder.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    let url = IssuerUrl::development();
    let issuer = NewIssuer { url: &url, name: "A", purpose: Purpose::Service };
    for folder in [&new, &empty] {
        let failed = std::panic::catch_unwind(|| init(folder, &issuer, &SystemClock, &NoRandom));
        assert!(failed.is_err());
    }
    assert!(!new.exists());
    assert!(fs::read_dir(&empty).unwrap().next().is_none());
}

#[test]
fn a_key_that_others_may_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(folder.path());
    for name in ["signing-key.pem", "tx-code.mac", "admin.key"] {
        let file = config.keys.join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_keys(&config, SystemClock.now()).unwrap_err();
        assert_eq!(error.file, file);
        assert_eq!(error.remedy, format!("chmod 600 {}", file.display()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// R03: a group may read the key of TLS, as that of Debian's `ssl-cert`; nobody else, and nobody may
/// write it.
#[test]
fn a_tls_key_that_others_may_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(folder.path());
    let file = &config.server.private_key;
    for (mode, is_good) in
        [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false)]
    {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        let checked = check_tls(&config);
        assert_eq!(checked.is_ok(), is_good, "{mode:o}");
        if let Err(error) = checked {
            assert_eq!(error.file, *file);
            assert_eq!(error.remedy, format!("chmod 600 {}", file.display()));
        }
    }
    let mut off = config.clone();
    off.server.tls = Tls::Off;
    assert!(check_tls(&off).is_ok(), "nobody reads it");
    off.admin.certificate = Some(config.server.certificate.clone());
    off.admin.private_key = Some(file.clone());
    assert_eq!(check_tls(&off).unwrap_err().file, *file, "the other listener's");
}

#[test]
fn a_tls_certificate_that_cannot_serve_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(&folder.path().join("one"));
    let other = made(&folder.path().join("other"));
    let (certificate, key) = (&config.server.certificate, &config.server.private_key);
    fs::copy(&other.server.private_key, key).unwrap();
    let error = check_tls(&config).unwrap_err();
    assert!(error.file == *key && error.problem.contains("cert.pem"), "{error}");
    fs::write(key, "no key").unwrap();
    assert_eq!(check_tls(&config).unwrap_err().file, *key);
    fs::write(certificate, "no certificate").unwrap();
    assert_eq!(check_tls(&config).unwrap_err().file, *certificate);
    fs::remove_file(certificate).unwrap();
    assert_eq!(check_tls(&config).unwrap_err().file, *certificate);
}

#[test]
fn a_key_that_is_damaged_or_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(folder.path());
    let file = config.keys.join("nonce.mac");
    fs::write(&file, "c2hvcnQ=\n").unwrap();
    assert_eq!(load_keys(&config, SystemClock.now()).unwrap_err().file, file);
    fs::remove_file(&file).unwrap();
    assert_eq!(load_keys(&config, SystemClock.now()).unwrap_err().file, file);
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = made(&folder.path().join("one"));
    let other = made(&folder.path().join("other"));
    let name = "signing-certificate.pem";
    fs::copy(other.keys.join(name), config.keys.join(name)).unwrap();
    let error = load_keys(&config, SystemClock.now()).unwrap_err();
    assert!(error.problem.contains("signing-key.pem"), "{error}");
}
