//! Whether a credential is what its type says.

use formats::type_metadata::{Chain, check};
use url::Url;

use super::report::Voucher;
use super::{Report, Verifier};
use crate::error::WalletError;
use crate::http::HttpError;
use crate::type_metadata::{Described, Unknown};

/// The name of the check.
const TYPE: &str = "type";

impl Verifier {
    /// Checks an SD-JWT VC whose signature is right. To verify one of an issuer that is known is to ask
    /// where its type is described; that nobody describes it says nothing against it, unless it says
    /// that somebody does.
    pub(super) async fn check_type(&self, raw: &str, report: &mut Report) {
        const RULE: &str = "SD-JWT VC §9";
        let Some((chain, is_pinned)) = Chain::of_credential(raw) else { return };
        if report.voucher != Voucher::Trusted {
            return report.skipped(TYPE, RULE, "of an issuer that nobody vouches for");
        }
        let anywhere = |_: &Url| Ok(());
        match self.reader().type_metadata(chain, anywhere).await {
            Ok(Described { metadata, .. }) => match check(&metadata, raw) {
                Ok(()) => {
                    let name = metadata.name.unwrap_or(metadata.vct);
                    report.passed(TYPE, RULE, format!("as its type says: {name}"));
                }
                Err(fault) => report.failed(TYPE, RULE, fault.to_string()),
            },
            Err(Unknown::Fault(fault)) => report.failed(TYPE, RULE, fault.to_string()),
            Err(Unknown::NoAddress) => {
                report.skipped(TYPE, RULE, "its name leads nowhere: no https: address");
            }
            Err(Unknown::Nothing { host }) => {
                report.is_unanswered |= is_pinned;
                report.skipped(TYPE, RULE, format!("nothing describes it at {host}"));
            }
            Err(Unknown::Unanswered(error)) => {
                report.is_unanswered |= is_pinned && !is_offline(&error);
                report.skipped(TYPE, RULE, format!("not described: {error}"));
            }
        }
    }
}

const fn is_offline(error: &WalletError) -> bool {
    matches!(error, WalletError::Network { cause: HttpError::NoNetwork, .. })
}
