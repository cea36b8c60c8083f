//! The holder's side: which claims are shown to somebody (RFC 9901 §7.2).

use std::collections::HashMap;

use keys::jws::Jws;
use serde_json::{Map, Value};

use super::process::{digests, element, element_digest, member};
use super::{DIGESTS, SdJwtError, digest, issued, process};
use crate::binding::Binding;
use crate::key_binding::PresentError;
use crate::w3c::subject_did;
use crate::{CREDENTIAL_BYTES_MAX, FormatError};

/// Longest pointer to a claim: names of a hostile issuer would be written again for all that is below
/// them.
const POINTER_BYTES_MAX: usize = 4 * 1024;

/// An SD-JWT as its holder has it, with all disclosures. Nobody has looked at its signature: that was
/// done when it came.
#[derive(Clone, Debug)]
pub struct Showable {
    /// The part that the issuer signed.
    signed: String,
    /// What that says, with digests.
    payload: Map<String, Value>,
    /// All that it says.
    claims: Value,
    disclosures: Vec<Selectable>,
}

/// A disclosure, and where what it says belongs.
#[derive(Clone, Debug)]
struct Selectable {
    text: String,
    pointer: String,
}

impl Showable {
    /// Reads `JWT~disclosure~…~`, as its issuer sent it.
    pub fn parse(raw: &str) -> Result<Self, FormatError> {
        let (signed, disclosures) = issued(raw)?;
        let jws = Jws::parse_with_rsa(signed, CREDENTIAL_BYTES_MAX).map_err(FormatError::of_jws)?;
        let payload = jws.claims().map_err(FormatError::of_jws)?;
        let texts: Vec<&str> = disclosures.split_terminator('~').collect();
        let claims = process(payload.clone(), &texts).map_err(FormatError::Disclosures)?;
        let pointers = Tracer::trace(&payload, &texts).map_err(FormatError::Disclosures)?;
        let disclosures = texts.into_iter().zip(pointers);
        let disclosures = disclosures
            .map(|(text, pointer)| Selectable { text: text.to_owned(), pointer })
            .collect();
        binding(&claims)?;
        Ok(Self { signed: signed.to_owned(), payload, claims: claims.into(), disclosures })
    }

    /// JSON pointers (RFC 6901) to all that need not be shown, the outer before the inner.
    #[must_use]
    pub fn pointers(&self) -> Vec<&str> {
        let mut pointers: Vec<_> = self.disclosures.iter().map(|one| &*one.pointer).collect();
        pointers.sort_unstable();
        pointers
    }

    /// Chooses what is at the pointers, and all that is below: shown with it are the claims around it,
    /// without which no reader could find it (RFC 9901 §4.2.6).
    pub fn choose(&self, pointers: &[String]) -> Result<Chosen, PresentError> {
        let leads_somewhere =
            |pointer: &String| !pointer.is_empty() && self.claims.pointer(pointer).is_some();
        if !pointers.iter().all(leads_somewhere) {
            return Err(PresentError::UnknownPointer);
        }
        let mut text = format!("{}~", self.signed);
        let mut shown = Vec::new();
        let mut left_out = Vec::new();
        for Selectable { text: disclosure, pointer } in &self.disclosures {
            if pointers.iter().any(|chosen| leads(pointer, chosen) || leads(chosen, pointer)) {
                text.push_str(disclosure);
                text.push('~');
                shown.push(&**disclosure);
            } else {
                left_out.push(pointer.clone());
            }
        }
        left_out.sort_unstable();
        // Whoever sees it knows no other key than is shown, so nobody signs with another.
        let shown = process(self.payload.clone(), &shown).ok();
        let binding = shown.and_then(|claims| binding(&claims).ok().flatten());
        Ok(Chosen { text, left_out, binding })
    }
}

/// The holder's key that claims name.
fn binding(claims: &Map<String, Value>) -> Result<Option<Binding>, FormatError> {
    let confirmed = Binding::from_claims(claims)?;
    Ok(confirmed.or_else(|| subject_did(claims).map(Binding::Kid)))
}

/// What a holder shows, and nobody yet for whom.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub(crate) text: String,
    left_out: Vec<String>,
    pub(crate) binding: Option<Binding>,
}

impl Chosen {
    /// `JWT~disclosure~…~`: enough for whoever wants no key binding.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Pointers to what is not shown.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Whether it belongs to a key, which its holder can prove to have.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.binding.is_some()
    }
}

/// Whether a pointer is the other one, or leads to it.
fn leads(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Finds where disclosures belong; they were read before ([`process`]), so each has one place, and the
/// depth an end.
struct Tracer<'d> {
    places: HashMap<String, (usize, &'d str)>,
    pointers: Vec<String>,
}

impl<'d> Tracer<'d> {
    /// A pointer for each, in their order.
    fn trace(
        payload: &Map<String, Value>,
        disclosures: &[&'d str],
    ) -> Result<Vec<String>, SdJwtError> {
        let places = disclosures.iter().enumerate();
        let places = places.map(|(place, text)| (digest(text), (place, *text))).collect();
        let mut tracer = Self { places, pointers: vec![String::new(); disclosures.len()] };
        tracer.object(payload, "")?;
        Ok(tracer.pointers)
    }

    fn value(&mut self, value: &Value, path: &str) -> Result<(), SdJwtError> {
        match value {
            Value::Object(object) => self.object(object, path),
            Value::Array(array) => self.array(array, path),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn object(&mut self, object: &Map<String, Value>, path: &str) -> Result<(), SdJwtError> {
        for digest in digests(object.get(DIGESTS).cloned())? {
            let Some((place, text)) = self.places.get(&digest).copied() else { continue };
            let (name, value) = member(text)?;
            self.disclosed(place, &value, below(path, &name)?)?;
        }
        let others = object.iter().filter(|(name, _)| *name != DIGESTS);
        for (name, value) in others {
            self.value(value, &below(path, name)?)?;
        }
        Ok(())
    }

    /// What is not disclosed leaves no gap.
    fn array(&mut self, array: &[Value], path: &str) -> Result<(), SdJwtError> {
        let mut index = 0_usize;
        for item in array {
            let pointer = below(path, &index.to_string())?;
            match element_digest(item) {
                None => self.value(item, &pointer)?,
                Some(digest) => {
                    let digest = digest.as_str().unwrap_or_default();
                    let Some((place, text)) = self.places.get(digest).copied() else { continue };
                    self.disclosed(place, &element(text)?, pointer)?;
                }
            }
            index += 1;
        }
        Ok(())
    }

    fn disclosed(
        &mut self,
        place: usize,
        value: &Value,
        pointer: String,
    ) -> Result<(), SdJwtError> {
        self.value(value, &pointer)?;
        if let Some(found) = self.pointers.get_mut(place) {
            *found = pointer;
        }
        Ok(())
    }
}

/// RFC 6901 §3
fn below(path: &str, name: &str) -> Result<String, SdJwtError> {
    let pointer = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
    if pointer.len() <= POINTER_BYTES_MAX { Ok(pointer) } else { Err(SdJwtError::TooDeep) }
}
