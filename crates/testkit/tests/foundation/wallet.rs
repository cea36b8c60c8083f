//! The modules that a wallet passes: our wallet in front of an issuer that is played.

use std::sync::Arc;

use keys::outside::SystemRandom;
use serde_json::json;
use tempfile::TempDir;
use testkit::sender::Instance;
use wallet::attestation::WalletAttestation;
use wallet::flow::deferred::Resumed;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::token::Authorized;
use wallet::store::{FileStore, StoredCredential, Unlock};
use wallet::{Settings, Wallet};

use crate::player::{Player, Script, TX_CODE};

/// Where the wallet is answered.
const REDIRECT: &str = "http://127.0.0.1:49152/cb";

/// Our wallet, which reaches nobody but the player.
struct Tested {
    wallet: Wallet,
    player: Arc<Player>,
    _folder: TempDir,
}

impl Tested {
    async fn by(script: Script) -> Self {
        let player = Player::new(script);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("wallet");
        let unlock = Unlock::KeyFile(FileStore::key_file(&path));
        let store = FileStore::open(path, unlock, Arc::new(SystemRandom)).await.unwrap();
        let mut settings =
            Settings { anchors: Some(Arc::new(player.anchors())), ..Settings::default() };
        if script.attested {
            let instance = Instance::default();
            let now = keys::outside::Clock::now(player.clock()).0;
            let jwt = instance.attestation(now).sign(&instance.provider).await;
            let attestation = WalletAttestation::new(jwt, Arc::new(instance.key)).unwrap();
            settings.attestation_source = Some(Arc::new(attestation));
        }
        let wallet = Wallet {
            http: player.clone(),
            store: Arc::new(store),
            clock: Arc::new(player.clock().clone()),
            random: Arc::new(SystemRandom),
            settings,
        };
        Self { wallet, player, _folder: folder }
    }

    /// To the token.
    async fn authorized(&self) -> Authorized {
        let scanned = ScannedOffer::scan(&crate::player::offer()).unwrap();
        let consent = Consent::to(scanned.host());
        let fetched = self.wallet.fetch_offer(scanned, &consent).await.unwrap();
        let described = self.wallet.describe_offer(fetched, &consent).await.unwrap();
        let resolved = self.wallet.resolve_offer(described, &consent).await.unwrap();
        if !resolved.needs_sign_in() {
            let tx_code = oid4vci::secret::TxCode::new(TX_CODE);
            return self.wallet.request_token(resolved, Some(tx_code)).await.unwrap();
        }
        let begun = self.wallet.begin_sign_in(resolved, REDIRECT).await.unwrap();
        let query = self.player.browse(begun.address());
        self.wallet.finish_sign_in(begun, &query).await.unwrap()
    }

    /// To the end: what the wallet keeps.
    async fn kept(&self, copies: usize) -> Vec<StoredCredential> {
        let authorized = self.authorized().await;
        let wish = KeyWish { copies, ..KeyWish::default() };
        let mut received = self.wallet.request_credentials(&authorized, &wish).await.unwrap();
        if let [pending] = received.pending() {
            let pending = pending.clone();
            self.player.clock().advance(5);
            received = match self.wallet.resume(&pending.id).await.unwrap() {
                Resumed::Received(received) => received,
                Resumed::Waits(_) => panic!("it waits"),
            };
        }
        self.keep(&received).await
    }

    async fn keep(&self, received: &Received) -> Vec<StoredCredential> {
        let kept = self.wallet.keep(received).await.unwrap();
        self.wallet.send_notices().await.unwrap();
        assert_eq!(kept[0].claims["given_name"], "Ada");
        kept
    }

    fn asked(&self, endpoint: &str) -> usize {
        self.player.run().counts.get(endpoint).copied().unwrap_or_default()
    }
}

/// Every variant of the plans.
fn scripts() -> impl Iterator<Item = Script> {
    let bit = |number: u8, place: u8| number >> place & 1 == 1;
    (0..32).map(move |number| Script {
        signs_in: bit(number, 0),
        attested: bit(number, 1),
        encrypted: bit(number, 2),
        deferred: bit(number, 3),
        details: bit(number, 4),
        ..Script::default()
    })
}

/// GEN-07: both grants, attested or not, in the clear and encrypted, at once and later; every answer
/// has a member that nobody knows.
#[tokio::test]
async fn oid4vci_1_0_wallet_test_credential_issuance() {
    for script in scripts() {
        let tested = Tested::by(script).await;
        assert_eq!(tested.kept(1).await.len(), 1, "{script:?}");
        assert_eq!(tested.asked("nonce"), 1);
        assert_eq!(tested.asked("deferred"), usize::from(script.deferred));
        assert_eq!(tested.asked("notification"), 0, "NOTIF-01: nobody asked to be told");
    }
}

/// NOTIF-04, NOTIF-17
#[tokio::test]
async fn oid4vci_1_0_wallet_test_credential_issuance_notification() {
    for script in scripts() {
        let tested = Tested::by(Script { notified: true, ..script }).await;
        tested.kept(1).await;
        assert_eq!(tested.player.run().events, [json!("credential_accepted")], "{script:?}");
    }
}

/// CRED-03: no details, so the configuration is named.
#[tokio::test]
async fn oid4vci_1_0_wallet_happy_path_with_scopes_without_authorization_details_in_token_response()
{
    for script in scripts().filter(|script| script.signs_in) {
        let tested = Tested::by(Script { details: false, ..script }).await;
        assert_eq!(tested.kept(1).await.len(), 1, "{script:?}");
    }
}

/// WALATT-10: the challenge is fetched and proved, at each endpoint that wants to know the client.
#[tokio::test]
async fn oid4vci_1_0_wallet_test_client_attestation_challenge() {
    for script in scripts().filter(|script| script.attested) {
        let tested = Tested::by(script).await;
        tested.authorized().await;
        assert!(tested.asked("challenge") > 0 && tested.player.run().proved_challenge);
        assert_eq!(tested.asked("par"), usize::from(script.signs_in));
    }
}

/// CRED-11, CRED-43: as many as announced, each key once, in whatever order they come.
#[tokio::test]
async fn oid4vci_1_0_wallet_test_batch_credential_issuance() {
    for script in scripts() {
        let tested = Tested::by(Script { batch: Some(10), ..script }).await;
        let kept = tested.kept(20).await;
        let [card] = &kept[..] else { panic!("{kept:?}") };
        let keys: std::collections::BTreeSet<_> =
            card.holder_keys().map(|key| key.kid.clone()).collect();
        assert_eq!(keys.len(), 10, "{script:?}");
        assert_eq!(tested.asked("credential"), 1);
    }
}
