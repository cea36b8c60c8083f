//! What a template is made for, and which of several fits best (SD-JWT VC §8.1.2.1).

use serde::{Deserialize, Serialize};

/// What a template is made for, or what is wanted; `None` where nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// How the card is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// What is around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<ColorScheme>,
    /// How far colours are apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Contrast>,
}

/// How a card is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Orientation {
    /// Higher than wide.
    Portrait,
    /// Wider than high.
    Landscape,
}

/// What is around a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorScheme {
    /// By day.
    Light,
    /// By night.
    Dark,
}

/// For those who see less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contrast {
    /// For most.
    Normal,
    /// For those who need it.
    High,
}

/// Reads a word as it is written.
macro_rules! words {
    ($($name:ident: $($word:literal $variant:ident),+;)+) => {$(
        impl $name {
            /// Reads the word; `None` for another.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}
words! {
    Orientation: "portrait" Portrait, "landscape" Landscape;
    ColorScheme: "light" Light, "dark" Dark;
    Contrast: "normal" Normal, "high" High;
}

impl Look {
    /// Whether nobody says anything.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The better, the smaller; what a person needs to read counts before what a person likes.
    #[must_use]
    pub fn distance(self, wanted: Self) -> impl Ord + use<> {
        (
            apart(self.contrast, wanted.contrast),
            apart(self.orientation, wanted.orientation),
            apart(self.color_scheme, wanted.color_scheme),
        )
    }
}

/// What was made for nothing in particular is better than what was made for something else.
fn apart<T: PartialEq>(made_for: Option<T>, wanted: Option<T>) -> u8 {
    match (made_for, wanted) {
        (Some(made_for), Some(wanted)) if made_for == wanted => 0,
        (None, _) => 1,
        (Some(_), _) => 2,
    }
}
