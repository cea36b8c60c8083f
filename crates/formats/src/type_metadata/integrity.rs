//! Whether bytes are the ones that were meant (SD-JWT VC §7, W3C Subresource Integrity).

use std::fmt::Write as _;

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
    content_name(integrity, bytes).map(drop).ok_or(TypeFault::WrongIntegrity)
}

/// The names under which documents may be kept that this integrity takes: of nothing but what is in
/// them, so that whoever has one need not ask for it again, at whatever address (SD-JWT VC §6.3.4).
/// They can name files.
#[must_use]
pub fn content_names(integrity: &str) -> Vec<String> {
    let strongest = strongest(integrity);
    let names = strongest.into_iter().flat_map(|(name, _, digests)| {
        digests.into_iter().map(move |digest| content_name_of(name, &digest))
    });
    names.collect()
}

/// The name of these bytes among them; `None` for bytes that are not the ones that were meant.
#[must_use]
pub fn content_name(integrity: &str, bytes: &[u8]) -> Option<String> {
    let (name, algorithm, digests) = strongest(integrity)?;
    let digest = algorithm.digest(bytes);
    digests.contains(&digest).then(|| content_name_of(name, &digest))
}

fn content_name_of(algorithm: &str, digest: &[u8]) -> String {
    let mut name = format!("{algorithm}-");
    for byte in digest {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The digests of the strongest algorithm.
fn strongest(integrity: &str) -> Option<(&'static str, DigestAlgorithm, Vec<Vec<u8>>)> {
    ALGORITHMS.into_iter().find_map(|(name, algorithm)| {
        let tokens = integrity.split_ascii_whitespace().filter_map(|token| token.split_once('-'));
        let mut own = tokens.filter(|(own, _)| *own == name).map(|(_, digest)| digest).peekable();
        own.peek()?;
        let decoded = own.filter_map(|text| {
            let text = text.split('?').next().unwrap_or(text); // options mean nothing yet
            BASE64_STANDARD.decode(text).ok()
        });
        let length = algorithm.digest(&[]).len();
        Some((name, algorithm, decoded.filter(|digest| digest.len() == length).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::{check, content_name, content_names, is_integrity, sha256};
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

    /// SD-JWT VC §6.3.4: what is kept by its digest is found by nothing else, and never more than one
    /// may have been meant.
    #[test]
    fn a_document_is_kept_under_the_name_of_its_bytes() {
        let (one, other) = (sha256(b"one"), sha256(b"other"));
        let name = content_name(&one, b"one").unwrap();
        assert_eq!(name, "sha256-7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
        assert_eq!(content_names(&one), std::slice::from_ref(&name));
        assert_eq!(content_name(&format!("{other} {one}"), b"one"), Some(name.clone()));
        assert!(content_names(&format!("{other} {one}?x")).contains(&name));
        assert_eq!(content_name(&other, b"one"), None);
        // Where a stronger digest was meant, a weaker one finds nothing.
        let long = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO";
        assert!(content_names(&format!("{one} {long}")).iter().all(|it| it.starts_with("sha384-")));
        for nothing in ["", "md5-x", "sha256-", "sha256-../x", "sha256-AAAA"] {
            assert!(content_names(nothing).is_empty(), "{nothing}");
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
