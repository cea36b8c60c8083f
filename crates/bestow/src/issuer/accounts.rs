//! `bestow issuer account …`: who can sign in, for wallets that send people to the issuer.

use std::io::{self, Read as _};
use std::path::Path;

use issuer::account::is_outside;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::api::Api;
use super::offer::read_claims;
use crate::cli::ConfigFile;
use crate::exit::Failure;
use crate::terminal::{is_interactive, plain, print, print_json, tell};

/// Longest password that is read.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// Makes an account.
pub(super) async fn add(
    name: &str,
    claims: &Path,
    sample: &[String],
    (json, file): (bool, &ConfigFile),
) -> Result<(), Failure> {
    let config = super::load(file)?;
    let types = config.credential_types().map_err(Failure::mistake)?;
    let mut datasets = Map::new();
    for id in sample {
        let found = types.get(id);
        let found = found.ok_or_else(|| {
            Failure::usage(format!("there is no type `{id}`"))
                .hint(format!("there is: {}", super::names(types.keys())))
        })?;
        datasets.insert(id.clone(), found.sample().into());
    }
    if !claims.as_os_str().is_empty() {
        datasets.extend(read_claims(claims)?);
    }
    // Who signs in elsewhere has no password here.
    let password = if is_outside(name) { None } else { Some(password(claims == Path::new("-"))?) };
    let password = password.as_ref().map(|password| password.as_str());
    let body = serde_json::json!({ "name": name, "password": password, "claims": datasets });
    let answer = Api::open(config).await?.call("POST", "/admin/v1/accounts", Some(body)).await?;
    if json {
        return print_json(&answer);
    }
    print(format!("account made: {}", plain(name)));
    Ok(())
}

/// Lists names.
pub(super) async fn list(json: bool, file: &ConfigFile) -> Result<(), Failure> {
    let api = Api::open(super::load(file)?).await?;
    let mut names: Vec<String> = Vec::new();
    loop {
        let path = match names.last() {
            Some(last) => format!("/admin/v1/accounts/after/{}", segment(last)),
            None => "/admin/v1/accounts".to_owned(),
        };
        let answer = api.call("GET", &path, None).await?;
        let listed = answer.get("accounts").and_then(Value::as_array);
        let listed = listed.map_or(&[][..], Vec::as_slice);
        names.extend(listed.iter().filter_map(Value::as_str).map(str::to_owned));
        if listed.is_empty() {
            break;
        }
    }
    if json {
        return print_json(&serde_json::json!({ "accounts": names }));
    }
    if names.is_empty() {
        tell("there is no account: bestow issuer account add NAME --claims FILE");
    }
    for name in names {
        print(plain(&name));
    }
    Ok(())
}

/// Removes an account; what was issued to it stays.
pub(super) async fn remove(name: &str, file: &ConfigFile) -> Result<(), Failure> {
    let api = Api::open(super::load(file)?).await?;
    api.call("DELETE", &format!("/admin/v1/accounts/{}", segment(name)), None).await?;
    print(format!("account removed: {}", plain(name)));
    Ok(())
}

/// Gives an account another password.
pub(super) async fn set_password(name: &str, file: &ConfigFile) -> Result<(), Failure> {
    let config = super::load(file)?;
    let body = serde_json::json!({ "password": *password(false)? });
    let path = format!("/admin/v1/accounts/{}/password", segment(name));
    Api::open(config).await?.call("POST", &path, Some(body)).await?;
    print(format!("password changed: {}", plain(name)));
    Ok(())
}

/// From the terminal, twice; or the first line of standard input. It never stands in an argument,
/// where every user of the machine could read it.
fn password(stdin_is_taken: bool) -> Result<Zeroizing<String>, Failure> {
    if is_interactive() {
        let ask = |question: &str| {
            rpassword::prompt_password(question).map(Zeroizing::new).map_err(Failure::own_fault)
        };
        let password = ask("Password of the account: ")?;
        if password != ask("Once more: ")? {
            return Err(Failure::usage("the two passwords differ"));
        }
        return Ok(password);
    }
    if stdin_is_taken {
        let message = "standard input has the claims: put them into a file";
        return Err(Failure::usage(message));
    }
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .take(PASSWORD_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(Failure::own_fault)?;
    let first = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(first.to_owned()))
}

/// A name as a part of a path.
fn segment(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}
