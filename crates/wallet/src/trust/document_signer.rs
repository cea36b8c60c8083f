//! What else the certificate must be that signs an mdoc (ISO 18013-5 §9.3.1).

use formats::KeyReference;
use formats::mso_mdoc::ISSUING_COUNTRY;
use formats::verified::{Format, Verified};
use keys::x509::Certificate;
use serde_json::{Map, Value};

use super::Doubt;

/// Looks at the signer of what was verified, where that is an mdoc; `None` for what is none.
pub(crate) fn check(reference: &KeyReference, verified: &Verified) -> Option<Result<(), Doubt>> {
    let leaf = reference.x5c.as_ref().and_then(|chain| chain.first());
    let leaf = leaf.filter(|_| verified.format == Format::MsoMdoc)?;
    let leaf = Certificate::from_der(leaf).ok()?;
    Some(doubt(&leaf, &verified.claims).map_or(Ok(()), Err))
}

/// Its purpose and its country, as far as the certificate says anything of them.
pub(super) fn doubt(leaf: &Certificate, claims: &Map<String, Value>) -> Option<Doubt> {
    if !leaf.is_for_documents {
        return Some(Doubt::OtherPurpose);
    }
    let own = leaf.country.as_deref()?;
    let countries = claims.values().filter_map(|space| space.get(ISSUING_COUNTRY)?.as_str());
    let is_foreign = |country: &str| !country.eq_ignore_ascii_case(own);
    countries.into_iter().any(is_foreign).then_some(Doubt::OtherCountry)
}
