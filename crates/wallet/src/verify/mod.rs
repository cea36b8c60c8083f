//! A verifier that holds nothing: what can be said of something signed, check by check.
//!
//! Whose a key is follows the rules of the wallet ([`crate::trust`]), with what the thing names
//! itself in place of the issuer that a holder agreed to.

use std::sync::Arc;

use formats::KeyReference;
use keys::did;
use keys::outside::Clock;
use keys::public_key::PublicKey;
use keys::x509::Certificate;
use oid4vci::metadata::parse_identifier;
use serde_json::Value;

use crate::Settings;
use crate::error::WalletError;
use crate::http::{Http, HttpError};
use crate::reader::Reader;
use crate::store::Trust;
use crate::trust::{Doubt, IssuerKey, VerificationError, did_key, is_key, pick};

mod certificates;
mod credential;
mod document;
mod jwt;
mod presentation;
mod report;
mod response;
mod status_list;
mod type_metadata;

pub use jwt::SignedBy;
pub use presentation::Asked;
use report::Voucher;
pub use report::{Check, Outcome, Report, Verdict};

/// What it looks things up with, and what its user says.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The way to the network, or [`crate::http::NoNetwork`].
    pub http: Arc<dyn Http>,
    /// The time at which everything is judged.
    pub clock: Arc<dyn Clock>,
    /// Anchors, and whether plain `http` to this machine is allowed.
    pub settings: Settings,
    /// Keys that the user says are the issuer's.
    pub given_keys: Option<Vec<Value>>,
    /// The status list that the user has, in place of the one that would be fetched.
    pub status_list: Option<Vec<u8>>,
    /// Whether the clock tells the present: lists that are fetched tell of nothing else (TSL §8.4).
    pub is_now: bool,
    /// Whether the user does without a status, also where there is one.
    pub without_status: bool,
}

/// The key to verify with, and what vouches for its owner.
struct Signer {
    key: PublicKey,
    vouched: Result<String, String>,
    /// Whether a website vouches, whose word does not count beside authorities.
    is_published: bool,
}

/// Why there is no key to verify with.
enum NoKey {
    /// Nobody could be asked.
    Unanswered { why: String, is_offline: bool },
    /// There is none, or it is of no use.
    None(String),
}

impl Verifier {
    fn reader(&self) -> Reader<'_> {
        Reader {
            http: &*self.http,
            clock: &*self.clock,
            settings: &self.settings,
            given_keys: self.given_keys.as_deref(),
        }
    }

    /// Finds the key, and whether it is that of the issuer that is named.
    async fn signer(&self, reference: &KeyReference) -> Result<Signer, NoKey> {
        let issuer = named_issuer(reference);
        if let Some(given) = &self.given_keys {
            return self.given_signer(given, reference, &issuer);
        }
        let IssuerKey { key, tie } = self
            .reader()
            .issuer_key(reference, &issuer)
            .await
            .map_err(|error| NoKey::of(&error))?;
        let by_website = matches!(tie, Ok(Trust::IssuerMetadata));
        let is_published = by_website && self.settings.anchors.is_some();
        let vouched = match tie {
            Ok(Trust::Anchor { subject }) => {
                Ok(format!("a trusted authority vouches for {}", subject.unwrap_or_default()))
            }
            // Whoever names an authority wants no website's word in its place.
            Ok(Trust::IssuerMetadata | Trust::Accepted) if self.settings.anchors.is_some() => Err(
                format!("{issuer} publishes the key that signed, but no given authority vouches"),
            ),
            Ok(Trust::IssuerMetadata | Trust::Accepted) => {
                Ok(format!("{issuer} publishes the key that signed"))
            }
            Err(doubt) => Err(doubted(doubt).to_owned()),
        };
        Ok(Signer { key, vouched, is_published })
    }

    /// The user's word counts, and that of an anchor.
    fn given_signer(
        &self,
        given: &[Value],
        reference: &KeyReference,
        issuer: &str,
    ) -> Result<Signer, NoKey> {
        let (iss, kid) = (reference.iss.as_deref(), reference.kid.as_deref());
        let no_kid = || NoKey::None("none of the given keys has its kid".to_owned());
        let is_did = [iss, kid].into_iter().flatten().any(|name| name.starts_with("did:"));
        let (key, is_anchored) = match &reference.x5c {
            Some(chain) => {
                let found = self.reader().certified_key(chain, iss, issuer);
                let found = found.map_err(|error| NoKey::of(&error.into()))?;
                (found.key, found.tie.is_ok())
            }
            // A JWK is named by what stands behind the DID.
            None if iss.is_some_and(|iss| iss.starts_with("did:web:")) => {
                let kid = kid.map(|kid| kid.rsplit('#').next().unwrap_or(kid));
                (pick(given, kid).ok_or_else(no_kid)?, false)
            }
            None if is_did => {
                let key = did_key(iss, kid).map_err(|error| NoKey::of(&error.into()))?;
                (key, false)
            }
            None => (pick(given, kid).ok_or_else(no_kid)?, false),
        };
        let vouched = if given.iter().any(|jwk| is_key(jwk, &key)) {
            Ok("the key that signed is among the given ones".to_owned())
        } else if is_anchored {
            Ok("a trusted authority vouches for the certificate".to_owned())
        } else {
            Err("the key that signed is none of the given ones".to_owned())
        };
        Ok(Signer { key, vouched, is_published: false })
    }
}

impl NoKey {
    fn of(error: &WalletError) -> Self {
        let is_offline = matches!(error, WalletError::Network { cause: HttpError::NoNetwork, .. });
        if matches!(error, WalletError::Network { .. } | WalletError::Refused(_)) {
            return Self::Unanswered { why: error.to_string(), is_offline };
        }
        if *error == WalletError::NotVerified(VerificationError::OtherIssuer) {
            return Self::None("its issuer is no https address and no DID".to_owned());
        }
        Self::None(error.to_string())
    }

    fn record(self, report: &mut Report, rule: &'static str) {
        match self {
            Self::None(why) => report.failed("issuer", rule, why),
            Self::Unanswered { why, is_offline } => {
                report.is_unanswered = !is_offline;
                report.skipped("issuer", rule, why);
            }
        }
    }
}

impl Signer {
    fn record(&self, report: &mut Report, rule: &'static str) {
        match &self.vouched {
            Ok(by) => {
                report.voucher = Voucher::Trusted;
                report.passed("issuer", rule, by.clone());
            }
            Err(doubt) => {
                report.is_published = self.is_published;
                report.skipped("issuer", rule, doubt.clone());
            }
        }
    }
}

/// Where the rule is by which a key is found.
const fn issuer_rule(reference: &KeyReference) -> &'static str {
    if reference.x5c.is_some() { "RFC 5280 §6.1" } else { "VCI §14.4" }
}

/// Whom it names as its issuer: `iss`, or what its certificate is for. A did:web is its website;
/// any other DID stands for itself, and nothing that is published can tie it to anybody.
fn named_issuer(reference: &KeyReference) -> String {
    if let Some(iss) = &reference.iss {
        if let Some(website) = did::website_of(iss).filter(|_| reference.x5c.is_none()) {
            return website.as_str().trim_end_matches('/').to_owned();
        }
        let is_bare_did = reference.x5c.is_none() && parse_identifier(iss).is_none();
        return if is_bare_did { String::new() } else { iss.clone() };
    }
    let leaf = reference.x5c.as_ref().and_then(|chain| chain.first());
    let Some(Ok(leaf)) = leaf.map(|leaf| Certificate::from_der(leaf)) else {
        return String::new();
    };
    let by_name = || leaf.dns_names.first().map(|name| format!("https://{name}"));
    leaf.uris.first().cloned().or_else(by_name).unwrap_or_default()
}

/// What is told of whom it names: a bare DID, too, stands for somebody.
fn claimed_issuer(reference: &KeyReference) -> Option<String> {
    let named = reference.iss.clone().or_else(|| Some(named_issuer(reference)));
    named.filter(|issuer| !issuer.is_empty())
}

const fn doubted(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::UnknownAuthority => "its certificate comes from no authority that is trusted here",
        Doubt::OtherIssuer => "its certificate is for somebody else than it names as its issuer",
        Doubt::UntiedDid => "nothing shows whose the DID is that signed it",
        Doubt::OtherPurpose => "its certificate is for something else than to sign mdocs",
        Doubt::OtherCountry => "its certificate is of another country than itself",
    }
}
