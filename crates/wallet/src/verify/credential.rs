//! Credentials of all formats.

use std::sync::Arc;

use formats::status_list::Status;
use formats::verified::{Format, Verified};
use formats::{FormatError, KeyReference, jwt_vc_json, ldp_vc, mso_mdoc, vc_jose};
use keys::outside::Timestamp;
use url::Url;

use super::report::Voucher;
use super::{Report, Verdict, Verifier, claimed_issuer, doubted, issuer_rule, named_issuer};
use crate::error::WalletError;
use crate::flow::host;
use crate::flow::offer::Consent;
use crate::http::HttpError;
use crate::status::{
    Entry, FetchedList, KnownStatus, Listed, StatusFault, entries, form, together, word,
};
use crate::trust::document_signer;

const BY_ITS_KEY: &str = "made by the key that it refers to";

/// Where the rules of a format are.
struct Rules {
    form: &'static str,
    signature: &'static str,
    content: &'static str,
    validity: &'static str,
}

impl Rules {
    fn of(format: &str) -> Self {
        match format {
            mso_mdoc::FORMAT => Self {
                form: "VCI §A.2",
                signature: "RFC 9052 §4.4",
                content: "ISO 18013-5 §9.3.1",
                validity: "ISO 18013-5 §9.3.1",
            },
            jwt_vc_json::FORMAT => Self {
                form: "VCI §A.1.1",
                signature: "RFC 7515 §5.2",
                content: "VCI §A.1.1",
                validity: "RFC 7519 §4.1",
            },
            jwt_vc_json::LD_FORMAT => Self { form: "VCI §A.1.3", ..Self::of(jwt_vc_json::FORMAT) },
            vc_jose::FORMAT => Self {
                form: "VC-JOSE-COSE §3.1.1",
                signature: "RFC 7515 §5.2",
                content: "VCDM 2.0 §4",
                validity: "VCDM 2.0 §4.9",
            },
            vc_jose::SD_FORMAT => Self {
                form: "VC-JOSE-COSE §3.2.1",
                signature: "RFC 7515 §5.2",
                content: "RFC 9901 §7.1",
                validity: "VCDM 2.0 §4.9",
            },
            ldp_vc::FORMAT => Self {
                form: "VCI §A.1.2",
                signature: "VC Data Integrity §4.4",
                content: "VCDM 2.0 §4",
                validity: "VCDM 2.0 §4.9",
            },
            _ => Self {
                form: "VCI §A.3",
                signature: "RFC 7515 §5.2",
                content: "RFC 9901 §7.1",
                validity: "RFC 7519 §4.1",
            },
        }
    }
}

impl Verifier {
    /// Checks a credential as its issuer sent it: what a holder adds to show it is to be left out.
    pub async fn credential(&self, format: &str, raw: &str) -> Report {
        self.judged(format, raw).await.0
    }

    /// The same, and what it says if that can be relied on but for its type and its status.
    pub(super) async fn judged(&self, format: &str, raw: &str) -> (Report, Option<Verified>) {
        let (mut report, rules) = (Report::default(), Rules::of(format));
        let credential = match formats::parse_raw(format, raw) {
            Ok(credential) => credential.with_contexts(&self.settings.contexts),
            Err(error) => {
                report.failed("form", rules.form, error.to_string());
                return (report, None);
            }
        };
        report.passed("form", rules.form, format);
        let reference = credential.key_reference();
        report.issuer = claimed_issuer(&reference);
        let signer = match self.signer(&reference).await {
            Ok(signer) => signer,
            Err(no_key) => {
                no_key.record(&mut report, issuer_rule(&reference));
                report.skipped("signature", rules.signature, "without the issuer's key");
                return (report, None);
            }
        };
        let status = entries(&credential);
        let names_itself = credential.names_itself();
        let verified = credential.verify(&signer.key, self.clock.now());
        match &verified {
            Ok(_) if names_itself => {
                report.passed("signature", rules.signature, BY_ITS_KEY);
                let why = "its own context says what its names mean: they may have been exchanged";
                report.failed("content", rules.content, why);
            }
            Ok(verified) => {
                says(verified, &rules, &mut report);
                match document_signer::check(&reference, verified) {
                    Some(Ok(())) => {
                        let found = "its certificate may sign this mdoc";
                        report.passed("signer", rules.content, found);
                    }
                    Some(Err(doubt)) => report.failed("signer", rules.content, doubted(doubt)),
                    None => {}
                }
            }
            Err(error) => refused(*error, &rules, &mut report),
        }
        signer.record(&mut report, issuer_rule(&reference));
        let verified = verified.ok();
        if verified.as_ref().is_some_and(|verified| verified.format == Format::SdJwtVc) {
            self.check_type(raw, &mut report).await;
        }
        self.standing(status, &reference, &mut report).await;
        (report, verified)
    }

    /// How it stands by what it says of its status itself.
    pub(super) async fn standing(
        &self,
        status: Result<Vec<Entry>, StatusFault>,
        signer: &KeyReference,
        report: &mut Report,
    ) {
        if report.has_failed() {
            return report.skipped("status", "TSL §8.3", "of what is not good anyway");
        }
        match status {
            Ok(entries) if entries.is_empty() => {
                report.skipped("status", "TSL §6.1", "it has none: it cannot be revoked");
            }
            _ if self.without_status => {
                report.skipped("status", "TSL §8.3", "it has one, which was not to be looked at");
            }
            Err(fault) => report.failed("status", "TSL §6.1", fault.to_string()),
            Ok(entries) => self.check_status(&entries, signer, report).await,
        }
    }

    async fn check_status(&self, entries: &[Entry], signer: &KeyReference, report: &mut Report) {
        let Some(first) = entries.first() else { return };
        if self.status_list.is_none() && !self.is_now {
            let why = "a list that is fetched tells of now alone: give the one of that time";
            report.is_status_unknown = true;
            return report.skipped("status", "TSL §8.4", why);
        }
        // Whoever made it chose the host: to ask there would tell a stranger that somebody looks.
        if self.status_list.is_none() && report.voucher != Voucher::Trusted {
            let why = "of an issuer that nobody vouches for: the host that it names was not asked";
            report.is_status_unknown = true;
            return report.skipped("status", first.rule(), why);
        }
        let issuer = &named_issuer(signer);
        let mut heard = Vec::new();
        for entry in entries {
            heard.push(self.ask(Listed { entry, signer, issuer }).await);
        }
        let rule = first.rule();
        match together(heard) {
            Some(Ok(known)) => {
                let status = known.status();
                let idx = first.index();
                let of = format!("as of {}, entry {idx}", known.listed_at.to_rfc3339());
                let found = format!("{}, {of}", word(Some(status)));
                if status == Status::Valid {
                    report.passed("status", rule, found);
                } else {
                    report.failed("status", rule, found);
                }
            }
            Some(Err(fault)) if fault.is_silence() => {
                if is_offline(&fault) {
                    report.is_status_unknown = true;
                } else {
                    report.is_unanswered = true;
                }
                report.skipped("status", rule, format!("unknown: {fault}"));
            }
            Some(Err(fault)) => report.failed("status", rule, format!("unknown: {fault}")),
            None => {}
        }
    }

    async fn ask(&self, listed: Listed<'_>) -> Result<KnownStatus, StatusFault> {
        let list = self.list(listed.entry).await?;
        self.reader().status(listed, &list, None).await
    }

    /// The given list, or the one that lies where the credential says: whoever asks for its status
    /// agrees to that host.
    async fn list(&self, entry: &Entry) -> Result<Arc<FetchedList>, StatusFault> {
        if let Some(token) = &self.status_list {
            let (format, fetched_at) = (form(token), self.clock.now());
            return Ok(Arc::new(FetchedList { format, token: token.clone(), fetched_at }));
        }
        let reader = self.reader();
        let uri = entry.uri();
        let host = Url::parse(uri).map(|url| host(&url)).unwrap_or_default();
        let url = reader.list_address(uri, &Consent::to(&host))?;
        reader.fetch_list(url, entry).await.map(Arc::new)
    }
}

fn is_offline(fault: &StatusFault) -> bool {
    let offline = |error: &WalletError| {
        matches!(error, WalletError::Network { cause: HttpError::NoNetwork, .. })
    };
    matches!(fault, StatusFault::NotAsked(error) if offline(error))
}

fn says(verified: &Verified, rules: &Rules, report: &mut Report) {
    report.passed("signature", rules.signature, BY_ITS_KEY);
    report.passed("content", rules.content, verified.types.join(", "));
    let until = verified.expires_at.map(Timestamp::to_rfc3339);
    let until = until.map_or_else(|| "without an end".to_owned(), |end| format!("until {end}"));
    report.passed("validity", rules.validity, until);
}

/// Checks are made in an order; what comes after the first that fails is not known.
fn refused(error: FormatError, rules: &Rules, report: &mut Report) {
    let is_of_signature = matches!(
        error,
        FormatError::WrongSignature | FormatError::Header(_) | FormatError::Signature(_)
    );
    // What is signed of linked data is found before anybody can look whether it is.
    let is_before_signature = matches!(
        error,
        FormatError::UnsupportedProof
            | FormatError::MissingProof
            | FormatError::Uncanonical
            | FormatError::UndefinedTerm
            | FormatError::OtherNames
            | FormatError::TooIntricate
            | FormatError::OtherContexts
            | FormatError::UnknownContext
    );
    let is_of_time = matches!(
        error,
        FormatError::Expired
            | FormatError::NotYetValid
            | FormatError::ProofExpired
            | FormatError::ProofInFuture
            | FormatError::SignedOutsideLife
    );
    if is_of_signature {
        return report.failed("signature", rules.signature, error.to_string());
    }
    if is_before_signature {
        report.skipped("signature", rules.signature, "what would be signed cannot be told");
        return report.failed("content", rules.content, error.to_string());
    }
    report.passed("signature", rules.signature, BY_ITS_KEY);
    if is_of_time {
        report.failed("validity", rules.validity, error.to_string());
    } else {
        report.failed("content", rules.content, error.to_string());
    }
}

impl Report {
    fn has_failed(&self) -> bool {
        self.verdict() == Verdict::Failed
    }
}
