//! Mdocs as a device shows them.

use formats::mso_mdoc::{self, ShownMdoc};

use super::{Report, Verifier};

impl Verifier {
    /// Checks what the issuers of all of them signed; what the device signed is over a session that is
    /// not here.
    pub async fn device_response(&self, documents: &[ShownMdoc]) -> Report {
        const DEVICE: &str = "ISO 18013-5 §9.1.3";
        const CONTENT: &str = "ISO 18013-5 §9.3.1";
        let mut reports = Vec::new();
        for document in documents {
            let (mut report, verified) =
                self.judged(mso_mdoc::FORMAT, &document.issuer_signed).await;
            let is_other = |types: &[String]| types.first() != Some(&document.doc_type);
            if verified.is_some_and(|verified| is_other(&verified.types)) {
                report.failed("content", CONTENT, "the response calls it by another type");
            }
            let why = if document.is_signed_by_device {
                "signed for a session that whoever asked for it knows alone"
            } else {
                "the device has signed nothing: whoever shows it proves no key"
            };
            report.skipped("device", DEVICE, why);
            reports.push(report);
        }
        let together = reports.into_iter().reduce(Report::and);
        together.unwrap_or_else(|| {
            let mut empty = Report::default();
            empty.failed("form", CONTENT, "there is no mdoc in it");
            empty
        })
    }
}
