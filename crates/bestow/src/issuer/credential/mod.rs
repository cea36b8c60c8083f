//! `bestow issuer credential …`: credential types, written, checked and looked at.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use issuer::config::{Config, ConfigError};
use issuer::credential_type::{CredentialType, Inspected, new};

use super::{load, names};
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
    let made = CredentialType::parse_all(&file, &text, config.url.as_str());
    refuse_known(&made.map_err(Failure::mistake)?, &config)?;
    let written = OpenOptions::new().write(true).create_new(true).open(&file);
    written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let failure = Failure::usage(format!("cannot write {}: {error}", file.display()));
        if error.kind() == ErrorKind::AlreadyExists {
            return failure.hint("choose another name, or edit that file");
        }
        failure
    })?;
    print(file.display().to_string());
    tell(format!(
        "edit it, then look at what it makes: bestow issuer credential preview {}",
        file.display()
    ));
    tell("an issuer that runs has it once it was started anew");
    Ok(())
}

/// Beside a type of the same name the issuer would not start.
fn refuse_known(made: &[CredentialType], config: &Config) -> Result<(), Failure> {
    let known = Known::of(config)?;
    match made.iter().find_map(|one| known.file(&one.id).map(|file| (&one.id, file))) {
        None => Ok(()),
        Some((id, file)) => {
            Err(Failure::usage(format!("`{id}` is described in {} already", file.display()))
                .hint("choose another name, or edit that file"))
        }
    }
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
            (files.collect::<Result<_, _>>()?, address(config.as_ref()))
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
fn file_of(named: &Path, config: Option<&Config>) -> Result<PathBuf, Failure> {
    let is_name = named.components().count() == 1 && !named.is_file();
    let Some((config, id)) = config.filter(|_| is_name).zip(named.to_str()) else {
        return Ok(named.to_owned());
    };
    let known = Known::of(config)?;
    match known.file(id) {
        Some(file) => Ok(file.to_owned()),
        // It was meant as a file, and is missed as one.
        None if has_ending(named) => Ok(named.to_owned()),
        None => Err(Failure::usage(format!("there is no type `{id}`"))
            .hint(format!("there is: {}", names(known.0.iter().map(|(id, _)| id))))),
    }
}

fn has_ending(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "toml" || ending == "json")
}

/// The identifiers of an issuer's types, in all their formats, and the files that they are in.
struct Known(Vec<(String, PathBuf)>);

impl Known {
    /// A file with mistakes counts by its name: whoever asks may want to correct it.
    fn of(config: &Config) -> Result<Self, Failure> {
        let files = CredentialType::files(&config.credentials).map_err(Failure::mistake)?;
        let mut known = Vec::new();
        for file in files {
            let found = CredentialType::inspect(&file, config.url.as_str());
            let ids = match found.credential_types.first() {
                Some(read) => read.origin.ids().to_vec(),
                None => file
                    .file_stem()
                    .and_then(|stem| stem.to_str())
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
            };
            known.extend(ids.into_iter().map(|id| (id, file.clone())));
        }
        Ok(Self(known))
    }

    fn file(&self, id: &str) -> Option<&Path> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, file)| file.as_path())
    }
}

fn address(config: Option<&Config>) -> &str {
    config.map_or(SOMEBODY, |config| config.url.as_str())
}
