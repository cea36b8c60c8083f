//! The Credential Request, and whether what came back is a credential (VCI §8).

use oid4vci::token::ReceivedTokenResponse;
use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::trouble::Trouble;

/// What is asked for, with the token that allows it.
pub(super) struct CredentialWish<'w> {
    pub(super) plan: &'w Plan,
    pub(super) token: &'w ReceivedTokenResponse,
    pub(super) proofs: Vec<String>,
}

impl CredentialWish<'_> {
    /// VCI §8.2; with a single `proof` also the members by which drafts name a credential.
    pub(super) fn to_json(&self) -> Value {
        let Self { plan, token, proofs } = self;
        let mut body = Map::new();
        let details = token.authorization_details.iter();
        let mut details =
            details.filter(|one| one.credential_configuration_id == plan.configuration_id);
        let identifier = details.find_map(|one| one.credential_identifiers.first());
        match identifier {
            Some(identifier) => {
                body.insert("credential_identifier".into(), (*identifier).clone().into())
            }
            None => body
                .insert("credential_configuration_id".into(), plan.configuration_id.clone().into()),
        };
        let is_single = plan.proof.is_some_and(|kind| kind.is_single);
        match proofs.first() {
            None => {}
            Some(jwt) if is_single => {
                body.insert("proof".into(), json!({ "proof_type": "jwt", "jwt": jwt }));
                if identifier.is_none() {
                    body.extend(self.names_of_drafts());
                }
            }
            Some(_) => drop(body.insert("proofs".into(), json!({ "jwt": proofs }))),
        }
        Value::Object(body)
    }

    fn names_of_drafts(&self) -> Vec<(String, Value)> {
        let configuration = &self.plan.configuration;
        let mut members = vec![("format".to_owned(), configuration.format.clone().into())];
        members.extend(configuration.vct.iter().map(|vct| ("vct".to_owned(), vct.clone().into())));
        let doctype = configuration.doctype.iter();
        members.extend(doctype.map(|name| ("doctype".to_owned(), name.clone().into())));
        if !configuration.types.is_empty() {
            let mut definition = Map::new();
            definition.insert("type".to_owned(), json!(configuration.types));
            if !configuration.contexts.is_empty() {
                definition.insert("@context".to_owned(), json!(configuration.contexts));
            }
            members.push(("credential_definition".to_owned(), definition.into()));
        }
        members
    }
}

/// Whether the answer holds so many credentials of the right shape; signatures are for wallets to
/// check.
pub(super) fn are_credentials(answer: &[u8], format: &str, count: usize) -> Result<(), Trouble> {
    let value: Value = serde_json::from_slice(answer).unwrap_or_default();
    let listed = value.get("credentials").and_then(Value::as_array);
    let are_right = match listed {
        Some(listed) => {
            let each = |one: &Value| one.get("credential").is_some_and(|one| is_right(one, format));
            listed.len() == count && listed.iter().all(each)
        }
        None => value.get("credential").is_some_and(|one| is_right(one, format)), // of a draft
    };
    if are_right {
        return Ok(());
    }
    Err(Trouble::refusal("no_credential", &String::from_utf8_lossy(answer)))
}

fn is_right(credential: &Value, format: &str) -> bool {
    let text = credential.as_str();
    match format {
        "dc+sd-jwt" | "vc+sd-jwt" => text.is_some_and(|text| {
            text.split_once('~').is_some_and(|(jwt, _)| is_jwt(jwt)) && text.ends_with('~')
        }),
        "jwt_vc_json" | "jwt_vc_json-ld" | "vc+jwt" => text.is_some_and(is_jwt),
        "ldp_vc" => credential.is_object(),
        _ => text.is_some_and(|text| !text.is_empty()),
    }
}

/// Three parts of base64url.
fn is_jwt(text: &str) -> bool {
    let is_part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !part.is_empty() && part.bytes().all(allowed)
    };
    text.split('.').count() == 3 && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(format: &str, credential: &Value) -> bool {
        let answer = json!({ "credentials": [{ "credential": credential }] }).to_string();
        are_credentials(answer.as_bytes(), format, 1).is_ok()
    }

    #[test]
    fn a_credential_has_the_shape_of_its_format() {
        assert!(is("dc+sd-jwt", &json!("a.b.c~d~")));
        assert!(is("dc+sd-jwt", &json!("a.b.c~")));
        assert!(is("jwt_vc_json", &json!("a.b.c")));
        assert!(is("ldp_vc", &json!({})));
        assert!(
            are_credentials(br#"{"credential":"a.b.c~"}"#, "vc+sd-jwt", 1).is_ok(),
            "of a draft"
        );
        for wrong in [json!("a.b.c"), json!("a.b~"), json!("a..c~"), json!(""), json!({}), json!(1)]
        {
            assert!(!is("dc+sd-jwt", &wrong), "{wrong}");
        }
        let answer = br#"{"credentials":[{"credential":"a.b.c~"}]}"#;
        assert!(are_credentials(answer, "dc+sd-jwt", 2).is_err(), "one is missing");
        assert!(!is("jwt_vc_json", &json!("a.b.c~")));
        assert!(are_credentials(br#"{"transaction_id":"1"}"#, "dc+sd-jwt", 1).is_err());
        assert!(are_credentials(b"", "dc+sd-jwt", 1).is_err());
    }
}
