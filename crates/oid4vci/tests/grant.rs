//! The life of an offer as a table: which state follows from what is on disk.

mod fixture;

use fixture::{CODE, NOW, TOKEN, grant, redeemed};
use keys::outside::Timestamp;
use oid4vci::grant::{Grant, Issued, OfferState};
use oid4vci::secret::{AccessToken, PreAuthorizedCode};
use serde_json::to_value;

const ATTEMPTS_MAX: u32 = 5;

fn issued(grant: Grant) -> Grant {
    let credential_configuration_id = "diploma".to_owned();
    let issued = Issued {
        credential_configuration_id,
        thumbprint: None,
        at: NOW,
        entry: None,
        notified: None,
    };
    Grant { issued: vec![issued], ..grant }
}

#[test]
fn the_state_follows_from_what_is_stored() {
    use OfferState::{Created, Deferred, Expired, Fetched, Issued, Locked, Redeemed, Withdrawn};
    let fetched = || Grant { fetched_at: Some(NOW), ..grant() };
    let tried = |attempts| Grant { attempts, ..fetched() };
    let deferred = || Grant { deferred_until: Some(NOW.plus(5000)), ..redeemed() };
    let withdrawn = |grant| Grant { withdrawn_at: Some(NOW), ..grant };
    let cases = [
        ("new", grant(), 0, Created),
        ("OFFER-27: fetching spends nothing", fetched(), 0, Fetched),
        ("OFFER-16: the last second", fetched(), 299, Fetched),
        ("OFFER-16, B05: the first second after", fetched(), 300, Expired),
        ("OFFER-16: never fetched", grant(), 300, Expired),
        ("TOKEN-31: one attempt is left", tried(4), 0, Fetched),
        ("TOKEN-31: none is left", tried(5), 0, Locked),
        ("TOKEN-31: more than allowed", tried(6), 0, Locked),
        ("TOKEN-31: locked stays locked", tried(5), 9999, Locked),
        ("TOKEN-16: a token", redeemed(), 0, Redeemed),
        ("the offer's end does not end the token", redeemed(), 299, Redeemed),
        ("SEC-30: the token is over, nothing issued", redeemed(), 300, Expired),
        ("issued", issued(redeemed()), 0, Issued),
        ("issued stays issued", issued(redeemed()), 9999, Issued),
        ("VCI §9: it waits for an officer", deferred(), 0, Deferred),
        ("DEFER-21: longer than its token", deferred(), 4999, Deferred),
        ("and not for ever", deferred(), 5000, Expired),
        ("one came, another waits", issued(deferred()), 0, Issued),
        ("withdrawn while it waited", withdrawn(deferred()), 0, Withdrawn),
        ("withdrawn", withdrawn(grant()), 0, Withdrawn),
        ("withdrawn after the code became a token", withdrawn(redeemed()), 0, Withdrawn),
        ("withdrawn, then too late", withdrawn(grant()), 9999, Withdrawn),
        ("withdrawn after too many attempts", withdrawn(tried(5)), 0, Withdrawn),
        ("what was issued cannot be withdrawn", withdrawn(issued(redeemed())), 0, Issued),
    ];
    for (rule, grant, after, expected) in cases {
        assert_eq!(grant.state(NOW.plus(after), ATTEMPTS_MAX), expected, "{rule}");
    }
    assert_eq!(grant().state(Timestamp(u64::MAX), ATTEMPTS_MAX), Expired, "G14: the end of time");
}

/// Operators filter by these words, so they are the same everywhere.
#[test]
fn each_state_has_one_word() {
    for state in OfferState::ALL {
        assert_eq!(to_value(state).unwrap(), state.name());
        assert_eq!(OfferState::parse(state.name()), Some(state));
        let open = [OfferState::Created, OfferState::Fetched].contains(&state);
        assert_eq!(state.is_open(), open, "only before the code is spent");
    }
    assert_eq!(OfferState::parse("Created"), None);
    let words = OfferState::ALL.map(OfferState::name);
    let expected =
        ["created", "fetched", "redeemed", "deferred", "issued", "locked", "expired", "withdrawn"];
    assert_eq!(words, expected);
}

/// B17: what is on disk opens nothing, and says nothing in a log.
#[test]
fn a_grant_holds_digests_only() {
    let shown = format!("{:?}", redeemed());
    for secret in [CODE, TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(PreAuthorizedCode::new(CODE).digest().matches(&redeemed().code_digest));
    let digest = AccessToken::new(TOKEN).digest();
    assert!(!shown.contains(&format!("{:?}", digest.0)), "{shown}");
}
