//! The country of an mdoc is that of its signer (ISO 18013-5 §9.3.1): verifiers hold the one against
//! the other, so what none of them would take is neither configured nor offered.

use std::collections::BTreeMap;

use formats::mso_mdoc::ISSUING_COUNTRY;
use formats::path::Step;
use serde_json::{Map, Value};

use crate::Issuer;
use crate::config::ConfigError;
use crate::credential_type::{Claim, ClaimFault, ClaimsError, CredentialType, Fault, Format};

/// Refuses a type that says by itself another country than the certificate that signs it.
pub(super) fn check_types(
    own: Option<&str>,
    types: &BTreeMap<String, CredentialType>,
) -> Result<(), ConfigError> {
    let Some(own) = own else { return Ok(()) };
    for one in types.values() {
        let said = countries(one)
            .filter_map(|claim| claim.constant.as_ref().or(claim.default.as_ref())?.as_str());
        let Some(foreign) = said.into_iter().find(|said| !said.eq_ignore_ascii_case(own)) else {
            continue;
        };
        let problem = format!(
            "its {ISSUING_COUNTRY} is {foreign}, and the certificate of the signing key is of {own}: \
             no verifier would take that"
        );
        let remedy = "correct it, or have a key certified in that country: `bestow issuer keys rotate \
                      signing --help`";
        return Err(ConfigError::of_file(&one.origin.file, problem, remedy));
    }
    Ok(())
}

impl Issuer {
    /// The same of claims that somebody gave.
    pub(crate) fn check_country(
        &self,
        credential_type: &CredentialType,
        claims: &Map<String, Value>,
    ) -> Result<(), ClaimsError> {
        let keys = self.keys();
        let Some(own) = keys.signing.certificate.country.as_deref() else { return Ok(()) };
        let said = |claim: &Claim| {
            let mut names = claim.path.iter().map(Step::name);
            let outermost = claims.get(names.next()??)?;
            names.try_fold(outermost, |around, name| around.get(name?))?.as_str()
        };
        let is_foreign =
            |claim: &&Claim| said(claim).is_some_and(|said| !said.eq_ignore_ascii_case(own));
        let foreign = countries(credential_type).filter(is_foreign);
        let faults: Vec<ClaimFault> = foreign
            .map(|claim| ClaimFault { name: claim.name(), fault: Fault::OtherCountry })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(ClaimsError(faults)) }
    }
}

/// Where an mdoc says its country; each name space may, or the one in which all claims lie.
fn countries(credential_type: &CredentialType) -> impl Iterator<Item = &Claim> {
    let depth = match &credential_type.format {
        Format::MsoMdoc { name_space: Some(_), .. } => Some(1),
        Format::MsoMdoc { name_space: None, .. } => Some(2),
        Format::SdJwtVc { .. } | Format::W3c(_) => None,
    };
    let is_country = move |claim: &&Claim| {
        let element = claim.path.last().and_then(Step::name);
        Some(claim.path.len()) == depth && element == Some(ISSUING_COUNTRY)
    };
    credential_type.claims.iter().filter(is_country)
}
