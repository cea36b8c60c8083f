//! Authorization Requests of the drafts.

use serde_json::{Map, Value};

use crate::authorization::OPENID_CREDENTIAL;
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;

impl Dialect {
    /// The parameters of an Authorization Request as this draft has them: up to draft 12 the details
    /// name a credential as its request does (draft 12, section 5.1.1), up to draft 9 the state of
    /// an offer has another name (draft 9, section 6.1). `named` is what is asked for.
    pub fn write_authorization_request(
        self,
        form: &mut [(&'static str, String)],
        named: &[&Map<String, Value>],
    ) {
        for (name, value) in form {
            match *name {
                "authorization_details" if self.0 <= Draft::D12 => {
                    let details: Vec<Value> = named.iter().map(|named| detail(named)).collect();
                    *value = Value::from(details).to_string();
                }
                "issuer_state" if self.0 <= Draft::D9 => *name = "op_state",
                _ => {}
            }
        }
    }
}

/// Draft 8 has the type under a name of its own (draft 8, section 6.1.1): `type` is that of the
/// detail.
fn detail(named: &Map<String, Value>) -> Value {
    let mut detail = named.clone();
    let of_draft_8 = detail.remove("type");
    detail.extend(of_draft_8.map(|value| ("credential_type".to_owned(), value)));
    detail.insert("type".into(), OPENID_CREDENTIAL.into());
    detail.into()
}
