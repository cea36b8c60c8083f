//! The rules for `[[claims]]` of a credential type, each with its place in the file.

use std::collections::{BTreeMap, BTreeSet};

use formats::path::Step;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::checks::check_text;
use super::claims::{Claim, Claims, name_of};
use super::disclosure::Disclosure;
use super::display::Locale;
use super::form::CSRF_FIELD;
use super::format::WrittenFormat;
use super::image::Pictures;
use super::value::{self, ITEMS_MAX, Limits, ValueType};
use super::written::Mistakes;
use crate::config::ConfigError;
use crate::config::source::Source;

/// Most claims of one type.
const CLAIMS_MAX: usize = 100;
/// Elements of an mdoc that readers expect to be JPEG (ISO 18013-5 §7.2).
const PICTURES_OF_PERSON: [&str; 2] = ["portrait", "signature_usual_mark"];
/// Stands in a path for every element of a list.
const EVERY: &str = "*";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenClaim {
    #[serde(deserialize_with = "path")]
    pub(super) path: Vec<Step>,
    #[serde(rename = "type")]
    pub(super) value_type: ValueType,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) disclosure: Option<Disclosure>,
    #[serde(default = "yes")]
    pub(super) form: bool,
    #[serde(default)]
    label: BTreeMap<Locale, String>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    /// The same in every credential.
    pub(super) value: Option<toml::Value>,
    pub(super) default: Option<toml::Value>,
    pub(super) example: Option<toml::Value>,
}

const fn yes() -> bool {
    true
}

/// TOML has no `null`: a star is every element of a list, and in JSON both are.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let names = Vec::<Option<String>>::deserialize(deserializer)?;
    let name = |name: Option<String>| name.filter(|name| name != EVERY);
    Ok(names.into_iter().map(|step| name(step).map_or(Step::Every, Step::Name)).collect())
}

/// What the rest of the file says about the claims.
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(super) struct Context<'c> {
    pub(super) source: &'c Source,
    /// The format that they are for.
    pub(super) format: WrittenFormat,
    /// Whether the paths of claims do without the name space of an mdoc.
    pub(super) is_in_name_space: bool,
    /// Whether a holder can leave claims out.
    pub(super) is_selective: bool,
    /// Whether what the claims mean is signed, and not how they are written, in some format of the type.
    pub(super) signs_statements: bool,
    /// Whether that holds of some format of the type, as what the file says is for all of them.
    pub(super) some_conceal: bool,
    /// Whether claims can be such that they are always shown, in some format of the type.
    pub(super) some_insist: bool,
    /// Whether they become elements of an mdoc in some format of the type.
    pub(super) is_mdoc: bool,
    /// Whether they become linked data in some format of the type.
    pub(super) is_linked_data: bool,
    /// Whether applicants fill in a form.
    pub(super) portal: bool,
}

/// Reads all claims, in the order in which they are displayed (CLAIM-07). What only makes sense of
/// good paths is looked at once all are good, and values once all claims are.
pub(super) fn read(
    written: &[WrittenClaim],
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Option<Claims> {
    mistakes.note(check_all(written, context))?;
    let before = mistakes.0.len();
    let rules = written.iter().enumerate();
    let rules: Vec<Rules<'_>> =
        rules.map(|(at, claim)| Rules { context, all: written, claim, at }).collect();
    for check in [Rules::check_path, Rules::check] {
        for rules in &rules {
            mistakes.note(check(rules));
        }
        if mistakes.0.len() > before {
            return None;
        }
    }
    let claims: Vec<Option<Claim>> =
        rules.iter().map(|rules| mistakes.note(rules.claim())).collect();
    claims.into_iter().collect::<Option<_>>().map(Claims::new)
}

/// What is to be said of all of them together.
fn check_all(written: &[WrittenClaim], context: &Context<'_>) -> Result<(), ConfigError> {
    if written.len() > CLAIMS_MAX {
        let problem = format!("there are more than {CLAIMS_MAX} claims");
        return Err(context.source.mistake("claims", problem, "make two credential types of it"));
    }
    let is_said = |claim: &WrittenClaim| is_always_said(claim, written);
    if context.format == WrittenFormat::MsoMdoc && !written.iter().any(is_said) {
        let problem = "an mdoc says something, and here everything may be left out";
        return Err(context.source.mistake("claims", problem, "set required = true for one"));
    }
    Ok(())
}

/// Whether every credential says it: it is always given, as is all that it lies in, and nothing of that
/// is held back. Of an object, whose members may be left out one by one, nothing in it is held back.
fn is_always_said(claim: &WrittenClaim, all: &[WrittenClaim]) -> bool {
    let is_never = |one: &WrittenClaim| one.disclosure == Some(Disclosure::Never);
    let around = || all.iter().filter(|other| claim.path.starts_with(&other.path));
    let inside = || all.iter().filter(|other| other.path.starts_with(&claim.path));
    around().all(|one| is_required(one) && !is_never(one)) && !inside().any(is_never)
}

/// One claim under judgement.
pub(super) struct Rules<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) all: &'r [WrittenClaim],
    pub(super) claim: &'r WrittenClaim,
    at: usize,
}

impl Rules<'_> {
    fn check(&self) -> Result<(), ConfigError> {
        self.check_neighbours()?;
        self.check_labels()?;
        if self.claim.value.is_some() {
            return self.check_constant();
        }
        self.check_field()?;
        self.check_limits()?;
        self.check_never()?;
        if self.claim.value_type == ValueType::Object {
            self.check_object()
        } else if self.claim.value_type == ValueType::List {
            self.check_list()
        } else {
            self.check_obtainable()
        }
    }

    /// Those that stand before it in the file.
    pub(super) fn earlier(&self) -> impl Iterator<Item = &WrittenClaim> {
        self.all.iter().take(self.at)
    }

    pub(super) fn refuse(&self, key: &str, problem: &str, remedy: &str) -> Result<(), ConfigError> {
        let place = format!("claims.{}.{key}", self.at);
        let problem = format!("claim `{}`: {problem}", name_of(&self.claim.path));
        Err(self.context.source.mistake(&place, problem, remedy))
    }

    fn check_labels(&self) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        self.claim.label.iter().try_for_each(|(tag, text)| {
            let place = format!("claims.{}.label.{}", self.at, tag.as_str());
            if !seen.insert(tag.folded()) {
                let problem = "there is a second label for this language";
                return Err(self.context.source.mistake(&place, problem, "keep one of them"));
            }
            check_text(text, &place, self.context.source)
        })
    }

    /// The answers of an applicant and the form's own fields share one body (P01).
    fn check_field(&self) -> Result<(), ConfigError> {
        let is_field = self.context.portal && self.claim.form;
        let own = self.claim.path == [Step::from(CSRF_FIELD)];
        if is_field && own {
            let remedy = "choose another name, or set form = false for the claim";
            return self.refuse("path", "the form has a field of its own with this name", remedy);
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let of_text =
            matches!(claim.value_type, ValueType::String | ValueType::Email | ValueType::Bytes);
        let of_number = matches!(claim.value_type, ValueType::Integer | ValueType::Number);
        let of_list = claim.value_type == ValueType::List;
        let limits = [
            ("min_length", claim.min_length.is_some(), of_text),
            ("max_length", claim.max_length.is_some(), of_text),
            ("minimum", claim.minimum.is_some(), of_number),
            ("maximum", claim.maximum.is_some(), of_number),
            ("min_items", claim.min_items.is_some(), of_list),
            ("max_items", claim.max_items.is_some(), of_list),
        ];
        if let Some((key, ..)) = limits.into_iter().find(|(_, written, fits)| *written && !fits) {
            let problem = format!("`{key}` means nothing for type `{}`", claim.value_type.name());
            return self.refuse(key, &problem, "remove it");
        }
        if claim.max_length == Some(0) {
            let remedy = "write 1 or more, or remove the line";
            return self.refuse("max_length", "no text is so short", remedy);
        }
        if claim.max_length.is_none() && crossed(claim.min_length, Some(value::LENGTH_MAX)) {
            let problem = format!("is more than max_length, which is {}", value::LENGTH_MAX);
            return self.refuse("min_length", &problem, "set max_length too");
        }
        if crossed(claim.min_length, claim.max_length) {
            return self.refuse("max_length", "is less than min_length", "swap them");
        }
        if crossed(claim.minimum, claim.maximum) {
            return self.refuse("maximum", "is less than minimum", "swap them");
        }
        self.check_counts()
    }

    fn check_counts(&self) -> Result<(), ConfigError> {
        let (least, most) = self.limits().items();
        if most == 0 || most > ITEMS_MAX {
            let remedy = format!("write 1 to {ITEMS_MAX}");
            return self.refuse("max_items", "no list is so short or so long", &remedy);
        }
        if least > most {
            let problem = format!("is more than max_items, which is {most}");
            return self.refuse("min_items", &problem, "write less, or set max_items too");
        }
        Ok(())
    }

    /// An object only labels, requires and conceals; values are for the claims in it.
    fn check_object(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let of_value = [
            ("default", claim.default.is_some()),
            ("example", claim.example.is_some()),
            ("form", !claim.form),
        ];
        if let Some((key, _)) = of_value.into_iter().find(|(_, written)| *written) {
            let problem = format!("`{key}` means nothing for type `object`");
            return self.refuse(key, &problem, "write it for the claims in the object");
        }
        let is_below = |other: &WrittenClaim| {
            other.path.len() > claim.path.len() && other.path.starts_with(&claim.path)
        };
        if !self.all.iter().any(is_below) {
            let remedy = "add claims whose path begins with it, or remove it";
            return self.refuse("type", "is an object without claims", remedy);
        }
        self.check_element()
    }

    /// A list is made of its elements: they have the values, and it says how many there are.
    fn check_list(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let of_value = [("default", claim.default.is_some()), ("example", claim.example.is_some())];
        if let Some((key, _)) = of_value.into_iter().find(|(_, written)| *written) {
            let problem = format!("`{key}` means nothing for type `list`");
            return self.refuse(key, &problem, "write `example` for the claims in the list");
        }
        let element = [claim.path.as_slice(), &[Step::Every]].concat();
        if self.declared(&element).is_none() {
            let remedy = r#"add a claim with this path and "*" at its end"#;
            return self.refuse("type", "what the list holds is not said", remedy);
        }
        if self.context.portal && self.is_in_form() && claim.path.contains(&Step::Every) {
            let remedy = "set form = false for it, or portal = false for the type";
            return self.refuse("form", "is a list in a list, which no form has", remedy);
        }
        if self.context.portal && claim.required && !self.is_in_form() && !self.is_inside_hidden() {
            let remedy = "remove `required` or `form = false`, or set portal = false for the type";
            return self.refuse("form", "is required, but nobody can fill it in", remedy);
        }
        self.check_element()
    }

    /// How many elements there are is for the list to say.
    fn check_element(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let is_element = claim.path.last() == Some(&Step::Every);
        let of_list = [("required", claim.required), ("default", claim.default.is_some())];
        match of_list.into_iter().find(|(_, written)| is_element && *written) {
            None => Ok(()),
            Some((key, _)) => {
                let problem = format!("`{key}` means nothing for each element of a list");
                self.refuse(key, &problem, "write required or min_items for the list")
            }
        }
    }

    /// Whether an applicant fills it in, or what is in it.
    fn is_in_form(&self) -> bool {
        self.claim.form && self.claim.value.is_none() && !self.is_inside_hidden()
    }

    fn is_inside_hidden(&self) -> bool {
        self.around().any(|around| around.value_type == ValueType::List && !around.form)
    }

    /// A required claim must have a value in samples, and one in what an applicant sends.
    fn check_obtainable(&self) -> Result<(), ConfigError> {
        self.check_element()?;
        let claim = self.claim;
        let is_element = claim.path.last() == Some(&Step::Every);
        if !(claim.required || is_element) || claim.default.is_some() {
            return Ok(());
        }
        if claim.example.is_none() {
            let remedy = "add `example`: samples and the form's hint use it";
            return self.refuse("required", "is required and has no example", remedy);
        }
        if self.context.portal && !claim.form && !self.is_inside_hidden() {
            let remedy = "add `default`, remove `form = false`, or set portal = false for the type";
            return self.refuse("form", "is required, but nobody can fill it in", remedy);
        }
        Ok(())
    }

    fn claim(&self) -> Result<Claim, ConfigError> {
        let written = self.claim;
        let label = written.label.iter();
        Ok(Claim {
            path: written.path.clone(),
            value_type: written.value_type,
            required: is_required(written),
            mandatory: is_required(written) && self.around().all(is_required),
            disclosure: self.disclosure()?,
            in_form: self.is_in_form(),
            label: label.map(|(tag, text)| (tag.as_str().to_owned(), text.clone())).collect(),
            limits: self.limits(),
            constant: self.constant()?,
            default: self.value("default", written.default.as_ref())?,
            example: self.value("example", written.example.as_ref())?,
        })
    }

    /// Face and signature, as ISO 18013-5 and those who follow it call them.
    fn is_picture_of_person(&self) -> bool {
        let name = self.claim.path.last().and_then(Step::name);
        name.is_some_and(|name| PICTURES_OF_PERSON.contains(&name))
    }

    pub(super) fn limits(&self) -> Limits {
        let WrittenClaim { min_length, max_length, minimum, maximum, .. } = *self.claim;
        let WrittenClaim { min_items, max_items, .. } = *self.claim;
        let is_linked_data = self.context.is_linked_data;
        let is_jpeg = self.context.is_mdoc && self.is_picture_of_person();
        let is_uri = self.context.format.is_w3c() && self.is_for_machines();
        Limits {
            min_length,
            max_length,
            minimum,
            maximum,
            min_items,
            max_items,
            is_linked_data,
            is_uri,
            is_set: self.context.signs_statements,
            is_jpeg,
        }
    }

    /// A value in the file keeps to the rules that given values must keep to.
    fn value(
        &self,
        key: &str,
        written: Option<&toml::Value>,
    ) -> Result<Option<Value>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let value = to_json(written);
        let is_picture = self.claim.value_type == ValueType::Image;
        let picture = value.as_str().filter(|_| is_picture);
        let pictures = picture.map_or(Pictures::none(), Pictures::of_file);
        let taken = value::take(self.claim.value_type, (&self.limits(), &pictures), &value);
        if let Err(fault) = &taken {
            self.refuse(key, &format!("`{key}` {fault}"), "correct it")?;
        }
        Ok(taken.ok())
    }
}

/// Each element of a list is there as long as the list is.
fn is_required(claim: &WrittenClaim) -> bool {
    claim.required || claim.value.is_some() || claim.path.last() == Some(&Step::Every)
}

fn crossed<T: PartialOrd>(least: Option<T>, most: Option<T>) -> bool {
    matches!((least, most), (Some(least), Some(most)) if most < least)
}

/// Days may be written with or without quotes; tables are no values of claims, and lists constants.
pub(super) fn to_json(written: &toml::Value) -> Value {
    match written {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(yes) => Value::from(*yes),
        toml::Value::Datetime(day) => Value::from(day.to_string()),
        toml::Value::Array(elements) => elements.iter().map(to_json).collect(),
        toml::Value::Table(_) => Value::Null,
    }
}
