//! Keys that a proof names by a DID (PROOF-08, PROOF-25): those that are in the name itself, and those
//! that stand in a document.
//!
//! Documents are fetched outside; which ones are wanted, and what follows from them, is decided here.

use keys::did;
use keys::did_document::{DidDocument, Relationship};
use keys::public_key::PublicKey;

use super::{BindingMethod, DocumentRefusal, HolderBinding, ProofContext, ProofRefusal};

/// Most documents that are wanted for one request: a holder has few names.
pub const DOCUMENTS_MAX: usize = 4;

/// A document that [`super::verify`] will need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedDocument {
    /// Of which did:web.
    pub did: String,
    /// The DID URLs of the keys that proofs name: one that lacks them may be out of date.
    pub keys: Vec<String>,
}

impl WantedDocument {
    /// Whether all keys that are wanted stand in it.
    #[must_use]
    pub fn is_answered_by(&self, document: &DidDocument) -> bool {
        self.keys.iter().all(|url| document.key(url, Relationship::Authentication).is_some())
    }
}

/// The documents that could be had.
#[derive(Clone, Debug, Default)]
pub struct KnownDocuments(Vec<DidDocument>);

impl KnownDocuments {
    /// None is known: whatever stands in one is refused.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Adds one.
    pub fn add(&mut self, document: DidDocument) {
        self.0.push(document);
    }

    /// Whoever proves that a key is theirs shows that they are the subject of the DID: the key is for
    /// `authentication` (DID Core 1.0), as that of a presentation is (PROOF-23).
    fn key(&self, did_url: &str) -> Result<PublicKey, DocumentRefusal> {
        let did = did::did_of(did_url);
        let document = self.0.iter().find(|document| document.did() == did);
        let document = document.ok_or(DocumentRefusal::Unread)?;
        let key = document.key(did_url, Relationship::Authentication);
        key.ok_or(DocumentRefusal::KeyNotListed)
    }
}

/// A key, and how the proof named it.
pub(super) struct Holder {
    pub(super) key: PublicKey,
    pub(super) binding: HolderBinding,
    pub(super) method: BindingMethod,
}

/// Whose key it is, as far as the proof alone says it.
pub(super) enum Named {
    /// By the proof itself.
    Here(Holder),
    /// By a DID URL of a did:web.
    InDocument(String),
}

impl Named {
    /// By a DID URL, in one of the ways that this credential can be bound (META-33). Nothing is
    /// fetched.
    pub(super) fn by_did(kid: &str, context: &ProofContext<'_>) -> Result<Self, ProofRefusal> {
        let method = match kid.splitn(3, ':').collect::<Vec<_>>()[..] {
            ["did", "jwk", _] => BindingMethod::DidJwk,
            ["did", "key", _] => BindingMethod::DidKey,
            ["did", "web", _] => BindingMethod::DidWeb,
            _ => return Err(ProofRefusal::KidNotSupported),
        };
        if !context.binding_methods.contains(&method) {
            return Err(ProofRefusal::BindingNotSupported);
        }
        if method == BindingMethod::DidWeb {
            did::did_web_of_key(kid).ok_or(ProofRefusal::BadDid)?;
            return Ok(Self::InDocument(kid.to_owned()));
        }
        let key = did::resolve(kid).map_err(|_| ProofRefusal::BadDid)?;
        let url = if kid.contains('#') { kid.to_owned() } else { did::verification_method(kid) };
        Ok(Self::Here(Holder { key, binding: HolderBinding::Did(url), method }))
    }

    /// The key itself.
    pub(super) fn holder(self, context: &ProofContext<'_>) -> Result<Holder, ProofRefusal> {
        match self {
            Self::Here(holder) => Ok(holder),
            Self::InDocument(url) => {
                let key = context.known_documents.key(&url)?;
                let method = BindingMethod::DidWeb;
                Ok(Holder { key, binding: HolderBinding::Did(url), method })
            }
        }
    }

    /// Of these, the DID URLs whose document is needed.
    fn url(&self) -> Option<&str> {
        match self {
            Self::Here(_) => None,
            Self::InDocument(url) => Some(url),
        }
    }
}

/// The documents in which these keys stand.
pub(super) fn wanted<'n>(
    named: impl Iterator<Item = &'n Named>,
) -> Result<Vec<WantedDocument>, ProofRefusal> {
    let mut wanted: Vec<WantedDocument> = Vec::new();
    for url in named.filter_map(Named::url) {
        let did = did::did_of(url);
        match wanted.iter_mut().find(|one| one.did == did) {
            Some(one) => one.keys.push(url.to_owned()),
            None => {
                wanted.push(WantedDocument { did: did.to_owned(), keys: vec![url.to_owned()] });
            }
        }
    }
    if wanted.len() > DOCUMENTS_MAX { Err(DocumentRefusal::TooMany.into()) } else { Ok(wanted) }
}
