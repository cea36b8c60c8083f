//! Steps 1-3: somebody applies, an officer decides, and the applicant's page shows an offer.

use std::fmt;

use keys::outside::Timestamp;
use oid4vci::grant::{Grant, OfferState};
use oid4vci::legacy::Dialect;
use oid4vci::offer::OfferId;
use oid4vci::secret::TxCode;
use serde_json::{Map, Value};

use crate::Issuer;
use crate::application::{Application, ApplicationId, ApplicationSecret, ApplicationState, Next};
use crate::credential_type::{Approval, CredentialType, TxCodeChannel};
use crate::failure::Broken;
use crate::flow::offer::{
    MakeOfferError, OfferRequest, Owner, application_link, application_tx_code, is_speakable,
    make_offer,
};
use crate::tx_code_command::{NotDelivered, deliver};

/// Records an application whose claims were checked; the secret is the applicant's only key to it.
pub async fn apply(
    issuer: &Issuer,
    credential_type: &CredentialType,
    claims: Map<String, Value>,
) -> Result<ApplicationSecret, Broken> {
    let now = issuer.clock.now();
    let id = ApplicationId(OfferId::fresh(now, &*issuer.random));
    let secret = ApplicationSecret::fresh(id, &*issuer.random);
    let at_once = matches!(credential_type.approval, Approval::AtOnce | Approval::Deferred);
    // A Transaction Code is delivered before it is approved: what fails stays for an officer.
    let is_approved = at_once && credential_type.tx_code_command().is_none();
    let application = Application {
        id,
        secret_digest: secret.digest(),
        credential_configuration_id: credential_type.id.clone(),
        claims,
        state: if is_approved { ApplicationState::Approved } else { ApplicationState::Waiting },
        created_at: now,
        decided_at: is_approved.then_some(now),
        approvals: u32::from(is_approved),
        offer_id: None,
    };
    issuer.store.open_application(application.clone()).await?;
    tracing::info!(application = %id, state = application.state.name(), "application received");
    if at_once && !is_approved {
        let approved = approve_seen(issuer, credential_type, &application).await;
        // Whatever else fails is in the log: an officer finds it among those that wait.
        if let Err(DecideError::Broken(broken)) = approved {
            return Err(broken);
        }
    }
    Ok(secret)
}

/// What the applicant's page shows.
#[derive(Debug)]
pub struct ApplicationView<'i> {
    /// As it is stored.
    pub application: Application,
    /// What was applied for.
    pub credential_type: &'i CredentialType,
    /// How far it got.
    pub stage: Stage,
}

/// How far an application got.
#[derive(Debug)]
pub enum Stage {
    /// The officer has not decided.
    Waiting,
    /// The officer said no.
    Rejected,
    /// There is an offer.
    Offer(ShownOffer),
}

/// The present offer of an application.
#[derive(Debug)]
pub struct ShownOffer {
    /// Where it stands.
    pub state: OfferState,
    /// The link to draw as a QR code.
    pub uri: String,
    /// When its code dies.
    pub expires_at: Timestamp,
    /// When its first credential was recorded as issued.
    pub issued_at: Option<Timestamp>,
    /// Only where the type shows it on the screen (demonstrations).
    pub tx_code: Option<TxCode>,
}

/// Reads an application by the secret of its link; makes the first offer of an approved one.
///
/// `None` for a link that is none of ours: other people's applications are simply not there (P05).
pub async fn view<'i>(
    issuer: &'i Issuer,
    link: &str,
) -> Result<Option<ApplicationView<'i>>, MakeOfferError> {
    let Some((secret, application, credential_type)) = find(issuer, link).await? else {
        return Ok(None);
    };
    let standing = present_offer(issuer, &application).await?;
    let (application, stage) = match application.next(standing.is_some()) {
        Next::Wait => (application, Stage::Waiting),
        Next::Rejected => (application, Stage::Rejected),
        Next::MakeOffer => {
            make_offer_for(issuer, &application, credential_type, &secret).await?;
            let Some((_, application, _)) = find(issuer, link).await? else { return Ok(None) };
            let standing = present_offer(issuer, &application).await?;
            let stage = shown(issuer, credential_type, (&application, standing), &secret);
            (application, stage)
        }
        // An offer that died is shown as dead: the applicant asks for the next one.
        Next::ShowOffer => {
            let stage = shown(issuer, credential_type, (&application, standing), &secret);
            (application, stage)
        }
    };
    Ok(Some(ApplicationView { application, credential_type, stage }))
}

/// Makes a fresh offer in place of the present one, where that may be; `false` when the link is none
/// of ours.
pub async fn renew(issuer: &Issuer, link: &str) -> Result<bool, MakeOfferError> {
    let Some((secret, application, credential_type)) = find(issuer, link).await? else {
        return Ok(false);
    };
    let standing = present_offer(issuer, &application).await?;
    if standing
        .as_ref()
        .is_some_and(|offer| application.can_renew(offer.state, credential_type.approval))
    {
        let application = rearm(issuer, credential_type, (application, standing)).await?;
        make_offer_for(issuer, &application, credential_type, &secret).await?;
    }
    Ok(true)
}

/// After a lock the next offer has a new Transaction Code, also where nobody has to approve.
async fn rearm(
    issuer: &Issuer,
    credential_type: &CredentialType,
    (application, standing): (Application, Option<Standing>),
) -> Result<Application, MakeOfferError> {
    if standing.is_none_or(|offer| offer.state != OfferState::Locked) {
        return Ok(application);
    }
    match approve_seen(issuer, credential_type, &application).await {
        Ok(rearmed) => Ok(rearmed),
        Err(DecideError::NotDelivered(error)) => Err(MakeOfferError::NotDelivered(error)),
        Err(DecideError::Broken(broken)) => Err(broken.into()),
        // Another request of the applicant was first.
        Err(DecideError::Decided | DecideError::Unknown | DecideError::TypeGone) => {
            Err(MakeOfferError::Replaced)
        }
    }
}

async fn find<'i>(
    issuer: &'i Issuer,
    link: &str,
) -> Result<Option<(ApplicationSecret, Application, &'i CredentialType)>, Broken> {
    let Some((id, secret)) = ApplicationSecret::parse(link) else { return Ok(None) };
    let application = issuer.store.application(id).await?;
    let application = application.filter(|found| found.secret_digest.matches(&secret.digest()));
    let Some(application) = application else { return Ok(None) };
    let credential_type = issuer.types.get(&application.credential_configuration_id);
    Ok(credential_type.map(|credential_type| (secret, application, credential_type)))
}

/// The present offer of an application, and where it stands.
struct Standing {
    state: OfferState,
    grant: Grant,
}

async fn present_offer(
    issuer: &Issuer,
    application: &Application,
) -> Result<Option<Standing>, Broken> {
    let Some(id) = application.offer_id else { return Ok(None) };
    let grant = issuer.store.grant(id).await?;
    let (now, attempts_max) = (issuer.clock.now(), issuer.config.offer.tx_code_attempts_max);
    Ok(grant.map(|grant| Standing { state: grant.state(now, attempts_max), grant }))
}

/// Racing page loads make one offer: the others find it attached already.
async fn make_offer_for(
    issuer: &Issuer,
    application: &Application,
    credential_type: &CredentialType,
    secret: &ApplicationSecret,
) -> Result<(), MakeOfferError> {
    let draft = issuer.config.legacy.portal.filter(|draft| is_speakable(credential_type, *draft));
    let request = OfferRequest {
        credential_configuration_ids: formats(issuer, credential_type, draft),
        claims: application.claims.clone(),
        tx_code: credential_type.tx_code,
        draft,
        ..OfferRequest::default()
    };
    let owner = Owner::Application {
        id: application.id,
        secret: secret.expose(),
        approvals: application.approvals,
        replaces: application.offer_id,
    };
    match make_offer(issuer, &request, owner).await {
        Ok(_) | Err(MakeOfferError::Replaced) => Ok(()),
        Err(error) => Err(error),
    }
}

/// All formats of what was applied for, but those that are kept from the portal, and those that the
/// draft has no word for.
fn formats(
    issuer: &Issuer,
    credential_type: &CredentialType,
    draft: Option<Dialect>,
) -> Vec<String> {
    let is_offered = |id: &&String| {
        let one = issuer.types.get(*id);
        one.is_some_and(|one| one.portal && draft.is_none_or(|draft| is_speakable(one, draft)))
    };
    let first = &credential_type.id;
    let further = credential_type.origin.ids().iter().filter(|id| *id != first).filter(is_offered);
    std::iter::once(first).chain(further).cloned().collect()
}

fn shown(
    issuer: &Issuer,
    credential_type: &CredentialType,
    (application, standing): (&Application, Option<Standing>),
    secret: &ApplicationSecret,
) -> Stage {
    let Some(Standing { state, grant }) = standing else { return Stage::Waiting };
    let on_screen = credential_type.tx_code
        && state.is_open()
        && matches!(credential_type.tx_code_channel, TxCodeChannel::Screen);
    Stage::Offer(ShownOffer {
        state,
        uri: application_link(issuer, &grant, secret.expose()),
        expires_at: grant.expires_at,
        issued_at: grant.issued.first().map(|issued| issued.at),
        tx_code: on_screen
            .then(|| application_tx_code(issuer, application.id, application.approvals)),
    })
}

/// What the officer is told after an approval.
#[derive(Debug)]
pub struct Approved {
    /// To hand on apart from the offer, where the type says that the caller does it.
    pub tx_code: Option<TxCode>,
}

/// The officer says yes: the applicant's page will show an offer.
///
/// Where a program delivers the Transaction Code, it may be said again as long as nobody has used
/// the code: a letter that got lost is sent once more.
pub async fn approve(issuer: &Issuer, id: ApplicationId) -> Result<Approved, DecideError> {
    let (application, offer) = undecided(issuer, id).await?;
    let credential_type = issuer.types.get(&application.credential_configuration_id);
    let credential_type = credential_type.ok_or(DecideError::TypeGone)?;
    let application = if application.can_be_decided(offer) {
        approve_seen(issuer, credential_type, &application).await?
    } else if credential_type.tx_code_command().is_some()
        && application.can_be_delivered_again(offer)
    {
        deliver_tx_code(issuer, credential_type, (&application, application.approvals)).await?;
        tracing::info!(application = %id, "transaction code delivered again");
        application
    } else {
        return Err(DecideError::Decided);
    };
    let for_caller =
        credential_type.tx_code && matches!(credential_type.tx_code_channel, TxCodeChannel::Caller);
    let tx_code =
        for_caller.then(|| application_tx_code(issuer, application.id, application.approvals));
    Ok(Approved { tx_code })
}

/// The officer says no.
pub async fn reject(issuer: &Issuer, id: ApplicationId) -> Result<(), DecideError> {
    let (application, offer) = undecided(issuer, id).await?;
    if !application.can_be_decided(offer) {
        return Err(DecideError::Decided);
    }
    decide(issuer, &application, ApplicationState::Rejected).await.map(drop)
}

/// Delivers the Transaction Code of the approval to come, and approves once that has worked:
/// whatever fails, nothing is decided and the officer can try again.
async fn approve_seen(
    issuer: &Issuer,
    credential_type: &CredentialType,
    seen: &Application,
) -> Result<Application, DecideError> {
    deliver_tx_code(issuer, credential_type, (seen, seen.approvals + 1)).await?;
    decide(issuer, seen, ApplicationState::Approved).await
}

async fn undecided(
    issuer: &Issuer,
    id: ApplicationId,
) -> Result<(Application, Option<OfferState>), DecideError> {
    let application = issuer.store.application(id).await.map_err(Broken::from)?;
    let application = application.ok_or(DecideError::Unknown)?;
    let offer = present_offer(issuer, &application).await?.map(|offer| offer.state);
    Ok((application, offer))
}

async fn decide(
    issuer: &Issuer,
    seen: &Application,
    state: ApplicationState,
) -> Result<Application, DecideError> {
    let held = issuer.store.decide_application(seen, state, issuer.clock.now()).await;
    if !held.map_err(Broken::from)? {
        return Err(DecideError::Decided);
    }
    tracing::info!(application = %seen.id, state = state.name(), "application decided");
    let decided = issuer.store.application(seen.id).await.map_err(Broken::from)?;
    decided.ok_or(DecideError::Unknown)
}

/// Gives the Transaction Code to the operator's program, where the type names one.
async fn deliver_tx_code(
    issuer: &Issuer,
    credential_type: &CredentialType,
    (application, approvals): (&Application, u32),
) -> Result<(), NotDelivered> {
    let Some(command) = credential_type.tx_code_command() else { return Ok(()) };
    let tx_code = application_tx_code(issuer, application.id, approvals);
    let ids = [credential_type.id.as_str()];
    deliver(command, &tx_code, &application.id.to_string(), (&ids, &application.claims)).await
}

/// Why an officer's decision does not hold.
#[derive(Debug)]
pub enum DecideError {
    /// There is no such application.
    Unknown,
    /// It was decided before.
    Decided,
    /// Its credential type is not configured any more.
    TypeGone,
    /// The operator's program failed, and nothing was decided.
    NotDelivered(NotDelivered),
    /// Our own fault.
    Broken(Broken),
}

impl From<NotDelivered> for DecideError {
    fn from(error: NotDelivered) -> Self {
        Self::NotDelivered(error)
    }
}

impl From<Broken> for DecideError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for DecideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such application",
            Self::Decided => "this application was decided before",
            Self::TypeGone => "the credential type of this application is not configured any more",
            Self::NotDelivered(error) => {
                return write!(f, "{error}; approve again once the program works");
            }
            Self::Broken(_) => "internal error: the log says more",
        })
    }
}

impl std::error::Error for DecideError {}
