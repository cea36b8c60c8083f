//! The rules of OpenID4VCI 1.0, for both sides.
//!
//! This crate holds messages and decisions only. It opens no socket, reads no clock and draws no
//! random number: all three are handed in, so every rule can be tested without a server.
//!
//! | Step of the flow | Module | Spec |
//! |---|---|---|
//! | 2-5 the Credential Offer and its link | [`offer`] | VCI §4 |
//! | 6 what the Issuer and its authorization server publish | [`metadata`] | VCI §12.2, RFC 8414 §2 |
//! | 6 the same signed, and in the languages asked for | [`signed_metadata`], [`language`] | VCI §12.2.2, VCI §12.2.3 |
//! | 8-11 the code becomes a token | [`token`] | VCI §6 |
//! | 8-15 who vouches for a Wallet and its keys | [`attestation`] | VCI §D, VCI §E |
//! | 8-15 the token is bound to a key | [`dpop`], [`replay`] | RFC 9449 |
//! | 5-8 the person's consent, and the code that stands for it | [`client`], [`authorization`], [`pkce`] | VCI §5, RFC 9126 |
//! | 5-8 a person signs in elsewhere | [`provider`] | |
//! | 8-11 that code becomes a token, and a token a fresh one | [`code`], [`refresh`], [`introspection`] | RFC 6749 §4.1.3, RFC 6749 §6 |
//! | 8-11 who sends a Token Request | [`sender`] | RFC 9449 §5, VCI §E |
//! | 11a the nonce for the proof | [`nonce`] | VCI §7 |
//! | 12, 15-16 the proof of possession | [`proof`] | VCI §F.1, VCI §F.4 |
//! | 15 a token at a protected resource | [`access`] | RFC 6750, RFC 9449 |
//! | 15 a token of another server | [`external`] | RFC 9068, RFC 7662 |
//! | 13-18 Credential Request and Response | [`credential`] | VCI §8 |
//! | 13-18 the same, encrypted | [`encryption`] | VCI §10 |
//! | 18 the credential comes later | [`deferred`] | VCI §9 |
//! | 19 the Issuer is told what became of it | [`notification`] | VCI §11 |
//! | 6-19 the high assurance profile, as a Wallet holds an Issuer to it | [`haip`] | HAIP §4 |
//! | 2-19 the drafts before 1.0, translated at the edge | [`legacy`] | |
//! | 5-8, 20 where in a credential a claim is | [`claims_path`] | VCI §B.3, VCI §C |
//! | 5-6, 15 which addresses may be asked | [`address`] | VCI §13.5 |
//! | 3, 20 a card's colours can be read | [`colour`] | VCI §12.2.4 |

pub mod access;
pub mod address;
pub mod attestation;
pub mod authorization;
mod claims;
pub mod claims_path;
pub mod client;
pub mod code;
pub mod colour;
pub mod credential;
pub mod deferred;
pub mod dpop;
pub mod encryption;
pub mod error;
pub mod external;
mod form;
pub mod grant;
pub mod haip;
pub mod introspection;
pub mod language;
pub mod legacy;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
mod parameters;
pub mod pkce;
pub mod proof;
pub mod provider;
pub mod refresh;
pub mod replay;
pub mod secret;
pub mod sender;
pub mod signed_metadata;
pub mod token;
