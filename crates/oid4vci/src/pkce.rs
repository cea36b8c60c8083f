//! Proof Key for Code Exchange: who asked is who redeems (RFC 7636). `S256` only, and always
//! (AUTHZ-02): `plain` would show the verifier to whoever sees the request (RFC 7636 §4.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::digest::{equal, sha256};
use keys::outside::Random;
use serde::{Deserialize, Serialize};

use crate::secret::CodeVerifier;

/// The only `code_challenge_method`.
pub const METHOD: &str = "S256";

/// Of a verifier, in characters (RFC 7636 §4.1).
const LENGTHS: std::ops::RangeInclusive<usize> = 43..=128;

/// `code_challenge` of method `S256` (RFC 7636 §4.2): a digest, and so no secret.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads the parameter; `None` when no SHA-256 digest has this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As it stands in a request.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether this verifier belongs to it (RFC 7636 §4.6).
    #[must_use]
    pub fn is_of(&self, verifier: &CodeVerifier) -> bool {
        is_well_formed(verifier) && equal(&self.0, &sha256(verifier.expose().as_bytes()))
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no code_challenge")
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.to_text()
    }
}

impl CodeVerifier {
    /// Draws a verifier of 256 bits (RFC 7636 §4.1, RFC 7636 §7.1).
    #[must_use]
    pub fn fresh(random: &dyn Random) -> Self {
        let mut drawn = [0; 32];
        random.fill(&mut drawn);
        Self::new(BASE64_URL_SAFE_NO_PAD.encode(drawn))
    }

    /// What goes into the request.
    #[must_use]
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(sha256(self.expose().as_bytes()))
    }
}

fn is_well_formed(verifier: &CodeVerifier) -> bool {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let text = verifier.expose();
    LENGTHS.contains(&text.len()) && text.bytes().all(unreserved)
}
