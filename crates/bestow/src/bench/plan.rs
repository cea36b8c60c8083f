//! What all flows of a run have in common: metadata are read and understood once (VCI §12.2).

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Uri};
use keys::algorithm::Algorithm;
use oid4vci::metadata::{
    AUTHORIZATION_SERVER, CREDENTIAL_ISSUER, ReceivedConfiguration, ReceivedIssuerMetadata,
    ReceivedServerMetadata, appended_well_known, well_known,
};
use oid4vci::proof::BindingMethod;
use url::Url;

use super::arguments::BenchArguments;
use super::http::{Origin, Trust, base, path};
use super::trouble::Trouble;
use crate::exit::{Failure, Kind};

/// Asked for unless something else is said.
const CONFIGURATION: &str = "student_card";
/// In the order in which they are taken where the issuer takes several.
const ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;
const BINDINGS: [BindingMethod; 3] =
    [BindingMethod::Jwk, BindingMethod::DidJwk, BindingMethod::DidKey];

/// Where to go and what to ask for.
pub(super) struct Plan {
    pub(super) credential_issuer: String,
    pub(super) configuration_id: String,
    pub(super) configuration: ReceivedConfiguration,
    pub(super) trust: Trust,
    pub(super) origins: Vec<Arc<Origin>>,
    pub(super) token: Place,
    /// Without it the nonce comes with the token, or there is none.
    pub(super) nonce: Option<Place>,
    pub(super) credential: Place,
    pub(super) proof: Option<ProofKind>,
    /// Whether every flow has connections of its own.
    pub(super) reconnects: bool,
}

/// An endpoint.
#[derive(Clone)]
pub(super) struct Place {
    /// Which of [`Plan::origins`].
    pub(super) origin: usize,
    pub(super) path: Uri,
}

/// How the key is proved.
#[derive(Clone, Copy)]
pub(super) struct ProofKind {
    pub(super) algorithm: Algorithm,
    pub(super) binding: BindingMethod,
    /// One `proof`, as drafts before 1.0 have it.
    pub(super) is_single: bool,
    /// Keys in one request.
    pub(super) batch: u32,
}

/// Whom the offers come from, and which of its servers they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) credential_issuer: String,
    pub(super) authorization_server: Option<String>,
    /// The first thing that is offered.
    pub(super) configuration_id: Option<String>,
}

impl Plan {
    /// Reads the metadata and chooses.
    pub(super) async fn make(
        named: &Named,
        arguments: &BenchArguments,
        trust: Trust,
    ) -> Result<Self, Failure> {
        let id = &named.credential_issuer;
        let document = document(id, CREDENTIAL_ISSUER, &trust).await?;
        let issuer =
            ReceivedIssuerMetadata::parse(&document, id).map_err(|e| unusable(e.message()))?;
        let server = issuer.authorization_server(named.authorization_server.as_deref());
        let server = server.map_err(|error| unusable(error.message()))?;
        let document = self::document(server, AUTHORIZATION_SERVER, &trust).await?;
        let server = ReceivedServerMetadata::parse(&document, server);
        let server = server.map_err(|error| unusable(error.message()))?;
        let configuration_id = choose(&issuer, named, arguments)?;
        let configuration = issuer.configurations.get(&configuration_id).cloned();
        let configuration = configuration.ok_or_else(|| unknown(&issuer, &configuration_id))?;
        let proof = proof(&issuer, &configuration, arguments)?;
        let mut origins = Vec::new();
        let mut place = |url: &Url| place(url, &trust, &mut origins);
        Ok(Self {
            token: place(&server.token_endpoint)?,
            nonce: issuer.nonce_endpoint.as_ref().map(&mut place).transpose()?,
            credential: place(&issuer.credential_endpoint)?,
            credential_issuer: issuer.credential_issuer,
            reconnects: arguments.reconnect,
            configuration_id,
            configuration,
            proof,
            trust,
            origins,
        })
    }
}

/// The document at its well-known place, or at the place of the drafts before 1.0.
async fn document(identifier: &str, name: &str, trust: &Trust) -> Result<Vec<u8>, Failure> {
    let bad = || Failure::usage(format!("{identifier} is no Credential Issuer Identifier"));
    let first = well_known(identifier, name).ok_or_else(bad)?;
    let older = appended_well_known(identifier, name).ok_or_else(bad)?;
    match read(&first, trust).await? {
        Ok(document) => return Ok(document),
        Err(refused) if first == older => return Err(refused.failure("metadata")),
        Err(_) => {}
    }
    read(&older, trust).await?.map_err(|trouble| trouble.failure("metadata"))
}

/// Reads a document over a connection of its own.
pub(super) async fn read(url: &Url, trust: &Trust) -> Result<Result<Vec<u8>, Trouble>, Failure> {
    let origin = Origin::of(url, trust)?;
    Ok(read_from(&origin, url).await.map(|document| document.to_vec()))
}

async fn read_from(origin: &Origin, url: &Url) -> Result<Bytes, Trouble> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path(url)?;
    origin.connect().await?.ask(request).await?.success()
}

/// Each origin stands in the list once, so that a holder has one connection to it.
fn place(url: &Url, trust: &Trust, origins: &mut Vec<Arc<Origin>>) -> Result<Place, Failure> {
    let path = path(url).map_err(|trouble| trouble.failure("metadata"))?;
    let known = origins.iter().position(|origin| origin.base == base(url));
    if known.is_none() {
        origins.push(Arc::new(Origin::of(url, trust)?));
    }
    Ok(Place { origin: known.unwrap_or(origins.len() - 1), path })
}

fn choose(
    issuer: &ReceivedIssuerMetadata,
    named: &Named,
    arguments: &BenchArguments,
) -> Result<String, Failure> {
    if let Some(id) = &arguments.configuration {
        return Ok(id.clone());
    }
    if let Some(format) = &arguments.format {
        let mut all = issuer.configurations.iter();
        let found = all.find(|(_, configuration)| configuration.format == *format);
        let missing = || Failure::usage(format!("the issuer has nothing of the format {format}"));
        return found.map(|(id, _)| id.clone()).ok_or_else(missing);
    }
    Ok(named.configuration_id.clone().unwrap_or_else(|| CONFIGURATION.to_owned()))
}

/// A key is proved where the credential is bound to one (META-33, META-35).
fn proof(
    issuer: &ReceivedIssuerMetadata,
    configuration: &ReceivedConfiguration,
    arguments: &BenchArguments,
) -> Result<Option<ProofKind>, Failure> {
    if issuer.encryption.is_required() || configuration.key_attestation.is_some() {
        return Err(unusable("it wants encrypted messages or attested keys"));
    }
    if !configuration.needs_proof {
        return Ok(None);
    }
    let algorithms = &configuration.proof_algorithms;
    let algorithm = ALGORITHMS.into_iter().find(|one| algorithms.contains(one));
    let bindings = &configuration.binding_methods;
    let binding = BINDINGS.into_iter().find(|one| bindings.contains(one));
    let is_draft = issuer.nonce_endpoint.is_none() && issuer.batch_size == 1;
    let is_single = arguments.single_proof || is_draft;
    let chosen = algorithm.zip(binding);
    let chosen = chosen.ok_or_else(|| unusable("it takes none of our algorithms or keys"))?;
    let (algorithm, binding) = chosen;
    Ok(Some(ProofKind { algorithm, binding, is_single, batch: arguments.batch }))
}

fn unusable(problem: &str) -> Failure {
    Failure::new(Kind::Refused, "unusable_issuer", format!("the issuer cannot be used: {problem}"))
}

fn unknown(issuer: &ReceivedIssuerMetadata, id: &str) -> Failure {
    let names: Vec<&str> = issuer.configurations.keys().map(String::as_str).collect();
    Failure::usage(format!("the issuer has no credential `{id}`"))
        .hint(format!("say --configuration with one of: {}", names.join(", ")))
}
