//! What an offer is made of: drawn, or derived for an owner who can come again; never stored.

use keys::outside::Timestamp;
use oid4vci::grant::Grant;
use oid4vci::legacy::Dialect;
use oid4vci::offer::{
    CredentialOffer, InputMode, OfferId, TxCodeInput, at_endpoint, link_by_reference,
};
use oid4vci::secret::{IssuerState, OfferReference, PreAuthorizedCode, TxCode};

use super::{MadeOffer, MakeOfferError, OfferRequest, Owner};
use crate::Issuer;
use crate::application::ApplicationId;
use crate::failure::Broken;

/// What an offer is made of and nobody stores.
pub(super) struct Secrets {
    pub(super) reference: OfferReference,
    pub(super) code: Option<PreAuthorizedCode>,
    pub(super) issuer_state: Option<IssuerState>,
    pub(super) tx_code: Option<TxCode>,
}

impl Secrets {
    /// Drawn for nobody; derived for an owner who can come again (see [`Owner`]).
    pub(super) fn of(
        issuer: &Issuer,
        request: &OfferRequest,
        owner: Owner<'_>,
        id: OfferId,
    ) -> Result<Self, MakeOfferError> {
        let keys = issuer.keys();
        let key = &keys.offer;
        let reference = match owner {
            Owner::Nobody => OfferReference::fresh(id, &*issuer.random),
            Owner::IdempotencyKey(owner) => OfferReference::derive(id, key, owner.as_bytes()),
            Owner::Application { secret, .. } => OfferReference::derive(id, key, secret.as_bytes()),
        };
        let code = reference.pre_authorized_code(key);
        let state = reference.issuer_state(key);
        let unreadable = || Broken::fault("a reference of ours was not readable".into());
        let (code, state) = code.zip(state).ok_or_else(unreadable)?;
        Ok(Self {
            code: request.grants.has_pre_authorized_code().then_some(code),
            issuer_state: request.grants.has_authorization_code().then_some(state),
            tx_code: request.tx_code.then(|| tx_code(issuer, owner, id)),
            reference,
        })
    }

    pub(super) fn show(
        self,
        issuer: &Issuer,
        request: &OfferRequest,
        (id, expires_at): (OfferId, Timestamp),
    ) -> MadeOffer {
        let by_reference = request.draft.is_none_or(Dialect::has_offers_by_reference);
        let identifier = issuer.identifier(request.draft);
        let uri = if request.by_value || !by_reference {
            let offer = CredentialOffer {
                credential_issuer: &identifier,
                credential_configuration_ids: &request.credential_configuration_ids,
                pre_authorized_code: self.code.as_ref(),
                tx_code: request.tx_code.then(|| tx_code_input(issuer)),
                issuer_state: self.issuer_state.as_ref(),
                authorization_server: issuer.named_server(request.draft),
            };
            match request.draft {
                None => for_wallet(issuer, offer.to_link()),
                Some(dialect) => dialect.offer_link(&offer),
            }
        } else {
            by_reference_for_wallet(issuer, request.draft, &self.reference)
        };
        MadeOffer { id, uri, tx_code: self.tx_code, expires_at }
    }
}

/// Wallets of drafts know the usual scheme alone.
fn by_reference_for_wallet(
    issuer: &Issuer,
    dialect: Option<Dialect>,
    reference: &OfferReference,
) -> String {
    let link = link_by_reference(&issuer.offer_uri(reference));
    if dialect.is_some() { link } else { for_wallet(issuer, link) }
}

/// For the Wallet that the operator has named, if one is.
fn for_wallet(issuer: &Issuer, link: String) -> String {
    let endpoint = issuer.config.offer.credential_offer_endpoint.as_deref();
    endpoint.and_then(|endpoint| at_endpoint(&link, endpoint)).unwrap_or(link)
}

/// The same code for the life of one approval, so that a fresh QR code needs no fresh letter.
fn tx_code(issuer: &Issuer, owner: Owner<'_>, id: OfferId) -> TxCode {
    match owner {
        Owner::Nobody | Owner::IdempotencyKey(_) => {
            let (keys, length) = (issuer.keys(), issuer.config.offer.tx_code_length);
            TxCode::derive(keys.tx_code.at(id.drawn_at()), &[b"offer", &id.0], length)
        }
        Owner::Application { id, approvals, .. } => application_tx_code(issuer, id, approvals),
    }
}

/// The Transaction Code of an approved application; its officer hands it on where the type says so.
///
/// It is made under the key of the application's first day: whoever has it on paper by then can use
/// it after the key was replaced.
#[must_use]
pub fn application_tx_code(issuer: &Issuer, id: ApplicationId, approvals: u32) -> TxCode {
    let context: [&[u8]; 3] = [b"application", &id.0.0, &approvals.to_be_bytes()];
    let keys = issuer.keys();
    let key = keys.tx_code.at(id.0.drawn_at());
    TxCode::derive(key, &context, issuer.config.offer.tx_code_length)
}

/// The link of an application's present offer, made again from the applicant's secret. A draft whose
/// offers stand nowhere but in their links has the code in it again.
#[must_use]
pub fn application_link(issuer: &Issuer, grant: &Grant, secret: &str) -> String {
    let keys = issuer.keys();
    let reference = OfferReference::derive(grant.id, &keys.offer, secret.as_bytes());
    match grant.dialect.filter(|dialect| !dialect.has_offers_by_reference()) {
        None => by_reference_for_wallet(issuer, grant.dialect, &reference),
        Some(dialect) => dialect.offer_link(&CredentialOffer {
            credential_issuer: &issuer.identifier(Some(dialect)),
            credential_configuration_ids: &grant.credential_configuration_ids,
            pre_authorized_code: reference.pre_authorized_code(&keys.offer).as_ref(),
            tx_code: grant.tx_code_digest.map(|_| tx_code_input(issuer)),
            issuer_state: None,
            authorization_server: None,
        }),
    }
}

pub(super) fn tx_code_input(issuer: &Issuer) -> TxCodeInput {
    TxCodeInput {
        input_mode: InputMode::Numeric,
        length: Some(issuer.config.offer.tx_code_length.into()),
        description: Some("The code that was given to you apart from this offer".to_owned()),
    }
}
