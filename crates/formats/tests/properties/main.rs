//! What holds of every credential, whatever it says: claims drawn at random, and changes to what was
//! signed.
//!
//! Few are tried each time; `PROPTEST_CASES=5000 cargo test -p bestow-formats --test properties` tries
//! more.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::env;
use std::future::Future;
use std::sync::LazyLock;

use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};
use tokio::runtime::Builder;

mod claims;
mod mdoc;
mod sd_jwt;
mod w3c;

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_810_000_000);
const ISSUER: &str = "https://issuer.example";
/// How many are tried in CI.
const CASES: u32 = 24;

static KEY: LazyLock<SoftwareKey> =
    LazyLock::new(|| SoftwareKey::generate(Algorithm::Es256).unwrap());

fn public_key() -> &'static PublicKey {
    KEY.public_key()
}

/// Draws, tests, and tells the smallest that fails.
fn for_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value)) {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(strategy, |drawn| {
        test(drawn);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn now<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Another printable character somewhere.
fn change() -> impl Strategy<Value = (Index, u8)> {
    (any::<Index>(), 1..94_u8)
}

/// Several of them, each to be made by itself.
fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    proptest::collection::vec(change(), 12)
}

/// A text with one character exchanged for another one, both printable ASCII.
fn changed(text: &str, (index, by): (Index, u8)) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let places: Vec<usize> =
        (0..bytes.len()).filter(|place| bytes[*place].is_ascii_graphic()).collect();
    let place = *index.get(&places);
    bytes[place] = b'!' + (bytes[place] - b'!' + by) % 94;
    String::from_utf8(bytes).unwrap()
}
