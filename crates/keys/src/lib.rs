//! Keys: digests, JSON Web Keys, Signatures and Encryption, certificates and DIDs, to sign, verify,
//! encrypt and decrypt with.
//!
//! This is the only crate that calls cryptographic primitives. It knows no protocol, opens no
//! socket and reads no clock: time and randomness come through [`outside`].

pub mod aead;
pub mod algorithm;
pub mod base64url;
#[cfg(feature = "bbs-2023")]
pub mod bbs;
pub mod cbor;
pub mod certificate_request;
pub mod cose;
pub mod development;
pub mod did;
pub mod did_document;
pub mod digest;
pub mod document_signer;
mod edwards;
pub mod hmac;
pub mod json;
pub mod jwe;
pub mod jws;
pub mod key_set;
pub mod multibase;
pub mod outside;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod public_key;
mod rsa;
pub mod signer;
pub mod x509;
