//! Steps 2-5: the Credential Offer and the link that carries it (VCI §4.1, HAIP-07).

use std::fmt;

use keys::json;
use keys::outside::{Random, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use uuid::{Builder, Uuid};

use crate::secret::{IssuerState, PreAuthorizedCode, TxCode};

mod error;
mod link;

pub use error::OfferError;
pub(crate) use link::{escaped, link, query_value};

/// Custom scheme of an offer link when the Wallet's own endpoint is unknown (VCI §12.1.1, OFFER-31).
pub const SCHEME: &str = "openid-credential-offer";
/// Scheme that HAIP names for the same link (HAIP §4.2, HAIP-20, REG-06).
pub const HAIP_SCHEME: &str = "haip-vci";
/// Longest link we read; a QR code holds less.
pub const LINK_BYTES_MAX: usize = 16 * 1024;
/// Longest offer document we read.
pub const OFFER_BYTES_MAX: usize = 64 * 1024;
/// Most configurations that one offer may name.
pub const CONFIGURATIONS_MAX: usize = 64;
/// Longest `tx_code.description` (OFFER-21).
pub const DESCRIPTION_CHARACTERS_MAX: usize = 300;

pub(crate) const PRE_AUTHORIZED_CODE: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
pub(crate) const AUTHORIZATION_CODE: &str = "authorization_code";

/// Names one Credential Offer inside the Issuer: grows with time, printed as a UUID (version 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(pub [u8; 16]);

impl OfferId {
    /// Draws an id; ids of later seconds sort after it.
    #[must_use]
    pub fn fresh(now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let milliseconds = now.0.saturating_mul(1000);
        Self(*Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid().as_bytes())
    }

    /// The same id for the same digest and time: nobody can find another digest with its id.
    #[must_use]
    pub(crate) fn derived(time: Timestamp, digest: &[u8; 32]) -> Self {
        let mut bytes = [0; 10];
        for (to, from) in bytes.iter_mut().zip(digest) {
            *to = *from;
        }
        let milliseconds = time.min(Timestamp::MAX).0.saturating_mul(1000);
        Self(*Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid().as_bytes())
    }

    /// Sorts before every id that was drawn at this time or later.
    #[must_use]
    pub fn before(time: Timestamp) -> Self {
        let mut id = [0; 16];
        let milliseconds = time.0.saturating_mul(1000).to_be_bytes();
        for (to, from) in id.iter_mut().zip(milliseconds.into_iter().skip(2)) {
            *to = from;
        }
        Self(id)
    }

    /// When it was drawn; of bytes that were never drawn, any time.
    #[must_use]
    pub fn drawn_at(&self) -> Timestamp {
        let mut milliseconds = [0; 8];
        for (to, from) in milliseconds.iter_mut().skip(2).zip(self.0) {
            *to = from;
        }
        Timestamp(u64::from_be_bytes(milliseconds) / 1000)
    }

    /// Reads the printed form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(*Uuid::try_parse(text).ok()?.as_bytes()))
    }
}

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).fmt(f)
    }
}

/// Credential Offer as we send it (VCI §4.1.1); it says nothing of its subject (OFFER-38).
#[derive(Debug)]
pub struct CredentialOffer<'o> {
    /// Credential Issuer Identifier (OFFER-04).
    pub credential_issuer: &'o str,
    /// Keys of `credential_configurations_supported` (OFFER-05).
    pub credential_configuration_ids: &'o [String],
    /// The grant of the Pre-Authorized Code Flow (OFFER-15).
    pub pre_authorized_code: Option<&'o PreAuthorizedCode>,
    /// Present exactly when a Transaction Code is needed (OFFER-18).
    pub tx_code: Option<TxCodeInput>,
    /// The grant of the Authorization Code Flow (OFFER-11).
    pub issuer_state: Option<&'o IssuerState>,
    /// Which of several servers takes it (OFFER-13, OFFER-14).
    pub authorization_server: Option<&'o str>,
}

impl CredentialOffer<'_> {
    /// The JSON document, with a member for each grant (OFFER-07); the code leaves its type here.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut grants = Map::new();
        let server = self.authorization_server;
        let server = || server.map(|server| ("authorization_server".to_owned(), server.into()));
        if let Some(issuer_state) = self.issuer_state {
            let mut grant: Map<String, Value> = server().into_iter().collect();
            grant.insert("issuer_state".into(), issuer_state.expose().into());
            grants.insert(AUTHORIZATION_CODE.into(), grant.into());
        }
        if let Some(code) = self.pre_authorized_code {
            let mut grant: Map<String, Value> = server().into_iter().collect();
            grant.insert("pre-authorized_code".into(), code.expose().into());
            if let Some(tx_code) = &self.tx_code {
                grant.insert("tx_code".into(), tx_code.to_json());
            }
            grants.insert(PRE_AUTHORIZED_CODE.into(), grant.into());
        }
        serde_json::json!({
            "credential_issuer": self.credential_issuer,
            "credential_configuration_ids": self.credential_configuration_ids,
            "grants": grants,
        })
    }

    /// The link that carries the offer itself (VCI §4.1.2).
    #[must_use]
    pub fn to_link(&self) -> String {
        link(SCHEME, "credential_offer", &escaped(&self.to_json()))
    }
}

/// The link that carries where the offer is (VCI §4.1.3): short enough for any QR code (OFFER-30).
#[must_use]
pub fn link_by_reference(credential_offer_uri: &str) -> String {
    link(SCHEME, "credential_offer_uri", credential_offer_uri)
}

/// The same link, for the Wallet that is reached at this endpoint: a scheme of its own (`wallet://`),
/// or an address of its website (VCI §12.1.1, OFFER-31).
#[must_use]
pub fn at_endpoint(link: &str, credential_offer_endpoint: &str) -> Option<String> {
    let parameters = link.strip_prefix(SCHEME)?.strip_prefix("://?")?;
    let behind = if credential_offer_endpoint.contains('?') { '&' } else { '?' };
    Some(format!("{credential_offer_endpoint}{behind}{parameters}"))
}

/// How the Wallet asks for the Transaction Code (VCI §4.1.1, OFFER-18 to OFFER-23).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxCodeInput {
    /// Digits only, or any characters; `numeric` is the default.
    #[serde(default)]
    pub input_mode: InputMode,
    /// Lets the Wallet draw the input field (OFFER-20).
    #[serde(default)]
    pub length: Option<u32>,
    /// Where the code came from, for the person; at most 300 characters.
    #[serde(default)]
    pub description: Option<String>,
}

impl TxCodeInput {
    fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("input_mode".into(), self.input_mode.name().into());
        if let Some(length) = self.length {
            object.insert("length".into(), length.into());
        }
        if let Some(description) = &self.description {
            object.insert("description".into(), description.clone().into());
        }
        Value::Object(object)
    }

    /// Whether the code a person typed can be right: the Wallet spends no attempt on a slip.
    #[must_use]
    pub fn fits(&self, tx_code: &TxCode) -> bool {
        let text = tx_code.expose();
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        let length = u32::try_from(text.chars().count()).ok();
        !text.is_empty()
            && (self.input_mode == InputMode::Text || digits_only)
            && self.length.is_none_or(|wanted| Some(wanted) == length)
    }
}

/// `input_mode` of a Transaction Code (OFFER-19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputMode {
    /// Digits only.
    #[default]
    Numeric,
    /// Any characters.
    Text,
}

impl InputMode {
    const fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Text => "text",
        }
    }
}

/// An offer link as a Wallet reads it; nothing has been fetched yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferLink {
    /// The offer itself.
    ByValue(ReceivedOffer),
    /// Where the offer is (OFFER-03).
    ByReference(Url),
}

impl OfferLink {
    /// Reads a scanned or pasted link (OFFER-01, OFFER-02, OFFER-32).
    ///
    /// Besides the two custom schemes any `https` link may carry the parameters: a Wallet's own
    /// offer endpoint looks like that (VCI §12.1.1).
    pub fn parse(text: &str) -> Result<Self, OfferError> {
        let text = text.trim();
        if text.len() > LINK_BYTES_MAX {
            return Err(OfferError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| OfferError::NotALink)?;
        if ![SCHEME, HAIP_SCHEME, "https"].contains(&url.scheme()) {
            return Err(OfferError::ForeignScheme);
        }
        let parameter = |name: &str| {
            let mut values = url.query_pairs().filter(|(given, _)| given == name);
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(OfferError::Ambiguous),
                (value, None) => Ok(value.map(|(_, value)| value.into_owned())),
            }
        };
        match (parameter("credential_offer")?, parameter("credential_offer_uri")?) {
            (Some(_), Some(_)) => Err(OfferError::Ambiguous),
            (None, None) => Err(OfferError::NoOffer),
            (Some(offer), None) => ReceivedOffer::parse(offer.as_bytes()).map(Self::ByValue),
            (None, Some(uri)) => offer_uri(&uri).map(Self::ByReference),
        }
    }
}

/// `https`, or `http` to this very machine, which the Wallet allows or not when it connects.
pub(crate) fn offer_uri(text: &str) -> Result<Url, OfferError> {
    let url = Url::parse(text).map_err(|_| OfferError::BadOfferUri)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    match url.scheme() {
        "https" | "http" if plain => Ok(url),
        _ => Err(OfferError::BadOfferUri),
    }
}

/// Credential Offer as a Wallet received it; unknown members are ignored (OFFER-10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedOffer {
    /// Credential Issuer Identifier, exactly as it came.
    pub credential_issuer: String,
    /// Not empty, no duplicates (OFFER-05, OFFER-06).
    pub credential_configuration_ids: Vec<String>,
    /// The Pre-Authorized Code Flow, when the offer has its grant.
    pub pre_authorized_code: Option<PreAuthorizedCodeGrant>,
    /// The Authorization Code Flow, when the offer has its grant (OFFER-11).
    pub authorization_code: Option<AuthorizationCodeGrant>,
    /// Whether `grants` names any other flow than the Pre-Authorized Code Flow.
    pub has_other_grants: bool,
}

/// The grant object of the Authorization Code Flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationCodeGrant {
    /// Goes unchanged into the Authorization Request (OFFER-12).
    pub issuer_state: Option<String>,
    /// Names one of several authorization servers (OFFER-13).
    pub authorization_server: Option<String>,
}

/// The grant object of the Pre-Authorized Code Flow.
#[derive(Clone, Debug)]
pub struct PreAuthorizedCodeGrant {
    /// Goes unchanged into the Token Request (OFFER-17).
    pub pre_authorized_code: PreAuthorizedCode,
    /// Present, even when empty, means that a Transaction Code is needed (OFFER-18).
    pub tx_code: Option<TxCodeInput>,
    /// Names one of several authorization servers (OFFER-13).
    pub authorization_server: Option<String>,
    /// Seconds between two Token Requests, while the issuer is not ready (draft 13, section 4.1.1).
    pub interval: Option<u64>,
}

impl PartialEq for PreAuthorizedCodeGrant {
    fn eq(&self, other: &Self) -> bool {
        self.pre_authorized_code.digest() == other.pre_authorized_code.digest()
            && self.tx_code == other.tx_code
            && self.authorization_server == other.authorization_server
            && self.interval == other.interval
    }
}

impl Eq for PreAuthorizedCodeGrant {}

impl ReceivedOffer {
    /// Reads the JSON document of an offer; every value in it is untrusted (VCI §13.5, OFFER-36).
    pub fn parse(document: &[u8]) -> Result<Self, OfferError> {
        if document.len() > OFFER_BYTES_MAX {
            return Err(OfferError::TooLong);
        }
        let value = json::parse(document).map_err(|_| OfferError::NotJson)?;
        Self::read(value.as_object().ok_or(OfferError::NotJson)?)
    }

    pub(crate) fn read(object: &Map<String, Value>) -> Result<Self, OfferError> {
        let issuer = object.get("credential_issuer").and_then(Value::as_str);
        let grants = match object.get("grants") {
            None => &Map::new(),
            Some(grants) => grants.as_object().ok_or(OfferError::BadGrant)?,
        };
        Ok(Self {
            credential_issuer: issuer.ok_or(OfferError::NoIssuer)?.to_owned(),
            credential_configuration_ids: configuration_ids(object)?,
            pre_authorized_code: grants.get(PRE_AUTHORIZED_CODE).map(grant).transpose()?,
            authorization_code: grants.get(AUTHORIZATION_CODE).map(code_grant).transpose()?,
            has_other_grants: grants.keys().any(|name| name != PRE_AUTHORIZED_CODE),
        })
    }
}

fn configuration_ids(offer: &Map<String, Value>) -> Result<Vec<String>, OfferError> {
    let listed = offer.get("credential_configuration_ids").and_then(Value::as_array);
    let listed = listed.filter(|listed| (1..=CONFIGURATIONS_MAX).contains(&listed.len()));
    let listed = listed.ok_or(OfferError::NoConfiguration)?;
    let ids: Option<Vec<String>> = listed.iter().map(|id| id.as_str().map(str::to_owned)).collect();
    let ids = ids.ok_or(OfferError::NoConfiguration)?;
    let repeated =
        ids.iter().enumerate().any(|(place, id)| ids.iter().take(place).any(|i| i == id));
    if repeated { Err(OfferError::NoConfiguration) } else { Ok(ids) }
}

fn grant(value: &Value) -> Result<PreAuthorizedCodeGrant, OfferError> {
    let object = value.as_object().ok_or(OfferError::BadGrant)?;
    let code = object.get("pre-authorized_code").and_then(Value::as_str);
    let code = code.filter(|code| !code.is_empty()).ok_or(OfferError::BadGrant)?;
    let server = object.get("authorization_server");
    let server = server.map(|server| server.as_str().ok_or(OfferError::BadGrant)).transpose()?;
    Ok(PreAuthorizedCodeGrant {
        pre_authorized_code: PreAuthorizedCode::new(code),
        tx_code: object.get("tx_code").map(tx_code_input).transpose()?,
        authorization_server: server.map(str::to_owned),
        interval: object.get("interval").and_then(Value::as_u64),
    })
}

fn code_grant(value: &Value) -> Result<AuthorizationCodeGrant, OfferError> {
    let object = value.as_object().ok_or(OfferError::BadGrant)?;
    let text = |name: &str| {
        let member = object.get(name);
        let member = member.map(|value| value.as_str().ok_or(OfferError::BadGrant));
        Ok(member.transpose()?.map(str::to_owned))
    };
    Ok(AuthorizationCodeGrant {
        issuer_state: text("issuer_state")?,
        authorization_server: text("authorization_server")?,
    })
}

/// A description that is too long is cut, not refused: it costs the holder nothing (A23).
fn tx_code_input(value: &Value) -> Result<TxCodeInput, OfferError> {
    let mut input = TxCodeInput::deserialize(value).map_err(|_| OfferError::BadGrant)?;
    if let Some(description) = &mut input.description {
        *description = description.chars().take(DESCRIPTION_CHARACTERS_MAX).collect();
    }
    Ok(input)
}
