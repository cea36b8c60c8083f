//! What waits for an officer, whatever it is: listed to its end, and decided one by one.

use serde_json::{Map, Value, json};

use super::api::Api;
use crate::cli::ConfigFile;
use crate::exit::Failure;

/// Most that the admin API lists at once.
const PAGE: usize = 500;

/// A kind of things that an officer decides, by its name in the admin API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue(pub(super) &'static str);

impl Queue {
    /// All in one state, oldest first.
    pub(super) async fn list(self, state: &str, file: &ConfigFile) -> Result<Vec<Value>, Failure> {
        let Self(name) = self;
        let api = Api::open(super::load(file)?).await?;
        let state = escaped(state);
        let mut all: Vec<Value> = Vec::new();
        loop {
            let last = all.last().and_then(|last| last.get("id")).and_then(Value::as_str);
            let after = last.map(|id| format!("&after={}", escaped(id))).unwrap_or_default();
            let path = format!("/admin/v1/{name}?limit={PAGE}&state={state}{after}");
            let mut answer = api.call("GET", &path, None).await?;
            let page = answer.get_mut(name).and_then(Value::as_array_mut);
            let page = page.map(std::mem::take).unwrap_or_default();
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// As one JSON object, with the member that the admin API has.
    pub(super) fn to_json(self, all: Vec<Value>) -> Value {
        Map::from_iter([(self.0.to_owned(), all.into())]).into()
    }

    /// `approve` or `reject`.
    pub(super) async fn decide(
        self,
        (id, verb): (&str, &str),
        claims: Option<Value>,
        file: &ConfigFile,
    ) -> Result<Value, Failure> {
        let api = Api::open(super::load(file)?).await?;
        let path = format!("/admin/v1/{}/{}/{verb}", self.0, escaped(id));
        api.call("POST", &path, claims.map(|claims| json!({ "claims": claims }))).await
    }
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
