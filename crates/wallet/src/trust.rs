//! Step 19: is the key that signed the key of the issuer that the holder agreed to?
//!
//! A right signature says only that somebody signed. There are four ways from a key to an issuer:
//!
//! | The credential has | The key is | It is tied to the issuer when |
//! |---|---|---|
//! | `x5c` | in the first certificate | the chain ends in a given anchor, and neither the credential nor the certificate names somebody else |
//! | `iss` = Credential Issuer Identifier | in the issuer's jwt-vc-issuer metadata | always: it came from that host over TLS |
//! | `iss` = the did:web of the Credential Issuer Identifier | in its document, for credentials | always: likewise |
//! | `iss` = another DID | in the DID | the issuer's jwt-vc-issuer metadata hold the same key |
//!
//! VCI §14.4 leaves open how a DID, or any other name, belongs to a Credential Issuer. A bare
//! did:key is whatever somebody made a minute ago; so without a tie the issuer is *not verified*,
//! and the holder decides. A key that stands in the header alone is nobody's (catalogue I27).

use formats::{FormatError, KeyReference};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509::{self, Certificate, X509Error};
use keys::{did, json};
use oid4vci::haip::HaipFinding;
use oid4vci::metadata::{JWT_VC_ISSUER, parse_identifier};
use serde_json::Value;
use url::Url;

use crate::Wallet;
use crate::did_document::did_web_of;
use crate::error::{Question, WalletError};
use crate::store::Trust;

/// Most keys in a key set.
const KEYS_MAX: usize = 100;

/// The key to verify with, and what is known of its owner.
pub(crate) struct IssuerKey {
    pub(crate) key: PublicKey,
    pub(crate) tie: Result<Trust, Doubt>,
}

/// Why an issuer is not verified although the signature is right: the holder may accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// `x5c` ends in no anchor that was given.
    UnknownAuthority,
    /// An anchor vouches for the key, but for another issuer's (catalogue I17).
    OtherIssuer,
    /// The DID belongs to nobody in particular (VCI §14.4).
    UntiedDid,
}

impl Wallet {
    /// Finds the key that the credential refers to.
    pub(crate) async fn issuer_key(
        &self,
        reference: &KeyReference,
        issuer: &str,
    ) -> Result<IssuerKey, WalletError> {
        let iss = reference.iss.as_deref();
        let kid = reference.kid.as_deref();
        if let Some(chain) = &reference.x5c {
            return Ok(self.certified_key(chain, iss, issuer)?);
        }
        if iss == Some(issuer) {
            let keys = self.published_keys(issuer).await?;
            let key = pick(&keys, kid).ok_or(VerificationError::KeyNotPublished)?;
            return Ok(IssuerKey { key, tie: Ok(Trust::IssuerMetadata) });
        }
        if iss.is_some() && iss == did_web_of(issuer).as_deref() {
            let key = self.website_key(issuer, kid).await?;
            return Ok(IssuerKey { key, tie: Ok(Trust::IssuerMetadata) });
        }
        let key = did_key(iss, kid)?;
        // Whoever cannot be asked has not vouched for the DID (IMPL-06).
        let keys = self.published_keys(issuer).await.unwrap_or_default();
        let published = keys.iter().any(|jwk| is_key(jwk, &key));
        let tie = if published { Ok(Trust::IssuerMetadata) } else { Err(Doubt::UntiedDid) };
        Ok(IssuerKey { key, tie })
    }

    fn certified_key(
        &self,
        chain: &[Vec<u8>],
        iss: Option<&str>,
        issuer: &str,
    ) -> Result<IssuerKey, VerificationError> {
        let now = self.clock.now();
        let anchored = match &self.settings.anchors {
            Some(anchors) => x509::verify_chain(chain, anchors, now),
            None => Err(X509Error::NoAnchor),
        };
        match anchored {
            Ok(leaf) if is_for(&leaf, iss, issuer) => {
                let tie = Ok(Trust::Anchor { subject: leaf.common_name });
                Ok(IssuerKey { key: leaf.public_key, tie })
            }
            Ok(leaf) => Ok(IssuerKey { key: leaf.public_key, tie: Err(Doubt::OtherIssuer) }),
            Err(X509Error::NoAnchor | X509Error::SelfSigned | X509Error::BrokenChain) => {
                let key = unanchored_key(chain, now)?;
                Ok(IssuerKey { key, tie: Err(Doubt::UnknownAuthority) })
            }
            Err(error) => Err(VerificationError::of_certificate(error)),
        }
    }

    /// The keys that the issuer publishes under its own name (FMT-SDJWT-09).
    async fn published_keys(&self, issuer: &str) -> Result<Vec<Value>, WalletError> {
        let body = self.document(issuer, JWT_VC_ISSUER, Question::IssuerKeys).await?;
        let bad = || WalletError::BadAnswer(Question::IssuerKeys);
        let document = json::parse(&body).map_err(|_| bad())?;
        if document.get("issuer").is_none_or(|named| named != issuer) {
            return Err(VerificationError::KeyNotPublished.into());
        }
        let set = match (document.get("jwks"), document.get("jwks_uri").and_then(Value::as_str)) {
            (Some(set), None) => set.clone(),
            (None, Some(uri)) => self.key_set(uri, issuer).await?,
            _ => return Err(bad()),
        };
        let keys = set.get("keys").and_then(Value::as_array).ok_or_else(bad)?;
        Ok(keys.iter().take(KEYS_MAX).cloned().collect())
    }

    /// `jwks_uri` is only followed to the issuer's own host and port: no other was agreed to.
    async fn key_set(&self, uri: &str, issuer: &str) -> Result<Value, WalletError> {
        let bad = || WalletError::BadAnswer(Question::IssuerKeys);
        let url = Url::parse(uri).map_err(|_| bad())?;
        if parse_identifier(issuer).is_none_or(|issuer| issuer.origin() != url.origin()) {
            return Err(WalletError::ForeignEndpoint { host: crate::flow::host(&url) });
        }
        let answer = self.read_document(url, "application/json").await?;
        if answer.status != 200 {
            return Err(bad());
        }
        json::parse(&answer.body).map_err(|_| bad())
    }
}

/// Whether an anchored certificate is this issuer's (catalogue I17).
///
/// Credential (`iss`) and certificate (its alternative names) may each name the issuer, and neither
/// may name somebody else: `iss` is what the signer wrote, the certificate says who the signer is.
/// Where neither names anybody, the authority alone vouches: its owner gave it as an anchor.
pub(crate) fn is_for(leaf: &Certificate, iss: Option<&str>, issuer: &str) -> bool {
    let host = parse_identifier(issuer);
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let names_nobody = leaf.uris.is_empty() && leaf.dns_names.is_empty();
    let by_uri = leaf.uris.iter().any(|uri| uri == issuer);
    let by_host = leaf.dns_names.iter().any(|name| name.eq_ignore_ascii_case(host));
    iss.is_none_or(|iss| iss == issuer) && (names_nobody || by_uri || by_host)
}

fn unanchored_key(chain: &[Vec<u8>], now: Timestamp) -> Result<PublicKey, VerificationError> {
    let leaf = chain.first().ok_or(VerificationError::BadCertificate)?;
    let leaf = Certificate::from_der(leaf).map_err(VerificationError::of_certificate)?;
    if now < leaf.not_before || now > leaf.not_after {
        return Err(VerificationError::CertificateExpired);
    }
    Ok(leaf.public_key)
}

/// `kid` picks; without it there must be nothing to choose.
fn pick(keys: &[Value], kid: Option<&str>) -> Option<PublicKey> {
    let jwk = match (kid, keys) {
        (Some(kid), _) => keys.iter().find(|jwk| jwk.get("kid").is_some_and(|k| k == kid))?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    PublicKey::from_jwk(jwk).ok()
}

fn is_key(jwk: &Value, key: &PublicKey) -> bool {
    PublicKey::from_jwk(jwk).is_ok_and(|published| published.thumbprint() == key.thumbprint())
}

/// The key of the DID in `iss`; a `kid` of another DID is a forgery (catalogue I13).
fn did_key(iss: Option<&str>, kid: Option<&str>) -> Result<PublicKey, VerificationError> {
    let iss = match (iss, kid) {
        (Some(iss), _) if iss.starts_with("did:") => iss,
        (None, Some(kid)) if kid.starts_with("did:") => did::did_of(kid),
        (Some(_), _) => return Err(VerificationError::OtherIssuer),
        (None, _) => return Err(VerificationError::NobodysKey),
    };
    let url = match kid {
        None => iss.to_owned(),
        Some(kid) if kid.starts_with('#') => format!("{iss}{kid}"),
        Some(kid) if did::did_of(kid) == iss => kid.to_owned(),
        Some(_) => return Err(VerificationError::OtherIssuer),
    };
    did::resolve(&url).map_err(|_| VerificationError::BadDid)
}

/// Why a credential that came is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationError {
    /// Not a credential of the format that was asked for, or against its rules.
    Malformed,
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

impl Doubt {
    /// What the holder must know before saying yes.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownAuthority => {
                "the issuer is not verified: its certificate comes from an authority that this \
                 wallet does not know"
            }
            Self::OtherIssuer => {
                "the issuer is not verified: the credential or its certificate names somebody else"
            }
            Self::UntiedDid => {
                "the issuer is not verified: nothing shows that the signing key is the issuer's"
            }
        }
    }
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
            FormatError::Expired => Self::Expired,
            FormatError::NotYetValid => Self::NotYetValid,
            FormatError::OtherIssuer => Self::OtherIssuer,
            FormatError::UnsupportedFormat
            | FormatError::W3cSdJwt
            | FormatError::TooLong
            | FormatError::Malformed
            | FormatError::WrongType
            | FormatError::UnexpectedKeyBinding
            | FormatError::Header(_)
            | FormatError::Signature(_)
            | FormatError::Disclosures(_)
            | FormatError::ProtectedClaim
            | FormatError::Contradiction
            | FormatError::BadBinding
            | FormatError::UnsupportedProof
            | FormatError::Uncanonical
            | FormatError::UndefinedTerm
            | FormatError::UnknownContext
            | FormatError::OtherDataModel => Self::Malformed,
        }
    }

    /// What is wrong, for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "what came is not a credential of the promised format",
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
            Self::NotBound => "not_bound",
            Self::OtherKey => "bound_to_other_key",
            Self::Surplus => "surplus_credentials",
            Self::Haip(_) => "haip",
            Self::Doubtful(_) => "issuer_not_verified",
        }
    }
}

#[cfg(test)]
mod tests;
