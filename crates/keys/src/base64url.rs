//! Base64url without padding (RFC 7515 §2), of what is long: many characters at a time where the
//! machine can.

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

/// The text of these bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Writes it behind what is there.
pub fn push(bytes: &[u8], text: &mut String) {
    ENGINE.encode_string(bytes, text);
}
