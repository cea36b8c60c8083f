//! `bestow issuer revoke | suspend | reinstate`: the status of credentials that were issued.

use serde_json::{Value, json};

use super::api::Api;
use crate::cli::StatusArguments;
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json};

/// Sets the status and shows all credentials of the offer.
pub(super) async fn set(status: &str, arguments: &StatusArguments) -> Result<(), Failure> {
    let chosen = Some(&arguments.credentials).filter(|chosen| !chosen.is_empty()); // none: all
    let request = json!({ "status": status, "credentials": chosen });
    let id: String = url::form_urlencoded::byte_serialize(arguments.id.as_bytes()).collect();
    let api = Api::open(super::load(&arguments.config)?).await?;
    let path = format!("/admin/v1/offers/{id}/status");
    let answer = api.call("POST", &path, Some(request)).await?;
    if arguments.json {
        return print_json(&answer);
    }
    let credentials = answer.get("credentials").and_then(Value::as_array);
    for credential in credentials.map_or(&[][..], Vec::as_slice) {
        let text =
            |name| plain(credential.get(name).and_then(Value::as_str).unwrap_or("in no list"));
        let number = credential.get("number").and_then(Value::as_u64).unwrap_or_default();
        print(format!("{number}  {}  {}", text("credential_configuration_id"), text("status")));
    }
    Ok(())
}
