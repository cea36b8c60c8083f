//! Which ways there are to make a proof, by key and canonical form.

use keys::algorithm::Algorithm;
use keys::digest::DigestAlgorithm;
use serde_json::{Map, Value};

use super::{Contexts, jcs, rdfc, with_contexts};
use crate::FormatError;

/// How documents are brought into one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonicalization {
    /// As JSON (RFC 8785).
    Jcs,
    /// As linked data (RDFC-1.0).
    Rdfc,
    /// As linked data, of which the holder may leave statements out.
    Selective,
    /// The same, so that nobody can tell by the proofs which of them are of one credential.
    Unlinkable,
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
    /// `ecdsa-sd-2023`
    EcdsaSd2023,
    /// `bbs-2023`
    #[cfg(feature = "bbs-2023")]
    Bbs2023,
}

impl Cryptosuite {
    const ALL: &[Self] = &[
        Self::EddsaJcs2022,
        Self::EcdsaJcs2019,
        Self::EddsaRdfc2022,
        Self::EcdsaRdfc2019,
        Self::EcdsaSd2023,
        #[cfg(feature = "bbs-2023")]
        Self::Bbs2023,
    ];

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
            (Algorithm::Es256, Canonicalization::Selective) => Some(Self::EcdsaSd2023),
            #[cfg(feature = "bbs-2023")]
            (Algorithm::Bbs, Canonicalization::Unlinkable) => Some(Self::Bbs2023),
            (_, Canonicalization::Selective | Canonicalization::Unlinkable)
            | (
                Algorithm::Es512
                | Algorithm::Es256K
                | Algorithm::Rs256
                | Algorithm::Ps256
                | Algorithm::Bbs,
                Canonicalization::Jcs | Canonicalization::Rdfc,
            ) => None,
        }
    }

    /// Whether a name is that of a suite which other builds of this program know.
    #[must_use]
    pub fn is_of_other_builds(name: &str) -> bool {
        cfg!(not(feature = "bbs-2023")) && name == "bbs-2023"
    }

    /// The value of `cryptosuite`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EddsaJcs2022 => "eddsa-jcs-2022",
            Self::EcdsaJcs2019 => "ecdsa-jcs-2019",
            Self::EddsaRdfc2022 => "eddsa-rdfc-2022",
            Self::EcdsaRdfc2019 => "ecdsa-rdfc-2019",
            Self::EcdsaSd2023 => "ecdsa-sd-2023",
            #[cfg(feature = "bbs-2023")]
            Self::Bbs2023 => "bbs-2023",
        }
    }

    /// Reads `cryptosuite`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.name() == name)
    }

    pub(super) const fn canonicalization(self) -> Canonicalization {
        match self {
            Self::EddsaJcs2022 | Self::EcdsaJcs2019 => Canonicalization::Jcs,
            Self::EddsaRdfc2022 | Self::EcdsaRdfc2019 => Canonicalization::Rdfc,
            Self::EcdsaSd2023 => Canonicalization::Selective,
            #[cfg(feature = "bbs-2023")]
            Self::Bbs2023 => Canonicalization::Unlinkable,
        }
    }

    /// What is signed.
    pub(super) fn message(
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
                let canonical = |object| rdfc::canonical(object, is_long, contexts);
                [canonical(&with_contexts(options, document))?, canonical(document)?]
            }
            Canonicalization::Selective | Canonicalization::Unlinkable => {
                return Err(FormatError::UnsupportedProof);
            }
        };
        Ok([digest.digest(&options), digest.digest(&document)].concat())
    }
}
