//! What a claim is in every credential of a type: written in its file, and given by nobody.

use formats::path::Step;
use serde_json::Value;

use super::claim_rules::{Rules, to_json};
use super::disclosure::Disclosure;
use super::image::Pictures;
use super::value::{self, ITEMS_MAX, Limits, ValueType};
use crate::config::ConfigError;

/// Longest text: what an achievement is takes more words than what a person is called.
const LENGTH_MAX: usize = 2000;

impl Rules<'_> {
    /// Nobody gives it, so nothing else is said of what may be given.
    pub(super) fn check_constant(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let of_given = [
            ("required", claim.required),
            ("form", !claim.form),
            ("default", claim.default.is_some()),
            ("example", claim.example.is_some()),
            ("min_length", claim.min_length.is_some()),
            ("max_length", claim.max_length.is_some()),
            ("minimum", claim.minimum.is_some()),
            ("maximum", claim.maximum.is_some()),
            ("min_items", claim.min_items.is_some()),
            ("max_items", claim.max_items.is_some()),
        ];
        if let Some((key, _)) = of_given.into_iter().find(|(_, written)| *written) {
            let problem = format!("`{key}` means nothing beside `value`, which nobody gives");
            return self.refuse(key, &problem, "remove it");
        }
        if claim.path.last() == Some(&Step::Every) {
            let remedy = "write value = [\"…\"] for the list";
            return self.refuse("value", "is for a list, not for its elements", remedy);
        }
        if claim.disclosure == Some(Disclosure::Never) {
            let problem = "is in no credential, and nobody gives it";
            return self.refuse("disclosure", problem, "remove the line, or the claim");
        }
        let of_holder = claim.disclosure == Some(Disclosure::Selective);
        if of_holder && self.context.format.is_w3c() && self.is_for_machines() {
            let problem = "what a thing is, or is called, is not left out of it";
            return self.refuse("disclosure", problem, "remove the line");
        }
        Ok(())
    }

    /// `id` and `type` of W3C credentials say of which thing the rest is said.
    pub(super) fn is_for_machines(&self) -> bool {
        let last = self.claim.path.last().and_then(Step::name);
        matches!(last, Some("id" | "type"))
    }

    /// Reads it, where the claim is one.
    pub(super) fn constant(&self) -> Result<Option<Value>, ConfigError> {
        let Some(written) = &self.claim.value else { return Ok(None) };
        let is_type = self.claim.path.last().and_then(Step::name) == Some("type");
        let limits = Limits { is_uri: self.limits().is_uri && !is_type, ..self.limits() };
        let value = read(self.claim.value_type, limits, &to_json(written));
        if let Err(problem) = &value {
            self.refuse("value", problem, "correct it")?;
        }
        Ok(value.ok())
    }
}

/// Reads it: one value, or a list of texts.
fn read(value_type: ValueType, limits: Limits, written: &Value) -> Result<Value, String> {
    let limits = Limits { max_length: Some(LENGTH_MAX), ..limits };
    match value_type {
        ValueType::Object => {
            Err("`value` means nothing for type `object`: write it for what is in it".to_owned())
        }
        ValueType::List => {
            let elements = written.as_array().map(Vec::as_slice).unwrap_or_default();
            if elements.is_empty() || elements.len() > ITEMS_MAX {
                return Err(format!("`value` must be a list of 1 to {ITEMS_MAX} texts"));
            }
            for (at, element) in elements.iter().enumerate() {
                one(ValueType::String, &limits, element)?;
                if elements.iter().take(at).any(|other| other == element) {
                    return Err("`value` has the same text twice".to_owned());
                }
            }
            Ok(written.clone())
        }
        ValueType::String
        | ValueType::Email
        | ValueType::Date
        | ValueType::DateTime
        | ValueType::Bytes
        | ValueType::Integer
        | ValueType::Number
        | ValueType::Boolean
        | ValueType::Image => one(value_type, &limits, written),
    }
}

fn one(value_type: ValueType, limits: &Limits, written: &Value) -> Result<Value, String> {
    let picture = written.as_str().filter(|_| value_type == ValueType::Image);
    let pictures = picture.map_or(Pictures::none(), Pictures::of_file);
    value::take(value_type, (limits, &pictures), written)
        .map_err(|fault| format!("`value` {fault}"))
}
