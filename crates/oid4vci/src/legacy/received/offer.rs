//! Links and offers of the drafts become those of 1.0.

use std::borrow::Cow;

use keys::json;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::Findings;
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;
use crate::legacy::offer::OLD_SCHEME;
use crate::offer::{
    AUTHORIZATION_CODE, HAIP_SCHEME, LINK_BYTES_MAX, OFFER_BYTES_MAX, OfferError, OfferLink,
    ReceivedOffer, SCHEME, offer_uri,
};
use crate::token::PRE_AUTHORIZED_CODE;

/// Scheme of the drafts before them.
const OLDEST_SCHEME: &str = "openid_initiate_issuance";

const NO_QUESTION_MARK: &str = "the link has no ? before its parameters; the examples of drafts 9 \
                                to 11 have none, their section 4.1.2 asks for a query";
const PLUS: &str = "the link has + for a space: readers of URLs take it for a plus sign, so write \
                    %20 (draft 11, section 4.1.2)";
const ESCAPED: &str = "the link has &amp; for &, as HTML writes it: whoever copies it from a page should \
                       get & (draft 8, section 5.1)";
const OLDEST: &str = "the link has the scheme openid_initiate_issuance, which draft 8, section 10.1, \
                      writes with hyphens";
const TYPES: &str = "credential_types is in the text of draft 8, section 5.1, alone; its examples \
                     repeat credential_type";
const TEXT_FOR_TRUTH: &str = "user_pin_required is a text or a number where draft 11, section 4.1.1, \
                              has true or false";
const SPELLING: &str = "user_pin_required is spelt otherwise than true or false, which are all that \
                        draft 8, section 5.1, has";
const NEITHER: &str = "user_pin_required is neither true nor false (draft 8, section 5.1); it was taken \
                       for false";
const SECOND_GRANT: &str = "pre-authorized_code or op_state stands beside the grants that hold the \
                            same since draft 10, section 4.1.1; what is in grants counts";
const BESIDE: &str = "user_pin_required says that there is no PIN, and tx_code, which took its place in \
                      draft 13, section 4.1.1, that there is a code; tx_code counts";
const IN_PLACE: &str = "user_pin_required stands beside credential_configuration_ids, and no tx_code: \
                        since draft 13, section 4.1.1, it is tx_code that asks for a code";
const LATER_OFFER: &str = "the offer is one of a later draft than its link, which begins with \
                           openid-initiate-issuance: since draft 10, section 10.1, that is \
                           openid-credential-offer";
const EARLIER_OFFER: &str = "the offer is one of draft 8 or 9, section 5.1, and its link begins with \
                             openid-credential-offer, which came with draft 10, section 10.1";
const ONE_TEXT: &str = "credentials is a text where draft 11, section 4.1.1, has an array";
const NULL_GRANTS: &str = "grants is null where draft 11, section 4.1.1, leaves it out";

impl Dialect {
    /// Reads a link of any draft, and says which draft its form belongs to.
    ///
    /// `None` for the draft means that nothing in it is older than 1.0: then it is read as by
    /// [`OfferLink::parse`], and whatever the offer says is 1.0's.
    pub fn read_link(text: &str) -> Result<(OfferLink, Option<Dialect>, Findings), OfferError> {
        let refused = match OfferLink::parse(text) {
            Ok(link) => return Ok(of_today(text, link)),
            Err(error) => error,
        };
        let text = text.trim();
        if text.len() > LINK_BYTES_MAX {
            return Err(refused);
        }
        let (scheme, rest) = text.split_once(':').ok_or(refused)?;
        let mut findings = Vec::new();
        let is_new = scheme.eq_ignore_ascii_case(SCHEME);
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            OLD_SCHEME => Some(Dialect(Draft::D9)),
            OLDEST_SCHEME => {
                findings.push(OLDEST);
                Some(Dialect(Draft::D9))
            }
            SCHEME | HAIP_SCHEME | "https" => None,
            _ => return Err(refused),
        };
        let mut query = Cow::Borrowed(query(rest, &mut findings).ok_or(refused)?);
        if query.contains("&amp;") {
            findings.push(ESCAPED);
            query = query.replace("&amp;", "&").into();
        }
        if query.contains('+') {
            findings.push(PLUS);
        }
        let parameters =
            Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect());
        let offer = parameters.one("credential_offer")?;
        let uri = parameters.one("credential_offer_uri")?;
        match (offer, uri) {
            (Some(_), Some(_)) => Err(OfferError::Ambiguous),
            (None, Some(uri)) => Ok((OfferLink::ByReference(offer_uri(uri)?), scheme, findings)),
            (Some(offer), None) => {
                let (offer, dialect, more) = Self::read_offer(offer.as_bytes(), scheme)?;
                findings.extend(more);
                if is_new && dialect.is_some_and(Self::has_one_metadata) {
                    findings.push(EARLIER_OFFER);
                }
                let is_excused = dialect.is_some() || !findings.is_empty();
                let link = OfferLink::ByValue(offer);
                is_excused.then_some((link, dialect, findings)).ok_or(refused)
            }
            (None, None) => {
                let offer = flat(&parameters, &mut findings)?.ok_or(refused)?;
                findings.extend(is_new.then_some(EARLIER_OFFER));
                Ok((OfferLink::ByValue(offer), Some(Dialect(Draft::D8)), findings))
            }
        }
    }
}

/// A link that has the form of 1.0: what is of a draft in it is read and said as well.
fn of_today(text: &str, link: OfferLink) -> (OfferLink, Option<Dialect>, Findings) {
    let mut findings = Vec::new();
    let url = Url::parse(text.trim()).ok();
    let query = url.as_ref().and_then(Url::query).unwrap_or_default();
    if query.split('&').any(|pair| pair.starts_with("credential_offer") && pair.contains('+')) {
        findings.push(PLUS);
    }
    let offer =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "credential_offer");
    let read = offer.and_then(|(_, offer)| Dialect::read_offer(offer.as_bytes(), None).ok());
    let Some((offer, dialect, more)) = read else { return (link, None, findings) };
    findings.extend(more);
    (OfferLink::ByValue(offer), dialect, findings)
}

/// What stands behind the `?`, or behind the `//` where there is none.
fn query<'r>(rest: &'r str, findings: &mut Findings) -> Option<&'r str> {
    if let Some((place, query)) = rest.split_once('?')
        && !place.contains('=')
    {
        return Some(query.split('#').next().unwrap_or_default());
    }
    let parameters = rest.trim_start_matches('/');
    let is_offer = ["credential_offer=", "credential_offer_uri=", "issuer=", "credential_type"];
    is_offer.iter().any(|start| parameters.starts_with(start)).then(|| {
        findings.push(NO_QUESTION_MARK);
        parameters
    })
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> Result<Option<&str>, OfferError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(OfferError::Ambiguous),
            (value, None) => Ok(value),
        }
    }
}

/// The Issuance Initiation Request of draft 8, section 5.1; `None` where it is none.
fn flat(
    parameters: &Parameters,
    findings: &mut Findings,
) -> Result<Option<ReceivedOffer>, OfferError> {
    let Some(issuer) = parameters.one("issuer")? else { return Ok(None) };
    let mut types: Vec<Value> = parameters.all("credential_type").map(Value::from).collect();
    if let Some(listed) = parameters.one("credential_types")? {
        findings.push(TYPES);
        types.extend(listed.split_whitespace().map(Value::from));
    }
    let mut members = Map::from_iter([("credential_type".to_owned(), types.into())]);
    members.insert("issuer".into(), issuer.into());
    for name in ["pre-authorized_code", "op_state"] {
        members.extend(parameters.one(name)?.map(|value| (name.to_owned(), value.into())));
    }
    // Every value of a query is a text.
    let pin = parameters.one("user_pin_required")?.is_some_and(|text| is_yes(text, findings));
    members.insert("user_pin_required".into(), pin.into());
    lifted(&members, findings).map(Some)
}

/// As issuers spell it: `true`, `yes` and `1`, or `false`, `no`, `0` and nothing at all.
fn is_yes(text: &str, findings: &mut Findings) -> bool {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_yes = is_one_of(&["true", "yes", "1"]);
    if !is_yes && !is_one_of(&["false", "no", "0", ""]) {
        findings.push(NEITHER);
    } else if text != "true" && text != "false" {
        findings.push(SPELLING);
    }
    is_yes
}

impl Dialect {
    /// Reads the document of an offer; `scheme` is what its link said.
    pub fn read_offer(
        document: &[u8],
        scheme: Option<Dialect>,
    ) -> Result<(ReceivedOffer, Option<Dialect>, Findings), OfferError> {
        if document.len() > OFFER_BYTES_MAX {
            return Err(OfferError::TooLong);
        }
        let value = json::parse(document).map_err(|_| OfferError::NotJson)?;
        let object = value.as_object().ok_or(OfferError::NotJson)?;
        let mut findings = Vec::new();
        let refused = match ReceivedOffer::read(object) {
            Ok(offer) => {
                findings.extend(scheme.map(|_| LATER_OFFER));
                let with_pin = with_pin(object, &mut findings);
                return Ok((with_pin.unwrap_or(offer), scheme, findings));
            }
            Err(error) => error,
        };
        let has = |name| object.contains_key(name);
        let draft = match (has("credential_issuer"), has("issuer")) {
            (false, true) if has("credential_type") => Some(Draft::D8),
            (false, true) => Some(Draft::D9),
            (true, _) if has("credentials") => Some(Draft::D11),
            _ => None,
        };
        if scheme.is_some() && draft == Some(Draft::D11) {
            findings.push(LATER_OFFER);
        }
        let offer = lifted(object, &mut findings)?;
        let dialect = draft.map(Dialect).or(scheme);
        let is_excused = dialect.is_some() || !findings.is_empty();
        is_excused.then_some((offer, dialect, findings)).ok_or(refused)
    }
}

/// The offer of 1.0 with the PIN that a member of the drafts before it asks for; `None` where there is no
/// such member.
fn with_pin(offer: &Map<String, Value>, findings: &mut Findings) -> Option<ReceivedOffer> {
    let mut offer = offer.clone();
    let grant = offer.get_mut("grants")?.get_mut(PRE_AUTHORIZED_CODE)?.as_object_mut()?;
    let pin = grant.remove("user_pin_required")?;
    if ask_for_pin(grant, &pin, findings) {
        findings.push(IN_PLACE);
    }
    ReceivedOffer::read(&offer).ok()
}

/// The same offer in 1.0's members.
fn lifted(
    offer: &Map<String, Value>,
    findings: &mut Findings,
) -> Result<ReceivedOffer, OfferError> {
    let mut lifted = Map::new();
    let issuer = offer.get("credential_issuer").or_else(|| offer.get("issuer"));
    lifted.extend(issuer.map(|issuer| ("credential_issuer".to_owned(), issuer.clone())));
    let ids = offer.get("credential_configuration_ids");
    let ids = ids.or_else(|| offer.get("credentials")).or_else(|| offer.get("credential_type"));
    let mut ids = named(ids, findings);
    let mut seen = Vec::new();
    ids.retain(|id| {
        !seen.contains(id) && {
            seen.push(id.clone());
            true
        }
    });
    lifted.insert("credential_configuration_ids".into(), ids.into());
    lifted.insert("grants".into(), grants(offer, findings)?.into());
    ReceivedOffer::read(&lifted)
}

/// What is offered: an object keeps its place as its own text, until metadata name it.
fn named(offered: Option<&Value>, findings: &mut Findings) -> Vec<Value> {
    match offered {
        Some(Value::Array(listed)) => listed
            .iter()
            .map(|one| if one.is_object() { one.to_string().into() } else { one.clone() })
            .collect(),
        Some(Value::String(one)) => {
            findings.push(ONE_TEXT);
            vec![one.clone().into()]
        }
        _ => Vec::new(),
    }
}

/// Up to draft 9 what is in `grants` now stood beside it.
fn grants(
    offer: &Map<String, Value>,
    findings: &mut Findings,
) -> Result<Map<String, Value>, OfferError> {
    let mut grants = match offer.get("grants") {
        None => Map::new(),
        Some(Value::Null) => {
            findings.push(NULL_GRANTS);
            Map::new()
        }
        Some(grants) => grants.as_object().ok_or(OfferError::BadGrant)?.clone(),
    };
    if let Some(code) = offer.get("pre-authorized_code") {
        let mut grant = Map::from_iter([("pre-authorized_code".to_owned(), code.clone())]);
        let pin = offer.get("user_pin_required").cloned();
        grant.extend(pin.map(|pin| ("user_pin_required".to_owned(), pin)));
        add(&mut grants, (PRE_AUTHORIZED_CODE, grant), findings);
    }
    if let Some(state) = offer.get("op_state") {
        let grant = Map::from_iter([("issuer_state".to_owned(), state.clone())]);
        add(&mut grants, (AUTHORIZATION_CODE, grant), findings);
    }
    if let Some(Value::Object(grant)) = grants.get_mut(PRE_AUTHORIZED_CODE)
        && let Some(pin) = grant.remove("user_pin_required")
    {
        ask_for_pin(grant, &pin, findings);
    }
    Ok(grants)
}

/// Nothing takes the place of a grant that is there.
fn add(
    grants: &mut Map<String, Value>,
    (name, grant): (&str, Map<String, Value>),
    findings: &mut Findings,
) {
    if grants.contains_key(name) {
        findings.push(SECOND_GRANT);
    } else {
        grants.insert(name.into(), grant.into());
    }
}

/// A PIN is digits (draft 11, section 6.1), which is what an empty `tx_code` says. Whether it took the
/// place of one is the answer; beside one that says the same it is an unknown member.
fn ask_for_pin(grant: &mut Map<String, Value>, pin: &Value, findings: &mut Findings) -> bool {
    let is_required = if let Value::Bool(is_required) = pin {
        *is_required
    } else {
        findings.push(TEXT_FOR_TRUTH);
        is_yes(pin.as_str().unwrap_or(&pin.to_string()), findings)
    };
    match (is_required, grant.contains_key("tx_code")) {
        (true, false) => {
            grant.insert("tx_code".into(), Map::new().into());
            return true;
        }
        (false, true) => findings.push(BESIDE),
        (true, true) | (false, false) => {}
    }
    false
}
