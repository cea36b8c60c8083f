//! How an issuer wants itself and its credentials to look (META-24, META-40, CLAIM-04).
//!
//! All of it is a stranger's text: cut to a length, without characters that nobody sees, colours and pictures only in the forms that are known to be harmless.

pub use oid4vci::metadata::CLAIMS_MAX;
use oid4vci::metadata::{ReceivedConfiguration, ReceivedIssuerMetadata};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::svg_templates::SvgTemplates;

/// Longest name or label that is shown.
pub const TEXT_CHARACTERS_MAX: usize = 300;
/// Most languages of one name.
pub const LANGUAGES_MAX: usize = 64;
/// Longest path to a claim.
pub const PATH_MAX: usize = 16;
/// Longest picture inside a `data:` URL.
pub const PICTURE_BYTES_MAX: usize = 256 * 1024;
/// Longest that all pictures of one credential are together, in all languages: a record with them
/// must fit into the store, when the code for it is long spent.
pub const PICTURES_BYTES_MAX: usize = 1024 * 1024;
/// The same for what its claims are called.
pub const LABELS_BYTES_MAX: usize = 512 * 1024;

/// All that is needed to draw a card without asking its issuer again.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Display {
    /// The issuer's name, by language.
    pub issuer: Vec<LocalText>,
    /// The card, by language.
    pub faces: Vec<Face>,
    /// The claims in the order in which they are to be shown (CLAIM-07).
    pub claims: Vec<ClaimLabel>,
    /// Pictures of the whole card, in place of a face; boxed, as few cards have any and every step of a
    /// flow carries this.
    #[serde(default, skip_serializing_if = "SvgTemplates::is_empty")]
    pub svg_templates: Box<SvgTemplates>,
}

/// A text in one language.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct LocalText {
    /// BCP 47; `None` for the default.
    pub locale: Option<String>,
    /// To be shown.
    pub text: String,
}

/// The card in one language (META-40).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Face {
    /// BCP 47; `None` for the default.
    pub locale: Option<String>,
    /// What the credential is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// `#rrggbb`
    pub background_color: Option<String>,
    /// `#rrggbb`
    pub text_color: Option<String>,
    /// The issuer's sign.
    pub logo: Option<Picture>,
    /// Lies under the text.
    pub background_image: Option<Picture>,
}

/// A picture of the issuer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// `https:` or `data:image/…`; whoever fetches the first kind tells the issuer of it.
    pub uri: String,
    /// For people who do not see it.
    pub alt_text: Option<String>,
}

/// What a claim is called (CLAIM-04).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ClaimLabel {
    /// Where the claim is (VCI §C): names, places in a list, or `null` for every place.
    pub path: Vec<Value>,
    /// By language.
    pub names: Vec<LocalText>,
}

impl Display {
    /// Takes what is needed from the metadata.
    #[must_use]
    pub fn new(issuer: &ReceivedIssuerMetadata, configuration: &ReceivedConfiguration) -> Self {
        let mut display = Self {
            issuer: names(&issuer.display),
            faces: configuration.display.iter().take(LANGUAGES_MAX).filter_map(face).collect(),
            claims: configuration
                .claims
                .iter()
                .take(CLAIMS_MAX)
                .filter_map(|description| claim(description, configuration))
                .collect(),
            svg_templates: Box::default(),
        };
        display.leave_out_too_much();
        display
    }

    /// What comes first has its room first.
    fn leave_out_too_much(&mut self) {
        let mut room = PICTURES_BYTES_MAX;
        let pictures = self.faces.iter_mut();
        for picture in pictures.flat_map(|face| [&mut face.logo, &mut face.background_image]) {
            picture.take_if(|picture| !takes(&mut room, picture.uri.len()));
        }
        let mut room = LABELS_BYTES_MAX;
        let length =
            |label: &ClaimLabel| serde_json::to_vec(label).map_or(usize::MAX, |it| it.len());
        self.claims.retain(|label| takes(&mut room, length(label)));
    }

    /// All pictures, of all languages.
    pub(crate) fn pictures(&mut self) -> impl Iterator<Item = &mut Picture> {
        let faces = self.faces.iter_mut();
        faces.flat_map(|face| face.logo.iter_mut().chain(&mut face.background_image))
    }

    /// The issuer's name in the language that fits best.
    #[must_use]
    pub fn issuer_name(&self, locale: &str) -> Option<&str> {
        best(&self.issuer, |name| name.locale.as_deref(), locale).map(|name| name.text.as_str())
    }

    /// The card in the language that fits best.
    #[must_use]
    pub fn face(&self, locale: &str) -> Option<&Face> {
        best(&self.faces, |face| face.locale.as_deref(), locale)
    }
}

impl ClaimLabel {
    /// The label in the language that fits best.
    #[must_use]
    pub fn name(&self, locale: &str) -> Option<&str> {
        best(&self.names, |name| name.locale.as_deref(), locale).map(|name| name.text.as_str())
    }
}

/// Takes so much of the room, if there is as much.
fn takes(room: &mut usize, length: usize) -> bool {
    let left = room.checked_sub(length);
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// The same locale, else the same language, else the default, else the first.
pub(crate) fn best<'t, T>(
    choices: &'t [T],
    locale_of: impl Fn(&T) -> Option<&str>,
    wanted: &str,
) -> Option<&'t T> {
    let language = |locale: &str| locale.split('-').next().map(str::to_ascii_lowercase);
    let rank = |choice: &&T| match locale_of(choice) {
        Some(locale) if locale.eq_ignore_ascii_case(wanted) => 0,
        Some(locale) if language(locale) == language(wanted) => 1,
        None => 2,
        Some(_) => 3,
    };
    choices.iter().min_by_key(rank)
}

/// A stranger's text, made fit to be shown: on one line, without what nobody sees, cut to a length.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let c = if breaks_line(c) { ' ' } else { c };
        let joins = is_joiner(c)
            && shown.chars().next_back().is_some_and(is_joined)
            && rest.peek().copied().is_some_and(is_joined);
        if (is_unseen(c) && !joins) || (shown.is_empty() && c.is_whitespace()) {
            continue;
        }
        if length == TEXT_CHARACTERS_MAX {
            break;
        }
        shown.push(c);
        length += 1;
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// Characters that nobody sees and that change what is seen (catalogue N04): controls command
/// terminals, others turn the reading direction, hide between letters or make a name look empty.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}')
}

const fn breaks_line(c: char) -> bool {
    matches!(c, '\t'..='\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Zero-width joiner and non-joiner: some scripts are misspelled without them.
#[must_use]
pub const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Scripts that join, and pictures, come after those of Europe: in Latin a joiner only hides.
fn is_joined(c: char) -> bool {
    c >= '\u{590}' && !is_unseen(c) && !c.is_whitespace()
}

fn text(object: &Value, name: &str) -> Option<String> {
    let text = clean(object.get(name)?.as_str()?);
    (!text.is_empty()).then_some(text)
}

fn names(display: &[Value]) -> Vec<LocalText> {
    let name = |object: &Value| {
        Some(LocalText { locale: text(object, "locale"), text: text(object, "name")? })
    };
    display.iter().take(LANGUAGES_MAX).filter_map(name).collect()
}

fn face(object: &Value) -> Option<Face> {
    Some(Face {
        locale: text(object, "locale"),
        name: text(object, "name")?,
        description: text(object, "description"),
        background_color: color(object, "background_color"),
        text_color: color(object, "text_color"),
        logo: picture(object.get("logo")),
        background_image: picture(object.get("background_image")),
    })
}

/// Colours end up in style sheets: only `#rgb` and `#rrggbb` of CSS Color pass.
fn color(object: &Value, name: &str) -> Option<String> {
    let digits = object.get(name)?.as_str()?.trim().strip_prefix('#')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (plain, digits.len()) {
        (true, 6) => Some(format!("#{}", digits.to_ascii_lowercase())),
        (true, 3) => {
            let doubled: String = digits.chars().flat_map(|digit| [digit, digit]).collect();
            Some(format!("#{}", doubled.to_ascii_lowercase()))
        }
        _ => None,
    }
}

/// HAIP-16, META-26: other schemes than these two may be there, and are left alone.
fn picture(object: Option<&Value>) -> Option<Picture> {
    let object = object?;
    let uri = object.get("uri").or_else(|| object.get("url"))?.as_str()?;
    let url = Url::parse(uri).ok().filter(|_| uri.len() <= PICTURE_BYTES_MAX)?;
    let known = match url.scheme() {
        "https" => url.has_host(),
        "data" => url.path().starts_with("image/"),
        _ => false,
    };
    known.then(|| Picture { uri: url.into(), alt_text: text(object, "alt_text") })
}

/// Members that are not known here are left alone (CLAIM-03).
fn claim(description: &Value, configuration: &ReceivedConfiguration) -> Option<ClaimLabel> {
    let path = description.get("path")?.as_array()?;
    let path = below_subject(path, configuration.is_w3c());
    let step = |step: &Value| step.is_string() || step.is_null() || step.is_u64();
    if path.is_empty() || path.len() > PATH_MAX || !path.iter().all(step) {
        return None;
    }
    let display = description.get("display").and_then(Value::as_array);
    let names = names(display.map_or(&[], Vec::as_slice));
    Some(ClaimLabel { path: path.to_vec(), names })
}

/// Paths of a W3C credential begin at the credential (FMT-JWT-06), what we keep begins at its subject.
fn below_subject(path: &[Value], is_w3c: bool) -> &[Value] {
    match path {
        [first, below @ ..] if is_w3c && first == "credentialSubject" => below,
        _ => path,
    }
}
