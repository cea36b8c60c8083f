//! What an operator sees of the keys.

use keys::outside::Timestamp;

use super::{Generation, Generations, KeyPurpose, KeyState, Uses, needed_until};

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// What the manifest says.
    pub generation: Generation,
    /// Where it stands.
    pub state: KeyState,
    /// Since when its public half can be read; MAC keys have none, and what was published with the
    /// issuer has no time.
    pub published_since: Option<Timestamp>,
    /// Since when it is no longer in use.
    pub retired_at: Option<Timestamp>,
    /// Until when something that was made with it may need it, once it is retired.
    pub needed_until: Option<Timestamp>,
}

/// All keys, those that are destroyed too.
#[must_use]
pub fn list(generations: &Generations, uses: &Uses<'_>, now: Timestamp) -> Vec<Listed> {
    let listed = |purpose| {
        let all = generations.of(purpose).iter();
        all.map(move |generation| Listed::of(generations, (purpose, generation), uses, now))
    };
    KeyPurpose::ALL.into_iter().flat_map(listed).collect()
}

impl Listed {
    fn of(
        generations: &Generations,
        (purpose, generation): (KeyPurpose, &Generation),
        uses: &Uses<'_>,
        now: Timestamp,
    ) -> Self {
        let state = generations.state(purpose, generation, now);
        let retired_at = generations.retired_at(purpose, generation, now);
        let is_retired = state == KeyState::Retired;
        Self {
            purpose,
            generation: *generation,
            state,
            published_since: published_since(purpose, generation, now),
            retired_at,
            needed_until: retired_at
                .filter(|_| is_retired)
                .map(|at| needed_until(purpose, uses, at)),
        }
    }
}

/// Who encrypts uses a key as soon as it is read, so that one is published when it comes into use;
/// who verifies must have it before.
fn published_since(
    purpose: KeyPurpose,
    generation: &Generation,
    now: Timestamp,
) -> Option<Timestamp> {
    match purpose {
        KeyPurpose::Signing | KeyPurpose::Bbs => generation.made_at,
        KeyPurpose::Encryption => {
            generation.made_at.map(|_| generation.active_from).filter(|from| *from <= now)
        }
        KeyPurpose::Offer | KeyPurpose::TxCode | KeyPurpose::Nonce | KeyPurpose::Form => None,
    }
}
