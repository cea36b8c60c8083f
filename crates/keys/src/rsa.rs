//! RSA keys of others: they verify, and nothing of ours is signed with one (RFC 7518 §3.3,
//! RFC 7518 §3.5).
//!
//! Authorization servers and providers of sign-ins sign with RSA by default; wallets and
//! credentials never do, so that [`crate::public_key::PublicKey`] knows nothing of it.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::public_key::{KeyError, PRIVATE_MEMBERS, is_for_signatures};

/// `kty` of an RSA key.
pub(crate) const KEY_TYPE: &str = "RSA";
/// Shortest and longest modulus, in bytes (RFC 7518 §3.3 forbids shorter ones; longer ones cost
/// us).
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Longest exponent, in bytes; nearly every key has 65537.
const EXPONENT_BYTES_MAX: usize = 4;

/// The algorithms of RSA that we verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaAlgorithm {
    /// PKCS #1 v1.5 with SHA-256: what most providers sign with.
    Rs256,
    /// PSS with SHA-256.
    Ps256,
}

impl RsaAlgorithm {
    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// Reads `alg`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Ps256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    const fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
        }
    }
}

/// A key that verifies RSA signatures.
#[derive(Clone)]
pub struct RsaPublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    /// Set when the key says what it is for; else it is good for both.
    algorithm: Option<RsaAlgorithm>,
}

impl RsaPublicKey {
    /// Reads a JSON Web Key from a stranger (RFC 7518 §6.3.1).
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyError::PrivateKey);
        }
        if jwk.get("kty").and_then(Value::as_str) != Some(KEY_TYPE) {
            return Err(KeyError::UnsupportedKey);
        }
        is_for_signatures(jwk)?;
        let algorithm = match jwk.get("alg").map(|alg| alg.as_str().and_then(RsaAlgorithm::parse)) {
            None => None,
            Some(Some(algorithm)) => Some(algorithm),
            Some(None) => return Err(KeyError::OtherAlgorithm),
        };
        let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
        let fits = MODULUS_BYTES.contains(&modulus.len())
            && (1..=EXPONENT_BYTES_MAX).contains(&exponent.len());
        if fits { Ok(Self { modulus, exponent, algorithm }) } else { Err(KeyError::WrongLength) }
    }

    /// Whether it may verify this algorithm (RFC 8725 §3.1).
    #[must_use]
    pub fn is_for(&self, algorithm: RsaAlgorithm) -> bool {
        self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Verifies a signature.
    pub fn verify(
        &self,
        algorithm: RsaAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyError> {
        if !self.is_for(algorithm) {
            return Err(KeyError::OtherAlgorithm);
        }
        PublicKeyComponents { n: &self.modulus, e: &self.exponent }
            .verify(algorithm.parameters(), message, signature)
            .map_err(|_| KeyError::WrongSignature)
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({} bits)", self.modulus.len() * 8)
    }
}

/// A number without zeros in front (RFC 7518 §2, `Base64urlUInt`); those that some write are cut.
fn number(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, KeyError> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Malformed)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}
