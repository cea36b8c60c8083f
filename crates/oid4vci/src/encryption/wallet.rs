//! The Wallet's half: what it chooses, and whether it gets what it asked for (VCI §8.2, VCI §10).

use keys::jwe::{
    Compression, ContentEncryption, DecryptionKey, EncryptionKeyError, Jwe, JweError, KeyManagement,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::metadata::{Methods, ReceivedEncryption};
use super::{Body, MessageEncryption, RESPONSE_BYTES_MAX, ReceivedBody, seal};

/// How a Wallet encrypts for one issuer, and what it asks for; chosen before the code is spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChosenEncryption {
    request: Option<MessageEncryption>,
    response: Option<ResponseMethod>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ResponseMethod {
    algorithm: KeyManagement,
    encryption: ContentEncryption,
    compression: Option<Compression>,
}

impl ReceivedEncryption {
    /// Encrypts what can be encrypted, and stops where what must be cannot (CRED-15, CRED-16).
    ///
    /// A response is encrypted only together with its request (CRED-17). With `compress`, what the
    /// issuer can compress is compressed; it tells the length of what is inside (RFC 8725 §3.6).
    pub fn choose(&self, compress: bool) -> Result<ChosenEncryption, EncryptionError> {
        let request = self.request.as_ref().and_then(|request| {
            let (encryption, compression) = request.methods.choose(compress)?;
            let key = request.keys.first()?.clone(); // the issuer's order; any will do (ENC-04)
            Some(MessageEncryption { key, encryption, compression })
        });
        let response = self.response.as_ref().and_then(|response| {
            let (encryption, compression) = response.methods.choose(compress)?;
            let mut known = KeyManagement::ALL.into_iter();
            let algorithm = known.find(|known| response.algorithms.contains(known))?;
            Some(ResponseMethod { algorithm, encryption, compression })
        });
        let request_required = self.request.as_ref().is_some_and(|object| object.methods.required);
        let response_required =
            self.response.as_ref().is_some_and(|object| object.methods.required);
        match (request, response) {
            (None, _) if request_required => Err(EncryptionError::NoCommonMethod),
            (_, None) if response_required => Err(EncryptionError::NoCommonMethod),
            (None, Some(_)) if response_required => Err(EncryptionError::NoRequestKey),
            (None, _) => Ok(ChosenEncryption::default()),
            (request, response) => Ok(ChosenEncryption { request, response }),
        }
    }
}

impl ReceivedEncryption {
    /// The same before 1.0: requests are in the clear, and responses are encrypted without them.
    pub(crate) fn choose_response(&self) -> Result<ChosenEncryption, EncryptionError> {
        let response = self.response.as_ref().filter(|response| response.methods.required);
        let Some(response) = response else { return Ok(ChosenEncryption::default()) };
        let (encryption, _) =
            response.methods.choose(false).ok_or(EncryptionError::NoCommonMethod)?;
        let mut known = KeyManagement::ALL.into_iter();
        let algorithm = known.find(|known| response.algorithms.contains(known));
        let algorithm = algorithm.ok_or(EncryptionError::NoCommonMethod)?;
        let response = Some(ResponseMethod { algorithm, encryption, compression: None });
        Ok(ChosenEncryption { request: None, response })
    }
}

impl Methods {
    /// Of what both know, what we like best (ENC-05, ENC-06).
    fn choose(&self, compress: bool) -> Option<(ContentEncryption, Option<Compression>)> {
        let mut known = ContentEncryption::ALL.into_iter();
        let encryption = known.find(|encryption| self.encryptions.contains(encryption))?;
        Some((encryption, self.compressions.first().copied().filter(|_| compress)))
    }
}

impl ChosenEncryption {
    /// Begins one request; `make_key` is asked for a new key if the response is to be encrypted, so
    /// that nobody can tell by the key that two requests are one Wallet's.
    pub fn begin(
        &self,
        make_key: impl FnOnce(KeyManagement) -> Result<DecryptionKey, EncryptionKeyError>,
    ) -> Result<Exchange<'_>, EncryptionKeyError> {
        let response = match self.response {
            Some(method) => Some((method, make_key(method.algorithm)?)),
            None => None,
        };
        Ok(Exchange { request: self.request.as_ref(), response })
    }
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange<'c> {
    request: Option<&'c MessageEncryption>,
    response: Option<(ResponseMethod, DecryptionKey)>,
}

impl Exchange<'_> {
    /// The body for the parameters of a Credential Request or a Deferred Credential Request, with
    /// `credential_response_encryption` among them if it is asked for (CRED-12, CRED-18, DEFER-09).
    pub fn seal(&self, mut parameters: Value) -> Result<Body, JweError> {
        if let (Some((method, key)), Some(members)) = (&self.response, parameters.as_object_mut()) {
            let mut asked = json!({
                "jwk": key.encryption_key().to_jwk(),
                "enc": method.encryption.name(),
            });
            if let (Some(zip), Some(asked)) = (method.compression, asked.as_object_mut()) {
                asked.insert("zip".into(), zip.name().into());
            }
            members.insert("credential_response_encryption".into(), asked);
        }
        seal(parameters.to_string().into_bytes(), self.request)
    }

    /// The response in the clear. What was asked for is what must come: an answer in the clear where
    /// an encrypted one was asked for is none (ENC-09, catalogue H10).
    pub fn open(&self, body: ReceivedBody<'_>) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        match (body, &self.response) {
            (ReceivedBody::Json(bytes), None) => Ok(Zeroizing::new(bytes.to_vec())),
            (ReceivedBody::Json(_), Some(_)) => Err(EncryptionError::NotEncrypted),
            (ReceivedBody::Jwt(_), None) => Err(EncryptionError::NotAskedFor),
            (ReceivedBody::Jwt(bytes), Some((method, key))) => decrypt(bytes, *method, key),
        }
    }
}

fn decrypt(
    bytes: &[u8],
    method: ResponseMethod,
    key: &DecryptionKey,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let text = str::from_utf8(bytes).map_err(|_| JweError::Malformed)?;
    let jwe = Jwe::parse(text, RESPONSE_BYTES_MAX)?;
    // A `kid` that is missing does no harm: there is one key only (ENC-03).
    if jwe.header().contains_key("kid") && jwe.kid() != Some(key.kid()) {
        return Err(EncryptionError::OtherKey);
    }
    let compresses_unbidden = jwe.compression().is_some() && method.compression.is_none();
    if jwe.encryption() != method.encryption || compresses_unbidden {
        return Err(EncryptionError::OtherMethod); // CRED-13, ENC-07
    }
    Ok(jwe.decrypt(key, RESPONSE_BYTES_MAX)?)
}

/// Why a Wallet cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionError {
    /// Something must be encrypted, with methods or keys that we do not know.
    NoCommonMethod,
    /// Responses must be encrypted, and there is no key for the requests (CRED-17, ENC-11).
    NoRequestKey,
    /// The response is in the clear (catalogue H10).
    NotEncrypted,
    /// The response is encrypted, for we do not know whom.
    NotAskedFor,
    /// The response is for another key (ENC-03).
    OtherKey,
    /// The response is not encrypted as we asked for (ENC-07, CRED-13).
    OtherMethod,
    /// The response cannot be decrypted.
    Jwe(JweError),
}

impl From<JweError> for EncryptionError {
    fn from(error: JweError) -> Self {
        Self::Jwe(error)
    }
}

impl EncryptionError {
    /// What is wrong, for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoCommonMethod => {
                "this issuer wants encrypted messages, in a way that this wallet does not know"
            }
            Self::NoRequestKey => {
                "this issuer wants encrypted messages, but says not for which key"
            }
            Self::NotEncrypted => "the issuer's answer should be encrypted, and is not",
            Self::NotAskedFor => "the issuer's answer is encrypted, which was not asked for",
            Self::OtherKey => "the issuer's answer is encrypted for another key",
            Self::OtherMethod => "the issuer's answer is not encrypted as it was asked for",
            Self::Jwe(JweError::TooLong | JweError::TooLarge) => "the issuer's answer is too large",
            Self::Jwe(_) => "the issuer's encrypted answer cannot be read",
        }
    }
}
