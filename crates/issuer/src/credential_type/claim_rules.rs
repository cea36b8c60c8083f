//! The rules for `[[claims]]` of a credential type, each with its place in the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::checks::check_text;
use super::claims::{Claim, Claims, DEPTH_MAX, Disclosure};
use super::display::Locale;
use super::form::CSRF_FIELD;
use super::format::WrittenFormat;
use super::image::Pictures;
use super::value::{self, Limits, ValueType};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Most claims of one type.
const CLAIMS_MAX: usize = 100;
/// Longest name of a claim.
const NAME_LENGTH_MAX: usize = 64;
/// Claims of an SD-JWT VC and of a JWT, which only the issuer sets (FMT-SDJWT-06, RFC 7519 §4.1).
const SD_JWT_RESERVED: [&str; 13] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "vct", "status", "aka_vcts", "_sd_alg",
    "vp",
];
/// Members of `credentialSubject` that have a meaning of their own.
const SUBJECT_RESERVED: [&str; 2] = ["id", "type"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenClaim {
    path: Vec<String>,
    #[serde(rename = "type")]
    value_type: ValueType,
    #[serde(default)]
    required: bool,
    disclosure: Option<Disclosure>,
    #[serde(default = "yes")]
    form: bool,
    #[serde(default)]
    label: BTreeMap<Locale, String>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    default: Option<toml::Value>,
    example: Option<toml::Value>,
}

const fn yes() -> bool {
    true
}

/// What the rest of the file says about the claims.
pub(super) struct Context<'c> {
    pub(super) source: &'c Source,
    /// The format that they are for.
    pub(super) format: WrittenFormat,
    /// Whether applicants fill in a form.
    pub(super) portal: bool,
}

/// Reads all claims, in the order in which they are displayed (CLAIM-07).
pub(super) fn read(written: &[WrittenClaim], context: &Context<'_>) -> Result<Claims, ConfigError> {
    if written.len() > CLAIMS_MAX {
        let problem = format!("there are more than {CLAIMS_MAX} claims");
        return Err(context.source.mistake("claims", problem, "make two credential types of it"));
    }
    let rules = written.iter().enumerate();
    let rules: Vec<Rules<'_>> =
        rules.map(|(at, claim)| Rules { context, all: written, claim, at }).collect();
    if context.format == WrittenFormat::MsoMdoc && !written.iter().any(|claim| claim.required) {
        let problem = "an mdoc says something, and here everything may be left out";
        return Err(context.source.mistake("claims", problem, "set required = true for one"));
    }
    rules.iter().try_for_each(Rules::check_path)?;
    rules.iter().try_for_each(Rules::check)?;
    rules.iter().map(Rules::claim).collect::<Result<_, _>>().map(Claims::new)
}

/// One claim under judgement.
struct Rules<'r> {
    context: &'r Context<'r>,
    all: &'r [WrittenClaim],
    claim: &'r WrittenClaim,
    at: usize,
}

impl Rules<'_> {
    fn check(&self) -> Result<(), ConfigError> {
        self.check_neighbours()?;
        self.check_labels()?;
        self.check_field()?;
        self.check_limits()?;
        if self.claim.value_type == ValueType::Object {
            self.check_object()
        } else {
            self.check_obtainable()
        }
    }

    fn refuse(&self, key: &str, problem: &str, remedy: &str) -> Result<(), ConfigError> {
        let place = format!("claims.{}.{key}", self.at);
        let problem = format!("claim `{}`: {problem}", self.claim.path.join("."));
        Err(self.context.source.mistake(&place, problem, remedy))
    }

    fn check_path(&self) -> Result<(), ConfigError> {
        let path = &self.claim.path;
        if !(1..=DEPTH_MAX).contains(&path.len()) {
            let remedy = format!("write 1 to {DEPTH_MAX} names, the outermost first");
            return self.refuse("path", "is empty or too deep", &remedy);
        }
        if self.context.format == WrittenFormat::MsoMdoc {
            return self.check_mdoc_path();
        }
        if !path.iter().all(|name| is_name(name)) {
            let remedy = "use letters of a-z, digits, `_` and `-` for each name";
            return self.refuse("path", "is no name that every wallet can show", remedy);
        }
        let is_w3c = self.context.format.is_w3c();
        let reserved: &[&str] = if is_w3c { &SUBJECT_RESERVED } else { &SD_JWT_RESERVED };
        let outermost = path.first().is_some_and(|name| reserved.contains(&name.as_str()));
        if outermost || path.iter().any(|name| name == "_sd") {
            return self.refuse("path", "this name is reserved for the issuer", "choose another");
        }
        Ok(())
    }

    /// FMT-MDOC-06: a name space, which has dots, and an element of it.
    fn check_mdoc_path(&self) -> Result<(), ConfigError> {
        let is_name_space = |name: &str| name.split('.').all(is_name);
        match self.claim.path.split_first() {
            Some((space, elements))
                if is_name_space(space)
                    && !elements.is_empty()
                    && elements.iter().all(|e| is_name(e)) =>
            {
                Ok(())
            }
            _ => self.refuse(
                "path",
                "does not name an element of a name space",
                r#"write it like path = ["org.example.membership.1", "given_name"]"#,
            ),
        }
    }

    /// No claim twice, and none that is a value and an object at once (CLAIM-08, CLAIM-10).
    fn check_neighbours(&self) -> Result<(), ConfigError> {
        let path = &self.claim.path;
        for earlier in self.all.iter().take(self.at) {
            // By its whole name a claim is typed, filled in and complained of.
            if earlier.path.join(".") == path.join(".") {
                return self.refuse("path", "is there twice", "remove one");
            }
        }
        if self.context.format == WrittenFormat::MsoMdoc {
            let declared = |outer: &[String]| self.all.iter().any(|other| other.path == outer);
            if !(2..path.len()).all(|depth| path.get(..depth).is_some_and(declared)) {
                let remedy = "declare the element around it: a claim of type = \"object\"";
                return self.refuse("path", "lies in an element that is not declared", remedy);
            }
        }
        if self.around().any(|other| other.value_type != ValueType::Object) {
            let remedy = "set type = \"object\" for the outer claim, or remove it";
            return self.refuse("path", "lies inside a claim that is a value itself", remedy);
        }
        Ok(())
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
        let own = self.claim.path.iter().map(String::as_str).eq([CSRF_FIELD]);
        if is_field && own {
            let remedy = "choose another name, or set form = false for the claim";
            return self.refuse("path", "the form has a field of its own with this name", remedy);
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        let of_text = matches!(claim.value_type, ValueType::String | ValueType::Email);
        let of_number = matches!(claim.value_type, ValueType::Integer | ValueType::Number);
        let limits = [
            ("min_length", claim.min_length.is_some(), of_text),
            ("max_length", claim.max_length.is_some(), of_text),
            ("minimum", claim.minimum.is_some(), of_number),
            ("maximum", claim.maximum.is_some(), of_number),
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
        Ok(())
    }

    /// A required claim must have a value in samples, and one in what an applicant sends.
    fn check_obtainable(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        if !claim.required || claim.default.is_some() {
            return Ok(());
        }
        if claim.example.is_none() {
            let remedy = "add `example`: samples and the form's hint use it";
            return self.refuse("required", "is required and has no example", remedy);
        }
        if self.context.portal && !claim.form {
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
            required: written.required,
            mandatory: written.required && self.around().all(|object| object.required),
            disclosure: self.disclosure()?,
            in_form: written.form,
            label: label.map(|(tag, text)| (tag.as_str().to_owned(), text.clone())).collect(),
            limits: self.limits(),
            default: self.value("default", written.default.as_ref())?,
            example: self.value("example", written.example.as_ref())?,
        })
    }

    /// Claims whose path this one lies below.
    fn around(&self) -> impl Iterator<Item = &WrittenClaim> {
        let path = &self.claim.path;
        let above =
            |other: &&WrittenClaim| other.path.len() < path.len() && path.starts_with(&other.path);
        self.all.iter().filter(above)
    }

    /// Of an SD-JWT, everything is selective unless it says otherwise; of an mdoc, each element is.
    fn disclosure(&self) -> Result<Disclosure, ConfigError> {
        match (self.context.format, self.claim.disclosure) {
            (format, Some(Disclosure::Selective)) if !format.is_selective() => {
                let problem = "credentials of this format are shown as a whole";
                self.refuse("disclosure", problem, "remove the line, or use dc+sd-jwt")?;
                Ok(Disclosure::Always)
            }
            (WrittenFormat::MsoMdoc, Some(Disclosure::Always)) => {
                let problem = "the holder of an mdoc may leave out every element";
                self.refuse("disclosure", problem, "remove the line, or use dc+sd-jwt")?;
                Ok(Disclosure::Selective)
            }
            (_, Some(written)) => Ok(written),
            (format, None) if format.is_selective() => Ok(Disclosure::Selective),
            (_, None) => Ok(Disclosure::Always),
        }
    }

    const fn limits(&self) -> Limits {
        let WrittenClaim { min_length, max_length, minimum, maximum, .. } = *self.claim;
        Limits { min_length, max_length, minimum, maximum }
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

fn crossed<T: PartialOrd>(least: Option<T>, most: Option<T>) -> bool {
    matches!((least, most), (Some(least), Some(most)) if most < least)
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain)
}

/// Days may be written with or without quotes; lists and tables are no values of claims.
fn to_json(written: &toml::Value) -> Value {
    match written {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(yes) => Value::from(*yes),
        toml::Value::Datetime(day) => Value::from(day.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => Value::Null,
    }
}
