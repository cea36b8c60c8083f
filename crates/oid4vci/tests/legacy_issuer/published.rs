//! Offers and metadata in the words of the drafts.

use oid4vci::metadata::{
    AuthorizationServerMetadata, CredentialConfiguration, CredentialIssuerMetadata,
};
use oid4vci::offer::{CredentialOffer, InputMode, TxCodeInput};
use oid4vci::secret::PreAuthorizedCode;
use oid4vci::sender::SenderMetadata;
use serde_json::{Value, json};

use crate::{ISSUER, TYPES, configuration, dialect, example};

fn offer<'o>(
    ids: &'o [String],
    code: &'o PreAuthorizedCode,
    tx_code: Option<TxCodeInput>,
) -> CredentialOffer<'o> {
    CredentialOffer {
        credential_issuer: ISSUER,
        credential_configuration_ids: ids,
        pre_authorized_code: Some(code),
        tx_code,
        issuer_state: None,
        authorization_server: None,
    }
}

#[test]
fn offers_are_those_of_the_examples() {
    let ids = ["UniversityDegreeCredential".to_owned()];
    let code = PreAuthorizedCode::new("adhjhdjajkdkhjhdj");
    let wanted = TxCodeInput { input_mode: InputMode::Numeric, ..TxCodeInput::default() };
    let made = dialect("12").offer(&offer(&ids, &code, Some(wanted.clone())));
    assert_eq!(made, example("12/credential_offer_pre-authz_code.json"));
    for draft in ["13", "14", "15"] {
        let expected = example(&format!("{draft}/credential_offer_pre-authz_code.json"));
        let tx_code = expected
            .pointer("/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code/tx_code");
        let tx_code: TxCodeInput = serde_json::from_value(tx_code.unwrap().clone()).unwrap();
        let mut made = dialect(draft).offer(&offer(&ids, &code, Some(tx_code)));
        let grant =
            made.pointer_mut("/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code");
        let written = grant.unwrap().get_mut("tx_code").unwrap().as_object_mut().unwrap();
        assert_eq!(written.remove("input_mode"), Some(json!("numeric")), "the default, said");
        let mut expected = expected;
        let grant =
            expected.pointer_mut("/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code");
        grant.unwrap().get_mut("tx_code").unwrap().as_object_mut().unwrap().remove("input_mode");
        assert_eq!(made, expected, "{draft}");
    }
    let flat = dialect("8").offer_link(&offer(&ids, &code, Some(wanted.clone())));
    let expected = "openid-initiate-issuance://?issuer=https%3A%2F%2Fcredential-issuer.example.com\
                    &credential_type=UniversityDegreeCredential\
                    &pre-authorized_code=adhjhdjajkdkhjhdj&user_pin_required=true";
    assert_eq!(flat, expected, "draft 8, section 4.1.2");
    let nine = dialect("9").offer(&offer(&ids, &code, Some(wanted)));
    let expected = json!({
        "issuer": ISSUER,
        "credentials": ids,
        "pre-authorized_code": "adhjhdjajkdkhjhdj",
        "user_pin_required": true,
    });
    assert_eq!(nine, expected, "draft 9, section 4.1");
}

fn published(draft: &str, id: &str, configuration: CredentialConfiguration) -> Value {
    let metadata = CredentialIssuerMetadata {
        credential_issuer: ISSUER.to_owned(),
        authorization_servers: Vec::new(),
        credential_endpoint: format!("{ISSUER}/credential"),
        nonce_endpoint: format!("{ISSUER}/nonce"),
        deferred_credential_endpoint: None,
        notification_endpoint: None,
        credential_request_encryption: None,
        credential_response_encryption: None,
        batch_credential_issuance: None,
        display: Vec::new(),
        credential_configurations_supported: [(id.to_owned(), configuration)].into(),
    };
    let server = AuthorizationServerMetadata {
        issuer: ISSUER.to_owned(),
        token_endpoint: format!("{ISSUER}/token"),
        grant_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: Vec::new(),
        authorization_details_types_supported: Vec::new(),
        pre_authorized_grant_anonymous_access_supported: true,
        sender: SenderMetadata::default(),
        code_flow: None,
    };
    dialect(draft).issuer_metadata(&metadata, &server, "batch")
}

fn claim(path: &[&str], display: &Value, mandatory: bool) -> Value {
    if *display == json!([]) {
        return json!({ "path": path, "mandatory": mandatory });
    }
    json!({ "path": path, "mandatory": mandatory, "display": display })
}

/// The university's degree as 1.0 describes it.
fn degree(
    surname: &str,
    logo: &str,
    method: &'static str,
    mandatory: bool,
) -> CredentialConfiguration {
    let subject = |name| ["credentialSubject", name];
    let english = |name: &str| json!([{ "name": name, "locale": "en-US" }]);
    let claims = [
        claim(&subject("given_name"), &english("Given Name"), false),
        claim(&subject(surname), &english("Surname"), false),
        claim(&subject("degree"), &json!([]), false),
        claim(&subject("gpa"), &json!([{ "name": "GPA" }]), mandatory),
    ];
    let display = json!([{
        "name": "University Credential",
        "locale": "en-US",
        "logo": { "uri": logo, "alt_text": "a square logo of a university" },
        "background_color": "#12107c",
        "text_color": "#FFFFFF",
    }]);
    let definition = json!({ "credential_definition": { "type": TYPES } });
    CredentialConfiguration {
        scope: Some("UniversityDegree".to_owned()),
        credential_signing_alg_values_supported: vec![json!("ES256K")],
        cryptographic_binding_methods_supported: vec![method],
        credential_metadata: json!({ "display": display, "claims": claims }),
        ..configuration("jwt_vc_json", &definition)
    }
}

#[test]
fn catalogues_are_those_of_the_examples() {
    let proof = json!({ "jwt": { "proof_signing_alg_values_supported": ["ES256"] } });
    let Value::Object(proof) = proof else { panic!("no object") };
    let logo = "https://exampleuniversity.com/public/logo.png";
    let nine = degree("last_name", logo, "did:example", false);
    let mut expected = example("9/credential_metadata_jwt_vc_json.json");
    let text = expected["display"][0]["logo"].as_object_mut().unwrap();
    let text_of_logo = text.remove("alternative_text").unwrap(); // `alt_text` in the text
    text.insert("alt_text".into(), text_of_logo);
    let made = published("9", "UniversityDegree_JWT", nine);
    assert_eq!(made["credentials_supported"], json!([expected]));

    let twelve = CredentialConfiguration {
        proof_types_supported: proof.clone(),
        ..degree("family_name", logo, "did:example", false)
    };
    let made = published("12", "UniversityDegreeCredential", twelve);
    let expected = example("12/credential_metadata_jwt_vc_json.json");
    assert_eq!(made["credentials_supported"], expected["credentials_supported"]);

    let logo = "https://university.example.edu/public/logo.png";
    let thirteen = CredentialConfiguration {
        proof_types_supported: proof,
        credential_signing_alg_values_supported: vec![json!("ES256")],
        ..degree("family_name", logo, "did:example", true)
    };
    let made = published("13", "UniversityDegreeCredential", thirteen);
    let mut expected = example("13/credential_metadata_jwt_vc_json.json");
    let entry = &mut expected["credential_configurations_supported"]["UniversityDegreeCredential"];
    let written = entry["display"][0]["logo"].as_object_mut().unwrap();
    let url = written.remove("url").unwrap(); // `uri` in the text
    written.insert("uri".into(), url);
    assert_eq!(
        made["credential_configurations_supported"],
        expected["credential_configurations_supported"]
    );
}

#[test]
fn claims_of_an_sd_jwt_vc_are_a_tree() {
    let names = |english: &str, german: &str| json!([{ "name": english, "locale": "en-US" }, { "name": german, "locale": "de-DE" }]);
    let nothing = || json!([]);
    let claims = [
        claim(&["given_name"], &names("Given Name", "Vorname"), false),
        claim(&["family_name"], &names("Surname", "Nachname"), false),
        claim(&["email"], &nothing(), false),
        claim(&["phone_number"], &nothing(), false),
        claim(&["address", "street_address"], &nothing(), false),
        claim(&["address", "locality"], &nothing(), false),
        claim(&["address", "region"], &nothing(), false),
        claim(&["address", "country"], &nothing(), false),
        claim(&["birthdate"], &nothing(), false),
        claim(&["is_over_18"], &nothing(), false),
        claim(&["is_over_21"], &nothing(), false),
        claim(&["is_over_65"], &nothing(), false),
    ];
    let display = json!([{
        "name": "IdentityCredential",
        "locale": "en-US",
        "background_color": "#12107c",
        "text_color": "#FFFFFF",
    }]);
    let id = "SD_JWT_VC_example_in_OpenID4VCI";
    let one = CredentialConfiguration {
        scope: Some(id.to_owned()),
        cryptographic_binding_methods_supported: vec!["jwk"],
        credential_metadata: json!({ "display": display, "claims": claims }),
        ..configuration("dc+sd-jwt", &json!({ "vct": id }))
    };
    let made = published("13", id, one);
    let expected = example("13/credential_metadata_sd_jwt_vc.json");
    assert_eq!(
        made["credential_configurations_supported"],
        expected["credential_configurations_supported"]
    );
}

/// The numbers of COSE are names before draft 16, and the key of an mdoc is `mso` before draft 10.
#[test]
fn an_mdoc_is_described_in_words() {
    for (draft, method, suites) in [
        ("9", "mso", "cryptographic_suites_supported"),
        ("12", "cose_key", "cryptographic_suites_supported"),
        ("15", "cose_key", "credential_signing_alg_values_supported"),
    ] {
        let one = CredentialConfiguration {
            credential_signing_alg_values_supported: vec![json!(-7)],
            cryptographic_binding_methods_supported: vec!["cose_key"],
            ..configuration("mso_mdoc", &json!({ "doctype": "org.iso.18013.5.1.mDL" }))
        };
        let metadata = published(draft, "mdl", one);
        let entry = match draft {
            "9" => &metadata["credentials_supported"][0],
            "12" => &metadata["credentials_supported"]["mdl"],
            _ => &metadata["credential_configurations_supported"]["mdl"],
        };
        assert_eq!(entry[suites], json!(["ES256"]), "{draft}");
        assert_eq!(entry["cryptographic_binding_methods_supported"], json!([method]), "{draft}");
        assert_eq!(entry["doctype"], "org.iso.18013.5.1.mDL");
    }
}
