//! Certificates by themselves (RFC 5280 §6.1).

use keys::x509::{self, Certificate, X509Error};

use super::report::{Voucher, counted};
use super::{Report, Verifier};

const CHAIN: &str = "RFC 5280 §6.1";
const VALIDITY: &str = "RFC 5280 §4.1.2.5";

impl Verifier {
    /// Checks a chain, the signer's certificate first, against the authorities that were given.
    #[must_use]
    pub fn certificates(&self, chain: &[Vec<u8>]) -> Report {
        let mut report = Report::default();
        let read: Result<Vec<_>, _> = chain.iter().map(|der| Certificate::from_der(der)).collect();
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                report.failed("form", CHAIN, error.to_string());
                return report;
            }
        };
        report.passed("form", CHAIN, counted(read.len(), "certificate"));
        report.issuer = read.first().and_then(|leaf| leaf.common_name.clone());
        self.lives(&read, &mut report);
        self.anchored(chain, &mut report);
        report.skipped("status", CHAIN, "lists of revoked certificates are not asked for");
        report
    }

    fn lives(&self, chain: &[Certificate], report: &mut Report) {
        let now = self.clock.now();
        let is_out = |one: &&Certificate| now < one.not_before || now > one.not_after;
        if let Some(one) = chain.iter().find(is_out) {
            let (begin, end) = (one.not_before.to_rfc3339(), one.not_after.to_rfc3339());
            report.failed("validity", VALIDITY, format!("one is good from {begin} to {end}"));
        } else {
            let end = chain.iter().map(|one| one.not_after).min().unwrap_or_default();
            report.passed("validity", VALIDITY, format!("until {}", end.to_rfc3339()));
        }
    }

    fn anchored(&self, chain: &[Vec<u8>], report: &mut Report) {
        let Some(anchors) = &self.settings.anchors else {
            return report.skipped("issuer", CHAIN, "no authority was given that could vouch");
        };
        match x509::verify_chain(chain, anchors, self.clock.now()) {
            Ok(_) => {
                report.voucher = Voucher::Trusted;
                report.passed("issuer", CHAIN, "a trusted authority vouches for it");
            }
            // A namesake of an authority is no more than one that nobody knows.
            Err(error @ (X509Error::NoAnchor | X509Error::SelfSigned | X509Error::BrokenChain)) => {
                report.skipped("issuer", CHAIN, error.to_string());
            }
            Err(error) => report.failed("issuer", CHAIN, error.to_string()),
        }
    }
}
