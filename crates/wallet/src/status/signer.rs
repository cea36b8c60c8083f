//! Whose is the key that signed a status list? It must be as much the issuer's as the credential's
//! is: else whoever can answer in the list's place could take a revocation back (catalogue J12).

use formats::KeyReference;
use keys::did;
use keys::public_key::PublicKey;

use super::{Listed, StatusFault};
use crate::did_document::did_web_of;
use crate::error::WalletError;
use crate::reader::Reader;
use crate::trust::{IssuerKey, did_key, is_key, named, pick};

/// Whom the credential names as its issuer.
fn signer_of(listed: Listed<'_>) -> Option<&str> {
    listed.signer.iss.as_deref()
}

impl Reader<'_> {
    pub(super) async fn list_key(
        &self,
        list: &KeyReference,
        listed: Listed<'_>,
    ) -> Result<PublicKey, StatusFault> {
        // What came by way of a draft's identifier has the lists of the issuer itself.
        let issuer = named(listed.issuer, signer_of(listed));
        let listed = Listed { issuer, ..listed };
        match &list.x5c {
            Some(chain) => self.certified_list_key(list, chain, listed).await,
            None => self.named_list_key(list, listed).await,
        }
    }

    /// By an anchor, by the very certificate that the credential has, or by what the issuer
    /// publishes where the credential's key is known by that.
    async fn certified_list_key(
        &self,
        list: &KeyReference,
        chain: &[Vec<u8>],
        Listed { signer, issuer, .. }: Listed<'_>,
    ) -> Result<PublicKey, StatusFault> {
        let certified = self.certified_key(chain, list.iss.as_deref(), issuer);
        let IssuerKey { key, tie } = certified.map_err(|_| StatusFault::OtherSigner)?;
        let leaf = signer.x5c.as_ref().and_then(|chain| chain.first());
        if tie.is_ok() || leaf.is_some_and(|leaf| chain.first() == Some(leaf)) {
            return Ok(key);
        }
        let may_be_published = leaf.is_none() || self.given_keys.is_some();
        if may_be_published
            && self.published_keys(issuer).await?.iter().any(|jwk| is_key(jwk, &key))
        {
            return Ok(key);
        }
        Err(StatusFault::OtherSigner)
    }

    /// By the credential's DID, which may be the issuer's website, or by a name among the keys that the
    /// issuer publishes.
    async fn named_list_key(
        &self,
        list: &KeyReference,
        Listed { signer, issuer, .. }: Listed<'_>,
    ) -> Result<PublicKey, StatusFault> {
        let did_of = |reference: &KeyReference| {
            let named = [&reference.iss, &reference.kid].into_iter().flatten();
            let named = named.map(String::as_str).find(|name| name.starts_with("did:"));
            named.map(|name| did::did_of(name).to_owned())
        };
        if let Some(did) = did_of(list) {
            if did_of(signer).is_none_or(|own| own != did) {
                return Err(StatusFault::OtherSigner);
            }
            let (iss, kid) = (list.iss.as_deref(), list.kid.as_deref());
            if did_web_of(issuer).is_none_or(|website| website != did) {
                return did_key(iss, kid).map_err(|_| StatusFault::OtherSigner);
            }
            if iss.is_some_and(|iss| iss != did && iss != issuer) {
                return Err(StatusFault::OtherSigner);
            }
            return match self.website_key(issuer, kid).await {
                Err(WalletError::NotVerified(_)) => Err(StatusFault::OtherSigner),
                key => Ok(key?),
            };
        }
        if list.iss.as_deref().is_some_and(|iss| iss != issuer) {
            return Err(StatusFault::OtherSigner);
        }
        let keys = self.published_keys(issuer).await?;
        pick(&keys, list.kid.as_deref()).ok_or(StatusFault::OtherSigner)
    }
}
