//! The contexts that are known: part of the program, or given to it as files; none is ever fetched.

use std::sync::Arc;

use keys::json;
use serde_json::Value;

use crate::w3c::CONTEXT;

/// Their sources: `contexts/README.md`.
const BUNDLED: [(&str, &str); 12] = [
    (
        "https://www.w3.org/2018/credentials/v1",
        include_str!("../../contexts/credentials-v1.jsonld"),
    ),
    ("https://www.w3.org/ns/credentials/v2", include_str!("../../contexts/credentials-v2.jsonld")),
    (
        "https://w3id.org/security/data-integrity/v1",
        include_str!("../../contexts/data-integrity-v1.jsonld"),
    ),
    (
        "https://w3id.org/security/data-integrity/v2",
        include_str!("../../contexts/data-integrity-v2.jsonld"),
    ),
    (
        "https://w3id.org/vc/status-list/2021/v1",
        include_str!("../../contexts/status-list-2021-v1.jsonld"),
    ),
    (
        "https://www.w3.org/ns/credentials/status/v1",
        include_str!("../../contexts/status-v1.jsonld"),
    ),
    ("https://w3id.org/security/multikey/v1", include_str!("../../contexts/multikey-v1.jsonld")),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context.json",
        include_str!("../../contexts/open-badges-3.0.0.jsonld"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json",
        include_str!("../../contexts/open-badges-3.0.1.jsonld"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json",
        include_str!("../../contexts/open-badges-3.0.2.jsonld"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        include_str!("../../contexts/open-badges-3.0.3.jsonld"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
        include_str!("../../contexts/open-badges-extensions.jsonld"),
    ),
];

/// Contexts by their names.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    more: Arc<Vec<(String, String)>>,
}

impl Contexts {
    /// Adds one that somebody looked at before. Those of the program stay what they are.
    #[must_use]
    pub fn with(mut self, url: &str, document: &str) -> Self {
        Arc::make_mut(&mut self.more).push((url.to_owned(), document.to_owned()));
        self
    }

    /// Whether a context of this name is part of the program.
    #[must_use]
    pub fn is_bundled(url: &str) -> bool {
        BUNDLED.iter().any(|(name, _)| *name == url)
    }

    /// Whether a text is a context, as a file has it.
    #[must_use]
    pub fn is_document(text: &str) -> bool {
        json::parse_object(text.as_bytes()).is_ok_and(|document| {
            document.get(CONTEXT).is_some_and(|it| !matches!(it, Value::Null))
        })
    }

    /// The text of a context.
    pub(super) fn document(&self, url: &str) -> Option<&str> {
        let bundled = BUNDLED.iter().find(|(name, _)| *name == url);
        let more = || self.more.iter().find(|(name, _)| name == url);
        let more = || more().map(|(_, document)| document.as_str());
        bundled.map(|(_, document)| *document).or_else(more)
    }
}
