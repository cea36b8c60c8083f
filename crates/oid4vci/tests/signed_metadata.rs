//! Signed metadata, as a Wallet takes it (VCI §12.2.3).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use keys::algorithm::Algorithm::Es256;
use keys::jws;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::signed_metadata::{
    MetadataSigner, SignedMetadataError, TYPE, UnverifiedMetadata, sign,
};
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://issuer.example/tenant";
const NOW: Timestamp = Timestamp(1_750_000_000);

fn metadata() -> Map<String, Value> {
    let metadata = json!({ "credential_issuer": ISSUER, "display": [{ "name": "Issuer" }] });
    metadata.as_object().unwrap().clone()
}

/// Signs a header and claims that may be anything.
async fn forged(header: &Value, claims: &Value, key: &SoftwareKey) -> String {
    let header = header.as_object().unwrap().clone();
    jws::sign(header, claims.to_string().as_bytes(), key).await.unwrap()
}

/// SMETA-04, SMETA-01 to SMETA-05, SMETA-07
#[tokio::test]
async fn what_was_signed_is_read() {
    let key = SoftwareKey::generate(Es256).unwrap();
    let x5c = [vec![1, 2, 3]];
    let by_key = MetadataSigner { signer: &key, x5c: &x5c };
    let signed = sign(metadata(), ISSUER, (NOW, NOW.plus(60)), by_key).await.unwrap();
    let said = jws::Jws::parse(&signed, 64 * 1024).unwrap().claims().unwrap();
    assert_eq!((&said["iss"], &said["exp"]), (&json!(ISSUER), &json!(NOW.0 + 60)), "SMETA-04");
    let unverified = UnverifiedMetadata::parse(&signed).unwrap();
    assert_eq!(unverified.x5c(), x5c);
    assert_eq!(unverified.verify(key.public_key(), ISSUER, NOW).unwrap(), metadata());
    let other = SoftwareKey::generate(Es256).unwrap();
    for (key, identifier, now, refusal) in [
        (&other, ISSUER, NOW, SignedMetadataError::WrongSignature),
        (&key, "https://issuer.example", NOW, SignedMetadataError::OtherIssuer),
        (&key, ISSUER, NOW.plus(60), SignedMetadataError::Expired),
    ] {
        let verified = unverified.verify(key.public_key(), identifier, now);
        assert_eq!(verified.unwrap_err(), refusal);
    }
}

/// SMETA-01, SMETA-02, SMETA-03, SMETA-07, SMETA-08
#[tokio::test]
async fn what_is_no_signed_metadata_is_refused() {
    let key = SoftwareKey::generate(Es256).unwrap();
    let claims = json!({ "sub": ISSUER, "iat": NOW.0 });
    let header = json!({ "typ": TYPE, "x5c": ["AQID"] });
    for (header, refusal) in [
        (json!({ "typ": "JWT", "x5c": ["AQID"] }), SignedMetadataError::WrongType),
        (
            json!({ "typ": "openid4vci-issuer-metadata+jwt", "x5c": ["AQID"] }),
            SignedMetadataError::WrongType,
        ),
        (json!({ "x5c": ["AQID"] }), SignedMetadataError::WrongType),
        (json!({ "typ": TYPE }), SignedMetadataError::NoCertificate),
        (json!({ "typ": TYPE, "kid": "1" }), SignedMetadataError::NoCertificate),
        (json!({ "typ": TYPE, "x5c": [] }), SignedMetadataError::NoCertificate),
    ] {
        let text = forged(&header, &claims, &key).await;
        assert_eq!(UnverifiedMetadata::parse(&text).unwrap_err(), refusal, "{header}");
    }
    // {"alg":"none"} and {"alg":"HS256"}
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9"] {
        let text = format!("{header}.e30.");
        let refusal = UnverifiedMetadata::parse(&text).unwrap_err();
        assert_eq!(refusal, SignedMetadataError::Algorithm);
    }
    assert_eq!(UnverifiedMetadata::parse("{}").unwrap_err(), SignedMetadataError::Malformed);
    for (claims, refusal) in [
        (json!({ "iat": NOW.0 }), SignedMetadataError::OtherIssuer),
        (json!({ "sub": ISSUER }), SignedMetadataError::NoTime),
        (json!({ "sub": ISSUER, "iat": "now" }), SignedMetadataError::NoTime),
        (json!({ "sub": ISSUER, "iat": NOW.0, "exp": "later" }), SignedMetadataError::NoTime),
    ] {
        let text = forged(&header, &claims, &key).await;
        let unverified = UnverifiedMetadata::parse(&text).unwrap();
        let verified = unverified.verify(key.public_key(), ISSUER, NOW);
        assert_eq!(verified.unwrap_err(), refusal, "{claims}");
    }
}
