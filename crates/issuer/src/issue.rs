//! Step 17: the credential for one subject, made, looked at once more and signed (VCI §A.1.1,
//! VCI §A.3).

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::sd_jwt_vc::{self, IssuerKeyHeader};
use formats::unsigned::Unsigned;
use formats::{jwt_vc_json, mso_mdoc, vc_jose};
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;
use oid4vci::legacy::Dialect;
use oid4vci::proof::VerifiedProof;
use serde_json::{Map, Value};

use crate::credential_type::CredentialType;
use crate::failure::Broken;
use crate::status::credential_status;
use crate::{Issuer, IssuerKeys};
use name::Name;
use unsigned::{Holder, Making};

mod country;
mod example;
mod linked_data;
mod mdoc;
mod name;
mod signer;
mod unsigned;

pub use example::{Signatory, example};
pub(crate) use signer::{SdJwtHeaders, check_algorithm, check_signer};
pub use signer::{check_key, signer_warnings};

/// Times are rounded to the day: two credentials of one day cannot be told apart by them (PRIV-07,
/// AMB-20). On the first day of a certificate each begins with that one's first second, and in its
/// last year what goes with it ends with it.
const ROUNDING_SECONDS: u64 = 24 * 3600;

/// All of a credential but its signature, and by whom it will be signed.
pub(crate) struct Made<'m> {
    unsigned: Unsigned,
    name: Name,
    /// Of an SD-JWT VC.
    typ: &'static str,
    /// Those that it was looked at for, whatever the issuer's are meanwhile.
    keys: Arc<IssuerKeys>,
    created: Timestamp,
    credential_type: &'m CredentialType,
}

/// Makes and signs the credential for the holder of one key, or for whoever bears it.
pub async fn issue(
    issuer: &Issuer,
    spoken: (&CredentialType, Option<Dialect>),
    claims: &Map<String, Value>,
    holder: Option<&VerifiedProof>,
    entry: Option<StatusEntry>,
) -> Result<Value, Broken> {
    sign(make(issuer, spoken, claims, (holder, entry))?, issuer).await
}

/// Makes it and looks at it once more: before anything is recorded, as what must not be signed is to
/// cost its holder nothing.
pub(crate) fn make<'m>(
    issuer: &Issuer,
    (credential_type, dialect): (&'m CredentialType, Option<Dialect>),
    claims: &Map<String, Value>,
    (holder, entry): (Option<&VerifiedProof>, Option<StatusEntry>),
) -> Result<Made<'m>, Broken> {
    let keys = issuer.keys();
    let key = name::key(&keys, credential_type);
    let name = Name::of(issuer.credential_issuer(), credential_type, key);
    let making = Making {
        credential_type,
        issuer: &name.issuer,
        certificate: &keys.signing.certificate,
        now: issuer.clock.now(),
        random: &*issuer.random,
    };
    let holder = holder.map(Holder::of);
    let status = entry.map(|entry| {
        let status = credential_status(&issuer.config, credential_type, entry);
        (status, issuer.status_lists.size(entry.list).unwrap_or_default())
    });
    let unsigned = making.make((claims, holder.as_ref()), status.as_ref())?;
    let created = making.begins_at();
    let typ = dialect.map_or(sd_jwt_vc::FORMAT, Dialect::sd_jwt_typ);
    Ok(Made { unsigned, name, typ, keys, created, credential_type })
}

/// No two credentials of one record have the same entry, and each has one where any has (HAIP-45).
pub(crate) fn check_entries(entries: &[StatusEntry], credentials: usize) -> Result<(), Broken> {
    let distinct: BTreeSet<&StatusEntry> = entries.iter().collect();
    if entries.is_empty() || distinct.len() == credentials && entries.len() == credentials {
        return Ok(());
    }
    Err(Broken::fault("credentials were not signed: they do not have an entry each".into()))
}

/// Signs what [`make`] made.
pub(crate) async fn sign(made: Made<'_>, issuer: &Issuer) -> Result<Value, Broken> {
    let Made { unsigned, name, typ, keys, created, credential_type } = made;
    let key = &keys.signing;
    let (header, signer) = (name.header(&key.x5c), &*key.signer);
    match unsigned {
        Unsigned::SdJwtVc(made) => {
            let kept = key.sd_jwt_header(typ);
            let other;
            let header = match header {
                IssuerKeyHeader::X5c(_) => kept,
                IssuerKeyHeader::Kid(_) => {
                    other = header.written(typ, signer.algorithm());
                    &other
                }
            };
            sd_jwt_vc::sign(&made, header, signer).await.map(Value::String)
        }
        Unsigned::MsoMdoc(made) => mso_mdoc::sign(&made, &key.x5c, signer).await.map(Value::String),
        Unsigned::JwtVcJson(made) => {
            jwt_vc_json::sign_with(&made, header, signer).await.map(Value::String)
        }
        Unsigned::VcJwt(made) => vc_jose::sign_with(&made, header, signer).await.map(Value::String),
        Unsigned::VcSdJwt(made) => {
            vc_jose::sign_selective(&made, header, signer).await.map(Value::String)
        }
        Unsigned::LdpVc(made, canonicalization) => {
            let signing = (name.verification_method(), &keys, created);
            linked_data::sign((made, canonicalization), signing, (credential_type, &issuer.random))
                .await
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
