//! Bytes as text that says how it is written; here in base58btc alone, behind a `z`.

/// In front of base58btc.
const BASE58_BTC: char = 'z';
/// Longest text: base58 takes time with the square of the length.
const BYTES_MAX: usize = 4 * 1024;

/// Writes bytes in base58btc.
#[must_use]
pub fn encode_base58(bytes: &[u8]) -> String {
    format!("{BASE58_BTC}{}", bs58::encode(bytes).into_string())
}

/// Reads base58btc; `None` when it is anything else, or longer than a key or a signature.
#[must_use]
pub fn decode_base58(text: &str) -> Option<Vec<u8>> {
    let base58 = text.strip_prefix(BASE58_BTC).filter(|text| text.len() <= BYTES_MAX)?;
    bs58::decode(base58).into_vec().ok()
}
