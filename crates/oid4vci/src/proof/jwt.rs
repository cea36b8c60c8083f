//! Proofs of type `jwt`, each signed by a key that is to be bound (VCI §F.1).

use keys::jws::Jws;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::x509;
use serde_json::{Map, Value};

use super::did::{Holder, Named, WantedDocument, wanted};
use super::{BindingMethod, HolderBinding, PROOF_BYTES_MAX, ProofContext, TYPE, VerifiedProofs};
use crate::attestation::key::{ATTESTATION_BYTES_MAX, KeyAttestation, KeyAttestationRefusal, Use};
use crate::claims::{is_only_audience, seconds};
use crate::form::Form;
use crate::nonce::SpendableNonce;
use crate::proof::ProofRefusal;

/// Longest proof with a key attestation in its header.
const ATTESTED_BYTES_MAX: usize = PROOF_BYTES_MAX + ATTESTATION_BYTES_MAX.div_ceil(3) * 4;

/// Verifies all proofs or none. What is cheap comes first, so that nobody makes us check signatures
/// for nothing (catalogue Q04).
pub(super) fn verify(
    jwts: &[String],
    context: &ProofContext<'_>,
) -> Result<VerifiedProofs, ProofRefusal> {
    let (proofs, attestations) = parse_all(jwts, context)?;
    wanted(proofs.iter().map(|proof| &proof.named))?;
    let mut signed = Vec::new();
    for Parsed { jws, named, certified, nonce, attestation } in proofs {
        let (holder, attestation) = (named.holder(context)?, attestations.at(attestation));
        if certified.is_some_and(|key| key.thumbprint() != holder.key.thumbprint()) {
            return Err(ProofRefusal::BadCertificate);
        }
        if attestation.is_some_and(|attestation| !attestation.attests(&holder.key)) {
            return Err(KeyAttestationRefusal::OtherKey.into()); // KEYATT-10
        }
        signed.push((jws, holder, nonce, attestation));
    }
    attestations.verify()?;
    let mut verified = VerifiedProofs::default();
    let mut vouched_for = Vec::new();
    for (jws, holder, nonce, attestation) in signed {
        jws.verify(&holder.key).map_err(Form::from)?;
        verified.spend(nonce);
        let is_new = verified.bind(holder.key, holder.binding);
        if !is_new && attestation.is_none() {
            return Err(ProofRefusal::RepeatedKey);
        }
        vouched_for.extend(attestation.map(|attestation| (attestation, holder.method)));
    }
    for (attestation, method) in vouched_for {
        verified.bind_attested(attestation, method);
    }
    if verified.proofs.len() > context.proofs_max {
        return Err(ProofRefusal::TooMany); // AMB-06
    }
    Ok(verified)
}

/// The documents that [`verify`] will need: only of a request about which everything is good that can
/// be judged without them, so that nobody is asked for what would be refused anyway (catalogue F01).
pub(super) fn documents(
    jwts: &[String],
    context: &ProofContext<'_>,
) -> Result<Vec<WantedDocument>, ProofRefusal> {
    let (proofs, attestations) = parse_all(jwts, context)?;
    let wanted = wanted(proofs.iter().map(|proof| &proof.named))?;
    if !wanted.is_empty() {
        attestations.verify()?;
    }
    Ok(wanted)
}

fn parse_all<'c>(
    jwts: &[String],
    context: &'c ProofContext<'c>,
) -> Result<(Vec<Parsed>, Attestations<'c>), ProofRefusal> {
    if jwts.is_empty() {
        return Err(ProofRefusal::Missing);
    }
    if jwts.len() > context.proofs_max {
        return Err(ProofRefusal::TooMany);
    }
    let mut attestations = Attestations { context, parsed: Vec::new() };
    let proofs = jwts.iter().map(|jwt| parse(jwt, &mut attestations, context));
    let proofs = proofs.collect::<Result<_, _>>()?;
    Ok((proofs, attestations))
}

impl VerifiedProofs {
    /// A credential for each attested key (PROOF-18), and for none twice (AMB-07); those that did
    /// not sign are bound in the way of the one that did. Which key of a document they would be, only
    /// a proof of their own says.
    fn bind_attested(&mut self, attestation: &KeyAttestation, method: BindingMethod) {
        self.spend(attestation.nonce);
        for key in &attestation.keys {
            if let Some(binding) = method.bind(key) {
                self.bind(key.public_key.clone(), binding);
            }
        }
    }
}

/// The attestations of a request: most Wallets put the same one into each proof (HAIP-34).
struct Attestations<'c> {
    context: &'c ProofContext<'c>,
    parsed: Vec<(String, KeyAttestation)>,
}

impl Attestations<'_> {
    /// Where the attestation of this header is; `None` when it has none, and needs none.
    fn place(&mut self, header: &Map<String, Value>) -> Result<Option<usize>, ProofRefusal> {
        let policy = self.context.key_attestations;
        let given = header.get("key_attestation");
        let is_supported = policy.attesters.is_some() || given.is_none();
        if !is_supported || header.contains_key("trust_chain") {
            return Err(ProofRefusal::AttestationNotSupported); // PROOF-10, PROOF-11
        }
        let text = match given {
            None if policy.required.is_some() => return Err(KeyAttestationRefusal::Missing.into()),
            None => return Ok(None),
            Some(given) => given.as_str().ok_or(KeyAttestationRefusal::Unreadable)?,
        };
        if let Some(place) = self.parsed.iter().position(|(parsed, _)| parsed == text) {
            return Ok(Some(place));
        }
        let context = self.context.attestation_context();
        self.parsed.push((text.to_owned(), KeyAttestation::parse(text, Use::InProof, &context)?));
        Ok(Some(self.parsed.len() - 1))
    }

    fn at(&self, place: Option<usize>) -> Option<&KeyAttestation> {
        self.parsed.get(place?).map(|(_, attestation)| attestation)
    }

    fn verify(&self) -> Result<(), ProofRefusal> {
        for (_, attestation) in &self.parsed {
            attestation.verify(&self.context.attestation_context())?;
        }
        Ok(())
    }
}

/// The attestations that proofs carry, as they stand there; of what cannot be read none.
pub(super) fn attestations(jwts: &[String], proofs_max: usize) -> Vec<String> {
    let carried = |text: &String| {
        let proof = Jws::parse(text, ATTESTED_BYTES_MAX).ok()?;
        proof.header().get("key_attestation")?.as_str().map(str::to_owned)
    };
    jwts.iter().take(proofs_max).filter_map(carried).collect()
}

/// A proof that claims the right things; its signature has not been looked at.
struct Parsed {
    jws: Jws,
    named: Named,
    /// The key of a certificate beside the name.
    certified: Option<PublicKey>,
    nonce: SpendableNonce,
    attestation: Option<usize>,
}

fn parse(
    jwt: &str,
    attestations: &mut Attestations<'_>,
    context: &ProofContext<'_>,
) -> Result<Parsed, ProofRefusal> {
    let takes_attestations = context.key_attestations.attesters.is_some();
    let bytes_max = if takes_attestations { ATTESTED_BYTES_MAX } else { PROOF_BYTES_MAX };
    let jws = Jws::parse(jwt, bytes_max).map_err(Form::from)?;
    if context.is_typed && jws.header().get("typ").is_none_or(|typ| typ != TYPE) {
        return Err(ProofRefusal::WrongType); // VCI §F.4, PROOF-28
    }
    if !context.algorithms.contains(&jws.algorithm()) {
        return Err(ProofRefusal::AlgorithmNotSupported); // PROOF-29
    }
    let attestation = attestations.place(jws.header())?;
    let certified = certified_beside(jws.header(), context)?;
    let is_beside = certified.is_some();
    let named = named(jws.header(), is_beside, attestations.at(attestation), context)?;
    let nonce = check_claims(&jws, context)?;
    Ok(Parsed { jws, named, certified, nonce, attestation })
}

/// The key of a certificate that comes beside `jwk` or `kid`, where drafts allow that: it is to be the one
/// that signs, and adds nothing to what is bound.
fn certified_beside(
    header: &Map<String, Value>,
    context: &ProofContext<'_>,
) -> Result<Option<PublicKey>, ProofRefusal> {
    let has = |name: &str| header.contains_key(name);
    let is_beside = has("x5c") && (has("jwk") || has("kid"));
    let is_allowed = is_beside && context.takes_certificates_beside_keys;
    is_allowed.then(|| certified_key(header, context.now)).transpose()
}

/// Exactly one of `jwk`, `kid` and `x5c` names the key (PROOF-07), and never a private one
/// (PROOF-31).
fn named(
    header: &Map<String, Value>,
    is_certified_beside: bool,
    attested: Option<&KeyAttestation>,
    context: &ProofContext<'_>,
) -> Result<Named, ProofRefusal> {
    let bare = |key: PublicKey, method| Holder { key, binding: HolderBinding::Jwk, method };
    let x5c = header.get("x5c").filter(|_| !is_certified_beside);
    match (header.get("jwk"), header.get("kid"), x5c) {
        (Some(jwk), None, None) => {
            let method = bare_key(context)?;
            Ok(Named::Here(bare(PublicKey::from_jwk(jwk).map_err(Form::from)?, method)))
        }
        (None, Some(kid), None) => {
            let kid = kid.as_str().unwrap_or_default();
            match attested.and_then(|attested| attested.named(kid)) {
                Some(key) if !kid.starts_with("did:web:") => {
                    let method = context.usual_method()?;
                    let binding = method.bind(key).ok_or(ProofRefusal::BindingNotSupported)?;
                    Ok(Named::Here(Holder { key: key.public_key.clone(), binding, method }))
                }
                Some(_) | None => Named::by_did(kid, context), // PROOF-08
            }
        }
        (None, None, Some(_)) => {
            let method = bare_key(context)?;
            Ok(Named::Here(bare(certified_key(header, context.now)?, method)))
        }
        (None, None, None) => Err(ProofRefusal::NoKey),
        _ => Err(ProofRefusal::SeveralKeys),
    }
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

/// A bare key is proved in the same way, whether the credential holds it in JSON or in CBOR (META-34).
fn bare_key(context: &ProofContext<'_>) -> Result<BindingMethod, ProofRefusal> {
    let mut ways = [BindingMethod::Jwk, BindingMethod::CoseKey].into_iter();
    let way = ways.find(|method| context.binding_methods.contains(method));
    way.ok_or(ProofRefusal::BindingNotSupported)
}

/// The claims of VCI §F.1, each there and checked as VCI §F.4 asks (PROOF-27).
fn check_claims(jws: &Jws, context: &ProofContext<'_>) -> Result<SpendableNonce, ProofRefusal> {
    let claims = jws.claims().map_err(|_| ProofRefusal::Unreadable)?;
    if !is_only_audience(&claims, context.credential_issuer) {
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
    context.nonces().parse(nonce, context.now).ok_or(ProofRefusal::BadNonce)
}
