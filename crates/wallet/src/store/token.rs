//! Tokens that outlive the flow that got them.

use std::sync::Arc;

use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::outside::Timestamp;
use keys::signer::SoftwareKey;
use oid4vci::secret::{AccessToken, CodeVerifier, PreAuthorizedCode, RefreshToken, TransactionId};
use serde::{Deserialize, Serialize};

use super::CredentialId;

/// A token that is needed later, and the key that it is bound to (RFC 9449 §7.1).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct KeptToken {
    /// As the issuer gave it.
    #[serde(with = "access_token")]
    pub access_token: AccessToken,
    /// The identifier of the server that gave it, which the holder agreed to; empty in records that
    /// did not keep it, and then nobody's place but the issuer's is known.
    #[serde(default)]
    pub authorization_server: String,
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
    /// As whom; `None` for a wallet that gave no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The thumbprint of the key in the client attestation that was shown for it (WALATT-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_key: Option<String>,
    /// Whether the wallet authenticated with a key of its own, as it must do again (RFC 6749 §6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_client_key: bool,
}

/// The token that one or several pending credentials wait with: a refresh token is good once, so what
/// it became is written once for all of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SharedToken {
    /// The wallet's own name for it.
    pub id: CredentialId,
    /// Opens the issuer.
    pub token: KeptToken,
    /// While a program renews it, no other one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_until: Option<Timestamp>,
    /// How often it was replaced: whoever replaces it has read the last one.
    #[serde(default)]
    pub revision: u64,
}

macro_rules! sealed {
    ($($module:ident: $secret:ident),+) => {
        $(
            /// Leaves its type for a sealed record, and for the state of a flow.
            pub(crate) mod $module {
                use serde::{Deserialize as _, Deserializer, Serializer};

                use super::$secret;

                pub(crate) fn serialize<S: Serializer>(
                    value: &$secret,
                    s: S,
                ) -> Result<S::Ok, S::Error> {
                    s.serialize_str(value.expose())
                }

                pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
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
    refresh_token: RefreshToken,
    pre_authorized_code: PreAuthorizedCode,
    code_verifier: CodeVerifier
);

/// Within a record that is sealed as a whole, or the state of a flow.
pub(crate) mod dpop_key {
    use base64::Engine as _;
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};
    use zeroize::Zeroizing;

    use super::{Arc, BASE64_URL_SAFE_NO_PAD, Deserialize, SoftwareKey};

    #[expect(clippy::ref_option, reason = "serde hands it over so")]
    pub(crate) fn serialize<S: Serializer>(
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

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(
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
