//! A type and those that it extends, one after the other (SD-JWT VC §6.4).

use std::collections::HashSet;

use keys::jws::Jws;
use serde_json::Value;

use super::read::{Link, OwnClaim, read};
use super::{ClaimMetadata, EXTENDED_MAX, Sd, TypeFault, TypeMetadata, integrity};
use crate::CREDENTIAL_BYTES_MAX;

/// What was read so far.
pub struct Chain {
    wanted: Option<(String, Option<String>)>,
    /// The type itself first.
    links: Vec<Link>,
}

/// What is to be fetched next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'c> {
    /// Where it is: the name of the type is its address.
    pub uri: &'c str,
    /// What its bytes must be, if anybody said so.
    pub integrity: Option<&'c str>,
}

impl Chain {
    /// Begins at the type of a credential: `vct`, and `vct#integrity` if it has that.
    #[must_use]
    pub fn of(vct: &str, integrity: Option<&str>) -> Self {
        let wanted = Some((vct.to_owned(), integrity.map(str::to_owned)));
        Self { wanted, links: Vec::new() }
    }

    /// The same for an SD-JWT VC that was read, and whether it says what the description must be.
    #[must_use]
    pub fn of_credential(raw: &str) -> Option<(Self, bool)> {
        let (signed, _) = raw.split_once('~')?;
        let claims = Jws::parse_with_rsa(signed, CREDENTIAL_BYTES_MAX).ok()?.claims().ok()?;
        let named = |name| claims.get(name).and_then(Value::as_str);
        let integrity = named("vct#integrity");
        Some((Self::of(named("vct")?, integrity), integrity.is_some()))
    }

    /// What to fetch next; `None` once all is here.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted<'_>> {
        let (uri, integrity) = self.wanted.as_ref()?;
        Some(Wanted { uri, integrity: integrity.as_deref() })
    }

    /// Takes what lay there.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), TypeFault> {
        let Some((uri, wanted)) = self.wanted.take() else { return Ok(()) };
        if let Some(wanted) = wanted {
            integrity::check(bytes, &wanted)?;
        }
        let link = read(bytes, &uri)?;
        self.links.push(link);
        let next = self.links.last().and_then(|link| link.own.extends.clone());
        let Some(next) = next else { return Ok(()) };
        if self.links.iter().any(|link| link.own.vct == next.uri) {
            return Err(TypeFault::Cycle);
        }
        if self.links.len() == EXTENDED_MAX {
            return Err(TypeFault::TooManyExtended);
        }
        self.wanted = Some((next.uri, next.integrity));
        Ok(())
    }

    /// All that they say together: who extends says it last, and may only be stricter.
    pub fn finish(self) -> Result<TypeMetadata, TypeFault> {
        let mut all = TypeMetadata::default();
        if self.wanted.is_some() {
            return Err(TypeFault::Malformed);
        }
        for link in self.links.into_iter().rev() {
            let Link { own, claims, has_display } = link;
            let inherited = std::mem::take(&mut all);
            let display = if has_display { own.display } else { inherited.display };
            let claims = merged(inherited.claims, claims)?;
            let name = own.name.or(inherited.name);
            let description = own.description.or(inherited.description);
            all = TypeMetadata { vct: own.vct, name, description, display, claims, extends: None };
        }
        check_svg_ids(&all.claims)?;
        Ok(all)
    }
}

/// A picture has one place for each name (SD-JWT VC §9): what each type says of itself is unique, but
/// not all that they say together.
fn check_svg_ids(claims: &[ClaimMetadata]) -> Result<(), TypeFault> {
    let mut ids = HashSet::new();
    let mut named = claims.iter().filter_map(|claim| claim.svg_id.as_deref());
    named.all(|id| ids.insert(id)).then_some(()).ok_or(TypeFault::RepeatedSvgId)
}

/// Those of the extended type keep their places; new ones come behind.
fn merged(
    mut claims: Vec<ClaimMetadata>,
    own: Vec<OwnClaim>,
) -> Result<Vec<ClaimMetadata>, TypeFault> {
    for OwnClaim { path, display, mandatory, sd, svg_id } in own {
        let Some(inherited) = claims.iter_mut().find(|claim| claim.path == path) else {
            let display = display.unwrap_or_default();
            let (mandatory, sd) = (mandatory.unwrap_or_default(), sd.unwrap_or_default());
            claims.push(ClaimMetadata { path, display, mandatory, sd, svg_id });
            continue;
        };
        let is_looser = inherited.mandatory && mandatory == Some(false)
            || inherited.sd != Sd::Allowed && sd.is_some_and(|sd| sd != inherited.sd);
        if is_looser {
            return Err(TypeFault::Loosened);
        }
        inherited.mandatory = mandatory.unwrap_or(inherited.mandatory);
        inherited.sd = sd.unwrap_or(inherited.sd);
        inherited.svg_id = svg_id.or(inherited.svg_id.take());
        if let Some(display) = display {
            inherited.display = display;
        }
    }
    Ok(claims)
}
