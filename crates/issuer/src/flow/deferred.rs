//! Step 18, later: an issuance is put off, an officer decides, and the Wallet fetches it (VCI §9).

use std::fmt;

use oid4vci::access::{Authenticated, Presented};
use oid4vci::credential::{CredentialRefusal, ISSUANCES_MAX, Record, decide};
use oid4vci::deferred::{
    self, Deferral, DeferralId, DeferralState, DeferredCredentialRequest, DeferredRefusal,
    DeferredResponse, Next,
};
use oid4vci::dpop::DpopRefusal;
use oid4vci::encryption::{MessageEncryption, ReceivedBody};
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::proof::{ProofRefusal, VerifiedProofs};
use oid4vci::secret::TransactionId;
use serde_json::{Map, Value};

use super::cover::{self, Reply};
use super::credential::{entries, make_all, sign_all};
use super::external::{known_grant, names_no_grant};
use super::sender::spend;
use crate::Issuer;
use crate::credential_type::{Approval, ClaimsError, CredentialType, Pictures, check_all};
use crate::failure::{Broken, Failure};
use crate::issue::check_signer;
use crate::store::StoreError;
use crate::store::deferral::Deferred;

/// Where a Deferred Credential Request goes; its name in the address.
pub const ENDPOINT: &str = "deferred-credential";

/// Whether credentials of this type wait for an officer once a Wallet has asked for them.
pub(super) fn waits(credential_type: &CredentialType) -> bool {
    credential_type.approval == Approval::Deferred
}

/// What an offer keeps of its claims: nothing that is in no credential, unless somebody is still to
/// decide by it.
pub(super) fn to_keep(
    credential_type: &CredentialType,
    claims: Map<String, Value>,
) -> Map<String, Value> {
    if waits(credential_type) {
        return claims;
    }
    credential_type.claims.to_disclose(&claims).into_owned()
}

/// Puts off what [`decide`] allowed; `None` when the offer changed meanwhile.
pub(super) async fn put_off(
    record: &Record<'_>,
    proofs: Option<&VerifiedProofs>,
    response: Option<&MessageEncryption>,
    issuer: &Issuer,
) -> Result<Option<DeferredResponse>, Failure<CredentialRefusal>> {
    let now = issuer.clock.now();
    let settings = &issuer.config.deferred;
    let times = (now, now.plus(u64::from(settings.keep_days) * 24 * 3600));
    let keys = issuer.keys();
    let plain = Deferral::new(record, proofs.cloned(), &keys.offer, times);
    let response_key = response.filter(|_| issuer.config.encryption.same_key_later);
    let (deferral, transaction_id) = match response_key {
        None => plain,
        Some(response) => plain.0.under(&response.key().thumbprint(), &keys.offer),
    };
    let nonces = proofs.map_or(&[][..], VerifiedProofs::nonces);
    match issuer.store.defer(record, nonces, &deferral).await? {
        Deferred::Recorded(DeferralState::Rejected) => Err(CredentialRefusal::Denied.into()),
        Deferred::Recorded(_) => {
            tracing::info!(deferral = %deferral.id, offer = %deferral.offer_id, "deferred");
            Ok(Some(DeferredResponse::new(&transaction_id, settings.interval)))
        }
        Deferred::Changed => Ok(None),
        Deferred::NonceSpent => Err(CredentialRefusal::from(ProofRefusal::BadNonce).into()),
        Deferred::Replayed => Err(CredentialRefusal::from(DpopRefusal::Replayed).into()),
        Deferred::TooMany => Err(CredentialRefusal::TooManyKeys.into()),
    }
}

/// What the Deferred Credential Endpoint answers.
#[derive(Debug)]
pub enum Answer {
    /// Status 200 (DEFER-11).
    Ready(Reply),
    /// Status 202 (DEFER-12).
    Wait(Reply),
}

/// Answers a Deferred Credential Request: reads, decides, commits once, and only then signs.
pub async fn deferred_credential(
    presented: Presented<'_>,
    body: ReceivedBody<'_>,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<Answer, Failure<DeferredRefusal>> {
    let mut opened: Option<Opened> = None;
    if names_no_grant(presented, issuer).await? {
        opened = open(body, dialect, issuer).ok(); // what is wrong with it is said to who may ask
    }
    let named = named_offer(opened.as_ref(), issuer).await?;
    let mut is_spent = false;
    for _ in 0..=ISSUANCES_MAX {
        let now = issuer.clock.now();
        let grant = known_grant::<DeferredRefusal>(presented, named, dialect, issuer).await?;
        let token = deferred::authenticate(presented, grant.as_ref(), now)
            .map_err(DeferredRefusal::from)?;
        if !is_spent {
            spend::<DeferredRefusal>(token, issuer).await?;
            is_spent = true;
        }
        let Opened { request, response } = match &mut opened {
            Some(opened) => &*opened,
            none => none.insert(open(body, dialect, issuer)?),
        };
        let deferral = find(&request.transaction_id, issuer).await?;
        let next = deferred::decide(deferral.as_ref(), (presented, token), request, now)?;
        check_response_key(deferral.as_ref(), response.as_ref(), issuer)?;
        let Some(deferral) = deferral.filter(|_| next == Next::Deliver) else {
            let wait =
                DeferredResponse::new(&request.transaction_id, issuer.config.deferred.interval);
            return Ok(Answer::Wait(Reply::new(&wait, response.as_ref())?));
        };
        if let Some(reply) = deliver(&deferral, token, response.as_ref(), issuer).await? {
            return Ok(Answer::Ready(reply));
        }
        // Another request of this token was first, or the officer thought again.
    }
    Err(Broken::fault("the offer changed more often than an offer can".into()).into())
}

/// Catalogue H11, where the operator asks for it.
fn check_response_key(
    deferral: Option<&Deferral>,
    response: Option<&MessageEncryption>,
    issuer: &Issuer,
) -> Result<(), DeferredRefusal> {
    let deferral = deferral.filter(|_| issuer.config.encryption.same_key_later);
    let Some(deferral) = deferral else { return Ok(()) };
    Ok(deferred::check_response_key(deferral, response, &issuer.keys().offer)?)
}

/// The request in the clear, and how its answer goes out.
struct Opened {
    request: DeferredCredentialRequest,
    response: Option<MessageEncryption>,
}

/// DEFER-10: what this request says counts, whatever the first one said.
fn open(
    body: ReceivedBody<'_>,
    dialect: Option<Dialect>,
    issuer: &Issuer,
) -> Result<Opened, DeferredRefusal> {
    let opened = cover::open(body, dialect, issuer)?;
    let request = DeferredCredentialRequest::from_parameters(opened.parameters())?;
    Ok(Opened { request, response: opened.response_encryption().cloned() })
}

/// The offer that a request speaks of, once it is in the clear.
async fn named_offer(
    opened: Option<&Opened>,
    issuer: &Issuer,
) -> Result<Option<OfferId>, StoreError> {
    let Some(opened) = opened else { return Ok(None) };
    let deferral = find(&opened.request.transaction_id, issuer).await?;
    Ok(deferral.map(|deferral| deferral.offer_id))
}

pub(super) async fn find(
    transaction_id: &TransactionId,
    issuer: &Issuer,
) -> Result<Option<Deferral>, StoreError> {
    match transaction_id.deferral_id() {
        Some(id) => issuer.store.deferral(id).await,
        None => Ok(None),
    }
}

/// Records and signs, with a `notification_id` (DEFER-13); `None` when something changed meanwhile.
async fn deliver(
    deferral: &Deferral,
    token: Authenticated<'_>,
    response: Option<&MessageEncryption>,
    issuer: &Issuer,
) -> Result<Option<Reply>, Failure<DeferredRefusal>> {
    let id = deferral.credential_configuration_id.as_str();
    // DEFER-17: the operator has taken the type away.
    let credential_type = issuer.types.get(id).ok_or(DeferredRefusal::Denied)?;
    let proofs = deferral.proofs.as_ref();
    let record = decide(token, id, proofs, issuer.credentials_per_offer())
        .map_err(|_| DeferredRefusal::Denied)?;
    check_signer(issuer, credential_type)?;
    let claims = match &deferral.claims {
        Some(claims) => claims.clone(),
        None => super::credential::claims(token.grant(), credential_type, issuer).await?,
    };
    let entries = entries(issuer, credential_type, record.thumbprints.len()).await?;
    let made = make_all(credential_type, token, (&claims, proofs, &entries), issuer)
        .inspect_err(|_| issuer.status_lists.give_back(entries.clone()))?;
    let now = issuer.clock.now();
    if !issuer.store.deliver(&record, deferral, &entries, now).await? {
        issuer.status_lists.give_back(entries);
        return Ok(None);
    }
    let signed = sign_all(credential_type, token, made, issuer).await?;
    Ok(Some(Reply::new(&signed, response)?))
}

/// An officer says that a deferred credential is to be issued, perhaps with other claims.
pub async fn approve_deferral(
    issuer: &Issuer,
    id: DeferralId,
    claims: Option<Map<String, Value>>,
) -> Result<(), DeferralError> {
    let deferral = undecided(issuer, id).await?;
    let credential_type = issuer.types.get(&deferral.credential_configuration_id);
    let credential_type = credential_type.ok_or(DeferralError::TypeGone)?;
    let claims = match claims {
        Some(claims) => Some(checked(issuer, credential_type, &claims).await?),
        None => None,
    };
    decide_seen(issuer, &deferral, DeferralState::Approved, claims.as_ref()).await
}

/// An officer says that it is never to be issued.
pub async fn reject_deferral(issuer: &Issuer, id: DeferralId) -> Result<(), DeferralError> {
    let deferral = undecided(issuer, id).await?;
    decide_seen(issuer, &deferral, DeferralState::Rejected, None).await
}

/// Claims that come later are held to the same rules as those of an offer.
async fn checked(
    issuer: &Issuer,
    credential_type: &CredentialType,
    claims: &Map<String, Value>,
) -> Result<Map<String, Value>, DeferralError> {
    let urls = credential_type.claims.pictures(claims).map(str::to_owned).collect();
    let pictures = Pictures::clean(urls).await;
    let mut checked =
        check_all(&[&credential_type.claims], claims, &pictures).map_err(DeferralError::Claims)?;
    let checked = checked.pop().ok_or(DeferralError::TypeGone)?;
    issuer.check_country(credential_type, &checked).map_err(DeferralError::Claims)?;
    credential_type.check_says_something(&checked).map_err(DeferralError::Claims)?;
    Ok(checked)
}

async fn undecided(issuer: &Issuer, id: DeferralId) -> Result<Deferral, DeferralError> {
    let deferral = issuer.store.deferral(id).await.map_err(Broken::from)?;
    let deferral = deferral.ok_or(DeferralError::Unknown)?;
    let is_open = matches!(deferral.state, DeferralState::Waiting | DeferralState::Approved)
        && issuer.clock.now() < deferral.expires_at;
    if is_open { Ok(deferral) } else { Err(DeferralError::Decided) }
}

async fn decide_seen(
    issuer: &Issuer,
    seen: &Deferral,
    state: DeferralState,
    claims: Option<&Map<String, Value>>,
) -> Result<(), DeferralError> {
    let now = issuer.clock.now();
    let held = issuer.store.decide_deferral(seen, state, claims, now).await;
    if !held.map_err(Broken::from)? {
        return Err(DeferralError::Decided);
    }
    tracing::info!(deferral = %seen.id, state = state.name(), "deferral decided");
    Ok(())
}

/// Why an officer's decision does not hold.
#[derive(Debug)]
pub enum DeferralError {
    /// There is none of this id.
    Unknown,
    /// It was rejected, delivered or too old before.
    Decided,
    /// Its credential type is not configured any more.
    TypeGone,
    /// The claims do not fit its type.
    Claims(ClaimsError),
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for DeferralError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for DeferralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such deferred credential",
            Self::Decided => "this credential was rejected or delivered before, or is too old",
            Self::TypeGone => "the type of this credential is not configured any more",
            Self::Claims(error) => return error.fmt(f),
            Self::Broken(_) => "internal error: the log says more",
        })
    }
}

impl std::error::Error for DeferralError {}
