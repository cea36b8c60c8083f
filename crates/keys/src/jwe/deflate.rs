//! `zip`: DEFLATE, with a limit to what may come out of it (RFC 7516 §4.1.3, RFC 7518 §7.3).

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Decompress, FlushDecompress, Status};
use zeroize::Zeroizing;

use super::JweError;

/// How much room is added at a time.
const STEP_BYTES: usize = 16 * 1024;

/// Makes it shorter.
pub(super) fn deflate(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).map_err(|_| JweError::CannotEncrypt)?;
    encoder.finish().map(Zeroizing::new).map_err(|_| JweError::CannotEncrypt)
}

/// Gives back what went in, unless that is longer than `bytes_max`: a few bytes can stand for a
/// thousand times as many (catalogue H01).
pub(super) fn inflate(bytes: &[u8], bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let mut decoder = Decompress::new(false);
    let mut inflated = Zeroizing::new(Vec::new());
    let mut rest = bytes;
    loop {
        inflated.reserve(STEP_BYTES);
        let before = (decoder.total_in(), decoder.total_out());
        let status = decoder
            .decompress_vec(rest, &mut inflated, FlushDecompress::None)
            .map_err(|_| JweError::BadCompression)?;
        if inflated.len() > bytes_max {
            return Err(JweError::TooLarge);
        }
        let taken = usize::try_from(decoder.total_in() - before.0).unwrap_or(rest.len());
        rest = rest.get(taken..).unwrap_or_default();
        let is_stuck = before == (decoder.total_in(), decoder.total_out());
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(inflated),
            Status::Ok | Status::BufError if !is_stuck => {}
            // Something stands behind the end, or there is no end.
            Status::StreamEnd | Status::Ok | Status::BufError => {
                return Err(JweError::BadCompression);
            }
        }
    }
}
