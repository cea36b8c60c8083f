//! Step 15: key attestations, which say how well the Wallet's keys are kept (VCI §D.1, VCI §F.3,
//! KEYATT-03, SEC-20).

use formats::data_integrity::Cryptosuite;
use formats::status_list::StatusReference;
use keys::algorithm::Algorithm;
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::public_key::{PublicKey, Thumbprint};
use keys::signer::{SignError, Signer};
use keys::x509;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::status::{KnownEntries, NamedStatus, StatusFault};
use super::{Attesters, Distrust};
use crate::claims::{NoNumber, optional_time};
use crate::form::Form;
use crate::nonce::{Nonces, SpendableNonce};
use crate::proof::di_vp;

mod refusal;
mod wanted;

pub use refusal::KeyAttestationRefusal;
pub use wanted::WantedKeyAttestation;

/// `typ` of a key attestation (KEYATT-05, REG-05).
pub const TYPE: &str = "key-attestation+jwt";
/// Longest key attestation: there is room for a batch of keys and a chain.
pub const ATTESTATION_BYTES_MAX: usize = 64 * 1024;
/// Most levels of one kind in an attestation.
pub const LEVELS_MAX: usize = 32;
/// The levels that the spec defines, the best first (KEYATT-12).
pub const LEVELS: [&str; 4] =
    ["iso_18045_high", "iso_18045_moderate", "iso_18045_enhanced-basic", "iso_18045_basic"];

/// Whether it is a level of the spec, or a name that nobody else gives to another one: a URI, or one
/// with a domain in it (KEYATT-13). Anything else is a slip of the pen, and no wallet reaches it.
#[must_use]
pub fn is_level(text: &str) -> bool {
    let is_someones =
        |text: &str| text.contains([':', '.']) && text.bytes().all(|byte| byte.is_ascii_graphic());
    LEVELS.contains(&text) || is_someones(text)
}

/// `key_attestations_required` (META-37, META-38): `{}` asks for an attestation of any level.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyAttestationsRequired {
    /// Levels of the key storage that are good enough; all are when none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_storage: Vec<String>,
    /// Levels of the authentication before a key is used; the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_authentication: Vec<String>,
}

/// What a configuration does with key attestations.
#[derive(Clone, Copy, Debug)]
pub struct KeyAttestationPolicy<'p> {
    /// Whose attestations count; without them none is taken, however good it looks.
    pub attesters: Option<&'p Attesters>,
    /// What the metadata demand (KEYATT-04); `None` when a proof needs none.
    pub required: Option<&'p KeyAttestationsRequired>,
    /// Whether proofs of type `attestation` are announced (PROOF-03).
    pub is_proof_type: bool,
}

impl KeyAttestationPolicy<'_> {
    /// No attestations.
    pub const NONE: Self = Self { attesters: None, required: None, is_proof_type: false };
}

/// `proof_types_supported` of a configuration (META-35 to META-38).
#[must_use]
pub fn proof_types_supported(
    algorithms: &[Algorithm],
    policy: KeyAttestationPolicy<'_>,
    takes_di_vp: bool,
) -> Map<String, Value> {
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let required = policy.required.map(|required| json!(required));
    let required = required.map(|required| ("key_attestations_required".to_owned(), required));
    let names = ("proof_signing_alg_values_supported".to_owned(), json!(names));
    let proof_type: Value = [names].into_iter().chain(required).collect();
    let attestation = policy.is_proof_type.then(|| ("attestation".to_owned(), proof_type.clone()));
    let suites = di_vp::cryptosuites(algorithms).into_iter().map(Cryptosuite::name);
    let suites: Vec<&str> = suites.collect();
    let di_vp = json!({ "proof_signing_alg_values_supported": suites });
    let di_vp = takes_di_vp.then(|| ("di_vp".to_owned(), di_vp)); // PROOF-20, PROOF-22
    [("jwt".to_owned(), proof_type)].into_iter().chain(attestation).chain(di_vp).collect()
}

/// How an attestation is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// In the header of a proof that one of its keys signed (VCI §F.1).
    InProof,
    /// In place of a proof (VCI §F.3).
    Alone,
}

/// What an attestation is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyAttestationContext<'c> {
    pub(crate) policy: KeyAttestationPolicy<'c>,
    pub(crate) algorithms: &'c [Algorithm],
    pub(crate) keys_max: usize,
    pub(crate) nonces: Nonces<'c>,
    pub(crate) window_seconds: u64,
    pub(crate) known_entries: &'c KnownEntries,
    pub(crate) now: Timestamp,
}

/// A key that is attested.
#[derive(Clone, Debug)]
pub(crate) struct AttestedKey {
    pub(crate) public_key: PublicKey,
    pub(crate) thumbprint: Thumbprint,
    pub(crate) kid: Option<String>,
}

/// An attestation that claims the right things; whether a trusted attester signed it, only
/// [`KeyAttestation::verify`] says.
#[derive(Debug)]
pub(crate) struct KeyAttestation {
    jws: Jws,
    pub(crate) keys: Vec<AttestedKey>,
    pub(crate) nonce: SpendableNonce,
    status: NamedStatus,
}

impl KeyAttestation {
    /// Reads one and checks what can be checked without a signature (KEYATT-14).
    pub(crate) fn parse(
        jwt: &str,
        usage: Use,
        context: &KeyAttestationContext<'_>,
    ) -> Result<Self, KeyAttestationRefusal> {
        let jws = Jws::parse(jwt, ATTESTATION_BYTES_MAX).map_err(Form::from)?;
        if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
            return Err(KeyAttestationRefusal::WrongType); // KEYATT-05
        }
        if !context.algorithms.contains(&jws.algorithm()) {
            return Err(KeyAttestationRefusal::AlgorithmNotSupported); // PROOF-19, PROOF-26
        }
        let claims = jws.claims().map_err(Form::from)?;
        check_times(&claims, usage, context)?;
        check_levels(&claims, context.policy.required)?;
        let nonce = claims.get("nonce").and_then(Value::as_str);
        let nonce = nonce.ok_or(KeyAttestationRefusal::NoNonce)?; // KEYATT-11
        let nonce = context.nonces.parse(nonce, context.now);
        let nonce = nonce.ok_or(KeyAttestationRefusal::BadNonce)?;
        let status = NamedStatus::of(&claims);
        Ok(Self { keys: attested_keys(&claims, context.keys_max)?, nonce, jws, status })
    }

    /// Whether somebody trusted signed it, and has not withdrawn it (KEYATT-09, KEYATT-14).
    pub(crate) fn verify(
        &self,
        context: &KeyAttestationContext<'_>,
    ) -> Result<(), KeyAttestationRefusal> {
        self.check_attester(context)?;
        self.status.check(context.known_entries).map_err(|fault| match fault {
            StatusFault::Withdrawn => KeyAttestationRefusal::Withdrawn,
            StatusFault::Unknown => KeyAttestationRefusal::UnknownStatus,
        })
    }

    /// The entry of a list that is to be asked for; only of an attestation by somebody trusted.
    pub(crate) fn entry(&self, context: &KeyAttestationContext<'_>) -> Option<StatusReference> {
        let entry = self.status.entry()?;
        self.check_attester(context).ok().map(|()| entry.clone())
    }

    fn check_attester(
        &self,
        context: &KeyAttestationContext<'_>,
    ) -> Result<(), KeyAttestationRefusal> {
        let attesters = context.policy.attesters.ok_or(KeyAttestationRefusal::Untrusted)?;
        attesters.verify(&self.jws, context.now).map(drop).map_err(|distrust| match distrust {
            Distrust::Untrusted => KeyAttestationRefusal::Untrusted,
            Distrust::WrongSignature => KeyAttestationRefusal::WrongSignature,
        })
    }

    /// Whether the key is one of those attested.
    pub(crate) fn attests(&self, key: &PublicKey) -> bool {
        self.keys.iter().any(|attested| attested.public_key == *key)
    }

    /// The key that a `kid` means: the one that bears it, or the one at that place (AMB-05).
    pub(crate) fn named(&self, kid: &str) -> Option<&AttestedKey> {
        let mut bearing = self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid));
        match (bearing.next(), bearing.next()) {
            (Some(key), None) => Some(key),
            (Some(_), Some(_)) => None,
            (None, _) => self.keys.get(kid.parse::<usize>().ok()?),
        }
    }
}

/// KEYATT-07, KEYATT-08: `iat` must be there, and `exp` beside a proof.
fn check_times(
    claims: &Map<String, Value>,
    usage: Use,
    context: &KeyAttestationContext<'_>,
) -> Result<(), KeyAttestationRefusal> {
    let time = |name| optional_time(claims, name);
    let issued_at = time("iat").ok().flatten().ok_or(KeyAttestationRefusal::NoTime)?;
    let not_before = time("nbf").map_err(|NoNumber| KeyAttestationRefusal::NoTime)?;
    if not_before.max(Some(issued_at)) > Some(context.now.plus(context.window_seconds)) {
        return Err(KeyAttestationRefusal::NotYetValid);
    }
    match time("exp").map_err(|NoNumber| KeyAttestationRefusal::NoExpiry)? {
        Some(expires_at) if context.now >= expires_at => Err(KeyAttestationRefusal::Expired),
        None if usage == Use::InProof => Err(KeyAttestationRefusal::NoExpiry),
        Some(_) | None => Ok(()),
    }
}

/// KEYATT-03, KEYATT-09, KEYATT-14, META-38: what the attestation says must be among what is good enough.
fn check_levels(
    claims: &Map<String, Value>,
    required: Option<&KeyAttestationsRequired>,
) -> Result<(), KeyAttestationRefusal> {
    let key_storage = levels(claims, "key_storage")?;
    let user_authentication = levels(claims, "user_authentication")?;
    let Some(required) = required else { return Ok(()) };
    if !is_enough(&required.key_storage, &key_storage) {
        return Err(KeyAttestationRefusal::KeyStorage);
    }
    if !is_enough(&required.user_authentication, &user_authentication) {
        return Err(KeyAttestationRefusal::UserAuthentication);
    }
    Ok(())
}

impl KeyAttestationsRequired {
    /// Whether an attestation of these levels would be good enough: a Wallet knows before it asks.
    #[must_use]
    pub fn is_met(&self, key_storage: &[&str], user_authentication: &[&str]) -> bool {
        is_enough(&self.key_storage, key_storage)
            && is_enough(&self.user_authentication, user_authentication)
    }
}

fn is_enough(good: &[String], found: &[&str]) -> bool {
    good.is_empty() || good.iter().any(|level| found.contains(&level.as_str()))
}

fn levels<'c>(
    claims: &'c Map<String, Value>,
    name: &str,
) -> Result<Vec<&'c str>, KeyAttestationRefusal> {
    let Some(levels) = claims.get(name) else { return Ok(Vec::new()) };
    let levels = levels.as_array().filter(|levels| (1..=LEVELS_MAX).contains(&levels.len()));
    let levels = levels.ok_or(KeyAttestationRefusal::BadLevels)?.iter().map(Value::as_str);
    levels.collect::<Option<_>>().ok_or(KeyAttestationRefusal::BadLevels)
}

/// KEYATT-07: at least one; a key that stands twice counts once (AMB-07).
fn attested_keys(
    claims: &Map<String, Value>,
    keys_max: usize,
) -> Result<Vec<AttestedKey>, KeyAttestationRefusal> {
    let listed = claims.get("attested_keys").and_then(Value::as_array);
    let listed = listed.filter(|keys| !keys.is_empty()).ok_or(KeyAttestationRefusal::NoKeys)?;
    if listed.len() > keys_max {
        return Err(KeyAttestationRefusal::TooManyKeys); // AMB-06, E24
    }
    let mut keys: Vec<AttestedKey> = Vec::new();
    for jwk in listed {
        let public_key = PublicKey::from_jwk(jwk).map_err(Form::from)?;
        let thumbprint = public_key.thumbprint();
        let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        if !keys.iter().any(|key| key.thumbprint == thumbprint) {
            keys.push(AttestedKey { public_key, thumbprint, kid });
        }
    }
    Ok(keys)
}

/// What the provider of a Wallet puts into a key attestation (VCI §D.1).
#[derive(Debug)]
pub struct NewKeyAttestation<'a> {
    /// The keys, all kept in one place (KEYATT-07).
    pub keys: &'a [PublicKey],
    /// Levels of that place; none when nothing is known.
    pub key_storage: &'a [&'a str],
    /// Levels of the authentication before a key is used.
    pub user_authentication: &'a [&'a str],
    /// The `c_nonce` of the issuer (KEYATT-11).
    pub nonce: Option<&'a str>,
    /// `iat`
    pub now: Timestamp,
    /// `exp` (KEYATT-08)
    pub expires_at: Timestamp,
}

impl NewKeyAttestation<'_> {
    /// Makes the JWT; the chain, the signer's certificate first, comes without its anchor (KEYATT-06,
    /// HAIP-33).
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        x5c: Option<&[Vec<u8>]>,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), TYPE.into());
        header.extend(x5c.map(|chain| ("x5c".to_owned(), x509::x5c_to_json(chain))));
        let mut claims = Map::new();
        claims.insert("iat".into(), self.now.0.into());
        claims.insert("exp".into(), self.expires_at.0.into());
        let jwks = self.keys.iter().map(|key| Value::Object(key.to_jwk()));
        claims.insert("attested_keys".into(), jwks.collect());
        let levels =
            [("key_storage", self.key_storage), ("user_authentication", self.user_authentication)];
        for (name, levels) in levels.into_iter().filter(|(_, levels)| !levels.is_empty()) {
            claims.insert(name.into(), levels.iter().copied().collect());
        }
        claims.extend(self.nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}
