//! Proofs inside of JSON (VC Data Integrity), by the cryptosuites that sign all of it.
//!
//! | Suite | Canonical form | Key |
//! |---|---|---|
//! | `eddsa-jcs-2022` | RFC 8785 | Ed25519 |
//! | `ecdsa-jcs-2019` | RFC 8785 | P-256, P-384 |
//! | `eddsa-rdfc-2022` | RDFC-1.0 | Ed25519 |
//! | `ecdsa-rdfc-2019` | RDFC-1.0 | P-256, P-384 |
//!
//! Signed are two digests: that of the proof without its value, then that of the document without
//! its proof.

use keys::algorithm::Algorithm;
use keys::digest::DigestAlgorithm;
use keys::multibase;
use keys::outside::Timestamp;
use keys::public_key::PublicKey;
use keys::signer::Signer;
use serde_json::{Map, Value};

use crate::unverified::text;
use crate::w3c::CONTEXT;
use crate::{FormatError, IssueError};

mod contexts;
mod jcs;
mod rdfc;

pub use contexts::Contexts;

/// Where proofs stand in a document.
pub(crate) const PROOF: &str = "proof";
/// The type of every proof of this kind.
const TYPE: &str = "DataIntegrityProof";
/// What a proof of a credential is for.
const PURPOSE: &str = "assertionMethod";
/// The signature.
const VALUE: &str = "proofValue";

/// How documents are brought into one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonicalization {
    /// As JSON (RFC 8785).
    Jcs,
    /// As linked data (RDFC-1.0).
    Rdfc,
}

/// A way to make a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptosuite {
    /// `eddsa-jcs-2022`
    EddsaJcs2022,
    /// `ecdsa-jcs-2019`
    EcdsaJcs2019,
    /// `eddsa-rdfc-2022`
    EddsaRdfc2022,
    /// `ecdsa-rdfc-2019`
    EcdsaRdfc2019,
}

impl Cryptosuite {
    const ALL: [Self; 4] =
        [Self::EddsaJcs2022, Self::EcdsaJcs2019, Self::EddsaRdfc2022, Self::EcdsaRdfc2019];

    /// The suite for a key of this algorithm, where there is one.
    #[must_use]
    pub const fn of(algorithm: Algorithm, canonicalization: Canonicalization) -> Option<Self> {
        match (algorithm, canonicalization) {
            (Algorithm::EdDsa, Canonicalization::Jcs) => Some(Self::EddsaJcs2022),
            (Algorithm::EdDsa, Canonicalization::Rdfc) => Some(Self::EddsaRdfc2022),
            (Algorithm::Es256 | Algorithm::Es384, Canonicalization::Jcs) => {
                Some(Self::EcdsaJcs2019)
            }
            (Algorithm::Es256 | Algorithm::Es384, Canonicalization::Rdfc) => {
                Some(Self::EcdsaRdfc2019)
            }
            (
                Algorithm::Es512 | Algorithm::Es256K | Algorithm::Rs256 | Algorithm::Ps256,
                Canonicalization::Jcs | Canonicalization::Rdfc,
            ) => None,
        }
    }

    /// The value of `cryptosuite`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EddsaJcs2022 => "eddsa-jcs-2022",
            Self::EcdsaJcs2019 => "ecdsa-jcs-2019",
            Self::EddsaRdfc2022 => "eddsa-rdfc-2022",
            Self::EcdsaRdfc2019 => "ecdsa-rdfc-2019",
        }
    }

    /// Reads `cryptosuite`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    const fn canonicalization(self) -> Canonicalization {
        match self {
            Self::EddsaJcs2022 | Self::EcdsaJcs2019 => Canonicalization::Jcs,
            Self::EddsaRdfc2022 | Self::EcdsaRdfc2019 => Canonicalization::Rdfc,
        }
    }

    /// What is signed.
    fn message(
        self,
        algorithm: Algorithm,
        (document, options): (&Map<String, Value>, &Map<String, Value>),
        contexts: &Contexts,
    ) -> Result<Vec<u8>, FormatError> {
        let is_long = algorithm == Algorithm::Es384;
        let digest = if is_long { DigestAlgorithm::Sha384 } else { DigestAlgorithm::Sha256 };
        let [options, document] = match self.canonicalization() {
            Canonicalization::Jcs => [jcs::canonical(options)?, jcs::canonical(document)?],
            Canonicalization::Rdfc => {
                let mut options = options.clone();
                options.remove(CONTEXT);
                options
                    .extend(document.get_key_value(CONTEXT).map(|(k, v)| (k.clone(), v.clone())));
                let canonical = |object| rdfc::canonical(object, is_long, contexts);
                [canonical(&options)?, canonical(document)?]
            }
        };
        Ok([digest.digest(&options), digest.digest(&document)].concat())
    }
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
}

/// Adds a proof to a document.
pub async fn sign(
    mut document: Map<String, Value>,
    options: ProofOptions<'_>,
    signer: &dyn Signer,
) -> Result<Map<String, Value>, IssueError> {
    let suite = Cryptosuite::of(signer.algorithm(), options.canonicalization)
        .ok_or(IssueError::NoCryptosuite)?;
    let mut proof = Map::new();
    let mut insert = |name: &str, value: Value| proof.insert(name.to_owned(), value);
    insert("type", TYPE.into());
    insert("cryptosuite", suite.name().into());
    insert("created", options.created.to_rfc3339().into());
    insert("verificationMethod", options.verification_method.into());
    insert("proofPurpose", PURPOSE.into());
    if let (Canonicalization::Jcs, Some(contexts)) =
        (options.canonicalization, document.get(CONTEXT))
    {
        insert(CONTEXT, contexts.clone());
    }
    let contexts = Contexts::default();
    let message = suite.message(signer.algorithm(), (&document, &proof), &contexts);
    let message = message.map_err(IssueError::Uncanonical)?;
    let signature = signer.sign(&message).await.map_err(IssueError::Signing)?;
    proof.insert(VALUE.to_owned(), multibase::encode_base58(&signature).into());
    document.insert(PROOF.to_owned(), proof.into());
    Ok(document)
}

/// Whether a document could be signed as linked data.
pub(crate) fn check_terms(document: &Map<String, Value>) -> Result<(), FormatError> {
    rdfc::canonical(document, false, &Contexts::default()).map(drop)
}

/// A proof that was read.
#[derive(Clone, Debug)]
pub struct Proof {
    suite: Cryptosuite,
    verification_method: String,
    expires_at: Option<Timestamp>,
    /// All of it but its value.
    options: Map<String, Value>,
    signature: Vec<u8>,
}

impl Proof {
    /// Reads a proof of a credential.
    pub fn parse(proof: &Map<String, Value>) -> Result<Self, FormatError> {
        let says = |name, wanted: &str| proof.get(name).is_some_and(|value| value == wanted);
        if !says("type", TYPE) || !says("proofPurpose", PURPOSE) {
            return Err(FormatError::UnsupportedProof);
        }
        // What an earlier proof vouches for would be part of the document.
        if proof.contains_key("previousProof") {
            return Err(FormatError::UnsupportedProof);
        }
        let suite = text(proof, "cryptosuite")?.ok_or(FormatError::Malformed)?;
        let date = |name| {
            let date = |text: String| Timestamp::from_rfc3339(&text).ok_or(FormatError::Malformed);
            text(proof, name)?.map(date).transpose()
        };
        date("created")?;
        let mut options = proof.clone();
        let value = options.remove(VALUE);
        let value = value.as_ref().and_then(Value::as_str).ok_or(FormatError::Malformed)?;
        Ok(Self {
            suite: Cryptosuite::parse(&suite).ok_or(FormatError::UnsupportedProof)?,
            verification_method: text(proof, "verificationMethod")?
                .ok_or(FormatError::Malformed)?,
            expires_at: date("expires")?,
            signature: multibase::decode_base58(value).ok_or(FormatError::Malformed)?,
            options,
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

    /// Whether it is on what the document means, and not on the JSON.
    pub(crate) fn is_on_statements(&self) -> bool {
        self.suite.canonicalization() == Canonicalization::Rdfc
    }

    /// Verifies that it was made for this document, which is given without proofs.
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
        let message = self.suite.message(key.algorithm(), (&document, &self.options), contexts)?;
        key.verify(&message, &self.signature).map_err(|_| FormatError::WrongSignature)
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
