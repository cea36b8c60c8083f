//! What something says, in parts; what opens a door is left out.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::mso_mdoc::{Mdoc, ShownMdoc};
use formats::sd_jwt;
use formats::status_list::bitstring::Bitstring;
use formats::status_list::token::{self, ReadClaims, TokenFormat};
use formats::status_list::{CompressedList, Status};
use keys::{json as strict, x509};
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferLink;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::kind::Kind;
use super::recognise::{Body, Found, Jwt, SdJwt, recognise};

/// Members whose values are as good as a key: whoever looks at a screen does not need them.
const SECRETS: [&str; 8] = [
    "pre-authorized_code",
    "issuer_state",
    "op_state",
    "access_token",
    "refresh_token",
    "client_secret",
    "c_nonce",
    "user_pin",
];
/// Most credentials of one presentation that are told.
const CREDENTIALS_MAX: usize = 64;
const NOT_SHOWN: &str = "(a secret: not shown)";
/// What tells that an object is a JWK, also where others of these are missing.
const KEY: [&str; 4] = ["kty", "crv", "x", "n"];
/// Private members of a JWK (RFC 7518 §6.2.2), and those of other kinds of keys.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Parts by their names, in the order in which they are read, and what to know of them.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) parts: Vec<(&'static str, Value)>,
    pub(crate) notes: Vec<String>,
}

impl Described {
    /// For scripts.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let parts = self.parts.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut object: Map<String, Value> = parts.collect();
        object.insert("notes".to_owned(), json!(self.notes));
        object
    }

    fn part(&mut self, name: &'static str, value: impl Into<Value>) {
        let mut value = value.into();
        conceal(&mut value);
        self.parts.push((name, value));
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// Describes all that can be recognised.
pub(crate) fn describe(found: &Found) -> Described {
    let mut described = Described::default();
    match &found.body {
        Body::Jwt(jwt) => {
            self::jwt(jwt, &mut described);
            if matches!(found.kind, Kind::SdJwtVc | Kind::VcSdJwt) {
                described.note("its end is missing: an SD-JWT ends in ~");
            }
            if found.kind == Kind::StatusListJwt {
                list(TokenFormat::Jwt, jwt.text.as_bytes(), &mut described);
            }
            bitstring(jwt.claims.as_ref(), &mut described);
            if let (Kind::PresentationJwt, Some(claims)) = (found.kind, &jwt.claims) {
                presented(claims, &mut described);
            }
        }
        Body::SdJwt(sd_jwt) => self::sd_jwt(sd_jwt, &mut described),
        Body::Jwe(header) => {
            described.part("header", header.clone());
            described.note("what is in it can be read with the recipient's key only");
        }
        Body::Json(value) => {
            described.part("content", value.clone());
            bitstring(value.as_object(), &mut described);
            match (found.kind, value) {
                (Kind::CredentialOffer, _) => offer(&value.to_string(), &mut described),
                (Kind::Presentation, Value::Object(presentation)) => {
                    presented(presentation, &mut described);
                }
                _ => {}
            }
        }
        Body::Link(text) => link(text, &mut described),
        Body::Mdoc(text) => mdoc(text, &mut described),
        Body::Shown(documents) => shown(documents, &mut described),
        Body::Cwt(bytes) => list(TokenFormat::Cwt, bytes, &mut described),
        Body::Certificates(chain) => {
            described.part("certificates", super::certificates(chain));
        }
    }
    described.note("nothing was verified: bestow verify does that, where there is a signature");
    described
}

/// Header and claims; a chain is shown as what its certificates say.
fn jwt(jwt: &Jwt, described: &mut Described) {
    let mut header = jwt.header.clone();
    match x509::x5c_from_header(&header) {
        Ok(Some(chain)) => {
            header.insert("x5c".to_owned(), super::certificates(&chain));
        }
        Ok(None) => {}
        Err(error) => described.note(format!("x5c: {error}")),
    }
    let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    if alg.eq_ignore_ascii_case("none") {
        described.note("alg is none: anybody can have written this");
    }
    described.part("header", header);
    let Some(mut claims) = jwt.claims.clone() else {
        described.note("the payload is no JSON object");
        return;
    };
    // Long, packed, and shown unpacked below.
    if let Some(lst) = claims.get_mut("status_list").and_then(|list| list.get_mut("lst")) {
        let length = lst.as_str().map(str::len);
        *lst = format!("(packed: {} characters)", length.unwrap_or_default()).into();
    }
    described.part("claims", claims);
}

fn sd_jwt(found: &SdJwt, described: &mut Described) {
    jwt(&found.jwt, described);
    let disclosures: Vec<Value> = found.disclosures.iter().map(|text| disclosure(text)).collect();
    described.part("disclosures", disclosures);
    let texts: Vec<&str> = found.disclosures.iter().map(String::as_str).collect();
    match found.jwt.claims.clone().map(|payload| sd_jwt::process(payload, &texts)) {
        Some(Ok(claims)) => described.part("disclosed_claims", claims),
        Some(Err(error)) => described.note(error.to_string()),
        None => {}
    }
    if let Some(key_binding) = &found.key_binding {
        let claims = key_binding.claims.clone().unwrap_or_default();
        described.part("key_binding", json!({ "header": key_binding.header, "claims": claims }));
        described.note("it ends in a key binding: its holder made it to show it to somebody");
    }
}

/// `[salt, name, value]` or `[salt, value]` (RFC 9901 §4.2).
fn disclosure(text: &str) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    match bytes.and_then(|bytes| strict::parse(&bytes).ok()) {
        Some(Value::Array(parts)) => match parts.as_slice() {
            [_, name, _] if is_secret(name) => json!({ "name": name, "value": NOT_SHOWN }),
            [_, name, value] => json!({ "name": name, "value": value }),
            [_, value] => json!({ "value": value }),
            _ => json!({ "unreadable": "a disclosure has two or three parts" }),
        },
        _ => json!({ "unreadable": "no JSON array in base64url" }),
    }
}

fn mdoc(text: &str, described: &mut Described) {
    let Ok(mdoc) = Mdoc::parse(text) else { return };
    if let Some(chain) = mdoc.key_reference().x5c {
        described.part("x5chain", super::certificates(&chain));
    }
    if let Value::Object(members) = mdoc.to_json() {
        described.part("issuer_signed", members);
    }
}

/// Mdocs, one after the other.
fn shown(documents: &[ShownMdoc], described: &mut Described) {
    let one = |document: &ShownMdoc| {
        let mut parts = Described::default();
        mdoc(&document.issuer_signed, &mut parts);
        let mut members = parts.to_json();
        members.remove("notes");
        members.insert("docType".to_owned(), document.doc_type.clone().into());
        Value::Object(members)
    };
    described.part("documents", documents.iter().map(one).collect::<Value>());
    described.note("a device made it to show it to somebody");
}

/// A presentation in a JWT or by itself, with the credentials in it told by their kinds.
fn presented(presentation: &Map<String, Value>, described: &mut Described) {
    let presentation = presentation.get("vp").and_then(Value::as_object).unwrap_or(presentation);
    let credentials = match presentation.get("verifiableCredential") {
        Some(Value::Array(credentials)) => credentials.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let told = |credential: &Value| {
        // An enveloped one is a data: URL (VCDM 2.0 §4).
        let url = credential.get("id").and_then(Value::as_str);
        let enveloped =
            url.filter(|url| url.starts_with("data:")).and_then(|url| url.split_once(','));
        let text = match (credential.as_str(), enveloped) {
            (Some(text), _) | (None, Some((_, text))) => text.to_owned(),
            (None, None) => credential.to_string(),
        };
        recognise(text.as_bytes()).map_or("unknown", |found| found.kind.code())
    };
    let kinds: Vec<&str> = credentials.iter().take(CREDENTIALS_MAX).map(told).collect();
    described.part("credentials", kinds);
    described.note("its holder made it to show it to somebody");
}

/// A status list, unpacked and counted.
fn list(format: TokenFormat, bytes: &[u8], described: &mut Described) {
    let token = match token::parse(format, bytes) {
        Ok(token) => token,
        Err(error) => return described.note(error.to_string()),
    };
    let ReadClaims { sub, issued_at, not_before, expires_at, ttl_seconds, list } = token.claims();
    if format == TokenFormat::Cwt {
        if let Some(chain) = token.key_reference().x5c {
            described.part("x5chain", super::certificates(&chain));
        }
        let claims = json!({
            "sub": sub, "iat": issued_at, "nbf": not_before, "exp": expires_at,
            "ttl": ttl_seconds, "kid": token.key_reference().kid,
        });
        described.part("claims", claims);
    }
    entries(list, described);
}

fn entries(list: &CompressedList, described: &mut Described) {
    match list.decompress() {
        Ok(unpacked) => {
            let tally = unpacked.tally();
            let tally = tally.iter().map(|(value, n)| (Status::of(*value).to_string(), json!(n)));
            let tally: Map<String, Value> = tally.collect();
            let (bits, entries) = (list.bits.count(), unpacked.entries());
            described.part("list", json!({ "bits": bits, "entries": entries, "says": tally }));
        }
        Err(error) => described.note(error.to_string()),
    }
}

/// The list in a credential, unpacked and counted (Bitstring Status List §3.4).
fn bitstring(credential: Option<&Map<String, Value>>, described: &mut Described) {
    let Some(credential) = credential else { return };
    let credential = credential.get("vc").and_then(Value::as_object).unwrap_or(credential);
    let subject = credential.get("credentialSubject");
    let encoded = subject.and_then(|subject| subject.get("encodedList")?.as_str());
    let Some(encoded) = encoded else { return };
    match Bitstring::decode(encoded, !encoded.starts_with('u')) {
        Ok(list) => {
            let (bits, set) = (list.entries(1), list.set());
            described.part("list", json!({ "bits": bits, "set": set }));
        }
        Err(error) => described.note(error.to_string()),
    }
}

fn link(text: &str, described: &mut Described) {
    match Dialect::read_link(text) {
        Ok((OfferLink::ByReference(place), dialect, findings)) => {
            described.part("offer_at", place.origin().ascii_serialization());
            described.note("the offer lies there and was not fetched; its address is a secret");
            drafted(dialect, &findings, described);
        }
        Ok((OfferLink::ByValue(_), dialect, findings)) => {
            described.part("offer", offered(text));
            drafted(dialect, &findings, described);
        }
        Err(error) => described.note(error.message()),
    }
}

/// What a link holds: the offer, or in the oldest of them its parameters.
fn offered(link: &str) -> Value {
    let query = link.split_once('?').map(|(_, query)| query);
    let query =
        query.or_else(|| link.split_once(':').map(|(_, rest)| rest.trim_start_matches('/')));
    let query = query.unwrap_or_default().replace("&amp;", "&"); // out of a page's source
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut parameters = Map::new();
    for (name, value) in pairs {
        if name == "credential_offer" {
            return strict::parse(value.as_bytes()).unwrap_or_default();
        }
        // One may be there several times: `credential_type`.
        match parameters.get_mut(&*name) {
            None => drop(parameters.insert(name.into_owned(), value.into())),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    parameters.into()
}

fn offer(document: &str, described: &mut Described) {
    match Dialect::read_offer(document.as_bytes(), None) {
        Ok((_, dialect, findings)) => drafted(dialect, &findings, described),
        Err(error) => described.note(error.message()),
    }
}

/// Of which draft it is, and what it needs to be excused for even there.
fn drafted(dialect: Option<Dialect>, findings: &[&'static str], described: &mut Described) {
    if let Some(dialect) = dialect {
        described.part("draft", dialect.name());
        described.note(format!(
            "this is an offer of draft {dialect} of OpenID4VCI: wallets that know 1.0 alone do not take it"
        ));
    }
    for finding in findings {
        described.note(*finding);
    }
}

fn is_secret(name: &Value) -> bool {
    name.as_str().is_some_and(|name| SECRETS.contains(&name))
}

/// JSON is nested no deeper than its reader allows, so this ends.
fn conceal(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(conceal),
        Value::Object(object) => {
            let is_key = KEY.iter().any(|member| object.contains_key(*member));
            for (name, member) in object.iter_mut() {
                let is_secret = SECRETS.contains(&name.as_str())
                    || (is_key && PRIVATE.contains(&name.as_str()));
                if is_secret {
                    *member = NOT_SHOWN.into();
                } else {
                    conceal(member);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::{conceal, disclosure};

    /// Wherever it stands, and whatever is missing around it.
    #[test]
    fn secrets_and_private_keys_are_not_shown() {
        let text = BASE64_URL_SAFE_NO_PAD.encode(r#"["salt","access_token","canary"]"#);
        let mut keys: Vec<Value> = ["kty", "crv", "x", "n"]
            .map(|member| json!({ "a": [{ member: "y", "d": "canary" }] }))
            .to_vec();
        keys.push(disclosure(&text));
        for mut value in keys {
            conceal(&mut value);
            assert!(!value.to_string().contains("canary"), "{value}");
        }
        let mut claims = json!({ "d": "a claim", "p": 5 });
        conceal(&mut claims);
        assert_eq!(claims, json!({ "d": "a claim", "p": 5 }));
    }
}
