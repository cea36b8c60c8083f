//! All of a credential but its signature, in the format of its type, looked at once more.

use formats::IssueError;
use formats::binding::Binding;
use formats::lint::{self, Expected, TypeName};
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
use keys::x509::Certificate;
use oid4vci::proof::{HolderBinding, VerifiedProof};
use serde_json::{Map, Value};
use uuid::Builder;

use super::signer::life;
use super::{ROUNDING_SECONDS, mdoc};
use crate::credential_type::{CredentialType, Format, Securing, W3cType};
use crate::failure::Broken;

/// What makes a credential what it is, beside its claims, its holder and its status.
pub(super) struct Making<'m> {
    pub(super) credential_type: &'m CredentialType,
    pub(super) issuer: &'m str,
    /// Of the key that will sign, whether it goes with the credential or not.
    pub(super) certificate: &'m Certificate,
    pub(super) now: Timestamp,
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
    /// The beginning of the day, and never before that of the key's certificate: verifiers may hold
    /// the one against the other (ISO 18013-5 §9.3.1, RFC 5280 §6.1).
    issued_at: Timestamp,
    expires_at: Timestamp,
    status: Option<CredentialStatus>,
}

impl Stamp {
    /// A credential ends with the certificate that goes with it: from then on nobody could verify it.
    /// `since` is the beginning of the signing key's certificate, whether it goes with it or not.
    pub(super) fn new(
        credential_type: &CredentialType,
        (now, since): (Timestamp, Timestamp),
        certificate: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        let issued_at = day_begin(now).max(since.min(now));
        let seconds = u64::from(credential_type.validity_days) * ROUNDING_SECONDS;
        // Not shorter than was configured: rounded up.
        let end = day_begin(now.plus(seconds).plus(ROUNDING_SECONDS - 1));
        let expires_at = certificate.map_or(end, |(_, last)| end.min(last));
        Self { issued_at, expires_at, status: None }
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

const fn day_begin(time: Timestamp) -> Timestamp {
    Timestamp(time.0 - time.0 % ROUNDING_SECONDS)
}

impl Making<'_> {
    /// Makes all but the signature, unless something in it must not be signed. `status` comes with the
    /// number of entries that its list has.
    pub(super) fn make(
        &self,
        (claims, holder): (&Map<String, Value>, Option<&Holder>),
        status: Option<&(CredentialStatus, u64)>,
    ) -> Result<Unsigned, Broken> {
        let life = life(self.certificate, self.credential_type);
        let status = status.map(|(status, entries)| (status, *entries));
        let stamp = self.stamp().with(status.map(|(status, _)| status.clone()));
        let unsigned = self.unsigned((claims, holder), stamp)?;
        let expected = Expected {
            type_name: type_name(self.credential_type),
            issuer: self.issuer,
            holder: holder.map(|holder| (&holder.key, &holder.binding)),
            now: self.now,
            certificate: life,
            country: self.certificate.country.as_deref(),
            status,
        };
        lint::check(&unsigned, &expected).map_err(|fault| {
            Broken::fault(format!("a {} was not signed: {fault}", self.credential_type.id))
        })?;
        Ok(unsigned)
    }

    /// From when on it is good.
    pub(super) fn begins_at(&self) -> Timestamp {
        self.stamp().issued_at
    }

    fn stamp(&self) -> Stamp {
        let life = life(self.certificate, self.credential_type);
        Stamp::new(self.credential_type, (self.now, self.certificate.not_before), life)
    }

    fn unsigned(
        &self,
        (claims, holder): (&Map<String, Value>, Option<&Holder>),
        stamp: Stamp,
    ) -> Result<Unsigned, Broken> {
        let failed =
            |error: IssueError| Broken::fault(format!("a credential cannot be made: {error}"));
        let claims = &*self.credential_type.claims.to_disclose(claims);
        match &self.credential_type.format {
            Format::SdJwtVc { vct } => {
                let claims = sd_jwt_vc_claims((vct, claims), holder, &stamp, self);
                sd_jwt_vc::prepare(claims, self.random).map(Unsigned::SdJwtVc)
            }
            Format::MsoMdoc { doctype, name_space } => {
                let holder =
                    holder.ok_or_else(|| Broken::fault("an mdoc has no key to hold".into()))?;
                let claims = MdocClaims {
                    doc_type: doctype,
                    name_spaces: {
                        let name_space = name_space.as_deref();
                        mdoc::name_spaces((self.credential_type, name_space), claims)?
                    },
                    device_key: &holder.key,
                    signed_at: stamp.issued_at,
                    expires_at: stamp.expires_at,
                    status: stamp.reference(),
                };
                mso_mdoc::prepare(&claims, self.random).map(Unsigned::MsoMdoc)
            }
            Format::W3c(w3c) => self::w3c((w3c, claims), holder, stamp, self),
        }
        .map_err(failed)
    }
}

/// A name that nobody else has, and that says nothing: a UUID of version 4.
fn drawn_name(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid().urn().to_string()
}

fn type_name(credential_type: &CredentialType) -> TypeName<'_> {
    match &credential_type.format {
        Format::SdJwtVc { vct } => TypeName::Vct(vct),
        Format::MsoMdoc { doctype, .. } => TypeName::DocType(doctype),
        Format::W3c(w3c) => TypeName::W3c {
            contexts: &w3c.contexts,
            types: &w3c.types,
            has_id: credential_type.credential_id,
            name: credential_type.credential_name.as_deref(),
        },
    }
}

fn sd_jwt_vc_claims<'a>(
    (vct, claims): (&'a str, &Map<String, Value>),
    holder: Option<&Holder>,
    stamp: &Stamp,
    making: &Making<'a>,
) -> SdJwtVcClaims<'a> {
    let credential_type = making.credential_type;
    SdJwtVcClaims {
        vct,
        vct_integrity: credential_type.vct_integrity.as_deref(),
        issuer: making.issuer,
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
    (w3c, claims): (&W3cType, &Map<String, Value>),
    holder: Option<&Holder>,
    stamp: Stamp,
    making: &Making<'_>,
) -> Result<Unsigned, IssueError> {
    let credential_type = making.credential_type;
    let subject = holder.map(Holder::subject);
    let claims = W3cClaims {
        id: credential_type.credential_id.then(|| drawn_name(making.random)),
        name: credential_type.credential_name.as_deref(),
        issuer: making.issuer,
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
            vc_jose::prepare_selective(&claims, making.random).map(Unsigned::VcSdJwt)
        }
        Securing::LdpVc(canonicalization) => {
            ldp_vc::prepare(&claims).map(|made| Unsigned::LdpVc(made, canonicalization))
        }
    }
}
