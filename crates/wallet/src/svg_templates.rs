//! Step 20: pictures of whole cards, as the description of a type has them (SD-JWT VC §8.1.2).
//!
//! They are kept as they came and filled whenever they are shown: nobody is asked again.

use formats::type_metadata::{ClaimMetadata, Look, PathStep, SvgTemplate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::card::words;
use crate::display::best;

/// Most of one credential, in all languages and looks.
pub const TEMPLATES_MAX: usize = 8;
/// Longest that all of one credential are together: a record with them must fit into the store.
pub const TEMPLATES_BYTES_MAX: usize = 512 * 1024;

/// Most elements of a list, and characters of them all, in one place of a picture.
const VALUES_MAX: usize = 20;
const VALUE_CHARACTERS_MAX: usize = 300;

/// All pictures of one card; each was looked at before it came in here.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct SvgTemplates {
    templates: Vec<LocalTemplate>,
    /// The claims that they may show.
    claims: Vec<NamedClaim>,
}

/// A picture in one language, for one look.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct LocalTemplate {
    locale: String,
    look: Look,
    svg: String,
}

/// What a picture calls a claim, and where it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct NamedClaim {
    svg_id: String,
    /// Names, places in a list, or `null` for every place.
    path: Vec<Value>,
}

impl SvgTemplates {
    /// For a type that describes these claims.
    pub(crate) fn of(claims: &[ClaimMetadata]) -> Self {
        let named = claims.iter().filter_map(|claim| {
            let path = claim.path.iter().map(|step| match step {
                PathStep::Name(name) => Value::from(name.as_str()),
                PathStep::Every => Value::Null,
                PathStep::Index(index) => Value::from(*index),
            });
            Some(NamedClaim { svg_id: claim.svg_id.clone()?, path: path.collect() })
        });
        Self { templates: Vec::new(), claims: named.collect() }
    }

    /// Takes a picture that names no claim but these, as long as there is room.
    pub(crate) fn take(&mut self, locale: &str, look: Look, template: &SvgTemplate) {
        let is_known = |id: &str| self.claims.iter().any(|claim| claim.svg_id == id);
        let length: usize = self.templates.iter().map(|kept| kept.svg.len()).sum();
        let svg = template.source();
        let is_full =
            self.templates.len() >= TEMPLATES_MAX || length + svg.len() > TEMPLATES_BYTES_MAX;
        if !is_full && template.check_ids(is_known).is_ok() {
            let (locale, svg) = (locale.to_owned(), svg.to_owned());
            self.templates.push(LocalTemplate { locale, look, svg });
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The picture in the language and look that fit best, with what the credential says; `None` where
    /// there is none.
    #[must_use]
    pub fn drawn(&self, claims: &Map<String, Value>, locale: &str, wanted: Look) -> Option<String> {
        let language = best(&self.templates, |one| Some(one.locale.as_str()), locale)?;
        let fitting = self.templates.iter().filter(|one| one.locale == language.locale);
        let chosen = fitting.min_by_key(|one| one.look.distance(wanted))?;
        let template = SvgTemplate::read(chosen.svg.as_bytes()).ok()?;
        Some(template.fill(|id| {
            let claim = self.claims.iter().find(|claim| claim.svg_id == id)?;
            let mut found = Vec::new();
            select(claims, &claim.path, &mut found);
            let texts = found.into_iter().filter(|it| is_text(it)).take(VALUES_MAX).map(words);
            let text = texts.collect::<Vec<_>>().join(", ");
            Some(text.chars().take(VALUE_CHARACTERS_MAX).collect())
        }))
    }
}

/// Follows a path; what is not there is left out (SD-JWT VC §9.1).
fn select<'c>(claims: &'c Map<String, Value>, path: &[Value], found: &mut Vec<&'c Value>) {
    let Some((Value::String(first), rest)) = path.split_first() else { return };
    let mut here: Vec<&Value> = claims.get(first).into_iter().collect();
    for step in rest {
        let mut next = Vec::new();
        for value in here {
            match (value, step) {
                (Value::Object(object), Value::String(name)) => next.extend(object.get(name)),
                (Value::Array(elements), Value::Null) => next.extend(elements),
                (Value::Array(elements), Value::Number(index)) => {
                    let at = index.as_u64().and_then(|at| usize::try_from(at).ok());
                    next.extend(at.and_then(|at| elements.get(at)));
                }
                _ => {}
            }
        }
        here = next;
    }
    found.extend(here);
}

/// What can be written: a photograph cannot.
fn is_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.starts_with("data:"),
        Value::Bool(_) | Value::Number(_) => true,
        Value::Array(elements) => elements.iter().all(|it| !it.is_array() && is_text(it)),
        Value::Null | Value::Object(_) => false,
    }
}
