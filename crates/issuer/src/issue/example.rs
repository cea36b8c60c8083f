//! What would be issued, shown before anybody has got one: made and looked at as in step 17, and not
//! signed.

use formats::binding::Binding;
use formats::unsigned::Unsigned;
use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{self, Certificate};
use oid4vci::grant::StatusEntry;
use serde_json::{Map, Value};

use super::name::Name;
use super::unsigned::{Holder, Making};
use crate::config::{Config, ConfigError};
use crate::credential_type::CredentialType;
use crate::failure::Broken;
use crate::generations::{Generations, KeyPurpose};
use crate::init::signing_certificate;
use crate::status::credential_status;

/// The first of a list that has no other.
const SAMPLE_ENTRY: StatusEntry = StatusEntry { list: 1, idx: 0 };

/// Who would sign, as far as it shows in what is signed.
#[derive(Debug)]
pub struct Signatory(Certificate);

impl Signatory {
    /// As the issuer's folder says; the key itself is not read.
    pub fn of(config: &Config, now: Timestamp) -> Result<Self, ConfigError> {
        let generations = Generations::load(&config.keys)?;
        let active = generations.active(KeyPurpose::Signing, now);
        let number = active.map(|generation| generation.number).unwrap_or_default();
        signing_certificate(&config.keys, number).map(Self)
    }

    /// Somebody with a new key of ES256, where no issuer's folder is at hand.
    pub fn sample(config: &Config, now: Timestamp) -> Result<Self, Broken> {
        let broken = |told: String| Broken::fault(told);
        let key = SoftwareKey::generate(Algorithm::Es256);
        let key = key.map_err(|error| broken(error.to_string()))?;
        let made = DevelopmentCa::generate(&config.name, now).and_then(|ca| {
            ca.signing_certificate(key.public_key(), &config.name, config.url.as_str(), now)
        });
        let chain = x509::x5c_from_pem(&made.map_err(|error| broken(error.to_string()))?);
        let leaf = chain.unwrap_or_default();
        let leaf = leaf.first().and_then(|der| Certificate::from_der(der).ok());
        leaf.map(Self).ok_or_else(|| broken("a sample certificate cannot be read".to_owned()))
    }

    /// By which it would be signed.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.0.public_key.algorithm()
    }
}

/// What would be issued now, with these claims, to the holder of this key, and with the first entry of
/// a status list where it would have one.
pub fn example(
    (config, signatory): (&Config, &Signatory),
    (credential_type, claims): (&CredentialType, &Map<String, Value>),
    (key, now): (PublicKey, Timestamp),
    random: &dyn Random,
) -> Result<Unsigned, Broken> {
    let bound = credential_type.key_binding.is_some();
    let holder = bound.then(|| Holder { binding: Binding::Jwk(key.clone()), key });
    let name = Name::of(config.url.as_str(), credential_type, &signatory.0.public_key);
    let making =
        Making { credential_type, issuer: &name.issuer, certificate: &signatory.0, now, random };
    let status = config.has_status(credential_type).then(|| {
        let status = credential_status(config, credential_type, SAMPLE_ENTRY);
        (status, SAMPLE_ENTRY.idx + 1)
    });
    making.make((claims, holder.as_ref()), status.as_ref())
}
