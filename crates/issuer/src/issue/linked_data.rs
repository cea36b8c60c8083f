//! Step 17: the proof inside of a credential, by the key that its cryptosuite needs (VCI §A.1.2).

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::{IssueError, ldp_vc};
use keys::outside::{Random, Timestamp};
use serde_json::{Map, Value};

use crate::IssuerKeys;
use crate::credential_type::CredentialType;

/// Signs under this name of the key.
pub(super) async fn sign(
    (made, canonicalization): (Map<String, Value>, Canonicalization),
    (verification_method, keys, created): (&str, &IssuerKeys, Timestamp),
    (credential_type, random): (&CredentialType, &dyn Random),
) -> Result<Value, IssueError> {
    if canonicalization == Canonicalization::Unlinkable {
        let signing = (verification_method, keys, created);
        return unlinkable(made, signing, (credential_type, random));
    }
    let contexts = Some(&credential_type.contexts);
    let options = ProofOptions { verification_method, canonicalization, created, contexts };
    let signer = &*keys.signing.signer;
    if canonicalization == Canonicalization::Selective {
        let mandatory = credential_type.mandatory_paths();
        return ldp_vc::sign_selective(made, options, &mandatory, (signer, random)).await;
    }
    ldp_vc::sign(made, options, signer).await
}

/// There is a key: nobody starts with such a type and without one.
#[cfg(feature = "bbs-2023")]
fn unlinkable(
    made: Map<String, Value>,
    (verification_method, keys, created): (&str, &IssuerKeys, Timestamp),
    (credential_type, random): (&CredentialType, &dyn Random),
) -> Result<Value, IssueError> {
    let key = keys.bbs.signing.as_ref().ok_or(IssueError::NoCryptosuite)?;
    let options = ProofOptions {
        verification_method,
        canonicalization: Canonicalization::Unlinkable,
        created,
        contexts: Some(&credential_type.contexts),
    };
    ldp_vc::sign_unlinkable(made, options, &credential_type.mandatory_paths(), (key, random))
}

/// Nor is there such a type.
#[cfg(not(feature = "bbs-2023"))]
fn unlinkable(
    _: Map<String, Value>,
    _: (&str, &IssuerKeys, Timestamp),
    _: (&CredentialType, &dyn Random),
) -> Result<Value, IssueError> {
    Err(IssueError::NoCryptosuite)
}
