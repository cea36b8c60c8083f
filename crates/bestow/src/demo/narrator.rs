//! Tells of each message as it goes over the wire, numbered by the twenty steps.

use async_trait::async_trait;
use keys::jws::Jws;
use oid4vci::legacy::Dialect;
use serde_json::Value;
use wallet::client::GuardedClient;
use wallet::http::{Http, HttpError, Method, Request, Response};

use crate::terminal::print;

const PROOF_BYTES_MAX: usize = 16 * 1024;

/// Who tells the steps, and in which draft they are; 1.0 without one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Story(pub(super) Option<Dialect>);

impl Story {
    /// One numbered step: who to whom, and what; then what a draft does otherwise there.
    pub(super) fn step(self, number: u8, who: &str, what: impl AsRef<str>) {
        print(format!("{number:>2}  {who:<17} {}", what.as_ref()));
        for otherwise in self.0.into_iter().flat_map(|dialect| dialect.differences(number)) {
            print(format!("    {:<17} {otherwise}", self.name()));
        }
    }

    fn name(self) -> String {
        self.0.map_or_else(|| "1.0".to_owned(), |dialect| format!("(draft {dialect})"))
    }
}

/// A client that tells what passes through it, but no code and no token.
#[derive(Debug)]
pub(super) struct Narrator(pub(super) GuardedClient, pub(super) Story);

#[async_trait]
impl Http for Narrator {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let Self(client, story) = self;
        let (method, path) = (request.method, request.url.path().to_owned());
        story.before(method, &path, &request);
        let answer = client.send(request).await?;
        story.after(method, &path, &answer);
        Ok(answer)
    }
}

impl Story {
    fn before(self, method: Method, path: &str, request: &Request) {
        if method == Method::Get && path.contains("/offers/") {
            let host = request.url.host_str().unwrap_or_default();
            let what = format!("fetches the Credential Offer by reference from {host}");
            self.step(5, "Wallet → Issuer", what);
        } else if method == Method::Post && path.ends_with("/token") {
            let body = String::from_utf8_lossy(&request.body);
            let names = url::form_urlencoded::parse(body.as_bytes());
            let names: Vec<String> = names.map(|(name, _)| name.into_owned()).collect();
            self.step(8, "Wallet", format!("builds the Token Request: {}", names.join(", ")));
            self.step(9, "Wallet → Issuer", format!("POST {path} over TLS"));
        } else if method == Method::Post && path.ends_with("/credential") {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            self.tell_proof(&body);
            let names: Vec<&String> =
                body.as_object().into_iter().flat_map(|body| body.keys()).collect();
            self.step(13, "Wallet", format!("builds the Credential Request: {names:?}"));
            self.step(14, "Wallet → Issuer", format!("POST {path} with the access token"));
        }
    }

    fn tell_proof(self, request: &Value) {
        let jwt = request.pointer("/proofs/jwt/0").or_else(|| request.pointer("/proof/jwt"));
        let jwt = jwt.and_then(Value::as_str);
        let Some(jws) = jwt.and_then(|jwt| Jws::parse(jwt, PROOF_BYTES_MAX).ok()) else { return };
        let names: Vec<&String> = jws.header().keys().collect();
        let claims = jws.claims().unwrap_or_default();
        let audience = claims.get("aud").and_then(Value::as_str).unwrap_or_default();
        let others: Vec<&str> =
            claims.keys().map(String::as_str).filter(|name| *name != "aud").collect();
        let others = others.join(", ");
        let what =
            format!("signs a proof with that key: header {names:?}, aud {audience}, {others}");
        self.step(12, "Wallet", what);
    }

    fn after(self, method: Method, path: &str, answer: &Response) {
        if answer.status != 200 {
            return;
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if method == Method::Get
            && path.contains("openid-credential-issuer")
            && let Some(types) = types(&body)
        {
            let what = format!("fetches the issuer's metadata: {types} credential types");
            self.step(6, "Wallet → Issuer", what);
        } else if path.ends_with("/token") {
            let what = "checks the code and the transaction code, and spends both in one commit";
            self.step(10, "Issuer", what);
            let life = body.get("expires_in").and_then(Value::as_u64).unwrap_or_default();
            let what = format!("an access token, good for {life} seconds");
            self.step(11, "Issuer → Wallet", what);
            tell_nonce(&body);
        } else if path.ends_with("/nonce") {
            tell_nonce(&body);
        } else if path.ends_with("/credential") {
            self.tell_issued(&body);
        }
    }

    fn tell_issued(self, body: &Value) {
        let credential =
            body.pointer("/credentials/0/credential").or_else(|| body.get("credential"));
        let credential = credential.and_then(Value::as_str).unwrap_or_default();
        self.step(15, "Issuer", "verifies token, nonce and proof");
        self.step(16, "Issuer", "takes the holder's key from the proof");
        let what = "records the issuance, makes the credential for that key and signs it";
        self.step(17, "Issuer", what);
        let disclosures = credential.matches('~').count().saturating_sub(1);
        let size = credential.len();
        let what = format!("the credential: {size} bytes, {disclosures} disclosures");
        self.step(18, "Issuer → Wallet", what);
    }
}

/// How many types metadata name, in whichever member a version of them has that.
fn types(metadata: &Value) -> Option<usize> {
    let names = ["credential_configurations_supported", "credentials_supported"];
    let types = names.iter().find_map(|name| metadata.get(name))?;
    types.as_array().map(Vec::len).or_else(|| types.as_object().map(serde_json::Map::len))
}

fn tell_nonce(answer: &Value) {
    if let Some(nonce) = answer.get("c_nonce").and_then(Value::as_str) {
        let length = nonce.len();
        print(format!("    {:<17} a nonce for the proof, {length} characters", "Issuer → Wallet"));
    }
}
