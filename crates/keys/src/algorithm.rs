//! Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2).

use std::fmt;

/// The algorithms that we know: all asymmetric.
#[derive(Clone, Copy, Debug, Hash, Eq, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// ECDSA with secp256k1 and SHA-256.
    Es256K,
    /// `EdDSA` with Ed25519.
    EdDsa,
    /// RSA, PKCS #1 v1.5 with SHA-256: of servers and issuers that others run.
    Rs256,
    /// RSA, PSS with SHA-256: likewise.
    Ps256,
    /// BBS with BLS12-381 and SHA-256: signs several messages at once, so it has no place in JOSE and
    /// COSE. Such a key can be read in builds with `bbs-2023` alone.
    Bbs,
}

impl Algorithm {
    /// What we sign and verify with: those of holders' keys, of wallets, and of our own.
    pub const ALL: [Self; 5] = [Self::Es256, Self::EdDsa, Self::Es384, Self::Es512, Self::Es256K];
    /// What we verify, and never sign with.
    const RSA: [Self; 2] = [Self::Rs256, Self::Ps256];

    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Es256K => "ES256K",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Bbs => "BBS",
        }
    }

    /// Reads `alg`, but for RSA; `Ed25519` is what RFC 9864 calls `EdDSA` with the only curve that
    /// we take.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Reads `alg` where RSA may be, too: signatures of other people's servers and issuers.
    #[must_use]
    pub fn parse_with_rsa(name: &str) -> Option<Self> {
        let rsa = || Self::RSA.into_iter().find(|algorithm| algorithm.name() == name);
        Self::parse(name).or_else(rsa)
    }

    /// Whether it is one of RSA.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Ps256)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
