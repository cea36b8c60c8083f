//! W3C credentials (VCI §A.1).

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::jwt_vc_json;
use formats::ldp_vc;
use formats::status_list::CredentialStatus;
use formats::vc_jose::{self, SelectiveClaims};
use formats::w3c::W3cClaims;
use keys::did;
use oid4vci::proof::{HolderBinding, VerifiedProof};
use serde_json::{Map, Value};

use super::{Stamp, confirmation};
use crate::Issuer;
use crate::credential_type::{CredentialType, Securing, StatusKind, W3cType};
use crate::failure::Broken;

pub(super) async fn issue(
    issuer: &Issuer,
    (credential_type, w3c, claims): (&CredentialType, &W3cType, &Map<String, Value>),
    holder: Option<&VerifiedProof>,
    stamp: Stamp,
) -> Result<Value, Broken> {
    let keys = issuer.keys();
    let (kid, signer) = (&*keys.signing.kid, &*keys.signing.signer);
    let subject = holder.map(subject_did);
    let name = match w3c.securing {
        Securing::LdpVc(_) => issuer.did(),
        Securing::JwtVcJson | Securing::JwtVcJsonLd | Securing::VcJwt | Securing::VcSdJwt => {
            issuer.credential_issuer().to_owned()
        }
    };
    let status = stamp.entry.map(|entry| match credential_type.status_kind {
        StatusKind::Token => CredentialStatus::StatusList(issuer.status_reference(entry)),
        StatusKind::Bitstring => issuer.bitstring_status(credential_type, w3c.securing, entry),
    });
    let claims = W3cClaims {
        issuer: &name,
        contexts: &w3c.contexts,
        types: &w3c.types,
        subject: subject.as_deref(),
        claims: claims.clone(),
        issued_at: stamp.issued_at,
        expires_at: stamp.expires_at,
        status,
    };
    match w3c.securing {
        Securing::JwtVcJson | Securing::JwtVcJsonLd => {
            jwt_vc_json::issue(claims, kid, signer).await.map(Value::String)
        }
        Securing::VcJwt => vc_jose::issue(claims, kid, signer).await.map(Value::String),
        Securing::VcSdJwt => {
            let selective = credential_type.selective_paths();
            let binding = holder.map(confirmation);
            let claims =
                SelectiveClaims { claims, selective, decoys: credential_type.decoys, binding };
            let random = &*issuer.random;
            vc_jose::issue_selective(claims, kid, signer, random).await.map(Value::String)
        }
        Securing::LdpVc(canonicalization) => {
            let verification_method = &format!("{name}#{kid}");
            let created = stamp.issued_at;
            let options = ProofOptions { verification_method, canonicalization, created };
            if canonicalization == Canonicalization::Selective {
                let mandatory = credential_type.mandatory_paths();
                let random = &*issuer.random;
                ldp_vc::issue_selective(claims, options, &mandatory, (signer, random)).await
            } else {
                ldp_vc::issue(claims, options, signer).await
            }
        }
    }
    .map_err(|error| Broken::fault(format!("signing failed: {error}")))
}

/// The subject is the DID of the proof; a bare key has its did:jwk.
fn subject_did(holder: &VerifiedProof) -> String {
    match holder.binding() {
        HolderBinding::Jwk => did::to_did_jwk(holder.public_key()),
        HolderBinding::Did(url) => did::did_of(url).to_owned(),
    }
}
