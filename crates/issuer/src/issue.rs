//! Step 17: the credential for one subject, made, looked at once more and signed (VCI §A.1.1,
//! VCI §A.3).

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::lint::{self, Expected, TypeName};
use formats::sd_jwt_vc;
use formats::unsigned::Unsigned;
use formats::{jwt_vc_json, mso_mdoc, vc_jose};
use keys::outside::{Random, Timestamp};
use oid4vci::grant::StatusEntry;
use oid4vci::legacy::Dialect;
use oid4vci::proof::VerifiedProof;
use serde_json::{Map, Value};

use crate::credential_type::{CredentialType, Format, Securing};
use crate::failure::Broken;
use crate::{Issuer, IssuerKeys};
use unsigned::{Holder, Maker, Stamp};

mod linked_data;
mod mdoc;
mod signer;
mod unsigned;

pub(crate) use signer::{SdJwtHeaders, check_algorithm, check_signer};
pub use signer::{check_key, signer_warnings};
pub use unsigned::example;

/// Times are rounded to the day: two credentials of one day cannot be told apart by them (PRIV-07,
/// AMB-20). On the first day of a certificate an mdoc has that one's first second, and in the last
/// year each ends with it.
const ROUNDING_SECONDS: u64 = 24 * 3600;

/// Makes and signs the credential for the holder of one key, or for whoever bears it.
pub async fn issue(
    issuer: &Issuer,
    (credential_type, dialect): (&CredentialType, Option<Dialect>),
    claims: &Map<String, Value>,
    holder: Option<&VerifiedProof>,
    entry: Option<StatusEntry>,
) -> Result<Value, Broken> {
    let keys = issuer.keys();
    let holder = holder.map(Holder::of);
    let status = entry.map(|entry| issuer.credential_status(credential_type, entry));
    let now = issuer.clock.now();
    let life = keys.signing.life(credential_type);
    let stamp = Stamp::new(credential_type, now, life).with(status.clone());
    let name = name(issuer, credential_type);
    let maker = Maker { issuer: &name, random: &*issuer.random };
    let unsigned = unsigned::make(credential_type, (claims, holder.as_ref()), stamp, &maker)?;
    let entries = entry.and_then(|entry| issuer.status_lists.size(entry.list));
    let expected = Expected {
        type_name: type_name(credential_type),
        issuer: &name,
        holder: holder.as_ref().map(|holder| (&holder.key, &holder.binding)),
        now,
        certificate: life,
        status: status.as_ref().map(|status| (status, entries.unwrap_or_default())),
    };
    lint::check(&unsigned, &expected).map_err(|fault| {
        Broken::fault(format!("a {} was not signed: {fault}", credential_type.id))
    })?;
    let typ = dialect.map_or(sd_jwt_vc::FORMAT, Dialect::sd_jwt_typ);
    let signing = Signing { name: &name, typ, keys: &keys, created: stamp_of(now) };
    sign(unsigned, signing, (credential_type, &issuer.random)).await
}

/// No two credentials of one record have the same entry, and each has one where any has (HAIP-45).
pub(crate) fn check_entries(entries: &[StatusEntry], credentials: usize) -> Result<(), Broken> {
    let distinct: BTreeSet<&StatusEntry> = entries.iter().collect();
    if entries.is_empty() || distinct.len() == credentials && entries.len() == credentials {
        return Ok(());
    }
    Err(Broken::fault("credentials were not signed: they do not have an entry each".into()))
}

/// Who issues: linked data are signed by the DID of the website, everything else by its address.
fn name(issuer: &Issuer, credential_type: &CredentialType) -> String {
    match &credential_type.format {
        Format::W3c(w3c) if matches!(w3c.securing, Securing::LdpVc(_)) => issuer.did(),
        Format::SdJwtVc { .. } | Format::MsoMdoc { .. } | Format::W3c(_) => {
            issuer.credential_issuer().to_owned()
        }
    }
}

fn type_name(credential_type: &CredentialType) -> TypeName<'_> {
    match &credential_type.format {
        Format::SdJwtVc { vct } => TypeName::Vct(vct),
        Format::MsoMdoc { doctype, .. } => TypeName::DocType(doctype),
        Format::W3c(w3c) => TypeName::W3c { contexts: &w3c.contexts, types: &w3c.types },
    }
}

const fn stamp_of(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0 % ROUNDING_SECONDS)
}

/// By whom it is signed, and when.
struct Signing<'s> {
    name: &'s str,
    /// Of an SD-JWT VC.
    typ: &'s str,
    keys: &'s Arc<IssuerKeys>,
    created: Timestamp,
}

async fn sign(
    unsigned: Unsigned,
    Signing { name, typ, keys, created }: Signing<'_>,
    (credential_type, random): (&CredentialType, &Arc<dyn Random>),
) -> Result<Value, Broken> {
    let key = &keys.signing;
    let (kid, signer) = (&*key.kid, &*key.signer);
    match unsigned {
        Unsigned::SdJwtVc(made) => {
            sd_jwt_vc::sign(&made, key.sd_jwt_header(typ), signer).await.map(Value::String)
        }
        Unsigned::MsoMdoc(made) => mso_mdoc::sign(&made, &key.x5c, signer).await.map(Value::String),
        Unsigned::JwtVcJson(made) => jwt_vc_json::sign(&made, kid, signer).await.map(Value::String),
        Unsigned::VcJwt(made) => vc_jose::sign(&made, kid, signer).await.map(Value::String),
        Unsigned::VcSdJwt(made) => {
            vc_jose::sign_selective(&made, kid, signer).await.map(Value::String)
        }
        Unsigned::LdpVc(made, canonicalization) => {
            let signing = (name, keys, created);
            linked_data::sign((made, canonicalization), signing, (credential_type, random)).await
        }
    }
    .map_err(|error| Broken::fault(format!("signing failed: {error}")))
}

#[cfg(test)]
mod tests {
    use oid4vci::grant::StatusEntry;

    use super::check_entries;

    /// HAIP-45
    #[test]
    fn copies_of_one_record_have_an_entry_each() {
        let entry = |idx| StatusEntry { list: 1, idx };
        for (entries, credentials, is_good) in [
            (vec![], 3, true),
            (vec![entry(1)], 1, true),
            (vec![entry(1), entry(2)], 2, true),
            (vec![entry(1), entry(1)], 2, false),
            (vec![entry(1)], 2, false),
            (vec![entry(1), entry(2)], 1, false),
        ] {
            assert_eq!(check_entries(&entries, credentials).is_ok(), is_good, "{entries:?}");
        }
    }
}
