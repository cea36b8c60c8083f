//! Steps 8-14: what the wallet proves beside what it says: the key that its token is bound to (RFC
//! 9449), and that its maker vouches for it (VCI §E).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use keys::algorithm::Algorithm;
use keys::signer::SoftwareKey;
use oid4vci::attestation::client::{
    self, NewClientAttestationPop, parse_challenge_response, received_challenge, wants_challenge,
};
use oid4vci::dpop::{self, NewDpopProof, received_nonce, wants_nonce};
use oid4vci::error::ReceivedError;
use oid4vci::metadata::ReceivedServerMetadata;
use oid4vci::secret::{AccessToken, RefreshToken};
use url::Url;

use super::dialect::Spoken;
use crate::Wallet;
use crate::attestation::{AttestationError, WalletAttestation};
use crate::client_key::KnownClient;
use crate::error::{Question, Refused, WalletError};
use crate::http::{Request, Response, WWW_AUTHENTICATE};
use crate::store::{KeptToken, Renewal};

mod saved;

pub(super) use saved::SavedSender;

/// Largest answer of a challenge endpoint.
const CHALLENGE_BYTES_MAX: usize = 16 * 1024;
/// Our order where a server takes several.
const ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;

/// The wallet as one authorization server and one flow know it: the key is made for them, and lives
/// as long as the flow.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// None where a token is left of the flow, and is bound to no key.
    key: Option<Arc<SoftwareKey>>,
    /// Whether tokens are to be bound to the key.
    pub(super) is_bound: bool,
    attestation: Option<WalletAttestation>,
    /// What the wallet signs its requests with, and authenticates with where nobody vouches for it.
    client: Option<KnownClient>,
    /// What the wallet called itself when the flow began; whoever goes on does so by that name.
    begun_as: Option<String>,
    authorization_server: String,
    challenge_endpoint: Option<Url>,
    /// What each server wants in the next proof.
    nonces: Arc<Mutex<BTreeMap<String, String>>>,
    challenge: Arc<Mutex<Option<String>>>,
    /// What the issuer and its servers speak.
    pub(super) spoken: Spoken,
}

impl Sender {
    /// What requests with a token need when the flow is long over.
    pub(super) fn keep(&self, access_token: &AccessToken) -> KeptToken {
        KeptToken {
            access_token: access_token.clone(),
            authorization_server: self.authorization_server.clone(),
            dpop_key: self.key.clone().filter(|_| self.is_bound),
            renewal: None,
        }
    }

    /// What renews the token then, for `client_id`.
    pub(super) fn keep_renewal(
        &self,
        refresh_token: RefreshToken,
        client_id: Option<String>,
    ) -> Renewal {
        let instance_key = self.attestation.as_ref().map(WalletAttestation::thumbprint);
        let by_client_key = self.by_client_key();
        Renewal { refresh_token, client_id, instance_key, by_client_key }
    }

    /// Who sent the requests of a flow that is over: enough for those that bring its token.
    pub(super) fn of_kept(token: &KeptToken) -> Self {
        Self {
            key: token.dpop_key.clone(),
            is_bound: token.dpop_key.is_some(),
            attestation: None,
            client: None,
            begun_as: None,
            authorization_server: token.authorization_server.clone(),
            challenge_endpoint: None,
            nonces: Arc::default(),
            challenge: Arc::default(),
            spoken: Spoken::default(),
        }
    }

    /// Who the wallet is, where that is proved.
    pub(super) fn client_id(&self) -> Option<&str> {
        let attested = self.attestation.as_ref().map(WalletAttestation::client_id);
        attested.or_else(|| self.authenticating().map(|client| &*client.client_id))
    }

    /// What the wallet called itself when the flow began, proved or not.
    pub(super) fn begun_as(&self) -> Option<&str> {
        self.client_id().or(self.begun_as.as_deref())
    }

    fn authenticating(&self) -> Option<&KnownClient> {
        self.client.as_ref().filter(|client| client.authenticates)
    }

    /// Whether the wallet authenticates with its own key.
    pub(super) fn by_client_key(&self) -> bool {
        self.authenticating().is_some()
    }

    pub(super) const fn is_attested(&self) -> bool {
        self.attestation.is_some()
    }

    /// What it signs its requests with, where it has a key.
    pub(super) const fn client(&self) -> Option<&KnownClient> {
        self.client.as_ref()
    }

    pub(super) fn authorization_server(&self) -> &str {
        &self.authorization_server
    }

    /// Whether a server can know this sender again, and so may answer it twice.
    pub(super) const fn is_known_again(&self) -> bool {
        self.is_bound || self.attestation.is_some()
    }

    /// A fresh value for the next proof may come with every answer (RFC 9449 §8.2, WALATT-10).
    pub(super) fn note(&self, url: &Url, answer: &Response) -> (bool, bool) {
        let nonce = answer.header(dpop::NONCE_HEADER).and_then(received_nonce);
        let challenge = answer.header(client::CHALLENGE_HEADER).and_then(received_challenge);
        if let Some(nonce) = nonce {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.insert(origin(url), nonce.to_owned());
        }
        if let Some(challenge) = challenge {
            self.keep_challenge(challenge.to_owned());
        }
        (nonce.is_some(), challenge.is_some())
    }

    fn nonce(&self, url: &Url) -> Option<String> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(&origin(url)).cloned()
    }

    fn keep_challenge(&self, challenge: String) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }

    fn challenge(&self) -> Option<String> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Each server has nonces of its own (RFC 9449 §8.2).
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Wallet {
    /// Makes the key of a flow, and gets an attestation where the server takes one.
    pub(super) async fn become_sender(
        &self,
        server: &ReceivedServerMetadata,
        authorization_server: &str,
        spoken: Spoken,
    ) -> Result<Sender, WalletError> {
        let attestation = self.attestation_for(server, authorization_server).await?;
        let attested_as = attestation.as_ref().map(WalletAttestation::client_id);
        let theirs = &server.sender.dpop_algorithms;
        let algorithm = ALGORITHMS.into_iter().find(|algorithm| theirs.contains(algorithm));
        let key = SoftwareKey::generate(algorithm.unwrap_or(Algorithm::Es256))?;
        Ok(Sender {
            key: Some(Arc::new(key)),
            is_bound: algorithm.is_some(),
            client: self.client_for(server, attested_as),
            begun_as: Some(self.settings.client_id.clone()),
            attestation,
            authorization_server: authorization_server.to_owned(),
            challenge_endpoint: server.challenge_endpoint.clone(),
            nonces: Arc::default(),
            challenge: Arc::default(),
            spoken,
        })
    }

    async fn attestation_for(
        &self,
        server: &ReceivedServerMetadata,
        authorization_server: &str,
    ) -> Result<Option<WalletAttestation>, WalletError> {
        let source = self.settings.attestation_source.as_ref();
        match source.filter(|_| server.sender.takes_attestations) {
            Some(source) => Ok(Some(source.attestation(authorization_server).await?)),
            None if self.must_be_attested(server) => Err(WalletError::AttestationNeeded),
            None => Ok(None),
        }
    }

    /// The sender of a flow that is over, as the authorization server is to know it again: by the
    /// same keys (RFC 9449 §5, WALATT-12).
    pub(super) async fn sender_again(
        &self,
        server: &ReceivedServerMetadata,
        token: &KeptToken,
        renewal: &Renewal,
    ) -> Result<Sender, WalletError> {
        let (id, instance_key) = (&token.authorization_server, renewal.instance_key.as_deref());
        let attestation = self.attestation_again(server, id, instance_key).await?;
        let key = match &token.dpop_key {
            Some(key) => Arc::clone(key),
            None => Arc::new(SoftwareKey::generate(Algorithm::Es256)?),
        };
        let client_id = renewal.client_id.as_deref().unwrap_or(&self.settings.client_id);
        Ok(Sender {
            key: Some(key),
            attestation,
            client: self.client_again(client_id, renewal.by_client_key)?,
            challenge_endpoint: server.challenge_endpoint.clone(),
            ..Sender::of_kept(token)
        })
    }

    /// An attestation for the key that was attested before; none where none was, and where none is
    /// needed now.
    async fn attestation_again(
        &self,
        server: &ReceivedServerMetadata,
        authorization_server: &str,
        instance_key: Option<&str>,
    ) -> Result<Option<WalletAttestation>, WalletError> {
        let Some(instance_key) = instance_key else {
            let must_be_attested = self.must_be_attested(server);
            return if must_be_attested { Err(WalletError::AttestationNeeded) } else { Ok(None) };
        };
        let attestation = self.attestation_for(server, authorization_server).await?;
        let attestation = attestation.ok_or(WalletError::AttestationNeeded)?;
        if attestation.thumbprint() != instance_key {
            return Err(AttestationError::OtherInstance.into());
        }
        Ok(Some(attestation))
    }

    /// Sends a request to the authorization server, with all that the sender proves (HAIP-22,
    /// HAIP-30).
    pub(super) async fn send_to_server(
        &self,
        sender: &Sender,
        request: Request,
    ) -> Result<Response, WalletError> {
        self.fetch_challenge(sender).await?;
        self.send_proved(sender, None, request).await
    }

    /// Sends a request that brings a token, in the way in which that token is presented.
    pub(super) async fn send_with_token(
        &self,
        sender: &Sender,
        access_token: &AccessToken,
        request: Request,
    ) -> Result<Response, WalletError> {
        self.send_proved(sender, Some(access_token), request).await
    }

    /// Sends a request, and once more for each value that the server wants in its proofs and gives
    /// with its answer. A server that wants the same thing again is not answered again: so there
    /// are three requests at most.
    async fn send_proved(
        &self,
        sender: &Sender,
        access_token: Option<&AccessToken>,
        request: Request,
    ) -> Result<Response, WalletError> {
        let (mut may_renew_nonce, mut may_renew_challenge) = (sender.is_bound, true);
        loop {
            let proved = match access_token {
                Some(token) => self.prove_token(sender, token, request.clone()).await?,
                None => self.prove_sender(sender, request.clone()).await?,
            };
            let answer = self.send(proved).await?;
            let (has_nonce, has_challenge) = sender.note(&request.url, &answer);
            let refusal: Option<ReceivedError> = keys::json::from_slice(&answer.body).ok();
            let error = refusal.as_ref().map(|refusal| refusal.error.as_str());
            let why = answer.header(WWW_AUTHENTICATE);
            if may_renew_nonce && has_nonce && wants_nonce(answer.status, error, why) {
                may_renew_nonce = false;
            } else if may_renew_challenge && has_challenge && wants_challenge(answer.status, error)
            {
                may_renew_challenge = false;
            } else {
                return Ok(answer);
            }
        }
    }

    /// Adds what the authorization server is to see, in the Token Request and in the pushed one
    /// (WALATT-02).
    async fn prove_sender(
        &self,
        sender: &Sender,
        mut request: Request,
    ) -> Result<Request, WalletError> {
        if sender.is_bound {
            let proof = self.dpop_proof(sender, &request.url, None).await?;
            request = request.header(dpop::HEADER, proof);
        }
        if let Some(client) = sender.authenticating() {
            let outside = (&*self.clock, &*self.random);
            request = client.prove(request, &sender.authorization_server, outside).await?;
        }
        let Some(attestation) = &sender.attestation else { return Ok(request) };
        let challenge = sender.challenge();
        let pop = NewClientAttestationPop {
            client_id: attestation.client_id(),
            authorization_server: &sender.authorization_server,
            challenge: challenge.as_deref(),
            now: self.clock.now(),
        };
        let pop = pop.sign(attestation.instance(), &*self.random).await?;
        let request = request.header(client::HEADER, attestation.jwt());
        Ok(request.header(client::POP_HEADER, pop))
    }

    /// Adds the token, and the proof that its sender has the key (RFC 9449 §7.1).
    async fn prove_token(
        &self,
        sender: &Sender,
        access_token: &AccessToken,
        request: Request,
    ) -> Result<Request, WalletError> {
        let token = access_token.expose();
        if !sender.is_bound {
            return Ok(request.header("authorization", format!("Bearer {token}")));
        }
        let proof = self.dpop_proof(sender, &request.url, Some(access_token)).await?;
        let request = request.header("authorization", format!("DPoP {token}"));
        Ok(request.header(dpop::HEADER, proof))
    }

    async fn dpop_proof(
        &self,
        sender: &Sender,
        endpoint: &Url,
        access_token: Option<&AccessToken>,
    ) -> Result<String, WalletError> {
        let nonce = sender.nonce(endpoint);
        let proof = NewDpopProof {
            method: "POST",
            endpoint,
            access_token,
            nonce: nonce.as_deref(),
            now: self.clock.now(),
        };
        let key = sender.key.as_ref().ok_or(WalletError::LostKey)?;
        Ok(proof.sign(&**key, &*self.random).await?)
    }

    /// Where there is a challenge endpoint, it must be asked (WALATT-10).
    async fn fetch_challenge(&self, sender: &Sender) -> Result<(), WalletError> {
        let Some(endpoint) = sender.challenge_endpoint.as_ref() else { return Ok(()) };
        if sender.attestation.is_none() || sender.challenge().is_some() {
            return Ok(());
        }
        let request = Request::post(endpoint.clone()).header("accept", "application/json");
        let answer = self.send(request.at_most(CHALLENGE_BYTES_MAX)).await?;
        if answer.status != 200 {
            let refused = Refused::read(Question::Challenge, answer.status, &answer.body);
            return Err(WalletError::Refused(refused));
        }
        let challenge = parse_challenge_response(&answer.body);
        sender.keep_challenge(challenge.ok_or(WalletError::BadAnswer(Question::Challenge))?);
        Ok(())
    }
}
