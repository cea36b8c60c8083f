//! Why a credential is refused, or not made.

use std::fmt;

use keys::cose::CoseError;
use keys::jws::JwsError;
use keys::signer::SignError;

use crate::sd_jwt::SdJwtError;

/// Why a credential that came is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A format that we do not read.
    UnsupportedFormat,
    /// Longer than [`crate::CREDENTIAL_BYTES_MAX`].
    TooLong,
    /// Not built as its format demands: a member is missing or of a wrong type.
    Malformed,
    /// The JWT itself.
    Header(JwsError),
    /// The COSE signature itself.
    Signature(CoseError),
    /// An element of an mdoc is not the one that was signed.
    WrongDigest,
    /// An mdoc was signed before or after the life of its signer's certificate.
    SignedOutsideLife,
    /// `typ` says that it is something else (RFC 8725 §3.11).
    WrongType,
    /// `vc+sd-jwt` without `vct` under another name: a W3C credential, which took the former name of
    /// SD-JWT VC.
    W3cSdJwt,
    /// An SD-JWT whose end is missing: each part of it ends in `~` (RFC 9901 §4).
    CutOff,
    /// Only its holder can have made the key binding at the end (RFC 9901 §7.2).
    UnexpectedKeyBinding,
    /// The signature does not fit the key.
    WrongSignature,
    /// Its disclosures.
    Disclosures(SdJwtError),
    /// A claim may be withheld that every reader needs (FMT-SDJWT-06).
    ProtectedClaim,
    /// `cnf` names no key that we can compare.
    BadBinding,
    /// Not of the version of the W3C data model that its format has, whose dates we know to read.
    OtherDataModel,
    /// The JWT and the W3C credential in it say different things (catalogue I14).
    Contradiction,
    /// A proof of a kind that we do not read.
    UnsupportedProof,
    /// An earlier proof that a proof builds on is not there.
    MissingProof,
    /// What it says has no canonical form, such as a number that no double holds.
    Uncanonical,
    /// Something in it is given no meaning by its contexts, so that nobody signed it.
    UndefinedTerm,
    /// Something in it stands under a name, or in a place, where no reader looks for it.
    OtherNames,
    /// To bring it into one form would take too long.
    TooIntricate,
    /// The contexts of its proof are not those with which it begins.
    OtherContexts,
    /// A context that we do not know, and do not fetch.
    UnknownContext,
    /// The key belongs to a DID that is not the issuer (catalogue I13).
    OtherIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// The time of its proof is over.
    ProofExpired,
    /// Its proof says that it was made in the future.
    ProofInFuture,
}

impl FormatError {
    /// A key for another algorithm fits the signature no better than another key.
    pub(crate) const fn of_jws(error: JwsError) -> Self {
        match error {
            JwsError::WrongSignature | JwsError::WrongAlgorithm => Self::WrongSignature,
            JwsError::TooLong => Self::TooLong,
            JwsError::Malformed
            | JwsError::CriticalHeader
            | JwsError::NoneAlgorithm
            | JwsError::MacAlgorithm
            | JwsError::UnknownAlgorithm(_) => Self::Header(error),
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnsupportedFormat => "the format is none that is read here",
            Self::TooLong => "the credential is too long",
            Self::Malformed => "the credential lacks a member or has one of a wrong type",
            Self::Header(error) => return error.fmt(f),
            Self::Signature(error) => return error.fmt(f),
            Self::WrongDigest => "an element of the credential is not the one that was signed",
            Self::SignedOutsideLife => {
                "the credential was signed outside the life of its signer's certificate"
            }
            Self::WrongType => "typ of the credential is not that of its format",
            Self::W3cSdJwt => "this vc+sd-jwt is a W3C credential, and none of dc+sd-jwt",
            Self::CutOff => {
                "the end of the credential is missing: an SD-JWT ends in ~, also where it discloses \
                 nothing"
            }
            Self::UnexpectedKeyBinding => {
                "the credential ends in a key binding: it was already shown to somebody"
            }
            Self::WrongSignature => "the signature of the credential is wrong",
            Self::Disclosures(error) => return error.fmt(f),
            Self::ProtectedClaim => {
                "a claim that every reader needs, such as exp or cnf, is selectively disclosable"
            }
            Self::BadBinding => "cnf of the credential names no key that can be used",
            Self::OtherDataModel => {
                "the credential is of another version of its data model than its format has"
            }
            Self::Contradiction => "the JWT and the credential in it contradict each other",
            Self::UnsupportedProof => {
                "the proof must be a DataIntegrityProof of a cryptosuite that is known here, for \
                 assertionMethod"
            }
            Self::MissingProof => "an earlier proof that the proof builds on is not there",
            Self::Uncanonical => "the credential has no canonical form: a number may be too large",
            Self::UndefinedTerm => {
                "something in the credential has no meaning by its contexts: nobody signed it"
            }
            Self::OtherNames => {
                "something in the credential has another name or place than where readers look for \
                 it: a name with a colon, @id for id, @type for type, a word of the W3C's that the \
                 credential's own context gives, or a thing that is described twice"
            }
            Self::TooIntricate => {
                "the credential is too intricate: it has too many or too long contexts, or too many \
                 things without an id"
            }
            Self::OtherContexts => {
                "the contexts in the proof are not those with which the credential begins"
            }
            Self::UnknownContext => "the credential has a context that is not known here",
            Self::OtherIssuer => "kid of the credential belongs to a DID that is not its issuer",
            Self::Expired => "the credential has expired",
            Self::NotYetValid => "the credential is not valid yet: check the clock",
            Self::ProofExpired => "the proof of the credential has expired",
            Self::ProofInFuture => {
                "the proof of the credential was created in the future: check the clock"
            }
        })
    }
}

impl std::error::Error for FormatError {}

/// Why no credential was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueError {
    /// A claim has a name that means something to the format, or that another one has.
    ReservedClaim,
    /// An mdoc says something at least.
    NoClaims,
    /// Claims are nested too deeply to be read again.
    TooDeep,
    /// No proof inside of JSON is made with a key of this kind.
    NoCryptosuite,
    /// Something has no canonical form: a number is too large, or a claim has no meaning by the
    /// contexts.
    Uncanonical(FormatError),
    /// More selectively disclosable claims than can be read again.
    TooManyDisclosures,
    /// The path of a selectively disclosable claim is empty, or leads through what is no object.
    WrongPath,
    /// Longer than [`crate::CREDENTIAL_BYTES_MAX`].
    TooLong,
    /// The key.
    Signing(SignError),
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedClaim => {
                "a claim has a reserved name, or that of another claim: rename it"
            }
            Self::NoClaims => {
                "there is no claim, or none in a name space: an mdoc has one at least"
            }
            Self::NoCryptosuite => "a proof is made with a key of P-256, P-384 or Ed25519",
            Self::Uncanonical(error) => return error.fmt(f),
            Self::TooDeep => "the claims are nested too deeply",
            Self::TooManyDisclosures => "too many claims are selectively disclosable",
            Self::WrongPath => "the path of a selectively disclosable claim leads through a value",
            Self::TooLong => "the credential would be too long: shorten its claims",
            Self::Signing(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for IssueError {}
