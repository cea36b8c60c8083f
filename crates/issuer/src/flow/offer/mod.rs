//! Steps 2-3: the Issuer makes a Credential Offer and answers for it by reference (VCI §4.1).

use std::collections::BTreeSet;

use keys::digest::sha256;
use keys::outside::Timestamp;
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::secret::{IssuerState, OfferReference, SecretDigest, TxCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Issuer;
use crate::account::{is_account_name, is_outside};
use crate::application::ApplicationId;
use crate::credential_type::{Claims, CredentialType, Pictures, check_all};
use crate::failure::Broken;
use crate::flow::deferred::to_keep;
use crate::flow::unknown_type::UnknownType;
use crate::store::{Idempotency, NewOffer, Opened};

mod error;
mod fetch;
mod secrets;

pub use error::{MakeOfferError, UNKNOWN_OFFER};
pub use fetch::{FetchRefusal, credential_offer};
use secrets::Secrets;
pub use secrets::{application_link, application_tx_code};

/// Without a Transaction Code no offer lives longer: whoever finds the link could use it.
pub const UNGUARDED_SECONDS_MAX: u64 = 3600;
/// Shortest life that leaves time to scan.
pub const SECONDS_MIN: u64 = 1;
/// An offer is held for longer than it is good: a node whose clock is ahead and purges what is over
/// would else open it on one whose clock is behind.
const HELD_BEYOND_SECONDS: u64 = 24 * 3600;
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
    /// Which ways there are to take it.
    pub grants: OfferGrants,
    /// The only account that can take it; anybody who can sign in when absent.
    pub account: Option<String>,
    /// The draft in whose words it is made; 1.0 when absent.
    pub draft: Option<Dialect>,
    /// It can be taken only once somebody has released it.
    pub held: bool,
}

/// The ways in which an offer can be taken (VCI §4.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferGrants {
    /// Whoever has it can redeem it.
    #[default]
    PreAuthorizedCode,
    /// Whoever has it must sign in first.
    AuthorizationCode,
    /// The Wallet chooses.
    Both,
}

impl OfferGrants {
    /// Whether the offer holds a Pre-Authorized Code.
    #[must_use]
    pub const fn has_pre_authorized_code(self) -> bool {
        matches!(self, Self::PreAuthorizedCode | Self::Both)
    }

    /// Whether the offer holds an `issuer_state`.
    #[must_use]
    pub const fn has_authorization_code(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::Both)
    }
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
    check_grants(issuer, request)?;
    check_draft(issuer, request, &types)?;
    check_account(issuer, request).await?;
    let lifetime = lifetime_seconds(issuer, request, &types)?;
    let rules: Vec<&Claims> = types.iter().map(|credential_type| &credential_type.claims).collect();
    let pictures = pictures(&rules, &request.claims, owner).await;
    let datasets = check_all(&rules, &request.claims, &pictures).map_err(MakeOfferError::Claims)?;
    types
        .iter()
        .zip(&datasets)
        .try_for_each(|(credential_type, claims)| {
            issuer.check_country(credential_type, claims)?;
            credential_type.check_says_something(claims)
        })
        .map_err(MakeOfferError::Claims)?;
    let ids = types.iter().map(|credential_type| credential_type.id.clone());
    let kept = types.iter().zip(datasets).map(|(one, claims)| to_keep(one, claims));
    let id = OfferId::fresh(now, &*issuer.random);
    let secrets = Secrets::of(issuer, request, owner, id)?;
    let offer = NewOffer {
        grant: grant(issuer, request, &secrets, (id, now, now.plus(lifetime))),
        datasets: ids.zip(kept.map(Value::Object)).collect(),
        idempotency: idempotency(request, owner, now),
        application: application(owner),
        issuer_state: secrets.issuer_state.as_ref().map(IssuerState::digest),
        for_account: request.account.clone(),
    };
    let request_digest = offer.idempotency.map(|idempotency| idempotency.request_digest);
    if request.held {
        let until = now.plus(lifetime).plus(HELD_BEYOND_SECONDS);
        issuer.store.hold_offer(id, until).await.map_err(Broken::from)?;
    }
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

/// Those of an application were cleaned when it came in, for the format that it names.
async fn pictures(types: &[&Claims], claims: &Map<String, Value>, owner: Owner<'_>) -> Pictures {
    match owner {
        Owner::Application { .. } => {
            let urls: BTreeSet<&str> =
                types.iter().flat_map(|one| one.pictures_as_jpeg(claims)).collect();
            Pictures::stored(urls.into_iter().map(str::to_owned).collect()).await
        }
        Owner::Nobody | Owner::IdempotencyKey(_) => {
            let urls: BTreeSet<&str> = types.iter().flat_map(|one| one.pictures(claims)).collect();
            Pictures::clean(urls.into_iter().map(str::to_owned).collect()).await
        }
    }
}

/// Nobody can sign in where no client is registered, and a Transaction Code guards the other grant.
fn check_grants(issuer: &Issuer, request: &OfferRequest) -> Result<(), MakeOfferError> {
    if request.grants.has_authorization_code() && !issuer.has_code_flow() {
        return Err(MakeOfferError::NoClients);
    }
    if request.tx_code && !request.grants.has_pre_authorized_code() {
        return Err(MakeOfferError::UselessTxCode);
    }
    Ok(())
}

/// A draft is to be enabled, and needs a word for what is offered.
fn check_draft(
    issuer: &Issuer,
    request: &OfferRequest,
    types: &[&CredentialType],
) -> Result<(), MakeOfferError> {
    let has_word = request.draft.is_some_and(Dialect::has_polling);
    if request.held && (!has_word || request.grants != OfferGrants::PreAuthorizedCode) {
        return Err(MakeOfferError::NothingToWaitWith);
    }
    let Some(draft) = request.draft else { return Ok(()) };
    if !issuer.config.legacy.drafts.contains(&draft) {
        return Err(MakeOfferError::DraftNotEnabled(draft));
    }
    let lacks_word = |one: &&&CredentialType| !is_speakable(one, draft);
    match types.iter().find(lacks_word) {
        Some(one) => Err(MakeOfferError::NotInDraft(one.id.clone(), draft)),
        None => Ok(()),
    }
}

/// Whether Wallets of the draft can ask for it: attestations of keys came with draft 15.
pub(super) fn is_speakable(credential_type: &CredentialType, draft: Dialect) -> bool {
    let key_binding = credential_type.key_binding.as_ref();
    let needs_attestation =
        key_binding.is_some_and(|bound| bound.key_attestations().required.is_some());
    draft.has_format(credential_type.format.name())
        && (draft.has_key_attestations() || !needs_attestation)
}

/// An offer for one account is taken by signing in alone, or others could take it too. Who signs in
/// elsewhere may be known only once they have.
async fn check_account(issuer: &Issuer, request: &OfferRequest) -> Result<(), MakeOfferError> {
    let Some(account) = &request.account else { return Ok(()) };
    if request.grants != OfferGrants::AuthorizationCode {
        return Err(MakeOfferError::AccountWithoutSignIn);
    }
    let unknown = || MakeOfferError::UnknownAccount(account.clone());
    if !is_account_name(account) {
        return Err(unknown());
    }
    if is_outside(account) {
        return Ok(());
    }
    let found = issuer.store.account(account).await.map_err(Broken::from)?;
    found.map(drop).ok_or_else(unknown)
}

fn types_of<'i>(
    issuer: &'i Issuer,
    ids: &[String],
) -> Result<Vec<&'i CredentialType>, MakeOfferError> {
    let mut types: Vec<&CredentialType> = Vec::new();
    for id in ids {
        let found = issuer.types.get(id);
        let unknown = || MakeOfferError::UnknownConfiguration(UnknownType::of(issuer, id));
        let found = found.ok_or_else(unknown)?;
        if types.iter().any(|other| other.id == *id) {
            return Err(MakeOfferError::RepeatedConfiguration(id.clone()));
        }
        types.push(found);
    }
    if types.is_empty() { Err(MakeOfferError::NoConfiguration) } else { Ok(types) }
}

/// As long as every type allows; long and printed offers need a Transaction Code (VCI §13.6.1,
/// GEN-09).
fn lifetime_seconds(
    issuer: &Issuer,
    request: &OfferRequest,
    types: &[&CredentialType],
) -> Result<u64, MakeOfferError> {
    let config = &issuer.config;
    let shortest = types.iter().min_by_key(|credential_type| config.offer_seconds(credential_type));
    let longest =
        shortest.map_or(0, |credential_type| config.offer_seconds(credential_type).into());
    let default = u64::from(config.offer.expires_in);
    let wanted = request.expires_in_seconds;
    let lifetime = wanted.unwrap_or_else(|| longest.min(default));
    if lifetime < SECONDS_MIN {
        return Err(MakeOfferError::TooShort);
    }
    if lifetime > longest {
        let named = shortest.map(|one| (one.id.clone(), one.origin.name()));
        return Err(MakeOfferError::TooLong(named.unwrap_or_default(), longest));
    }
    // Who must sign in is guarded by that.
    let guarded =
        request.tx_code || request.without_tx_code || !request.grants.has_pre_authorized_code();
    if !guarded && (request.printed || lifetime > UNGUARDED_SECONDS_MAX) {
        return Err(MakeOfferError::NeedsTxCode);
    }
    Ok(lifetime)
}

fn grant(
    issuer: &Issuer,
    request: &OfferRequest,
    secrets: &Secrets,
    (id, created_at, expires_at): (OfferId, Timestamp, Timestamp),
) -> Grant {
    let tx_code = secrets.tx_code.as_ref();
    let tx_code_digest = tx_code.map(|tx_code| tx_code.digest(&issuer.keys().tx_code, id));
    let ids = request.credential_configuration_ids.clone();
    let code_digest = match &secrets.code {
        Some(code) => code.digest(),
        // Drawn and forgotten: nothing opens it.
        None => OfferReference::fresh(id, &*issuer.random).digest(),
    };
    let digests = (secrets.reference.digest(), code_digest);
    let dialect = request.draft;
    Grant { tx_code_digest, dialect, ..Grant::fresh(id, ids, (created_at, expires_at), digests) }
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
        request.grants,
        request.account,
    ]);
    let asked = match request.draft {
        None => asked,
        Some(draft) if request.held => serde_json::json!([asked, draft, "held"]),
        Some(draft) => serde_json::json!([asked, draft]),
    };
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

/// Whoever holds the offer can take it from now on; `false` where it was not held.
pub async fn release(issuer: &Issuer, id: OfferId) -> Result<bool, Broken> {
    let is_released = issuer.store.release_offer(id).await?;
    if is_released {
        tracing::info!(offer = %id, "offer released");
    }
    Ok(is_released)
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
