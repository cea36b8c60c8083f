//! Puts a wallet together from what its owner said: the one place where files become trust.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use keys::outside::{SystemClock, SystemRandom};
use keys::signer::SoftwareKey;
use keys::x509::Anchors;
use wallet::attestation::{AttestationSource, KeyAttestationSource, WalletAttestation};
use wallet::client::{ClientOptions, GuardedClient};
use wallet::client_key::ClientKey;
use wallet::documents::DocumentsInMemory;
use wallet::flow::dialect::Strictness;
use wallet::http::Http;
use wallet::profile::Profile;
use wallet::{Settings, Wallet};
use zeroize::Zeroizing;

use super::Place;
use super::key_attestation::KeyAttestationCommand;
use crate::cli::{AttestationArguments, ClientKeyArguments, ReachArguments, TrustArguments};
use crate::contexts::{ContextFile, contexts};
use crate::exit::Failure;

/// What the owner trusts and allows.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reach<'r> {
    /// An authority for TLS, beside those of this machine.
    pub(crate) ca: Option<&'r Path>,
    /// An authority that vouches for issuers of credentials.
    pub(crate) trust_anchor: Option<&'r Path>,
    /// What gives words a meaning, beside what the program has.
    pub(crate) contexts: &'r [ContextFile],
    /// Plain http, to this machine only.
    pub(crate) allow_http_loopback: bool,
    /// Who vouches for this wallet, where somebody does.
    pub(crate) attestation: Option<AttestationFiles<'r>>,
    /// The program that vouches for its keys, where there is one.
    pub(crate) key_attestation_command: Option<&'r Path>,
    /// What issuers are held to.
    pub(crate) profile: Profile,
    /// Whether those that speak a draft, or break what they speak, are refused.
    pub(crate) strictness: Strictness,
}

impl<'r> Reach<'r> {
    /// As it was typed.
    pub(crate) fn of(arguments: &'r ReachArguments) -> Self {
        let ReachArguments { trust, attestation, key_attestation, profile, strict } = arguments;
        Self {
            key_attestation_command: key_attestation.key_attestation_command.as_deref(),
            profile: profile.profile,
            strictness: strict.strictness(),
            ..Self::of_later(trust, attestation)
        }
    }

    /// The same for what comes later: its keys are made already.
    pub(crate) fn of_later(
        trust: &'r TrustArguments,
        attestation: &'r AttestationArguments,
    ) -> Self {
        let jwt = attestation.client_attestation.as_deref();
        let files = jwt.zip(attestation.client_attestation_key.as_deref());
        Self {
            ca: trust.ca.as_deref(),
            trust_anchor: trust.trust_anchor.as_deref(),
            contexts: &trust.context,
            attestation: files.map(|(jwt, key)| AttestationFiles { jwt, key }),
            ..Self::default()
        }
    }
}

/// A client attestation and the key that it is for, as files.
#[derive(Clone, Copy)]
pub(crate) struct AttestationFiles<'r> {
    pub(crate) jwt: &'r Path,
    pub(crate) key: &'r Path,
}

/// The key that was typed as a file, for a wallet that is registered with it.
pub(crate) fn client_key(arguments: &ClientKeyArguments) -> Result<Option<ClientKey>, Failure> {
    let Some(file) = &arguments.client_key else { return Ok(None) };
    let key = ClientKey::new(Arc::new(private_key(file)?), arguments.client_key_id.clone());
    Ok(Some(if arguments.sign_request { key.signing_requests() } else { key }))
}

/// Opens the store and the way to the network; `around` may look at what passes.
pub(crate) async fn open(
    place: &Place,
    reach: Reach<'_>,
    around: impl FnOnce(GuardedClient) -> Arc<dyn Http>,
) -> Result<Wallet, Failure> {
    let options = ClientOptions {
        extra_authorities: reach.ca.map(read).transpose()?.into_iter().collect(),
        allow_http_loopback: reach.allow_http_loopback,
        // The person is asked about every host, or has said --yes; the library alone would refuse.
        // No yes opens link-local addresses and metadata services of clouds.
        allow_private_addresses: true,
    };
    let client = GuardedClient::new(&options).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Wallet {
        http: around(client),
        store: place.open().await?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        settings: Settings {
            anchors: reach.trust_anchor.map(anchors).transpose()?,
            allow_http_loopback: reach.allow_http_loopback,
            profile: reach.profile,
            strictness: reach.strictness,
            attestation_source: reach.attestation.map(attestation_source).transpose()?,
            key_attestation_source: reach.key_attestation_command.map(|program| {
                Arc::new(KeyAttestationCommand::new(program)) as Arc<dyn KeyAttestationSource>
            }),
            // In memory: a folder of them would tell what the store seals.
            documents: Some(Arc::new(DocumentsInMemory::default())),
            contexts: contexts(reach.contexts)?,
            ..Settings::default()
        },
    })
}

/// The same attestation for every server: the maker of a wallet for many people hands in a source
/// of its own.
fn attestation_source(files: AttestationFiles<'_>) -> Result<Arc<dyn AttestationSource>, Failure> {
    let key = private_key(files.key)?;
    let attestation = WalletAttestation::new(text(files.jwt)?.trim(), Arc::new(key));
    let attestation =
        attestation.map_err(|error| Failure::usage(format!("{}: {error}", files.jwt.display())))?;
    Ok(Arc::new(attestation))
}

fn private_key(file: &Path) -> Result<SoftwareKey, Failure> {
    SoftwareKey::from_pem(&Zeroizing::new(text(file)?))
        .map_err(|_| Failure::usage(format!("{} holds no private key in PEM form", file.display())))
}

fn text(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", file.display()));
    fs::read_to_string(file).map_err(unreadable)
}

pub(crate) fn anchors(file: &Path) -> Result<Arc<Anchors>, Failure> {
    let anchors = Anchors::from_pem(&read(file)?).map_err(|error| {
        Failure::usage(format!("{} is no trust anchor: {error}", file.display()))
    })?;
    Ok(Arc::new(anchors))
}

/// A file of text.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        let file = file.display();
        // What is not even text.
        let is_other = error.kind() == ErrorKind::InvalidData;
        Failure::usage(if is_other {
            format!("{file} holds no certificate in PEM form")
        } else {
            format!("cannot read {file}: {error}")
        })
    })
}
