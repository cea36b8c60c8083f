//! `sign_in_claims` of a credential type: which claims of an OpenID Provider become ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::claims::Claims;
use super::place::{insert, names};
use super::value::ValueType;
use crate::config::ConfigError;
use crate::config::source::Source;

/// Our claims, and where the provider has them: paths, from the outside in.
#[derive(Clone, Debug)]
pub struct SignInClaims(Vec<(Vec<String>, Vec<String>)>);

impl SignInClaims {
    /// Takes what was written; `None` for a type that nobody gets by signing in at a provider.
    pub(super) fn read(
        written: Option<&BTreeMap<String, String>>,
        claims: &Claims,
        source: &Source,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut pairs = Vec::new();
        for (ours, theirs) in written {
            let given = claims.iter().filter(|claim| claim.constant.is_none());
            let known = given.into_iter().find(|claim| claim.name() == *ours);
            let known = known.filter(|claim| claim.value_type != ValueType::Object);
            let Some(known) = known.and_then(|claim| names(&claim.path)) else {
                let problem = format!(
                    "`{ours}` is no claim of this type, or an object of claims, or in a list"
                );
                let remedy = "name claims as [[claims]] does, with dots, each by itself";
                return Err(source.mistake("sign_in_claims", problem, remedy));
            };
            if theirs.split('.').any(str::is_empty) {
                let problem = format!("where the provider has `{ours}` is not said");
                let remedy =
                    "write the name of its claim, like \"given_name\" or \"address.country\"";
                return Err(source.mistake("sign_in_claims", problem, remedy));
            }
            pairs.push((known, path(theirs)));
        }
        Ok(Some(Self(pairs)))
    }

    /// Our claims of a person; what the provider does not say is left out.
    #[must_use]
    pub fn of(&self, provided: &Map<String, Value>) -> Map<String, Value> {
        let mut claims = Map::new();
        for (ours, theirs) in &self.0 {
            if let Some(value) = found(provided, theirs).filter(|value| !value.is_null()) {
                insert(&mut claims, ours, value.clone());
            }
        }
        claims
    }
}

/// A provider may have a claim whose name has dots in it, as addresses have.
fn found<'p>(provided: &'p Map<String, Value>, path: &[String]) -> Option<&'p Value> {
    if let Some(value) = provided.get(&path.join(".")) {
        return Some(value);
    }
    let (first, rest) = path.split_first()?;
    let value = provided.get(first)?;
    if rest.is_empty() { Some(value) } else { found(value.as_object()?, rest) }
}
