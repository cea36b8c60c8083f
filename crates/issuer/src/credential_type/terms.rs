//! Linked data are signed as statements: what no context gives a meaning would not be signed.

use formats::data_integrity::{Canonicalization, Contexts};
use formats::ldp_vc;
use formats::path::Step;
use formats::w3c::W3cClaims;
use keys::outside::Timestamp;
use serde_json::{Map, Value};

use super::claims::{Claim, Claims};
use super::entry::Entry;
use super::format::{Format, Securing};
use super::place::insert_sample;
use super::value::ValueType;
use crate::config::ConfigError;

/// Refuses claims and types that the contexts do not define, before anybody applies for them.
pub(super) fn check(
    (format, contexts): (&Format, &Contexts),
    claims: &Claims,
    entry: &Entry<'_>,
) -> Result<(), ConfigError> {
    let Format::W3c(w3c) = format else { return Ok(()) };
    let signs_json = match w3c.securing {
        Securing::LdpVc(canonicalization) => canonicalization == Canonicalization::Jcs,
        Securing::JwtVcJson | Securing::JwtVcJsonLd | Securing::VcJwt | Securing::VcSdJwt => true,
    };
    if signs_json {
        return Ok(());
    }
    check_lists(claims, entry)?;
    let claims = W3cClaims {
        id: None,
        name: None,
        issuer: "did:web:issuer.example",
        contexts: &w3c.contexts,
        types: &w3c.types,
        subject: None,
        claims: each_with_a_value(claims),
        issued_at: Timestamp::default(),
        expires_at: Timestamp::default(),
        status: None,
    };
    ldp_vc::check_terms(&claims, contexts).map_err(|error| {
        let problem = format!("this cannot be signed as linked data: {error}");
        let remedy = "remove the line, so that each claim means what this type says it does; or set \
                      canonicalization = \"jcs\"";
        entry.mistake("contexts", problem, remedy)
    })
}

/// A list becomes one statement for each element: in no order, and nothing twice. That is what a list
/// of plain values can say without it; objects in one look alike to a verifier, who would have to try
/// all their orders (RDFC-1.0), and an empty list states nothing.
fn check_lists(claims: &Claims, entry: &Entry<'_>) -> Result<(), ConfigError> {
    for (at, claim) in claims.iter().enumerate() {
        let is_given = claim.constant.is_none() && claim.is_disclosed();
        if claim.value_type != ValueType::List || !is_given {
            continue;
        }
        let element = [claim.path.as_slice(), &[Step::Every]].concat();
        let is_plain = claims.at(&element).is_some_and(|element| element.value_type.is_value());
        let is_in_list = claim.path.contains(&Step::Every);
        let (key, problem) = if !is_plain || is_in_list {
            ("path", "a list of objects or lists cannot be signed as linked data")
        } else if claim.limits.items().0 != 1 {
            ("min_items", "a list that is signed as a set has one element or more")
        } else {
            continue;
        };
        let problem = format!("claim `{}`: {problem}", claim.name());
        let remedy = "set canonicalization = \"jcs\", which signs lists as they are written; or have \
                      a list of one or more plain values, which is signed as a set, in no order";
        return Err(entry.misfit(&format!("claims.{at}.{key}"), problem, remedy));
    }
    Ok(())
}

/// Constants as they are: what kind of thing one is can change what its claims mean.
fn each_with_a_value(claims: &Claims) -> Map<String, Value> {
    let mut all = Value::Object(Map::new());
    let has_value = |claim: &&Claim| claim.constant.is_some() || claim.value_type.is_value();
    for claim in claims.disclosed().filter(has_value) {
        let value = if claim.limits.is_uri { "urn:x:value" } else { "value" };
        let value = claim.constant.clone().unwrap_or_else(|| value.into());
        insert_sample(&mut all, &claim.path, value);
    }
    if let Value::Object(all) = all { all } else { Map::new() }
}
