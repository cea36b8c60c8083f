//! Base64url without padding (RFC 7515 §2), for what is written often: many characters at a time where
//! the machine can.

use std::sync::LazyLock;

use base64::Engine as _;
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
use base64::engine::GeneralPurpose as BestEngine;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
use base64::engine::Simd as BestEngine;
use base64::engine::general_purpose::NO_PAD;

#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
static ENGINE: LazyLock<BestEngine> = LazyLock::new(|| BestEngine::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
static ENGINE: LazyLock<BestEngine> =
    LazyLock::new(|| BestEngine::new(&base64::alphabet::URL_SAFE, NO_PAD));

/// Texts up to this length are written on the stack first: memory that has to be zeroed comes from the
/// allocator on a longer way.
const SHORT: usize = 256;

/// The text of these bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = [0; SHORT];
    short(bytes, &mut text).map_or_else(|| ENGINE.encode(bytes), str::to_owned)
}

/// Writes it behind what is there.
pub fn push(bytes: &[u8], text: &mut String) {
    let mut buffer = [0; SHORT];
    match short(bytes, &mut buffer) {
        Some(short) => text.push_str(short),
        None => ENGINE.encode_string(bytes, text),
    }
}

/// The text of bytes that are always so many; of others it is nothing but zeros.
#[must_use]
pub fn fixed<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let written = ENGINE.encode_slice(bytes, &mut text);
    if written == Ok(LENGTH) { text } else { [0; LENGTH] }
}

fn short<'b>(bytes: &[u8], buffer: &'b mut [u8; SHORT]) -> Option<&'b str> {
    let length = ENGINE.encode_slice(bytes, buffer).ok()?;
    str::from_utf8(buffer.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    /// Short or long, it is what the plain way writes.
    #[test]
    fn every_length_is_the_same_text() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for length in 0..bytes.len() {
            let plain = BASE64_URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(encode(&bytes[..length]), plain);
            let mut text = "before".to_owned();
            push(&bytes[..length], &mut text);
            assert_eq!(text, format!("before{plain}"));
            let fixed: [u8; 43] = fixed(&bytes[..length]);
            assert_eq!(fixed == plain.as_bytes(), length == 32);
        }
    }
}
