//! Steps 2-3: the Issuer makes a Credential Offer and answers for it by reference (VCI §4.1).

use std::fmt;

use keys::digest::sha256;
use keys::outside::Timestamp;
use oid4vci::error::{ErrorCode, Refusal};
use oid4vci::grant::{Grant, OfferState};
use oid4vci::offer::{CredentialOffer, InputMode, OfferId, TxCodeInput, link_by_reference};
use oid4vci::secret::{OfferReference, PreAuthorizedCode, SecretDigest, TxCode};
use serde_json::{Map, Value};

use crate::Issuer;
use crate::application::ApplicationId;
use crate::credential_type::{Claims, ClaimsError, CredentialType, check_all};
use crate::failure::{Broken, Failure};
use crate::store::{Idempotency, NewOffer, Opened};

/// Without a Transaction Code no offer lives longer: whoever finds the link could use it.
pub const UNGUARDED_SECONDS_MAX: u64 = 3600;
/// Shortest life that leaves time to scan.
pub const SECONDS_MIN: u64 = 1;
/// How long an `Idempotency-Key` is remembered.
const IDEMPOTENCY_SECONDS: u64 = 24 * 3600;

/// What an operator, or an approved application, asks for.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator's")]
pub struct OfferRequest {
    /// Which types, at least one.
    pub credential_configuration_ids: Vec<String>,
    /// One object for all of them.
    pub claims: Map<String, Value>,
    /// Whether a Transaction Code guards it.
    pub tx_code: bool,
    /// The offer itself in the link, instead of where it is.
    pub by_value: bool,
    /// Its life; the operator's default when absent.
    pub expires_in_seconds: Option<u64>,
    /// It will leave the screen on paper.
    pub printed: bool,
    /// The operator takes the risk of a long or printed offer without Transaction Code.
    pub without_tx_code: bool,
}

/// Who can have the same offer shown again, without it being stored.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'o> {
    /// Nobody: the answer is the only copy.
    Nobody,
    /// A caller of the admin API, by the `Idempotency-Key` it chose.
    IdempotencyKey(&'o str),
    /// An applicant, by the secret of the link.
    Application {
        /// Which application.
        id: ApplicationId,
        /// The secret part of the applicant's link.
        secret: &'o str,
        /// Counts the approvals: each has a Transaction Code of its own.
        approvals: u32,
        /// The offer that this one replaces.
        replaces: Option<OfferId>,
    },
}

/// A Credential Offer to be shown once.
#[derive(Debug)]
pub struct MadeOffer {
    /// The only part that may be logged.
    pub id: OfferId,
    /// `openid-credential-offer://?…`
    pub uri: String,
    /// Apart from the offer, over another channel (OFFER-24).
    pub tx_code: Option<TxCode>,
    /// The first second in which it is dead.
    pub expires_at: Timestamp,
}

/// Makes an offer; it is on disk before it is returned.
pub async fn make_offer(
    issuer: &Issuer,
    request: &OfferRequest,
    owner: Owner<'_>,
) -> Result<MadeOffer, MakeOfferError> {
    let now = issuer.clock.now();
    let types = types_of(issuer, &request.credential_configuration_ids)?;
    let lifetime = lifetime_seconds(issuer, request, &types)?;
    let rules: Vec<&Claims> =
        types.iter().map(|credential_type| &credential_type.claims).collect();
    let datasets = check_all(&rules, &request.claims).map_err(MakeOfferError::Claims)?;
    let ids = types.iter().map(|credential_type| credential_type.id.clone());
    let id = OfferId::fresh(now, &*issuer.random);
    let secrets = Secrets::of(issuer, request, owner, id)?;
    let offer = NewOffer {
        grant: grant(issuer, request, &secrets, (id, now, now.plus(lifetime))),
        datasets: ids.zip(datasets.into_iter().map(Value::Object)).collect(),
        idempotency: idempotency(request, owner, now),
        application: application(owner),
    };
    let request_digest = offer.idempotency.map(|idempotency| idempotency.request_digest);
    match issuer.store.open_offer(offer).await.map_err(Broken::from)? {
        Opened::Opened => {
            tracing::info!(offer = %id, "offer made");
            Ok(secrets.show(issuer, request, (id, now.plus(lifetime))))
        }
        Opened::Repeated(first, same) if Some(same) == request_digest => {
            let grant = issuer.store.grant(first).await.map_err(Broken::from)?;
            let grant = grant.ok_or(MakeOfferError::KeyUsedBefore)?;
            let secrets = Secrets::of(issuer, request, owner, first)?;
            Ok(secrets.show(issuer, request, (first, grant.expires_at)))
        }
        Opened::Repeated(..) => Err(MakeOfferError::KeyUsedBefore),
        Opened::Replaced => Err(MakeOfferError::Replaced),
    }
}

fn types_of<'i>(
    issuer: &'i Issuer,
    ids: &[String],
) -> Result<Vec<&'i CredentialType>, MakeOfferError> {
    let mut types: Vec<&CredentialType> = Vec::new();
    for id in ids {
        let found = issuer.types.get(id);
        let found = found.ok_or_else(|| MakeOfferError::UnknownConfiguration(id.clone()))?;
        if types.iter().any(|other| other.id == *id) {
            return Err(MakeOfferError::RepeatedConfiguration(id.clone()));
        }
        types.push(found);
    }
    if types.is_empty() { Err(MakeOfferError::NoConfiguration) } else { Ok(types) }
}

/// As long as every type allows; long and printed offers need a Transaction Code (VCI §13.6.1).
fn lifetime_seconds(
    issuer: &Issuer,
    request: &OfferRequest,
    types: &[&CredentialType],
) -> Result<u64, MakeOfferError> {
    let config = &issuer.config;
    let shortest = types.iter().min_by_key(|credential_type| config.offer_seconds(credential_type));
    let longest = shortest.map_or(0, |credential_type| config.offer_seconds(credential_type).into());
    let default = u64::from(config.offer.expires_in);
    let wanted = request.expires_in_seconds;
    let lifetime = wanted.unwrap_or_else(|| longest.min(default));
    if lifetime < SECONDS_MIN {
        return Err(MakeOfferError::TooShort);
    }
    if lifetime > longest {
        let id = shortest.map(|credential_type| credential_type.id.clone());
        return Err(MakeOfferError::TooLong(id.unwrap_or_default(), longest));
    }
    let guarded = request.tx_code || request.without_tx_code;
    if !guarded && (request.printed || lifetime > UNGUARDED_SECONDS_MAX) {
        return Err(MakeOfferError::NeedsTxCode);
    }
    Ok(lifetime)
}

/// What an offer is made of and nobody stores.
struct Secrets {
    reference: OfferReference,
    code: PreAuthorizedCode,
    tx_code: Option<TxCode>,
}

impl Secrets {
    /// Drawn for nobody; derived for an owner who can come again (see [`Owner`]).
    fn of(
        issuer: &Issuer,
        request: &OfferRequest,
        owner: Owner<'_>,
        id: OfferId,
    ) -> Result<Self, MakeOfferError> {
        let key = &issuer.keys.offer;
        let reference = match owner {
            Owner::Nobody => OfferReference::fresh(id, &*issuer.random),
            Owner::IdempotencyKey(owner) => OfferReference::derive(id, key, owner.as_bytes()),
            Owner::Application { secret, .. } => {
                OfferReference::derive(id, key, secret.as_bytes())
            }
        };
        let code = reference.pre_authorized_code(key);
        let unreadable = || Broken("a reference of ours was not readable".into());
        Ok(Self {
            code: code.ok_or_else(unreadable)?,
            tx_code: request.tx_code.then(|| tx_code(issuer, owner, id)),
            reference,
        })
    }

    fn show(
        self,
        issuer: &Issuer,
        request: &OfferRequest,
        (id, expires_at): (OfferId, Timestamp),
    ) -> MadeOffer {
        let uri = if request.by_value {
            CredentialOffer {
                credential_issuer: issuer.credential_issuer(),
                credential_configuration_ids: &request.credential_configuration_ids,
                pre_authorized_code: &self.code,
                tx_code: request.tx_code.then(|| tx_code_input(issuer)),
            }
            .to_link()
        } else {
            link_by_reference(&issuer.offer_uri(&self.reference))
        };
        MadeOffer { id, uri, tx_code: self.tx_code, expires_at }
    }
}

fn grant(
    issuer: &Issuer,
    request: &OfferRequest,
    secrets: &Secrets,
    (id, created_at, expires_at): (OfferId, Timestamp, Timestamp),
) -> Grant {
    let tx_code = secrets.tx_code.as_ref();
    Grant {
        id,
        credential_configuration_ids: request.credential_configuration_ids.clone(),
        created_at,
        expires_at,
        reference_digest: secrets.reference.digest(),
        code_digest: secrets.code.digest(),
        tx_code_digest: tx_code.map(|tx_code| tx_code.digest(&issuer.keys.tx_code, id)),
        attempts: 0,
        fetched_at: None,
        withdrawn_at: None,
        redemption: None,
        issued: Vec::new(),
    }
}

/// The same code for the life of one approval, so that a fresh QR code needs no fresh letter.
fn tx_code(issuer: &Issuer, owner: Owner<'_>, id: OfferId) -> TxCode {
    match owner {
        Owner::Nobody | Owner::IdempotencyKey(_) => {
            let (key, length) = (&issuer.keys.tx_code, issuer.config.offer.tx_code_length);
            TxCode::derive(key, &[b"offer", &id.0], length)
        }
        Owner::Application { id, approvals, .. } => application_tx_code(issuer, id, approvals),
    }
}

/// The Transaction Code of an approved application; its officer hands it on where the type says so.
#[must_use]
pub fn application_tx_code(issuer: &Issuer, id: ApplicationId, approvals: u32) -> TxCode {
    let context: [&[u8]; 3] = [b"application", &id.0.0, &approvals.to_be_bytes()];
    TxCode::derive(&issuer.keys.tx_code, &context, issuer.config.offer.tx_code_length)
}

fn idempotency(request: &OfferRequest, owner: Owner<'_>, now: Timestamp) -> Option<Idempotency> {
    let Owner::IdempotencyKey(key) = owner else { return None };
    let asked = serde_json::json!([
        request.credential_configuration_ids,
        request.claims,
        request.tx_code,
        request.by_value,
        request.expires_in_seconds,
        request.printed,
        request.without_tx_code,
    ]);
    Some(Idempotency {
        key_digest: SecretDigest(sha256(key.as_bytes())),
        request_digest: SecretDigest(sha256(asked.to_string().as_bytes())),
        expires_at: now.plus(IDEMPOTENCY_SECONDS),
    })
}

const fn application(owner: Owner<'_>) -> Option<(ApplicationId, Option<OfferId>)> {
    match owner {
        Owner::Application { id, replaces, .. } => Some((id, replaces)),
        Owner::Nobody | Owner::IdempotencyKey(_) => None,
    }
}

/// The link of an application's present offer, made again from the applicant's secret.
#[must_use]
pub fn application_link(issuer: &Issuer, id: OfferId, secret: &str) -> String {
    let reference = OfferReference::derive(id, &issuer.keys.offer, secret.as_bytes());
    link_by_reference(&issuer.offer_uri(&reference))
}

fn tx_code_input(issuer: &Issuer) -> TxCodeInput {
    TxCodeInput {
        input_mode: InputMode::Numeric,
        length: Some(issuer.config.offer.tx_code_length.into()),
        description: Some("The code that was given to you apart from this offer".to_owned()),
    }
}

/// Answers the GET of a `credential_offer_uri` (VCI §4.1.3); fetching spends nothing (A15).
///
/// `is_look` is a HEAD request: link previews send it, so it does not count as opened.
pub async fn credential_offer(
    issuer: &Issuer,
    reference: &OfferReference,
    is_look: bool,
) -> Result<Value, Failure<FetchRefusal>> {
    let now = issuer.clock.now();
    let id = reference.offer_id().ok_or(FetchRefusal::Unknown)?;
    let grant = issuer.store.grant(id).await?;
    let grant = grant.filter(|grant| grant.reference_digest.matches(&reference.digest()));
    let grant = grant.ok_or(FetchRefusal::Unknown)?;
    let state = grant.state(now, issuer.config.offer.tx_code_attempts_max);
    if !state.is_open() {
        return Err(FetchRefusal::Unknown.into());
    }
    if state == OfferState::Created && !is_look {
        issuer.store.note_fetched(id, now).await?;
    }
    let code = reference.pre_authorized_code(&issuer.keys.offer);
    let offer = CredentialOffer {
        credential_issuer: issuer.credential_issuer(),
        credential_configuration_ids: &grant.credential_configuration_ids,
        pre_authorized_code: &code.ok_or(FetchRefusal::Unknown)?,
        tx_code: grant.tx_code_digest.map(|_| tx_code_input(issuer)),
    };
    Ok(offer.to_json())
}

/// What became of a wish to take an offer back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Neither its code nor its token is good any more.
    Withdrawn,
    /// A credential was issued from it: too late.
    Issued,
    /// There is no such offer.
    Unknown,
}

/// Takes an offer back, and with it its token.
pub async fn withdraw(issuer: &Issuer, id: OfferId) -> Result<Withdrawal, Broken> {
    if issuer.store.withdraw_offer(id, issuer.clock.now()).await? {
        tracing::info!(offer = %id, "offer withdrawn");
        return Ok(Withdrawal::Withdrawn);
    }
    Ok(match issuer.store.grant(id).await? {
        None => Withdrawal::Unknown,
        Some(grant) if grant.issued.is_empty() => Withdrawal::Withdrawn, // it was before
        Some(_) => Withdrawal::Issued,
    })
}

/// Why nothing is found at a `credential_offer_uri`; unknown, used and expired look the same (A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchRefusal {
    /// Whatever the cause.
    Unknown,
}

impl Refusal for FetchRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        (ErrorCode::NotFound, "this offer is unknown, used or expired: ask for a new one")
    }

    fn status(&self) -> u16 {
        404
    }
}

/// Why no offer was made; told to the operator.
#[derive(Debug)]
pub enum MakeOfferError {
    /// None was named.
    NoConfiguration,
    /// This one is not configured.
    UnknownConfiguration(String),
    /// This one was named twice (OFFER-05).
    RepeatedConfiguration(String),
    /// Names every claim that is wrong.
    Claims(ClaimsError),
    /// Nobody could scan it in time.
    TooShort,
    /// This type allows at most so many seconds.
    TooLong(String, u64),
    /// It is long or printed, and nothing guards it.
    NeedsTxCode,
    /// The `Idempotency-Key` stands for another request.
    KeyUsedBefore,
    /// The application got another offer meanwhile.
    Replaced,
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for MakeOfferError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for MakeOfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfiguration => f.write_str("say what to offer: a credential_configuration_id"),
            Self::UnknownConfiguration(id) => {
                write!(f, "there is no credential type `{id}`: see the files in credentials/")
            }
            Self::RepeatedConfiguration(id) => write!(f, "`{id}` is named twice: name it once"),
            Self::Claims(error) => error.fmt(f),
            Self::TooShort => f.write_str("an offer must live at least one second"),
            Self::TooLong(id, longest) => {
                write!(f, "an offer of `{id}` lives at most {longest} seconds: see `offer_seconds`")?;
                write!(f, " in credentials/{id}.toml")
            }
            Self::NeedsTxCode => f.write_str(
                "an offer that is printed or lives longer than an hour needs a transaction code: \
                 ask for one, or say that it shall go without",
            ),
            Self::KeyUsedBefore => {
                f.write_str("this Idempotency-Key was used for another request: choose a new one")
            }
            Self::Replaced => f.write_str("the application has another offer by now: look again"),
            Self::Broken(_) => f.write_str("internal error: the log says more"),
        }
    }
}

impl std::error::Error for MakeOfferError {}
