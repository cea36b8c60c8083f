//! `bestow derive`: what a holder shows of a credential of which claims can be left out: an SD-JWT, or
//! one with a proof by `ecdsa-sd-2023` or `bbs-2023`. Nobody is asked; a key of the holder's signs where
//! a key binding was asked for.

use formats::FormatError;
use formats::data_integrity::sd::{derive as disclose, is_pointer};
use serde_json::{Map, Value, json};

use crate::cli::DeriveArguments;
use crate::contexts::contexts;
use crate::exit::{Failure, Kind as Ending};
use crate::inspect::found;
use crate::inspect::kind::Kind;
use crate::inspect::recognise::{Body, Found};
use crate::terminal::{plain, print, print_json, tell};

mod sd_jwt;

/// By which parts can be shown.
const CRYPTOSUITES: &[&str] = &[
    "ecdsa-sd-2023",
    #[cfg(feature = "bbs-2023")]
    "bbs-2023",
];
const PROOF: &str = "proof";
/// What helps whoever gave another thing than they meant.
const INSPECT: &str = "see what it is: bestow inspect FILE";

/// Runs the command.
pub(crate) async fn derive(arguments: &DeriveArguments) -> Result<(), Failure> {
    let thing = found(&arguments.what)?;
    if let Body::SdJwt(found) = &thing.body {
        return sd_jwt::derive(arguments, &found.text).await;
    }
    if arguments.key.is_some() {
        let message = "only behind an SD-JWT there is a key binding";
        return Err(Failure::usage(message).hint("leave out --nonce, --audience and --key"));
    }
    let credential = credential(thing)?;
    let pointers = &arguments.pointer;
    pointers.iter().try_for_each(|pointer| check(pointer, &credential))?;
    let contexts = contexts(&arguments.context)?;
    let shown = disclose(&credential, pointers, &contexts).map_err(refused)?;
    let mut missing = Missing::default();
    missing.members(("", &credential), &shown);
    if arguments.list {
        return list(arguments.json, &missing);
    }
    let left_out: Vec<&String> = missing.0.iter().map(|(pointer, _)| pointer).collect();
    if arguments.json {
        return print_json(&json!({ "credential": shown, "left_out": left_out }));
    }
    print_json(&shown)?;
    for pointer in left_out {
        tell(format!("left out: {}", plain(pointer)));
    }
    Ok(())
}

/// What can be chosen: all that is not shown anyway, value by value.
fn list(as_json: bool, missing: &Missing<'_>) -> Result<(), Failure> {
    let mut pointers = Vec::new();
    for (pointer, value) in &missing.0 {
        leaves(value, pointer, &mut pointers);
    }
    if as_json {
        return print_json(&json!({ "pointers": pointers }));
    }
    pointers.iter().map(|pointer| plain(pointer)).for_each(print);
    Ok(())
}

/// The credential with the one proof of which a part can be shown.
fn credential(thing: Found) -> Result<Map<String, Value>, Failure> {
    let (Kind::LinkedDataCredential, Body::Json(Value::Object(mut credential))) =
        (thing.kind, thing.body)
    else {
        let why = format!("this is another thing: {}", thing.kind.title());
        return Err(whole_only(&why, INSPECT));
    };
    let proofs = match credential.remove(PROOF) {
        Some(Value::Array(proofs)) => proofs,
        proof => proof.into_iter().collect(),
    };
    let suite = |proof: &Value| proof.get("cryptosuite")?.as_str().map(str::to_owned);
    let is_it = |proof: &Value| suite(proof).is_some_and(|name| CRYPTOSUITES.contains(&&*name));
    let proof = proofs.into_iter().find(is_it);
    let hint = "its issuer would need cryptosuite = \"ecdsa-sd-2023\" in the type's file";
    let proof = proof.ok_or_else(|| whole_only("it has no such proof", hint))?;
    credential.insert(PROOF.to_owned(), proof);
    Ok(credential)
}

fn whole_only(why: &str, hint: &str) -> Failure {
    let suites = CRYPTOSUITES.join(" or ");
    let message = format!(
        "only an SD-JWT or a credential with a proof by {suites} can be shown in part; {why}"
    );
    Failure::new(Ending::Usage, "not_derivable", message).hint(hint)
}

fn refused(error: FormatError) -> Failure {
    if error == FormatError::UnsupportedProof {
        return whole_only("this was derived already: it is shown as it is", INSPECT);
    }
    let hint = "see whether it is good: bestow verify FILE";
    Failure::new(Ending::Usage, "not_derivable", error.to_string()).hint(hint)
}

/// A pointer that leads nowhere would show less than its user thinks.
fn check(pointer: &str, credential: &Map<String, Value>) -> Result<(), Failure> {
    let first = pointer.strip_prefix('/').and_then(|rest| rest.split('/').next());
    let is_there =
        is_pointer(pointer) && Value::from(credential.clone()).pointer(pointer).is_some();
    if is_there && first.is_some_and(|first| first != PROOF) {
        return Ok(());
    }
    Err(bad_pointer(pointer))
}

fn bad_pointer(pointer: &str) -> Failure {
    let message = format!("{} leads to nothing in this credential", plain(pointer));
    let hint = "write a JSON pointer like /credentialSubject/given_name; --list names them all";
    Failure::new(Ending::Usage, "bad_pointer", message).hint(hint)
}

/// What of a credential is not shown, and where it was; JSON is nested no deeper than its reader allows.
#[derive(Default)]
struct Missing<'c>(Vec<(String, &'c Value)>);

impl<'c> Missing<'c> {
    fn members(
        &mut self,
        (path, object): (&str, &'c Map<String, Value>),
        shown: &Map<String, Value>,
    ) {
        for (name, value) in object.iter().filter(|(name, _)| !(path.is_empty() && *name == PROOF))
        {
            let pointer = format!("{path}/{}", escaped(name));
            match shown.get(name) {
                Some(shown) => self.value((pointer, value), shown),
                None => self.0.push((pointer, value)),
            }
        }
    }

    fn value(&mut self, (pointer, value): (String, &'c Value), shown: &Value) {
        match (value, shown) {
            (Value::Object(object), Value::Object(shown)) => {
                self.members((&pointer, object), shown);
            }
            (Value::Array(elements), Value::Array(shown)) => {
                // What is left out of a list leaves no gap, and the rest keeps its order.
                let mut shown = shown.iter().peekable();
                for (place, element) in elements.iter().enumerate() {
                    let pointer = format!("{pointer}/{place}");
                    match shown.next_if(|shown| is_part(shown, element)) {
                        Some(shown) => self.value((pointer, element), shown),
                        None => self.0.push((pointer, element)),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether something can be what was left of another thing.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| is_part(part, whole))),
        (Value::Array(part), Value::Array(whole)) => {
            let mut whole = whole.iter();
            part.iter().all(|part| whole.any(|whole| is_part(part, whole)))
        }
        _ => part == whole,
    }
}

fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| leaves(value, &format!("{path}/{}", escaped(name)), found)),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .for_each(|(place, value)| leaves(value, &format!("{path}/{place}"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(path.to_owned());
        }
    }
}

/// RFC 6901 §3
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
