//! Points of Ed25519 (RFC 8032 §5.1.7): which of them may be a key.

use crate::public_key::KeyError;

/// The `y` of the Ed25519 points whose order divides 8: low byte first, without the sign of `x`.
///
/// With such a key one signature fits many messages, so it proves nothing.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        38, 232, 149, 143, 194, 178, 39, 176, 69, 195, 244, 137, 242, 239, 152, 240, 213, 223, 172,
        5, 211, 198, 51, 57, 177, 56, 2, 136, 109, 83, 252, 5,
    ],
    [
        199, 23, 106, 112, 61, 77, 216, 79, 186, 60, 11, 118, 13, 16, 103, 15, 42, 32, 83, 250, 44,
        57, 204, 198, 78, 199, 253, 119, 146, 172, 3, 122,
    ],
    [
        236, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127,
    ],
];

/// 2^255 - 19, low byte first: from here on, a number is another spelling of a smaller one.
const PRIME: [u8; 32] = [
    237, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 127,
];

/// Refuses what is no point in its one encoding, and points of small order.
///
/// Whether the rest lie on the curve shows at the first signature: if not, none is right
/// (RFC 8032 §5.1.7).
pub(crate) fn edwards_point(raw: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut y: [u8; 32] = raw.try_into().map_err(|_| KeyError::WrongLength)?;
    if let Some(last) = y.last_mut() {
        *last &= 0x7f; // the sign of x
    }
    let is_below_prime = y.iter().rev().lt(PRIME.iter().rev());
    if SMALL_ORDER.contains(&y) || !is_below_prime {
        return Err(KeyError::NotOnCurve);
    }
    Ok(raw.to_vec())
}
