//! Steps 6-19: what a Wallet that keeps to the High Assurance Interoperability Profile asks of an
//! Issuer (HAIP §4, HAIP §6.1, HAIP-01).
//!
//! What an Issuer does not keep is a finding: it names the section, and the row of `spec/`.

use std::collections::BTreeMap;

use keys::x509::Certificate;

use crate::authorization::ChallengeMethods;
use crate::metadata::{ReceivedIssuerMetadata, ReceivedServerMetadata};

/// A rule of the profile that an Issuer, or its authorization server, does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaipFinding {
    /// HAIP-02
    NoCodeFlow,
    /// HAIP-04: RFC 7636
    NoS256,
    /// HAIP-04: RFC 9126
    NoPushedRequests,
    /// HAIP-04: RFC 9207
    NoIss,
    /// HAIP-05
    NoDpop,
    /// HAIP-13
    NoScope,
    /// HAIP-17
    NoNonceEndpoint,
    /// HAIP-23
    SharedScope,
    /// HAIP-25
    AnonymousWallets,
    /// HAIP-30: our Wallet has no other way to authenticate.
    NoWalletAttestation,
    /// HAIP-42
    NoJwk,
    /// HAIP-43
    OtherStatus,
    /// HAIP-46
    NoCertificate,
    /// HAIP-46
    SelfSigned,
    /// HAIP-46
    AnchorIncluded,
}

impl HaipFinding {
    /// What is wrong, for people, and which rule that is against.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoCodeFlow => {
                "HAIP §4 (HAIP-02): nobody can sign in with this issuer (authorization code flow)"
            }
            Self::NoS256 => "HAIP §4 (HAIP-04): the issuer does not name PKCE with S256",
            Self::NoPushedRequests => {
                "HAIP §4 (HAIP-04): the issuer takes no pushed authorization requests"
            }
            Self::NoIss => {
                "HAIP §4 (HAIP-04): the issuer does not say who answers after a sign-in (iss)"
            }
            Self::NoDpop => "HAIP §4 (HAIP-05): the issuer binds no token to a key (DPoP)",
            Self::NoScope => "HAIP §4.1 (HAIP-13): the issuer offers something without a scope",
            Self::NoNonceEndpoint => {
                "HAIP §4.1 (HAIP-17): the issuer binds keys and has no nonce endpoint"
            }
            Self::SharedScope => "HAIP §4.3 (HAIP-23): one scope means two kinds of credential",
            Self::AnonymousWallets => {
                "HAIP §4.4.1 (HAIP-25): the issuer takes wallets that prove nothing of themselves"
            }
            Self::NoWalletAttestation => {
                "HAIP §4.4.1 (HAIP-30): the issuer takes no wallet attestation"
            }
            Self::NoJwk => {
                "HAIP §6.1 (HAIP-42): the credential does not hold the key it is bound to"
            }
            Self::OtherStatus => "HAIP §6.1 (HAIP-43): the credential's status has no status list",
            Self::NoCertificate => {
                "HAIP §6.1.1 (HAIP-46): the credential comes without its issuer's certificate"
            }
            Self::SelfSigned => {
                "HAIP §6.1.1 (HAIP-46): nobody but the issuer has signed its certificate"
            }
            Self::AnchorIncluded => {
                "HAIP §6.1.1 (HAIP-46): the issuer's certificates bring the anchor they end at"
            }
        }
    }
}

/// What metadata show, before a code is sent or a person signs in.
pub fn check_metadata(
    issuer: &ReceivedIssuerMetadata,
    server: &ReceivedServerMetadata,
) -> Result<(), HaipFinding> {
    check_issuer(issuer)?;
    let flow = server.code_flow.as_ref().ok_or(HaipFinding::NoCodeFlow)?;
    let rules = [
        (flow.challenge_methods == ChallengeMethods::WithS256, HaipFinding::NoS256),
        (flow.pushed_authorization_request_endpoint.is_some(), HaipFinding::NoPushedRequests),
        (flow.always_has_iss, HaipFinding::NoIss),
        (!server.sender.dpop_algorithms.is_empty(), HaipFinding::NoDpop),
        (server.sender.takes_attestations, HaipFinding::NoWalletAttestation),
        (
            server.sender.needs_authentication && !server.anonymous_access,
            HaipFinding::AnonymousWallets,
        ),
    ];
    match rules.into_iter().find(|(is_kept, _)| !is_kept) {
        None => Ok(()),
        Some((_, finding)) => Err(finding),
    }
}

/// Every configuration counts, not only what is offered: the rules are about the Issuer.
fn check_issuer(issuer: &ReceivedIssuerMetadata) -> Result<(), HaipFinding> {
    let mut types = BTreeMap::new();
    for configuration in issuer.configurations.values() {
        let scope = configuration.scope.as_deref().ok_or(HaipFinding::NoScope)?;
        // Types can be compared within a format only, and `vct` is that of two names of one.
        let format = configuration.vct.as_ref().map_or(&*configuration.format, |_| "dc+sd-jwt");
        let credential_type = configuration.credential_type();
        if *types.entry((scope, format)).or_insert(credential_type) != credential_type {
            return Err(HaipFinding::SharedScope);
        }
        if configuration.needs_proof && issuer.nonce_endpoint.is_none() {
            return Err(HaipFinding::NoNonceEndpoint);
        }
    }
    Ok(())
}

/// The certificates that come with a credential: the signer's own first, certified by somebody
/// else, and not the anchor, which whoever verifies has already (HAIP-46).
pub fn check_chain(x5c: Option<&[Vec<u8>]>) -> Result<(), HaipFinding> {
    let chain = x5c.ok_or(HaipFinding::NoCertificate)?;
    let mut is_self_issued = chain
        .iter()
        .map(|der| Certificate::from_der(der).is_ok_and(|certificate| certificate.is_self_issued));
    match (is_self_issued.next(), is_self_issued.any(|is_self_issued| is_self_issued)) {
        (None, _) => Err(HaipFinding::NoCertificate),
        (Some(true), _) => Err(HaipFinding::SelfSigned),
        (Some(false), true) => Err(HaipFinding::AnchorIncluded),
        (Some(false), false) => Ok(()),
    }
}
