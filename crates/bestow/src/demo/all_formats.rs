//! `bestow demo --once --all-formats`: one credential of each format, issued, verified as `bestow
//! verify` does it, and shown.

use std::path::Path;
use std::sync::Arc;

use issuer::Issuer;
use issuer::credential_type::CredentialType;
use issuer::credential_type::new::NEW_FORMATS;
use oid4vci::legacy::Dialect;
use oid4vci::secret::TxCode;
use wallet::Wallet;
use wallet::flow::key::KeyWish;
use wallet::flow::offer::{Consent, ScannedOffer};
use wallet::store::{StoredCredential, Trust};
use wallet::verify::{Verdict, Verifier};

use super::browser::{OfferPage, apply};
use crate::exit::{Failure, Kind};
use crate::terminal::print;
use crate::verify;
use crate::wallet::open::{Reach, open};
use crate::wallet::{Place, card, input, wallet_failure};

/// Plays the holder once for each format, or each that the draft has.
pub(super) async fn play(
    issuer: &Issuer,
    certificates: &Path,
    place: &Place,
    draft: Option<Dialect>,
) -> Result<(), Failure> {
    let (ca, trust_anchor) = (Some(certificates), Some(certificates));
    let reach = Reach { ca, trust_anchor, ..Reach::default() };
    let wallet = open(place, reach, |client| Arc::new(client)).await?;
    let has_word = |format: &&str| draft.is_none_or(|draft| draft.has_format(format));
    let formats: Vec<&str> = NEW_FORMATS.into_iter().filter(has_word).collect();
    for format in &formats {
        let mut types = issuer.types.values();
        let of_format = types.find(|one| one.format.name() == *format);
        let of_format =
            of_format.ok_or_else(|| Failure::own_fault(format!("nothing issues {format}")))?;
        show(&wallet, &receive(issuer, certificates, (&wallet, of_format)).await?, format).await?;
    }
    print(format!("{} formats: issued, verified and shown", formats.len()));
    Ok(())
}

/// From the form to the store.
async fn receive(
    issuer: &Issuer,
    certificates: &Path,
    (wallet, credential_type): (&Wallet, &CredentialType),
) -> Result<StoredCredential, Failure> {
    let failed = |error: wallet::error::WalletError| wallet_failure(&error);
    let OfferPage { picture, tx_code, .. } =
        apply(issuer.credential_issuer(), certificates, credential_type).await?;
    let scanned = ScannedOffer::scan(&input::from_picture(&picture)?).map_err(failed)?;
    let consent = Consent::to(scanned.host());
    let fetched = wallet.fetch_offer(scanned, &consent).await.map_err(failed)?;
    let consent = consent.and(fetched.host());
    let described = wallet.describe_offer(fetched, &consent).await.map_err(failed)?;
    let resolved = wallet.resolve_offer(described, &consent).await.map_err(failed)?;
    let tx_code = tx_code.filter(|_| resolved.tx_code().is_some()).map(TxCode::new);
    let authorized = wallet.request_token(resolved, tx_code).await;
    let authorized = authorized.map_err(|failure| wallet_failure(&failure.error))?;
    let wish = KeyWish::default();
    let received = wallet.request_credentials(&authorized, &wish).await.map_err(failed)?;
    let kept = wallet.keep(&received).await.map_err(failed)?;
    kept.into_iter().next().ok_or_else(|| Failure::own_fault("nothing came"))
}

/// Every check on a line, then the card.
async fn show(wallet: &Wallet, credential: &StoredCredential, format: &str) -> Result<(), Failure> {
    let mut settings = wallet.settings.clone();
    if credential.trust == Trust::IssuerMetadata {
        settings.anchors = None; // with any, no website vouches for its own keys
    }
    let verifier = Verifier {
        http: Arc::clone(&wallet.http),
        clock: Arc::clone(&wallet.clock),
        settings,
        given_keys: None,
        status_list: None,
        is_now: true,
        without_status: false,
    };
    let report = Box::pin(verifier.credential(format, &credential.raw)).await;
    print(format!("{format}: {} bytes", credential.raw.len()));
    report.checks.iter().map(verify::line).for_each(print);
    print(card::card(credential));
    print("");
    if report.verdict() == Verdict::Verified {
        return Ok(());
    }
    let message = format!("what we issued as {format} does not verify");
    Err(Failure::new(Kind::VerificationFailed, "not_verified", message))
}
