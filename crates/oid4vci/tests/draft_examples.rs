//! Every example in the texts of drafts 8 to 15 that somebody sends us: it is read as that draft, or the
//! table says why not. The texts are not ours to keep: they are read out of a clone of
//! <https://github.com/openid/OpenID4VCI>, where there is one:
//!
//! `BESTOW_OPENID4VCI_CLONE=PATH cargo test -p bestow-oid4vci --test draft_examples -- --ignored`

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use keys::json;
use oid4vci::credential::ReceivedCredentialResponse;
use oid4vci::legacy::Dialect;
use oid4vci::offer::{OfferLink, ReceivedOffer};
use serde_json::Value;

const TEXT: &str = "openid-4-verifiable-credential-issuance-1_0.md";
/// Of whoever publishes metadata that do not say who that is.
const ISSUER: &str = "https://server.example.com";
/// The commit with the text of each draft; of draft 12 the one that was published.
const TEXTS: [(&str, &str); 8] = [
    ("8", "9aecc77"),
    ("9", "772986a"),
    ("10", "b561f2e"),
    ("11", "487729f"),
    ("12", "54bdf02"),
    ("13", "refs/tags/draft-13"),
    ("14", "refs/tags/draft-14"),
    ("15", "refs/tags/draft-15"),
];

/// Draft, place, and as what it is read; a place is a file, or the number of a block of the text.
const READ: [&str; 139] = [
    "8 | block 01 | link, offer of 8: 1 credentials",
    "8 | block 02 | link, offer of 8: 1 credentials",
    "8 | block 03 | link, offer of 8: 1 credentials",
    "8 | block 13 | token, nonce",
    // A comma is missing, until draft 11.
    "8 | block 19 | not JSON",
    "8 | block 20 | deferred, nonce",
    "8 | block 23 | metadata of 8: 2 types",
    "9 | block 01 | link, offer of 9: 1 credentials",
    // Without `?`, until draft 12.
    "9 | block 02 | link, offer of 9: 1 credentials, 1 excused",
    "9 | block 10 | token, nonce",
    "9 | block 16 | not JSON",
    "9 | block 17 | deferred, nonce",
    "9 | block 21 | batch",
    "9 | block 22 | batch",
    "9 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "9 | credential_response_ldp_vc.txt | 1 issued, nonce",
    "9 | issuer_initiated_issuance_request_authz_code.json | offer of 9: 1 credentials",
    "9 | issuer_initiated_issuance_request_by_reference.json | offer of 9: 1 credentials",
    "9 | issuer_initiated_issuance_request_jwt_vc_json.json | offer of 9: 1 credentials",
    "9 | issuer_initiated_issuance_request_mso_doc.json | offer of 9: 1 credentials",
    "9 | issuer_initiated_issuance_request_multiple_credentials.json | offer of 9: 2 credentials",
    "9 | issuer_initiated_issuance_request_pre-authz_code.json | offer of 9: 1 credentials",
    "9 | issuer_metadata.json | metadata of 9: 3 types",
    "10 | block 01 | link, offer of 11: 1 credentials",
    "10 | block 02 | link, offer of 11: 1 credentials, 1 excused",
    // What draft an offer is of says the offer.
    "10 | block 04 | link to an offer of 1.0",
    "10 | block 12 | token, nonce",
    "10 | block 18 | not JSON",
    "10 | block 19 | deferred, nonce",
    "10 | block 23 | batch",
    "10 | block 24 | batch",
    "10 | credential_offer_authz_code.txt | offer of 11: 1 credentials",
    "10 | credential_offer_by_reference.json | offer of 11: 1 credentials",
    "10 | credential_offer_jwt_vc_json.json | offer of 11: 1 credentials",
    "10 | credential_offer_mso_doc.json | offer of 11: 1 credentials",
    "10 | credential_offer_multiple_credentials.json | offer of 11: 2 credentials",
    "10 | credential_offer_pre-authz_code.json | offer of 11: 1 credentials",
    "10 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "10 | credential_response_ldp_vc.txt | 1 issued, nonce",
    "10 | issuer_metadata.json | metadata of 11: 3 types",
    "11 | block 01 | link, offer of 11: 1 credentials",
    "11 | block 02 | link, offer of 11: 1 credentials, 1 excused",
    "11 | block 04 | link to an offer of 1.0",
    "11 | block 12 | token, nonce",
    "11 | block 18 | 1 issued, nonce",
    "11 | block 19 | deferred, nonce",
    "11 | block 23 | batch",
    "11 | block 24 | batch",
    "11 | credential_offer_authz_code.txt | offer of 11: 1 credentials",
    "11 | credential_offer_by_reference.json | offer of 11: 1 credentials",
    "11 | credential_offer_jwt_vc_json.json | offer of 11: 1 credentials",
    "11 | credential_offer_mso_doc.json | offer of 11: 1 credentials",
    "11 | credential_offer_multiple_credentials.json | offer of 11: 2 credentials",
    "11 | credential_offer_pre-authz_code.json | offer of 11: 1 credentials",
    "11 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "11 | credential_response_ldp_vc.txt | 1 issued, nonce",
    "11 | issuer_metadata.json | metadata of 11: 3 types",
    // An offer of draft 12 is one of 11; its metadata are not.
    "12 | block 01 | link, offer of 11: 2 credentials",
    "12 | block 02 | link, offer of 11: 2 credentials",
    "12 | block 04 | link to an offer of 1.0",
    "12 | block 12 | token, nonce",
    "12 | block 19 | 1 issued, nonce",
    "12 | block 20 | deferred, nonce",
    "12 | block 24 | batch",
    "12 | block 25 | batch",
    "12 | credential_issuer_metadata_jwt_vc_json.json | metadata of 12: 1 types",
    // A part of metadata, without the issuer and its endpoint.
    "12 | credential_metadata_jwt_vc_json.json | metadata of 12: 1 types, 2 excused",
    "12 | credential_metadata_ldp_vc.json | metadata of 12: 1 types, 2 excused",
    "12 | credential_metadata_mso_mdoc.json | metadata of 12: 1 types, 2 excused",
    "12 | credential_offer_authz_code.txt | offer of 11: 1 credentials",
    "12 | credential_offer_by_reference.json | offer of 11: 1 credentials",
    "12 | credential_offer_jwt_vc_json.json | offer of 11: 1 credentials",
    "12 | credential_offer_ldp_vc.json | offer of 11: 1 credentials",
    "12 | credential_offer_mso_doc.json | offer of 11: 1 credentials",
    "12 | credential_offer_multiple_credentials.json | offer of 11: 2 credentials",
    "12 | credential_offer_pre-authz_code.json | offer of 11: 1 credentials",
    "12 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "12 | credential_response_ldp_vc.txt | 1 issued, nonce",
    // A comma too much, and an array of draft 11 where the text has a map.
    "12 | issuer_metadata.json | not JSON",
    // The text has credential_configuration_ids.
    "13 | block 01 | link, offer of 11: 2 credentials",
    "13 | block 02 | link, offer of 11: 1 credentials",
    "13 | block 04 | link to an offer of 1.0",
    "13 | block 12 | token, nonce",
    "13 | block 20 | 1 issued, nonce",
    "13 | block 21 | deferred, nonce",
    "13 | block 25 | batch",
    "13 | block 26 | batch",
    "13 | credential_issuer_metadata_jwt_vc_json.json | metadata of 13: 1 types",
    "13 | credential_metadata_jwt_vc_json.json | metadata of 13: 1 types, 2 excused",
    "13 | credential_metadata_ldp_vc.json | metadata of 13: 1 types, 2 excused",
    "13 | credential_metadata_mso_mdoc.json | metadata of 13: 1 types, 2 excused",
    "13 | credential_metadata_sd_jwt_vc.json | metadata of 13: 1 types, 2 excused",
    // From here on an offer is what it is today.
    "13 | credential_offer_authz_code.txt | offer of 1.0: 1 credentials",
    "13 | credential_offer_by_reference.json | offer of 1.0: 1 credentials",
    "13 | credential_offer_multiple_credentials.json | offer of 1.0: 2 credentials",
    "13 | credential_offer_pre-authz_code.json | offer of 1.0: 1 credentials",
    "13 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "13 | credential_response_ldp_vc.txt | 1 issued, nonce",
    "14 | block 01 | link, offer of 1.0: 2 credentials",
    "14 | block 02 | link, offer of 1.0: 1 credentials",
    "14 | block 04 | link to an offer of 1.0",
    "14 | block 12 | token, nonce",
    "14 | block 20 | 1 issued, nonce",
    "14 | block 21 | 2 issued, nonce",
    "14 | block 22 | deferred, nonce",
    // Nothing in it is new since draft 13.
    "14 | credential_issuer_metadata_jwt_vc_json.json | metadata of 13: 1 types",
    "14 | credential_metadata_jwt_vc_json.json | metadata of 13: 1 types, 2 excused",
    "14 | credential_metadata_ldp_vc.json | metadata of 13: 1 types, 2 excused",
    "14 | credential_metadata_mso_mdoc.json | metadata of 13: 1 types, 2 excused",
    "14 | credential_metadata_sd_jwt_vc.json | metadata of 13: 1 types, 2 excused",
    "14 | credential_offer_authz_code.txt | offer of 1.0: 1 credentials",
    "14 | credential_offer_by_reference.json | offer of 1.0: 1 credentials",
    "14 | credential_offer_multiple_credentials.json | offer of 1.0: 2 credentials",
    "14 | credential_offer_pre-authz_code.json | offer of 1.0: 1 credentials",
    "14 | credential_response_jwt_vc_json.txt | 1 issued, nonce",
    "14 | credential_response_ldp_vc.txt | 1 issued, nonce",
    "14 | credential_response_mso_mdoc.txt | 1 issued",
    "14 | credential_response_sd_jwt_vc.txt | 1 issued",
    "15 | block 01 | link, offer of 1.0: 2 credentials",
    "15 | block 02 | link, offer of 1.0: 1 credentials",
    "15 | block 04 | link to an offer of 1.0",
    "15 | block 12 | token",
    "15 | block 24 | 1 issued",
    "15 | block 25 | 2 issued",
    "15 | block 26 | deferred",
    "15 | block 29 | 2 issued",
    "15 | credential_issuer_metadata_jwt_vc_json.json | metadata of 15: 1 types",
    "15 | credential_metadata_jwt_vc_json.json | metadata of 15: 1 types, 2 excused",
    // A comma is missing.
    "15 | credential_metadata_ldp_vc.json | not JSON",
    "15 | credential_metadata_mso_mdoc.json | metadata of 15: 1 types, 2 excused",
    "15 | credential_metadata_sd_jwt_vc.json | metadata of 15: 1 types, 2 excused",
    "15 | credential_offer_authz_code.txt | offer of 1.0: 1 credentials",
    "15 | credential_offer_by_reference.json | offer of 1.0: 1 credentials",
    "15 | credential_offer_multiple_credentials.json | offer of 1.0: 2 credentials",
    "15 | credential_offer_pre-authz_code.json | offer of 1.0: 1 credentials",
    "15 | credential_response_jwt_vc_json.txt | 1 issued",
    "15 | credential_response_ldp_vc.txt | 1 issued",
    "15 | credential_response_mso_mdoc.txt | 1 issued",
    "15 | credential_response_sd_jwt_vc.txt | 1 issued",
];

fn git(arguments: &[&str]) -> String {
    let clone = env::var("BESTOW_OPENID4VCI_CLONE").unwrap();
    let output = Command::new("git").arg("-C").arg(clone).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// All that stands in a text as an example, by its place.
fn examples(commit: &str) -> BTreeMap<String, String> {
    let mut examples = BTreeMap::new();
    let text = git(&["show", &format!("{commit}:{TEXT}")]);
    let (mut count, mut block) = (0, None::<String>);
    for line in text.lines() {
        match (line.trim_start().starts_with("```"), block.take()) {
            (true, None) => block = Some(String::new()),
            (true, Some(block)) => {
                count += 1;
                examples.insert(format!("block {count:02}"), block);
            }
            (false, open) => block = open.map(|text| text + line + "\n"),
        }
    }
    for file in git(&["ls-tree", "-r", "--name-only", commit, "examples"]).lines() {
        let name = file.trim_start_matches("examples/").to_owned();
        examples.insert(name, git(&["show", &format!("{commit}:{file}")]));
    }
    examples
}

/// What it is read as; `None` for what nobody sends to a Wallet.
fn read(example: &str, draft: &str) -> Option<String> {
    let begins = |start: &str| example.trim_start().starts_with(start);
    if begins("GET /initiate_issuance?") || begins("GET /credential_offer?") {
        let query = joined(example.split_once('?').unwrap().1.split(" HTTP").next().unwrap());
        return Some(link(&format!("https://wallet.example/?{query}")));
    }
    if begins("openid-") {
        return Some(link(&joined(example)));
    }
    if begins("POST") || begins("GET") || begins("Host") {
        return None;
    }
    let text = whole(&example[example.find('{')?..]);
    let Ok(value) = json::parse(text.as_bytes()) else {
        let is_ours = ["_supported", "access_token", "\"credential\""];
        return is_ours.iter().any(|name| text.contains(name)).then(|| "not JSON".to_owned());
    };
    let has = |name: &str| value.get(name).is_some();
    let offers = has("credentials") && (has("issuer") || has("credential_issuer"));
    if offers || has("credential_configuration_ids") {
        return Some(match Dialect::read_offer(text.as_bytes(), None) {
            Ok((offer, dialect, findings)) => offered(&offer, dialect, findings.len()),
            Err(error) => format!("no offer: {error:?}"),
        });
    }
    if has("credentials_supported") || has("credential_configurations_supported") {
        return Some(metadata(&value, draft));
    }
    answer(&value, &text, Dialect::parse(draft).unwrap())
}

fn link(link: &str) -> String {
    match Dialect::read_link(link) {
        Ok((OfferLink::ByValue(offer), dialect, findings)) => {
            format!("link, {}", offered(&offer, dialect, findings.len()))
        }
        Ok((OfferLink::ByReference(_), dialect, findings)) => {
            format!("link to an offer of {}{}", named(dialect), excused(findings.len()))
        }
        Err(error) => format!("no link: {error:?}"),
    }
}

fn offered(offer: &ReceivedOffer, dialect: Option<Dialect>, findings: usize) -> String {
    let count = offer.credential_configuration_ids.len();
    format!("offer of {}: {count} credentials{}", named(dialect), excused(findings))
}

/// With an offer of the same draft, as they come.
fn metadata(value: &Value, draft: &str) -> String {
    let issuer = value["credential_issuer"].as_str().unwrap_or(ISSUER);
    let offered = match draft {
        "8" | "9" => Dialect::parse(draft),
        "10" | "11" | "12" => Dialect::parse("11"),
        _ => None,
    };
    let read = Dialect::read_metadata(value.to_string().as_bytes(), issuer, offered, &mut []);
    match read {
        Ok((metadata, dialect, _, findings)) => {
            let count = metadata.configurations.len();
            format!("metadata of {}: {count} types{}", named(dialect), excused(findings.len()))
        }
        Err(error) => format!("no metadata: {error:?}"),
    }
}

fn answer(value: &Value, text: &str, dialect: Dialect) -> Option<String> {
    let has = |name: &str| value.get(name).is_some();
    let nonce = |nonce: Option<String>| if nonce.is_some() { ", nonce" } else { "" };
    if has("access_token") {
        let read = dialect.read_token_response(text.as_bytes());
        let Some((_, c_nonce, findings)) = read else { return Some("no token".into()) };
        return Some(format!("token{}{}", nonce(c_nonce), excused(findings.len())));
    }
    if has("credential_responses") {
        let count = value["credential_responses"].as_array().unwrap().len();
        let read = dialect.read_batch_response(text.as_bytes(), count);
        return Some(if read.is_some() { "batch".into() } else { "no batch".into() });
    }
    if has("error") {
        return has("c_nonce")
            .then(|| format!("error{}", nonce(Dialect::error_nonce(text.as_bytes()))));
    }
    let answers = ["credential", "credentials", "transaction_id", "acceptance_token"];
    let asks = has("proof") || has("proofs") || has("type") || has("types");
    if asks || !answers.into_iter().any(has) {
        return None;
    }
    let Some((response, c_nonce, findings)) = dialect.read_credential_response(text.as_bytes())
    else {
        return Some("no response".into());
    };
    let what = match response {
        ReceivedCredentialResponse::Issued { credentials, .. } => {
            format!("{} issued", credentials.len())
        }
        ReceivedCredentialResponse::Deferred { .. } => "deferred".to_owned(),
    };
    Some(format!("{what}{}{}", nonce(c_nonce), excused(findings.len())))
}

fn named(dialect: Option<Dialect>) -> &'static str {
    dialect.map_or("1.0", Dialect::name)
}

fn excused(findings: usize) -> String {
    if findings == 0 { String::new() } else { format!(", {findings} excused") }
}

/// A link that is broken into lines.
fn joined(text: &str) -> String {
    text.split_whitespace().collect()
}

/// JSON in which long texts are broken into lines.
fn whole(text: &str) -> String {
    let (mut whole, mut quoted, mut escaped, mut skips) = (String::new(), false, false, false);
    for c in text.chars() {
        skips &= c.is_whitespace();
        skips |= quoted && c == '\n';
        if skips {
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        whole.push(c);
    }
    whole
}

#[test]
#[ignore = "it needs a clone of the specification: BESTOW_OPENID4VCI_CLONE"]
fn every_example_is_read_as_its_draft() {
    let mut found = Vec::new();
    for (draft, commit) in TEXTS {
        for (place, example) in examples(commit) {
            let read = read(&example, draft);
            found.extend(read.map(|read| format!("{draft} | {place} | {read}")));
        }
    }
    assert_eq!(found, READ);
}
