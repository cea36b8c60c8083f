//! The application form: which fields it has, and how what was typed becomes claims.

use formats::path::Step;
use serde_json::{Map, Value};

use super::CredentialType;
use super::claims::{Claim, ClaimFault, ClaimsError};
use super::image::Pictures;
use super::place;
use super::value::{self, Fault, Limits, ValueType};

/// The field that guards every form of the portal; no claim in a form may have its name (P01).
pub const CSRF_FIELD: &str = "csrf";
/// Elements of a list that a form has room for; more can be given with an offer.
pub const FORM_ROWS_MAX: usize = 5;

/// One field of the form.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    /// Name of the input: names from the outside in, joined by dots; elements of lists are counted
    /// from 0.
    pub name: String,
    /// For people.
    pub label: String,
    /// The label of the object or list that the claim is in; fields of one follow each other.
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
        self.inputs().into_iter().map(|input| self.field(&input, locale)).collect()
    }

    /// Every claim that is typed, where it goes; those of one element of a list follow each other.
    fn inputs(&self) -> Vec<Input<'_>> {
        let typed = || {
            let claims = self.claims.iter().filter(|claim| claim.in_form);
            claims.filter(|claim| claim.value_type.is_value())
        };
        let mut inputs: Vec<Input<'_>> = Vec::new();
        for claim in typed() {
            let Some(list) = list_around(claim) else {
                inputs.push(Input { claim, row: None });
                continue;
            };
            if inputs.iter().any(|input| list_around(input.claim) == Some(list)) {
                continue;
            }
            for row in 0..self.rows(list) {
                let inside = typed().filter(|claim| list_around(claim) == Some(list));
                inputs.extend(inside.map(|claim| Input { claim, row: Some(row) }));
            }
        }
        inputs
    }

    fn rows(&self, list: &[Step]) -> usize {
        self.claims.at(list).map_or(0, |list| list.limits.items().1.min(FORM_ROWS_MAX))
    }

    fn field<'t>(&'t self, input: &Input<'t>, locale: &str) -> Field<'t> {
        let (claim, place) = (input.claim, input.place());
        let around = self.claims.around(&claim.path).last();
        let row = self.claims.row_label(&claim.path, &place, locale);
        let (label, group) = match (row, around) {
            (Some(row), Some(list)) if claim.is_element() => (row, Some(list.label(locale))),
            (Some(row), Some(object)) if !object.is_element() => {
                (claim.label(locale), Some(format!("{row} › {}", object.label(locale))))
            }
            (Some(row), _) => (claim.label(locale), Some(row)),
            (None, around) => (claim.label(locale), around.map(|object| object.label(locale))),
        };
        let least = list_around(claim).and_then(|list| self.claims.at(list));
        let least = least.map_or(1, |list| list.limits.items().0);
        Field {
            name: place.join("."),
            label,
            group,
            value_type: claim.value_type,
            required: claim.mandatory && claim.default.is_none() && input.row.unwrap_or(0) < least,
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
        for input in self.inputs() {
            let place = input.place();
            match typed(input.claim, &place.join("."), form) {
                Ok(Some(value)) => place::insert(&mut given, &place, value),
                Ok(None) => {}
                Err(fault) => faults.push(ClaimFault { name: place.join("."), fault }),
            }
        }
        let rows = self.gather(&mut given);
        match self.claims.check(&given, pictures) {
            Ok(claims) if faults.is_empty() => {
                self.check_says_something(&claims)?;
                Ok(claims)
            }
            Ok(_) => Err(ClaimsError(faults)),
            Err(ClaimsError(others)) => {
                let others = others.into_iter().map(|other| as_typed(other, &rows));
                // A field that could not be read is not also missing, nor is what it is in.
                let is_in = |inner: &str, outer: &str| {
                    inner.strip_prefix(outer).is_some_and(|it| it.is_empty() || it.starts_with('.'))
                };
                let unread = |name: &str| faults.iter().all(|fault| !is_in(&fault.name, name));
                let others: Vec<_> = others.filter(|other| unread(&other.name)).collect();
                Err(ClaimsError([faults, others].concat()))
            }
        }
    }

    /// Makes lists of what was typed row by row; a row that was left empty is no element.
    fn gather(&self, given: &mut Map<String, Value>) -> Vec<Rows> {
        let mut gathered = Vec::new();
        let lists = self.claims.iter().filter(|claim| claim.value_type == ValueType::List);
        for list in lists.filter_map(|claim| place::names(&claim.path)) {
            let typed = place::find(given, &list).and_then(Value::as_object).cloned();
            let Some(mut typed) = typed else { continue };
            let rows = (0..FORM_ROWS_MAX).map(|row| row.to_string());
            let (rows, elements): (Vec<String>, Vec<Value>) =
                rows.filter_map(|row| typed.remove_entry(&row)).unzip();
            place::insert(given, &list, elements.into());
            gathered.push(Rows { list: list.join("."), rows });
        }
        gathered
    }
}

/// A claim that is typed, in this row where it belongs to a list.
struct Input<'t> {
    claim: &'t Claim,
    row: Option<usize>,
}

impl Input<'_> {
    fn place(&self) -> Vec<String> {
        let row = self.row.unwrap_or_default().to_string();
        let step = |step: &Step| step.name().map_or_else(|| row.clone(), str::to_owned);
        self.claim.path.iter().map(step).collect()
    }
}

/// Which rows the elements of a list were typed in.
struct Rows {
    list: String,
    rows: Vec<String>,
}

/// Names the row of the form and not the element of the list.
fn as_typed(fault: ClaimFault, rows: &[Rows]) -> ClaimFault {
    let renamed = rows.iter().find_map(|Rows { list, rows }| {
        let inside = fault.name.strip_prefix(list.as_str())?.strip_prefix('.')?;
        let (number, rest) = inside.split_at(inside.find('.').unwrap_or(inside.len()));
        let row = rows.get(number.parse::<usize>().ok()?)?;
        Some(format!("{list}.{row}{rest}"))
    });
    ClaimFault { name: renamed.unwrap_or(fault.name), fault: fault.fault }
}

/// The path of the list that a claim is in; a form has no lists in lists.
fn list_around(claim: &Claim) -> Option<&[Step]> {
    let at = claim.path.iter().position(|step| *step == Step::Every)?;
    claim.path.get(..at)
}

/// What was typed for this claim.
fn typed(claim: &Claim, name: &str, form: &[(String, String)]) -> Result<Option<Value>, Fault> {
    let mut values = form.iter().filter(|(field, _)| field == name).map(|(_, text)| text.trim());
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Fault::Repeated),
        (None | Some(""), None) => Ok(None),
        (Some(text), None) => value::parse(claim.value_type, text).map(Some),
    }
}
