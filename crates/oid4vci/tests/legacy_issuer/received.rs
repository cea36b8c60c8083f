//! Requests of the drafts, and what their refusals are called.

use std::collections::BTreeMap;

use oid4vci::credential::Selector;
use oid4vci::error::ErrorCode;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::CredentialConfiguration;
use oid4vci::nonce::NonceResponse;
use oid4vci::token::{TokenRefusal, TokenRequest};
use serde_json::{Value, json};

use crate::{TYPES, configuration, dialect};

/// One of each format, and a second type of one of them.
fn known() -> BTreeMap<String, CredentialConfiguration> {
    let definition = json!({ "credential_definition": { "type": TYPES } });
    let other = json!({ "credential_definition": { "type": ["VerifiableCredential", "Other"] } });
    let vct = json!({ "vct": "SD_JWT_VC_example_in_OpenID4VCI" });
    let doctype = json!({ "doctype": "org.iso.18013.5.1.mDL" });
    [
        ("a_other", "jwt_vc_json", other),
        ("jwt", "jwt_vc_json", definition.clone()),
        ("ld", "jwt_vc_json-ld", definition.clone()),
        ("ldp", "ldp_vc", definition),
        ("mdl", "mso_mdoc", doctype),
        ("sd", "dc+sd-jwt", vct),
    ]
    .into_iter()
    .map(|(id, format, members)| (id.to_owned(), configuration(format, &members)))
    .collect()
}

/// The id that a request means, or the code of its refusal.
fn read(draft: &str, body: &Value) -> Result<String, &'static str> {
    let body = body.to_string();
    let body = ("application/json", body.as_bytes());
    let (request, ..) = dialect(draft).credential_request(body, &known()).map_err(|told| told.0)?;
    match request.selector {
        Selector::Configuration(id) => Ok(id),
        Selector::Identifier(identifier) => Ok(format!("identifier {identifier}")),
    }
}

/// Draft 8, section 7.3 in its own words, and what is named by its id from draft 12 on.
#[test]
fn a_request_names_what_it_wants_as_its_draft_does() {
    let proof = json!({ "proof_type": "jwt", "jwt": "e.e.e" });
    let rows = [
        ("8", json!({ "format": "jwt_vc", "type": "jwt" }), Ok("jwt")),
        ("8", json!({ "format": "jwt_vc", "type": "UniversityDegreeCredential" }), Ok("jwt")),
        ("8", json!({ "format": "mdl_iso_cbor", "type": "org.iso.18013.5.1.mDL" }), Ok("mdl")),
        // Wallets send what they have read in the metadata.
        ("8", json!({ "format": "mdl_iso", "type": "mdl" }), Ok("mdl")),
        (
            "9",
            json!({ "format": "mdl_iso", "doctype": "org.iso.18013.5.1.mDL" }),
            Err("unsupported_credential_format"),
        ),
        (
            "8",
            json!({ "format": "jwt_vc_json", "type": "jwt" }),
            Err("unsupported_credential_format"),
        ),
        ("8", json!({ "format": "jwt_vc" }), Err("unsupported_credential_type")),
        ("11", json!({ "format": "jwt_vc_json", "types": [TYPES[1], TYPES[0]] }), Ok("jwt")),
        (
            "11",
            json!({ "format": "jwt_vc_json", "types": [TYPES[0]] }),
            Err("unsupported_credential_type"),
        ),
        (
            "11",
            json!({ "format": "vc+sd-jwt", "vct": "other" }),
            Err("unsupported_credential_type"),
        ),
        (
            "11",
            json!({ "format": "dc+sd-jwt", "vct": "SD_JWT_VC_example_in_OpenID4VCI" }),
            Err("unsupported_credential_format"),
        ),
        ("11", json!({ "credential_identifier": "x" }), Err("invalid_request")),
        ("12", json!({ "credential_identifier": "x" }), Ok("identifier x")),
        (
            "12",
            json!({ "format": "vc+sd-jwt", "credential_definition": { "vct": "SD_JWT_VC_example_in_OpenID4VCI" } }),
            Ok("sd"),
        ),
        (
            "13",
            json!({ "credential_identifier": "x", "format": "mso_mdoc" }),
            Err("invalid_credential_request"),
        ),
        ("13", json!({ "credential_configuration_id": "jwt" }), Err("invalid_credential_request")),
        ("15", json!({ "credential_configuration_id": "jwt" }), Ok("jwt")),
        ("15", json!({ "credential_identifier": "x" }), Ok("identifier x")),
    ];
    for (draft, mut request, expected) in rows {
        request["proof"] = proof.clone();
        assert_eq!(read(draft, &request), expected.map(str::to_owned), "{draft} {request}");
    }
}

/// Each draft has one place for a type, and a request that has it elsewhere is none of that draft; but
/// draft 10 has `types` beside the format, draft 11 `type` in `credential_definition`, its examples both.
#[test]
fn a_type_stands_where_its_draft_has_it() {
    const VCT: &str = "SD_JWT_VC_example_in_OpenID4VCI";
    let types = json!({ "types": TYPES });
    let kind = json!({ "type": TYPES });
    let inside = |members: &Value| json!({ "credential_definition": members });
    let shapes = [types.clone(), kind.clone(), inside(&types), inside(&kind)];
    for (draft, format, id, taken) in [
        ("9", "jwt_vc_json", "jwt", [true, false, false, false]),
        ("9", "ldp_vc", "ldp", [false, false, true, false]),
        ("9", "jwt_vc_json-ld", "ld", [false, false, true, false]),
        ("11", "jwt_vc_json", "jwt", [true, true, true, true]),
        ("11", "ldp_vc", "ldp", [true, true, true, true]),
        ("12", "jwt_vc_json", "jwt", [false, false, false, true]),
        ("12", "ldp_vc", "ldp", [false, false, false, true]),
        ("13", "jwt_vc_json", "jwt", [false, false, false, true]),
        ("13", "jwt_vc_json-ld", "ld", [false, false, false, true]),
        ("14", "jwt_vc_json", "jwt", [false, false, false, true]),
    ] {
        for (shape, is_taken) in shapes.iter().zip(taken) {
            let mut request = shape.clone();
            request["format"] = format.into();
            let expected =
                if is_taken { Ok(id.to_owned()) } else { Err("unsupported_credential_type") };
            assert_eq!(read(draft, &request), expected, "{draft} {request}");
        }
    }
    // SD-JWT VC came with draft 13; what Wallets of drafts before it say of it is in no text.
    for (draft, is_taken) in [("11", true), ("12", true), ("13", false), ("14", false)] {
        let request = json!({ "format": "vc+sd-jwt", "credential_definition": { "vct": VCT } });
        assert_eq!(read(draft, &request).is_ok(), is_taken, "{draft}");
        assert_eq!(read(draft, &json!({ "format": "vc+sd-jwt", "vct": VCT })), Ok("sd".to_owned()));
    }
    let doctype = json!({ "doctype": "org.iso.18013.5.1.mDL" });
    let mut request = inside(&doctype);
    request["format"] = "mso_mdoc".into();
    assert_eq!(read("11", &request), Err("unsupported_credential_type"));
}

fn token_request(draft: &str, more: &[(&str, &str)]) -> Result<TokenRequest, TokenRefusal> {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code"),
        ("pre-authorized_code", "SplxlOBeZQQYbYS6WxSbIA"),
    ];
    let form = [&form, more].concat();
    let owned = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    dialect(draft).token_request(owned.collect())
}

/// `user_pin` until draft 12, and both names from Wallets that do not know which.
#[test]
fn a_pin_has_the_name_of_its_draft() {
    let pin = |draft, more: &[(&str, &str)]| match token_request(draft, more).unwrap() {
        TokenRequest::PreAuthorizedCode(request) => {
            request.tx_code.map(|tx_code| tx_code.expose().to_owned())
        }
        TokenRequest::AuthorizationCode(_) | TokenRequest::RefreshToken(_) => {
            panic!("another grant")
        }
    };
    let right = Some("493536".to_owned());
    for draft in ["8", "9", "11", "12"] {
        assert_eq!(pin(draft, &[("user_pin", "493536")]), right);
        assert_eq!(pin(draft, &[("tx_code", "493536")]), None);
        assert_eq!(pin(draft, &[("tx_code", "1"), ("user_pin", "493536")]), right);
        assert!(token_request(draft, &[("user_pin", "1"), ("user_pin", "2")]).is_err());
    }
    for draft in ["13", "14", "15"] {
        assert_eq!(pin(draft, &[("tx_code", "493536"), ("user_pin", "1")]), right);
        assert_eq!(pin(draft, &[("user_pin", "493536")]), None);
    }
}

/// What each draft calls a refusal.
#[test]
fn each_code_has_the_name_of_its_draft() {
    let rows = [
        (ErrorCode::InvalidProof, "9", "invalid_or_missing_proof"),
        (ErrorCode::InvalidProof, "11", "invalid_proof"),
        (ErrorCode::InvalidNonce, "8", "invalid_or_missing_proof"),
        (ErrorCode::InvalidNonce, "14", "invalid_proof"),
        (ErrorCode::InvalidNonce, "15", "invalid_nonce"),
        (ErrorCode::InvalidCredentialRequest, "11", "invalid_request"),
        (ErrorCode::InvalidCredentialRequest, "12", "invalid_credential_request"),
        (ErrorCode::UnknownCredentialConfiguration, "15", "unsupported_credential_type"),
        (ErrorCode::UnknownCredentialIdentifier, "12", "unsupported_credential_type"),
        (ErrorCode::CredentialRequestDenied, "11", "invalid_request"),
        (ErrorCode::CredentialRequestDenied, "13", "invalid_credential_request"),
        (ErrorCode::CredentialRequestDenied, "14", "credential_request_denied"),
        (ErrorCode::InvalidTransactionId, "11", "invalid_token"),
        (ErrorCode::InvalidTransactionId, "12", "invalid_transaction_id"),
        (ErrorCode::InvalidTxCode, "13", "invalid_grant"),
        (ErrorCode::InvalidToken, "8", "invalid_token"),
    ];
    for (code, draft, expected) in rows {
        assert_eq!(dialect(draft).error_code(code), expected, "{draft}");
    }
    let nonce = || NonceResponse { c_nonce: "n".to_owned() };
    let brings =
        |draft: &str, code| dialect(draft).error((code, "text"), nonce).get("c_nonce").is_some();
    assert!(brings("8", "invalid_or_missing_proof") && brings("14", "invalid_proof"));
    assert!(!brings("15", "invalid_proof") && !brings("13", "invalid_request"));
}

/// 10 has the words of 11; what is no draft of ours has no name.
#[test]
fn drafts_are_known_by_their_number() {
    assert_eq!(Dialect::parse("10"), Dialect::parse("11"));
    assert_eq!(dialect("10").name(), "11");
    for number in ["", "7", "011", "16", "1.0", "13 "] {
        assert_eq!(Dialect::parse(number), None, "{number}");
    }
    let read: Result<Vec<Dialect>, _> = serde_json::from_value(json!(["8", "15"]));
    assert_eq!(serde_json::to_value(read.unwrap()).unwrap(), json!(["8", "15"]));
    assert!(serde_json::from_value::<Dialect>(json!("16")).is_err());
}
