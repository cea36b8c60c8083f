//! HAIP §4 and HAIP §6.1 as tables: issuers that a Wallet of the profile takes, and that it leaves.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
mod refusals;

use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_from_pem;
use oid4vci::haip::{HaipFinding, check_chain, check_metadata};
use oid4vci::metadata::{ReceivedIssuerMetadata, ReceivedServerMetadata};
use refusals::check_texts;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";

/// An issuer that keeps the profile.
fn issuer() -> Value {
    json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": "https://issuer.example/credential",
        "nonce_endpoint": "https://issuer.example/nonce",
        "credential_configurations_supported": {
            "card": {
                "format": "dc+sd-jwt", "vct": "urn:card", "scope": "card",
                "cryptographic_binding_methods_supported": ["jwk"],
            },
            "ticket": { "format": "dc+sd-jwt", "vct": "urn:ticket", "scope": "ticket" },
        },
    })
}

fn server() -> Value {
    json!({
        "issuer": ISSUER,
        "token_endpoint": "https://issuer.example/token",
        "authorization_endpoint": "https://issuer.example/authorize",
        "pushed_authorization_request_endpoint": "https://issuer.example/par",
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["attest_jwt_client_auth"],
    })
}

fn verdict(issuer: &Value, server: &Value) -> Result<(), HaipFinding> {
    let issuer = ReceivedIssuerMetadata::parse(issuer.to_string().as_bytes(), ISSUER).unwrap();
    let server = ReceivedServerMetadata::parse(server.to_string().as_bytes(), ISSUER).unwrap();
    check_metadata(&issuer, &server)
}

/// HAIP-02, HAIP-04, HAIP-05, HAIP-25, HAIP-30: what the authorization server must say of itself.
#[test]
fn an_authorization_server_keeps_the_profile_or_is_left() {
    use HaipFinding::{
        AnonymousWallets, NoCodeFlow, NoDpop, NoIss, NoPushedRequests, NoS256, NoWalletAttestation,
    };
    assert_eq!(verdict(&issuer(), &server()), Ok(()));
    let methods = "token_endpoint_auth_methods_supported";
    let cases = [
        ("HAIP-02", "authorization_endpoint", json!(null), NoCodeFlow),
        ("HAIP-02", "grant_types_supported", json!(["x"]), NoCodeFlow),
        ("HAIP-04", "code_challenge_methods_supported", json!(["plain"]), NoS256),
        ("HAIP-04: nothing is said", "code_challenge_methods_supported", json!(null), NoS256),
        ("HAIP-04", "pushed_authorization_request_endpoint", json!(null), NoPushedRequests),
        ("HAIP-04", "authorization_response_iss_parameter_supported", json!(false), NoIss),
        ("HAIP-05", "dpop_signing_alg_values_supported", json!([]), NoDpop),
        ("HAIP-25", methods, json!(["attest_jwt_client_auth", "none"]), AnonymousWallets),
        (
            "HAIP-25",
            "pre-authorized_grant_anonymous_access_supported",
            json!(true),
            AnonymousWallets,
        ),
        ("HAIP-30", methods, json!(["private_key_jwt"]), NoWalletAttestation),
        ("HAIP-30: nothing is said", methods, json!(null), NoWalletAttestation),
    ];
    for (rule, member, value, finding) in cases {
        let mut server = server();
        let members = server.as_object_mut().unwrap();
        members.insert(member.to_owned(), value.clone());
        if value.is_null() {
            members.remove(member);
        }
        assert_eq!(verdict(&issuer(), &server), Err(finding), "{rule} {member}");
    }
}

/// HAIP-13, HAIP-17, HAIP-23: what the issuer must say of what it issues.
#[test]
fn an_issuer_keeps_the_profile_or_is_left() {
    use HaipFinding::{NoNonceEndpoint, NoScope, SharedScope};
    let configuration = "/credential_configurations_supported";
    let cases = [
        ("HAIP-13", format!("{configuration}/ticket/scope"), json!(null), Some(NoScope)),
        ("RFC 6749 §3.3", format!("{configuration}/ticket/scope"), json!("a b"), Some(NoScope)),
        ("HAIP-23", format!("{configuration}/ticket/scope"), json!("card"), Some(SharedScope)),
        ("HAIP-17", "/nonce_endpoint".to_owned(), json!(null), Some(NoNonceEndpoint)),
    ];
    for (rule, place, value, finding) in cases {
        let mut issuer = issuer();
        *issuer.pointer_mut(&place).unwrap() = value;
        assert_eq!(verdict(&issuer, &server()).err(), finding, "{rule} {place}");
    }
    let mut same = issuer();
    *same.pointer_mut(&format!("{configuration}/ticket")).unwrap() =
        json!({ "format": "vc+sd-jwt", "vct": "urn:card", "scope": "card" });
    assert_eq!(verdict(&same, &server()), Ok(()), "HAIP-23: one kind in two formats");
    *same.pointer_mut(&format!("{configuration}/ticket")).unwrap() =
        json!({ "format": "mso_mdoc", "doctype": "org.card", "scope": "card" });
    assert_eq!(verdict(&same, &server()), Ok(()), "HAIP-23: who could tell that it is another");
}

/// HAIP-19, HAIP-23, AUTHZ-11: by which scopes a Wallet may ask.
#[test]
fn scopes_are_used_where_they_mean_what_is_wanted() {
    let scopes = |change: &dyn Fn(&mut Value), ids: &[&str]| {
        let mut issuer = issuer();
        change(&mut issuer["credential_configurations_supported"]);
        let issuer = ReceivedIssuerMetadata::parse(issuer.to_string().as_bytes(), ISSUER);
        issuer.unwrap().exact_scopes(ids.iter().copied()).map(|scopes| scopes.join(" "))
    };
    let (both, same) = (["card", "ticket"], |_: &mut Value| {});
    assert_eq!(scopes(&same, &both).as_deref(), Some("card ticket"));
    assert_eq!(scopes(&same, &["ticket"]).as_deref(), Some("ticket"));
    let none = |all: &mut Value| all["ticket"]["scope"] = json!(null);
    assert_eq!(scopes(&none, &both), None, "META-31: not every one has a scope");
    assert_eq!(scopes(&none, &["card"]).as_deref(), Some("card"));
    let shared = |all: &mut Value| all["ticket"]["scope"] = json!("card");
    assert_eq!(scopes(&shared, &["card"]), None, "that would ask for the ticket too");
    let twice = |all: &mut Value| {
        all["ticket"]["scope"] = json!("card");
        all["ticket"]["vct"] = json!("urn:card");
    };
    assert_eq!(scopes(&twice, &both).as_deref(), Some("card"), "one value, once");
    assert_eq!(scopes(&same, &["other"]), None);
    let by_profile = |change: &dyn Fn(&mut Value)| {
        let mut issuer = issuer();
        change(&mut issuer["credential_configurations_supported"]);
        let issuer = ReceivedIssuerMetadata::parse(issuer.to_string().as_bytes(), ISSUER);
        issuer.unwrap().scopes(["card"].into_iter()).map(|scopes| scopes.join(" "))
    };
    assert_eq!(by_profile(&shared).as_deref(), Some("card"), "HAIP-23: it must be by scope");
    let gone = |all: &mut Value| all["card"]["scope"] = json!(null);
    assert_eq!(by_profile(&gone), None);
}

/// HAIP-15, HAIP-44, HAIP-46: whoever signs is certified by somebody else, and leaves the anchor
/// out.
#[test]
fn a_chain_begins_with_the_signer_and_ends_before_the_anchor() {
    let now = Timestamp(1_750_000_000);
    let ca = DevelopmentCa::generate("Test CA", now).unwrap();
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let leaf = ca.signing_certificate(key.public_key(), "Test", ISSUER, now).unwrap();
    let leaf = x5c_from_pem(&leaf).unwrap();
    let anchor = x5c_from_pem(ca.certificate_pem()).unwrap();
    assert_eq!(check_chain(Some(&leaf)), Ok(()));
    assert_eq!(check_chain(None), Err(HaipFinding::NoCertificate));
    assert_eq!(check_chain(Some(&[])), Err(HaipFinding::NoCertificate));
    assert_eq!(check_chain(Some(&anchor)), Err(HaipFinding::SelfSigned));
    let whole = [leaf, anchor].concat();
    assert_eq!(check_chain(Some(&whole)), Err(HaipFinding::AnchorIncluded));
}

/// A finding names its rule.
#[test]
fn each_finding_says_what_is_wrong_and_against_which_rule() {
    let all = every!(HaipFinding {
        NoCodeFlow,
        NoS256,
        NoPushedRequests,
        NoIss,
        NoDpop,
        NoScope,
        NoNonceEndpoint,
        SharedScope,
        AnonymousWallets,
        NoWalletAttestation,
        NoJwk,
        OtherStatus,
        NoCertificate,
        SelfSigned,
        AnchorIncluded,
    });
    for finding in all {
        let message = finding.message();
        assert!(message.starts_with("HAIP ") && message.contains(" (HAIP-"), "{message}");
    }
    let texts = all.map(|finding| finding.message().split_once("): ").unwrap().1);
    check_texts(&texts);
}
