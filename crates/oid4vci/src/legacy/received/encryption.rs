//! Responses under a cover, as drafts 12 to 15 have it: requests are in the clear.

use keys::json;
use serde_json::{Map, Value, json};

use crate::encryption::{Body, ChosenEncryption, EncryptionError, JSON, ReceivedEncryption};
use crate::legacy::Dialect;
use crate::legacy::dialect::Draft;
use crate::legacy::encryption::{MEMBER, METADATA_OF_DRAFT_12, OF_DRAFT_12};

impl Dialect {
    /// Encrypts nothing but what must be (draft 13, section 11.2.3).
    pub fn choose_encryption(
        encryption: &ReceivedEncryption,
    ) -> Result<ChosenEncryption, EncryptionError> {
        encryption.choose_response()
    }

    /// The members of a request that name the key for its answer, as the draft has them: with the
    /// algorithm beside the key (draft 13, section 7.2), or each for itself (draft 12, section 7.2).
    pub fn write_encryption(self, body: &mut Body) {
        let Ok(mut request) = json::parse_object(&body.bytes) else { return };
        if body.media_type != JSON {
            return;
        }
        let Some(Value::Object(mut asked)) = request.remove(MEMBER) else { return };
        let algorithm = asked.get("jwk").and_then(|jwk| jwk.get("alg")).cloned();
        asked.extend(algorithm.map(|algorithm| ("alg".to_owned(), algorithm)));
        if self.0 >= Draft::D13 {
            request.insert(MEMBER.into(), asked.into());
        } else {
            for (name, of_draft) in OF_DRAFT_12 {
                request.extend(asked.remove(name).map(|value| (of_draft.to_owned(), value)));
            }
        }
        body.bytes = json::text(&request).into_bytes();
    }
}

/// What draft 12, section 10.2.3, says of it with members of their own.
pub(super) fn lift_metadata(metadata: &mut Map<String, Value>) {
    let mut lifted = Map::new();
    for (name, of_draft) in METADATA_OF_DRAFT_12 {
        lifted.extend(metadata.remove(of_draft).map(|value| (name.to_owned(), value)));
    }
    if !lifted.is_empty() {
        metadata.entry(MEMBER).or_insert_with(|| json!(lifted));
    }
}
