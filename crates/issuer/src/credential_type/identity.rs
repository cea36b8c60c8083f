//! Under which name an issuer signs credentials of a type, and so how verifiers find its key.

use formats::data_integrity::Canonicalization;
use serde::Deserialize;

use super::StatusKind;
use super::entry::Entry;
use super::format::{Format, Securing};
use crate::config::ConfigError;

/// The names of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Identity {
    /// Its address, where its keys are published (FMT-SDJWT-09).
    #[serde(rename = "https")]
    Https,
    /// The same, and the certificate of the key goes with each credential.
    #[serde(rename = "x509")]
    X509,
    /// The DID of its website, whose document has its keys.
    #[serde(rename = "did:web")]
    DidWeb,
    /// The DID that is the key; another key is another issuer.
    #[serde(rename = "did:jwk")]
    DidJwk,
    /// Likewise.
    #[serde(rename = "did:key")]
    DidKey,
}

impl Identity {
    /// Where nothing else is written.
    const fn usual(format: &Format) -> Self {
        match format {
            Format::SdJwtVc { .. } | Format::MsoMdoc { .. } => Self::X509,
            Format::W3c(w3c) => match w3c.securing {
                Securing::LdpVc(_) => Self::DidWeb,
                Securing::JwtVcJson
                | Securing::JwtVcJsonLd
                | Securing::VcJwt
                | Securing::VcSdJwt => Self::Https,
            },
        }
    }

    /// Whether it changes with the key.
    const fn is_of_key(self) -> bool {
        matches!(self, Self::DidJwk | Self::DidKey)
    }
}

/// Reads it; `status` is the kind of list in which credentials of the type have entries, if any.
pub(super) fn read(
    entry: &Entry<'_>,
    (format, status): (&Format, Option<StatusKind>),
) -> Result<Identity, ConfigError> {
    let Some(identity) = entry.written.issuer_identity else { return Ok(Identity::usual(format)) };
    let refuse =
        |problem: &str, remedy: &str| Err(entry.mistake("issuer_identity", problem, remedy));
    match format {
        Format::MsoMdoc { .. } if identity != Identity::X509 => {
            refuse("the key of an mdoc is found by its certificate alone", "remove the line")
        }
        Format::W3c(w3c) => match w3c.securing {
            Securing::LdpVc(_) if matches!(identity, Identity::Https | Identity::X509) => refuse(
                "a proof inside of JSON names its key below a DID",
                "write did:web, did:jwk or did:key, or remove the line",
            ),
            Securing::LdpVc(Canonicalization::Unlinkable) if identity == Identity::DidJwk => {
                refuse("a key of bbs-2023 has no JWK", "write did:key, or remove the line")
            }
            _ if identity.is_of_key() && status == Some(StatusKind::Bitstring) => refuse(
                "a list of this kind names the issuer of its credentials, and this name is gone with \
                 the key",
                "set status = \"token\" where the format has it, or status_list = false; or write \
                 did:web",
            ),
            Securing::LdpVc(_)
            | Securing::JwtVcJson
            | Securing::JwtVcJsonLd
            | Securing::VcJwt
            | Securing::VcSdJwt => Ok(identity),
        },
        Format::SdJwtVc { .. } | Format::MsoMdoc { .. } => Ok(identity),
    }
}
