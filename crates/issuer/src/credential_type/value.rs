//! What the value of one claim may be, and what is wrong with one that is not.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use url::Url;

use super::image::{self, Pictures};
use super::moment;
use super::text::is_one_visible_line;

/// Longest text where a claim sets no `max_length` of its own.
pub(super) const LENGTH_MAX: usize = 200;
/// Most elements of any list.
pub(super) const ITEMS_MAX: usize = 100;
/// Most elements of a list that sets no `max_items` of its own.
pub(super) const ITEMS_DEFAULT: usize = 20;
/// Beyond this, readers of JSON disagree about integers (RFC 8259 §6).
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// The kind of value a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// One line of text.
    String,
    /// An e-mail address.
    Email,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A moment, as RFC 3339 writes it: day, time and offset.
    #[serde(rename = "date-time")]
    DateTime,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
    /// Bytes, as base64url without padding where there is text.
    Bytes,
    /// A PNG or JPEG picture as a `data:` URL.
    Image,
    /// No value of its own: it labels the claims below it.
    Object,
    /// Several values or objects: the claim below it, `*`, says what each of them is.
    List,
}

impl ValueType {
    /// The word for it in a credential type's file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Email => "email",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Bytes => "bytes",
            Self::Image => "image",
            Self::Object => "object",
            Self::List => "list",
        }
    }

    /// Whether it is more than what is in it.
    #[must_use]
    pub const fn is_value(self) -> bool {
        !matches!(self, Self::Object | Self::List)
    }
}

/// Bounds of a value; those that do not fit the type of the value are refused with the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of some format")]
pub struct Limits {
    /// Fewest characters of a text.
    pub min_length: Option<usize>,
    /// Most characters of a text.
    pub max_length: Option<usize>,
    /// Smallest number.
    pub minimum: Option<i64>,
    /// Largest number.
    pub maximum: Option<i64>,
    /// Fewest elements of a list.
    pub min_items: Option<usize>,
    /// Most elements of a list.
    pub max_items: Option<usize>,
    /// The claims become linked data.
    pub is_linked_data: bool,
    /// A text is a URI: the name of a thing.
    pub is_uri: bool,
    /// A list is signed as a set.
    pub is_set: bool,
    /// Pictures become JPEG: readers of mdocs know no PNG.
    pub is_jpeg: bool,
}

impl Limits {
    /// How many elements a list may have; an empty one only where the type says so.
    pub(super) fn items(&self) -> (usize, usize) {
        (self.min_items.unwrap_or(1), self.max_items.unwrap_or(ITEMS_DEFAULT))
    }

    pub(super) fn check_count(&self, count: usize) -> Result<(), Fault> {
        let (least, most) = self.items();
        if count < least {
            Err(Fault::TooFew(least))
        } else if count > most {
            Err(Fault::TooMany(most))
        } else {
            Ok(())
        }
    }
}

/// What is wrong with one value, in words for the person who gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No claim has this name.
    Unknown,
    /// The type itself says it, and nobody gives it.
    Constant,
    /// It is required.
    Missing,
    /// It is given more than once.
    Repeated,
    /// It must have claims below it.
    NotObject,
    /// It must be a list.
    NotList,
    /// Fewer elements than this.
    TooFew(usize),
    /// More elements, or values in all, than this.
    TooMany(usize),
    /// It must be text.
    NotText,
    /// It must be one line in which everything can be seen.
    HiddenCharacter,
    /// Linked data would take it for a thing without a name, and nobody signs that.
    BlankNode,
    /// It must be a URI.
    NotUri,
    /// A list that becomes a set has it more than once.
    Twice,
    /// Fewer characters than this.
    TooShort(usize),
    /// More characters than this.
    TooLong(usize),
    /// It must be an e-mail address.
    NotEmail,
    /// It must be a day that exists.
    NotDate,
    /// It must be a moment.
    NotDateTime,
    /// It must be bytes in base64url.
    NotBytes,
    /// Fewer bytes than this.
    TooFewBytes(usize),
    /// More bytes than this.
    TooManyBytes(usize),
    /// It must be a whole number.
    NotInteger,
    /// It must be a number.
    NotNumber,
    /// Less than this.
    TooSmall(i64),
    /// More than this.
    TooLarge(i64),
    /// It must be yes or no.
    NotBoolean,
    /// It must be the country of whoever signs.
    OtherCountry,
    /// Neither it nor any other claim is there that a credential would say.
    SaysNothing,
    /// It must be a picture of a kind that we take.
    NotImage,
    /// It is a picture that cannot be shown: damaged, or not a still one.
    ImageBroken,
    /// The picture has too many bytes.
    ImageTooLarge,
    /// The picture has too many pixels.
    ImageTooWide,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such claim"),
            Self::Constant => f.write_str("is the same in every credential: leave it out"),
            Self::Missing => f.write_str("required, but missing"),
            Self::Repeated => f.write_str("given more than once"),
            Self::NotObject => f.write_str("must be an object with claims of its own"),
            Self::NotList => f.write_str("must be a list"),
            Self::TooFew(1) => f.write_str("must have at least one element"),
            Self::TooFew(least) => write!(f, "must have at least {least} elements"),
            Self::TooMany(most) => write!(f, "must have at most {most} elements"),
            Self::NotText => f.write_str("must be text"),
            Self::HiddenCharacter => f.write_str(
                "must be one line in which everything can be seen: no line break, tab, zero-width \
                 character or direction mark",
            ),
            Self::BlankNode => {
                f.write_str("must not begin with _:, as linked data have no such text")
            }
            Self::NotUri => f.write_str("must be a URI, like https://example.org/1 or urn:uuid:…"),
            Self::Twice => {
                f.write_str("must not be there twice: this list is signed as a set, in no order")
            }
            Self::TooShort(least) => write!(f, "must have at least {}", characters(*least)),
            Self::TooLong(most) => write!(f, "must have at most {}", characters(*most)),
            Self::NotEmail => f.write_str("must be an e-mail address like name@example.org"),
            Self::NotDate => f.write_str("must be a day like 2001-12-31"),
            Self::NotDateTime => {
                f.write_str("must be a day and time with its offset, like 2001-12-31T23:59:59Z")
            }
            Self::NotBytes => f.write_str("must be bytes in base64url without padding"),
            Self::TooFewBytes(least) => write!(f, "must have at least {least} bytes"),
            Self::TooManyBytes(most) => write!(f, "must have at most {most} bytes"),
            Self::NotInteger => f.write_str("must be a whole number"),
            Self::NotNumber => f.write_str("must be a number"),
            Self::TooSmall(least) => write!(f, "must be at least {least}"),
            Self::TooLarge(most) => write!(f, "must be at most {most}"),
            Self::NotBoolean => f.write_str("must be true or false"),
            Self::OtherCountry => f.write_str("must be the country of the certificate that signs"),
            Self::SaysNothing => f.write_str(
                "give it, or another claim that is disclosed: the credential would say nothing",
            ),
            Self::NotImage => f.write_str("must be a PNG or JPEG picture as a data: URL"),
            Self::ImageBroken => f.write_str(
                "must be a still picture that can be shown: this file is damaged or moves",
            ),
            Self::ImageTooWide => {
                let side = image::IMAGE_SIDE_MAX;
                write!(f, "must be a picture of at most {side} x {side} pixels")
            }
            Self::ImageTooLarge => {
                write!(f, "must be a picture of at most {} KB", image::IMAGE_BYTES_MAX / 1000)
            }
        }
    }
}

/// A count of characters, in words.
fn characters(count: usize) -> String {
    if count == 1 { "1 character".to_owned() } else { format!("{count} characters") }
}

/// Checks a value and gives back what is to be kept of it: of a picture its pixels, of all else
/// everything.
pub(super) fn take(
    value_type: ValueType,
    (limits, pictures): (&Limits, &Pictures),
    value: &Value,
) -> Result<Value, Fault> {
    if value_type == ValueType::Image {
        return pictures.kept(text(value)?, limits.is_jpeg).map(Value::from);
    }
    check(value_type, limits, value).map(|()| value.clone())
}

/// Checks what is not a picture; an object never has a value of its own to check.
fn check(value_type: ValueType, limits: &Limits, value: &Value) -> Result<(), Fault> {
    match value_type {
        ValueType::String => check_text(text(value)?, limits),
        ValueType::Email => {
            let text = text(value)?;
            check_text(text, limits)?;
            if is_email(text) { Ok(()) } else { Err(Fault::NotEmail) }
        }
        ValueType::Date => {
            if is_date(text(value)?) {
                Ok(())
            } else {
                Err(Fault::NotDate)
            }
        }
        ValueType::DateTime => {
            if moment::in_utc(text(value)?).is_some() {
                Ok(())
            } else {
                Err(Fault::NotDateTime)
            }
        }
        ValueType::Bytes => check_bytes(text(value)?, limits),
        ValueType::Integer => {
            let number = value.as_i64().ok_or(Fault::NotInteger)?;
            check_integer(number, limits)
        }
        ValueType::Number => check_number(value, limits),
        ValueType::Boolean => value.as_bool().map(|_| ()).ok_or(Fault::NotBoolean),
        ValueType::Image | ValueType::Object | ValueType::List => Err(Fault::NotObject),
    }
}

/// Reads what a person typed into a form; [`take`] judges it afterwards.
pub(super) fn parse(value_type: ValueType, text: &str) -> Result<Value, Fault> {
    match value_type {
        ValueType::Integer => text.parse::<i64>().map(Value::from).map_err(|_| Fault::NotInteger),
        ValueType::Number => parse_number(text).ok_or(Fault::NotNumber),
        ValueType::DateTime => Ok(Value::from(moment::from_form(text))),
        ValueType::Boolean => match text {
            "true" | "on" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(Fault::NotBoolean),
        },
        ValueType::String
        | ValueType::Email
        | ValueType::Date
        | ValueType::Bytes
        | ValueType::Image
        | ValueType::Object
        | ValueType::List => Ok(Value::from(text)),
    }
}

fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or(Fault::NotText)
}

fn check_text(text: &str, limits: &Limits) -> Result<(), Fault> {
    let least = limits.min_length.unwrap_or(1);
    let most = limits.max_length.unwrap_or(LENGTH_MAX);
    let characters = text.chars().count();
    let is_blank = least > 0 && text.trim().is_empty();
    if !is_one_visible_line(text) {
        Err(Fault::HiddenCharacter)
    } else if limits.is_linked_data && text.starts_with("_:") {
        Err(Fault::BlankNode)
    } else if limits.is_uri && !is_uri(text) {
        Err(Fault::NotUri)
    } else if is_blank || characters < least {
        Err(Fault::TooShort(least))
    } else if characters > most {
        Err(Fault::TooLong(most))
    } else {
        Ok(())
    }
}

fn check_bytes(text: &str, limits: &Limits) -> Result<(), Fault> {
    let least = limits.min_length.unwrap_or(1);
    let most = limits.max_length.unwrap_or(LENGTH_MAX);
    let count = bytes(text).ok_or(Fault::NotBytes)?.len();
    if count < least {
        Err(Fault::TooFewBytes(least))
    } else if count > most {
        Err(Fault::TooManyBytes(most))
    } else {
        Ok(())
    }
}

fn check_integer(number: i64, limits: &Limits) -> Result<(), Fault> {
    let least = limits.minimum.unwrap_or(-INTEGER_MAX);
    let most = limits.maximum.unwrap_or(INTEGER_MAX);
    if number < least {
        Err(Fault::TooSmall(least))
    } else if number > most {
        Err(Fault::TooLarge(most))
    } else {
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds lie within the integers that f64 holds")]
fn check_number(value: &Value, limits: &Limits) -> Result<(), Fault> {
    let number = value.as_f64().filter(|number| number.is_finite()).ok_or(Fault::NotNumber)?;
    let least = limits.minimum.filter(|least| number < *least as f64);
    let most = limits.maximum.filter(|most| number > *most as f64);
    match (least, most) {
        (Some(least), _) => Err(Fault::TooSmall(least)),
        (None, Some(most)) => Err(Fault::TooLarge(most)),
        (None, None) => Ok(()),
    }
}

/// A whole number stays whole: `5` must not come out as `5.0`.
fn parse_number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let number = text.replace(',', ".").parse::<f64>().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// RFC 3986 §3: with a scheme, and with nothing that a URI writes otherwise.
fn is_uri(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !br#"<>"{}|\^`"#.contains(&b);
    text.bytes().all(is_plain) && Url::parse(text).is_ok()
}

/// Whether somebody could have meant it as an address; only a letter to it would show more.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains([' ', '@', ',', '<', '>']);
    plain(name) && plain(host) && host.split('.').all(|label| !label.is_empty())
}

/// `YYYY-MM-DD` of a day that exists, and nothing beside it.
fn is_date(text: &str) -> bool {
    const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
    text.len() == "2001-12-31".len() && Date::parse(text, DAY).is_ok()
}

/// The bytes that are written in base64url.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
