//! HMAC with SHA-256 (RFC 2104), where a specification says what it is computed of; codes that we
//! alone read are those of [`crate::digest::MacKey`].

use aws_lc_rs::hmac;

/// The code of a message.
#[must_use]
pub fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut code = [0; 32];
    code.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    code
}

#[cfg(test)]
mod tests {
    use super::hmac_sha256;

    /// RFC 4231 §4.2, its key filled up with zeros as HMAC does it.
    #[test]
    fn a_published_code_is_computed() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let code = hmac_sha256(&key, b"Hi There").map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(code, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
