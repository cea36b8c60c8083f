//! What the wallet still has to do: fetch a credential, tell an issuer.

use keys::outside::Timestamp;
use oid4vci::notification::Event;
use oid4vci::secret::{AccessToken, TransactionId};
use serde::{Deserialize, Serialize};

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
    /// Opens the issuer.
    #[serde(with = "access_token")]
    pub access_token: AccessToken,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Not to ask again before this time (CRED-40, DEFER-19).
    pub ask_at: Timestamp,
}

/// How an issuer is told what became of the credentials of one response (VCI §11).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Reporter {
    /// Whom to tell.
    pub endpoint: String,
    /// Opens the issuer.
    #[serde(with = "access_token")]
    pub access_token: AccessToken,
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
sealed!(transaction_id: TransactionId, access_token: AccessToken);
