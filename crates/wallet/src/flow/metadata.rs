//! Step 6: what the issuer and its authorization server publish (VCI §12.2, RFC 8414 §3).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use formats::data_integrity::Cryptosuite;
use oid4vci::encryption::ChosenEncryption;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{
    AUTHORIZATION_SERVER, MetadataError, ReceivedConfiguration, ReceivedIssuerMetadata,
    ReceivedServerMetadata, parse_identifier,
};
use oid4vci::offer::{AuthorizationCodeGrant, PreAuthorizedCodeGrant, ReceivedOffer, TxCodeInput};
use serde_json::{Map, Value};
use url::Url;

use super::dialect::Spoken;
use super::host;
use super::offer::{Consent, FetchedOffer};
use super::sender::Sender;
use super::sources::{InPlaceOfServer, Sources, Understood};
use crate::Wallet;
use crate::attestation::KeyAttestationError;
use crate::display::{Display, clean};
use crate::error::{Question, WalletError};

/// Formats that this wallet can hold.
pub const FORMATS: [&str; 7] =
    ["dc+sd-jwt", "vc+sd-jwt", "mso_mdoc", "jwt_vc_json", "jwt_vc_json-ld", "vc+jwt", "ldp_vc"];

/// The way in which an offer is taken.
#[derive(Clone, Debug)]
pub(super) enum OfferedGrant {
    /// Whoever has it may have it.
    PreAuthorizedCode(PreAuthorizedCodeGrant),
    /// The holder signs in.
    AuthorizationCode(AuthorizationCodeGrant),
}

impl OfferedGrant {
    /// The Pre-Authorized Code where there is one, as it asks less of the holder; unless the holder
    /// prefers to sign in (OFFER-09). An offer without grants leaves it to the server's metadata
    /// (OFFER-08), which say whether there is a sign-in; without a code nothing else can be meant.
    fn choose(offer: &mut ReceivedOffer, prefers_sign_in: bool) -> Option<Self> {
        let is_silent = offer.pre_authorized_code.is_none() && !offer.has_other_grants;
        let sign_in = offer.authorization_code.take();
        let sign_in = sign_in.or_else(|| is_silent.then(AuthorizationCodeGrant::default));
        let sign_in = sign_in.map(Self::AuthorizationCode);
        let code = offer.pre_authorized_code.take().map(Self::PreAuthorizedCode);
        if prefers_sign_in { sign_in.or(code) } else { code.or(sign_in) }
    }

    fn authorization_server(&self) -> Option<&str> {
        match self {
            Self::PreAuthorizedCode(grant) => grant.authorization_server.as_deref(),
            Self::AuthorizationCode(grant) => grant.authorization_server.as_deref(),
        }
    }
}

/// An offer whose issuer has been asked, and has said where its codes are redeemed.
#[derive(Clone, Debug)]
pub struct DescribedOffer {
    grant: OfferedGrant,
    issuer: ReceivedIssuerMetadata,
    encryption: ChosenEncryption,
    offered: Vec<OfferedCredential>,
    unsupported: Vec<String>,
    server: String,
    server_host: String,
    spoken: Spoken,
    sources: Sources,
    in_place_of_server: Option<Box<InPlaceOfServer>>,
    batch_endpoint: Option<Url>,
}

impl DescribedOffer {
    /// Host and port of the authorization server; where they are not the issuer's, the person is to
    /// agree to them too: code and Transaction Code go there (SEC-09).
    #[must_use]
    pub fn server_host(&self) -> &str {
        &self.server_host
    }
}

/// An offer whose issuer has described what it offers: what a person needs to say yes or no.
#[derive(Clone, Debug)]
pub struct ResolvedOffer {
    pub(super) grant: OfferedGrant,
    pub(super) issuer: ReceivedIssuerMetadata,
    pub(super) encryption: ChosenEncryption,
    pub(super) server: ReceivedServerMetadata,
    /// Where several credentials are asked for at once, in a draft that has a place for that.
    pub(super) batch_endpoint: Option<Url>,
    /// Who we are to that server, as long as this flow lasts: whoever asks again for the same code
    /// is to be known again.
    pub(super) sender: Sender,
    pub(super) offered: Vec<OfferedCredential>,
    pub(super) unsupported: Vec<String>,
    /// What the rest was read from.
    pub(super) sources: Arc<Sources>,
}

/// One credential of an offer.
#[derive(Clone, Debug)]
pub struct OfferedCredential {
    pub(super) id: String,
    pub(super) configuration: ReceivedConfiguration,
    pub(super) display: Display,
    /// How a draft names it in a request.
    pub(super) named: Map<String, Value>,
    /// What describes its type, where that was looked up.
    pub(super) documents: Vec<String>,
}

impl OfferedCredential {
    /// Its `credential_configuration_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its format identifier.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.configuration.format
    }

    /// How it will look.
    #[must_use]
    pub const fn display(&self) -> &Display {
        &self.display
    }
}

impl ResolvedOffer {
    /// Credential Issuer Identifier.
    #[must_use]
    pub fn credential_issuer(&self) -> &str {
        &self.issuer.credential_issuer
    }

    /// What will be asked for.
    #[must_use]
    pub fn offered(&self) -> &[OfferedCredential] {
        &self.offered
    }

    /// Formats in the offer that this wallet cannot hold; they are left with the issuer.
    #[must_use]
    pub fn unsupported(&self) -> &[String] {
        &self.unsupported
    }

    /// How to ask for the Transaction Code, when one is needed (OFFER-23).
    #[must_use]
    pub const fn tx_code(&self) -> Option<&TxCodeInput> {
        match &self.grant {
            OfferedGrant::PreAuthorizedCode(grant) => grant.tx_code.as_ref(),
            OfferedGrant::AuthorizationCode(_) => None,
        }
    }

    /// Whether the holder has to sign in with the issuer, in a browser.
    #[must_use]
    pub const fn needs_sign_in(&self) -> bool {
        matches!(self.grant, OfferedGrant::AuthorizationCode(_))
    }

    /// The draft that the issuer speaks; `None` is 1.0.
    #[must_use]
    pub const fn dialect(&self) -> Option<Dialect> {
        self.sender.spoken.dialect
    }

    /// What had to be excused so far, for the people on the other side.
    #[must_use]
    pub fn findings(&self) -> Vec<Cow<'static, str>> {
        self.sender.spoken.findings()
    }

    /// Where code and Transaction Code will go: a person may want to see it (SEC-09).
    #[must_use]
    pub fn token_host(&self) -> String {
        host(&self.server.token_endpoint)
    }
}

impl Wallet {
    /// Asks the issuer what it offers. The answer is kept for the rest of the flow: what the holder
    /// agrees to is what is used (catalogue M09).
    pub async fn describe_offer(
        &self,
        fetched: FetchedOffer,
        consent: &Consent,
    ) -> Result<DescribedOffer, WalletError> {
        consent.covers(fetched.host())?;
        let FetchedOffer { mut offer, mut spoken, .. } = fetched;
        let grant = OfferedGrant::choose(&mut offer, self.settings.prefers_sign_in);
        let mut grant = grant.ok_or(WalletError::UnknownGrant)?;
        if let OfferedGrant::PreAuthorizedCode(PreAuthorizedCodeGrant {
            tx_code: Some(tx_code),
            ..
        }) = &mut grant
        {
            tx_code.description = tx_code.description.take().map(|text| clean(&text));
        }
        let (sources, understood) = self.understand(&mut offer, &mut spoken).await?;
        let Understood { issuer, names, server: in_place_of_server, batch_endpoint, .. } =
            understood;
        let encryption = spoken.encryption(&issuer.encryption)?;
        let server = issuer.authorization_server(grant.authorization_server())?.to_owned();
        let server_host = host(&parse_identifier(&server).ok_or(MetadataError::BadEndpoint)?);
        let formats = self.settings.profile.formats();
        let (mut offered, unsupported) =
            offered(&offer.credential_configuration_ids, (&issuer, names), formats)?;
        self.check_offered(&offered)?;
        self.fetch_descriptions(&mut offered, &issuer).await;
        self.fetch_pictures(&mut offered, &issuer.credential_issuer).await;
        Ok(DescribedOffer {
            grant,
            issuer,
            encryption,
            offered,
            unsupported,
            server,
            server_host,
            spoken,
            sources,
            in_place_of_server: in_place_of_server.map(Box::new),
            batch_endpoint,
        })
    }

    /// What cannot be got, or cannot be understood, is seen before anything is spent for it.
    pub(super) fn check_offered(&self, offered: &[OfferedCredential]) -> Result<(), WalletError> {
        let has_source = self.settings.key_attestation_source.is_some();
        for OfferedCredential { configuration, .. } in offered {
            if configuration.key_attestation.is_some() && !has_source {
                return Err(KeyAttestationError::Needed.into()); // META-37
            }
            if configuration.contradicts_itself() {
                return Err(MetadataError::ContradictoryClaims.into());
            }
        }
        Ok(())
    }

    /// Asks the authorization server where to send the code.
    pub async fn resolve_offer(
        &self,
        described: DescribedOffer,
        consent: &Consent,
    ) -> Result<ResolvedOffer, WalletError> {
        consent.covers(described.server_host())?;
        let DescribedOffer { grant, issuer, encryption, offered, unsupported, .. } = described;
        let (id, spoken, mut sources) = (described.server, described.spoken, described.sources);
        let in_place = described.in_place_of_server.map(|boxed| *boxed);
        let in_place = in_place.filter(|_| id == issuer.credential_issuer);
        let (server, document) = self.server_of(&id, &spoken, in_place).await?;
        self.check_dialect(&spoken)?;
        sources.server = document;
        let sources = Arc::new(sources);
        let batch_endpoint = described.batch_endpoint;
        self.check_published(&issuer, (&server, &id), batch_endpoint.as_ref())?;
        let sender = self.become_sender(&server, &id, spoken).await?;
        Ok(ResolvedOffer {
            grant,
            issuer,
            encryption,
            server,
            batch_endpoint,
            sender,
            offered,
            unsupported,
            sources,
        })
    }

    /// What an issuer and its server publish leads nowhere else, and is what this wallet asks for: looked
    /// at whenever it is read, also by a wallet that goes on with what another began.
    pub(super) fn check_published(
        &self,
        issuer: &ReceivedIssuerMetadata,
        (server, id): (&ReceivedServerMetadata, &str),
        batch_endpoint: Option<&Url>,
    ) -> Result<(), WalletError> {
        self.check_endpoints(issuer, server, id)?;
        self.check_places(&[&issuer.credential_issuer], batch_endpoint.into_iter())?;
        self.settings.profile.check_metadata(issuer, server)
    }

    /// META-15
    pub(super) async fn server_metadata(
        &self,
        id: &str,
    ) -> Result<ReceivedServerMetadata, WalletError> {
        Ok(self.server_document(id, AUTHORIZATION_SERVER).await?.0)
    }

    /// The same from a place of this name, with the document as it came.
    pub(super) async fn server_document(
        &self,
        id: &str,
        name: &str,
    ) -> Result<(ReceivedServerMetadata, String), WalletError> {
        let body = self.reader().document(id, name, Question::Metadata).await?;
        let server = ReceivedServerMetadata::parse(&body, id)?;
        Ok((server, String::from_utf8(body).map_err(|_| MetadataError::NotJson)?))
    }

    /// Code, token and proof go to the issuer and to the authorization server that it names, and
    /// nowhere else, not even to another port of theirs: metadata that lead away are how mix-ups
    /// begin (catalogue M02 to M05).
    pub(super) fn check_endpoints(
        &self,
        issuer: &ReceivedIssuerMetadata,
        metadata: &ReceivedServerMetadata,
        server: &str,
    ) -> Result<(), WalletError> {
        let flow = metadata.code_flow.as_ref();
        let endpoints = [&metadata.token_endpoint, &issuer.credential_endpoint];
        let sign_in = flow.map(|flow| &flow.authorization_endpoint);
        let pushed = flow.and_then(|flow| flow.pushed_authorization_request_endpoint.as_ref());
        let more = issuer.nonce_endpoint.iter().chain(&metadata.challenge_endpoint);
        let challenge = flow.and_then(|flow| flow.authorization_challenge_endpoint.as_ref());
        let more = more.chain(sign_in).chain(pushed).chain(challenge);
        let later = issuer.deferred_credential_endpoint.iter().chain(&issuer.notification_endpoint);
        let homes = [&*issuer.credential_issuer, server];
        self.check_places(&homes, endpoints.into_iter().chain(more).chain(later))
    }

    /// Whether all are at home with the issuer or a server that it names.
    pub(super) fn check_places<'u>(
        &self,
        homes: &[&str],
        mut places: impl Iterator<Item = &'u Url>,
    ) -> Result<(), WalletError> {
        let homes: Vec<Url> = homes.iter().filter_map(|home| parse_identifier(home)).collect();
        places.try_for_each(|place| {
            self.permit(place)?;
            if homes.iter().any(|home| home.origin() == place.origin()) {
                return Ok(());
            }
            Err(WalletError::ForeignEndpoint { host: host(place) })
        })
    }

    /// TLS everywhere (CRED-01, META-03, DEFER-02, NOTIF-05), whatever client the wallet was given.
    pub(super) fn permit(&self, url: &Url) -> Result<(), WalletError> {
        self.reader().permit(url)
    }
}

/// What nothing here can verify would be fetched only to be discarded, with the code that paid for it.
/// Other names are not gone by: issuers write many things there.
fn suite_of_other_builds(configuration: &ReceivedConfiguration) -> Option<&str> {
    let names = &configuration.signing_algorithms;
    let are_all = names.iter().all(|name| Cryptosuite::is_of_other_builds(name));
    names.first().filter(|_| are_all).map(String::as_str)
}

/// OFFER-06: each id must be described; formats that the wallet cannot hold are left out.
pub(super) fn offered(
    ids: &[String],
    (issuer, mut names): (&ReceivedIssuerMetadata, BTreeMap<String, Map<String, Value>>),
    formats: &[&str],
) -> Result<(Vec<OfferedCredential>, Vec<String>), WalletError> {
    let mut offered = Vec::new();
    let mut unsupported = Vec::new();
    for id in ids {
        let configuration = issuer.configurations.get(id);
        let configuration =
            configuration.ok_or_else(|| WalletError::UnknownConfiguration { id: id.clone() })?;
        if let Some(suite) = suite_of_other_builds(configuration) {
            unsupported.push(format!("{} by {suite}", clean(&configuration.format)));
        } else if formats.contains(&configuration.format.as_str()) {
            let display = Display::new(issuer, configuration);
            let configuration = configuration.clone();
            let in_draft = names.remove(id).unwrap_or_default();
            offered.push(OfferedCredential {
                id: id.clone(),
                configuration,
                display,
                named: in_draft,
                documents: Vec::new(),
            });
        } else {
            unsupported.push(clean(&configuration.format));
        }
    }
    match unsupported.first() {
        Some(format) if offered.is_empty() => {
            Err(WalletError::UnsupportedFormat { format: format.clone() })
        }
        _ => Ok((offered, unsupported)),
    }
}
