//! `bestow issuer keys …`: the issuer's own keys, by generation.
//!
//! It works on the folder itself, not through the admin API: no key and no order to destroy one
//! travels over a network (ADR 0016).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use issuer::config::Config;
use issuer::credential_type::CredentialType;
use issuer::generations::{
    Generations, KeyPurpose, KeysError, Listed, Refusal, Retired, Rotated, Rotation,
    SigningKeyWish, Start, Uses, list, request_certificate, retire, retire_one, rotate,
};
use keys::outside::{Clock as _, SystemClock, SystemRandom, Timestamp};
use serde_json::{Value, json};

use crate::cli::{ConfigFile, KeysCommand, RetireArguments, RotateArguments};
use crate::exit::Failure;
use crate::terminal::{print, print_json, tell};

/// Runs one command.
pub(super) fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::List { json, config } => list_keys(json, &config),
        KeysCommand::Rotate(arguments) => match &arguments.csr {
            Some(file) => request(file, &arguments),
            None => rotate_keys(&arguments),
        },
        KeysCommand::Retire(arguments) => retire_keys(&arguments),
    }
}

fn load(file: &ConfigFile) -> Result<(Config, BTreeMap<String, CredentialType>), Failure> {
    let config = super::load(file)?;
    let types = config.credential_types().map_err(Failure::mistake)?;
    Ok((config, types))
}

fn list_keys(json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let (config, types) = load(file)?;
    let generations = Generations::load(&config.keys).map_err(Failure::mistake)?;
    let uses = Uses { config: &config, types: &types };
    let listed = list(&generations, &uses, SystemClock.now());
    if json {
        let keys: Vec<Value> = listed.iter().map(as_json).collect();
        return print_json(&json!({ "keys": keys }));
    }
    let head = ["PURPOSE", "GENERATION", "STATE", "MADE", "PUBLISHED", "IN USE", "RETIRED", "NOTE"];
    print_row(head);
    for key in &listed {
        let day = |time: Option<Timestamp>| time.map_or_else(|| "-".into(), Timestamp::to_rfc3339);
        let in_use = key.generation.active_from;
        let in_use = (in_use != Timestamp::default()).then_some(in_use);
        print_row([
            key.purpose.name(),
            &key.generation.number.to_string(),
            key.state.name(),
            &day(key.generation.made_at),
            &day(key.published_since),
            &day(in_use),
            &day(key.retired_at),
            &note(key),
        ]);
    }
    Ok(())
}

fn print_row(columns: [&str; 8]) {
    let [purpose, generation, state, made, published, in_use, retired, note] = columns;
    let row = format!(
        "{purpose:<11}{generation:<12}{state:<11}{made:<22}{published:<22}{in_use:<22}\
         {retired:<22}{note}"
    );
    print(row.trim_end());
}

fn note(key: &Listed) -> String {
    let at = |time: Timestamp| time.to_rfc3339();
    match (key.generation.destroyed_at, key.needed_until) {
        (Some(destroyed), _) => format!("destroyed {}", at(destroyed)),
        (None, Some(until)) if key.generation.erased_at.is_some() => {
            format!("private key erased, published until {}", at(until))
        }
        (None, Some(until)) => format!("needed until {}", at(until)),
        (None, None) => String::new(),
    }
}

fn as_json(key: &Listed) -> Value {
    let text = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    let began = key.generation.active_from;
    json!({
        "purpose": key.purpose.name(),
        "generation": key.generation.number,
        "state": key.state.name(),
        "made_at": text(key.generation.made_at),
        "published_since": text(key.published_since),
        "active_from": text((began != Timestamp::default()).then_some(began)),
        "retired_at": text(key.retired_at),
        "needed_until": text(key.needed_until),
        "private_key_erased_at": text(key.generation.erased_at),
        "destroyed_at": text(key.generation.destroyed_at),
    })
}

/// Writes what a certification authority certifies.
fn request(file: &Path, arguments: &RotateArguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    if arguments.purpose != Some(KeyPurpose::Signing) {
        return Err(Failure::usage("only the signing key has a certificate")
            .hint("bestow issuer keys rotate signing --csr FILE"));
    }
    let pem = request_certificate(&config, &wish(arguments)?).map_err(Failure::mistake)?;
    fs::write(file, pem)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
    if arguments.json {
        return print_json(&json!({ "certificate_request": file.display().to_string() }));
    }
    print(format!("{} is to be certified", file.display()));
    tell("then: bestow issuer keys rotate signing --certificate FILE.pem");
    Ok(())
}

fn rotate_keys(arguments: &RotateArguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let generations = Generations::load(&config.keys).map_err(Failure::mistake)?;
    let (certificate, wish) = (certificate(arguments)?, wish(arguments)?);
    let rotation = Rotation {
        config: &config,
        now: SystemClock.now(),
        random: &SystemRandom,
        start: if arguments.now {
            Start::AtOnce
        } else {
            Start::After(config.rotation.lead_seconds)
        },
        certificate: certificate.as_deref(),
        wish: &wish,
    };
    let mut rotated = Vec::new();
    let mut failed = None;
    // Of all, only what there is (`bestow issuer migrate` makes first keys), and can be made here.
    let is_meant = |purpose: &KeyPurpose| {
        let is_there = !generations.of(*purpose).is_empty();
        arguments.purpose.is_some() || is_there && purpose.is_of_this_build()
    };
    for purpose in purposes(arguments.purpose).into_iter().filter(is_meant) {
        match rotate(purpose, &rotation) {
            Ok(one) => rotated.push(one),
            // What is under way already is no reason to leave the others alone.
            Err(error @ KeysError::Refused(_, Refusal::HasNext(_))) if arguments.all => {
                tell(error.to_string().lines().next().unwrap_or_default());
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    show_rotated(&rotated, arguments.json)?;
    failed.map_or(Ok(()), |error| Err(Failure::mistake(error)))
}

/// Which signing key is to be made.
fn wish(arguments: &RotateArguments) -> Result<SigningKeyWish, Failure> {
    let wish = match (arguments.algorithm, &arguments.pkcs11) {
        (None, None) => return Ok(SigningKeyWish::Same),
        (_, Some(uri)) => SigningKeyWish::Hardware(uri.clone()),
        (Some(algorithm), None) => SigningKeyWish::Of(algorithm),
    };
    if arguments.purpose == Some(KeyPurpose::Signing) {
        return Ok(wish);
    }
    Err(Failure::usage("--algorithm and --pkcs11 are for the signing key")
        .hint("bestow issuer keys rotate signing --algorithm ES384"))
}

fn certificate(arguments: &RotateArguments) -> Result<Option<String>, Failure> {
    let Some(file) = &arguments.certificate else { return Ok(None) };
    if arguments.purpose != Some(KeyPurpose::Signing) {
        return Err(Failure::usage("only the signing key has a certificate")
            .hint("bestow issuer keys rotate signing --certificate FILE"));
    }
    let text = fs::read_to_string(file);
    text.map(Some)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))
}

fn purposes(one: Option<KeyPurpose>) -> Vec<KeyPurpose> {
    one.map_or_else(|| KeyPurpose::ALL.to_vec(), |one| vec![one])
}

fn show_rotated(rotated: &[Rotated], json: bool) -> Result<(), Failure> {
    if json {
        let keys = rotated.iter().map(|one| {
            json!({
                "purpose": one.purpose.name(),
                "generation": one.generation.number,
                "active_from": one.generation.active_from.to_rfc3339(),
            })
        });
        return print_json(&json!({ "rotated": keys.collect::<Vec<_>>() }));
    }
    for one in rotated {
        let Rotated { purpose, generation, is_hastened } = one;
        let what = if *is_hastened { "comes sooner" } else { "is made" };
        let from = generation.active_from.to_rfc3339();
        print(format!("{purpose}: generation {} {what}, in use from {from}", generation.number));
    }
    if !rotated.is_empty() {
        tell("Copy the folder keys to every other node of this issuer before then.");
    }
    Ok(())
}

fn retire_keys(arguments: &RetireArguments) -> Result<(), Failure> {
    let (config, types) = load(&arguments.config)?;
    let (uses, now) = (Uses { config: &config, types: &types }, SystemClock.now());
    let mut retired = Vec::new();
    for purpose in purposes(arguments.purpose) {
        match arguments.generation {
            Some(number) => {
                let one = retire_one(purpose, number, &uses, (now, arguments.force));
                retired.push(one.map_err(Failure::mistake)?);
            }
            None => retired.extend(retire(purpose, &uses, now).map_err(Failure::mistake)?),
        }
    }
    show_retired(&retired, arguments.json)
}

fn show_retired(retired: &[Retired], json: bool) -> Result<(), Failure> {
    if json {
        let keys = retired.iter().map(|one| {
            let (state, purpose, generation, until) = parts(*one);
            json!({
                "purpose": purpose.name(),
                "generation": generation,
                "outcome": state,
                "needed_until": until.map(Timestamp::to_rfc3339),
            })
        });
        return print_json(&json!({ "retired": keys.collect::<Vec<_>>() }));
    }
    if retired.is_empty() {
        tell("no key is retired");
    }
    for one in retired {
        let (_, purpose, generation, until) = parts(*one);
        let until = until.map(Timestamp::to_rfc3339).unwrap_or_default();
        let what = match one {
            Retired::Destroyed(..) => "is destroyed".to_owned(),
            Retired::Erased(..) => format!("has no private key any more, published until {until}"),
            Retired::Kept(..) => format!("may be needed until {until}"),
        };
        print(format!("{purpose}: generation {generation} {what}"));
    }
    Ok(())
}

const fn parts(retired: Retired) -> (&'static str, KeyPurpose, u32, Option<Timestamp>) {
    match retired {
        Retired::Destroyed(purpose, number) => ("destroyed", purpose, number, None),
        Retired::Erased(purpose, number, until) => ("erased", purpose, number, Some(until)),
        Retired::Kept(purpose, number, until) => ("kept", purpose, number, Some(until)),
    }
}
