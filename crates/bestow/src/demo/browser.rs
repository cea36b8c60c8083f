//! Steps 1-3 as a person with a browser does them: over HTTPS, with the portal's own pages.

use std::path::Path;

use issuer::credential_type::CredentialType;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use serde_json::Value;

use crate::exit::Failure;

/// What the portal's offer page showed.
pub(super) struct OfferPage {
    /// The QR code as a picture.
    pub(super) picture: Vec<u8>,
    /// The Transaction Code, which only a demonstration shows there.
    pub(super) tx_code: Option<String>,
    /// How many fields the form had.
    pub(super) fields: usize,
}

/// Fills in the form of a type with its example values and looks at the page that follows.
pub(super) async fn apply(
    portal: &str,
    certificates: &Path,
    credential_type: &CredentialType,
) -> Result<OfferPage, Failure> {
    let browser = browser(certificates)?;
    let form_url = format!("{portal}/apply/{}", credential_type.id);
    let form = expect(browser.get(&form_url).send().await, 200)?;
    let cookie = form.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|value| value.split(';').next()).unwrap_or_default().to_owned();
    let csrf = between(&text(form).await?, "name=\"csrf\" value=\"", "\"")?;
    let mut fields = vec![("csrf".to_owned(), csrf)];
    fill(&Value::Object(credential_type.sample()), &mut Vec::new(), &mut fields);
    let sent = browser.post(&form_url).header(COOKIE, cookie).body(encoded(&fields));
    let sent = sent.header("content-type", "application/x-www-form-urlencoded").send().await;
    let sent = expect(sent, 303)?;
    let location = sent.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| Failure::own_fault("the portal led nowhere"))?;
    let page = sent.url().join(location).map_err(Failure::own_fault)?;
    let html = text(expect(browser.get(page.clone()).send().await, 200)?).await?;
    let picture = browser.get(format!("{page}/qr.png")).send().await;
    let picture = expect(picture, 200)?.bytes().await.map_err(network)?;
    let tx_code = between(&html, "<p class=\"digits\">", "</p>").ok();
    Ok(OfferPage { picture: picture.to_vec(), tx_code, fields: fields.len() - 1 })
}

fn browser(certificates: &Path) -> Result<Client, Failure> {
    let pem = std::fs::read(certificates).map_err(Failure::own_fault)?;
    let authority = Certificate::from_pem(&pem).map_err(Failure::own_fault)?;
    let builder = Client::builder().no_proxy().redirect(Policy::none());
    builder.tls_certs_only([authority]).build().map_err(Failure::own_fault)
}

fn expect(answer: Result<Response, reqwest::Error>, status: u16) -> Result<Response, Failure> {
    let answer = answer.map_err(network)?;
    if answer.status().as_u16() == status {
        return Ok(answer);
    }
    Err(Failure::own_fault(format!("the portal answered {}", answer.status())))
}

fn network(error: impl std::fmt::Display) -> Failure {
    Failure::own_fault(format!("the portal did not answer: {error}"))
}

async fn text(answer: Response) -> Result<String, Failure> {
    answer.text().await.map_err(network)
}

/// Form fields are named by dotted paths; a picture would be a file, and need not be there.
fn fill(value: &Value, path: &mut Vec<String>, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                path.push(name.clone());
                fill(value, path, fields);
                path.pop();
            }
        }
        Value::String(text) if text.starts_with("data:") => {}
        Value::String(text) => fields.push((path.join("."), text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            fields.push((path.join("."), value.to_string()));
        }
    }
}

fn encoded(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn between(text: &str, before: &str, after: &str) -> Result<String, Failure> {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    let found = found.map(|(between, _)| between.trim().to_owned());
    found.ok_or_else(|| Failure::own_fault("a page of the portal is not as expected"))
}
