//! VCI §12.2.4 and RFC 8414 §3.3 as tables: metadata that a Wallet takes, and that it discards.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
mod refusals;

use oid4vci::metadata::{
    CLAIMS_MAX, MetadataError, ReceivedConfiguration, ReceivedIssuerMetadata,
    ReceivedServerMetadata,
};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use refusals::check_texts;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example/a";

/// The smallest metadata of 1.0, with more members or others.
fn document(more: &Value) -> Vec<u8> {
    let mut document = json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": "https://issuer.example/a/credential",
        "credential_configurations_supported": {},
    });
    if let (Some(document), Some(more)) = (document.as_object_mut(), more.as_object()) {
        document.extend(more.clone());
    }
    document.to_string().into_bytes()
}

/// VCI §12.2.4: metadata that a Wallet uses, and metadata that it discards.
#[test]
fn issuer_metadata_is_taken_or_discarded() {
    use MetadataError::{BadEndpoint, NoConfigurations, OtherIssuer};
    let cases = [
        ("META-43: unknown members", json!({ "x": 1 }), Ok(())),
        ("META-18: no nonce", json!({ "nonce_endpoint": null }), Ok(())),
        ("META-17: a query", json!({ "credential_endpoint": "https://h.example/c?a=b" }), Ok(())),
        (
            "META-13: a slash",
            json!({ "credential_issuer": format!("{ISSUER}/") }),
            Err(OtherIssuer),
        ),
        (
            "META-13: case",
            json!({ "credential_issuer": "https://Issuer.example/a" }),
            Err(OtherIssuer),
        ),
        ("META-12: missing", json!({ "credential_issuer": null }), Err(OtherIssuer)),
        ("META-17: missing", json!({ "credential_endpoint": null }), Err(BadEndpoint)),
        ("META-17: no URL", json!({ "credential_endpoint": "/credential" }), Err(BadEndpoint)),
        ("META-17: ftp", json!({ "credential_endpoint": "ftp://h.example/c" }), Err(BadEndpoint)),
        ("META-17: a script", json!({ "credential_endpoint": "javascript:1" }), Err(BadEndpoint)),
        (
            "META-17: a user",
            json!({ "credential_endpoint": "https://a@h.example" }),
            Err(BadEndpoint),
        ),
        ("META-18: no URL", json!({ "nonce_endpoint": 1 }), Err(BadEndpoint)),
        (
            "META-27: none",
            json!({ "credential_configurations_supported": null }),
            Err(NoConfigurations),
        ),
        (
            "META-27: drafts",
            json!({ "credential_configurations_supported": [] }),
            Err(NoConfigurations),
        ),
    ];
    for (rule, more, expected) in cases {
        let read = ReceivedIssuerMetadata::parse(&document(&more), ISSUER).map(|_| ());
        assert_eq!(read, expected, "{rule}");
    }
    let repeated = br#"{"credential_issuer":"https://issuer.example/a","credential_issuer":"x"}"#;
    for body in [&repeated[..], b"", b"{", b"[]", b"null", b"\"https://issuer.example/a\"", b"\xff"]
    {
        let read = ReceivedIssuerMetadata::parse(body, ISSUER).map(|_| ());
        assert_eq!(read, Err(MetadataError::NotJson), "G03, G07: {body:?}");
        let read = ReceivedServerMetadata::parse(body, ISSUER).map(|_| ());
        assert_eq!(read, Err(MetadataError::NotJson), "G03, G07: {body:?}");
    }
}

/// META-18, META-22, META-23: what is absent.
#[test]
fn absent_members_have_their_meaning() {
    let read = |more| ReceivedIssuerMetadata::parse(&document(&more), ISSUER).unwrap();
    let bare = read(json!({}));
    assert_eq!((bare.nonce_endpoint, bare.batch_size), (None, 1));
    assert_eq!(bare.authorization_servers, [ISSUER], "META-14");
    let sizes = [
        ("META-23", json!({ "batch_size": 10 }), 10),
        ("META-23: nonsense", json!({ "batch_size": 0 }), 1),
        ("META-23: negative", json!({ "batch_size": -1 }), 1),
        ("META-23: missing", json!({}), 1),
    ];
    for (rule, batch, expected) in sizes {
        let metadata = read(json!({ "batch_credential_issuance": batch }));
        assert_eq!(metadata.batch_size, expected, "{rule}");
    }
}

/// OFFER-13, OFFER-14, META-14, META-15, META-16, AMB-22, A13: which server a Wallet goes to.
#[test]
fn the_authorization_server_is_one_of_the_issuer() {
    let (one, two) = ("https://one.example", "https://two.example");
    let foreign = Err(MetadataError::ForeignAuthorizationServer);
    let cases = [
        ("META-14: none named", json!([]), None, Ok(ISSUER)),
        ("META-16: the first", json!([one, two]), None, Ok(one)),
        ("OFFER-13: the offered one", json!([one, two]), Some(two), Ok(two)),
        ("AMB-22: the only one", json!([one]), Some(one), Ok(one)),
        ("AMB-22: the issuer itself", json!([]), Some(ISSUER), Ok(ISSUER)),
        ("OFFER-14: a foreign one", json!([one, two]), Some("https://evil.example"), foreign),
        ("OFFER-14: with a slash", json!([one, two]), Some("https://one.example/"), foreign),
        ("AMB-22: foreign, none named", json!([]), Some(one), foreign),
        ("OFFER-14: the issuer is not among them", json!([one, two]), Some(ISSUER), foreign),
    ];
    for (rule, servers, offered, expected) in cases {
        let more = if servers == json!([]) {
            json!({})
        } else {
            json!({ "authorization_servers": servers })
        };
        let metadata = ReceivedIssuerMetadata::parse(&document(&more), ISSUER).unwrap();
        assert_eq!(metadata.authorization_server(offered), expected, "{rule}");
    }
}

fn received(configuration: &Value) -> ReceivedConfiguration {
    let more = json!({ "credential_configurations_supported": { "a": configuration } });
    let metadata = ReceivedIssuerMetadata::parse(&document(&more), ISSUER);
    metadata.unwrap().configurations.remove("a").unwrap()
}

/// META-33, META-35, META-36, CRED-09, AMB-12: whether a proof is needed, and which are possible.
#[test]
fn a_configuration_says_which_proofs_it_takes() {
    let jwt = |names: &[&str]| json!({ "jwt": { "proof_signing_alg_values_supported": names } });
    let cases = [
        ("META-35", json!(["jwk"]), jwt(&["ES256"]), true, "jwk ES256"),
        ("META-34", json!(["did:key", "did:jwk"]), jwt(&["EdDSA"]), true, "did:key did:jwk EdDSA"),
        ("META-43", json!(["did:ebsi", "jwk"]), jwt(&["RS256", "ES384"]), true, "jwk ES384"),
        ("META-34: did:web", json!(["did:web"]), jwt(&["ES256"]), true, "did:web ES256"),
        ("AMB-12: no types", json!(["jwk"]), Value::Null, true, "jwk ES256"),
        ("AMB-12: no methods", Value::Null, jwt(&["ES256"]), true, "jwk ES256"),
        ("META-34: unknown only", json!(["did:ebsi"]), jwt(&["ES256"]), true, "ES256"),
        ("FMT-MDOC-06", json!(["cose_key"]), jwt(&["ES256"]), true, "cose_key ES256"),
        ("PROOF-04: another type", json!(["jwk"]), json!({ "di_vp": {} }), true, "jwk"),
        (
            "PROOF-03",
            json!(["jwk"]),
            json!({ "attestation": { "proof_signing_alg_values_supported": ["EdDSA"] } }),
            true,
            "jwk EdDSA",
        ),
        (
            "PROOF-22: by a DID alone",
            json!(["jwk", "did:jwk"]),
            json!({ "di_vp": { "proof_signing_alg_values_supported": ["x", "eddsa-rdfc-2022"] } }),
            true,
            "did:jwk EdDSA",
        ),
        (
            "PROOF-20",
            Value::Null,
            json!({ "di_vp": { "proof_signing_alg_values_supported": ["ecdsa-jcs-2019"] } }),
            true,
            "did:key ES256 ES384",
        ),
        ("META-36: no algorithms", json!(["jwk"]), json!({ "jwt": {} }), true, "jwk"),
        ("CRED-09: neither", Value::Null, Value::Null, false, "ES256"),
    ];
    for (rule, methods, types, needs_proof, possible) in cases {
        let read = received(&json!({
            "cryptographic_binding_methods_supported": methods, "proof_types_supported": types,
        }));
        assert_eq!(read.needs_proof, needs_proof, "{rule}");
        let methods = read.binding_methods.iter().map(|method| method.name());
        let algorithms = read.proof_algorithms.iter().map(|algorithm| algorithm.name());
        let found: Vec<&str> = methods.chain(algorithms).collect();
        assert_eq!(found.join(" "), possible, "{rule}");
    }
}

/// META-37, META-38, PROOF-03: whether keys must be attested, where, and how well.
#[test]
fn a_configuration_says_whether_keys_must_be_attested() {
    let high = json!({ "key_storage": ["high"] });
    let demanded = json!({ "key_attestations_required": high });
    let cases = [
        ("not at all", json!({ "jwt": {} }), None),
        ("in the header", json!({ "jwt": demanded }), Some((vec!["high".to_owned()], false))),
        (
            "of any level",
            json!({ "jwt": { "key_attestations_required": {} } }),
            Some((vec![], false)),
        ),
        (
            "nothing of use",
            json!({ "jwt": { "key_attestations_required": [1] } }),
            Some((vec![], false)),
        ),
        ("left out", json!({ "jwt": { "key_attestations_required": null } }), None),
        ("both: by proof", json!({ "jwt": {}, "attestation": demanded }), None),
        ("alone", json!({ "attestation": demanded }), Some((vec!["high".to_owned()], true))),
        ("alone, any", json!({ "attestation": {} }), Some((vec![], true))),
    ];
    for (rule, types, expected) in cases {
        let read = received(&json!({ "proof_types_supported": types })).key_attestation;
        let found = read.map(|wanted| (wanted.required.key_storage, wanted.is_alone));
        assert_eq!(found, expected, "{rule}");
    }
}

/// CLAIM-08 to CLAIM-10
#[test]
fn descriptions_of_claims_may_contradict_each_other() {
    let described = |paths: Value| {
        let claims: Vec<Value> =
            paths.as_array().unwrap().iter().map(|path| json!({ "path": path })).collect();
        received(&json!({ "credential_metadata": { "claims": claims } })).contradicts_itself()
    };
    assert!(!described(json!([["a"], ["a", "b"], ["c", null]])));
    assert!(described(json!([["a"], ["b"], ["a"]])));
    assert!(described(json!([["a", null], ["a", 1]])));
    assert!(described(json!([["a", "b"], ["a", null]])));
}

/// CLAIM-08: each description is held against all others, so the work grows with the square of their
/// number: a stranger's 150,000, which fit into a document, are not all held against each other.
#[test]
fn many_descriptions_of_claims_do_not_keep_a_wallet_busy() {
    let described = |claims: Vec<Value>| {
        received(&json!({ "credential_metadata": { "claims": claims } })).contradicts_itself()
    };
    let other = |n: usize| json!({ "path": ["a", n] });
    assert!(!described((0..150_000).map(other).collect()), "this would take minutes");
    let long = vec![json!("a"); 4000];
    assert!(!described(vec![json!({ "path": long }); CLAIMS_MAX]));
    let last = |place| (0..place).map(other).chain([other(0)]).collect();
    assert!(described(last(CLAIMS_MAX - 1)));
    assert!(!described(last(CLAIMS_MAX)), "nobody sees it");
}

/// META-28, META-39, META-45: what is shown, and what the credential will be.
#[test]
fn a_configuration_says_what_it_is() {
    let card = received(&json!({
        "format": "dc+sd-jwt", "vct": "v",
        "credential_metadata": { "display": [{ "name": "new" }], "claims": [{ "path": ["a"] }] },
        "display": [{ "name": "old" }],
    }));
    assert_eq!((card.format.as_str(), card.vct.as_deref()), ("dc+sd-jwt", Some("v")));
    assert_eq!(card.display, [json!({ "name": "new" })], "META-40");
    assert_eq!(card.claims, [json!({ "path": ["a"] })], "CLAIM-04");

    let diploma = received(&json!({
        "format": "jwt_vc_json", "credential_definition": { "type": ["A", "B"] },
        "display": [{ "name": "old" }],
    }));
    assert_eq!(diploma.types, ["A", "B"], "FMT-JWT-04");
    assert_eq!(diploma.display, [json!({ "name": "old" })], "META-45");

    let linked = |definition: Value| {
        received(&json!({ "format": "ldp_vc", "credential_definition": definition })).contexts
    };
    let contexts = json!(["https://www.w3.org/ns/credentials/v2", { "name": "https://a.example" }]);
    let read = linked(json!({ "@context": contexts, "type": ["A"] }));
    assert_eq!(Value::from(read), contexts, "FMT-LDP-04, FMT-JWTLD-03");
    for none in [json!({ "type": ["A"] }), json!({ "@context": "https://a.example" }), json!("A")] {
        assert!(linked(none).is_empty(), "FMT-LDP-04: only an array names contexts");
    }

    for nonsense in [json!({}), json!([]), json!(null), json!({ "format": 1, "display": "x" })] {
        let read = received(&nonsense);
        assert!(read.format.is_empty() && read.display.is_empty() && !read.needs_proof);
    }
}

/// RFC 8414 §3.3, ASMETA-02, ASMETA-04, ASMETA-06, ASMETA-07: what a Wallet takes from a server.
#[test]
fn server_metadata_is_taken_or_discarded() {
    let server = |more: Value| {
        let mut server = json!({ "issuer": ISSUER, "token_endpoint": "https://issuer.example/t" });
        server.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ReceivedServerMetadata::parse(server.to_string().as_bytes(), ISSUER)
    };
    let anonymous = "pre-authorized_grant_anonymous_access_supported";
    let cases = [
        ("TOKEN-08: false when absent", json!({}), Ok((false, None))),
        ("ASMETA-02", json!({ (anonymous): true }), Ok((true, None))),
        ("ASMETA-02: a string", json!({ (anonymous): "true" }), Ok((false, None))),
        (
            "ASMETA-04",
            json!({ "grant_types_supported": [PRE_AUTHORIZED_CODE] }),
            Ok((false, Some(true))),
        ),
        (
            "ASMETA-04: not ours",
            json!({ "grant_types_supported": ["implicit"] }),
            Ok((false, Some(false))),
        ),
        ("ASMETA-06: unknown", json!({ "x": {} }), Ok((false, None))),
        (
            "ASMETA-07",
            json!({ "issuer": "https://issuer.example" }),
            Err(MetadataError::OtherIssuer),
        ),
        ("ASMETA-07: missing", json!({ "issuer": null }), Err(MetadataError::OtherIssuer)),
        ("RFC 8414 §2", json!({ "token_endpoint": null }), Err(MetadataError::BadEndpoint)),
        (
            "RFC 8414 §2: a file",
            json!({ "token_endpoint": "file:///t" }),
            Err(MetadataError::BadEndpoint),
        ),
    ];
    for (rule, more, expected) in cases {
        let read =
            server(more).map(|read| (read.anonymous_access, read.grants_pre_authorized_code));
        assert_eq!(read, expected, "{rule}");
    }
}

#[test]
fn each_refusal_of_metadata_has_its_own_text() {
    let all = every!(MetadataError {
        NotJson,
        OtherIssuer,
        BadEndpoint,
        NoConfigurations,
        ContradictoryClaims,
        ForeignAuthorizationServer,
    });
    check_texts(&all.map(MetadataError::message));
}

/// CRED-15, CRED-16, META-37: the Wallet sees what it cannot do before it spends the code.
#[test]
fn demands_are_seen() {
    let document = |extra: Value| {
        let mut document = json!({
            "credential_issuer": "https://issuer.example",
            "credential_endpoint": "https://issuer.example/credential",
            "credential_configurations_supported": { "card": { "format": "dc+sd-jwt",
                "proof_types_supported": { "jwt": {
                    "proof_signing_alg_values_supported": ["ES256"],
                    "key_attestations_required": {} } } } },
        });
        document.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let body = document.to_string();
        ReceivedIssuerMetadata::parse(body.as_bytes(), "https://issuer.example").unwrap()
    };
    let plain = document(json!({}));
    assert!(!plain.encryption.is_required());
    assert!(plain.configurations.get("card").unwrap().key_attestation.is_some());
    for kind in ["credential_request_encryption", "credential_response_encryption"] {
        for required in [true, false] {
            let document = document(json!({ kind: { "encryption_required": required } }));
            assert_eq!(document.encryption.is_required(), required, "{kind}");
        }
    }
}
