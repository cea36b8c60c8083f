//! Steps 5-8 of the Authorization Code Flow: the holder signs in with the issuer, in a browser
//! (VCI §5, RFC 6749 §4.1, RFC 9126).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::outside::Random;
use oid4vci::authorization::{
    ChallengeMethods, Expected, NewAuthorizationRequest, ReceivedCodeFlow, ReceivedPushResponse,
    Selection, received_code,
};
use oid4vci::client::ClientCredentials;
use oid4vci::code::AuthorizationCodeRequest;
use oid4vci::refresh::RefreshTokenRequest;
use oid4vci::secret::{AuthorizationCode, CodeVerifier};
use oid4vci::token::TokenRequest;
use url::Url;

use super::metadata::{OfferedGrant, ResolvedOffer};
use super::sender::Sender;
use super::token::Authorized;
use crate::Wallet;
use crate::client_key::ClientKeyError;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;

/// Largest answer to a pushed request.
const PUSHED_BYTES_MAX: usize = 16 * 1024;

/// A sign-in that has begun: the person is to open its address, and to come back.
#[derive(Clone)]
pub struct SignIn {
    pub(super) offer: ResolvedOffer,
    pub(super) address: Url,
    pub(super) redirect_uri: String,
    pub(super) verifier: CodeVerifier,
    pub(super) state: String,
    /// What is asked for by scope, and not by details.
    pub(super) scopes: Vec<String>,
}

/// A request that has been made, and what ties its answer to it.
#[derive(Clone)]
pub(super) struct Asked {
    form: Vec<(&'static str, String)>,
    pub(super) verifier: CodeVerifier,
    pub(super) state: String,
    pub(super) scopes: Vec<String>,
}

impl Asked {
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.form.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// Where a request is opened that the server has already (RFC 9126 §4).
pub(super) fn requested_address(
    flow: &ReceivedCodeFlow,
    client_id: &str,
    request_uri: &str,
) -> Url {
    let mut address = flow.authorization_endpoint.clone();
    address
        .query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("request_uri", request_uri);
    address
}

impl SignIn {
    /// Where the person signs in: the issuer's own page, or its authorization server's.
    #[must_use]
    pub const fn address(&self) -> &Url {
        &self.address
    }

    /// The offer that it is for.
    #[must_use]
    pub const fn offer(&self) -> &ResolvedOffer {
        &self.offer
    }
}

/// The address holds `state`, by which anybody could answer in the issuer's name.
impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(..)")
    }
}

impl Wallet {
    /// Begins to sign in; the answer will come to `redirect_uri`, which this wallet is registered
    /// with. Nothing secret leaves the wallet: the request has a digest of the verifier alone.
    pub async fn begin_sign_in(
        &self,
        offer: ResolvedOffer,
        redirect_uri: &str,
    ) -> Result<SignIn, WalletError> {
        let asked = self.asked(&offer, redirect_uri)?;
        let address = self.sign_in_address(&offer, &asked).await?;
        let Asked { verifier, state, scopes, .. } = asked;
        let redirect_uri = redirect_uri.to_owned();
        Ok(SignIn { offer, address, redirect_uri, verifier, state, scopes })
    }

    /// What is asked for, whichever way it is sent.
    pub(super) fn asked(
        &self,
        offer: &ResolvedOffer,
        redirect_uri: &str,
    ) -> Result<Asked, WalletError> {
        let flow = offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        if flow.challenge_methods == ChallengeMethods::WithoutS256 {
            return Err(WalletError::NoPkce); // RFC 7636 §4.2
        }
        let verifier = CodeVerifier::fresh(&*self.random);
        let state = drawn(&*self.random);
        let ids: Vec<String> = offer.offered().iter().map(|one| one.id().to_owned()).collect();
        let issuer_state = match &offer.grant {
            OfferedGrant::AuthorizationCode(grant) => grant.issuer_state.as_deref(),
            OfferedGrant::PreAuthorizedCode(_) => None,
        };
        let scopes = self.settings.profile.scopes(&offer.issuer, &ids);
        let resources = resources(offer);
        let request = NewAuthorizationRequest {
            client_id: self.client_id(&offer.sender),
            redirect_uri,
            state: &state,
            code_challenge: &verifier.challenge(),
            selection: match &scopes {
                Some(scopes) => Selection::Scopes(scopes), // HAIP-19, HAIP-23
                None => Selection::Details(&ids),
            },
            location: resources.first().map(String::as_str),
            issuer_state, // OFFER-12
        };
        let mut form = request.to_form();
        if let Some(dialect) = offer.dialect() {
            let named: Vec<_> = offer.offered().iter().map(|one| &one.named).collect();
            dialect.write_authorization_request(&mut form, &named);
        }
        Ok(Asked { form, verifier, state, scopes: scopes.unwrap_or_default() })
    }

    /// Pushes the request where the server takes it (RFC 9126 §4): then the browser carries a name
    /// only. The code is then for the key that is proved beside it (RFC 9449 §10.1).
    async fn sign_in_address(
        &self,
        offer: &ResolvedOffer,
        asked: &Asked,
    ) -> Result<Url, WalletError> {
        let flow = offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        let form: Vec<(&str, &str)> = asked.parameters().collect();
        let signed = self.signed_request(&offer.sender, flow, &form).await?;
        let client_id = self.client_id(&offer.sender);
        let form = match &signed {
            Some(jwt) => vec![("client_id", client_id), ("request", jwt.as_str())],
            None => form,
        };
        let Some(endpoint) = &flow.pushed_authorization_request_endpoint else {
            let mut address = flow.authorization_endpoint.clone();
            address.query_pairs_mut().extend_pairs(form);
            return Ok(address);
        };
        let request =
            Request::post(endpoint.clone()).header("accept", "application/json").form(&form);
        let answer = self.send_to_server(&offer.sender, request.at_most(PUSHED_BYTES_MAX)).await?;
        if answer.status != 201 {
            let refused = Refused::read(Question::SignIn, answer.status, &answer.body);
            return Err(WalletError::Refused(refused));
        }
        let pushed = ReceivedPushResponse::parse(&answer.body);
        let pushed = pushed.ok_or(WalletError::BadAnswer(Question::SignIn))?;
        Ok(requested_address(flow, self.client_id(&offer.sender), &pushed.request_uri))
    }

    /// The request as a JWT, where the server or the owner of the wallet wants it signed; nothing needs
    /// to stand beside it but who asks (RFC 9101 §5, RFC 9126 §3). It is never left unsigned silently.
    async fn signed_request(
        &self,
        sender: &Sender,
        flow: &ReceivedCodeFlow,
        form: &[(&str, &str)],
    ) -> Result<Option<String>, WalletError> {
        let is_needed = flow.wants_signed_requests;
        let Some(client) = sender.client() else {
            return if is_needed { Err(ClientKeyError::Needed.into()) } else { Ok(None) };
        };
        if !is_needed && !client.key.signs_requests() {
            return Ok(None);
        }
        // A server that says nothing of it takes them, if at all, of clients that it knows.
        let is_known = is_needed || client.authenticates || sender.is_attested();
        if !flow.takes_signed_requests(client.key.algorithm()).unwrap_or(is_known) {
            return Err(ClientKeyError::NotTaken.into());
        }
        let outside = (&*self.clock, &*self.random);
        Ok(Some(client.request_object(form, sender.authorization_server(), outside).await?))
    }

    /// Ends the sign-in with what the browser came back with: `query` of the address.
    pub async fn finish_sign_in(
        &self,
        sign_in: SignIn,
        query: &str,
    ) -> Result<Authorized, WalletError> {
        let flow = sign_in.offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        let expected = Expected {
            state: &sign_in.state,
            iss: &flow.issuer,
            always_has_iss: flow.always_has_iss,
        };
        let code: AuthorizationCode =
            received_code(query, expected).map_err(WalletError::SignIn)?;
        let secrets = (sign_in.redirect_uri, sign_in.verifier, sign_in.scopes);
        Box::pin(self.redeem_code(sign_in.offer, code, secrets)).await
    }

    /// The code becomes a token; `redirect_uri` stands in the request as it stood in the one before
    /// (RFC 6749 §4.1.3).
    pub(super) async fn redeem_code(
        &self,
        mut offer: ResolvedOffer,
        code: AuthorizationCode,
        (redirect_uri, code_verifier, scopes): (String, CodeVerifier, Vec<String>),
    ) -> Result<Authorized, WalletError> {
        let request = TokenRequest::AuthorizationCode(AuthorizationCodeRequest {
            code,
            redirect_uri: Some(redirect_uri),
            code_verifier,
            client: self.credentials(&offer.sender),
            credential_configuration_ids: None,
            resources: resources(&offer),
        });
        let client_id = self.client_id(&offer.sender).to_owned();
        let who = (offer.sender.clone(), Some(client_id));
        let redeemed = self.redeem_by(&offer.server.token_endpoint, who, &request).await?;
        let redeemed = self.hear_draft(&mut offer, redeemed)?;
        Ok(self.authorized(offer, scopes, redeemed))
    }

    /// Gets a fresh token where the issuer gave the means for it (RFC 6749 §6, IMPL-08): to fetch
    /// again, or later, without another sign-in. `None` where it did not.
    pub async fn renew(&self, authorized: &Authorized) -> Result<Option<Authorized>, WalletError> {
        let Some(refresh_token) = authorized.refresh_token.clone() else { return Ok(None) };
        let request = TokenRequest::RefreshToken(RefreshTokenRequest {
            refresh_token: refresh_token.clone(),
            client: self.credentials(&authorized.sender),
            scopes: Vec::new(),
            credential_configuration_ids: None,
            resources: resources(&authorized.offer),
        });
        let who = (authorized.sender.clone(), authorized.client_id.clone());
        let endpoint = &authorized.offer.server.token_endpoint;
        let redeemed = self.redeem_by(endpoint, who, &request).await?;
        let (offer, scopes) = (authorized.offer.clone(), authorized.scopes.clone());
        let mut renewed = self.authorized(offer, scopes, redeemed);
        renewed.ungranted_scopes.extend(authorized.ungranted_scopes.iter().cloned());
        // A server that sends no new one means the old one (RFC 6749 §6), and the same details.
        renewed.refresh_token = renewed.refresh_token.or(Some(refresh_token));
        if renewed.details.is_empty() {
            renewed.details.clone_from(&authorized.details);
        }
        renewed.shared_as.clone_from(&authorized.shared_as);
        self.keep_renewed(&renewed.shared_as, &renewed.kept_token()).await?;
        Ok(Some(renewed))
    }

    /// Who vouches for the wallet says, too, what it is called (HAIP-29); whoever goes on with a flow is
    /// called as it began.
    pub(super) fn client_id<'w>(&'w self, sender: &'w Sender) -> &'w str {
        sender.begun_as().unwrap_or(&self.settings.client_id)
    }

    fn credentials(&self, sender: &Sender) -> ClientCredentials {
        let client_id = Some(self.client_id(sender).to_owned());
        ClientCredentials { client_id, client_assertion: None }
    }
}

/// For which issuer a server of several is to make the token (AUTHZ-09, AUTHZ-16, TOKEN-10); one
/// that is its own server need not be told.
fn resources(offer: &ResolvedOffer) -> Vec<String> {
    let names_servers = offer.issuer.names_authorization_servers;
    names_servers.then(|| offer.credential_issuer().to_owned()).into_iter().collect()
}

/// 256 bits that nobody can foretell and from which nothing can be read (AUTHZ-24).
fn drawn(random: &dyn Random) -> String {
    let mut drawn = [0; 32];
    random.fill(&mut drawn);
    BASE64_URL_SAFE_NO_PAD.encode(drawn)
}
