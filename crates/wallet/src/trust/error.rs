//! Why a credential is not what it should be.

use formats::FormatError;
use keys::x509::X509Error;
use oid4vci::haip::HaipFinding;

use super::Doubt;

/// Why a credential that came is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationError {
    /// Not a credential of the format that was asked for, or against its rules.
    Malformed,
    /// Nobody has said what its words mean.
    UnknownContext,
    /// The signature is wrong.
    WrongSignature,
    /// Out of date.
    Expired,
    /// Not valid yet.
    NotYetValid,
    /// The key that signed is named by the credential alone.
    NobodysKey,
    /// It comes from another issuer (catalogue I17).
    OtherIssuer,
    /// The issuer does not publish the key.
    KeyNotPublished,
    /// The issuer's DID names no key that can be used.
    BadDid,
    /// `x5c` is no chain of certificates.
    BadCertificate,
    /// The issuer's certificate is out of date.
    CertificateExpired,
    /// Not of the type that was offered (catalogue I18).
    OtherType,
    /// Not what the description of its type says (SD-JWT VC §9).
    NotAsDescribed,
    /// It should be bound to the holder's key, and is not.
    NotBound,
    /// It is bound to a key of somebody else (catalogue I16).
    OtherKey,
    /// More credentials than were asked for (catalogue I20).
    Surplus,
    /// Against the profile that the owner asks for.
    Haip(HaipFinding),
    /// The issuer is not verified, and the holder has not accepted that.
    Doubtful(Doubt),
}

impl VerificationError {
    pub(crate) const fn of_certificate(error: X509Error) -> Self {
        match error {
            X509Error::Expired | X509Error::NotYetValid => Self::CertificateExpired,
            X509Error::Malformed
            | X509Error::TooLong
            | X509Error::UnsupportedKey
            | X509Error::SelfSigned
            | X509Error::NotForSignatures
            | X509Error::NoAnchor
            | X509Error::BrokenChain => Self::BadCertificate,
        }
    }

    pub(crate) const fn of_format(error: FormatError) -> Self {
        match error {
            FormatError::WrongSignature | FormatError::WrongDigest => Self::WrongSignature,
            FormatError::SignedOutsideLife => Self::CertificateExpired,
            FormatError::UnknownContext => Self::UnknownContext,
            FormatError::Expired | FormatError::ProofExpired => Self::Expired,
            FormatError::NotYetValid | FormatError::ProofInFuture => Self::NotYetValid,
            FormatError::OtherIssuer => Self::OtherIssuer,
            FormatError::UnsupportedFormat
            | FormatError::W3cSdJwt
            | FormatError::TooLong
            | FormatError::Malformed
            | FormatError::WrongType
            | FormatError::CutOff
            | FormatError::UnexpectedKeyBinding
            | FormatError::Header(_)
            | FormatError::Signature(_)
            | FormatError::Disclosures(_)
            | FormatError::ProtectedClaim
            | FormatError::Contradiction
            | FormatError::BadBinding
            | FormatError::UnsupportedProof
            | FormatError::MissingProof
            | FormatError::Uncanonical
            | FormatError::UndefinedTerm
            | FormatError::OtherNames
            | FormatError::TooIntricate
            | FormatError::OtherContexts
            | FormatError::OtherDataModel => Self::Malformed,
        }
    }

    /// What is wrong, for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "what came is not a credential of the promised format",
            Self::UnknownContext => "the credential has a context that this wallet does not know",
            Self::WrongSignature => "the credential's signature is wrong: it was changed",
            Self::Expired => "the credential has expired",
            Self::NotYetValid => "the credential is not valid yet",
            Self::NobodysKey => "the credential does not say whose key signed it",
            Self::OtherIssuer => "the credential comes from another issuer",
            Self::KeyNotPublished => "the issuer does not publish the key that signed",
            Self::BadDid => "the issuer's DID names no key that this wallet can use",
            Self::BadCertificate => "the issuer's certificate cannot be read",
            Self::CertificateExpired => "the issuer's certificate is out of date",
            Self::OtherType => "the credential is not what was offered",
            Self::NotAsDescribed => "the credential is not what the description of its type says",
            Self::NotBound => "the credential is not bound to your key",
            Self::OtherKey => "the credential is bound to a key that is not yours",
            Self::Surplus => "the issuer sent more credentials than were asked for",
            Self::Haip(finding) => finding.message(),
            Self::Doubtful(doubt) => doubt.message(),
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NotYetValid => "check this machine's clock, or try again later",
            Self::Doubtful(Doubt::UnknownAuthority) => {
                "give the authority's certificate as a trust anchor, or accept the issuer as it is"
            }
            Self::UnknownContext => {
                "get the context from whoever publishes it, look at it, and give it to the wallet by its \
                 digest"
            }
            Self::Doubtful(_) => "accept the issuer only if you know it",
            Self::Malformed
            | Self::WrongSignature
            | Self::Expired
            | Self::NobodysKey
            | Self::OtherIssuer
            | Self::KeyNotPublished
            | Self::BadDid
            | Self::BadCertificate
            | Self::CertificateExpired
            | Self::OtherType
            | Self::NotAsDescribed
            | Self::NotBound
            | Self::OtherKey
            | Self::Surplus
            | Self::Haip(_) => "nothing was stored; tell the issuer",
        }
    }

    /// A stable name for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_credential",
            Self::UnknownContext => "unknown_context",
            Self::WrongSignature => "wrong_signature",
            Self::Expired => "credential_expired",
            Self::NotYetValid => "credential_not_yet_valid",
            Self::NobodysKey => "key_in_header_only",
            Self::OtherIssuer => "other_issuer",
            Self::KeyNotPublished => "key_not_published",
            Self::BadDid => "bad_did",
            Self::BadCertificate => "bad_certificate",
            Self::CertificateExpired => "certificate_expired",
            Self::OtherType => "other_type",
            Self::NotAsDescribed => "not_as_described",
            Self::NotBound => "not_bound",
            Self::OtherKey => "bound_to_other_key",
            Self::Surplus => "surplus_credentials",
            Self::Haip(_) => "haip",
            Self::Doubtful(_) => "issuer_not_verified",
        }
    }
}
