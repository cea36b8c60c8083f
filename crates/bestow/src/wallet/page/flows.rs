//! Offers on their way to becoming cards: the wallet's states stay in this process, the page gets
//! an id.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use oid4vci::legacy::Dialect;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use wallet::flow::dialect::Dialogue;
use wallet::flow::metadata::{DescribedOffer, ResolvedOffer};
use wallet::flow::offer::{Consent, FetchedOffer, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::sign_in::SignIn;
use wallet::flow::token::Authorized;
use wallet::store::{PendingCredential, StoredCredential};

use super::problem::Problem;
use crate::exit::Failure;
use crate::wallet::sign_in::Return;

/// Most flows at a time; one more drops the oldest.
const FLOWS_MAX: usize = 8;
/// How long a flow waits for its person: longer than an offer and its token live.
const PATIENCE: Duration = Duration::from_mins(30);

/// Where a flow stands.
pub(super) enum Stage {
    /// Nobody has been contacted.
    Scanned(ScannedOffer),
    /// The offer is from another host than its link.
    Fetched(FetchedOffer, Consent),
    /// The issuer has its codes redeemed at another host.
    Described(DescribedOffer, Consent),
    /// The issuer has said what it offers.
    Resolved(ResolvedOffer),
    /// The person is to sign in with the issuer, in another window.
    SigningIn(SignIn, Waiting),
    /// There is a token; the credentials did not come yet.
    Authorized(Box<Authorized>),
    /// Here to be looked at.
    Received(Received),
    /// Still to come; what is needed to fetch it is in the store.
    Waits(Vec<PendingCredential>),
    /// In the store.
    Kept(Vec<StoredCredential>),
}

/// Waits for the browser to come back from the issuer; ends with the flow.
pub(super) struct Waiting(JoinHandle<Result<String, Failure>>);

impl Waiting {
    /// Begins to wait.
    pub(super) fn begin(back: Return) -> Self {
        Self(tokio::spawn(back.query()))
    }

    /// What the browser brought; `None` while it has not come.
    pub(super) async fn query(&mut self) -> Option<Result<String, Failure>> {
        if !self.0.is_finished() {
            return None;
        }
        Some((&mut self.0).await.unwrap_or_else(|error| Err(Failure::own_fault(error))))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// All flows, the oldest first.
#[derive(Default)]
pub(super) struct Flows {
    flows: Mutex<Vec<Flow>>,
}

struct Flow {
    id: String,
    /// What is spoken with the issuer; of what came later, what came says it.
    dialogue: Option<Dialogue>,
    /// `None` while a step is being done.
    stage: Option<Stage>,
    touched: Instant,
}

impl Flows {
    /// Begins one.
    pub(super) fn begin(&self, id: String, scanned: ScannedOffer) {
        let dialogue = Some(scanned.dialogue());
        self.add(id, dialogue, Stage::Scanned(scanned));
    }

    /// Begins one in the middle.
    pub(super) fn begin_at(&self, id: String, stage: Stage) {
        self.add(id, None, stage);
    }

    fn add(&self, id: String, dialogue: Option<Dialogue>, stage: Stage) {
        let mut flows = self.fresh();
        if flows.len() >= FLOWS_MAX {
            flows.remove(0);
        }
        flows.push(Flow { id, dialogue, stage: Some(stage), touched: Instant::now() });
    }

    /// Which draft the issuer of a flow speaks, as far as it is known, and what was excused so far: members of
    /// an answer.
    pub(super) fn spoken(&self, id: &str) -> Option<Map<String, Value>> {
        let dialogue = self.fresh().iter().find(|flow| flow.id == id)?.dialogue.clone()?;
        let draft = dialogue.decided().flatten().map(Dialect::name);
        let members = [("draft", draft.into()), ("findings", json!(dialogue.findings()))];
        Some(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Takes the stage for one step; nobody else gets it meanwhile.
    pub(super) fn take(&self, id: &str) -> Result<Stage, Problem> {
        let mut flows = self.fresh();
        let flow = flows.iter_mut().find(|flow| flow.id == id).ok_or_else(gone)?;
        flow.stage.take().ok_or_else(busy)
    }

    /// Looks at what came, where it waits to be kept.
    pub(super) fn received<T>(
        &self,
        id: &str,
        look: impl FnOnce(&Received) -> Option<T>,
    ) -> Option<T> {
        let flows = self.fresh();
        match flows.iter().find(|flow| flow.id == id)?.stage.as_ref()? {
            Stage::Received(received) => look(received),
            Stage::Scanned(_)
            | Stage::Fetched(..)
            | Stage::Described(..)
            | Stage::Resolved(_)
            | Stage::SigningIn(..)
            | Stage::Authorized(_)
            | Stage::Waits(_)
            | Stage::Kept(_) => None,
        }
    }

    /// Puts the stage where the step led; a flow that was declined meanwhile stays away.
    pub(super) fn put(&self, id: &str, stage: Stage) {
        let mut flows = self.fresh();
        if let Some(flow) = flows.iter_mut().find(|flow| flow.id == id) {
            flow.stage = Some(stage);
            flow.touched = Instant::now();
        }
    }

    /// Forgets one.
    pub(super) fn end(&self, id: &str) {
        self.fresh().retain(|flow| flow.id != id);
    }

    /// Those that somebody may still come back to.
    fn fresh(&self) -> MutexGuard<'_, Vec<Flow>> {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain(|flow| flow.touched.elapsed() < PATIENCE);
        flows
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "flow_gone", "this offer is no longer open here")
        .hint("scan the QR code again")
}

fn busy() -> Problem {
    Problem::new(StatusCode::CONFLICT, "flow_busy", "the last step is still being done")
        .hint("wait a moment")
}
