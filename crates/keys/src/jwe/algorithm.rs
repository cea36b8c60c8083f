//! What a JWE is made with: `alg`, `enc` and `zip` (RFC 7516 §4.1).

use std::fmt;

/// How the two sides come to a key: `alg` (RFC 7518 §4.6).
///
/// All of them agree by elliptic curves, with a key pair that the sender makes for one message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyManagement {
    /// What is agreed on is the key of the content.
    EcdhEs,
    /// What is agreed on wraps the key of the content, by AES with 128 bits.
    EcdhEsA128Kw,
    /// The same with 256 bits.
    EcdhEsA256Kw,
}

impl KeyManagement {
    /// All that we speak, the plainest first.
    pub const ALL: [Self; 3] = [Self::EcdhEs, Self::EcdhEsA128Kw, Self::EcdhEsA256Kw];

    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }

    /// Reads `alg`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// `None` where nothing is wrapped.
    pub(super) const fn wrapping_key_bytes(self) -> Option<usize> {
        match self {
            Self::EcdhEs => None,
            Self::EcdhEsA128Kw => Some(16),
            Self::EcdhEsA256Kw => Some(32),
        }
    }
}

impl fmt::Display for KeyManagement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the content is encrypted and authenticated: `enc` (RFC 7518 §5.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ContentEncryption {
    /// AES-GCM with 256 bits.
    A256Gcm,
    /// AES-GCM with 128 bits.
    A128Gcm,
    /// AES-GCM with 192 bits.
    A192Gcm,
    /// AES-CBC with 256 bits and HMAC-SHA-512.
    A256CbcHs512,
    /// AES-CBC with 128 bits and HMAC-SHA-256.
    A128CbcHs256,
    /// AES-CBC with 192 bits and HMAC-SHA-384.
    A192CbcHs384,
}

impl ContentEncryption {
    /// All that we speak, in the order in which we would choose.
    pub const ALL: [Self; 6] = [
        Self::A256Gcm,
        Self::A128Gcm,
        Self::A192Gcm,
        Self::A256CbcHs512,
        Self::A128CbcHs256,
        Self::A192CbcHs384,
    ];

    /// The value of `enc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
            Self::A128Gcm => "A128GCM",
            Self::A192Gcm => "A192GCM",
            Self::A256CbcHs512 => "A256CBC-HS512",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A192CbcHs384 => "A192CBC-HS384",
        }
    }

    /// Reads `enc`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encryption| encryption.name() == name)
    }

    /// With CBC, half of it is for the MAC (RFC 7518 §5.2.2.1).
    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A192Gcm => 24,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A192CbcHs384 => 48,
            Self::A256CbcHs512 => 64,
        }
    }

    pub(super) const fn iv_bytes(self) -> usize {
        match self {
            Self::A128Gcm | Self::A192Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A192CbcHs384 | Self::A256CbcHs512 => 16,
        }
    }

    pub(super) const fn tag_bytes(self) -> usize {
        match self {
            Self::A128Gcm | Self::A192Gcm | Self::A256Gcm | Self::A128CbcHs256 => 16,
            Self::A192CbcHs384 => 24,
            Self::A256CbcHs512 => 32,
        }
    }
}

impl fmt::Display for ContentEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the content is made shorter before it is encrypted: `zip` (RFC 7516 §4.1.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Compression {
    /// DEFLATE (RFC 1951), without a frame around it.
    Deflate,
}

impl Compression {
    /// The value of `zip`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deflate => "DEF",
        }
    }

    /// Reads `zip`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        (name == Self::Deflate.name()).then_some(Self::Deflate)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
