//! From the credential type to the fields of its form, and from the answers back to claims.

use serde_json::{Map, Value};

use super::fault;
use super::form_body::FormBody;
use crate::credential_type::{
    self, ClaimFault, ClaimsError, CredentialType, Fault, Pictures, ValueType, data_url,
};
use crate::portal::language::Language;
use crate::portal::pages::{Field, FieldGroup, FieldKind};

/// Reads the claims from the answers; everything that is wrong is named at once.
pub(super) async fn claims(
    credential_type: &CredentialType,
    answers: &FormBody,
) -> Result<Map<String, Value>, ClaimsError> {
    let pictures = pictures(credential_type);
    let mut form: Vec<(String, String)> = answers
        .texts()
        .filter(|(name, _)| !pictures.iter().any(|picture| picture == name))
        .map(|(name, text)| (name.to_owned(), text.into_owned()))
        .collect();
    let mut faults = Vec::new();
    for name in &pictures {
        match picture(answers, name) {
            Ok(url) => form.extend(url.map(|url| (name.clone(), url))),
            Err(fault) => faults.push(ClaimFault { name: name.clone(), fault }),
        }
    }
    let given = form.iter().filter(|(name, _)| pictures.contains(name));
    let cleaned = Pictures::clean(given.map(|(_, url)| url.clone()).collect()).await;
    match credential_type.from_form(&form, &cleaned) {
        Ok(claims) if faults.is_empty() => Ok(claims),
        Ok(_) => Err(ClaimsError(faults)),
        Err(ClaimsError(others)) => {
            // A picture that could not be read is not also missing.
            let is_other = |other: &ClaimFault| faults.iter().all(|fault| fault.name != other.name);
            let others: Vec<_> = others.into_iter().filter(is_other).collect();
            Err(ClaimsError([others, faults].concat()))
        }
    }
}

/// The names of the fields that take a picture.
pub(super) fn pictures(credential_type: &CredentialType) -> Vec<String> {
    let fields = credential_type.fields("").into_iter();
    let pictures = fields.filter(|field| field.value_type == ValueType::Image);
    pictures.map(|field| field.name).collect()
}

/// The file that was chosen, or the `data:` URL that a program sent; none when it was left empty.
fn picture(answers: &FormBody, name: &str) -> Result<Option<String>, Fault> {
    if answers.cut.as_deref() == Some(name) {
        return Err(Fault::ImageTooLarge);
    }
    let Some(file) = answers.bytes(name).filter(|file| !file.is_empty()) else { return Ok(None) };
    if file.starts_with(b"data:") {
        return Ok(answers.text(name).map(std::borrow::Cow::into_owned));
    }
    data_url(file).map(Some)
}

/// A form to show: what was entered, and what is wrong with it.
pub(super) struct Form<'f> {
    pub(super) credential_type: &'f CredentialType,
    pub(super) language: Language,
    pub(super) answers: &'f FormBody,
    pub(super) faults: &'f [ClaimFault],
}

impl Form<'_> {
    /// The fields in the order of the claims, pictures last: of a body that is too long, the answers
    /// after the picture are lost.
    pub(super) fn groups(&self) -> Vec<FieldGroup> {
        let mut fields = self.credential_type.fields(self.language.tag());
        fields.sort_by_key(|field| field.value_type == ValueType::Image);
        let mut groups: Vec<FieldGroup> = Vec::new();
        let mut faults = self.faults.to_vec();
        for field in &fields {
            let error = self.error(field, &mut faults);
            let shown = self.field(field, error);
            match groups.last_mut() {
                Some(group) if group.legend == field.group => group.fields.push(shown),
                _ => groups.push(FieldGroup { legend: field.group.clone(), fields: vec![shown] }),
            }
        }
        groups
    }

    fn field(&self, field: &credential_type::Field<'_>, error: Option<String>) -> Field {
        Field {
            name: field.name.clone(),
            label: if field.value_type == ValueType::DateTime {
                format!("{} (UTC)", field.label)
            } else {
                field.label.clone()
            },
            kind: kind(field.value_type),
            required: field.required,
            example: field.example.map(text).unwrap_or_default(),
            max_length: field.limits.max_length.filter(|_| field.value_type != ValueType::Bytes),
            value: self.value(field),
            error,
        }
    }

    /// Takes the fault of this field, or that of an object whose first field it is.
    fn error(
        &self,
        field: &credential_type::Field<'_>,
        faults: &mut Vec<ClaimFault>,
    ) -> Option<String> {
        let place = faults.iter().position(|ClaimFault { name, .. }| {
            let rest = field.name.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if let Some(place) = place {
            return Some(fault::text(faults.swap_remove(place).fault, self.language));
        }
        let is_picture = field.value_type == ValueType::Image;
        let was_given = self.answers.bytes(&field.name).is_some_and(|file| !file.is_empty());
        let again = || fault::picture_again(self.language).to_owned();
        (is_picture && was_given).then(again)
    }

    fn value(&self, field: &credential_type::Field<'_>) -> String {
        if field.value_type == ValueType::Image {
            return String::new();
        }
        self.answers.text(&field.name).unwrap_or_default().into_owned()
    }
}

/// Of a picture no example can be shown in words.
fn text(example: &Value) -> String {
    match example {
        Value::String(text) if text.starts_with("data:") => String::new(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            example.to_string()
        }
    }
}

/// Objects and lists are no fields: what is in them is.
const fn kind(value_type: ValueType) -> FieldKind {
    match value_type {
        ValueType::String | ValueType::Bytes | ValueType::Object | ValueType::List => {
            FieldKind::Text
        }
        ValueType::DateTime => FieldKind::DateTime,
        ValueType::Email => FieldKind::Email,
        ValueType::Date => FieldKind::Date,
        ValueType::Integer => FieldKind::Integer,
        ValueType::Number => FieldKind::Number,
        ValueType::Boolean => FieldKind::Boolean,
        ValueType::Image => FieldKind::Picture,
    }
}
