//! How a stored credential stands, as far as the wallet knows.

use formats::status_list::Status;
use keys::outside::Timestamp;

use super::{KnownStatus, stored};
use crate::store::StoredCredential;

/// What the holder is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `None` where it is not known: nobody has asked, or not for too long.
    pub status: Option<Status>,
    /// The last that was heard of it.
    pub last: Option<KnownStatus>,
    /// How many of the copies stand like this.
    pub copies: usize,
}

/// A word for scripts and people; TSL §7.1 calls what is revoked invalid.
#[must_use]
pub const fn word(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Valid) => "valid",
        Some(Status::Invalid) => "revoked",
        Some(Status::Suspended) => "suspended",
        Some(Status::Other(_)) => "not valid",
        None => "unknown",
    }
}

impl StoredCredential {
    /// How it stands, or the worst of its copies; `None` where its issuer tells no status.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Option<Standing> {
        let mut worst: Option<Standing> = None;
        for (raw, last) in self.statuses() {
            if !has_status(&self.format, raw) {
                continue;
            }
            let next = Standing { status: at(last, now), last: last.cloned(), copies: 1 };
            worst = Some(match worst {
                Some(worst) if rank(worst.status) > rank(next.status) => worst,
                Some(worst) if worst.status == next.status => {
                    let last = earlier(worst.last, next.last);
                    Standing { copies: worst.copies + 1, last, ..worst }
                }
                Some(_) | None => next,
            });
        }
        worst
    }

    /// Whether its time is over: whatever a list says of it, it is good no more.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// It and its copies, each as it came, with the last that was heard of it.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (&str, Option<&KnownStatus>)> {
        let copies = self.copies.iter().map(|copy| (&*copy.raw, copy.status.as_ref()));
        std::iter::once((&*self.raw, self.status.as_ref())).chain(copies)
    }
}

fn has_status(format: &str, raw: &str) -> bool {
    // Of what cannot be read any more nobody knows; that is not "none".
    stored(format, raw).is_none_or(|credential| !matches!(credential.status(), Ok(None)))
}

fn at(last: Option<&KnownStatus>, now: Timestamp) -> Option<Status> {
    last.filter(|last| last.is_settled(now)).map(KnownStatus::status)
}

/// What is worse for its holder is higher.
pub(super) const fn rank(status: Option<Status>) -> u8 {
    match status {
        Some(Status::Valid) => 0,
        None => 1,
        Some(Status::Suspended) => 2,
        Some(Status::Other(_)) => 3,
        Some(Status::Invalid) => 4,
    }
}

/// Of two that say the same, the one that was heard first: more is not sure of both.
fn earlier(one: Option<KnownStatus>, other: Option<KnownStatus>) -> Option<KnownStatus> {
    let (one, other) = (one?, other?);
    Some(if other.checked_at < one.checked_at { other } else { one })
}
