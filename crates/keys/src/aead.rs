//! Encryption at rest: AES-256-GCM.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::outside::Random;

/// Encrypts records. One key may seal 2^32 of them before a nonce is likely to repeat.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AeadKey([u8; 32]);

impl AeadKey {
    /// Takes a key that was kept or derived.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a new one.
    #[must_use]
    pub fn fresh(random: &dyn Random) -> Self {
        let mut key = Self([0; 32]);
        random.fill(&mut key.0);
        key
    }

    /// The key itself, for the place that keeps it.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts under a random nonce, which stands in front of the result.
    ///
    /// `aad` is not in the result; it says where the record belongs, and opens it nowhere else.
    pub fn seal(
        &self,
        random: &dyn Random,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, AeadError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plaintext.to_vec();
        let tag = self
            .cipher()
            .and_then(|cipher| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                cipher.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut sealed).ok()
            })
            .ok_or(AeadError::CannotSeal)?;
        Ok([&nonce[..], &sealed, tag.as_ref()].concat())
    }

    /// Decrypts what [`Self::seal`] made with the same key and `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AeadError> {
        let (nonce, sealed) = sealed.split_first_chunk().ok_or(AeadError::CannotOpen)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .cipher()
            .and_then(|cipher| {
                let opened = cipher.open_in_place(nonce, Aad::from(aad), &mut buffer).ok()?;
                Some(opened.len())
            })
            .ok_or(AeadError::CannotOpen)?;
        buffer.truncate(length);
        Ok(buffer)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

/// Why a record was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AeadError {
    /// Too long for one record.
    CannotSeal,
    /// Another key, another place, or changed bytes.
    CannotOpen,
}

impl fmt::Display for AeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CannotSeal => "the record is too long to be encrypted",
            Self::CannotOpen => "the record cannot be decrypted: wrong key, or it was changed",
        })
    }
}

impl std::error::Error for AeadError {}
