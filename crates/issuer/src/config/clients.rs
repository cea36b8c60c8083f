//! The clients that an operator has registered: a file each in the folder `clients`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keys::public_key::PublicKey;
use oid4vci::client::{
    Client, ClientAuthentication, ClientKey, NONE, PRIVATE_KEY_JWT, RedirectUri, is_client_id,
};
use serde::{Deserialize, Serialize};

use super::source::Source;
use super::{ConfigError, is_name};

/// Most clients, and most redirect URIs or keys of one.
const CLIENTS_MAX: usize = 1_000;
const ITEMS_MAX: usize = 32;

/// A client, as an operator writes it: a file, or a body of the admin API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenClient {
    client_id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authentication: Option<String>,
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<serde_json::Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    first_party: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    require_signed_request_object: bool,
}

/// What is wrong with a client, and where.
#[derive(Debug)]
pub struct ClientMistake {
    place: String,
    problem: String,
    remedy: &'static str,
}

impl ClientMistake {
    fn new(place: impl Into<String>, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { place: place.into(), problem: problem.into(), remedy }
    }
}

impl fmt::Display for ClientMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.problem, self.remedy)
    }
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

/// A wallet that asks for passwords proves that it is the operator's own (First-Party Apps §9.1): a
/// public one by an attestation, so somebody must be trusted to make those.
pub(super) fn check_first_party(
    folder: &Path,
    clients: &BTreeMap<String, Client>,
    can_attest: bool,
) -> Result<(), ConfigError> {
    let mut own = clients.values().filter(|client| client.is_first_party && client.is_public());
    match own.next().filter(|_| !can_attest) {
        None => Ok(()),
        Some(client) => {
            let problem =
                format!("`{}` is first_party, and nothing proves that it is", client.client_id);
            let remedy = "give it authentication = \"private_key_jwt\", or name who attests it in \
                          [authorization] client_attestation_trust_anchors";
            Err(ConfigError::of_file(folder, problem, remedy))
        }
    }
}

fn client(source: &Source) -> Result<Client, ConfigError> {
    let written: WrittenClient = source.parse()?;
    let mistake =
        |mistake: ClientMistake| source.mistake(&mistake.place, mistake.problem, mistake.remedy);
    written.checked().map_err(mistake)
}

impl WrittenClient {
    /// The client, once everything about it is right.
    pub fn checked(&self) -> Result<Client, ClientMistake> {
        if !is_client_id(&self.client_id) {
            let remedy = "write visible ASCII characters, without spaces";
            return Err(ClientMistake::new("client_id", "no client can have this name", remedy));
        }
        if !is_name(&self.name) {
            let remedy = "write what people call this wallet, in one visible line";
            return Err(ClientMistake::new("name", "no one can read this name", remedy));
        }
        self.check_signed_requests()?;
        Ok(Client {
            authentication: self.authentication()?,
            redirect_uris: redirect_uris(&self.redirect_uris)?,
            client_id: self.client_id.clone(),
            name: self.name.clone(),
            is_first_party: self.first_party,
            signs_requests: self.require_signed_request_object,
        })
    }

    /// Who signs needs a key (RFC 9101 §10.5); at the authorization challenge endpoint nothing is
    /// signed.
    fn check_signed_requests(&self) -> Result<(), ClientMistake> {
        if !self.require_signed_request_object {
            return Ok(());
        }
        let (problem, remedy) = if self.first_party {
            ("a first_party client sends requests that nobody signs", "write false in one of them")
        } else if self.keys.is_empty() {
            let remedy = "write authentication = \"private_key_jwt\", and its public keys";
            ("without a key this client can sign nothing", remedy)
        } else {
            return Ok(());
        };
        Err(ClientMistake::new("require_signed_request_object", problem, remedy))
    }

    fn authentication(&self) -> Result<ClientAuthentication, ClientMistake> {
        match self.authentication.as_deref().unwrap_or(NONE) {
            NONE if self.keys.is_empty() => Ok(ClientAuthentication::None),
            NONE => {
                let remedy = "write authentication = \"private_key_jwt\", or remove the keys";
                Err(ClientMistake::new("keys", "a public client proves nothing by a key", remedy))
            }
            PRIVATE_KEY_JWT if (1..=ITEMS_MAX).contains(&self.keys.len()) => {
                let keys = self.keys.iter().enumerate();
                let keys = keys.map(|(at, jwk)| key(at, jwk)).collect::<Result<_, _>>()?;
                Ok(ClientAuthentication::PrivateKeyJwt(keys))
            }
            PRIVATE_KEY_JWT => {
                let problem = "there is no key, or there are too many";
                let remedy =
                    "add its public keys, like keys = [{ kty = \"EC\", crv = \"P-256\", … }]";
                Err(ClientMistake::new("authentication", problem, remedy))
            }
            _ => {
                let remedy = "write \"none\" or \"private_key_jwt\"";
                let problem = "no client can authenticate so";
                Err(ClientMistake::new("authentication", problem, remedy))
            }
        }
    }
}

fn key(at: usize, jwk: &serde_json::Value) -> Result<ClientKey, ClientMistake> {
    let key = PublicKey::from_jwk(jwk).map_err(|error| {
        let remedy = "write a public JSON Web Key of P-256, P-384, P-521, secp256k1 or Ed25519";
        ClientMistake::new(format!("keys.{at}"), error.to_string(), remedy)
    })?;
    let kid = jwk.get("kid").and_then(serde_json::Value::as_str).map(str::to_owned);
    Ok(ClientKey { kid, key })
}

fn redirect_uris(written: &[String]) -> Result<Vec<RedirectUri>, ClientMistake> {
    if !(1..=ITEMS_MAX).contains(&written.len()) {
        let problem = "an answer could go nowhere";
        return Err(ClientMistake::new("redirect_uris", problem, "name at least one"));
    }
    let parse = |(at, text): (usize, &String)| {
        RedirectUri::parse(text).ok_or_else(|| {
            let remedy = "write https, a scheme of the app, or http://127.0.0.1; no fragment";
            let place = format!("redirect_uris.{at}");
            ClientMistake::new(place, "no answer may go there", remedy)
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
            (format!("{base}{uris}require_signed_request_object = true"), "can sign nothing"),
            (
                format!("{base}{uris}require_signed_request_object = true\nfirst_party = true"),
                "nobody signs",
            ),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
