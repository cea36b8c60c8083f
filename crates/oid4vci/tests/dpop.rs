//! RFC 9449 §4.3 as tables: proofs that hold, and all that do not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bound;
mod jose;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bound::{NOW, check, claims, context, header, nonce_key, nonces, verdict, with_claims};
use jose::{jwt, key, merged};
use keys::algorithm::Algorithm::{EdDsa, Es256, Es384};
use keys::digest::sha256;
use keys::outside::SystemRandom;
use keys::signer::Signer as _;
use oid4vci::dpop::DpopRefusal::{
    AlgorithmNotSupported, BadJti, BadKey, BadNonce, CriticalHeader, NoKey, NoNonce, NoTime,
    NoTokenHash, PrivateKey, Several, TooOld, Unreadable, WrongAddress, WrongMethod,
    WrongSignature, WrongTokenHash, WrongType,
};
use oid4vci::dpop::{DpopContext, PROOF_BYTES_MAX, verify};
use oid4vci::nonce::{LIFETIME_SECONDS, Nonces, Purpose};
use oid4vci::secret::AccessToken;
use serde_json::{Value, json};

/// The JOSE header; each line changes it.
#[tokio::test]
async fn the_header_of_a_proof() {
    let key = key(Es256);
    let jwk = Value::Object(key.public_key().to_jwk());
    let with = |name: &str, value: Value| {
        serde_json::from_str::<Value>(&merged(jwk.clone(), &json!({ (name): value }))).unwrap()
    };
    let cases = [
        ("as RFC 9449 §4.2 shows it", json!({}), Ok(())),
        ("unknown members", json!({ "tx_id": 1, "kid": "1" }), Ok(())),
        ("E16: nothing is fetched", json!({ "jku": "https://e.example" }), Ok(())),
        ("RFC 7517 §4: more about the key", json!({ "jwk": with("kid", json!("1")) }), Ok(())),
        ("no typ", json!({ "typ": null }), Err(WrongType)),
        ("E12: another", json!({ "typ": "JWT" }), Err(WrongType)),
        ("E12: a suffix", json!({ "typ": "dpop+jwt+x" }), Err(WrongType)),
        ("RFC 8725 §3.12: of a proof", json!({ "typ": "openid4vci-proof+jwt" }), Err(WrongType)),
        ("D10: none", json!({ "alg": "none" }), Err(AlgorithmNotSupported)),
        ("D10: a MAC", json!({ "alg": "HS256" }), Err(AlgorithmNotSupported)),
        ("D10: unknown", json!({ "alg": "RS256" }), Err(AlgorithmNotSupported)),
        ("not announced", json!({ "alg": "ES384" }), Err(AlgorithmNotSupported)),
        ("D10: not the key's", json!({ "alg": "EdDSA" }), Err(AlgorithmNotSupported)),
        ("no alg", json!({ "alg": null }), Err(Unreadable)),
        ("E16: crit", json!({ "crit": ["exp"] }), Err(CriticalHeader)),
        ("E16: b64", json!({ "b64": false }), Err(CriticalHeader)),
        ("no jwk", json!({ "jwk": null }), Err(NoKey)),
        ("a kid is no jwk", json!({ "jwk": null, "kid": "1" }), Err(NoKey)),
        ("D10: private", json!({ "jwk": with("d", json!("AA")) }), Err(PrivateKey)),
        ("D10: symmetric", json!({ "jwk": { "kty": "oct", "k": "AA" } }), Err(PrivateKey)),
        ("D10: RSA", json!({ "jwk": { "kty": "RSA", "n": "AA", "e": "AQAB" } }), Err(BadKey)),
        ("D10: another curve", json!({ "jwk": with("crv", json!("P-384")) }), Err(BadKey)),
        ("E18: not on the curve", json!({ "jwk": with("y", jwk["x"].clone()) }), Err(BadKey)),
        ("no object", json!({ "jwk": "key" }), Err(BadKey)),
    ];
    for (rule, more, expected) in cases {
        let proof = jwt(&merged(header(&key), &more), &claims().to_string(), &key).await;
        assert_eq!(verdict(&proof), expected, "{rule}");
    }
}

/// The claims; each line changes them.
#[tokio::test]
async fn the_claims_of_a_proof() {
    let key = key(Es256);
    let seconds = |away: i64| json!({ "iat": NOW.0.checked_add_signed(away) });
    let cases = [
        ("as RFC 9449 §4.2 shows them", json!({}), Ok(())),
        ("unknown claims", json!({ "x": 1, "nbf": NOW.0, "exp": NOW.0 + 300 }), Ok(())),
        ("ath beside no token", json!({ "ath": "x" }), Ok(())),
        ("D07: no htm", json!({ "htm": null }), Err(WrongMethod)),
        ("D07: another", json!({ "htm": "PUT" }), Err(WrongMethod)),
        ("D07: case", json!({ "htm": "post" }), Err(WrongMethod)),
        ("no jti", json!({ "jti": null }), Err(BadJti)),
        ("an empty jti", json!({ "jti": "" }), Err(BadJti)),
        ("a number", json!({ "jti": 1 }), Err(BadJti)),
        ("D06: the longest", json!({ "jti": "x".repeat(256) }), Ok(())),
        ("D06: longer", json!({ "jti": "x".repeat(257) }), Err(BadJti)),
        ("no iat", json!({ "iat": null }), Err(NoTime)),
        ("E10: a string", json!({ "iat": NOW.0.to_string() }), Err(NoTime)),
        ("the oldest", seconds(-60), Ok(())),
        ("the newest", seconds(60), Ok(())),
        ("D09: older", seconds(-61), Err(TooOld)),
        ("D09: newer", seconds(61), Err(TooOld)),
        ("D09: an hour", seconds(3600), Err(TooOld)),
        ("G14: the end of time", json!({ "iat": u64::MAX }), Err(TooOld)),
    ];
    for (rule, more, expected) in cases {
        assert_eq!(verdict(&with_claims(&key, &more).await), expected, "{rule}");
    }
}

/// RFC 9449 §4.3, RFC 3986 §6.2.2, D07: two spellings of one address are equal, two addresses not.
#[tokio::test]
async fn an_address_is_compared_in_its_normal_form() {
    let key = key(Es256);
    let endpoint = "https://issuer.example/~a/%C3%BC/token";
    let good = [
        ("as it is", endpoint),
        ("a query and a fragment", "https://issuer.example/~a/%C3%BC/token?x=1#y"),
        ("host and scheme in capitals", "HTTPS://Issuer.EXAMPLE/~a/%C3%BC/token"),
        ("RFC 3986 §6.2.3: the usual port", "https://issuer.example:443/~a/%C3%BC/token"),
        ("RFC 3986 §6.2.2.1: digits of an escape", "https://issuer.example/~a/%c3%bc/token"),
        ("RFC 3986 §6.2.2.2: needless escapes", "https://issuer.example/%7Ea/%C3%BC/tok%65n"),
        ("dots", "https://issuer.example/b/../~a/%C3%BC/./token"),
    ];
    let bad = [
        ("another path", "https://issuer.example/~a/%C3%BC/credential"),
        ("case of the path", "https://issuer.example/~A/%C3%BC/token"),
        ("a slash", "https://issuer.example/~a/%C3%BC/token/"),
        ("an escaped slash", "https://issuer.example/~a/%C3%BC%2Ftoken"),
        ("without the prefix that a proxy cut", "https://issuer.example/token"),
        ("another host", "https://evil.example/~a/%C3%BC/token"),
        ("a longer host", "https://issuer.example.evil/~a/%C3%BC/token"),
        ("another port", "https://issuer.example:8443/~a/%C3%BC/token"),
        ("another scheme", "http://issuer.example/~a/%C3%BC/token"),
        ("a user", "https://a@issuer.example/~a/%C3%BC/token"),
        ("A10: a backslash", r"https://issuer.example\~a/%C3%BC/token"),
        ("A10: white space", "https://issuer.example/~a/%C3%BC/token "),
        ("no ASCII", "https://issuer.example/~a/ü/token"),
        ("no host", "/~a/%C3%BC/token"),
        ("nothing", ""),
    ];
    let cases = good.map(|(rule, htu)| (rule, json!(htu), Ok(()))).into_iter();
    let cases = cases.chain(bad.map(|(rule, htu)| (rule, json!(htu), Err(WrongAddress))));
    let cases = cases.chain([
        ("none", Value::Null, Err(WrongAddress)),
        ("a number", json!(1), Err(WrongAddress)),
    ]);
    for (rule, htu, expected) in cases {
        let proof = with_claims(&key, &json!({ "htu": htu })).await;
        let nonce_key = nonce_key();
        let context = DpopContext { endpoint, ..context(&nonce_key) };
        assert_eq!(verify(&[&proof], None, &context).map(|_| ()), expected, "{rule}");
    }
}

/// RFC 9449 §8, DEP-06, D09: a nonce of ours tells the time better than the clock of a Wallet.
#[tokio::test]
async fn a_nonce_is_ours_and_fresh() {
    let (key, nonce_key) = (key(Es256), nonce_key());
    let fresh = nonces(&nonce_key).fresh(NOW, &SystemRandom);
    let old = nonces(&nonce_key).fresh(NOW.minus(LIFETIME_SECONDS), &SystemRandom);
    let other = Nonces { purpose: Purpose::Proof, ..nonces(&nonce_key) };
    let c_nonce = other.fresh(NOW, &SystemRandom);
    let foreign = Nonces { issuer: "https://b.example", ..nonces(&nonce_key) };
    let foreign = foreign.fresh(NOW, &SystemRandom);
    let cases = [
        ("ours", json!({ "nonce": fresh }), true, Ok(())),
        ("ours, though not needed", json!({ "nonce": fresh }), false, Ok(())),
        ("D09: a wrong clock", json!({ "nonce": fresh, "iat": NOW.0 - 86_400 }), true, Ok(())),
        ("still a number", json!({ "nonce": fresh, "iat": "x" }), true, Err(NoTime)),
        ("D09: none", json!({}), true, Err(NoNonce)),
        ("none, and not needed", json!({}), false, Ok(())),
        ("too old", json!({ "nonce": old }), true, Err(BadNonce)),
        ("too old, though not needed", json!({ "nonce": old }), false, Err(BadNonce)),
        ("of another issuer", json!({ "nonce": foreign }), true, Err(BadNonce)),
        ("for another purpose", json!({ "nonce": c_nonce }), true, Err(BadNonce)),
        ("made by the Wallet", json!({ "nonce": "n" }), true, Err(BadNonce)),
        ("a number", json!({ "nonce": 1 }), true, Err(BadNonce)),
    ];
    for (rule, more, is_nonce_required, expected) in cases {
        let proof = with_claims(&key, &more).await;
        let context = DpopContext { is_nonce_required, ..context(&nonce_key) };
        assert_eq!(verify(&[&proof], None, &context).map(|_| ()), expected, "{rule}");
    }
}

/// D08: `ath` is the hash of the token that is sent.
#[tokio::test]
async fn a_proof_beside_a_token_is_for_that_token() {
    let key = key(Es256);
    let (token, other) = (AccessToken::new("t"), AccessToken::new("u"));
    let ath = BASE64_URL_SAFE_NO_PAD.encode(sha256(b"t"));
    let cases = [
        ("RFC 9449 §4.2", json!({ "ath": ath }), &token, Ok(())),
        ("D08: none", json!({}), &token, Err(NoTokenHash)),
        ("D08: of another", json!({ "ath": ath }), &other, Err(WrongTokenHash)),
        ("D08: the token itself", json!({ "ath": "t" }), &token, Err(WrongTokenHash)),
        ("padded", json!({ "ath": format!("{ath}=") }), &token, Err(WrongTokenHash)),
    ];
    for (rule, more, token, expected) in cases {
        let found = check(&with_claims(&key, &more).await, Some(token));
        assert_eq!(found.map(|proof| proof.is_for(token)), expected.map(|()| true), "{rule}");
    }
    let alone = check(&with_claims(&key, &json!({ "ath": ath })).await, None).unwrap();
    assert!(!alone.is_for(&token), "nobody compared");
}

/// RFC 9449 §4.3: one header, one strict JWT, signed by the key in it.
#[tokio::test]
async fn a_proof_is_one_signed_jwt() {
    let (mine, other) = (key(Es256), key(Es256));
    let (head, body) = (header(&mine).to_string(), claims().to_string());
    let good = jwt(&head, &body, &mine).await;
    let repeated = body.replacen('{', r#"{"htm":"GET","#, 1);
    let cases = [
        ("nothing", String::new(), Unreadable),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned(), Unreadable),
        ("padded", format!("{good}="), Unreadable),
        ("D06: long", format!("{good}{}", "A".repeat(PROOF_BYTES_MAX)), Unreadable),
        ("two in one header", format!("{good}, {good}"), Unreadable),
        ("E27: a claim twice", jwt(&head, &repeated, &mine).await, Unreadable),
        ("E21: by another key", jwt(&head, &body, &other).await, WrongSignature),
    ];
    for (rule, proof, expected) in cases {
        assert_eq!(verdict(&proof), Err(expected), "{rule}");
    }
    let context_key = nonce_key();
    let twice = verify(&[&good, &good], None, &context(&context_key)).map(|_| ());
    assert_eq!(twice, Err(Several), "D11");
    assert!(
        verify(&[], None, &context(&context_key)).unwrap().is_none(),
        "no proof is no fault here"
    );
    for (algorithm, expected) in
        [(Es256, Ok(())), (EdDsa, Ok(())), (Es384, Err(AlgorithmNotSupported))]
    {
        assert_eq!(
            verdict(&with_claims(&key(algorithm), &json!({})).await),
            expected,
            "{algorithm}"
        );
    }
}
