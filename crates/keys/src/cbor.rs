//! CBOR from strangers, read strictly: definite lengths, no label twice, nothing left over
//! (RFC 8949 §5.6).

use std::convert::Infallible;
use std::fmt;

use minicbor::data::Type;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

/// Most members of one map; COSE headers and CWT claims have few.
const MEMBERS_MAX: u64 = 64;

/// What room is asked for at once: memory that grows in small steps is copied at each.
const BYTES_MANY_HAVE: usize = 256;

/// Writes to memory.
pub fn encode(
    write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>,
) -> Vec<u8> {
    encode_with_room(BYTES_MANY_HAVE, write)
}

/// The same with room for about so many bytes.
pub fn encode_with_room(
    bytes: usize,
    write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(bytes));
    drop(write(&mut encoder)); // which cannot fail: memory takes everything
    encoder.into_writer()
}

/// The name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'b> {
    /// As most are.
    Number(i64),
    /// As some are.
    Text(&'b str),
}

impl<'b> Label<'b> {
    fn read(decoder: &mut Decoder<'b>) -> Result<Self, CborError> {
        if decoder.datatype()? == Type::String {
            return Ok(Self::Text(decoder.str()?));
        }
        Ok(Self::Number(decoder.i64()?))
    }
}

/// A map whose values were not looked at yet.
#[derive(Clone, Debug, Default)]
pub struct Map<'b>(Vec<(Label<'b>, &'b [u8])>);

impl<'b> Map<'b> {
    /// Reads bytes that are one map and nothing else.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CborError> {
        Self::parse_at_most(bytes, MEMBERS_MAX)
    }

    /// The same for a map that may have more members than headers and claims have.
    pub fn parse_at_most(bytes: &'b [u8], members_max: u64) -> Result<Self, CborError> {
        let mut decoder = Decoder::new(bytes);
        let map = Self::read_at_most(&mut decoder, members_max)?;
        if decoder.position() == bytes.len() { Ok(map) } else { Err(CborError) }
    }

    /// Reads the map that comes next.
    pub(crate) fn read(decoder: &mut Decoder<'b>) -> Result<Self, CborError> {
        Self::read_at_most(decoder, MEMBERS_MAX)
    }

    fn read_at_most(decoder: &mut Decoder<'b>, members_max: u64) -> Result<Self, CborError> {
        let count = decoder.map()?.filter(|count| *count <= members_max).ok_or(CborError)?;
        let mut map = Self::default();
        for _ in 0..count {
            let label = Label::read(decoder)?;
            let start = decoder.position();
            decoder.skip()?;
            let value = decoder.input().get(start..decoder.position()).ok_or(CborError)?;
            if map.get(label).is_some() {
                return Err(CborError);
            }
            map.0.push((label, value));
        }
        Ok(map)
    }

    /// All members in their order, the values still encoded.
    pub fn iter(&self) -> impl Iterator<Item = (Label<'b>, &'b [u8])> {
        self.0.iter().copied()
    }

    /// One value, still encoded.
    #[must_use]
    pub fn get(&self, label: Label<'_>) -> Option<&'b [u8]> {
        self.0.iter().find(|(own, _)| *own == label).map(|(_, value)| *value)
    }

    /// A whole number that is not negative.
    pub fn number(&self, label: Label<'_>) -> Result<Option<u64>, CborError> {
        self.read_one(label, Decoder::u64)
    }

    /// Text.
    pub fn text(&self, label: Label<'_>) -> Result<Option<&'b str>, CborError> {
        self.read_one(label, Decoder::str)
    }

    /// Bytes.
    pub fn bytes(&self, label: Label<'_>) -> Result<Option<&'b [u8]>, CborError> {
        self.read_one(label, Decoder::bytes)
    }

    fn read_one<T>(
        &self,
        label: Label<'_>,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<Option<T>, CborError> {
        let Some(value) = self.get(label) else { return Ok(None) };
        Ok(Some(read(&mut Decoder::new(value))?))
    }
}

/// Not the CBOR that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CborError;

impl From<minicbor::decode::Error> for CborError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not the CBOR that belongs here")
    }
}

impl std::error::Error for CborError {}
