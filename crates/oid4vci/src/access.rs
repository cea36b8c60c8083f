//! Step 15: a protected resource and the token that a request brings (RFC 6750 §2, RFC 9449 §7).

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use url::form_urlencoded;

use crate::credential::CredentialRefusal;
use crate::dpop::{DpopRefusal, VerifiedDpop};
use crate::grant::{Grant, Redemption};
use crate::replay::UsedJti;
use crate::secret::AccessToken;
use crate::token::TokenType;

/// Reads scheme and token of a request: in the header `Authorization` and nowhere else, the scheme
/// in any case (RFC 6750 §2.1, RFC 9449 §7.1, CRED-02, DEP-08).
///
/// `headers` are all values of that header.
pub fn parse(
    query: Option<&str>,
    headers: &[&str],
) -> Result<(TokenType, AccessToken), CredentialRefusal> {
    let query = query.unwrap_or_default().as_bytes();
    if form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Err(CredentialRefusal::TokenInQuery); // D01
    }
    let header = match headers {
        [] => return Err(CredentialRefusal::NoToken),
        [header] => header,
        _ => return Err(CredentialRefusal::BadToken),
    };
    let (scheme, token) = header.split_once(' ').ok_or(CredentialRefusal::BadToken)?;
    let scheme = TokenType::parse(scheme).ok_or(CredentialRefusal::BadToken)?;
    Ok((scheme, AccessToken::new(token.trim())))
}

/// A token as a request presents it.
#[derive(Clone, Copy, Debug)]
pub enum Presented<'t> {
    /// RFC 6750 §2.1
    Bearer(&'t AccessToken),
    /// RFC 9449 §7.1: with a proof that was verified.
    Dpop(&'t AccessToken, &'t VerifiedDpop),
}

impl<'t> Presented<'t> {
    /// The token itself.
    #[must_use]
    pub const fn token(self) -> &'t AccessToken {
        match self {
            Self::Bearer(token) | Self::Dpop(token, _) => token,
        }
    }

    /// A bound token is never accepted as a bearer token, nor the reverse (D03, DEP-06).
    pub fn check_binding(self, bound_to: Option<&Thumbprint>) -> Result<(), DpopRefusal> {
        match (self, bound_to) {
            (Self::Bearer(_), None) => Ok(()),
            (Self::Bearer(_), Some(_)) => Err(DpopRefusal::SentAsBearer),
            (Self::Dpop(..), None) => Err(DpopRefusal::NotBound),
            (Self::Dpop(token, proof), Some(_)) if !proof.is_for(token) => {
                Err(DpopRefusal::WrongTokenHash)
            }
            (Self::Dpop(_, proof), Some(key)) if proof.thumbprint() == key => Ok(()),
            (Self::Dpop(..), Some(_)) => Err(DpopRefusal::OtherKey),
        }
    }

    fn used(self) -> Option<UsedJti> {
        match self {
            Self::Bearer(_) => None,
            Self::Dpop(_, proof) => Some(*proof.used()),
        }
    }

    /// What it is told when there is no such token, or no longer.
    #[must_use]
    pub fn bad_token(self) -> CredentialRefusal {
        match self {
            Self::Bearer(_) => CredentialRefusal::BadToken,
            Self::Dpop(..) => CredentialRefusal::Dpop(DpopRefusal::BadToken),
        }
    }
}

/// A token that is good now; only [`authenticate`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated<'g> {
    grant: &'g Grant,
    redemption: &'g Redemption,
    used: Option<UsedJti>,
}

impl<'g> Authenticated<'g> {
    /// The offer that the token came from.
    #[must_use]
    pub const fn grant(&self) -> &'g Grant {
        self.grant
    }

    /// What the code became.
    #[must_use]
    pub const fn redemption(&self) -> &'g Redemption {
        self.redemption
    }

    /// What the proof beside the token spends (RFC 9449 §11.1).
    #[must_use]
    pub const fn used(&self) -> Option<UsedJti> {
        self.used
    }
}

/// Holds the token against what is stored (RFC 6750 §3.1, GEN-02, CRED-50); `grant` is `None` for a
/// token that is none of ours.
pub fn authenticate<'g>(
    presented: Presented<'_>,
    grant: Option<&'g Grant>,
    now: Timestamp,
) -> Result<Authenticated<'g>, CredentialRefusal> {
    let digest = presented.token().digest();
    let grant = grant.filter(|grant| grant.withdrawn_at.is_none());
    let redemption = grant.and_then(|grant| grant.redemption.as_ref());
    let redemption = redemption.filter(|redemption| redemption.token_digest.matches(&digest));
    match (grant, redemption) {
        (Some(grant), Some(redemption)) if now < redemption.token_expires_at => {
            presented.check_binding(redemption.bound_to.as_ref())?;
            Ok(Authenticated { grant, redemption, used: presented.used() })
        }
        _ => Err(presented.bad_token()),
    }
}
