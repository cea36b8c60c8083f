//! W3C Verifiable Credential 1.1 as a JWT, formats `jwt_vc_json` (VCI §A.1.1) and `jwt_vc_json-ld`
//! (VCI §A.1.3).
//!
//! The JWT says again, or instead, what stands in the credential under `vc`: `iss` is `issuer`,
//! `nbf` is `issuanceDate`, `exp` is `expirationDate`, `sub` is `credentialSubject.id` and `jti` is
//! `id`. Readers look at the one or at the other, so the two must agree (catalogue I14).
//!
//! What is signed has the same form in both formats (FMT-JWTLD-04); the second promises contexts by
//! which others may expand it.

use keys::did;
use keys::json;
use keys::jws::{self, Jws};
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value};

use crate::sd_jwt_vc::IssuerKeyHeader;
use crate::status_list::CredentialStatus;
use crate::unverified::text;
use crate::validity::{self, numeric_date};
use crate::verified::{Format, Verified};
use crate::w3c::{self, DataModel, W3cClaims, agreed};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, KeyReference};

/// The Credential Format Identifier (FMT-JWT-01).
pub const FORMAT: &str = "jwt_vc_json";
/// The same with contexts that mean something (FMT-JWTLD-01).
pub const LD_FORMAT: &str = "jwt_vc_json-ld";

/// Makes and signs a credential; `kid` is the name of a key that the issuer publishes.
pub async fn issue(
    claims: W3cClaims<'_>,
    kid: &str,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    sign(&prepare(&claims)?, kid, signer).await
}

/// Signs what [`prepare`] made.
pub async fn sign(
    prepared: &Map<String, Value>,
    kid: &str,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    sign_with(prepared, IssuerKeyHeader::Kid(kid), signer).await
}

/// The same, by a key that is found in another way.
pub async fn sign_with(
    prepared: &Map<String, Value>,
    key: IssuerKeyHeader<'_>,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let header = [("typ", "JWT".into()), key.member()];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let payload = json::text(prepared);
    let raw = jws::sign(header, payload.as_bytes(), signer).await.map_err(IssueError::Signing)?;
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

/// Makes all of a credential but its signature.
pub fn prepare(claims: &W3cClaims<'_>) -> Result<Map<String, Value>, IssueError> {
    let mut payload = Map::new();
    let mut insert = |name: &str, value| payload.insert(name.to_owned(), value);
    insert("iss", claims.issuer.into());
    insert("nbf", claims.issued_at.0.into());
    insert("exp", claims.expires_at.0.into());
    insert("vc", claims.credential(DataModel::V1)?.into());
    if let Some(id) = claims.subject {
        insert("sub", id.into());
    }
    if let Some(id) = &claims.id {
        payload.insert("jti".to_owned(), id.as_str().into());
    }
    claims.insert_status(&mut payload);
    Ok(payload)
}

/// A W3C credential that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct JwtVc {
    jws: Jws,
    key_reference: KeyReference,
    said: w3c::Said,
    status: Option<CredentialStatus>,
    format: Format,
    raw: String,
}

impl JwtVc {
    /// Reads what an issuer sent: one JWT (FMT-JWT-05).
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        let jws = Jws::parse_with_rsa(raw, CREDENTIAL_BYTES_MAX).map_err(FormatError::of_jws)?;
        let typ = jws.header().get("typ").map(|typ| typ.as_str().unwrap_or_default());
        if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(FormatError::WrongType);
        }
        let claims = jws.claims().map_err(FormatError::of_jws)?;
        // One of version 2 is the payload itself; its `typ` need not say so.
        if !claims.contains_key("vc") && DataModel::of(&claims) == Ok(DataModel::V2) {
            return Err(FormatError::WrongType);
        }
        let (said, status) = said(&claims)?;
        let mut key_reference = KeyReference::of(&jws, &claims)?;
        key_reference.iss.clone_from(&said.issuer);
        check_kid(&key_reference)?;
        Ok(Self {
            jws,
            key_reference,
            said,
            status,
            format: Format::JwtVcJson,
            raw: raw.to_owned(),
        })
    }

    /// The same, as `jwt_vc_json-ld`.
    pub fn parse_ld(raw: &str) -> Result<Self, FormatError> {
        Ok(Self { format: Format::JwtVcJsonLd, ..Self::parse(raw)? })
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.key_reference.clone()
    }

    pub(crate) fn status(&self) -> Option<CredentialStatus> {
        self.status.clone()
    }

    /// Verifies the signature, then the times.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        self.jws.verify(key).map_err(FormatError::of_jws)?;
        let w3c::Said { not_before, expires_at, .. } = self.said;
        validity::check(not_before, expires_at, now)?;
        Ok(self.said.verified(self.format, self.status, self.raw))
    }
}

/// A key of one DID does not sign in the name of another, or of a website (catalogue I13).
pub(crate) fn check_kid(reference: &KeyReference) -> Result<(), FormatError> {
    let kid = reference.kid.as_deref().filter(|kid| kid.starts_with("did:"));
    match (kid.map(did::did_of), reference.iss.as_deref()) {
        (Some(did), Some(iss)) if did != iss => Err(FormatError::OtherIssuer),
        _ => Ok(()),
    }
}

/// What the JWT and the credential in it say together.
fn said(jwt: &Map<String, Value>) -> Result<(w3c::Said, Option<CredentialStatus>), FormatError> {
    let vc = jwt.get("vc").and_then(Value::as_object).ok_or(FormatError::Malformed)?;
    let mut said = w3c::Said::of(vc, DataModel::V1)?;
    said.issuer = agreed(text(jwt, "iss")?, said.issuer)?;
    said.not_before = agreed(numeric_date(jwt, "nbf")?, said.not_before)?;
    said.expires_at = agreed(numeric_date(jwt, "exp")?, said.expires_at)?;
    said.id = agreed(text(jwt, "jti")?, said.id)?;
    said.subject = agreed(text(jwt, "sub")?, said.subject)?;
    if said.issuer.is_none() || said.not_before.is_none() {
        return Err(FormatError::Malformed);
    }
    let status = said.status(jwt)?;
    Ok((said, status))
}
