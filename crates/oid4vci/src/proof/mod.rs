//! Steps 12 and 15-16: the proof that the Wallet holds the key (VCI §F.1, VCI §F.2, VCI §F.4).

use formats::status_list::StatusReference;
use keys::algorithm::Algorithm;
use keys::digest::MacKey;
use keys::outside::Timestamp;
use keys::public_key::{PublicKey, Thumbprint};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attestation::key::{
    AttestedKey, KeyAttestation, KeyAttestationContext, KeyAttestationPolicy, Use,
};
use crate::attestation::status::KnownEntries;
use crate::nonce::{Nonces, Purpose, SpendableNonce};

pub mod di_vp;
mod did;
mod jwt;
mod make;
mod refusal;

pub use did::{DOCUMENTS_MAX, KnownDocuments, WantedDocument};
pub use make::NewProof;
pub use refusal::{DocumentRefusal, ProofRefusal};

/// `typ` of a proof JWT (PROOF-06, REG-05).
pub const TYPE: &str = "openid4vci-proof+jwt";
/// Longest proof JWT.
pub const PROOF_BYTES_MAX: usize = 16 * 1024;
/// Smallest window around our clock in which `iat` must lie, in seconds each way.
pub const WINDOW_SECONDS_MIN: u64 = 120;

/// `proofs` of a Credential Request: of one type (CRED-08).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proofs {
    /// One for each key (PROOF-01).
    Jwt(Vec<String>),
    /// One key attestation for all keys, which need not sign (PROOF-03, VCI §F.3).
    Attestation(String),
    /// A presentation for each key (PROOF-02, VCI §F.2).
    DiVp(Vec<Map<String, Value>>),
}

/// How the holder's key is written into the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderBinding {
    /// The bare key (`jwk`, or the leaf of `x5c`).
    Jwk,
    /// A DID URL that names the key.
    Did(String),
}

/// A key whose holder signed for it, or somebody whom the Issuer trusts; only [`verify`] makes one.
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

/// A verified key as it waits in the store until its credential can be made (VCI §9).
#[derive(Deserialize, Serialize)]
struct KeptProof {
    jwk: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

/// All proofs of one Credential Request, each verified, no key twice; only [`verify`] makes it.
#[derive(Clone, Debug, Default)]
pub struct VerifiedProofs {
    proofs: Vec<VerifiedProof>,
    nonces: Vec<SpendableNonce>,
}

impl VerifiedProofs {
    /// The keys to bind, in the order of the proofs and of the keys that each attests.
    #[must_use]
    pub fn proofs(&self) -> &[VerifiedProof] {
        &self.proofs
    }

    /// The nonces to spend in the commit that records the issuance, each once (AMB-03).
    #[must_use]
    pub fn nonces(&self) -> &[SpendableNonce] {
        &self.nonces
    }

    /// The keys and how they were named, to be kept until their credentials can be made.
    #[must_use]
    pub fn to_kept(&self) -> Value {
        let kept = self.proofs.iter().map(|proof| KeptProof {
            jwk: proof.public_key.to_jwk(),
            kid: match &proof.binding {
                HolderBinding::Jwk => None,
                HolderBinding::Did(url) => Some(url.clone()),
            },
        });
        kept.map(|kept| serde_json::to_value(kept).unwrap_or_default()).collect()
    }

    /// Takes back what [`Self::to_kept`] gave: from our own store and from nowhere else, as nothing
    /// is verified again. The nonces were spent when it was kept.
    #[must_use]
    pub fn from_kept(kept: &Value) -> Option<Self> {
        let kept = Vec::<KeptProof>::deserialize(kept).ok()?;
        let mut verified = Self::default();
        for KeptProof { jwk, kid } in kept {
            let key = PublicKey::from_jwk(&Value::Object(jwk)).ok()?;
            verified.bind(key, kid.map_or(HolderBinding::Jwk, HolderBinding::Did));
        }
        Some(verified)
    }

    /// Whether the key is new; one that is bound already is not bound again.
    fn bind(&mut self, public_key: PublicKey, binding: HolderBinding) -> bool {
        let thumbprint = public_key.thumbprint();
        let is_new = self.proofs.iter().all(|proof| proof.thumbprint != thumbprint);
        if is_new {
            self.proofs.push(VerifiedProof { public_key, thumbprint, binding });
        }
        is_new
    }

    fn spend(&mut self, nonce: SpendableNonce) {
        if !self.nonces.contains(&nonce) {
            self.nonces.push(nonce);
        }
    }
}

/// What a proof is held against.
#[derive(Debug)]
pub struct ProofContext<'c> {
    /// The only value `aud` may have (PROOF-14).
    pub credential_issuer: &'c str,
    /// Whether `typ` is needed (PROOF-06); the first drafts have none.
    pub is_typed: bool,
    /// Whether `x5c` may come beside `jwk` or `kid`, as in some drafts (PROOF-07).
    pub takes_certificates_beside_keys: bool,
    /// `client_id` of the Token Request; `None` for an anonymous Wallet (PROOF-12).
    pub client_id: Option<&'c str>,
    /// `proof_signing_alg_values_supported` of the configuration (PROOF-19).
    pub algorithms: &'c [Algorithm],
    /// `cryptographic_binding_methods_supported` of the configuration (META-33).
    pub binding_methods: &'c [BindingMethod],
    /// Most proofs in one request, and most keys: `batch_size`, or 1 (CRED-11, AMB-06).
    pub proofs_max: usize,
    /// Seconds that `iat` may be away from `now`, each way (PROOF-33, PROOF-34).
    pub window_seconds: u64,
    /// Keys our nonces.
    pub nonce_key: &'c MacKey,
    /// What the configuration does with key attestations.
    pub key_attestations: KeyAttestationPolicy<'c>,
    /// Whether proofs of type `di_vp` are taken.
    pub takes_di_vp: bool,
    /// What is known of the entries that [`statuses`] named (KEYATT-09).
    pub known_entries: &'c KnownEntries,
    /// Those that [`documents`] named and that could be had (PROOF-08).
    pub known_documents: &'c KnownDocuments,
    /// Our clock.
    pub now: Timestamp,
}

impl ProofContext<'_> {
    const fn nonces(&self) -> Nonces<'_> {
        Nonces { purpose: Purpose::Proof, issuer: self.credential_issuer, key: self.nonce_key }
    }

    const fn attestation_context(&self) -> KeyAttestationContext<'_> {
        KeyAttestationContext {
            policy: self.key_attestations,
            algorithms: self.algorithms,
            keys_max: self.proofs_max,
            nonces: self.nonces(),
            window_seconds: self.window_seconds,
            known_entries: self.known_entries,
            now: self.now,
        }
    }

    /// How a key is bound that was named in no way of its own: never by a document in which nobody
    /// said that it stands.
    fn usual_method(&self) -> Result<BindingMethod, ProofRefusal> {
        let all = BindingMethod::ALL.into_iter();
        let mut methods = all.filter(|method| *method != BindingMethod::DidWeb);
        let usual = methods.find(|method| self.binding_methods.contains(method));
        usual.ok_or(ProofRefusal::BindingNotSupported)
    }
}

/// Verifies all proofs of a request, or none: one bad proof refuses the request (CRED-57, E04).
pub fn verify(proofs: &Proofs, context: &ProofContext<'_>) -> Result<VerifiedProofs, ProofRefusal> {
    match proofs {
        Proofs::Jwt(jwts) => jwt::verify(jwts, context),
        Proofs::Attestation(_) if !context.key_attestations.is_proof_type => {
            Err(ProofRefusal::TypeNotSupported)
        }
        Proofs::Attestation(jwt) => verify_attestation(jwt, context),
        Proofs::DiVp(_) if !context.takes_di_vp => Err(ProofRefusal::TypeNotSupported),
        Proofs::DiVp(presentations) => di_vp::verify(presentations, context),
    }
}

/// The entries of lists that say whether key attestations were withdrawn, to be asked for before
/// [`verify`]; only of attestations by somebody trusted (KEYATT-09).
#[must_use]
pub fn statuses(proofs: &Proofs, context: &ProofContext<'_>) -> Vec<StatusReference> {
    if context.key_attestations.attesters.is_none() {
        return Vec::new();
    }
    let attestation_context = context.attestation_context();
    let entry = |text: &str, usage| {
        KeyAttestation::parse(text, usage, &attestation_context).ok()?.entry(&attestation_context)
    };
    match proofs {
        Proofs::Attestation(jwt) => entry(jwt, Use::Alone).into_iter().collect(),
        Proofs::DiVp(_) => Vec::new(), // it has no place for one
        Proofs::Jwt(jwts) => {
            let mut texts = jwt::attestations(jwts, context.proofs_max);
            texts.dedup(); // most Wallets put the same one into each proof (HAIP-34)
            texts.iter().filter_map(|text| entry(text, Use::InProof)).collect()
        }
    }
}

/// The documents of did:web that are to be read before [`verify`]: of a request that would be refused
/// whatever they say, none (catalogue F01).
#[must_use]
pub fn documents(proofs: &Proofs, context: &ProofContext<'_>) -> Vec<WantedDocument> {
    if !context.binding_methods.contains(&BindingMethod::DidWeb) {
        return Vec::new();
    }
    let wanted = match proofs {
        Proofs::Jwt(jwts) => jwt::documents(jwts, context),
        Proofs::DiVp(presentations) if context.takes_di_vp => {
            di_vp::documents(presentations, context)
        }
        Proofs::Attestation(_) | Proofs::DiVp(_) => return Vec::new(),
    };
    wanted.unwrap_or_default() // `verify` says why
}

/// VCI §F.3: a credential for each key in it (PROOF-18).
fn verify_attestation(
    jwt: &str,
    context: &ProofContext<'_>,
) -> Result<VerifiedProofs, ProofRefusal> {
    let method = context.usual_method()?;
    let attestation_context = context.attestation_context();
    let attestation = KeyAttestation::parse(jwt, Use::Alone, &attestation_context)?;
    attestation.verify(&attestation_context)?;
    let mut verified = VerifiedProofs::default();
    verified.spend(attestation.nonce);
    for key in attestation.keys {
        let binding = method.bind(&key).ok_or(ProofRefusal::BindingNotSupported)?;
        verified.bind(key.public_key, binding);
    }
    Ok(verified)
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
    /// The bare key, for a credential that holds it in CBOR (FMT-MDOC-06).
    CoseKey,
    /// `did:web`: the key stands in a document on the holder's website.
    DidWeb,
}

impl BindingMethod {
    /// The value in metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwk => "jwk",
            Self::DidJwk => "did:jwk",
            Self::DidKey => "did:key",
            Self::CoseKey => "cose_key",
            Self::DidWeb => "did:web",
        }
    }

    /// Reads the value of metadata; methods we do not know are `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    const ALL: [Self; 5] = [Self::Jwk, Self::DidJwk, Self::DidKey, Self::CoseKey, Self::DidWeb];

    /// Names a key in this way, where the key alone is enough for it.
    fn bind(self, key: &AttestedKey) -> Option<HolderBinding> {
        let did = match self {
            Self::Jwk | Self::CoseKey => return Some(HolderBinding::Jwk),
            Self::DidJwk => keys::did::to_did_jwk(&key.public_key),
            Self::DidKey => keys::did::to_did_key(&key.public_key),
            Self::DidWeb => return None,
        };
        Some(HolderBinding::Did(keys::did::verification_method(&did)))
    }
}
