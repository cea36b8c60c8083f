//! The last look at an mdoc before it is signed.

use keys::cbor::{Label, Map, encode};
use keys::cose;

use super::ISSUING_COUNTRY;
use super::issue::{Item, Prepared};
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
    check_countries(prepared, expected.country)?;
    check_digests(prepared, &digests(member("valueDigests")?).map_err(malformed)?)?;
    let items = prepared.spaces.iter().flat_map(|space| &space.items);
    let length: usize = items.map(|item| item.bytes().len()).sum();
    check_length((prepared.payload.len() + length).saturating_mul(CHARACTERS) / BYTES)
}

/// ISO 18013-5 §9.3.1: signed within the life of the signer's certificate.
fn check_validity(validity: &[u8], expected: &Expected<'_>) -> Result<(), LintFault> {
    let validity = Map::parse(validity).map_err(|_| LintFault::WrongTimes)?;
    let written = |name| validity.get(Label::Text(name)).ok_or(LintFault::WrongTimes);
    let time = |name| tdate(written(name)?).map_err(|_| LintFault::WrongTimes);
    let (signed, end) = (time("signed")?, time("validUntil")?);
    // Mostly the same text.
    let is_same = written("validFrom")? == written("signed")?;
    let begin = if is_same { signed } else { time("validFrom")? };
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

/// ISO 18013-5 §9.3.1: that of the signer's certificate, wherever the mdoc says one.
fn check_countries(prepared: &Prepared, own: Option<&str>) -> Result<(), LintFault> {
    let Some(own) = own else { return Ok(()) };
    for item in prepared.spaces.iter().flat_map(|space| &space.items) {
        let item = embedded(item.bytes()).and_then(Map::parse);
        let item = item.map_err(|_| LintFault::Malformed)?;
        let text = |name| item.text(Label::Text(name)).ok().flatten();
        if text("elementIdentifier") == Some(ISSUING_COUNTRY)
            && text("elementValue").is_none_or(|said| !said.eq_ignore_ascii_case(own))
        {
            return Err(LintFault::OtherCountry);
        }
    }
    Ok(())
}

/// Compared as it is written: to read a key costs more than to write it.
fn check_key(info: &[u8], expected: &Expected<'_>) -> Result<(), LintFault> {
    let info = Map::parse(info).map_err(|_| LintFault::WrongBinding)?;
    let (key, _) = expected.holder.ok_or(LintFault::WrongBinding)?;
    let wanted = encode(|to| cose::write_key(to, key));
    let is_it = info.get(Label::Text("deviceKey")) == Some(&wanted[..]);
    is_it.then_some(()).ok_or(LintFault::WrongBinding)
}

/// Both in the order of their identifiers, each item must have its own digest and each digest its item.
fn check_digests(prepared: &Prepared, signed: &[SpaceDigests<'_>]) -> Result<(), LintFault> {
    if signed.len() != prepared.spaces.len() {
        return Err(LintFault::MissingDigest);
    }
    for (space, signed) in prepared.spaces.iter().zip(signed) {
        let mut items: Vec<&Item> = space.items.iter().collect();
        items.sort_unstable_by_key(|item| item.digest_id());
        let is_twice = |pair: &[&Item]| matches!(pair, [a, b] if a.digest_id() == b.digest_id());
        let mut digests: Vec<&[u8]> = signed.digests.iter().map(|(_, digest)| *digest).collect();
        digests.sort_unstable();
        digests.dedup();
        if items.windows(2).any(is_twice) || digests.len() != signed.digests.len() {
            return Err(LintFault::RepeatedDigest);
        }
        let own = items.iter().map(|item| (item.digest_id(), &item.digest()[..]));
        let mut signed_for = signed.digests.clone();
        signed_for.sort_unstable();
        if space.name != signed.name || !own.eq(signed_for) {
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
    use keys::digest::sha256;

    use super::super::issue::Salted;
    use super::{Item, Prepared, SpaceDigests, check_digests};
    use crate::lint::LintFault;

    fn items() -> Vec<Item> {
        vec![Item::new(0, b"one".to_vec()), Item::new(1, b"two".to_vec())]
    }

    fn fault(items: Vec<Item>, digests: &[(u64, &[u8])]) -> Result<(), LintFault> {
        let spaces = vec![Salted { name: "space".to_owned(), items }];
        let prepared = Prepared { spaces, payload: Vec::new() };
        check_digests(&prepared, &[SpaceDigests { name: "space", digests: digests.to_vec() }])
    }

    /// ISO 18013-5 §9.1.2.4
    #[test]
    fn each_element_has_one_digest_of_its_own() {
        let (one, two) = (sha256(b"one"), sha256(b"two"));
        let digests: [(u64, &[u8]); 2] = [(0, &one), (1, &two)];
        assert_eq!(fault(items(), &digests), Ok(()));
        assert_eq!(fault(items(), &[(1, &two), (0, &one)]), Ok(()), "in any order");
        let twice = vec![Item::new(0, b"one".to_vec()), Item::new(0, b"two".to_vec())];
        assert_eq!(fault(twice, &digests), Err(LintFault::RepeatedDigest));
        assert_eq!(fault(items(), &[(0, &one), (1, &one)]), Err(LintFault::RepeatedDigest));
        let changed = vec![Item::new(0, b"one".to_vec()), Item::new(1, b"twos".to_vec())];
        assert_eq!(fault(changed, &digests), Err(LintFault::MissingDigest));
        assert_eq!(fault(items(), &digests[..1]), Err(LintFault::MissingDigest));
        assert_eq!(fault(items(), &[(0, &two), (1, &one)]), Err(LintFault::MissingDigest));
        assert_eq!(fault(items(), &[(0, &one), (7, &two)]), Err(LintFault::MissingDigest));
    }
}
