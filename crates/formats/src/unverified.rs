//! One entrance for all formats.

use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509;
use serde_json::{Map, Value};

use crate::FormatError;
use crate::jwt_vc_json::{self, JwtVc};
use crate::mso_mdoc::{self, Mdoc};
use crate::sd_jwt_vc::{self, SdJwtVc};
use crate::verified::Verified;

/// Reads a credential as it stands in a Credential Response.
pub fn parse(format: &str, credential: &Value) -> Result<Unverified, FormatError> {
    let text = credential.as_str().ok_or(FormatError::Malformed);
    match format {
        sd_jwt_vc::FORMAT | sd_jwt_vc::FORMER_FORMAT => {
            SdJwtVc::parse(text?).map(Unverified::SdJwtVc)
        }
        mso_mdoc::FORMAT => Mdoc::parse(text?).map(Unverified::MsoMdoc),
        jwt_vc_json::FORMAT => JwtVc::parse(text?).map(Unverified::JwtVcJson),
        jwt_vc_json::LD_FORMAT => JwtVc::parse_ld(text?).map(Unverified::JwtVcJson),
        _ => Err(FormatError::UnsupportedFormat),
    }
}

/// A credential that was read; what it says is not to be believed yet.
#[derive(Clone, Debug)]
pub enum Unverified {
    /// `dc+sd-jwt`.
    SdJwtVc(SdJwtVc),
    /// `mso_mdoc`.
    MsoMdoc(Mdoc),
    /// `jwt_vc_json` or `jwt_vc_json-ld`.
    JwtVcJson(JwtVc),
}

impl Unverified {
    /// Where to look for the issuer's key.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        match self {
            Self::SdJwtVc(credential) => credential.key_reference(),
            Self::MsoMdoc(credential) => credential.key_reference(),
            Self::JwtVcJson(credential) => credential.key_reference(),
        }
    }

    /// Verifies the signature with the issuer's key, then the rest.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        match self {
            Self::SdJwtVc(credential) => credential.verify(key, now),
            Self::MsoMdoc(credential) => credential.verify(key, now),
            Self::JwtVcJson(credential) => credential.verify(key, now),
        }
    }
}

/// What a credential says of the key that signed it: hints, not reasons for trust (catalogue I27).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReference {
    /// Certificates, the signer's first.
    pub x5c: Option<Vec<Vec<u8>>>,
    /// The name of the key.
    pub kid: Option<String>,
    /// `iss`, or what stands for it.
    pub iss: Option<String>,
}

impl KeyReference {
    pub(crate) fn of(jws: &Jws, claims: &Map<String, Value>) -> Result<Self, FormatError> {
        Ok(Self {
            x5c: x509::x5c_from_header(jws.header()).map_err(|_| FormatError::Malformed)?,
            kid: text(jws.header(), "kid")?,
            iss: text(claims, "iss")?,
        })
    }
}

/// A member that may be absent, but is text.
pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, FormatError> {
    let read = |value: &Value| value.as_str().map(str::to_owned).ok_or(FormatError::Malformed);
    object.get(name).map(read).transpose()
}
