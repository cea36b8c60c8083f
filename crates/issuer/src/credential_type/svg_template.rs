//! Pictures of the whole card, as SVG with names of claims in it (SD-JWT VC §8.1.2): files beside the
//! file of the type, looked at before anybody is shown them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use formats::path::Step;
use formats::type_metadata::{
    ColorScheme, Contrast, Look, Orientation, SVG_BYTES_MAX, SvgFault, SvgMistake, SvgTemplate,
    sha256,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::display::{Display, Locale};
use super::{Claim, Claims, ValueType};
use crate::config::ConfigError;
use crate::config::source::Source;

/// Most pictures of a card in one language.
const TEMPLATES_MAX: usize = 8;

/// A picture as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// Its name, beside the file of the type.
    file: String,
    orientation: Option<Orientation>,
    color_scheme: Option<ColorScheme>,
    contrast: Option<Contrast>,
}

/// A picture of the whole card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardTemplate {
    /// The name of its file, and the end of its address.
    pub name: String,
    /// In which language.
    pub locale: Locale,
    /// What it is made for.
    pub look: Look,
    /// What is in it.
    pub template: SvgTemplate,
}

impl TemplateFile {
    fn look(&self) -> Look {
        let Self { orientation, color_scheme, contrast, .. } = *self;
        Look { orientation, color_scheme, contrast }
    }
}

impl CardTemplate {
    /// How the description of the type names it, which lies at `vct` (SD-JWT VC §8.1.2).
    pub(super) fn named(&self, vct: &str) -> Value {
        let bytes = self.template.source().as_bytes();
        let mut named = json!({ "uri": self.address(vct), "uri#integrity": sha256(bytes) });
        if let (Some(members), false) = (named.as_object_mut(), self.look.is_empty()) {
            members.insert("properties".to_owned(), json!(self.look));
        }
        named
    }

    /// Where it is served.
    #[must_use]
    pub fn address(&self, vct: &str) -> String {
        format!("{}/{}", vct.trim_end_matches('/'), self.name)
    }
}

/// Reads all pictures of a type whose file is `file`.
pub(super) fn read(
    displays: &[Display],
    claims: &Claims,
    (file, source): (&Path, &Source),
) -> Result<Vec<CardTemplate>, ConfigError> {
    let mut templates = Vec::new();
    for (at, display) in displays.iter().enumerate() {
        check_looks(&display.svg_templates, at, source)?;
        for (number, written) in display.svg_templates.iter().enumerate() {
            let place = format!("display.{at}.svg_templates.{number}.file");
            let path = beside(file, written, &place, source)?;
            let template = template(&path, &place, source)?;
            template.check_ids(|id| svg_ids(claims).any(|known| known == id)).map_err(
                |mistake| {
                    let known: Vec<String> = svg_ids(claims).collect();
                    let mut error = in_file(&path, mistake);
                    error.remedy = format!("write one of: {}", known.join(", "));
                    error
                },
            )?;
            let (name, locale) = (written.file.clone(), display.locale.clone());
            templates.push(CardTemplate { name, locale, look: written.look(), template });
        }
    }
    Ok(templates)
}

/// SD-JWT VC §8.1.2: of several, each says what it is made for.
fn check_looks(written: &[TemplateFile], at: usize, source: &Source) -> Result<(), ConfigError> {
    let place = |number: usize| format!("display.{at}.svg_templates.{number}");
    if written.len() > TEMPLATES_MAX {
        let remedy = format!("keep {TEMPLATES_MAX}: one for each look");
        return Err(source.mistake(&place(TEMPLATES_MAX), "these are too many pictures", remedy));
    }
    for (number, one) in written.iter().enumerate() {
        let is_alone = written.len() == 1;
        let same = written.iter().take(number).any(|other| other.look() == one.look());
        if !is_alone && (one.look().is_empty() || same) {
            let problem = "no wallet could tell when to show this picture and when another";
            let remedy = "give each its own orientation (portrait, landscape), color_scheme (light, \
                          dark) or contrast (normal, high)";
            return Err(source.mistake(&place(number), problem, remedy));
        }
    }
    Ok(())
}

/// The name becomes part of an address, and leads to no other folder.
fn beside(
    file: &Path,
    written: &TemplateFile,
    place: &str,
    source: &Source,
) -> Result<PathBuf, ConfigError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let stem = written.file.strip_suffix(".svg").unwrap_or_default();
    if stem.is_empty() || stem.starts_with('.') || !stem.bytes().all(is_plain) {
        let remedy = "write the name of an SVG beside this file, like \"student_card.svg\": letters \
                      of a-z, digits, `_`, `-` and `.`";
        return Err(source.mistake(place, "this names no picture", remedy));
    }
    Ok(file.with_file_name(&written.file))
}

fn template(path: &Path, place: &str, source: &Source) -> Result<SvgTemplate, ConfigError> {
    let mut bytes = Vec::new();
    let longest = u64::try_from(SVG_BYTES_MAX).unwrap_or(u64::MAX);
    let read = File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        let problem = format!("{} cannot be read: {error}", path.display());
        source.mistake(place, problem, "put the picture beside this file, or remove the lines")
    })?;
    SvgTemplate::read(&bytes).map_err(|mistake| in_file(path, mistake))
}

fn in_file(path: &Path, SvgMistake { fault, line }: SvgMistake) -> ConfigError {
    let (problem, remedy) = SvgFault::answer(fault);
    ConfigError { line: Some(line), ..ConfigError::of_file(path, problem, remedy) }
}

/// What pictures may name; a photograph is no text.
fn svg_ids(claims: &Claims) -> impl Iterator<Item = String> {
    let texts = claims.disclosed().filter(|claim| claim.value_type != ValueType::Image);
    texts.filter_map(|claim| svg_id(claims, claim))
}

/// The name of a claim in pictures of the card; none for what is in a list, or is no text.
pub(super) fn svg_id(claims: &Claims, claim: &Claim) -> Option<String> {
    let id = joined(claim)?;
    let same = claims.iter().filter(|other| joined(other).as_ref() == Some(&id));
    (same.count() == 1).then_some(id)
}

fn joined(claim: &Claim) -> Option<String> {
    let names: Option<Vec<&str>> = claim.path.iter().map(Step::name).collect();
    let id = names.filter(|_| claim.value_type.is_value())?.join("_").replace('-', "_");
    (!id.starts_with(|first: char| first.is_ascii_digit())).then_some(id)
}
