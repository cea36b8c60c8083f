//! Which proof a Wallet makes, of those that an issuer takes (META-35 to META-38).

use keys::algorithm::Algorithm;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::strings;
use crate::attestation::key::KeyAttestationsRequired;

/// A key attestation that an issuer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedKeyAttestation {
    /// What it must say (META-38).
    pub required: KeyAttestationsRequired,
    /// Whether it stands in place of a proof (VCI §F.3), and not in the header of one (VCI §F.1).
    pub is_alone: bool,
}

/// An element of `proof_types_supported`.
pub(super) struct ReceivedProofType {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) key_attestation: Option<ReceivedKeyAttestation>,
}

impl ReceivedProofType {
    /// `jwt` where it is taken: it proves that the key is there. Else `attestation`, which does not.
    pub(super) fn choose(proof_types: Option<&Map<String, Value>>) -> Option<Self> {
        let proof_types = proof_types?;
        let algorithms = |proof_type: &Value| {
            let names = strings(proof_type.get("proof_signing_alg_values_supported"));
            names.iter().filter_map(|name| Algorithm::parse(name)).collect()
        };
        if let Some(jwt) = proof_types.get("jwt") {
            let required = required(jwt);
            let key_attestation =
                required.map(|required| ReceivedKeyAttestation { required, is_alone: false });
            return Some(Self { algorithms: algorithms(jwt), key_attestation });
        }
        let attestation = proof_types.get("attestation")?;
        let required = required(attestation).unwrap_or_default();
        let key_attestation = Some(ReceivedKeyAttestation { required, is_alone: true });
        Some(Self { algorithms: algorithms(attestation), key_attestation })
    }
}

/// A demand that cannot be read is one nevertheless: of any level.
fn required(proof_type: &Value) -> Option<KeyAttestationsRequired> {
    let required = proof_type.get("key_attestations_required").filter(|value| !value.is_null())?;
    Some(KeyAttestationsRequired::deserialize(required).unwrap_or_default())
}
