//! Where a credential says how it can be revoked: no place is overlooked.

use formats::status_list::bitstring::{BitstringEntry, Purpose};
use formats::status_list::{CredentialStatus, StatusReference};
use formats::vc_jose;
use keys::jws;

use super::*;

const LIST: &str = "https://issuer.example/status-lists/1";

/// As a JWT has it (TSL §6.1).
fn claim() -> Value {
    json!({ "status_list": { "idx": 7, "uri": LIST } })
}

/// As the W3C has it (Bitstring Status List §2.1).
fn entry() -> Value {
    json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
        "statusListIndex": "42", "statusListCredential": LIST })
}

/// Each with `status` and `credentialStatus`, and what comes of them in an `ldp_vc` and in a JWT.
type Row = (Option<Value>, Option<Value>, [Result<Option<CredentialStatus>, FormatError>; 2]);

fn rows() -> Vec<Row> {
    let listed = StatusReference { uri: LIST.to_owned(), idx: 7 };
    let bits = BitstringEntry::new(Purpose::Revocation, LIST.to_owned(), 42);
    let both = || Ok(Some(CredentialStatus::Both(listed.clone(), vec![bits.clone()])));
    let listed = || Ok(Some(CredentialStatus::StatusList(listed.clone())));
    let bits = || Ok(Some(CredentialStatus::Bitstring(vec![bits.clone()])));
    let other = || Ok(Some(CredentialStatus::Other));
    let refused = || Err(FormatError::Malformed);
    let refresh = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "refresh" });
    vec![
        (None, None, [Ok(None), Ok(None)]),
        (None, Some(entry()), [bits(), bits()]),
        (Some(claim()), None, [listed(), listed()]),
        (Some(json!({ "identifier_list": {} })), None, [other(), other()]),
        // Either may be the one that is revoked.
        (Some(claim()), Some(entry()), [both(), both()]),
        (Some(claim()), Some(json!({ "type": "AnotherKind" })), [other(), other()]),
        (Some(claim()), Some(refresh), [listed(), listed()]),
        (Some(json!({})), Some(entry()), [refused(), refused()]),
        (Some(json!([claim()])), None, [refused(), refused()]),
        (
            Some(claim()),
            Some(json!({ "type": "BitstringStatusListEntry" })),
            [refused(), refused()],
        ),
        // A word of the credential's own contexts, where there is no JWT whose claim it could be.
        (Some(json!("active")), Some(entry()), [bits(), refused()]),
        (Some(json!("active")), None, [Ok(None), refused()]),
    ]
}

/// VCDM 2.0 has `credentialStatus`, JWTs have `status`; whoever revokes in one is not overlooked for
/// the other.
#[tokio::test]
async fn no_status_is_overlooked() {
    let key = key(Algorithm::Es256);
    for (status, credential_status, [expected, in_jwt]) in rows() {
        let mut document = document();
        let members = document.as_object_mut().unwrap();
        members.extend(status.map(|status| ("status".to_owned(), status)));
        members.extend(credential_status.map(|status| ("credentialStatus".to_owned(), status)));
        let payload = document.to_string();
        let credential = signed(document, Canonicalization::Jcs, &key).await;
        let read = parse("ldp_vc", &credential).unwrap();
        assert_eq!(read.status(), expected, "{payload}");
        let verified = verify(&credential, &key).map(|verified| verified.status);
        assert_eq!(verified, expected, "{payload}");
        let header = object(json!({ "typ": vc_jose::FORMAT, "kid": KID }));
        let jwt = jws::sign(header, payload.as_bytes(), &key).await.unwrap();
        let read = parse(vc_jose::FORMAT, &jwt.into()).unwrap();
        assert_eq!(read.status(), in_jwt, "{payload}");
    }
}
