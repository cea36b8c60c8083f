//! Steps 8-11: who sends a Token Request, as far as it was proved: by a key that the token will be
//! bound to (RFC 9449 §5), by an attested instance of a Wallet (VCI §E), by both or by neither.

use keys::algorithm::Algorithm;
use keys::outside::Timestamp;
use keys::public_key::Thumbprint;
use serde::Serialize;
use serde_json::Value;

use crate::attestation::client::{ClientAttestationRefusal, VerifiedClientAttestation};
use crate::client::{NONE, PRIVATE_KEY_JWT};
use crate::dpop::{DpopRefusal, VerifiedDpop};
use crate::grant::Redemption;
use crate::replay::UsedJti;
use crate::token::{TokenRefusal, TokenType};

/// `token_endpoint_auth_methods_supported`: a Wallet that its provider vouches for (WALATT-11).
pub const ATTEST_JWT_CLIENT_AUTH: &str = "attest_jwt_client_auth";
/// Seconds after the redemption in which the same sender may send the same code again.
pub const RETRY_SECONDS: u64 = 60;

/// What a sender has proved; the default has proved nothing.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// A key of its own.
    pub dpop: Option<VerifiedDpop>,
    /// That somebody trusted vouches for it.
    pub client: Option<VerifiedClientAttestation>,
}

/// What the operator asks of senders.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderPolicy {
    /// Only bound tokens are issued (HAIP-05).
    pub dpop_required: bool,
    /// Only attested Wallets get a token.
    pub attestation_required: bool,
}

impl SenderPolicy {
    /// Refuses who has proved too little; nothing is spent by that.
    pub(crate) fn check(self, sender: &Sender) -> Result<(), TokenRefusal> {
        if self.attestation_required && sender.client.is_none() {
            return Err(ClientAttestationRefusal::Missing.into());
        }
        if self.dpop_required && sender.dpop.is_none() {
            return Err(DpopRefusal::Missing.into());
        }
        Ok(())
    }
}

impl Sender {
    /// The key that the token is bound to (RFC 9449 §6.1).
    #[must_use]
    pub fn bound_to(&self) -> Option<&Thumbprint> {
        self.dpop.as_ref().map(VerifiedDpop::thumbprint)
    }

    /// The Client Instance Key.
    #[must_use]
    pub fn client_key(&self) -> Option<&Thumbprint> {
        self.client.as_ref().map(VerifiedClientAttestation::thumbprint)
    }

    /// The client: the attested one, else the one that the request names (HAIP-29).
    #[must_use]
    pub fn client_id<'s>(&'s self, given: Option<&'s str>) -> Option<&'s str> {
        self.client.as_ref().map(VerifiedClientAttestation::client_id).or(given)
    }

    /// What its request spends, in the commit that it leads to (RFC 9449 §11.1, B23).
    #[must_use]
    pub fn used(&self) -> Vec<UsedJti> {
        let dpop = self.dpop.as_ref().map(VerifiedDpop::used);
        let client = self.client.as_ref().map(VerifiedClientAttestation::used);
        dpop.into_iter().chain(client).copied().collect()
    }

    /// How the token is to be presented (RFC 9449 §5).
    #[must_use]
    pub const fn token_type(&self) -> TokenType {
        if self.dpop.is_some() { TokenType::DPoP } else { TokenType::Bearer }
    }

    /// Why a request that came before is refused: one of its two proofs did.
    #[must_use]
    pub fn replayed(&self) -> TokenRefusal {
        match self.dpop {
            Some(_) => DpopRefusal::Replayed.into(),
            None => ClientAttestationRefusal::Replayed.into(),
        }
    }

    /// Whether it may have another token for a code that it has redeemed: the answer may have been
    /// lost on its way. It proves the same keys as then, and at least one; who proved nothing could
    /// be anybody who has seen the code.
    #[must_use]
    pub fn may_redeem_again(&self, redemption: &Redemption, now: Timestamp) -> bool {
        let same = self.bound_to() == redemption.bound_to.as_ref()
            && self.client_key() == redemption.client_key.as_ref();
        let proved = self.dpop.is_some() || self.client.is_some();
        same && proved && now < redemption.at.plus(RETRY_SECONDS)
    }
}

/// Members of authorization server metadata that say how senders are known; each is there exactly
/// when it is on.
#[derive(Debug, Default, Serialize)]
pub struct SenderMetadata {
    /// RFC 9449 §5.1
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    /// WALATT-11
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_signing_alg_values_supported: Vec<&'static str>,
    /// WALATT-11
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_pop_signing_alg_values_supported: Vec<&'static str>,
    /// WALATT-10
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge_endpoint: Option<String>,
}

/// The same as a Wallet takes it; algorithms that we do not know are left out.
#[derive(Clone, Debug, Default)]
pub struct ReceivedSenderMetadata {
    /// RFC 9449 §5.1: for DPoP proofs; empty where the server knows nothing of them.
    pub dpop_algorithms: Vec<Algorithm>,
    /// Whether a client attestation is taken (WALATT-11).
    pub takes_attestations: bool,
    /// For client assertions; empty where the server takes none (RFC 8414 §2).
    pub assertion_algorithms: Vec<Algorithm>,
    /// Whether nothing but a client attestation is taken.
    pub needs_attestation: bool,
    /// Whether it lists how Wallets authenticate, and `none` is not among that (HAIP-25).
    pub needs_authentication: bool,
}

impl ReceivedSenderMetadata {
    /// Reads these members of authorization server metadata.
    #[must_use]
    pub fn parse(metadata: &Value) -> Self {
        let listed = |name: &str| {
            let listed = metadata.get(name).and_then(Value::as_array).into_iter().flatten();
            listed.filter_map(Value::as_str).collect::<Vec<&str>>()
        };
        let methods = listed("token_endpoint_auth_methods_supported");
        let takes_attestations = methods.contains(&ATTEST_JWT_CLIENT_AUTH);
        let algorithms = listed("dpop_signing_alg_values_supported");
        let takes_keys = methods.contains(&PRIVATE_KEY_JWT);
        let for_assertions = match &listed("token_endpoint_auth_signing_alg_values_supported")[..] {
            _ if !takes_keys => Vec::new(),
            [] => Algorithm::ALL.to_vec(), // it must say which, and some do not
            named => named.iter().copied().filter_map(Algorithm::parse).collect(),
        };
        Self {
            dpop_algorithms: algorithms.into_iter().filter_map(Algorithm::parse).collect(),
            takes_attestations,
            assertion_algorithms: for_assertions,
            needs_authentication: !methods.is_empty() && !methods.contains(&NONE),
            needs_attestation: takes_attestations && methods.len() == 1,
        }
    }
}
