//! Step 6: what an issuer publishes, wherever its draft has it, and which draft that is.

use std::mem;
use std::sync::Arc;

use keys::json;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{
    AUTHORIZATION_SERVER, CREDENTIAL_ISSUER, MetadataError, ReceivedIssuerMetadata,
    ReceivedServerMetadata,
};
use oid4vci::offer::ReceivedOffer;

use super::dialect::Spoken;
use super::metadata::ResolvedOffer;
use super::signed_metadata::Document;
use super::sources::{InPlaceOfServer, Sources, Understood};
use super::token::Redeemed;
use crate::Wallet;
use crate::error::{Question, WalletError};

/// Where OpenID Connect has what RFC 8414 has elsewhere.
const OPENID_CONFIGURATION: &str = "openid-configuration";

impl Wallet {
    /// Reads what the issuer of an offer publishes, and decides what it speaks. What is offered gets
    /// the names that the metadata have for it.
    pub(super) async fn understand(
        &self,
        offer: &mut ReceivedOffer,
        spoken: &mut Spoken,
    ) -> Result<(Sources, Understood), WalletError> {
        let id = &offer.credential_issuer;
        let document = match self.issuer_json(id, spoken).await {
            Err(error) => self.older_document(id, spoken, error).await?,
            Ok(document) => document,
        };
        let sources = Sources::new(offer, spoken.dialect, document)?;
        let mut understood = sources.read()?;
        offer.credential_configuration_ids.clone_from(&understood.ids);
        spoken.decide(understood.dialect);
        spoken.excuse(mem::take(&mut understood.findings));
        self.check_dialect(spoken)?;
        Ok((sources, understood))
    }

    /// What an issuer published may be of a draft and look like 1.0, until it sends its token with a nonce:
    /// then the same is read once more as that draft has it. Who has a Nonce Endpoint is asked there.
    pub(super) fn hear_draft(
        &self,
        offer: &mut ResolvedOffer,
        mut redeemed: Redeemed,
    ) -> Result<Redeemed, WalletError> {
        let Some((dialect, nonce, finding)) = redeemed.heard.take() else { return Ok(redeemed) };
        if offer.issuer.nonce_endpoint.is_some() {
            return Ok(redeemed);
        }
        let sources = offer.sources.offered_in(dialect);
        let mut understood = sources.read()?;
        for one in &mut offer.offered {
            one.named = understood.names.remove(&one.id).unwrap_or_default();
            let read = understood.issuer.configurations.get(&one.id);
            one.configuration = read.cloned().unwrap_or_else(|| one.configuration.clone());
        }
        let spoken = &mut redeemed.sender.spoken;
        spoken.decide(understood.dialect);
        spoken.keep_nonce(Some(nonce));
        spoken.excuse(vec![finding]);
        spoken.excuse(understood.findings);
        self.check_dialect(spoken)?;
        offer.encryption = spoken.encryption(&understood.issuer.encryption)?;
        offer.issuer = understood.issuer;
        offer.sender.spoken = spoken.clone();
        offer.sources = Arc::new(sources);
        Ok(redeemed)
    }

    /// The issuer's document; of one whose offer is of a draft, a page for people is none.
    async fn issuer_json(&self, id: &str, spoken: &Spoken) -> Result<Document, WalletError> {
        let document = self.issuer_document(id).await?;
        if let (Document::Plain(body), Some(_)) = (&document, spoken.dialect)
            && json::parse(body).is_err()
        {
            return Err(MetadataError::NotJson.into());
        }
        Ok(document)
    }

    /// In some drafts the server's metadata say what an issuer issues; in the others older issuers
    /// still have it there. Servers say in many ways that they have nothing at a place: with a page for
    /// people, a sign-in, a refusal. One that is broken or busy says nothing of the kind.
    async fn older_document(
        &self,
        id: &str,
        spoken: &Spoken,
        error: WalletError,
    ) -> Result<Document, WalletError> {
        let Some(dialect) = spoken.dialect.filter(|_| is_nothing(&error)) else {
            return Err(error);
        };
        let is_elsewhere =
            !matches!(&error, WalletError::Refused(refused) if refused.status == 404);
        if is_elsewhere
            && let Ok(document) = self.reader().older_document(id, CREDENTIAL_ISSUER).await
            && json::parse(&document).is_ok()
        {
            return Ok(Document::Plain(document));
        }
        for name in [OPENID_CONFIGURATION, AUTHORIZATION_SERVER] {
            let document = match self.reader().document(id, name, Question::Metadata).await {
                Err(refused) if is_nothing(&refused) => {
                    self.reader().older_document(id, name).await
                }
                answer => answer,
            };
            if let Ok(document) = document
                && json::parse(&document).is_ok()
            {
                spoken.excuse(dialect.finding_of_one_metadata().into_iter().collect());
                return Ok(Document::Plain(document));
            }
        }
        Err(error)
    }

    /// The same when the flow is over and it is known what is spoken.
    pub(super) async fn issuer_metadata(
        &self,
        id: &str,
        dialect: Option<Dialect>,
    ) -> Result<ReceivedIssuerMetadata, WalletError> {
        let spoken = Spoken::new(dialect, Vec::new());
        let document = match self.issuer_json(id, &spoken).await {
            Err(error) => self.older_document(id, &spoken, error).await?,
            Ok(document) => document,
        };
        match (document, dialect) {
            (Document::Plain(body), Some(_)) => {
                Ok(Dialect::read_metadata(&body, id, dialect, &mut [])?.0)
            }
            (Document::Plain(body) | Document::Signed(body), _) => {
                Ok(ReceivedIssuerMetadata::parse(&body, id)?)
            }
        }
    }

    /// What the authorization server publishes, and the document; of one that speaks a draft, also
    /// from other places.
    pub(super) async fn server_of(
        &self,
        id: &str,
        spoken: &Spoken,
        in_place: Option<InPlaceOfServer>,
    ) -> Result<(ReceivedServerMetadata, Option<String>), WalletError> {
        let why = match self.server_document(id, AUTHORIZATION_SERVER).await {
            Err(error) if spoken.dialect.is_some() && says_too_little(&error) => error,
            answer => return answer.map(|(server, document)| (server, Some(document))),
        };
        let has_one = spoken.dialect.is_some_and(Dialect::has_one_metadata);
        let other = match self.server_document(id, OPENID_CONFIGURATION).await {
            Ok((server, document)) => return Ok((server, Some(document))),
            // It came from the issuer's place, and its endpoints are held against that.
            Err(WalletError::Metadata(MetadataError::OtherIssuer)) if has_one => {
                Some(Dialect::OTHER_SERVER)
            }
            Err(error @ WalletError::Metadata(_)) if !says_too_little(&error) => return Err(error),
            Err(_) => None,
        };
        let (server, finding) = in_place.ok_or(why)?;
        spoken.excuse(vec![other.unwrap_or(finding)]);
        Ok((server, None))
    }
}

/// Whether there is no document, or one without a Token Endpoint.
const fn says_too_little(error: &WalletError) -> bool {
    use MetadataError::{BadEndpoint, NotJson};
    matches!(error, WalletError::Refused(_) | WalletError::Metadata(BadEndpoint | NotJson))
}

/// Whether nothing is at a place, as far as its answer tells; another time there may be something at one
/// that is broken or busy.
const fn is_nothing(error: &WalletError) -> bool {
    if let WalletError::Refused(refused) = error {
        return refused.status < 500 && refused.status != 429;
    }
    matches!(error, WalletError::Metadata(MetadataError::NotJson))
}
