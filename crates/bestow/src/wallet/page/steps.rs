//! Steps 5 to 19 as the page asks for them: each takes a stage and leads to the next one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use oid4vci::secret::TxCode;
use serde::Deserialize;
use serde_json::Value;
use wallet::Wallet;
use wallet::error::{Refused, WalletError};
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::{DescribedOffer, ResolvedOffer};
use wallet::flow::offer::{Consent, FetchedOffer, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::sign_in::SignIn;
use wallet::flow::token::{Authorized, TokenFailure};

use super::flows::{Stage, Waiting};
use super::problem::{Id, Problem};
use super::{Served, language, view};
use crate::wallet::sign_in::Return;

/// What the person decided.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Decision {
    /// To contact this host, as it was shown (OFFER-39).
    Agree {
        /// The host.
        host: String,
    },
    /// To get what is offered.
    Redeem {
        /// The Transaction Code, if one is asked for.
        tx_code: Option<String>,
    },
    /// To keep what came.
    Keep {
        /// Although nobody vouches for the issuer.
        accept_unverified_issuer: bool,
    },
}

/// A step that was not done, and where the flow stands now.
struct Setback {
    stage: Stage,
    problem: Problem,
}

impl Setback {
    fn new(stage: Stage, problem: impl Into<Problem>) -> Self {
        Self { stage, problem: problem.into() }
    }
}

/// `GET /api/flows/{id}`: for a page that was loaded again in the middle.
pub(super) async fn show(
    State(served): State<Arc<Served>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let stage = served.flows.take(&id)?;
    let spoken = served.flows.spoken(&id);
    let (locale, now) = (language::of(&headers), served.wallet.clock.now());
    let shown = view::stage(&id, (&stage, spoken.as_ref()), &locale, now);
    served.flows.put(&id, stage);
    Ok(Json(shown))
}

/// `POST /api/flows/{id}`
pub(super) async fn go_on(
    State(served): State<Arc<Served>>,
    Id(id): Id,
    headers: HeaderMap,
    decision: Result<Json<Decision>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(decision) = decision?;
    let stage = served.flows.take(&id)?;
    let locale = language::of(&headers);
    // On its own: a browser that goes away must not cost the holder a token that was redeemed.
    let step = tokio::spawn(async move {
        let mut wallet = served.wallet.clone();
        wallet.settings.locale.clone_from(&locale);
        let (stage, problem) = match decide(&wallet, stage, decision).await {
            Ok(stage) => (stage, None),
            Err(Setback { stage, problem }) => (stage, Some(problem)),
        };
        let spoken = served.flows.spoken(&id);
        let at = (&stage, spoken.as_ref());
        let shown = view::stage(&id, at, &locale, wallet.clock.now());
        served.flows.put(&id, stage);
        problem.map_or(Ok(Json(shown)), |problem| Err(problem.spoken(spoken.unwrap_or_default())))
    });
    step.await.unwrap_or_else(|error| Err(crate::exit::Failure::own_fault(error).into()))
}

/// `DELETE /api/flows/{id}`: nothing is kept. Only an issuer that asked for it is told that what it
/// gave is not wanted (VCI §11).
pub(super) async fn decline(State(served): State<Arc<Served>>, Id(id): Id) -> StatusCode {
    if let Ok(Stage::Received(received)) = served.flows.take(&id) {
        let wallet = served.wallet.clone();
        tokio::spawn(async move { wallet.decline(&received).await });
    }
    served.flows.end(&id);
    StatusCode::NO_CONTENT
}

async fn decide(wallet: &Wallet, stage: Stage, decision: Decision) -> Result<Stage, Setback> {
    match (stage, decision) {
        (Stage::Scanned(scanned), Decision::Agree { host }) if scanned.host() == host => {
            Box::pin(fetch(wallet, scanned)).await
        }
        (Stage::Fetched(fetched, consent), Decision::Agree { host }) if fetched.host() == host => {
            Box::pin(describe(wallet, fetched, consent.and(&host))).await
        }
        (Stage::Described(described, consent), Decision::Agree { host })
            if described.server_host() == host =>
        {
            Box::pin(resolve(wallet, described, consent.and(&host))).await
        }
        (Stage::Resolved(offer), Decision::Redeem { .. }) if offer.needs_sign_in() => {
            Box::pin(begin_sign_in(wallet, offer)).await
        }
        (Stage::Resolved(offer), Decision::Redeem { tx_code }) => {
            Box::pin(redeem(wallet, offer, tx_code)).await
        }
        (Stage::SigningIn(sign_in, waiting), Decision::Redeem { .. }) => {
            Box::pin(finish_sign_in(wallet, sign_in, waiting)).await
        }
        (Stage::Authorized(authorized), Decision::Redeem { .. }) => {
            request(wallet, *authorized).await
        }
        (Stage::Received(received), Decision::Keep { accept_unverified_issuer }) => {
            keep(wallet, received, accept_unverified_issuer).await
        }
        (stage, _) => Err(Setback::new(stage, out_of_order())),
    }
}

async fn fetch(wallet: &Wallet, scanned: ScannedOffer) -> Result<Stage, Setback> {
    let consent = Consent::to(scanned.host());
    match wallet.fetch_offer(scanned.clone(), &consent).await {
        Ok(fetched) if fetched.host() == scanned.host() => describe(wallet, fetched, consent).await,
        Ok(fetched) => Ok(Stage::Fetched(fetched, consent)),
        Err(error) => Err(Setback::new(Stage::Scanned(scanned), error)),
    }
}

async fn describe(
    wallet: &Wallet,
    fetched: FetchedOffer,
    consent: Consent,
) -> Result<Stage, Setback> {
    let issuer = fetched.host().to_owned();
    match wallet.describe_offer(fetched.clone(), &consent).await {
        Ok(described) if described.server_host() == issuer => {
            resolve(wallet, described, consent).await
        }
        Ok(described) => Ok(Stage::Described(described, consent)),
        Err(error) => Err(Setback::new(Stage::Fetched(fetched, consent), error)),
    }
}

async fn resolve(
    wallet: &Wallet,
    described: DescribedOffer,
    consent: Consent,
) -> Result<Stage, Setback> {
    match wallet.resolve_offer(described.clone(), &consent).await {
        Ok(offer) => Ok(Stage::Resolved(offer)),
        Err(error) => Err(Setback::new(Stage::Described(described, consent), error)),
    }
}

/// A Transaction Code that was mistyped may be typed again; the offer stays good meanwhile.
async fn redeem(
    wallet: &Wallet,
    offer: ResolvedOffer,
    tx_code: Option<String>,
) -> Result<Stage, Setback> {
    let tx_code = tx_code.filter(|code| !code.is_empty()).map(TxCode::new);
    match wallet.request_token(offer, tx_code).await {
        Ok(authorized) => request(wallet, authorized).await,
        Err(failure) => {
            let problem = not_redeemed(&failure);
            Err(Setback::new(Stage::Resolved(failure.offer), problem))
        }
    }
}

/// The person signs in with the issuer in another window, which comes back to this machine.
async fn begin_sign_in(wallet: &Wallet, offer: ResolvedOffer) -> Result<Stage, Setback> {
    let back = match Return::open().await {
        Ok(back) => back,
        Err(failure) => return Err(Setback::new(Stage::Resolved(offer), failure)),
    };
    match wallet.begin_sign_in(offer.clone(), &back.redirect_uri()).await {
        Ok(sign_in) => Ok(Stage::SigningIn(sign_in, Waiting::begin(back))),
        Err(error) => Err(Setback::new(Stage::Resolved(offer), error)),
    }
}

/// Whatever went wrong in the other window: the offer may be good for another try.
async fn finish_sign_in(
    wallet: &Wallet,
    sign_in: SignIn,
    mut waiting: Waiting,
) -> Result<Stage, Setback> {
    let offer = sign_in.offer().clone();
    match waiting.query().await {
        None => Err(Setback::new(Stage::SigningIn(sign_in, waiting), not_back())),
        Some(Err(failure)) => Err(Setback::new(Stage::Resolved(offer), failure)),
        Some(Ok(query)) => match wallet.finish_sign_in(sign_in, &query).await {
            Ok(authorized) => request(wallet, authorized).await,
            Err(error) => Err(Setback::new(Stage::Resolved(offer), error)),
        },
    }
}

fn not_back() -> Problem {
    let message = "the other window has not come back yet";
    Problem::new(StatusCode::CONFLICT, "not_signed_in", message)
        .hint("sign in there and allow it, then come back here")
}

/// `invalid_grant` says that one of two codes was wrong: with a person at the keys it is most
/// likely the one that was typed (TOKEN-25).
fn not_redeemed(failure: &TokenFailure) -> Problem {
    let problem = Problem::from(failure.error.clone());
    if let Some(seconds) = failure.ask_again_after() {
        return problem.ask_again_after(seconds);
    }
    if !failure.may_retype() {
        return problem;
    }
    if matches!(failure.error, WalletError::Refused(_)) {
        let message = "the issuer did not accept this code";
        return Problem::new(StatusCode::BAD_GATEWAY, failure.error.code(), message)
            .hint("check it and type it again; an offer that is used or too old takes no code")
            .may_retype();
    }
    problem.may_retype()
}

/// The token stays good when the network fails, so the stage before it is not gone back to.
async fn request(wallet: &Wallet, authorized: Authorized) -> Result<Stage, Setback> {
    match wallet.request_credentials(&authorized, &KeyWish::default()).await {
        Ok(received) => Ok(came(received)),
        Err(WalletError::Refused(refused)) if refused.is("invalid_token") => {
            Box::pin(renew(wallet, authorized, refused)).await
        }
        Err(error) => Err(Setback::new(Stage::Authorized(Box::new(authorized)), error)),
    }
}

/// What is still to come is kept, and is on the list of the page.
fn came(received: Received) -> Stage {
    if received.previews().is_empty() && !received.pending().is_empty() {
        return Stage::Waits(received.pending().to_vec());
    }
    Stage::Received(received)
}

/// A token that died on the way is renewed, where the issuer gave the means for it.
async fn renew(
    wallet: &Wallet,
    authorized: Authorized,
    refused: Refused,
) -> Result<Stage, Setback> {
    let renewed = match wallet.renew(&authorized).await {
        Ok(Some(renewed)) => renewed,
        Ok(None) => {
            let error = WalletError::Refused(refused);
            return Err(Setback::new(Stage::Authorized(Box::new(authorized)), error));
        }
        Err(error) => return Err(Setback::new(Stage::Authorized(Box::new(authorized)), error)),
    };
    match wallet.request_credentials(&renewed, &KeyWish::default()).await {
        Ok(received) => Ok(came(received)),
        Err(error) => Err(Setback::new(Stage::Authorized(Box::new(renewed)), error)),
    }
}

async fn keep(wallet: &Wallet, received: Received, accept: bool) -> Result<Stage, Setback> {
    let received = if accept { received.accept_unverified_issuer() } else { received };
    match wallet.keep(&received).await {
        Ok(kept) => Ok(Stage::Kept(kept)),
        Err(error) => Err(Setback::new(Stage::Received(received), error)),
    }
}

fn out_of_order() -> Problem {
    let message = "the page and the wallet are not at the same step";
    Problem::new(StatusCode::CONFLICT, "out_of_order", message).hint("load the page again")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use keys::outside::{SystemClock, SystemRandom, Timestamp};
    use serde_json::json;
    use wallet::Settings;
    use wallet::http::{Http, HttpError, Request, Response};
    use wallet::store::{FileStore, Unlock};

    use super::{Arc, Decision, ScannedOffer, Setback, Stage, Value, Wallet, decide, view};

    /// An issuer that has its codes redeemed elsewhere.
    #[derive(Debug)]
    struct Elsewhere;

    #[async_trait]
    impl Http for Elsewhere {
        async fn send(&self, request: Request) -> Result<Response, HttpError> {
            let document = match request.url.host_str() {
                Some("issuer.example") => json!({
                    "credential_issuer": "https://issuer.example",
                    "authorization_servers": ["https://login.example"],
                    "credential_endpoint": "https://issuer.example/credential",
                    "credential_configurations_supported":
                        { "card": { "format": "dc+sd-jwt", "vct": "card" } },
                }),
                _ => json!({
                    "issuer": "https://login.example",
                    "token_endpoint": "https://login.example/token",
                }),
            };
            Ok(Response {
                status: 200,
                content_type: None,
                headers: Vec::new(),
                body: document.to_string().into(),
            })
        }
    }

    fn shown(stage: &Stage) -> Value {
        view::stage("1", (stage, None), "en", Timestamp(0))
    }

    /// SEC-09
    #[tokio::test]
    async fn a_server_elsewhere_needs_a_yes_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let unlock = Unlock::KeyFile(folder.path().join("key"));
        let store = FileStore::open(folder.path().join("w"), unlock, Arc::new(SystemRandom)).await;
        let wallet = Wallet {
            http: Arc::new(Elsewhere),
            store: Arc::new(store.unwrap()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            settings: Settings::default(),
        };
        let link = "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22:\
            %22https://issuer.example%22,%22credential_configuration_ids%22:[%22card%22],\
            %22grants%22:%7B%22urn:ietf:params:oauth:grant-type:pre-authorized_code%22:\
            %7B%22pre-authorized_code%22:%22c%22%7D%7D%7D";
        let agree = |host: &str| Decision::Agree { host: host.to_owned() };
        let scanned = Stage::Scanned(ScannedOffer::scan(link).unwrap());
        let Ok(stage) = decide(&wallet, scanned, agree("issuer.example")).await else { panic!() };
        let asked = shown(&stage);
        assert_eq!((&asked["step"], &asked["role"]), (&json!("host"), &json!("server")));
        assert_eq!(asked["host"], "login.example");
        let refused = decide(&wallet, stage, agree("issuer.example")).await;
        let Err(Setback { stage, .. }) = refused else { panic!("another host was agreed to") };
        let Ok(stage) = decide(&wallet, stage, agree("login.example")).await else { panic!() };
        assert_eq!(shown(&stage)["step"], "offer");
    }
}
