//! `bestow inspect`: what is this, and what does it say? Nobody is asked, and nothing is verified.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::InspectArguments;
use crate::exit::{Failure, Kind as Ending};
use crate::terminal::{print, print_json};

pub(crate) mod describe;
pub(crate) mod input;
pub(crate) mod kind;
mod outline;
pub(crate) mod recognise;

pub(crate) use recognise::{Found, recognise};

/// Runs the command.
pub(crate) fn inspect(arguments: &InspectArguments) -> Result<(), Failure> {
    let found = found(&arguments.what)?;
    let described = describe::describe(&found);
    if arguments.json {
        let mut object = described.to_json();
        object.insert("kind".to_owned(), found.kind.code().into());
        return print_json(&object);
    }
    print(found.kind.title());
    for line in outline::lines(&described.parts) {
        print(line);
    }
    for note in &described.notes {
        print(format!("note: {note}"));
    }
    Ok(())
}

/// What helps with the file of a credential type.
const TYPE_FILE: &str = "a type's file: bestow issuer credential check FILE";

/// What the argument holds, or leads to.
pub(crate) fn found(argument: &str) -> Result<Found, Failure> {
    let bytes = input::read(argument)?;
    recognise(&bytes).ok_or_else(|| {
        let message = "this is nothing that is known here, or it is damaged";
        let is_type = Path::new(argument).extension().is_some_and(|ending| ending == "toml");
        let hint = if is_type { TYPE_FILE } else { input::WAYS };
        Failure::new(Ending::Usage, "not_recognised", message).hint(hint)
    })
}

/// A certificate chain for people: whose, from when to when.
pub(crate) fn certificates(chain: &[Vec<u8>]) -> Value {
    chain.iter().map(|der| certificate(der)).collect()
}

fn certificate(der: &[u8]) -> Value {
    match keys::x509::Certificate::from_der(der) {
        Ok(one) => json!({
            "common_name": one.common_name,
            "dns_names": one.dns_names,
            "uris": one.uris,
            "not_before": one.not_before.to_rfc3339(),
            "not_after": one.not_after.to_rfc3339(),
            "key": one.public_key.to_jwk(),
            "is_self_issued": one.is_self_issued,
        }),
        Err(error) => json!({ "unreadable": error.to_string(), "bytes": der.len() }),
    }
}
