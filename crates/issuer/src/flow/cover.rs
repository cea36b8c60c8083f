//! Steps 13-18 under a cover: what comes encrypted is opened, what goes is encrypted (VCI §10).

use oid4vci::credential::{CredentialRefusal, CredentialRequest};
use oid4vci::encryption::seal;
use oid4vci::encryption::{
    Body, EncryptionRefusal, MessageEncryption, OpenedRequest, ReceivedBody,
};
use oid4vci::legacy::Dialect;
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
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<Uncovered, CredentialRefusal> {
    let opened = open(body, dialect, issuer)?;
    let single_proof = issuer.config.compatibility.single_proof;
    let request = CredentialRequest::from_parameters(opened.parameters(), single_proof)?;
    Ok(Uncovered { request, response: opened.response_encryption().cloned() })
}

/// Opens any request; a key that metadata no longer name is still good (catalogue H06). One of a draft
/// is in the clear.
pub(super) fn open(
    body: ReceivedBody<'_>,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<OpenedRequest, EncryptionRefusal> {
    if dialect.is_some() {
        let (ReceivedBody::Json(bytes) | ReceivedBody::Jwt(bytes)) = body;
        return issuer.encryption.open_clear(bytes);
    }
    let keys = issuer.keys();
    issuer.encryption.open(body, |kid| keys.encryption.iter().find(|key| key.kid() == kid))
}

/// An answer that is no error, in the clear, and how it goes out.
#[derive(Debug)]
pub struct Reply {
    /// In the words of 1.0.
    pub json: Vec<u8>,
    /// As the request asked for it.
    pub encryption: Option<MessageEncryption>,
}

impl Reply {
    /// With the body in the clear.
    pub fn new(
        response: &impl Serialize,
        encryption: Option<&MessageEncryption>,
    ) -> Result<Self, Broken> {
        let json = serde_json::to_vec(response);
        let json = json.map_err(|error| Broken::fault(error.to_string()))?;
        Ok(Self { json, encryption: encryption.cloned() })
    }

    /// The body as it is sent (CRED-33, CRED-64).
    pub fn cover(self) -> Result<Body, Broken> {
        seal(self.json, self.encryption.as_ref())
            .map_err(|error| Broken::fault(format!("the answer could not be encrypted: {error}")))
    }
}
