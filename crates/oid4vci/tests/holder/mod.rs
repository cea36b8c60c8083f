//! A Wallet whose keys somebody attests, in whatever words a test wants.

use keys::algorithm::Algorithm::Es256;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_to_json;
use oid4vci::attestation::key::KeyAttestationPolicy;
use oid4vci::proof::{ProofContext, ProofRefusal, Proofs, VerifiedProofs, verify};
use serde_json::{Value, json};

use crate::attester::Attester;
use crate::jose::{jwt, key, merged};
use crate::prover::{self, NOW, context, nonce, nonce_key};

/// Keys of a Wallet, and somebody who attests them.
pub(crate) struct Keys {
    pub(crate) attester: Attester,
    pub(crate) held: Vec<SoftwareKey>,
}

impl Keys {
    pub(crate) fn new(count: usize) -> Self {
        Self { attester: Attester::new(NOW), held: (0..count).map(|_| key(Es256)).collect() }
    }

    pub(crate) fn header(&self) -> Value {
        let x5c = x5c_to_json(self.attester.leaf());
        json!({ "typ": "key-attestation+jwt", "alg": "ES256", "x5c": x5c })
    }

    pub(crate) fn claims(&self) -> Value {
        let jwks = self.held.iter().map(|key| Value::Object(key.public_key().to_jwk()));
        json!({
            "iat": NOW.0, "exp": NOW.0 + 300, "nonce": nonce(),
            "attested_keys": jwks.collect::<Value>(),
        })
    }

    pub(crate) async fn attestation(&self, header: &Value, claims: &Value) -> String {
        let (header, claims) = (merged(self.header(), header), merged(self.claims(), claims));
        jwt(&header, &claims, &self.attester.key).await
    }
}

pub(crate) async fn prove(key: &SoftwareKey, header: &Value) -> String {
    jwt(&merged(prover::header(key), header), &prover::claims().to_string(), key).await
}

pub(crate) fn verify_with(
    proofs: &Proofs,
    policy: KeyAttestationPolicy<'_>,
) -> Result<VerifiedProofs, ProofRefusal> {
    let nonce_key = nonce_key();
    verify(proofs, &ProofContext { key_attestations: policy, ..context(&nonce_key) })
}
