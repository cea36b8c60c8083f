//! JWTs that are no credentials: attestations, proofs, signed metadata.

use formats::binding::Binding;
use formats::key_binding::{Shown, split};
use formats::{KeyReference, sd_jwt};
use keys::jws::{Jws, JwsError};
use keys::key_set::KeySet;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::{did, x509};
use serde_json::{Map, Value};

use super::report::{Voucher, counted};
use super::{Asked, Outcome, Report, Verdict, Verifier, claimed_issuer, issuer_rule};
use crate::status::entries_in;

/// Longest JWT that is verified.
pub(super) const BYTES_MAX: usize = 2 * 1024 * 1024;
const SIGNATURE: &str = "RFC 7515 §5.2";
const CONTENT: &str = "RFC 9901 §7.1";
const VALIDITY: &str = "RFC 7519 §4.1";

/// By what the key of a JWT is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// Somebody who is to be vouched for, and is named by this claim.
    Issuer(&'static str),
    /// Whoever has the key in the header: a proof of possession says nothing else.
    Holder,
    /// Whoever has the key of something that is not here, such as an attestation: it may be given.
    Elsewhere(&'static str),
}

impl Verifier {
    /// Checks signature and times; what the claims mean is for whoever they are meant for.
    pub async fn jwt(&self, text: &str, signed_by: SignedBy) -> Report {
        let mut report = Report::default();
        let jws = match Jws::parse_with_rsa(text, BYTES_MAX) {
            Ok(jws) => jws,
            Err(error) => {
                report.failed("form", "RFC 7519 §7.2", error.to_string());
                return report;
            }
        };
        let claims = match jws.claims() {
            Ok(claims) => claims,
            Err(error) => {
                report.failed("form", "RFC 7519 §7.2", error.to_string());
                return report;
            }
        };
        report.passed("form", "RFC 7519 §7.2", "a signed JWT");
        match signed_by {
            SignedBy::Issuer(name) => {
                let iss = claims.get(name).and_then(Value::as_str).map(str::to_owned);
                self.issued((&jws, &claims), iss, &mut report).await;
            }
            SignedBy::Holder => {
                possessed(text, jws.header(), &mut report);
                self.times(&claims, &mut report);
            }
            SignedBy::Elsewhere(why) => {
                self.elsewhere(&jws, why, &mut report);
                self.times(&claims, &mut report);
            }
        }
        report
    }

    /// Checks an SD-JWT that is no credential of a kind that is known: whose it is, what it discloses,
    /// its times, and what its holder added to show it.
    pub async fn sd_jwt(&self, text: &str, asked: Asked<'_>) -> Report {
        let mut report = Report::default();
        let (issued, key_binding) = split(text).unwrap_or((text, None));
        let (signed, disclosures) = issued.split_once('~').unwrap_or((issued, ""));
        let read = Jws::parse_with_rsa(signed, BYTES_MAX);
        let read = read.and_then(|jws| jws.claims().map(|claims| (jws, claims)));
        let (jws, payload) = match read {
            Ok(read) => read,
            Err(error) => {
                report.failed("form", "RFC 9901 §4", error.to_string());
                return report;
            }
        };
        report.passed("form", "RFC 9901 §4", "an SD-JWT");
        let disclosures: Vec<&str> = disclosures.split_terminator('~').collect();
        let processed = sd_jwt::process(payload.clone(), &disclosures);
        let iss = payload.get("iss").and_then(Value::as_str).map(str::to_owned);
        // Where it can be withheld, its end is what is disclosed (RFC 9901 §9.7).
        let claims = processed.as_ref().unwrap_or(&payload);
        self.issued((&jws, claims), iss, &mut report).await;
        match &processed {
            Ok(_) => {
                report.passed("content", CONTENT, counted(disclosures.len(), "disclosure"));
            }
            Err(error) => report.failed("content", CONTENT, error.to_string()),
        }
        let binding = Binding::from_claims(&payload);
        if let Err(error) = &binding {
            report.failed("binding", "RFC 7800 §3", error.to_string());
        }
        let is_signed = report
            .checks
            .iter()
            .any(|check| check.name == "signature" && check.outcome == Outcome::Passed);
        let is_good = is_signed && report.verdict() != Verdict::Failed;
        let shown = binding.as_ref().ok().filter(|_| is_good);
        let shown = shown.map(|binding| Shown { text: issued, binding: binding.as_ref() });
        self.shown((shown, key_binding), asked, &mut report).await;
        report
    }

    /// By the keys that were given, if any: whose they are, the user knows.
    fn elsewhere(&self, jws: &Jws, why: &str, report: &mut Report) {
        let Some(given) = &self.given_keys else {
            return report.skipped("signature", SIGNATURE, why);
        };
        let set = Map::from_iter([("keys".to_owned(), given.clone().into())]);
        match KeySet::from_value(&set).and_then(|set| set.verify(jws)) {
            Ok(()) => {
                report.passed("signature", SIGNATURE, "made by one of the given keys");
                report.voucher = Voucher::Holder;
            }
            Err(error) => report.failed("signature", SIGNATURE, error.to_string()),
        }
    }

    async fn issued(
        &self,
        (jws, claims): (&Jws, &Map<String, Value>),
        iss: Option<String>,
        report: &mut Report,
    ) {
        let header = jws.header();
        let Ok(x5c) = x509::x5c_from_header(header) else {
            return report.failed("issuer", "RFC 5280 §6.1", "x5c is no chain of certificates");
        };
        let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        let reference = KeyReference { x5c, kid, iss };
        report.issuer = claimed_issuer(&reference);
        let is_signed = self.signed(jws, &reference, report).await;
        self.times(claims, report);
        // Attestations can be revoked, too (VCI §D.1).
        if is_signed && claims.contains_key("status") {
            self.standing(entries_in(claims), &reference, report).await;
        }
    }

    /// Whether there is a key to check the signature with.
    async fn signed(&self, jws: &Jws, reference: &KeyReference, report: &mut Report) -> bool {
        // Servers sign with RSA, too, and a given set may have several keys without a name.
        if let (None, Some(given)) = (&reference.x5c, &self.given_keys) {
            let set = Map::from_iter([("keys".to_owned(), given.clone().into())]);
            match KeySet::from_value(&set).and_then(|set| set.verify(jws)) {
                Ok(()) => {
                    report.passed("signature", SIGNATURE, "made by one of the given keys");
                    report.voucher = Voucher::Trusted;
                }
                Err(error) => report.failed("signature", SIGNATURE, error.to_string()),
            }
            return true;
        }
        match self.signer(reference).await {
            Ok(signer) => {
                signature(Ok(jws), &signer.key, report);
                signer.record(report, issuer_rule(reference));
                true
            }
            Err(no_key) => {
                no_key.record(report, issuer_rule(reference));
                report.skipped("signature", SIGNATURE, "without the issuer's key");
                false
            }
        }
    }

    fn times(&self, claims: &Map<String, Value>, report: &mut Report) {
        let (Ok(begin), Ok(end)) = (date(claims, "nbf"), date(claims, "exp")) else {
            return report.failed("validity", VALIDITY, "exp or nbf is no number of seconds");
        };
        let now = self.clock.now();
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^52 seconds")]
        let seconds = now.0 as f64;
        let said = |name: &str| {
            let seconds = claims.get(name).and_then(Value::as_u64);
            seconds.map(|seconds| Timestamp(seconds).to_rfc3339()).unwrap_or_default()
        };
        if end.is_some_and(|end| seconds >= end) {
            report.failed("validity", VALIDITY, format!("it ended at {}", said("exp")));
        } else if begin.is_some_and(|begin| seconds < begin) {
            report.failed("validity", VALIDITY, format!("it begins at {}", said("nbf")));
        } else if end.is_some() {
            report.passed("validity", VALIDITY, format!("until {}", said("exp")));
        } else {
            report.skipped("validity", VALIDITY, "it says nothing of its end");
        }
    }
}

/// A date, which a JWT need not have; what is no number is none, and no reason to go on.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, ()> {
    claims.get(name).map(|date| date.as_f64().ok_or(())).transpose()
}

fn signature(jws: Result<&Jws, JwsError>, key: &PublicKey, report: &mut Report) {
    match jws.and_then(|jws| jws.verify(key)) {
        Ok(()) => report.passed("signature", SIGNATURE, "made by the key of its signer"),
        Err(error) => report.failed("signature", SIGNATURE, error.to_string()),
    }
}

/// The key stands in the header, as JWK or DID (VCI §F.1, RFC 9449 §4.3).
fn possessed(text: &str, header: &Map<String, Value>, report: &mut Report) {
    let by_did = || did::resolve(header.get("kid")?.as_str()?).ok();
    let key = match header.get("jwk") {
        Some(jwk) => PublicKey::from_jwk(jwk).ok(),
        None => by_did(),
    };
    match key {
        Some(key) => {
            // Wallets do not sign with RSA (VCI §F.1): of that nothing is read again.
            let jws = Jws::parse(text, BYTES_MAX);
            signature(jws.as_ref().map_err(|error| *error), &key, report);
            report.voucher = Voucher::Holder;
            report.skipped("issuer", "RFC 7800 §3", "a proof of possession has none");
        }
        None => report.failed("signature", SIGNATURE, "the header holds no key that can be used"),
    }
}
