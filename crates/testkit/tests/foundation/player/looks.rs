//! How the player looks at any request.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::sha256;
use keys::jws::Jws;
use keys::public_key::PublicKey;
use serde_json::json;
use url::form_urlencoded;
use wallet::http::Request;

use super::PLAYED;

pub(super) fn form(request: &Request) -> BTreeMap<String, String> {
    assert_eq!(header(request, "content-type"), Some("application/x-www-form-urlencoded"));
    let mut form = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(&request.body).into_owned() {
        assert!(form.insert(name, value).is_none(), "RFC 6749 §3.2: twice");
    }
    form
}

pub(super) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let mut found = request.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} twice");
    value
}

/// RFC 9449 §4.3: the proof of this request, and the thumbprint of its key.
pub(super) fn check_dpop(request: &Request, endpoint: &str, token: Option<&str>) -> String {
    let proof = Jws::parse(header(request, "DPoP").unwrap(), 16 * 1024).unwrap();
    assert_eq!(proof.header()["typ"], "dpop+jwt");
    let key = PublicKey::from_jwk(&proof.header()["jwk"]).unwrap();
    proof.verify(&key).unwrap();
    let claims = proof.claims().unwrap();
    assert_eq!(
        (&claims["htm"], &claims["htu"]),
        (&json!("POST"), &json!(format!("{PLAYED}/{endpoint}")))
    );
    let ath = token.map(|token| json!(BASE64_URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))));
    assert_eq!(claims.get("ath"), ath.as_ref());
    key.thumbprint().to_string()
}
