//! What version 2.0 of the data model demands of a credential's members, read here or not: whoever
//! verifies says where a credential is not as it should be (VCDM 2.0 §4). Of version 1.1, of which many
//! are about that were never held against anything, only what is read is looked at.

use std::slice;

use serde_json::{Map, Value};

use super::{CONTEXT, SUBJECT};
use crate::FormatError;

/// Members whose values say what they are, be it one or several.
const TYPED: [&str; 6] =
    ["credentialStatus", "credentialSchema", "refreshService", "termsOfUse", "evidence", "proof"];
/// What is said of a credential and its issuer in the language of a reader.
const DESCRIPTIONS: [&str; 2] = ["name", "description"];
/// What stands in no address.
const NOT_IN_URL: &str = "<>\"{}|\\^`";

/// Looks at all of them; of a credential that is not `is_whole`, a holder may have left claims out.
pub(crate) fn check(credential: &Map<String, Value>, is_whole: bool) -> Result<(), FormatError> {
    let every = |name: &str, is_good: &dyn Fn(&Value) -> bool| {
        credential.get(name).is_none_or(|value| one_or_all(value, is_good))
    };
    let says_something = |subject: &Value| subject.as_object().is_some_and(|it| !it.is_empty());
    let is_subject =
        |subject: &Value| is_identified(subject) && (!is_whole || says_something(subject));
    let is_good = every(CONTEXT, &|context| context.is_object() || is_url(context))
        && has_good_id(credential)
        && every("type", &Value::is_string)
        && is_described(credential)
        && credential.get("issuer").is_some_and(is_issuer)
        && every(SUBJECT, &is_subject)
        && TYPED.iter().all(|name| every(name, &is_typed))
        && every("credentialSchema", &|schema| schema.get("id").is_some())
        && credential.get("relatedResource").is_none_or(are_resources);
    is_good.then_some(()).ok_or(FormatError::Malformed)
}

fn one_or_all(value: &Value, is_good: &dyn Fn(&Value) -> bool) -> bool {
    listed(value).iter().all(is_good)
}

fn listed(value: &Value) -> &[Value] {
    value.as_array().map_or(slice::from_ref(value), Vec::as_slice)
}

/// `id` is absent, or one URL (VCDM 2.0 §4.4).
fn has_good_id(object: &Map<String, Value>) -> bool {
    object.get("id").is_none_or(is_url)
}

fn is_identified(value: &Value) -> bool {
    value.as_object().is_some_and(has_good_id)
}

/// Names of types, and perhaps an `id` (VCDM 2.0 §4.5).
fn is_typed(value: &Value) -> bool {
    let named = |types: &Value| {
        let types = listed(types);
        !types.is_empty() && types.iter().all(Value::is_string)
    };
    is_identified(value) && value.get("type").is_some_and(named)
}

/// Texts, in one language or several (VCDM 2.0 §4.6).
fn is_described(object: &Map<String, Value>) -> bool {
    DESCRIPTIONS
        .iter()
        .all(|name| object.get(*name).is_none_or(|value| one_or_all(value, &is_text)))
}

fn is_text(value: &Value) -> bool {
    let Value::Object(text) = value else { return value.is_string() };
    text.get("@value").is_some_and(Value::is_string)
        && text.iter().all(|(name, value)| match name.as_str() {
            "@value" | "@language" => value.is_string(),
            "@direction" => value == "ltr" || value == "rtl",
            _ => false,
        })
}

/// A URL, or a thing that has one (VCDM 2.0 §4.7).
fn is_issuer(issuer: &Value) -> bool {
    let is_described_thing =
        |object: &Map<String, Value>| object.get("id").is_some_and(is_url) && is_described(object);
    issuer.as_object().map_or_else(|| is_url(issuer), is_described_thing)
}

/// Each once, and with the digest of what it is (VCDM 2.0 §5.3); nothing here fetches them.
fn are_resources(value: &Value) -> bool {
    let mut ids = Vec::new();
    listed(value).iter().all(|resource| {
        let digest = |name: &str| resource.get(name).is_some_and(Value::is_string);
        let Some(id) = resource.get("id").filter(|id| is_url(id)) else { return false };
        let is_new = !ids.contains(&id);
        ids.push(id);
        is_new && (digest("digestSRI") || digest("digestMultibase"))
    })
}

/// A scheme, and something behind it, without what no address holds (RFC 3986 §3).
fn is_url(value: &Value) -> bool {
    let Some((scheme, rest)) = value.as_str().and_then(|text| text.split_once(':')) else {
        return false;
    };
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || NOT_IN_URL.contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(may_stand)
        && !rest.is_empty()
        && !rest.contains(is_strange)
}
