//! VCI §12.2, VCI §12.3 and RFC 8414 §3 as tables: where metadata is, and what we publish.

use std::collections::BTreeMap;

use keys::algorithm::Algorithm::{EdDsa, Es256};
use oid4vci::attestation::key::{KeyAttestationPolicy, proof_types_supported};
use oid4vci::metadata::{
    AUTHORIZATION_SERVER, AuthorizationServerMetadata, BatchCredentialIssuance, CREDENTIAL_ISSUER,
    CredentialConfiguration, CredentialIssuerMetadata, IDENTIFIER_BYTES_MAX, IssuerDisplay,
    JWT_VC_ISSUER, appended_well_known, parse_identifier, well_known,
};
use oid4vci::sender::SenderMetadata;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json, to_value};

const ISSUER: &str = "https://issuer.example/a";

/// META-02, ASMETA-01, AMB-01: where the documents are, at the place of 1.0.
#[test]
fn well_known_places_are_inserted() {
    let issuer = "/.well-known/openid-credential-issuer";
    let server = "/.well-known/oauth-authorization-server";
    let cases = [
        ("META-02: no path", "https://h.example", CREDENTIAL_ISSUER, issuer, ""),
        ("META-02: a path", "https://h.example/a/b", CREDENTIAL_ISSUER, issuer, "/a/b"),
        ("META-01: a port", "https://h.example:8443/a", CREDENTIAL_ISSUER, issuer, "/a"),
        ("AMB-01: the slash is kept", "https://h.example/a/", CREDENTIAL_ISSUER, issuer, "/a/"),
        ("an escape is kept", "https://h.example/a%2Fb", CREDENTIAL_ISSUER, issuer, "/a%2Fb"),
        ("ASMETA-01: no path", "https://h.example", AUTHORIZATION_SERVER, server, ""),
        ("ASMETA-01: a path", "https://h.example/a", AUTHORIZATION_SERVER, server, "/a"),
        ("ASMETA-01: no slash", "https://h.example/a/", AUTHORIZATION_SERVER, server, "/a"),
        ("FMT-SDJWT-09", "https://h.example/a", JWT_VC_ISSUER, "/.well-known/jwt-vc-issuer", "/a"),
    ];
    for (rule, identifier, name, place, path) in cases {
        let url = well_known(identifier, name).unwrap();
        assert_eq!(url.path(), format!("{place}{path}"), "{rule}");
        assert_eq!(url.port(), identifier.contains("8443").then_some(8443), "{rule}");
    }
    let drafts = appended_well_known("https://h.example/a/", CREDENTIAL_ISSUER).unwrap();
    assert_eq!(drafts.path(), "/a/.well-known/openid-credential-issuer", "the drafts before 1.0");
    let root = appended_well_known("https://h.example", CREDENTIAL_ISSUER).unwrap();
    assert_eq!(root.path(), issuer, "the drafts before 1.0, no path");
}

/// META-01, A10: what is a Credential Issuer Identifier.
#[test]
fn an_identifier_is_read_as_it_is_written() {
    let long = format!("https://h.example/{}", "a".repeat(IDENTIFIER_BYTES_MAX));
    let cases = [
        ("META-01", "https://h.example", true),
        ("META-01: a slash", "https://h.example/", true),
        ("META-01: port and path", "https://h.example:8443/a/b", true),
        ("META-01: case-sensitive path", "https://h.example/Tenant", true),
        ("A10: capitals in the host", "https://H.Example/a", true),
        (
            "A10: a name of another script, as it is looked up",
            "https://xn--bcher-kva.example",
            true,
        ),
        ("an address", "https://[::1]:8443/a", true),
        ("on this machine; the Wallet decides", "http://localhost:8080", true),
        ("META-01: a query", "https://h.example?a", false),
        ("META-01: an empty query", "https://h.example/?", false),
        ("META-01: a fragment", "https://h.example#a", false),
        ("META-01: an empty fragment", "https://h.example/a#", false),
        ("META-01: another scheme", "ftp://h.example", false),
        ("META-01: no host", "https://", false),
        ("META-01: no scheme", "h.example", false),
        ("META-01: a DID", "did:web:h.example", false),
        ("A10: a user", "https://h.example@e.example", false),
        ("A10: an empty user", "https://@h.example", false),
        ("A10: a password", "https://a:b@h.example", false),
        ("A10: a backslash", r"https://h.example\@e.example", false),
        ("A10: dots", "https://h.example/a/../b", false),
        ("A10: escaped dots", "https://h.example/a/%2e%2e/b", false),
        ("A10: a tab", "https://h.exa\tmple", false),
        ("A10: white space around", " https://h.example", false),
        ("A10: white space inside", "https://h.example/a b", false),
        ("A10: another script", "https://b\u{fc}cher.example", false),
        ("A10: text that runs backwards", "https://h.example/\u{202e}a", false),
        ("A01: an address in disguise", "https://0x7f000001/", false),
        ("A01: a short address", "https://127.1/", false),
        ("A10: the usual port", "https://h.example:443", false),
        ("A10: too few slashes", "https:h.example", false),
        ("A10: too many slashes", "https:///h.example", false),
        ("too long", &long, false),
        ("nothing", "", false),
    ];
    for (rule, identifier, good) in cases {
        assert_eq!(parse_identifier(identifier).is_some(), good, "{rule}: {identifier:.60}");
        assert_eq!(well_known(identifier, CREDENTIAL_ISSUER).is_some(), good, "{rule}");
        assert_eq!(appended_well_known(identifier, CREDENTIAL_ISSUER).is_some(), good, "{rule}");
    }
}

fn configuration() -> CredentialConfiguration {
    CredentialConfiguration {
        format: "dc+sd-jwt".into(),
        scope: None,
        format_members: [("vct".to_owned(), json!("https://issuer.example/student"))]
            .into_iter()
            .collect(),
        credential_signing_alg_values_supported: vec!["ES256".into()],
        cryptographic_binding_methods_supported: vec!["jwk", "did:jwk"],
        proof_types_supported: proof_types_supported(
            &[Es256, EdDsa],
            KeyAttestationPolicy::NONE,
            false,
        ),
        credential_metadata: json!({ "display": [{ "name": "Student card" }] }),
    }
}

fn issuer_metadata(
    batch_credential_issuance: Option<BatchCredentialIssuance>,
    configuration: CredentialConfiguration,
) -> Value {
    to_value(CredentialIssuerMetadata {
        credential_issuer: ISSUER.into(),
        authorization_servers: Vec::new(),
        credential_endpoint: format!("{ISSUER}/credential"),
        nonce_endpoint: format!("{ISSUER}/nonce"),
        deferred_credential_endpoint: None,
        notification_endpoint: None,
        credential_request_encryption: None,
        credential_response_encryption: None,
        batch_credential_issuance,
        display: vec![IssuerDisplay { name: "Riverside".into(), locale: "en".into(), logo: None }],
        credential_configurations_supported: BTreeMap::from([("card".into(), configuration)]),
    })
    .unwrap_or_default()
}

/// VCI §12.2.4: what we publish.
#[test]
fn our_metadata_is_the_one_of_the_spec() {
    let published =
        issuer_metadata(Some(BatchCredentialIssuance { batch_size: 2 }), configuration());
    let expected = json!({
        "credential_issuer": ISSUER, // META-12
        "credential_endpoint": "https://issuer.example/a/credential", // META-17
        "nonce_endpoint": "https://issuer.example/a/nonce", // META-18, NONCE-01
        "batch_credential_issuance": { "batch_size": 2 }, // META-23
        "display": [{ "name": "Riverside", "locale": "en" }], // META-24
        "credential_configurations_supported": { "card": { // META-27
            "format": "dc+sd-jwt", // META-28, FMT-SDJWT-01
            "vct": "https://issuer.example/student", // FMT-SDJWT-03
            "credential_signing_alg_values_supported": ["ES256"], // META-32
            "cryptographic_binding_methods_supported": ["jwk", "did:jwk"], // META-33, META-34
            "proof_types_supported": { // META-35, META-37
                "jwt": { "proof_signing_alg_values_supported": ["ES256", "EdDSA"] }, // META-36
            },
            "credential_metadata": { "display": [{ "name": "Student card" }] }, // META-39
        } },
    });
    assert_eq!(published, expected);
}

/// META-22, META-33, META-35: what is not supported is absent, not empty.
#[test]
fn our_metadata_leaves_out_what_there_is_not() {
    let unbound = CredentialConfiguration {
        cryptographic_binding_methods_supported: Vec::new(),
        proof_types_supported: serde_json::Map::new(),
        ..configuration()
    };
    let published = issuer_metadata(None, unbound);
    assert!(published.get("batch_credential_issuance").is_none(), "META-22");
    let card = published.pointer("/credential_configurations_supported/card").unwrap();
    assert!(card.get("cryptographic_binding_methods_supported").is_none(), "META-33");
    assert!(card.get("proof_types_supported").is_none(), "META-35");
    assert!(card.get("scope").is_none(), "META-29");
}

/// VCI §12.3, RFC 8414 §2: what the authorization server publishes.
#[test]
fn our_server_metadata_is_the_one_of_the_spec() {
    let metadata = |sender| AuthorizationServerMetadata {
        issuer: ISSUER.into(),
        token_endpoint: format!("{ISSUER}/token"),
        grant_types_supported: vec![PRE_AUTHORIZED_CODE],
        token_endpoint_auth_methods_supported: vec!["none"],
        authorization_details_types_supported: vec!["openid_credential"],
        pre_authorized_grant_anonymous_access_supported: true,
        sender,
        code_flow: None,
    };
    let published = to_value(metadata(SenderMetadata::default()));
    let expected = json!({
        "issuer": ISSUER,
        "token_endpoint": "https://issuer.example/a/token",
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:pre-authorized_code"], // ASMETA-04
        "token_endpoint_auth_methods_supported": ["none"], // ASMETA-05
        "authorization_details_types_supported": ["openid_credential"], // META-31, RFC 9396 §10
        "pre-authorized_grant_anonymous_access_supported": true, // ASMETA-02
    });
    assert_eq!(published.unwrap(), expected, "what is off is not named");
    let published = to_value(metadata(SenderMetadata {
        dpop_signing_alg_values_supported: vec!["ES256"],
        client_attestation_signing_alg_values_supported: vec!["ES256"],
        client_attestation_pop_signing_alg_values_supported: vec!["EdDSA"],
        challenge_endpoint: Some(format!("{ISSUER}/challenge")),
    }))
    .unwrap();
    assert_eq!(published["dpop_signing_alg_values_supported"], json!(["ES256"]), "RFC 9449 §5.1");
    let (attestation, pop) = (
        &published["client_attestation_signing_alg_values_supported"],
        &published["client_attestation_pop_signing_alg_values_supported"],
    );
    assert_eq!((attestation, pop), (&json!(["ES256"]), &json!(["EdDSA"])), "WALATT-11");
    assert_eq!(published["challenge_endpoint"], "https://issuer.example/a/challenge", "WALATT-10");
}
