//! One entrance for all formats.

use keys::json;
use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509;
use serde_json::{Map, Value};

use crate::FormatError;
use crate::data_integrity::Contexts;
use crate::jwt_vc_json::{self, JwtVc};
use crate::ldp_vc::{self, LdpVc};
use crate::mso_mdoc::{self, Mdoc};
use crate::sd_jwt_vc::{self, SdJwtVc};
use crate::status_list::CredentialStatus;
use crate::vc_jose::{self, VcJose};
use crate::verified::Verified;

/// Reads a credential as it stands in a Credential Response.
pub fn parse(format: &str, credential: &Value) -> Result<Unverified, FormatError> {
    let text = credential.as_str().ok_or(FormatError::Malformed);
    match format {
        sd_jwt_vc::FORMAT => SdJwtVc::parse(text?).map(Unverified::SdJwtVc),
        vc_jose::SD_FORMAT => vc_sd_jwt(text?),
        mso_mdoc::FORMAT => Mdoc::parse(text?).map(Unverified::MsoMdoc),
        jwt_vc_json::FORMAT => jwt_vc(text?, JwtVc::parse),
        jwt_vc_json::LD_FORMAT => jwt_vc(text?, JwtVc::parse_ld),
        vc_jose::FORMAT => VcJose::parse(text?).map(Unverified::VcJose),
        ldp_vc::FORMAT => LdpVc::parse(credential).map(|read| Unverified::LdpVc(Box::new(read))),
        _ => Err(FormatError::UnsupportedFormat),
    }
}

/// Reads a credential as [`Verified::raw`] keeps it: one that is an object is its text.
pub fn parse_raw(format: &str, raw: &str) -> Result<Unverified, FormatError> {
    if format == ldp_vc::FORMAT {
        let object = json::parse(raw.as_bytes()).map_err(|_| FormatError::Malformed)?;
        return parse(format, &object);
    }
    parse(format, &Value::String(raw.to_owned()))
}

/// Two formats have this name; SD-JWT VC is the one with `vct`.
fn vc_sd_jwt(text: &str) -> Result<Unverified, FormatError> {
    match SdJwtVc::parse(text) {
        Err(FormatError::W3cSdJwt) => VcJose::parse_selective(text).map(Unverified::VcJose),
        sd_jwt_vc => sd_jwt_vc.map(Unverified::SdJwtVc),
    }
}

/// The specification has no name for `vc+jwt`, so that some issuers send it under the names of
/// version 1.1; `typ` tells, or else what is in it.
fn jwt_vc(
    text: &str,
    parse: impl Fn(&str) -> Result<JwtVc, FormatError>,
) -> Result<Unverified, FormatError> {
    match parse(text) {
        Err(FormatError::WrongType) => VcJose::parse(text).map(Unverified::VcJose),
        jwt_vc => jwt_vc.map(Unverified::JwtVcJson),
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
    /// `vc+jwt`, or `vc+sd-jwt` of the W3C.
    VcJose(VcJose),
    /// `ldp_vc`.
    LdpVc(Box<LdpVc>),
}

impl Unverified {
    /// Where to look for the issuer's key.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        match self {
            Self::SdJwtVc(credential) => credential.key_reference(),
            Self::MsoMdoc(credential) => credential.key_reference(),
            Self::JwtVcJson(credential) => credential.key_reference(),
            Self::VcJose(credential) => credential.key_reference(),
            Self::LdpVc(credential) => credential.key_reference(),
        }
    }

    /// Where its status can be asked for; worth something only of a credential that was verified,
    /// now or when it was stored.
    pub fn status(&self) -> Result<Option<CredentialStatus>, FormatError> {
        match self {
            Self::SdJwtVc(credential) => credential.status(),
            Self::MsoMdoc(credential) => Ok(credential.status()),
            Self::JwtVcJson(credential) => Ok(credential.status()),
            Self::VcJose(credential) => credential.status(),
            Self::LdpVc(credential) => credential.status(),
        }
    }

    /// Whether it says itself what its names mean, and the signature is on the meaning alone: good from
    /// its issuer, but not from somebody who shows it.
    #[must_use]
    pub fn names_itself(&self) -> bool {
        match self {
            Self::LdpVc(credential) => credential.names_itself(),
            Self::SdJwtVc(_) | Self::MsoMdoc(_) | Self::JwtVcJson(_) | Self::VcJose(_) => false,
        }
    }

    /// The same for whoever knows more contexts than the program has.
    #[must_use]
    pub fn with_contexts(self, contexts: &Contexts) -> Self {
        match self {
            Self::LdpVc(credential) => Self::LdpVc(Box::new(credential.with_contexts(contexts))),
            other
            @ (Self::SdJwtVc(_) | Self::MsoMdoc(_) | Self::JwtVcJson(_) | Self::VcJose(_)) => other,
        }
    }

    /// Verifies the signature with the issuer's key, then the rest.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        match self {
            Self::SdJwtVc(credential) => credential.verify(key, now),
            Self::MsoMdoc(credential) => credential.verify(key, now),
            Self::JwtVcJson(credential) => credential.verify(key, now),
            Self::VcJose(credential) => credential.verify(key, now),
            Self::LdpVc(credential) => credential.verify(key, now),
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
