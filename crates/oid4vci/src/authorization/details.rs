//! `authorization_details` of an Authorization Request (VCI §5.1.1, RFC 9396 §2, AUTHZ-04).

use keys::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AuthorizationRefusal, Requestable};
use crate::claims_path::{has_contradiction, is_path};

/// Most details that are read.
pub const DETAILS_MAX: usize = 64;
/// Most claims of one detail.
const CLAIMS_MAX: usize = 256;

/// The type of our details (RFC 9396 §2, AUTHZ-05).
pub const OPENID_CREDENTIAL: &str = "openid_credential";

/// A claims description object (VCI §B.1); what else stands in one is ignored (CLAIM-03).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ClaimDescription {
    /// A claims path pointer: names, `null` for every element, numbers (CLAIM-01).
    pub path: Vec<Value>,
    /// Whether the Wallet takes no credential without it (CLAIM-02).
    pub mandatory: bool,
}

/// One detail of our type.
#[derive(Debug)]
pub(super) struct RequestedDetail {
    pub(super) credential_configuration_id: String,
    pub(super) claims: Vec<ClaimDescription>,
}

/// One or several (AUTHZ-10). Unknown members are ignored (AUTHZ-08), unknown types and
/// configurations are not (RFC 9396 §5).
pub(super) fn parse(
    text: &str,
    server: &Requestable<'_>,
) -> Result<Vec<RequestedDetail>, AuthorizationRefusal> {
    let value = json::parse(text.as_bytes()).map_err(|_| AuthorizationRefusal::BadDetails)?;
    let details = value.as_array().filter(|details| (1..=DETAILS_MAX).contains(&details.len()));
    let details = details.ok_or(AuthorizationRefusal::BadDetails)?;
    details.iter().map(|detail| one(detail, server)).collect()
}

fn one(detail: &Value, server: &Requestable<'_>) -> Result<RequestedDetail, AuthorizationRefusal> {
    let bad = AuthorizationRefusal::BadDetails;
    if detail.get("type").is_none_or(|given| given != OPENID_CREDENTIAL) {
        return Err(bad);
    }
    if let Some(locations) = detail.get("locations") {
        let locations = locations.as_array().ok_or(bad)?; // AUTHZ-09
        if !locations.iter().any(|location| location == server.credential_issuer) {
            return Err(AuthorizationRefusal::ForeignLocation);
        }
    }
    let id = detail.get("credential_configuration_id").and_then(Value::as_str).ok_or(bad)?;
    if !server.configurations.contains_key(id) {
        return Err(AuthorizationRefusal::UnknownConfiguration);
    }
    let claims = match detail.get("claims") {
        None => Vec::new(),
        Some(claims) => claims_of(claims).ok_or(AuthorizationRefusal::BadClaims)?,
    };
    Ok(RequestedDetail { credential_configuration_id: id.to_owned(), claims })
}

/// Descriptions that repeat or contradict each other are refused (CLAIM-08 to CLAIM-10).
fn claims_of(value: &Value) -> Option<Vec<ClaimDescription>> {
    let listed = value.as_array().filter(|listed| (1..=CLAIMS_MAX).contains(&listed.len()))?;
    let claims: Vec<ClaimDescription> = listed.iter().map(claim).collect::<Option<_>>()?;
    let paths: Vec<&[Value]> = claims.iter().map(|claim| claim.path.as_slice()).collect();
    if has_contradiction(&paths) {
        return None;
    }
    Some(claims)
}

fn claim(value: &Value) -> Option<ClaimDescription> {
    let path = value.get("path")?.as_array()?;
    if !is_path(path) {
        return None;
    }
    let mandatory = match value.get("mandatory") {
        None => false,
        Some(mandatory) => mandatory.as_bool()?,
    };
    Some(ClaimDescription { path: path.clone(), mandatory })
}
