//! RFC 6750 §2.1 and RFC 9449 §7 as tables: a token at a protected resource.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod fixture;

use fixture::{CODE, NOW, TOKEN, grant, redeemed};
use keys::algorithm::Algorithm::{EdDsa, Es256};
use keys::digest::MacKey;
use keys::outside::SystemRandom;
use keys::public_key::Thumbprint;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::access::{Presented, authenticate, parse};
use oid4vci::credential::CredentialRefusal::{
    self, BadToken, NoToken, NotAuthorised, TokenInQuery,
};
use oid4vci::dpop::{ALGORITHMS, DpopContext, DpopRefusal, NewDpopProof, VerifiedDpop, verify};
use oid4vci::error::{Refusal as _, Schemes, www_authenticate};
use oid4vci::grant::{Grant, Redemption};
use oid4vci::nonce::{Nonces, Purpose};
use oid4vci::secret::AccessToken;
use oid4vci::token::TokenType::{Bearer, DPoP};
use url::Url;

const ENDPOINT: &str = "https://issuer.example/credential";

/// CRED-02, DEP-08: the header and nothing else, the scheme in any case.
#[test]
fn a_token_stands_in_the_header() {
    let cases: [(&str, Option<&str>, &[&str], _); 13] = [
        ("CRED-02", None, &["Bearer abc"], Ok((Bearer, "abc"))),
        ("CRED-02: any case", None, &["bEARER abc"], Ok((Bearer, "abc"))),
        ("RFC 9449 §7.1", None, &["DPoP abc"], Ok((DPoP, "abc"))),
        ("RFC 9449 §7.1: any case", None, &["dpop abc"], Ok((DPoP, "abc"))),
        ("RFC 9110 §11.1: spaces", None, &["Bearer   abc"], Ok((Bearer, "abc"))),
        ("another query", Some("a=b"), &["Bearer abc"], Ok((Bearer, "abc"))),
        ("RFC 6750 §3.1: none", None, &[], Err(NoToken)),
        ("two", None, &["Bearer abc", "DPoP abc"], Err(BadToken)),
        ("another scheme", None, &["Basic abc"], Err(BadToken)),
        ("no scheme", None, &["abc"], Err(BadToken)),
        ("nothing in it", None, &[""], Err(BadToken)),
        ("DEP-08, D01", Some("access_token=abc"), &[], Err(TokenInQuery)),
        ("D01: both, in disguise", Some("acc%65ss_token=a"), &["Bearer abc"], Err(TokenInQuery)),
    ];
    for (rule, query, headers, expected) in cases {
        let found = parse(query, headers);
        let found = found.map(|(scheme, token)| (scheme, token.expose().to_owned()));
        assert_eq!(found, expected.map(|(scheme, token)| (scheme, token.to_owned())), "{rule}");
    }
}

/// CRED-50, RFC 6750 §3.1: a token that is good now.
#[test]
fn a_token_is_good_or_not() {
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..redeemed() };
    let cases = [
        ("good", TOKEN, Some(redeemed()), 0, Ok(())),
        ("the last second", TOKEN, Some(redeemed()), 299, Ok(())),
        ("SEC-30: the first second after", TOKEN, Some(redeemed()), 300, Err(BadToken)),
        ("CRED-50: none of ours", TOKEN, None, 0, Err(BadToken)),
        ("CRED-50: not yet made", TOKEN, Some(grant()), 0, Err(BadToken)),
        ("CRED-50: another", "another token", Some(redeemed()), 0, Err(BadToken)),
        ("CRED-50: a part of it", "the toke", Some(redeemed()), 0, Err(BadToken)),
        ("the code is no token", CODE, Some(redeemed()), 0, Err(BadToken)),
        ("withdrawn by the Issuer", TOKEN, Some(withdrawn), 0, Err(BadToken)),
    ];
    for (rule, token, grant, after, expected) in cases {
        let token = AccessToken::new(token);
        let presented = Presented::Bearer(&token);
        let found = authenticate(presented, grant.as_ref(), NOW.plus(after));
        assert_eq!(found.map(|_| ()), expected, "{rule}");
    }
}

async fn proof(key: &SoftwareKey, token: Option<&AccessToken>) -> VerifiedDpop {
    let endpoint = Url::parse(ENDPOINT).unwrap();
    let proof = NewDpopProof {
        method: "POST",
        endpoint: &endpoint,
        access_token: token,
        nonce: None,
        now: NOW,
    };
    let proof = proof.sign(key, &SystemRandom).await.unwrap();
    let nonce_key = MacKey::new([7; 32]);
    let context = DpopContext {
        method: "POST",
        endpoint: ENDPOINT,
        algorithms: &ALGORITHMS,
        nonces: Nonces {
            purpose: Purpose::Dpop,
            issuer: "https://issuer.example",
            key: &nonce_key,
        },
        is_nonce_required: false,
        window_seconds: 60,
        now: NOW,
    };
    verify(&[&proof], token, &context).unwrap().unwrap()
}

/// The offer whose token was bound to this key when it was issued.
fn redeemed_by(key: Option<&Thumbprint>) -> Grant {
    let redemption = redeemed().redemption.unwrap();
    Grant { redemption: Some(Redemption { bound_to: key.cloned(), ..redemption }), ..grant() }
}

/// RFC 9449 §7.1, RFC 9449 §7.2, DEP-06: a token is presented as it was issued, by whom it was
/// issued to.
#[tokio::test]
async fn a_bound_token_is_no_bearer_token_nor_the_reverse() {
    let (mine, other) =
        (SoftwareKey::generate(Es256).unwrap(), SoftwareKey::generate(Es256).unwrap());
    let bound_to = mine.public_key().thumbprint();
    let (token, another) = (AccessToken::new(TOKEN), AccessToken::new("another"));
    let by_me = proof(&mine, Some(&token)).await;
    let by_other = proof(&other, Some(&token)).await;
    let for_another = proof(&mine, Some(&another)).await;
    let for_none = proof(&mine, None).await;
    let refused = |refusal| Err(CredentialRefusal::Dpop(refusal));
    let (bearer, bound) = (Presented::Bearer(&token), |proof| Presented::Dpop(&token, proof));
    let cases = [
        ("RFC 6750 §2.1", bearer, None, 0, Ok(())),
        ("RFC 9449 §7.1", bound(&by_me), Some(&bound_to), 0, Ok(())),
        ("D03: down to Bearer", bearer, Some(&bound_to), 0, refused(DpopRefusal::SentAsBearer)),
        ("D03: up to DPoP", bound(&by_me), None, 0, refused(DpopRefusal::NotBound)),
        ("D04: another key", bound(&by_other), Some(&bound_to), 0, refused(DpopRefusal::OtherKey)),
        (
            "D08: a proof for another token",
            bound(&for_another),
            Some(&bound_to),
            0,
            refused(DpopRefusal::WrongTokenHash),
        ),
        (
            "D08: a proof for no token",
            bound(&for_none),
            Some(&bound_to),
            0,
            refused(DpopRefusal::WrongTokenHash),
        ),
        ("D02: too late", bound(&by_me), Some(&bound_to), 300, refused(DpopRefusal::BadToken)),
        (
            "D02: none of ours",
            Presented::Dpop(&another, &for_another),
            None,
            0,
            refused(DpopRefusal::BadToken),
        ),
    ];
    for (rule, presented, bound_to, after, expected) in cases {
        let grant = redeemed_by(bound_to);
        let found = authenticate(presented, Some(&grant), NOW.plus(after));
        let found = found.map(|token| assert_eq!(token.used().is_some(), bound_to.is_some()));
        assert_eq!(found, expected, "{rule}");
    }
}

/// RFC 6750 §3, RFC 9449 §7.1: what stands in `WWW-Authenticate`.
#[test]
fn a_challenge_names_the_scheme() {
    let both = Schemes { bearer: true, dpop: &[Es256, EdDsa] };
    let bearer = Schemes { bearer: true, dpop: &[] };
    let dpop = Schemes { bearer: false, dpop: &[Es256] };
    let bound = |refusal| CredentialRefusal::Dpop(refusal);
    let cases = [
        ("RFC 6750 §3.1: no token", NoToken, bearer, Some("Bearer")),
        ("RFC 9449 §7.1: either", NoToken, both, Some(r#"Bearer, DPoP algs="ES256 EdDSA""#)),
        ("HAIP-05: bound only", NoToken, dpop, Some(r#"DPoP algs="ES256""#)),
        (
            "RFC 6750 §3.1",
            BadToken,
            both,
            Some(concat!(
                r#"Bearer error="invalid_token", "#,
                r#"error_description="the access token is unknown or no longer valid""#
            )),
        ),
        (
            "RFC 9449 §9",
            bound(DpopRefusal::NoNonce),
            dpop,
            Some(concat!(
                r#"DPoP error="use_dpop_nonce", "#,
                r#"error_description="the DPoP proof needs a nonce of ours", algs="ES256""#
            )),
        ),
        ("CRED-51: about the payload", CredentialRefusal::NoSelector, both, None),
    ];
    for (rule, refusal, schemes, expected) in cases {
        assert_eq!(www_authenticate(&refusal, &schemes).as_deref(), expected, "{rule}");
    }
    let insufficient = www_authenticate(&NotAuthorised, &both).unwrap();
    assert!(insufficient.starts_with(r#"Bearer error="insufficient_scope""#), "AMB-09");
    assert_eq!(bound(DpopRefusal::BadNonce).status(), 401, "DEP-06");
}
