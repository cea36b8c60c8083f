//! Whoever can sign: a key in memory today, a hardware module or a service behind the same trait.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::der::pem::{LineEnding, encode_string};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::public_key::PublicKey;

/// Signs with one key.
#[async_trait]
pub trait Signer: Debug + Send + Sync {
    /// What it signs with.
    fn algorithm(&self) -> Algorithm;

    /// What verifies its signatures.
    fn public_key(&self) -> &PublicKey;

    /// Signs as JOSE wants it: `r || s`, not DER (RFC 7518 §3.4).
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A key that signs where it stands, as certificates and requests for them are made.
pub trait KeyAtHand: Signer {
    /// The same as [`Signer::sign`], to be waited for on this thread.
    fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature, or no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// Not a private key of P-256, P-384, P-521, secp256k1 or Ed25519 in PKCS #8.
    UnreadableKey,
    /// A kind of key that we do not sign with in this way.
    OthersAlgorithm,
    /// The header names another algorithm than that of the key.
    OtherHeader,
    /// The machine or the module could not make a key.
    Generation,
    /// The machine or the module did not sign.
    Signing,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableKey => {
                "not a private key of P-256, P-384, P-521, secp256k1 or Ed25519 in PKCS #8 (BEGIN \
                 PRIVATE KEY)"
            }
            Self::OthersAlgorithm => "a key of RSA or BLS12-381 signs nothing in this way",
            Self::OtherHeader => "the header names another algorithm than the key's",
            Self::Generation => "no key could be made",
            Self::Signing => "the key did not sign",
        })
    }
}

impl std::error::Error for SignError {}

/// A private key in memory.
pub struct SoftwareKey {
    pair: Pair,
    public_key: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SoftwareKey {
    /// Makes a new key, with the randomness of the machine.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let pair = match signing(algorithm)? {
            Some(signing) => EcdsaKeyPair::generate(signing).map(Pair::Ecdsa),
            None => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::of(algorithm, pair.map_err(|_| SignError::Generation)?).ok_or(SignError::Generation)
    }

    /// Reads a private key in PKCS #8.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignError> {
        Algorithm::ALL
            .into_iter()
            .find_map(|algorithm| {
                let pair = match signing(algorithm).ok()? {
                    Some(signing) => EcdsaKeyPair::from_pkcs8(signing, pkcs8).map(Pair::Ecdsa),
                    None => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519),
                };
                Self::of(algorithm, pair.ok()?)
            })
            .ok_or(SignError::UnreadableKey)
    }

    /// Reads the first `PRIVATE KEY` of a PEM file.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        Self::from_pkcs8(key.map_err(|_| SignError::UnreadableKey)?.secret_pkcs8_der())
    }

    /// The private key in PKCS #8.
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The private key as a PEM file.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pem = encode_string("PRIVATE KEY", LineEnding::LF, &self.pkcs8);
        Zeroizing::new(pem.unwrap_or_default()) // fails only for what is longer than memory
    }

    fn of(algorithm: Algorithm, pair: Pair) -> Option<Self> {
        let (public, pkcs8) = match &pair {
            Pair::Ecdsa(pair) => (pair.public_key().as_ref(), pair.to_pkcs8v1()),
            Pair::Ed25519(pair) => (pair.public_key().as_ref(), pair.to_pkcs8v1()),
        };
        let public_key = PublicKey::from_raw(algorithm, public).ok()?;
        let pkcs8 = Zeroizing::new(pkcs8.ok()?.as_ref().to_vec());
        Some(Self { pair, public_key, pkcs8 })
    }
}

/// `None` for Ed25519, which has a type of its own.
const fn signing(
    algorithm: Algorithm,
) -> Result<Option<&'static EcdsaSigningAlgorithm>, SignError> {
    Ok(match algorithm {
        Algorithm::Es256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => Some(&ECDSA_P521_SHA512_FIXED_SIGNING),
        Algorithm::Es256K => Some(&ECDSA_P256K1_SHA256_FIXED_SIGNING),
        Algorithm::EdDsa => None,
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Bbs => {
            return Err(SignError::OthersAlgorithm);
        }
    })
}

#[async_trait]
impl Signer for SoftwareKey {
    fn algorithm(&self) -> Algorithm {
        self.public_key.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign_now(message)
    }
}

impl KeyAtHand for SoftwareKey {
    fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::Ed25519(pair) => pair.try_sign(message),
        };
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| SignError::Signing)
    }
}

impl Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({:?})", self.public_key)
    }
}
