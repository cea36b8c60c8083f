//! An instance of a Wallet with its attestation, which can be changed at will, and the server that
//! they are for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_to_json;
use oid4vci::attestation::Attesters;
use oid4vci::attestation::client::{ClientAttestationContext, ClientAttestationRefusal, verify};
use oid4vci::attestation::status::KnownEntries;
use oid4vci::nonce::{Nonces, Purpose};
use serde_json::{Map, Value, json};

use crate::attester::Attester;
use crate::jose::{jwt, merged};

pub(crate) const SERVER: &str = "https://issuer.example/a";
pub(crate) const CLIENT: &str = "https://wallet.example";
pub(crate) const NOW: Timestamp = Timestamp(1_750_000_000);

pub(crate) fn nonce_key() -> MacKey {
    MacKey::new([7; 32])
}

pub(crate) fn challenges(key: &MacKey) -> Nonces<'_> {
    Nonces { purpose: Purpose::ClientAttestation, issuer: SERVER, key }
}

pub(crate) fn context<'c>(
    attesters: &'c Attesters,
    nonce_key: &'c MacKey,
) -> ClientAttestationContext<'c> {
    ClientAttestationContext {
        attesters,
        authorization_server: SERVER,
        algorithms: &[Es256, EdDsa],
        challenges: challenges(nonce_key),
        is_challenge_required: false,
        age_seconds_max: None,
        window_seconds: 60,
        known_entries: KnownEntries::NONE,
        now: NOW,
    }
}

pub(crate) fn part(jwt: &str, place: usize) -> Map<String, Value> {
    let part = jwt.split('.').nth(place).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn pop_claims() -> Value {
    json!({ "iss": CLIENT, "aud": SERVER, "jti": "a jti", "iat": NOW.0 })
}

pub(crate) struct Instance {
    pub(crate) key: SoftwareKey,
    pub(crate) attester: Attester,
}

impl Instance {
    pub(crate) fn new() -> Self {
        Self { key: SoftwareKey::generate(Es256).unwrap(), attester: Attester::new(NOW) }
    }

    pub(crate) fn header(&self) -> Value {
        let x5c = x5c_to_json(self.attester.leaf());
        json!({ "typ": "oauth-client-attestation+jwt", "alg": "ES256", "x5c": x5c })
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": "https://provider.example", "sub": CLIENT, "iat": NOW.0, "exp": NOW.0 + 300,
            "cnf": { "jwk": self.key.public_key().to_jwk() },
        })
    }

    pub(crate) async fn attestation(&self, header: &Value, claims: &Value) -> String {
        let (header, claims) = (merged(self.header(), header), merged(self.claims(), claims));
        jwt(&header, &claims, &self.attester.key).await
    }

    pub(crate) async fn pop(&self, claims: &Value) -> String {
        let header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "ES256" });
        jwt(&header.to_string(), &merged(pop_claims(), claims), &self.key).await
    }

    pub(crate) fn verdict(
        &self,
        attestation: &str,
        pop: &str,
    ) -> Result<(), ClientAttestationRefusal> {
        let (attesters, nonce_key) = (self.attester.by_anchor(), nonce_key());
        let context = context(&attesters, &nonce_key);
        verify(&[attestation], &[pop], None, &context).map(|_| ())
    }
}
