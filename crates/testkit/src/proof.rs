//! Key proofs that a test may spoil before they are signed (VCI §F.1).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::signer::{Signer, SoftwareKey};
use serde_json::{Map, Value, json};

/// A holder's key.
pub fn holder_key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256).unwrap()
}

/// A proof before it is signed; good as it is made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The JOSE header, `alg` included.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Draft {
    /// Proves `key`, named by itself.
    pub fn new(key: &SoftwareKey, aud: &str, iat: u64, nonce: &str) -> Self {
        let header = json!({
            "typ": "openid4vci-proof+jwt",
            "alg": key.algorithm().name(),
            "jwk": key.public_key().to_jwk(),
        });
        let claims = json!({ "aud": aud, "iat": iat, "nonce": nonce });
        Self::of(header, claims)
    }

    /// Of a header and claims.
    pub fn of(header: Value, claims: Value) -> Self {
        Self { header: object(header), claims: object(claims) }
    }

    /// Sets a member of the header, or takes it out.
    pub fn header(&mut self, name: &str, value: impl Into<Option<Value>>) {
        set(&mut self.header, name, value.into());
    }

    /// Sets a claim, or takes it out.
    pub fn claim(&mut self, name: &str, value: impl Into<Option<Value>>) {
        set(&mut self.claims, name, value.into());
    }

    /// Signs what is there, whatever the header says.
    pub async fn sign(&self, key: &SoftwareKey) -> String {
        let [header, claims] = [&self.header, &self.claims].map(|part| json!(part).to_string());
        sign_text(&header, &claims, key).await
    }
}

/// Signs texts that need not even be JSON.
pub async fn sign_text(header: &str, claims: &str, key: &SoftwareKey) -> String {
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = key.sign(input.as_bytes()).await.unwrap();
    format!("{input}.{}", encode(&signature))
}

fn set(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("no object: {value}") };
    object
}
