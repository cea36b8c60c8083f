//! Steps 13-18 under a cover: what comes encrypted is opened, what goes is encrypted (VCI §10).

use oid4vci::credential::{CredentialRefusal, CredentialRequest};
use oid4vci::encryption::seal;
use oid4vci::encryption::{
    Body, EncryptionRefusal, MessageEncryption, OpenedRequest, ReceivedBody,
};
use serde::Serialize;

use crate::Issuer;
use crate::failure::Broken;

/// A Credential Request in the clear, and how its answer goes out.
#[derive(Debug)]
pub(super) struct Uncovered {
    pub(super) request: CredentialRequest,
    pub(super) response: Option<MessageEncryption>,
}

/// Opens a Credential Request, once its token is known to be good (catalogue Q04).
pub(super) fn uncover(
    body: ReceivedBody<'_>,
    issuer: &Issuer,
) -> Result<Uncovered, CredentialRefusal> {
    let opened = open(body, issuer)?;
    let single_proof = issuer.config.compatibility.single_proof;
    let request = CredentialRequest::from_parameters(opened.parameters(), single_proof)?;
    Ok(Uncovered { request, response: opened.response_encryption().cloned() })
}

/// Opens any request; a key that metadata no longer name is still good (catalogue H06).
pub(super) fn open(
    body: ReceivedBody<'_>,
    issuer: &Issuer,
) -> Result<OpenedRequest, EncryptionRefusal> {
    let keys = issuer.keys();
    issuer.encryption.open(body, |kid| keys.encryption.iter().find(|key| key.kid() == kid))
}

/// Makes the body of an answer that is no error (CRED-33, CRED-64).
pub(super) fn cover(
    response: &impl Serialize,
    encryption: Option<&MessageEncryption>,
) -> Result<Body, Broken> {
    let json = serde_json::to_vec(response).map_err(|error| Broken::fault(error.to_string()))?;
    seal(json, encryption)
        .map_err(|error| Broken::fault(format!("the answer could not be encrypted: {error}")))
}
