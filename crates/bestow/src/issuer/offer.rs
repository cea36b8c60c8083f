//! `bestow issuer offer`: makes an offer and shows it in every form that was asked for.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use formats::path::Step;
use issuer::config::Config;
use issuer::credential_type::{Claim, CredentialType, ValueType};
use issuer::flow::offer::UNGUARDED_SECONDS_MAX;
use keys::json;
use keys::outside::Timestamp;
use qr::{Level, QrCode, Terminal};
use serde_json::{Map, Value};

use super::api::Api;
use crate::cli::{ConfigFile, OfferArguments};
use crate::exit::Failure;
use crate::terminal::{colours, is_result_lost, print, print_json, tell};

/// Longest claims object that is read.
const CLAIMS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Modules of a picture are so many pixels wide: readable on any screen, small as a file.
const PIXELS_PER_MODULE: u32 = 8;

type Types = BTreeMap<String, CredentialType>;

/// Makes the offer, writes the files and prints the result.
pub(super) async fn offer(arguments: &OfferArguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let types = config.credential_types().map_err(Failure::mistake)?;
    check(arguments)?;
    let request = serde_json::json!({
        "credential_configuration_ids": arguments.configuration_ids,
        "all_formats": arguments.all_formats,
        "claims": claims(arguments, &types)?,
        "tx_code": arguments.tx_code,
        "by_value": arguments.by_value,
        "expires_in": arguments.expires_in,
        "printed": arguments.print.is_some(),
        "without_tx_code": arguments.without_tx_code,
        "grants": arguments.grants.unwrap_or_default(),
        "account": arguments.account,
        "draft": arguments.draft,
        "held": arguments.held,
    });
    let api = Api::open(config.clone()).await?;
    let answer = api.call("POST", "/admin/v1/offers", Some(request)).await?;
    let made = Made::read(&answer)?;
    let handed_over = hand_over(&config, (&types, arguments), (&made, &answer));
    if handed_over.is_ok() && !is_result_lost() {
        return Ok(());
    }
    // Nobody has it, and nobody can have it shown again.
    api.call("DELETE", &format!("/admin/v1/offers/{}", made.id), None).await?;
    let Err(mut failure) = handed_over else {
        tell("  the offer was withdrawn");
        return Ok(());
    };
    failure.message.push_str("; the offer was withdrawn");
    Err(failure)
}

/// `bestow issuer release`: whoever has the offer can take it.
pub(super) async fn release(id: &str, config: &ConfigFile) -> Result<(), Failure> {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let api = Api::open(super::load(config)?).await?;
    api.call("POST", &format!("/admin/v1/offers/{id}/release"), None).await?;
    print("released: its wallet can take it");
    Ok(())
}

/// Writes the files that were asked for, and prints the offer.
fn hand_over(
    config: &Config,
    (types, arguments): (&Types, &OfferArguments),
    (made, answer): (&Made<'_>, &Value),
) -> Result<(), Failure> {
    let code = QrCode::encode(made.uri, Level::M);
    if let Some(path) = &arguments.qr {
        write(path, &picture(path, code.as_ref().map_err(|error| too_long(*error))?))?;
    }
    if let Some(path) = &arguments.print {
        write(path, &letter(config, (types, arguments), made)?)?;
    }
    if arguments.json {
        return print_json(answer);
    }
    show(made, code.ok().as_ref(), arguments);
    Ok(())
}

/// What the admin API answered.
struct Made<'a> {
    id: &'a str,
    uri: &'a str,
    tx_code: Option<&'a str>,
    expires_at: &'a str,
}

impl<'a> Made<'a> {
    fn read(answer: &'a Value) -> Result<Self, Failure> {
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| Failure::own_fault("the admin API answered oddly"))
        };
        let (id, uri, expires_at) = (text("id")?, text("uri")?, text("expires_at")?);
        Ok(Self { id, uri, tx_code: answer.get("tx_code").and_then(Value::as_str), expires_at })
    }
}

/// What is wrong with the arguments shows before an offer is made, not after.
fn check(arguments: &OfferArguments) -> Result<(), Failure> {
    let is_long = arguments.expires_in.is_some_and(|seconds| seconds > UNGUARDED_SECONDS_MAX);
    let signs_in = arguments.grants.is_some_and(|grants| !grants.has_pre_authorized_code());
    let is_guarded = arguments.tx_code || arguments.without_tx_code || signs_in;
    if (is_long || arguments.print.is_some()) && !is_guarded {
        let message =
            "an offer that is printed or lives longer than an hour needs a transaction code";
        return Err(Failure::usage(message).hint(
            "add --tx-code; or --without-tx-code, so that whoever finds the offer can use it",
        ));
    }
    if let Some(path) = &arguments.qr
        && !["svg", "png"].contains(&ending(path).as_str())
    {
        return Err(Failure::usage("the file of --qr must end in .svg or .png"));
    }
    Ok(())
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The example values first, then the file, then single claims: the later one wins.
fn claims(arguments: &OfferArguments, types: &Types) -> Result<Map<String, Value>, Failure> {
    let mut claims = Map::new();
    let offered: Vec<&CredentialType> =
        arguments.configuration_ids.iter().filter_map(|id| types.get(id)).collect();
    if arguments.sample {
        for credential_type in &offered {
            merge(&mut claims, credential_type.sample());
        }
    }
    if let Some(path) = &arguments.claims {
        merge(&mut claims, read_claims(path)?);
    }
    for text in &arguments.claim {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--claim {text}` has no `=`: write --claim NAME=VALUE"))
        })?;
        if name.split('.').any(str::is_empty) {
            let message = format!("`--claim {text}` lacks a name before the `=`");
            return Err(Failure::usage(message)
                .hint("write --claim NAME=VALUE, or --claim OUTER.INNER=VALUE"));
        }
        let known = offered.iter().find_map(|one| one.claims.iter().find(|c| c.name() == name));
        // A name space has dots of its own: how a known claim is cut, its type knows.
        let known_path = known.and_then(|one| one.path.iter().map(Step::name).collect());
        let path: Vec<&str> = known_path.unwrap_or_else(|| name.split('.').collect());
        insert(&mut claims, &path, typed(known, value))?;
    }
    Ok(claims)
}

/// Objects grow together; anything else is replaced.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

pub(super) fn read_claims(path: &Path) -> Result<Map<String, Value>, Failure> {
    let mut bytes = Vec::new();
    let is_input = path == Path::new("-");
    let read = if is_input {
        io::stdin().lock().take(CLAIMS_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(CLAIMS_BYTES_MAX).read_to_end(&mut bytes))
    };
    let name = if is_input { "standard input".to_owned() } else { path.display().to_string() };
    read.map_err(|error| Failure::usage(format!("cannot read the claims of {name}: {error}")))?;
    let value = json::parse(&bytes).map_err(|error| {
        let place = serde_json::from_slice::<Value>(&bytes).err();
        let place = place.map(|at| format!(" (line {}, column {})", at.line(), at.column()));
        Failure::usage(format!("{name}: {error}{}", place.unwrap_or_default()))
    })?;
    let Value::Object(claims) = value else {
        let message = format!("{name} must be a JSON object: one member for each claim");
        return Err(Failure::usage(message));
    };
    Ok(claims)
}

/// Numbers, truth values and lists are written as JSON writes them, all else is text.
fn typed(claim: Option<&Claim>, text: &str) -> Value {
    use ValueType::{Boolean, Integer, List, Number};
    let is_json =
        claim.is_some_and(|claim| matches!(claim.value_type, Integer | Number | Boolean | List));
    let parsed = is_json.then(|| serde_json::from_str(text).ok()).flatten();
    parsed.unwrap_or_else(|| text.into())
}

fn insert(claims: &mut Map<String, Value>, path: &[&str], value: Value) -> Result<(), Failure> {
    let (first, rest) = match path {
        [] => return Ok(()),
        [only] => {
            claims.insert((*only).to_owned(), value);
            return Ok(());
        }
        [first, rest @ ..] => (*first, rest),
    };
    let inner = claims.entry(first).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(inner) = inner else {
        return Err(Failure::usage(format!("`{first}` is both a value and an object of claims")));
    };
    insert(inner, rest, value)
}

fn picture(path: &Path, code: &QrCode) -> Vec<u8> {
    match ending(path).as_str() {
        "svg" => code.to_svg().into_bytes(),
        _ => code.to_png(PIXELS_PER_MODULE),
    }
}

fn too_long(error: qr::EncodeError) -> Failure {
    Failure::usage(error.to_string()).hint("leave out --by-value")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))
}

fn letter(
    config: &Config,
    (types, arguments): (&Types, &OfferArguments),
    made: &Made<'_>,
) -> Result<Vec<u8>, Failure> {
    use issuer::letter::{Letter, LetterTxCode, letter};
    use issuer::portal::language::Language;
    let language = Language::of_tag(config.locale.as_str()).unwrap_or(Language::English);
    let offered = arguments.configuration_ids.iter().filter_map(|id| types.get(id));
    let mut names: Vec<&str> = offered
        .filter_map(|one| one.display(config.locale.as_str()))
        .map(|display| display.name.as_str())
        .collect();
    names.dedup(); // several formats of one type
    let expires_at = Timestamp::from_rfc3339(made.expires_at).map(Timestamp::date_time);
    let letter = letter(&Letter {
        language,
        issuer_name: &config.name,
        issuer_host: &config.url.host_and_port(),
        card_names: &names,
        recipient: &[],
        id: made.id,
        uri: made.uri,
        expires_at: expires_at.ok_or_else(|| Failure::own_fault("no time of expiry"))?,
        help_line: &config.portal.help_line,
        tx_code: made.tx_code.map_or(LetterTxCode::None, LetterTxCode::Sheet),
    });
    letter.map_err(|error| Failure::usage(error.to_string()))
}

/// For people: the code to scan, the link, and apart from both the Transaction Code.
fn show(made: &Made<'_>, code: Option<&QrCode>, arguments: &OfferArguments) {
    match code {
        Some(code) => print(code.to_terminal(Terminal { ansi: colours() })),
        None => tell("The offer is too long for a QR code: leave out --by-value."),
    }
    print(made.uri);
    print("");
    print(format!("Offer {} is good until {}.", made.id, made.expires_at));
    if let Some(tx_code) = made.tx_code {
        print(format!("Transaction code: {tx_code}"));
        tell("Give the code to the holder apart from the offer; it is not shown again.");
    } else if arguments.tx_code {
        tell("The transaction code went to the program of `tx_code_command`.");
    }
}
