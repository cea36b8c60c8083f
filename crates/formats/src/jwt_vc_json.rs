//! W3C Verifiable Credential 1.1 as a JWT, format `jwt_vc_json` (VCI §A.1.1).
//!
//! The JWT says again, or instead, what stands in the credential under `vc`: `iss` is `issuer`,
//! `nbf` is `issuanceDate`, `exp` is `expirationDate`, `sub` is `credentialSubject.id` and `jti` is
//! `id`. Readers look at the one or at the other, so the two must agree (catalogue I14).

use keys::did;
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value, json};

use crate::binding::Binding;
use crate::status_list::{CredentialStatus, StatusReference};
use crate::unverified::text;
use crate::validity::{self, numeric_date};
use crate::verified::{Format, Verified};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, KeyReference};

/// The Credential Format Identifier (FMT-JWT-01).
pub const FORMAT: &str = "jwt_vc_json";

/// The first `@context` of version 1.1. Another version has other names for its dates. It is a name
/// to us: no context is fetched, and nothing is expanded (FMT-JWT-02).
const CONTEXT: &str = "https://www.w3.org/2018/credentials/v1";
/// The type of all types.
const TYPE: &str = "VerifiableCredential";

/// What a W3C credential shall say.
#[derive(Clone, Debug)]
pub struct JwtVcClaims<'a> {
    /// Who issues it.
    pub issuer: &'a str,
    /// Its types; `VerifiableCredential` is added in front if it is missing.
    pub types: &'a [String],
    /// The holder's DID; without it the credential is good for whoever bears it.
    pub subject: Option<&'a str>,
    /// What it says of its subject.
    pub claims: Map<String, Value>,
    /// From when on it is good.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Where its status can be asked for.
    pub status: Option<StatusReference>,
}

/// Makes and signs a credential; `kid` is the name of a key that the issuer publishes.
pub async fn issue(
    claims: JwtVcClaims<'_>,
    kid: &str,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let header = [("typ", "JWT"), ("kid", kid)];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let payload = payload(claims)?.to_string();
    let raw = jws::sign(header, payload.as_bytes(), signer).await.map_err(IssueError::Signing)?;
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

fn payload(claims: JwtVcClaims<'_>) -> Result<Value, IssueError> {
    let mut subject = claims.claims;
    if subject.contains_key("id") {
        return Err(IssueError::ReservedClaim);
    }
    if let Some(id) = claims.subject {
        subject.insert("id".to_owned(), id.into());
    }
    let mut types = claims.types.to_vec();
    if !types.iter().any(|name| name == TYPE) {
        types.insert(0, TYPE.to_owned());
    }
    let mut payload = json!({
        "iss": claims.issuer,
        "nbf": claims.issued_at,
        "exp": claims.expires_at,
        "vc": {
            "@context": [CONTEXT],
            "type": types,
            "issuer": claims.issuer,
            "issuanceDate": claims.issued_at.to_rfc3339(),
            "expirationDate": claims.expires_at.to_rfc3339(),
            "credentialSubject": subject,
        },
    });
    if let (Some(id), Some(payload)) = (claims.subject, payload.as_object_mut()) {
        payload.insert("sub".to_owned(), id.into());
    }
    if let (Some(status), Some(payload)) = (&claims.status, payload.as_object_mut()) {
        status.insert(payload);
    }
    Ok(payload)
}

/// A W3C credential that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct JwtVc {
    jws: Jws,
    key_reference: KeyReference,
    said: Said,
    raw: String,
}

impl JwtVc {
    /// Reads what an issuer sent: one JWT (FMT-JWT-05).
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        let jws = Jws::parse(raw, CREDENTIAL_BYTES_MAX).map_err(FormatError::of_jws)?;
        let typ = jws.header().get("typ").map(|typ| typ.as_str().unwrap_or_default());
        if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(FormatError::WrongType);
        }
        let claims = jws.claims().map_err(FormatError::of_jws)?;
        let said = Said::of(&claims)?;
        let mut key_reference = KeyReference::of(&jws, &claims)?;
        key_reference.iss = Some(said.issuer.clone());
        check_kid(&key_reference)?;
        Ok(Self { jws, key_reference, said, raw: raw.to_owned() })
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.key_reference.clone()
    }

    pub(crate) fn status(&self) -> Option<CredentialStatus> {
        self.said.status.clone()
    }

    /// Verifies the signature, then the times.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        self.jws.verify(key).map_err(FormatError::of_jws)?;
        let Said { issuer, subject, claims, types, not_before, expires_at, status } = self.said;
        validity::check(Some(not_before), expires_at, now)?;
        // Other names of a subject name no key.
        let binding = subject.filter(|id| id.starts_with("did:")).map(Binding::Kid);
        Ok(Verified {
            format: Format::JwtVcJson,
            issuer: Some(issuer),
            claims,
            types,
            binding,
            issued_at: Some(not_before),
            not_before: Some(not_before),
            expires_at,
            status,
            raw: self.raw,
        })
    }
}

/// A key of one DID does not sign in the name of another, or of a website (catalogue I13).
fn check_kid(reference: &KeyReference) -> Result<(), FormatError> {
    let kid = reference.kid.as_deref().filter(|kid| kid.starts_with("did:"));
    match (kid.map(did::did_of), reference.iss.as_deref()) {
        (Some(did), Some(iss)) if did != iss => Err(FormatError::OtherIssuer),
        _ => Ok(()),
    }
}

/// What the JWT and the credential in it say together.
#[derive(Clone, Debug)]
struct Said {
    issuer: String,
    subject: Option<String>,
    /// `credentialSubject` without its id.
    claims: Map<String, Value>,
    types: Vec<String>,
    not_before: Timestamp,
    expires_at: Option<Timestamp>,
    status: Option<CredentialStatus>,
}

impl Said {
    fn of(jwt: &Map<String, Value>) -> Result<Self, FormatError> {
        let vc = jwt.get("vc").and_then(Value::as_object).ok_or(FormatError::Malformed)?;
        check_context(vc)?;
        let issuer = agreed(text(jwt, "iss")?, name_or_id(vc, "issuer")?)?;
        let not_before = agreed(numeric_date(jwt, "nbf")?, date(vc, "issuanceDate")?)?;
        let expires_at = agreed(numeric_date(jwt, "exp")?, date(vc, "expirationDate")?)?;
        agreed(text(jwt, "jti")?, text(vc, "id")?)?;
        let mut claims = subject(vc)?;
        let subject = agreed(text(jwt, "sub")?, text(&claims, "id")?)?;
        claims.remove("id");
        Ok(Self {
            issuer: issuer.ok_or(FormatError::Malformed)?,
            subject,
            claims,
            types: types(vc)?,
            not_before: not_before.ok_or(FormatError::Malformed)?,
            expires_at,
            status: status(jwt, vc)?,
        })
    }
}

/// `status` of a JWT, or a `credentialStatus` of the W3C, whose kinds we do not know.
fn status(
    jwt: &Map<String, Value>,
    vc: &Map<String, Value>,
) -> Result<Option<CredentialStatus>, FormatError> {
    let status = CredentialStatus::from_claims(jwt)?;
    let other = vc.contains_key("credentialStatus").then_some(CredentialStatus::Other);
    Ok(status.or(other))
}

/// The JWT or the credential or both, with one voice.
fn agreed<T: PartialEq>(jwt: Option<T>, vc: Option<T>) -> Result<Option<T>, FormatError> {
    match (jwt, vc) {
        (Some(jwt), Some(vc)) if jwt != vc => Err(FormatError::Contradiction),
        (jwt, vc) => Ok(jwt.or(vc)),
    }
}

/// A credential of version 2 would hide its end from us: it stands in `validUntil`.
fn check_context(vc: &Map<String, Value>) -> Result<(), FormatError> {
    let first = match vc.get("@context") {
        Some(Value::Array(contexts)) => contexts.first(),
        other => other,
    };
    if first.is_some_and(|first| first == CONTEXT) {
        Ok(())
    } else {
        Err(FormatError::OtherDataModel)
    }
}

fn types(vc: &Map<String, Value>) -> Result<Vec<String>, FormatError> {
    let types: Option<Vec<String>> = match vc.get("type") {
        Some(Value::Array(types)) => {
            types.iter().map(|name| name.as_str().map(str::to_owned)).collect()
        }
        other => other.and_then(Value::as_str).map(|name| vec![name.to_owned()]),
    };
    types.filter(|types| types.iter().any(|name| name == TYPE)).ok_or(FormatError::Malformed)
}

/// The one subject; a JWT has but one `sub`.
fn subject(vc: &Map<String, Value>) -> Result<Map<String, Value>, FormatError> {
    let subject = match vc.get("credentialSubject") {
        Some(Value::Array(subjects)) => match subjects.as_slice() {
            [only] => Some(only),
            _ => None,
        },
        other => other,
    };
    subject.and_then(Value::as_object).cloned().ok_or(FormatError::Malformed)
}

fn date(vc: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, FormatError> {
    let date = |text: String| Timestamp::from_rfc3339(&text);
    text(vc, name)?.map(|text| date(text).ok_or(FormatError::Malformed)).transpose()
}

/// An issuer is a URI, or an object with one as `id`.
fn name_or_id(vc: &Map<String, Value>, name: &str) -> Result<Option<String>, FormatError> {
    match vc.get(name) {
        Some(Value::Object(object)) => match text(object, "id")? {
            None => Err(FormatError::Malformed),
            id => Ok(id),
        },
        _ => text(vc, name),
    }
}
