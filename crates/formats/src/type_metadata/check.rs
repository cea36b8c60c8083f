//! Whether a credential is what its type says (SD-JWT VC §9).

use std::collections::HashMap;

use keys::json;
use keys::jws::Jws;
use serde_json::Value;

use super::{ClaimMetadata, PathStep, Sd, TypeFault, TypeMetadata};
use crate::CREDENTIAL_BYTES_MAX;
use crate::sd_jwt::{DIGESTS, ELEMENT, decoded, digest};

/// Checks a credential with all disclosures, as its issuer sent it, whose signature was verified.
pub fn check(metadata: &TypeMetadata, raw: &str) -> Result<(), TypeFault> {
    let (signed, disclosures) = raw.split_once('~').ok_or(TypeFault::Malformed)?;
    let jws =
        Jws::parse_with_rsa(signed, CREDENTIAL_BYTES_MAX).map_err(|_| TypeFault::Malformed)?;
    let payload = Value::Object(jws.claims().map_err(|_| TypeFault::Malformed)?);
    let disclosed = Disclosed::of(disclosures);
    metadata.claims.iter().try_for_each(|claim| check_claim(claim, &payload, &disclosed))
}

fn check_claim(
    claim: &ClaimMetadata,
    payload: &Value,
    disclosed: &Disclosed,
) -> Result<(), TypeFault> {
    let mut found = vec![Found { value: payload, is_disclosed: false }];
    for step in &claim.path {
        let mut next = Vec::new();
        for one in found {
            let before = next.len();
            disclosed.below(one.value, step, &mut next)?;
            // It must be in every element of a list, which may be empty: then nothing is missing.
            if claim.mandatory && next.len() == before && *step != PathStep::Every {
                return Err(TypeFault::MissingClaim);
            }
        }
        found = next;
    }
    let fits = |one: &Found<'_>| match claim.sd {
        Sd::Always => one.is_disclosed,
        Sd::Never => !one.is_disclosed,
        Sd::Allowed => true,
    };
    found.iter().all(fits).then_some(()).ok_or(TypeFault::WrongDisclosure)
}

/// A claim, and whether it came in a disclosure of its own: one around it does not count.
struct Found<'p> {
    value: &'p Value,
    is_disclosed: bool,
}

/// What the disclosures say, by digest: a name where it is the member of an object.
struct Disclosed(HashMap<String, (Option<String>, Value)>);

impl Disclosed {
    fn of(disclosures: &str) -> Self {
        let read = |disclosure: &str| {
            let Value::Array(mut parts) = json::parse(&decoded(disclosure)?).ok()? else {
                return None;
            };
            let value = parts.pop()?;
            let name = parts.get(1).and_then(Value::as_str).map(str::to_owned);
            Some((digest(disclosure), (name, value)))
        };
        Self(disclosures.split_terminator('~').filter_map(read).collect())
    }

    /// What one step leads to: nothing where nothing is, and a fault where that cannot be.
    fn below<'p>(
        &'p self,
        value: &'p Value,
        step: &PathStep,
        found: &mut Vec<Found<'p>>,
    ) -> Result<(), TypeFault> {
        match (value, step) {
            (Value::Object(object), PathStep::Name(name)) => {
                let plain = object.get(name).map(|value| Found { value, is_disclosed: false });
                let digests = object.get(DIGESTS).and_then(Value::as_array);
                let hidden = digests.into_iter().flatten().filter_map(|digest| {
                    let (own, value) = self.0.get(digest.as_str()?)?;
                    (own.as_ref() == Some(name)).then_some(Found { value, is_disclosed: true })
                });
                found.extend(plain.into_iter().chain(hidden));
            }
            (Value::Array(elements), PathStep::Every) => {
                found.extend(elements.iter().filter_map(|element| self.element(element)));
            }
            // What was withheld keeps its place.
            (Value::Array(elements), PathStep::Index(index)) => {
                let at = usize::try_from(*index).map_err(|_| TypeFault::WrongShape)?;
                found.extend(elements.get(at).and_then(|element| self.element(element)));
            }
            _ => return Err(TypeFault::WrongShape),
        }
        Ok(())
    }

    fn element<'p>(&'p self, element: &'p Value) -> Option<Found<'p>> {
        match element.get(ELEMENT).and_then(Value::as_str) {
            None => Some(Found { value: element, is_disclosed: false }),
            Some(digest) => {
                self.0.get(digest).map(|(_, value)| Found { value, is_disclosed: true })
            }
        }
    }
}
