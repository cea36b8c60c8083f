//! Steps 13-18: the Credential Request of a draft becomes one of 1.0, and the answer the reverse.

use std::collections::BTreeMap;

use keys::json;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::dialect::Draft;
use super::error::Misfit;
use super::{Dialect, object, with_nonce};
use crate::credential::{CredentialRequest, REQUEST_BYTES_MAX};
use crate::deferred::DeferredCredentialRequest;
use crate::encryption::JWT;
use crate::metadata::CredentialConfiguration;
use crate::nonce::NonceResponse;
use crate::secret::{AccessToken, TransactionId};

/// Most requests in one batch (section 8 of drafts 9 to 13).
const BATCH_MAX: usize = 100;

/// What a token is good for, by the ids of 1.0.
pub type Configurations = BTreeMap<String, CredentialConfiguration>;

/// A request of 1.0, whether its answer is to have one credential and no list, and the
/// `credential_response_encryption` of 1.0.
pub type Read = (CredentialRequest, bool, Option<Value>);

impl Dialect {
    /// Reads the body of a Credential Request; `known` is what the token is good for.
    ///
    /// A refusal has code and text.
    pub fn credential_request(
        self,
        body: (&str, &[u8]),
        known: &Configurations,
    ) -> Result<Read, (&'static str, &'static str)> {
        let read = self.parameters(body).and_then(|parameters| self.read(&parameters, known));
        read.map_err(|misfit| self.misfit(misfit))
    }

    pub(super) fn read(
        self,
        parameters: &Map<String, Value>,
        known: &Configurations,
    ) -> Result<Read, Misfit> {
        let has_list = parameters.contains_key("proofs") && self.0 >= Draft::D14;
        let encryption = self.response_encryption(parameters)?;
        Ok((self.request(parameters, known)?, !has_list, encryption))
    }

    /// Reads the body of a batch: requests that are answered wholly or not at all, in their order.
    pub fn batch_request(
        self,
        body: (&str, &[u8]),
        known: &Configurations,
    ) -> Result<Vec<CredentialRequest>, (&'static str, &'static str)> {
        self.batch(body, known).map_err(|misfit| self.misfit(misfit))
    }

    fn batch(
        self,
        body: (&str, &[u8]),
        known: &Configurations,
    ) -> Result<Vec<CredentialRequest>, Misfit> {
        let parameters = self.parameters(body)?;
        let requests = parameters.get("credential_requests").and_then(Value::as_array);
        let requests = requests.filter(|requests| (1..=BATCH_MAX).contains(&requests.len()));
        let read = |request: &Value| {
            let request = request.as_object().ok_or(Misfit::BatchShape)?;
            if self.response_encryption(request)?.is_some() {
                return Err(Misfit::Encryption);
            }
            self.request(request, known)
        };
        requests.ok_or(Misfit::BatchShape)?.iter().map(read).collect()
    }

    /// JSON; before draft 9 also a form, whose `proof` is JSON inside.
    pub(super) fn parameters(
        self,
        (media_type, body): (&str, &[u8]),
    ) -> Result<Map<String, Value>, Misfit> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(Misfit::TooLong);
        }
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            return json::parse_object(body).map_err(|_| Misfit::Unreadable);
        }
        if media_type.eq_ignore_ascii_case(JWT) && self.0 >= Draft::D12 {
            return Err(Misfit::Covered);
        }
        let is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if self.0 != Draft::D8 || !is_form {
            return Err(Misfit::WrongMediaType);
        }
        let mut parameters = Map::new();
        for (name, value) in form_urlencoded::parse(body) {
            let value = match &*name {
                "proof" => json::parse(value.as_bytes()).map_err(|_| Misfit::Unreadable)?,
                _ => value.into_owned().into(),
            };
            if parameters.insert(name.into_owned(), value).is_some() {
                return Err(Misfit::Unreadable);
            }
        }
        Ok(parameters)
    }

    fn request(
        self,
        parameters: &Map<String, Value>,
        known: &Configurations,
    ) -> Result<CredentialRequest, Misfit> {
        let mut translated = self.selector(parameters, known)?;
        let proofs = if self.0 >= Draft::D14 { &["proof", "proofs"][..] } else { &["proof"] };
        for name in proofs {
            translated
                .extend(parameters.get(*name).map(|proof| ((*name).to_owned(), proof.clone())));
        }
        Ok(CredentialRequest::from_parameters(&translated, true)?)
    }

    /// Reads the body of a Deferred Credential Request (section 9.1 of drafts 12 to 15). These texts
    /// have no key for its answer; a Wallet that names one gets the answer under it, as in 1.0.
    pub fn deferred_request(
        self,
        body: (&str, &[u8]),
    ) -> Result<(DeferredCredentialRequest, Option<Value>), (&'static str, &'static str)> {
        let read = || {
            let parameters = self.parameters(body)?;
            let request = DeferredCredentialRequest::from_parameters(&parameters);
            let request = request.map_err(|_| Misfit::NoTransactionId)?;
            Ok((request, self.response_encryption(&parameters)?))
        };
        read().map_err(|misfit| self.misfit(misfit))
    }

    /// What 1.0 calls the thing that is asked for. A request in the shape of another draft is
    /// refused, so that nobody is led from one draft to a weaker one.
    fn selector(
        self,
        parameters: &Map<String, Value>,
        known: &Configurations,
    ) -> Result<Map<String, Value>, Misfit> {
        let format = parameters.get("format");
        let mut selector = Map::new();
        if self.0 >= Draft::D15 {
            if format.is_some() {
                return Err(Misfit::Format);
            }
            for name in ["credential_configuration_id", "credential_identifier"] {
                selector.extend(parameters.get(name).map(|id| (name.to_owned(), id.clone())));
            }
            return Ok(selector);
        }
        match parameters.get("credential_identifier") {
            Some(_) if format.is_some() => return Err(Misfit::FormatBesideIdentifier),
            Some(identifier) if self.0 >= Draft::D12 => {
                selector.insert("credential_identifier".into(), identifier.clone());
                return Ok(selector);
            }
            Some(_) | None => {}
        }
        let format = format.and_then(Value::as_str).ok_or(Misfit::NoFormat)?;
        let is_of_format =
            |(_, one): &(&String, &CredentialConfiguration)| self.is_format(format, &one.format);
        let mut of_format = known.iter().filter(is_of_format).peekable();
        of_format.peek().ok_or(Misfit::UnsupportedFormat)?;
        let found = of_format.find(|(id, one)| self.is_meant(parameters, (id, one)));
        let (id, _) = found.ok_or(Misfit::UnsupportedType)?;
        selector.insert("credential_configuration_id".into(), id.clone().into());
        Ok(selector)
    }

    /// The Credential Response, with the members of 1.0 and the format that it has there, of which
    /// the drafts until 12 remind.
    #[must_use]
    pub fn credential_response(
        self,
        (credentials, notification_id): (&[Value], Option<&str>),
        (format, is_single): (&str, bool),
        nonce: &NonceResponse,
    ) -> Value {
        let mut answer = Map::new();
        let notification_id = notification_id.filter(|_| self.has_notifications());
        answer.extend(notification_id.map(|id| ("notification_id".to_owned(), id.into())));
        if self.0 >= Draft::D15 {
            let credentials = credentials.iter().map(|one| json!({ "credential": one }));
            answer.insert("credentials".into(), credentials.collect());
            return answer.into();
        }
        if is_single {
            answer.extend(self.one(credentials.first(), format));
        } else {
            answer.insert("credentials".into(), json!(credentials)); // draft 14, section 8.3
        }
        with_nonce(answer, nonce)
    }

    /// The answer to a batch: format and credential for each request.
    #[must_use]
    pub fn batch_response(self, answers: &[(&str, Value)], nonce: &NonceResponse) -> Value {
        let responses: Vec<Value> = answers
            .iter()
            .map(|(format, credential)| self.one(Some(credential), format).into())
            .collect();
        with_nonce(object(json!({ "credential_responses": responses })), nonce)
    }

    fn one(self, credential: Option<&Value>, format: &str) -> Map<String, Value> {
        let mut one = Map::new();
        if self.0 <= Draft::D12 {
            let format = self.format(format).unwrap_or_default();
            one.insert("format".into(), format.into());
        }
        one.extend(credential.map(|credential| ("credential".to_owned(), credential.clone())));
        one
    }

    /// The answer to who has to come again: 200 with an `acceptance_token` until draft 11, then 202
    /// with a `transaction_id`.
    #[must_use]
    pub fn deferred_response(
        self,
        (token, transaction_id): (&AccessToken, &str),
        nonce: &NonceResponse,
    ) -> (u16, Value) {
        if self.has_acceptance_tokens() {
            let acceptance_token = format!("{}{SEPARATOR}{transaction_id}", token.expose());
            let answer = json!({ "acceptance_token": acceptance_token });
            return (200, with_nonce(object(answer), nonce));
        }
        let answer = object(json!({ "transaction_id": transaction_id }));
        if self.has_nonce_endpoint() {
            (202, answer.into())
        } else {
            (202, with_nonce(answer, nonce))
        }
    }

    /// The token and the `transaction_id` of 1.0 that an `acceptance_token` is made of: it stands
    /// where a token stands, and nothing else comes with it (draft 8, section 9).
    #[must_use]
    pub fn acceptance_token(self, token: &AccessToken) -> Option<(AccessToken, TransactionId)> {
        let (token, transaction_id) = token.expose().split_once(SEPARATOR)?;
        Some((AccessToken::new(token), TransactionId::new(transaction_id)))
    }
}

/// Stands in no token and no `transaction_id` of ours.
const SEPARATOR: char = '~';
