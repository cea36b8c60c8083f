//! The last look at a credential before it is signed: what went wrong in its making is not signed.
//!
//! It takes nothing from the making but the result, and is told what must be in there.

use std::fmt;

use keys::did;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use serde_json::{Map, Value};

use crate::binding::Binding;
use crate::sd_jwt::{self, Concealed};
use crate::status_list::CredentialStatus;
use crate::unsigned::Unsigned;
use crate::w3c::{CONTEXT, DataModel, ID, NAME, STATUS, SUBJECT};
use crate::{CREDENTIAL_BYTES_MAX, length, mso_mdoc, sd_jwt_vc, vc_jose};

/// What the credential must be.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// As the type is configured.
    pub type_name: TypeName<'a>,
    /// Who issues it; an mdoc does not say it.
    pub issuer: &'a str,
    /// The key that was proved, and how it was named; `None` for whoever bears the credential.
    pub holder: Option<(&'a PublicKey, &'a Binding)>,
    /// The time.
    pub now: Timestamp,
    /// First and last second of the certificate that goes with it; `None` where the key is looked
    /// up by its name.
    pub certificate: Option<(Timestamp, Timestamp)>,
    /// The country of that certificate, if it names one.
    pub country: Option<&'a str>,
    /// The entry that was recorded for it, and how many its list has.
    pub status: Option<(&'a CredentialStatus, u64)>,
}

/// What a type is called in its format.
#[derive(Clone, Copy, Debug)]
pub enum TypeName<'a> {
    /// Of an SD-JWT VC.
    Vct(&'a str),
    /// Of an mdoc.
    DocType(&'a str),
    /// Of a W3C credential.
    W3c {
        /// Behind the context of the data model.
        contexts: &'a [Value],
        /// `type`
        types: &'a [String],
        /// Whether each has a name of its own, for machines.
        has_id: bool,
        /// What people call it.
        name: Option<&'a str>,
    },
}

/// Why a credential is not signed: a fault of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintFault {
    /// Another type, name or format than is configured.
    WrongType,
    /// Another issuer.
    WrongIssuer,
    /// It begins in the future, or ends before it begins, or says two times for one thing.
    WrongTimes,
    /// It would be good for longer than the certificate of the key that signs.
    OutlivesCertificate,
    /// Signed before or after the life of the certificate, or said to begin before it.
    SignedOutsideCertificate,
    /// An mdoc of another country than the certificate.
    OtherCountry,
    /// Bound to another key than was proved, or named in another way.
    WrongBinding,
    /// A claim has a name that means something to readers of the format.
    ReservedName,
    /// The same digest twice, or one identifier for two.
    RepeatedDigest,
    /// An element or a disclosure without its digest.
    MissingDigest,
    /// Another entry of a status list than was recorded for it, or none.
    WrongStatus,
    /// Its status list has no such entry.
    OutsideStatusList,
    /// It tells nothing of anybody.
    SaysNothing,
    /// Longer than [`CREDENTIAL_BYTES_MAX`].
    TooLong,
    /// Not built as its format demands.
    Malformed,
}

impl fmt::Display for LintFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongType => "its type is not the configured one",
            Self::WrongIssuer => "it names another issuer",
            Self::WrongTimes => "its times contradict each other, or the clock",
            Self::OutlivesCertificate => "it ends after the certificate of the signing key",
            Self::SignedOutsideCertificate => {
                "it is signed, or begins, outside the life of the signing key's certificate"
            }
            Self::OtherCountry => {
                "its issuing_country is not that of the signing key's certificate"
            }
            Self::WrongBinding => "it is not bound to the key that was proved",
            Self::ReservedName => "a claim has a reserved name",
            Self::RepeatedDigest => "a digest, or its identifier, is in it twice",
            Self::MissingDigest => "an element or a disclosure has no digest in it",
            Self::WrongStatus => "its entry in a status list is not the recorded one",
            Self::OutsideStatusList => "its status list has no such entry",
            Self::SaysNothing => {
                "it says nothing of its subject: require a claim, or bind it to a key"
            }
            Self::TooLong => "it is too long: shorten its claims",
            Self::Malformed => "it is not built as its format demands",
        })
    }
}

impl std::error::Error for LintFault {}

/// Looks at all of it; the first fault is told.
pub fn check(unsigned: &Unsigned, expected: &Expected<'_>) -> Result<(), LintFault> {
    check_entry(expected)?;
    match unsigned {
        Unsigned::SdJwtVc(concealed) => sd_jwt_vc(concealed, expected),
        Unsigned::MsoMdoc(prepared) => mso_mdoc::check(prepared, expected),
        Unsigned::JwtVcJson(payload) => jwt_vc_json(payload, expected),
        Unsigned::VcJwt(payload) => {
            check_names(payload, &V2_JWT_MEMBERS)?;
            vc_jose(payload, expected)?;
            check_json_length(payload, 0)
        }
        Unsigned::VcSdJwt(concealed) => {
            check_names(&concealed.payload, &V2_SD_JWT_MEMBERS)?;
            vc_jose(&concealed.payload, expected)?;
            check_confirmation(&concealed.payload, expected)?;
            sd_jwt::check(concealed, &vc_jose::PROTECTED)?;
            check_json_length(&concealed.payload, concealed.disclosed_bytes())
        }
        Unsigned::LdpVc(payload, _) => {
            check_names(payload, &V2_MEMBERS)?;
            w3c(payload, DataModel::V2, expected)?;
            check_status(payload, expected)?;
            check_json_length(payload, 0)
        }
    }
}

/// Members of a W3C credential of version 2 that we write; whatever else would mean something else.
const V2_MEMBERS: [&str; 9] =
    [CONTEXT, "type", ID, NAME, "issuer", "validFrom", "validUntil", SUBJECT, STATUS];
/// The same as the payload of a JWT.
const V2_JWT_MEMBERS: [&str; 11] = [
    CONTEXT,
    "type",
    ID,
    NAME,
    "issuer",
    "validFrom",
    "validUntil",
    SUBJECT,
    STATUS,
    "iss",
    "status",
];
/// The same with selective disclosure.
const V2_SD_JWT_MEMBERS: [&str; 14] = [
    STATUS,
    CONTEXT,
    "type",
    ID,
    NAME,
    "issuer",
    "validFrom",
    "validUntil",
    SUBJECT,
    "iss",
    "status",
    "cnf",
    sd_jwt::DIGESTS,
    sd_jwt::HASH,
];
/// Of a JWT around a credential of version 1.1.
const V1_JWT_MEMBERS: [&str; 7] = ["iss", "nbf", "exp", "vc", "sub", "jti", "status"];
/// Of that credential.
const V1_MEMBERS: [&str; 8] =
    [CONTEXT, "type", ID, "issuer", "issuanceDate", "expirationDate", SUBJECT, STATUS];
/// In front of names that were drawn.
const DRAWN: &str = "urn:uuid:";

fn sd_jwt_vc(concealed: &Concealed, expected: &Expected<'_>) -> Result<(), LintFault> {
    let payload = &concealed.payload;
    let TypeName::Vct(vct) = expected.type_name else { return Err(LintFault::WrongType) };
    says(payload, "vct", vct, LintFault::WrongType)?;
    says(payload, "iss", expected.issuer, LintFault::WrongIssuer)?;
    let end = number(payload.get("exp"))?;
    check_times((number(payload.get("iat"))?, end), expected)?;
    if let Some(begin) = payload.get("nbf") {
        check_times((number(Some(begin))?, end), expected)?;
    }
    check_confirmation(payload, expected)?;
    check_status(payload, expected)?;
    if payload.keys().any(|name| sd_jwt_vc::STRANGE.contains(&name.as_str())) {
        return Err(LintFault::ReservedName);
    }
    sd_jwt::check(concealed, &sd_jwt_vc::RESERVED)?;
    check_json_length(payload, concealed.disclosed_bytes())
}

fn jwt_vc_json(payload: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), LintFault> {
    check_names(payload, &V1_JWT_MEMBERS)?;
    let credential = payload.get("vc").and_then(Value::as_object).ok_or(LintFault::Malformed)?;
    check_names(credential, &V1_MEMBERS)?;
    w3c(credential, DataModel::V1, expected)?;
    says(payload, "iss", expected.issuer, LintFault::WrongIssuer)?;
    let inside = credential.get(SUBJECT).and_then(|subject| subject.get("id"));
    if payload.get("jti") != credential.get(ID) {
        return Err(LintFault::WrongType);
    }
    if payload.get("sub") != inside {
        return Err(LintFault::WrongBinding);
    }
    let (begin, end) = dates(credential, DataModel::V1)?;
    if (number(payload.get("nbf"))?, number(payload.get("exp"))?) != (begin, end) {
        return Err(LintFault::WrongTimes);
    }
    // One of the two places, so that no reader finds another entry.
    let status = if credential.contains_key(STATUS) { credential } else { payload };
    if status.contains_key(STATUS) && payload.contains_key("status") {
        return Err(LintFault::WrongStatus);
    }
    check_status(status, expected)?;
    check_json_length(payload, 0)
}

fn vc_jose(payload: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), LintFault> {
    w3c(payload, DataModel::V2, expected)?;
    says(payload, "iss", expected.issuer, LintFault::WrongIssuer)?;
    check_status(payload, expected)
}

/// What all W3C credentials say.
fn w3c(
    credential: &Map<String, Value>,
    model: DataModel,
    expected: &Expected<'_>,
) -> Result<(), LintFault> {
    let TypeName::W3c { contexts, types, has_id, name } = expected.type_name else {
        return Err(LintFault::WrongType);
    };
    let written = credential.get(CONTEXT).and_then(Value::as_array);
    let (own, others) = written.and_then(|all| all.split_first()).ok_or(LintFault::WrongType)?;
    let named = credential.get("type").and_then(Value::as_array).ok_or(LintFault::WrongType)?;
    if own != model.context() || others != contexts || !named.iter().eq(types.iter()) {
        return Err(LintFault::WrongType);
    }
    let name = name.filter(|_| model == DataModel::V2);
    let id = credential.get(ID).map(|id| id.as_str().is_some_and(|id| id.starts_with(DRAWN)));
    if id != has_id.then_some(true) || credential.get(NAME).map(Value::as_str) != name.map(Some) {
        return Err(LintFault::WrongType);
    }
    says(credential, "issuer", expected.issuer, LintFault::WrongIssuer)?;
    check_times(dates(credential, model)?, expected)?;
    let subject = credential.get(SUBJECT).and_then(Value::as_object);
    let subject = subject.ok_or(LintFault::Malformed)?;
    if model == DataModel::V2 && subject.is_empty() {
        return Err(LintFault::SaysNothing); // VCDM 2.0 §4.8
    }
    let id = subject.get("id");
    let wanted = expected.holder.map(|(key, binding)| match binding {
        Binding::Jwk(_) => did::to_did_jwk(key),
        Binding::Kid(url) => did::did_of(url).to_owned(),
    });
    let is_it = id.map(Value::as_str) == wanted.as_deref().map(Some);
    is_it.then_some(()).ok_or(LintFault::WrongBinding)
}

fn dates(
    credential: &Map<String, Value>,
    model: DataModel,
) -> Result<(Timestamp, Timestamp), LintFault> {
    let date = |name| {
        let text = credential.get(name).and_then(Value::as_str);
        text.and_then(Timestamp::from_rfc3339).ok_or(LintFault::WrongTimes)
    };
    Ok((date(model.begin())?, date(model.end())?))
}

fn check_names(object: &Map<String, Value>, known: &[&str]) -> Result<(), LintFault> {
    let is_known = |name: &String| known.contains(&name.as_str());
    object.keys().all(is_known).then_some(()).ok_or(LintFault::ReservedName)
}

fn says(
    object: &Map<String, Value>,
    name: &str,
    text: &str,
    fault: LintFault,
) -> Result<(), LintFault> {
    let is_it = object.get(name).and_then(Value::as_str) == Some(text);
    is_it.then_some(()).ok_or(fault)
}

fn number(value: Option<&Value>) -> Result<Timestamp, LintFault> {
    value.and_then(Value::as_u64).map(Timestamp).ok_or(LintFault::WrongTimes)
}

/// It is good now, and from its beginning to its end its certificate is, too: verifiers may judge
/// that by either (RFC 5280 §6.1).
pub(crate) fn check_times(
    (begin, end): (Timestamp, Timestamp),
    expected: &Expected<'_>,
) -> Result<(), LintFault> {
    if begin > expected.now || end < expected.now {
        return Err(LintFault::WrongTimes);
    }
    match expected.certificate {
        Some((first, last)) if expected.now < first || expected.now > last || begin < first => {
            Err(LintFault::SignedOutsideCertificate)
        }
        Some((_, last)) if end > last => Err(LintFault::OutlivesCertificate),
        _ => Ok(()),
    }
}

fn check_confirmation(
    payload: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), LintFault> {
    let is_it = match (payload.get("cnf").map(Value::as_object), expected.holder) {
        (None, None) => true,
        (Some(Some(cnf)), Some((key, Binding::Jwk(_)))) => {
            let jwk = cnf.get("jwk").and_then(Value::as_object);
            cnf.len() == 1 && jwk.is_some_and(|jwk| key.is_written_as(jwk))
        }
        (Some(Some(cnf)), Some((_, Binding::Kid(url)))) => {
            cnf.len() == 1 && cnf.get("kid").and_then(Value::as_str) == Some(url)
        }
        _ => false,
    };
    is_it.then_some(()).ok_or(LintFault::WrongBinding)
}

fn check_status(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), LintFault> {
    let said = CredentialStatus::of_both(claims, claims.get(STATUS));
    check_said_status(said.map_err(|_| LintFault::WrongStatus)?.as_ref(), expected)
}

pub(crate) fn check_said_status(
    said: Option<&CredentialStatus>,
    expected: &Expected<'_>,
) -> Result<(), LintFault> {
    let is_it = said == expected.status.map(|(recorded, _)| recorded);
    is_it.then_some(()).ok_or(LintFault::WrongStatus)
}

fn check_entry(expected: &Expected<'_>) -> Result<(), LintFault> {
    let Some((recorded, entries)) = expected.status else { return Ok(()) };
    let is_there = match recorded {
        CredentialStatus::StatusList(reference) => reference.idx < entries,
        CredentialStatus::Bitstring(all) => all.iter().all(|entry| entry.index < entries),
        CredentialStatus::Both(..) | CredentialStatus::Other => false,
    };
    is_there.then_some(()).ok_or(LintFault::OutsideStatusList)
}

/// With what goes beside it.
fn check_json_length(payload: &Map<String, Value>, beside: usize) -> Result<(), LintFault> {
    let left = CREDENTIAL_BYTES_MAX.checked_sub(beside).ok_or(LintFault::TooLong)?;
    length::is_at_most(left, payload).then_some(()).ok_or(LintFault::TooLong)
}

pub(crate) const fn check_length(length: usize) -> Result<(), LintFault> {
    if length <= CREDENTIAL_BYTES_MAX { Ok(()) } else { Err(LintFault::TooLong) }
}
