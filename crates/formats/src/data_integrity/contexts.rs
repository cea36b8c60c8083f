//! The contexts that are known: part of the program, so that none is ever fetched.

/// Their sources: `contexts/README.md`.
const BUNDLED: [(&str, &str); 10] = [
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
    more: Vec<(String, String)>,
}

impl Contexts {
    /// Adds one that somebody looked at before.
    #[must_use]
    pub fn with(mut self, url: &str, document: &str) -> Self {
        self.more.push((url.to_owned(), document.to_owned()));
        self
    }

    /// The text of a context.
    pub(super) fn document(&self, url: &str) -> Option<&str> {
        let bundled = BUNDLED.iter().find(|(name, _)| *name == url);
        let more = || self.more.iter().find(|(name, _)| name == url);
        let more = || more().map(|(_, document)| document.as_str());
        bundled.map(|(_, document)| *document).or_else(more)
    }
}
