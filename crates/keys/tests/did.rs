//! DIDs that carry their key (catalogue E19, E20, F06).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::did::{
    DID_BYTES_MAX, DidError, did_of, did_web_of_key, resolve, to_did_jwk, to_did_key, to_did_web,
    verification_method, website_of,
};
use keys::public_key::KeyError;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};
use url::Url;

/// The examples of the did:key specification.
const DID_KEYS: [(&str, Algorithm); 10] = [
    ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", Algorithm::EdDsa),
    ("did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG", Algorithm::EdDsa),
    ("did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf", Algorithm::EdDsa),
    ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", Algorithm::Es256),
    ("did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", Algorithm::Es256),
    (
        "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9",
        Algorithm::Es384,
    ),
    (
        "did:key:z82LkvCwHNreneWpsgPEbV3gu1C6NFJEBg4srfJ5gdxEsMGRJUz2sG9FE42shbn2xkZJh54",
        Algorithm::Es384,
    ),
    ("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", Algorithm::Es256K),
    ("did:key:zQ3shtxV1FrJfhqE1dvxYRcCknWNjHc3c5X1y3ZSoPDi2aur2", Algorithm::Es256K),
    ("did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N", Algorithm::Es256K),
];

fn did_key(bytes: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode(bytes).into_string())
}

fn did_jwk(jwk: &str) -> String {
    format!("did:jwk:{}", BASE64_URL_SAFE_NO_PAD.encode(jwk))
}

#[test]
fn the_examples_of_did_key_are_read_and_written() {
    for (did, algorithm) in DID_KEYS {
        let key = resolve(did).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(to_did_key(&key), did);
    }
    for algorithm in Algorithm::ALL {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let (own, jwk) = (key.public_key(), to_did_jwk(key.public_key()));
        assert_eq!(resolve(&to_did_key(own)).as_ref(), Ok(own), "{algorithm}");
        assert_eq!(resolve(&jwk).as_ref(), Ok(own), "{algorithm}");
    }
    let x = resolve(DID_KEYS[0].0).unwrap().to_jwk()["x"].clone();
    assert_eq!(x, "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik");
}

/// The P-256 example of the did:jwk specification; its JWK is spelt in an order of its own.
#[test]
fn the_example_of_did_jwk_is_read() {
    let did = "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9";
    let key = resolve(did).unwrap();
    assert_eq!(key.to_jwk()["x"], "acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0");
    assert_eq!(to_did_jwk(&key), did);
}

/// The X25519 example of the same specification: a key to agree on secrets with, which signs nothing.
#[test]
fn a_did_jwk_that_cannot_sign_is_refused_by_name() {
    let jwk = r#"{"kty":"OKP","crv":"X25519","use":"enc","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}"#;
    let did = did_jwk(jwk);
    assert_eq!(resolve(&did), Err(DidError::BadKey(KeyError::UnsupportedKey)));
    assert_eq!(resolve(&format!("{did}#0")), Err(DidError::BadKey(KeyError::UnsupportedKey)));
}

#[test]
fn a_key_comes_back_from_every_form() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        for _ in 0..8 {
            let key = SoftwareKey::generate(algorithm).unwrap().public_key().clone();
            for did in [to_did_jwk(&key), to_did_key(&key)] {
                let url = verification_method(&did);
                assert_eq!(did_of(&url), did);
                assert_eq!(resolve(&did).as_ref(), Ok(&key));
                assert_eq!(resolve(&url).as_ref(), Ok(&key));
            }
        }
    }
}

/// `jwk_jcs-pub`: read, because national wallets write it.
#[test]
fn a_did_key_may_hold_a_canonical_jwk() {
    let key = resolve(DID_KEYS[3].0).unwrap();
    let jwk = key.to_jwk();
    let text = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let (x, y) = (text("x"), text("y"));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let did = |jwk: &str| did_key(&[&[0xd1, 0xd6, 0x03], jwk.as_bytes()].concat());
    assert!(did(&canonical).starts_with("did:key:z2dmzD81"));
    assert_eq!(resolve(&did(&canonical)), Ok(key));
    let other_order = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    assert_eq!(resolve(&did(&other_order)), Err(DidError::Malformed));
}

#[test]
fn a_fragment_names_the_one_key_or_nothing() {
    let did_key = DID_KEYS[3].0;
    let did_jwk = to_did_jwk(&resolve(did_key).unwrap());
    for url in [
        format!("{did_key}#0"),
        format!("{did_key}#"),
        format!("{did_key}#{did_key}"),
        format!("{did_key}#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
        format!("{did_jwk}#1"),
        format!("{did_jwk}#0#0"),
        format!("{did_jwk}#"),
    ] {
        assert_eq!(resolve(&url), Err(DidError::UnknownFragment), "{url}");
    }
}

#[test]
fn what_is_no_did_of_ours_is_refused() {
    let cases = [
        ("", DidError::Malformed),
        ("did:", DidError::Malformed),
        ("did:key", DidError::Malformed),
        ("did:key:", DidError::Malformed),
        ("did:key:z", DidError::UnsupportedKey),
        ("did:key:m6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", DidError::Malformed),
        ("did:key:z0OIl", DidError::Malformed),
        ("did:jwk:", DidError::Malformed),
        ("did:jwk:e30=", DidError::Malformed),
        ("did:jwk:e30", DidError::BadKey(KeyError::Malformed)),
        ("did:web:issuer.example", DidError::UnsupportedMethod),
        ("did:ebsi:z25gUx2D5Ujb6eZcmQEnertx", DidError::UnsupportedMethod),
        ("DID:key:z6Mk", DidError::Malformed),
        ("../../etc/passwd", DidError::Malformed),
        ("' OR 1=1--", DidError::Malformed),
        ("did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F", DidError::UnsupportedKey),
    ];
    for (did, error) in cases {
        assert_eq!(resolve(did), Err(error), "{did}");
    }
}

#[test]
fn length_is_bounded_before_anything_is_decoded() {
    let did = format!("did:key:z{}", "2".repeat(1024 * 1024));
    assert_eq!(resolve(&did), Err(DidError::TooLong));
    let longest = format!("did:key:z{}", "2".repeat(DID_BYTES_MAX - 9));
    assert_eq!(resolve(&longest), Err(DidError::UnsupportedKey));
}

#[test]
fn a_key_has_one_did_key_only() {
    let key = resolve(DID_KEYS[3].0).unwrap();
    let jwk = key.to_jwk();
    let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (x, y) = (bytes("x"), bytes("y"));
    let uncompressed = [&[0x80, 0x24, 4], &x[..], &y].concat();
    assert_eq!(resolve(&did_key(&uncompressed)), Err(DidError::Malformed));
    let hybrid = [&[0x80, 0x24, 6], &x[..], &y].concat();
    assert_eq!(resolve(&did_key(&hybrid)), Err(DidError::BadKey(KeyError::WrongLength)));
    let long_varint = [&[0x80, 0xa4, 0x00, 2], &x[..]].concat();
    assert_eq!(resolve(&did_key(&long_varint)), Err(DidError::UnsupportedKey));
    let leading_zero = DID_KEYS[3].0.replace(":z", ":z1");
    assert_eq!(resolve(&leading_zero), Err(DidError::UnsupportedKey));
    let trailing = [&[0x80, 0x24, 2], &x[..], &[0]].concat();
    assert_eq!(resolve(&did_key(&trailing)), Err(DidError::BadKey(KeyError::WrongLength)));
}

#[test]
fn a_did_with_a_bad_key_is_refused() {
    let key = resolve(DID_KEYS[3].0).unwrap();
    let private = |mut jwk: Value| {
        jwk["d"] = "AAAA".into();
        did_jwk(&jwk.to_string())
    };
    let off_curve = [&[0x80, 0x24, 2], &[0xff; 32][..]].concat();
    let repeated = r#"{"kty":"EC","kty":"EC"}"#;
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }).to_string();
    for (did, error) in [
        (private(key.to_jwk().into()), DidError::BadKey(KeyError::PrivateKey)),
        (did_key(&off_curve), DidError::BadKey(KeyError::NotOnCurve)),
        (did_jwk(repeated), DidError::Malformed),
        (did_jwk(&rsa), DidError::BadKey(KeyError::UnsupportedKey)),
        (did_jwk("{"), DidError::Malformed),
    ] {
        assert_eq!(resolve(&did), Err(error), "{did}");
    }
}

/// did:web: from a website to its DID and back, and nothing that is written in another way.
#[test]
fn a_website_and_its_did_are_one_to_one() {
    let pairs = [
        ("https://issuer.example/", "did:web:issuer.example"),
        ("https://issuer.example/uni/law", "did:web:issuer.example:uni:law"),
        ("https://localhost:8443/", "did:web:localhost%3A8443"),
    ];
    for (website, did) in pairs {
        let website = Url::parse(website).unwrap();
        assert_eq!(to_did_web(&website).as_deref(), Some(did));
        assert_eq!(website_of(did), Some(website.clone()));
        assert_eq!(website_of(&format!("{did}#key-1")), Some(website), "its DID URLs");
    }
    let others = [
        "did:key:z6Mk",
        "did:web:",
        "did:web:issuer.example:",
        "did:web:ISSUER.example",
        "did:web:user@issuer.example",
        "did:web:issuer.example%2Funi",
        "did:web:issuer.example%3A443",
        "did:web:issuer.example:..:uni",
        "https://issuer.example",
    ];
    for other in others {
        assert_eq!(website_of(other), None, "{other}");
    }
}

/// A key of BLS12-381 is none of a holder, and builds without `bbs-2023` read it for nobody.
#[cfg(not(feature = "bbs-2023"))]
#[test]
fn a_key_of_a_pairing_is_unknown() {
    let did = did_key(&[&[0xeb, 0x01][..], &[0xa5; 96]].concat());
    for resolve in [resolve, keys::did::resolve_issuer] {
        assert_eq!(resolve(&did), Err(DidError::UnsupportedKey));
    }
}

/// A DID URL of a did:web names a key by what is behind `#`, of a website that has a name.
#[test]
fn a_did_url_of_a_website_names_a_key() {
    let good = [
        ("did:web:holder.example#key-1", "did:web:holder.example"),
        ("did:web:localhost%3A8443:a:b#z6Mk/?", "did:web:localhost%3A8443:a:b"),
    ];
    for (url, did) in good {
        assert_eq!(did_web_of_key(url), Some(did));
    }
    let long = format!("did:web:holder.example#{}", "a".repeat(DID_BYTES_MAX));
    for other in [
        "did:web:holder.example",
        "did:web:holder.example#",
        "did:web:holder.example#a#b",
        "did:web:holder.example#a b",
        "did:web:holder.example/path#a",
        "did:web:holder.example?query#a",
        "did:web:192.0.2.1#a",
        "did:web:[2001%3Adb8%3A%3A1]#a",
        "did:key:z6Mk#z6Mk",
        &long,
    ] {
        assert_eq!(did_web_of_key(other), None, "{other}");
    }
}
