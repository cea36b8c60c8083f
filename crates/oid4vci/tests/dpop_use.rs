//! RFC 9449 as tables: what is remembered of a proof, what our Wallet sends, what each refusal says.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bound;
mod jose;
#[macro_use]
mod refusals;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bound::{ENDPOINT, NOW, WINDOW, check, header, nonce_key, nonces, verdict, with_claims};
use jose::key;
use keys::algorithm::Algorithm::Es256;
use keys::outside::SystemRandom;
use keys::signer::SoftwareKey;
use oid4vci::dpop::DpopRefusal::{
    self, BadNonce, BadToken, NoNonce, NotBound, OtherKey, SentAsBearer,
};
use oid4vci::dpop::{NewDpopProof, received_nonce, wants_nonce};
use oid4vci::error::{Demand, ErrorCode, Refusal as _};
use oid4vci::secret::AccessToken;
use refusals::check_texts;
use serde_json::{Map, Value, json};
use url::Url;

/// RFC 9449 §11.1, D05: what is remembered of a proof meets what is remembered of the next with the
/// same key and `jti`, and of no other.
#[tokio::test]
async fn a_used_proof_is_known_again() {
    let (mine, other) = (key(Es256), key(Es256));
    let nonce_key = nonce_key();
    let later = nonces(&nonce_key).fresh(NOW, &SystemRandom);
    let marks = async |key: &SoftwareKey, more: Value| {
        let proof = check(&with_claims(key, &more).await, None).unwrap();
        proof.used().marks()
    };
    let first = marks(&mine, json!({})).await;
    let cases = [
        ("the same proof", marks(&mine, json!({})).await, true),
        ("made again, later", marks(&mine, json!({ "iat": NOW.0 + 60 })).await, true),
        ("made again, earlier", marks(&mine, json!({ "iat": NOW.0 - 60 })).await, true),
        ("made again, with a nonce", marks(&mine, json!({ "nonce": later })).await, true),
        ("another jti", marks(&mine, json!({ "jti": "b" })).await, false),
        ("another key", marks(&other, json!({})).await, false),
    ];
    for (rule, marks, meets) in cases {
        assert_eq!(marks.iter().any(|mark| first.contains(mark)), meets, "{rule}");
        for mark in marks {
            assert!(
                mark.front.starts_with(&mark.expires_at.0.to_be_bytes()),
                "old ones are a range"
            );
            assert!(mark.expires_at > NOW.plus(WINDOW), "{rule}: remembered while it is accepted");
        }
    }
}

/// RFC 9449 §4.2, DEP-05: what our Wallet sends.
#[tokio::test]
async fn our_proof_is_the_one_of_the_rfc() {
    let key = key(Es256);
    let part = |jwt: &str, place| -> Map<String, Value> {
        let part = jwt.split('.').nth(place).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let endpoint = Url::parse(&format!("{ENDPOINT}?a=b#c")).unwrap();
    let (token, nonce_key) = (AccessToken::new("t"), nonce_key());
    let nonce = nonces(&nonce_key).fresh(NOW, &SystemRandom);
    let plain = NewDpopProof {
        method: "POST",
        endpoint: &endpoint,
        access_token: None,
        nonce: None,
        now: NOW,
    };
    let proof = plain.sign(&key, &SystemRandom).await.unwrap();
    assert_eq!(verdict(&proof), Ok(()));
    assert_eq!(Value::Object(part(&proof, 0)), header(&key));
    let mut found = part(&proof, 1);
    let jti = found.remove("jti").unwrap();
    assert!(jti.as_str().unwrap().len() >= 16, "RFC 9449 §4.2: 96 bits");
    assert_eq!(Value::Object(found), json!({ "htm": "POST", "htu": ENDPOINT, "iat": NOW.0 }));

    let full = NewDpopProof { access_token: Some(&token), nonce: Some(&nonce), ..plain };
    let mut jtis = BTreeSet::from([jti.as_str().unwrap().to_owned()]);
    for made in 2..10 {
        let proof = full.sign(&key, &SystemRandom).await.unwrap();
        assert!(check(&proof, Some(&token)).unwrap().is_for(&token));
        let claims = part(&proof, 1);
        assert_eq!(claims.get("nonce"), Some(&json!(nonce)));
        jtis.insert(claims["jti"].as_str().unwrap().to_owned());
        assert_eq!(jtis.len(), made, "a jti is used once");
    }
}

/// RFC 9449 §8, RFC 9449 §8.2, RFC 9449 §9, NONCE-08, HAIP-05: what a Wallet makes of an answer.
#[test]
fn a_wallet_sees_which_nonce_to_use() {
    let long = "n".repeat(1025);
    let headers = [
        ("RFC 9449 §8.1", "eyJ7S_zG.eyJH0-Z.HX4w-7v", true),
        ("RFC 9449 §8.1: a quote", "a\"b", false),
        ("RFC 9449 §8.1: a space", "a b", false),
        ("RFC 9449 §8.1: a backslash", r"a\b", false),
        ("RFC 9449 §8.1: no ASCII", "ü", false),
        ("empty", "", false),
        ("E28: long", &long, false),
    ];
    for (rule, header, good) in headers {
        assert_eq!(received_nonce(header), good.then_some(header), "{rule}");
    }
    let challenge = r#"DPoP error="use_dpop_nonce", error_description="x""#;
    let answers = [
        ("RFC 9449 §8", 400, Some("use_dpop_nonce"), None, true),
        ("RFC 9449 §9", 401, None, Some(challenge), true),
        ("another error", 400, Some("invalid_grant"), None, false),
        ("another challenge", 401, None, Some(r#"DPoP error="invalid_token""#), false),
        ("no refusal", 200, Some("use_dpop_nonce"), None, false),
        ("nothing said", 401, None, None, false),
    ];
    for (rule, status, error, challenge, expected) in answers {
        assert_eq!(wants_nonce(status, error, challenge), expected, "{rule}");
    }
}

/// RFC 9449 §5, RFC 9449 §7.1, RFC 9449 §8: code and text of each; two ask for another proof.
#[test]
fn each_refusal_of_a_proof_has_its_code_and_text() {
    let all = every!(DpopRefusal {
        Missing,
        Several,
        Unreadable,
        WrongType,
        AlgorithmNotSupported,
        CriticalHeader,
        NoKey,
        PrivateKey,
        BadKey,
        WrongMethod,
        WrongAddress,
        BadJti,
        NoTime,
        TooOld,
        NoNonce,
        BadNonce,
        NoTokenHash,
        WrongTokenHash,
        WrongSignature,
        Replayed,
        BadToken,
        OtherKey,
        SentAsBearer,
        NotBound,
    });
    check_texts(&all.map(|refusal| refusal.answer().1));
    let about_token = [BadToken, OtherKey, SentAsBearer, NotBound];
    for refusal in all {
        let (code, demand) = if [NoNonce, BadNonce].contains(&refusal) {
            (ErrorCode::UseDpopNonce, Some(Demand::DpopNonce))
        } else if about_token.contains(&refusal) {
            (ErrorCode::InvalidToken, None)
        } else {
            (ErrorCode::InvalidDpopProof, None)
        };
        assert_eq!((refusal.answer().0, refusal.demand()), (code, demand), "{refusal:?}");
    }
    assert_eq!(Demand::DpopNonce.header(), "DPoP-Nonce");
}
