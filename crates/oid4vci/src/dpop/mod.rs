//! DPoP: a token is bound to a key, and every request that brings it proves that key (RFC 9449).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::{PublicKey, Thumbprint};
use serde_json::{Map, Value};

use crate::claims::{jti, seconds};
use crate::form::Form;
use crate::nonce::Nonces;
use crate::replay::{UsedJti, span_seconds};
use crate::secret::{AccessToken, SecretDigest};

mod address;
mod make;
mod refusal;

pub use make::{NewDpopProof, received_nonce, wants_nonce};
pub use refusal::DpopRefusal;

/// The header of a request that carries the proof (RFC 9449 §4.1).
pub const HEADER: &str = "DPoP";
/// The header of an answer that carries the nonce for the next proof (RFC 9449 §8).
pub const NONCE_HEADER: &str = "DPoP-Nonce";
/// `typ` of a DPoP proof (RFC 9449 §4.2).
pub const TYPE: &str = "dpop+jwt";
/// Longest DPoP proof.
pub const PROOF_BYTES_MAX: usize = 8 * 1024;
/// All that can be verified; none is symmetric (RFC 9449 §4.3).
pub const ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;
/// Seconds that `iat` may be away from our clock, each way, where no nonce of ours tells the time.
pub const WINDOW_SECONDS: u64 = 60;

/// What a proof is held against.
#[derive(Clone, Copy, Debug)]
pub struct DpopContext<'c> {
    /// The method of the request.
    pub method: &'c str,
    /// The address of the endpoint as our metadata say it: never what the request calls us, which
    /// anybody can write, and a proxy changes (D07, G09).
    pub endpoint: &'c str,
    /// `dpop_signing_alg_values_supported` (RFC 9449 §5.1).
    pub algorithms: &'c [Algorithm],
    /// Our nonces for [`crate::nonce::Purpose::Dpop`].
    pub nonces: Nonces<'c>,
    /// Whether a proof needs one (RFC 9449 §8, RFC 9449 §9).
    pub is_nonce_required: bool,
    /// [`WINDOW_SECONDS`], or what the operator set.
    pub window_seconds: u64,
    /// Our clock.
    pub now: Timestamp,
}

/// A request proved this key; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedDpop {
    thumbprint: Thumbprint,
    token_digest: Option<SecretDigest>,
    used: UsedJti,
}

impl VerifiedDpop {
    /// `jkt`: the key that a token is, or will be, bound to (RFC 9449 §6.1).
    #[must_use]
    pub const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// Whether it was made for this token (RFC 9449 §4.3).
    #[must_use]
    pub fn is_for(&self, token: &AccessToken) -> bool {
        self.token_digest.is_some_and(|digest| digest.matches(&token.digest()))
    }

    /// To be spent in the commit that the request leads to (RFC 9449 §11.1, D05).
    #[must_use]
    pub const fn used(&self) -> &UsedJti {
        &self.used
    }
}

/// Verifies the proof of a request; `None` when it has none.
///
/// `headers` are all values of the `DPoP` header; `access_token` is the one that the request
/// brings, if it brings one. What is cheap comes first, the signature last (Q04).
pub fn verify(
    headers: &[&str],
    access_token: Option<&AccessToken>,
    context: &DpopContext<'_>,
) -> Result<Option<VerifiedDpop>, DpopRefusal> {
    match headers {
        [] => Ok(None),
        [proof] => verify_one(proof, access_token, context).map(Some),
        _ => Err(DpopRefusal::Several), // D11
    }
}

/// The checks of RFC 9449 §4.3.
fn verify_one(
    proof: &str,
    access_token: Option<&AccessToken>,
    context: &DpopContext<'_>,
) -> Result<VerifiedDpop, DpopRefusal> {
    let jws = Jws::parse(proof, PROOF_BYTES_MAX).map_err(Form::from)?;
    let key = key(&jws, context)?;
    let claims = jws.claims().map_err(|_| DpopRefusal::Unreadable)?;
    check_request(&claims, context)?;
    let token_digest = access_token.map(|token| token_digest(&claims, token)).transpose()?;
    let jti = jti(&claims).ok_or(DpopRefusal::BadJti)?;
    let expires_at = expires_at(&claims, context)?;
    jws.verify(&key).map_err(Form::from)?;
    let thumbprint = key.thumbprint();
    let span = span_seconds(context.window_seconds);
    let used = UsedJti::new("DPoP", thumbprint.as_bytes(), jti, expires_at, span);
    Ok(VerifiedDpop { thumbprint, token_digest, used })
}

/// `typ`, an asymmetric `alg` of ours, and the public key itself, never a private one (D10).
fn key(jws: &Jws, context: &DpopContext<'_>) -> Result<PublicKey, DpopRefusal> {
    if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
        return Err(DpopRefusal::WrongType);
    }
    if !context.algorithms.contains(&jws.algorithm()) {
        return Err(DpopRefusal::AlgorithmNotSupported);
    }
    let jwk = jws.header().get("jwk").ok_or(DpopRefusal::NoKey)?;
    Ok(PublicKey::from_jwk(jwk).map_err(Form::from)?)
}

/// `htm` and `htu` are those of this request; a method is case-sensitive (RFC 9110 §9.1), an
/// address is compared in its normal form.
fn check_request(
    claims: &Map<String, Value>,
    context: &DpopContext<'_>,
) -> Result<(), DpopRefusal> {
    if claims.get("htm").is_none_or(|htm| htm != context.method) {
        return Err(DpopRefusal::WrongMethod);
    }
    let htu = claims.get("htu").and_then(Value::as_str).and_then(address::normal);
    if htu.is_none() || htu != address::normal(context.endpoint) {
        return Err(DpopRefusal::WrongAddress);
    }
    Ok(())
}

/// `ath` is the hash of just this token (D08).
fn token_digest(
    claims: &Map<String, Value>,
    token: &AccessToken,
) -> Result<SecretDigest, DpopRefusal> {
    let digest = token.digest();
    let ath = claims.get("ath").ok_or(DpopRefusal::NoTokenHash)?;
    if *ath == BASE64_URL_SAFE_NO_PAD.encode(digest.0) {
        Ok(digest)
    } else {
        Err(DpopRefusal::WrongTokenHash)
    }
}

/// Until when the proof could come again.
///
/// A nonce of ours tells its own time, so the clock of the Wallet does not matter then (D09).
fn expires_at(
    claims: &Map<String, Value>,
    context: &DpopContext<'_>,
) -> Result<Timestamp, DpopRefusal> {
    let issued_at = claims.get("iat").and_then(seconds).ok_or(DpopRefusal::NoTime)?;
    match claims.get("nonce") {
        Some(nonce) => {
            let nonce = nonce.as_str().and_then(|nonce| context.nonces.parse(nonce, context.now));
            nonce.map(|nonce| nonce.expires_at).ok_or(DpopRefusal::BadNonce)
        }
        None if context.is_nonce_required => Err(DpopRefusal::NoNonce),
        None if issued_at.abs_diff(context.now.0) > context.window_seconds => {
            Err(DpopRefusal::TooOld)
        }
        None => Ok(Timestamp(issued_at).plus(context.window_seconds).plus(1)),
    }
}
