//! The bits of a list, highest first, and their packed form (Bitstring Status List §3.3,
//! Bitstring Status List §3.4).

use std::io::{self, Read as _, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::status_list::{LIST_BYTES_MAX, Status, StatusList, StatusListError};

/// Fewest entries: among these a credential cannot be told from others.
pub(super) const ENTRIES_MIN: u64 = 131_072;
/// In front of base64url (Multibase).
const BASE64_URL: char = 'u';
/// As of Token Status Lists.
const LEVEL: u32 = 6;

/// Entries of one purpose, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitstring(Vec<u8>);

impl Bitstring {
    /// One bit for each entry of a list: whether it has this status. A short list is filled up with
    /// entries that nobody has.
    #[must_use]
    pub fn of(list: &StatusList, status: Status) -> Self {
        let length = list.entries().max(ENTRIES_MIN).div_ceil(8);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let mut indexes = 0..list.entries();
        for byte in &mut bytes {
            for (place, index) in indexes.by_ref().take(8).enumerate() {
                if list.status(index) == Some(status) {
                    *byte |= 0x80_u8 >> place;
                }
            }
        }
        Self(bytes)
    }

    /// `encodedList`.
    pub fn encode(&self) -> io::Result<String> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
        encoder.write_all(&self.0)?;
        Ok(format!("{BASE64_URL}{}", BASE64_URL_SAFE_NO_PAD.encode(encoder.finish()?)))
    }

    /// Reads `encodedList`; unpacks at most [`LIST_BYTES_MAX`] bytes, whatever the input promises.
    /// `StatusList2021` has nothing in front.
    pub fn decode(text: &str, is_2021: bool) -> Result<Self, StatusListError> {
        let text = if is_2021 { Some(text) } else { text.strip_prefix(BASE64_URL) };
        let text = text.ok_or(StatusListError::Malformed)?.trim_end_matches('=');
        let packed = BASE64_URL_SAFE_NO_PAD.decode(text);
        let packed = packed.map_err(|_| StatusListError::Malformed)?;
        let mut bytes = Vec::new();
        let limit = LIST_BYTES_MAX as u64 + 1;
        let read = GzDecoder::new(packed.as_slice()).take(limit).read_to_end(&mut bytes);
        read.map_err(|_| StatusListError::Malformed)?;
        if bytes.len() > LIST_BYTES_MAX {
            return Err(StatusListError::TooLong);
        }
        Ok(Self(bytes))
    }

    /// How many entries of this size there are.
    #[must_use]
    pub fn entries(&self, size: u8) -> u64 {
        self.0.len() as u64 * 8 / u64::from(size.max(1))
    }

    /// What an entry says; `None` behind the end.
    #[must_use]
    pub fn value(&self, index: u64, size: u8) -> Option<u8> {
        let first = index.checked_mul(u64::from(size))?;
        (0..u64::from(size)).try_fold(0_u8, |value, place| {
            let at = first.checked_add(place)?;
            let byte = self.0.get(usize::try_from(at / 8).ok()?)?;
            Some(value << 1 | (byte >> (7 - at % 8)) & 1)
        })
    }

    /// How many bits are set, for whoever looks at a list as a whole.
    #[must_use]
    pub fn set(&self) -> u64 {
        self.0.iter().map(|byte| u64::from(byte.count_ones())).sum()
    }
}
