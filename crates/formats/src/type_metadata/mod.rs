//! What describes a type of SD-JWT VC (SD-JWT VC §6): names, looks and rules for its claims, of which
//! a type may take some from another that it extends.
//!
//! Nothing is fetched here: [`Chain::wanted`] says what to fetch, and [`Chain::take`] judges it.

use std::fmt;

mod chain;
mod check;
mod integrity;
mod look;
mod read;
mod svg;

pub use chain::{Chain, Wanted};
pub use check::check;
pub use integrity::{content_name, content_names, is_integrity, sha256};
pub use look::{ColorScheme, Contrast, Look, Orientation};
pub use svg::{SVG_BYTES_MAX, SvgFault, SvgMistake, SvgTemplate, is_svg_id};

/// Longest document that is read.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Most types that extend one another.
pub const EXTENDED_MAX: usize = 8;
/// Most languages of one name, and most looks of a type.
const LANGUAGES_MAX: usize = 64;
/// Most claims of one type.
const CLAIMS_MAX: usize = 512;
/// Longest path to a claim.
const PATH_MAX: usize = 16;

/// What is known of a type; of one that extends another, all that both say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeMetadata {
    /// The type.
    pub vct: String,
    /// For developers.
    pub name: Option<String>,
    /// For developers.
    pub description: Option<String>,
    /// How it looks, by language.
    pub display: Vec<TypeDisplay>,
    /// Its claims, in the order in which they are to be shown.
    pub claims: Vec<ClaimMetadata>,
    extends: Option<Extends>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Extends {
    uri: String,
    integrity: Option<String>,
}

/// How a type looks in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDisplay {
    /// BCP 47; `lang` up to draft 11.
    pub locale: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `#rrggbb`
    pub background_color: Option<String>,
    /// `#rrggbb`
    pub text_color: Option<String>,
    /// A picture, and what it says to those who do not see it.
    pub logo: Option<(String, Option<String>)>,
    /// Pictures of the whole card.
    pub svg_templates: Vec<TemplateLink>,
}

/// Where a picture of a whole card is (SD-JWT VC §8.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLink {
    /// Its address, or a `data:` URL.
    pub uri: String,
    /// What its bytes must be, if anybody said so.
    pub integrity: Option<String>,
    /// What it is made for.
    pub look: Look,
}

/// What is known of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMetadata {
    /// Where it is.
    pub path: Vec<PathStep>,
    /// What people call it, by language: locale and label.
    pub display: Vec<(String, String)>,
    /// Whether a credential of this type must have it.
    pub mandatory: bool,
    /// Whether the holder can leave it out.
    pub sd: Sd,
    /// Its name in pictures of the card.
    pub svg_id: Option<String>,
}

/// One step to a claim, from the outside in (SD-JWT VC §9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// The member of an object.
    Name(String),
    /// Each element of a list.
    Every,
    /// One element of a list, counted from 0.
    Index(u64),
}

/// Whether a holder can leave a claim out (SD-JWT VC §9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sd {
    /// It is always selectively disclosable.
    Always,
    /// The issuer decides.
    #[default]
    Allowed,
    /// It never is.
    Never,
}

/// Why a type, or a credential of it, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeFault {
    /// Longer than [`BYTES_MAX`].
    TooLong,
    /// No JSON object, or a member of a wrong kind.
    Malformed,
    /// It describes another type.
    OtherType,
    /// Its bytes are not those that were meant.
    WrongIntegrity,
    /// It leads back to itself.
    Cycle,
    /// More than [`EXTENDED_MAX`] types extend one another.
    TooManyExtended,
    /// It allows what the type that it extends forbids.
    Loosened,
    /// Two claims have one name in pictures, as the types that extend one another give it.
    RepeatedSvgId,
    /// A credential has no claim that its type demands.
    MissingClaim,
    /// A claim that the holder can leave out although its type forbids it, or the other way round.
    WrongDisclosure,
    /// A claim is no object or no list where its type says that it is.
    WrongShape,
    /// A picture of the card cannot be shown.
    Template(SvgFault),
}

impl fmt::Display for TypeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the description of the type is too long",
            Self::Malformed => "the description of the type cannot be read",
            Self::OtherType => "what lies at the address of the type describes another one",
            Self::WrongIntegrity => "the description of the type is not the one that was meant",
            Self::Cycle => "the types extend one another in a circle",
            Self::TooManyExtended => "too many types extend one another",
            Self::Loosened => "the type allows what the one that it extends forbids",
            Self::RepeatedSvgId => {
                "two claims have the same svg_id: perhaps one of them in a type that is extended"
            }
            Self::MissingClaim => "the credential lacks a claim that its type demands",
            Self::WrongDisclosure => {
                "a claim can be left out although its type forbids it, or cannot although it demands \
                 it"
            }
            Self::WrongShape => "a claim is of another shape than its type says",
            Self::Template(fault) => fault.answer().0,
        })
    }
}

impl std::error::Error for TypeFault {}
