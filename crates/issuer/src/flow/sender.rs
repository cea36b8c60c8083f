//! Steps 8-11 and 15: what the sender of a request proves beside what it says (RFC 9449, VCI §E).

use oid4vci::access::Authenticated;
use oid4vci::attestation::client::{
    self, ChallengeResponse, ClientAttestationContext, VerifiedClientAttestation,
};
use oid4vci::attestation::status::KnownEntries;
use oid4vci::credential::CredentialRefusal;
use oid4vci::dpop::{self, DpopContext, DpopRefusal, VerifiedDpop};
use oid4vci::error::{Demand, Schemes};
use oid4vci::legacy::Dialect;
use oid4vci::nonce::{Nonces, Purpose};
use oid4vci::secret::AccessToken;
use oid4vci::sender::{ATTEST_JWT_CLIENT_AUTH, Sender, SenderMetadata, SenderPolicy};
use oid4vci::token::TokenRefusal;

use crate::attestation_lists::known_entries;
use crate::failure::Failure;
use crate::{Issuer, IssuerKeys};

/// All values of the headers in which a sender proves something.
#[derive(Clone, Debug, Default)]
pub struct SenderHeaders<'h> {
    /// `DPoP`
    pub dpop: Vec<&'h str>,
    /// `OAuth-Client-Attestation`
    pub attestations: Vec<&'h str>,
    /// `OAuth-Client-Attestation-PoP`
    pub pops: Vec<&'h str>,
}

/// What the sender of a request to the authorization server has proved: who vouches for it (SEC-02,
/// PRIV-11), and a key for its token (SEC-03). `client_id` stands in the request. `endpoint` is the
/// name of one of ours, spoken in this dialect.
pub async fn sender(
    headers: &SenderHeaders<'_>,
    client_id: Option<&str>,
    (endpoint, dialect): (&str, Option<Dialect>),
    issuer: &Issuer,
) -> Result<Sender, Failure<TokenRefusal>> {
    let client = attested_client(headers, client_id, dialect, issuer).await?;
    let dpop = verified_dpop(&headers.dpop, None, endpoint, issuer);
    Ok(Sender { dpop: dpop.map_err(TokenRefusal::from)?, client })
}

/// Spends the proof beside a token where nothing else is committed with it: whoever recorded the
/// request cannot send it again (RFC 9449 §11.1).
pub(super) async fn spend<R: From<CredentialRefusal>>(
    token: Authenticated<'_>,
    issuer: &Issuer,
) -> Result<(), Failure<R>> {
    match token.used() {
        Some(used) if !issuer.store.spend(&used.marks()).await? => {
            Err(Failure::Refused(CredentialRefusal::from(DpopRefusal::Replayed).into()))
        }
        Some(_) | None => Ok(()),
    }
}

/// The verified proof of a request that may bring a token. The address that it must be for follows
/// from what the operator wrote, never from what the request calls us (D07, G09).
pub fn verified_dpop(
    headers: &[&str],
    access_token: Option<&AccessToken>,
    endpoint: &str,
    issuer: &Issuer,
) -> Result<Option<VerifiedDpop>, DpopRefusal> {
    let config = &issuer.config.dpop;
    if headers.is_empty() || !config.is_on() {
        return Ok(None);
    }
    let keys = issuer.keys();
    let context = DpopContext {
        method: "POST",
        endpoint: &issuer.endpoint(endpoint),
        algorithms: config.algorithms(),
        nonces: nonces(Purpose::Dpop, issuer, &keys),
        is_nonce_required: config.nonce_required,
        window_seconds: config.window_seconds,
        now: issuer.clock.now(),
    };
    dpop::verify(headers, access_token, &context)
}

/// Who vouches for the Wallet, where the operator trusts anybody with that. Its proof is for the
/// authorization server that it knows: each draft has one of its own.
async fn attested_client(
    headers: &SenderHeaders<'_>,
    client_id: Option<&str>,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<Option<VerifiedClientAttestation>, Failure<TokenRefusal>> {
    let Some(attesters) = &issuer.client_attesters else { return Ok(None) };
    let (keys, identifier) = (issuer.keys(), issuer.identifier(dialect));
    let mut context = ClientAttestationContext {
        attesters,
        authorization_server: &identifier,
        algorithms: &dpop::ALGORITHMS, // HAIP-49
        challenges: nonces(Purpose::ClientAttestation, issuer, &keys),
        is_challenge_required: issuer.config.authorization.client_attestation_challenge_required,
        age_seconds_max: None,
        window_seconds: dpop::WINDOW_SECONDS,
        known_entries: KnownEntries::NONE,
        now: issuer.clock.now(),
    };
    let (attestations, pops) = (&headers.attestations[..], &headers.pops[..]);
    let entry = client::status(attestations, pops, client_id, &context);
    let asked = known_entries(entry.into_iter().collect(), attesters, issuer).await?;
    context.known_entries = &asked;
    let verified = client::verify(attestations, pops, client_id, &context);
    Ok(verified.map_err(TokenRefusal::from)?)
}

fn nonces<'k>(purpose: Purpose, issuer: &'k Issuer, keys: &'k IssuerKeys) -> Nonces<'k> {
    Nonces { purpose, issuer: issuer.credential_issuer(), key: &keys.nonce }
}

/// What the operator asks of senders.
#[must_use]
pub const fn policy(issuer: &Issuer) -> SenderPolicy {
    SenderPolicy {
        dpop_required: issuer.config.dpop.required,
        attestation_required: issuer.config.authorization.client_attestation_required,
    }
}

/// A fresh value for the next proof of the other side: made, not stored.
#[must_use]
pub fn fresh(demand: Demand, issuer: &Issuer) -> String {
    let purpose = match demand {
        Demand::DpopNonce => Purpose::Dpop,
        Demand::AttestationChallenge => Purpose::ClientAttestation,
    };
    nonces(purpose, issuer, &issuer.keys()).fresh(issuer.clock.now(), &*issuer.random)
}

/// Answers at the challenge endpoint; `None` where there is none (WALATT-10).
#[must_use]
pub fn challenge(issuer: &Issuer) -> Option<ChallengeResponse> {
    has_challenge_endpoint(issuer).then(|| ChallengeResponse {
        attestation_challenge: fresh(Demand::AttestationChallenge, issuer),
    })
}

const fn has_challenge_endpoint(issuer: &Issuer) -> bool {
    issuer.client_attesters.is_some()
        && issuer.config.authorization.client_attestation_challenge_required
}

/// How tokens are presented to us.
#[must_use]
pub fn schemes(issuer: &Issuer) -> Schemes<'_> {
    let config = &issuer.config.dpop;
    Schemes { bearer: !config.required, dpop: config.algorithms() }
}

/// How a Wallet may say who it is (`token_endpoint_auth_methods_supported`, ASMETA-05).
#[must_use]
pub fn authentication_methods(issuer: &Issuer) -> Vec<&'static str> {
    let none = (!issuer.config.authorization.client_attestation_required).then_some("none");
    let attested = issuer.client_attesters.as_ref().map(|_| ATTEST_JWT_CLIENT_AUTH);
    none.into_iter().chain(attested).collect()
}

/// What authorization server metadata say of all this (RFC 9449 §5.1, WALATT-11, HAIP-52).
#[must_use]
pub fn metadata(issuer: &Issuer) -> SenderMetadata {
    let attested = if issuer.client_attesters.is_some() {
        dpop::ALGORITHMS.iter().map(|algorithm| algorithm.name()).collect()
    } else {
        Vec::new()
    };
    SenderMetadata {
        dpop_signing_alg_values_supported: issuer.config.dpop.signing_alg_values_supported.names(),
        client_attestation_signing_alg_values_supported: attested.clone(),
        client_attestation_pop_signing_alg_values_supported: attested,
        challenge_endpoint: has_challenge_endpoint(issuer).then(|| issuer.endpoint("challenge")),
    }
}
