//! Why a proof is refused.

use crate::attestation::key::KeyAttestationRefusal;
use crate::error::{ErrorCode, Refusal};
use crate::form::from_form;

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofRefusal {
    /// CRED-57: none, though the credential is bound to a key.
    Missing,
    /// CRED-11
    TooMany,
    /// Not announced in `proof_types_supported` (META-35).
    TypeNotSupported,
    /// No attester is trusted, or the attestation comes in a `trust_chain` (PROOF-10, PROOF-11).
    AttestationNotSupported,
    /// KEYATT-14
    KeyAttestation(KeyAttestationRefusal),
    /// Not a JWT, or one with repeated members.
    Unreadable,
    /// PROOF-06, PROOF-28
    WrongType,
    /// PROOF-05, PROOF-29
    AlgorithmNotSupported,
    /// A header member that changes the meaning of a signature (RFC 7515 §4.1.11).
    CriticalHeader,
    /// PROOF-07
    NoKey,
    /// PROOF-07
    SeveralKeys,
    /// PROOF-31
    PrivateKey,
    /// Not a key, or not on its curve.
    BadKey,
    /// PROOF-08: not a DID of a method we take.
    KidNotSupported,
    /// PROOF-08: the DID URL does not name a key.
    BadDid,
    /// PROOF-08: not by the document of the DID.
    Document(DocumentRefusal),
    /// PROOF-09
    BadCertificate,
    /// META-33
    BindingNotSupported,
    /// PROOF-14
    WrongAudience,
    /// PROOF-12
    WrongIssuer,
    /// PROOF-15
    NoTime,
    /// PROOF-33
    TooOld,
    /// PROOF-16, CRED-57
    NoNonce,
    /// PROOF-32, CRED-58
    BadNonce,
    /// PROOF-17, PROOF-30
    WrongSignature,
    /// CRED-36: each key gets one credential.
    RepeatedKey,
    /// PROOF-02: not a presentation with one Data Integrity proof.
    UnreadablePresentation,
    /// By its contexts, something in a presentation has no meaning.
    UnknownPresentationTerm,
    /// PROOF-22
    CryptosuiteNotSupported,
    /// PROOF-23
    WrongPurpose,
    /// PROOF-23, AMB-11
    WrongDomain,
    /// PROOF-24
    NoChallenge,
    /// PROOF-33
    CreatedTooFar,
    /// PROOF-25: not the DID URL of a key.
    BadMethod,
    /// PROOF-21
    OtherHolder,
}

from_form!(ProofRefusal);

/// Why the document of a did:web speaks for no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentRefusal {
    /// F01: of more did:web than a holder has.
    TooMany,
    /// It could not be had.
    Unread,
    /// It does not list the key for authentication.
    KeyNotListed,
}

impl From<DocumentRefusal> for ProofRefusal {
    fn from(refusal: DocumentRefusal) -> Self {
        Self::Document(refusal)
    }
}

impl Refusal for DocumentRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::InvalidProof;
        match self {
            Self::TooMany => {
                (InvalidProof, "proofs name more than 4 did:web: ask for fewer at once")
            }
            Self::Unread => (
                InvalidProof,
                "the document of a did:web could not be read: it must be where did:web says, by https on \
                 the public internet, without a redirect, as JSON of at most 64 KiB whose id is the DID; \
                 the nonce is not spent: ask again when it is there",
            ),
            Self::KeyNotListed => (
                InvalidProof,
                "the document of a did:web does not list the key of a proof under authentication, with \
                 the DID as its controller: add it, and ask again in a moment",
            ),
        }
    }
}

impl From<KeyAttestationRefusal> for ProofRefusal {
    fn from(refusal: KeyAttestationRefusal) -> Self {
        Self::KeyAttestation(refusal)
    }
}

impl Refusal for ProofRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidNonce, InvalidProof};
        match self {
            Self::Missing => (InvalidProof, "proofs is missing"),
            Self::TooMany => (InvalidProof, "there are more proofs than batch_size allows"),
            Self::TypeNotSupported => (InvalidProof, "this proof type is not supported here"),
            Self::AttestationNotSupported => {
                (InvalidProof, "key_attestation or trust_chain is not supported here")
            }
            Self::KeyAttestation(refusal) => refusal.answer(),
            Self::Unreadable => (InvalidProof, "a proof is not a readable JWT"),
            Self::WrongType => (InvalidProof, "typ of a proof must be openid4vci-proof+jwt"),
            Self::AlgorithmNotSupported => (InvalidProof, "alg of a proof is not supported"),
            Self::CriticalHeader => (InvalidProof, "crit and b64 are not supported in a proof"),
            Self::NoKey => (InvalidProof, "a proof needs one of jwk, kid and x5c"),
            Self::SeveralKeys => (InvalidProof, "a proof may have only one of jwk, kid and x5c"),
            Self::PrivateKey => (InvalidProof, "a proof holds a private key: make a new key"),
            Self::BadKey => (InvalidProof, "jwk of a proof is not a key that is supported"),
            Self::KidNotSupported => (InvalidProof, "kid of a proof must be a DID URL"),
            Self::BadDid => (InvalidProof, "kid of a proof names no key of its DID"),
            Self::Document(refusal) => refusal.answer(),
            Self::BadCertificate => (InvalidProof, "x5c of a proof is not a valid certificate"),
            Self::BindingNotSupported => {
                (InvalidProof, "this credential cannot be bound to a key named in this way")
            }
            Self::WrongAudience => (InvalidProof, "aud of a proof must be our credential_issuer"),
            Self::WrongIssuer => (InvalidProof, "iss of a proof must be the client_id"),
            Self::NoTime => (InvalidProof, "iat of a proof must be a number"),
            Self::TooOld => (InvalidProof, "iat of a proof is too far from our clock"),
            Self::NoNonce => (InvalidProof, "nonce of a proof is missing"),
            Self::BadNonce => (InvalidNonce, "nonce of a proof is not good (any more)"),
            Self::WrongSignature => (InvalidProof, "the signature of a proof is wrong"),
            Self::RepeatedKey => (InvalidProof, "two proofs are for the same key"),
            Self::UnreadablePresentation => (
                InvalidProof,
                "a proof is not a VerifiablePresentation with one readable DataIntegrityProof",
            ),
            Self::UnknownPresentationTerm => (
                InvalidProof,
                "a presentation has a context that is written out or not known here, or a member without \
                 meaning: name the contexts that give its members one",
            ),
            Self::CryptosuiteNotSupported => {
                (InvalidProof, "cryptosuite of a proof is not supported, or not for its key")
            }
            Self::WrongPurpose => (InvalidProof, "proofPurpose of a proof must be authentication"),
            Self::WrongDomain => (InvalidProof, "domain of a proof must be our credential_issuer"),
            Self::NoChallenge => {
                (InvalidProof, "challenge of a proof is missing: it is the c_nonce")
            }
            Self::CreatedTooFar => {
                (InvalidProof, "created of a proof is too far from our clock, or it has expired")
            }
            Self::BadMethod => {
                (InvalidProof, "verificationMethod of a proof must be the DID URL of a key")
            }
            Self::OtherHolder => {
                (InvalidProof, "holder of a presentation must be the DID whose key signed it")
            }
        }
    }
}
