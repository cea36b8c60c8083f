//! Public keys on a curve (RFC 7518 §6.2.1, RFC 8037 §2).

use aws_lc_rs::agreement::{
    self, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, UnparsedPublicKey, X25519,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::EncryptionKeyError;
use crate::public_key::PRIVATE_MEMBERS;

/// In front of both coordinates of a point.
const UNCOMPRESSED: u8 = 4;

/// The curves of keys that encrypt.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Curve {
    /// NIST P-256
    P256,
    /// NIST P-384
    P384,
    /// NIST P-521
    P521,
    /// Curve25519
    X25519,
}

impl Curve {
    /// All that we know.
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::X25519];

    /// The value of `crv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    const fn kty(self) -> &'static str {
        match self {
            Self::P256 | Self::P384 | Self::P521 => "EC",
            Self::X25519 => "OKP",
        }
    }

    const fn coordinates(self) -> &'static [&'static str] {
        match self {
            Self::P256 | Self::P384 | Self::P521 => &["x", "y"],
            Self::X25519 => &["x"],
        }
    }

    const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(super) const fn agreement(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
            Self::X25519 => &X25519,
        }
    }
}

/// A point that lies on its curve; a point elsewhere would give away the key that meets it
/// (catalogue H05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    curve: Curve,
    /// The uncompressed point, or the 32 bytes of X25519.
    raw: Vec<u8>,
}

impl Point {
    /// Reads `kty`, `crv` and the coordinates of a JSON Web Key from a stranger.
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, EncryptionKeyError> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(EncryptionKeyError::PrivateKey);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let kty = text("kty").ok_or(EncryptionKeyError::Malformed)?;
        let curve = Curve::ALL
            .into_iter()
            .find(|curve| curve.kty() == kty && text("crv") == Some(curve.name()))
            .ok_or(EncryptionKeyError::UnsupportedCurve)?;
        let mut raw = Vec::new();
        if curve.kty() == "EC" {
            raw.push(UNCOMPRESSED);
        }
        for name in curve.coordinates() {
            let bytes = text(name).and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            let bytes = bytes.ok_or(EncryptionKeyError::Malformed)?;
            if bytes.len() != curve.coordinate_bytes() {
                return Err(EncryptionKeyError::WrongLength); // leading zeros belong to it
            }
            raw.extend(bytes);
        }
        Self::from_raw(curve, &raw).ok_or(EncryptionKeyError::NotOnCurve)
    }

    pub(super) fn from_raw(curve: Curve, raw: &[u8]) -> Option<Self> {
        let point = Self { curve, raw: raw.to_vec() };
        ParsedPublicKey::try_from(point.unparsed()).ok()?;
        Some(point)
    }

    /// The required members only.
    pub(super) fn to_jwk(&self) -> Map<String, Value> {
        let Self { curve, raw } = self;
        let coordinates = match raw.split_first() {
            Some((_, rest)) if curve.kty() == "EC" => rest,
            _ => raw,
        };
        let values = coordinates.chunks(curve.coordinate_bytes());
        let values = values.map(|value| BASE64_URL_SAFE_NO_PAD.encode(value));
        let named = curve.coordinates().iter().map(|name| (*name).to_owned()).zip(values);
        [("kty".to_owned(), curve.kty().to_owned()), ("crv".to_owned(), curve.name().to_owned())]
            .into_iter()
            .chain(named)
            .map(|(name, value)| (name, value.into()))
            .collect()
    }

    pub(super) const fn curve(&self) -> Curve {
        self.curve
    }

    pub(super) fn unparsed(&self) -> UnparsedPublicKey<&[u8]> {
        UnparsedPublicKey::new(self.curve.agreement(), &self.raw)
    }
}
