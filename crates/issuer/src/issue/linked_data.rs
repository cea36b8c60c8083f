//! Step 17: the proof inside of a credential, by the key that its cryptosuite needs (VCI §A.1.2).

#[cfg(not(feature = "bbs-2023"))]
use std::future::{Ready, ready};
use std::sync::Arc;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::{IssueError, ldp_vc};
use keys::outside::{Random, Timestamp};
#[cfg(feature = "bbs-2023")]
use keys::signer::SignError;
use serde_json::{Map, Value};

use crate::IssuerKeys;
use crate::credential_type::CredentialType;

/// Signs under this name of the key.
pub(super) async fn sign(
    (made, canonicalization): (Map<String, Value>, Canonicalization),
    (verification_method, keys, created): (&str, &Arc<IssuerKeys>, Timestamp),
    (credential_type, random): (&CredentialType, &Arc<dyn Random>),
) -> Result<Value, IssueError> {
    if canonicalization == Canonicalization::Unlinkable {
        let signing = (verification_method, keys, created);
        return unlinkable(made, signing, (credential_type, random)).await;
    }
    let contexts = Some(&credential_type.contexts);
    let options = ProofOptions { verification_method, canonicalization, created, contexts };
    let signer = &*keys.signing.signer;
    if canonicalization == Canonicalization::Selective {
        let mandatory = credential_type.mandatory_paths();
        return ldp_vc::sign_selective(made, options, &mandatory, (signer, &**random)).await;
    }
    ldp_vc::sign(made, options, signer).await
}

/// There is a key: nobody starts with such a type and without one. Its arithmetic takes as long as that of
/// many other signatures, so that it is done where it keeps nobody else waiting.
#[cfg(feature = "bbs-2023")]
async fn unlinkable(
    made: Map<String, Value>,
    (verification_method, keys, created): (&str, &Arc<IssuerKeys>, Timestamp),
    (credential_type, random): (&CredentialType, &Arc<dyn Random>),
) -> Result<Value, IssueError> {
    let (method, mandatory) = (verification_method.to_owned(), credential_type.mandatory_paths());
    let (keys, random) = (Arc::clone(keys), Arc::clone(random));
    let contexts = credential_type.contexts.clone();
    let signing = tokio::task::spawn_blocking(move || {
        let key = keys.bbs.signing.as_ref().ok_or(IssueError::NoCryptosuite)?;
        let options = ProofOptions {
            verification_method: &method,
            canonicalization: Canonicalization::Unlinkable,
            created,
            contexts: Some(&contexts),
        };
        ldp_vc::sign_unlinkable(made, options, &mandatory, (key, &*random))
    });
    signing.await.unwrap_or(Err(IssueError::Signing(SignError::Signing)))
}

/// Nor is there such a type.
#[cfg(not(feature = "bbs-2023"))]
fn unlinkable(
    _: Map<String, Value>,
    _: (&str, &Arc<IssuerKeys>, Timestamp),
    _: (&CredentialType, &Arc<dyn Random>),
) -> Ready<Result<Value, IssueError>> {
    ready(Err(IssueError::NoCryptosuite))
}
