//! An offer made by an operator: what the admin API and the command line have in common.

use oid4vci::secret::TxCode;

use crate::Issuer;
use crate::credential_type::TxCodeChannel;
use crate::flow::offer::{MadeOffer, MakeOfferError, OfferRequest, Owner, make_offer, withdraw};
use crate::tx_code_command::deliver;

/// What was named, and beside each the other formats of the same type.
#[must_use]
pub fn in_all_formats(issuer: &Issuer, ids: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for id in ids {
        let formats = issuer.types.get(id).map_or(std::slice::from_ref(id), |one| one.origin.ids());
        let further = formats.iter().filter(|format| !all.contains(format)).cloned();
        let further: Vec<String> = further.collect();
        all.extend(further);
    }
    all
}

/// An offer whose Transaction Code is on its way.
#[derive(Debug)]
pub struct Offered {
    /// To be shown.
    pub offer: MadeOffer,
    /// For the caller to hand on; `None` when there is none or the type's program got it.
    pub tx_code: Option<TxCode>,
}

/// Makes an offer, and gives its Transaction Code to the program of the first type that names one.
pub async fn offer(
    issuer: &Issuer,
    request: &OfferRequest,
    owner: Owner<'_>,
) -> Result<Offered, MakeOfferError> {
    let mut offer = make_offer(issuer, request, owner).await?;
    let ids: Vec<&str> = request.credential_configuration_ids.iter().map(String::as_str).collect();
    let mut types = ids.iter().filter_map(|id| issuer.types.get(*id));
    let command = types.find_map(|credential_type| match &credential_type.tx_code_channel {
        TxCodeChannel::Command(command) => Some(command),
        TxCodeChannel::Screen | TxCodeChannel::Caller => None,
    });
    let tx_code = offer.tx_code.take();
    match (command, tx_code) {
        (Some(command), Some(tx_code)) => {
            let about = (&ids[..], &request.claims);
            let delivered = deliver(command, &tx_code, &offer.id.to_string(), about).await;
            if let Err(error) = delivered {
                if matches!(owner, Owner::Nobody) {
                    // Nobody can ask for it again: an offer without its code is of no use.
                    withdraw(issuer, offer.id).await?;
                }
                return Err(MakeOfferError::NotDelivered(error));
            }
            Ok(Offered { offer, tx_code: None })
        }
        (_, tx_code) => Ok(Offered { offer, tx_code }),
    }
}
