//! The keys of an issuer by generation: which there are, since when, and what may become of them.
//!
//! A key is made and published, becomes the one in use at a time that was written down before, and
//! is kept for what was made with it once another one is in use. Everything follows from the
//! manifest and the clock, so every node says the same (ADR 0016).

use std::collections::BTreeMap;
use std::fmt;

use keys::outside::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::credential_type::CredentialType;

mod current;
mod error;
mod files;
mod list;
mod manifest;
mod missing;
mod need;
mod retire;
mod rotate;

pub(crate) use current::{CurrentKeys, Mark, OfKeys, keep_up_to_date};
pub use error::KeysError;
pub(crate) use files::KeyFile;
pub use list::{Listed, list};
pub use manifest::MANIFEST;
pub use missing::make_missing_keys;
pub use need::needed_until;
pub use retire::{Retired, retire, retire_one};
pub use rotate::{Rotated, Rotation, SigningKeyWish, request_certificate, rotate};

/// Most generations of one purpose that are in the folder at once.
pub const ALIVE_MAX: usize = 16;
/// Most generations of one purpose that are remembered; the oldest that are destroyed are forgotten.
const REMEMBERED_MAX: usize = 64;
/// The time in which every node of a folder that is shared has read what was written: several of its
/// looks.
pub const FOLLOWED_SECONDS: u64 = 10;

/// What a key is for; each purpose has generations of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPurpose {
    /// Signs credentials, status lists and signed metadata.
    Signing,
    /// Opens what wallets encrypt.
    Encryption,
    /// Makes what is derived for offers: references, codes, transaction ids.
    Offer,
    /// Makes Transaction Codes and keys their digests.
    TxCode,
    /// Makes nonces and challenges.
    Nonce,
    /// Guards the portal's forms.
    Form,
    /// Signs credentials whose disclosures cannot be linked. There is one where a type needs it, in
    /// builds with `bbs-2023`; others publish what such builds made.
    Bbs,
}

impl KeyPurpose {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Signing,
        Self::Encryption,
        Self::Offer,
        Self::TxCode,
        Self::Nonce,
        Self::Form,
        Self::Bbs,
    ];
    /// Those that every issuer has a key of.
    pub const OF_EVERY_ISSUER: [Self; 6] =
        [Self::Signing, Self::Encryption, Self::Offer, Self::TxCode, Self::Nonce, Self::Form];

    /// As it is written in the manifest and typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
            Self::Offer => "offer",
            Self::TxCode => "tx-code",
            Self::Nonce => "nonce",
            Self::Form => "form",
            Self::Bbs => "bbs",
        }
    }

    /// Whether this program can make such keys.
    #[must_use]
    pub fn is_of_this_build(self) -> bool {
        cfg!(feature = "bbs-2023") || self != Self::Bbs
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Known to every node, and published where others must know it; not in use.
    Next,
    /// In use.
    Active,
    /// Kept for what was made with it.
    Retired,
    /// Its private part is gone, and nothing of it is published.
    Destroyed,
}

impl KeyState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Destroyed => "destroyed",
        }
    }
}

/// One key of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Counted from 1; no other of its purpose ever has it.
    pub number: u32,
    /// When it was made, and known from then on; `None` for what was made with the issuer.
    pub made_at: Option<Timestamp>,
    /// The first second in which it is in use.
    pub active_from: Timestamp,
    /// When the private part of a key was erased whose public part is still published.
    pub erased_at: Option<Timestamp>,
    /// When it was destroyed.
    pub destroyed_at: Option<Timestamp>,
}

impl Generation {
    /// What `bestow issuer init` makes.
    const FIRST: Self = Self {
        number: 1,
        made_at: None,
        active_from: Timestamp(0),
        erased_at: None,
        destroyed_at: None,
    };

    const fn is_alive(&self) -> bool {
        self.destroyed_at.is_none()
    }

    /// Whether it was in use at some time before `now`; one that was taken back before was not.
    fn has_begun(&self, now: Timestamp) -> bool {
        self.active_from <= now && self.destroyed_at.is_none_or(|at| self.active_from < at)
    }
}

/// When a new key is to be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many seconds after everybody could know it.
    After(u64),
    /// As soon as the nodes of a shared folder know it.
    AtOnce,
}

impl Start {
    const fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::After(seconds) => now.plus(seconds),
            Self::AtOnce => now.plus(FOLLOWED_SECONDS),
        }
    }
}

/// What a rotation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key is to be made.
    Make(Generation),
    /// One is there already, and begins sooner.
    Hasten(Generation),
}

/// Why a key cannot be replaced or destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One is about to take its place.
    HasNext(Generation),
    /// So many are kept for what was made with them.
    TooMany,
    /// There is no such generation.
    Unknown,
    /// It is in use.
    Active,
    /// Something may need it until then.
    Needed(Timestamp),
}

/// All keys of an issuer, without what is secret of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generations(BTreeMap<KeyPurpose, Vec<Generation>>);

impl Default for Generations {
    /// As `bestow issuer init` makes them.
    fn default() -> Self {
        let first = |purpose| (purpose, vec![Generation::FIRST]);
        Self(KeyPurpose::OF_EVERY_ISSUER.into_iter().map(first).collect())
    }
}

impl Generations {
    /// Those of one purpose, the oldest first.
    #[must_use]
    pub fn of(&self, purpose: KeyPurpose) -> &[Generation] {
        self.0.get(&purpose).map_or(&[], Vec::as_slice)
    }

    /// The one in use. With a clock that was set back before all of them it is the oldest.
    #[must_use]
    pub fn active(&self, purpose: KeyPurpose, now: Timestamp) -> Option<&Generation> {
        let alive = || self.of(purpose).iter().filter(|generation| generation.is_alive());
        let begun = alive().rfind(|generation| generation.active_from <= now);
        begun.or_else(|| alive().next())
    }

    /// Where a generation stands.
    #[must_use]
    pub fn state(&self, purpose: KeyPurpose, generation: &Generation, now: Timestamp) -> KeyState {
        let active = self.active(purpose, now).map_or(0, |active| active.number);
        if !generation.is_alive() {
            KeyState::Destroyed
        } else if generation.number == active {
            KeyState::Active
        } else if generation.number > active {
            KeyState::Next
        } else {
            KeyState::Retired
        }
    }

    /// Those that are in the folder, each with its state.
    pub fn alive(
        &self,
        purpose: KeyPurpose,
        now: Timestamp,
    ) -> impl Iterator<Item = (&Generation, KeyState)> {
        let alive = self.of(purpose).iter().filter(|generation| generation.is_alive());
        alive.map(move |generation| (generation, self.state(purpose, generation, now)))
    }

    /// Since when a generation is no longer in use.
    #[must_use]
    pub fn retired_at(
        &self,
        purpose: KeyPurpose,
        generation: &Generation,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let after = self.of(purpose).iter().filter(|other| other.number > generation.number);
        let mut after = after.filter(|other| other.has_begun(now));
        generation.has_begun(now).then(|| after.next().map(|next| next.active_from)).flatten()
    }

    /// When the next of any purpose comes into use.
    #[must_use]
    pub fn change_at(&self, now: Timestamp) -> Option<Timestamp> {
        let all = self.0.values().flatten().filter(|generation| generation.is_alive());
        all.map(|generation| generation.active_from).filter(|from| *from > now).min()
    }

    /// Decides what a rotation comes to; one key at a time can be about to take another's place.
    pub fn decide_rotation(
        &self,
        purpose: KeyPurpose,
        start: Start,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        let active_from = start.time(now);
        let mut alive = self.alive(purpose, now);
        if let Some((next, _)) = alive.find(|(_, state)| *state == KeyState::Next) {
            if start != Start::AtOnce {
                return Err(Refusal::HasNext(*next));
            }
            let active_from = active_from.min(next.active_from);
            return Ok(Step::Hasten(Generation { active_from, ..*next }));
        }
        if self.alive(purpose, now).count() >= ALIVE_MAX {
            return Err(Refusal::TooMany);
        }
        let last = self.of(purpose).last().map_or(0, |generation| generation.number);
        let before = self.alive(purpose, now).last().map(|(alive, _)| alive.active_from);
        Ok(Step::Make(Generation {
            number: last + 1,
            made_at: Some(now),
            // By the time of what they made, two generations must be told apart.
            active_from: before.map_or(active_from, |before| active_from.max(before.plus(1))),
            erased_at: None,
            destroyed_at: None,
        }))
    }

    /// Decides whether a generation may be destroyed; `is_forced` passes over what needs it.
    pub fn decide_end(
        &self,
        purpose: KeyPurpose,
        number: u32,
        needed_until: impl Fn(Timestamp) -> Timestamp,
        (now, is_forced): (Timestamp, bool),
    ) -> Result<Generation, Refusal> {
        let generation = self.of(purpose).iter().find(|generation| generation.number == number);
        let generation = generation.ok_or(Refusal::Unknown)?;
        let destroyed = Generation { destroyed_at: Some(now), ..*generation };
        match self.state(purpose, generation, now) {
            KeyState::Destroyed => Ok(*generation),
            KeyState::Active => Err(Refusal::Active),
            KeyState::Next | KeyState::Retired if is_forced => Ok(destroyed),
            KeyState::Next => Err(Refusal::Needed(generation.active_from)),
            KeyState::Retired => {
                let retired_at = self.retired_at(purpose, generation, now).unwrap_or(now);
                let until = needed_until(retired_at);
                if until <= now { Ok(destroyed) } else { Err(Refusal::Needed(until)) }
            }
        }
    }

    /// The same with one generation in place of the one of its number, or behind all.
    #[must_use]
    pub fn with(mut self, purpose: KeyPurpose, generation: Generation) -> Self {
        let all = self.0.entry(purpose).or_default();
        match all.iter_mut().find(|known| known.number == generation.number) {
            Some(known) => *known = generation,
            None => all.push(generation),
        }
        while all.len() > REMEMBERED_MAX
            && let Some(at) = all.iter().position(|known| !known.is_alive())
        {
            all.remove(at);
        }
        self
    }

    /// Whether numbers and times go up, and a key is left; only such a manifest is used.
    fn is_in_order(&self) -> bool {
        self.0.values().all(|all| {
            let alive: Vec<Timestamp> = all
                .iter()
                .filter(|generation| generation.is_alive())
                .map(|generation| generation.active_from)
                .collect();
            (1..=ALIVE_MAX).contains(&alive.len())
                && alive.is_sorted_by(|one, next| one < next)
                && all.iter().all(|generation| generation.number > 0)
                && all.is_sorted_by(|one, next| one.number < next.number)
        })
    }
}

/// What a purpose's keys are needed for, and so for how long.
#[derive(Debug)]
pub struct Uses<'u> {
    /// How long offers, deferrals and records live.
    pub config: &'u Config,
    /// How long credentials are valid.
    pub types: &'u BTreeMap<String, CredentialType>,
}
