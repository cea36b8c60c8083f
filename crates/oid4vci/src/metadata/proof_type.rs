//! Which proof a Wallet makes, of those that an issuer takes (META-35 to META-38).

use formats::data_integrity::Cryptosuite;
use keys::algorithm::Algorithm;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::strings;
use crate::attestation::key::KeyAttestationsRequired;
use crate::proof::{BindingMethod, di_vp};

/// A key attestation that an issuer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedKeyAttestation {
    /// What it must say (META-38).
    pub required: KeyAttestationsRequired,
    /// Whether it stands in place of a proof (VCI §F.3), and not in the header of one (VCI §F.1).
    pub is_alone: bool,
}

/// An element of `proof_types_supported`.
struct ReceivedProofType {
    algorithms: Vec<Algorithm>,
    /// Of `di_vp` alone.
    cryptosuites: Vec<Cryptosuite>,
    key_attestation: Option<ReceivedKeyAttestation>,
}

impl ReceivedProofType {
    /// `jwt` where it is taken: it proves that the key is there. Else `attestation`, which does not; and
    /// `di_vp` from who takes nothing else (PROOF-22).
    fn choose(proof_types: Option<&Map<String, Value>>) -> Option<Self> {
        let proof_types = proof_types?;
        let algorithms = |proof_type: &Value| {
            let names = strings(proof_type.get("proof_signing_alg_values_supported"));
            names.iter().filter_map(|name| Algorithm::parse(name)).collect()
        };
        if let Some(jwt) = proof_types.get("jwt") {
            let required = required(jwt);
            let key_attestation =
                required.map(|required| ReceivedKeyAttestation { required, is_alone: false });
            let cryptosuites = Vec::new();
            return Some(Self { algorithms: algorithms(jwt), cryptosuites, key_attestation });
        }
        let Some(attestation) = proof_types.get("attestation") else {
            return proof_types.get("di_vp").map(Self::di_vp);
        };
        let required = required(attestation).unwrap_or_default();
        let key_attestation = Some(ReceivedKeyAttestation { required, is_alone: true });
        let cryptosuites = Vec::new();
        Some(Self { algorithms: algorithms(attestation), cryptosuites, key_attestation })
    }

    /// Its algorithms are cryptosuites (PROOF-20).
    fn di_vp(proof_type: &Value) -> Self {
        let names = strings(proof_type.get("proof_signing_alg_values_supported"));
        let ours = di_vp::cryptosuites(&Algorithm::ALL).into_iter();
        let cryptosuites: Vec<Cryptosuite> =
            ours.filter(|suite| names.iter().any(|name| name == suite.name())).collect();
        let is_taken = |algorithm: &Algorithm| {
            di_vp::cryptosuites(&[*algorithm]).iter().any(|suite| cryptosuites.contains(suite))
        };
        let algorithms = Algorithm::ALL.into_iter().filter(is_taken).collect();
        Self { algorithms, cryptosuites, key_attestation: None }
    }
}

/// What a configuration says of proofs.
pub(super) struct WantedProofs {
    pub(super) are_needed: bool,
    pub(super) binding_methods: Vec<BindingMethod>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) cryptosuites: Vec<Cryptosuite>,
    pub(super) key_attestation: Option<ReceivedKeyAttestation>,
}

impl WantedProofs {
    pub(super) fn read(configuration: &Value) -> Self {
        let proof_types = configuration.get("proof_types_supported").and_then(Value::as_object);
        let methods = strings(configuration.get("cryptographic_binding_methods_supported"));
        let chosen = ReceivedProofType::choose(proof_types);
        let is_di_vp = chosen.as_ref().is_some_and(|chosen| !chosen.cryptosuites.is_empty());
        let are_needed = !methods.is_empty() || proof_types.is_some();
        let binding_methods = binding_methods((&methods, proof_types.is_some()), is_di_vp);
        // An issuer that names methods but no proof types means the usual proof (AMB-12).
        let usual = if proof_types.is_none() { vec![Algorithm::Es256] } else { Vec::new() };
        let usual = || ReceivedProofType {
            algorithms: usual,
            cryptosuites: Vec::new(),
            key_attestation: None,
        };
        let ReceivedProofType { algorithms, cryptosuites, key_attestation } =
            chosen.unwrap_or_else(usual);
        Self { are_needed, binding_methods, algorithms, cryptosuites, key_attestation }
    }
}

/// How the key can be named: where the issuer only names proof types, as is usual (AMB-12). A
/// presentation names it by a DID alone (PROOF-21).
fn binding_methods(
    (names, has_proof_types): (&[String], bool),
    is_di_vp: bool,
) -> Vec<BindingMethod> {
    let fits = |method: &BindingMethod| {
        let is_bare = matches!(method, BindingMethod::Jwk | BindingMethod::CoseKey);
        !is_di_vp || !is_bare
    };
    if names.is_empty() && has_proof_types {
        return vec![if is_di_vp { BindingMethod::DidKey } else { BindingMethod::Jwk }];
    }
    names.iter().filter_map(|name| BindingMethod::parse(name)).filter(fits).collect()
}

/// A demand that cannot be read is one nevertheless: of any level.
fn required(proof_type: &Value) -> Option<KeyAttestationsRequired> {
    let required = proof_type.get("key_attestations_required").filter(|value| !value.is_null())?;
    Some(KeyAttestationsRequired::deserialize(required).unwrap_or_default())
}
