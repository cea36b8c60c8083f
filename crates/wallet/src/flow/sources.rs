//! Step 6: what was read of an issuer and its server, as it came. A flow that goes on elsewhere reads
//! the same once more, and so uses what the holder agreed to (catalogue M09).

use std::collections::BTreeMap;
use std::fmt;

use oid4vci::legacy::Dialect;
use oid4vci::metadata::{MetadataError, ReceivedIssuerMetadata, ReceivedServerMetadata};
use oid4vci::offer::ReceivedOffer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::signed_metadata::Document;

/// The documents, and what of the offer decides how they are read.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Sources {
    credential_issuer: String,
    /// What was offered, in the words of the offer.
    offered: Vec<String>,
    offered_in: Option<Dialect>,
    issuer: String,
    is_signed: bool,
    /// None where the issuer's own document stands for that of its server.
    pub(super) server: Option<String>,
}

/// What an issuer publishes, as this wallet understands it.
pub(super) struct Understood {
    pub(super) issuer: ReceivedIssuerMetadata,
    /// The draft that it speaks.
    pub(super) dialect: Option<Dialect>,
    /// What is offered, in the words of the metadata.
    pub(super) ids: Vec<String>,
    /// How a draft names what can be asked for.
    pub(super) names: BTreeMap<String, Map<String, Value>>,
    /// What had to be excused.
    pub(super) findings: Vec<&'static str>,
    /// Where codes are redeemed, for an issuer of a draft that publishes nothing else about that.
    pub(super) server: Option<InPlaceOfServer>,
    /// Where several credentials are asked for at once, in a draft that has a place for that.
    pub(super) batch_endpoint: Option<Url>,
}

/// What takes the place of an authorization server's metadata, and what is to be said of it.
pub(super) type InPlaceOfServer = (ReceivedServerMetadata, &'static str);

impl Sources {
    pub(super) fn new(
        offer: &ReceivedOffer,
        offered_in: Option<Dialect>,
        document: Document,
    ) -> Result<Self, MetadataError> {
        let (issuer, is_signed) = match document {
            Document::Plain(body) => (body, false),
            Document::Signed(claims) => (claims, true),
        };
        Ok(Self {
            credential_issuer: offer.credential_issuer.clone(),
            offered: offer.credential_configuration_ids.clone(),
            offered_in,
            issuer: String::from_utf8(issuer).map_err(|_| MetadataError::NotJson)?,
            is_signed,
            server: None,
        })
    }

    /// The same documents, for who knows by now that the offer was one of this draft.
    pub(super) fn offered_in(&self, dialect: Dialect) -> Self {
        Self { offered_in: Some(dialect), ..self.clone() }
    }

    /// Reads what the issuer publishes; the same each time.
    pub(super) fn read(&self) -> Result<Understood, MetadataError> {
        let (body, id) = (self.issuer.as_bytes(), &*self.credential_issuer);
        let mut ids = self.offered.clone();
        let (mut issuer, dialect, names, findings) = if self.is_signed {
            // Who signs like that speaks 1.0.
            let issuer = ReceivedIssuerMetadata::parse(body, id)?;
            (issuer, None, BTreeMap::new(), Vec::new())
        } else {
            Dialect::read_metadata(body, id, self.offered_in, &mut ids)?
        };
        let server = dialect.and_then(|_| Dialect::read_server(body, id));
        let batch_endpoint = dialect.and_then(|dialect| dialect.read_batch_endpoint(body));
        // A batch names no key for its answer.
        let batch_endpoint = batch_endpoint.filter(|_| !issuer.encryption.is_required());
        if batch_endpoint.is_some() {
            issuer.batch_size = Dialect::BATCH_SIZE;
        }
        Ok(Understood { issuer, dialect, ids, names, findings, server, batch_endpoint })
    }

    /// Reads what the authorization server of this identifier publishes, or what stands for it.
    pub(super) fn read_server(
        &self,
        id: &str,
        in_place: Option<InPlaceOfServer>,
    ) -> Result<ReceivedServerMetadata, MetadataError> {
        match &self.server {
            Some(document) => ReceivedServerMetadata::parse(document.as_bytes(), id),
            None => in_place.map(|(server, _)| server).ok_or(MetadataError::BadEndpoint),
        }
    }
}

/// Whole documents belong into no log.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("credential_issuer", &self.credential_issuer)
            .finish_non_exhaustive()
    }
}
