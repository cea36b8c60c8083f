//! Signed metadata: what the Issuer publishes about itself, so that it can be told from where it lay
//! (VCI §12.2.3, HAIP-14, HAIP-50).

use keys::algorithm::Algorithm;
use keys::jws::{self, Jws, JwsError};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::{SignError, Signer};
use keys::x509;
use serde_json::{Map, Value};

use crate::claims::seconds;
use crate::metadata::METADATA_BYTES_MAX;

/// `typ` of the header; there is no "4" in it (SMETA-02).
pub const TYPE: &str = "openidvci-issuer-metadata+jwt";
/// The media type of the answer (META-06).
pub const MEDIA_TYPE: &str = "application/jwt";

/// Claims that say something of the JWT, and are no metadata.
const ABOUT_JWT: [&str; 4] = ["iss", "sub", "iat", "exp"];

/// Who signs, and how verifiers find the key.
#[derive(Clone, Copy, Debug)]
pub struct MetadataSigner<'s> {
    /// The key.
    pub signer: &'s dyn Signer,
    /// Its certificate and those above, without the anchor.
    pub x5c: &'s [Vec<u8>],
}

/// Signs `metadata`, whose parameters all become claims (SMETA-01 to SMETA-05).
pub async fn sign(
    metadata: Map<String, Value>,
    credential_issuer: &str,
    (issued_at, expires_at): (Timestamp, Timestamp),
    key: MetadataSigner<'_>,
) -> Result<String, SignError> {
    let mut claims = metadata;
    let mut insert = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    insert("iss", credential_issuer.into()); // SMETA-04
    insert("sub", credential_issuer.into());
    insert("iat", issued_at.0.into());
    insert("exp", expires_at.0.into());
    let header = [("typ", Value::from(TYPE)), ("x5c", x509::x5c_to_json(key.x5c))];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    jws::sign(header, keys::json::text(&claims).as_bytes(), key.signer).await
}

/// Signed metadata that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct UnverifiedMetadata {
    jws: Jws,
    x5c: Vec<Vec<u8>>,
}

impl UnverifiedMetadata {
    /// Reads what an Issuer sent; it must name its key by certificates (SMETA-07), as only those lead
    /// to somebody whom the Wallet knows already.
    pub fn parse(text: &str) -> Result<Self, SignedMetadataError> {
        let jws = Jws::parse(text, METADATA_BYTES_MAX).map_err(|error| match error {
            JwsError::NoneAlgorithm | JwsError::MacAlgorithm | JwsError::UnknownAlgorithm(_) => {
                SignedMetadataError::Algorithm // SMETA-01
            }
            JwsError::TooLong
            | JwsError::Malformed
            | JwsError::CriticalHeader
            | JwsError::WrongAlgorithm
            | JwsError::WrongSignature => SignedMetadataError::Malformed,
        })?;
        if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
            return Err(SignedMetadataError::WrongType); // SMETA-02, SMETA-08
        }
        let x5c = x509::x5c_from_header(jws.header()).ok().flatten();
        Ok(Self { jws, x5c: x5c.ok_or(SignedMetadataError::NoCertificate)? })
    }

    /// The certificates that the header names, the signer's first: whether they lead to an anchor is
    /// for the caller to say (SMETA-06).
    #[must_use]
    pub fn x5c(&self) -> &[Vec<u8>] {
        &self.x5c
    }

    /// What the header claims to be signed with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.jws.algorithm()
    }

    /// The metadata of `identifier`, as they would have come without a signature (SMETA-08). `key` is
    /// that of the certificate, which leads to an anchor.
    pub fn verify(
        &self,
        key: &PublicKey,
        identifier: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>, SignedMetadataError> {
        self.jws.verify(key).map_err(|_| SignedMetadataError::WrongSignature)?;
        let mut claims = self.jws.claims().map_err(|_| SignedMetadataError::Malformed)?;
        // Both name it, and neither another one: who signs for one issuer must not speak for two.
        for name in ["sub", "credential_issuer"] {
            if claims.get(name).is_none_or(|named| named != identifier) {
                return Err(SignedMetadataError::OtherIssuer);
            }
        }
        if claims.get("iat").and_then(seconds).is_none() {
            return Err(SignedMetadataError::NoTime); // SMETA-03
        }
        let expires_at =
            claims.get("exp").map(|exp| seconds(exp).ok_or(SignedMetadataError::NoTime));
        if expires_at.transpose()?.is_some_and(|expires_at| now.0 >= expires_at) {
            return Err(SignedMetadataError::Expired);
        }
        claims.retain(|name, _| !ABOUT_JWT.contains(&name.as_str()));
        Ok(claims)
    }
}

/// Why signed metadata is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedMetadataError {
    /// No JWT.
    Malformed,
    /// SMETA-01
    Algorithm,
    /// SMETA-02
    WrongType,
    /// SMETA-07
    NoCertificate,
    /// SMETA-06: by nobody whom the Wallet knows.
    Untrusted,
    /// SMETA-06: the certificates are out of date, or none for this.
    Certificate,
    /// SMETA-07
    WrongSignature,
    /// SMETA-08
    OtherIssuer,
    /// SMETA-03
    NoTime,
    /// SMETA-08
    Expired,
}

impl SignedMetadataError {
    /// What is wrong, for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "the issuer's signed metadata is no JWT",
            Self::Algorithm => {
                "the issuer's signed metadata is not signed by a key that it may use"
            }
            Self::WrongType => "the issuer's signed metadata is a JWT of another kind",
            Self::NoCertificate => "the issuer's signed metadata does not say whose key signed it",
            Self::Untrusted => {
                "the issuer's metadata come signed only, by somebody whom this wallet does not know"
            }
            Self::Certificate => {
                "the issuer's metadata are signed with a certificate that is not good for that"
            }
            Self::WrongSignature => "the signature of the issuer's metadata is wrong",
            Self::OtherIssuer => "the issuer's signed metadata is for another issuer",
            Self::NoTime => "the issuer's signed metadata does not say from when it is",
            Self::Expired => "the issuer's signed metadata is too old",
        }
    }
}
