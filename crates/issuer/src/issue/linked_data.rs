//! Step 17: the proof inside of a credential, by the key that its cryptosuite needs (VCI §A.1.2).

#[cfg(not(feature = "bbs-2023"))]
use std::future::{Ready, ready};
use std::sync::Arc;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::{IssueError, ldp_vc};
#[cfg(feature = "bbs-2023")]
use keys::did;
use keys::outside::{Random, Timestamp};
#[cfg(feature = "bbs-2023")]
use keys::signer::SignError;
use serde_json::{Map, Value};

use crate::IssuerKeys;
use crate::credential_type::CredentialType;

/// Signs for the issuer with this DID.
pub(super) async fn sign(
    (made, canonicalization): (Map<String, Value>, Canonicalization),
    (did, keys, created): (&str, &Arc<IssuerKeys>, Timestamp),
    (credential_type, random): (&CredentialType, &Arc<dyn Random>),
) -> Result<Value, IssueError> {
    if canonicalization == Canonicalization::Unlinkable {
        return unlinkable(made, (did, keys, created), (credential_type, random)).await;
    }
    let verification_method = &format!("{did}#{}", keys.signing.kid);
    let options = ProofOptions { verification_method, canonicalization, created };
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
    (issuer, keys, created): (&str, &Arc<IssuerKeys>, Timestamp),
    (credential_type, random): (&CredentialType, &Arc<dyn Random>),
) -> Result<Value, IssueError> {
    let (issuer, mandatory) = (issuer.to_owned(), credential_type.mandatory_paths());
    let (keys, random) = (Arc::clone(keys), Arc::clone(random));
    let signing = tokio::task::spawn_blocking(move || {
        let key = keys.bbs.signing.as_ref().ok_or(IssueError::NoCryptosuite)?;
        let options = ProofOptions {
            verification_method: &format!("{issuer}#{}", did::to_multikey(key.public_key())),
            canonicalization: Canonicalization::Unlinkable,
            created,
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
