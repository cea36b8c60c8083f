//! The same lists as W3C credentials read them: one credential for each purpose, of the same bits
//! (Bitstring Status List §2.2).

use std::sync::Arc;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::status_list::bitstring::{Bitstring, BitstringEntry, ListCredential, Purpose};
use formats::status_list::{CredentialStatus, Status, StatusReference};
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;

use super::list::{Representation, fault};
use super::{StatusLists, list_uri};
use crate::Issuer;
use crate::config::Config;
use crate::credential_type::{CredentialType, Format, Identity, Securing, StatusKind};
use crate::failure::Broken;

/// How a list is secured: as the credentials that refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `vc+jwt`, issued by the Credential Issuer Identifier.
    Jwt,
    /// `jwt_vc_json`, of version 1.1 of the data model, by the same.
    JwtV1,
    /// `vc+jwt`, issued by the did:web of the website.
    JwtOfDid,
    /// `jwt_vc_json`, by the same.
    JwtV1OfDid,
    /// `ldp_vc`, by the same.
    Ldp,
}

/// One of the credentials of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Which {
    /// How it is secured.
    pub form: Form,
    /// What its bits tell.
    pub purpose: Purpose,
}

/// What is served of it until the list changes, or half its time is over.
#[derive(Debug)]
pub struct Credential {
    /// The body and its name.
    pub representation: Representation,
    version: u64,
    kid: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Form {
    const ALL: [Self; 5] = [Self::Jwt, Self::JwtV1, Self::JwtOfDid, Self::JwtV1OfDid, Self::Ldp];

    /// That of the lists to which credentials of this format refer: whoever reads the one can read the
    /// other.
    fn of(credential_type: &CredentialType) -> Option<Self> {
        let Format::W3c(w3c) = &credential_type.format else { return None };
        let is_did = credential_type.identity == Identity::DidWeb;
        Some(match (w3c.securing, is_did) {
            (Securing::LdpVc(_), _) => Self::Ldp,
            (Securing::VcJwt | Securing::VcSdJwt, false) => Self::Jwt,
            (Securing::VcJwt | Securing::VcSdJwt, true) => Self::JwtOfDid,
            (Securing::JwtVcJson | Securing::JwtVcJsonLd, false) => Self::JwtV1,
            (Securing::JwtVcJson | Securing::JwtVcJsonLd, true) => Self::JwtV1OfDid,
        })
    }

    /// The same whoever issues it.
    const fn without_identity(self) -> Self {
        match self {
            Self::Jwt | Self::JwtOfDid => Self::Jwt,
            Self::JwtV1 | Self::JwtV1OfDid => Self::JwtV1,
            Self::Ldp => Self::Ldp,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::JwtV1 => "jwt_vc_json",
            Self::JwtOfDid => "jwt-did-web",
            Self::JwtV1OfDid => "jwt_vc_json-did-web",
            Self::Ldp => "ldp",
        }
    }

    /// What it is called in HTTP.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jwt | Self::JwtOfDid => "application/vc+jwt",
            Self::JwtV1 | Self::JwtV1OfDid => "application/jwt",
            Self::Ldp => "application/vc",
        }
    }
}

impl Which {
    /// Those that a path names; entries of ours have no messages.
    #[must_use]
    pub fn parse(form: &str, purpose: &str) -> Option<Self> {
        let form = Form::ALL.into_iter().find(|known| known.name() == form)?;
        let purpose = Purpose::parse(purpose)?;
        (purpose != Purpose::Message).then_some(Self { form, purpose })
    }

    /// The status that a set bit tells.
    const fn status(self) -> Status {
        match self.purpose {
            Purpose::Revocation => Status::Invalid,
            Purpose::Suspension | Purpose::Message => Status::Suspended,
        }
    }
}

impl StatusLists {
    /// What to serve as a W3C credential; `None` when there is no such list, or nobody's credential
    /// could refer to it in this form.
    ///
    /// It is made when somebody asks after a change: most issuers have no W3C credentials, and most
    /// lists nobody asks for.
    pub async fn credential(
        &self,
        issuer: &Issuer,
        number: u64,
        which: Which,
    ) -> Result<Option<Arc<Credential>>, Broken> {
        if !issuer.has_credentials_of(which.form) {
            return Ok(None);
        }
        let Some(list) = self.find(issuer, number).await? else { return Ok(None) };
        let mut kept = list.credentials.lock().await;
        if kept.is_empty() {
            self.follow(issuer).await?; // the first request after the start
        }
        let now = issuer.clock.now();
        let known = kept.get(&which).filter(|known| now < known.expires_at);
        if let Some(known) = known.filter(|known| known.is_current(issuer, list.version(), now)) {
            return Ok(Some(Arc::clone(known)));
        }
        let (entries, version) = list.snapshot();
        let uri = list_credential_uri(&issuer.config, number, which);
        // A clock that was set back must not make the list look older (catalogue J08).
        let issued_at = kept.get(&which).map_or(now, |known| known.issued_at.max(now));
        let bits =
            tokio::task::spawn_blocking(move || Bitstring::of(&entries, which.status()).encode());
        let encoded = bits.await.map_err(fault)?.map_err(fault)?;
        match issuer.sign_list(which, (&uri, &encoded), (version, issued_at)).await {
            Ok(credential) => {
                let credential = Arc::new(credential);
                kept.insert(which, Arc::clone(&credential));
                Ok(Some(credential))
            }
            // The key may be elsewhere, and what it signed last is still good.
            Err(broken) => match known {
                Some(known) if known.version == version => {
                    broken.log();
                    Ok(Some(Arc::clone(known)))
                }
                _ => Err(broken),
            },
        }
    }
}

impl Credential {
    fn is_current(&self, issuer: &Issuer, version: u64, now: Timestamp) -> bool {
        let lifetime = self.expires_at.0.saturating_sub(self.issued_at.0);
        let is_young = now < self.issued_at.plus(lifetime / 2);
        self.version == version && is_young && self.kid == issuer.keys().signing.kid
    }
}

/// Where a list is served as a credential.
fn list_credential_uri(config: &Config, number: u64, Which { form, purpose }: Which) -> String {
    format!("{}/{}/{}", list_uri(config, number), form.name(), purpose.name())
}

/// What a credential of this type says of its status.
pub(crate) fn credential_status(
    config: &Config,
    credential_type: &CredentialType,
    entry: StatusEntry,
) -> CredentialStatus {
    if credential_type.status_kind == StatusKind::Token {
        let uri = list_uri(config, entry.list);
        return CredentialStatus::StatusList(StatusReference { uri, idx: entry.idx });
    }
    let form = Form::of(credential_type).unwrap_or(Form::Jwt);
    let suspension = config.may_suspend(credential_type).then_some(Purpose::Suspension);
    let purposes = std::iter::once(Purpose::Revocation).chain(suspension);
    let entries = purposes.map(|purpose| {
        let list = list_credential_uri(config, entry.list, Which { form, purpose });
        BitstringEntry::new(purpose, list, entry.idx)
    });
    CredentialStatus::Bitstring(entries.collect())
}

impl Issuer {
    /// Whether a type has a format whose credentials refer to lists of this form: nothing is signed
    /// for strangers that no verifier needs. What its file says of `status` and `issuer_identity` does
    /// not count, as it may have said something else when a credential was made.
    fn has_credentials_of(&self, form: Form) -> bool {
        let of_any_identity = Some(form.without_identity());
        self.types.values().any(|one| Form::of(one).map(Form::without_identity) == of_any_identity)
    }

    async fn sign_list(
        &self,
        Which { form, purpose }: Which,
        (uri, encoded): (&str, &str),
        (version, issued_at): (u64, Timestamp),
    ) -> Result<Credential, Broken> {
        let keys = self.keys();
        let (kid, signer) = (&keys.signing.kid, &*keys.signing.signer);
        let expires_at = issued_at.plus(self.config.status.expires_in);
        let did = self.did();
        let issuer = match form {
            Form::Jwt | Form::JwtV1 => self.credential_issuer(),
            Form::JwtOfDid | Form::JwtV1OfDid | Form::Ldp => &did,
        };
        let method = format!("{did}#{kid}");
        let ttl_seconds = self.config.status.ttl;
        let list =
            ListCredential { uri, issuer, purpose, issued_at, expires_at, ttl_seconds, encoded };
        let body = match form {
            Form::Jwt => list.sign_jwt(kid, signer).await,
            Form::JwtV1 => list.sign_jwt_v1(kid, signer).await,
            Form::JwtOfDid => list.sign_jwt(&method, signer).await,
            Form::JwtV1OfDid => list.sign_jwt_v1(&method, signer).await,
            Form::Ldp => {
                let verification_method = &method;
                let canonicalization = Canonicalization::Jcs;
                let options = ProofOptions {
                    verification_method,
                    canonicalization,
                    created: issued_at,
                    contexts: None,
                };
                list.sign_ldp(options, signer).await
            }
        };
        Ok(Credential {
            representation: Representation::of(body.map_err(fault)?),
            version,
            kid: kid.clone(),
            issued_at,
            expires_at,
        })
    }
}
