//! Proofs inside of JSON (VC Data Integrity), by the cryptosuites that sign all of it, and by those of
//! which the holder may leave parts out.
//!
//! | Suite | Canonical form | Key |
//! |---|---|---|
//! | `eddsa-jcs-2022` | RFC 8785 | Ed25519 |
//! | `ecdsa-jcs-2019` | RFC 8785 | P-256, P-384 |
//! | `eddsa-rdfc-2022` | RDFC-1.0 | Ed25519 |
//! | `ecdsa-rdfc-2019` | RDFC-1.0 | P-256, P-384 |
//! | `ecdsa-sd-2023` | RDFC-1.0, each statement by itself ([`sd`]) | P-256 |
//! | `bbs-2023` | the same, and no two disclosures can be linked; in builds with that feature | BLS12-381 |
//!
//! By those that sign all, signed are two digests: that of the proof without its value, then that of the document without
//! its proof.

use keys::algorithm::Algorithm;
use keys::multibase;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value};

use crate::unverified::text;
use crate::validity::{self, LEEWAY_SECONDS};
use crate::w3c::CONTEXT;
use crate::{FormatError, IssueError};

mod chain;
mod contexts;
mod jcs;
mod rdfc;
pub mod sd;
mod suite;

pub use chain::Proofs;
pub use contexts::Contexts;
use sd::SdValue;
pub use suite::{Canonicalization, Cryptosuite};

/// Where proofs stand in a document.
pub(crate) const PROOF: &str = "proof";
/// The type of every proof of this kind.
const TYPE: &str = "DataIntegrityProof";
/// The signature.
const VALUE: &str = "proofValue";

/// What a proof is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofPurpose {
    /// What the document says: of credentials.
    AssertionMethod,
    /// That whoever shows the document has the key.
    Authentication,
}

impl ProofPurpose {
    /// The value of `proofPurpose`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AssertionMethod => "assertionMethod",
            Self::Authentication => "authentication",
        }
    }
}

/// A proof as linked data means what it says by the contexts of its document.
fn with_contexts(
    options: &Map<String, Value>,
    document: &Map<String, Value>,
) -> Map<String, Value> {
    let mut options = options.clone();
    options.remove(CONTEXT);
    options.extend(document.get_key_value(CONTEXT).map(|(k, v)| (k.clone(), v.clone())));
    options
}

/// What a proof says of itself.
#[derive(Clone, Copy, Debug)]
pub struct ProofOptions<'a> {
    /// The name of the key, below the DID of its owner.
    pub verification_method: &'a str,
    /// How the document is brought into one form.
    pub canonicalization: Canonicalization,
    /// When it is made.
    pub created: Timestamp,
    /// The contexts that are known beside those of the program, if any are.
    pub contexts: Option<&'a Contexts>,
}

impl ProofOptions<'_> {
    fn contexts(&self) -> Contexts {
        self.contexts.cloned().unwrap_or_default()
    }
}

/// For whom a key is proved.
#[derive(Clone, Copy, Debug)]
pub struct Authentication<'a> {
    /// Whoever is to believe it.
    pub domain: &'a str,
    /// What shows that it was made for this time.
    pub challenge: Option<&'a str>,
}

/// Adds a proof of what it says to a document.
pub async fn sign(
    document: Map<String, Value>,
    options: ProofOptions<'_>,
    signer: &dyn Signer,
) -> Result<Map<String, Value>, IssueError> {
    let proof =
        options_of(&document, options, (signer.algorithm(), ProofPurpose::AssertionMethod))?;
    sign_with(document, proof, options, signer).await
}

/// Adds a proof that somebody has the key.
pub async fn sign_authentication(
    document: Map<String, Value>,
    options: ProofOptions<'_>,
    Authentication { domain, challenge }: Authentication<'_>,
    signer: &dyn Signer,
) -> Result<Map<String, Value>, IssueError> {
    let mut proof =
        options_of(&document, options, (signer.algorithm(), ProofPurpose::Authentication))?;
    proof.insert("domain".to_owned(), domain.into());
    proof.extend(challenge.map(|challenge| ("challenge".to_owned(), challenge.into())));
    sign_with(document, proof, options, signer).await
}

async fn sign_with(
    mut document: Map<String, Value>,
    mut proof: Map<String, Value>,
    options: ProofOptions<'_>,
    signer: &dyn Signer,
) -> Result<Map<String, Value>, IssueError> {
    let suite = Cryptosuite::of(signer.algorithm(), options.canonicalization)
        .ok_or(IssueError::NoCryptosuite)?;
    let contexts = options.contexts();
    let message = suite.message(signer.algorithm(), (&document, &proof), &contexts);
    let message = message.map_err(IssueError::Uncanonical)?;
    let signature = signer.sign(&message).await.map_err(IssueError::Signing)?;
    proof.insert(VALUE.to_owned(), multibase::encode_base58(&signature).into());
    document.insert(PROOF.to_owned(), proof.into());
    Ok(document)
}

/// A proof without its value.
fn options_of(
    document: &Map<String, Value>,
    options: ProofOptions<'_>,
    (algorithm, purpose): (Algorithm, ProofPurpose),
) -> Result<Map<String, Value>, IssueError> {
    let suite =
        Cryptosuite::of(algorithm, options.canonicalization).ok_or(IssueError::NoCryptosuite)?;
    let mut proof = Map::new();
    let mut insert = |name: &str, value: Value| proof.insert(name.to_owned(), value);
    insert("type", TYPE.into());
    insert("cryptosuite", suite.name().into());
    insert("created", options.created.to_rfc3339().into());
    insert("verificationMethod", options.verification_method.into());
    insert("proofPurpose", purpose.name().into());
    if let (Canonicalization::Jcs, Some(contexts)) =
        (options.canonicalization, document.get(CONTEXT))
    {
        insert(CONTEXT, contexts.clone());
    }
    Ok(proof)
}

/// Whether a document could be signed as linked data.
pub(crate) fn check_terms(
    document: &Map<String, Value>,
    contexts: &Contexts,
) -> Result<(), FormatError> {
    rdfc::canonical(document, false, contexts).map(drop)
}

/// A proof that was read.
#[derive(Clone, Debug)]
pub struct Proof {
    suite: Cryptosuite,
    verification_method: String,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Names of the proofs that it builds on.
    previous: Vec<String>,
    /// All of it but its value.
    options: Map<String, Value>,
    value: ProofValue,
}

/// `proofValue`, by suite.
#[derive(Clone, Debug)]
enum ProofValue {
    Signature(Vec<u8>),
    Selective(SdValue),
    #[cfg(feature = "bbs-2023")]
    Unlinkable(sd::BbsValue),
}

impl ProofValue {
    fn parse(suite: Cryptosuite, text: &str) -> Result<Self, FormatError> {
        match suite {
            Cryptosuite::EcdsaSd2023 => SdValue::parse(text).map(Self::Selective),
            #[cfg(feature = "bbs-2023")]
            Cryptosuite::Bbs2023 => sd::BbsValue::parse(text).map(Self::Unlinkable),
            Cryptosuite::EddsaJcs2022
            | Cryptosuite::EcdsaJcs2019
            | Cryptosuite::EddsaRdfc2022
            | Cryptosuite::EcdsaRdfc2019 => {
                multibase::decode_base58(text).map(Self::Signature).ok_or(FormatError::Malformed)
            }
        }
    }
}

impl Proof {
    /// Reads a proof of a credential.
    pub fn parse(proof: &Map<String, Value>) -> Result<Self, FormatError> {
        Self::parse_for(proof, ProofPurpose::AssertionMethod)
    }

    /// Reads a proof for this purpose.
    pub fn parse_for(
        proof: &Map<String, Value>,
        purpose: ProofPurpose,
    ) -> Result<Self, FormatError> {
        let says = |name, wanted: &str| proof.get(name).is_some_and(|value| value == wanted);
        if !says("type", TYPE) || !says("proofPurpose", purpose.name()) {
            return Err(FormatError::UnsupportedProof);
        }
        let suite = text(proof, "cryptosuite")?.ok_or(FormatError::Malformed)?;
        let date = |name| {
            let date = |text: String| Timestamp::from_rfc3339(&text).ok_or(FormatError::Malformed);
            text(proof, name)?.map(date).transpose()
        };
        let mut options = proof.clone();
        let value = options.remove(VALUE);
        let value = value.as_ref().and_then(Value::as_str).ok_or(FormatError::Malformed)?;
        let suite = Cryptosuite::parse(&suite).ok_or(FormatError::UnsupportedProof)?;
        let value = ProofValue::parse(suite, value)?;
        Ok(Self {
            suite,
            verification_method: text(proof, "verificationMethod")?
                .ok_or(FormatError::Malformed)?,
            created_at: date("created")?,
            expires_at: date("expires")?,
            previous: chain::previous(proof)?,
            options,
            value,
        })
    }

    /// The name of the key.
    #[must_use]
    pub fn verification_method(&self) -> &str {
        &self.verification_method
    }

    /// The first second in which it is no longer good.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Checks when it was made, and when it ends, where it says so (VC Data Integrity §2.1).
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), FormatError> {
        if self.created_at.is_some_and(|created| created > now.plus(LEEWAY_SECONDS)) {
            return Err(FormatError::ProofInFuture);
        }
        validity::check(None, self.expires_at, now).map_err(|_| FormatError::ProofExpired)
    }

    /// Whether it is on what the document means, and not on the JSON.
    pub(crate) fn is_on_statements(&self) -> bool {
        self.suite.canonicalization() != Canonicalization::Jcs
    }

    /// Whether a holder may leave parts out of what it is on.
    pub(crate) const fn is_selective(&self) -> bool {
        !matches!(self.value, ProofValue::Signature(_))
    }

    /// Verifies that it was made for this document, which is given without proofs, but for those that
    /// this one builds on ([`Proofs::document_of`]).
    pub fn verify(
        &self,
        mut document: Map<String, Value>,
        key: &PublicKey,
        contexts: &Contexts,
    ) -> Result<(), FormatError> {
        if Cryptosuite::of(key.algorithm(), self.suite.canonicalization()) != Some(self.suite) {
            return Err(FormatError::WrongSignature);
        }
        if self.suite.canonicalization() == Canonicalization::Jcs {
            self.take_contexts(&mut document)?;
        }
        let signed = (&document, &self.options);
        match &self.value {
            ProofValue::Signature(signature) => {
                let message = self.suite.message(key.algorithm(), signed, contexts)?;
                key.verify(&message, signature).map_err(|_| FormatError::WrongSignature)
            }
            ProofValue::Selective(value) => sd::verify(value, signed, key, contexts),
            #[cfg(feature = "bbs-2023")]
            ProofValue::Unlinkable(value) => sd::verify_unlinkable(value, signed, key, contexts),
        }
    }

    /// The contexts that were there when it was signed stand in the proof; others may have been
    /// added behind them since.
    fn take_contexts(&self, document: &mut Map<String, Value>) -> Result<(), FormatError> {
        let Some(signed) = self.options.get(CONTEXT) else { return Ok(()) };
        let begins = match (document.get(CONTEXT), signed) {
            (Some(Value::Array(there)), Value::Array(signed)) => there.starts_with(signed),
            (Some(Value::Array(there)), one) => there.first() == Some(one),
            (there, signed) => there == Some(signed),
        };
        if !begins {
            return Err(FormatError::OtherContexts);
        }
        document.insert(CONTEXT.to_owned(), signed.clone());
        Ok(())
    }
}
