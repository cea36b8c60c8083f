//! Documents that others publish, read within the wallet's rules: where to, how long, in what form.

use oid4vci::metadata::{METADATA_BYTES_MAX, MetadataError, appended_well_known, well_known};
use serde_json::Value;
use url::Url;

use crate::Settings;
use crate::documents;
use crate::error::{Question, Refused, WalletError};
use crate::flow::host;
use crate::http::{Http, HttpError, Request, Response};
use keys::outside::Clock;
use oid4vci::address::is_this_machine;

/// What it takes to read them and to judge whose they are; the wallet and the verifier have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'r> {
    pub(crate) http: &'r dyn Http,
    pub(crate) clock: &'r dyn Clock,
    pub(crate) settings: &'r Settings,
    /// Keys that the user says are the issuer's, in place of those that it publishes.
    pub(crate) given_keys: Option<&'r [Value]>,
}

impl Reader<'_> {
    /// Sends a request; a failure names the host, because a person knows hosts.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, WalletError> {
        let host = host(&request.url);
        self.http.send(request).await.map_err(|cause| WalletError::Network { host, cause })
    }

    /// Gets a document from its well-known place (META-04); only when nothing is there, from the
    /// place of the drafts before 1.0.
    pub(crate) async fn document(
        &self,
        identifier: &str,
        name: &str,
        question: Question,
    ) -> Result<Vec<u8>, WalletError> {
        let answer = self.document_as((identifier, name), question, "application/json").await?;
        Ok(answer.body)
    }

    /// The same, in another form.
    pub(crate) async fn document_as(
        &self,
        (identifier, name): (&str, &str),
        question: Question,
        accept: &str,
    ) -> Result<Response, WalletError> {
        let bad = WalletError::Metadata(MetadataError::BadEndpoint);
        let place = well_known(identifier, name).ok_or_else(|| bad.clone())?;
        let older = appended_well_known(identifier, name).ok_or(bad)?;
        let is_other_place = older != place;
        let mut answer = self.read_document(place, accept).await?;
        if answer.status == 404 && is_other_place {
            answer = self.read_document(older, accept).await?;
        }
        match answer.status {
            200 => Ok(answer),
            status => Err(WalletError::Refused(Refused::read(question, status, &answer.body))),
        }
    }

    /// Gets a document of an issuer that speaks a draft from the place of the drafts, and nowhere else.
    pub(crate) async fn older_document(
        &self,
        identifier: &str,
        name: &str,
    ) -> Result<Vec<u8>, WalletError> {
        let place = appended_well_known(identifier, name);
        let place = place.ok_or(WalletError::Metadata(MetadataError::BadEndpoint))?;
        let answer = self.read_document(place, "application/json").await?;
        match answer.status {
            200 => Ok(answer.body),
            status => {
                Err(WalletError::Refused(Refused::read(Question::Metadata, status, &answer.body)))
            }
        }
    }

    /// A document that is known by its digest, if it is here (SD-JWT VC §6.3.4).
    pub(crate) fn kept(&self, uri: &str, integrity: Option<&str>) -> Option<Vec<u8>> {
        documents::kept(&**self.settings.documents.as_ref()?, uri, integrity?)
    }

    /// Keeps one that was fetched.
    pub(crate) fn keep(&self, uri: &str, integrity: Option<&str>, bytes: &[u8]) {
        if let (Some(documents), Some(integrity)) = (&self.settings.documents, integrity) {
            documents::keep(&**documents, uri, integrity, bytes);
        }
    }

    pub(crate) async fn read_document(
        &self,
        place: Url,
        accept: &str,
    ) -> Result<Response, WalletError> {
        self.permit(&place)?;
        let request = Request::get(place)
            .header("accept", accept) // META-05
            .header("accept-language", self.settings.locale.clone()); // META-09
        self.send(request.at_most(METADATA_BYTES_MAX)).await
    }

    /// Only `https`, or plain `http` to this machine where that is allowed.
    pub(crate) fn permit(&self, url: &Url) -> Result<(), WalletError> {
        let loopback = self.settings.allow_http_loopback && is_this_machine(url);
        if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
            return Ok(());
        }
        Err(WalletError::Network { host: host(url), cause: HttpError::NotHttps })
    }
}
