//! RFC 6749 §6 as tables: whose a refresh token is, and what a renewal is good for.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "other tests need more of it")]
mod attester;
#[expect(dead_code, reason = "other tests need more of it")]
mod bound;
mod fixture;
#[expect(dead_code, reason = "other tests need more of it")]
mod instance;
#[expect(dead_code, reason = "other tests need more of it")]
mod jose;
mod signed_in;

use std::collections::BTreeMap;

use fixture::{NOW, redeemed};
use instance::Instance;
use keys::outside::Timestamp;
use oid4vci::attestation::client::{VerifiedClientAttestation, verify};
use oid4vci::authorization::{Authorization, Requestable};
use oid4vci::client::{AuthenticatedClient, Requester};
use oid4vci::grant::{Grant, Redemption};
use oid4vci::refresh::{GRACE_SECONDS, RefreshCommit, RefreshTokenRequest, decide};
use oid4vci::secret::RefreshToken;
use oid4vci::sender::{Sender, SenderPolicy};
use oid4vci::token::{TokenRefusal, TokenRequest};
use serde_json::json;
use signed_in::{ISSUER, REFRESH, bound_sender, confidential, form, public, refreshing};

/// The configurations of the offer, each with its scope.
fn configurations() -> BTreeMap<String, Option<String>> {
    let scopes = [("student_card", "card"), ("diploma", "diploma")];
    scopes.map(|(id, scope)| (id.to_owned(), Some(scope.to_owned()))).into()
}

fn refresh_request(pairs: &[(&str, &str)]) -> RefreshTokenRequest {
    let pairs = [&[("client_id", "wallet")], pairs].concat();
    match TokenRequest::parse(&form("refresh_token", &pairs)).unwrap() {
        TokenRequest::RefreshToken(request) => request,
        other @ (TokenRequest::PreAuthorizedCode(_) | TokenRequest::AuthorizationCode(_)) => {
            panic!("{other:?}")
        }
    }
}

fn renewed(
    pairs: &[(&str, &str)],
    found: (&Grant, &Authorization),
    (client, sender): (&AuthenticatedClient, Option<&Sender>),
    now: Timestamp,
) -> Result<Vec<String>, TokenRefusal> {
    let nobody = Sender::default();
    let sender = sender.unwrap_or(&nobody);
    let requester = Requester { client, sender, policy: SenderPolicy::default() };
    let configurations = configurations();
    let server = Requestable { credential_issuer: ISSUER, configurations: &configurations };
    match decide(&refresh_request(pairs), Some(found), requester, &server, now)? {
        RefreshCommit::Renew(renewal) => Ok(renewal.credential_configuration_ids),
        RefreshCommit::EndTokens(_) => Ok(vec!["ended".into()]),
    }
}

/// DEP-07, RFC 6749 §6, RFC 6749 §10.4: of one client and key, for no more than was allowed.
#[tokio::test]
async fn a_refresh_token_is_for_the_wallet_that_got_it() {
    use TokenRefusal::{ScopeNotGranted, UnknownRefreshToken as Unknown};
    let (grant, wallet, other) = (redeemed(), public("wallet"), public("another"));
    let (plain, key) = (refreshing(None), bound_sender().await);
    let bound = refreshing(key.bound_to().cloned());
    let good = [("refresh_token", REFRESH)];
    let all = Ok(vec!["student_card".to_owned(), "diploma".to_owned()]);
    let found = (&grant, &plain);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW), all);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW.plus(3599)), all);
    assert_eq!(renewed(&good, found, (&wallet, None), NOW.plus(3600)), Err(Unknown), "over");
    assert_eq!(renewed(&good, found, (&other, None), NOW), Err(Unknown));
    let strange = [("refresh_token", "another")];
    assert_eq!(renewed(&strange, found, (&wallet, None), NOW), Err(Unknown));
    let narrower = [("refresh_token", REFRESH), ("scope", "card")];
    let card = Ok(vec!["student_card".to_owned()]);
    assert_eq!(renewed(&narrower, found, (&wallet, None), NOW), card, "RFC 6749 §6");
    let wider = [("refresh_token", REFRESH), ("scope", "card admin")];
    assert_eq!(renewed(&wider, found, (&wallet, None), NOW), Err(ScopeNotGranted));
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, Some(&key)), NOW), all, "RFC 9449 §5");
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, None), NOW), Err(Unknown));
    let stranger = bound_sender().await;
    assert_eq!(renewed(&good, (&grant, &bound), (&wallet, Some(&stranger)), NOW), Err(Unknown));
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..grant.clone() };
    assert_eq!(renewed(&good, (&withdrawn, &plain), (&wallet, None), NOW), Err(Unknown));
    let missing = TokenRequest::parse(&form("refresh_token", &[]));
    assert_eq!(missing.err(), Some(TokenRefusal::MissingRefreshToken));
}

/// B22, RFC 9700 §4.14.2: a replaced token is a thief's, or its answer was lost.
#[tokio::test]
async fn a_replaced_token_comes_again_only_from_who_proves_itself() {
    let (grant, wallet, key) = (redeemed(), public("wallet"), bound_sender().await);
    let server = confidential("wallet").await;
    let (plain, bound) = (refreshing(None), refreshing(key.bound_to().cloned()));
    let replaced = [("refresh_token", "the first")];
    let all = Ok(vec!["student_card".to_owned(), "diploma".to_owned()]);
    let ended = Ok(vec!["ended".to_owned()]);
    let last = NOW.plus(GRACE_SECONDS - 1);
    let over = NOW.plus(GRACE_SECONDS);
    let (plain, bound) = ((&grant, &plain), (&grant, &bound));
    assert_eq!(renewed(&replaced, plain, (&wallet, None), NOW), ended, "proves nothing");
    assert_eq!(renewed(&replaced, plain, (&server, None), last), all);
    assert_eq!(renewed(&replaced, plain, (&server, None), over), ended);
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&key)), last), all);
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&key)), over), ended);
    let stranger = bound_sender().await;
    assert_eq!(renewed(&replaced, bound, (&wallet, Some(&stranger)), NOW), ended);

    // Retries do not draw out the time of grace, and the use of the new one ends it.
    let chain = bound.1.refresh.clone().unwrap();
    let first = RefreshToken::new("the first").digest();
    let retried = chain.renewed(first, RefreshToken::new("third").digest(), last);
    assert_eq!(retried.replaced_at, NOW);
    let used = chain.renewed(chain.digest, RefreshToken::new("third").digest(), last);
    assert!(used.replaced.unwrap().matches(&chain.digest) && used.replaced_at == last);
}

/// RFC 6749 §6, RFC 6749 §5.1: less where less is asked for, and the answer says so. What a detail
/// asked for is no matter of scopes.
#[test]
fn a_renewal_for_less_gives_less_and_says_so() {
    let (grant, wallet) = (redeemed(), public("wallet"));
    let both = refreshing(None);
    let mut mixed = refreshing(None);
    let code = mixed.code.as_mut().unwrap();
    (code.request.scope, code.request.by_identifier) = (Some("card".into()), true);
    let details = r#"[{"type":"openid_credential","credential_configuration_id":"diploma"}]"#;
    let (card, diploma) = (vec!["student_card".to_owned()], vec!["diploma".to_owned()]);
    let all = [card.clone(), diploma.clone()].concat();
    let rows = [
        (&both, "", "", Ok(all.clone())),
        (&both, "diploma", "", Ok(diploma.clone())),
        (&both, "card diploma", "", Ok(all.clone())),
        (&both, "", details, Ok(diploma.clone())),
        (&both, "card", details, Err(TokenRefusal::DetailsNotOffered)),
        (&mixed, "card", "", Ok(all)),
        (&mixed, "diploma", "", Err(TokenRefusal::ScopeNotGranted)),
        (&mixed, "card", details, Ok(diploma)),
    ];
    for (stored, scope, details, expected) in rows {
        let form =
            [("refresh_token", REFRESH), ("scope", scope), ("authorization_details", details)];
        let given: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let found = renewed(&given, (&grant, stored), (&wallet, None), NOW);
        assert_eq!(found, expected, "{scope:?} {details:?}");
    }
    let configurations = configurations();
    let server = Requestable { credential_issuer: ISSUER, configurations: &configurations };
    let scope = |asked, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        server.granted_scope(asked, &ids)
    };
    assert_eq!(scope(Some("card diploma"), &["diploma"]).as_deref(), Some("diploma"));
    assert_eq!(
        scope(Some("card diploma"), &["diploma", "student_card"]).as_deref(),
        Some("card diploma")
    );
    assert_eq!(scope(Some("card"), &["diploma"]), None);
    assert_eq!(scope(None, &["diploma"]), None, "it was asked for in another way");
}

async fn attested(instance: &Instance) -> VerifiedClientAttestation {
    let (attesters, nonce_key) = (instance.attester.by_anchor(), instance::nonce_key());
    let attestation = instance.attestation(&json!({}), &json!({})).await;
    let pop = instance.pop(&json!({})).await;
    let context = instance::context(&attesters, &nonce_key);
    verify(&[&attestation], &[&pop], None, &context).unwrap().unwrap()
}

/// WALATT-12: an attested instance that got the tokens is the only one that renews them, whatever
/// else proves who it is.
#[tokio::test]
async fn a_refresh_token_is_for_the_instance_that_got_it() {
    let (own, other) = (Instance::new(), Instance::new());
    let (own, other) = (attested(&own).await, attested(&other).await);
    let bound = bound_sender().await;
    let with = |sender: &Sender, client: Option<&VerifiedClientAttestation>| Sender {
        dpop: sender.dpop.clone(),
        client: client.cloned(),
    };
    let attested_grant = |key: &VerifiedClientAttestation| {
        let mut grant = redeemed();
        let redemption = grant.redemption.take().unwrap();
        let client_key = Some(key.thumbprint().clone());
        grant.redemption = Some(Redemption { client_key, ..redemption });
        grant
    };
    let grant = attested_grant(&own);
    let (wallet, server) = (public("wallet"), confidential("wallet").await);
    let by_key = refreshing(bound.bound_to().cloned());
    let plain = refreshing(None);
    let all = Ok(vec!["student_card".to_owned(), "diploma".to_owned()]);
    let unknown = Err(TokenRefusal::UnknownRefreshToken);
    let good = [("refresh_token", REFRESH)];
    for (rule, stored, client, sender, expected) in [
        ("its own", &by_key, &wallet, with(&bound, Some(&own)), &all),
        ("another instance", &by_key, &wallet, with(&bound, Some(&other)), &unknown),
        ("none", &by_key, &wallet, with(&bound, None), &unknown),
        ("a client with a secret", &plain, &server, with(&bound, Some(&own)), &all),
        ("its other instance", &plain, &server, with(&bound, Some(&other)), &unknown),
    ] {
        let found = renewed(&good, (&grant, stored), (client, Some(&sender)), NOW);
        assert_eq!(&found, expected, "{rule}");
    }
    let replaced = [("refresh_token", "the first")];
    let thief = with(&bound, Some(&other));
    let found = renewed(&replaced, (&grant, &by_key), (&wallet, Some(&thief)), NOW);
    assert_eq!(found, Ok(vec!["ended".to_owned()]), "no time of grace for another instance");
    let unattested = redeemed();
    let sender = with(&bound, Some(&own));
    let found = renewed(&good, (&unattested, &by_key), (&wallet, Some(&sender)), NOW);
    assert_eq!(found, all, "who was not attested then may be now");
}
