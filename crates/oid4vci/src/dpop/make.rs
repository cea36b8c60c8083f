//! The Wallet's side: a proof for each request, and the nonce that a server wants in it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jws;
use keys::outside::{Random, Timestamp};
use keys::signer::{SignError, Signer};
use serde_json::{Map, Value};
use url::Url;

use super::TYPE;
use crate::nonce::RECEIVED_BYTES_MAX;
use crate::replay::fresh_jti;
use crate::secret::AccessToken;

/// What a Wallet puts into a DPoP proof (RFC 9449 §4.2, DEP-05).
#[derive(Debug)]
pub struct NewDpopProof<'p> {
    /// `htm`
    pub method: &'p str,
    /// `htu`, where query and fragment are left out.
    pub endpoint: &'p Url,
    /// Hashed into `ath` when the request brings a token.
    pub access_token: Option<&'p AccessToken>,
    /// The nonce last received from this server.
    pub nonce: Option<&'p str>,
    /// `iat`
    pub now: Timestamp,
}

impl NewDpopProof<'_> {
    /// Makes a proof that is good for one request: its `jti` is drawn anew.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        random: &dyn Random,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), TYPE.into());
        header.insert("jwk".into(), signer.public_key().to_jwk().into());
        let mut endpoint = self.endpoint.clone();
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        let mut claims = Map::new();
        claims.insert("jti".into(), fresh_jti(random).into());
        claims.insert("htm".into(), self.method.into());
        claims.insert("htu".into(), endpoint.as_str().into());
        claims.insert("iat".into(), self.now.0.into());
        if let Some(nonce) = self.nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        if let Some(token) = self.access_token {
            let ath = BASE64_URL_SAFE_NO_PAD.encode(token.digest().0);
            claims.insert("ath".into(), ath.into());
        }
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}

/// A nonce from the header `DPoP-Nonce` of any answer, to be used from now on (RFC 9449 §8.2,
/// HAIP-05); `None` when it is none that a proof could carry (RFC 9449 §8.1).
#[must_use]
pub fn received_nonce(header: &str) -> Option<&str> {
    let allowed = |c| matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    let length = 1..=RECEIVED_BYTES_MAX;
    (length.contains(&header.len()) && header.chars().all(allowed)).then_some(header)
}

/// Whether an answer asks for another proof with the nonce that it brings: a protected resource says
/// so in `WWW-Authenticate` (RFC 9449 §9), an authorization server in `error` (RFC 9449 §8).
#[must_use]
pub fn wants_nonce(status: u16, error: Option<&str>, www_authenticate: Option<&str>) -> bool {
    let challenge = www_authenticate.unwrap_or_default();
    let challenged = challenge.contains(r#"error="use_dpop_nonce""#);
    matches!(status, 400 | 401) && (challenged || error == Some("use_dpop_nonce"))
}
