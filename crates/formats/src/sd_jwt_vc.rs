//! SD-JWT VC, format `dc+sd-jwt` (VCI §A.3), in its compact form (HAIP-40): a typed SD-JWT with rules
//! for its claims.

use std::borrow::Cow;

use keys::algorithm::Algorithm;
use keys::json;
use keys::jws::{self, Jws, ProtectedHeader};
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::Signer;
use keys::x509;
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::path::Step;
use crate::sd_jwt::{self, Concealed};
use crate::status_list::{CredentialStatus, StatusReference};
use crate::unverified::text;
use crate::validity::{self, numeric_date};
use crate::verified::{Format, Verified};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, KeyReference};

/// The Credential Format Identifier, and `typ` (FMT-SDJWT-01, FMT-SDJWT-05).
pub const FORMAT: &str = "dc+sd-jwt";
/// What both were called before; still accepted (FMT-SDJWT-10).
pub const FORMER_FORMAT: &str = "vc+sd-jwt";

/// Every reader needs them, so none may be withheld, in whole or in part (FMT-SDJWT-06).
const PROTECTED: [&str; 8] =
    ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];
/// These, and what else says something of the credential and nothing of its subject.
pub(crate) const RESERVED: [&str; 10] =
    ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "iat", "jti"];
/// What we do not write at all, so that a claim which is called so is one by mistake.
pub(crate) const STRANGE: [&str; 4] = ["aud", "jti", "aka_vcts", "sub"];

/// What an SD-JWT VC shall say.
#[derive(Clone, Debug)]
pub struct SdJwtVcClaims<'a> {
    /// Its type.
    pub vct: &'a str,
    /// What describes the type, by its digest (SD-JWT VC §7).
    pub vct_integrity: Option<&'a str>,
    /// Who issues it (`iss`).
    pub issuer: &'a str,
    /// What it says of its subject.
    pub claims: Map<String, Value>,
    /// Paths of the claims that the holder may leave out.
    pub selective: Cow<'a, [Vec<Step>]>,
    /// Digests without a claim in each place that has some, to hide how many claims there are.
    pub decoys: usize,
    /// The holder's key; without it the credential is good for whoever bears it.
    pub binding: Option<Binding>,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// From when on it is good, if that is later.
    pub not_before: Option<Timestamp>,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Where its status can be asked for.
    pub status: Option<StatusReference>,
}

/// How the header refers to the issuer's key.
#[derive(Clone, Copy, Debug)]
pub enum IssuerKeyHeader<'a> {
    /// Certificates, the signer's first, without the anchor (HAIP §6.1.1).
    X5c(&'a [Vec<u8>]),
    /// The name of a key that the issuer publishes.
    Kid(&'a str),
}

/// Makes and signs a credential.
pub async fn issue(
    claims: SdJwtVcClaims<'_>,
    header: IssuerKeyHeader<'_>,
    signer: &dyn Signer,
    random: &dyn Random,
) -> Result<String, IssueError> {
    let header = header.written(FORMAT, signer.algorithm());
    sign(&prepare(claims, random)?, &header, signer).await
}

/// Signs what [`prepare`] made.
pub async fn sign(
    prepared: &Concealed,
    header: &ProtectedHeader,
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let payload = json::text(&prepared.payload);
    let room = 1 + prepared.disclosed_bytes();
    let jwt = jws::sign_under(header, (payload.as_bytes(), room), signer).await;
    let raw = prepared.behind(jwt.map_err(IssueError::Signing)?);
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

/// Makes all of a credential but its signature. The claims of the credential itself come last, so
/// that no path leads to them.
pub fn prepare(claims: SdJwtVcClaims<'_>, random: &dyn Random) -> Result<Concealed, IssueError> {
    if claims.claims.keys().any(|name| RESERVED.contains(&name.as_str())) {
        return Err(IssueError::ReservedClaim);
    }
    let mut concealed = sd_jwt::conceal(claims.claims, &claims.selective, claims.decoys, random)?;
    let mut insert = |name: &str, value| concealed.payload.insert(name.to_owned(), value);
    insert("iss", claims.issuer.into());
    insert("vct", claims.vct.into());
    if let Some(integrity) = claims.vct_integrity {
        insert("vct#integrity", integrity.into());
    }
    insert("iat", claims.issued_at.0.into());
    insert("exp", claims.expires_at.0.into());
    if let Some(not_before) = claims.not_before {
        insert("nbf", not_before.0.into());
    }
    if let Some(binding) = &claims.binding {
        insert("cnf", binding.to_cnf());
    }
    if let Some(status) = &claims.status {
        status.insert(&mut concealed.payload);
    }
    Ok(concealed)
}

impl IssuerKeyHeader<'_> {
    /// The header, for all that a key of this algorithm signs; `typ` is [`FORMAT`], or
    /// [`FORMER_FORMAT`] for those who know it by its former name.
    #[must_use]
    pub fn written(self, typ: &str, algorithm: Algorithm) -> ProtectedHeader {
        let members = [("typ", typ.into()), self.member()];
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        ProtectedHeader::new(members.collect(), algorithm)
    }

    /// How it stands in a header.
    pub(crate) fn member(self) -> (&'static str, Value) {
        match self {
            Self::X5c(x5c) => ("x5c", x509::x5c_to_json(x5c)),
            Self::Kid(kid) => ("kid", kid.into()),
        }
    }
}

/// An SD-JWT VC that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct SdJwtVc {
    jws: Jws,
    /// With digests in place of the selectively disclosable claims.
    payload: Map<String, Value>,
    key_reference: KeyReference,
    raw: String,
}

impl SdJwtVc {
    /// Reads what an issuer sent: `JWT~disclosure~…~` (FMT-SDJWT-04).
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        let (signed, _) = sd_jwt::issued(raw)?;
        let jws = Jws::parse_with_rsa(signed, CREDENTIAL_BYTES_MAX).map_err(FormatError::of_jws)?;
        let payload = jws.claims().map_err(FormatError::of_jws)?;
        check_type(&jws, &payload)?;
        let key_reference = KeyReference::of(&jws, &payload)?;
        Ok(Self { jws, payload, key_reference, raw: raw.to_owned() })
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.key_reference.clone()
    }

    pub(crate) fn status(&self) -> Result<Option<CredentialStatus>, FormatError> {
        CredentialStatus::from_claims(&self.payload)
    }

    /// Verifies the signature first, then the disclosures, then the claims (RFC 9901 §7.1).
    pub fn verify(self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        self.jws.verify(key).map_err(FormatError::of_jws)?;
        let (_, disclosures) = self.raw.split_once('~').unwrap_or_default();
        let disclosures: Vec<_> = disclosures.split_terminator('~').collect();
        let mut claims = sd_jwt::process(self.payload.clone(), &disclosures)
            .map_err(FormatError::Disclosures)?;
        // What was withheld, or could have been, is not what stands in the payload.
        if PROTECTED.iter().any(|name| claims.get(*name) != self.payload.get(*name)) {
            return Err(FormatError::ProtectedClaim);
        }
        let not_before = numeric_date(&claims, "nbf")?;
        let expires_at = numeric_date(&claims, "exp")?;
        validity::check(not_before, expires_at, now)?;
        let issued_at = numeric_date(&claims, "iat")?;
        let binding = Binding::from_claims(&claims)?;
        let status = CredentialStatus::from_claims(&claims)?;
        let types = text(&claims, "vct")?.into_iter().collect();
        claims.retain(|name, _| !RESERVED.contains(&name.as_str()));
        Ok(Verified {
            format: Format::SdJwtVc,
            id: None,
            issuer: self.key_reference.iss,
            claims,
            types,
            contexts: Vec::new(),
            binding,
            issued_at,
            not_before,
            expires_at,
            status,
            raw: self.raw,
        })
    }
}

/// `vct` tells this format from the W3C credential that is called `vc+sd-jwt` as well.
fn check_type(jws: &Jws, payload: &Map<String, Value>) -> Result<(), FormatError> {
    let typ = jws.header().get("typ").and_then(Value::as_str);
    let vct = text(payload, "vct")?;
    match (typ, vct.as_deref()) {
        (Some(FORMAT | FORMER_FORMAT), Some("")) | (Some(FORMAT), None) => {
            Err(FormatError::Malformed)
        }
        (Some(FORMAT | FORMER_FORMAT), Some(_)) => Ok(()),
        (Some(FORMER_FORMAT), None) => Err(FormatError::W3cSdJwt),
        _ => Err(FormatError::WrongType),
    }
}
