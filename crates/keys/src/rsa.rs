//! RSA keys of others: they verify, and nothing of ours is signed with one (RFC 7518 §3.3,
//! RFC 7518 §3.5).
//!
//! Authorization servers, providers of sign-ins and old issuers sign with RSA; wallets and keys of
//! holders never do. A key is kept as certificates and did:key hold it: `RSAPublicKey` in DER
//! (RFC 8017 §A.1.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use der::asn1::UintRef;
use der::{Decode as _, Encode as _, Sequence};
use serde_json::{Map, Value};

use crate::public_key::KeyError;

/// `kty` of an RSA key.
pub(crate) const KEY_TYPE: &str = "RSA";
/// Shortest and longest modulus, in bytes (RFC 7518 §3.3 forbids shorter ones; longer ones cost
/// us).
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Longest exponent, in bytes; nearly every key has 65537.
const EXPONENT_BYTES_MAX: usize = 4;

#[derive(Sequence)]
struct RsaPublicKey<'k> {
    modulus: UintRef<'k>,
    exponent: UintRef<'k>,
}

/// What an RSA key of a JSON Web Key is as DER (RFC 7518 §6.3.1).
pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Vec<u8>, KeyError> {
    let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
    check(&modulus, &exponent)?;
    let number = |bytes| UintRef::new(bytes).map_err(|_| KeyError::Malformed);
    let key = RsaPublicKey { modulus: number(&modulus)?, exponent: number(&exponent)? };
    key.to_der().map_err(|_| KeyError::Malformed)
}

/// Takes DER in its one spelling.
pub(crate) fn from_der(der: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = RsaPublicKey::from_der(der).map_err(|_| KeyError::Malformed)?;
    check(key.modulus.as_bytes(), key.exponent.as_bytes())?;
    Ok(der.to_vec())
}

/// `e` and `n` of such DER, as JOSE writes them.
pub(crate) fn numbers(der: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(key) = RsaPublicKey::from_der(der) else { return Vec::new() }; // read before
    let text = |number: UintRef<'_>| BASE64_URL_SAFE_NO_PAD.encode(number.as_bytes());
    vec![("e", text(key.exponent)), ("n", text(key.modulus))]
}

fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    let fits = MODULUS_BYTES.contains(&modulus.len())
        && (1..=EXPONENT_BYTES_MAX).contains(&exponent.len());
    if !fits {
        return Err(KeyError::WrongLength);
    }
    if is_of_the_broken_chip(modulus) { Err(KeyError::Guessable) } else { Ok(()) }
}

/// Primes by which 65537 leaves not every power.
const TELLING_PRIMES: [u32; 17] =
    [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether the private half can be computed, as a chip of cards and passports chose its primes badly
/// (CVE-2017-15361): by each of these primes the modulus leaves a power of 65537. Of other keys one in
/// two hundred million does.
fn is_of_the_broken_chip(modulus: &[u8]) -> bool {
    TELLING_PRIMES.iter().all(|prime| {
        let left = modulus.iter().fold(0, |left, byte| (left * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (1..*prime).any(|_| {
            power = power * (65537 % prime) % prime;
            power == left
        })
    })
}

/// A number without zeros in front (RFC 7518 §2, `Base64urlUInt`); those that some write are cut.
fn number(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, KeyError> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Malformed)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Malformed)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}
