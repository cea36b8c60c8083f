//! `bestow issuer credential …`: credential types, written, checked and looked at.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use issuer::config::{Config, ConfigError};
use issuer::credential_type::{CredentialType, Inspected, new};

use super::load;
use crate::cli::{CheckArguments, ConfigFile, CredentialCommand, NewArguments};
use crate::exit::Failure;
use crate::terminal::{print, tell};

mod preview;

/// Whose types they are, where no issuer is configured.
const SOMEBODY: &str = "https://issuer.example";

/// Runs one command.
pub(super) async fn run(command: CredentialCommand) -> Result<(), Failure> {
    match command {
        CredentialCommand::New(arguments) => make(&arguments),
        CredentialCommand::Check(arguments) => check(&arguments),
        CredentialCommand::Preview(arguments) => preview::preview(&arguments).await,
    }
}

fn make(arguments: &NewArguments) -> Result<(), Failure> {
    let NewArguments { name, format, from, config } = arguments;
    if Path::new(name).file_name().is_none_or(|own| own != name.as_str()) {
        return Err(Failure::usage(format!("`{name}` cannot name a credential type"))
            .hint("use letters of a-z, digits, `_`, `-` and `.`, without a folder"));
    }
    let config = load(config)?;
    let text = match from {
        None => new::blank(name, format),
        Some(example) => new::from_example(example, &config.name)
            .ok_or_else(|| Failure::own_fault("the example is not there"))?,
    };
    let file = config.credentials.join(format!("{name}.toml"));
    // Also finds a name that no type can have.
    CredentialType::parse(&file, &text, config.url.as_str()).map_err(Failure::mistake)?;
    let written = OpenOptions::new().write(true).create_new(true).open(&file);
    written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let failure = Failure::usage(format!("cannot write {}: {error}", file.display()));
        if error.kind() == ErrorKind::AlreadyExists {
            return failure.hint("choose another name, or edit that file");
        }
        failure
    })?;
    print(file.display().to_string());
    tell("edit it, then look at what it makes: bestow issuer credential preview FILE");
    Ok(())
}

fn check(arguments: &CheckArguments) -> Result<(), Failure> {
    let config = config_for(&arguments.files, &arguments.config)?;
    let (all, issuer) = match (&config, &arguments.files[..]) {
        (Some(config), []) => {
            let files = CredentialType::files(&config.credentials).map_err(Failure::mistake)?;
            (files, config.url.as_str())
        }
        (config, named) => {
            let files = named.iter().map(|named| file_of(named, config.as_ref()));
            (files.collect(), address(config.as_ref()))
        }
    };
    let mut mistakes = 0;
    for file in &all {
        mistakes += report(file, &CredentialType::inspect(file, issuer));
    }
    // What each may say by itself, and not beside the others or the rest of the configuration.
    if let (Some(config), true, 0) = (&config, arguments.files.is_empty(), mistakes)
        && let Err(mistake) = config.credential_types()
    {
        mistakes += 1;
        print(mistake.to_string());
    }
    match mistakes {
        0 => Ok(()),
        1 => Err(Failure::usage("there is a mistake").hint("the issuer would not start with it")),
        more => Err(Failure::usage(format!("there are {more} mistakes"))
            .hint("the issuer would not start with them")),
    }
}

/// Prints what was found in one file; gives back how many mistakes.
fn report(file: &Path, found: &Inspected) -> usize {
    for mistake in &found.mistakes {
        print(mistake.to_string());
    }
    for warning in &found.warnings {
        print(as_warning(warning));
    }
    if let Some(read) = found.credential_types.first() {
        let claims = read.claims.iter().count();
        let formats: Vec<&str> =
            found.credential_types.iter().map(|one| one.format.name()).collect();
        let formats = formats.join(", ");
        print(format!("{}: good, {formats} with {claims} claims", file.display()));
    }
    found.mistakes.len()
}

fn as_warning(warning: &ConfigError) -> String {
    let problem = format!("warning: {}", warning.problem);
    ConfigError { problem, ..warning.clone() }.to_string()
}

/// The issuer's configuration: needed where no file is named, else of use where there is one.
fn config_for(files: &[PathBuf], config: &ConfigFile) -> Result<Option<Config>, Failure> {
    if files.is_empty() || config.config.exists() {
        return load(config).map(Some);
    }
    Ok(None)
}

/// What was named: a file, or one of the issuer's types by its identifier.
fn file_of(named: &Path, config: Option<&Config>) -> PathBuf {
    let own = config.filter(|_| named.components().count() == 1 && !named.exists());
    let files = own.zip(named.to_str()).map(|(own, id)| {
        ["toml", "json"].map(|ending| own.credentials.join(format!("{id}.{ending}")))
    });
    let found = files.into_iter().flatten().find(|file| file.exists());
    found.unwrap_or_else(|| named.to_owned())
}

fn address(config: Option<&Config>) -> &str {
    config.map_or(SOMEBODY, |config| config.url.as_str())
}
