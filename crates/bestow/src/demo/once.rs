//! `bestow demo --once`: the whole flow with nobody there, told step by step.

use std::path::Path;
use std::sync::Arc;

use issuer::Issuer;
use issuer::credential_type::CredentialType;
use keys::algorithm::Algorithm;
use oid4vci::proof::BindingMethod;
use oid4vci::secret::TxCode;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};

use super::browser::apply;
use super::narrator::{Narrator, Story};
use crate::exit::Failure;
use crate::terminal::{plain, print};
use crate::wallet::open::{Reach, open};
use crate::wallet::{Place, card, input, wallet_failure};

/// What the demonstration applies for, and in a draft that has no word for its format.
const TYPES: [&str; 2] = ["student_card", "diploma"];

/// Plays the holder from the application form to the card.
pub(super) async fn play(
    issuer: &Issuer,
    certificates: &Path,
    place: &Place,
    story: Story,
) -> Result<(), Failure> {
    let failed = |error: wallet::error::WalletError| wallet_failure(&error);
    let credential_type = credential_type(issuer, story)?;
    let (ca, trust_anchor) = (Some(certificates), Some(certificates));
    let reach = Reach { ca, trust_anchor, ..Reach::default() };
    let wallet = open(place, reach, |client| Arc::new(Narrator(client, story))).await?;

    let (text, tx_code) = apply_and_scan(issuer, certificates, credential_type, story).await?;
    let scanned = ScannedOffer::scan(&text).map_err(failed)?;
    let what = format!("decodes the pixels: {} characters of a link", text.len());
    story.step(4, "Wallet", what);
    if scanned.is_by_value() {
        story.step(5, "Wallet", "reads the Credential Offer in the link itself");
    }
    let consent = Consent::to(scanned.host());
    let fetched = wallet.fetch_offer(scanned, &consent).await.map_err(failed)?;
    let consent = consent.and(fetched.host());
    let described = wallet.describe_offer(fetched, &consent).await.map_err(failed)?;
    let resolved = wallet.resolve_offer(described, &consent).await.map_err(failed)?;
    let key = wallet.make_key(Algorithm::Es256, BindingMethod::Jwk).await.map_err(failed)?;
    story.step(7, "Wallet", format!("makes a key pair: ES256, {}", key.id));
    let tx_code = tx_code.filter(|_| resolved.tx_code().is_some()).map(TxCode::new);
    let authorized = wallet.request_token(resolved, tx_code).await;
    let authorized = authorized.map_err(|failure| wallet_failure(&failure.error))?;
    let wish = KeyWish { key: Some(key.id), ..KeyWish::default() };
    let received = wallet.request_credentials(&authorized, &wish).await.map_err(failed)?;
    let kept = wallet.keep(&received).await.map_err(failed)?;
    let stored = place.folder().display();
    let what = format!("verifies signature, issuer and key, and stores it encrypted in {stored}");
    story.step(19, "Wallet", what);
    for credential in &kept {
        let what = format!("shows the card of {}", plain(&credential.credential_issuer));
        story.step(20, "Wallet → Holder", what);
        print(card::card(credential));
    }
    Ok(())
}

/// The first of the types that the draft has a word for.
fn credential_type(issuer: &Issuer, Story(dialect): Story) -> Result<&CredentialType, Failure> {
    let types = TYPES.iter().filter_map(|id| issuer.types.get(*id));
    let has_word =
        |one: &&CredentialType| dialect.is_none_or(|dialect| dialect.has_format(one.format.name()));
    let found = types.into_iter().find(has_word);
    found.ok_or_else(|| Failure::own_fault("the card is not configured"))
}

/// Steps 1 to 3, and what a camera sees then: the text of the QR code, and the Transaction Code.
async fn apply_and_scan(
    issuer: &Issuer,
    certificates: &Path,
    credential_type: &CredentialType,
    story: Story,
) -> Result<(String, Option<String>), Failure> {
    let portal = issuer.credential_issuer();
    let name = credential_type.display("en").map_or(&*credential_type.id, |display| &display.name);
    let page = apply(portal, certificates, credential_type).await?;
    let what = format!("applies for \"{name}\" on {portal}: {} fields", page.fields);
    story.step(1, "Holder → Issuer", what);
    let what = "makes a pre-authorized code and a Credential Offer in a QR code";
    story.step(2, "Issuer", what);
    let what = format!("shows it: a picture of {} bytes", page.picture.len());
    story.step(3, "Issuer → Holder", what);
    Ok((input::from_picture(&page.picture)?, page.tx_code))
}
