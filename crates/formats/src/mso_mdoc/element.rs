//! Values of data elements: what an issuer writes, and what a reader is shown (ISO 18013-5 §7.2).

use std::convert::Infallible;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use keys::cbor::CborError;
use minicbor::data::{Tag, Type};
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

/// A date and time, as RFC 3339 writes it (RFC 8949 §3.4.1).
pub(super) const TDATE: u64 = 0;
/// A date without a time (RFC 8943).
const FULL_DATE: u64 = 1004;
/// How deep values may be nested.
const DEPTH_MAX: usize = 16;
/// Most members of one array or map.
const MEMBERS_MAX: u64 = 1024;
/// How pictures begin.
const PICTURES: [(&[u8], &str); 3] =
    [(b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\x00\x00\x00\x0cjP  ", "jp2")];

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A date, as `2026-11-26`.
    FullDate(String),
    /// A date and time, as `2026-11-26T00:00:00Z`.
    DateTime(String),
    /// Bytes, such as a portrait.
    Bytes(Vec<u8>),
    /// Several values.
    Array(Vec<Element>),
    /// Named values.
    Map(Vec<(String, Element)>),
}

impl Element {
    pub(super) fn write(&self, to: &mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>> {
        match self {
            Self::Text(text) => to.str(text)?,
            Self::Integer(number) => to.i64(*number)?,
            Self::Number(number) => to.f64(*number)?,
            Self::Bool(value) => to.bool(*value)?,
            Self::FullDate(date) => to.tag(Tag::new(FULL_DATE))?.str(date)?,
            Self::DateTime(time) => to.tag(Tag::new(TDATE))?.str(time)?,
            Self::Bytes(bytes) => to.bytes(bytes)?,
            Self::Array(values) => {
                to.array(values.len() as u64)?;
                return values.iter().try_for_each(|value| value.write(to));
            }
            Self::Map(members) => {
                to.map(members.len() as u64)?;
                return members.iter().try_for_each(|(name, value)| {
                    to.str(name)?;
                    value.write(to)
                });
            }
        };
        Ok(())
    }
}

/// Reads one value for people and programs: dates are text, pictures are `data:` URLs, other bytes
/// are base64url.
pub(super) fn to_json(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    if depth > DEPTH_MAX {
        return Err(CborError);
    }
    Ok(match decoder.datatype()? {
        Type::String => decoder.str()?.into(),
        Type::Bytes => bytes_to_json(decoder.bytes()?),
        Type::Bool => decoder.bool()?.into(),
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64()?.into(),
        Type::F16 => float(f64::from(decoder.f16()?))?,
        Type::F32 => float(f64::from(decoder.f32()?))?,
        Type::F64 => float(decoder.f64()?)?,
        Type::Tag => {
            decoder.tag()?;
            to_json(decoder, depth + 1)?
        }
        Type::Array => {
            let count = decoder.array()?.filter(|count| *count <= MEMBERS_MAX).ok_or(CborError)?;
            (0..count).map(|_| to_json(decoder, depth + 1)).collect::<Result<_, _>>()?
        }
        Type::Map => map_to_json(decoder, depth)?,
        Type::Int
        | Type::Simple
        | Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Break
        | Type::Unknown(_) => return Err(CborError),
    })
}

fn map_to_json(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    let count = decoder.map()?.filter(|count| *count <= MEMBERS_MAX).ok_or(CborError)?;
    let mut map = Map::new();
    for _ in 0..count {
        let name = if decoder.datatype()? == Type::String {
            decoder.str()?.to_owned()
        } else {
            decoder.i64()?.to_string()
        };
        let value = to_json(decoder, depth + 1)?;
        if map.insert(name, value).is_some() {
            return Err(CborError);
        }
    }
    Ok(map.into())
}

fn float(number: f64) -> Result<Value, CborError> {
    Number::from_f64(number).map(Value::Number).ok_or(CborError)
}

fn bytes_to_json(bytes: &[u8]) -> Value {
    let picture = PICTURES.iter().find(|(start, _)| bytes.starts_with(start));
    match picture {
        Some((_, kind)) => format!("data:image/{kind};base64,{}", BASE64_STANDARD.encode(bytes)),
        None => BASE64_URL_SAFE_NO_PAD.encode(bytes),
    }
    .into()
}
