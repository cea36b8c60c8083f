//! What the wallet still has to do: fetch a credential, tell an issuer.

use std::fmt;

use keys::jwe::{Curve, DecryptionKey, EncryptionKeyError, KeyManagement};
use keys::outside::Timestamp;
use oid4vci::legacy::Dialect;
use oid4vci::notification::Event;
use oid4vci::secret::TransactionId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::token::{KeptToken, transaction_id};
use super::{CredentialId, HolderKey};
use crate::flow::check::Expected;

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
    /// What the issuer speaks, if it is not 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The record of the token that opens the issuer.
    pub token: CredentialId,
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
    /// While a program asks for it, keeps it or gives it up, no other one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_until: Option<Timestamp>,
    /// How often it was replaced: whoever replaces it has read the last one.
    #[serde(default)]
    pub revision: u64,
}

/// How long a program has a record for itself. One that was ended in the middle holds up the next
/// one for so long.
const TAKEN_SECONDS: u64 = 5 * 60;

/// Until when a program that begins now has a record for itself.
pub(crate) const fn taken_from(now: Timestamp) -> Timestamp {
    now.plus(TAKEN_SECONDS)
}

/// Whether another program is at work with a record. A time that is further away was written under
/// a clock that was wrong.
pub(crate) fn is_taken(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_some_and(|until| now < until && until <= now.plus(TAKEN_SECONDS))
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
    /// What had to be excused of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
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
