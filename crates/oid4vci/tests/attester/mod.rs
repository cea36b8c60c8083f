//! Somebody who attests, and whom the Issuer trusts by a chain of certificates or by the bare key.

use keys::algorithm::Algorithm::Es256;
use keys::development::DevelopmentCa;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{Anchors, x5c_from_pem};
use oid4vci::attestation::{AttesterKey, Attesters};
use serde_json::Value;

pub(crate) struct Attester {
    pub(crate) key: SoftwareKey,
    /// The leaf, then the anchor.
    pub(crate) chain: Vec<Vec<u8>>,
    anchor: String,
}

impl Attester {
    pub(crate) fn new(made: Timestamp) -> Self {
        let key = SoftwareKey::generate(Es256).unwrap();
        let ca = DevelopmentCa::generate("Attester CA", made).unwrap();
        let url = "https://provider.example";
        let leaf = ca.signing_certificate(key.public_key(), "Provider", url, made).unwrap();
        let chain = x5c_from_pem(&format!("{leaf}{}", ca.certificate_pem())).unwrap();
        Self { key, chain, anchor: ca.certificate_pem().to_owned() }
    }

    /// The chain without its anchor.
    pub(crate) fn leaf(&self) -> &[Vec<u8>] {
        self.chain.get(..1).unwrap()
    }

    /// Trusted by where its chain ends.
    pub(crate) fn by_anchor(&self) -> Attesters {
        Attesters {
            anchors: Some(Anchors::from_pem(&self.anchor).unwrap()),
            ..Attesters::default()
        }
    }

    /// Trusted by its key, under a name or without.
    pub(crate) fn by_key(&self, kid: Option<&str>) -> Attesters {
        let jwk = Value::Object(self.key.public_key().to_jwk());
        let mut key = AttesterKey::from_jwk(&jwk).unwrap();
        key.kid = kid.map(str::to_owned);
        Attesters { keys: vec![key], ..Attesters::default() }
    }
}
