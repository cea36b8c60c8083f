//! What W3C credentials have in common, whatever secures them: the members of the data model.
//!
//! Contexts are names here: none is fetched, and nothing is expanded (FMT-JWT-02, FMT-JWTLD-02).

use keys::outside::Timestamp;
use serde_json::{Map, Value, json};

use crate::binding::Binding;
use crate::status_list::CredentialStatus;
use crate::status_list::bitstring::BitstringEntry;
use crate::unverified::text;
use crate::verified::{Format, Verified};
use crate::{FormatError, IssueError};

pub(crate) mod members;

/// The type of all types.
const TYPE: &str = "VerifiableCredential";
/// Where contexts stand.
pub(crate) const CONTEXT: &str = "@context";
/// Where a credential says how it can be revoked.
pub(crate) const STATUS: &str = "credentialStatus";
/// The name of a credential, for machines.
pub(crate) const ID: &str = "id";
/// The name of a credential, for people.
pub(crate) const NAME: &str = "name";
/// What a credential says of its subject.
pub(crate) const SUBJECT: &str = "credentialSubject";

/// A version of the data model, told by the first context. Each has names of its own for its dates:
/// read by the names of another, a credential would never end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataModel {
    /// VCDM 1.1
    V1,
    /// VCDM 2.0
    V2,
}

impl DataModel {
    /// The context that comes first.
    #[must_use]
    pub const fn context(self) -> &'static str {
        match self {
            Self::V1 => "https://www.w3.org/2018/credentials/v1",
            Self::V2 => "https://www.w3.org/ns/credentials/v2",
        }
    }

    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Self::V1 => "issuanceDate",
            Self::V2 => "validFrom",
        }
    }

    pub(crate) const fn end(self) -> &'static str {
        match self {
            Self::V1 => "expirationDate",
            Self::V2 => "validUntil",
        }
    }

    /// The version of a credential.
    pub(crate) fn of(credential: &Map<String, Value>) -> Result<Self, FormatError> {
        let first = match credential.get(CONTEXT) {
            Some(Value::Array(contexts)) => contexts.first(),
            other => other,
        };
        let named = |model: &Self| first.is_some_and(|first| first == model.context());
        [Self::V1, Self::V2].into_iter().find(named).ok_or(FormatError::OtherDataModel)
    }
}

/// What a W3C credential shall say.
#[derive(Clone, Debug)]
pub struct W3cClaims<'a> {
    /// The name of this one credential, for machines; a URI.
    pub id: Option<String>,
    /// What people call it; version 1.1 of the data model has no such member.
    pub name: Option<&'a str>,
    /// Who issues it.
    pub issuer: &'a str,
    /// What stands behind the context of the data model.
    pub contexts: &'a [Value],
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
    pub status: Option<CredentialStatus>,
}

impl W3cClaims<'_> {
    /// The credential itself; a Token Status List stands beside it, in the JWT that secures it.
    pub(crate) fn credential(&self, model: DataModel) -> Result<Map<String, Value>, IssueError> {
        let mut subject = self.claims.clone();
        if subject.contains_key("id") {
            return Err(IssueError::ReservedClaim);
        }
        if let Some(id) = self.subject {
            subject.insert("id".to_owned(), id.into());
        }
        let mut types = self.types.to_vec();
        if !types.iter().any(|name| name == TYPE) {
            types.insert(0, TYPE.to_owned());
        }
        let mut contexts = vec![Value::from(model.context())];
        contexts.extend_from_slice(self.contexts);
        let members = [
            (CONTEXT, contexts.into()),
            ("type", json!(types)),
            ("issuer", self.issuer.into()),
            (model.begin(), self.issued_at.to_rfc3339().into()),
            (model.end(), self.expires_at.to_rfc3339().into()),
            (SUBJECT, subject.into()),
        ];
        let mut credential: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let name = self.name.filter(|_| model == DataModel::V2);
        let own = [(ID, self.id.as_deref()), (NAME, name)];
        let own =
            own.into_iter().filter_map(|(member, value)| Some((member.to_owned(), value?.into())));
        credential.extend(own);
        if let Some(CredentialStatus::Bitstring(entries)) = &self.status {
            let entries: Vec<Value> = entries.iter().map(BitstringEntry::to_json).collect();
            credential.insert(STATUS.to_owned(), entries.into());
        }
        Ok(credential)
    }

    /// Adds the claim of a JWT that refers to a Token Status List.
    pub(crate) fn insert_status(&self, jwt: &mut Map<String, Value>) {
        if let Some(CredentialStatus::StatusList(reference)) = &self.status {
            reference.insert(jwt);
        }
    }
}

/// What a credential says, before anybody knows whether it is true.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) id: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    /// `credentialSubject` without its id.
    pub(crate) claims: Map<String, Value>,
    pub(crate) types: Vec<String>,
    pub(crate) contexts: Vec<Value>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    /// `credentialStatus`, as it came.
    pub(crate) status: Option<Value>,
}

impl Said {
    /// Reads a credential of one version.
    pub(crate) fn of(
        credential: &Map<String, Value>,
        model: DataModel,
    ) -> Result<Self, FormatError> {
        if DataModel::of(credential)? != model {
            return Err(FormatError::OtherDataModel);
        }
        let mut claims = subject(credential)?;
        let subject = text(&claims, "id")?;
        claims.remove("id");
        Ok(Self {
            id: text(credential, "id")?,
            issuer: name_or_id(credential, "issuer")?,
            subject,
            claims,
            types: types(credential)?,
            contexts: contexts(credential),
            not_before: date(credential, model.begin())?,
            expires_at: date(credential, model.end())?,
            status: credential.get(STATUS).cloned(),
        })
    }

    /// `status` of the JWT around it, or `credentialStatus`.
    pub(crate) fn status(
        &self,
        jwt: &Map<String, Value>,
    ) -> Result<Option<CredentialStatus>, FormatError> {
        CredentialStatus::of_both(jwt, self.status.as_ref())
    }

    /// The same, once its signature and its times are known to be right.
    pub(crate) fn verified(
        self,
        format: Format,
        status: Option<CredentialStatus>,
        raw: String,
    ) -> Verified {
        // Other names of a subject name no key.
        let binding = self.subject.filter(|id| id.starts_with("did:")).map(Binding::Kid);
        Verified {
            format,
            id: self.id,
            issuer: self.issuer,
            claims: self.claims,
            types: self.types,
            contexts: self.contexts,
            binding,
            issued_at: self.not_before,
            not_before: self.not_before,
            expires_at: self.expires_at,
            status,
            raw,
        }
    }
}

/// What is said in two places is said with one voice, and perhaps in one of them only.
pub(crate) fn agreed<T: PartialEq>(
    outside: Option<T>,
    inside: Option<T>,
) -> Result<Option<T>, FormatError> {
    match (outside, inside) {
        (Some(outside), Some(inside)) if outside != inside => Err(FormatError::Contradiction),
        (outside, inside) => Ok(outside.or(inside)),
    }
}

fn contexts(credential: &Map<String, Value>) -> Vec<Value> {
    match credential.get(CONTEXT) {
        Some(Value::Array(contexts)) => contexts.clone(),
        other => other.cloned().into_iter().collect(),
    }
}

fn types(credential: &Map<String, Value>) -> Result<Vec<String>, FormatError> {
    let types: Option<Vec<String>> = match credential.get("type") {
        Some(Value::Array(types)) => {
            types.iter().map(|name| name.as_str().map(str::to_owned)).collect()
        }
        other => other.and_then(Value::as_str).map(|name| vec![name.to_owned()]),
    };
    types.filter(|types| types.iter().any(|name| name == TYPE)).ok_or(FormatError::Malformed)
}

/// The one subject; a JWT has but one `sub`, and a holder's card is about one.
fn subject(credential: &Map<String, Value>) -> Result<Map<String, Value>, FormatError> {
    let subject = match credential.get(SUBJECT) {
        Some(Value::Array(subjects)) => match subjects.as_slice() {
            [only] => Some(only),
            _ => None,
        },
        other => other,
    };
    subject.and_then(Value::as_object).cloned().ok_or(FormatError::Malformed)
}

fn date(credential: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, FormatError> {
    let date = |text: String| Timestamp::from_rfc3339(&text);
    text(credential, name)?.map(|text| date(text).ok_or(FormatError::Malformed)).transpose()
}

/// An issuer is a URI, or an object with one as `id`.
fn name_or_id(object: &Map<String, Value>, name: &str) -> Result<Option<String>, FormatError> {
    match object.get(name) {
        Some(Value::Object(object)) => match text(object, "id")? {
            None => Err(FormatError::Malformed),
            id => Ok(id),
        },
        _ => text(object, name),
    }
}

/// The DID of the one subject, in what may be no W3C credential at all.
pub(crate) fn subject_did(claims: &Map<String, Value>) -> Option<String> {
    claims.get(CONTEXT)?;
    let id = subject(claims).ok()?.get("id")?.as_str()?.to_owned();
    id.starts_with("did:").then_some(id)
}
