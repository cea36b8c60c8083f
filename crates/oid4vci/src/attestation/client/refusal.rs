//! Why a client attestation is refused.

use crate::error::{Demand, ErrorCode, Refusal};
use crate::form::from_form;

/// Why a client attestation, or the proof of possession beside it, is refused (WALATT-08,
/// WALATT-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAttestationRefusal {
    /// The operator issues to attested Wallets only.
    Missing,
    /// WALATT-06: one of the headers without the other.
    NotPaired,
    /// WALATT-06
    Several,
    /// Not a JWT, or one with repeated members.
    Unreadable,
    /// WALATT-03, WALATT-05
    WrongType,
    /// WALATT-08
    AlgorithmNotSupported,
    /// A header member that changes the meaning of a signature (RFC 7515 §4.1.11).
    CriticalHeader,
    /// WALATT-03: no `sub`.
    NoClient,
    /// WALATT-03, WALATT-05: a time is missing or no number.
    NoTime,
    /// WALATT-03
    Expired,
    /// `iat` or `nbf` lies too far ahead.
    NotYetValid,
    /// WALATT-09
    Stale,
    /// WALATT-03: no `cnf.jwk`.
    NoKey,
    /// WALATT-08
    PrivateKey,
    /// Not a key, or not on its curve.
    BadKey,
    /// WALATT-04
    Withdrawn,
    /// WALATT-04: of a kind that we do not know, so it could be a withdrawn one.
    UnknownStatus,
    /// WALATT-01, D13
    Untrusted,
    /// WALATT-08
    WrongSignature,
    /// WALATT-08: `sub`, `iss` of the proof and `client_id` differ.
    OtherClient,
    /// WALATT-08
    WrongAudience,
    /// WALATT-05, D06
    BadJti,
    /// WALATT-08
    TooOld,
    /// WALATT-09
    NoChallenge,
    /// WALATT-09: foreign, or too old.
    BadChallenge,
    /// WALATT-08
    WrongPopSignature,
    /// B23
    Replayed,
}

from_form!(ClientAttestationRefusal);

impl Refusal for ClientAttestationRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidClient, UseAttestationChallenge, UseFreshAttestation};
        match self {
            Self::Missing => (InvalidClient, "a client attestation is needed"),
            Self::NotPaired => {
                (InvalidClient, "a client attestation and its proof of possession come together")
            }
            Self::Several => (InvalidClient, "only one client attestation may be sent"),
            Self::Unreadable => {
                (InvalidClient, "the client attestation or its proof is not a readable JWT")
            }
            Self::WrongType => {
                (InvalidClient, "typ of the client attestation or its proof is wrong")
            }
            Self::AlgorithmNotSupported => {
                (InvalidClient, "alg of the client attestation or its proof is not supported")
            }
            Self::CriticalHeader => {
                (InvalidClient, "crit and b64 are not supported in a client attestation")
            }
            Self::NoClient => {
                (InvalidClient, "sub of the client attestation is missing or too long")
            }
            Self::NoTime => {
                (InvalidClient, "a time of the client attestation or its proof is not a number")
            }
            Self::Expired => (InvalidClient, "the client attestation has expired"),
            Self::NotYetValid => (InvalidClient, "the client attestation is not valid yet"),
            Self::Stale => {
                (UseFreshAttestation, "the client attestation is too old: get a new one")
            }
            Self::NoKey => (InvalidClient, "cnf of the client attestation has no jwk"),
            Self::PrivateKey => {
                (InvalidClient, "the client attestation holds a private key: make a new key")
            }
            Self::BadKey => (InvalidClient, "cnf of the client attestation is no key we support"),
            Self::Withdrawn => (InvalidClient, "the client attestation was withdrawn"),
            Self::UnknownStatus => (InvalidClient, "status of the attestation is no status_list"),
            Self::Untrusted => (InvalidClient, "the client attestation is by nobody we trust"),
            Self::WrongSignature => {
                (InvalidClient, "the signature of the client attestation is wrong")
            }
            Self::OtherClient => {
                (InvalidClient, "client_id, sub of the attestation and iss of its proof differ")
            }
            Self::WrongAudience => {
                (InvalidClient, "aud of the proof must be our issuer identifier alone")
            }
            Self::BadJti => (InvalidClient, "jti of the proof is missing or too long"),
            Self::TooOld => (InvalidClient, "iat of the proof is too far from our clock"),
            Self::NoChallenge => (UseAttestationChallenge, "the proof needs a challenge of ours"),
            Self::BadChallenge => {
                (UseAttestationChallenge, "challenge of the proof is not good (any more)")
            }
            Self::WrongPopSignature => {
                (InvalidClient, "the proof is not signed by the key of the client attestation")
            }
            Self::Replayed => (InvalidClient, "this proof was used before"),
        }
    }

    fn demand(&self) -> Option<Demand> {
        let needs_challenge = matches!(self, Self::NoChallenge | Self::BadChallenge);
        needs_challenge.then_some(Demand::AttestationChallenge)
    }
}
