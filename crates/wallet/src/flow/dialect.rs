//! Which draft is spoken with an issuer, if it is not 1.0, and what had to be excused.

use std::borrow::Cow;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oid4vci::credential::ReceivedCredentialResponse;
use oid4vci::encryption::{Body, ChosenEncryption, EncryptionError, ReceivedEncryption};
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{
    AUTHORIZATION_SERVER, MetadataError, ReceivedIssuerMetadata, ReceivedServerMetadata,
};
use oid4vci::offer::ReceivedOffer;
use oid4vci::secret::TransactionId;
use url::Url;

use super::cover::RESPONSE_BYTES_MAX;
use super::signed_metadata::Document;
use super::sources::{InPlaceOfServer, Sources, Understood};
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;

/// Where OpenID Connect has what RFC 8414 has elsewhere.
const OPENID_CONFIGURATION: &str = "openid-configuration";

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
    findings: Vec<Finding>,
    /// For the next proof: drafts send it with other answers.
    nonce: Option<String>,
    /// How long to wait, when something was not ready.
    interval: Option<u64>,
    /// How much longer to wait between two Token Requests, as the issuer was asked too often.
    slowed: u64,
}

impl Spoken {
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

    /// How long to wait before the same code is redeemed again, where `interval` is what its offer says:
    /// `None` where to wait does not help. Who was told to slow down waits five seconds longer from then
    /// on (draft 13, section 6.3).
    pub(super) fn hear_pending(&self, refused: &Refused, interval: Option<u64>) -> Option<u64> {
        let is_too_often = refused.is("slow_down");
        if self.dialect.is_none() || !is_too_often && !refused.is("authorization_pending") {
            return None;
        }
        let mut heard = self.heard();
        heard.slowed += if is_too_often { SLOWER_SECONDS } else { 0 };
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

impl Wallet {
    /// Whether the owner wants to hear of it, and not to go on.
    pub(super) fn check_dialect(&self, spoken: &Spoken) -> Result<(), WalletError> {
        let finding = spoken.findings().into_iter().next();
        let is_final = spoken.dialect.is_none() && finding.is_none();
        if !self.settings.is_strict || is_final {
            return Ok(());
        }
        Err(WalletError::NotFinal { dialect: spoken.dialect, finding })
    }
}

impl Wallet {
    /// Reads what the issuer of an offer publishes, and decides what it speaks. What is offered gets
    /// the names that the metadata have for it.
    pub(super) async fn understand(
        &self,
        offer: &mut ReceivedOffer,
        spoken: &mut Spoken,
    ) -> Result<(Sources, Understood), WalletError> {
        let id = &offer.credential_issuer;
        let document = match self.issuer_document(id).await {
            Err(WalletError::Refused(refused)) => self.older_document(id, spoken, refused).await?,
            answer => answer?,
        };
        let sources = Sources::new(offer, spoken.dialect, document)?;
        let mut understood = sources.read()?;
        offer.credential_configuration_ids.clone_from(&understood.ids);
        spoken.dialect = understood.dialect;
        spoken.excuse(mem::take(&mut understood.findings));
        self.check_dialect(spoken)?;
        Ok((sources, understood))
    }

    /// In some drafts the server's metadata say what an issuer issues; in the others older issuers
    /// still have it there.
    async fn older_document(
        &self,
        id: &str,
        spoken: &Spoken,
        refused: Refused,
    ) -> Result<Document, WalletError> {
        let Some(dialect) = spoken.dialect.filter(|_| refused.status == 404) else {
            return Err(WalletError::Refused(refused));
        };
        for name in [OPENID_CONFIGURATION, AUTHORIZATION_SERVER] {
            let document = self.reader().document(id, name, Question::Metadata).await;
            if let Ok(document) = document {
                spoken.excuse(dialect.finding_of_one_metadata().into_iter().collect());
                return Ok(Document::Plain(document));
            }
        }
        Err(WalletError::Refused(refused))
    }

    /// The same when the flow is over and it is known what is spoken.
    pub(super) async fn issuer_metadata(
        &self,
        id: &str,
        dialect: Option<Dialect>,
    ) -> Result<ReceivedIssuerMetadata, WalletError> {
        let spoken = Spoken::new(dialect, Vec::new());
        let document = match self.issuer_document(id).await {
            Err(WalletError::Refused(refused)) => self.older_document(id, &spoken, refused).await?,
            answer => answer?,
        };
        match (document, dialect) {
            (Document::Plain(body), Some(_)) => {
                Ok(Dialect::read_metadata(&body, id, dialect, &mut [])?.0)
            }
            (Document::Plain(body) | Document::Signed(body), _) => {
                Ok(ReceivedIssuerMetadata::parse(&body, id)?)
            }
        }
    }

    /// What the authorization server publishes, and the document; of one that speaks a draft, also
    /// from other places.
    pub(super) async fn server_of(
        &self,
        id: &str,
        spoken: &Spoken,
        in_place: Option<InPlaceOfServer>,
    ) -> Result<(ReceivedServerMetadata, Option<String>), WalletError> {
        let why = match self.server_document(id, AUTHORIZATION_SERVER).await {
            Err(error) if spoken.dialect.is_some() && says_too_little(&error) => error,
            answer => return answer.map(|(server, document)| (server, Some(document))),
        };
        let has_one = spoken.dialect.is_some_and(Dialect::has_one_metadata);
        let other = match self.server_document(id, OPENID_CONFIGURATION).await {
            Ok((server, document)) => return Ok((server, Some(document))),
            // It came from the issuer's place, and its endpoints are held against that.
            Err(WalletError::Metadata(MetadataError::OtherIssuer)) if has_one => {
                Some(Dialect::OTHER_SERVER)
            }
            Err(error @ WalletError::Metadata(_)) if !says_too_little(&error) => return Err(error),
            Err(_) => None,
        };
        let (server, finding) = in_place.ok_or(why)?;
        spoken.excuse(vec![other.unwrap_or(finding)]);
        Ok((server, None))
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

/// Whether there is no document, or one without a Token Endpoint.
const fn says_too_little(error: &WalletError) -> bool {
    matches!(error, WalletError::Refused(_) | WalletError::Metadata(MetadataError::BadEndpoint))
}
