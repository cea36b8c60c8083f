//! Steps 4-5: the holder scans an offer, agrees to the host, and the wallet reads it (VCI §4.1).

use oid4vci::legacy::Dialect;
use oid4vci::metadata::parse_identifier;
use oid4vci::offer::{OFFER_BYTES_MAX, OfferError, OfferLink, ReceivedOffer};
use serde_json::json;
use url::Url;

use super::dialect::{Dialogue, Spoken};
use super::host;
use crate::Wallet;
use crate::error::{Question, Refused, WalletError};
use crate::http::Request;

/// An offer as it was scanned; nobody has been told of it yet.
#[derive(Clone, Debug)]
pub struct ScannedOffer {
    link: OfferLink,
    host: String,
    spoken: Spoken,
}

impl ScannedOffer {
    /// Reads a scanned or pasted text, without a single packet (OFFER-39, catalogue A08). Nobody is
    /// answered, either: what follows stays in the wallet (OFFER-34).
    pub fn scan(text: &str) -> Result<Self, WalletError> {
        let (link, dialect, findings) = Dialect::read_link(text)?;
        let host = match &link {
            OfferLink::ByReference(url) => host(url),
            OfferLink::ByValue(offer) => host(&issuer(offer)?),
        };
        Ok(Self { link, host, spoken: Spoken::new(dialect, findings) })
    }

    /// Begins at an issuer, without an offer: what is meant is named as the issuer's metadata name it,
    /// and got by signing in (VCI §H.6).
    pub fn of_issuer(credential_issuer: &str, ids: &[String]) -> Result<Self, WalletError> {
        let offer = json!({
            "credential_issuer": credential_issuer, "credential_configuration_ids": ids,
        });
        let offer = ReceivedOffer::parse(offer.to_string().as_bytes())?;
        let host = host(&issuer(&offer)?);
        let link = OfferLink::ByValue(offer);
        Ok(Self { link, host, spoken: Spoken::new(None, Vec::new()) })
    }

    /// Whom the first request goes to, host and port: the person is to agree to just this.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What will be spoken with the issuer, to be asked for whatever becomes of the flow.
    #[must_use]
    pub fn dialogue(&self) -> Dialogue {
        self.spoken.dialogue()
    }

    /// Whether the link holds the offer itself, so that nobody is asked for it.
    #[must_use]
    pub const fn is_by_value(&self) -> bool {
        matches!(self.link, OfferLink::ByValue(_))
    }
}

/// The holder's yes to hosts.
///
/// To ask a host for an offer tells it that the wallet is there, so no step sends anything to an
/// issuer without this value (OFFER-39, SEC-08).
#[derive(Clone, Debug)]
pub struct Consent {
    hosts: Vec<String>,
}

impl Consent {
    /// The person has seen this host and agreed.
    #[must_use]
    pub fn to(host: &str) -> Self {
        Self { hosts: vec![host.to_owned()] }
    }

    /// The person has agreed to one more host.
    #[must_use]
    pub fn and(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    pub(crate) fn covers(&self, host: &str) -> Result<(), WalletError> {
        let covered = self.hosts.iter().any(|agreed| agreed == host);
        covered.then_some(()).ok_or_else(|| WalletError::NotAgreed { host: host.to_owned() })
    }
}

/// An offer that is complete; its issuer has not been asked yet.
#[derive(Clone, Debug)]
pub struct FetchedOffer {
    pub(super) offer: ReceivedOffer,
    host: String,
    pub(super) spoken: Spoken,
}

impl FetchedOffer {
    /// Credential Issuer Identifier.
    #[must_use]
    pub fn credential_issuer(&self) -> &str {
        &self.offer.credential_issuer
    }

    /// The issuer's host and port; by reference it may differ from the host of the link, and then
    /// the person is to agree to it too.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl Wallet {
    /// Gets an offer by reference; one by value is there already (OFFER-26).
    pub async fn fetch_offer(
        &self,
        scanned: ScannedOffer,
        consent: &Consent,
    ) -> Result<FetchedOffer, WalletError> {
        self.check_dialect(&scanned.spoken)?;
        let mut spoken = scanned.spoken;
        let offer = match scanned.link {
            OfferLink::ByValue(offer) => offer,
            OfferLink::ByReference(url) => {
                consent.covers(&scanned.host)?;
                self.read_offer(url, &mut spoken).await?
            }
        };
        self.check_dialect(&spoken)?;
        let host = host(&issuer(&offer)?);
        Ok(FetchedOffer { offer, host, spoken })
    }

    async fn read_offer(
        &self,
        url: Url,
        spoken: &mut Spoken,
    ) -> Result<ReceivedOffer, WalletError> {
        self.permit(&url)?;
        let request = Request::get(url).header("accept", "application/json");
        let answer = self.send(request.at_most(OFFER_BYTES_MAX)).await?;
        if answer.status != 200 {
            let refused = Refused::read(Question::Offer, answer.status, &answer.body);
            return Err(WalletError::Refused(refused));
        }
        // VCI §4.1.3: no other media type, above all no unsigned JWT (OFFER-29).
        if !answer.is("application/json") {
            return Err(WalletError::BadAnswer(Question::Offer));
        }
        let (offer, dialect, findings) = Dialect::read_offer(&answer.body, spoken.dialect)?;
        spoken.dialect = dialect;
        spoken.excuse(findings);
        Ok(offer)
    }
}

fn issuer(offer: &ReceivedOffer) -> Result<Url, WalletError> {
    parse_identifier(&offer.credential_issuer).ok_or(WalletError::Offer(OfferError::BadIssuer))
}
