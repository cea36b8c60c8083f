//! What a credential says, once its signature was verified.

use keys::outside::Timestamp;
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::status_list::CredentialStatus;

/// A credential whose signature is right and whose time has come; only this crate makes one.
///
/// It may have been revoked: that is asked elsewhere.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The format that it has.
    pub format: Format,
    /// Its own name; of W3C credentials alone.
    pub id: Option<String>,
    /// Who issued it, if it names anybody.
    pub issuer: Option<String>,
    /// What it says of its subject, without the members that belong to the format.
    pub claims: Map<String, Value>,
    /// Its `vct`, its `docType`, or its W3C types.
    pub types: Vec<String>,
    /// What gives those types and the claims their meaning; empty but for W3C credentials.
    pub contexts: Vec<Value>,
    /// The holder's key; `None` if it is good for whoever bears it.
    pub binding: Option<Binding>,
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
    /// The first second of its life.
    pub not_before: Option<Timestamp>,
    /// The second from which on it is no longer good.
    pub expires_at: Option<Timestamp>,
    /// How to find out whether it was revoked; `None` if it cannot be.
    pub status: Option<CredentialStatus>,
    /// As it came.
    pub raw: String,
}

/// The formats that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `dc+sd-jwt`, also under its former name.
    SdJwtVc,
    /// `mso_mdoc`; its claims are objects of elements, by name space.
    MsoMdoc,
    /// `jwt_vc_json`.
    JwtVcJson,
    /// `jwt_vc_json-ld`.
    JwtVcJsonLd,
    /// `vc+jwt`, also as `jwt_vc_json`.
    VcJwt,
    /// `vc+sd-jwt` of the W3C.
    VcSdJwt,
    /// `ldp_vc`.
    LdpVc,
}
