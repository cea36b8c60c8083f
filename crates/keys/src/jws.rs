//! JSON Web Signatures in compact form (RFC 7515 §7.1).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::public_key::PublicKey;
use crate::signer::{SignError, Signer};
use crate::{base64url, json};

/// The three parts, decoded; nobody has looked at `alg`.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    header: Map<String, Value>,
    signing_input: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Parts {
    /// Reads a compact JWS of at most `bytes_max` bytes.
    pub(crate) fn parse(text: &str, bytes_max: usize) -> Result<Self, JwsError> {
        if text.len() > bytes_max {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        let header = json::parse_object(&decode(header)?).map_err(|_| JwsError::Malformed)?;
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(JwsError::CriticalHeader);
        }
        Ok(Self {
            header,
            payload: decode(payload)?, // a fourth part would bring a dot into it
            signature: decode(signature)?,
            signing_input: signing_input.to_owned(),
        })
    }

    pub(crate) const fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// `alg`, unless it is of a kind that nobody takes.
    pub(crate) fn algorithm_name(&self) -> Result<&str, JwsError> {
        let name = self.header.get("alg").and_then(Value::as_str).ok_or(JwsError::Malformed)?;
        if name.eq_ignore_ascii_case("none") {
            return Err(JwsError::NoneAlgorithm);
        }
        if name.starts_with("HS") {
            return Err(JwsError::MacAlgorithm);
        }
        Ok(name)
    }

    pub(crate) fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        json::parse_object(&self.payload).map_err(|_| JwsError::Malformed)
    }

    /// What was signed, and the signature.
    pub(crate) fn signed(&self) -> (&[u8], &[u8]) {
        (self.signing_input.as_bytes(), &self.signature)
    }
}

/// A signature that was read and not yet verified.
#[derive(Clone, Debug)]
pub struct Jws {
    parts: Parts,
    algorithm: Algorithm,
}

impl Jws {
    /// Reads a compact JWS of at most `bytes_max` bytes, of one of our own algorithms.
    pub fn parse(text: &str, bytes_max: usize) -> Result<Self, JwsError> {
        let parts = Parts::parse(text, bytes_max)?;
        let name = parts.algorithm_name()?;
        let refused = || JwsError::UnknownAlgorithm(RefusedAlgorithm::of(name));
        Ok(Self { algorithm: Algorithm::parse(name).ok_or_else(refused)?, parts })
    }

    /// The same for what somebody else's server or issuer has signed, perhaps with RSA.
    pub fn parse_with_rsa(text: &str, bytes_max: usize) -> Result<Self, JwsError> {
        let parts = Parts::parse(text, bytes_max)?;
        let name = parts.algorithm_name()?;
        let refused = || JwsError::UnknownAlgorithm(RefusedAlgorithm::of_rsa_too(name));
        Ok(Self { algorithm: Algorithm::parse_with_rsa(name).ok_or_else(refused)?, parts })
    }

    /// The header: it may say which key to look for, never which key to trust.
    #[must_use]
    pub const fn header(&self) -> &Map<String, Value> {
        self.parts.header()
    }

    /// What the header claims to be signed with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.parts.payload
    }

    /// The payload of a JWT: one JSON object (RFC 7519 §7.2).
    pub fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        self.parts.claims()
    }

    /// Verifies; the key decides on the algorithm, the header must agree (RFC 8725 §3.1).
    pub fn verify(&self, key: &PublicKey) -> Result<(), JwsError> {
        if !key.is_for(self.algorithm) {
            return Err(JwsError::WrongAlgorithm);
        }
        let (message, signature) = self.parts.signed();
        key.verify_as(self.algorithm, message, signature).map_err(|_| JwsError::WrongSignature)
    }
}

/// A header, written once for all that is signed under it: one with certificates is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedHeader {
    algorithm: Algorithm,
    /// In base64url.
    text: String,
}

impl ProtectedHeader {
    /// Writes it for a key of this algorithm; `alg` is added.
    #[must_use]
    pub fn new(mut header: Map<String, Value>, algorithm: Algorithm) -> Self {
        header.insert("alg".into(), algorithm.name().into());
        Self { algorithm, text: BASE64_URL_SAFE_NO_PAD.encode(json::text(&header)) }
    }
}

/// Signs a payload; `alg` is added to the header.
pub async fn sign(
    header: Map<String, Value>,
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<String, SignError> {
    sign_under(&ProtectedHeader::new(header, signer.algorithm()), (payload, 0), signer).await
}

/// The same under a header that was written before, for this key or one like it; with room for so many
/// bytes behind it, where something is to follow.
pub async fn sign_under(
    header: &ProtectedHeader,
    (payload, room): (&[u8], usize),
    signer: &dyn Signer,
) -> Result<String, SignError> {
    if header.algorithm != signer.algorithm() {
        return Err(SignError::OtherHeader);
    }
    let length = header.text.len() + encoded(payload.len()) + SIGNATURE;
    let mut text = String::with_capacity(length + room);
    text.push_str(&header.text);
    text.push('.');
    base64url::push(payload, &mut text);
    let signature = signer.sign(text.as_bytes()).await?;
    text.push('.');
    base64url::push(&signature, &mut text);
    Ok(text)
}

/// Room for most signatures, and for what stands between the parts.
const SIGNATURE: usize = 96;

/// About how long bytes are in base64url, for memory to be asked for once.
const fn encoded(bytes: usize) -> usize {
    bytes / 3 * 4 + 4
}

/// Without padding, white space and stray bits: one text for each value (RFC 7515 §2).
fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed)
}

/// Why a JWS is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than the caller allows.
    TooLong,
    /// Not three parts of base64url, or no JSON object where one must be.
    Malformed,
    /// `crit` or `b64`: the signature would mean something that we do not know
    /// (RFC 7515 §4.1.11, RFC 7797).
    CriticalHeader,
    /// `none`: no signature at all (RFC 8725 §3.2).
    NoneAlgorithm,
    /// A shared secret; taken for one, our public key would let anybody sign (RFC 8725 §2.1).
    MacAlgorithm,
    /// None of those that are taken there.
    UnknownAlgorithm(RefusedAlgorithm),
    /// Not the algorithm of the key.
    WrongAlgorithm,
    /// The signature does not fit.
    WrongSignature,
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the JWT is too long",
            Self::Malformed => "the JWT is not three parts of base64url that hold JSON",
            Self::CriticalHeader => "the JWT has crit or b64, which are not supported",
            Self::NoneAlgorithm => "the JWT is not signed: alg is none",
            Self::MacAlgorithm => "the JWT is made with a shared secret: use an asymmetric key",
            Self::UnknownAlgorithm(refused) => return refused.fmt(f),
            Self::WrongAlgorithm => "alg is not the algorithm of the key",
            Self::WrongSignature => "the signature is wrong",
        })
    }
}

impl std::error::Error for JwsError {}

/// Most of a name that is told: those of algorithms that exist are shorter.
const NAME_BYTES_MAX: usize = 24;

/// What somebody wrote as `alg`, and what it could have been: cut, and with nothing in it that nobody
/// sees, as a stranger wrote it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefusedAlgorithm {
    name: [u8; NAME_BYTES_MAX],
    length: usize,
    is_rsa_taken: bool,
}

impl RefusedAlgorithm {
    /// Where our own algorithms are taken.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut kept = [0; NAME_BYTES_MAX];
        for (kept, byte) in kept.iter_mut().zip(name.bytes()) {
            *kept = if byte.is_ascii_graphic() { byte } else { b'?' };
        }
        Self { name: kept, length: name.len(), is_rsa_taken: false }
    }

    /// Where those of RSA are, too.
    #[must_use]
    pub fn of_rsa_too(name: &str) -> Self {
        Self { is_rsa_taken: true, ..Self::of(name) }
    }

    fn name(&self) -> &str {
        let name = self.name.get(..self.length.min(NAME_BYTES_MAX)).unwrap_or_default();
        str::from_utf8(name).unwrap_or_default()
    }
}

impl fmt::Display for RefusedAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = if self.length > NAME_BYTES_MAX { "…" } else { "" };
        let taken = if self.is_rsa_taken {
            "ES256, ES384, ES512, ES256K, EdDSA, RS256 or PS256"
        } else {
            "ES256, ES384, ES512, ES256K or EdDSA"
        };
        write!(f, "alg is \"{}{cut}\", which is not taken: it must be {taken}", self.name())
    }
}

impl fmt::Debug for RefusedAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
