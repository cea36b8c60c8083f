//! Tells of each message as it goes over the wire, numbered by the twenty steps.

use async_trait::async_trait;
use keys::jws::Jws;
use serde_json::Value;
use wallet::client::GuardedClient;
use wallet::http::{Http, HttpError, Method, Request, Response};

use crate::terminal::print;

const PROOF_BYTES_MAX: usize = 16 * 1024;

/// One numbered step: who to whom, and what.
pub(super) fn step(number: u8, who: &str, what: impl AsRef<str>) {
    print(format!("{number:>2}  {who:<17} {}", what.as_ref()));
}

/// A client that tells what passes through it, but no code and no token.
#[derive(Debug)]
pub(super) struct Narrator(pub(super) GuardedClient);

#[async_trait]
impl Http for Narrator {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (method, path) = (request.method, request.url.path().to_owned());
        before(method, &path, &request);
        let answer = self.0.send(request).await?;
        after(method, &path, &answer);
        Ok(answer)
    }
}

fn before(method: Method, path: &str, request: &Request) {
    if method == Method::Get && path.contains("/offers/") {
        let host = request.url.host_str().unwrap_or_default();
        step(
            5,
            "Wallet → Issuer",
            format!("fetches the Credential Offer by reference from {host}"),
        );
    } else if method == Method::Post && path.ends_with("/token") {
        let body = String::from_utf8_lossy(&request.body);
        let names = url::form_urlencoded::parse(body.as_bytes()).map(|(name, _)| name.into_owned());
        let names: Vec<String> = names.collect();
        step(8, "Wallet", format!("builds the Token Request: {}", names.join(", ")));
        step(9, "Wallet → Issuer", format!("POST {path} over TLS"));
    } else if method == Method::Post && path.ends_with("/credential") {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        tell_proof(&body);
        let names: Vec<&String> =
            body.as_object().into_iter().flat_map(|body| body.keys()).collect();
        step(13, "Wallet", format!("builds the Credential Request: {names:?}"));
        step(14, "Wallet → Issuer", format!("POST {path} with the access token"));
    }
}

fn tell_proof(request: &Value) {
    let jwt = request.pointer("/proofs/jwt/0").and_then(Value::as_str);
    let Some(jws) = jwt.and_then(|jwt| Jws::parse(jwt, PROOF_BYTES_MAX).ok()) else { return };
    let names: Vec<&String> = jws.header().keys().collect();
    let claims = jws.claims().unwrap_or_default();
    let audience = claims.get("aud").and_then(Value::as_str).unwrap_or_default();
    step(
        12,
        "Wallet",
        format!("signs a proof with that key: header {names:?}, aud {audience}, nonce, iat"),
    );
}

fn after(method: Method, path: &str, answer: &Response) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if method == Method::Get && path.contains("openid-credential-issuer") && answer.status == 200 {
        let types = body.get("credential_configurations_supported").and_then(Value::as_object);
        let types = types.map_or(0, serde_json::Map::len);
        step(
            6,
            "Wallet → Issuer",
            format!("fetches the issuer's metadata: {types} credential types"),
        );
    } else if path.ends_with("/token") && answer.status == 200 {
        step(
            10,
            "Issuer",
            "checks the code and the transaction code, and spends both in one commit",
        );
        let life = body.get("expires_in").and_then(Value::as_u64).unwrap_or_default();
        step(11, "Issuer → Wallet", format!("an access token, good for {life} seconds"));
    } else if path.ends_with("/nonce") && answer.status == 200 {
        let length = body.get("c_nonce").and_then(Value::as_str).map_or(0, str::len);
        print(format!("    {:<17} a nonce for the proof, {length} characters", "Issuer → Wallet"));
    } else if path.ends_with("/credential") && answer.status == 200 {
        tell_issued(&body);
    }
}

fn tell_issued(body: &Value) {
    let credential = body.pointer("/credentials/0/credential").and_then(Value::as_str);
    let credential = credential.unwrap_or_default();
    step(15, "Issuer", "verifies token, nonce and proof");
    step(16, "Issuer", "takes the holder's key from the proof");
    step(17, "Issuer", "records the issuance, makes the credential for that key and signs it");
    let disclosures = credential.matches('~').count().saturating_sub(1);
    let size = credential.len();
    step(18, "Issuer → Wallet", format!("the credential: {size} bytes, {disclosures} disclosures"));
}
