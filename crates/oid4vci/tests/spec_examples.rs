//! Every example of the specification is read as tests/vectors/README.md says.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keys::json;
use oid4vci::credential::{CredentialRequest, ReceivedCredentialResponse, Selector};
use oid4vci::error::ReceivedError;
use oid4vci::metadata::ReceivedIssuerMetadata;
use oid4vci::nonce;
use oid4vci::offer::{InputMode, OfferLink, ReceivedOffer};
use oid4vci::proof::Proofs;
use oid4vci::token::{PRE_AUTHORIZED_CODE, ReceivedTokenResponse, TokenRequest};
use serde_json::{Value, json};
use url::form_urlencoded;

const ISSUER: &str = "https://credential-issuer.example.com";

/// What each was read as: ids, and what stands beside them.
const EXAMPLES: [(&str, Result<&str, &str>); 36] = [
    ("examples/authorization_details.json", Ok("UniversityDegreeCredential")),
    ("examples/authorization_details_jwt_vc_json.json", Ok("UniversityDegreeCredential")),
    ("examples/authorization_details_ldp_vc.json", Ok("UniversityDegree_LDP_VC")),
    ("examples/authorization_details_mso_doc.json", Ok("org.iso.18013.5.1.mDL")),
    (
        "examples/authorization_details_multiple_credentials.json",
        Ok("UniversityDegreeCredential org.iso.18013.5.1.mDL"),
    ),
    ("examples/authorization_details_sd_jwt_vc.json", Ok("PID_SD_JWT_VC")),
    ("examples/authorization_details_with_as.json", Ok("UniversityDegreeCredential")),
    (
        "examples/credential_issuer_metadata_sd_jwt_long.json",
        Ok("dc+sd-jwt SD_JWT_VC_example_in_OpenID4VCI [Jwk]; batch 10"),
    ),
    (
        "examples/credential_metadata_jwt_vc_json.json",
        Ok("jwt_vc_json UniversityDegreeCredential []; batch 1"),
    ),
    // AMB-10: signed with a suite of old.
    (
        "examples/credential_metadata_ldp_vc.json",
        Ok("ldp_vc UniversityDegreeCredential []; batch 1"),
    ),
    (
        "examples/credential_metadata_mso_mdoc.json",
        Ok("mso_mdoc org.iso.18013.5.1.mDL [CoseKey]; batch 1"),
    ),
    (
        "examples/credential_metadata_sd_jwt_vc.json",
        Ok("dc+sd-jwt SD_JWT_VC_example_in_OpenID4VCI [Jwk]; batch 1"),
    ),
    (
        "examples/credential_offer_authz_code.txt",
        Ok("UniversityDegreeCredential; other grants: true"),
    ),
    ("examples/credential_offer_by_reference.json", Ok("UniversityDegree_LDP_VC; Numeric None")),
    (
        "examples/credential_offer_multiple_credentials.json",
        Ok("UniversityDegreeCredential org.iso.18013.5.1.mDL; Numeric Some(4)"),
    ),
    (
        "examples/credential_offer_pre-authz_code.json",
        Ok("UniversityDegreeCredential; Numeric None"),
    ),
    ("examples/credential_request_iso_mdl.json", Err("NoSelector")),
    ("examples/credential_response_jwt_vc_json.txt", Ok("parts: [3]")),
    ("examples/credential_response_ldp_vc.txt", Ok("parts: [0]")),
    ("examples/credential_response_mso_mdoc.txt", Ok("parts: [4]")),
    ("examples/credential_response_sd_jwt_vc.txt", Ok("parts: [3]")),
    ("text/credential_error_response.txt", Ok("unknown_credential_configuration")),
    ("text/credential_request_configuration.txt", Ok("org.iso.18013.5.1.mDL; 1 proofs")),
    ("text/credential_request_di_vp.txt", Ok("CivilEngineeringDegree-2023; 1 proofs")),
    ("text/credential_request_identifier.txt", Ok("CivilEngineeringDegree-2023; 2 proofs")),
    ("text/credential_response.txt", Ok("parts: [5]")),
    ("text/credential_response_batch.txt", Ok("parts: [5, 5]")),
    ("text/credential_response_deferred.txt", Ok("8xLOxBtZp8 Some(3600)")),
    ("text/nonce_response.txt", Ok("wKI4LT17ac15ES9bw8ac4")),
    (
        "text/offer_link_by_reference.txt",
        Ok(
            "https://server.example.com/credential-offer/GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM",
        ),
    ),
    ("text/offer_link_by_value.txt", Ok("org.iso.18013.5.1.mDL")),
    ("text/offer_link_by_value_https.txt", Ok("UniversityDegree_JWT org.iso.18013.5.1.mDL")),
    ("text/token_error_response.txt", Ok("invalid_request")),
    ("text/token_request_authorization_code.txt", Ok("")),
    ("text/token_request_pre_authorized_code.txt", Ok("UniversityDegreeCredential")),
    ("text/token_response.txt", Ok("CivilEngineeringDegree-2023 ElectricalEngineeringDegree-2023")),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Undoes the line breaks "for display purposes" and leaves HTTP headers out.
fn body(file: &str) -> String {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let is_message = text.trim_start().starts_with("HTTP/") || text.starts_with("POST ");
    let lines = text.trim_start().lines().map(str::trim);
    let body = lines.skip_while(|line| is_message && !line.is_empty());
    body.collect()
}

/// What an example was read as, in a few words; `Err` when it is refused.
fn read(file: &str) -> Result<String, String> {
    let body = body(file);
    let name = file.split_once('/').unwrap().1;
    let words: Vec<&str> = name.split(['_', '.']).take(2).collect();
    match words[..] {
        ["authorization", "details"] => authorization_details(&body),
        ["credential", "error"] => error(&body),
        ["credential", "issuer"] => metadata(&body),
        ["credential", "metadata"] => metadata_of_a_format(&body),
        ["credential", "offer"] => offer(&body),
        ["credential", "request"] => request(&body),
        ["credential", "response"] => response(&body),
        ["nonce", "response"] => nonce::parse_response(body.as_bytes()).ok_or("unusable".into()),
        ["offer", "link"] => link(&body),
        ["token", _] => token(&body),
        _ => Err("no type of ours".into()),
    }
}

fn offer(body: &str) -> Result<String, String> {
    let offer = ReceivedOffer::parse(body.as_bytes()).map_err(|error| format!("{error:?}"))?;
    assert_eq!(offer.credential_issuer, ISSUER);
    let grant = match offer.pre_authorized_code {
        Some(grant) => match grant.tx_code {
            Some(input) => format!("{:?} {:?}", input.input_mode, input.length),
            None => "no tx_code".into(),
        },
        None => format!("other grants: {}", offer.has_other_grants),
    };
    Ok(format!("{}; {grant}", offer.credential_configuration_ids.join(" ")))
}

fn link(body: &str) -> Result<String, String> {
    let link = body.replace("GET /", "https://wallet.example/");
    match OfferLink::parse(&link).map_err(|error| format!("{error:?}"))? {
        OfferLink::ByReference(url) => Ok(url.into()),
        OfferLink::ByValue(offer) => {
            let input = offer.pre_authorized_code.unwrap().tx_code.unwrap();
            assert!(input.input_mode == InputMode::Numeric || input.description.is_some());
            Ok(offer.credential_configuration_ids.join(" "))
        }
    }
}

fn authorization_details(body: &str) -> Result<String, String> {
    let form = [
        ("grant_type", PRE_AUTHORIZED_CODE),
        ("pre-authorized_code", "c"),
        ("authorization_details", body),
    ];
    token_request(&form.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn token_request(form: &[(String, String)]) -> Result<String, String> {
    let request = TokenRequest::parse(form).map_err(|error| format!("{error:?}"))?;
    let ids = match request {
        TokenRequest::PreAuthorizedCode(request) => request.credential_configuration_ids,
        TokenRequest::AuthorizationCode(request) => request.credential_configuration_ids,
        TokenRequest::RefreshToken(request) => request.credential_configuration_ids,
    };
    Ok(ids.unwrap_or_default().join(" "))
}

fn token(body: &str) -> Result<String, String> {
    if body.starts_with("grant_type") {
        return token_request(
            &form_urlencoded::parse(body.as_bytes()).into_owned().collect::<Vec<_>>(),
        );
    }
    let Some(response) = ReceivedTokenResponse::parse(body.as_bytes()) else { return error(body) };
    let identifiers =
        response.authorization_details.into_iter().flat_map(|d| d.credential_identifiers);
    Ok(identifiers.collect::<Vec<_>>().join(" "))
}

fn error(body: &str) -> Result<String, String> {
    let error: ReceivedError =
        json::from_slice(body.as_bytes()).map_err(|error| error.to_string())?;
    Ok(error.error)
}

fn request(body: &str) -> Result<String, String> {
    let request =
        CredentialRequest::parse(body.as_bytes(), true).map_err(|error| format!("{error:?}"))?;
    let (Selector::Configuration(name) | Selector::Identifier(name)) = request.selector;
    let count = match request.proofs {
        None => 0,
        Some(Proofs::Jwt(jwts)) => jwts.len(),
        Some(Proofs::Attestation(_)) => 1,
        Some(Proofs::DiVp(presentations)) => presentations.len(),
    };
    Ok(format!("{name}; {count} proofs"))
}

fn response(body: &str) -> Result<String, String> {
    match ReceivedCredentialResponse::parse(body.as_bytes()).ok_or("unusable")? {
        ReceivedCredentialResponse::Deferred { transaction_id, interval } => {
            Ok(format!("{} {interval:?}", transaction_id.expose()))
        }
        ReceivedCredentialResponse::Issued { credentials, .. } => {
            let parts = credentials
                .iter()
                .map(|credential| credential.as_str().map_or(0, |text| text.split('.').count()));
            Ok(format!("parts: {:?}", parts.collect::<Vec<_>>()))
        }
    }
}

fn metadata(body: &str) -> Result<String, String> {
    let metadata = ReceivedIssuerMetadata::parse(body.as_bytes(), ISSUER);
    let metadata = metadata.map_err(|error| error.message().to_owned())?;
    let configurations = metadata.configurations.into_iter().map(|(id, read)| {
        assert!(!read.claims.is_empty() && read.needs_proof, "{id}");
        let subject = read.vct.or(read.types.last().cloned()).unwrap_or(id);
        format!("{} {subject} {:?}", read.format, read.binding_methods)
    });
    let configurations: Vec<String> = configurations.collect();
    Ok(format!("{}; batch {}", configurations.join(" "), metadata.batch_size))
}

/// Such an example is a part of metadata.
fn metadata_of_a_format(body: &str) -> Result<String, String> {
    let mut document: Value = serde_json::from_str(body).unwrap();
    let whole = document.as_object_mut().unwrap();
    whole.insert("credential_issuer".into(), json!(ISSUER));
    whole.insert("credential_endpoint".into(), json!(format!("{ISSUER}/credential")));
    metadata(&document.to_string())
}

#[test]
fn every_example_is_read_as_it_says() {
    for (file, expected) in EXAMPLES {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read(file), expected, "{file}");
    }
    let named: BTreeSet<String> = EXAMPLES.map(|(file, _)| file.to_owned()).into();
    let found = ["examples", "text"].into_iter().flat_map(|kind| {
        let files = fs::read_dir(folder().join(kind)).unwrap();
        files.map(move |file| format!("{kind}/{}", file.unwrap().file_name().to_string_lossy()))
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), named, "each file is named once");
}
