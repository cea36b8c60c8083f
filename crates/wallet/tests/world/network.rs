//! The network between wallet and issuer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keys::json as strict;
use serde_json::Value;
use url::form_urlencoded;
use wallet::http::{Http, HttpError, Method, Request, Response, WWW_AUTHENTICATE};

/// What the issuer answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    Typed(&'static str, Vec<u8>),
    /// 401 with this `WWW-Authenticate`, and nothing else.
    Challenged(&'static str),
    Fails(HttpError),
}

type Route = Arc<dyn Fn(&Sent) -> Answer + Send + Sync>;

/// What the wallet sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        strict::parse(&self.body).unwrap()
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// The network: routes by URL; everything else is 404.
#[derive(Default)]
pub(crate) struct Network {
    routes: Mutex<BTreeMap<String, Route>>,
    sent: Mutex<Vec<Sent>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

#[async_trait]
impl Http for Network {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        tokio::task::yield_now().await; // what else runs gets its turn, as on any network
        let headers = request.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        let sent = Sent {
            method: request.method,
            url: request.url.to_string(),
            headers: headers.collect(),
            body: request.body,
        };
        self.sent.lock().unwrap().push(sent.clone());
        let route = self.routes.lock().unwrap().get(&sent.url).cloned();
        let mut headers = Vec::new();
        let (status, content_type, body) = match route.map(|route| route(&sent)) {
            None => (404, "application/json", b"{}".to_vec()),
            Some(Answer::Json(status, value)) => {
                (status, "application/json", value.to_string().into_bytes())
            }
            Some(Answer::Typed(content_type, body)) => (200, content_type, body),
            Some(Answer::Challenged(challenge)) => {
                headers.push((WWW_AUTHENTICATE, challenge.to_owned()));
                (401, "text/plain", Vec::new())
            }
            Some(Answer::Fails(error)) => return Err(error),
        };
        let content_type = Some(content_type.to_owned());
        Ok(Response { status, content_type, headers, body })
    }
}

impl Network {
    pub(crate) fn on(&self, url: &str, answer: impl Fn(&Sent) -> Answer + Send + Sync + 'static) {
        self.routes.lock().unwrap().insert(url.to_owned(), Arc::new(answer));
    }

    pub(crate) fn says(&self, url: &str, status: u16, value: Value) {
        self.on(url, move |_| Answer::Json(status, value.clone()));
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn sent_to(&self, url: &str) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.url == url).collect()
    }
}
