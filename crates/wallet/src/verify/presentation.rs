//! An SD-JWT as a holder shows it, to somebody who may have asked for it (RFC 9901 §7.3).

use formats::binding::Binding;
use formats::key_binding::{KeyBinding, KeyBindingError, Shown, VerifiedKeyBinding, split};
use keys::did;
use keys::did_document::{DidDocument, Relationship};
use keys::public_key::PublicKey;

use super::report::Voucher;
use super::{Report, Verifier};
use crate::error::WalletError;
use crate::http::HttpError;

/// The name of the check of who signed, and for what.
const KEY_BINDING: &str = "key_binding";
const RULE: &str = "RFC 9901 §7.3";
const CONTENT: &str = "RFC 9901 §4.3";
/// How long ago it may have been made: whoever judges a later time says so.
const AGE_SECONDS_MAX: u64 = 60 * 60;
/// Most of an audience that is told.
const AUDIENCE_CHARACTERS_MAX: usize = 200;

/// What was asked of whoever shows it: a key binding is needed where there is any of it, and never
/// because there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// What whoever asked calls itself.
    pub audience: Option<&'a str>,
    /// The nonce with which it asked.
    pub nonce: Option<&'a str>,
}

impl Asked<'_> {
    /// Whether anybody asked.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.audience.is_some() || self.nonce.is_some()
    }
}

/// Why there is no key of the holder's.
enum NoHolderKey {
    Unanswered { why: String, is_offline: bool },
    None(String),
}

impl Verifier {
    /// Checks a credential with what its holder added to show it; also where that is nothing.
    pub async fn presentation(&self, format: &str, text: &str, asked: Asked<'_>) -> Report {
        let (issued, key_binding) = split(text).unwrap_or((text, None));
        let (mut report, verified) = self.judged(format, issued).await;
        let shown = verified.as_ref().map(Shown::from);
        self.shown((shown, key_binding), asked, &mut report).await;
        report
    }

    /// What can be said of the key binding behind something, if that is good itself.
    pub(super) async fn shown(
        &self,
        (shown, key_binding): (Option<Shown<'_>>, Option<&str>),
        asked: Asked<'_>,
        report: &mut Report,
    ) {
        let Some(key_binding) = key_binding else {
            if asked.is_any() {
                report.failed(KEY_BINDING, RULE, KeyBindingError::Missing.to_string());
            }
            return;
        };
        let Some(shown) = shown else {
            return report.skipped(KEY_BINDING, RULE, "of what is not good anyway");
        };
        let Some(verified) = self.signed_by_holder(key_binding, shown, asked, report).await else {
            return;
        };
        let at = verified.issued_at().to_rfc3339();
        let found = format!("its holder signed for what is shown, at {at}");
        report.passed(KEY_BINDING, RULE, found);
        self.made_lately(&verified, asked, report);
        for_whom(&verified, asked, report);
    }

    async fn signed_by_holder(
        &self,
        key_binding: &str,
        shown: Shown<'_>,
        asked: Asked<'_>,
        report: &mut Report,
    ) -> Option<VerifiedKeyBinding> {
        let website = match shown.binding {
            Some(Binding::Kid(kid)) => Some(kid).filter(|kid| kid.starts_with("did:web:")),
            Some(Binding::Jwk(_)) | None => None,
        };
        let key = match website {
            None => None,
            Some(kid) => match self.website_of_holder(kid, report.voucher).await {
                Ok(key) => Some(key),
                Err(no_key) => {
                    no_key.record(asked, report);
                    return None;
                }
            },
        };
        let verified = KeyBinding::parse(key_binding).and_then(|key_binding| match key {
            Some(key) => key_binding.verify_by(&key, shown),
            None => key_binding.verify(shown),
        });
        verified.map_err(|error| report.failed(KEY_BINDING, RULE, error.to_string())).ok()
    }

    /// The key that a holder publishes. Only an issuer that is known is believed which website that is:
    /// to ask it would tell a stranger that somebody looks.
    async fn website_of_holder(
        &self,
        kid: &str,
        voucher: Voucher,
    ) -> Result<PublicKey, NoHolderKey> {
        let none = |why: &str| NoHolderKey::None(why.to_owned());
        let did = did::did_web_of_key(kid).ok_or_else(|| none("its holder's DID is none"))?;
        let website = did::website_of(did).ok_or_else(|| none("its holder's DID is none"))?;
        if voucher != Voucher::Trusted {
            return Err(none("of an issuer that nobody vouches for: its holder was not asked"));
        }
        let place = did::did_web_document(&website);
        let accept = "application/did+json, application/json";
        let answer = self.reader().read_document(place, accept).await;
        let answer = answer.map_err(|error| NoHolderKey::of(&error))?;
        let document = DidDocument::parse(&answer.body, did).ok().filter(|_| answer.status == 200);
        let key = document.and_then(|document| document.key(kid, Relationship::Authentication));
        key.ok_or_else(|| none("the document of its holder's DID has no such key"))
    }

    /// Not in the future, whoever asked; and lately, where somebody did.
    fn made_lately(&self, verified: &VerifiedKeyBinding, asked: Asked<'_>, report: &mut Report) {
        const NAME: &str = "freshness";
        let now = self.clock.now();
        let lately =
            || if asked.is_any() { verified.check_age(now, AGE_SECONDS_MAX) } else { Ok(()) };
        match verified.check_begun(now).and_then(|()| lately()) {
            Err(error) => report.failed(NAME, RULE, error.to_string()),
            Ok(()) if asked.is_any() => report.passed(NAME, RULE, "made within the last hour"),
            Ok(()) => {
                let why = "nobody said that it was asked for: how old it is was not judged";
                report.skipped(NAME, RULE, why);
            }
        }
    }
}

fn for_whom(verified: &VerifiedKeyBinding, asked: Asked<'_>, report: &mut Report) {
    let audience: String = verified.audience().chars().take(AUDIENCE_CHARACTERS_MAX).collect();
    match asked.audience.map(|expected| verified.check_audience(expected)) {
        Some(Ok(())) => report.passed("audience", CONTENT, format!("made for {audience}")),
        Some(Err(error)) => {
            report.failed("audience", CONTENT, format!("{error}: {audience}"));
        }
        None => {
            let why = format!("made for {audience}: nobody said whether that is right");
            report.skipped("audience", CONTENT, why);
        }
    }
    match asked.nonce.map(|expected| verified.check_nonce(expected)) {
        Some(Ok(())) => report.passed("nonce", CONTENT, "the one that was asked with"),
        Some(Err(error)) => report.failed("nonce", CONTENT, error.to_string()),
        None => {
            let why =
                "nobody said with which nonce it was asked for: it may have been shown before";
            report.skipped("nonce", CONTENT, why);
        }
    }
}

impl NoHolderKey {
    fn of(error: &WalletError) -> Self {
        let is_offline = matches!(error, WalletError::Network { cause: HttpError::NoNetwork, .. });
        Self::Unanswered { why: error.to_string(), is_offline }
    }

    /// Whoever needs a key binding has none that could not be verified.
    fn record(self, asked: Asked<'_>, report: &mut Report) {
        let why = match self {
            Self::None(why) => why,
            Self::Unanswered { why, is_offline } => {
                report.is_unanswered |= !is_offline;
                why
            }
        };
        if asked.is_any() && !report.is_unanswered {
            report.failed(KEY_BINDING, RULE, why);
        } else {
            report.skipped(KEY_BINDING, RULE, why);
        }
    }
}
