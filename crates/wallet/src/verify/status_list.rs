//! A status list by itself: whose it is, and whether it is good now.

use formats::status_list::StatusListError;
use formats::status_list::token::{self, TokenFormat};

use super::{Report, Verifier, claimed_issuer, issuer_rule};

impl Verifier {
    /// Checks a list; that it lies where it says it is, only whoever fetched it knows.
    pub async fn status_list(&self, format: TokenFormat, token: &[u8]) -> Report {
        let mut report = Report::default();
        let (form, signature) = match format {
            TokenFormat::Jwt => ("TSL §5.1", "RFC 7515 §5.2"),
            TokenFormat::Cwt => ("TSL §5.2", "RFC 9052 §4.4"),
        };
        let list = match token::parse(format, token) {
            Ok(list) => list,
            Err(error) => {
                report.failed("form", form, error.to_string());
                return report;
            }
        };
        report.passed("form", form, format.media_type());
        let reference = list.key_reference();
        report.issuer = claimed_issuer(&reference);
        let signer = match self.signer(&reference).await {
            Ok(signer) => signer,
            Err(no_key) => {
                no_key.record(&mut report, issuer_rule(&reference));
                report.skipped("signature", signature, "without the issuer's key");
                return report;
            }
        };
        let uri = list.claims().sub.clone();
        match list.verify(&signer.key, &uri, self.clock.now()) {
            Ok(_) => {
                report.passed("signature", signature, "made by the key that it refers to");
                report.passed("validity", "TSL §8.3", format!("the list at {uri}"));
            }
            Err(StatusListError::WrongSignature) => {
                let wrong = StatusListError::WrongSignature;
                report.failed("signature", signature, wrong.to_string());
            }
            Err(error) => {
                report.passed("signature", signature, "made by the key that it refers to");
                report.failed("validity", "TSL §8.3", error.to_string());
            }
        }
        signer.record(&mut report, issuer_rule(&reference));
        report
    }
}
