//! `COSE_Sign1` (RFC 9052 §4.2), made and read.

use keys::algorithm::Algorithm;
use keys::cbor::encode;
use keys::cose::{CoseError, Header, Sign1, sign};
use keys::signer::{Signer as _, SoftwareKey};
use minicbor::data::Tag;

const MAX: usize = 10_000;

fn header() -> Header<'static> {
    Header { typ: "text/plain", x5chain: &[], kid: "1" }
}

/// A message around these raw headers.
fn message(protected: &[u8], unprotected: &[u8]) -> Vec<u8> {
    let mut bytes = encode(|to| {
        to.tag(Tag::new(18))?.array(4)?.bytes(protected)?;
        Ok(())
    });
    bytes.extend(unprotected);
    bytes.extend([0x41, 0x00, 0x41, 0x00]); // payload and signature
    bytes
}

#[tokio::test]
async fn what_is_signed_verifies_with_its_key_alone() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let chain = [vec![1], vec![2]];
        let header = Header { x5chain: &chain, ..header() };
        let bytes = sign(header, b"payload", &key).await.unwrap();
        let read = Sign1::parse(&bytes, MAX).unwrap();
        assert_eq!((read.typ(), read.kid()), (Some("text/plain"), Some(&b"1"[..])));
        assert_eq!((read.x5chain(), read.payload()), (Some(&chain[..]), &b"payload"[..]));
        assert_eq!(read.verify(key.public_key()), Ok(()));
        let other = SoftwareKey::generate(algorithm).unwrap();
        assert_eq!(read.verify(other.public_key()), Err(CoseError::WrongSignature));
    }
}

#[tokio::test]
async fn a_changed_message_does_not_verify() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let bytes = sign(Header { x5chain: &[vec![7]], ..header() }, b"payload", &key).await.unwrap();
    let text = bytes.windows(10).position(|window| window == b"text/plain").unwrap();
    let payload = bytes.windows(7).position(|window| window == b"payload").unwrap();
    for place in [text, payload, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let read = Sign1::parse(&changed, MAX).unwrap();
        assert_eq!(read.verify(key.public_key()), Err(CoseError::WrongSignature), "{place}");
    }
    assert_eq!(Sign1::parse(&bytes, bytes.len() - 1).unwrap_err(), CoseError::TooLong);
    for length in 0..bytes.len() {
        let cut = Sign1::parse(&bytes[..length], MAX).unwrap_err();
        assert!(matches!(cut, CoseError::Malformed | CoseError::UnknownAlgorithm), "{length}");
    }
}

/// RFC 9052 §3.1: the algorithm is signed with the rest, `crit` is not ours to ignore, and a label
/// has one value.
#[test]
fn headers_that_leave_something_open_are_refused() {
    type Row = (&'static [u8], &'static [u8], Result<(), CoseError>);
    let rows: [Row; 12] = [
        (&[0xa1, 0x01, 0x26], &[0xa0], Ok(())),
        (&[0xa1, 0x01, 0x28], &[0xa0], Ok(())), // -9, the name of RFC 9864
        (&[], &[0xa1, 0x01, 0x26], Err(CoseError::Malformed)), // an empty map is not none
        (&[0xa0], &[0xa1, 0x01, 0x26], Err(CoseError::UnknownAlgorithm)),
        (&[0xa1, 0x01, 0x05], &[0xa0], Err(CoseError::UnknownAlgorithm)), // a shared secret
        (&[0xa1, 0x01, 0x61, 0x61], &[0xa0], Err(CoseError::UnknownAlgorithm)),
        (&[0xa2, 0x01, 0x26, 0x01, 0x26], &[0xa0], Err(CoseError::Malformed)),
        (&[0xa2, 0x01, 0x26, 0x02, 0x81, 0x01], &[0xa0], Err(CoseError::CriticalHeader)),
        (&[0xa1, 0x01, 0x26], &[0xa1, 0x02, 0x81, 0x01], Err(CoseError::CriticalHeader)),
        (&[0xa2, 0x01, 0x26, 0x04, 0x40], &[0xa1, 0x04, 0x40], Err(CoseError::Malformed)),
        (&[0xa1, 0x01, 0x26], &[0xa1, 0x18, 0x21, 0x80], Err(CoseError::Malformed)), // no certificate
        (&[0xbf, 0x01, 0x26, 0xff], &[0xa0], Err(CoseError::Malformed)), // of no stated length
    ];
    for (protected, unprotected, expected) in rows {
        let read = Sign1::parse(&message(protected, unprotected), MAX).map(|_| ());
        assert_eq!(read, expected, "{protected:x?} {unprotected:x?}");
    }
}

#[test]
fn only_a_tagged_message_and_nothing_behind_it_is_read() {
    let good = message(&[0xa1, 0x01, 0x26], &[0xa0]);
    assert!(Sign1::parse(&good, MAX).is_ok());
    let longer = [&good[..], &[0]].concat();
    let untagged = good[1..].to_vec();
    let mac = [&[0xd1], &good[1..]].concat();
    let in_cwt_tag = [&[0xd8, 61], &good[..]].concat();
    let nested = [&good[..2], &[0x81; 5000]].concat();
    for bytes in [longer, untagged, mac, in_cwt_tag, nested, Vec::new()] {
        assert_eq!(Sign1::parse(&bytes, MAX).unwrap_err(), CoseError::Malformed);
    }
}
