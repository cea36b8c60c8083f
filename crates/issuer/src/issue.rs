//! Step 17: the credential for one subject, made and signed (VCI §A.1.1, VCI §A.3).

use formats::binding::Binding;
use formats::mso_mdoc::{self, MdocClaims, NameSpace};
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVcClaims};
use formats::status_list::StatusReference;
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;
use oid4vci::legacy::Dialect;
use oid4vci::proof::{HolderBinding, VerifiedProof};
use serde_json::{Map, Value};

use crate::Issuer;
use crate::credential_type::{CredentialType, Format};
use crate::failure::Broken;

mod mdoc;
mod signer;
mod w3c;

pub use signer::signer_warnings;
pub(crate) use signer::{check_key, check_signer};

/// Times are rounded to the day: two credentials of one day cannot be told apart by them (PRIV-07,
/// AMB-20). On the first day of a certificate an mdoc has that one's first second.
const ROUNDING_SECONDS: u64 = 24 * 3600;

/// Makes and signs the credential for the holder of one key, or for whoever bears it.
pub async fn issue(
    issuer: &Issuer,
    (credential_type, dialect): (&CredentialType, Option<Dialect>),
    claims: &Map<String, Value>,
    holder: Option<&VerifiedProof>,
    entry: Option<StatusEntry>,
) -> Result<Value, Broken> {
    let now = issuer.clock.now();
    let issued_at = Timestamp(now.0 - now.0 % ROUNDING_SECONDS);
    let lifetime = u64::from(credential_type.validity_days) * ROUNDING_SECONDS;
    let status = entry.map(|entry| issuer.status_reference(entry));
    let stamp = Stamp { issued_at, expires_at: issued_at.plus(lifetime), status };
    let credential = match &credential_type.format {
        Format::SdJwtVc { vct } => {
            let typ = dialect.map_or(sd_jwt_vc::FORMAT, Dialect::sd_jwt_typ);
            let holder = (typ, holder);
            sd_jwt_vc(issuer, (credential_type, vct, claims), holder, stamp).await
        }
        Format::MsoMdoc { doctype } => {
            let name_spaces = mdoc::name_spaces(credential_type, claims)?;
            mso_mdoc(issuer, (doctype, name_spaces), holder, stamp).await
        }
        Format::W3c(w3c) => {
            return w3c::issue(issuer, (credential_type, w3c, claims), holder, stamp).await;
        }
    };
    credential.map(Value::String)
}

/// What every credential says of itself.
struct Stamp {
    issued_at: Timestamp,
    expires_at: Timestamp,
    status: Option<StatusReference>,
}

async fn sd_jwt_vc(
    issuer: &Issuer,
    (credential_type, vct, claims): (&CredentialType, &str, &Map<String, Value>),
    (typ, holder): (&str, Option<&VerifiedProof>),
    stamp: Stamp,
) -> Result<String, Broken> {
    let keys = issuer.keys();
    let key = &keys.signing;
    let claims = SdJwtVcClaims {
        vct,
        issuer: issuer.credential_issuer(),
        claims: claims.clone(),
        selective: credential_type.selective_paths(),
        decoys: credential_type.decoys,
        binding: holder.map(confirmation),
        issued_at: stamp.issued_at,
        not_before: None,
        expires_at: stamp.expires_at, // HAIP-41
        status: stamp.status,
    };
    let header = IssuerKeyHeader::X5c(&key.x5c);
    sd_jwt_vc::issue_as(typ, claims, header, &*key.signer, &*issuer.random)
        .await
        .map_err(|error| Broken::fault(format!("signing failed: {error}")))
}

/// `cnf` follows the proof: the bare key (HAIP-42), or the DID URL that names it (CRED-21,
/// FMT-SDJWT-07).
fn confirmation(holder: &VerifiedProof) -> Binding {
    match holder.binding() {
        HolderBinding::Jwk => Binding::Jwk(holder.public_key().clone()),
        HolderBinding::Did(url) => Binding::Kid(url.clone()),
    }
}

async fn mso_mdoc(
    issuer: &Issuer,
    (doc_type, name_spaces): (&str, Vec<NameSpace>),
    holder: Option<&VerifiedProof>,
    stamp: Stamp,
) -> Result<String, Broken> {
    let keys = issuer.keys();
    let key = &keys.signing;
    let holder = holder.ok_or_else(|| Broken::fault("an mdoc has no key to hold".into()))?;
    let claims = MdocClaims {
        doc_type,
        name_spaces,
        device_key: holder.public_key(),
        // It is not signed before its signer's certificate was good (ISO 18013-5 §9.3.1).
        signed_at: stamp.issued_at.max(key.certificate.not_before),
        expires_at: stamp.expires_at,
        status: stamp.status,
    };
    mso_mdoc::issue(claims, &key.x5c, &*key.signer, &*issuer.random)
        .await
        .map_err(|error| Broken::fault(format!("signing failed: {error}")))
}
