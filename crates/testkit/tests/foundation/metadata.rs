//! The modules that read what an issuer and its authorization server publish.

use axum::http::Request;
use keys::outside::Clock as _;
use oid4vci::signed_metadata::UnverifiedMetadata;
use serde_json::{Map, Value, json};
use testkit::wire::JSON;
use testkit::world::ISSUER;

use crate::emulated_wallet::EmulatedWallet;
use crate::variant::Variant;

const PLACE: &str = "/.well-known/openid-credential-issuer";

/// GEN-01, META-12, META-17, META-27 and what the suite looks at beside them.
#[tokio::test]
async fn oid4vci_1_0_issuer_metadata_test() {
    for variant in Variant::all() {
        let wallet = EmulatedWallet::of(variant).await;
        let metadata = wallet.metadata().await;
        check_issuer(&metadata);
        check_encryption(&metadata, variant.encrypted);
        check_server(&wallet, variant).await;
    }
}

/// SMETA-01 to SMETA-05
#[tokio::test]
async fn oid4vci_1_0_issuer_metadata_test_signed() {
    let wallet = EmulatedWallet::of(Variant::HAIP).await;
    let begun = Request::get(PLACE).header("accept", "application/jwt");
    let answer = wallet.world.public.ask(begun, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
    let text = answer.text();
    let unverified = UnverifiedMetadata::parse(&text).unwrap();
    let keys = wallet.world.issuer.keys();
    let key = keys.signing.signer.public_key();
    let metadata = unverified.verify(key, ISSUER, wallet.world.clock.now()).unwrap();
    let metadata = Value::from(metadata);
    check_issuer(&metadata);
    check_encryption(&metadata, false);
}

fn object<'v>(value: &'v Value, name: &str) -> &'v Map<String, Value> {
    value[name].as_object().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn check_issuer(metadata: &Value) {
    assert_eq!(metadata["credential_issuer"], ISSUER);
    let known = [
        "authorization_servers",
        "batch_credential_issuance",
        "credential_configurations_supported",
        "credential_endpoint",
        "credential_issuer",
        "credential_request_encryption",
        "credential_response_encryption",
        "deferred_credential_endpoint",
        "display",
        "nonce_endpoint",
        "notification_endpoint",
    ];
    for (name, value) in metadata.as_object().unwrap() {
        assert!(known.contains(&name.as_str()), "unknown: {name}");
        if name.ends_with("_endpoint") {
            assert!(value.as_str().unwrap().starts_with("https://"), "{name}");
        }
    }
    assert!(metadata["credential_endpoint"].is_string() && metadata["nonce_endpoint"].is_string());
    check_display(&metadata["display"]);
    for (id, configuration) in object(metadata, "credential_configurations_supported") {
        check_configuration(id, configuration);
    }
}

/// META-28 to META-40
fn check_configuration(id: &str, configuration: &Value) {
    let format = configuration["format"].as_str().unwrap();
    assert!(["dc+sd-jwt", "jwt_vc_json"].contains(&format), "{id}: {format}");
    assert_eq!(format == "dc+sd-jwt", configuration["vct"].is_string(), "{id}");
    let algorithms = configuration["credential_signing_alg_values_supported"].as_array().unwrap();
    assert!(!algorithms.is_empty() && algorithms.iter().all(Value::is_string), "{id}");
    if let Some(scope) = configuration.get("scope") {
        let scope = scope.as_str().unwrap();
        assert!(!scope.is_empty() && !scope.contains(' '), "RFC 6749 §3.3: {id}");
    }
    let methods = configuration.get("cryptographic_binding_methods_supported");
    assert_eq!(methods.is_some(), configuration.get("proof_types_supported").is_some(), "{id}");
    if methods.is_some() {
        for (name, proof) in object(configuration, "proof_types_supported") {
            let algorithms = proof["proof_signing_alg_values_supported"].as_array().unwrap();
            assert!(!algorithms.is_empty() && algorithms.iter().all(Value::is_string), "{name}");
        }
    }
    check_display(&configuration["credential_metadata"]["display"]);
    for claim in configuration["credential_metadata"]["claims"].as_array().unwrap() {
        assert!(!claim["path"].as_array().unwrap().is_empty(), "{id}: {claim}");
        if let Some(display) = claim.get("display") {
            check_display(display); // CLAIM-06
        }
    }
}

/// Each has a name, and no language comes twice (META-25, CLAIM-06).
fn check_display(display: &Value) {
    let display = display.as_array().unwrap();
    assert!(!display.is_empty());
    let locales: Vec<&Value> = display.iter().map(|one| &one["locale"]).collect();
    for (place, locale) in locales.iter().enumerate() {
        assert!(display[place]["name"].is_string(), "{display:?}");
        assert!(!locales[..place].contains(locale), "twice: {locale}");
    }
}

/// META-19, META-20: whoever encrypts answers takes encrypted requests.
fn check_encryption(metadata: &Value, required: bool) {
    let request = object(metadata, "credential_request_encryption");
    let response = object(metadata, "credential_response_encryption");
    assert_eq!(request["encryption_required"], required);
    assert_eq!(response["encryption_required"], required);
    assert!(
        request["jwks"]["keys"].as_array().unwrap().iter().all(|key| {
            key["kid"].is_string() && key["alg"].is_string() && key.get("d").is_none()
        })
    );
    for (place, name) in [
        (request, "enc_values_supported"),
        (response, "enc_values_supported"),
        (response, "alg_values_supported"),
    ] {
        assert!(!place[name].as_array().unwrap().is_empty(), "{name}");
    }
    for zip in [request, response].into_iter().filter_map(|one| one.get("zip_values_supported")) {
        assert_eq!(*zip, json!(["DEF"]));
    }
}

/// RFC 8414 §2, RFC 8414 §3.3
async fn check_server(wallet: &EmulatedWallet, variant: Variant) {
    let answer = wallet.world.public.get("/.well-known/oauth-authorization-server").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, JSON));
    let server = answer.json();
    assert_eq!(server["issuer"], ISSUER);
    let endpoints =
        ["authorization_endpoint", "pushed_authorization_request_endpoint", "token_endpoint"];
    for name in endpoints {
        assert!(server[name].as_str().unwrap().starts_with("https://"), "{name}");
    }
    let lists = |name: &str, value: &str| server[name].as_array().unwrap().contains(&json!(value));
    assert!(lists("grant_types_supported", "authorization_code"));
    assert!(lists("response_types_supported", "code"));
    assert!(lists("code_challenge_methods_supported", "S256"), "AUTHZ-02");
    assert!(lists("dpop_signing_alg_values_supported", "ES256"));
    assert_eq!(server["authorization_response_iss_parameter_supported"], true, "DEP-03");
    if variant.attested {
        assert!(lists("token_endpoint_auth_methods_supported", "attest_jwt_client_auth"));
        for kind in ["", "_pop"] {
            let name = format!("client_attestation{kind}_signing_alg_values_supported");
            assert!(lists(&name, "ES256"), "{name}");
        }
        assert!(server["challenge_endpoint"].as_str().unwrap().starts_with("https://"));
    }
}
