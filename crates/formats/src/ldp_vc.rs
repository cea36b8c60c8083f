//! W3C Verifiable Credential with a Data Integrity proof, format `ldp_vc` (VCI §A.1.2).

#[cfg(feature = "bbs-2023")]
use keys::bbs::BbsKey;
use keys::json;
use keys::outside::{Random, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value};

use crate::data_integrity::{self, Contexts, PROOF, Proof, ProofOptions, Proofs, sd};
use crate::path::Step;
use crate::status_list::CredentialStatus;
use crate::validity;
use crate::verified::{Format, Verified};
use crate::w3c::{DataModel, SUBJECT, Said, W3cClaims, members};
use crate::{CREDENTIAL_BYTES_MAX, FormatError, IssueError, KeyReference};

/// The Credential Format Identifier (FMT-LDP-01).
pub const FORMAT: &str = "ldp_vc";
/// Who says it, of whom, for how long, and whether still: no holder may leave that out.
const ALWAYS_SHOWN: [&str; 5] =
    ["/issuer", "/validFrom", "/validUntil", "/credentialStatus", "/credentialSubject/id"];
/// Members of a context that exchange no names.
const HARMLESS: [&str; 3] = ["@vocab", "@version", "@protected"];

/// Makes and signs a credential: an object, not text (FMT-LDP-05).
pub async fn issue(
    claims: W3cClaims<'_>,
    options: ProofOptions<'_>,
    signer: &dyn Signer,
) -> Result<Value, IssueError> {
    sign(prepare(&claims)?, options, signer).await
}

/// Makes all of a credential but its proof.
pub fn prepare(claims: &W3cClaims<'_>) -> Result<Map<String, Value>, IssueError> {
    claims.credential(DataModel::V2)
}

/// Signs what [`prepare`] made.
pub async fn sign(
    prepared: Map<String, Value>,
    options: ProofOptions<'_>,
    signer: &dyn Signer,
) -> Result<Value, IssueError> {
    short(data_integrity::sign(prepared, options, signer).await?)
}

/// Signs what [`prepare`] made, of which the holder may leave claims out, but for those at the paths
/// `mandatory` below the subject, and for what every reader needs.
pub async fn sign_selective(
    prepared: Map<String, Value>,
    options: ProofOptions<'_>,
    mandatory: &[Vec<Step>],
    (signer, random): (&dyn Signer, &dyn Random),
) -> Result<Value, IssueError> {
    let (credential, mandatory) = always_shown(prepared, mandatory);
    let signers = (signer, random);
    short(sd::sign_selective(credential, options, mandatory, signers).await?)
}

/// The same, so that nobody can tell by their proofs which disclosures are of one credential.
#[cfg(feature = "bbs-2023")]
pub fn sign_unlinkable(
    prepared: Map<String, Value>,
    options: ProofOptions<'_>,
    mandatory: &[Vec<Step>],
    signers: (&BbsKey, &dyn Random),
) -> Result<Value, IssueError> {
    let (credential, mandatory) = always_shown(prepared, mandatory);
    short(sd::sign_unlinkable(credential, options, mandatory, signers)?)
}

/// Pointers to what no holder may leave out of a credential; those that lead nowhere are left out.
fn always_shown(
    prepared: Map<String, Value>,
    mandatory: &[Vec<Step>],
) -> (Map<String, Value>, Vec<String>) {
    let below_subject = mandatory.iter().map(|path| {
        path.iter().fold(format!("/{SUBJECT}"), |pointer, step| {
            let step = step.to_string().replace('~', "~0").replace('/', "~1"); // RFC 6901 §3
            format!("{pointer}/{step}")
        })
    });
    let always = ALWAYS_SHOWN.iter().map(|pointer| (*pointer).to_owned());
    let whole = Value::Object(prepared.clone());
    let is_there = |pointer: &String| whole.pointer(pointer).is_some();
    (prepared, always.chain(below_subject).filter(is_there).collect())
}

fn short(secured: Map<String, Value>) -> Result<Value, IssueError> {
    let is_short = json::text(&secured).len() <= CREDENTIAL_BYTES_MAX;
    if is_short { Ok(secured.into()) } else { Err(IssueError::TooLong) }
}

/// Whether claims could be signed as linked data: the contexts give each a meaning.
pub fn check_terms(claims: &W3cClaims<'_>, contexts: &Contexts) -> Result<(), IssueError> {
    let credential = claims.credential(DataModel::V2)?;
    data_integrity::check_terms(&credential, contexts).map_err(IssueError::Uncanonical)
}

/// A credential that was read; nothing that it says can be relied on yet.
#[derive(Clone, Debug)]
pub struct LdpVc {
    /// Without its proofs.
    document: Map<String, Value>,
    model: DataModel,
    proofs: Proofs,
    proof: Proof,
    said: Said,
    issuer: String,
    contexts: Contexts,
    raw: String,
}

impl LdpVc {
    /// Reads what an issuer sent; of several proofs, one of its own (VC Data Integrity, proof sets).
    pub fn parse(credential: &Value) -> Result<Self, FormatError> {
        let document = credential.as_object().ok_or(FormatError::Malformed)?;
        let raw = json::text(document);
        if raw.len() > CREDENTIAL_BYTES_MAX {
            return Err(FormatError::TooLong);
        }
        // Whoever gave us the value need not have bounded its depth.
        let mut document =
            json::parse_object(raw.as_bytes()).map_err(|_| FormatError::Malformed)?;
        let proofs = document.remove(PROOF).ok_or(FormatError::Malformed)?;
        let model = DataModel::of(&document)?;
        let said = Said::of(&document, model)?;
        let issuer = said.issuer.clone().ok_or(FormatError::Malformed)?;
        let proofs = Proofs::parse(&proofs)?;
        let proof = proof_of(&issuer, &proofs)?;
        let contexts = Contexts::default();
        Ok(Self { document, model, proofs, proof, said, issuer, contexts, raw })
    }

    /// The same for whoever knows more contexts than the program has.
    pub(crate) fn with_contexts(self, contexts: &Contexts) -> Self {
        Self { contexts: contexts.clone(), ..self }
    }

    /// Which key claims to have signed.
    #[must_use]
    pub fn key_reference(&self) -> KeyReference {
        let kid = Some(self.proof.verification_method().to_owned());
        KeyReference { x5c: None, kid, iss: Some(self.issuer.clone()) }
    }

    pub(crate) fn status(&self) -> Result<Option<CredentialStatus>, FormatError> {
        CredentialStatus::of_document(&self.document, self.said.status.as_ref())
    }

    /// Whether it says itself what its names mean, under a proof that is on the meaning alone: whoever
    /// had it could have exchanged the names. A vocabulary gives each name a meaning of its own.
    pub(crate) fn names_itself(&self) -> bool {
        let mut own = self.said.contexts.iter().filter_map(Value::as_object);
        let exchanges = |name: &String| !HARMLESS.contains(&&**name);
        self.proof.is_on_statements() && own.any(|context| context.keys().any(exchanges))
    }

    /// Verifies the proof, then the times. What the data model demands is looked at here and not where
    /// it is read: what was taken in before it was asked for can still be read.
    pub fn verify(mut self, key: &PublicKey, now: Timestamp) -> Result<Verified, FormatError> {
        let status = self.status();
        if self.model == DataModel::V2 {
            members::check(&self.document, !self.proof.is_selective())?;
        }
        let document = self.proofs.document_of(&self.proof, self.document)?;
        self.proof.verify(document, key, &self.contexts)?;
        let status = status?;
        self.proof.check_time(now)?;
        validity::check(self.said.not_before, self.said.expires_at, now)?;
        // What nobody vouches for any more is over.
        let ends = [self.said.expires_at, self.proof.expires_at()];
        self.said.expires_at = ends.into_iter().flatten().min();
        Ok(self.said.verified(Format::LdpVc, status, self.raw))
    }
}

/// The first proof by a key of the issuer that we can verify; a key of somebody else proves nothing
/// (catalogue I13). What it builds on is signed with it; whose those earlier proofs are is not asked.
fn proof_of(issuer: &str, proofs: &Proofs) -> Result<Proof, FormatError> {
    let mut refused = FormatError::Malformed;
    for proof in proofs.iter() {
        match Proof::parse(proof) {
            Ok(proof) if owner(proof.verification_method()) == issuer => return Ok(proof),
            Ok(_) => refused = FormatError::OtherIssuer,
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Whose key it is: what stands before `#`.
fn owner(verification_method: &str) -> &str {
    verification_method.split('#').next().unwrap_or(verification_method)
}
