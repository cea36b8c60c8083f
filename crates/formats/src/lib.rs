//! Credential formats: how a credential is made and signed, and what one that came really says.
//!
//! | Format | What it is | Module |
//! |---|---|---|
//! | `dc+sd-jwt` | SD-JWT VC: the holder may leave claims out | [`sd_jwt_vc`], on [`sd_jwt`] |
//! | `mso_mdoc` | ISO mdoc: name spaces of elements, in CBOR | [`mso_mdoc`] |
//! | `jwt_vc_json`, `jwt_vc_json-ld` | W3C Verifiable Credential 1.1 as a JWT | [`jwt_vc_json`], on [`w3c`] |
//! | `vc+jwt`, `vc+sd-jwt` | W3C Verifiable Credential 2.0, secured with JOSE | [`vc_jose`], on [`w3c`] and [`sd_jwt`] |
//! | `ldp_vc` | W3C Verifiable Credential with a proof inside | [`ldp_vc`], on [`w3c`] and [`data_integrity`] |
//!
//! [`status_list`] is where issuers say which credentials they have revoked.
//!
//! An issuer calls `issue` of the format, or its `prepare` and `sign`, and between them looks once more
//! at all that it signs ([`lint`]). A wallet calls [`parse`], finds the key that
//! [`Unverified::key_reference`] refers to and decides whether that key is the issuer's; then
//! [`Unverified::verify`] gives a [`verified::Verified`]. A holder shows an SD-JWT in part
//! ([`sd_jwt::Showable`]) and signs for whom ([`key_binding`]). Whose a key is, and whether a credential
//! was revoked, is not known here: this crate opens no socket, and knows no protocol.

pub mod binding;
pub mod data_integrity;
mod error;
pub mod jwt_vc_json;
pub mod key_binding;
pub mod ldp_vc;
mod length;
pub mod lint;
pub mod mso_mdoc;
pub mod path;
pub mod sd_jwt;
pub mod sd_jwt_vc;
pub mod status_list;
pub mod type_metadata;
pub mod unsigned;
mod unverified;
mod validity;
pub mod vc_jose;
pub mod verified;
pub mod w3c;

pub use error::{FormatError, IssueError};
pub use unverified::{KeyReference, Unverified, parse, parse_raw};

/// Longest credential: a photo has room.
pub const CREDENTIAL_BYTES_MAX: usize = 2 * 1024 * 1024;
