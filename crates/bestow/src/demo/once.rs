//! `bestow demo --once`: the whole flow with nobody there, told step by step.

use std::path::Path;
use std::sync::Arc;

use issuer::Issuer;
use keys::algorithm::Algorithm;
use oid4vci::proof::BindingMethod;
use oid4vci::secret::TxCode;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};

use super::browser::apply;
use super::narrator::{Narrator, step};
use crate::exit::Failure;
use crate::terminal::{plain, print};
use crate::wallet::open::{Reach, open};
use crate::wallet::{Place, card, input, wallet_failure};

/// What the demonstration applies for.
const TYPE: &str = "student_card";

/// Plays the holder from the application form to the card.
pub(super) async fn play(
    issuer: &Issuer,
    certificates: &Path,
    place: &Place,
) -> Result<(), Failure> {
    let failed = |error: wallet::error::WalletError| wallet_failure(&error);
    let credential_type =
        issuer.types.get(TYPE).ok_or_else(|| Failure::own_fault("the card is not configured"))?;
    let name = credential_type.display("en").map_or(TYPE, |display| &display.name);
    let portal = issuer.credential_issuer();
    let (ca, trust_anchor) = (Some(certificates), Some(certificates));
    let reach = Reach { ca, trust_anchor, ..Reach::default() };
    let wallet = open(place, reach, |client| Arc::new(Narrator(client))).await?;

    let page = apply(portal, certificates, credential_type).await?;
    step(
        1,
        "Holder → Issuer",
        format!("applies for \"{name}\" on {portal}: {} fields", page.fields),
    );
    step(2, "Issuer", "makes a pre-authorized code and a Credential Offer in a QR code");
    step(3, "Issuer → Holder", format!("shows it: a picture of {} bytes", page.picture.len()));
    let text = input::from_picture(&page.picture)?;
    let scanned = ScannedOffer::scan(&text).map_err(failed)?;
    step(4, "Wallet", format!("decodes the pixels: {} characters of a link", text.len()));
    let consent = Consent::to(scanned.host());
    let fetched = wallet.fetch_offer(scanned, &consent).await.map_err(failed)?;
    let consent = consent.and(fetched.host());
    let described = wallet.describe_offer(fetched, &consent).await.map_err(failed)?;
    let resolved = wallet.resolve_offer(described, &consent).await.map_err(failed)?;
    let key = wallet.make_key(Algorithm::Es256, BindingMethod::Jwk).await.map_err(failed)?;
    step(7, "Wallet", format!("makes a key pair: ES256, {}", key.id));
    let tx_code = page.tx_code.filter(|_| resolved.tx_code().is_some()).map(TxCode::new);
    let authorized = wallet.request_token(resolved, tx_code).await;
    let authorized = authorized.map_err(|failure| wallet_failure(&failure.error))?;
    let wish = KeyWish { key: Some(key.id), ..KeyWish::default() };
    let received = wallet.request_credentials(&authorized, &wish).await.map_err(failed)?;
    let kept = wallet.keep(&received).await.map_err(failed)?;
    let stored = place.folder().display();
    step(
        19,
        "Wallet",
        format!("verifies signature, issuer and key, and stores it encrypted in {stored}"),
    );
    for credential in &kept {
        step(
            20,
            "Wallet → Holder",
            format!("shows the card of {}", plain(&credential.credential_issuer)),
        );
        print(card::card(credential));
    }
    Ok(())
}
