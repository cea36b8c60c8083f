//! The headers in which a sender proves something, and those that tell it what its next proof
//! needs.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use oid4vci::access::{self, Presented};
use oid4vci::attestation::client;
use oid4vci::credential::CredentialRefusal;
use oid4vci::dpop::{self, DpopRefusal, VerifiedDpop};
use oid4vci::error::{Demand, Refusal};
use oid4vci::secret::AccessToken;
use oid4vci::token::TokenType;

use crate::Issuer;
use crate::failure::{Failure, refused};
use crate::flow::sender::{self, SenderHeaders};

/// All values of the headers of one request; what is no text is unreadable, not absent.
pub(super) fn headers(headers: &HeaderMap) -> SenderHeaders<'_> {
    SenderHeaders {
        dpop: values(headers, dpop::HEADER),
        attestations: values(headers, client::HEADER),
        pops: values(headers, client::POP_HEADER),
    }
}

fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
}

/// A token with the proof that came beside it.
pub(super) struct Token {
    access_token: AccessToken,
    proof: Option<VerifiedDpop>,
}

impl Token {
    /// As the flow takes it.
    pub(super) const fn presented(&self) -> Presented<'_> {
        match &self.proof {
            Some(proof) => Presented::Dpop(&self.access_token, proof),
            None => Presented::Bearer(&self.access_token),
        }
    }
}

/// Reads the token of a request to an endpoint that needs one, and verifies the proof that the
/// scheme `DPoP` needs (RFC 9449 §7.1).
pub(super) fn token(
    query: Option<&str>,
    headers: &HeaderMap,
    (endpoint, issuer): (&str, &Issuer),
) -> Result<Token, CredentialRefusal> {
    let (scheme, access_token) = access::parse(query, &values(headers, AUTHORIZATION.as_str()))?;
    let proof = match scheme {
        TokenType::Bearer => None,
        TokenType::DPoP if !issuer.config.dpop.is_on() => return Err(CredentialRefusal::BadToken),
        TokenType::DPoP => {
            let proofs = values(headers, dpop::HEADER);
            let proof = sender::verified_dpop(&proofs, Some(&access_token), endpoint, issuer)?;
            Some(proof.ok_or(DpopRefusal::Missing)?)
        }
    };
    Ok(Token { access_token, proof })
}

/// Marks an answer that asks for another proof: who gets its first nonce has not failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demanded;

/// An answer that nothing between us and the Wallet may keep, with what its next proof needs: a
/// nonce after each proof (RFC 9449 §8.2), a challenge when one was missing (WALATT-09).
pub(super) fn answer<T: IntoResponse, R: Refusal>(
    answer: Result<T, Failure<R>>,
    headers: &HeaderMap,
    issuer: &Issuer,
) -> Response {
    let mut demand = None;
    let mut response = match answer {
        Ok(answer) => answer.into_response(),
        Err(Failure::Refused(refusal)) => {
            demand = refusal.demand();
            refused(&refusal, &sender::schemes(issuer))
        }
        Err(Failure::Broken(broken)) => broken.into_response(),
    };
    if demand.is_some() {
        response.extensions_mut().insert(Demanded);
    }
    with_client_challenge(&mut response, headers);
    let has_proof = issuer.config.dpop.is_on() && headers.contains_key(dpop::HEADER);
    let nonce = has_proof.then_some(Demand::DpopNonce);
    let challenge = demand.filter(|demand| *demand == Demand::AttestationChallenge);
    for demand in nonce.into_iter().chain(challenge) {
        response.headers_mut().extend(fresh_header(demand, issuer));
    }
    response
}

/// Whoever authenticates in the header `Authorization`, which no client of ours does, learns by
/// which scheme it failed (RFC 6749 §5.2).
pub(super) fn with_client_challenge(response: &mut Response, headers: &HeaderMap) {
    let failed = response.status() == StatusCode::UNAUTHORIZED;
    let Some(given) = headers.get(AUTHORIZATION).filter(|_| failed) else { return };
    if response.headers().contains_key(WWW_AUTHENTICATE) {
        return; // that of a token
    }
    let scheme = given.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    let challenge = if scheme.eq_ignore_ascii_case(b"bearer") {
        HeaderValue::from_static("Bearer")
    } else {
        HeaderValue::from_static(r#"Basic realm="clients""#)
    };
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
}

/// A nonce before the first proof, where proofs need one: a Wallet asks for its `c_nonce` anyway
/// (VCI §7.2, HAIP-05).
pub(super) fn nonce_header(issuer: &Issuer) -> HeaderMap {
    let is_needed = issuer.config.dpop.is_on() && issuer.config.dpop.nonce_required;
    is_needed.then(|| fresh_header(Demand::DpopNonce, issuer)).into_iter().flatten().collect()
}

fn fresh_header(demand: Demand, issuer: &Issuer) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(demand.header()).ok()?;
    Some((name, HeaderValue::try_from(sender::fresh(demand, issuer)).ok()?))
}
