//! `[encryption]`: what travels under a cover on top of TLS (VCI §10).

use keys::jwe::{Compression, ContentEncryption, KeyManagement};
use oid4vci::encryption::{Encryption as Wanted, EncryptionPolicy};
use serde::{Deserialize, Serialize};

use super::section::section;

section! {
    /// Encryption of Credential Requests and Responses, on top of TLS.
    Encryption {
        /// `off`, `offered` or `required`: whether wallets encrypt Credential Requests. They do at
        /// least as much as `response` says.
        request: Wanted = Wanted::Offered,
        /// `off`, `offered` or `required`: whether Credential Responses are encrypted.
        response: Wanted = Wanted::Offered,
        /// How a wallet's key may be used: `ECDH-ES`, `ECDH-ES+A128KW`, `ECDH-ES+A256KW`.
        alg_values_supported: Names<KeyManagement> = Names(KeyManagement::ALL.to_vec()),
        /// How contents may be encrypted: `A128GCM`, `A192GCM`, `A256GCM`, `A128CBC-HS256`,
        /// `A192CBC-HS384`, `A256CBC-HS512`.
        enc_values_supported: Names<ContentEncryption> =
            Names(vec![ContentEncryption::A256Gcm, ContentEncryption::A128Gcm]),
        /// `DEF`, or nothing. What is compressed tells by its length what is in it.
        zip_values_supported: Names<Compression> = Names(Vec::new()),
        /// Whether a credential that is fetched later goes out under the key alone that its wallet
        /// named when it asked for it at first; otherwise a wallet may name another one, or none,
        /// and so may whoever stole its token and its `transaction_id`.
        same_key_later: bool = false,
    }
}

impl Encryption {
    /// What the rules need; `None` when something is to be encrypted with no method at all.
    #[must_use]
    pub fn policy(&self) -> Option<EncryptionPolicy> {
        EncryptionPolicy::new(
            self.request,
            self.response,
            self.alg_values_supported.0.clone(),
            self.enc_values_supported.0.clone(),
            self.zip_values_supported.0.clone(),
        )
    }
}

/// Methods by the names that they have in messages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>", bound = "T: Named")]
pub struct Names<T>(pub Vec<T>);

/// A method with a name.
pub trait Named: Copy + PartialEq {
    /// The name in messages.
    fn name(self) -> &'static str;
    /// Reads it.
    fn parse(name: &str) -> Option<Self>;
}

macro_rules! named {
    ($($method:ty),+) => {
        $(impl Named for $method {
            fn name(self) -> &'static str {
                Self::name(self)
            }

            fn parse(name: &str) -> Option<Self> {
                Self::parse(name)
            }
        })+
    };
}
named!(KeyManagement, ContentEncryption, Compression);

impl<T: Named> TryFrom<Vec<String>> for Names<T> {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let mut methods = Vec::new();
        for name in names {
            let method = T::parse(&name).ok_or_else(|| format!("`{name}` is unknown here"))?;
            if methods.contains(&method) {
                return Err(format!("`{name}` stands here twice"));
            }
            methods.push(method);
        }
        Ok(Self(methods))
    }
}

impl<T: Named> From<Names<T>> for Vec<String> {
    fn from(names: Names<T>) -> Self {
        names.0.into_iter().map(|method| method.name().to_owned()).collect()
    }
}
