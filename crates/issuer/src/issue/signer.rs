//! How long the certificate is good that goes out with a credential: whoever verifies looks at it
//! (RFC 5280 §6.1).

use std::collections::BTreeMap;

use formats::sd_jwt_vc::{self, IssuerKeyHeader};
use keys::algorithm::Algorithm;
use keys::did;
use keys::jws::ProtectedHeader;
use keys::outside::Timestamp;
use keys::signer::Signer;
use keys::x509::Certificate;

use super::country;
use crate::config::{Config, ConfigError};
use crate::credential_type::{CredentialType, Identity};
use crate::failure::Broken;
use crate::flow::metadata::signing_algorithm;
use crate::{Issuer, IssuerKeys, PublishedKey, SigningKey};

const DAY: u64 = 24 * 3600;

/// Whether what is signed now can be verified. Looked at before anything is recorded: a credential
/// that nobody takes costs its holder the offer.
pub(crate) fn check_signer(
    issuer: &Issuer,
    credential_type: &CredentialType,
) -> Result<(), Broken> {
    let keys = issuer.keys();
    let certificate = &keys.signing.certificate;
    let life = certificate.not_before..=certificate.not_after;
    if !is_certified(credential_type) || life.contains(&issuer.clock.now()) {
        return Ok(());
    }
    Err(Broken::fault(format!(
        "the certificate of the signing key is good from {} to {}: run `bestow issuer keys rotate \
         signing`",
        certificate.not_before.to_rfc3339(),
        certificate.not_after.to_rfc3339()
    )))
}

/// The headers under which a key signs SD-JWT VC: each holds the chain, and is written once.
#[derive(Debug)]
pub(crate) struct SdJwtHeaders {
    current: ProtectedHeader,
    /// For those who know the format by its former name.
    former: ProtectedHeader,
}

impl SigningKey {
    /// A key with its chain, and the first certificate of it, read.
    #[must_use]
    pub fn new(signer: Box<dyn Signer>, x5c: Vec<Vec<u8>>, certificate: Certificate) -> Self {
        let algorithm = signer.algorithm();
        let header = |typ| IssuerKeyHeader::X5c(&x5c).written(typ, algorithm);
        let headers = SdJwtHeaders {
            current: header(sd_jwt_vc::FORMAT),
            former: header(sd_jwt_vc::FORMER_FORMAT),
        };
        let kid = PublishedKey::kid_of(signer.public_key());
        Self { signer, x5c, certificate, kid, headers }
    }

    /// The header of an SD-JWT VC with this `typ`.
    pub(super) fn sd_jwt_header(&self, typ: &str) -> &ProtectedHeader {
        if typ == sd_jwt_vc::FORMER_FORMAT { &self.headers.former } else { &self.headers.current }
    }
}

/// The life of a certificate, if it goes with credentials of this type.
pub(super) fn life(
    certificate: &Certificate,
    credential_type: &CredentialType,
) -> Option<(Timestamp, Timestamp)> {
    let life = (certificate.not_before, certificate.not_after);
    is_certified(credential_type).then_some(life)
}

/// Refuses a signing key that cannot sign credentials of a type: a proof inside of JSON is made
/// with keys of some kinds only.
pub fn check_key(
    config: &Config,
    keys: &IssuerKeys,
    types: &BTreeMap<String, CredentialType>,
) -> Result<(), ConfigError> {
    check_algorithm(config, keys.signing.signer.algorithm(), types)?;
    check_did(config, keys, types)?;
    country::check_types(keys.signing.certificate.country.as_deref(), types)?;
    let unlinkable = types.values().find(|one| one.is_unlinkable());
    let Some(one) = unlinkable.filter(|_| keys.bbs.published.is_empty()) else { return Ok(()) };
    let problem = format!("holds no key of bbs, which signs {}", one.id);
    let remedy = "run `bestow issuer migrate`, which makes it, or copy the folder from another node of \
                  this issuer: all of them need the same";
    Err(ConfigError::of_file(&config.keys, problem, remedy))
}

/// A key that no did:key is known for is the name of nobody.
fn check_did(
    config: &Config,
    keys: &IssuerKeys,
    types: &BTreeMap<String, CredentialType>,
) -> Result<(), ConfigError> {
    let key = keys.signing.signer.public_key();
    let has_did = did::resolve_issuer(&did::to_did_key(key)).is_ok();
    let named = |one: &&CredentialType| one.identity == Identity::DidKey && !one.is_unlinkable();
    let Some(one) = types.values().find(named).filter(|_| !has_did) else { return Ok(()) };
    let algorithm = key.algorithm();
    let problem =
        format!("signs {algorithm}, which has no did:key, and {} is signed by one", one.id);
    let remedy = "write issuer_identity = \"did:jwk\" there, or `bestow issuer keys rotate signing \
                  --now --algorithm ES256`";
    Err(ConfigError::of_file(&config.keys, problem, remedy))
}

/// The same before there is a key.
pub(crate) fn check_algorithm(
    config: &Config,
    algorithm: Algorithm,
    types: &BTreeMap<String, CredentialType>,
) -> Result<(), ConfigError> {
    let stuck = |one: &&CredentialType| signing_algorithm(&one.format, algorithm).is_none();
    let Some(one) = types.values().find(stuck) else { return Ok(()) };
    let format = one.format.name();
    let problem = format!("signs {algorithm}, which no `{format}` is signed with");
    let remedy = format!(
        "`bestow issuer keys rotate signing --now --algorithm ES256`, or take {} out of credentials",
        one.id
    );
    Err(ConfigError::of_file(&config.keys, problem, remedy))
}

/// Types whose credentials would outlive the certificate of the key that signs them now.
#[must_use]
pub fn signer_warnings(
    keys: &IssuerKeys,
    types: &BTreeMap<String, CredentialType>,
    now: Timestamp,
) -> Vec<String> {
    let end = keys.signing.certificate.not_after;
    let outlives = |one: &&CredentialType| {
        is_certified(one) && now.plus(u64::from(one.validity_days) * DAY) > end
    };
    let told = |one: &CredentialType| {
        format!(
            "{}: credentials end at {}, with the certificate of the key that signs \
             them, and not after {} days: `bestow issuer keys rotate signing` makes another",
            one.origin.name(),
            end.to_rfc3339(),
            one.validity_days
        )
    };
    types.values().filter(outlives).map(told).collect()
}

/// Whether its certificate goes with a credential; else the key is looked up by its name.
fn is_certified(credential_type: &CredentialType) -> bool {
    credential_type.identity == Identity::X509
}
