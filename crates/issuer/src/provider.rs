//! The OpenID Provider where people can sign in, as the operator configured it.

use std::path::Path;

use keys::jws::{Jws, JwsError};
use keys::outside::Clock;
use oid4vci::provider::{
    ID_TOKEN_BYTES_MAX, IdTokenContext, ProviderMetadata, ProviderRefusal, SignInSecrets, Subject,
    check_userinfo, metadata_address, token_form, verify_id_token,
};
use oid4vci::secret::AuthorizationCode;
use serde_json::{Map, Value};
use url::Url;

use crate::config::{ConfigError, SignIn};
use crate::init::secret;
use crate::outgoing::{ClientSecret, Credentials, Document, Keys, Outgoing, OutgoingError, Wanted};

/// Seconds that the provider's clock may differ from ours.
const WINDOW_SECONDS: u64 = 60;

/// The provider, and what we know of it.
#[derive(Debug)]
pub struct Provider {
    issuer: String,
    name: String,
    client_id: String,
    client_secret: Option<ClientSecret>,
    scope: String,
    wants_userinfo: bool,
    outgoing: Outgoing,
    metadata: Document,
    keys: Keys,
}

impl Provider {
    /// Reads what the operator wrote; `None` where there is no provider.
    pub fn open(config: &SignIn) -> Result<Option<Self>, ConfigError> {
        let Some(issuer) = config.provider() else { return Ok(None) };
        let client_secret = config.client_secret_file.as_deref().map(client_secret).transpose()?;
        let outgoing = outgoing(config.provider_ca.as_deref())?;
        let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        let name = Some(config.provider_name.clone()).filter(|name| !name.is_empty()).or(host);
        Ok(Some(Self {
            issuer: issuer.to_owned(),
            name: name.unwrap_or_default(),
            client_id: config.client_id.clone(),
            client_secret,
            scope: config.scopes.join(" "),
            wants_userinfo: config.userinfo,
            outgoing,
            metadata: Document::default(),
            keys: Keys::default(),
        }))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Our name there.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What it is asked for.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The account of a person who signs in there: no other provider, and no account of ours, has
    /// the same.
    #[must_use]
    pub fn account(&self, subject: &Subject) -> String {
        format!("{}#{}", self.issuer, subject.sub())
    }

    /// What it publishes about itself.
    pub(crate) async fn metadata(
        &self,
        clock: &dyn Clock,
    ) -> Result<ProviderMetadata, ProviderRefusal> {
        let address = metadata_address(&self.issuer).ok_or(ProviderRefusal::OtherProvider)?;
        let is_good =
            |document: &Map<String, Value>| ProviderMetadata::read(document, &self.issuer).is_ok();
        let wanted = Wanted { addresses: &[address], is_good: &is_good };
        let document = self.metadata.get(&self.outgoing, wanted, clock).await;
        ProviderMetadata::read(&*document.map_err(|error| unreachable(&error))?, &self.issuer)
    }

    /// Makes a code into a person whom the provider has signed in.
    pub(crate) async fn subject(
        &self,
        code: &AuthorizationCode,
        (metadata, redirect_uri): (&ProviderMetadata, &str),
        secrets: &SignInSecrets,
        clock: &dyn Clock,
    ) -> Result<Subject, ProviderRefusal> {
        let form = token_form(code, redirect_uri, secrets);
        let credentials = Credentials {
            client_id: &self.client_id,
            client_secret: self.client_secret.as_ref(),
            in_body: metadata.secret_in_body,
        };
        let tokens = self.outgoing.form(&metadata.token_endpoint, &form, credentials).await;
        let tokens = tokens.map_err(|error| refused(&error))?;
        let text = |name: &str| tokens.get(name).and_then(Value::as_str);
        let id_token = text("id_token").ok_or(ProviderRefusal::UnreadableIdToken)?;
        let jws = Jws::parse_with_rsa(id_token, ID_TOKEN_BYTES_MAX)?;
        let keys = self.keys.for_jws(&jws, &self.outgoing, (&metadata.jwks_uri, clock)).await;
        let context = IdTokenContext {
            issuer: &self.issuer,
            client_id: &self.client_id,
            nonce: secrets.nonce(),
            window_seconds: WINDOW_SECONDS,
            now: clock.now(),
        };
        let keys = keys.map_err(|error| unreachable(&error))?;
        let subject = verify_id_token(&jws, &keys, &context)?;
        match (&metadata.userinfo_endpoint, text("access_token")) {
            (Some(endpoint), Some(token)) if self.wants_userinfo => {
                let userinfo = self.outgoing.document_with(endpoint, token).await;
                with_userinfo(subject, userinfo.map_err(|error| unreachable(&error))?)
            }
            _ => Ok(subject),
        }
    }
}

fn with_userinfo(
    subject: Subject,
    userinfo: Map<String, Value>,
) -> Result<Subject, ProviderRefusal> {
    check_userinfo(&userinfo, &subject)?;
    Ok(subject.with_userinfo(userinfo))
}

fn unreachable(error: &OutgoingError) -> ProviderRefusal {
    tracing::warn!(%error, "the OpenID Provider does not answer as it should");
    ProviderRefusal::Unreachable
}

/// An answer of the token endpoint that is no success (RFC 6749 §5.2).
fn refused(error: &OutgoingError) -> ProviderRefusal {
    match error {
        OutgoingError::Status(_, Some(code)) => {
            tracing::warn!(%error, "the OpenID Provider gives no tokens");
            ProviderRefusal::of_code(code)
        }
        OutgoingError::Status(_, None)
        | OutgoingError::Unreachable(_)
        | OutgoingError::Busy
        | OutgoingError::Unreadable => unreachable(error),
    }
}

/// A secret that a server gave us; a file that others may read is refused.
pub(crate) fn client_secret(file: &Path) -> Result<ClientSecret, ConfigError> {
    let given = ClientSecret::new(&secret(file)?);
    if given.expose().is_empty() {
        let remedy = "put the secret there that the other server gave for this issuer";
        return Err(ConfigError::of_file(file, "is empty", remedy));
    }
    Ok(given)
}

/// Our way out to a server that the operator named.
pub(crate) fn outgoing(authorities: Option<&Path>) -> Result<Outgoing, ConfigError> {
    with_authorities(authorities, Outgoing::new)
}

/// Our way out to websites of strangers.
pub(crate) fn guarded(
    authorities: Option<&Path>,
    allows_private: bool,
) -> Result<Outgoing, ConfigError> {
    with_authorities(authorities, |pem| Outgoing::guarded(pem, allows_private))
}

fn with_authorities(
    authorities: Option<&Path>,
    make: impl FnOnce(Option<&str>) -> Option<Outgoing>,
) -> Result<Outgoing, ConfigError> {
    let pem = authorities.map(|file| {
        std::fs::read_to_string(file).map_err(|error| {
            let remedy = "check the path and that this user may read it";
            ConfigError::of_file(file, format!("cannot be read: {error}"), remedy)
        })
    });
    let pem = pem.transpose()?;
    make(pem.as_deref()).ok_or_else(|| {
        let remedy = "put certificates of an authority there, as PEM";
        let file = authorities.unwrap_or(Path::new("TLS"));
        ConfigError::of_file(file, "holds no authority that could be trusted", remedy)
    })
}

impl From<JwsError> for OutgoingError {
    fn from(_: JwsError) -> Self {
        Self::Unreadable
    }
}
