//! The same lists as W3C credentials read them: one credential for each purpose, of the same bits
//! (Bitstring Status List §2.2).

use std::sync::Arc;

use formats::data_integrity::{Canonicalization, ProofOptions};
use formats::status_list::bitstring::{Bitstring, BitstringEntry, ListCredential, Purpose};
use formats::status_list::{CredentialStatus, Status};
use keys::outside::Timestamp;
use oid4vci::grant::StatusEntry;

use super::StatusLists;
use super::list::{Representation, fault};
use crate::Issuer;
use crate::credential_type::{CredentialType, Format, Securing, StatusKind};
use crate::failure::Broken;

/// How a list is secured: as the credentials that refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `vc+jwt`, issued by the Credential Issuer Identifier.
    Jwt,
    /// `jwt_vc_json`, of version 1.1 of the data model, by the same.
    JwtV1,
    /// `ldp_vc`, issued by the did:web of the website.
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
    /// That of the lists to which credentials of this format refer: whoever reads the one can read the
    /// other.
    const fn of(format: &Format) -> Option<Self> {
        let Format::W3c(w3c) = format else { return None };
        match w3c.securing {
            Securing::LdpVc(_) => Some(Self::Ldp),
            Securing::VcJwt | Securing::VcSdJwt => Some(Self::Jwt),
            Securing::JwtVcJson | Securing::JwtVcJsonLd => Some(Self::JwtV1),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::JwtV1 => "jwt_vc_json",
            Self::Ldp => "ldp",
        }
    }

    /// What it is called in HTTP.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jwt => "application/vc+jwt",
            Self::JwtV1 => "application/jwt",
            Self::Ldp => "application/vc",
        }
    }
}

impl Which {
    /// Those that a path names; entries of ours have no messages.
    #[must_use]
    pub fn parse(form: &str, purpose: &str) -> Option<Self> {
        let form =
            [Form::Jwt, Form::JwtV1, Form::Ldp].into_iter().find(|known| known.name() == form)?;
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
        let uri = issuer.list_credential_uri(number, which);
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

impl Issuer {
    /// Where a list is served as a credential.
    fn list_credential_uri(&self, number: u64, Which { form, purpose }: Which) -> String {
        format!("{}/{}/{}", self.status_list_uri(number), form.name(), purpose.name())
    }

    /// Whether a type has a format whose credentials refer to lists of this form: nothing is signed
    /// for strangers that no verifier needs. What its file says of `status` does not count, as it may
    /// have said something else when a credential was made.
    fn has_credentials_of(&self, form: Form) -> bool {
        self.types.values().any(|one| Form::of(&one.format) == Some(form))
    }

    /// What a credential of this type says of its status.
    pub(crate) fn credential_status(
        &self,
        credential_type: &CredentialType,
        entry: StatusEntry,
    ) -> CredentialStatus {
        if credential_type.status_kind == StatusKind::Token {
            return CredentialStatus::StatusList(self.status_reference(entry));
        }
        let form = Form::of(&credential_type.format).unwrap_or(Form::Jwt);
        let suspension = self.config.may_suspend(credential_type).then_some(Purpose::Suspension);
        let purposes = std::iter::once(Purpose::Revocation).chain(suspension);
        let entries = purposes.map(|purpose| {
            let list = self.list_credential_uri(entry.list, Which { form, purpose });
            BitstringEntry::new(purpose, list, entry.idx)
        });
        CredentialStatus::Bitstring(entries.collect())
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
            Form::Ldp => &did,
        };
        let ttl_seconds = self.config.status.ttl;
        let list =
            ListCredential { uri, issuer, purpose, issued_at, expires_at, ttl_seconds, encoded };
        let body = match form {
            Form::Jwt => list.sign_jwt(kid, signer).await,
            Form::JwtV1 => list.sign_jwt_v1(kid, signer).await,
            Form::Ldp => {
                let verification_method = &format!("{did}#{kid}");
                let canonicalization = Canonicalization::Jcs;
                let options =
                    ProofOptions { verification_method, canonicalization, created: issued_at };
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
