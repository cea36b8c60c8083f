//! Claims as elements of an mdoc (FMT-MDOC-06): the type of a claim says how CBOR writes it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use formats::mso_mdoc::{Element, NameSpace};
use formats::path::Step;
use serde_json::{Map, Value};

use crate::credential_type::{CredentialType, ValueType, bytes, in_utc};
use crate::failure::Broken;

/// All elements, in the order of the type. The name space stands in front of their paths, or all of
/// them lie in this one.
pub(super) fn name_spaces(
    (credential_type, only): (&CredentialType, Option<&str>),
    claims: &Map<String, Value>,
) -> Result<Vec<NameSpace>, Broken> {
    let mut spaces: Vec<NameSpace> = Vec::new();
    for claim in &credential_type.claims {
        let (space, identifier) = match (only, &claim.path[..]) {
            (None, [Step::Name(space), Step::Name(identifier)]) => (space.as_str(), identifier),
            (Some(space), [Step::Name(identifier)]) => (space, identifier),
            _ => continue,
        };
        let value = match only {
            None => claims.get(space).and_then(|space| space.get(identifier)),
            Some(_) => claims.get(identifier),
        };
        let Some(value) = value else { continue };
        let element = element(credential_type, &claim.path, value)?;
        let known = spaces.iter_mut().find(|known| known.name == space);
        let element = (identifier.clone(), element);
        match known {
            Some(known) => known.elements.push(element),
            None => spaces.push(NameSpace { name: space.to_owned(), elements: vec![element] }),
        }
    }
    Ok(spaces)
}

fn element(
    credential_type: &CredentialType,
    path: &[Step],
    value: &Value,
) -> Result<Element, Broken> {
    let misfit = || Broken::fault(format!("an element is not of its type: {path:?}"));
    let below = |step: Step, value: &Value| {
        element(credential_type, &[path, std::slice::from_ref(&step)].concat(), value)
    };
    let claim = credential_type.claims.iter().find(|claim| claim.path == path);
    let text = || value.as_str().map(str::to_owned).ok_or_else(misfit);
    let claim = claim.ok_or_else(misfit)?;
    if let (Some(_), Some(constants)) = (&claim.constant, value.as_array()) {
        let text = |one: &Value| one.as_str().map(|text| Element::Text(text.to_owned()));
        let texts: Option<Vec<Element>> = constants.iter().map(text).collect();
        return texts.map(Element::Array).ok_or_else(misfit);
    }
    Ok(match claim.value_type {
        ValueType::String | ValueType::Email => Element::Text(text()?),
        ValueType::Date => Element::FullDate(text()?),
        ValueType::Integer => Element::Integer(value.as_i64().ok_or_else(misfit)?),
        ValueType::Number => value.as_i64().map_or_else(
            || value.as_f64().map(Element::Number).ok_or_else(misfit),
            |whole| Ok(Element::Integer(whole)),
        )?,
        ValueType::Boolean => Element::Bool(value.as_bool().ok_or_else(misfit)?),
        ValueType::DateTime => Element::DateTime(in_utc(&text()?).ok_or_else(misfit)?),
        ValueType::Bytes => Element::Bytes(bytes(&text()?).ok_or_else(misfit)?),
        ValueType::Image => Element::Bytes(picture(&text()?).ok_or_else(misfit)?),
        ValueType::Object => {
            let members = value.as_object().ok_or_else(misfit)?;
            let member = |(name, value): (&String, &Value)| {
                Ok((name.clone(), below(Step::from(name.as_str()), value)?))
            };
            Element::Map(members.iter().map(member).collect::<Result<_, Broken>>()?)
        }
        ValueType::List => {
            let elements = value.as_array().ok_or_else(misfit)?.iter();
            let elements = elements.map(|value| below(Step::Every, value));
            Element::Array(elements.collect::<Result<_, Broken>>()?)
        }
    })
}

/// The bytes of a `data:` URL.
fn picture(url: &str) -> Option<Vec<u8>> {
    let (_, base64) = url.split_once(";base64,")?;
    BASE64_STANDARD.decode(base64).ok()
}
