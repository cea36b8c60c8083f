//! What stands beside an offer that somebody signed in for, and who asks for its tokens.

use std::collections::BTreeMap;

use keys::algorithm::Algorithm;
use keys::outside::Random;
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::authorization::{AnswerTo, Authorization, AuthorizationRequest, GrantedCode};
use oid4vci::client::{
    AuthenticatedClient, Client, ClientAuthentication, ClientContext, ClientCredentials, ClientKey,
    NewClientAssertion, authenticate,
};
use oid4vci::refresh::RefreshChain;
use oid4vci::secret::{AuthorizationCode, CodeVerifier, RefreshToken};
use oid4vci::sender::Sender;

use crate::bound;
use crate::fixture::{NOW, OFFER};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const REDIRECT: &str = "https://wallet.example/cb";
pub(crate) const AUTHORIZATION_CODE: &str = "the authorization code";
pub(crate) const REFRESH: &str = "the refresh token";
pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0";

#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

pub(crate) fn public(client_id: &str) -> AuthenticatedClient {
    let client = Client {
        client_id: client_id.into(),
        name: "Wallet".into(),
        authentication: ClientAuthentication::None,
        redirect_uris: Vec::new(),
        is_first_party: false,
        signs_requests: false,
    };
    let credentials =
        ClientCredentials { client_id: Some(client_id.into()), client_assertion: None };
    authenticate(&credentials, Some(&client), &context()).unwrap()
}

pub(crate) fn context() -> ClientContext<'static> {
    let token_endpoint = "https://issuer.example/token";
    ClientContext { authorization_server: ISSUER, token_endpoint, window_seconds: 60, now: NOW }
}

pub(crate) async fn confidential(client_id: &str) -> AuthenticatedClient {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let assertion =
        NewClientAssertion { client_id, authorization_server: ISSUER, kid: None, now: NOW };
    let jwt = assertion.sign(&key, &Fixed).await.unwrap();
    let keys = vec![ClientKey { kid: None, key: key.public_key().clone() }];
    let client = Client {
        client_id: client_id.into(),
        name: "Wallet".into(),
        authentication: ClientAuthentication::PrivateKeyJwt(keys),
        redirect_uris: Vec::new(),
        is_first_party: false,
        signs_requests: false,
    };
    let credentials = ClientCredentials { client_id: None, client_assertion: Some(jwt) };
    authenticate(&credentials, Some(&client), &context()).unwrap()
}

/// A sender that proves a key of its own.
pub(crate) async fn bound_sender() -> Sender {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let proof = bound::with_claims(&key, &serde_json::json!({})).await;
    Sender { dpop: Some(bound::check(&proof, None).unwrap()), client: None }
}

/// Allowed for both configurations of the offer, good for a minute.
pub(crate) fn authorization(change: impl FnOnce(&mut GrantedCode)) -> Authorization {
    let request = AuthorizationRequest {
        client_id: "wallet".into(),
        answer_to: AnswerTo { redirect_uri: REDIRECT.into(), state: None },
        code_challenge: CodeVerifier::new(VERIFIER).challenge(),
        credential_configuration_ids: vec!["student_card".into(), "diploma".into()],
        by_identifier: false,
        scope: Some("card diploma".into()),
        claims: BTreeMap::new(),
        dpop_jkt: None,
        offer_id: None,
        dialect: None,
        by_challenge: false,
    };
    let mut code = GrantedCode {
        digest: AuthorizationCode::new(AUTHORIZATION_CODE).digest(),
        expires_at: NOW.plus(60),
        request,
        account: "ada".into(),
        is_spent: false,
    };
    change(&mut code);
    Authorization {
        id: OFFER,
        issuer_state_digest: None,
        code: Some(code),
        refresh: None,
        for_account: None,
    }
}

pub(crate) fn refreshing(sender: Option<Thumbprint>) -> Authorization {
    let first = RefreshToken::new("the first").digest();
    let chain = RefreshChain::first(first, NOW, NOW.plus(3600), sender);
    let chain = chain.renewed(first, RefreshToken::new(REFRESH).digest(), NOW);
    Authorization { refresh: Some(chain), ..authorization(|code| code.is_spent = true) }
}

pub(crate) fn form(grant_type: &str, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = [&[("grant_type", grant_type)], pairs].concat();
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
