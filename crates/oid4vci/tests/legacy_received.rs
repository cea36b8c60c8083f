//! Offers and metadata as issuers of each draft write them, read into those of 1.0.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use oid4vci::legacy::Dialect;
use oid4vci::offer::{OfferError, OfferLink, ReceivedOffer};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

const ISSUER: &str = "https://issuer.example";
const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

fn draft(number: &str) -> Option<Dialect> {
    let draft = Dialect::parse(number);
    assert!(draft.is_some(), "{number} is no draft");
    draft
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn by_value(link: &str) -> (ReceivedOffer, Option<Dialect>, Vec<&'static str>) {
    let (link, dialect, findings) = Dialect::read_link(link).unwrap();
    let OfferLink::ByValue(offer) = link else { unreachable!("this offer is in its link") };
    (offer, dialect, findings)
}

fn code(offer: &ReceivedOffer) -> &str {
    offer.pre_authorized_code.as_ref().unwrap().pre_authorized_code.expose()
}

fn has_pin(offer: &ReceivedOffer) -> bool {
    offer.pre_authorized_code.as_ref().unwrap().tx_code.is_some()
}

/// Draft 8, section 5.1: every form of the flat query that issuers write.
#[test]
fn an_issuance_initiation_request_is_an_offer_of_draft_8() {
    let issuer = encoded(ISSUER);
    let plain = format!(
        "openid-initiate-issuance://?issuer={issuer}&credential_type=Diploma\
         &pre-authorized_code={CODE}&user_pin_required=true"
    );
    let (offer, dialect, findings) = by_value(&plain);
    assert_eq!(offer.credential_issuer, ISSUER);
    assert_eq!(offer.credential_configuration_ids, ["Diploma"]);
    assert_eq!((code(&offer), has_pin(&offer)), (CODE, true));
    assert_eq!((dialect, findings), (draft("8"), vec![]));

    let several = format!(
        "openid-initiate-issuance://?issuer={issuer}&credential_type=Diploma&credential_type=Card\
         &op_state=state-1"
    );
    let (offer, dialect, _) = by_value(&several);
    assert_eq!(offer.credential_configuration_ids, ["Diploma", "Card"]);
    assert_eq!(offer.authorization_code.unwrap().issuer_state.as_deref(), Some("state-1"));
    assert_eq!(dialect, draft("8"));

    // What is not as the draft has it is said.
    for (link, said) in [
        (plain.replace('-', "_").replace("pre_authorized", "pre-authorized"), "hyphens"),
        (
            plain.replace("credential_type=Diploma", "credential_types=Diploma+Card"),
            "credential_type",
        ),
        (plain.replace("//?", "//"), "has no ?"),
        (plain.replace("Diploma", "Diploma+2"), "+ for a space"),
    ] {
        let (offer, dialect, findings) = by_value(&link);
        assert_eq!((code(&offer), has_pin(&offer)), (CODE, true), "{link}");
        assert_eq!(dialect, draft("8"), "{link}");
        assert!(findings.iter().any(|finding| finding.contains(said)), "{link}: {findings:?}");
    }
}

/// Draft 9, section 5.1.
#[test]
fn an_offer_of_draft_9_has_its_code_beside_its_credentials() {
    let offer = json!({
        "issuer": ISSUER, "credentials": ["Diploma", { "format": "jwt_vc_json", "types": ["A"] }],
        "pre-authorized_code": CODE, "user_pin_required": true,
    });
    for link in ["openid-initiate-issuance://?", "openid-initiate-issuance:?"] {
        let link = format!("{link}credential_offer={}", encoded(&offer.to_string()));
        let (read, dialect, _) = by_value(&link);
        assert_eq!((code(&read), has_pin(&read), dialect), (CODE, true, draft("9")));
        assert_eq!(read.credential_configuration_ids.len(), 2);
    }
}

/// Draft 11, section 4.1.1; also in an https link, and without the `?` that its examples lack.
#[test]
fn an_offer_of_draft_11_has_grants() {
    let offer = json!({
        "credential_issuer": ISSUER, "credentials": ["Diploma"],
        "grants": { GRANT: { "pre-authorized_code": CODE, "user_pin_required": false } },
    });
    let offer = encoded(&offer.to_string());
    for (link, count) in [
        (format!("openid-credential-offer://?credential_offer={offer}"), 0),
        (format!("https://wallet.example/offer?credential_offer={offer}"), 0),
        (format!("openid-credential-offer://credential_offer={offer}"), 1),
    ] {
        let (read, dialect, findings) = by_value(&link);
        assert_eq!((code(&read), has_pin(&read), dialect), (CODE, false, draft("11")), "{link}");
        assert_eq!(findings.len(), count, "{link}: {findings:?}");
    }
}

#[test]
fn a_text_for_true_is_excused_and_said() {
    let offer = json!({
        "credential_issuer": ISSUER, "credentials": "Diploma", "credential_issuer_note": 1,
        "grants": { GRANT: { "pre-authorized_code": CODE, "user_pin_required": "true" } },
    });
    let (read, dialect, findings) =
        Dialect::read_offer(offer.to_string().as_bytes(), None).unwrap();
    assert!(has_pin(&read));
    assert_eq!((dialect, findings.len()), (draft("11"), 2));
}

/// Links that were copied out of a page's source.
#[test]
fn a_link_out_of_html_is_excused_and_said() {
    let link = format!(
        "openid-initiate-issuance://?issuer={}&amp;credential_type=Diploma\
         &amp;pre-authorized_code={CODE}&amp;user_pin_required=false",
        encoded(ISSUER)
    );
    let (offer, dialect, findings) = by_value(&link);
    assert_eq!((code(&offer), has_pin(&offer), dialect), (CODE, false, draft("8")));
    assert!(findings[0].contains("&amp;"), "{findings:?}");
}

/// Draft 8, section 5.1: a boolean in a query, which issuers spell in ways of their own.
#[test]
fn every_spelling_of_a_pin_is_read_and_said() {
    let spelt = |pin: &str| {
        let (offer, _, findings) = by_value(&format!(
            "openid-initiate-issuance://?issuer={}&credential_type=Diploma\
             &pre-authorized_code={CODE}&user_pin_required={pin}",
            encoded(ISSUER)
        ));
        (has_pin(&offer), findings.len())
    };
    assert_eq!((spelt("true"), spelt("false")), ((true, 0), (false, 0)));
    for yes in ["1", "yes", "True", "YES"] {
        assert_eq!(spelt(yes), (true, 1), "{yes}");
    }
    for no in ["0", "no", "False", "", "perhaps"] {
        assert_eq!(spelt(no), (false, 1), "{no}");
    }
    let offer = json!({
        "credential_issuer": ISSUER, "credentials": ["Diploma"],
        "grants": { GRANT: { "pre-authorized_code": CODE, "user_pin_required": 1 } },
    });
    let (read, ..) = Dialect::read_offer(offer.to_string().as_bytes(), None).unwrap();
    assert!(has_pin(&read));
}

/// Since draft 10 a code is in its grant: one beside it takes nothing away.
#[test]
fn a_grant_that_is_there_stays() {
    let offer = json!({
        "credential_issuer": ISSUER, "credentials": ["Diploma"],
        "pre-authorized_code": "another-code", "op_state": "another-state",
        "grants": {
            GRANT: { "pre-authorized_code": CODE, "user_pin_required": true },
            "authorization_code": { "issuer_state": "state" },
        },
    });
    let (read, _, findings) = Dialect::read_offer(offer.to_string().as_bytes(), None).unwrap();
    assert_eq!((code(&read), has_pin(&read)), (CODE, true));
    let state = read.authorization_code.unwrap().issuer_state.unwrap();
    assert_eq!(state, "state");
    assert!(findings.iter().any(|finding| finding.contains("what is in grants counts")));
}

/// 13, 14, 15 and 1.0 write the same: the offer says nothing of the draft.
#[test]
fn an_offer_of_today_belongs_to_no_draft() {
    let offer = json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ["Diploma"],
        "grants": { GRANT: { "pre-authorized_code": CODE, "tx_code": {} } },
    });
    let link =
        format!("openid-credential-offer://?credential_offer={}", encoded(&offer.to_string()));
    let (read, dialect, findings) = by_value(&link);
    assert_eq!((read.credential_configuration_ids.len(), dialect, findings.len()), (1, None, 0));
}

/// A word of a draft somewhere in a link makes no draft of it.
#[test]
fn what_is_no_offer_stays_none() {
    for (link, error) in [
        ("mailto:issuer=a&credential_type=b", OfferError::ForeignScheme),
        ("openid-initiate-issuance://?issuer=https%3A%2F%2Fa", OfferError::NoConfiguration),
        ("openid-initiate-issuance://?credential_type=b", OfferError::ForeignScheme),
        ("https://credentials.example/?credential_type=b", OfferError::NoOffer),
        (
            "openid-initiate-issuance://?issuer=https%3A%2F%2Fa&issuer=https%3A%2F%2Fb&credential_type=c",
            OfferError::Ambiguous,
        ),
    ] {
        assert_eq!(Dialect::read_link(link).unwrap_err(), error, "{link}");
    }
}

struct Read {
    dialect: Option<Dialect>,
    ids: Vec<String>,
    named: Value,
    format: String,
    findings: Vec<&'static str>,
    configuration: oid4vci::metadata::ReceivedConfiguration,
    issuer: oid4vci::metadata::ReceivedIssuerMetadata,
}

fn read(metadata: &Value, offered: Option<&str>, ids: &[&str]) -> Read {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let offered = offered.and_then(Dialect::parse);
    let body = metadata.to_string();
    let (issuer, dialect, requests, findings) =
        Dialect::read_metadata(body.as_bytes(), ISSUER, offered, &mut ids).unwrap();
    let configuration = issuer.configurations[&ids[0]].clone();
    let named = requests.get(&ids[0]).cloned().unwrap_or_default().into();
    let format = configuration.format.clone();
    Read { dialect, ids, named, format, findings, configuration, issuer }
}

fn with(catalogue: &str, entries: Value) -> Value {
    let mut metadata = json!({
        "credential_issuer": ISSUER, "credential_endpoint": format!("{ISSUER}/credential"),
    });
    metadata[catalogue] = entries;
    metadata
}

/// Draft 8, section 10.2: a map, a format in each entry, how the issuer looks in its name's place.
#[test]
fn metadata_of_draft_8_are_a_map_of_formats() {
    let metadata = json!({
        "issuer": ISSUER, "token_endpoint": format!("{ISSUER}/token"),
        "credential_endpoint": format!("{ISSUER}/credential"),
        "credential_issuer": { "display": [{ "name": "Riverside", "locale": "en" }] },
        "credentials_supported": { "Diploma": {
            "display": [{ "name": "Diploma", "logo": { "url": "https://issuer.example/a.png" } }],
            "claims": { "b": { "display": [{ "name": "B" }] }, "a": { "mandatory": true } },
            "order": ["b", "a"],
            "formats": { "jwt_vc": {
                "types": ["VerifiableCredential", "Diploma"],
                "cryptographic_binding_methods_supported": ["did"],
                "cryptographic_suites_supported": ["ES256K", "EdDSA"],
            } },
        } },
    });
    let read = read(&metadata, Some("8"), &["Diploma"]);
    assert_eq!((read.dialect, &*read.format), (draft("8"), "jwt_vc_json"));
    assert_eq!(read.named, json!({ "type": "Diploma", "format": "jwt_vc" }));
    assert_eq!(read.configuration.types, ["VerifiableCredential", "Diploma"]);
    assert_eq!(read.configuration.binding_methods.len(), 2);
    assert_eq!(read.configuration.display[0]["logo"]["uri"], "https://issuer.example/a.png");
    let paths: Vec<_> = read.configuration.claims.iter().map(|claim| &claim["path"]).collect();
    assert_eq!(paths, [&json!(["credentialSubject", "b"]), &json!(["credentialSubject", "a"])]);
    assert_eq!(read.issuer.display[0]["name"], "Riverside");
}

/// Draft 11, section 10.2.3.1, and the formats' own sections.
#[test]
fn metadata_of_draft_11_are_an_array() {
    let bound = json!(["did:key"]);
    let metadata = with(
        "credentials_supported",
        json!([
            { "id": "a", "format": "jwt_vc_json", "types": ["VerifiableCredential", "Diploma"],
              "cryptographic_binding_methods_supported": bound,
              "cryptographic_suites_supported": ["EdDSA"],
              "credentialSubject": { "degree": { "display": [{ "name": "Degree" }] } } },
            { "format": "ldp_vc", "@context": ["https://a.example"], "types": ["VerifiableCredential", "D"] },
            { "id": "c", "format": "vc+sd-jwt", "vct": "https://issuer.example/card" },
            { "id": "d", "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL" },
        ]),
    );
    for (id, format, named) in [
        (
            "a",
            "jwt_vc_json",
            json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "Diploma"] }),
        ),
        ("c", "dc+sd-jwt", json!({ "format": "vc+sd-jwt", "vct": "https://issuer.example/card" })),
        ("d", "mso_mdoc", json!({ "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL" })),
    ] {
        let read = read(&metadata, Some("11"), &[id]);
        assert_eq!((read.dialect, &*read.format, read.named), (draft("11"), format, named), "{id}");
        assert_eq!(read.issuer.batch_size, 1);
    }
    let diploma = read(&metadata, Some("11"), &["a"]).configuration;
    assert_eq!(diploma.proof_algorithms, [keys::algorithm::Algorithm::EdDsa]);
    assert_eq!(diploma.claims[0]["path"], json!(["credentialSubject", "degree"]));

    // An offer may hold a description, which is that of an entry without a name.
    let object = json!({ "format": "ldp_vc", "@context": ["https://a.example"],
                         "types": ["VerifiableCredential", "D"] });
    let by_object = read(&metadata, Some("11"), &[&object.to_string()]);
    assert_eq!(by_object.ids, ["D (ldp_vc)"]);
    assert_eq!(
        by_object.named["credential_definition"],
        json!({ "@context": ["https://a.example"], "types": ["VerifiableCredential", "D"] })
    );
    assert!(by_object.findings.is_empty());
    // Or the type alone, which no draft has.
    let by_type = read(&metadata, Some("11"), &["Diploma"]);
    assert_eq!((by_type.ids, by_type.findings.len()), (vec!["a".to_owned()], 1));
}

/// Draft 12, section 10.2.3.
#[test]
fn metadata_of_draft_12_are_a_map_with_a_list_of_proof_types() {
    let metadata = with(
        "credentials_supported",
        json!({ "Diploma": {
            "format": "jwt_vc_json", "proof_types_supported": ["jwt"],
            "cryptographic_binding_methods_supported": ["did:jwk"],
            "cryptographic_suites_supported": ["ES256"],
            "credential_definition": { "type": ["VerifiableCredential", "Diploma"] },
        } }),
    );
    let read = read(&metadata, Some("11"), &["Diploma"]);
    assert_eq!(read.dialect, draft("12"));
    let definition = json!({ "type": ["VerifiableCredential", "Diploma"] });
    assert_eq!(read.named, json!({ "format": "jwt_vc_json", "credential_definition": definition }));
    assert!(read.configuration.needs_proof);
}

/// 13 to 1.0 have one catalogue: what is in it tells them apart.
#[test]
fn later_drafts_are_told_by_what_only_they_have() {
    let base = json!({ "format": "jwt_vc_json", "credential_definition": { "type": ["A"] } });
    let entry = |more: Value| {
        let mut entry = base.clone();
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with("credential_configurations_supported", json!({ "a": entry }))
    };
    let and = |mut metadata: Value, name: &str, value: Value| {
        metadata[name] = value;
        metadata
    };
    let nonce = json!("https://issuer.example/nonce");
    let sd_jwt = json!({ "format": "vc+sd-jwt", "vct": "b" });
    let shown = json!({ "display": [{ "name": "A" }] });
    for (what, metadata, offered, expected) in [
        ("nothing of a draft", entry(json!({})), None, None),
        (
            "credential_metadata",
            entry(json!({ "credential_metadata": {}, "claims": {} })),
            None,
            None,
        ),
        ("a nonce endpoint", and(entry(json!({})), "nonce_endpoint", nonce.clone()), None, None),
        ("claims as a list", entry(json!({ "claims": [{ "path": ["a"] }] })), None, draft("15")),
        (
            "display and nonces",
            and(entry(shown.clone()), "nonce_endpoint", nonce.clone()),
            None,
            draft("15"),
        ),
        ("display alone", entry(shown), None, draft("13")),
        ("the old name of SD-JWT VC", entry(sd_jwt.clone()), None, draft("13")),
        ("claims as a tree", entry(json!({ "claims": { "a": {} } })), None, draft("13")),
        (
            "batches",
            and(entry(sd_jwt), "batch_credential_issuance", json!({ "batch_size": 2 })),
            None,
            draft("14"),
        ),
        ("an old format", entry(json!({ "format": "jwt_vc" })), None, draft("13")),
        (
            "a format of its own in metadata of today",
            and(entry(json!({ "format": "jwt_vc" })), "nonce_endpoint", nonce.clone()),
            None,
            None,
        ),
        ("an old offer", entry(json!({})), Some("11"), draft("13")),
        (
            "an old offer, new metadata",
            entry(json!({ "credential_metadata": {} })),
            Some("11"),
            None,
        ),
    ] {
        assert_eq!(read(&metadata, offered, &["a"]).dialect, expected, "{what}");
    }
}

/// An issuer with several catalogues is spoken to as its offer is written.
#[test]
fn of_several_catalogues_the_offer_chooses() {
    let mut metadata =
        with("credentials_supported", json!([{ "id": "a", "format": "vc+sd-jwt", "vct": "b" }]));
    metadata["credential_configurations_supported"] =
        json!({ "a": { "format": "vc+sd-jwt", "vct": "b", "display": [] } });
    assert_eq!(read(&metadata, Some("11"), &["a"]).dialect, draft("11"));
    assert_eq!(read(&metadata, None, &["a"]).dialect, draft("13"));
    // What draft 11's catalogue has no name for, the later one may have.
    metadata["credentials_supported"] = json!([{ "format": "vc+sd-jwt", "vct": "b" }]);
    let later = read(&metadata, Some("11"), &["a"]);
    assert_eq!((later.dialect, later.findings.len()), (draft("13"), 1));
}

/// Whose metadata they are is never excused, but for a slash and the address of the document.
#[test]
fn metadata_of_another_issuer_are_refused() {
    let named = |name: Value| {
        let mut metadata = with("credentials_supported", json!([{ "id": "a", "format": "x" }]));
        metadata["credential_issuer"] = name;
        Dialect::read_metadata(metadata.to_string().as_bytes(), ISSUER, None, &mut [])
            .map(|read| read.3.len())
    };
    assert_eq!(named(json!("https://issuer.example/")), Ok(1));
    assert_eq!(named(json!("https://issuer.example/.well-known/openid-credential-issuer")), Ok(1));
    assert_eq!(named(Value::Null).unwrap_err(), oid4vci::metadata::MetadataError::OtherIssuer);
    assert!(named(json!("https://issuer.example.org")).is_err());
    assert!(named(json!("https://other.example")).is_err());
}
