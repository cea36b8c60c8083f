//! W3C Verifiable Credential 2.0 secured with JOSE (VC-JOSE-COSE): `vc+jwt`, and `vc+sd-jwt`, of which
//! the holder may leave claims out.
//!
//! The payload is the credential itself; what a JWT says beside it must not contradict it.

use std::borrow::Cow;

use keys::json;
use keys::jws::{self, Jws};
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::jwt_vc_json::check_kid;
use crate::path::Step;
use crate::sd_jwt::{self, Concealed};
use crate::sd_jwt_vc::IssuerKeyHeader;
use crate::status_list::CredentialStatus;
use crate::unverified::text;
use crate::validity::{self, numeric_date};
use crate::verified::{Format, Verified};
use crate::w3c::{DataModel, SUBJECT, Said, W3cClaims, agreed, members};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, KeyReference};

/// `typ`, and the Credential Format Identifier that wallets know for it.
pub const FORMAT: &str = "vc+jwt";
/// The same with selective disclosure; the name that SD-JWT VC had before.
pub const SD_FORMAT: &str = "vc+sd-jwt";

/// `cty`: what the payload is.
const CONTENT: &str = "vc";
/// What else `typ` says of a `vc+jwt`: it is only recommended there (VC-JOSE-COSE §3.1.1), so libraries
/// write what they write into every JWT; and what it was called in drafts. That it is a credential of
/// version 2, and nothing else that is called so, its contents say.
const OTHER_TYPES: [&str; 2] = ["jwt", "vc+ld+jwt"];
/// In front of a media type that is written in full (RFC 7515 §4.1.9).
const APPLICATION: &str = "application/";

/// Every reader needs them, so none may be withheld, in whole or in part.
pub(crate) const PROTECTED: [&str; 11] = [
    "@context",
    "type",
    "issuer",
    "validFrom",
    "validUntil",
    "credentialStatus",
    "iss",
    "nbf",
    "exp",
    "cnf",
    "status",
];

/// What a credential shall say of which the holder may leave claims out.
#[derive(Clone, Debug)]
pub struct SelectiveClaims<'a> {
    /// All that it says.
    pub claims: W3cClaims<'a>,
    /// Paths, below the subject, of what the holder may leave out.
    pub selective: Cow<'a, [Vec<Step>]>,
    /// Digests of nothing, in each place that has digests of something.
    pub decoys: usize,
    /// The holder's key; without it the credential is good for whoever bears it.
    pub binding: Option<Binding>,
}

/// Makes and signs a `vc+jwt`; `kid` is the name of a key that the issuer publishes.
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
    let raw = sign_as(prepared, (FORMAT, key), signer).await?;
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

/// Signs what [`prepare_selective`] made.
pub async fn sign_selective(
    prepared: &Concealed,
    key: IssuerKeyHeader<'_>,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let raw = prepared.behind(sign_as(&prepared.payload, (SD_FORMAT, key), signer).await?);
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

/// Makes all of a `vc+sd-jwt` but its signature.
pub fn prepare_selective(
    claims: &SelectiveClaims<'_>,
    random: &dyn Random,
) -> Result<Concealed, IssueError> {
    let payload = prepare(&claims.claims)?;
    let subject = [Step::Name(SUBJECT.to_owned())];
    let below_subject = |path: &Vec<Step>| [&subject, path.as_slice()].concat();
    let selective: Vec<_> = claims.selective.iter().map(below_subject).collect();
    let mut concealed = sd_jwt::conceal(payload, &selective, claims.decoys, random)?;
    if let Some(binding) = &claims.binding {
        concealed.payload.insert("cnf".to_owned(), binding.to_cnf());
    }
    Ok(concealed)
}

/// Makes all of a `vc+jwt` but its signature; `iss` leads to the key that `kid` names.
pub fn prepare(claims: &W3cClaims<'_>) -> Result<Map<String, Value>, IssueError> {
    let mut payload = claims.credential(DataModel::V2)?;
    payload.insert("iss".to_owned(), claims.issuer.into());
    claims.insert_status(&mut payload);
    Ok(payload)
}

pub(crate) async fn sign_as(
    payload: &Map<String, Value>,
    (typ, key): (&str, IssuerKeyHeader<'_>),
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let header = [("typ", typ.into()), ("cty", CONTENT.into()), key.member()];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    jws::sign(header, json::text(payload).as_bytes(), signer).await.map_err(IssueError::Signing)
}

/// A credential that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct VcJose {
    jws: Jws,
    /// In a `vc+sd-jwt` with digests in place of the selectively disclosable claims.
    payload: Map<String, Value>,
    key_reference: KeyReference,
    format: Format,
    raw: String,
}

impl VcJose {
    /// Reads a `vc+jwt`.
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        Self::read(raw, raw, (FORMAT, Format::VcJwt))
    }

    /// Reads a `vc+sd-jwt` as an issuer sends it: `JWT~disclosure~…~`.
    pub fn parse_selective(raw: &str) -> Result<Self, FormatError> {
        let (signed, _) = sd_jwt::issued(raw)?;
        Self::read(raw, signed, (SD_FORMAT, Format::VcSdJwt))
    }

    fn read(raw: &str, signed: &str, (name, format): (&str, Format)) -> Result<Self, FormatError> {
        let jws = Jws::parse_with_rsa(signed, CREDENTIAL_BYTES_MAX).map_err(FormatError::of_jws)?;
        check_type(&jws, name)?;
        let payload = jws.claims().map_err(FormatError::of_jws)?;
        if payload.contains_key("vc") || payload.contains_key("vp") {
            return Err(FormatError::Contradiction); // of version 1.1: a second credential inside
        }
        let said = Said::of(&payload, DataModel::V2)?;
        let mut key_reference = KeyReference::of(&jws, &payload)?;
        key_reference.iss = agreed(key_reference.iss, said.issuer)?;
        if key_reference.iss.is_none() {
            return Err(FormatError::Malformed);
        }
        check_kid(&key_reference)?;
        Ok(Self { jws, payload, key_reference, format, raw: raw.to_owned() })
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.key_reference.clone()
    }

    pub(crate) fn status(&self) -> Result<Option<CredentialStatus>, FormatError> {
        let claims = self.processed()?;
        Said::of(&claims, DataModel::V2)?.status(&claims)
    }

    /// Verifies the signature first, then the disclosures, then the claims. What the data model demands
    /// is looked at here and not where it is read: what was taken in before can still be read.
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        self.jws.verify(key).map_err(FormatError::of_jws)?;
        let claims = self.processed()?;
        let mut said = Said::of(&claims, DataModel::V2)?;
        members::check(&claims, self.format == Format::VcJwt)?;
        said.issuer = self.key_reference.iss;
        said.id = agreed(text(&claims, "jti")?, said.id)?;
        said.subject = agreed(text(&claims, "sub")?, said.subject)?;
        // Those of the JWT end the signature, those of the credential what it says.
        let (not_before, end) = (numeric_date(&claims, "nbf")?, numeric_date(&claims, "exp")?);
        validity::check(not_before, end, now)?;
        validity::check(said.not_before, said.expires_at, now)?;
        said.expires_at = end.into_iter().chain(said.expires_at).min();
        let status = said.status(&claims)?;
        let mut verified = said.verified(self.format, status, self.raw);
        if let Some(confirmed) = Binding::from_claims(&claims)? {
            let differ = |bound: &Binding| bound.contradicts(&confirmed);
            if verified.binding.as_ref().is_some_and(differ) {
                return Err(FormatError::Contradiction);
            }
            verified.binding = Some(confirmed);
        }
        Ok(verified)
    }

    /// The payload, with what was disclosed in its place.
    fn processed(&self) -> Result<Map<String, Value>, FormatError> {
        if self.format == Format::VcJwt {
            return Ok(self.payload.clone());
        }
        let (_, disclosures) = self.raw.split_once('~').unwrap_or_default();
        let disclosures: Vec<_> = disclosures.split_terminator('~').collect();
        let claims = sd_jwt::process(self.payload.clone(), &disclosures)
            .map_err(FormatError::Disclosures)?;
        if PROTECTED.iter().any(|name| claims.get(*name) != self.payload.get(*name)) {
            return Err(FormatError::ProtectedClaim);
        }
        Ok(claims)
    }
}

/// `typ` and `cty` may be absent, but say nothing else.
fn check_type(jws: &Jws, name: &str) -> Result<(), FormatError> {
    let says = |member: &str, wanted: &str| match jws.header().get(member) {
        None => true,
        Some(value) => value.as_str().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.strip_prefix(APPLICATION).unwrap_or(&text) == wanted
        }),
    };
    let is_other = name == FORMAT && OTHER_TYPES.iter().any(|other| says("typ", other));
    let fits = (says("typ", name) || is_other) && says("cty", CONTENT);
    fits.then_some(()).ok_or(FormatError::WrongType)
}
