//! The application form: which fields it has, and how what was typed becomes claims.

use serde_json::{Map, Value};

use super::CredentialType;
use super::claims::{self, Claim, ClaimFault, ClaimsError};
use super::image::Pictures;
use super::value::{self, Fault, Limits, ValueType};

/// The field that guards every form of the portal; no claim in a form may have its name (P01).
pub const CSRF_FIELD: &str = "csrf";

/// One field of the form.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    /// Name of the input: names from the outside in, joined by dots.
    pub name: String,
    /// For people.
    pub label: String,
    /// The label of the object that the claim is in; fields of one object follow each other.
    pub group: Option<String>,
    /// What to type.
    pub value_type: ValueType,
    /// Whether it may stay empty.
    pub required: bool,
    /// Bounds of the value.
    pub limits: &'t Limits,
    /// A hint.
    pub example: Option<&'t Value>,
}

impl CredentialType {
    /// The fields that an applicant fills in, with labels in this language.
    #[must_use]
    pub fn fields(&self, locale: &str) -> Vec<Field<'_>> {
        self.form_claims().map(|claim| self.field(claim, locale)).collect()
    }

    fn form_claims(&self) -> impl Iterator<Item = &Claim> {
        let is_value = |claim: &&Claim| claim.value_type != ValueType::Object;
        self.claims.iter().filter(|claim| claim.in_form).filter(is_value)
    }

    fn field<'t>(&'t self, claim: &'t Claim, locale: &str) -> Field<'t> {
        Field {
            name: claim.name(),
            label: claim.label(locale),
            group: self.claims.around(&claim.path).last().map(|object| object.label(locale)),
            value_type: claim.value_type,
            required: claim.mandatory && claim.default.is_none(),
            limits: &claim.limits,
            example: claim.example.as_ref(),
        }
    }

    /// Reads a filled-in form: spaces around a value go, an empty field is an absent claim.
    ///
    /// Names that are no fields are ignored: a form has others beside them, and an applicant must
    /// not set a claim that the form does not show. A boolean is `true`, `on` or `false`.
    pub fn from_form(
        &self,
        form: &[(String, String)],
        pictures: &Pictures,
    ) -> Result<Map<String, Value>, ClaimsError> {
        let mut given = Map::new();
        let mut faults = Vec::new();
        for claim in self.form_claims() {
            match typed(claim, form) {
                Ok(Some(value)) => claims::insert(&mut given, &claim.path, value),
                Ok(None) => {}
                Err(fault) => faults.push(ClaimFault { name: claim.name(), fault }),
            }
        }
        match self.claims.check(&given, pictures) {
            Ok(claims) if faults.is_empty() => Ok(claims),
            Ok(_) => Err(ClaimsError(faults)),
            Err(ClaimsError(others)) => {
                // A field that could not be read is not also missing.
                let unread = |name: &String| faults.iter().all(|fault| fault.name != *name);
                let others: Vec<_> =
                    others.into_iter().filter(|other| unread(&other.name)).collect();
                Err(ClaimsError([faults, others].concat()))
            }
        }
    }
}

/// What was typed for this claim.
fn typed(claim: &Claim, form: &[(String, String)]) -> Result<Option<Value>, Fault> {
    let name = claim.name();
    let mut values = form.iter().filter(|(field, _)| *field == name).map(|(_, text)| text.trim());
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Fault::Repeated),
        (None | Some(""), None) => Ok(None),
        (Some(text), None) => value::parse(claim.value_type, text).map(Some),
    }
}
