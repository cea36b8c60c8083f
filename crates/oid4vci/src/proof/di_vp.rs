//! Proofs of type `di_vp`: W3C presentations with nothing in them, each with a Data Integrity proof by a
//! key that is to be bound (VCI §F.2).

use formats::data_integrity::{
    Authentication, Canonicalization, Contexts, Cryptosuite, Proof, ProofOptions, ProofPurpose,
    sign_authentication,
};
use formats::{FormatError, IssueError};
use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::signer::Signer;
use keys::{did, json};
use serde_json::{Map, Value, json};

use super::did::{Named, WantedDocument, wanted};
use super::{PROOF_BYTES_MAX, ProofContext, VerifiedProofs};
use crate::attestation::key::KeyAttestationRefusal;
use crate::nonce::SpendableNonce;
use crate::proof::ProofRefusal;

/// What a presentation is, beside what it may be (VCDM 2.0).
const TYPE: &str = "VerifiablePresentation";
/// Its context, in what we make.
const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// Those that sign the whole of it, ours first.
const CANONICALIZATIONS: [Canonicalization; 2] = [Canonicalization::Jcs, Canonicalization::Rdfc];

/// The cryptosuites for keys of these algorithms, as `proof_signing_alg_values_supported` names them
/// (PROOF-20).
#[must_use]
pub fn cryptosuites(algorithms: &[Algorithm]) -> Vec<Cryptosuite> {
    let mut suites = Vec::new();
    for algorithm in algorithms {
        for canonicalization in CANONICALIZATIONS {
            let suite = Cryptosuite::of(*algorithm, canonicalization);
            suites.extend(suite.filter(|suite| !suites.contains(suite)));
        }
    }
    suites
}

/// Verifies all proofs or none; what is cheap comes first (catalogue Q04).
pub(super) fn verify(
    presentations: &[Map<String, Value>],
    context: &ProofContext<'_>,
) -> Result<VerifiedProofs, ProofRefusal> {
    let parsed = parse_all(presentations, context)?;
    wanted(parsed.iter().map(|presentation| &presentation.named))?;
    let mut signed = Vec::new();
    for Parsed { document, proof, named, nonce } in parsed {
        let holder = named.holder(context)?;
        if !context.algorithms.contains(&holder.key.algorithm()) {
            return Err(ProofRefusal::CryptosuiteNotSupported);
        }
        signed.push((document, proof, holder, nonce));
    }
    let mut verified = VerifiedProofs::default();
    for (document, proof, holder, nonce) in signed {
        proof.verify(document, &holder.key, &Contexts::default()).map_err(of_format)?; // PROOF-25
        verified.spend(nonce);
        if !verified.bind(holder.key, holder.binding) {
            return Err(ProofRefusal::RepeatedKey);
        }
    }
    Ok(verified)
}

/// The documents that [`verify`] will need: only of a request about which everything is good that can
/// be judged without them (catalogue F01).
pub(super) fn documents(
    presentations: &[Map<String, Value>],
    context: &ProofContext<'_>,
) -> Result<Vec<WantedDocument>, ProofRefusal> {
    wanted(parse_all(presentations, context)?.iter().map(|presentation| &presentation.named))
}

fn parse_all(
    presentations: &[Map<String, Value>],
    context: &ProofContext<'_>,
) -> Result<Vec<Parsed>, ProofRefusal> {
    if presentations.is_empty() {
        return Err(ProofRefusal::Missing); // PROOF-02
    }
    if presentations.len() > context.proofs_max {
        return Err(ProofRefusal::TooMany);
    }
    if context.key_attestations.required.is_some() {
        return Err(KeyAttestationRefusal::Missing.into()); // it has no place for one
    }
    presentations.iter().map(|presentation| parse(presentation, context)).collect()
}

/// A presentation that claims the right things; its signature has not been looked at.
struct Parsed {
    /// Without its proof.
    document: Map<String, Value>,
    proof: Proof,
    named: Named,
    nonce: SpendableNonce,
}

fn parse(
    presentation: &Map<String, Value>,
    context: &ProofContext<'_>,
) -> Result<Parsed, ProofRefusal> {
    let unreadable = ProofRefusal::UnreadablePresentation;
    let mut document = presentation.clone();
    if json::text(&document).len() > PROOF_BYTES_MAX || !names(document.get("type"), TYPE) {
        return Err(unreadable);
    }
    if has_own_context(&document) {
        return Err(ProofRefusal::UnknownPresentationTerm);
    }
    // One proof: with several, some would say nothing of this key.
    let proof = match document.remove("proof") {
        Some(Value::Object(proof)) => proof,
        Some(Value::Array(proofs)) => match <[Value; 1]>::try_from(proofs) {
            Ok([Value::Object(proof)]) => proof,
            _ => return Err(unreadable),
        },
        _ => return Err(unreadable),
    };
    let suite = proof.get("cryptosuite").and_then(Value::as_str).and_then(Cryptosuite::parse);
    if suite.is_none_or(|suite| !cryptosuites(context.algorithms).contains(&suite)) {
        return Err(ProofRefusal::CryptosuiteNotSupported); // PROOF-22
    }
    if proof
        .get("proofPurpose")
        .is_none_or(|purpose| purpose != ProofPurpose::Authentication.name())
    {
        return Err(ProofRefusal::WrongPurpose); // PROOF-23
    }
    let nonce = check_claims(&proof, context)?;
    let proof = Proof::parse_for(&proof, ProofPurpose::Authentication).map_err(of_format)?;
    let named = signer(&document, &proof, context)?;
    Ok(Parsed { document, proof, named, nonce })
}

/// Nothing is presented, so there is no word that the known contexts lack; one that is written out
/// would be read again for each value, before anybody knows who sent it.
fn has_own_context(document: &Map<String, Value>) -> bool {
    match document.get("@context") {
        Some(Value::Array(contexts)) => contexts.iter().any(Value::is_object),
        context => context.is_some_and(Value::is_object),
    }
}

/// The verification method is a key of the DID (PROOF-25) that is `holder`, if that is there (PROOF-21).
fn signer(
    document: &Map<String, Value>,
    proof: &Proof,
    context: &ProofContext<'_>,
) -> Result<Named, ProofRefusal> {
    let method = proof.verification_method();
    if !method.contains('#') {
        return Err(ProofRefusal::BadMethod);
    }
    let of_kid = |refusal| {
        let is_of_kid = matches!(refusal, ProofRefusal::KidNotSupported | ProofRefusal::BadDid);
        if is_of_kid { ProofRefusal::BadMethod } else { refusal }
    };
    let named = Named::by_did(method, context).map_err(of_kid)?;
    let holder = document.get("holder");
    let holder = holder.map(|holder| holder.get("id").unwrap_or(holder));
    if holder.is_some_and(|holder| holder != did::did_of(method)) {
        return Err(ProofRefusal::OtherHolder);
    }
    Ok(named)
}

/// For whom it was made, for which nonce, and when.
fn check_claims(
    proof: &Map<String, Value>,
    context: &ProofContext<'_>,
) -> Result<SpendableNonce, ProofRefusal> {
    // AMB-11: the identifier itself, not a DID of the issuer.
    if proof.get("domain").is_none_or(|domain| domain != context.credential_issuer) {
        return Err(ProofRefusal::WrongDomain); // PROOF-23
    }
    let time = |name: &str| match proof.get(name) {
        None => Ok(None),
        Some(text) => {
            let time = text.as_str().and_then(Timestamp::from_rfc3339);
            time.map(Some).ok_or(ProofRefusal::UnreadablePresentation)
        }
    };
    let is_far = |time: Timestamp| time.0.abs_diff(context.now.0) > context.window_seconds;
    if time("created")?.is_some_and(is_far)
        || time("expires")?.is_some_and(|end| end <= context.now)
    {
        return Err(ProofRefusal::CreatedTooFar); // PROOF-33
    }
    // PROOF-24, AMB-11: always, as we have a Nonce Endpoint.
    let nonce = proof.get("challenge").and_then(Value::as_str).ok_or(ProofRefusal::NoChallenge)?;
    context.nonces().parse(nonce, context.now).ok_or(ProofRefusal::BadNonce)
}

/// One value, or one of several.
fn names(value: Option<&Value>, wanted: &str) -> bool {
    match value {
        Some(Value::Array(values)) => values.iter().any(|value| value == wanted),
        value => value.is_some_and(|value| value == wanted),
    }
}

fn of_format(error: FormatError) -> ProofRefusal {
    if error == FormatError::WrongSignature {
        ProofRefusal::WrongSignature
    } else if matches!(error, FormatError::UndefinedTerm | FormatError::UnknownContext) {
        ProofRefusal::UnknownPresentationTerm
    } else {
        ProofRefusal::UnreadablePresentation
    }
}

/// What a Wallet puts into a presentation (VCI §F.2).
#[derive(Debug)]
pub struct NewPresentation<'p> {
    /// The DID URL of the key to bind.
    pub verification_method: &'p str,
    /// `domain`, exactly as the issuer writes itself (PROOF-23).
    pub credential_issuer: &'p str,
    /// The nonce last received (PROOF-24).
    pub nonce: Option<&'p str>,
    /// The cryptosuites that the issuer takes (PROOF-22).
    pub cryptosuites: &'p [Cryptosuite],
    /// `created`.
    pub now: Timestamp,
}

impl NewPresentation<'_> {
    /// Makes the presentation, signed by the key that is to be bound.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<Map<String, Value>, IssueError> {
        let fits = |canonicalization: &Canonicalization| {
            let suite = Cryptosuite::of(signer.algorithm(), *canonicalization);
            suite.is_some_and(|suite| self.cryptosuites.contains(&suite))
        };
        let canonicalization = CANONICALIZATIONS.into_iter().find(fits);
        let canonicalization = canonicalization.ok_or(IssueError::NoCryptosuite)?;
        let members = [
            ("@context", json!([CONTEXT])),
            ("type", json!([TYPE])),
            ("holder", did::did_of(self.verification_method).into()), // PROOF-21
        ];
        let presentation =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let options = ProofOptions {
            verification_method: self.verification_method,
            canonicalization,
            created: self.now,
            contexts: None,
        };
        let authentication =
            Authentication { domain: self.credential_issuer, challenge: self.nonce };
        sign_authentication(presentation, options, authentication, signer).await
    }
}
