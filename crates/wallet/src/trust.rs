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

use formats::KeyReference;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509::{self, Certificate, X509Error};
use keys::{did, json};
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{JWT_VC_ISSUER, parse_identifier};
use serde_json::Value;
use url::Url;

use crate::did_document::did_web_of;
use crate::error::{Question, WalletError};
use crate::reader::Reader;
use crate::store::Trust;

pub(crate) mod document_signer;
mod error;

pub use error::VerificationError;

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
    /// The certificate is for something else than to sign mdocs (ISO 18013-5 §9.3.1).
    OtherPurpose,
    /// The certificate is of another country than the mdoc (ISO 18013-5 §9.3.1).
    OtherCountry,
}

impl Reader<'_> {
    /// Finds the key that the credential refers to.
    pub(crate) async fn issuer_key(
        &self,
        reference: &KeyReference,
        issuer: &str,
    ) -> Result<IssuerKey, WalletError> {
        let iss = reference.iss.as_deref();
        let issuer = named(issuer, iss);
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

    pub(crate) fn certified_key(
        &self,
        chain: &[Vec<u8>],
        iss: Option<&str>,
        issuer: &str,
    ) -> Result<IssuerKey, VerificationError> {
        let issuer = named(issuer, iss);
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
    pub(crate) async fn published_keys(&self, issuer: &str) -> Result<Vec<Value>, WalletError> {
        if let Some(given) = self.given_keys {
            return Ok(given.to_vec());
        }
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

/// Whom a credential from this identifier may name. One that ends in its draft (`/draft-13`) is
/// another way to the issuer whose identifier it begins with: what that one signed is its own.
pub(crate) fn named<'i>(issuer: &'i str, iss: Option<&str>) -> &'i str {
    let own = issuer.rsplit_once("/draft-");
    let own = own.and_then(|(own, draft)| Dialect::parse(draft).map(|_| own));
    let own =
        own.filter(|own| iss == Some(own) || iss.is_some() && iss == did_web_of(own).as_deref());
    own.unwrap_or(issuer)
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
pub(crate) fn pick(keys: &[Value], kid: Option<&str>) -> Option<PublicKey> {
    let jwk = match (kid, keys) {
        (Some(kid), _) => keys.iter().find(|jwk| jwk.get("kid").is_some_and(|k| k == kid))?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    PublicKey::from_jwk_or_rsa(jwk).ok()
}

pub(crate) fn is_key(jwk: &Value, key: &PublicKey) -> bool {
    PublicKey::from_jwk_or_rsa(jwk)
        .is_ok_and(|published| published.thumbprint() == key.thumbprint())
}

/// The key of the DID in `iss`; a `kid` of another DID is a forgery (catalogue I13).
pub(crate) fn did_key(
    iss: Option<&str>,
    kid: Option<&str>,
) -> Result<PublicKey, VerificationError> {
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
    did::resolve_issuer(&url).map_err(|_| VerificationError::BadDid)
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
            Self::OtherPurpose => {
                "the issuer is not verified: its certificate is for something else than to sign mdocs"
            }
            Self::OtherCountry => {
                "the issuer is not verified: its certificate is of another country than the credential"
            }
        }
    }
}

#[cfg(test)]
mod tests;
