//! Steps 12 and 15-16: the proof that the Wallet holds the key (VCI §F.1, VCI §F.4).

use keys::algorithm::Algorithm;
use keys::digest::MacKey;
use keys::jws::{self, Jws, JwsError};
use keys::outside::Timestamp;
use keys::public_key::{KeyError, PublicKey, Thumbprint};
use keys::signer::{SignError, Signer};
use keys::{did, x509};
use serde_json::{Map, Value};

use crate::claims::seconds;
use crate::error::{ErrorCode, Refusal};
use crate::nonce::SpendableNonce;

/// `typ` of a proof JWT (PROOF-06, REG-05).
pub const TYPE: &str = "openid4vci-proof+jwt";
/// Longest proof JWT.
pub const PROOF_BYTES_MAX: usize = 16 * 1024;
/// Smallest window around our clock in which `iat` must lie, in seconds each way.
pub const WINDOW_SECONDS_MIN: u64 = 120;

/// How the holder's key is written into the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderBinding {
    /// The bare key (`jwk`, or the leaf of `x5c`).
    Jwk,
    /// A DID URL that names the key.
    Did(String),
}

/// A key whose holder signed for it; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    public_key: PublicKey,
    thumbprint: Thumbprint,
    binding: HolderBinding,
}

impl VerifiedProof {
    /// The holder's key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Its RFC 7638 thumbprint.
    #[must_use]
    pub const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// As the Wallet named it.
    #[must_use]
    pub const fn binding(&self) -> &HolderBinding {
        &self.binding
    }
}

/// All proofs of one Credential Request, each verified, no key twice; only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedProofs {
    proofs: Vec<VerifiedProof>,
    nonces: Vec<SpendableNonce>,
}

impl VerifiedProofs {
    /// The keys to bind, in the order of the proofs.
    #[must_use]
    pub fn proofs(&self) -> &[VerifiedProof] {
        &self.proofs
    }

    /// The nonces to spend in the commit that records the issuance, each once (AMB-03).
    #[must_use]
    pub fn nonces(&self) -> &[SpendableNonce] {
        &self.nonces
    }
}

/// What a proof is held against.
#[derive(Debug)]
pub struct ProofContext<'c> {
    /// The only value `aud` may have (PROOF-14).
    pub credential_issuer: &'c str,
    /// `client_id` of the Token Request; `None` for an anonymous Wallet (PROOF-12).
    pub client_id: Option<&'c str>,
    /// `proof_signing_alg_values_supported` of the configuration (PROOF-19).
    pub algorithms: &'c [Algorithm],
    /// `cryptographic_binding_methods_supported` of the configuration (META-33).
    pub binding_methods: &'c [BindingMethod],
    /// Most proofs in one request: `batch_size`, or 1 (CRED-11).
    pub proofs_max: usize,
    /// Seconds that `iat` may be away from `now`, each way (PROOF-33, PROOF-34).
    pub window_seconds: u64,
    /// Keys our nonces.
    pub nonce_key: &'c MacKey,
    /// Our clock.
    pub now: Timestamp,
}

/// A way to name the holder's key (META-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingMethod {
    /// The bare key.
    Jwk,
    /// `did:jwk`
    DidJwk,
    /// `did:key`
    DidKey,
}

impl BindingMethod {
    /// The value in metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwk => "jwk",
            Self::DidJwk => "did:jwk",
            Self::DidKey => "did:key",
        }
    }

    /// Reads the value of metadata; methods we do not know are `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Jwk, Self::DidJwk, Self::DidKey].into_iter().find(|method| method.name() == name)
    }
}

/// Verifies all proofs of a request, or none: one bad proof refuses the request (CRED-57, E04).
///
/// What is cheap comes first, so that nobody makes us check signatures for nothing (catalogue Q04).
pub fn verify(jwts: &[String], context: &ProofContext<'_>) -> Result<VerifiedProofs, ProofRefusal> {
    if jwts.is_empty() {
        return Err(ProofRefusal::Missing);
    }
    if jwts.len() > context.proofs_max {
        return Err(ProofRefusal::TooMany);
    }
    let parsed: Vec<Parsed> =
        jwts.iter().map(|jwt| parse(jwt, context)).collect::<Result<_, _>>()?;
    let mut verified = VerifiedProofs { proofs: Vec::new(), nonces: Vec::new() };
    for Parsed { jws, proof, nonce } in parsed {
        jws.verify(&proof.public_key).map_err(ProofRefusal::of_signature)?;
        if verified.proofs.iter().any(|other| other.thumbprint == proof.thumbprint) {
            return Err(ProofRefusal::RepeatedKey);
        }
        if !verified.nonces.contains(&nonce) {
            verified.nonces.push(nonce);
        }
        verified.proofs.push(proof);
    }
    Ok(verified)
}

/// A proof that claims the right things; its signature has not been looked at.
struct Parsed {
    jws: Jws,
    proof: VerifiedProof,
    nonce: SpendableNonce,
}

fn parse(jwt: &str, context: &ProofContext<'_>) -> Result<Parsed, ProofRefusal> {
    let jws = Jws::parse(jwt, PROOF_BYTES_MAX).map_err(ProofRefusal::of_signature)?;
    if jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
        return Err(ProofRefusal::WrongType); // VCI §F.4, PROOF-28
    }
    if !context.algorithms.contains(&jws.algorithm()) {
        return Err(ProofRefusal::AlgorithmNotSupported); // PROOF-29
    }
    let (public_key, binding) = holder_key(jws.header(), context)?;
    let nonce = check_claims(&jws, context)?;
    let proof = VerifiedProof { thumbprint: public_key.thumbprint(), public_key, binding };
    Ok(Parsed { jws, proof, nonce })
}

/// Exactly one of `jwk`, `kid` and `x5c` names the key (PROOF-07), and never a private one
/// (PROOF-31).
fn holder_key(
    header: &Map<String, Value>,
    context: &ProofContext<'_>,
) -> Result<(PublicKey, HolderBinding), ProofRefusal> {
    if header.contains_key("key_attestation") || header.contains_key("trust_chain") {
        return Err(ProofRefusal::AttestationNotSupported);
    }
    match (header.get("jwk"), header.get("kid"), header.get("x5c")) {
        (Some(jwk), None, None) => {
            allow(BindingMethod::Jwk, context)?;
            let key = PublicKey::from_jwk(jwk).map_err(ProofRefusal::of_key)?;
            Ok((key, HolderBinding::Jwk))
        }
        (None, Some(kid), None) => did_key(kid.as_str().unwrap_or_default(), context),
        (None, None, Some(_)) => {
            allow(BindingMethod::Jwk, context)?;
            Ok((certified_key(header, context.now)?, HolderBinding::Jwk))
        }
        (None, None, None) => Err(ProofRefusal::NoKey),
        _ => Err(ProofRefusal::SeveralKeys),
    }
}

/// PROOF-08: `kid` is a DID URL; our methods carry their key, so nothing is fetched (F01).
fn did_key(
    kid: &str,
    context: &ProofContext<'_>,
) -> Result<(PublicKey, HolderBinding), ProofRefusal> {
    let method = match kid.splitn(3, ':').collect::<Vec<_>>()[..] {
        ["did", "jwk", _] => BindingMethod::DidJwk,
        ["did", "key", _] => BindingMethod::DidKey,
        _ => return Err(ProofRefusal::KidNotSupported),
    };
    allow(method, context)?;
    let key = did::resolve(kid).map_err(|_| ProofRefusal::BadDid)?;
    let url = if kid.contains('#') { kid.to_owned() } else { did::verification_method(kid) };
    Ok((key, HolderBinding::Did(url)))
}

/// PROOF-09: the first certificate holds the key; who certified it is not our trust decision here.
fn certified_key(header: &Map<String, Value>, now: Timestamp) -> Result<PublicKey, ProofRefusal> {
    let chain = x509::x5c_from_header(header).ok().flatten().ok_or(ProofRefusal::BadCertificate)?;
    let leaf = chain.first().ok_or(ProofRefusal::BadCertificate)?;
    let leaf = x509::Certificate::from_der(leaf).map_err(|_| ProofRefusal::BadCertificate)?;
    if now < leaf.not_before || now > leaf.not_after || !leaf.is_for_signatures {
        return Err(ProofRefusal::BadCertificate);
    }
    Ok(leaf.public_key)
}

fn allow(method: BindingMethod, context: &ProofContext<'_>) -> Result<(), ProofRefusal> {
    let allowed = context.binding_methods.contains(&method);
    if allowed { Ok(()) } else { Err(ProofRefusal::BindingNotSupported) }
}

/// The claims of VCI §F.1, each checked as VCI §F.4 asks.
fn check_claims(jws: &Jws, context: &ProofContext<'_>) -> Result<SpendableNonce, ProofRefusal> {
    let claims = jws.claims().map_err(|_| ProofRefusal::Unreadable)?;
    if claims.get("aud").is_none_or(|aud| aud != context.credential_issuer) {
        return Err(ProofRefusal::WrongAudience); // PROOF-14
    }
    if let (Some(iss), Some(client_id)) = (claims.get("iss"), context.client_id)
        && iss != client_id
    {
        return Err(ProofRefusal::WrongIssuer); // PROOF-12
    }
    let issued_at = claims.get("iat").and_then(seconds).ok_or(ProofRefusal::NoTime)?; // PROOF-15
    if issued_at.abs_diff(context.now.0) > context.window_seconds {
        return Err(ProofRefusal::TooOld); // PROOF-33
    }
    // A missing nonce is `invalid_proof`, a wrong one `invalid_nonce` (CRED-57, CRED-58, AMB-02).
    let nonce = claims.get("nonce").and_then(Value::as_str).ok_or(ProofRefusal::NoNonce)?;
    SpendableNonce::parse(nonce, context.credential_issuer, context.nonce_key, context.now)
        .ok_or(ProofRefusal::BadNonce)
}

/// What a Wallet puts into a proof (VCI §F.1).
#[derive(Debug)]
pub struct NewProof<'p> {
    /// Names the key to bind.
    pub binding: &'p HolderBinding,
    /// `aud`, exactly as the issuer writes itself (PROOF-14).
    pub credential_issuer: &'p str,
    /// `iss`: left out by an anonymous Wallet (PROOF-13).
    pub client_id: Option<&'p str>,
    /// The nonce last received (PROOF-16).
    pub nonce: Option<&'p str>,
    /// `iat` (PROOF-15).
    pub now: Timestamp,
}

impl NewProof<'_> {
    /// Makes the JWT, signed by the key that is to be bound (PROOF-17).
    pub async fn sign(&self, signer: &dyn Signer) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("typ".into(), TYPE.into());
        match self.binding {
            HolderBinding::Jwk => header.insert("jwk".into(), signer.public_key().to_jwk().into()),
            HolderBinding::Did(url) => header.insert("kid".into(), url.clone().into()),
        };
        let mut claims = Map::new();
        claims.insert("aud".into(), self.credential_issuer.into());
        claims.insert("iat".into(), self.now.0.into());
        for (name, value) in [("iss", self.client_id), ("nonce", self.nonce)] {
            claims.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        jws::sign(header, Value::Object(claims).to_string().as_bytes(), signer).await
    }
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofRefusal {
    /// CRED-57: none, though the credential is bound to a key.
    Missing,
    /// CRED-11
    TooMany,
    /// Only `jwt` is announced in `proof_types_supported` (META-35).
    TypeNotSupported,
    /// Key attestations are announced nowhere yet (PROOF-10, PROOF-11).
    AttestationNotSupported,
    /// Not a JWT, or one with repeated members.
    Unreadable,
    /// PROOF-06, PROOF-28
    WrongType,
    /// PROOF-05, PROOF-29
    AlgorithmNotSupported,
    /// A header member that changes the meaning of a signature (RFC 7515 §4.1.11).
    CriticalHeader,
    /// PROOF-07
    NoKey,
    /// PROOF-07
    SeveralKeys,
    /// PROOF-31
    PrivateKey,
    /// Not a key, or not on its curve.
    BadKey,
    /// PROOF-08: not a DID of a method we take.
    KidNotSupported,
    /// PROOF-08: the DID URL does not name a key.
    BadDid,
    /// PROOF-09
    BadCertificate,
    /// META-33
    BindingNotSupported,
    /// PROOF-14
    WrongAudience,
    /// PROOF-12
    WrongIssuer,
    /// PROOF-15
    NoTime,
    /// PROOF-33
    TooOld,
    /// PROOF-16, CRED-57
    NoNonce,
    /// PROOF-32, CRED-58
    BadNonce,
    /// PROOF-17, PROOF-30
    WrongSignature,
    /// CRED-36: each key gets one credential.
    RepeatedKey,
}

impl ProofRefusal {
    const fn of_signature(error: JwsError) -> Self {
        match error {
            JwsError::NoneAlgorithm
            | JwsError::MacAlgorithm
            | JwsError::UnknownAlgorithm
            | JwsError::WrongAlgorithm => Self::AlgorithmNotSupported,
            JwsError::CriticalHeader => Self::CriticalHeader,
            JwsError::WrongSignature => Self::WrongSignature,
            JwsError::TooLong | JwsError::Malformed => Self::Unreadable,
        }
    }

    const fn of_key(error: KeyError) -> Self {
        if matches!(error, KeyError::PrivateKey) { Self::PrivateKey } else { Self::BadKey }
    }
}

impl Refusal for ProofRefusal {
    fn answer(&self) -> (ErrorCode, &'static str) {
        use ErrorCode::{InvalidNonce, InvalidProof};
        match self {
            Self::Missing => (InvalidProof, "proofs is missing"),
            Self::TooMany => (InvalidProof, "there are more proofs than batch_size allows"),
            Self::TypeNotSupported => (InvalidProof, "this proof type is not supported: send jwt"),
            Self::AttestationNotSupported => {
                (InvalidProof, "key_attestation and trust_chain are not supported")
            }
            Self::Unreadable => (InvalidProof, "a proof is not a readable JWT"),
            Self::WrongType => (InvalidProof, "typ of a proof must be openid4vci-proof+jwt"),
            Self::AlgorithmNotSupported => (InvalidProof, "alg of a proof is not supported"),
            Self::CriticalHeader => (InvalidProof, "crit and b64 are not supported in a proof"),
            Self::NoKey => (InvalidProof, "a proof needs one of jwk, kid and x5c"),
            Self::SeveralKeys => (InvalidProof, "a proof may have only one of jwk, kid and x5c"),
            Self::PrivateKey => (InvalidProof, "a proof holds a private key: make a new key"),
            Self::BadKey => (InvalidProof, "jwk of a proof is not a key that is supported"),
            Self::KidNotSupported => (InvalidProof, "kid of a proof must be a DID URL"),
            Self::BadDid => (InvalidProof, "kid of a proof names no key of its DID"),
            Self::BadCertificate => (InvalidProof, "x5c of a proof is not a valid certificate"),
            Self::BindingNotSupported => {
                (InvalidProof, "this credential cannot be bound to a key named in this way")
            }
            Self::WrongAudience => (InvalidProof, "aud of a proof must be our credential_issuer"),
            Self::WrongIssuer => (InvalidProof, "iss of a proof must be the client_id"),
            Self::NoTime => (InvalidProof, "iat of a proof must be a number"),
            Self::TooOld => (InvalidProof, "iat of a proof is too far from our clock"),
            Self::NoNonce => (InvalidProof, "nonce of a proof is missing"),
            Self::BadNonce => (InvalidNonce, "nonce of a proof is not good (any more)"),
            Self::WrongSignature => (InvalidProof, "the signature of a proof is wrong"),
            Self::RepeatedKey => (InvalidProof, "two proofs are for the same key"),
        }
    }
}
