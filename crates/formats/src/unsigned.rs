//! A credential that is finished but for its signature: what an issuer looks at once more before it
//! signs, and what an operator is shown.

use keys::json;
use serde_json::{Map, Value, json};

use crate::data_integrity::Canonicalization;
use crate::mso_mdoc::Prepared;
use crate::sd_jwt::Concealed;

/// What is about to be signed, by format.
#[derive(Clone, Debug)]
pub enum Unsigned {
    /// `dc+sd-jwt`
    SdJwtVc(Concealed),
    /// `mso_mdoc`
    MsoMdoc(Prepared),
    /// `jwt_vc_json` or `jwt_vc_json-ld`
    JwtVcJson(Map<String, Value>),
    /// `vc+jwt`
    VcJwt(Map<String, Value>),
    /// `vc+sd-jwt` of the W3C
    VcSdJwt(Concealed),
    /// `ldp_vc`, and the form in which it is to be signed
    LdpVc(Map<String, Value>, Canonicalization),
}

impl Unsigned {
    /// What it says, for people: the payload, and what a holder can add to it or leave out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::SdJwtVc(concealed) | Self::VcSdJwt(concealed) => {
                let disclosures = concealed.disclosures.iter();
                let read: Vec<Value> = disclosures
                    .filter_map(|one| disclosure(one.text()))
                    .map(Value::Array)
                    .collect();
                json!({ "payload": concealed.payload, "disclosures": read })
            }
            Self::MsoMdoc(prepared) => prepared.to_json(),
            Self::JwtVcJson(payload) | Self::VcJwt(payload) | Self::LdpVc(payload, _) => {
                json!({ "payload": payload })
            }
        }
    }
}

/// The parts of a disclosure that we made.
fn disclosure(text: &str) -> Option<Vec<Value>> {
    match json::parse(&crate::sd_jwt::decoded(text)?) {
        Ok(Value::Array(parts)) => Some(parts),
        _ => None,
    }
}
