//! The file of a new credential type, for an operator to go on from.

use crate::init::{CREDENTIALS, NAME};

const BLANK: &str = include_str!("blank.toml");

/// What can be written anew, by format.
pub const NEW_FORMATS: [&str; 7] =
    ["dc+sd-jwt", "mso_mdoc", "jwt_vc_json", "jwt_vc_json-ld", "vc+jwt", "vc+sd-jwt", "ldp_vc"];

/// The examples that a type can begin as: those of a new issuer, one in several formats, and those of
/// public authorities.
const MORE_EXAMPLES: [(&str, &str); 5] = [
    ("open_badge", include_str!("../../../../docs/credential-types/open_badge.toml")),
    ("library_card", include_str!("../../../../docs/credential-types/library_card.toml")),
    ("mdl", include_str!("../../../../docs/credential-types/mdl.toml")),
    ("pid", include_str!("../../../../docs/credential-types/pid.toml")),
    ("pid_mdoc", include_str!("../../../../docs/credential-types/pid_mdoc.toml")),
];

/// What the examples are called.
pub fn examples() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| name)
}

/// The text of an example, as the issuer of this name would have it; `None` if there is none.
#[must_use]
pub fn from_example(name: &str, issuer_name: &str) -> Option<String> {
    let (_, text) = all().find(|(known, _)| *known == name)?;
    Some(text.replace(NAME, &toml::Value::from(issuer_name).to_string()))
}

/// A type of this format with three claims, explained line by line.
#[must_use]
pub fn blank(id: &str, format: &str) -> String {
    let space = match format {
        "mso_mdoc" => format!("\"org.example.{id}.1\", "),
        _ => String::new(),
    };
    let text = BLANK.replace("@FORMAT@", format_lines(format).trim_end());
    text.replace("@SPACE@", &space)
        .replace("@TITLE@", &title(id))
        .replace("@TYPE@", &title(id).replace(' ', ""))
        .replace("@ID@", id)
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let stem = |file: &'static str| file.rsplit('/').next()?.strip_suffix(".toml");
    let of_issuer =
        CREDENTIALS.into_iter().filter_map(move |(file, text)| Some((stem(file)?, text)));
    of_issuer.chain(MORE_EXAMPLES)
}

/// The lines that differ from format to format.
fn format_lines(format: &str) -> String {
    let types = "types = [\"VerifiableCredential\", \"@TYPE@\"]\n";
    match format {
        "dc+sd-jwt" => "# An SD-JWT VC: the holder may leave out each claim, unless it has disclosure = \"always\".\n\
             format = \"dc+sd-jwt\"\n\
             # What kind of credential this is, for verifiers. Without it: the issuer's url, \"/credentials/\" and\n\
             # the name of this file.\n\
             #vct = \"https://issuer.example/credentials/@ID@\"\n"
            .to_owned(),
        "mso_mdoc" => "# An ISO mdoc: the holder may leave out each claim. Its type, and in front of each path a name\n\
             # space, both names of yours.\n\
             format = \"mso_mdoc\"\n\
             doctype = \"org.example.@ID@.1.card\"\n"
            .to_owned(),
        "vc+sd-jwt" => format!(
            "# A W3C credential of version 2.0: the holder may leave out each claim, unless it has\n\
             # disclosure = \"always\".\nformat = \"vc+sd-jwt\"\n{types}"
        ),
        "ldp_vc" => format!(
            "# A W3C credential of version 2.0 with a proof inside, shown as a whole.\n\
             format = \"ldp_vc\"\n{types}"
        ),
        other => format!(
            "# A W3C credential as a JWT, shown as a whole.\nformat = \"{other}\"\n{types}"
        ),
    }
}

/// `library_card` is called `Library Card`, and as a type of the W3C in one word.
fn title(id: &str) -> String {
    let words = id.split(['_', '-', '.']);
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    words.filter_map(capital).collect::<Vec<_>>().join(" ")
}
