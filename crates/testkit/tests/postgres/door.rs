//! Who gets in, and whom we talk to: passwords, certificates, and what the server is like.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use issuer::store::Store as _;
use issuer::store::postgres::{Address, Options, Postgres, migrate, warnings};
use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemClock, SystemRandom};
use tempfile::TempDir;
use testkit::postgres::Server;

use crate::steps::opened;

fn secret_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let file = folder.join(format!("password-{mode:o}-{}", text.trim()));
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file
}

/// Catalogue R03: the password is in a file for us alone, and in no text of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_comes_from_a_file_of_its_own() {
    let server = Server::start();
    let database = server.migrated().await;
    let sql = format!(
        "CREATE ROLE guarded LOGIN PASSWORD 'hunter2'; \
         GRANT ALL ON DATABASE {} TO guarded; GRANT ALL ON ALL TABLES IN SCHEMA public TO guarded",
        database.name
    );
    database.client().await.batch_execute(&sql).await.unwrap();
    server.allow("host all guarded 127.0.0.1/32 scram-sha-256");
    let address = format!("postgres://guarded@127.0.0.1:{}/{}", server.port(), database.name);
    let address = Address::parse(&address).unwrap();
    let folder = TempDir::new().unwrap();
    let open = async |file: Option<&Path>| {
        let options = Options { address: &address, password_file: file, ca: None };
        Postgres::open(&options, "one", &SystemRandom).await.map_err(|error| error.to_string())
    };
    let right = secret_file(folder.path(), "hunter2\n", 0o600);
    opened(&open(Some(&right)).await.unwrap()).await;
    assert!(open(None).await.is_err());
    let wrong = secret_file(folder.path(), "hunter3", 0o600);
    let error = open(Some(&wrong)).await.unwrap_err();
    assert!(error.contains("password authentication failed"), "{error}");
    assert!(!error.contains("hunter"), "{error}");
    let readable = secret_file(folder.path(), "hunter2", 0o644);
    let error = open(Some(&readable)).await.unwrap_err();
    assert!(error.contains("chmod 600"), "{error}");

    // A new password needs no restart.
    let store = open(Some(&right)).await.unwrap();
    let sql = "ALTER ROLE guarded PASSWORD 'hunter4'";
    database.client().await.batch_execute(sql).await.unwrap();
    fs::write(&right, "hunter4").unwrap();
    database.cut().await;
    opened(&store).await;
}

/// `sslmode=verify-full`: the certificate leads to the authority we name, and has the host's name.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_proves_who_it_is() {
    let now = SystemClock.now();
    let ca = DevelopmentCa::generate("Database", now).unwrap();
    let (certificate, key) = ca.tls_certificate(&["localhost".to_owned()], now).unwrap();
    let server = Server::start();
    server.use_tls(&certificate, &key);
    let database = server.migrated().await;
    let folder = TempDir::new().unwrap();
    let (ours, foreign) = (folder.path().join("ca.pem"), folder.path().join("foreign.pem"));
    fs::write(&ours, ca.certificate_pem()).unwrap();
    let other = DevelopmentCa::generate("Somebody else", now).unwrap();
    fs::write(&foreign, other.certificate_pem()).unwrap();
    let open = async |host: &str, ca: Option<&Path>| {
        let (port, name) = (server.port(), &database.name);
        let address = format!("postgres://bestow@{host}:{port}/{name}?sslmode=verify-full");
        let address = Address::parse(&address).unwrap();
        let options = Options { address: &address, password_file: None, ca };
        Postgres::open(&options, "one", &SystemRandom).await.map_err(|error| error.to_string())
    };
    let store = open("localhost", Some(&ours)).await.unwrap();
    opened(&store).await;
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
               WHERE application_name = 'bestow'";
    let row = database.client().await.query_one(sql, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0), "all of it is encrypted");
    assert!(open("localhost", Some(&foreign)).await.is_err(), "another authority");
    assert!(open("localhost", None).await.is_err(), "the machine knows no such authority");
    let error = open("127.0.0.2", Some(&ours)).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_second_one_is_told_of() {
    let server = Server::shared();
    let database = server.migrated().await;
    let told = warnings(&database.options()).await.unwrap();
    assert!(told.iter().any(|text| text.contains("no synchronous standby")), "{told:?}");
    // A server that would answer before its disk does is not left to it.
    database.set("synchronous_commit = off").await;
    warnings(&database.options()).await.unwrap();
    let store = database.open("one").await;
    opened(&store).await;
    store.check().await.unwrap();
}

/// A server that forgets when its machine stops is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_fsync_is_refused() {
    let server = Server::with("fsync = off");
    let database = server.database().await;
    let options = database.options();
    migrate(&options).await.unwrap();
    let refused = Postgres::open(&options, "one", &SystemRandom).await.unwrap_err();
    assert!(refused.to_string().contains("fsync"), "{refused}");
}

/// A socket of this machine has no name to check.
#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_works_too() {
    let server = Server::shared();
    let database = server.migrated().await;
    let folder = server.folder().display().to_string().replace('/', "%2F");
    let address = format!("postgres://bestow@{folder}:{}/{}", server.port(), database.name);
    let address = Address::parse(&address).unwrap();
    let options = Options { address: &address, password_file: None, ca: None };
    let store = Postgres::open(&options, "one", &SystemRandom).await.unwrap();
    opened(&store).await;
}
