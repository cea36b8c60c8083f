//! The reference and the example of `bestow.toml`, made from the sections themselves.

use std::fmt::Write as _;

use super::section::Key;
use super::{
    Admin, Authorization, AuthorizationServer, Compatibility, Config, Deferred, Dpop, Encryption,
    IssuerUrl, Legacy, Log, Notification, Offer, Openid4vci11, Portal, Proof, Retention, Rotation,
    Server, SignIn, Status, Token,
};
use crate::init;

/// Explains every key of a client.
const CLIENT: &str = include_str!("client.toml");
/// Widest comment of the example.
const COMMENT_WIDTH: usize = 96;

/// A section: its name in the file, what it is for, its keys.
type Section = (&'static str, &'static str, &'static [Key]);

/// In the order in which they are written.
const SECTIONS: [Section; 20] = [
    ("server", Server::TEXT, Server::KEYS),
    ("admin", Admin::TEXT, Admin::KEYS),
    ("offer", Offer::TEXT, Offer::KEYS),
    ("token", Token::TEXT, Token::KEYS),
    ("dpop", Dpop::TEXT, Dpop::KEYS),
    ("authorization", Authorization::TEXT, Authorization::KEYS),
    ("sign_in", SignIn::TEXT, SignIn::KEYS),
    ("authorization_server", AuthorizationServer::TEXT, AuthorizationServer::KEYS),
    ("proof", Proof::TEXT, Proof::KEYS),
    ("encryption", Encryption::TEXT, Encryption::KEYS),
    ("deferred", Deferred::TEXT, Deferred::KEYS),
    ("notification", Notification::TEXT, Notification::KEYS),
    ("compatibility", Compatibility::TEXT, Compatibility::KEYS),
    ("legacy", Legacy::TEXT, Legacy::KEYS),
    ("openid4vci_1_1", Openid4vci11::TEXT, Openid4vci11::KEYS),
    ("portal", Portal::TEXT, Portal::KEYS),
    ("retention", Retention::TEXT, Retention::KEYS),
    ("status", Status::TEXT, Status::KEYS),
    ("rotation", Rotation::TEXT, Rotation::KEYS),
    ("log", Log::TEXT, Log::KEYS),
];

/// The text of docs/CONFIGURATION.md.
#[must_use]
pub fn reference() -> String {
    let defaults = defaults(&Config::default());
    let mut text = "# Configuration\n\n\
        The file is `bestow.toml`; `bestow issuer init` writes one. An unknown key refuses to \
        start.\n`bestow issuer check-config` prints what is in force.\n"
        .to_owned();
    let _ = write!(text, "\n{}\n", Config::TEXT.trim());
    describe(&mut text, root_keys(), &defaults);
    for (name, purpose, keys) in SECTIONS {
        let _ = write!(text, "\n## `[{name}]`\n\n{}\n", purpose.trim());
        describe(&mut text, keys.iter(), defaults.get(name).unwrap_or(&defaults));
    }
    describe_credential_type(&mut text);
    describe_client(&mut text);
    text
}

/// The file of our own wallet explains what a client is.
fn describe_client(text: &mut String) {
    let _ = write!(
        text,
        "\n## Wallets that send people to sign in\n\nThe folder `clients` has one file for each; \
         there is none at first, and nobody can sign in. With this one, the wallet of `bestow` \
         can.\n\n```toml\n{CLIENT}```\n"
    );
}

/// A credential type that explains itself, without its photograph.
fn describe_credential_type(text: &mut String) {
    text.push_str(
        "\n## Credential types\n\nThe folder `credentials` has one file for each. This one is written \
         by `bestow issuer init`; a driving licence (ISO/IEC 18013-5), person identification data of \
         the European Union, an Open Badge and a type in three formats are in the folder \
         [credential-types](credential-types). A file may be JSON as well, with the same keys: its name \
         then ends in `.json`, and `null` in a path is the same as `\"*\"`. A JWK, or a set of them, beside the \
         types is none of them.\n\n```toml\n",
    );
    let example = init::STUDENT_CARD.replace(init::NAME, "\"My Organisation\"");
    for line in example.lines().filter(|line| !line.contains("data:image/")) {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("```\n");
}

/// One list item for each key.
fn describe<'k>(text: &mut String, keys: impl Iterator<Item = &'k Key>, defaults: &toml::Value) {
    text.push('\n');
    for Key { name, text: meaning } in keys {
        let default = match defaults.get(name) {
            _ if *name == "url" => " Required.".to_owned(),
            Some(default) => format!(" Default: `{default}`"),
            None => String::new(),
        };
        let _ = writeln!(text, "- `{name}`:{meaning}{default}");
    }
}

/// A commented `bestow.toml` that says what it must and explains the rest.
#[must_use]
pub fn example(url: &IssuerUrl, name: &str) -> String {
    let config = Config { url: url.clone(), name: name.to_owned(), ..Config::default() };
    let values = defaults(&config);
    let mut text = "# Settings of the issuer. A line like `#key = value` shows a default: remove \
                    the # to change it.\n# After a change: bestow issuer check-config\n"
        .to_owned();
    for key in root_keys() {
        comment(&mut text, key.text);
        setting(&mut text, "", key.name, &values);
    }
    for (name, purpose, keys) in SECTIONS {
        comment(&mut text, purpose);
        let _ = writeln!(text, "[{name}]");
        for key in keys {
            comment(&mut text, key.text);
            setting(&mut text, "#", key.name, values.get(name).unwrap_or(&values));
        }
    }
    text
}

/// The keys before the first section.
fn root_keys() -> impl Iterator<Item = &'static Key> {
    Config::KEYS.iter().filter(|key| SECTIONS.iter().all(|(name, ..)| *name != key.name))
}

/// What holds when nothing is written.
fn defaults(config: &Config) -> toml::Value {
    let mut config = config.clone();
    config.server.listen = Some(config.listen());
    config.admin.listen = Some(config.admin_listen());
    config.admin.key_file = Some(config.admin_key_file());
    toml::Value::try_from(config).unwrap_or_else(|_| toml::Table::new().into())
}

fn setting(text: &mut String, mark: &str, name: &str, values: &toml::Value) {
    let _ = match values.get(name) {
        Some(value) => writeln!(text, "{mark}{name} = {value}"),
        // There is no default to show.
        None if name == "logo" => {
            writeln!(text, "#logo = {{ uri = \"https://issuer.example/a.png\", alt_text = \"A\" }}")
        }
        None if name == "portal" => writeln!(text, "#portal = \"13\""),
        None if name == "credential_offer_endpoint" => {
            writeln!(text, "#credential_offer_endpoint = \"https://wallet.example/offer\"")
        }
        None => writeln!(text, "#{name} = \"FILE\""),
    };
}

/// Words in lines that begin with `#`, after an empty line.
fn comment(text: &mut String, words: &str) {
    let mut line = "\n#".to_owned();
    for word in words.split_whitespace() {
        if line.len() + word.len() > COMMENT_WIDTH {
            text.push_str(&line);
            "\n#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
