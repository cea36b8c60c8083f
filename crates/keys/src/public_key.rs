//! Public keys: JSON Web Keys (RFC 7517 §4), their thumbprints, and what they verify.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_FIXED,
    ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::base64url;
#[cfg(feature = "bbs-2023")]
use crate::bbs::pairing_point;
use crate::digest::sha256;
use crate::edwards::edwards_point;
use crate::rsa;

/// Members that only private or symmetric keys have (RFC 7518 §6.2.2 and its like for other types).
pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// In front of both coordinates of a point.
const UNCOMPRESSED: u8 = 4;

/// A key that verifies signatures of one algorithm; one of RSA perhaps of two.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// Of an RSA key that says nothing of its algorithm.
    is_for_any_rsa: bool,
    /// The uncompressed point, the 32 bytes of Ed25519, the `RSAPublicKey`, or the compressed point of
    /// BLS12-381.
    raw: Vec<u8>,
}

/// What an RSA key is for is said beside it, and not part of it.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        let same_kind = self.algorithm == other.algorithm
            || (self.algorithm.is_rsa() && other.algorithm.is_rsa());
        same_kind && self.raw == other.raw
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl PublicKey {
    /// Reads a JSON Web Key from a stranger, but none of RSA.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let jwk = jwk.as_object().ok_or(KeyError::Malformed)?;
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyError::PrivateKey);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let algorithm = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => Algorithm::Es256,
            (Some("EC"), Some("P-384")) => Algorithm::Es384,
            (Some("EC"), Some("P-521")) => Algorithm::Es512,
            (Some("EC"), Some("secp256k1")) => Algorithm::Es256K,
            (Some("OKP"), Some("Ed25519")) => Algorithm::EdDsa,
            (None, _) => return Err(KeyError::Malformed),
            (Some(_), _) => return Err(KeyError::UnsupportedKey),
        };
        check_purpose(jwk, algorithm)?;
        let mut raw = Vec::with_capacity(1 + 2 * coordinate_bytes(algorithm));
        for name in coordinates(algorithm) {
            raw.extend(coordinate(text(name), coordinate_bytes(algorithm))?);
        }
        if is_of_two_coordinates(algorithm) {
            raw.insert(0, UNCOMPRESSED);
        }
        Self::from_raw(algorithm, &raw)
    }

    /// Reads a JSON Web Key of a server or an issuer that somebody else runs: it may be of RSA
    /// (RFC 7518 §6.3.1).
    pub fn from_jwk_or_rsa(jwk: &Value) -> Result<Self, KeyError> {
        let members = jwk.as_object().filter(|jwk| jwk.get("kty") == Some(&rsa::KEY_TYPE.into()));
        let Some(members) = members else { return Self::from_jwk(jwk) };
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(KeyError::PrivateKey);
        }
        is_for_signatures(members)?;
        let named = members.get("alg").map(|alg| alg.as_str().and_then(Algorithm::parse_with_rsa));
        let algorithm = match named {
            None => Algorithm::Rs256,
            Some(Some(algorithm)) if algorithm.is_rsa() => algorithm,
            Some(_) => return Err(KeyError::OtherAlgorithm),
        };
        Ok(Self { algorithm, is_for_any_rsa: named.is_none(), raw: rsa::from_jwk(members)? })
    }

    /// Takes an uncompressed or compressed point, the 32 bytes of Ed25519, an `RSAPublicKey`, or a
    /// compressed point of BLS12-381 (G2).
    pub(crate) fn from_raw(algorithm: Algorithm, raw: &[u8]) -> Result<Self, KeyError> {
        let raw = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => rsa::from_der(raw)?,
            Algorithm::EdDsa => edwards_point(raw)?,
            Algorithm::Bbs => pairing_point(raw)?,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 | Algorithm::Es256K => {
                point(algorithm, raw)?
            }
        };
        Ok(Self { algorithm, is_for_any_rsa: algorithm.is_rsa(), raw })
    }

    /// The required members only, in the order of RFC 7638 §3.
    #[must_use]
    pub fn to_jwk(&self) -> Map<String, Value> {
        let mut jwk = Map::new();
        for (name, value) in self.members() {
            jwk.insert(name.to_owned(), value.into());
        }
        jwk
    }

    /// Whether a JSON Web Key is this one, written as [`Self::to_jwk`] writes it.
    #[must_use]
    pub fn is_written_as(&self, jwk: &Map<String, Value>) -> bool {
        let members = self.members();
        let is_there = |(name, value): &(&str, Cow<'_, str>)| {
            jwk.get(*name).and_then(Value::as_str) == Some(value)
        };
        members.len() == jwk.len() && members.iter().all(is_there)
    }

    /// The required members.
    fn members(&self) -> Vec<(&'static str, Cow<'static, str>)> {
        let (kty, crv) = match self.algorithm {
            Algorithm::Es256 => ("EC", Some("P-256")),
            Algorithm::Es384 => ("EC", Some("P-384")),
            Algorithm::Es512 => ("EC", Some("P-521")),
            Algorithm::Es256K => ("EC", Some("secp256k1")),
            Algorithm::EdDsa => ("OKP", Some("Ed25519")),
            Algorithm::Bbs => ("OKP", Some("BLS12381G2")),
            Algorithm::Rs256 | Algorithm::Ps256 => (rsa::KEY_TYPE, None),
        };
        let mut members = Vec::with_capacity(4);
        members.extend(crv.map(|crv| ("crv", crv.into())));
        members.push(("kty", kty.into()));
        if crv.is_some() {
            members.extend(self.named_coordinates());
        } else {
            let numbers = rsa::numbers(&self.raw).into_iter();
            members.extend(numbers.map(|(name, number)| (name, number.into())));
        }
        members
    }

    /// The name of the key that does not depend on how it is written (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(self.to_jwk())
    }

    /// The algorithm that the key verifies; of an RSA key the one that it is for first.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether it may verify this algorithm (RFC 8725 §3.1).
    #[must_use]
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithm == algorithm || (self.is_for_any_rsa && algorithm.is_rsa())
    }

    /// Verifies a signature as JOSE writes it: `r || s`, not DER (RFC 7518 §3.4, RFC 8037 §3.1).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.verify_as(self.algorithm, message, signature)
    }

    /// The same for one of the algorithms that it is for.
    pub(crate) fn verify_as(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyError> {
        if !self.is_for(algorithm) {
            return Err(KeyError::OtherAlgorithm);
        }
        let verification = verification(algorithm).ok_or(KeyError::OtherAlgorithm)?;
        UnparsedPublicKey::new(verification, &self.raw)
            .verify(message, signature)
            .map_err(|_| KeyError::WrongSignature)
    }

    /// As its thumbprint is taken of it.
    pub(crate) fn canonical_jwk(&self) -> String {
        canonical(self.to_jwk())
    }

    /// As did:key holds it: `x` behind a byte that tells the parity of `y`, or what has no `y` as
    /// it is.
    pub(crate) fn compressed(&self) -> Vec<u8> {
        if !is_of_two_coordinates(self.algorithm) {
            return self.raw.clone();
        }
        let parity = self.raw.last().map_or(0, |last| last & 1);
        let x = self.coordinates().iter().take(coordinate_bytes(self.algorithm)).copied();
        std::iter::once(2 + parity).chain(x).collect()
    }

    /// Its coordinates; `y` is `None` for Ed25519, which has one. RSA has none.
    pub(crate) fn x_and_y(&self) -> (&[u8], Option<&[u8]>) {
        let coordinates = self.coordinates();
        match coordinates.split_at_checked(coordinate_bytes(self.algorithm)) {
            Some((x, y)) if !y.is_empty() => (x, Some(y)),
            _ => (coordinates, None),
        }
    }

    /// As certificates hold it.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The coordinate or coordinates, without what stands in front.
    fn coordinates(&self) -> &[u8] {
        match self.raw.split_first() {
            Some((&UNCOMPRESSED, rest)) if is_of_two_coordinates(self.algorithm) => rest,
            _ => &self.raw,
        }
    }

    fn named_coordinates(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let values = self.coordinates().chunks(coordinate_bytes(self.algorithm));
        let named = coordinates(self.algorithm).iter().zip(values);
        named.map(|(name, value)| (*name, base64url::encode(value).into()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.algorithm, self.thumbprint())
    }
}

/// The required members in the order of their names, without white space (RFC 7638 §3).
fn canonical(required: Map<String, Value>) -> String {
    // Sorted here, because a build may make `Map` keep the order of insertion.
    let mut members: Vec<_> = required.into_iter().collect();
    members.sort_by(|left, right| left.0.cmp(&right.0));
    let mut text = String::from("{");
    for (place, (name, value)) in members.iter().enumerate() {
        text.push_str(if place == 0 { "\"" } else { ",\"" });
        text.push_str(name);
        text.push_str("\":");
        text.push_str(&serde_json::to_string(value).unwrap_or_default()); // which writes any value
    }
    text.push('}');
    text
}

/// A key that says what it is for must be for our purpose (RFC 7517 §4.2, RFC 7517 §4.3,
/// RFC 7517 §4.4).
fn check_purpose(jwk: &Map<String, Value>, algorithm: Algorithm) -> Result<(), KeyError> {
    let alg = jwk.get("alg").map(|alg| alg.as_str().and_then(Algorithm::parse));
    if alg.is_some_and(|alg| alg != Some(algorithm)) {
        return Err(KeyError::OtherAlgorithm);
    }
    is_for_signatures(jwk)
}

/// `use` and `key_ops`, where they are.
pub(crate) fn is_for_signatures(jwk: &Map<String, Value>) -> Result<(), KeyError> {
    let verifies = |operations: &Value| {
        operations.as_array().is_some_and(|operations| operations.contains(&"verify".into()))
    };
    let other_use = jwk.get("use").is_some_and(|purpose| purpose != "sig");
    if other_use || jwk.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err(KeyError::NotForSignatures);
    }
    Ok(())
}

const fn coordinates(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 | Algorithm::Es256K => &["x", "y"],
        Algorithm::EdDsa | Algorithm::Bbs => &["x"],
        Algorithm::Rs256 | Algorithm::Ps256 => &[],
    }
}

const fn is_of_two_coordinates(algorithm: Algorithm) -> bool {
    coordinates(algorithm).len() == 2
}

/// RSA has none; its numbers have their own lengths.
const fn coordinate_bytes(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Es256 | Algorithm::Es256K | Algorithm::EdDsa => 32,
        Algorithm::Es384 => 48,
        Algorithm::Es512 => 66,
        Algorithm::Bbs => 96,
        Algorithm::Rs256 | Algorithm::Ps256 => 1,
    }
}

/// Leading zeros belong to a coordinate (RFC 7518 §6.2.1.2).
fn coordinate(text: Option<&str>, length: usize) -> Result<Vec<u8>, KeyError> {
    let bytes = text.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.ok_or(KeyError::Malformed)?;
    if bytes.len() == length { Ok(bytes) } else { Err(KeyError::WrongLength) }
}

/// Refuses points that are not on the curve: they would give away a key that meets them.
fn point(algorithm: Algorithm, raw: &[u8]) -> Result<Vec<u8>, KeyError> {
    let length = coordinate_bytes(algorithm);
    match (raw.first(), raw.len()) {
        (Some(&UNCOMPRESSED), found) if found == 1 + 2 * length => {}
        (Some(2 | 3), found) if found == 1 + length => {}
        _ => return Err(KeyError::WrongLength),
    }
    let verification = verification(algorithm).ok_or(KeyError::UnsupportedKey)?;
    let parsed = ParsedPublicKey::new(verification, raw);
    // The library writes every point uncompressed, at the end of its DER.
    let der = parsed.ok().and_then(|key| key.as_der().ok()).ok_or(KeyError::NotOnCurve)?;
    let start = der.as_ref().len().saturating_sub(1 + 2 * length);
    match der.as_ref().split_at_checked(start) {
        Some((_, point)) if point.first() == Some(&UNCOMPRESSED) => Ok(point.to_vec()),
        _ => Err(KeyError::NotOnCurve),
    }
}

/// Nothing of this program can use such a key.
#[cfg(not(feature = "bbs-2023"))]
const fn pairing_point(_: &[u8]) -> Result<Vec<u8>, KeyError> {
    Err(KeyError::UnsupportedKey)
}

/// BBS is none of one message (`bbs`).
fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
        Algorithm::Es256K => &ECDSA_P256K1_SHA256_FIXED,
        Algorithm::EdDsa => &ED25519,
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Bbs => return None,
    })
}

/// The SHA-256 thumbprint of a key (RFC 7638 §3); written as base64url.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Of the required members of a key.
    pub(crate) fn of(required: Map<String, Value>) -> Self {
        Self(sha256(canonical(required).as_bytes()))
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The same as a URI, which says what it is (RFC 9278 §3).
    #[must_use]
    pub fn to_uri(&self) -> String {
        format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{self}")
    }

    /// The digest itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

/// Why a key is refused, or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not a JSON Web Key: a member is missing or of a wrong type.
    Malformed,
    /// It holds a private or symmetric key.
    PrivateKey,
    /// A type or curve other than P-256, P-384, P-521, secp256k1 and Ed25519.
    UnsupportedKey,
    /// `alg` does not fit the curve.
    OtherAlgorithm,
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    NotForSignatures,
    /// A coordinate is too short or too long.
    WrongLength,
    /// Not a point of the curve, or one that is unsafe.
    NotOnCurve,
    /// An RSA key of a chip whose keys can be computed (CVE-2017-15361).
    Guessable,
    /// The signature does not fit the message and the key.
    WrongSignature,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the key is not a readable JSON Web Key",
            Self::PrivateKey => "the key is a private one: replace it, it is no longer secret",
            Self::UnsupportedKey => "the key must be of P-256, P-384, P-521, secp256k1 or Ed25519",
            Self::OtherAlgorithm => "alg of the key does not fit its curve",
            Self::NotForSignatures => "the key is not meant for signatures",
            Self::WrongLength => "a coordinate of the key has a wrong length",
            Self::NotOnCurve => "the key is not a safe point of its curve",
            Self::Guessable => "the key was made by a faulty chip, and can be guessed: replace it",
            Self::WrongSignature => "the signature is wrong",
        })
    }
}

impl std::error::Error for KeyError {}
