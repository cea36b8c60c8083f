//! JSON Web Signatures from strangers and of our own (RFC 7515 §7.1).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::jws::{self, Jws, JwsError, RefusedAlgorithm};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const BYTES_MAX: usize = 1024;

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn encode(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A JWS with this header, signed by the key whatever the header says.
async fn signed(header: &str, key: &SoftwareKey) -> String {
    let input = format!("{}.{}", encode(header), encode("{}"));
    let signature = key.sign(input.as_bytes()).await.unwrap();
    format!("{input}.{}", encode(signature))
}

fn verdict(text: &str, key: &PublicKey) -> Result<(), JwsError> {
    Jws::parse(text, BYTES_MAX)?.verify(key)
}

/// The ES256 example of RFC 7515.
#[test]
fn the_example_of_es256_verifies() {
    let key = PublicKey::from_jwk(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    let jws = Jws::parse(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl\
         LmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlS\
         ApmWQxfKTUJqPP3-Kg6NU1Q",
        BYTES_MAX,
    )
    .unwrap();
    assert_eq!(jws.verify(&key.unwrap()), Ok(()));
    assert_eq!(jws.claims().unwrap()["iss"], "joe");
}

/// The Ed25519 example of RFC 8037, signed and verified: the algorithm has one signature a message.
#[tokio::test]
async fn the_example_of_eddsa_is_reproduced() {
    let seed =
        BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let front = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let key = SoftwareKey::from_pkcs8(&[&front[..], &seed].concat()).unwrap();
    let text = jws::sign(Map::new(), b"Example of Ed25519 signing", &key).await.unwrap();
    assert_eq!(
        text,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGc\
         vMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let jws = Jws::parse(&text, BYTES_MAX).unwrap();
    assert_eq!(jws.verify(key.public_key()), Ok(()));
    assert_eq!(jws.claims(), Err(JwsError::Malformed), "the payload is no JSON object");
}

#[tokio::test]
async fn a_signed_jwt_says_what_was_put_in() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let header = object(json!({ "typ": "JWT", "alg": "none" }));
        let text = jws::sign(header, br#"{"a":1}"#, &key).await.unwrap();
        let jws = Jws::parse(&text, BYTES_MAX).unwrap();
        assert_eq!(jws.verify(key.public_key()), Ok(()));
        assert_eq!(jws.algorithm(), algorithm);
        assert_eq!(jws.header(), &object(json!({ "typ": "JWT", "alg": algorithm.name() })));
        assert_eq!(jws.claims().unwrap(), object(json!({ "a": 1 })));
        assert_eq!(jws.payload(), br#"{"a":1}"#);
    }
}

/// Catalogue E13, E16
#[tokio::test]
async fn headers_that_change_the_meaning_of_a_signature_are_refused() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let cases = [
        (r#"{"alg":"ES256"}"#, Ok(())),
        (r#"{"alg":"ES256","jku":"https://a.example","x5u":"https://a.example"}"#, Ok(())),
        (r#"{"alg":"none"}"#, Err(JwsError::NoneAlgorithm)),
        (r#"{"alg":"NonE"}"#, Err(JwsError::NoneAlgorithm)),
        (r#"{"alg":"HS256"}"#, Err(JwsError::MacAlgorithm)),
        (r#"{"alg":"HS512"}"#, Err(JwsError::MacAlgorithm)),
        (r#"{"alg":"RS256"}"#, Err(JwsError::UnknownAlgorithm(RefusedAlgorithm::of("RS256")))),
        (r#"{"alg":"es256"}"#, Err(JwsError::UnknownAlgorithm(RefusedAlgorithm::of("es256")))),
        (r#"{"alg":""}"#, Err(JwsError::UnknownAlgorithm(RefusedAlgorithm::of("")))),
        (r#"{"alg":["ES256"]}"#, Err(JwsError::Malformed)),
        (r"{}", Err(JwsError::Malformed)),
        (r#"["alg","ES256"]"#, Err(JwsError::Malformed)),
        (r#"{"alg":"ES256","alg":"ES256"}"#, Err(JwsError::Malformed)),
        (r#"{"alg":"ES256","\u0061lg":"none"}"#, Err(JwsError::Malformed)),
        (r#"{"alg":"ES256","crit":["exp"]}"#, Err(JwsError::CriticalHeader)),
        (r#"{"alg":"ES256","crit":[]}"#, Err(JwsError::CriticalHeader)),
        (r#"{"alg":"ES256","b64":false}"#, Err(JwsError::CriticalHeader)),
        (r#"{"alg":"ES384"}"#, Err(JwsError::WrongAlgorithm)),
        (r#"{"alg":"EdDSA"}"#, Err(JwsError::WrongAlgorithm)),
    ];
    for (header, expected) in cases {
        assert_eq!(verdict(&signed(header, &key).await, key.public_key()), expected, "{header}");
    }
}

/// Whoever reads it knows what was refused, and what would not have been; a stranger's text is cut, and
/// steers no terminal.
#[tokio::test]
async fn an_algorithm_is_refused_by_its_name() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let (long, cut) = ("R".repeat(5000), format!("\"{}…\"", "R".repeat(24)));
    for (alg, told) in [
        ("RS384", "\"RS384\""),
        ("", "\"\""),
        ("A\u{1b}[2J\u{202e}B", "\"A?[2J???B\""),
        (&*long, &*cut),
    ] {
        let text = signed(&json!({ "alg": alg }).to_string(), &key).await;
        let ours = Jws::parse(&text, 16 * 1024).unwrap_err().to_string();
        assert!(ours.contains(told) && ours.ends_with("ES256K or EdDSA"), "{ours}");
        let rsa_too = Jws::parse_with_rsa(&text, 16 * 1024).unwrap_err().to_string();
        assert!(rsa_too.contains(told) && rsa_too.ends_with("RS256 or PS256"), "{rsa_too}");
        assert!(ours.chars().count() < 120 && !ours.chars().any(char::is_control), "{ours}");
    }
}

/// Catalogue E21, I27: a key in the header is a hint, and no reason to trust it.
#[tokio::test]
async fn the_key_in_the_header_is_not_the_key_that_verifies() {
    let (ours, theirs) = (Algorithm::Es256, Algorithm::Es256);
    let ours = SoftwareKey::generate(ours).unwrap();
    let theirs = SoftwareKey::generate(theirs).unwrap();
    let header = json!({ "alg": "ES256", "jwk": theirs.public_key().to_jwk() });
    let text = signed(&header.to_string(), &theirs).await;
    assert_eq!(verdict(&text, ours.public_key()), Err(JwsError::WrongSignature));
}

/// RFC 7515 §5.2
#[tokio::test]
async fn a_changed_byte_is_noticed() {
    let key = SoftwareKey::generate(Algorithm::EdDsa).unwrap();
    let text = signed(r#"{"alg":"EdDSA"}"#, &key).await;
    assert_eq!(verdict(&text, key.public_key()), Ok(()));
    for (place, byte) in text.bytes().enumerate() {
        let mut changed = text.clone().into_bytes();
        changed[place] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verdict(&changed, key.public_key()).is_err(), "byte {place}");
    }
}

#[tokio::test]
async fn other_spellings_are_refused() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let text = signed(r#"{"alg":"ES256"}"#, &key).await;
    let (input, _) = text.rsplit_once('.').unwrap();
    let cases = [
        ("empty", String::new()),
        ("two parts", input.to_owned()),
        ("four parts", format!("{text}.")),
        ("five parts, as of an encrypted one", format!("{text}.a.b")),
        ("no signature", format!("{input}.")),
        ("padding", format!("{text}==")),
        ("white space", format!(" {text}")),
        ("a line break", format!("{text}\n")),
        ("standard base64", text.replacen('.', "+.", 1)),
        ("JSON serialisation", r#"{"payload":"","signature":""}"#.to_owned()),
    ];
    for (name, text) in cases {
        let expected = match name {
            "no signature" => JwsError::WrongSignature,
            _ => JwsError::Malformed,
        };
        assert_eq!(verdict(&text, key.public_key()), Err(expected), "{name}");
    }
}

#[test]
fn length_is_bounded() {
    let text = "a".repeat(BYTES_MAX + 1);
    assert_eq!(Jws::parse(&text, BYTES_MAX).unwrap_err(), JwsError::TooLong);
}

#[tokio::test]
async fn claims_are_strict_json() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    for payload in [r#"{"a":1,"a":2}"#, "[]", "", "{} {}", "\"a\""] {
        let text = jws::sign(Map::new(), payload.as_bytes(), &key).await.unwrap();
        let jws = Jws::parse(&text, BYTES_MAX).unwrap();
        assert_eq!(jws.claims(), Err(JwsError::Malformed), "{payload}");
    }
}
