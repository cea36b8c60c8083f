//! Client attestations: the Wallet's provider vouches for this instance of it, and the instance
//! proves its key (VCI §E, WALATT-01 to WALATT-13).

use formats::status_list::StatusReference;
use keys::algorithm::Algorithm;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::{PublicKey, Thumbprint};
use serde_json::{Map, Value};

use super::status::{KnownEntries, NamedStatus, StatusFault};
use super::{Attesters, Distrust};
use crate::claims::{NoNumber, is_only_audience, jti, optional_time};
use crate::form::Form;
use crate::nonce::Nonces;
use crate::replay::{UsedJti, span_seconds};

mod challenge;
mod make;
mod refusal;

pub use challenge::{
    ChallengeResponse, parse_challenge_response, received_challenge, wants_challenge,
};
pub use make::{NewClientAttestation, NewClientAttestationPop};
pub use refusal::ClientAttestationRefusal;

/// The header that carries the attestation (WALATT-06).
pub const HEADER: &str = "OAuth-Client-Attestation";
/// The header that carries the proof of possession (WALATT-06).
pub const POP_HEADER: &str = "OAuth-Client-Attestation-PoP";
/// The header of an answer that carries the next challenge (WALATT-10).
pub const CHALLENGE_HEADER: &str = "OAuth-Client-Attestation-Challenge";
/// `typ` of an attestation (WALATT-03).
pub const TYPE: &str = "oauth-client-attestation+jwt";
/// `typ` of a proof of possession (WALATT-05).
pub const POP_TYPE: &str = "oauth-client-attestation-pop+jwt";
/// Longest of the two: they come in headers.
pub const ATTESTATION_BYTES_MAX: usize = 16 * 1024;
/// Longest `client_id` that an attestation names.
pub const CLIENT_ID_BYTES_MAX: usize = 2048;

/// What an attestation is held against.
#[derive(Clone, Copy, Debug)]
pub struct ClientAttestationContext<'c> {
    /// Whose attestations count (WALATT-01).
    pub attesters: &'c Attesters,
    /// Our issuer identifier: the only value that `aud` may have (WALATT-08).
    pub authorization_server: &'c str,
    /// `client_attestation_signing_alg_values_supported` and its like for the proof of possession
    /// (WALATT-11).
    pub algorithms: &'c [Algorithm],
    /// Our nonces for [`crate::nonce::Purpose::ClientAttestation`].
    pub challenges: Nonces<'c>,
    /// Whether a proof of possession needs one: so it is where there is a challenge endpoint
    /// (WALATT-10).
    pub is_challenge_required: bool,
    /// Oldest attestation that is fresh enough, in seconds; `None` leaves that to its `exp`.
    pub age_seconds_max: Option<u64>,
    /// Seconds that clocks may differ.
    pub window_seconds: u64,
    /// What is known of the entry that [`status`] named (WALATT-04).
    pub known_entries: &'c KnownEntries,
    /// Our clock.
    pub now: Timestamp,
}

/// An instance of a Wallet that somebody trusted vouches for; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedClientAttestation {
    client_id: String,
    thumbprint: Thumbprint,
    used: UsedJti,
}

impl VerifiedClientAttestation {
    /// `sub`, which all instances of a Wallet share (WALATT-07).
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The Client Instance Key, which refresh tokens are bound to (WALATT-12).
    #[must_use]
    pub const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// To be spent in the commit that the request leads to (B23).
    #[must_use]
    pub const fn used(&self) -> &UsedJti {
        &self.used
    }
}

/// Verifies attestation and proof of possession of a request; `None` when it has neither.
///
/// The slices are all values of the two headers (WALATT-06), `client_id` the parameter beside them.
/// What is cheap comes first, the signatures last (Q04).
pub fn verify(
    attestations: &[&str],
    pops: &[&str],
    client_id: Option<&str>,
    context: &ClientAttestationContext<'_>,
) -> Result<Option<VerifiedClientAttestation>, ClientAttestationRefusal> {
    let Some((attestation, used)) = proved(attestations, pops, client_id, context)? else {
        return Ok(None);
    };
    attestation.status.check(context.known_entries).map_err(|fault| match fault {
        StatusFault::Withdrawn => ClientAttestationRefusal::Withdrawn,
        StatusFault::Unknown => ClientAttestationRefusal::UnknownStatus,
    })?;
    let Attestation { client_id, thumbprint, .. } = attestation;
    Ok(Some(VerifiedClientAttestation { client_id, thumbprint, used }))
}

/// The entry of a list that says whether the attestation was withdrawn, to be asked for before
/// [`verify`]: only of one by somebody trusted, for whoever proves its key, so that nobody makes us
/// ask with what was seen elsewhere (WALATT-04).
#[must_use]
pub fn status(
    attestations: &[&str],
    pops: &[&str],
    client_id: Option<&str>,
    context: &ClientAttestationContext<'_>,
) -> Option<StatusReference> {
    let [attestation] = attestations else { return None };
    // Most name none: they are not verified twice.
    Attestation::parse(attestation, context).ok()?.status.entry()?;
    let (attestation, _) = proved(attestations, pops, client_id, context).ok()??;
    attestation.status.entry().cloned()
}

/// Everything but its status.
fn proved(
    attestations: &[&str],
    pops: &[&str],
    client_id: Option<&str>,
    context: &ClientAttestationContext<'_>,
) -> Result<Option<(Attestation, UsedJti)>, ClientAttestationRefusal> {
    let (attestation, pop) = match (attestations, pops) {
        ([], []) => return Ok(None),
        ([attestation], [pop]) => (attestation, pop),
        ([], _) | (_, []) => return Err(ClientAttestationRefusal::NotPaired),
        _ => return Err(ClientAttestationRefusal::Several),
    };
    let attestation = Attestation::parse(attestation, context)?;
    if client_id.is_some_and(|client_id| client_id != attestation.client_id) {
        return Err(ClientAttestationRefusal::OtherClient); // HAIP-29
    }
    let pop = parse(pop, POP_TYPE, context)?;
    let used = attestation.check_pop(&pop.claims().map_err(Form::from)?, context)?;
    attestation.check_attester(context)?;
    pop.verify(&attestation.key).map_err(|_| ClientAttestationRefusal::WrongPopSignature)?;
    Ok(Some((attestation, used)))
}

/// Who an attestation says that its Wallet is, for that Wallet itself: nothing is verified.
#[must_use]
pub fn client_id(jwt: &str) -> Option<String> {
    let claims = Jws::parse(jwt.trim(), ATTESTATION_BYTES_MAX).ok()?.claims().ok()?;
    claims.get("sub").and_then(Value::as_str).map(str::to_owned)
}

/// `typ` and an asymmetric `alg` of ours (WALATT-08).
fn parse(
    jwt: &str,
    typ: &str,
    context: &ClientAttestationContext<'_>,
) -> Result<Jws, ClientAttestationRefusal> {
    let jws = Jws::parse(jwt, ATTESTATION_BYTES_MAX).map_err(Form::from)?;
    if jws.header().get("typ").is_none_or(|given| given != typ) {
        return Err(ClientAttestationRefusal::WrongType);
    }
    if !context.algorithms.contains(&jws.algorithm()) {
        return Err(ClientAttestationRefusal::AlgorithmNotSupported);
    }
    Ok(jws)
}

/// An attestation that claims the right things; its signature has not been looked at.
struct Attestation {
    jws: Jws,
    client_id: String,
    key: PublicKey,
    thumbprint: Thumbprint,
    status: NamedStatus,
}

impl Attestation {
    fn parse(
        jwt: &str,
        context: &ClientAttestationContext<'_>,
    ) -> Result<Self, ClientAttestationRefusal> {
        let jws = parse(jwt, TYPE, context)?;
        let claims = jws.claims().map_err(Form::from)?;
        // Later drafts leave `iss` out (WALATT-13).
        if claims.get("iss").is_some_and(|iss| !iss.is_string()) {
            return Err(ClientAttestationRefusal::Unreadable);
        }
        let client_id = claims.get("sub").and_then(Value::as_str);
        let length = 1..=CLIENT_ID_BYTES_MAX;
        let client_id = client_id.filter(|client_id| length.contains(&client_id.len()));
        let client_id = client_id.ok_or(ClientAttestationRefusal::NoClient)?.to_owned();
        check_life(&claims, context)?;
        let jwk = claims.get("cnf").and_then(|cnf| cnf.get("jwk"));
        let key = PublicKey::from_jwk(jwk.ok_or(ClientAttestationRefusal::NoKey)?);
        let key = key.map_err(Form::from)?;
        let status = NamedStatus::of(&claims);
        Ok(Self { jws, client_id, thumbprint: key.thumbprint(), key, status })
    }

    /// WALATT-01, D13
    fn check_attester(
        &self,
        context: &ClientAttestationContext<'_>,
    ) -> Result<(), ClientAttestationRefusal> {
        let verified = context.attesters.verify(&self.jws, context.now);
        verified.map(drop).map_err(|distrust| match distrust {
            Distrust::Untrusted => ClientAttestationRefusal::Untrusted,
            Distrust::WrongSignature => ClientAttestationRefusal::WrongSignature,
        })
    }

    /// The claims of WALATT-05, each checked as WALATT-08 asks; what must not come again results.
    fn check_pop(
        &self,
        claims: &Map<String, Value>,
        context: &ClientAttestationContext<'_>,
    ) -> Result<UsedJti, ClientAttestationRefusal> {
        // Later drafts leave `iss` out (WALATT-13).
        if claims.get("iss").is_some_and(|iss| *iss != self.client_id) {
            return Err(ClientAttestationRefusal::OtherClient);
        }
        if !is_only_audience(claims, context.authorization_server) {
            return Err(ClientAttestationRefusal::WrongAudience);
        }
        let jti = jti(claims).ok_or(ClientAttestationRefusal::BadJti)?;
        let expires_at = pop_expires_at(claims, context)?;
        let (maker, span) = (self.thumbprint.as_bytes(), span_seconds(context.window_seconds));
        Ok(UsedJti::new("client attestation", maker, jti, expires_at, span))
    }
}

/// WALATT-03: `exp` must be there, `iat` and `nbf` may.
fn check_life(
    claims: &Map<String, Value>,
    context: &ClientAttestationContext<'_>,
) -> Result<(), ClientAttestationRefusal> {
    let expires_at = time(claims, "exp")?.ok_or(ClientAttestationRefusal::NoTime)?;
    if context.now >= expires_at {
        return Err(ClientAttestationRefusal::Expired);
    }
    let issued_at = time(claims, "iat")?;
    let latest = issued_at.max(time(claims, "nbf")?).unwrap_or_default();
    if latest > context.now.plus(context.window_seconds) {
        return Err(ClientAttestationRefusal::NotYetValid);
    }
    let Some(age_seconds_max) = context.age_seconds_max else { return Ok(()) };
    let oldest = context.now.minus(age_seconds_max);
    if issued_at.is_some_and(|issued_at| issued_at >= oldest) {
        Ok(())
    } else {
        Err(ClientAttestationRefusal::Stale)
    }
}

fn time(
    claims: &Map<String, Value>,
    name: &str,
) -> Result<Option<Timestamp>, ClientAttestationRefusal> {
    optional_time(claims, name).map_err(|NoNumber| ClientAttestationRefusal::NoTime)
}

/// Until when a proof of possession could come again: a challenge of ours tells its own time, so
/// the clock of the Wallet does not matter then.
fn pop_expires_at(
    claims: &Map<String, Value>,
    context: &ClientAttestationContext<'_>,
) -> Result<Timestamp, ClientAttestationRefusal> {
    let issued_at = time(claims, "iat")?.ok_or(ClientAttestationRefusal::NoTime)?;
    check_optional_life(claims, context)?;
    match claims.get("challenge") {
        Some(challenge) => {
            let parse = |text| context.challenges.parse(text, context.now);
            let challenge = challenge.as_str().and_then(parse);
            Ok(challenge.ok_or(ClientAttestationRefusal::BadChallenge)?.expires_at)
        }
        None if context.is_challenge_required => Err(ClientAttestationRefusal::NoChallenge),
        None if issued_at.0.abs_diff(context.now.0) > context.window_seconds => {
            Err(ClientAttestationRefusal::TooOld)
        }
        None => Ok(issued_at.plus(context.window_seconds).plus(1)),
    }
}

/// A proof of possession has no `exp`, but a JWT that says when it is good means it (RFC 7519 §4.1.4,
/// RFC 7519 §4.1.5).
fn check_optional_life(
    claims: &Map<String, Value>,
    context: &ClientAttestationContext<'_>,
) -> Result<(), ClientAttestationRefusal> {
    let early = context.now.minus(context.window_seconds);
    let late = context.now.plus(context.window_seconds);
    if time(claims, "exp")?.is_some_and(|expires_at| expires_at <= early) {
        return Err(ClientAttestationRefusal::TooOld);
    }
    if time(claims, "nbf")?.is_some_and(|not_before| not_before > late) {
        return Err(ClientAttestationRefusal::NotYetValid);
    }
    Ok(())
}
