//! Who issues, and what its key is called (FMT-SDJWT-09, VCI §14.4).

use formats::sd_jwt_vc::IssuerKeyHeader;
use keys::did;
use keys::public_key::PublicKey;

use crate::credential_type::{CredentialType, Identity};
use crate::{IssuerKeys, PublishedKey, did_of};

/// The name of an issuer, and how it leads to the key.
pub(super) struct Name {
    pub(super) issuer: String,
    /// In our JWK Set, or below the DID.
    key: String,
    is_certified: bool,
}

impl Name {
    /// In credentials of this type, signed with this key.
    pub(super) fn of(
        credential_issuer: &str,
        credential_type: &CredentialType,
        key: &PublicKey,
    ) -> Self {
        let of_did = |did: String| (did::verification_method(&did), did);
        let (key, issuer) = match credential_type.identity {
            Identity::Https | Identity::X509 => {
                (PublishedKey::kid_of(key), credential_issuer.to_owned())
            }
            Identity::DidWeb => {
                let did = did_of(credential_issuer);
                let fragment = if credential_type.is_unlinkable() {
                    did::to_multikey(key)
                } else {
                    PublishedKey::kid_of(key)
                };
                (format!("{did}#{fragment}"), did)
            }
            Identity::DidJwk => of_did(did::to_did_jwk(key)),
            Identity::DidKey => of_did(did::to_did_key(key)),
        };
        Self { issuer, key, is_certified: credential_type.identity == Identity::X509 }
    }

    /// What is below a DID.
    pub(super) fn verification_method(&self) -> &str {
        &self.key
    }

    /// How a JWT leads to the key.
    pub(super) fn header<'n>(&'n self, x5c: &'n [Vec<u8>]) -> IssuerKeyHeader<'n> {
        if self.is_certified { IssuerKeyHeader::X5c(x5c) } else { IssuerKeyHeader::Kid(&self.key) }
    }
}

/// The key that signs credentials of this type.
#[cfg(feature = "bbs-2023")]
pub(super) fn key<'k>(keys: &'k IssuerKeys, credential_type: &CredentialType) -> &'k PublicKey {
    let unlinkable = keys.bbs.signing.as_ref().filter(|_| credential_type.is_unlinkable());
    unlinkable.map_or_else(|| keys.signing.signer.public_key(), |key| key.public_key())
}

/// There is but one.
#[cfg(not(feature = "bbs-2023"))]
pub(super) fn key<'k>(keys: &'k IssuerKeys, _: &CredentialType) -> &'k PublicKey {
    keys.signing.signer.public_key()
}
