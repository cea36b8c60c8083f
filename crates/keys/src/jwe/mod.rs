//! JSON Web Encryption in compact form (RFC 7516 §7.1), for one recipient with a curve's key.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::json;

mod agreement;
mod algorithm;
mod content;
mod deflate;
mod key;
mod point;

use agreement::Purpose;
pub use algorithm::{Compression, ContentEncryption, KeyManagement};
use content::Inputs;
pub use key::{DecryptionKey, EncryptionKey, EncryptionKeyError, KID_BYTES_MAX};
pub use point::Curve;
use point::Point;

/// A message that was read and not yet decrypted.
#[derive(Clone, Debug)]
pub struct Jwe {
    header: Map<String, Value>,
    algorithm: KeyManagement,
    encryption: ContentEncryption,
    compression: Option<Compression>,
    /// The sender's public half.
    sender: Point,
    /// The header as it came: it is authenticated with the content.
    protected: String,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl Jwe {
    /// Reads a compact JWE of at most `bytes_max` bytes (RFC 7516 §5.2).
    ///
    /// What we do not speak is refused before anything is computed (catalogue H04).
    pub fn parse(text: &str, bytes_max: usize) -> Result<Self, JweError> {
        if text.len() > bytes_max {
            return Err(JweError::TooLong);
        }
        let mut parts = text.splitn(6, '.');
        let (Some(protected), Some(encrypted_key), Some(iv), Some(ciphertext), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JweError::Malformed);
        };
        let header = json::parse_object(&decode(protected)?).map_err(|_| JweError::Malformed)?;
        if header.contains_key("crit") {
            return Err(JweError::CriticalHeader);
        }
        let name = |member: &str| header.get(member).map(|name| name.as_str().unwrap_or_default());
        let algorithm = name("alg").and_then(KeyManagement::parse);
        let algorithm = algorithm.ok_or(JweError::UnsupportedAlgorithm)?;
        let encryption = name("enc").and_then(ContentEncryption::parse);
        let encryption = encryption.ok_or(JweError::UnsupportedEncryption)?;
        let compression = name("zip").map(|zip| Compression::parse(zip).ok_or(zip)).transpose();
        let compression = compression.map_err(|_| JweError::UnsupportedCompression)?;
        let sender = header.get("epk").and_then(Value::as_object);
        let sender = sender.and_then(|epk| Point::from_jwk(epk).ok());
        Ok(Self {
            sender: sender.ok_or(JweError::BadEphemeralKey)?,
            algorithm,
            encryption,
            compression,
            protected: protected.to_owned(),
            encrypted_key: decode(encrypted_key)?,
            iv: decode(iv)?,
            ciphertext: decode(ciphertext)?,
            tag: decode(tag)?,
            header,
        })
    }

    /// The header: nothing in it is to be believed before the message is decrypted.
    #[must_use]
    pub const fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// Which of the recipient's keys it is for (RFC 7516 §4.1.6).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// `alg`
    #[must_use]
    pub const fn algorithm(&self) -> KeyManagement {
        self.algorithm
    }

    /// `enc`
    #[must_use]
    pub const fn encryption(&self) -> ContentEncryption {
        self.encryption
    }

    /// `zip`
    #[must_use]
    pub const fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Decrypts to at most `bytes_max` bytes.
    ///
    /// The key decides on the algorithm, the header must agree (RFC 8725 §3.1). Whoever does not
    /// have our public key learns one thing only: it did not work (catalogue H09).
    pub fn decrypt(
        &self,
        key: &DecryptionKey,
        bytes_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, JweError> {
        if self.algorithm != key.encryption_key().algorithm() {
            return Err(JweError::WrongAlgorithm);
        }
        let purpose = Purpose::new(self.algorithm, self.encryption, &self.header)?;
        let agreed = key.agree(&self.sender).ok_or(JweError::BadEphemeralKey)?;
        let key = purpose.key(&agreed, &self.encrypted_key).ok_or(JweError::CannotDecrypt)?;
        let inputs = Inputs {
            encryption: self.encryption,
            key: &key,
            iv: &self.iv,
            aad: self.protected.as_bytes(),
        };
        let plaintext = inputs.open(&self.ciphertext, &self.tag).ok_or(JweError::CannotDecrypt)?;
        match self.compression {
            Some(Compression::Deflate) => deflate::inflate(&plaintext, bytes_max),
            None if plaintext.len() > bytes_max => Err(JweError::TooLarge),
            None => Ok(plaintext),
        }
    }
}

/// Encrypts; `alg`, `kid`, `epk`, `enc` and `zip` are added to the header.
///
/// Each message has a key pair, a key and an IV of its own, made with the randomness of the machine.
pub fn encrypt(
    mut header: Map<String, Value>,
    plaintext: &[u8],
    key: &EncryptionKey,
    encryption: ContentEncryption,
    compression: Option<Compression>,
) -> Result<String, JweError> {
    let (sender, agreed) = key.agree().ok_or(JweError::CannotEncrypt)?;
    header.insert("alg".into(), key.algorithm().name().into());
    header.insert("enc".into(), encryption.name().into());
    header.insert("epk".into(), sender.to_jwk().into());
    for (name, value) in [("kid", key.kid()), ("zip", compression.map(Compression::name))] {
        header.remove(name);
        header.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    let purpose = Purpose::new(key.algorithm(), encryption, &header)?;
    let (key, encrypted_key) = purpose.new_key(&agreed).ok_or(JweError::CannotEncrypt)?;
    let protected = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
    let iv = random(encryption.iv_bytes()).ok_or(JweError::CannotEncrypt)?;
    let inputs = Inputs { encryption, key: &key, iv: &iv, aad: protected.as_bytes() };
    let sealed = match compression {
        Some(Compression::Deflate) => inputs.seal(&deflate::deflate(plaintext)?),
        None => inputs.seal(plaintext),
    };
    let (ciphertext, tag) = sealed.ok_or(JweError::CannotEncrypt)?;
    let mut text = protected.clone();
    for part in [&encrypted_key, &*iv, &ciphertext, &tag] {
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(part, &mut text);
    }
    Ok(text)
}

/// Without padding, white space and stray bits: one text for each value (RFC 7515 §2).
fn decode(part: &str) -> Result<Vec<u8>, JweError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Malformed)
}

fn random(length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Why a JWE is refused, or not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JweError {
    /// Longer than the caller allows.
    TooLong,
    /// Not five parts of base64url, or no JSON object where one must be.
    Malformed,
    /// `crit`: the message would mean something that we do not know (RFC 7516 §4.1.13).
    CriticalHeader,
    /// `alg` is none of ours; `RSA1_5`, passwords and `dir` are out for good (RFC 8725 §3.2).
    UnsupportedAlgorithm,
    /// `enc` is none of ours.
    UnsupportedEncryption,
    /// `zip` is none of ours.
    UnsupportedCompression,
    /// `epk` is missing, of another curve than our key, or not a point of it (catalogue H05).
    BadEphemeralKey,
    /// Not the algorithm of the key.
    WrongAlgorithm,
    /// Made for another key, or changed on the way.
    CannotDecrypt,
    /// What is in it is larger than the caller allows (catalogue H01).
    TooLarge,
    /// What is in it is not DEFLATE, though the header says so.
    BadCompression,
    /// The machine did not encrypt.
    CannotEncrypt,
}

impl fmt::Display for JweError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the JWE is too long",
            Self::Malformed => "the JWE is not five parts of base64url with a JSON header",
            Self::CriticalHeader => "the JWE has crit, which is not supported",
            Self::UnsupportedAlgorithm => "alg must be ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW",
            Self::UnsupportedEncryption => {
                "enc must be one of the AES-GCM or AES-CBC with HMAC-SHA-2 algorithms"
            }
            Self::UnsupportedCompression => "zip must be DEF",
            Self::BadEphemeralKey => "epk is missing, or not a point of the curve of the key",
            Self::WrongAlgorithm => "alg is not the algorithm of the key",
            Self::CannotDecrypt => "the JWE cannot be decrypted: another key, or it was changed",
            Self::TooLarge => "what is in the JWE is too large",
            Self::BadCompression => "what is in the JWE is not compressed as its header says",
            Self::CannotEncrypt => "the message could not be encrypted",
        })
    }
}

impl std::error::Error for JweError {}
