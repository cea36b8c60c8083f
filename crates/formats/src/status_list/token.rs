//! The signed list: made by whoever issues, verified by whoever asks for a status (TSL §5).

use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::Signer;

use super::{Bits, CompressedList, Status, StatusList, StatusListError, StatusReference};
use super::{cwt, jwt};
use crate::{FormatError, IssueError, KeyReference, validity};

/// Longest token that is read: a list that hardly packs, in base64 twice.
pub const TOKEN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Shortest time after which a list is asked for again, whatever it says (TSL §11.5).
pub const TTL_SECONDS_MIN: u64 = 60;
/// Longest time for which a list is taken for fresh.
pub const TTL_SECONDS_MAX: u64 = 24 * 60 * 60;

/// The two forms of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// `application/statuslist+jwt`
    Jwt,
    /// `application/statuslist+cwt`
    Cwt,
}

impl TokenFormat {
    /// What it is called in HTTP (TSL §8.1).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jwt => "application/statuslist+jwt",
            Self::Cwt => "application/statuslist+cwt",
        }
    }
}

/// What a token shall say.
#[derive(Clone, Copy, Debug)]
pub struct StatusListClaims<'a> {
    /// Where the list is, exactly as credentials say it.
    pub uri: &'a str,
    /// When it is signed.
    pub issued_at: Timestamp,
    /// Until when it may be relied on.
    pub expires_at: Timestamp,
    /// After how many seconds to ask again.
    pub ttl_seconds: u64,
    /// The entries.
    pub list: &'a CompressedList,
}

/// How verifiers find the key: by its certificate or by its name (HAIP-44).
#[derive(Clone, Copy, Debug)]
pub struct StatusListKey<'a> {
    /// Certificates, the signer's first, without the anchor.
    pub x5c: &'a [Vec<u8>],
    /// The name of a key that the issuer publishes.
    pub kid: &'a str,
}

/// Makes and signs a token.
pub async fn issue(
    format: TokenFormat,
    claims: StatusListClaims<'_>,
    key: StatusListKey<'_>,
    signer: &dyn Signer,
) -> Result<Vec<u8>, IssueError> {
    let token = match format {
        TokenFormat::Jwt => jwt::issue(claims, key, signer).await,
        TokenFormat::Cwt => cwt::issue(claims, key, signer).await,
    };
    let token = token.map_err(IssueError::Signing)?;
    if token.len() <= TOKEN_BYTES_MAX { Ok(token) } else { Err(IssueError::TooLong) }
}

/// Reads a token; what it says is not to be believed yet.
pub fn parse(format: TokenFormat, token: &[u8]) -> Result<UnverifiedStatusList, StatusListError> {
    match format {
        TokenFormat::Jwt => jwt::parse(token),
        TokenFormat::Cwt => cwt::parse(token),
    }
}

/// A token that was read.
#[derive(Clone, Debug)]
pub struct UnverifiedStatusList {
    pub(super) signed: Signed,
    pub(super) key_reference: KeyReference,
    pub(super) claims: ReadClaims,
}

#[derive(Clone, Debug)]
pub(super) enum Signed {
    Jwt(keys::jws::Jws),
    Cwt(keys::cose::Sign1),
}

/// The claims of either form, as they were read.
#[derive(Clone, Debug)]
pub struct ReadClaims {
    /// Where the list says it is.
    pub sub: String,
    /// When it says it was signed.
    pub issued_at: Timestamp,
    /// From when on it is good, if it says so.
    pub not_before: Option<Timestamp>,
    /// Until when, if it says so.
    pub expires_at: Option<Timestamp>,
    /// After how many seconds to ask again.
    pub ttl_seconds: Option<u64>,
    /// The entries, still packed.
    pub list: CompressedList,
}

impl UnverifiedStatusList {
    /// Where to look for the signer's key.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        self.key_reference.clone()
    }

    /// What it says, for people who look at it, and to find the signer's key.
    #[must_use]
    pub const fn claims(&self) -> &ReadClaims {
        &self.claims
    }

    /// Verifies the signature with the signer's key, then that this is the list at `uri` and in its
    /// time, and only then unpacks (TSL §8.3).
    pub fn verify(
        self,
        key: &PublicKey,
        uri: &str,
        now: Timestamp,
    ) -> Result<VerifiedStatusList, StatusListError> {
        let is_right = match &self.signed {
            Signed::Jwt(jws) => jws.verify(key).is_ok(),
            Signed::Cwt(sign1) => sign1.verify(key).is_ok(),
        };
        let claims = self.claims;
        if !is_right {
            return Err(StatusListError::WrongSignature);
        }
        if claims.sub != uri {
            return Err(StatusListError::OtherList);
        }
        let first = claims.not_before.unwrap_or(claims.issued_at).max(claims.issued_at);
        validity::check(Some(first), claims.expires_at, now).map_err(of_validity)?;
        Ok(VerifiedStatusList {
            uri: claims.sub,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            ttl_seconds: claims.ttl_seconds,
            list: claims.list.decompress()?,
        })
    }
}

fn of_validity(error: FormatError) -> StatusListError {
    if error == FormatError::NotYetValid {
        StatusListError::NotYetValid
    } else {
        StatusListError::Expired
    }
}

/// `bits` and `lst`, of either form.
pub(super) fn compressed(bits: u64, lst: Vec<u8>) -> Result<CompressedList, StatusListError> {
    let bits = Bits::parse(bits).ok_or(StatusListError::WrongBits)?;
    Ok(CompressedList { bits, lst })
}

/// A list whose signature is right; only [`UnverifiedStatusList::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedStatusList {
    uri: String,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    ttl_seconds: Option<u64>,
    list: StatusList,
}

impl VerifiedStatusList {
    /// What the list says of a credential; `None` means that nothing can be said of it, as the list
    /// is another one or too short: that is never "valid" (catalogue J07).
    #[must_use]
    pub fn status(&self, reference: &StatusReference) -> Option<Status> {
        if reference.uri == self.uri { self.list.status(reference.idx) } else { None }
    }

    /// When it was signed; one that is older than one already seen is a replay (catalogue J08).
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// From when on it is not to be used any more, if it says so.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Until when it may be used without asking for a newer one, if it was fetched at `fetched_at`:
    /// `ttl` within reason, and never beyond `exp` (TSL §13.7).
    #[must_use]
    pub fn fresh_until(&self, fetched_at: Timestamp) -> Timestamp {
        fresh_until(fetched_at, self.ttl_seconds, self.expires_at)
    }
}

pub(super) fn fresh_until(
    fetched_at: Timestamp,
    ttl_seconds: Option<u64>,
    expires_at: Option<Timestamp>,
) -> Timestamp {
    let ttl = ttl_seconds.unwrap_or(TTL_SECONDS_MAX);
    let fresh = fetched_at.plus(ttl.clamp(TTL_SECONDS_MIN, TTL_SECONDS_MAX));
    expires_at.map_or(fresh, |end| fresh.min(end))
}
