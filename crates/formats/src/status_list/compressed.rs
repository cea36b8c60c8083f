//! The packed form of a list: zlib (TSL §4.1).

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{Bits, StatusList, StatusListError};

/// Longest list that is unpacked, in bytes: 128 million entries of one bit (catalogue J07).
pub const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The draft recommends the highest level, 9: an eighth shorter, and eight times the work. At this
/// one a changed list of a million entries is out in milliseconds.
const LEVEL: u32 = 6;

/// A list as tokens carry it; kept, it need not be packed again to be signed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedList {
    /// How many bits each entry has.
    pub bits: Bits,
    /// The entries, packed.
    pub lst: Vec<u8>,
}

impl StatusList {
    /// Packs the entries.
    pub fn compress(&self) -> io::Result<CompressedList> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(LEVEL));
        encoder.write_all(&self.bytes)?;
        Ok(CompressedList { bits: self.bits, lst: encoder.finish()? })
    }
}

impl CompressedList {
    /// Unpacks at most [`LIST_BYTES_MAX`] bytes, whatever the input promises.
    pub fn decompress(&self) -> Result<StatusList, StatusListError> {
        let mut bytes = Vec::new();
        let limit = LIST_BYTES_MAX as u64 + 1;
        let read = ZlibDecoder::new(self.lst.as_slice()).take(limit).read_to_end(&mut bytes);
        read.map_err(|_| StatusListError::Malformed)?;
        if bytes.len() > LIST_BYTES_MAX {
            return Err(StatusListError::TooLong);
        }
        Ok(StatusList { bits: self.bits, bytes })
    }
}
