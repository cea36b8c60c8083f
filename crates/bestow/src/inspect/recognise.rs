//! Tells what something is. Input is hostile: it is bounded by its reader, JSON and CBOR by theirs.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::mso_mdoc::{ShownMdoc, device_response};
use formats::status_list::token::{self, TokenFormat};
use keys::{json, x509};
use oid4vci::legacy::Dialect;
use oid4vci::offer::{HAIP_SCHEME, SCHEME};
use serde_json::{Map, Value};
use url::Url;

use super::kind::Kind;

/// Something, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) body: Body,
}

/// In which form it came.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Three parts in base64url, the first of them JSON.
    Jwt(Jwt),
    /// A JWT with disclosures behind it.
    SdJwt(SdJwt),
    /// The header of five parts.
    Jwe(Map<String, Value>),
    Json(Value),
    /// A link with an offer in it, or with the address of one.
    Link(String),
    /// CBOR in base64url.
    Mdoc(String),
    /// Mdocs out of a response.
    Shown(Vec<ShownMdoc>),
    Cwt(Vec<u8>),
    /// DER, the first one first.
    Certificates(Vec<Vec<u8>>),
}

/// What stands in a JWT; the signature may be anything.
#[derive(Clone, Debug)]
pub(crate) struct Jwt {
    pub(crate) text: String,
    pub(crate) header: Map<String, Value>,
    /// `None` where the payload is no JSON object.
    pub(crate) claims: Option<Map<String, Value>>,
}

/// `JWT~disclosure~…~`, perhaps with a Key Binding JWT at the end (RFC 9901 §4).
#[derive(Clone, Debug)]
pub(crate) struct SdJwt {
    pub(crate) text: String,
    pub(crate) jwt: Jwt,
    pub(crate) disclosures: Vec<String>,
    pub(crate) key_binding: Option<Jwt>,
}

/// `None` where it is nothing that is known here.
pub(crate) fn recognise(bytes: &[u8]) -> Option<Found> {
    let Ok(text) = str::from_utf8(bytes) else { return binary(bytes) };
    let text = text.trim().trim_start_matches('\u{feff}');
    match text.as_bytes().first()? {
        b'{' | b'[' => json::parse(text.as_bytes()).ok().map(of_json),
        // A credential as it stands in a JSON answer.
        b'"' => {
            let quoted = json::parse(text.as_bytes()).ok()?;
            let inner = quoted.as_str().filter(|inner| !inner.starts_with('"'))?;
            recognise(inner.as_bytes())
        }
        b'-' => {
            let chain = x509::x5c_from_pem(text).ok()?;
            Some(Found { kind: Kind::Certificates, body: Body::Certificates(chain) })
        }
        _ => link(text).or_else(|| compact(text)),
    }
}

fn binary(bytes: &[u8]) -> Option<Found> {
    if token::parse(TokenFormat::Cwt, bytes).is_ok() {
        return Some(Found { kind: Kind::StatusListCwt, body: Body::Cwt(bytes.to_vec()) });
    }
    if let Ok(shown) = device_response(bytes) {
        return Some(Found { kind: Kind::DeviceResponse, body: Body::Shown(shown) });
    }
    mdoc(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn mdoc(text: String) -> Option<Found> {
    let is_mdoc = formats::mso_mdoc::Mdoc::parse(&text).is_ok();
    is_mdoc.then_some(Found { kind: Kind::MsoMdoc, body: Body::Mdoc(text) })
}

/// Also one of a draft, and one that is damaged but says what it would be.
fn link(text: &str) -> Option<Found> {
    let says_so = || {
        let url = Url::parse(text).ok()?;
        let names = ["credential_offer", "credential_offer_uri"];
        let has_offer = url.query_pairs().any(|(name, _)| names.contains(&&*name));
        (has_offer || [SCHEME, HAIP_SCHEME].contains(&url.scheme())).then_some(())
    };
    if Dialect::read_link(text).is_err() {
        says_so()?;
    }
    Some(Found { kind: Kind::CredentialOffer, body: Body::Link(text.to_owned()) })
}

/// Without a scheme or JSON: what is written in base64url.
fn compact(text: &str) -> Option<Found> {
    if text.contains('~') {
        return sd_jwt(text);
    }
    match text.split('.').count() {
        1 => {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
            binary(&bytes)
        }
        3 => {
            let jwt = jwt(text)?;
            Some(Found { kind: kind_of(&jwt), body: Body::Jwt(jwt) })
        }
        5 => {
            let header = object(text.split('.').next()?)?;
            Some(Found { kind: Kind::Jwe, body: Body::Jwe(header) })
        }
        _ => None,
    }
}

fn sd_jwt(text: &str) -> Option<Found> {
    let mut parts = text.split('~');
    let jwt = jwt(parts.next()?)?;
    let mut disclosures: Vec<String> = parts.map(str::to_owned).collect();
    let last = disclosures.pop().filter(|last| !last.is_empty());
    let key_binding = match last {
        Some(last) => Some(self::jwt(&last)?),
        None => None,
    };
    // `typ` does not tell them apart: both were called `vc+sd-jwt`.
    let has = |name| jwt.claims.as_ref().is_some_and(|claims| claims.contains_key(name));
    let kind = match () {
        () if has("vct") => Kind::SdJwtVc,
        () if has("@context") => Kind::VcSdJwt,
        () => Kind::SdJwt,
    };
    let text = text.to_owned();
    Some(Found { kind, body: Body::SdJwt(SdJwt { text, jwt, disclosures, key_binding }) })
}

fn jwt(text: &str) -> Option<Jwt> {
    let mut parts = text.split('.');
    let header = object(parts.next()?)?;
    let claims = object(parts.next()?);
    BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    parts.next().is_none().then(|| Jwt { text: text.to_owned(), header, claims })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    json::parse_object(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// By `typ`, and where that says nothing by the claims: who leaves it out, or cuts the end of an
/// SD-JWT off, makes no credential something that cannot be revoked.
fn kind_of(jwt: &Jwt) -> Kind {
    let typ = jwt.header.get("typ").and_then(Value::as_str);
    let has = |name| jwt.claims.as_ref().is_some_and(|claims| claims.contains_key(name));
    match typ.and_then(Kind::of_typ) {
        Some(Kind::VcSdJwt) | None if has("vct") => Kind::SdJwtVc,
        Some(kind) => kind,
        None if has("vc") => Kind::JwtVcJson,
        None if has("vp") || has("@context") && has("verifiableCredential") => {
            Kind::PresentationJwt
        }
        None if has("@context") && has("credentialSubject") => Kind::VcJwt,
        None => Kind::Jwt,
    }
}

/// By the members that only such an object has.
fn of_json(value: Value) -> Found {
    let has = |name: &str| value.get(name).is_some();
    let is_issuers = has("credential_issuer") || has("issuer");
    let is_drafts = is_issuers && (has("credentials") || has("credential_type"))
        || has("grants") && has("credentials");
    let kind = if has("credential_configuration_ids") || is_drafts {
        Kind::CredentialOffer
    } else if has("credential_issuer") {
        Kind::IssuerMetadata
    } else if has("issuer") && (has("token_endpoint") || has("authorization_endpoint")) {
        Kind::ServerMetadata
    } else if has("issuer") && (has("jwks") || has("jwks_uri")) {
        Kind::JwtVcIssuerMetadata
    } else if value.get("keys").is_some_and(Value::is_array) {
        Kind::JwkSet
    } else if has("kty") {
        Kind::Jwk
    } else if has("@context") && has("credentialSubject") {
        Kind::LinkedDataCredential
    } else if is_a(&value, "VerifiablePresentation") {
        Kind::Presentation
    } else if is_did_document(&value) {
        Kind::DidDocument
    } else if value.get("vct").is_some_and(Value::is_string) && !is_of_a_credential(&value) {
        Kind::TypeMetadata
    } else {
        Kind::Json
    };
    Found { kind, body: Body::Json(value) }
}

/// What a credential says, or how it is offered, has a type as well.
fn is_of_a_credential(value: &Value) -> bool {
    ["iss", "iat", "exp", "cnf", "_sd", "format"].iter().any(|name| value.get(*name).is_some())
}

/// One of its W3C types.
fn is_a(value: &Value, name: &str) -> bool {
    match value.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == name),
        one => one.is_some_and(|one| one == name),
    }
}

/// Its subject is a DID, and it says something of keys, services or other names: one without any of that
/// is one by its context alone.
fn is_did_document(value: &Value) -> bool {
    let is_did = |id: &Value| id.as_str().is_some_and(|id| id.starts_with("did:"));
    let says =
        ["verificationMethod", "authentication", "assertionMethod", "service", "alsoKnownAs"]
            .iter()
            .any(|name| value.get(*name).is_some());
    let first = value.get("@context").map(|all| all.get(0).unwrap_or(all));
    let is_of_dids = first.and_then(Value::as_str).is_some_and(|first| {
        first.starts_with("https://www.w3.org/ns/did/") || first == "https://w3id.org/did/v1"
    });
    value.get("id").is_some_and(is_did) && (says || is_of_dids)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::super::describe::describe;
    use super::super::outline;
    use super::recognise;

    /// Draws numbers that are the same in each run (xorshift).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % end.max(1) as u64).unwrap_or_default()
        }
    }

    fn jwt(header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    /// The response of ISO 18013-5 Annex D.4.1.2.
    fn annex_d() -> Vec<u8> {
        let text = include_str!("../../../formats/tests/vectors/iso-18013-5-annex-d.hex");
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let byte = |at: usize| {
            digits.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        (0..digits.len() / 2).filter_map(byte).collect()
    }

    /// What a device shows is read mdoc by mdoc, and in no other form.
    #[test]
    fn a_device_response_is_decoded() {
        let found = recognise(&annex_d()).unwrap_or_else(|| unreachable!());
        assert_eq!(found.kind.code(), "device_response");
        let described = serde_json::Value::from(describe(&found).to_json());
        let mdoc = &described["documents"][0];
        assert_eq!(mdoc["docType"], "org.iso.18013.5.1.mDL");
        assert_eq!(mdoc["issuer_signed"]["nameSpaces"]["org.iso.18013.5.1"]["family_name"], "Doe");
        assert!(mdoc["x5chain"][0]["not_before"].is_string(), "{mdoc}");
        let mut longer = annex_d();
        longer.push(0);
        assert!(recognise(&longer).is_none());
    }

    fn things() -> Vec<(&'static str, String)> {
        [compact(), documents()].concat()
    }

    fn compact() -> Vec<(&'static str, String)> {
        let disclosure = BASE64_URL_SAFE_NO_PAD.encode(r#"["salt","name","Ada"]"#);
        let vct = json!({ "vct": "https://a.example/card", "_sd": ["x"], "exp": 1 });
        let sd_jwt = jwt(&json!({ "typ": "dc+sd-jwt", "alg": "ES256", "x5c": ["AAAA"] }), &vct);
        let w3c = json!({ "@context": [], "credentialSubject": {} });
        let list = json!({ "sub": "https://a.example/1", "iat": 1,
            "status_list": { "bits": 1, "lst": "eNrbuRgAAhcBXQ" } });
        let by_typ = |typ: &str| jwt(&json!({ "typ": typ, "alg": "none" }), &json!({ "iss": "a" }));
        vec![
            ("sd_jwt_vc", format!("{sd_jwt}~{disclosure}~")),
            ("sd_jwt_vc", format!("{sd_jwt}~{disclosure}~{}", by_typ("kb+jwt"))),
            ("jwt_vc_json", jwt(&json!({ "alg": "ES256" }), &json!({ "vc": {} }))),
            ("status_list_jwt", jwt(&json!({ "typ": "statuslist+jwt", "alg": "ES256" }), &list)),
            ("signed_issuer_metadata", by_typ("openidvci-issuer-metadata+jwt")),
            ("key_attestation", by_typ("key-attestation+jwt")),
            ("client_attestation", by_typ("oauth-client-attestation+jwt")),
            ("dpop_proof", by_typ("dpop+jwt")),
            ("key_proof", by_typ("openid4vci-proof+jwt")),
            ("sd_jwt_vc", sd_jwt),
            ("sd_jwt_vc", jwt(&json!({ "alg": "ES256" }), &vct)),
            ("sd_jwt_vc", jwt(&json!({ "typ": "vc+sd-jwt", "alg": "ES256" }), &vct)),
            ("sd_jwt_vc", by_typ("dc+sd-jwt")),
            ("vc_sd_jwt", by_typ("application/vc+sd-jwt")),
            ("vc_jwt", jwt(&json!({ "alg": "ES256" }), &w3c)),
            ("vc_jwt", jwt(&json!({ "typ": "JWT", "alg": "ES256" }), &w3c)),
            ("jwt", by_typ("JWT")),
            ("jwe", "eyJhbGciOiJkaXIifQ....".to_owned()),
            ("w3c_presentation_jwt", jwt(&json!({ "alg": "ES256" }), &json!({ "vp": {} }))),
            ("w3c_presentation_jwt", by_typ("vp+jwt")),
            ("jwt", json!(by_typ("JWT")).to_string()),
        ]
    }

    fn documents() -> Vec<(&'static str, String)> {
        let offer = json!({ "credential_issuer": "https://a.example",
            "credential_configuration_ids": ["card"] });
        let offer_link = format!("openid-credential-offer://?credential_offer={offer}");
        let metadata = json!({ "credential_issuer": "https://a.example" });
        let server = json!({ "issuer": "https://a.example", "token_endpoint": "x" });
        let keys = json!({ "issuer": "https://a.example", "jwks": { "keys": [] } });
        vec![
            ("credential_offer", offer.to_string()),
            ("credential_offer", offer_link),
            ("credential_offer", "openid-credential-offer://?credential_offer=".to_owned()),
            (
                "credential_offer",
                "openid-initiate-issuance://?issuer=https%3A%2F%2Fa.example&credential_type=card\
                 &pre-authorized_code=canary&op_state=canary"
                    .to_owned(),
            ),
            (
                "credential_offer",
                json!({ "issuer": "https://a.example", "credentials": ["card"] }).to_string(),
            ),
            (
                "credential_offer",
                json!({ "credential_issuer": "https://a.example", "credentials": ["card"] })
                    .to_string(),
            ),
            ("issuer_metadata", metadata.to_string()),
            ("server_metadata", server.to_string()),
            ("jwt_vc_issuer_metadata", keys.to_string()),
            ("jwk_set", json!({ "keys": [{ "kty": "EC" }] }).to_string()),
            ("jwk", json!({ "kty": "EC" }).to_string()),
            ("json", "[1, {}]".to_owned()),
            ("json", json!({ "id": "did:web:a.example" }).to_string()),
            ("json", json!({ "id": "urn:1", "service": [] }).to_string()),
            ("json", json!({ "vct": "https://a.example/card", "iss": "a" }).to_string()),
            ("type_metadata", json!({ "vct": "https://a.example/card", "name": "A" }).to_string()),
            ("did_document", json!({ "id": "did:web:a.example", "service": [] }).to_string()),
            (
                "did_document",
                json!({ "@context": ["https://www.w3.org/ns/did/v1"], "id": "did:key:z" })
                    .to_string(),
            ),
            (
                "w3c_presentation",
                json!({ "@context": [], "type": ["VerifiablePresentation"], "holder": "did:key:z" })
                    .to_string(),
            ),
            ("device_response", BASE64_URL_SAFE_NO_PAD.encode(annex_d())),
        ]
    }

    #[test]
    fn each_thing_is_told_by_its_form() {
        for (kind, text) in things() {
            let found =
                recognise(text.as_bytes()).unwrap_or_else(|| unreachable!("{kind}: {text}"));
            assert_eq!(found.kind.code(), kind, "{text}");
            let described = describe(&found);
            assert!(!described.parts.is_empty() || !described.notes.is_empty(), "{kind}");
            assert!(!outline::lines(&described.parts).concat().contains("canary"), "{text}");
        }
    }

    /// Who has an old offer in hand learns which wallets take it.
    #[test]
    fn an_offer_of_a_draft_is_told_by_its_draft() {
        let by_reference = "credential_offer_uri=https%3A%2F%2Fa.example%2Fo";
        let flat = "issuer=https%3A%2F%2Fa.example&credential_type=card&pre-authorized_code=x";
        let offer =
            |members: &str| format!("openid-credential-offer://?credential_offer={{{members}}}");
        let old = r#""credential_issuer":"https://a.example","credentials":["card"]"#;
        let new =
            r#""credential_issuer":"https://a.example","credential_configuration_ids":["card"]"#;
        for (text, draft) in [
            (format!("openid-initiate-issuance://?{flat}"), Some("8")),
            (format!("openid_initiate_issuance://?{flat}"), Some("8")),
            (format!("openid-initiate-issuance://?{by_reference}"), Some("9")),
            (offer(old), Some("11")),
            (format!("{{{old}}}"), Some("11")),
            (offer(new), None),
            (format!("{{{new}}}"), None),
            (format!("openid-credential-offer://?{by_reference}"), None),
        ] {
            let found = recognise(text.as_bytes()).unwrap_or_else(|| unreachable!("{text}"));
            let described = describe(&found).to_json();
            assert_eq!(described.get("draft"), draft.map(|it| json!(it)).as_ref(), "{text}");
        }
    }

    /// A list of the W3C's is unpacked and counted, whatever secures it.
    #[test]
    fn a_bitstring_status_list_is_counted() {
        let encoded = "uH4sIAAAAAAAAA-3OMQ0AAAgDsElHOh72EJJWQRMAAAAAAIDWXAcAAAAAAIDHFvRitn7UMAAA";
        let list = json!({ "@context": [], "credentialSubject": { "encodedList": encoded } });
        let with_typ = jwt(&json!({ "typ": "vc+jwt", "alg": "ES256" }), &list);
        let within = jwt(&json!({ "alg": "ES256" }), &json!({ "vc": list }));
        for text in [list.to_string(), with_typ, within] {
            let found = recognise(text.as_bytes()).unwrap_or_else(|| unreachable!("{text}"));
            let described = describe(&found).to_json();
            assert_eq!(described.get("list"), Some(&json!({ "bits": 100_000, "set": 1 })));
        }
    }

    /// No bytes end the program: cut, doubled, and with others in their place.
    #[test]
    fn mutated_bytes_are_told_or_refused_and_nothing_else() {
        let mut dice = Dice(0x5eed_1234_abcd_ef01);
        let mut cbor = vec![0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0x00, 0x41, 0x00];
        cbor.extend([0x9f; 64]);
        let texts = things().into_iter().map(|(_, text)| text.into_bytes());
        for thing in texts.chain([cbor]) {
            for _ in 0..500 {
                let mut bytes = thing.clone();
                for _ in 0..=dice.below(6) {
                    let at = dice.below(bytes.len());
                    match dice.below(4) {
                        0 => bytes.truncate(at),
                        1 => bytes.insert(at, u8::try_from(dice.below(256)).unwrap_or_default()),
                        2 => bytes.extend_from_within(at.min(bytes.len())..),
                        _ => {
                            if let Some(byte) = bytes.get_mut(at) {
                                *byte ^= 1 << dice.below(8);
                            }
                        }
                    }
                }
                if let Some(found) = recognise(&bytes) {
                    let lines = outline::lines(&describe(&found).parts);
                    let is_steering = |c: char| c.is_control();
                    assert!(!lines.iter().any(|line| line.contains(is_steering)));
                }
            }
        }
    }

    #[test]
    fn nesting_and_length_have_an_end() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(recognise(deep.as_bytes()).is_none());
        assert!(recognise(&vec![0x81; 100_000]).is_none());
        let wide = serde_json::Value::from(vec![json!({}); 50_000]).to_string();
        let found = recognise(wide.as_bytes()).unwrap_or_else(|| unreachable!());
        assert!(outline::lines(&describe(&found).parts).len() < 2_100);
    }
}
