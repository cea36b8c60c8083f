//! Which draft is spoken with an issuer, if it is not 1.0, and what had to be excused.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oid4vci::credential::ReceivedCredentialResponse;
use oid4vci::encryption::{Body, ChosenEncryption, EncryptionError, ReceivedEncryption};
use oid4vci::legacy::Dialect;
use oid4vci::secret::TransactionId;
use url::Url;

use super::cover::RESPONSE_BYTES_MAX;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;

/// Where an offer does not say how long to wait between two Token Requests (draft 13, section 4.1.1).
const POLL_SECONDS: u64 = 5;
/// What `slow_down` adds.
const SLOWER_SECONDS: u64 = 5;
/// Longest that an issuer can make us wait before we ask again.
const POLL_SECONDS_MAX: u64 = 300;

/// How one issuer speaks, as long as a flow with it lasts; `None` is 1.0.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    pub(super) dialect: Option<Dialect>,
    heard: Arc<Mutex<Heard>>,
}

/// What was excused: a text of ours, or of the program that began the flow.
type Finding = Cow<'static, str>;

#[derive(Debug, Default)]
struct Heard {
    /// What the issuer speaks, once that is decided; and `None` inside is 1.0.
    decided: Option<Option<Dialect>>,
    findings: Vec<Finding>,
    /// For the next proof: drafts send it with other answers.
    nonce: Option<String>,
    /// How long to wait, when something was not ready.
    interval: Option<u64>,
    /// How much longer to wait between two Token Requests, as the issuer was asked too often.
    slowed: u64,
}

/// What is spoken with an issuer, and what was excused: to be asked for as long as a flow lasts, and after
/// it has failed.
#[derive(Clone, Debug)]
pub struct Dialogue(Spoken);

impl Dialogue {
    /// What the issuer speaks, where its metadata or answers have shown it; `None` inside is 1.0.
    #[must_use]
    pub fn decided(&self) -> Option<Option<Dialect>> {
        self.0.heard().decided
    }

    /// What had to be excused so far, for the people on the other side.
    #[must_use]
    pub fn findings(&self) -> Vec<Cow<'static, str>> {
        self.0.findings()
    }
}

impl Spoken {
    /// What others may know of it.
    pub(super) fn dialogue(&self) -> Dialogue {
        Dialogue(self.clone())
    }

    /// From here on it is known what is spoken.
    pub(super) fn decide(&mut self, dialect: Option<Dialect>) {
        self.dialect = dialect;
        self.heard().decided = Some(dialect);
    }

    pub(super) fn new(dialect: Option<Dialect>, findings: Vec<&'static str>) -> Self {
        let spoken = Self { dialect, heard: Arc::default() };
        spoken.excuse(findings);
        spoken
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what was excused, each thing once.
    pub(super) fn excuse<F: Into<Finding>>(&self, findings: Vec<F>) {
        let mut heard = self.heard();
        for finding in findings.into_iter().map(Into::into) {
            if !heard.findings.contains(&finding) {
                heard.findings.push(finding);
            }
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.heard().findings.clone()
    }

    /// The nonce that came last is the one for the next proof; an answer without one leaves it.
    pub(super) fn keep_nonce(&self, nonce: Option<String>) {
        if nonce.is_some() {
            self.heard().nonce = nonce;
        }
    }

    /// The nonce that came with another answer, where the draft has them there.
    pub(super) fn nonce(&self) -> Option<String> {
        let dialect = self.dialect.filter(|dialect| !dialect.has_nonce_endpoint());
        dialect.and_then(|_| self.heard().nonce.clone())
    }

    /// The same where the draft has another place for it, and the issuer has not.
    pub(super) fn misplaced_nonce(&self) -> Option<String> {
        self.heard().nonce.clone()
    }

    /// How messages are encrypted, chosen before the code is spent (CRED-15).
    pub(super) fn encryption(
        &self,
        theirs: &ReceivedEncryption,
    ) -> Result<ChosenEncryption, EncryptionError> {
        match self.dialect {
            None => theirs.choose(false),
            Some(_) => Dialect::choose_encryption(theirs),
        }
    }

    /// The same body, with the members that the draft has for the key of its answer.
    pub(super) fn write_encryption(&self, mut body: Body) -> Body {
        if let Some(dialect) = self.dialect {
            dialect.write_encryption(&mut body);
        }
        body
    }

    /// Reads a Credential Response, or what a Deferred Credential Endpoint gives.
    pub(super) fn read_response(&self, body: &[u8]) -> Option<ReceivedCredentialResponse> {
        let Some(dialect) = self.dialect else { return ReceivedCredentialResponse::parse(body) };
        let (response, nonce, findings) = dialect.read_credential_response(body)?;
        self.keep_nonce(nonce);
        self.excuse(findings);
        Some(response)
    }

    /// Reads an answer to a batch of so many requests.
    pub(super) fn read_batch_response(
        &self,
        body: &[u8],
        count: usize,
    ) -> Option<Vec<ReceivedCredentialResponse>> {
        let (responses, nonce, findings) = self.dialect?.read_batch_response(body, count)?;
        self.keep_nonce(nonce);
        self.excuse(findings);
        Some(responses)
    }

    /// What else a refusal says, in a draft.
    pub(super) fn hear_refusal(&self, body: &[u8]) {
        if self.dialect.is_some() {
            self.keep_nonce(Dialect::error_nonce(body));
            self.heard().interval = Dialect::error_interval(body);
        }
    }

    /// Whether a credential is only not ready.
    pub(super) fn is_not_ready(&self, refused: &Refused) -> bool {
        self.dialect.is_some() && refused.is("issuance_pending")
    }

    /// How long to wait for it, as the refusal said.
    pub(super) fn interval(&self) -> Option<u64> {
        self.heard().interval
    }

    /// Whether an answer that looks like success is none yet, as the first drafts have it.
    pub(super) fn is_pending(&self, body: &[u8]) -> bool {
        let findings = self.dialect.and_then(|dialect| dialect.read_pending(body));
        let is_pending = findings.is_some();
        self.excuse(findings.unwrap_or_default());
        is_pending
    }

    /// How long to wait before the same code is redeemed again, where `interval` is what its offer says;
    /// what the answer itself says counts more (draft 11, section 6.2). `None` where to wait does not
    /// help. Who was told to slow down waits five seconds longer from then on (draft 13, section 6.3).
    pub(super) fn hear_pending(&self, refused: &Refused, interval: Option<u64>) -> Option<u64> {
        let is_too_often = refused.is("slow_down");
        if self.dialect.is_none() || !is_too_often && !refused.is("authorization_pending") {
            return None;
        }
        let mut heard = self.heard();
        heard.slowed += if is_too_often { SLOWER_SECONDS } else { 0 };
        let interval = heard.interval.take().or(interval);
        let interval = interval.unwrap_or(POLL_SECONDS).clamp(1, POLL_SECONDS_MAX);
        Some(interval.saturating_add(heard.slowed).min(POLL_SECONDS_MAX))
    }

    /// Whether another proof can help: its nonce had died, and a fresh one came with the refusal.
    pub(super) fn may_prove_again(&self, refused: &Refused, used: Option<&str>) -> bool {
        let codes = ["invalid_proof", "invalid_or_missing_proof", "invalid_nonce"];
        let fresh = self.nonce();
        fresh.is_some() && fresh.as_deref() != used && codes.iter().any(|code| refused.is(code))
    }
}

/// How much of what an issuer speaks is excused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Drafts are spoken, and what can be excused is, and said.
    #[default]
    Lenient,
    /// Drafts are spoken, and nothing is excused: the first finding ends the flow.
    Draft,
    /// 1.0 alone is spoken, and nothing is excused.
    Final,
}

impl Wallet {
    /// Whether the owner wants to hear of it, and not to go on.
    pub(super) fn check_dialect(&self, spoken: &Spoken) -> Result<(), WalletError> {
        let (dialect, mut findings) = (spoken.dialect, spoken.findings().into_iter());
        match self.settings.strictness {
            Strictness::Lenient => Ok(()),
            Strictness::Draft => {
                let mistake = findings.find(|finding| !Dialect::is_remark(finding));
                mistake.map_or(Ok(()), |finding| Err(WalletError::Excusable { finding }))
            }
            Strictness::Final => match findings.next() {
                None if dialect.is_none() => Ok(()),
                finding => Err(WalletError::NotFinal { dialect, finding }),
            },
        }
    }

    /// Asks for what is still to come with the token that was given for that alone.
    pub(super) async fn ask_with_own_token(
        &self,
        endpoint: &Url,
        token: &TransactionId,
        spoken: &Spoken,
    ) -> Result<Vec<u8>, WalletError> {
        let request = Request::post(endpoint.clone())
            .header("accept", "application/json")
            .header("authorization", format!("BEARER {}", token.expose()));
        let answer = self.send(request.at_most(RESPONSE_BYTES_MAX)).await?;
        if matches!(answer.status, 200 | 202) {
            return Ok(answer.body);
        }
        spoken.hear_refusal(&answer.body);
        Err(WalletError::Refused(Refused::with_token(Question::Credential, &answer)))
    }
}
