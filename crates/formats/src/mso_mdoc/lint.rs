//! The last look at an mdoc before it is signed.

use keys::cbor::{Label, Map, encode};
use keys::cose;
use keys::digest::sha256;

use super::issue::Prepared;
use super::security_object::{SpaceDigests, digests, embedded, status, tdate};
use crate::FormatError;
use crate::lint::{Expected, LintFault, TypeName, check_length, check_said_status, check_times};

/// Where base64 begins to count: four characters for three bytes.
const CHARACTERS: usize = 4;
const BYTES: usize = 3;

/// Looks at the security object as a reader will, and at every element that it is for.
pub(crate) fn check(prepared: &Prepared, expected: &Expected<'_>) -> Result<(), LintFault> {
    let map = embedded(&prepared.payload).and_then(Map::parse).map_err(|_| LintFault::Malformed)?;
    let member = |name| map.get(Label::Text(name)).ok_or(LintFault::Malformed);
    let doc_type = map.text(Label::Text("docType")).ok().flatten();
    if !matches!(expected.type_name, TypeName::DocType(wanted) if doc_type == Some(wanted)) {
        return Err(LintFault::WrongType);
    }
    check_validity(member("validityInfo")?, expected)?;
    check_key(member("deviceKeyInfo")?, expected)?;
    let said = map.get(Label::Text("status")).map(status).transpose();
    check_said_status(said.map_err(|_| LintFault::WrongStatus)?.as_ref(), expected)?;
    check_digests(prepared, &digests(member("valueDigests")?).map_err(malformed)?)?;
    let items = prepared.spaces.iter().flat_map(|space| &space.items);
    let length: usize = items.map(|item| item.bytes.len()).sum();
    check_length((prepared.payload.len() + length).saturating_mul(CHARACTERS) / BYTES)
}

/// ISO 18013-5 §9.3.1: signed within the life of the signer's certificate.
fn check_validity(validity: &[u8], expected: &Expected<'_>) -> Result<(), LintFault> {
    let validity = Map::parse(validity).map_err(|_| LintFault::WrongTimes)?;
    let time = |name| {
        let time = validity.get(Label::Text(name)).ok_or(LintFault::WrongTimes)?;
        tdate(time).map_err(|_| LintFault::WrongTimes)
    };
    let (signed, begin, end) = (time("signed")?, time("validFrom")?, time("validUntil")?);
    if signed > begin {
        return Err(LintFault::WrongTimes);
    }
    check_times((begin, end), expected)?;
    let is_inside = |(first, last)| signed >= first && signed <= last;
    expected
        .certificate
        .is_some_and(is_inside)
        .then_some(())
        .ok_or(LintFault::SignedOutsideCertificate)
}

/// Compared as it is written: to read a key costs more than to write it.
fn check_key(info: &[u8], expected: &Expected<'_>) -> Result<(), LintFault> {
    let info = Map::parse(info).map_err(|_| LintFault::WrongBinding)?;
    let (key, _) = expected.holder.ok_or(LintFault::WrongBinding)?;
    let wanted = encode(|to| cose::write_key(to, key));
    let is_it = info.get(Label::Text("deviceKey")) == Some(&wanted[..]);
    is_it.then_some(()).ok_or(LintFault::WrongBinding)
}

fn check_digests(prepared: &Prepared, signed: &[SpaceDigests]) -> Result<(), LintFault> {
    if signed.len() != prepared.spaces.len() {
        return Err(LintFault::MissingDigest);
    }
    for (space, signed) in prepared.spaces.iter().zip(signed) {
        let mut ids: Vec<u64> = space.items.iter().map(|item| item.digest_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut digests: Vec<&[u8]> =
            signed.digests.iter().map(|(_, digest)| digest.as_slice()).collect();
        digests.sort_unstable();
        digests.dedup();
        if ids.len() != space.items.len() || digests.len() != signed.digests.len() {
            return Err(LintFault::RepeatedDigest);
        }
        let has = |(id, bytes): (u64, &[u8])| {
            let digest = sha256(bytes);
            signed.digests.iter().any(|(other, signed)| *other == id && signed[..] == digest)
        };
        let mut items = space.items.iter().map(|item| (item.digest_id, &item.bytes[..]));
        if space.name != signed.name || ids.len() != digests.len() || !items.all(has) {
            return Err(LintFault::MissingDigest);
        }
    }
    Ok(())
}

const fn malformed(_: FormatError) -> LintFault {
    LintFault::Malformed
}

#[cfg(test)]
mod tests {
    use super::super::issue::{Item, Salted};
    use super::{Prepared, SpaceDigests, check_digests, sha256};
    use crate::lint::LintFault;

    fn items() -> Vec<Item> {
        [(0, b"one".to_vec()), (1, b"two".to_vec())]
            .map(|(digest_id, bytes)| Item { digest_id, bytes })
            .into()
    }

    fn fault(items: Vec<Item>, digests: Vec<(u64, Vec<u8>)>) -> Result<(), LintFault> {
        let spaces = vec![Salted { name: "space".to_owned(), items }];
        let prepared = Prepared { spaces, payload: Vec::new() };
        check_digests(&prepared, &[SpaceDigests { name: "space".to_owned(), digests }])
    }

    /// ISO 18013-5 §9.1.2.4
    #[test]
    fn each_element_has_one_digest_of_its_own() {
        let digests: Vec<(u64, Vec<u8>)> =
            items().iter().map(|item| (item.digest_id, sha256(&item.bytes).to_vec())).collect();
        assert_eq!(fault(items(), digests.clone()), Ok(()));
        let mut twice = items();
        twice[1].digest_id = 0;
        assert_eq!(fault(twice, digests.clone()), Err(LintFault::RepeatedDigest));
        let mut same = digests.clone();
        same[1].1 = same[0].1.clone();
        assert_eq!(fault(items(), same), Err(LintFault::RepeatedDigest));
        let mut changed = items();
        changed[1].bytes.push(0);
        assert_eq!(fault(changed, digests.clone()), Err(LintFault::MissingDigest));
        assert_eq!(fault(items(), digests[..1].to_vec()), Err(LintFault::MissingDigest));
    }
}
