//! `bestow wallet refresh`: are they still valid?

use std::sync::Arc;

use serde_json::{Value, json};
use wallet::Wallet;
use wallet::error::WalletError;
use wallet::status::{Lists, StatusFault};
use wallet::store::StoredCredential;

use super::open::{Reach, open};
use super::{Place, card, find, store_failure, tell_damaged, wallet_failure};
use crate::cli::RefreshArguments;
use crate::exit::{Failure, Kind};
use crate::terminal::{plain, print, print_json, tell};

/// Asks for each, whatever came of the others, and then says what is known.
pub(super) async fn refresh(place: &Place, arguments: &RefreshArguments) -> Result<(), Failure> {
    let reach = Reach {
        ca: arguments.trust.ca.as_deref(),
        trust_anchor: arguments.trust.trust_anchor.as_deref(),
        contexts: &arguments.trust.context,
        allow_http_loopback: arguments.allow_http_loopback,
        ..Reach::default()
    };
    let wallet = open(place, reach, |client| Arc::new(client)).await?;
    let (mut lists, mut shown, mut first) = (Lists::default(), Vec::new(), None);
    for credential in chosen(&wallet, place, arguments.id.as_deref()).await? {
        let id = credential.id.to_string();
        let asked = wallet.refresh_status(&credential, &arguments.allow_host, &mut lists).await;
        let faults = asked.map_err(|error| wallet_failure(&error))?.faults;
        for fault in &faults {
            tell(format!("{id}: status unknown: {}", plain(&fault.to_string())));
        }
        let credential = find(&*wallet.store, &id).await?;
        if !arguments.json {
            print(card::line(&credential));
        }
        shown.push(with_faults(card::json(&credential), &faults));
        first = first.or_else(|| faults.into_iter().next());
    }
    match first {
        None if arguments.json => print_json(&json!({ "credentials": shown })),
        None => Ok(()),
        Some(fault) => Err(failure(&fault).done("credentials", shown.into())),
    }
}

async fn chosen(
    wallet: &Wallet,
    place: &Place,
    id: Option<&str>,
) -> Result<Vec<StoredCredential>, Failure> {
    if let Some(id) = id {
        return Ok(vec![find(&*wallet.store, id).await?]);
    }
    let listed = wallet.store.credentials().await.map_err(store_failure)?;
    tell_damaged(place, "credentials", &listed.damaged);
    Ok(listed.records)
}

fn with_faults(mut shown: Value, faults: &[StatusFault]) -> Value {
    if let (Some(shown), false) = (shown.as_object_mut(), faults.is_empty()) {
        let faults: Vec<Value> = faults.iter().map(|fault| fault.to_string().into()).collect();
        shown.insert("status_problems".to_owned(), faults.into());
    }
    shown
}

/// For people, and for scripts by its code.
pub(super) fn failure(fault: &StatusFault) -> Failure {
    let text = plain(&fault.to_string());
    match fault {
        StatusFault::NotAsked(WalletError::NotAgreed { host }) => {
            Failure::new(Kind::Declined, "not_agreed", text)
                .hint(format!("if you know it, add --allow-host {}", plain(host)))
        }
        StatusFault::NotAsked(error) => wallet_failure(error),
        StatusFault::Answer(_) => {
            Failure::new(Kind::Network, "no_status_list", text).hint("try again later")
        }
        StatusFault::OtherMechanism
        | StatusFault::Unreadable
        | StatusFault::BadAddress
        | StatusFault::List(_)
        | StatusFault::OtherSigner
        | StatusFault::NoEntry
        | StatusFault::Older => {
            Failure::new(Kind::VerificationFailed, "bad_status_list", text).hint("tell the issuer")
        }
    }
}
