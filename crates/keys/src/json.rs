//! JSON from strangers, read strictly.
//!
//! Of two members with one name, readers differ in which they take; an attacker shows one reader
//! the one and the next reader the other (RFC 8259 §4, RFC 7515 §10.12). So we take neither.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess};
use serde_json::{Map, Value};

/// How deep arrays and objects may nest.
pub const DEPTH_MAX: usize = 32;

/// What room is asked for at once, where it is written: memory that grows is copied at each step.
const BYTES_MANY_HAVE: usize = 1024;

/// Reads one JSON value and nothing behind it. The caller bounds the length.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let fault = Cell::new(JsonError::Malformed);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { depth: 0, fault: &fault };
    let value = strict.deserialize(&mut reader).map_err(|_| fault.get())?;
    reader.end().map_err(|_| JsonError::Malformed)?;
    Ok(value)
}

/// Reads one JSON value into a type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    T::deserialize(parse(bytes)?).map_err(|_| JsonError::WrongShape)
}

/// Reads one JSON object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonError::WrongShape)
        }
    }
}

/// Writes an object in the fewest bytes.
#[must_use]
pub fn text(object: &Map<String, Value>) -> String {
    let mut bytes = Vec::with_capacity(BYTES_MANY_HAVE);
    // Only a foreign type or a foreign writer can fail. `Display` would ask for each part anew.
    match serde_json::to_writer(&mut bytes, object) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Why JSON is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, not UTF-8, or followed by something else.
    Malformed,
    /// A name stands twice in one object.
    RepeatedName,
    /// Nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// JSON, but not what was expected.
    WrongShape,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is not valid JSON",
            Self::RepeatedName => "an object has two members with the same name: keep one",
            Self::TooDeep => "the JSON is nested too deeply",
            Self::WrongShape => "the JSON lacks a member or has one of a wrong type",
        })
    }
}

impl std::error::Error for JsonError {}

/// One value at a depth; remembers a fault that the library has no word for.
#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    fault: &'f Cell<JsonError>,
}

impl Strict<'_> {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(self.fail(JsonError::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn fail<E: de::Error>(self, fault: JsonError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(value) = seq.next_element_seed(inside)? {
            array.push(value);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.fail(JsonError::RepeatedName));
            }
            let value = map.next_value_seed(inside)?;
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
