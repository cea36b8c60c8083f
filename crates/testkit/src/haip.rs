//! A world that keeps the high assurance profile: an issuer configured for it as an operator would,
//! and a wallet whose maker vouches for it by a certificate.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_from_pem;
use oid4vci::attestation::client::NewClientAttestation;
use wallet::Wallet;
use wallet::attestation::{AttestationError, AttestationSource, WalletAttestation};
use wallet::profile::Profile;

use crate::outside::TestClock;
use crate::proof::holder_key;
use crate::sender::CLIENT;
use crate::world::World;

/// The maker of a wallet: its authority, and the key that it attests with.
#[derive(Debug)]
pub struct Maker {
    ca: DevelopmentCa,
    key: SoftwareKey,
    x5c: Vec<Vec<u8>>,
    clock: TestClock,
    /// For which servers it has vouched, with the thumbprint of the instance key.
    pub attested: Mutex<Vec<(String, String)>>,
}

impl Maker {
    /// With an authority of its own.
    pub fn new(clock: TestClock) -> Self {
        let (now, key) = (clock.now(), holder_key());
        let ca = DevelopmentCa::generate("Wallet Makers", now).unwrap();
        let url = "https://provider.example";
        let chain = ca.signing_certificate(key.public_key(), "Provider", url, now).unwrap();
        let x5c = x5c_from_pem(&chain).unwrap();
        Self { ca, key, x5c, clock, attested: Mutex::default() }
    }

    /// The certificate of its authority, as PEM.
    pub fn anchor(&self) -> &str {
        self.ca.certificate_pem()
    }

    /// Certificates as they stand in `x5c`, with the anchor at the end or without it.
    pub fn chain(&self, has_anchor: bool) -> Vec<Vec<u8>> {
        let anchor = x5c_from_pem(self.ca.certificate_pem()).unwrap();
        [self.x5c.clone(), if has_anchor { anchor } else { Vec::new() }].concat()
    }

    /// Vouches for a new instance; what stands in `x5c` may be wrong.
    pub async fn attest(&self, x5c: Option<&[Vec<u8>]>) -> (String, SoftwareKey) {
        let (instance, now) = (holder_key(), self.clock.now());
        let attestation = NewClientAttestation {
            provider: "https://provider.example",
            client_id: CLIENT,
            instance_key: instance.public_key(),
            wallet_name: None,
            now,
            expires_at: Timestamp(now.0 + 3600),
        };
        (attestation.sign(&self.key, x5c).await.unwrap(), instance)
    }
}

/// A new attestation, and a new key, for each server (HAIP-28).
#[async_trait]
impl AttestationSource for Maker {
    async fn attestation(&self, server: &str) -> Result<WalletAttestation, AttestationError> {
        let (jwt, key) = self.attest(Some(&self.x5c)).await;
        let thumbprint = key.public_key().thumbprint().to_string();
        self.attested.lock().unwrap().push((server.to_owned(), thumbprint));
        WalletAttestation::new(jwt, Arc::new(key))
    }
}

/// Changes the folder of a new issuer as an operator would; `anchor` is whom it trusts.
pub fn configure(folder: &Path, anchor: &str) {
    edit(folder, "bestow.toml", "\nprofile = \"none\"", "\nprofile = \"haip\"");
    let key = "client_attestation_trust_anchors";
    edit(folder, "bestow.toml", &format!("#{key} = []"), &format!("{key} = [\"makers.pem\"]"));
    let methods = r#"binding_methods = ["jwk"]"#;
    let all = r#"binding_methods = ["jwk", "did:jwk", "did:key"]"#;
    edit(folder, "credentials/student_card.toml", all, methods);
    fs::write(folder.join("makers.pem"), anchor).unwrap();
    fs::create_dir(folder.join("clients")).unwrap();
    let client = format!(
        "client_id = \"{CLIENT}\"\nname = \"Test Wallet\"\n\
         redirect_uris = [\"http://127.0.0.1/cb\", \"https://wallet.example/cb\"]\n"
    );
    fs::write(folder.join("clients/wallet.toml"), client).unwrap();
}

/// Changes one text in one file, which must hold it.
pub fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let file = folder.join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{}: {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

impl World {
    /// Issuer and wallet keep the profile; `change` is for what is to be otherwise in the folder.
    pub async fn haip(change: impl FnOnce(&Path)) -> (Self, Arc<Maker>) {
        let maker = Arc::new(Maker::new(TestClock::new()));
        let edit = |folder: &Path| {
            configure(folder, maker.anchor());
            change(folder);
        };
        let mut world = Self::configured(edit).await;
        world.wallet.settings.profile = Profile::Haip;
        world.wallet.settings.attestation_source = Some(maker.clone());
        (world, maker)
    }

    /// The wallet without the profile, and without anybody who vouches for it.
    pub fn plain_wallet(&self) -> Wallet {
        let mut wallet = self.wallet.clone();
        wallet.settings.profile = Profile::None;
        wallet.settings.attestation_source = None;
        wallet
    }
}
