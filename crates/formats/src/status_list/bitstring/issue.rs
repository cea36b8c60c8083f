//! A list is made and signed, as the credentials are that refer to it (Bitstring Status List §2.2,
//! Bitstring Status List §3.1).

use keys::json;
use keys::outside::Timestamp;
use keys::signer::Signer;
use serde_json::{Map, Value, json};

use super::{Purpose, V1_CONTEXT};
use crate::data_integrity::{self, ProofOptions};
use crate::sd_jwt_vc::IssuerKeyHeader;
use crate::w3c::{CONTEXT, DataModel};
use crate::{CREDENTIAL_BYTES_MAX, IssueError, jwt_vc_json, vc_jose};

/// What a list shall say.
#[derive(Clone, Copy, Debug)]
pub struct ListCredential<'a> {
    /// Where it is, exactly as credentials say it.
    pub uri: &'a str,
    /// Who issues it, and the credentials that refer to it.
    pub issuer: &'a str,
    /// What its bits tell.
    pub purpose: Purpose,
    /// When it is signed.
    pub issued_at: Timestamp,
    /// Until when it may be relied on.
    pub expires_at: Timestamp,
    /// After how many seconds to ask again.
    pub ttl_seconds: u64,
    /// [`super::Bitstring::encode`].
    pub encoded: &'a str,
}

impl ListCredential<'_> {
    /// Signs it as `vc+jwt`.
    pub async fn sign_jwt(self, kid: &str, signer: &dyn Signer) -> Result<Vec<u8>, IssueError> {
        let mut payload = self.credential(DataModel::V2);
        payload.insert("iss".to_owned(), self.issuer.into());
        let jwt = vc_jose::sign_as(&payload, (vc_jose::FORMAT, IssuerKeyHeader::Kid(kid)), signer)
            .await?;
        bounded(jwt.into_bytes())
    }

    /// Signs it as `jwt_vc_json`, for those who read version 1.1 of the data model alone.
    pub async fn sign_jwt_v1(self, kid: &str, signer: &dyn Signer) -> Result<Vec<u8>, IssueError> {
        let members = [
            ("iss", self.issuer.into()),
            ("jti", self.uri.into()),
            ("nbf", self.issued_at.0.into()),
            ("exp", self.expires_at.0.into()),
            ("sub", self.subject_id().into()),
            ("vc", self.credential(DataModel::V1).into()),
        ];
        let payload = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        bounded(jwt_vc_json::sign(&payload, kid, signer).await?.into_bytes())
    }

    /// Signs it with a proof inside, as `ldp_vc`.
    pub async fn sign_ldp(
        self,
        options: ProofOptions<'_>,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, IssueError> {
        let credential = self.credential(DataModel::V2);
        let secured = data_integrity::sign(credential, options, signer).await?;
        bounded(json::text(&secured).into_bytes())
    }

    fn subject_id(&self) -> String {
        format!("{}#list", self.uri)
    }

    fn credential(&self, model: DataModel) -> Map<String, Value> {
        let subject = json!({
            "id": self.subject_id(),
            "type": super::credential::SUBJECT_TYPE,
            "statusPurpose": self.purpose.name(),
            "ttl": self.ttl_seconds.saturating_mul(1000),
            "encodedList": self.encoded,
        });
        let contexts = match model {
            DataModel::V1 => json!([model.context(), V1_CONTEXT]),
            DataModel::V2 => json!([model.context()]),
        };
        let members = [
            (CONTEXT, contexts),
            ("id", self.uri.into()),
            ("type", json!(["VerifiableCredential", super::credential::TYPE])),
            ("issuer", self.issuer.into()),
            (model.begin(), self.issued_at.to_rfc3339().into()),
            (model.end(), self.expires_at.to_rfc3339().into()),
            ("credentialSubject", subject),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn bounded(list: Vec<u8>) -> Result<Vec<u8>, IssueError> {
    if list.len() <= CREDENTIAL_BYTES_MAX { Ok(list) } else { Err(IssueError::TooLong) }
}
