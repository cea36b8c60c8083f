//! An Issuer and a Wallet in one process: real routers, real stores on a real disk; only sockets,
//! time and chance are the test's own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use issuer::Issuer;
use issuer::config::{Config, Database, IssuerUrl};
use issuer::http::{admin, public};
use issuer::init::{NewIssuer, Purpose, init};
use issuer::store::migrate;
use issuer::store::sqlite::{backup, restore};
use keys::outside::Clock as _;
use keys::x509::Anchors;
use tempfile::TempDir;
use wallet::store::{FileStore, Unlock};
use wallet::{Settings, Wallet};

use crate::outside::{TestClock, TestRandom};
use crate::wire::Wire;

/// The Credential Issuer Identifier unless a test wants another.
pub const ISSUER: &str = "https://issuer.example";

/// One issuer, one wallet.
#[derive(Debug)]
pub struct World {
    /// The only clock there is.
    pub clock: TestClock,
    /// For looking at the issuer from inside.
    pub issuer: Arc<Issuer>,
    /// The listener of wallets and holders.
    pub public: Wire,
    /// The listener of operators.
    pub admin: Wire,
    /// A wallet that trusts the issuer's authority, with a store of its own.
    pub wallet: Wallet,
    /// Where all of it lies.
    pub folder: TempDir,
}

impl World {
    /// As `bestow issuer init` makes it.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut Issuer)) -> Self {
        Self::at(ISSUER, change).await
    }

    /// At another address.
    pub async fn at(url: &str, change: impl FnOnce(&mut Issuer)) -> Self {
        Self::made(url, |_| {}, change).await
    }

    /// With the folder of the issuer as an operator changes it before the issuer is opened.
    pub async fn configured(edit: impl FnOnce(&Path)) -> Self {
        Self::made(ISSUER, edit, |_| {}).await
    }

    /// The same, and then something that no file says.
    pub async fn configured_with(
        edit: impl FnOnce(&Path),
        change: impl FnOnce(&mut Issuer),
    ) -> Self {
        Self::made(ISSUER, edit, change).await
    }

    async fn made(url: &str, edit: impl FnOnce(&Path), change: impl FnOnce(&mut Issuer)) -> Self {
        let folder = TempDir::new().unwrap();
        let (clock, random) = (TestClock::new(), TestRandom::new(1));
        let url = IssuerUrl::try_from(url.to_owned()).unwrap();
        let new = NewIssuer { url: &url, name: "Riverside University", purpose: Purpose::Service };
        let report = init(&folder.path().join("issuer"), &new, &clock, &random).unwrap();
        edit(&folder.path().join("issuer"));
        let config = Config::load(&report.config).unwrap();
        migrate(&config).await.unwrap();
        let (its_clock, its_random) = (Box::new(clock.clone()), Box::new(random.clone()));
        let mut issuer = Issuer::open(config, its_clock, its_random).await.unwrap();
        change(&mut issuer);
        let issuer = Arc::new(issuer);
        let public = Wire::new(public(Arc::clone(&issuer)));
        let admin = Wire::new(admin::admin(Arc::clone(&issuer)));
        let authority = fs::read_to_string(report.ca_certificate).unwrap();
        let network = (public.clone(), authority.as_str());
        let wallet = wallet(&folder.path().join("wallet"), network, (&clock, random)).await;
        Self { clock, issuer, public, admin, wallet, folder }
    }

    /// A second server on the same keys and the same database; `seed` is its own chance.
    pub async fn another_node(&self, seed: u64) -> Wire {
        Wire::new(public(self.another_issuer(seed).await))
    }

    /// An issuer on a database that was restored from a backup of this very moment (J02).
    pub async fn restored(&self, change: impl FnOnce(&mut Issuer)) -> Wire {
        let [copy, again] = ["copy.db", "again.db"].map(|name| self.folder.path().join(name));
        backup(self.issuer.config.database.file().unwrap(), &copy).unwrap();
        restore(&copy, &again, true, self.clock.now()).unwrap();
        let config = Config { database: Database::File(again), ..self.issuer.config.clone() };
        let (clock, random) = (Box::new(self.clock.clone()), Box::new(TestRandom::new(8)));
        let mut issuer = Issuer::open(config, clock, random).await.unwrap();
        change(&mut issuer);
        Wire::new(public(Arc::new(issuer)))
    }

    /// The same from inside.
    pub async fn another_issuer(&self, seed: u64) -> Arc<Issuer> {
        let config = self.issuer.config.clone();
        let (clock, random) = (Box::new(self.clock.clone()), Box::new(TestRandom::new(seed)));
        Arc::new(Issuer::open(config, clock, random).await.unwrap())
    }
}

async fn wallet(
    folder: &Path,
    (issuer, authority): (Wire, &str),
    (clock, random): (&TestClock, TestRandom),
) -> Wallet {
    let unlock = Unlock::KeyFile(FileStore::key_file(folder));
    let random = Arc::new(random);
    let store = FileStore::open(folder.to_owned(), unlock, random.clone()).await.unwrap();
    Wallet {
        http: Arc::new(issuer),
        store: Arc::new(store),
        clock: Arc::new(clock.clone()),
        random,
        settings: Settings {
            anchors: Some(Arc::new(Anchors::from_pem(authority).unwrap())),
            ..Settings::default()
        },
    }
}
