//! What things there are.

use oid4vci::{attestation, dpop, proof, signed_metadata};

/// What something is; told by its form and its names alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SdJwtVc,
    SdJwt,
    JwtVcJson,
    VcJwt,
    VcSdJwt,
    MsoMdoc,
    LinkedDataCredential,
    CredentialOffer,
    StatusListJwt,
    StatusListCwt,
    SignedIssuerMetadata,
    IssuerMetadata,
    ServerMetadata,
    JwtVcIssuerMetadata,
    KeyAttestation,
    ClientAttestation,
    ClientAttestationPop,
    DpopProof,
    KeyProof,
    KeyBinding,
    Jwt,
    Jwe,
    JwkSet,
    Jwk,
    Certificates,
    TypeMetadata,
    DidDocument,
    Presentation,
    PresentationJwt,
    DeviceResponse,
    Json,
}

impl Kind {
    /// A stable word for scripts, and what people are told.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::SdJwtVc => ("sd_jwt_vc", "Credential in the format dc+sd-jwt (SD-JWT VC)"),
            Self::SdJwt => ("sd_jwt", "SD-JWT"),
            Self::JwtVcJson => ("jwt_vc_json", "Credential in the format jwt_vc_json (W3C 1.1)"),
            Self::VcJwt => ("vc_jwt", "W3C credential of version 2 as a JWT"),
            Self::VcSdJwt => ("vc_sd_jwt", "W3C credential of version 2 as an SD-JWT"),
            Self::MsoMdoc => ("mso_mdoc", "Credential in the format mso_mdoc (ISO mdoc)"),
            Self::LinkedDataCredential => ("w3c_credential", "W3C credential as JSON"),
            Self::CredentialOffer => ("credential_offer", "Credential Offer"),
            Self::StatusListJwt => ("status_list_jwt", "Status list (JWT)"),
            Self::StatusListCwt => ("status_list_cwt", "Status list (CWT)"),
            Self::SignedIssuerMetadata => {
                ("signed_issuer_metadata", "Credential Issuer Metadata, signed")
            }
            Self::IssuerMetadata => ("issuer_metadata", "Credential Issuer Metadata"),
            Self::ServerMetadata => ("server_metadata", "Authorization Server Metadata"),
            Self::JwtVcIssuerMetadata => ("jwt_vc_issuer_metadata", "JWT VC Issuer Metadata"),
            Self::KeyAttestation => ("key_attestation", "Key attestation"),
            Self::ClientAttestation => ("client_attestation", "Client attestation"),
            Self::ClientAttestationPop => {
                ("client_attestation_pop", "Proof of possession for a client attestation")
            }
            Self::DpopProof => ("dpop_proof", "DPoP proof"),
            Self::KeyProof => ("key_proof", "Key proof of a Credential Request"),
            Self::KeyBinding => ("key_binding_jwt", "Key Binding JWT"),
            Self::Jwt => ("jwt", "JWT"),
            Self::Jwe => ("jwe", "Encrypted message (JWE)"),
            Self::JwkSet => ("jwk_set", "JWK Set"),
            Self::Jwk => ("jwk", "JWK"),
            Self::Certificates => ("certificates", "Certificates (X.509)"),
            Self::TypeMetadata => ("type_metadata", "Type metadata of an SD-JWT VC"),
            Self::DidDocument => ("did_document", "DID document"),
            Self::Presentation => ("w3c_presentation", "W3C presentation as JSON"),
            Self::PresentationJwt => ("w3c_presentation_jwt", "W3C presentation as a JWT"),
            Self::DeviceResponse => ("device_response", "Device response (ISO mdocs, shown)"),
            Self::Json => ("json", "JSON"),
        }
    }

    pub(crate) const fn code(self) -> &'static str {
        self.names().0
    }

    pub(crate) const fn title(self) -> &'static str {
        self.names().1
    }

    /// By `typ` of a JWT, where that says it.
    pub(super) fn of_typ(typ: &str) -> Option<Self> {
        let typ = typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        Some(match typ {
            "statuslist+jwt" => Self::StatusListJwt,
            signed_metadata::TYPE => Self::SignedIssuerMetadata,
            attestation::key::TYPE | "keyattestation+jwt" => Self::KeyAttestation,
            attestation::client::TYPE => Self::ClientAttestation,
            attestation::client::POP_TYPE => Self::ClientAttestationPop,
            dpop::TYPE => Self::DpopProof,
            proof::TYPE => Self::KeyProof,
            "kb+jwt" => Self::KeyBinding,
            "vc+jwt" | "vc+ld+jwt" => Self::VcJwt,
            "vp+jwt" | "vp+ld+jwt" => Self::PresentationJwt,
            "dc+sd-jwt" => Self::SdJwtVc,
            "vc+sd-jwt" => Self::VcSdJwt,
            _ => return None,
        })
    }
}
