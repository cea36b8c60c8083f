//! A Wallet renews its Access Token (RFC 6749 §6, TOKEN-29). Each use replaces the refresh token; a
//! replaced one that comes again was stolen, or its answer was lost on the way (B22).

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;

use crate::authorization::{Authorization, AuthorizationRequest, Requestable};
use crate::client::{ClientCredentials, Requester};
use crate::code::{check_resources, narrowed, resources};
use crate::grant::{Grant, Redemption};
use crate::parameters::parameter;
use crate::secret::{RefreshToken, SecretDigest};
use crate::sender::Sender;
use crate::token::{TokenRefusal, authorization_details};

/// `grant_type` of a renewal.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// How long a replaced refresh token is taken once more, from the Wallet that it belongs to and
/// while the new one is unused: the answer may have been lost.
pub const GRACE_SECONDS: u64 = 60;

/// Parameters of a renewal.
#[derive(Debug)]
pub struct RefreshTokenRequest {
    /// `refresh_token`
    pub refresh_token: RefreshToken,
    /// Who asks, and how that is proved.
    pub client: ClientCredentials,
    /// Values of `scope`, none of which may be new (RFC 6749 §6).
    pub scopes: Vec<String>,
    /// Which of the allowed configurations the Wallet wants; `None` means all.
    pub credential_configuration_ids: Option<Vec<String>>,
    /// RFC 8707 §2.2
    pub resources: Vec<String>,
}

impl RefreshTokenRequest {
    pub(crate) fn parse(form: &[(String, String)]) -> Result<Self, TokenRefusal> {
        let token = parameter(form, "refresh_token")?.ok_or(TokenRefusal::MissingRefreshToken)?;
        let scopes = parameter(form, "scope")?.unwrap_or_default().split(' ');
        Ok(Self {
            refresh_token: RefreshToken::new(token),
            client: ClientCredentials::parse(form)?,
            scopes: scopes.filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            credential_configuration_ids: parameter(form, "authorization_details")?
                .map(authorization_details)
                .transpose()?,
            resources: resources(form),
        })
    }

    pub(crate) fn to_form(&self) -> Vec<(&'static str, &str)> {
        let mut form =
            vec![("grant_type", REFRESH_TOKEN), ("refresh_token", self.refresh_token.expose())];
        form.extend(self.client.to_form());
        form.extend(self.resources.iter().map(|resource| ("resource", resource.as_str())));
        form
    }
}

/// The one refresh token of an authorization that is good, and the one before.
#[derive(Clone, Debug)]
pub struct RefreshChain {
    /// Of the good one.
    pub digest: SecretDigest,
    /// Of the one that it replaced.
    pub replaced: Option<SecretDigest>,
    /// When that was.
    pub replaced_at: Timestamp,
    /// The first second in which the chain is over, however often it was renewed.
    pub expires_at: Timestamp,
    /// The key of the Wallet, where its tokens are bound to one (RFC 9449 §5).
    pub sender: Option<Thumbprint>,
}

impl RefreshChain {
    /// The first of an authorization.
    #[must_use]
    pub const fn first(
        digest: SecretDigest,
        now: Timestamp,
        expires_at: Timestamp,
        sender: Option<Thumbprint>,
    ) -> Self {
        Self { digest, replaced: None, replaced_at: now, expires_at, sender }
    }

    /// The chain after one use of the token with digest `used`.
    ///
    /// After a lost answer `used` is the replaced one still: the time of its grace began with its
    /// first use and goes on, so that nobody can draw it out.
    #[must_use]
    pub fn renewed(&self, used: SecretDigest, next: SecretDigest, now: Timestamp) -> Self {
        let is_retry = self.replaced.as_ref().is_some_and(|replaced| replaced.matches(&used));
        Self {
            digest: next,
            replaced: Some(used),
            replaced_at: if is_retry { self.replaced_at } else { now },
            expires_at: self.expires_at,
            sender: self.sender.clone(),
        }
    }
}

/// What must be on disk before the Wallet gets an answer.
#[derive(Debug)]
pub enum RefreshCommit<'g> {
    /// A fresh pair; the Access Token is good for these configurations.
    Renew(Renewal<'g>),
    /// A replaced token came again: nobody can tell the Wallet from the thief, so both lose
    /// (RFC 9700 §4.14.2). The answer is [`TokenRefusal::UnknownRefreshToken`].
    EndTokens(&'g Grant),
}

/// A renewal that may be committed.
#[derive(Debug)]
pub struct Renewal<'g> {
    /// As it was read.
    pub grant: &'g Grant,
    /// The token that is replaced.
    pub redemption: &'g Redemption,
    /// As it was read.
    pub chain: &'g RefreshChain,
    /// Digest of the token that was used.
    pub used: SecretDigest,
    /// What the fresh token is good for.
    pub credential_configuration_ids: Vec<String>,
}

/// Decides a renewal; `found` is what stands under the id that the token carries.
///
/// - A token that is wrong, too old, or of another client or key is `invalid_grant` (RFC 6749 §5.2,
///   DEP-07); where an attested instance of a Wallet got the tokens, only that instance renews them
///   (WALATT-12).
/// - One that was replaced is taken again for [`GRACE_SECONDS`] from a Wallet that proves who it is,
///   by the same key or as a confidential client; a public client without a key proves nothing.
/// - A renewal never gives more than was allowed, and less where less is asked for (RFC 6749 §6).
pub fn decide<'g>(
    request: &RefreshTokenRequest,
    found: Option<(&'g Grant, &'g Authorization)>,
    requester: Requester<'_>,
    server: &Requestable<'_>,
    now: Timestamp,
) -> Result<RefreshCommit<'g>, TokenRefusal> {
    requester.policy.check(requester.sender)?;
    let unknown = TokenRefusal::UnknownRefreshToken;
    let (grant, authorization) = found.ok_or(unknown)?;
    let chain = authorization.refresh.as_ref().ok_or(unknown)?;
    let code = authorization.code.as_ref().ok_or(unknown)?;
    let redemption = grant.redemption.as_ref().ok_or(unknown)?;
    let used = request.refresh_token.digest();
    let is_good = chain.digest.matches(&used);
    let is_replaced = chain.replaced.as_ref().is_some_and(|replaced| replaced.matches(&used));
    let is_its_own = requester.client.client_id() == code.request.client_id
        && chain.sender.as_ref() == requester.key()
        && is_same_instance(redemption, requester.sender);
    if !is_good && !is_replaced {
        return Err(unknown);
    }
    if is_replaced && !(is_its_own && is_in_grace(chain, requester, now)) {
        return Ok(RefreshCommit::EndTokens(grant));
    }
    if !is_its_own || now >= chain.expires_at || grant.withdrawn_at.is_some() {
        return Err(unknown);
    }
    check_resources(&request.resources, server.credential_issuer)?;
    let credential_configuration_ids = renewed_ids(request, &code.request, server)?;
    let renewal = Renewal { grant, redemption, chain, used, credential_configuration_ids };
    Ok(RefreshCommit::Renew(renewal))
}

/// What the fresh token is good for.
fn renewed_ids(
    request: &RefreshTokenRequest,
    allowed: &AuthorizationRequest,
    server: &Requestable<'_>,
) -> Result<Vec<String>, TokenRefusal> {
    let granted: Vec<&str> = allowed.scope.iter().flat_map(|scope| scope.split(' ')).collect();
    if !request.scopes.iter().all(|scope| granted.contains(&scope.as_str())) {
        return Err(TokenRefusal::ScopeNotGranted);
    }
    let ids = &allowed.credential_configuration_ids;
    let ids = if request.scopes.is_empty() {
        ids.clone()
    } else {
        server.within_scopes(ids, &granted, &request.scopes)
    };
    narrowed(request.credential_configuration_ids.as_ref(), &ids)
}

/// The key of an instance of a Wallet stays the same as long as its tokens are renewed.
fn is_same_instance(redemption: &Redemption, sender: &Sender) -> bool {
    redemption.client_key.is_none() || redemption.client_key.as_ref() == sender.client_key()
}

fn is_in_grace(chain: &RefreshChain, requester: Requester<'_>, now: Timestamp) -> bool {
    let proves_itself = requester.key().is_some() || !requester.client.is_public();
    proves_itself && now < chain.replaced_at.plus(GRACE_SECONDS)
}
