//! Another authorization server, as the operator configured it: its keys, or its word.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keys::jws::Jws;
use keys::outside::{Clock, Timestamp};
use oid4vci::external::{
    ExternalContext, ExternalRefusal, ExternalToken, TOKEN_BYTES_MAX, read_introspection,
    verify_jwt,
};
use oid4vci::provider::metadata_address;
use oid4vci::secret::AccessToken;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use crate::config::{AuthorizationServer, ConfigError};
use crate::outgoing::{ClientSecret, Credentials, Document, Keys, Outgoing, OutgoingError, Wanted};
use crate::provider::{client_secret, outgoing};

/// For so long the server is not asked again about a token.
const KNOWN_SECONDS: u64 = 5;
/// Most tokens that are remembered as good; and as bad, apart from those: whoever makes tokens up
/// takes no room from them.
const KNOWN_MAX: usize = 10_000;
/// Questions to the server at a time.
const ASKING_MAX: usize = 32;
/// So long a question waits for its turn; then whoever asks has to come again.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);

/// What the server said of tokens, by their digests.
#[derive(Debug)]
struct Known<T>(Mutex<HashMap<[u8; 32], (T, Timestamp)>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Known<T> {
    fn get(&self, digest: &[u8; 32], now: Timestamp) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, at) = known.get(digest)?;
        (now < at.plus(KNOWN_SECONDS)).then(|| said.clone())
    }

    fn keep(&self, digest: [u8; 32], said: T, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (_, at)| now < at.plus(KNOWN_SECONDS));
        }
        if known.len() < KNOWN_MAX {
            known.insert(digest, (said, now));
        }
    }
}

/// The server, and what we know of it.
#[derive(Debug)]
pub struct External {
    issuer: String,
    audience: Option<String>,
    introspection: Option<(String, Option<ClientSecret>)>,
    outgoing: Outgoing,
    metadata: Document,
    keys: Keys,
    good: Known<Map<String, Value>>,
    bad: Known<()>,
    asking: Semaphore,
}

impl External {
    /// Reads what the operator wrote; `None` where there is no such server.
    pub fn open(config: &AuthorizationServer) -> Result<Option<Self>, ConfigError> {
        let Some(issuer) = config.issuer() else { return Ok(None) };
        let secret = config.client_secret_file.as_deref().map(client_secret).transpose()?;
        let introspection = config.introspection.then(|| (config.client_id.clone(), secret));
        Ok(Some(Self {
            issuer: issuer.to_owned(),
            audience: Some(config.audience.clone()).filter(|audience| !audience.is_empty()),
            introspection,
            outgoing: outgoing(config.ca.as_deref())?,
            metadata: Document::default(),
            keys: Keys::default(),
            good: Known::default(),
            bad: Known::default(),
            asking: Semaphore::new(ASKING_MAX),
        }))
    }

    /// Its identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it calls us, when that is not our identifier.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// The account of one of its people; no account of ours has the same name.
    #[must_use]
    pub fn account(&self, token: &ExternalToken) -> String {
        format!("{}#{}", self.issuer, token.sub)
    }

    /// What a token is worth.
    pub(crate) async fn token(
        &self,
        token: &AccessToken,
        context: &ExternalContext<'_>,
        clock: &dyn Clock,
    ) -> Result<ExternalToken, ExternalRefusal> {
        if token.expose().len() > TOKEN_BYTES_MAX {
            return Err(ExternalRefusal::Unreadable);
        }
        if let Some((client_id, secret)) = &self.introspection {
            let client_secret = secret.as_ref();
            let credentials = Credentials { client_id, client_secret, in_body: false };
            let answer = self.asked(token, credentials, clock).await?;
            return read_introspection(&answer, context);
        }
        let jws = Jws::parse_with_rsa(token.expose(), TOKEN_BYTES_MAX)?;
        let address = self.endpoint("jwks_uri", clock).await?;
        let keys = self.keys.for_jws(&jws, &self.outgoing, (&address, clock)).await;
        verify_jwt(&jws, &keys.map_err(|error| unreachable(&error))?, context)
    }

    /// What the server says of it: for seconds from memory, as one request follows another.
    async fn asked(
        &self,
        token: &AccessToken,
        credentials: Credentials<'_>,
        clock: &dyn Clock,
    ) -> Result<Map<String, Value>, ExternalRefusal> {
        let (digest, now) = (token.digest().0, clock.now());
        if let Some(answer) = self.good.get(&digest, now) {
            return Ok(answer);
        }
        if self.bad.get(&digest, now).is_some() {
            return Err(ExternalRefusal::Inactive);
        }
        let address = self.endpoint("introspection_endpoint", clock).await?;
        // Anybody can send a token that nobody knows: the other server is not ours to flood.
        let Ok(Ok(_turn)) = timeout(TURN_TIME_MAX, self.asking.acquire()).await else {
            return Err(ExternalRefusal::Unreachable);
        };
        let form = [("token", token.expose()), ("token_type_hint", "access_token")];
        let answer = self.outgoing.form(&address, &form, credentials).await;
        let answer = answer.map_err(|error| unreachable(&error))?;
        if answer.get("active") == Some(&Value::Bool(true)) {
            self.good.keep(digest, answer.clone(), now);
        } else {
            self.bad.keep(digest, (), now);
        }
        Ok(answer)
    }

    /// An address that its metadata name (RFC 8414 §2); those of OpenID Connect say the same where
    /// there are no others.
    async fn endpoint(&self, name: &str, clock: &dyn Clock) -> Result<Url, ExternalRefusal> {
        let document = self.document(clock).await.map_err(|error| unreachable(&error))?;
        let issuer = document.get("issuer").and_then(Value::as_str);
        if issuer != Some(&self.issuer) {
            tracing::warn!("the authorization server's metadata name another issuer");
            return Err(ExternalRefusal::WrongIssuer); // RFC 8414 §3.3
        }
        let found = oid4vci::provider::endpoint(&document, name, &self.issuer);
        found.ok().flatten().ok_or_else(|| {
            tracing::warn!(name, "the authorization server's metadata lack a safe address");
            ExternalRefusal::Unreachable
        })
    }

    async fn document(
        &self,
        clock: &dyn Clock,
    ) -> Result<std::sync::Arc<Map<String, Value>>, OutgoingError> {
        let addresses = [well_known(&self.issuer), metadata_address(&self.issuer)];
        let addresses: Vec<Url> = addresses.into_iter().flatten().collect();
        let is_good = |document: &Map<String, Value>| {
            document.get("issuer").and_then(Value::as_str) == Some(&*self.issuer)
        };
        let wanted = Wanted { addresses: &addresses, is_good: &is_good };
        self.metadata.get(&self.outgoing, wanted, clock).await
    }
}

/// RFC 8414 §3: between host and path.
fn well_known(issuer: &str) -> Option<Url> {
    let mut url = Url::parse(issuer).ok()?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    Some(url)
}

fn unreachable(error: &OutgoingError) -> ExternalRefusal {
    tracing::warn!(%error, "the authorization server does not answer as it should");
    ExternalRefusal::Unreachable
}
