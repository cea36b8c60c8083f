//! How a credential looks in a wallet, in one language (META-40).

use serde::{Deserialize, Serialize};
use url::Url;

use super::svg_template::TemplateFile;

/// How a credential looks in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// What the credential is called.
    pub name: String,
    /// BCP 47; no language twice (META-25).
    pub locale: Locale,
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Behind everything (META-41).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_color: Option<Color>,
    /// Of the text on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_color: Option<Color>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// Pictures of the whole card; metadata of issuers have no place for them.
    #[serde(default, skip_serializing)]
    pub svg_templates: Vec<TemplateFile>,
}

/// A picture and what it says to those who do not see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logo {
    /// `https:` or `data:` (META-26).
    pub uri: LogoUri,
    /// Read out instead.
    pub alt_text: String,
}

/// A language tag (BCP 47).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Locale(String);

/// A colour, `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Color(String);

/// The address of a picture, or the picture itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct LogoUri(String);

/// The text of a checked value.
macro_rules! text {
    ($($name:ident),+) => {$(
        impl $name {
            /// As it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}
text!(Locale, Color, LogoUri);

impl Locale {
    /// `en`
    #[must_use]
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// For comparing: upper and lower case mean the same (BCP 47).
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl TryFrom<String> for Locale {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        const SUBTAG_MAX: usize = 8;
        const TAG_MAX: usize = 35;
        let subtag = |tag: &str| {
            (1..=SUBTAG_MAX).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if text.len() <= TAG_MAX && text.split('-').all(subtag) {
            return Ok(Self(text));
        }
        Err(format!("`{text}` is no language tag\nwrite it like \"en\" or \"de-AT\""))
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self(text));
        }
        Err(format!("`{text}` is no colour\nwrite it like \"#12107c\""))
    }
}

impl TryFrom<String> for LogoUri {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text);
        let is_picture = url.is_ok_and(|url| match url.scheme() {
            "https" => true,
            "data" => url.path().starts_with("image/"),
            _ => false,
        });
        if is_picture {
            return Ok(Self(text));
        }
        Err("this is no address of a picture\nuse an https: or a data:image/ URL".to_owned())
    }
}
