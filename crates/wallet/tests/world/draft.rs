//! Issuers that speak a draft, each as its draft writes it.

use std::sync::Arc;

use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::{
    Answer, CODE, ISSUER, ISSUER_METADATA, Proof, SERVER_METADATA, SigningKey, World, endpoint,
    token,
};

pub(crate) const APPENDED: &str = "https://issuer.example/a/.well-known/openid-credential-issuer";
pub(crate) const OPENID_CONFIGURATION: &str =
    "https://issuer.example/a/.well-known/openid-configuration";
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
pub(crate) const VCT: &str = "https://issuer.example/vct/student";
pub(crate) const PIN: &str = "493536";
pub(crate) const TYPES: [&str; 2] = ["VerifiableCredential", "Diploma"];

/// How a draft has a diploma or a student card.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Diploma,
    Card,
}

pub(crate) use Kind::{Card, Diploma};

/// Every draft with the formats that it has.
pub(crate) const SPOKEN: [(&str, Kind); 11] = [
    ("8", Diploma),
    ("9", Diploma),
    ("11", Diploma),
    ("11", Card),
    ("12", Diploma),
    ("13", Diploma),
    ("13", Card),
    ("14", Diploma),
    ("14", Card),
    ("15", Diploma),
    ("15", Card),
];

pub(crate) fn number(draft: &str) -> u8 {
    draft.parse().unwrap()
}

/// What the issuer publishes about the credential.
pub(crate) fn entry(draft: &str, kind: Kind) -> Value {
    let suites = if number(draft) <= 12 {
        "cryptographic_suites_supported"
    } else {
        "credential_signing_alg_values_supported"
    };
    let picture = if number(draft) <= 12 { "url" } else { "uri" };
    let mut entry = json!({
        "cryptographic_binding_methods_supported": ["did:jwk", "jwk"], suites: ["ES256"],
        "display": [{ "name": "Shown", "logo": { picture: "https://issuer.example/logo.png" } }],
    });
    let format = match (draft, kind) {
        ("8", _) => "jwt_vc",
        (_, Diploma) => "jwt_vc_json",
        ("15", Card) => "dc+sd-jwt",
        (_, Card) => "vc+sd-jwt",
    };
    entry["format"] = format.into();
    match (number(draft), kind) {
        (..=11, Diploma) => entry["types"] = json!(TYPES),
        (_, Diploma) => entry["credential_definition"] = json!({ "type": TYPES }),
        (_, Card) => entry["vct"] = VCT.into(),
    }
    match number(draft) {
        ..=11 => {}
        12 => entry["proof_types_supported"] = json!(["jwt"]),
        _ => {
            let jwt = json!({ "proof_signing_alg_values_supported": ["ES256"] });
            entry["proof_types_supported"] = json!({ "jwt": jwt });
        }
    }
    entry
}

pub(crate) fn metadata(draft: &str, kind: Kind) -> Value {
    let mut metadata = json!({
        "credential_issuer": ISSUER, "credential_endpoint": endpoint("credential"),
    });
    let mut entry = entry(draft, kind);
    match draft {
        "8" => {
            let display = entry["display"].take();
            let entry = json!({ "display": display, "formats": { "jwt_vc": entry } });
            metadata["credentials_supported"] = json!({ "id": entry });
        }
        "9" | "11" => {
            entry["id"] = "id".into();
            metadata["credentials_supported"] = json!([entry]);
        }
        "12" => metadata["credentials_supported"] = json!({ "id": entry }),
        _ => metadata["credential_configurations_supported"] = json!({ "id": entry }),
    }
    match draft {
        "8" | "9" => {
            metadata["issuer"] = ISSUER.into();
            metadata["token_endpoint"] = endpoint("token").into();
            metadata["credential_issuer"] = json!({ "display": [{ "name": "Riverside" }] });
        }
        "14" => metadata["batch_credential_issuance"] = json!({ "batch_size": 4 }),
        "15" => metadata["nonce_endpoint"] = endpoint("nonce").into(),
        _ => {}
    }
    metadata
}

pub(crate) fn link(draft: &str, pin: bool) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    if draft == "8" {
        return format!(
            "openid-initiate-issuance://?issuer={}&credential_type=id&pre-authorized_code={CODE}\
             &user_pin_required={pin}",
            encoded(ISSUER)
        );
    }
    let mut grant = json!({ "pre-authorized_code": CODE });
    if number(draft) <= 12 {
        grant["user_pin_required"] = pin.into();
    } else if pin {
        grant["tx_code"] = json!({ "length": PIN.len() });
    }
    let offered = if number(draft) <= 12 { "credentials" } else { "credential_configuration_ids" };
    let offer = if draft == "9" {
        grant["issuer"] = ISSUER.into();
        grant["credentials"] = json!(["id"]);
        grant
    } else {
        json!({ "credential_issuer": ISSUER, offered: ["id"], "grants": { GRANT: grant } })
    };
    let scheme = if draft == "9" { "openid-initiate-issuance" } else { "openid-credential-offer" };
    format!("{scheme}://?credential_offer={}", encoded(&offer.to_string()))
}

/// What a Credential Request says beside its proof.
pub(crate) fn expected_request(draft: &str, kind: Kind) -> Value {
    match (number(draft), kind) {
        (8, _) => json!({ "type": "id", "format": "jwt_vc" }),
        (9..=11, Diploma) => json!({ "format": "jwt_vc_json", "types": TYPES }),
        (12..=14, Diploma) => {
            json!({ "format": "jwt_vc_json", "credential_definition": { "type": TYPES } })
        }
        (..=14, Card) => json!({ "format": "vc+sd-jwt", "vct": VCT }),
        _ => json!({ "credential_configuration_id": "id" }),
    }
}

pub(crate) fn answer(draft: &str, credential: &Value) -> Value {
    match number(draft) {
        ..=12 => json!({ "format": "x", "credential": credential, "c_nonce": "nonce-2" }),
        13 => json!({ "credential": credential, "notification_id": "n-1", "c_nonce": "nonce-2" }),
        14 => json!({ "credentials": [credential], "c_nonce": "nonce-2" }),
        _ => json!({ "credentials": [{ "credential": credential }] }),
    }
}

pub(crate) fn credential(issuer: &SigningKey, kind: Kind, proof: &Proof) -> Value {
    match kind {
        Diploma => issuer.diploma(&proof.did(), |_, _| {}),
        Card => issuer.student_card(&proof.cnf(), |header, _| header["typ"] = "vc+sd-jwt".into()),
    }
}

/// An issuer that speaks a draft, with all of it where that draft has it.
pub(crate) fn world(draft: &'static str, kind: Kind) -> World {
    let world = World::new();
    let network = &world.network;
    network.says(ISSUER_METADATA, 404, json!({}));
    if number(draft) <= 9 {
        network.says(SERVER_METADATA, 404, json!({}));
        network.says(OPENID_CONFIGURATION, 200, metadata(draft, kind));
    } else {
        network.says(APPENDED, 200, metadata(draft, kind));
    }
    let mut answer_of_token = token();
    if number(draft) <= 14 {
        answer_of_token["c_nonce"] = "nonce-1".into();
        network.says(&endpoint("nonce"), 500, json!({}));
    }
    network.on(&endpoint("token"), move |_| Answer::Json(200, answer_of_token.clone()));
    let issuer = Arc::clone(&world.issuer);
    network.on(&endpoint("credential"), move |sent| {
        let proof = Proof::of(sent);
        assert_eq!(proof.claims["nonce"], "nonce-1", "draft {draft}");
        Answer::Json(200, answer(draft, &credential(&issuer, kind, &proof)))
    });
    world
}
