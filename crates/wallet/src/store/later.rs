//! What the wallet still has to do: fetch a credential, tell an issuer.

use std::fmt;
use std::sync::Arc;

use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::jwe::{Curve, DecryptionKey, EncryptionKeyError, KeyManagement};
use keys::outside::Timestamp;
use keys::signer::SoftwareKey;
use oid4vci::notification::Event;
use oid4vci::secret::{AccessToken, RefreshToken, TransactionId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{CredentialId, HolderKey};
use crate::flow::check::Expected;

/// A token that is needed later, and the key that it is bound to (RFC 9449 §7.1).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct KeptToken {
    /// As the issuer gave it.
    #[serde(with = "access_token")]
    pub access_token: AccessToken,
    /// Proves who sends it; none for a Bearer token.
    #[serde(default, with = "dpop_key", skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<Arc<SoftwareKey>>,
    /// Gets the next one when this one is dead; none where the issuer gave none, or where it is not
    /// worth it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
}

/// What renews a token when its flow is long over (RFC 6749 §6, DEFER-21).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Renewal {
    /// As the server gave it; good once, where the server replaces it.
    #[serde(with = "refresh_token")]
    pub refresh_token: RefreshToken,
    /// Where to: the identifier of the server that the holder agreed to.
    pub authorization_server: String,
    /// As whom; `None` for a wallet that gave no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The thumbprint of the key in the client attestation that was shown for it (WALATT-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_key: Option<String>,
}

/// A credential that its issuer makes later (VCI §9): all that is needed to fetch it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PendingCredential {
    /// The wallet's own name for it.
    pub id: CredentialId,
    /// What the holder agreed to.
    pub expected: Expected,
    /// The keys whose proofs were sent.
    pub holder_keys: Vec<HolderKey>,
    /// Finds it at the issuer.
    #[serde(with = "transaction_id")]
    pub transaction_id: TransactionId,
    /// Opens the issuer.
    pub token: KeptToken,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Not to ask again before this time.
    pub ask_at: Timestamp,
    /// The key that its answer was to be encrypted for: the issuer may insist on it (catalogue H11).
    #[serde(default, skip_serializing_if = "ResponseKey::is_absent")]
    pub response_key: ResponseKey,
    /// What came in the end. The issuer gives it once (DEFER-05), so it is here before anything else
    /// is done with it, and until the holder has it or does not want it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<FetchedCredentials>,
}

/// A key that an issuer encrypts its answers for, as a private JSON Web Key; absent where they come
/// in the clear.
#[derive(Clone, Default)]
pub struct ResponseKey(Option<Zeroizing<String>>);

impl ResponseKey {
    const fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// This key, where it can be used in such a way; else a new one takes its place.
    pub(crate) fn take(
        &mut self,
        algorithm: KeyManagement,
    ) -> Result<DecryptionKey, EncryptionKeyError> {
        let kept = self.0.as_ref().and_then(|jwk| DecryptionKey::from_jwk(jwk).ok());
        if let Some(key) = kept.filter(|key| key.encryption_key().algorithm() == algorithm) {
            return Ok(key);
        }
        let key = DecryptionKey::generate(Curve::P256, algorithm)?;
        self.0 = Some(key.to_jwk());
        Ok(key)
    }
}

impl fmt::Debug for ResponseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseKey(..)")
    }
}

/// Within a record that is sealed as a whole.
impl Serialize for ResponseKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().map(|jwk| jwk.as_str()).serialize(serializer)
    }
}

impl<'d> Deserialize<'d> for ResponseKey {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = Option::<String>::deserialize(deserializer)?;
        Ok(Self(jwk.map(Zeroizing::new)))
    }
}

/// Credentials as they came, not yet checked.
#[derive(Clone, Deserialize, Serialize)]
pub struct FetchedCredentials {
    /// At least one.
    pub credentials: Vec<Value>,
    /// How to tell the issuer what became of them; `None` when that does not want to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Reporter>,
}

/// What they say about the holder belongs into no log.
impl fmt::Debug for FetchedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedCredentials")
            .field("count", &self.credentials.len())
            .finish_non_exhaustive()
    }
}

/// How an issuer is told what became of the credentials of one response (VCI §11).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Reporter {
    /// Whom to tell.
    pub endpoint: String,
    /// Opens the issuer.
    pub token: KeptToken,
    /// What it is about.
    pub notification_id: String,
}

/// A notification that has not arrived yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Notice {
    /// The wallet's own name for it.
    pub id: CredentialId,
    /// Whom to tell, and of what.
    pub reporter: Reporter,
    /// What became of it.
    pub event: Event,
    /// When that was.
    pub made_at: Timestamp,
}

macro_rules! sealed {
    ($($module:ident: $secret:ident),+) => {
        $(
            /// Leaves its type for the sealed record only.
            mod $module {
                use serde::{Deserialize as _, Deserializer, Serializer};

                use super::$secret;

                pub(super) fn serialize<S: Serializer>(
                    value: &$secret,
                    s: S,
                ) -> Result<S::Ok, S::Error> {
                    s.serialize_str(value.expose())
                }

                pub(super) fn deserialize<'de, D: Deserializer<'de>>(
                    d: D,
                ) -> Result<$secret, D::Error> {
                    Ok($secret::new(String::deserialize(d)?))
                }
            }
        )+
    };
}
sealed!(
    transaction_id: TransactionId,
    access_token: AccessToken,
    refresh_token: RefreshToken
);

/// Within a record that is sealed as a whole.
mod dpop_key {
    use base64::Engine as _;
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};
    use zeroize::Zeroizing;

    use super::{Arc, BASE64_URL_SAFE_NO_PAD, Deserialize, SoftwareKey};

    #[expect(clippy::ref_option, reason = "serde hands it over so")]
    pub(super) fn serialize<S: Serializer>(
        key: &Option<Arc<SoftwareKey>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match key {
            None => serializer.serialize_none(),
            Some(key) => {
                let text = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(&*key.to_pkcs8()));
                serializer.serialize_some(text.as_str())
            }
        }
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Option<Arc<SoftwareKey>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.decode(text.as_str()).map(Zeroizing::new);
        let key = pkcs8.ok().and_then(|pkcs8| SoftwareKey::from_pkcs8(&pkcs8).ok());
        key.map(|key| Some(Arc::new(key))).ok_or_else(|| D::Error::custom("is no key"))
    }
}
