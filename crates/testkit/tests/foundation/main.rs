//! The modules of the conformance suite by which OpenID4VCI 1.0 is certified, played by us: one
//! test a module, under the module's name with `_` for `-` and `.`.
//!
//! This is our own rendition of what each module asks for, not the suite: what that would show a
//! certifier, these tests show us on every run. `MODULES` is the list of its plans for issuers and
//! wallets at commit 12f2a4dac (2026-08); modules of the FAPI 2.0 Security Profile that its HAIP
//! plans add are those of another specification, and are not in it.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::struct_excessive_bools,
    clippy::unwrap_used,
    reason = "each switch is a variant of the suite; a test stops at the first surprise"
)]

mod attested;
mod emulated_wallet;
mod issuer;
mod metadata;
mod player;
mod refused;
mod variant;
mod wallet;

/// Name of the module, and the file with the test that plays it.
const MODULES: [(&str, &str); 26] = [
    ("oid4vci-1_0-issuer-metadata-test", METADATA),
    ("oid4vci-1_0-issuer-metadata-test-signed", METADATA),
    ("oid4vci-1_0-issuer-happy-flow", ISSUER),
    ("oid4vci-1_0-issuer-happy-flow-additional-requests", ISSUER),
    ("oid4vci-1_0-issuer-happy-flow-multiple-clients", ISSUER),
    ("oid4vci-1_0-issuer-happy-flow-skip-notification", ISSUER),
    ("oid4vci-1_0-issuer-batch-issuance", ISSUER),
    ("oid4vci-1_0-issuer-fail-invalid-nonce", REFUSED),
    ("oid4vci-1_0-issuer-fail-invalid-jwt-proof-signature", REFUSED),
    ("oid4vci-1_0-issuer-fail-invalid-key-attestation-signature", REFUSED),
    ("oid4vci-1_0-issuer-fail-missing-proof", REFUSED),
    ("oid4vci-1_0-issuer-fail-unsupported-encryption-algorithm", REFUSED),
    ("oid4vci-1_0-issuer-fail-unknown-credential-configuration", REFUSED),
    ("oid4vci-1_0-issuer-fail-unknown-credential-identifier", REFUSED),
    ("oid4vci-1_0-issuer-fail-on-access-token-in-query", REFUSED),
    ("oid4vci-1_0-issuer-fail-invalid-client-attestation-signature", ATTESTED),
    ("oid4vci-1_0-issuer-fail-invalid-client-attestation-pop-signature", ATTESTED),
    ("oid4vci-1_0-issuer-fail-client-attestation-exp-in-past", ATTESTED),
    ("oid4vci-1_0-issuer-fail-client-attestation-no-sub", ATTESTED),
    ("oid4vci-1_0-issuer-fail-client-attestation-pop-wrong-aud", ATTESTED),
    ("oid4vci-1_0-issuer-fail-mismatched-client-attestation-pop-key", ATTESTED),
    ("oid4vci-1_0-wallet-test-credential-issuance", WALLET),
    ("oid4vci-1_0-wallet-test-credential-issuance-notification", WALLET),
    (
        "oid4vci-1_0-wallet-happy-path-with-scopes-without-authorization-details-in-token-response",
        WALLET,
    ),
    ("oid4vci-1_0-wallet-test-client-attestation-challenge", WALLET),
    ("oid4vci-1_0-wallet-test-batch-credential-issuance", WALLET),
];

const METADATA: &str = include_str!("metadata.rs");
const ISSUER: &str = include_str!("issuer.rs");
const REFUSED: &str = include_str!("refused.rs");
const ATTESTED: &str = include_str!("attested.rs");
const WALLET: &str = include_str!("wallet.rs");

/// A module that nobody plays is missing from its file, and one that is played is in the table.
#[test]
fn every_module_is_played() {
    let played = |source: &str| source.matches("async fn oid4vci_1_0_").count();
    for (name, source) in MODULES {
        let test = name.replace(['-', '.'], "_");
        assert!(source.contains(&format!("async fn {test}()")), "{name}");
    }
    let all = [METADATA, ISSUER, REFUSED, ATTESTED, WALLET].map(played);
    assert_eq!(all.iter().sum::<usize>(), MODULES.len());
}
