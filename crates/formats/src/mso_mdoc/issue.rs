//! Making and signing (ISO 18013-5 §9.1.2).

use std::convert::Infallible;

use keys::cbor::{encode, encode_with_room};
use keys::digest::sha256;
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::Signer;
use keys::{base64url, cose};
use minicbor::Encoder;
use minicbor::data::Tag;
use minicbor::encode::Error;

use super::element::{Element, TDATE};
use super::{EMBEDDED, RANDOM_BYTES_MIN, VERSION};
use crate::status_list::StatusReference;
use crate::{CREDENTIAL_BYTES_MAX, IssueError};

/// Elements of one name space, in the order in which a reader gets them.
#[derive(Clone, Debug)]
pub struct NameSpace {
    /// Its name, such as `org.iso.18013.5.1`.
    pub name: String,
    /// Identifier and value of each element.
    pub elements: Vec<(String, Element)>,
}

/// What an mdoc shall say.
#[derive(Clone, Debug)]
pub struct MdocClaims<'a> {
    /// Its type, such as `org.iso.18013.5.1.mDL`.
    pub doc_type: &'a str,
    /// What it says of its subject.
    pub name_spaces: Vec<NameSpace>,
    /// The holder's key: there is no mdoc without one.
    pub device_key: &'a PublicKey,
    /// When it is signed, and from when on it is good.
    pub signed_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Where its status can be asked for.
    pub status: Option<StatusReference>,
}

/// Makes and signs a credential: an `IssuerSigned` in base64url (FMT-MDOC-05). `x5chain` has the
/// document signer's certificate first, without the authority's.
pub async fn issue(
    claims: MdocClaims<'_>,
    x5chain: &[Vec<u8>],
    signer: &dyn Signer,
    random: &dyn Random,
) -> Result<String, IssueError> {
    sign(&prepare(&claims, random)?, x5chain, signer).await
}

/// An mdoc that is finished but for its signature.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) spaces: Vec<Salted>,
    /// What is signed: the security object, in its byte string.
    pub(super) payload: Vec<u8>,
}

/// Makes all of a credential but its signature.
pub fn prepare(claims: &MdocClaims<'_>, random: &dyn Random) -> Result<Prepared, IssueError> {
    let spaces = salted(&claims.name_spaces, random)?;
    let payload = embedded(&security_object(claims, &spaces));
    Ok(Prepared { spaces, payload })
}

/// Signs what [`prepare`] made.
pub async fn sign(
    prepared: &Prepared,
    x5chain: &[Vec<u8>],
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    let Prepared { spaces, payload } = prepared;
    let auth = cose::sign_untagged(x5chain, payload, signer).await.map_err(IssueError::Signing)?;
    let room = auth.len() + spaces.iter().map(Salted::room).sum::<usize>() + FRAME_ROOM;
    let issuer_signed = encode_with_room(room, |to| {
        to.map(2)?.str("nameSpaces")?.map(spaces.len() as u64)?;
        for space in spaces {
            to.str(&space.name)?.array(space.items.len() as u64)?;
            for item in &space.items {
                to.writer_mut().extend_from_slice(&item.bytes);
            }
        }
        to.str("issuerAuth")?;
        to.writer_mut().extend_from_slice(&auth);
        Ok(())
    });
    let raw = base64url::encode(&issuer_signed);
    if raw.len() <= CREDENTIAL_BYTES_MAX { Ok(raw) } else { Err(IssueError::TooLong) }
}

/// The elements of a name space, salted and written.
#[derive(Clone, Debug)]
pub(super) struct Salted {
    pub(super) name: String,
    pub(super) items: Vec<Item>,
}

impl Salted {
    /// About what it takes.
    fn room(&self) -> usize {
        FRAME_ROOM + self.name.len() + self.items.iter().map(|item| item.bytes.len()).sum::<usize>()
    }
}

/// An `IssuerSignedItem` as it is digested: in its byte string, with the tag in front.
///
/// The digest is taken where the bytes are written, and neither is ever changed: whoever looks at
/// them once more need not hash them.
#[derive(Clone, Debug)]
pub(super) struct Item {
    digest_id: u64,
    bytes: Vec<u8>,
    digest: [u8; 32],
}

impl Item {
    pub(super) fn new(digest_id: u64, bytes: Vec<u8>) -> Self {
        Self { digest_id, digest: sha256(&bytes), bytes }
    }

    pub(super) const fn digest_id(&self) -> u64 {
        self.digest_id
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

fn salted(spaces: &[NameSpace], random: &dyn Random) -> Result<Vec<Salted>, IssueError> {
    let elements = |space: &NameSpace| {
        has_twice(space.elements.iter().map(|(identifier, _)| identifier.as_str()).collect())
    };
    let names = spaces.iter().map(|space| space.name.as_str()).collect();
    if has_twice(names) || spaces.iter().any(elements) {
        return Err(IssueError::ReservedClaim);
    }
    if spaces.is_empty() || spaces.iter().any(|space| space.elements.is_empty()) {
        return Err(IssueError::NoClaims);
    }
    spaces
        .iter()
        .map(|space| Ok(Salted { name: space.name.clone(), items: items(space, random)? }))
        .collect()
}

fn has_twice(mut names: Vec<&str>) -> bool {
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() != count
}

/// Identifiers of digests tell nothing of the elements: they are drawn, not counted in their order
/// (ISO 18013-5 §9.1.2.4).
fn items(space: &NameSpace, random: &dyn Random) -> Result<Vec<Item>, IssueError> {
    let count = space.elements.len();
    if count as u64 > super::ELEMENTS_MAX {
        return Err(IssueError::TooManyDisclosures);
    }
    let mut drawn = vec![0; count * (RANDOM_BYTES_MIN + 8)];
    random.fill(&mut drawn);
    let (orders, salts) = drawn.split_at(count * 8);
    let mut ids: Vec<usize> = (0..count).collect();
    ids.sort_by_key(|id| orders.chunks(8).nth(*id));
    let salted = space.elements.iter().zip(salts.chunks(RANDOM_BYTES_MIN)).zip(ids);
    let mut items = Vec::with_capacity(count);
    // One after the other is written to the same memory, and kept in its byte string.
    encode(|to| {
        for (((identifier, value), salt), digest_id) in salted {
            let digest_id = digest_id as u64;
            to.writer_mut().clear();
            to.map(4)?.str("digestID")?.u64(digest_id)?.str("random")?.bytes(salt)?;
            to.str("elementIdentifier")?.str(identifier)?.str("elementValue")?;
            value.write(to)?;
            items.push(Item::new(digest_id, embedded(to.writer())));
        }
        Ok(())
    });
    Ok(items)
}

fn security_object(claims: &MdocClaims<'_>, spaces: &[Salted]) -> Vec<u8> {
    encode(|to| {
        to.map(if claims.status.is_some() { 7 } else { 6 })?;
        to.str("version")?.str(VERSION)?.str("digestAlgorithm")?.str("SHA-256")?;
        to.str("valueDigests")?.map(spaces.len() as u64)?;
        for space in spaces {
            to.str(&space.name)?.map(space.items.len() as u64)?;
            // In the order of their identifiers, so that the order of the elements does not show.
            let mut items: Vec<&Item> = space.items.iter().collect();
            items.sort_by_key(|item| item.digest_id);
            for item in items {
                to.u64(item.digest_id)?.bytes(&item.digest)?;
            }
        }
        to.str("deviceKeyInfo")?.map(1)?.str("deviceKey")?;
        cose::write_key(to, claims.device_key)?;
        to.str("docType")?.str(claims.doc_type)?;
        to.str("validityInfo")?.map(3)?;
        let (begin, end) = (claims.signed_at.to_rfc3339(), claims.expires_at.to_rfc3339());
        for (name, time) in [("signed", &begin), ("validFrom", &begin), ("validUntil", &end)] {
            to.str(name)?.tag(Tag::new(TDATE))?.str(time)?;
        }
        claims.status.as_ref().map_or(Ok(()), |status| write_status(to, status))
    })
}

/// TSL §6.3: as a JWT has it, in CBOR.
fn write_status(
    to: &mut Encoder<Vec<u8>>,
    status: &StatusReference,
) -> Result<(), Error<Infallible>> {
    to.str("status")?.map(1)?.str("status_list")?.map(2)?;
    to.str("idx")?.u64(status.idx)?.str("uri")?.str(&status.uri)?;
    Ok(())
}

/// More than what is written around bytes that are there already: tags, lengths and short names.
const FRAME_ROOM: usize = 48;

/// RFC 8949 §3.4.5.1
fn embedded(bytes: &[u8]) -> Vec<u8> {
    encode_with_room(bytes.len() + FRAME_ROOM, |to| {
        to.tag(Tag::new(EMBEDDED))?.bytes(bytes)?;
        Ok(())
    })
}
