//! What is excused is said: a row for each tolerance, and what is right beside it, of which nothing is
//! said.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferLink;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

const ISSUER: &str = "https://issuer.example";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const TYPES: [&str; 2] = ["VerifiableCredential", "Diploma"];

fn draft(number: &str) -> Dialect {
    Dialect::parse(number).unwrap()
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// An offer in the members of this draft.
fn offer(number: &str) -> Value {
    let grant = json!({ "pre-authorized_code": "c" });
    match number {
        "9" => json!({ "issuer": ISSUER, "credentials": ["a"], "pre-authorized_code": "c" }),
        "11" => {
            json!({ "credential_issuer": ISSUER, "credentials": ["a"], "grants": { GRANT: grant } })
        }
        _ => json!({
            "credential_issuer": ISSUER, "credential_configuration_ids": ["a"],
            "grants": { GRANT: grant },
        }),
    }
}

/// Links whose parts are of several drafts, and those whose parts are of one.
#[test]
fn a_link_is_held_against_its_draft() {
    let old = "openid-initiate-issuance://?";
    let new = "openid-credential-offer://?";
    let flat = format!("issuer={}&credential_type=a&pre-authorized_code=c", encoded(ISSUER));
    let of = |number: &str| format!("credential_offer={}", encoded(&offer(number).to_string()));
    let spaced = offer("13").to_string().replace(",\"", ", \"");
    let spaced = byte_serialize(spaced.as_bytes()).collect::<String>();
    for (link, dialect, said) in [
        (format!("{old}{flat}"), Some("8"), None),
        (format!("{new}{flat}"), Some("8"), Some("draft 8 or 9")),
        (format!("{old}{}", of("9")), Some("9"), None),
        (format!("{new}{}", of("9")), Some("9"), Some("draft 8 or 9")),
        (format!("{new}{}", of("11")), Some("11"), None),
        (format!("{old}{}", of("11")), Some("11"), Some("later draft than its link")),
        (format!("{new}{}", of("13")), None, None),
        (format!("haip-vci://?{}", of("13")), None, None),
        (format!("{old}{}", of("13")), Some("9"), Some("later draft than its link")),
        (format!("{new}credential_offer={spaced}"), None, Some("+ for a space")),
        (format!("https://a.example/?b=c+d&{}", of("13")), None, None),
    ] {
        let (read, found, findings) = Dialect::read_link(&link).unwrap();
        assert!(matches!(read, OfferLink::ByValue(_)));
        assert_eq!(found, dialect.map(draft), "{link}");
        assert_eq!(findings.len(), said.iter().len(), "{link}: {findings:?}");
        assert!(said.is_none_or(|said| findings[0].contains(said)), "{link}: {findings:?}");
    }
}

/// Draft 13, section 4.1.1: `tx_code` took the place of `user_pin_required`. Beside it, it is a member that
/// nobody knows, as long as both say the same.
#[test]
fn a_pin_beside_later_members_is_asked_for() {
    for (pin, tx_code, is_asked, said) in [
        (json!(true), None, true, 1),
        (json!("true"), None, true, 2),
        (json!(false), None, false, 0),
        (json!(true), Some(json!({ "length": 4 })), true, 0),
        (json!(false), Some(json!({ "length": 4 })), true, 1),
    ] {
        let mut offer = offer("13");
        offer["grants"][GRANT]["user_pin_required"] = pin.clone();
        offer["credentials"] = json!(["a"]);
        if let Some(tx_code) = &tx_code {
            offer["grants"][GRANT]["tx_code"] = tx_code.clone();
        }
        let text = offer.to_string();
        let (read, found, findings) = Dialect::read_offer(text.as_bytes(), None).unwrap();
        let grant = read.pre_authorized_code.unwrap();
        assert_eq!((grant.tx_code.is_some(), found), (is_asked, None), "{offer}");
        assert_eq!(findings.len(), said, "{offer}: {findings:?}");
        let length = grant.tx_code.and_then(|input| input.length);
        assert_eq!(length, tx_code.map(|_| 4), "{offer}");
        let link = format!("openid-credential-offer://?credential_offer={}", encoded(&text));
        let (link, ..) = Dialect::read_link(&link).unwrap();
        let OfferLink::ByValue(read) = link else { unreachable!("it is in its link") };
        assert_eq!(read.pre_authorized_code.unwrap().tx_code.is_some(), is_asked, "{offer}");
    }
}

/// An entry as the draft has it.
fn entry(number: &str) -> Value {
    let suites = if matches!(number, "9" | "11" | "12") {
        "cryptographic_suites_supported"
    } else {
        "credential_signing_alg_values_supported"
    };
    let mut entry = json!({
        "format": "jwt_vc_json", suites: ["ES256"],
        "cryptographic_binding_methods_supported": ["jwk"],
    });
    if matches!(number, "8" | "9" | "11") {
        entry["types"] = json!(TYPES);
    } else {
        entry["credential_definition"] = json!({ "type": TYPES });
    }
    if number == "12" {
        entry["proof_types_supported"] = json!(["jwt"]);
    } else if !matches!(number, "8" | "9" | "11") {
        let jwt = json!({ "proof_signing_alg_values_supported": ["ES256"] });
        entry["proof_types_supported"] = json!({ "jwt": jwt });
        entry["display"] = json!([{ "name": "A", "logo": { "uri": "https://a.example/b.png" } }]);
    }
    entry
}

fn metadata(number: &str, entry: Value, format: Option<&str>) -> Value {
    let mut metadata = json!({
        "credential_issuer": ISSUER, "credential_endpoint": format!("{ISSUER}/credential"),
    });
    match number {
        "8" => {
            metadata["credential_issuer"] = json!({ "display": [] });
            let formats = format.map(|format| json!({ "formats": { format: entry } }));
            let well = json!({ "formats": { "jwt_vc": { "types": TYPES } } });
            metadata["credentials_supported"] = json!({ "a": formats.unwrap_or(entry), "b": well });
        }
        "9" | "11" => {
            let mut entry = entry;
            entry["id"] = "a".into();
            metadata["credentials_supported"] = json!([entry]);
            if number == "9" {
                metadata["credential_issuer"] = json!({ "display": [] });
            }
        }
        "12" => metadata["credentials_supported"] = json!({ "a": entry }),
        _ => metadata["credential_configurations_supported"] = json!({ "a": entry }),
    }
    match number {
        "14" => metadata["batch_credential_issuance"] = json!({ "batch_size": 2 }),
        "15" => metadata["nonce_endpoint"] = format!("{ISSUER}/nonce").into(),
        _ => {}
    }
    metadata
}

fn findings(number: &str, metadata: &Value) -> Vec<&'static str> {
    let offered = match number {
        "8" | "9" => Some(draft(number)),
        "11" | "12" => Some(draft("11")),
        _ => None,
    };
    let mut ids = ["a".to_owned()];
    let body = metadata.to_string();
    let (_, found, _, findings) =
        Dialect::read_metadata(body.as_bytes(), ISSUER, offered, &mut ids).unwrap();
    assert_eq!(found, Some(draft(number)), "{metadata}");
    findings
}

/// Nothing is said of what a draft has, and one thing of what it has otherwise.
#[test]
fn metadata_are_held_against_their_draft() {
    for number in ["8", "9", "11", "12", "13", "14", "15"] {
        let format = (number == "8").then_some("jwt_vc");
        let metadata = metadata(number, entry(number), format);
        assert_eq!(findings(number, &metadata), [""; 0], "draft {number}");
    }
    let rows: [(&[&str], &str, Value, &str); 13] = [
        (&["13", "14", "15"], "display", json!([{ "name": "A", "logo": { "url": "x" } }]), "url"),
        (&["9"], "types", json!(null), "beside its format"),
        (&["11"], "types", json!(null), "credential_definition"),
        (&["12", "13", "14", "15"], "credential_definition", json!(null), "type of"),
        (&["9", "11", "12", "13", "14"], "format", json!("jwt_vc"), "jwt_vc_json"),
        (&["9", "11", "12", "13", "14"], "format", json!("jwt"), "jwt_vc_json"),
        (&["9", "11", "12", "13", "14"], "format", json!("ldp"), "ldp_vc"),
        (&["9", "11"], "format", json!("mdl_iso_cbor"), "mso_mdoc"),
        (&["9", "11", "12"], "cryptographic_binding_methods_supported", json!(null), "binding_me"),
        (&["13", "14", "15"], "proof_types_supported", json!(["jwt"]), "array"),
        (&["15"], "claims", json!({ "a": {} }), "array of paths"),
        (&["11", "13", "14"], "vct", json!(null), "vct stands in"),
        (&["12", "13", "14"], "authorization_server", json!(ISSUER), "authorization_servers"),
    ];
    for (numbers, name, value, said) in rows {
        for number in numbers {
            let mut entry = entry(number);
            let members = entry.as_object_mut().unwrap();
            spoil(members, name, &value);
            let mut metadata = metadata(number, entry, None);
            if name == "authorization_server" {
                metadata[name] = value.clone();
            }
            let findings = findings(number, &metadata);
            assert_eq!(findings.len(), 1, "draft {number}, {name}: {findings:?}");
            assert!(findings[0].contains(said), "draft {number}, {name}: {findings:?}");
        }
    }
}

/// A member has this value instead; what is absent stands elsewhere.
fn spoil(members: &mut Map<String, Value>, name: &str, value: &Value) {
    match (name, value.is_null()) {
        ("types", _) => {
            members.remove("types");
            members.insert("credential_definition".into(), json!({ "type": TYPES }));
        }
        ("credential_definition", _) => {
            members.remove(name);
            members.insert("types".into(), json!(TYPES));
        }
        ("vct", _) => {
            members.insert("format".into(), "vc+sd-jwt".into());
            members.remove("types");
            members.insert("credential_definition".into(), json!({ "vct": "https://a.example" }));
        }
        ("authorization_server", _) => {}
        (_, true) => {
            let methods = members.remove(name).unwrap();
            members.insert("binding_methods_supported".into(), methods);
        }
        (_, false) => drop(members.insert(name.into(), value.clone())),
    }
}

/// Draft 8, sections 10.2.1 and 8.3: an mdoc has one name in metadata, another in requests, and a doctype
/// among the types.
#[test]
fn an_mdoc_of_draft_8_is_described_by_its_type() {
    for (format, said) in [("mdl_iso", 0), ("mdl_iso_cbor", 1), ("mso_mdoc", 1)] {
        let entry = json!({
            "types": ["org.iso.18013.5.1.mDL"], "cryptographic_binding_methods_supported": ["mso"],
        });
        let metadata = metadata("8", entry, Some(format));
        assert_eq!(findings("8", &metadata).len(), said, "{format}");
        let (body, mut ids) = (metadata.to_string(), ["a".to_owned()]);
        let read = Dialect::read_metadata(body.as_bytes(), ISSUER, Some(draft("8")), &mut ids);
        let (issuer, _, names, _) = read.unwrap();
        let configuration = &issuer.configurations["a"];
        assert_eq!(configuration.format, "mso_mdoc", "{format}");
        assert_eq!(configuration.doctype.as_deref(), Some("org.iso.18013.5.1.mDL"), "{format}");
        let asked = if format == "mso_mdoc" { format } else { "mdl_iso_cbor" };
        assert_eq!(json!(names["a"]), json!({ "type": "a", "format": asked }), "{format}");
    }
}

/// An entry of draft 8 without its formats, as later drafts have it.
#[test]
fn an_entry_without_formats_is_said() {
    let mut entry = entry("9");
    entry["format"] = "jwt_vc".into();
    let findings = findings("8", &metadata("8", entry, None));
    assert!(findings[0].contains("no formats"), "{findings:?}");
}

/// Answers whose members are of another draft.
#[test]
fn answers_are_held_against_their_draft() {
    let credentials = json!({ "credentials": ["a"] });
    let objects = json!({ "credentials": [{ "credential": "a" }] });
    let one = json!({ "credential": "a" });
    let nonce = json!({ "credentials": [{ "credential": "a" }], "c_nonce": "n" });
    for (number, answer, said) in [
        ("8", &one, None),
        ("13", &one, None),
        ("13", &credentials, Some("draft 14")),
        ("14", &one, None),
        ("14", &credentials, None),
        ("14", &objects, Some("objects")),
        ("15", &objects, None),
        ("15", &one, Some("credentials")),
        ("15", &credentials, Some("bare credentials")),
        ("15", &nonce, Some("c_nonce")),
        ("11", &json!({ "acceptance_token": "a" }), None),
        ("11", &json!({ "transaction_id": "a" }), Some("transaction_id")),
        ("12", &json!({ "transaction_id": "a" }), None),
        ("12", &json!({ "acceptance_token": "a" }), Some("acceptance_token")),
    ] {
        let body = answer.to_string();
        let (.., findings) = draft(number).read_credential_response(body.as_bytes()).unwrap();
        assert_eq!(findings.len(), said.iter().len(), "draft {number}: {answer}: {findings:?}");
        assert!(said.is_none_or(|said| findings[0].contains(said)), "{answer}: {findings:?}");
    }
    let token = json!({ "access_token": "a", "token_type": "bearer", "c_nonce": "n" });
    for (number, said) in [("14", 0), ("15", 1)] {
        let read = draft(number).read_token_response(token.to_string().as_bytes()).unwrap();
        assert_eq!(read.2.len(), said, "draft {number}");
    }
}
