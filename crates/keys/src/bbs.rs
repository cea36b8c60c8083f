//! BBS signatures with BLS12-381 and SHA-256 (draft-irtf-cfrg-bbs-signatures): one signature of several
//! messages, of which whoever has it can show some, in a proof that cannot be told to belong to it.
//!
//! The arithmetic is zkryptium's, which nobody has audited, so this is in builds with the feature
//! `bbs-2023` alone (docs/adr/0019). What that library leaves to its caller is done here: lengths,
//! indexes, the number of messages, and values that the draft forbids. It draws the randomness of a
//! proof itself: `rand`'s generator of the thread, `ChaCha12` with a seed of the machine's.

use std::fmt::{self, Debug};

use zeroize::{Zeroize as _, Zeroizing};
use zkryptium::bbsplus::ciphersuites::Bls12381Sha256;
use zkryptium::bbsplus::keys::{BBSplusPublicKey, BBSplusSecretKey};
use zkryptium::keys::pair::KeyPair;
use zkryptium::schemes::algorithms::BBSplus;
use zkryptium::schemes::generics::{PoKSignature, Signature};

use crate::algorithm::Algorithm;
use crate::multibase;
use crate::outside::Random;
use crate::public_key::{KeyError, PublicKey};

type Scheme = BBSplus<Bls12381Sha256>;

/// Length of a signature: a point of G1 and a scalar.
pub const SIGNATURE_BYTES: usize = POINT_BYTES + SCALAR_BYTES;
/// Most messages of one signature: each costs a multiplication, and its generator a hash to the curve.
pub const MESSAGES_MAX: usize = 1024;
/// Length of a public key: a compressed point of G2.
pub const PUBLIC_KEY_BYTES: usize = 96;
/// Compressed, of G1.
const POINT_BYTES: usize = 48;
const SCALAR_BYTES: usize = 32;
/// A proof begins with so many points of G1.
const PROOF_POINTS: usize = 3;
/// Of a proof that shows all messages; one that does not show a message is longer by a scalar.
const PROOF_SCALARS: usize = 4;
/// Bit of the first byte that says: this is the point at infinity.
const INFINITY: u8 = 0x40;
/// Multicodec name of a private key, as the bytes in front of it (`bls12_381-g2-priv`).
const PRIVATE_CODEC: [u8; 2] = [0x8a, 0x26];

/// A private key in memory.
pub struct BbsKey {
    secret: Zeroizing<[u8; SCALAR_BYTES]>,
    public_key: PublicKey,
}

impl BbsKey {
    /// Makes a new key (`KeyGen`) of 64 random bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, BbsError> {
        let mut material = Zeroizing::new([0; 64]);
        random.fill(&mut *material);
        let pair = KeyPair::<Scheme>::generate(&*material, None, None);
        let pair = pair.map_err(|_| BbsError::NotMade)?;
        let secret = Zeroizing::new(pair.private_key().to_bytes());
        wipe(pair.into_parts().0);
        Self::from_secret(secret)
    }

    /// Reads what [`Self::to_multikey`] wrote.
    pub fn from_multikey(text: &str) -> Result<Self, BbsError> {
        let bytes = multibase::decode_base58(text.trim()).map(Zeroizing::new);
        let bytes = bytes.as_ref().and_then(|bytes| bytes.strip_prefix(&PRIVATE_CODEC));
        let secret = bytes.and_then(|bytes| bytes.as_array::<SCALAR_BYTES>());
        Self::from_secret(Zeroizing::new(*secret.ok_or(BbsError::UnreadableKey)?))
    }

    /// The private key as text (`secretKeyMultibase` of a Multikey).
    #[must_use]
    pub fn to_multikey(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new([&PRIVATE_CODEC[..], &*self.secret].concat());
        Zeroizing::new(multibase::encode_base58(&bytes))
    }

    /// What verifies its signatures, and the proofs made of them.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Signs messages, and a header that whoever verifies must know (`Sign`).
    pub fn sign(&self, header: &[u8], messages: &[Vec<u8>]) -> Result<Vec<u8>, BbsError> {
        check_count(messages.len())?;
        let public_key = point_of(&self.public_key)?;
        let secret = read_secret(&self.secret)?;
        let signature =
            Signature::<Scheme>::sign(Some(messages), &secret, &public_key, Some(header));
        wipe(secret);
        signature.map(|signature| signature.to_bytes().to_vec()).map_err(|_| BbsError::NotMade)
    }

    fn from_secret(secret: Zeroizing<[u8; SCALAR_BYTES]>) -> Result<Self, BbsError> {
        let scalar = read_secret(&secret)?;
        let point = scalar.public_key().to_bytes();
        wipe(scalar);
        let public_key = PublicKey::from_raw(Algorithm::Bbs, &point);
        Ok(Self { secret, public_key: public_key.map_err(|_| BbsError::UnreadableKey)? })
    }
}

impl Debug for BbsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BbsKey({:?})", self.public_key)
    }
}

/// A key of zero would sign for everybody.
fn read_secret(secret: &[u8; SCALAR_BYTES]) -> Result<BBSplusSecretKey, BbsError> {
    if is_zero(secret) {
        return Err(BbsError::UnreadableKey);
    }
    BBSplusSecretKey::from_bytes(secret).map_err(|_| BbsError::UnreadableKey)
}

/// The library's own type keeps its bytes when it goes.
fn wipe(mut secret: BBSplusSecretKey) {
    secret.0.zeroize();
}

/// Verifies a signature (`Verify`).
pub fn verify(
    key: &PublicKey,
    signature: &[u8],
    header: &[u8],
    messages: &[Vec<u8>],
) -> Result<(), BbsError> {
    check_count(messages.len())?;
    let public_key = point_of(key)?;
    let signature = signature_of(signature)?;
    let signature = Signature::<Scheme>::from_bytes(signature).map_err(|_| BbsError::Malformed)?;
    let verified = signature.verify(&public_key, Some(messages), Some(header));
    verified.map_err(|_| BbsError::Wrong)
}

/// What a proof is about, beside its messages.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'h> {
    /// What was signed together with the messages.
    pub signed: &'h [u8],
    /// What whoever shows them adds (`ph`).
    pub presentation: &'h [u8],
}

/// Makes a proof of a signature of all `messages`, which shows those at the places `shown`
/// (`ProofGen`). No two proofs can be told to be of one signature.
pub fn prove(
    key: &PublicKey,
    signature: &[u8],
    headers: Headers<'_>,
    messages: &[Vec<u8>],
    shown: &[usize],
) -> Result<Vec<u8>, BbsError> {
    // First whether it is one at all: what is made of another would be refused wherever it is shown.
    verify(key, signature, headers.signed, messages)?;
    check_places(shown, messages.len())?;
    let proof = PoKSignature::<Scheme>::proof_gen(
        &point_of(key)?,
        signature,
        Some(headers.signed),
        Some(headers.presentation),
        Some(messages),
        Some(shown),
    );
    proof.map(|proof| proof.to_bytes()).map_err(|_| BbsError::NotMade)
}

/// Verifies a proof that shows `messages`, which were signed at the places `shown` among others
/// (`ProofVerify`).
pub fn verify_proof(
    key: &PublicKey,
    proof: &[u8],
    headers: Headers<'_>,
    messages: &[Vec<u8>],
    shown: &[usize],
) -> Result<(), BbsError> {
    let hidden = check_proof(proof)?;
    let count = hidden.saturating_add(messages.len());
    check_count(count)?;
    check_places(shown, count)?;
    if shown.len() != messages.len() {
        return Err(BbsError::BadPlaces);
    }
    let proof = PoKSignature::<Scheme>::from_bytes(proof).map_err(|_| BbsError::Malformed)?;
    let verified = proof.proof_verify(
        &point_of(key)?,
        Some(messages),
        Some(shown),
        Some(headers.signed),
        Some(headers.presentation),
    );
    verified.map_err(|_| BbsError::Wrong)
}

/// A compressed point of G2 that may be a public key (`octets_to_pubkey`): on the curve, of the right
/// order, and not at infinity, for which everybody could sign.
pub(crate) fn pairing_point(raw: &[u8]) -> Result<Vec<u8>, KeyError> {
    if raw.len() != PUBLIC_KEY_BYTES {
        return Err(KeyError::WrongLength);
    }
    let is_point = is_finite(raw) && BBSplusPublicKey::from_bytes(raw).is_ok();
    is_point.then(|| raw.to_vec()).ok_or(KeyError::NotOnCurve)
}

/// A public key as `point_to_octets_E2` writes it; `None` of another kind.
#[must_use]
pub fn octets_of(key: &PublicKey) -> Option<&[u8]> {
    (key.algorithm() == Algorithm::Bbs).then(|| key.raw())
}

/// Reads what [`octets_of`] gave.
pub fn key_of(octets: &[u8]) -> Result<PublicKey, BbsError> {
    PublicKey::from_raw(Algorithm::Bbs, octets).map_err(|_| BbsError::OtherKey)
}

fn point_of(key: &PublicKey) -> Result<BBSplusPublicKey, BbsError> {
    if key.algorithm() != Algorithm::Bbs {
        return Err(BbsError::OtherKey);
    }
    BBSplusPublicKey::from_bytes(key.raw()).map_err(|_| BbsError::OtherKey)
}

/// `octets_to_signature` forbids the point at infinity and the scalar zero; the library does not look.
fn signature_of(signature: &[u8]) -> Result<&[u8; SIGNATURE_BYTES], BbsError> {
    let bytes = signature.as_array().ok_or(BbsError::Malformed)?;
    let is_good = signature
        .split_at_checked(POINT_BYTES)
        .is_some_and(|(point, scalar)| is_finite(point) && !is_zero(scalar));
    is_good.then_some(bytes).ok_or(BbsError::Malformed)
}

/// The same for a proof (`octets_to_proof`), and how many messages it does not show.
///
/// Of points at infinity anybody can make a proof of anything, without a signature: both sides of the
/// equation that holds the issuer's key would be nothing. The library does not look.
fn check_proof(proof: &[u8]) -> Result<usize, BbsError> {
    let split = proof.split_at_checked(PROOF_POINTS * POINT_BYTES);
    let (points, scalars) = split.ok_or(BbsError::Malformed)?;
    let scalars = scalars.chunks(SCALAR_BYTES);
    let hidden = scalars.len().checked_sub(PROOF_SCALARS).ok_or(BbsError::Malformed)?;
    let is_good = points.chunks(POINT_BYTES).all(is_finite)
        && scalars.clone().all(|scalar| scalar.len() == SCALAR_BYTES && !is_zero(scalar));
    is_good.then_some(hidden).ok_or(BbsError::Malformed)
}

fn is_finite(point: &[u8]) -> bool {
    point.first().is_some_and(|first| first & INFINITY == 0)
}

fn is_zero(scalar: &[u8]) -> bool {
    scalar.iter().all(|byte| *byte == 0)
}

const fn check_count(messages: usize) -> Result<(), BbsError> {
    if messages <= MESSAGES_MAX { Ok(()) } else { Err(BbsError::TooManyMessages) }
}

/// Places go up, so that none is there twice: the library would drop one, and read on with what
/// belongs to another.
fn check_places(shown: &[usize], count: usize) -> Result<(), BbsError> {
    let is_good =
        shown.is_sorted_by(|one, next| one < next) && shown.last().is_none_or(|last| *last < count);
    is_good.then_some(()).ok_or(BbsError::BadPlaces)
}

/// Why there is no signature or proof, or why one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BbsError {
    /// Not a private key as [`BbsKey::to_multikey`] writes it.
    UnreadableKey,
    /// The key is none of BLS12-381.
    OtherKey,
    /// More than [`MESSAGES_MAX`].
    TooManyMessages,
    /// Places of messages do not go up, are not there, or are not as many as the messages.
    BadPlaces,
    /// Not a signature or proof: too short, too long, or with a value in it that none has.
    Malformed,
    /// It does not fit the key, the headers and the messages.
    Wrong,
    /// The library made none.
    NotMade,
}

impl fmt::Display for BbsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableKey => {
                "not a private key of BLS12-381 (G2) as a Multikey in base58, which begins with z"
            }
            Self::OtherKey => "the key is none of BLS12-381 (G2)",
            Self::TooManyMessages => "too many statements are signed together",
            Self::BadPlaces => "the places of statements do not go up, or are not there",
            Self::Malformed => "not a BBS signature or proof",
            Self::Wrong => "the BBS signature or proof is wrong",
            Self::NotMade => "no BBS key, signature or proof could be made",
        })
    }
}

impl std::error::Error for BbsError {}
