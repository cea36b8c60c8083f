//! `COSE_Sign1`: one signature over bytes, in CBOR (RFC 9052 §4.2).

use std::convert::Infallible;
use std::fmt;

use minicbor::data::Type;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use crate::algorithm::Algorithm;
use crate::cbor::{CborError, Label, Map, encode, encode_with_room};
use crate::public_key::PublicKey;
use crate::signer::{SignError, Signer};
use crate::x509::CHAIN_MAX;

/// Says that a `COSE_Sign1` follows (RFC 9052 §2).
const TAG: u64 = 18;

/// More than what stands around payload and certificates: most signatures, and all lengths.
const FRAME_ROOM: usize = 160;

/// Labels of header parameters: RFC 9052 §3.1, RFC 9596 §2, RFC 9360 §2.
const ALGORITHM: i64 = 1;
const CRITICAL: i64 = 2;
const KID: i64 = 4;
const TYPE: i64 = 16;
const X5CHAIN: i64 = 33;

/// What the headers shall say besides the algorithm.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// What the message is, as a media type.
    pub typ: &'a str,
    /// Certificates, the signer's first, without the anchor.
    pub x5chain: &'a [Vec<u8>],
    /// The name of the key.
    pub kid: &'a str,
}

/// Signs; the chain and the key's name stand unprotected, where most readers look for them, as they
/// only help to find a key.
pub async fn sign(
    header: Header<'_>,
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let algorithm = number(signer.algorithm()).ok_or(SignError::OthersAlgorithm)?;
    let protected = encode(|to| {
        to.map(2)?.i64(ALGORITHM)?.i64(algorithm)?.i64(TYPE)?.str(header.typ)?;
        Ok(())
    });
    let signature = signer.sign(&to_be_signed(&protected, payload)).await?;
    Ok(encode(|to| {
        to.tag(minicbor::data::Tag::new(TAG))?.array(4)?.bytes(&protected)?;
        to.map(2)?.i64(KID)?.bytes(header.kid.as_bytes())?.i64(X5CHAIN)?;
        write_x5chain(to, header.x5chain)?;
        to.bytes(payload)?.bytes(&signature)?;
        Ok(())
    }))
}

/// Signs as an mdoc is signed: untagged, the algorithm alone protected, the chain beside it
/// (RFC 9360 §2).
pub async fn sign_untagged(
    x5chain: &[Vec<u8>],
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let algorithm = number(signer.algorithm()).ok_or(SignError::OthersAlgorithm)?;
    let protected = encode(|to| {
        to.map(1)?.i64(ALGORITHM)?.i64(algorithm)?;
        Ok(())
    });
    let signature = signer.sign(&to_be_signed(&protected, payload)).await?;
    let room = payload.len() + x5chain.iter().map(Vec::len).sum::<usize>() + FRAME_ROOM;
    Ok(encode_with_room(room, |to| {
        to.array(4)?.bytes(&protected)?.map(1)?.i64(X5CHAIN)?;
        write_x5chain(to, x5chain)?;
        to.bytes(payload)?.bytes(&signature)?;
        Ok(())
    }))
}

/// One certificate as it is; an array is for several (RFC 9360 §2).
fn write_x5chain(to: &mut Encoder<Vec<u8>>, x5chain: &[Vec<u8>]) -> Result<(), Error<Infallible>> {
    if let [only] = x5chain {
        to.bytes(only)?;
        return Ok(());
    }
    to.array(x5chain.len() as u64)?;
    for certificate in x5chain {
        to.bytes(certificate)?;
    }
    Ok(())
}

/// RFC 9052 §4.4
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    encode_with_room(payload.len() + FRAME_ROOM, |to| {
        to.array(4)?.str("Signature1")?.bytes(protected)?.bytes(&[])?.bytes(payload)?;
        Ok(())
    })
}

/// The number of an algorithm (RFC 9053 §2.1, RFC 9053 §2.2, RFC 8812 §3.2); BBS has none.
#[must_use]
pub const fn number(algorithm: Algorithm) -> Option<i64> {
    Some(match algorithm {
        Algorithm::Es256 => -7,
        Algorithm::Es384 => -35,
        Algorithm::Es512 => -36,
        Algorithm::Es256K => -47,
        Algorithm::EdDsa => -8,
        Algorithm::Ps256 => -37,
        Algorithm::Rs256 => -257,
        Algorithm::Bbs => return None,
    })
}

/// RFC 9053 §2.1, RFC 9053 §2.2, RFC 8812 §3.2, and the names of RFC 9864 §2 for the same
/// algorithms. None of RSA.
#[must_use]
pub const fn algorithm(number: i64) -> Option<Algorithm> {
    match number {
        -7 | -9 => Some(Algorithm::Es256),
        -35 | -51 => Some(Algorithm::Es384),
        -36 | -52 => Some(Algorithm::Es512),
        -47 => Some(Algorithm::Es256K),
        -8 | -19 => Some(Algorithm::EdDsa),
        _ => None,
    }
}

/// A signature that was read and not yet verified.
#[derive(Clone, Debug)]
pub struct Sign1 {
    algorithm: Algorithm,
    protected: Vec<u8>,
    typ: Option<String>,
    kid: Option<Vec<u8>>,
    x5chain: Option<Vec<Vec<u8>>>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Sign1 {
    /// Reads a tagged `COSE_Sign1` of at most `bytes_max` bytes, with its payload inside.
    pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Self, CoseError> {
        if bytes.len() > bytes_max {
            return Err(CoseError::TooLong);
        }
        Self::of(&Parts::read(bytes)?)
    }

    /// Reads a `COSE_Sign1` that stands in an mdoc: without the tag, which some write all the same.
    pub fn parse_untagged(bytes: &[u8], bytes_max: usize) -> Result<Self, CoseError> {
        if bytes.len() > bytes_max {
            return Err(CoseError::TooLong);
        }
        let is_tagged = Decoder::new(bytes).datatype().is_ok_and(|found| found == Type::Tag);
        Self::of(&if is_tagged { Parts::read(bytes)? } else { Parts::read_untagged(bytes, 0)? })
    }

    fn of(parts: &Parts<'_>) -> Result<Self, CoseError> {
        let protected = Map::parse(parts.protected)?;
        let one_of_both = |label| match (protected.get(label), parts.unprotected.get(label)) {
            (Some(_), Some(_)) => Err(CoseError::Malformed),
            (one, other) => Ok(one.or(other)),
        };
        if one_of_both(Label::Number(CRITICAL))?.is_some() {
            return Err(CoseError::CriticalHeader);
        }
        let kid = one_of_both(Label::Number(KID))?;
        let kid = kid.map(|kid| Decoder::new(kid).bytes()).transpose();
        let x5chain = one_of_both(Label::Number(X5CHAIN))?.map(x5chain).transpose()?;
        Ok(Self {
            algorithm: protected_algorithm(&protected)?,
            typ: protected_type(&protected)?,
            kid: kid.map_err(|_| CoseError::Malformed)?.map(<[u8]>::to_vec),
            x5chain,
            protected: parts.protected.to_vec(),
            payload: parts.payload.to_vec(),
            signature: parts.signature.to_vec(),
        })
    }

    /// What the message says it is; only what is signed counts.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> Option<&[u8]> {
        self.kid.as_deref()
    }

    /// Certificates, the signer's first: they may help to find a key, never say which to trust.
    #[must_use]
    pub fn x5chain(&self) -> Option<&[Vec<u8>]> {
        self.x5chain.as_deref()
    }

    /// What was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Verifies; the key decides on the algorithm, the header must agree.
    pub fn verify(&self, key: &PublicKey) -> Result<(), CoseError> {
        if self.algorithm != key.algorithm() {
            return Err(CoseError::WrongSignature);
        }
        key.verify(&to_be_signed(&self.protected, &self.payload), &self.signature)
            .map_err(|_| CoseError::WrongSignature)
    }
}

struct Parts<'b> {
    protected: &'b [u8],
    unprotected: Map<'b>,
    payload: &'b [u8],
    signature: &'b [u8],
}

impl<'b> Parts<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, CborError> {
        let mut decoder = Decoder::new(bytes);
        if decoder.tag()?.as_u64() != TAG {
            return Err(CborError);
        }
        Self::read_untagged(bytes, decoder.position())
    }

    fn read_untagged(bytes: &'b [u8], start: usize) -> Result<Self, CborError> {
        let mut decoder = Decoder::new(bytes);
        decoder.set_position(start);
        if decoder.array()? != Some(4) {
            return Err(CborError);
        }
        let parts = Self {
            protected: decoder.bytes()?,
            unprotected: Map::read(&mut decoder)?,
            payload: decoder.bytes()?,
            signature: decoder.bytes()?,
        };
        if decoder.position() == bytes.len() { Ok(parts) } else { Err(CborError) }
    }
}

fn protected_algorithm(protected: &Map<'_>) -> Result<Algorithm, CoseError> {
    let value = protected.get(Label::Number(ALGORITHM)).ok_or(CoseError::UnknownAlgorithm)?;
    let number = Decoder::new(value).i64().map_err(|_| CoseError::UnknownAlgorithm)?;
    algorithm(number).ok_or(CoseError::UnknownAlgorithm)
}

/// A number would be one of the registry of CoAP, which has none that we know.
fn protected_type(protected: &Map<'_>) -> Result<Option<String>, CoseError> {
    let text = protected.text(Label::Number(TYPE)).map_err(|_| CoseError::Malformed)?;
    Ok(text.map(str::to_owned))
}

/// One certificate, or an array of several (RFC 9360 §2).
fn x5chain(value: &[u8]) -> Result<Vec<Vec<u8>>, CborError> {
    let mut decoder = Decoder::new(value);
    if decoder.datatype()? == Type::Bytes {
        return Ok(vec![decoder.bytes()?.to_vec()]);
    }
    let is_fine = |count: &u64| (1..=CHAIN_MAX as u64).contains(count);
    let count = decoder.array()?.filter(is_fine).ok_or(CborError)?;
    (0..count).map(|_| Ok(decoder.bytes()?.to_vec())).collect()
}

/// Labels of a `COSE_Key`: RFC 9052 §7.1, RFC 9053 §7.1.
const KEY_TYPE: i64 = 1;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const OKP: u64 = 1;
const EC2: u64 = 2;
const RSA: u64 = 3;

/// Key type and curve (RFC 9053 §7.1, RFC 8812 §3.1); those of RSA and BLS12-381 have no place in
/// what we read.
const fn curve(algorithm: Algorithm) -> (u64, u64) {
    match algorithm {
        Algorithm::Es256 => (EC2, 1),
        Algorithm::Es384 => (EC2, 2),
        Algorithm::Es512 => (EC2, 3),
        Algorithm::Es256K => (EC2, 8),
        Algorithm::EdDsa => (OKP, 6),
        Algorithm::Rs256 | Algorithm::Ps256 => (RSA, 0),
        Algorithm::Bbs => (OKP, 0),
    }
}

/// Writes a public key, the required members alone.
pub fn write_key(to: &mut Encoder<Vec<u8>>, key: &PublicKey) -> Result<(), Error<Infallible>> {
    let (kty, crv) = curve(key.algorithm());
    let (x, y) = key.x_and_y();
    to.map(if y.is_some() { 4 } else { 3 })?;
    to.i64(KEY_TYPE)?.u64(kty)?.i64(CURVE)?.u64(crv)?.i64(X)?.bytes(x)?;
    if let Some(y) = y {
        to.i64(Y)?.bytes(y)?;
    }
    Ok(())
}

/// Reads a public key; a point may tell the parity of `y` alone (RFC 9053 §7.1.1).
pub fn read_key(bytes: &[u8]) -> Result<PublicKey, CoseError> {
    let map = Map::parse(bytes)?;
    let number = |label| map.number(Label::Number(label));
    let pair = (number(KEY_TYPE)?, number(CURVE)?);
    let algorithm = Algorithm::ALL.into_iter().find(|one| {
        let (kty, crv) = curve(*one);
        pair == (Some(kty), Some(crv))
    });
    let algorithm = algorithm.ok_or(CoseError::UnknownAlgorithm)?;
    let x = map.bytes(Label::Number(X))?.ok_or(CoseError::Malformed)?;
    let raw = if algorithm == Algorithm::EdDsa {
        x.to_vec()
    } else {
        let y = map.get(Label::Number(Y)).ok_or(CoseError::Malformed)?;
        let mut y = Decoder::new(y);
        if y.datatype().map_err(CborError::from)? == Type::Bool {
            let is_odd = y.bool().map_err(CborError::from)?;
            [&[2 + u8::from(is_odd)], x].concat()
        } else {
            [&[4], x, y.bytes().map_err(CborError::from)?].concat()
        }
    };
    PublicKey::from_raw(algorithm, &raw).map_err(|_| CoseError::Malformed)
}

/// Why a `COSE_Sign1` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoseError {
    /// Longer than the caller allows.
    TooLong,
    /// Not a tagged `COSE_Sign1` with a payload.
    Malformed,
    /// The signature would mean something that we do not know (RFC 9052 §3.1).
    CriticalHeader,
    /// None of ours, or not where the signature covers it.
    UnknownAlgorithm,
    /// The signature does not fit the key.
    WrongSignature,
}

impl From<CborError> for CoseError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl fmt::Display for CoseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the COSE message is too long",
            Self::Malformed => "this is not a tagged COSE_Sign1 with its payload",
            Self::CriticalHeader => "the COSE message has crit, which is not supported",
            Self::UnknownAlgorithm => {
                "alg of the COSE message must be ES256, ES384, ES512, ES256K or EdDSA"
            }
            Self::WrongSignature => "the signature is wrong",
        })
    }
}

impl std::error::Error for CoseError {}
