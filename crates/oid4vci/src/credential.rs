//! Steps 13-18: the Credential Request and its Response (VCI §8).

use std::collections::BTreeSet;

use keys::json;
use keys::public_key::Thumbprint;
use serde_json::{Map, Value, json};

use crate::access::Authenticated;
use crate::attestation::key::KeyAttestationRefusal;
use crate::dpop::DpopRefusal;
use crate::encryption::EncryptionRefusal;
use crate::error::{Challenge, Demand, ErrorCode, Refusal};
use crate::grant::{Grant, Redemption};
use crate::proof::{ProofRefusal, Proofs, VerifiedProofs};
use crate::replay::UsedJti;
use crate::token::{TokenType, credential_identifier};

mod response;

pub use response::{CredentialResponse, IssuedCredential, ReceivedCredentialResponse};

/// Longest Credential Request.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Most issuances that one token can cause, whatever their keys: a bound on what a thief can record.
pub const ISSUANCES_MAX: usize = 100;

/// Credential Request, parsed once (VCI §8.2).
#[derive(Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// What is asked for.
    pub selector: Selector,
    /// `None` when the request has none.
    pub proofs: Option<Proofs>,
}

/// The two ways to name a credential; a request has exactly one (CRED-03 to CRED-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// `credential_configuration_id`
    Configuration(String),
    /// `credential_identifier`
    Identifier(String),
}

impl CredentialRequest {
    /// Reads plain JSON: unknown members are ignored (CRED-20), as are `format` and the like of the
    /// drafts (CRED-23); repeated ones are refused (CRED-54).
    ///
    /// With `single_proof` a lone `proof` of the drafts becomes `proofs` before any rule sees it
    /// (AMB-17); beside `proofs` it would leave open which of them counts. Without `single_proof` it
    /// is an unknown member.
    pub fn parse(body: &[u8], single_proof: bool) -> Result<Self, CredentialRefusal> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(CredentialRefusal::TooLong);
        }
        let parameters = json::parse_object(body).map_err(|_| CredentialRefusal::Unreadable)?;
        if parameters.contains_key("credential_response_encryption") {
            return Err(EncryptionRefusal::ResponseNotSupported.into());
        }
        Self::from_parameters(&parameters, single_proof)
    }

    /// The same for the parameters of a request that [`crate::encryption`] opened.
    pub fn from_parameters(
        parameters: &Map<String, Value>,
        single_proof: bool,
    ) -> Result<Self, CredentialRefusal> {
        let proofs = match (parameters.get("proofs"), parameters.get("proof")) {
            (Some(_), Some(_)) if single_proof => return Err(CredentialRefusal::ProofBesideProofs),
            (Some(proofs), _) => Some(received_proofs(proofs)?),
            (None, Some(proof)) if single_proof => {
                Some(Proofs::Jwt(vec![single_jwt_proof(proof)?]))
            }
            (None, _) => None,
        };
        Ok(Self { selector: selector(parameters)?, proofs })
    }

    /// The body that a Wallet sends.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        match &self.selector {
            Selector::Configuration(id) => {
                object.insert("credential_configuration_id".into(), id.clone().into())
            }
            Selector::Identifier(id) => {
                object.insert("credential_identifier".into(), id.clone().into())
            }
        };
        let proofs = match &self.proofs {
            None => None,
            Some(Proofs::Jwt(jwts)) => Some(json!({ "jwt": jwts })),
            Some(Proofs::Attestation(jwt)) => Some(json!({ "attestation": [jwt] })),
            Some(Proofs::DiVp(presentations)) => Some(json!({ "di_vp": presentations })),
        };
        object.extend(proofs.map(|proofs| ("proofs".to_owned(), proofs)));
        Value::Object(object)
    }
}

fn selector(object: &Map<String, Value>) -> Result<Selector, CredentialRefusal> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let by_id = object.get("credential_configuration_id").map(text);
    let by_identifier = object.get("credential_identifier").map(text);
    match (by_id, by_identifier) {
        (Some(Some(id)), None) => Ok(Selector::Configuration(id)),
        (None, Some(Some(identifier))) => Ok(Selector::Identifier(identifier)),
        (Some(_), Some(_)) => Err(CredentialRefusal::SeveralSelectors),
        (None, None) => Err(CredentialRefusal::NoSelector),
        (Some(None), None) | (None, Some(None)) => Err(CredentialRefusal::Unreadable),
    }
}

/// CRED-08: an object with exactly one member, named by the proof type, holding a filled array.
fn received_proofs(proofs: &Value) -> Result<Proofs, CredentialRefusal> {
    let object = proofs.as_object().ok_or(ProofRefusal::Unreadable)?;
    let mut members = object.iter();
    let (name, proofs) = match (members.next(), members.next()) {
        (None, _) => return Err(ProofRefusal::Missing.into()),
        (Some(_), Some(_)) => return Err(CredentialRefusal::SeveralProofTypes),
        (Some(only), None) => only,
    };
    let proofs = match name.as_str() {
        "jwt" | "attestation" | "di_vp" => proofs.as_array().ok_or(ProofRefusal::Unreadable)?,
        _ => return Err(ProofRefusal::TypeNotSupported.into()), // PROOF-35
    };
    if name == "di_vp" {
        let objects = proofs.iter().map(|presentation| presentation.as_object().cloned());
        let objects = objects.collect::<Option<_>>();
        return Ok(Proofs::DiVp(objects.ok_or(ProofRefusal::UnreadablePresentation)?)); // PROOF-02
    }
    let texts = proofs.iter().map(|text| text.as_str().map(str::to_owned));
    let texts: Vec<String> = texts.collect::<Option<_>>().ok_or(ProofRefusal::Unreadable)?;
    match &texts[..] {
        [] => Err(ProofRefusal::Missing.into()),
        [only] if name == "attestation" => Ok(Proofs::Attestation(only.clone())),
        [..] if name == "attestation" => {
            Err(ProofRefusal::from(KeyAttestationRefusal::Several).into()) // PROOF-03
        }
        [..] => Ok(Proofs::Jwt(texts)),
    }
}

fn single_jwt_proof(proof: &Value) -> Result<String, CredentialRefusal> {
    let text = |name| proof.get(name).and_then(Value::as_str);
    if text("proof_type") != Some("jwt") {
        return Err(ProofRefusal::TypeNotSupported.into());
    }
    Ok(text("jwt").ok_or(ProofRefusal::Unreadable)?.to_owned())
}

/// Finds the configuration that a request means, and whether the token is good for it (CRED-07).
///
/// "Is it known at all" comes first, then the kind rule, then the authorisation (AMB-08, AMB-09);
/// `is_known` knows the keys of `credential_configurations_supported`.
pub fn authorize<'g>(
    selector: &Selector,
    token: Authenticated<'g>,
    is_known: impl Fn(&str) -> bool,
) -> Result<&'g str, CredentialRefusal> {
    let Redemption { credential_configuration_ids, by_identifier, .. } = token.redemption();
    let find = |matches: &dyn Fn(&str) -> bool| {
        credential_configuration_ids.iter().map(String::as_str).find(|id| matches(id))
    };
    match selector {
        Selector::Configuration(id) if !is_known(id) => {
            Err(CredentialRefusal::UnknownConfiguration)
        }
        Selector::Configuration(_) if *by_identifier => Err(CredentialRefusal::IdentifierNeeded),
        Selector::Configuration(wanted) => {
            find(&|id| id == wanted).ok_or(CredentialRefusal::NotAuthorised)
        }
        Selector::Identifier(wanted) => {
            let id = find(&|id| *by_identifier && &credential_identifier(id) == wanted);
            id.ok_or(CredentialRefusal::UnknownIdentifier)
        }
    }
}

/// What must be on disk before anything is signed.
#[derive(Debug)]
pub struct Record<'r> {
    /// The offer as it was read: the commit holds only if nothing was issued from it meanwhile.
    pub grant: &'r Grant,
    /// Which configuration.
    pub credential_configuration_id: &'r str,
    /// One for each credential: its key, or `None` for one that is bound to no key.
    pub thumbprints: Vec<Option<Thumbprint>>,
    /// What is issued of other configurations in the same commit, and stands behind it: drafts have
    /// requests for several.
    pub beside: Vec<Beside<'r>>,
    /// The DPoP proof beside the token: spent with the nonces (RFC 9449 §11.1).
    pub used: Option<UsedJti>,
}

/// Configuration and keys of some credentials, as in [`Record`].
#[derive(Clone, Debug)]
pub struct Beside<'r> {
    /// Which configuration.
    pub credential_configuration_id: &'r str,
    /// One for each credential.
    pub thumbprints: Vec<Option<Thumbprint>>,
}

impl Record<'_> {
    /// Configuration and key of each credential, in the order in which they are recorded.
    pub fn issued(&self) -> impl Iterator<Item = (&str, Option<&Thumbprint>)> {
        let own = (self.credential_configuration_id, &self.thumbprints);
        let beside = self.beside.iter();
        let beside = beside.map(|one| (one.credential_configuration_id, &one.thumbprints));
        std::iter::once(own)
            .chain(beside)
            .flat_map(|(id, keys)| keys.iter().map(move |key| (id, key.as_ref())))
    }
}

/// Refuses where [`decide`] would for any key: before anybody is asked for one (CRED-61).
pub fn check_left(token: Authenticated<'_>) -> Result<(), CredentialRefusal> {
    if token.grant().issued.len() < ISSUANCES_MAX {
        Ok(())
    } else {
        Err(CredentialRefusal::TooManyKeys)
    }
}

/// Decides whether the token may have (more) credentials: up to `keys_max` distinct keys for each
/// configuration. `batch_size` is said of one request, and one request is for one configuration: who
/// fills it for one format of a credential is not to go without the others.
///
/// A repeated request with the same key is answered again (IMPL-03); a token that asks for ever new
/// keys is refused for good (CRED-61).
pub fn decide<'r>(
    token: Authenticated<'r>,
    credential_configuration_id: &'r str,
    proofs: Option<&VerifiedProofs>,
    keys_max: usize,
) -> Result<Record<'r>, CredentialRefusal> {
    decide_all(token, (credential_configuration_id, proofs), &[], keys_max)
}

/// The same for several configurations at once: the first, and those behind it. What holds for the
/// token holds for all of them together.
pub fn decide_all<'r>(
    token: Authenticated<'r>,
    (credential_configuration_id, proofs): (&'r str, Option<&VerifiedProofs>),
    beside: &[(&'r str, Option<&VerifiedProofs>)],
    keys_max: usize,
) -> Result<Record<'r>, CredentialRefusal> {
    let beside = beside.iter().map(|(credential_configuration_id, proofs)| Beside {
        credential_configuration_id,
        thumbprints: thumbprints(*proofs),
    });
    let record = Record {
        grant: token.grant(),
        credential_configuration_id,
        thumbprints: thumbprints(proofs),
        beside: beside.collect(),
        used: token.used(),
    };
    let issued = &token.grant().issued;
    let before = issued
        .iter()
        .map(|one| (one.credential_configuration_id.as_str(), one.thumbprint.as_ref()));
    let keys_of = |id: &str| {
        let all = before.clone().chain(record.issued()).filter(|(of, _)| *of == id);
        all.filter_map(|(_, key)| key).collect::<BTreeSet<_>>().len()
    };
    if record.issued().any(|(id, _)| keys_of(id) > keys_max)
        || issued.len() + record.issued().count() > ISSUANCES_MAX
    {
        return Err(CredentialRefusal::TooManyKeys);
    }
    Ok(record)
}

fn thumbprints(proofs: Option<&VerifiedProofs>) -> Vec<Option<Thumbprint>> {
    let of = |all: &VerifiedProofs| {
        all.proofs().iter().map(|proof| Some(proof.thumbprint().clone())).collect()
    };
    proofs.map_or_else(|| vec![None], of)
}

/// Why a Credential Request is refused: by the codes of VCI §8.3.1.2 where the payload is at fault
/// (CRED-51, CRED-53).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialRefusal {
    /// No `Authorization` header (RFC 6750 §3.1).
    NoToken,
    /// The token stands where it would be logged (RFC 6750 §2.3, DEP-08).
    TokenInQuery,
    /// Unknown, expired, ended, or not a Bearer token (CRED-50).
    BadToken,
    /// RFC 9449 §7.1: the proof beside the token, or how the token is bound.
    Dpop(DpopRefusal),
    /// The token does not cover this configuration (AMB-09).
    NotAuthorised,
    /// Not JSON, not UTF-8, or a member is repeated (CRED-54).
    Unreadable,
    /// Neither `application/json` nor `application/jwt` (CRED-18, CRED-19).
    WrongMediaType,
    /// Larger than any honest request.
    TooLong,
    /// CRED-03, CRED-04
    NoSelector,
    /// CRED-05
    SeveralSelectors,
    /// CRED-04: `credential_identifiers` were returned and must be used.
    IdentifierNeeded,
    /// CRED-55
    UnknownConfiguration,
    /// CRED-56
    UnknownIdentifier,
    /// CRED-08
    SeveralProofTypes,
    /// AMB-17: two places for one thing.
    ProofBesideProofs,
    /// CRED-60
    Encryption(EncryptionRefusal),
    /// CRED-61
    TooManyKeys,
    /// CRED-61: an officer said no (VCI §9).
    Denied,
    /// CRED-57, CRED-58
    Proof(ProofRefusal),
}

impl From<DpopRefusal> for CredentialRefusal {
    fn from(refusal: DpopRefusal) -> Self {
        Self::Dpop(refusal)
    }
}

impl From<ProofRefusal> for CredentialRefusal {
    fn from(refusal: ProofRefusal) -> Self {
        Self::Proof(refusal)
    }
}

impl Refusal for CredentialRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{
            CredentialRequestDenied, InsufficientScope, InvalidCredentialRequest, InvalidRequest,
            InvalidToken, UnknownCredentialConfiguration, UnknownCredentialIdentifier,
        };
        match self {
            Self::NoToken => {
                (InvalidToken, "an access token is needed in the Authorization header")
            }
            Self::TokenInQuery => {
                (InvalidRequest, "the access token belongs into the Authorization header only")
            }
            Self::BadToken => (InvalidToken, "the access token is unknown or no longer valid"),
            Self::Dpop(refusal) => refusal.answer(),
            Self::NotAuthorised => {
                (InsufficientScope, "the access token is not good for this credential")
            }
            Self::Unreadable => {
                (InvalidCredentialRequest, "the body is not a JSON object, or repeats a member")
            }
            Self::WrongMediaType => (
                InvalidCredentialRequest,
                "Content-Type must be application/json or application/jwt",
            ),
            Self::TooLong => (InvalidCredentialRequest, "the request is too large"),
            Self::NoSelector => (
                InvalidCredentialRequest,
                "credential_configuration_id or credential_identifier is missing",
            ),
            Self::SeveralSelectors => (
                InvalidCredentialRequest,
                "only one of credential_configuration_id and credential_identifier may be sent",
            ),
            Self::IdentifierNeeded => (
                InvalidCredentialRequest,
                "use a credential_identifier of the Token Response with this token",
            ),
            Self::UnknownConfiguration => {
                (UnknownCredentialConfiguration, "credential_configuration_id is unknown")
            }
            Self::UnknownIdentifier => {
                (UnknownCredentialIdentifier, "credential_identifier is unknown")
            }
            Self::SeveralProofTypes => {
                (InvalidCredentialRequest, "proofs must have exactly one member")
            }
            Self::ProofBesideProofs => {
                (InvalidCredentialRequest, "send proofs, and no proof beside it")
            }
            Self::Encryption(refusal) => refusal.answer(),
            Self::TooManyKeys => (
                CredentialRequestDenied,
                "this offer is used up: no more credentials are issued from it",
            ),
            Self::Denied => (CredentialRequestDenied, "this credential will not be issued"),
            Self::Proof(refusal) => refusal.answer(),
        }
    }

    fn status(&self) -> u16 {
        if matches!(self, Self::NoToken | Self::BadToken | Self::Dpop(_)) {
            401
        } else if matches!(self, Self::NotAuthorised) {
            403
        } else {
            400
        }
    }

    fn challenge(&self) -> Option<Challenge> {
        if matches!(self, Self::NoToken) {
            return Some(Challenge::Bare);
        }
        let about_token = matches!(
            self,
            Self::BadToken | Self::Dpop(_) | Self::NotAuthorised | Self::TokenInQuery
        );
        about_token.then_some(Challenge::WithError)
    }

    fn scheme(&self) -> TokenType {
        if let Self::Dpop(refusal) = self { refusal.scheme() } else { TokenType::Bearer }
    }

    fn demand(&self) -> Option<Demand> {
        if let Self::Dpop(refusal) = self { refusal.demand() } else { None }
    }
}
