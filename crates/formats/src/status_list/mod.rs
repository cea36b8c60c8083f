//! Token Status List: which credentials are still valid, many in one signed token (TSL §4; draft -20).
//!
//! A credential refers to one entry of a list ([`StatusReference`]); its issuer publishes the list
//! ([`StatusList`]) as a signed token, a JWT or a CWT ([`token`]). W3C credentials may have one of
//! their own kind ([`bitstring`]).

use std::collections::BTreeMap;
use std::fmt;

use crate::FormatError;

pub mod bitstring;
mod compressed;
mod cwt;
mod jwt;
mod reference;
pub mod token;

pub use compressed::{CompressedList, LIST_BYTES_MAX};
pub use reference::{CredentialStatus, StatusReference};

/// How many bits each entry has (TSL §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// Valid or invalid.
    One,
    /// With suspension.
    Two,
    /// Sixteen statuses.
    Four,
    /// All statuses.
    Eight,
}

impl Bits {
    /// The number.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn parse(count: u64) -> Option<Self> {
        match count {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// Whether an entry has room for this status.
    #[must_use]
    pub const fn hold(self, status: Status) -> bool {
        status.value() <= self.mask()
    }

    const fn mask(self) -> u8 {
        0xff >> (8 - self.count())
    }

    /// The byte of an entry, and how far its bits are from the lowest (TSL §4.1).
    fn place(self, index: u64) -> Option<(usize, u32)> {
        let (count, per_byte) = (u64::from(self.count()), u64::from(8 / self.count()));
        let shift = u32::try_from(index % per_byte * count).ok()?;
        Some((usize::try_from(index / per_byte).ok()?, shift))
    }
}

/// What an entry says (TSL §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As issued.
    Valid,
    /// Revoked, for good.
    Invalid,
    /// Not valid for the time being.
    Suspended,
    /// A value that its issuer alone knows, or that nobody has defined yet: not valid.
    Other(u8),
}

impl Status {
    /// The number in the list.
    #[must_use]
    pub const fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Other(value) => value,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn of(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid => f.write_str("valid"),
            Self::Invalid => f.write_str("invalid"),
            Self::Suspended => f.write_str("suspended"),
            Self::Other(value) => write!(f, "status {value}"),
        }
    }
}

/// The statuses of many credentials, and nothing else: no memory beyond the bits.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: Bits,
    bytes: Vec<u8>,
}

impl StatusList {
    /// So many entries, rounded up to whole bytes, all valid: an entry that nobody has looks like
    /// that of a valid credential.
    #[must_use]
    pub fn new(bits: Bits, entries: u64) -> Self {
        let per_byte = u64::from(8 / bits.count());
        let length = usize::try_from(entries.div_ceil(per_byte)).unwrap_or(usize::MAX);
        Self { bits, bytes: vec![0; length] }
    }

    /// How many bits each entry has.
    #[must_use]
    pub const fn bits(&self) -> Bits {
        self.bits
    }

    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.bytes.len() as u64 * u64::from(8 / self.bits.count())
    }

    /// What an entry says; `None` behind the end, where nothing can be said (TSL §8.3).
    #[must_use]
    pub fn status(&self, index: u64) -> Option<Status> {
        let (byte, shift) = self.bits.place(index)?;
        let byte = *self.bytes.get(byte)?;
        Some(Status::of((byte >> shift) & self.bits.mask()))
    }

    /// How many entries say what, for whoever looks at a list as a whole.
    #[must_use]
    pub fn tally(&self) -> BTreeMap<u8, u64> {
        let mut bytes = [0_u64; 256];
        for byte in &self.bytes {
            if let Some(count) = bytes.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
        let mut tally = BTreeMap::new();
        for (byte, count) in (0..=u8::MAX).zip(bytes).filter(|(_, count)| *count > 0) {
            for place in 0..8 / self.bits.count() {
                let value = (byte >> (place * self.bits.count())) & self.bits.mask();
                *tally.entry(value).or_default() += count;
            }
        }
        tally
    }

    /// Changes one entry; `false` when there is no such entry, or no room in it for this status.
    pub fn set(&mut self, index: u64, status: Status) -> bool {
        let Some((byte, shift)) = self.bits.place(index) else { return false };
        let (Some(byte), true) = (self.bytes.get_mut(byte), self.bits.hold(status)) else {
            return false;
        };
        *byte = *byte & !(self.bits.mask() << shift) | status.value() << shift;
        true
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusList({} entries of {} bits)", self.entries(), self.bits.count())
    }
}

/// Why a status list is refused; then nothing can be said of the credentials in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusListError {
    /// Longer than a list can be, packed or unpacked (catalogue J07).
    TooLong,
    /// Not built as the draft demands: a member is missing or of a wrong type.
    Malformed,
    /// `typ` says that it is something else.
    WrongType,
    /// `bits` is not 1, 2, 4 or 8.
    WrongBits,
    /// The signature does not fit the key.
    WrongSignature,
    /// It is the list of another address (TSL §8.3).
    OtherList,
    /// A Bitstring Status List for something else than what was asked.
    OtherPurpose,
    /// A Bitstring Status List with too few entries to hide in.
    TooShort,
    /// The credential that a Bitstring Status List is.
    Credential(FormatError),
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
}

impl fmt::Display for StatusListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the status list is too long",
            Self::Malformed => "the status list lacks a member or has one of a wrong type",
            Self::WrongType => "its type is not that of a status list",
            Self::WrongBits => "bits of the status list must be 1, 2, 4 or 8",
            Self::WrongSignature => "the signature of the status list is wrong",
            Self::OtherList => "this is the status list of another address",
            Self::OtherPurpose => "the status list has another statusPurpose",
            Self::TooShort => "the status list has fewer than 131072 entries",
            Self::Credential(error) => return write!(f, "of the status list: {error}"),
            Self::Expired => "the status list has expired",
            Self::NotYetValid => "the status list is not valid yet: check the clock",
        })
    }
}

impl std::error::Error for StatusListError {}
