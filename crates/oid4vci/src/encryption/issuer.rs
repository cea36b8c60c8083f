//! The Issuer's half: what it takes, what it demands, and how it answers (VCI §8.2, VCI §10).

use keys::json;
use keys::jwe::{Compression, ContentEncryption, DecryptionKey, EncryptionKey, Jwe, KeyManagement};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refusal::EncryptionRefusal;
use super::{MessageEncryption, ReceivedBody};
use crate::credential::REQUEST_BYTES_MAX;

/// Longest `jwk` of a request: a key with its certificates has room (catalogue H07).
const JWK_BYTES_MAX: usize = 8 * 1024;

/// Whether the messages of one direction are encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// No.
    #[default]
    Off,
    /// As the Wallet likes.
    Offered,
    /// All of them.
    Required,
}

/// How an Issuer deals with encryption; its metadata and its refusals are made from the same.
#[derive(Clone, Debug, Default)]
pub struct EncryptionPolicy {
    request: Encryption,
    response: Encryption,
    algorithms: Vec<KeyManagement>,
    encryptions: Vec<ContentEncryption>,
    compressions: Vec<Compression>,
}

impl EncryptionPolicy {
    /// With the methods to announce; `None` when something is to be encrypted with no method at all.
    ///
    /// A key for the response is safe in an encrypted request only (CRED-17), so requests are
    /// encrypted at least as much as responses (ENC-11).
    #[must_use]
    pub fn new(
        request: Encryption,
        response: Encryption,
        algorithms: Vec<KeyManagement>,
        encryptions: Vec<ContentEncryption>,
        compressions: Vec<Compression>,
    ) -> Option<Self> {
        let request = request.max(response);
        let lacks_algorithm = response != Encryption::Off && algorithms.is_empty();
        let lacks_encryption = request != Encryption::Off && encryptions.is_empty();
        let policy = Self { request, response, algorithms, encryptions, compressions };
        (!lacks_algorithm && !lacks_encryption).then_some(policy)
    }

    /// Of requests.
    #[must_use]
    pub const fn request(&self) -> Encryption {
        self.request
    }

    /// Of responses.
    #[must_use]
    pub const fn response(&self) -> Encryption {
        self.response
    }

    pub(super) fn algorithms(&self) -> &[KeyManagement] {
        &self.algorithms
    }

    pub(super) fn encryptions(&self) -> &[ContentEncryption] {
        &self.encryptions
    }

    pub(super) fn compressions(&self) -> &[Compression] {
        &self.compressions
    }

    /// Opens a Credential Request or a Deferred Credential Request, and decides how it is answered.
    ///
    /// `find_key` knows the keys by `kid`, the retired ones too as long as metadata with them may be
    /// in a cache (catalogue H06). It comes after the token: decrypting costs more than looking a
    /// token up (catalogue Q04).
    pub fn open<'k>(
        &self,
        body: ReceivedBody<'_>,
        find_key: impl Fn(&str) -> Option<&'k DecryptionKey>,
    ) -> Result<OpenedRequest, EncryptionRefusal> {
        let (parameters, was_encrypted) = match body {
            ReceivedBody::Json(_) if self.request == Encryption::Required => {
                return Err(EncryptionRefusal::NotEncrypted); // ENC-09, META-21
            }
            ReceivedBody::Json(bytes) if bytes.len() > REQUEST_BYTES_MAX => {
                return Err(EncryptionRefusal::TooLong);
            }
            ReceivedBody::Json(bytes) => (json::parse_object(bytes), false),
            ReceivedBody::Jwt(bytes) => {
                let jwe = self.read(bytes)?;
                let key = jwe.kid().ok_or(EncryptionRefusal::NoKid)?; // ENC-03
                let key = find_key(key).ok_or(EncryptionRefusal::UnknownKid)?;
                (json::parse_object(&jwe.decrypt(key, REQUEST_BYTES_MAX)?), true)
            }
        };
        // What a JWT would have, `iss` and the like, is unknown here and ignored (AMB-14).
        let parameters = parameters.map_err(|_| EncryptionRefusal::NotAnObject)?;
        let asked = parameters.get("credential_response_encryption");
        let response_encryption = self.decide(asked, was_encrypted)?;
        Ok(OpenedRequest { parameters, response_encryption })
    }

    /// Opens a request of a draft. Those texts encrypt no requests, so the key for the answer comes in
    /// the clear, and CRED-17 cannot be asked for: TLS alone keeps others from changing it.
    pub fn open_clear(&self, body: &[u8]) -> Result<OpenedRequest, EncryptionRefusal> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(EncryptionRefusal::TooLong);
        }
        let parameters = json::parse_object(body).map_err(|_| EncryptionRefusal::NotAnObject)?;
        let asked = parameters.get("credential_response_encryption");
        let response_encryption = self.decide(asked, true)?;
        Ok(OpenedRequest { parameters, response_encryption })
    }

    /// What was not announced is not even tried (ENC-05, catalogue H04).
    fn read(&self, bytes: &[u8]) -> Result<Jwe, EncryptionRefusal> {
        if self.request == Encryption::Off {
            return Err(EncryptionRefusal::RequestNotSupported);
        }
        let text = str::from_utf8(bytes).map_err(|_| EncryptionRefusal::Unreadable)?;
        let jwe = Jwe::parse(text, REQUEST_BYTES_MAX)?;
        let is_announced = self.encryptions.contains(&jwe.encryption())
            && jwe.compression().is_none_or(|compression| self.compressions.contains(&compression));
        is_announced.then_some(jwe).ok_or(EncryptionRefusal::RequestMethod)
    }

    fn decide(
        &self,
        asked: Option<&Value>,
        may_have_key: bool,
    ) -> Result<Option<MessageEncryption>, EncryptionRefusal> {
        match asked {
            // CRED-60, META-21
            None if self.response == Encryption::Required => Err(EncryptionRefusal::NoResponseKey),
            None => Ok(None), // CRED-14
            Some(_) if self.response == Encryption::Off => {
                Err(EncryptionRefusal::ResponseNotSupported)
            }
            // CRED-17: whoever could change the key could read the response.
            Some(_) if !may_have_key => Err(EncryptionRefusal::KeyInTheClear),
            Some(asked) => self.response_encryption(asked).map(Some),
        }
    }

    /// CRED-12: each member is read loosely and refused by its own name (AMB-23, ENC-13).
    fn response_encryption(&self, asked: &Value) -> Result<MessageEncryption, EncryptionRefusal> {
        let jwk = asked.get("jwk").ok_or(EncryptionRefusal::Incomplete)?;
        let enc = asked.get("enc").ok_or(EncryptionRefusal::Incomplete)?;
        if jwk.to_string().len() > JWK_BYTES_MAX {
            return Err(EncryptionRefusal::BadKey);
        }
        let key = EncryptionKey::from_jwk(jwk)?;
        if !self.algorithms.contains(&key.algorithm()) {
            return Err(EncryptionRefusal::UnsupportedAlgorithm); // ENC-06
        }
        let encryption = enc.as_str().and_then(ContentEncryption::parse);
        let encryption = encryption.filter(|encryption| self.encryptions.contains(encryption));
        let encryption = encryption.ok_or(EncryptionRefusal::UnsupportedEncryption)?;
        let known = |zip: &Value| {
            let compression = zip.as_str().and_then(Compression::parse);
            compression.filter(|compression| self.compressions.contains(compression))
        };
        let compression = match asked.get("zip") {
            None => None, // CRED-13
            Some(zip) => Some(known(zip).ok_or(EncryptionRefusal::UnsupportedCompression)?),
        };
        Ok(MessageEncryption { key, encryption, compression })
    }
}

/// A request in the clear, and how its response is to be sent; only [`EncryptionPolicy`] makes one.
#[derive(Debug)]
pub struct OpenedRequest {
    parameters: Map<String, Value>,
    response_encryption: Option<MessageEncryption>,
}

impl OpenedRequest {
    /// The members of the request.
    #[must_use]
    pub const fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// For [`super::seal`]; this request's own, whatever an earlier one asked for (DEFER-10).
    #[must_use]
    pub const fn response_encryption(&self) -> Option<&MessageEncryption> {
        self.response_encryption.as_ref()
    }
}
