//! What stands in a state. It is read by programs that are newer: members are added with a default, and
//! a change of meaning is another [`VERSION`].

use std::sync::Arc;

use keys::outside::Timestamp;
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::legacy::Dialect;
use oid4vci::offer::{AuthorizationCodeGrant, PreAuthorizedCodeGrant, TxCodeInput};
use oid4vci::secret::{CodeVerifier, PreAuthorizedCode};
use oid4vci::token::AuthorizedDetail;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{FlowState, STATE_BYTES_MAX, StateError};
use crate::Wallet;
use crate::display::Display;
use crate::error::WalletError;
use crate::flow::dialect::Spoken;
use crate::flow::metadata::{OfferedCredential, OfferedGrant, ResolvedOffer, offered};
use crate::flow::sender::SavedSender;
use crate::flow::sign_in::SignIn;
use crate::flow::sources::{Sources, Understood};
use crate::flow::token::Authorized;
use crate::store::{
    CredentialId, KeptToken, KeyId, PendingCredential, SharedToken, StoredKey, code_verifier,
    pre_authorized_code,
};

/// Of the present meaning.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
pub(super) struct Saved {
    version: u32,
    pub(super) point: SavedPoint,
}

/// Read before the rest, which another version may have otherwise.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SavedPoint {
    Offer(Box<SavedOffer>),
    SignIn(Box<SavedSignIn>),
    Authorized(Box<SavedAuthorized>),
    Pending(Box<SavedPending>),
}

impl Saved {
    pub(super) const fn of(point: SavedPoint) -> Self {
        Self { version: VERSION, point }
    }

    pub(super) fn to_state(&self) -> Result<FlowState, WalletError> {
        let text = serde_json::to_string(self).map(Zeroizing::new);
        Ok(text.map(FlowState).map_err(|_| StateError::Unreadable)?)
    }

    pub(super) fn read(state: &FlowState) -> Result<Self, StateError> {
        let text = state.expose().as_bytes();
        if text.len() > STATE_BYTES_MAX {
            return Err(StateError::Unreadable);
        }
        let Version { version } =
            serde_json::from_slice(text).map_err(|_| StateError::Unreadable)?;
        if version != VERSION {
            return Err(StateError::OtherVersion);
        }
        serde_json::from_slice(text).map_err(|_| StateError::Unreadable)
    }
}

/// An offer whose issuer has described it.
#[derive(Deserialize, Serialize)]
pub(super) struct SavedOffer {
    grant: SavedGrant,
    sources: Sources,
    shown: Vec<Shown>,
    sender: SavedSender,
    findings: Vec<String>,
    /// Came with another answer, in a draft.
    nonce: Option<String>,
}

/// The grant of an offer; which server takes it stands with the sender.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SavedGrant {
    PreAuthorizedCode {
        #[serde(with = "pre_authorized_code")]
        code: PreAuthorizedCode,
        tx_code: Option<TxCodeInput>,
        #[serde(default)]
        interval: Option<u64>,
    },
    AuthorizationCode {
        issuer_state: Option<String>,
    },
}

/// What was looked up of how a credential will look.
#[derive(Deserialize, Serialize)]
struct Shown {
    id: String,
    display: Display,
    documents: Vec<String>,
}

impl SavedGrant {
    fn of(grant: &OfferedGrant) -> Self {
        match grant {
            OfferedGrant::PreAuthorizedCode(grant) => Self::PreAuthorizedCode {
                code: grant.pre_authorized_code.clone(),
                tx_code: grant.tx_code.clone(),
                interval: grant.interval,
            },
            OfferedGrant::AuthorizationCode(grant) => {
                Self::AuthorizationCode { issuer_state: grant.issuer_state.clone() }
            }
        }
    }

    fn again(self) -> OfferedGrant {
        let authorization_server = None;
        match self {
            Self::PreAuthorizedCode { code: pre_authorized_code, tx_code, interval } => {
                OfferedGrant::PreAuthorizedCode(PreAuthorizedCodeGrant {
                    pre_authorized_code,
                    tx_code,
                    authorization_server,
                    interval,
                })
            }
            Self::AuthorizationCode { issuer_state } => {
                let grant = AuthorizationCodeGrant { issuer_state, authorization_server };
                OfferedGrant::AuthorizationCode(grant)
            }
        }
    }
}

impl SavedOffer {
    pub(super) fn of(offer: &ResolvedOffer) -> Self {
        let spoken = &offer.sender.spoken;
        let shown = offer.offered().iter().map(|one| Shown {
            id: one.id.clone(),
            display: one.display.clone(),
            documents: one.documents.clone(),
        });
        Self {
            grant: SavedGrant::of(&offer.grant),
            sources: (*offer.sources).clone(),
            shown: shown.collect(),
            sender: offer.sender.save(),
            findings: spoken.findings().into_iter().map(Into::into).collect(),
            nonce: spoken.misplaced_nonce(),
        }
    }

    /// As it was shown then; pictures are not fetched again.
    fn show(&mut self, offered: &mut [OfferedCredential]) {
        for one in offered {
            let Some(place) = self.shown.iter().position(|shown| shown.id == one.id) else {
                continue;
            };
            let Shown { display, documents, .. } = self.shown.swap_remove(place);
            (one.display, one.documents) = (display, documents);
        }
    }

    fn spoken(&mut self, dialect: Option<Dialect>) -> Spoken {
        let spoken = Spoken::new(dialect, Vec::new());
        spoken.excuse(std::mem::take(&mut self.findings));
        spoken.keep_nonce(self.nonce.take());
        spoken
    }
}

impl Wallet {
    /// What was read is read once more, and held against what this wallet asks of issuers.
    pub(super) async fn offer_again(
        &self,
        mut saved: SavedOffer,
    ) -> Result<ResolvedOffer, WalletError> {
        let Understood { issuer, dialect, ids, names, server, batch_endpoint, .. } =
            saved.sources.read()?;
        let spoken = saved.spoken(dialect);
        self.check_dialect(&spoken)?;
        let encryption = spoken.encryption(&issuer.encryption)?;
        let formats = self.settings.profile.formats();
        let (mut offered, unsupported) = offered(&ids, (&issuer, names), formats)?;
        self.check_offered(&offered)?;
        saved.show(&mut offered);
        let server = saved.sources.read_server(saved.sender.authorization_server(), server)?;
        let id = saved.sender.authorization_server();
        self.check_published(&issuer, (&server, id), batch_endpoint.as_ref())?;
        let sender = self.saved_sender(&server, saved.sender, spoken).await?;
        let (grant, sources) = (saved.grant.again(), Arc::new(saved.sources));
        Ok(ResolvedOffer {
            grant,
            issuer,
            encryption,
            server,
            batch_endpoint,
            sender,
            offered,
            unsupported,
            sources,
        })
    }

    pub(super) async fn sign_in_again(&self, saved: SavedSignIn) -> Result<SignIn, WalletError> {
        let address = Url::parse(&saved.address).map_err(|_| StateError::Unreadable)?;
        self.permit(&address)?;
        let offer = self.offer_again(saved.offer).await?;
        let flow = offer.server.code_flow.as_ref().ok_or(WalletError::NoSignIn)?;
        // The person types a password there: it is opened nowhere but where the server said.
        if bare(&address) != bare(&flow.authorization_endpoint) {
            return Err(StateError::Unreadable.into());
        }
        Ok(SignIn {
            offer,
            address,
            redirect_uri: saved.redirect_uri,
            verifier: saved.verifier,
            state: saved.state,
            scopes: saved.scopes,
        })
    }

    pub(super) async fn authorized_again(
        &self,
        saved: SavedAuthorized,
    ) -> Result<Authorized, WalletError> {
        let offer = self.offer_again(saved.offer).await?;
        let mut sender = offer.sender.clone();
        sender.is_bound = saved.token.dpop_key.is_some();
        Ok(Authorized {
            sender,
            offer,
            access_token: saved.token.access_token,
            details: saved.details,
            scopes: saved.scopes,
            ungranted_scopes: saved.ungranted_scopes,
            client_id: saved.client_id,
            expires_at: saved.expires_at,
            refresh_token: saved.token.renewal.map(|renewal| renewal.refresh_token),
            shared_as: saved.shared_as,
        })
    }
}

/// The place without what is told to it.
fn bare(address: &Url) -> Url {
    let mut bare = address.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare
}

/// A person on the way to sign in.
#[derive(Deserialize, Serialize)]
pub(super) struct SavedSignIn {
    offer: SavedOffer,
    address: String,
    redirect_uri: String,
    #[serde(with = "code_verifier")]
    verifier: CodeVerifier,
    state: String,
    scopes: Vec<String>,
}

impl SavedSignIn {
    pub(super) fn of(sign_in: &SignIn) -> Self {
        Self {
            offer: SavedOffer::of(&sign_in.offer),
            address: sign_in.address.to_string(),
            redirect_uri: sign_in.redirect_uri.clone(),
            verifier: sign_in.verifier.clone(),
            state: sign_in.state.clone(),
            scopes: sign_in.scopes.clone(),
        }
    }
}

/// A flow with its token.
#[derive(Deserialize, Serialize)]
pub(super) struct SavedAuthorized {
    offer: SavedOffer,
    token: KeptToken,
    details: Vec<AuthorizedDetail>,
    scopes: Vec<String>,
    ungranted_scopes: Vec<String>,
    client_id: Option<String>,
    expires_at: Option<Timestamp>,
    shared_as: CredentialId,
}

impl SavedAuthorized {
    pub(super) fn of(authorized: &Authorized) -> Self {
        Self {
            offer: SavedOffer::of(&authorized.offer),
            token: authorized.kept_token(),
            details: authorized.details.clone(),
            scopes: authorized.scopes.clone(),
            ungranted_scopes: authorized.ungranted_scopes.clone(),
            client_id: authorized.client_id.clone(),
            expires_at: authorized.expires_at(),
            shared_as: authorized.shared_as.clone(),
        }
    }
}

/// What is still to come, its token, and the keys that were proved for it.
#[derive(Deserialize, Serialize)]
pub(super) struct SavedPending {
    pub(super) pending: PendingCredential,
    pub(super) token: SharedToken,
    pub(super) keys: Vec<StoredKey>,
}

impl SavedPending {
    /// Its parts are those of one another: what has another's name could take its place in a store.
    pub(super) fn check(&self) -> Result<(), StateError> {
        let fits = self.pending.token == self.token.id && self.keys.iter().all(has_own_name);
        fits.then_some(()).ok_or(StateError::Unreadable)
    }
}

fn has_own_name(stored: &StoredKey) -> bool {
    let key = SoftwareKey::from_pkcs8(stored.pkcs8.expose());
    key.is_ok_and(|key| KeyId::from(&key.public_key().thumbprint()) == stored.id)
}
