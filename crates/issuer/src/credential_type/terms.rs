//! Linked data are signed as statements: what no context gives a meaning would not be signed.

use formats::data_integrity::Canonicalization;
use formats::ldp_vc;
use formats::w3c::W3cClaims;
use keys::outside::Timestamp;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::entry::Entry;
use super::format::{Format, Securing};
use super::place::insert_sample;
use super::value::ValueType;
use crate::config::ConfigError;

/// Refuses claims and types that the contexts do not define, before anybody applies for them.
pub(super) fn check(
    format: &Format,
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
    if claims.disclosed().any(|claim| claim.value_type == ValueType::List) {
        let problem = "a list is signed as a set there: in no order, and nothing twice";
        let remedy = "set canonicalization = \"jcs\", which signs it as it is written";
        return Err(entry.misfit("claims", problem, remedy));
    }
    let claims = W3cClaims {
        issuer: "did:web:issuer.example",
        contexts: &w3c.contexts,
        types: &w3c.types,
        subject: None,
        claims: each_with_a_value(claims),
        issued_at: Timestamp::default(),
        expires_at: Timestamp::default(),
        status: None,
    };
    ldp_vc::check_terms(&claims).map_err(|error| {
        let problem = format!("this cannot be signed as linked data: {error}");
        let remedy = "remove the line, so that each claim means what this type says it does; or set \
                      canonicalization = \"jcs\"";
        entry.mistake("contexts", problem, remedy)
    })
}

fn each_with_a_value(claims: &Claims) -> Map<String, Value> {
    let mut all = Value::Object(Map::new());
    for claim in claims.disclosed().filter(|claim| claim.value_type != ValueType::Object) {
        insert_sample(&mut all, &claim.path, "value".into());
    }
    if let Value::Object(all) = all { all } else { Map::new() }
}
