//! The Wallet's side, and its provider's.

use keys::jws;
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{SignError, Signer};
use keys::x509;
use serde_json::{Map, Value, json};

use super::{POP_TYPE, TYPE};
use crate::replay::fresh_jti;

/// What the provider of a Wallet attests (WALATT-03).
#[derive(Debug)]
pub struct NewClientAttestation<'a> {
    /// `iss`: the provider.
    pub provider: &'a str,
    /// `sub`: the same for all instances of the Wallet (WALATT-07, PRIV-09).
    pub client_id: &'a str,
    /// `cnf.jwk`: of this instance, and of no other issuer's attestation (HAIP-28).
    pub instance_key: &'a PublicKey,
    /// `wallet_name` (WALATT-04)
    pub wallet_name: Option<&'a str>,
    /// `iat`
    pub now: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
}

impl NewClientAttestation<'_> {
    /// Makes the JWT; the chain, the signer's certificate first, comes without its anchor (HAIP-27).
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        x5c: Option<&[Vec<u8>]>,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), TYPE.into());
        header.extend(x5c.map(|chain| ("x5c".to_owned(), x509::x5c_to_json(chain))));
        let mut claims = Map::new();
        claims.insert("iss".into(), self.provider.into());
        claims.insert("sub".into(), self.client_id.into());
        claims.insert("iat".into(), self.now.0.into());
        claims.insert("exp".into(), self.expires_at.0.into());
        claims.insert("cnf".into(), json!({ "jwk": self.instance_key.to_jwk() }));
        claims.extend(self.wallet_name.map(|name| ("wallet_name".to_owned(), name.into())));
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}

/// What an instance of a Wallet proves with each request (WALATT-05).
#[derive(Debug)]
pub struct NewClientAttestationPop<'p> {
    /// `iss`: `sub` of the attestation.
    pub client_id: &'p str,
    /// `aud`: the issuer identifier of the authorization server.
    pub authorization_server: &'p str,
    /// The challenge last received; where there is a challenge endpoint, there must be one.
    pub challenge: Option<&'p str>,
    /// `iat`
    pub now: Timestamp,
}

impl NewClientAttestationPop<'_> {
    /// Makes a proof that is good for one request: its `jti` is drawn anew.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        random: &dyn Random,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), POP_TYPE.into());
        let mut claims = Map::new();
        claims.insert("iss".into(), self.client_id.into());
        claims.insert("aud".into(), self.authorization_server.into());
        claims.insert("jti".into(), fresh_jti(random).into());
        claims.insert("iat".into(), self.now.0.into());
        claims.extend(self.challenge.map(|challenge| ("challenge".to_owned(), challenge.into())));
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}
