//! What tests share. Everything in it stops at the first surprise, as tests do.
//!
//! | What | Where |
//! |---|---|
//! | an issuer and a wallet in one process | [`world`] |
//! | what a wallet sends, by hand, so that it can be wrong | [`by_hand`], [`proof`], [`sender`] |
//! | the same with a browser, for the Authorization Code Flow | [`sign_in`] |
//! | both sides keep the high assurance profile | [`haip`] |
//! | a credential type with a list in it | [`degrees`] |
//! | requests without a socket, and what is common to all answers | [`wire`] |
//! | a website by TLS, where a holder publishes keys | [`website`] |
//! | a clock that stands still, randomness that repeats | [`outside`] |
//! | a PostgreSQL server | [`postgres`] |
//! | the contract that every store is held to | [`contract`] |

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

pub mod agreed;
pub mod by_hand;
pub mod contract;
pub mod degrees;
pub mod haip;
pub mod outside;
pub mod postgres;
pub mod proof;
pub mod provider;
pub mod sender;
pub mod sign_in;
pub mod website;
pub mod wire;
pub mod world;
