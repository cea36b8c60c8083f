//! JWTs that are no credentials: attestations, proofs, signed metadata.

use formats::KeyReference;
use keys::jws::Jws;
use keys::key_set::KeySet;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::{did, x509};
use serde_json::{Map, Value};

use super::{Report, Verifier, issuer_rule};

/// Longest JWT that is verified.
const BYTES_MAX: usize = 2 * 1024 * 1024;
const SIGNATURE: &str = "RFC 7515 §5.2";
const VALIDITY: &str = "RFC 7519 §4.1";

/// By what the key of a JWT is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// Somebody who is to be vouched for, and is named by this claim.
    Issuer(&'static str),
    /// Whoever has the key in the header: a proof of possession says nothing else.
    Holder,
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
                self.issued(text, &jws, iss, &mut report).await;
            }
            SignedBy::Holder => possessed(text, jws.header(), &mut report),
        }
        self.times(&claims, &mut report);
        report
    }

    async fn issued(&self, text: &str, jws: &Jws, iss: Option<String>, report: &mut Report) {
        let header = jws.header();
        let Ok(x5c) = x509::x5c_from_header(header) else {
            return report.failed("issuer", "RFC 5280 §6.1", "x5c is no chain of certificates");
        };
        let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        // Servers sign with RSA, too, and a given set may have several keys without a name.
        if let (None, Some(given)) = (&x5c, &self.given_keys) {
            let set = Map::from_iter([("keys".to_owned(), given.clone().into())]);
            let verified = KeySet::from_value(&set).and_then(|set| set.verify(jws));
            return match verified {
                Ok(()) => {
                    report.passed("signature", SIGNATURE, "made by one of the given keys");
                    report.is_vouched = true;
                }
                Err(error) => report.failed("signature", SIGNATURE, error.to_string()),
            };
        }
        let reference = KeyReference { x5c, kid, iss };
        match self.signer(&reference).await {
            Ok(signer) => {
                signature(text, &signer.key, report);
                signer.record(report, issuer_rule(&reference));
            }
            Err(no_key) => {
                no_key.record(report, issuer_rule(&reference));
                report.skipped("signature", SIGNATURE, "without the issuer's key");
            }
        }
    }

    fn times(&self, claims: &Map<String, Value>, report: &mut Report) {
        let date = |name: &str| claims.get(name).and_then(Value::as_f64);
        let now = self.clock.now();
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^52 seconds")]
        let seconds = now.0 as f64;
        let said = |name: &str| {
            let seconds = claims.get(name).and_then(Value::as_u64);
            seconds.map(|seconds| Timestamp(seconds).to_rfc3339()).unwrap_or_default()
        };
        if date("exp").is_some_and(|exp| seconds >= exp) {
            report.failed("validity", VALIDITY, format!("it ended at {}", said("exp")));
        } else if date("nbf").is_some_and(|nbf| seconds < nbf) {
            report.failed("validity", VALIDITY, format!("it begins at {}", said("nbf")));
        } else if claims.contains_key("exp") {
            report.passed("validity", VALIDITY, format!("until {}", said("exp")));
        } else {
            report.skipped("validity", VALIDITY, "it says nothing of its end");
        }
    }
}

fn signature(text: &str, key: &PublicKey, report: &mut Report) {
    match Jws::parse(text, BYTES_MAX).and_then(|jws| jws.verify(key)) {
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
            signature(text, &key, report);
            report.is_vouched = true;
            report.skipped("issuer", "RFC 7800 §3", "a proof of possession has none");
        }
        None => report.failed("signature", SIGNATURE, "the header holds no key that can be used"),
    }
}
