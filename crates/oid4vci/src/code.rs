//! Steps 8-11 of the Authorization Code Flow: the code becomes an Access Token (RFC 6749 §4.1.3).

use keys::outside::Timestamp;
use keys::public_key::Thumbprint;

use crate::authorization::{Authorization, GrantedCode};
use crate::client::{ClientCredentials, Requester};
use crate::grant::{Grant, OfferState};
use crate::parameters::parameter;
use crate::secret::{AuthorizationCode, CodeVerifier};
use crate::token::{TokenRefusal, authorization_details};

/// `grant_type` of this flow.
pub const AUTHORIZATION_CODE: &str = "authorization_code";
/// How long a code is good: it travels through a browser, once (RFC 6749 §4.1.2).
pub const CODE_SECONDS: u64 = 60;

/// Parameters of the Authorization Code Flow (VCI §6.1).
#[derive(Debug)]
pub struct AuthorizationCodeRequest {
    /// `code`
    pub code: AuthorizationCode,
    /// As in the Authorization Request; a code that came without a browser needs none.
    pub redirect_uri: Option<String>,
    /// RFC 7636 §4.5
    pub code_verifier: CodeVerifier,
    /// Who asks, and how that is proved.
    pub client: ClientCredentials,
    /// Which of the allowed configurations the Wallet wants (VCI §6.1.1); `None` means all.
    pub credential_configuration_ids: Option<Vec<String>>,
    /// RFC 8707 §2.2
    pub resources: Vec<String>,
}

impl AuthorizationCodeRequest {
    pub(crate) fn parse(form: &[(String, String)]) -> Result<Self, TokenRefusal> {
        let needed = |name| parameter(form, name)?.ok_or(TokenRefusal::MissingCodeParameter);
        if parameter(form, "tx_code")?.is_some() {
            return Err(TokenRefusal::UnexpectedTxCode); // TOKEN-04
        }
        Ok(Self {
            code: AuthorizationCode::new(needed("code")?),
            redirect_uri: parameter(form, "redirect_uri")?.map(str::to_owned),
            code_verifier: CodeVerifier::new(needed("code_verifier")?),
            client: ClientCredentials::parse(form)?,
            credential_configuration_ids: parameter(form, "authorization_details")?
                .map(authorization_details)
                .transpose()?,
            resources: resources(form),
        })
    }

    pub(crate) fn to_form(&self) -> Vec<(&'static str, &str)> {
        let mut form = vec![
            ("grant_type", AUTHORIZATION_CODE),
            ("code", self.code.expose()),
            ("code_verifier", self.code_verifier.expose()),
        ];
        form.extend(self.redirect_uri.iter().map(|uri| ("redirect_uri", uri.as_str())));
        form.extend(self.client.to_form());
        form.extend(self.resources.iter().map(|resource| ("resource", resource.as_str())));
        form
    }
}

/// All values: this parameter may be repeated (RFC 8707 §2).
pub(crate) fn resources(form: &[(String, String)]) -> Vec<String> {
    let named = form.iter().filter(|(name, value)| name == "resource" && !value.is_empty());
    named.map(|(_, value)| value.clone()).collect()
}

/// We speak for one resource, the Credential Issuer (TOKEN-10, RFC 8707 §2.2).
pub(crate) fn check_resources(
    resources: &[String],
    credential_issuer: &str,
) -> Result<(), TokenRefusal> {
    let ours = resources.iter().all(|resource| resource == credential_issuer);
    if ours { Ok(()) } else { Err(TokenRefusal::ForeignResource) }
}

/// What must be on disk before the Wallet gets an answer.
#[derive(Debug)]
pub enum CodeCommit<'g> {
    /// The code is spent; the answer is a token that is good for these configurations.
    Redeem(&'g Grant, &'g GrantedCode, Vec<String>),
    /// The code came a second time: what its first use gave ends (RFC 6749 §4.1.2, RFC 6749 §10.5).
    /// The answer is [`TokenRefusal::UnknownAuthorizationCode`].
    EndTokens(&'g Grant),
}

/// Decides a Token Request of the Authorization Code Flow (DEP-01); `found` is what stands under
/// the id that the code carries.
///
/// - A code that is wrong, spent, too old, or of another client is `invalid_grant`; nobody learns
///   which (RFC 6749 §5.2).
/// - `redirect_uri` and verifier must fit the Authorization Request (RFC 6749 §4.1.3,
///   RFC 7636 §4.6, B21); where there was no browser, nobody need name an address
///   (First-Party Apps §6).
/// - A code that was asked for with a key is for that key (RFC 9449 §10).
/// - A Wallet may ask for less than was allowed (TOKEN-15), never for more.
pub fn decide<'g>(
    request: &AuthorizationCodeRequest,
    found: Option<(&'g Grant, &'g Authorization)>,
    requester: Requester<'_>,
    credential_issuer: &str,
    now: Timestamp,
) -> Result<CodeCommit<'g>, TokenRefusal> {
    requester.policy.check(requester.sender)?;
    let unknown = TokenRefusal::UnknownAuthorizationCode;
    let (grant, authorization) = found.ok_or(unknown)?;
    let code = authorization.code.as_ref().ok_or(unknown)?;
    let is_it = code.digest.matches(&request.code.digest());
    if !is_it || requester.client.client_id() != code.request.client_id {
        return Err(unknown);
    }
    if code.is_spent {
        return Ok(CodeCommit::EndTokens(grant));
    }
    check_resources(&request.resources, credential_issuer)?;
    if now >= code.expires_at || !is_open(grant, now) {
        return Err(unknown);
    }
    match request.redirect_uri.as_deref() {
        None if code.request.by_challenge => {}
        None => return Err(TokenRefusal::MissingCodeParameter),
        Some(uri) if uri == code.request.answer_to.redirect_uri => {}
        Some(_) => return Err(TokenRefusal::OtherRedirectUri),
    }
    let key = requester.sender.bound_to().map(Thumbprint::to_string);
    if code.request.dpop_jkt.is_some() && code.request.dpop_jkt != key {
        return Err(TokenRefusal::OtherKey);
    }
    if !code.request.code_challenge.is_of(&request.code_verifier) {
        return Err(TokenRefusal::WrongVerifier);
    }
    let allowed = &code.request.credential_configuration_ids;
    let wanted = narrowed(request.credential_configuration_ids.as_ref(), allowed)?;
    Ok(CodeCommit::Redeem(grant, code, wanted))
}

/// Not redeemed by its other grant, not withdrawn, not too old. Wrong Transaction Codes lock the
/// other grant alone.
fn is_open(grant: &Grant, now: Timestamp) -> bool {
    match grant.state(now, u32::MAX) {
        OfferState::Created | OfferState::Fetched => true,
        OfferState::Redeemed
        | OfferState::Deferred
        | OfferState::Issued
        | OfferState::Locked
        | OfferState::Expired
        | OfferState::Withdrawn => false,
    }
}

/// What was allowed, or the part of it that is asked for (TOKEN-15, RFC 9396 §6).
pub(crate) fn narrowed(
    asked: Option<&Vec<String>>,
    allowed: &[String],
) -> Result<Vec<String>, TokenRefusal> {
    match asked {
        None => Ok(allowed.to_vec()),
        Some(ids) if ids.iter().all(|id| allowed.contains(id)) => Ok(ids.clone()),
        Some(_) => Err(TokenRefusal::DetailsNotOffered),
    }
}
