//! What the player publishes.

use serde_json::{Value, json};

use super::{CODE, PLAYED, Player, VCT};

impl Player {
    pub(super) fn issuer(&self) -> Value {
        let at = |name: &str| format!("{PLAYED}/{name}");
        let mut metadata = json!({
            "credential_issuer": PLAYED,
            "authorization_servers": [PLAYED],
            "credential_endpoint": at("credential"),
            "nonce_endpoint": at("nonce"),
            "deferred_credential_endpoint": at("deferred"),
            "random-member": { "xyz": [1] },
            "credential_configurations_supported": { "suite.card": {
                "format": "dc+sd-jwt", "vct": VCT, "scope": "suite.card",
                "cryptographic_binding_methods_supported": ["jwk"],
                "proof_types_supported":
                    { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } },
                "credential_metadata": { "display": [{ "name": "Card" }] },
            } },
        });
        if self.script.encrypted {
            let jwk = self.decryption.encryption_key().to_jwk();
            metadata["credential_request_encryption"] = json!({
                "jwks": { "keys": [jwk] }, "enc_values_supported": ["A256GCM"],
                "encryption_required": true,
            });
            metadata["credential_response_encryption"] = json!({
                "alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"],
                "encryption_required": true,
            });
        }
        if self.script.notified {
            metadata["notification_endpoint"] = json!(at("notification"));
        }
        if let Some(size) = self.script.batch {
            metadata["batch_credential_issuance"] = json!({ "batch_size": size });
        }
        metadata
    }

    pub(super) fn server(&self) -> Value {
        let at = |name: &str| format!("{PLAYED}/{name}");
        let mut metadata = json!({
            "issuer": PLAYED,
            "authorization_endpoint": at("authorize"),
            "pushed_authorization_request_endpoint": at("par"),
            "require_pushed_authorization_requests": true,
            "token_endpoint": at("token"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "dpop_signing_alg_values_supported": ["ES256"],
            "grant_types_supported": ["authorization_code",
                "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
            "random-member": "xyz",
        });
        if self.script.attested {
            metadata["token_endpoint_auth_methods_supported"] = json!(["attest_jwt_client_auth"]);
            metadata["client_attestation_signing_alg_values_supported"] = json!(["ES256"]);
            metadata["client_attestation_pop_signing_alg_values_supported"] = json!(["ES256"]);
            metadata["challenge_endpoint"] = json!(at("challenge"));
        }
        metadata
    }

    pub(super) fn offer_document(&self) -> Value {
        let grants = if self.script.signs_in {
            json!({ "authorization_code": { "issuer_state": "the-issuer-state" } })
        } else {
            json!({ "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                "pre-authorized_code": CODE,
                "tx_code": { "input_mode": "numeric", "length": 6 },
            } })
        };
        json!({
            "credential_issuer": PLAYED, "grants": grants, "random-member": "xyz",
            "credential_configuration_ids": ["suite.card"],
        })
    }
}
