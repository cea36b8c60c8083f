//! What the store's steps of a whole flow cost: `store sqlite|postgres [CALLERS] [SECONDS]`.
#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops at the first surprise, and prints"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use issuer::store::sqlite::{Sqlite, migrate};
use issuer::store::{NewOffer, Opened, Recorded, Store};
use keys::algorithm::Algorithm;
use keys::outside::{Clock as _, Random as _, SystemClock, SystemRandom};
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::credential::Record;
use oid4vci::grant::{Redemption, StatusEntry};
use oid4vci::nonce::SpendableNonce;
use oid4vci::secret::AccessToken;
use serde_json::{Map, json};
use tempfile::TempDir;
use testkit::contract::new_offer;
use testkit::postgres::Server;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let engine = arguments.next().expect("sqlite or postgres");
    let mut number = |default| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (callers, seconds) = (number(32), number(5));
    if engine == "sqlite" {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("bestow.db");
        migrate(&file).unwrap();
        measure(Arc::new(Sqlite::open(&file, "one").unwrap()), callers, seconds).await;
    } else {
        let server = Server::start();
        let database = server.migrated().await;
        let before = cpu_of("postgres");
        let flows = measure(Arc::new(database.open("one").await), callers, seconds).await;
        let used = cpu_of("postgres") - before;
        println!("  server: {:.0} us of CPU a flow", used * 1e6 / flows);
    }
}

async fn measure(store: Arc<dyn Store>, callers: u64, seconds: u64) -> f64 {
    let thumbprint = SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().thumbprint();
    let (begun, used) = (Instant::now(), cpu());
    let end = begun + Duration::from_secs(seconds);
    let count = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (store, count, thumbprint) =
            (Arc::clone(&store), Arc::clone(&count), thumbprint.clone());
        tasks.spawn(async move {
            while Instant::now() < end {
                flow(&*store, &thumbprint).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tasks.join_all().await;
    let flows = count.load(Ordering::Relaxed) as f64;
    let (wall, used) = (begun.elapsed().as_secs_f64(), cpu() - used);
    println!(
        "{callers} callers: {:.0} flows/s, {:.2} ms a flow; {:.0} us of CPU a flow in this process",
        flows / wall,
        wall * 1e3 * callers as f64 / flows,
        used * 1e6 / flows
    );
    flows
}

async fn flow(store: &dyn Store, thumbprint: &Thumbprint) {
    let now = SystemClock.now();
    let claims =
        json!({ "given_name": "Erika", "family_name": "Mustermann", "text": "x".repeat(300) });
    let datasets = Map::from_iter([("student_card".to_owned(), claims)]);
    let offer = NewOffer { datasets, ..new_offer(now, &SystemRandom) };
    let id = offer.grant.id;
    assert_eq!(store.open_offer(offer).await.unwrap(), Opened::Opened);
    store.grant(id).await.unwrap().unwrap();
    store.note_fetched(id, now).await.unwrap();
    let grant = store.grant(id).await.unwrap().unwrap();
    let redemption = Redemption {
        at: now,
        token_digest: AccessToken::fresh(id, &SystemRandom).digest(),
        token_expires_at: now.plus(300),
        credential_configuration_ids: vec!["student_card".into()],
        by_identifier: false,
        client_id: None,
        bound_to: None,
        client_key: None,
    };
    assert!(store.redeem(&grant, &redemption).await.unwrap());
    let grant = store.grant(id).await.unwrap().unwrap();
    let mut front = [0; 24];
    SystemRandom.fill(&mut front);
    front[..8].copy_from_slice(&now.plus(300).0.to_be_bytes());
    let nonce = SpendableNonce { expires_at: now.plus(300), front };
    let mut idx = [0; 8];
    SystemRandom.fill(&mut idx);
    let entry = StatusEntry { list: 1, idx: u64::from_be_bytes(idx) >> 1 };
    let record = Record {
        grant: &grant,
        credential_configuration_id: "student_card",
        thumbprints: vec![Some(thumbprint.clone())],
        beside: Vec::new(),
        used: None,
    };
    let outcome = store.record_issuance(&record, &[nonce], &[entry], now).await.unwrap();
    assert_eq!(outcome, Recorded::Recorded);
    store.datasets(id).await.unwrap().unwrap();
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    ticks("/proc/self/stat")
}

/// Seconds of CPU of all processes of this name.
fn cpu_of(name: &str) -> f64 {
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let is_named = |path: &std::path::PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    entries.filter(is_named).map(|path| ticks(path.join("stat").to_str().unwrap())).sum()
}

fn ticks(stat: &str) -> f64 {
    let text = fs::read_to_string(stat).unwrap_or_default();
    let after = text.rsplit_once(") ").map_or("", |(_, after)| after);
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number =
        |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (number(11) + number(12)) / 100.0
}
