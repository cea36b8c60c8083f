//! The clients that an operator has registered: a file each in the folder `clients`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keys::public_key::PublicKey;
use oid4vci::client::{
    CLIENT_ID_BYTES_MAX, Client, ClientAuthentication, ClientKey, NONE, PRIVATE_KEY_JWT,
    RedirectUri,
};
use serde::Deserialize;

use super::source::Source;
use super::{ConfigError, is_name};

/// Most clients, and most redirect URIs or keys of one.
const CLIENTS_MAX: usize = 1_000;
const ITEMS_MAX: usize = 32;

/// The file of a client, as an operator writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClient {
    client_id: String,
    name: String,
    #[serde(default)]
    authentication: Option<String>,
    redirect_uris: Vec<String>,
    #[serde(default)]
    keys: Vec<serde_json::Value>,
}

/// Reads every `*.toml` of the folder; where there is no folder, there are no clients, and nobody
/// can sign in.
pub(super) fn load(folder: &Path) -> Result<BTreeMap<String, Client>, ConfigError> {
    let mut clients = BTreeMap::new();
    for file in files(folder)? {
        let source = Source::read(&file)?;
        let client = client(&source)?;
        if clients.contains_key(&client.client_id) {
            let remedy = "give each client a client_id of its own";
            return Err(source.mistake("client_id", "another file has the same one", remedy));
        }
        clients.insert(client.client_id.clone(), client);
    }
    Ok(clients)
}

fn client(source: &Source) -> Result<Client, ConfigError> {
    let written: WrittenClient = source.parse()?;
    let length = 1..=CLIENT_ID_BYTES_MAX;
    let visible = written.client_id.bytes().all(|byte| byte.is_ascii_graphic());
    if !length.contains(&written.client_id.len()) || !visible {
        let remedy = "write visible ASCII characters, without spaces";
        return Err(source.mistake("client_id", "no client can have this name", remedy));
    }
    if !is_name(&written.name) {
        let remedy = "write what people call this wallet, in one visible line";
        return Err(source.mistake("name", "no one can read this name", remedy));
    }
    Ok(Client {
        authentication: authentication(source, &written)?,
        redirect_uris: redirect_uris(source, &written.redirect_uris)?,
        client_id: written.client_id,
        name: written.name,
    })
}

fn authentication(
    source: &Source,
    written: &WrittenClient,
) -> Result<ClientAuthentication, ConfigError> {
    match written.authentication.as_deref().unwrap_or(NONE) {
        NONE if written.keys.is_empty() => Ok(ClientAuthentication::None),
        NONE => {
            let remedy = "write authentication = \"private_key_jwt\", or remove the keys";
            Err(source.mistake("keys", "a public client proves nothing by a key", remedy))
        }
        PRIVATE_KEY_JWT if (1..=ITEMS_MAX).contains(&written.keys.len()) => {
            let keys = written.keys.iter().enumerate();
            let keys = keys.map(|(at, jwk)| key(source, at, jwk)).collect::<Result<_, _>>()?;
            Ok(ClientAuthentication::PrivateKeyJwt(keys))
        }
        PRIVATE_KEY_JWT => {
            let remedy = "add its public keys, like keys = [{ kty = \"EC\", crv = \"P-256\", … }]";
            Err(source.mistake("authentication", "there is no key, or there are too many", remedy))
        }
        _ => {
            let remedy = "write \"none\" or \"private_key_jwt\"";
            Err(source.mistake("authentication", "no client can authenticate so", remedy))
        }
    }
}

fn key(source: &Source, at: usize, jwk: &serde_json::Value) -> Result<ClientKey, ConfigError> {
    let key = PublicKey::from_jwk(jwk).map_err(|error| {
        let remedy = "write a public JSON Web Key of P-256, P-384 or Ed25519";
        source.mistake(&format!("keys.{at}"), error.to_string(), remedy)
    })?;
    let kid = jwk.get("kid").and_then(serde_json::Value::as_str).map(str::to_owned);
    Ok(ClientKey { kid, key })
}

fn redirect_uris(source: &Source, written: &[String]) -> Result<Vec<RedirectUri>, ConfigError> {
    if !(1..=ITEMS_MAX).contains(&written.len()) {
        let remedy = "name at least one";
        return Err(source.mistake("redirect_uris", "an answer could go nowhere", remedy));
    }
    let parse = |(at, text): (usize, &String)| {
        RedirectUri::parse(text).ok_or_else(|| {
            let remedy = "write https, a scheme of the app, or http://127.0.0.1; no fragment";
            source.mistake(&format!("redirect_uris.{at}"), "no answer may go there", remedy)
        })
    };
    written.iter().enumerate().map(parse).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |error: std::io::Error| {
        let problem = format!("cannot be read: {error}");
        ConfigError::of_file(folder, problem, "check `clients` in bestow.toml")
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
        if files.len() > CLIENTS_MAX {
            let problem = format!("there are more than {CLIENTS_MAX} clients");
            return Err(ConfigError::of_file(folder, problem, "remove those nobody uses"));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Client, ConfigError> {
        client(&Source::new(Path::new("client.toml"), text))
    }

    #[test]
    fn the_example_is_our_own_wallet() {
        let client = read(include_str!("client.toml")).unwrap();
        assert!(client.is_public());
        assert!(client.allows_redirect_to("http://127.0.0.1:49152/cb"));
    }

    #[test]
    fn a_client_that_cannot_work_is_a_mistake_of_its_file() {
        let base = "client_id = \"a\"\nname = \"A\"\n";
        let uris = "redirect_uris = [\"https://a.example/\"]\n";
        for (text, place) in [
            (format!("{base}redirect_uris = []"), "nowhere"),
            (format!("{base}redirect_uris = [\"http://a.example/\"]"), "no answer may go there"),
            (format!("client_id = \"a b\"\nname = \"A\"\n{uris}"), "no client can have"),
            (format!("client_id = \"a\"\nname = \"\"\n{uris}"), "no one can read"),
            (format!("{base}{uris}authentication = \"password\""), "no client can authenticate"),
            (format!("{base}{uris}authentication = \"private_key_jwt\""), "there is no key"),
            (format!("{base}{uris}keys = [{{ kty = \"EC\" }}]"), "proves nothing"),
            (format!("{base}{uris}secret = \"s\""), "unknown"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
