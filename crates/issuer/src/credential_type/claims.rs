//! The claims of a credential type: which there are, and whether given ones fit (catalogue I22).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::image::Pictures;
use super::value::{self, Fault, Limits, ValueType};

/// How deep claims may lie, and how deep we look for what does not belong.
pub(super) const DEPTH_MAX: usize = 5;

/// One claim, or an object that holds claims.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// Names from the outside in.
    pub path: Vec<String>,
    /// What it holds.
    pub value_type: ValueType,
    /// Whether it must be there, as long as the object around it is.
    pub required: bool,
    /// Whether it is always there, the objects around it included (CLAIM-05).
    pub mandatory: bool,
    /// Whether the holder may leave it out when showing the credential.
    pub disclosure: Disclosure,
    /// Whether an applicant fills it in.
    pub in_form: bool,
    /// Its name for people, by language.
    pub label: BTreeMap<String, String>,
    /// Bounds of the value.
    pub limits: Limits,
    /// Taken when no value is given.
    pub default: Option<Value>,
    /// For samples, and as a hint in the form.
    pub example: Option<Value>,
}

impl Claim {
    /// Names from the outside in, joined by dots.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.join(".")
    }

    /// The label in this language, else in English, else in any; the name if there is none.
    #[must_use]
    pub fn label(&self, locale: &str) -> String {
        let language = locale.split('-').next().unwrap_or(locale);
        let chosen = [locale, language, "en"].into_iter().find_map(|tag| self.label.get(tag));
        let any = chosen.or_else(|| self.label.values().next());
        any.cloned().unwrap_or_else(|| self.name())
    }
}

/// Whether a holder may leave a claim out when showing the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
    /// The holder decides each time.
    Selective,
    /// Whoever sees the credential sees it.
    Always,
}

/// All claims of a type, in the order in which they are displayed (CLAIM-07).
#[derive(Clone, Debug)]
pub struct Claims(Vec<Claim>);

/// Everything that is wrong with given claims, at once; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError(pub Vec<ClaimFault>);

/// What is wrong with one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFault {
    /// Names from the outside in, joined by dots.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, ClaimFault { name, fault }) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{name}: {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ClaimsError {}

impl Claims {
    /// Takes claims whose paths were checked against each other.
    pub(super) const fn new(claims: Vec<Claim>) -> Self {
        Self(claims)
    }

    /// In the order in which they are displayed.
    pub fn iter(&self) -> std::slice::Iter<'_, Claim> {
        self.0.iter()
    }

    /// Checks claims that are for this type alone: every unknown, missing and wrong one is named.
    ///
    /// What comes back holds the defaults too, and no empty objects.
    pub fn check(
        &self,
        given: &Map<String, Value>,
        pictures: &Pictures,
    ) -> Result<Map<String, Value>, ClaimsError> {
        let mut check = self.take(given, pictures);
        check.faults.splice(0..0, check.unknown.into_iter().map(unknown));
        if check.faults.is_empty() { Ok(check.taken) } else { Err(ClaimsError(check.faults)) }
    }

    /// The given values that must be pictures, for [`Pictures::clean`].
    pub fn pictures<'g>(&self, given: &'g Map<String, Value>) -> impl Iterator<Item = &'g str> {
        let images = self.0.iter().filter(|claim| claim.value_type == ValueType::Image);
        images.filter_map(|claim| find(given, &claim.path)?.as_str())
    }

    /// Takes what belongs to this type and notes what does not.
    fn take<'c>(&'c self, given: &Map<String, Value>, pictures: &'c Pictures) -> Check<'c> {
        let mut check = Check::of(self, pictures);
        check.taken = check.object(&mut Vec::new(), given);
        self.fill(&mut check);
        check
    }

    /// Puts defaults in and notes what is missing; objects last, as a default can make one.
    fn fill(&self, check: &mut Check<'_>) {
        let is_object = |claim: &&Claim| claim.value_type == ValueType::Object;
        let values = self.0.iter().filter(|claim| !is_object(claim));
        for claim in values.chain(self.0.iter().filter(is_object)) {
            if self.is_expected(claim, &check.taken) && find(&check.taken, &claim.path).is_none() {
                match &claim.default {
                    Some(default) => insert(&mut check.taken, &claim.path, default.clone()),
                    None if claim.required => check.missing(claim.name()),
                    None => {}
                }
            }
        }
    }

    /// Whether the objects around the claim are there, or must be.
    fn is_expected(&self, claim: &Claim, taken: &Map<String, Value>) -> bool {
        self.around(&claim.path)
            .all(|object| object.mandatory || find(taken, &object.path).is_some())
    }

    /// The declared objects around a path.
    pub(super) fn around<'c>(&'c self, path: &'c [String]) -> impl Iterator<Item = &'c Claim> {
        self.0.iter().filter(|claim| claim.path.len() < path.len() && path.starts_with(&claim.path))
    }

    fn at(&self, path: &[String]) -> Option<&Claim> {
        self.0.iter().find(|claim| claim.path == path)
    }

    /// Whether claims lie below this path.
    fn has_below(&self, path: &[String]) -> bool {
        self.0.iter().any(|claim| claim.path.len() > path.len() && claim.path.starts_with(path))
    }
}

impl<'c> IntoIterator for &'c Claims {
    type Item = &'c Claim;
    type IntoIter = std::slice::Iter<'c, Claim>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Checks one claims object for several types: each takes its own, and a name that none of them has
/// is refused, as is a required one that is missing.
pub fn check_all(
    types: &[&Claims],
    given: &Map<String, Value>,
    pictures: &Pictures,
) -> Result<Vec<Map<String, Value>>, ClaimsError> {
    let checks: Vec<Check<'_>> = types.iter().map(|claims| claims.take(given, pictures)).collect();
    let mut faults = Vec::new();
    if let Some((first, others)) = checks.split_first() {
        let nobodys = |name: &&String| others.iter().all(|other| other.unknown.contains(*name));
        faults.extend(first.unknown.iter().filter(nobodys).cloned().map(unknown));
    }
    for fault in checks.iter().flat_map(|check| &check.faults) {
        if !faults.contains(fault) {
            faults.push(fault.clone());
        }
    }
    if !faults.is_empty() {
        return Err(ClaimsError(faults));
    }
    Ok(checks.into_iter().map(|check| check.taken).collect())
}

fn unknown(name: String) -> ClaimFault {
    ClaimFault { name, fault: Fault::Unknown }
}

/// A check under way.
struct Check<'c> {
    claims: &'c Claims,
    pictures: &'c Pictures,
    taken: Map<String, Value>,
    unknown: Vec<String>,
    faults: Vec<ClaimFault>,
}

impl<'c> Check<'c> {
    fn of(claims: &'c Claims, pictures: &'c Pictures) -> Self {
        Self { claims, pictures, taken: Map::new(), unknown: Vec::new(), faults: Vec::new() }
    }

    /// Unless it, or something in it, was named already.
    fn missing(&mut self, name: String) {
        let inside = format!("{name}.");
        let mut named = self.faults.iter().map(|fault| &fault.name);
        if !named.any(|named| *named == name || named.starts_with(&inside)) {
            self.faults.push(ClaimFault { name, fault: Fault::Missing });
        }
    }

    /// Goes through one object; only as deep as claims of this type lie.
    fn object(&mut self, path: &mut Vec<String>, given: &Map<String, Value>) -> Map<String, Value> {
        let mut taken = Map::new();
        for (name, value) in given {
            path.push(name.clone());
            if let Some(value) = self.member(path, value) {
                taken.insert(name.clone(), value);
            }
            path.pop();
        }
        taken
    }

    fn member(&mut self, path: &mut Vec<String>, value: &Value) -> Option<Value> {
        if self.claims.has_below(path) {
            let Some(members) = value.as_object() else {
                self.faults.push(ClaimFault { name: path.join("."), fault: Fault::NotObject });
                return None;
            };
            let members = self.object(path, members);
            return (!members.is_empty()).then_some(Value::Object(members));
        }
        let Some(claim) = self.claims.at(path) else {
            self.note_unknown(path, value);
            return None;
        };
        match value::take(claim.value_type, (&claim.limits, self.pictures), value) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(ClaimFault { name: claim.name(), fault });
                None
            }
        }
    }

    /// Names every claim inside an unknown object, so that [`check_all`] can compare by name.
    fn note_unknown(&mut self, path: &mut Vec<String>, value: &Value) {
        match value.as_object().filter(|inner| !inner.is_empty() && path.len() < DEPTH_MAX) {
            None => self.unknown.push(path.join(".")),
            Some(inner) => {
                for (name, value) in inner {
                    path.push(name.clone());
                    self.note_unknown(path, value);
                    path.pop();
                }
            }
        }
    }
}

/// The value at a path of names.
pub(super) fn find<'m>(map: &'m Map<String, Value>, path: &[String]) -> Option<&'m Value> {
    let (first, rest) = path.split_first()?;
    let found = map.get(first)?;
    if rest.is_empty() { Some(found) } else { find(found.as_object()?, rest) }
}

/// Puts a value at a path of names and makes the objects around it.
pub(super) fn insert(map: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.clone(), value);
        return;
    }
    let inner = map.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}
