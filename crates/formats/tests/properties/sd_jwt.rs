//! SD-JWT (RFC 9901 §7.1): what is shown is what was said, and nothing else.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::FormatError;
use formats::path::Step;
use formats::sd_jwt_vc::{IssuerKeyHeader, SdJwtVc, SdJwtVcClaims, issue};
use keys::digest::sha256;
use keys::jws::Jws;
use keys::outside::SystemRandom;
use proptest::sample::subsequence;

use super::claims::claims;
use super::*;

const RESERVED: &[&str] =
    &["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "iat", "jti"];

/// Claims, some of which the holder may leave out, among decoys.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) claims: Map<String, Value>,
    pub(super) selective: Vec<Vec<Step>>,
    pub(super) decoys: usize,
}

fn card() -> impl Strategy<Value = Card> {
    card_without(RESERVED)
}

/// One in which no claim has one of these names.
pub(super) fn card_without(reserved: &'static [&'static str]) -> impl Strategy<Value = Card> {
    claims(reserved).prop_flat_map(|claims| {
        let mut paths = Vec::new();
        collect(&Value::Object(claims.clone()), &mut Vec::new(), &mut paths);
        paths.retain(|path| fits(&Value::Object(claims.clone()), path));
        let count = paths.len();
        let selective = subsequence(paths, 0..=count);
        (Just(claims), selective, 0..3_usize).prop_map(|(claims, selective, decoys)| Card {
            claims,
            selective,
            decoys,
        })
    })
}

/// All paths that there are, each once.
fn collect(value: &Value, path: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
    let members: Vec<(Step, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, v)| (name.as_str().into(), v)).collect(),
        Value::Array(array) => array.iter().map(|value| (Step::Every, value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (step, value) in members {
        path.push(step);
        if !paths.contains(path) {
            paths.push(path.clone());
        }
        collect(value, path, paths);
        path.pop();
    }
}

/// Whether a path leads through objects and lists alone, in all elements of a list.
fn fits(value: &Value, path: &[Step]) -> bool {
    match (path, value) {
        ([], _) => true,
        ([Step::Name(name), rest @ ..], Value::Object(object)) => {
            object.get(name).is_none_or(|value| fits(value, rest))
        }
        ([Step::Every, rest @ ..], Value::Array(array)) => array.iter().all(|one| fits(one, rest)),
        _ => false,
    }
}

fn issued(card: &Card) -> String {
    let claims = SdJwtVcClaims {
        vct: "https://issuer.example/card",
        vct_integrity: None,
        issuer: ISSUER,
        claims: card.claims.clone(),
        selective: card.selective.as_slice().into(),
        decoys: card.decoys,
        binding: None,
        issued_at: NOW,
        not_before: None,
        expires_at: END,
        status: None,
    };
    now(issue(claims, IssuerKeyHeader::Kid("1"), &*KEY, &SystemRandom)).unwrap()
}

fn read(raw: &str) -> Result<Map<String, Value>, FormatError> {
    Ok(SdJwtVc::parse(raw)?.verify(public_key(), NOW)?.claims)
}

#[test]
fn who_holds_everything_reads_everything() {
    for_all(&card(), |card| {
        let raw = issued(&card);
        assert_eq!(read(&raw), Ok(card.claims));
    });
}

/// A holder, who decides of each claim that may be left out.
pub(super) struct Holder<'c> {
    card: &'c Card,
    /// Text and parts of each disclosure, by digest.
    disclosures: HashMap<String, (String, Vec<Value>)>,
    decisions: std::iter::Cycle<std::slice::Iter<'c, bool>>,
    pub(super) shown: Vec<String>,
}

impl<'c> Holder<'c> {
    pub(super) fn of(card: &'c Card, disclosures: &str, decisions: &'c [bool]) -> Self {
        let read = |text: &str| {
            let digest = BASE64_URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()));
            let parts = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
            (digest, (text.to_owned(), serde_json::from_slice(&parts).unwrap()))
        };
        let disclosures = disclosures.split_terminator('~').map(read).collect();
        Self { card, disclosures, decisions: decisions.iter().cycle(), shown: Vec::new() }
    }

    /// What a reader shall see of a value that was said, and how it was signed.
    fn show(&mut self, said: &Value, signed: &Value, path: &mut Vec<Step>) -> Value {
        match (said, signed) {
            (Value::Object(said), Value::Object(signed)) => self.object(said, signed, path).into(),
            (Value::Array(said), Value::Array(signed)) => self.array(said, signed, path).into(),
            _ => {
                assert_eq!(said, signed);
                said.clone()
            }
        }
    }

    pub(super) fn object(
        &mut self,
        said: &Map<String, Value>,
        signed: &Map<String, Value>,
        path: &mut Vec<Step>,
    ) -> Map<String, Value> {
        let digests: Vec<Value> =
            signed.get("_sd").map_or(Vec::new(), |sd| sd.as_array().unwrap().clone());
        let mut seen = Map::new();
        for (name, said) in said {
            path.push(Step::from(name.as_str()));
            let parts = digests.iter().find_map(|digest| {
                let of_name = self.disclosures.get(digest.as_str().unwrap());
                of_name.filter(|(_, parts)| parts[1] == **name).cloned()
            });
            let shown = self.decide(said, signed.get(name), parts, path);
            seen.extend(shown.map(|value| (name.clone(), value)));
            path.pop();
        }
        seen
    }

    fn array(&mut self, said: &[Value], signed: &[Value], path: &mut Vec<Step>) -> Vec<Value> {
        path.push(Step::Every);
        let digest = |one: &Value| one.get("...").and_then(Value::as_str).map(str::to_owned);
        // Decoys have no disclosure.
        let is_real =
            |one: &&Value| digest(one).is_none_or(|it| self.disclosures.contains_key(&it));
        let real: Vec<&Value> = signed.iter().filter(is_real).collect();
        assert_eq!(real.len(), said.len());
        let mut seen = Vec::new();
        for (said, signed) in said.iter().zip(real) {
            let parts = digest(signed).map(|digest| self.disclosures[&digest].clone());
            let plain = parts.is_none().then_some(signed);
            seen.extend(self.decide(said, plain, parts, path));
        }
        path.pop();
        seen
    }

    /// A claim that stands there, or in a disclosure; which of both, was asked for.
    fn decide(
        &mut self,
        said: &Value,
        plain: Option<&Value>,
        disclosed: Option<(String, Vec<Value>)>,
        path: &mut Vec<Step>,
    ) -> Option<Value> {
        assert_eq!(disclosed.is_some(), self.card.selective.contains(path), "{path:?}");
        let Some((text, mut parts)) = disclosed else {
            return Some(self.show(said, plain.unwrap(), path));
        };
        assert!(plain.is_none(), "it is not hidden: {path:?}");
        if !self.decisions.next().unwrap() {
            return None;
        }
        self.shown.push(text);
        Some(self.show(said, &parts.pop().unwrap(), path))
    }
}

/// RFC 9901 §7.1: in whatever order, what is shown is seen, and nothing of the rest.
#[test]
fn what_is_shown_is_seen_and_nothing_else() {
    let decisions = proptest::collection::vec(any::<bool>(), 1..40);
    for_all(&(card(), decisions, any::<bool>()), |(card, decisions, is_turned)| {
        let raw = issued(&card);
        let (signed, disclosures) = raw.split_once('~').unwrap();
        let payload = Jws::parse(signed, signed.len()).unwrap().claims().unwrap();
        let mut holder = Holder::of(&card, disclosures, &decisions);
        let seen = holder.object(&card.claims, &payload, &mut Vec::new());
        if is_turned {
            holder.shown.reverse();
        }
        let shown: String = holder.shown.iter().flat_map(|text| [text, "~"]).collect();
        assert_eq!(read(&format!("{signed}~{shown}")), Ok(seen));
    });
}

#[test]
fn whatever_is_changed_is_refused() {
    for_all(&(card(), changes()), |(card, changes)| {
        let raw = issued(&card);
        for change in changes {
            let changed = changed(&raw, change);
            assert!(read(&changed).is_err(), "{changed} for {raw}");
        }
    });
}
