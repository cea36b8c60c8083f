//! The claims of a credential type: which there are, and whether given ones fit (catalogue I22).

use std::collections::BTreeMap;
use std::fmt;

use formats::path::Step;
use serde_json::{Map, Value};

use super::disclosure::Disclosure;
use super::image::{Pictures, says_png};
use super::place::{find, insert, places};
use super::value::{self, Fault, Limits, ValueType};

/// How deep claims may lie, and how deep we look for what does not belong.
pub(super) const DEPTH_MAX: usize = 8;
/// Most values of one credential, objects and lists included: each may get a disclosure of its own.
const VALUES_MAX: usize = 1000;

/// One claim, or an object that holds claims.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// From the outside in.
    pub path: Vec<Step>,
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
    /// What it is in every credential: nobody gives it.
    pub constant: Option<Value>,
    /// Taken when no value is given.
    pub default: Option<Value>,
    /// For samples, and as a hint in the form.
    pub example: Option<Value>,
}

impl Claim {
    /// Names from the outside in, joined by dots; a star is each element of a list.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Whether it is each element of a list.
    pub(super) fn is_element(&self) -> bool {
        self.path.last() == Some(&Step::Every)
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

/// All claims of a type, in the order in which they are displayed (CLAIM-07).
#[derive(Clone, Debug)]
pub struct Claims {
    all: Vec<Claim>,
    /// Where those are that a holder may leave out.
    selective_paths: Vec<Vec<Step>>,
}

/// Everything that is wrong with given claims, at once; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsError(pub Vec<ClaimFault>);

/// What is wrong with one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFault {
    /// Names from the outside in, joined by dots; elements of lists are counted from 0.
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
    pub(super) fn new(all: Vec<Claim>) -> Self {
        let selective = all.iter().filter(|claim| claim.disclosure == Disclosure::Selective);
        Self { selective_paths: selective.map(|claim| claim.path.clone()).collect(), all }
    }

    /// In the order in which they are displayed.
    pub fn iter(&self) -> std::slice::Iter<'_, Claim> {
        self.all.iter()
    }

    pub(super) fn selective_paths(&self) -> &[Vec<Step>] {
        &self.selective_paths
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
        check.faults.splice(0..0, check.unknown);
        if check.faults.is_empty() { Ok(check.taken) } else { Err(ClaimsError(check.faults)) }
    }

    /// The given values that must be pictures, for [`Pictures::clean`].
    pub fn pictures<'g>(&self, given: &'g Map<String, Value>) -> impl Iterator<Item = &'g str> {
        let images = self.all.iter().filter(|claim| claim.value_type == ValueType::Image);
        images.flat_map(|claim| all(given, &claim.path)).filter_map(|(_, value)| value.as_str())
    }

    /// Those of them that are PNG where this type has JPEG, for [`Pictures::stored`].
    pub fn pictures_as_jpeg<'g>(
        &self,
        stored: &'g Map<String, Value>,
    ) -> impl Iterator<Item = &'g str> {
        let images = self.all.iter().filter(|claim| claim.limits.is_jpeg);
        let urls = images.flat_map(|claim| all(stored, &claim.path));
        urls.filter_map(|(_, value)| value.as_str()).filter(|url| says_png(url))
    }

    /// Takes what belongs to this type and notes what does not.
    fn take<'c>(&'c self, given: &Map<String, Value>, pictures: &'c Pictures) -> Check<'c> {
        let mut check = Check::of(self, pictures);
        check.taken = check.object(given);
        self.fill(&mut check);
        check
    }

    /// Every value that is there, in the order of the claims, under its label; a list and an object
    /// are shown by what is in them.
    #[must_use]
    pub fn values<'v>(
        &self,
        claims: &'v Map<String, Value>,
        locale: &str,
    ) -> Vec<(&Claim, String, &'v Value)> {
        let mut values = Vec::new();
        for claim in self.all.iter().filter(|claim| claim.value_type.is_value()) {
            for (place, value) in all(claims, &claim.path) {
                values.push((claim, self.label_at(claim, &place, locale), value));
            }
        }
        values
    }

    /// The label of the list around it and its number in there, then its own label.
    fn label_at(&self, claim: &Claim, place: &[String], locale: &str) -> String {
        match self.row_label(&claim.path, place, locale) {
            None => claim.label(locale),
            Some(row) if claim.is_element() => row,
            Some(row) => format!("{row} › {}", claim.label(locale)),
        }
    }

    /// The label of the innermost list that a place is in, and the number in there.
    pub(super) fn row_label(
        &self,
        path: &[Step],
        place: &[String],
        locale: &str,
    ) -> Option<String> {
        let at = path.iter().rposition(|step| *step == Step::Every)?;
        let list = self.at(path.get(..at)?)?;
        let number: usize = place.get(at)?.parse().ok()?;
        Some(format!("{} {}", list.label(locale), number + 1))
    }

    /// Puts constants and defaults in and notes what is missing; objects last, as either can make one.
    fn fill(&self, check: &mut Check<'_>) {
        let is_value = |claim: &&Claim| claim.constant.is_some() || claim.value_type.is_value();
        let others = self.all.iter().filter(|claim| !is_value(claim));
        for claim in self.all.iter().filter(is_value).chain(others) {
            if claim.is_element() {
                continue;
            }
            for place in places(&check.taken, &claim.path) {
                if find(&check.taken, &place).is_some()
                    || !self.is_expected(claim, &place, &check.taken)
                {
                    continue;
                }
                match claim.constant.as_ref().or(claim.default.as_ref()) {
                    Some(default) => insert(&mut check.taken, &place, default.clone()),
                    None if claim.required => check.missing(place.join(".")),
                    None => {}
                }
            }
        }
    }

    /// Whether the objects around the place are there, or must be.
    fn is_expected(&self, claim: &Claim, place: &[String], taken: &Map<String, Value>) -> bool {
        self.around(&claim.path).all(|object| {
            let around = place.get(..object.path.len());
            object.required || around.is_some_and(|around| find(taken, around).is_some())
        })
    }

    /// The declared objects and lists around a path.
    pub(super) fn around<'c>(&'c self, path: &'c [Step]) -> impl Iterator<Item = &'c Claim> {
        self.all
            .iter()
            .filter(|claim| claim.path.len() < path.len() && path.starts_with(&claim.path))
    }

    pub(super) fn at(&self, path: &[Step]) -> Option<&Claim> {
        self.all.iter().find(|claim| claim.path == path)
    }

    /// Whether claims lie below this path.
    fn has_below(&self, path: &[Step]) -> bool {
        self.all.iter().any(|claim| claim.path.len() > path.len() && claim.path.starts_with(path))
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
        faults.extend(first.unknown.iter().filter_map(|fault| nobodys(fault, others)));
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

/// For people and in complaints.
pub(super) fn name_of(path: &[Step]) -> String {
    path.iter().map(Step::to_string).collect::<Vec<_>>().join(".")
}

/// What is there of a claim, and where.
fn all<'m>(map: &'m Map<String, Value>, path: &[Step]) -> Vec<(Vec<String>, &'m Value)> {
    let there = |place: Vec<String>| find(map, &place).map(|value| (place, value));
    places(map, path).into_iter().filter_map(there).collect()
}

/// A name that the others do not take either; that one of them has it as a constant says more.
fn nobodys(fault: &ClaimFault, others: &[Check<'_>]) -> Option<ClaimFault> {
    let mut told = fault.clone();
    for other in others {
        let same = other.unknown.iter().find(|other| other.name == fault.name)?;
        if same.fault == Fault::Constant {
            told.fault = Fault::Constant;
        }
    }
    Some(told)
}

/// A check under way.
struct Check<'c> {
    claims: &'c Claims,
    pictures: &'c Pictures,
    /// Where it is: the path in the type, and the place in what was given.
    path: Vec<Step>,
    place: Vec<String>,
    values: usize,
    taken: Map<String, Value>,
    /// What this type does not take, and another one may.
    unknown: Vec<ClaimFault>,
    faults: Vec<ClaimFault>,
}

impl<'c> Check<'c> {
    fn of(claims: &'c Claims, pictures: &'c Pictures) -> Self {
        let (taken, unknown, faults) = (Map::new(), Vec::new(), Vec::new());
        let (path, place) = (Vec::new(), Vec::new());
        Self { claims, pictures, path, place, values: 0, taken, unknown, faults }
    }

    /// Unless it, or something in it, was named already.
    fn missing(&mut self, name: String) {
        let inside = format!("{name}.");
        let mut named = self.faults.iter().map(|fault| &fault.name);
        if !named.any(|named| *named == name || named.starts_with(&inside)) {
            self.faults.push(ClaimFault { name, fault: Fault::Missing });
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push(ClaimFault { name: self.place.join("."), fault });
    }

    /// Goes through one object; only as deep as claims of this type lie.
    fn object(&mut self, given: &Map<String, Value>) -> Map<String, Value> {
        let mut taken = Map::new();
        for (name, value) in given {
            let value = self.step(Step::from(name.as_str()), name.clone(), value);
            taken.extend(value.map(|value| (name.clone(), value)));
        }
        taken
    }

    fn step(&mut self, step: Step, place: String, value: &Value) -> Option<Value> {
        self.path.push(step);
        self.place.push(place);
        let taken = self.value(value);
        self.path.pop();
        self.place.pop();
        taken
    }

    fn value(&mut self, value: &Value) -> Option<Value> {
        self.values += 1;
        if self.values > VALUES_MAX {
            if self.values == VALUES_MAX + 1 {
                self.fault(Fault::TooMany(VALUES_MAX));
            }
            return None;
        }
        let claim = self.claims.at(&self.path);
        if claim.is_some_and(|claim| claim.constant.is_some()) {
            // What we stored has those of its day; the type says what they are now.
            if !self.pictures.is_of_store() {
                self.note_unknown(value, Fault::Constant);
            }
            return None;
        }
        if let Some(list) = claim.filter(|claim| claim.value_type == ValueType::List) {
            return self.list(&list.limits, value);
        }
        if self.claims.has_below(&self.path) {
            let Some(members) = value.as_object() else {
                self.fault(Fault::NotObject);
                return None;
            };
            let members = self.object(members);
            return (!members.is_empty()).then_some(Value::Object(members));
        }
        let Some(claim) = claim else {
            self.note_unknown(value, Fault::Unknown);
            return None;
        };
        match value::take(claim.value_type, (&claim.limits, self.pictures), value) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault(fault);
                None
            }
        }
    }

    /// Elements keep their places, so an empty one is a fault and not left out.
    fn list(&mut self, limits: &Limits, value: &Value) -> Option<Value> {
        let Some(elements) = value.as_array() else {
            self.fault(Fault::NotList);
            return None;
        };
        if let Err(fault) = limits.check_count(elements.len()) {
            self.fault(fault);
            return None;
        }
        let mut taken = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            let faults = self.faults.len() + self.unknown.len();
            if limits.is_set && elements.iter().take(at).any(|other| other == element) {
                self.place.push(at.to_string());
                self.fault(Fault::Twice);
                self.place.pop();
            }
            match self.step(Step::Every, at.to_string(), element) {
                Some(element) => taken.push(element),
                None if self.faults.len() + self.unknown.len() > faults => {}
                None => self.missing([self.place.as_slice(), &[at.to_string()]].concat().join(".")),
            }
        }
        Some(taken.into())
    }

    /// Names every claim inside an unknown object, so that [`check_all`] can compare by name.
    fn note_unknown(&mut self, value: &Value, fault: Fault) {
        match value.as_object().filter(|inner| !inner.is_empty() && self.place.len() < DEPTH_MAX) {
            None => self.unknown.push(ClaimFault { name: self.place.join("."), fault }),
            Some(inner) => {
                for (name, value) in inner {
                    self.place.push(name.clone());
                    self.note_unknown(value, fault);
                    self.place.pop();
                }
            }
        }
    }
}
