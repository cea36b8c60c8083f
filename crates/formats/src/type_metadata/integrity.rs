//! Whether bytes are the ones that were meant (SD-JWT VC §7, W3C Subresource Integrity).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keys::digest::{self, DigestAlgorithm};

use super::TypeFault;

/// By their names there; the strongest comes first.
const ALGORITHMS: [(&str, DigestAlgorithm); 3] = [
    ("sha512", DigestAlgorithm::Sha512),
    ("sha384", DigestAlgorithm::Sha384),
    ("sha256", DigestAlgorithm::Sha256),
];

/// What stands for these bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(digest::sha256(bytes)))
}

/// Whether a reader can hold bytes against this: digests of algorithms that we know, of their length,
/// and nothing else. What we write is strict.
#[must_use]
pub fn is_integrity(text: &str) -> bool {
    let is_digest = |token: &str| {
        let (name, digest) = token.split_once('-')?;
        let (_, algorithm) = ALGORITHMS.into_iter().find(|(known, _)| *known == name)?;
        let digest = BASE64_STANDARD.decode(digest).ok()?;
        Some(digest.len() == algorithm.digest(&[]).len())
    };
    let mut tokens = text.split_ascii_whitespace().peekable();
    tokens.peek().is_some() && tokens.all(|token| is_digest(token) == Some(true))
}

/// Of several digests, those of the strongest algorithm count; what is of no algorithm that we know
/// proves nothing.
pub(super) fn check(bytes: &[u8], integrity: &str) -> Result<(), TypeFault> {
    let named = |name: &str| {
        let tokens = integrity.split_ascii_whitespace().filter_map(|token| token.split_once('-'));
        let own: Vec<&str> =
            tokens.filter(|(own, _)| *own == name).map(|(_, digest)| digest).collect();
        (!own.is_empty()).then_some(own)
    };
    let strongest =
        ALGORITHMS.into_iter().find_map(|(name, algorithm)| Some((algorithm, named(name)?)));
    let (algorithm, digests) = strongest.ok_or(TypeFault::WrongIntegrity)?;
    let digest = algorithm.digest(bytes);
    let is_it = |text: &&str| {
        let text = text.split('?').next().unwrap_or(text); // options mean nothing yet
        BASE64_STANDARD.decode(text).is_ok_and(|named| named == digest)
    };
    digests.iter().any(is_it).then_some(()).ok_or(TypeFault::WrongIntegrity)
}

#[cfg(test)]
mod tests {
    use super::{check, is_integrity, sha256};
    use crate::type_metadata::TypeFault;

    #[test]
    fn the_strongest_digest_counts() {
        let right = sha256(b"alert('Hello, world.');");
        // From the recommendation of the W3C.
        assert_eq!(right, "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
        let long = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO";
        for good in [&right[..], long, &format!("sha256-AAAA {right}"), &format!("{long} sha256-x")]
        {
            assert_eq!(check(b"alert('Hello, world.');", good), Ok(()), "{good}");
        }
        for wrong in ["", "md5-x", "sha256-AAAA", &format!("sha512-AAAA {right}"), &right[7..]] {
            let fault = check(b"alert('Hello, world.');", wrong);
            assert_eq!(fault, Err(TypeFault::WrongIntegrity), "{wrong}");
        }
    }
    #[test]
    fn a_digest_has_the_length_of_its_algorithm() {
        let (one, other) = (sha256(b"one"), sha256(b"other"));
        for good in [&one[..], &format!("{one} {other}")] {
            assert!(is_integrity(good), "{good}");
        }
        let long = one.replace("sha256", "sha512");
        let padless = one.trim_end_matches('=');
        for bad in ["", " ", "sha256-", "sha256-x", "md5-x", padless, &long, &one[7..]] {
            assert!(!is_integrity(bad), "{bad}");
        }
        assert!(!is_integrity(&format!("{one} md5-x")));
    }
}
