//! Steps 4-19 as one holder takes them, each with its time.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use keys::did;
use keys::outside::{Clock as _, SystemClock};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::nonce;
use oid4vci::offer::{OfferLink, PreAuthorizedCodeGrant, ReceivedOffer};
use oid4vci::proof::{BindingMethod, HolderBinding, NewProof};
use oid4vci::secret::{AccessToken, TxCode};
use oid4vci::token::{PreAuthorizedCodeRequest, ReceivedTokenResponse, TokenRequest};
use url::{Url, form_urlencoded};

use super::http::{Connection, Origin, base, path};
use super::offers::{Made, Offers};
use super::plan::{Place, Plan, ProofKind, read};
use super::request::{CredentialWish, are_credentials};
use super::tally::{Laps, Step};
use super::trouble::Trouble;
use crate::exit::Failure;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a flow ended before its credential.
pub(super) enum End {
    /// There are no more offers.
    NoMoreOffers,
    /// It failed at a step.
    Failed(Step, Trouble),
}

/// One holder: keys, and connections that are kept.
pub(super) struct Holder {
    plan: Arc<Plan>,
    /// None where no key is proved.
    keys: Vec<(SoftwareKey, HolderBinding)>,
    /// Those of the plan first, then what offers by reference lead to.
    origins: Vec<Arc<Origin>>,
    connections: Vec<Option<Connection>>,
}

/// An offer that has been read.
struct Offered {
    grant: PreAuthorizedCodeGrant,
    tx_code: Option<String>,
}

/// What the Token Endpoint gave.
struct Authorized {
    token: ReceivedTokenResponse,
    /// Where drafts put the nonce.
    c_nonce: Option<String>,
}

impl Holder {
    /// Makes the keys; the connections are made when they are needed.
    pub(super) fn new(plan: &Arc<Plan>) -> Result<Self, Failure> {
        let kinds = plan.proof.into_iter().flat_map(|kind| (0..kind.batch).map(move |_| kind));
        let keys = kinds.map(key).collect::<Result<_, _>>()?;
        Ok(Self {
            plan: Arc::clone(plan),
            keys,
            origins: plan.origins.clone(),
            connections: Vec::new(),
        })
    }

    /// From the offer to the credential.
    pub(super) async fn flow(&mut self, offers: &Offers) -> Result<Laps, End> {
        let mut laps = Laps::begin();
        let made = offers.next().await.map_err(|trouble| End::Failed(Step::Offer, trouble))?;
        let made = made.ok_or(End::NoMoreOffers)?;
        laps.end(Step::Offer);
        let outcome = self.receive(&made, &mut laps).await;
        let is_broken = matches!(&outcome, Err((_, trouble)) if trouble.is_of_the_network());
        if self.plan.reconnects || is_broken {
            self.connections.clear();
        }
        outcome.map_err(|(step, trouble)| End::Failed(step, trouble))?;
        Ok(laps)
    }

    async fn receive(&mut self, made: &Made, laps: &mut Laps) -> Result<(), (Step, Trouble)> {
        let offered = self.fetch(made, laps).await.map_err(|trouble| (Step::Fetch, trouble))?;
        let authorized = self.redeem(offered).await.map_err(|trouble| (Step::Token, trouble))?;
        laps.end(Step::Token);
        let nonce =
            self.nonce(&authorized, laps).await.map_err(|trouble| (Step::Nonce, trouble))?;
        let failed = |trouble| (Step::Credential, trouble);
        let request = self.credential_request(&authorized, nonce.as_deref()).await;
        let request = request.map_err(failed)?;
        laps.skip(); // signing is the holder's own work
        let answer = self.ask(&self.plan.credential.clone(), request).await.map_err(failed)?;
        laps.end(Step::Credential);
        laps.finish();
        let count = self.keys.len().max(1);
        are_credentials(&answer, &self.plan.configuration.format, count).map_err(failed)
    }

    /// Reads an offer, by value or by reference (VCI §4.1).
    async fn fetch(&mut self, made: &Made, laps: &mut Laps) -> Result<Offered, Trouble> {
        let offer = match OfferLink::parse(&made.link).map_err(bad_offer)? {
            OfferLink::ByValue(offer) => offer,
            OfferLink::ByReference(url) => {
                let place = self.place(&url)?;
                let answer = self.ask(&place, Request::new(Full::default())).await?;
                laps.end(Step::Fetch);
                ReceivedOffer::parse(&answer).map_err(bad_offer)?
            }
        };
        let grant = offer.pre_authorized_code;
        let grant = grant.ok_or_else(|| Trouble::refusal("no_code", &"no pre-authorized code"))?;
        Ok(Offered { grant, tx_code: made.tx_code.clone() })
    }

    /// Redeems the code (VCI §6.1).
    async fn redeem(&mut self, offered: Offered) -> Result<Authorized, Trouble> {
        let Offered { grant, tx_code } = offered;
        let request = TokenRequest::PreAuthorizedCode(PreAuthorizedCodeRequest {
            pre_authorized_code: grant.pre_authorized_code,
            tx_code: tx_code.map(TxCode::new),
            client_id: None,
            credential_configuration_ids: None,
        });
        let form = form(&request);
        let place = self.plan.token.clone();
        let answer = self.ask(&place, post(form, FORM)).await?;
        let unusable = || Trouble::refusal("unusable_token", &String::from_utf8_lossy(&answer));
        let token = ReceivedTokenResponse::parse(&answer).ok_or_else(unusable)?;
        let c_nonce = self.plan.nonce.is_none().then(|| nonce::parse_response(&answer)).flatten();
        Ok(Authorized { token, c_nonce })
    }

    /// A nonce where a key is to be proved (VCI §7.1).
    async fn nonce(
        &mut self,
        authorized: &Authorized,
        laps: &mut Laps,
    ) -> Result<Option<String>, Trouble> {
        let needed = self.plan.nonce.clone().filter(|_| !self.keys.is_empty());
        let Some(place) = needed else { return Ok(authorized.c_nonce.clone()) };
        let mut request = Request::new(Full::default());
        *request.method_mut() = Method::POST;
        let answer = self.ask(&place, request).await?;
        laps.end(Step::Nonce);
        let unusable = || Trouble::refusal("unusable_nonce", &String::from_utf8_lossy(&answer));
        nonce::parse_response(&answer).map(Some).ok_or_else(unusable)
    }

    async fn credential_request(
        &self,
        authorized: &Authorized,
        nonce: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, Trouble> {
        let mut proofs = Vec::new();
        for (key, binding) in &self.keys {
            let proof = NewProof {
                binding,
                credential_issuer: &self.plan.credential_issuer,
                client_id: None,
                nonce,
                now: SystemClock.now(),
                key_attestation: None,
            };
            let signed = proof.sign(key).await;
            proofs.push(signed.map_err(|error| Trouble::refusal("signing", &error))?);
        }
        let wish = CredentialWish { plan: &self.plan, token: &authorized.token, proofs };
        let mut request = post(wish.to_json().to_string(), JSON);
        let bearer = bearer(&authorized.token.access_token)?;
        request.headers_mut().insert(AUTHORIZATION, bearer);
        Ok(request)
    }

    /// Sends a request over the connection that is kept, or over a new one.
    async fn ask(
        &mut self,
        place: &Place,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Bytes, Trouble> {
        let missing = || Trouble::refusal("bad_url", &"nowhere to go");
        *request.uri_mut() = place.path.clone();
        if self.connections.len() <= place.origin {
            self.connections.resize_with(place.origin + 1, || None);
        }
        let origin = self.origins.get(place.origin).ok_or_else(missing)?;
        let kept = self.connections.get_mut(place.origin).ok_or_else(missing)?;
        if !kept.as_ref().is_some_and(Connection::is_open) {
            *kept = Some(origin.connect().await?);
        }
        kept.as_mut().ok_or_else(missing)?.ask(request).await?.success()
    }

    /// The place of an offer by reference; it may be on a host of its own.
    fn place(&mut self, url: &Url) -> Result<Place, Trouble> {
        let known = self.origins.iter().position(|origin| origin.base == base(url));
        if known.is_none() {
            let origin = Origin::of(url, &self.plan.trust);
            let origin = origin.map_err(|failure| Trouble::network("connect", &failure.message))?;
            self.origins.push(Arc::new(origin));
        }
        Ok(Place { origin: known.unwrap_or(self.origins.len() - 1), path: path(url)? })
    }
}

/// What an offer says, before there is a plan.
pub(super) async fn look(
    made: &Made,
    trust: &super::http::Trust,
) -> Result<ReceivedOffer, Failure> {
    let bad = |error| bad_offer(error).failure("offer");
    match OfferLink::parse(&made.link).map_err(bad)? {
        OfferLink::ByValue(offer) => Ok(offer),
        OfferLink::ByReference(url) => {
            let document = read(&url, trust).await?.map_err(|trouble| trouble.failure("offer"))?;
            ReceivedOffer::parse(&document).map_err(bad)
        }
    }
}

fn key(kind: ProofKind) -> Result<(SoftwareKey, HolderBinding), Failure> {
    let key = SoftwareKey::generate(kind.algorithm).map_err(Failure::own_fault)?;
    let did = match kind.binding {
        BindingMethod::Jwk | BindingMethod::CoseKey | BindingMethod::DidWeb => None,
        BindingMethod::DidJwk => Some(did::to_did_jwk(key.public_key())),
        BindingMethod::DidKey => Some(did::to_did_key(key.public_key())),
    };
    let binding = did.as_deref().map(did::verification_method);
    Ok((key, binding.map_or(HolderBinding::Jwk, HolderBinding::Did)))
}

fn form(request: &TokenRequest) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(request.to_form()).finish()
}

fn post(body: String, media_type: HeaderValue) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(CONTENT_TYPE, media_type);
    request
}

fn bearer(token: &AccessToken) -> Result<HeaderValue, Trouble> {
    let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
    bearer.map_err(|_| Trouble::refusal("unusable_token", &"a token that cannot be sent"))
}

fn bad_offer(error: oid4vci::offer::OfferError) -> Trouble {
    Trouble::refusal("bad_offer", &error.message())
}
