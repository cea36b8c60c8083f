//! All of a credential but its signature, in the format of its type.

use formats::IssueError;
use formats::binding::Binding;
use formats::mso_mdoc::{self, MdocClaims};
use formats::sd_jwt_vc::{self, SdJwtVcClaims};
use formats::status_list::{CredentialStatus, StatusReference};
use formats::unsigned::Unsigned;
use formats::vc_jose::{self, SelectiveClaims};
use formats::w3c::W3cClaims;
use formats::{jwt_vc_json, ldp_vc};
use keys::did;
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use oid4vci::proof::{HolderBinding, VerifiedProof};
use serde_json::{Map, Value};

use super::{ROUNDING_SECONDS, mdoc, stamp_of};
use crate::credential_type::{CredentialType, Format, Securing, W3cType};
use crate::failure::Broken;

/// Who makes it.
pub(super) struct Maker<'m> {
    pub(super) issuer: &'m str,
    pub(super) random: &'m dyn Random,
}

/// Whose it will be.
pub(super) struct Holder {
    pub(super) key: PublicKey,
    pub(super) binding: Binding,
}

impl Holder {
    /// `cnf` follows the proof: the bare key (HAIP-42), or the DID URL that names it (CRED-21,
    /// FMT-SDJWT-07).
    pub(super) fn of(proof: &VerifiedProof) -> Self {
        let key = proof.public_key().clone();
        let binding = match proof.binding() {
            HolderBinding::Jwk => Binding::Jwk(key.clone()),
            HolderBinding::Did(url) => Binding::Kid(url.clone()),
        };
        Self { key, binding }
    }

    /// The subject is the DID of the proof; a bare key has its did:jwk.
    fn subject(&self) -> String {
        match &self.binding {
            Binding::Jwk(key) => did::to_did_jwk(key),
            Binding::Kid(url) => did::did_of(url).to_owned(),
        }
    }
}

/// What every credential says of itself.
#[derive(Clone)]
pub(super) struct Stamp {
    issued_at: Timestamp,
    /// From when on an mdoc is good: it is not signed before its signer's certificate was
    /// (ISO 18013-5 §9.3.1).
    signed_at: Timestamp,
    expires_at: Timestamp,
    status: Option<CredentialStatus>,
}

impl Stamp {
    /// A credential ends with the certificate that goes with it: from then on nobody could verify it.
    pub(super) fn new(
        credential_type: &CredentialType,
        now: Timestamp,
        certificate: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        let issued_at = stamp_of(now);
        let end = issued_at.plus(u64::from(credential_type.validity_days) * ROUNDING_SECONDS);
        let (first, last) = certificate.unwrap_or((issued_at, end));
        let (signed_at, expires_at) = (issued_at.max(first), end.min(last));
        Self { issued_at, signed_at, expires_at, status: None }
    }

    pub(super) fn with(self, status: Option<CredentialStatus>) -> Self {
        Self { status, ..self }
    }

    /// Of formats that know Token Status Lists alone.
    fn reference(&self) -> Option<StatusReference> {
        match &self.status {
            Some(CredentialStatus::StatusList(reference)) => Some(reference.clone()),
            Some(_) | None => None,
        }
    }
}

/// What would be issued now, with these claims, to the holder of this key; nothing is signed.
pub fn example(
    credential_type: &CredentialType,
    claims: &Map<String, Value>,
    issuer: &str,
    (key, now): (PublicKey, Timestamp),
    random: &dyn Random,
) -> Result<Unsigned, Broken> {
    let bound = credential_type.key_binding.is_some();
    let holder = bound.then(|| Holder { binding: Binding::Jwk(key.clone()), key });
    let stamp = Stamp::new(credential_type, now, None);
    make(credential_type, (claims, holder.as_ref()), stamp, &Maker { issuer, random })
}

pub(super) fn make(
    credential_type: &CredentialType,
    (claims, holder): (&Map<String, Value>, Option<&Holder>),
    stamp: Stamp,
    maker: &Maker<'_>,
) -> Result<Unsigned, Broken> {
    let claims = &*credential_type.claims.to_disclose(claims);
    let failed = |error: IssueError| Broken::fault(format!("a credential cannot be made: {error}"));
    match &credential_type.format {
        Format::SdJwtVc { vct } => {
            let claims = sd_jwt_vc_claims((credential_type, vct, claims), holder, &stamp, maker);
            sd_jwt_vc::prepare(claims, maker.random).map(Unsigned::SdJwtVc)
        }
        Format::MsoMdoc { doctype, name_space } => {
            let holder =
                holder.ok_or_else(|| Broken::fault("an mdoc has no key to hold".into()))?;
            let claims = MdocClaims {
                doc_type: doctype,
                name_spaces: mdoc::name_spaces((credential_type, name_space.as_deref()), claims)?,
                device_key: &holder.key,
                signed_at: stamp.signed_at,
                expires_at: stamp.expires_at,
                status: stamp.reference(),
            };
            mso_mdoc::prepare(&claims, maker.random).map(Unsigned::MsoMdoc)
        }
        Format::W3c(w3c) => self::w3c((credential_type, w3c, claims), holder, stamp, maker),
    }
    .map_err(failed)
}

fn sd_jwt_vc_claims<'a>(
    (credential_type, vct, claims): (&'a CredentialType, &'a str, &Map<String, Value>),
    holder: Option<&Holder>,
    stamp: &Stamp,
    maker: &Maker<'a>,
) -> SdJwtVcClaims<'a> {
    SdJwtVcClaims {
        vct,
        vct_integrity: credential_type.vct_integrity.as_deref(),
        issuer: maker.issuer,
        claims: claims.clone(),
        selective: credential_type.selective_paths().into(),
        decoys: credential_type.decoys,
        binding: holder.map(|holder| holder.binding.clone()),
        issued_at: stamp.issued_at,
        not_before: None,
        expires_at: stamp.expires_at, // HAIP-41
        status: stamp.reference(),
    }
}

/// W3C credentials (VCI §A.1).
fn w3c(
    (credential_type, w3c, claims): (&CredentialType, &W3cType, &Map<String, Value>),
    holder: Option<&Holder>,
    stamp: Stamp,
    maker: &Maker<'_>,
) -> Result<Unsigned, IssueError> {
    let subject = holder.map(Holder::subject);
    let claims = W3cClaims {
        issuer: maker.issuer,
        contexts: &w3c.contexts,
        types: &w3c.types,
        subject: subject.as_deref(),
        claims: claims.clone(),
        issued_at: stamp.issued_at,
        expires_at: stamp.expires_at,
        status: stamp.status,
    };
    match w3c.securing {
        Securing::JwtVcJson | Securing::JwtVcJsonLd => {
            jwt_vc_json::prepare(&claims).map(Unsigned::JwtVcJson)
        }
        Securing::VcJwt => vc_jose::prepare(&claims).map(Unsigned::VcJwt),
        Securing::VcSdJwt => {
            let claims = SelectiveClaims {
                claims,
                selective: credential_type.selective_paths().into(),
                decoys: credential_type.decoys,
                binding: holder.map(|holder| holder.binding.clone()),
            };
            vc_jose::prepare_selective(&claims, maker.random).map(Unsigned::VcSdJwt)
        }
        Securing::LdpVc(canonicalization) => {
            ldp_vc::prepare(&claims).map(|made| Unsigned::LdpVc(made, canonicalization))
        }
    }
}
