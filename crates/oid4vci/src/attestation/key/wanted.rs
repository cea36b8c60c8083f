//! Step 12: whether an attestation that a Wallet got from its provider is the one that the issuer
//! wants (VCI §D.1). An issuer would refuse any other, and its nonce would be gone.

use keys::algorithm::Algorithm;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use serde_json::Value;

use super::{
    ATTESTATION_BYTES_MAX, KeyAttestationRefusal, KeyAttestationsRequired, TYPE, check_levels,
};
use crate::claims::{NoNumber, optional_time};
use crate::form::Form;

/// An attestation as an issuer wants it.
#[derive(Clone, Copy, Debug)]
pub struct WantedKeyAttestation<'w> {
    /// Whom it is for.
    pub credential_issuer: &'w str,
    /// The keys that it is to attest, all of them (KEYATT-07).
    pub keys: &'w [PublicKey],
    /// The `c_nonce` that must stand in it, where the issuer gave one (KEYATT-11).
    pub nonce: Option<&'w str>,
    /// Algorithms that it may be signed with (PROOF-19, PROOF-26).
    pub algorithms: &'w [Algorithm],
    /// Levels that are good enough (META-38).
    pub required: &'w KeyAttestationsRequired,
    /// Whether it stands in place of a proof; in the header of one it must have `exp` (KEYATT-08).
    pub is_alone: bool,
}

impl WantedKeyAttestation<'_> {
    /// Whether it is this one; who signed it, the issuer judges.
    pub fn check(&self, jwt: &str, now: Timestamp) -> Result<(), KeyAttestationRefusal> {
        let jws = Jws::parse(jwt, ATTESTATION_BYTES_MAX).map_err(Form::from)?;
        if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
            return Err(KeyAttestationRefusal::WrongType); // KEYATT-05
        }
        if !self.algorithms.contains(&jws.algorithm()) {
            return Err(KeyAttestationRefusal::AlgorithmNotSupported);
        }
        let claims = jws.claims().map_err(Form::from)?;
        if optional_time(&claims, "iat").ok().flatten().is_none() {
            return Err(KeyAttestationRefusal::NoTime); // KEYATT-07
        }
        let expires_at = optional_time(&claims, "exp");
        match expires_at.map_err(|NoNumber| KeyAttestationRefusal::NoExpiry)? {
            Some(expires_at) if now >= expires_at => return Err(KeyAttestationRefusal::Expired),
            None if !self.is_alone => return Err(KeyAttestationRefusal::NoExpiry),
            Some(_) | None => {}
        }
        check_levels(&claims, Some(self.required))?;
        match (claims.get("nonce").and_then(Value::as_str), self.nonce) {
            (None, Some(_)) => return Err(KeyAttestationRefusal::NoNonce),
            (given, Some(_)) if given != self.nonce => return Err(KeyAttestationRefusal::BadNonce),
            _ => {}
        }
        self.check_keys(claims.get("attested_keys"))
    }

    /// No key of another, and none too few: each becomes a credential (PROOF-18).
    fn check_keys(&self, attested_keys: Option<&Value>) -> Result<(), KeyAttestationRefusal> {
        let listed = attested_keys.and_then(Value::as_array);
        let listed = listed.ok_or(KeyAttestationRefusal::NoKeys)?;
        let attested: Vec<PublicKey> =
            listed.iter().map(PublicKey::from_jwk).collect::<Result<_, _>>().map_err(Form::from)?;
        let has = |keys: &[PublicKey], wanted: &PublicKey| keys.iter().any(|key| key == wanted);
        let is_complete = self.keys.iter().all(|key| has(&attested, key));
        let is_alone = attested.iter().all(|key| has(self.keys, key));
        if is_complete && is_alone { Ok(()) } else { Err(KeyAttestationRefusal::OtherKey) }
    }
}
