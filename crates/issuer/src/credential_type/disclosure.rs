//! What a holder shows of a credential, and what gets into one at all.

use std::borrow::Cow;
use std::cmp::Reverse;

use formats::path::Step;
use formats::w3c::DataModel;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::CredentialType;
use super::claim_rules::Rules;
use super::claims::{Claim, ClaimFault, Claims, ClaimsError};
use super::format::{Format, WrittenFormat};
use super::place::{find, places, remove};
use super::value::{Fault, ValueType};
use crate::config::ConfigError;

/// Whether a holder may leave a claim out when showing the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
    /// The holder decides each time.
    Selective,
    /// Whoever sees the credential sees it.
    Always,
    /// Nobody: it is asked for and checked, and in no credential.
    Never,
}

impl Claim {
    /// Whether it gets into credentials.
    pub(super) fn is_disclosed(&self) -> bool {
        self.disclosure != Disclosure::Never
    }
}

impl CredentialType {
    /// Refuses claims of which none would be in the credential, where one must: an mdoc has elements
    /// (ISO 18013-5 §9.1.2.4), and a subject has a property, be it only the name of a key's holder
    /// (VCDM 2.0 §4.8). Nobody shall learn it from an offer that is spent.
    pub fn check_says_something(&self, claims: &Map<String, Value>) -> Result<(), ClaimsError> {
        let must_say = match &self.format {
            Format::SdJwtVc { .. } => false,
            Format::MsoMdoc { .. } => true,
            Format::W3c(w3c) => {
                w3c.securing.data_model() == DataModel::V2 && self.key_binding.is_none()
            }
        };
        if !must_say || self.claims.to_disclose(claims).values().any(says_something) {
            return Ok(());
        }
        let mut values = self.claims.disclosed().filter(|claim| claim.value_type.is_value());
        let first = values.clone().find(|claim| claim.in_form).or_else(|| values.next());
        let name = first.map_or_else(|| "claims".to_owned(), Claim::name);
        Err(ClaimsError(vec![ClaimFault { name, fault: Fault::SaysNothing }]))
    }
}

/// Objects alone say nothing.
fn says_something(value: &Value) -> bool {
    value.as_object().is_none_or(|members| members.values().any(says_something))
}

impl Claims {
    /// Those that get into credentials, in their order.
    pub(crate) fn disclosed(&self) -> impl Iterator<Item = &Claim> + Clone {
        self.iter().filter(|claim| claim.is_disclosed())
    }

    /// What of given claims gets into a credential.
    #[must_use]
    pub fn to_disclose<'c>(&self, claims: &'c Map<String, Value>) -> Cow<'c, Map<String, Value>> {
        if self.iter().all(Claim::is_disclosed) {
            return Cow::Borrowed(claims);
        }
        let mut disclosed = claims.clone();
        for claim in self.iter().filter(|claim| !claim.is_disclosed()) {
            remove(&mut disclosed, &claim.path);
        }
        self.remove_empty(&mut disclosed);
        Cow::Owned(disclosed)
    }

    /// Objects that had nothing else, the inner ones first.
    fn remove_empty(&self, disclosed: &mut Map<String, Value>) {
        let is_object =
            |claim: &&Claim| claim.value_type == ValueType::Object && !claim.is_element();
        let mut objects: Vec<&Claim> = self.disclosed().filter(is_object).collect();
        objects.sort_by_key(|object| Reverse(object.path.len()));
        for object in objects.iter().filter(|object| !object.required) {
            let places = places(disclosed, &object.path);
            let is_empty = |place: &Vec<String>| {
                let object = find(disclosed, place).and_then(Value::as_object);
                object.is_some_and(Map::is_empty)
            };
            if places.iter().any(is_empty) && places.len() == 1 {
                remove(disclosed, &object.path);
            }
        }
    }
}

impl Rules<'_> {
    /// What is never disclosed is so as a whole, and leaves something to disclose.
    pub(super) fn check_never(&self) -> Result<(), ConfigError> {
        let Self { claim, .. } = *self;
        let is_inside = self.is_inside_undisclosed();
        if is_inside && claim.disclosure.is_some_and(|written| written != Disclosure::Never) {
            let problem = "lies inside a claim that is never disclosed";
            return self.refuse("disclosure", problem, "remove the line");
        }
        let is_never = claim.disclosure == Some(Disclosure::Never);
        if is_never && claim.path.last() == Some(&Step::Every) {
            let problem = "a list is disclosed with its elements, or not at all";
            return self.refuse("disclosure", problem, "write the line for the list");
        }
        let inside = self.all.iter().filter(|other| {
            other.value_type.is_value()
                && other.path.len() > claim.path.len()
                && other.path.starts_with(&claim.path)
        });
        let inside: Vec<_> = inside.collect();
        let is_hollow = !inside.is_empty()
            && inside.iter().all(|other| other.disclosure == Some(Disclosure::Never));
        if is_hollow && !is_never && !is_inside {
            let problem = "nothing that is in it is ever disclosed";
            let remedy = "write disclosure = \"never\" for it instead";
            return self.refuse("disclosure", problem, remedy);
        }
        Ok(())
    }

    fn is_inside_undisclosed(&self) -> bool {
        self.around().any(|around| around.disclosure == Some(Disclosure::Never))
    }

    /// Of an SD-JWT, and of statements that are signed one by one, everything is selective unless it
    /// says otherwise; of an mdoc, each element is. A word that fits some format of the type is no
    /// mistake: the others do what they can.
    pub(super) fn disclosure(&self) -> Result<Disclosure, ConfigError> {
        if self.is_inside_undisclosed() {
            return Ok(Disclosure::Never);
        }
        match (self.context.format, self.claim.disclosure) {
            (_, Some(Disclosure::Selective)) if !self.context.is_selective => {
                if self.context.some_conceal {
                    return Ok(Disclosure::Always);
                }
                let problem = "credentials of this format are shown as a whole";
                self.refuse("disclosure", problem, "remove the line, or use dc+sd-jwt")?;
                Ok(Disclosure::Always)
            }
            (WrittenFormat::MsoMdoc, Some(Disclosure::Always)) => {
                if self.context.some_insist {
                    return Ok(Disclosure::Selective);
                }
                let problem = "the holder of an mdoc may leave out every element";
                self.refuse("disclosure", problem, "remove the line, or use dc+sd-jwt")?;
                Ok(Disclosure::Selective)
            }
            (_, Some(written)) => Ok(written),
            // It tells nothing of its holder.
            (format, None) if self.claim.value.is_some() && format != WrittenFormat::MsoMdoc => {
                Ok(Disclosure::Always)
            }
            (_, None) if self.context.is_selective => Ok(Disclosure::Selective),
            (_, None) => Ok(Disclosure::Always),
        }
    }
}
