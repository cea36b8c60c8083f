//! Step 19: is what came signed by whom it should be, and is it what was asked for (OFFER-37)?

use formats::KeyReference;
use formats::binding::Binding;
use formats::verified::{Format, Verified};
use keys::did;
use keys::public_key::Thumbprint;
use oid4vci::metadata::ReceivedIssuerMetadata;
use oid4vci::proof::BindingMethod;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::metadata::OfferedCredential;
use super::receipt::Preview;
use super::type_metadata::check_description;
use crate::Wallet;
use crate::display::Display;
use crate::error::WalletError;
use crate::store::{CredentialCopy, CredentialId, HolderKey, KeyId, StoredCredential, Trust};
use crate::trust::{IssuerKey, VerificationError, document_signer};

/// Longest metadata that are kept as they came, beside what is shown of them.
const METADATA_BYTES_MAX: usize = 1024 * 1024;

/// Contexts that a credential may have beside those of the offer.
const ADDED: [&str; 4] = [
    "https://w3id.org/security/data-integrity/v1",
    "https://w3id.org/security/data-integrity/v2",
    "https://www.w3.org/ns/credentials/status/v1",
    "https://w3id.org/vc/status-list/2021/v1",
];

/// What the holder agreed to receive; kept where it comes later (VCI §9).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Expected {
    /// From whom.
    pub credential_issuer: String,
    /// Under which name.
    pub credential_configuration_id: String,
    /// In which format.
    pub format: String,
    /// Its `vct`, its `doctype`, or its W3C types.
    pub types: Vec<String>,
    /// The contexts that give W3C types their meaning.
    #[serde(default)]
    pub contexts: Vec<Value>,
    /// How it will look.
    pub display: Display,
    /// What came with it of that, over what the issuer publishes (V11-17).
    #[serde(default)]
    pub credential_metadata: Option<Value>,
    /// What describes its type, where that was looked up; the type itself first.
    #[serde(default)]
    pub type_documents: Vec<String>,
    /// Whether it may be bound to nothing although a key was proved: nothing published asked for one.
    #[serde(default)]
    pub may_be_unbound: bool,
}

impl Expected {
    pub(super) fn of(offered: &OfferedCredential, credential_issuer: &str) -> Self {
        let configuration = &offered.configuration;
        Self {
            credential_issuer: credential_issuer.to_owned(),
            credential_configuration_id: offered.id.clone(),
            format: configuration.format.clone(),
            types: {
                let names = configuration.vct.iter().chain(&configuration.doctype);
                names.chain(&configuration.types).cloned().collect()
            },
            contexts: configuration.contexts.clone(),
            display: offered.display.clone(),
            credential_metadata: None,
            type_documents: offered.documents.clone(),
            may_be_unbound: !configuration.needs_proof,
        }
    }

    /// How it looks is said by the answer that brings it, where that says nothing by what the issuer
    /// publishes, and where that says nothing either by the description of its type (V11-17).
    pub(super) fn described_by(
        mut self,
        credential_metadata: Option<&Map<String, Value>>,
        issuer: &ReceivedIssuerMetadata,
    ) -> Self {
        let configuration = issuer.configurations.get(&self.credential_configuration_id);
        if let (Some(metadata), Some(configuration)) = (credential_metadata, configuration) {
            let (described, merged) = configuration.described_by(metadata);
            let svg_templates = std::mem::take(&mut self.display.svg_templates);
            self.display = Display { svg_templates, ..Display::new(issuer, &described) };
            self.credential_metadata =
                Some(merged).filter(|merged| merged.to_string().len() <= METADATA_BYTES_MAX);
        }
        self
    }
}

/// The key that signed the credential before: most batches have one.
type LastSigner = Option<(KeyReference, IssuerKey)>;

impl Wallet {
    /// Looks at all that came for one request. `keys` are those whose proofs were sent; what came is
    /// matched to them by the key inside it, whatever its place (CRED-43). Copies of one credential
    /// become one; one bad credential costs them all (NOTIF-09).
    pub(super) async fn check(
        &self,
        expected: &Expected,
        credentials: &[Value],
        keys: &[HolderKey],
    ) -> Result<Vec<Preview>, WalletError> {
        if credentials.len() > keys.len().max(1) {
            return Err(VerificationError::Surplus.into()); // catalogue I20
        }
        let (mut previews, mut last) = (Vec::<Preview>::new(), None);
        for credential in credentials {
            let preview = self.check_one(expected, credential, (keys, &mut last)).await?;
            let key = preview.credential.holder_key.as_ref();
            if key.is_some_and(|key| previews.iter().any(|other| other.is_bound_to(key))) {
                return Err(VerificationError::Surplus.into()); // CRED-36: no key twice
            }
            match previews.iter_mut().find(|other| other.is_copied_by(&preview)) {
                Some(first) => first.credential.copies.extend(preview.into_copy()),
                None => previews.push(preview),
            }
        }
        Ok(previews)
    }

    async fn check_one(
        &self,
        expected: &Expected,
        credential: &Value,
        (keys, last): (&[HolderKey], &mut LastSigner),
    ) -> Result<Preview, WalletError> {
        let unverified =
            formats::parse(&expected.format, credential).map_err(VerificationError::of_format)?;
        let reference = unverified.key_reference();
        self.settings.profile.check_key(&reference)?;
        let (reference, signer) = match last {
            Some(known) if known.0 == reference => &*known,
            other => {
                let issuer = &expected.credential_issuer;
                let signer = self.reader().issuer_key(&reference, issuer).await?;
                &*other.insert((reference, signer))
            }
        };
        let now = self.clock.now();
        let unverified = unverified.with_contexts(&self.settings.contexts);
        let verified = unverified.verify(&signer.key, now).map_err(VerificationError::of_format)?;
        self.settings.profile.check_credential(&verified)?;
        check_type(&verified, expected)?;
        check_description(&verified, &expected.type_documents)?;
        let tie = match document_signer::check(reference, &verified) {
            Some(Err(doubt)) => signer.tie.clone().and(Err(doubt)),
            Some(Ok(())) | None => signer.tie.clone(),
        };
        let holder_key = bound_key(verified.binding.as_ref(), keys, expected.may_be_unbound)?;
        let credential = StoredCredential {
            id: CredentialId::fresh(&*self.random),
            format: expected.format.clone(),
            credential_configuration_id: expected.credential_configuration_id.clone(),
            credential_issuer: expected.credential_issuer.clone(),
            raw: verified.raw,
            types: verified.types,
            claims: verified.claims,
            display: expected.display.clone(),
            credential_metadata: expected.credential_metadata.clone(),
            trust: tie.clone().unwrap_or(Trust::Accepted),
            holder_key,
            copies: Vec::new(),
            status: None,
            reporter: None,
            received_at: now,
            expires_at: verified.expires_at,
        };
        Ok(Preview { credential, doubt: tie.err() })
    }
}

impl Preview {
    /// Whether the other says the same of the same person for as long.
    fn is_copied_by(&self, other: &Self) -> bool {
        let (one, other_one) = (&self.credential, &other.credential);
        one.claims == other_one.claims
            && one.types == other_one.types
            && one.expires_at == other_one.expires_at
            && self.doubt == other.doubt
    }

    /// Whether it, or a copy of it, has this key.
    pub(super) fn is_bound_to(&self, key: &HolderKey) -> bool {
        self.credential.holder_keys().any(|bound| bound == key)
    }

    fn into_copy(self) -> Option<CredentialCopy> {
        let StoredCredential { raw, holder_key, .. } = self.credential;
        holder_key.map(|holder_key| CredentialCopy { raw, holder_key, status: None })
    }
}

/// The credential is of the type that the holder agreed to (catalogue I18), and its words mean what
/// was offered (FMT-LDP-06).
fn check_type(verified: &Verified, expected: &Expected) -> Result<(), VerificationError> {
    let has_all = expected.types.iter().all(|wanted| verified.types.contains(wanted));
    let (offered, signed) = (&expected.contexts, &verified.contexts);
    let has_contexts = if verified.format == Format::LdpVc {
        means_what_was_offered(offered, signed)
    } else {
        offered.iter().all(|wanted| signed.contains(wanted))
    };
    let fits = has_all && has_contexts && !expected.types.is_empty();
    fits.then_some(()).ok_or(VerificationError::OtherType)
}

/// The signature of linked data is not on words but on what they mean: another context can exchange
/// words under a signature that is right. So there are no others than those of the offer; but a
/// vocabulary, which gives each word a meaning of its own, exchanges nothing, nor do those that the
/// W3C has for proof and status, which whoever signs may add (VC Data Integrity, context injection).
fn means_what_was_offered(offered: &[Value], signed: &[Value]) -> bool {
    let is_vocabulary = |context: &Value| {
        context.as_object().is_some_and(|members| members.keys().all(|name| name == "@vocab"))
    };
    let is_added =
        |context: &Value| is_vocabulary(context) || ADDED.iter().any(|added| context == added);
    let left = |contexts: &[Value]| -> Vec<Value> {
        contexts.iter().filter(|context| !is_added(context)).cloned().collect()
    };
    if offered.is_empty() {
        return left(signed).iter().all(Value::is_string);
    }
    left(offered) == left(signed)
}

/// It is bound to a key whose proof was sent, and to nothing if none was (catalogue I16). A proof
/// that only a nonce of a draft called for may be for nothing: then the credential is taken unbound,
/// rather than lost with the code that paid for it.
fn bound_key(
    binding: Option<&Binding>,
    keys: &[HolderKey],
    may_be_unbound: bool,
) -> Result<Option<HolderKey>, VerificationError> {
    let thumbprint: Thumbprint = match binding {
        None if keys.is_empty() || may_be_unbound => return Ok(None),
        None => return Err(VerificationError::NotBound),
        Some(Binding::Jwk(key)) => key.thumbprint(),
        Some(Binding::Kid(url)) if url.starts_with("did:web:") => {
            let ours = keys.iter().find(|key| is_named(key, url));
            return ours.cloned().map(Some).ok_or(VerificationError::OtherKey);
        }
        Some(Binding::Kid(url)) => {
            did::resolve(url).map_err(|_| VerificationError::OtherKey)?.thumbprint()
        }
    };
    let id = KeyId::from(&thumbprint);
    let ours = keys.iter().find(|key| key.kid == id);
    ours.cloned().map(Some).ok_or(VerificationError::OtherKey)
}

/// Whether it is a key of the holder's did:web: under its own name, or, where a credential names its
/// subject alone, any of the DID.
fn is_named(key: &HolderKey, url: &str) -> bool {
    let is_subject = key.did.as_deref() == Some(url);
    key.binding == BindingMethod::DidWeb && (is_subject || key.did_url().as_deref() == Some(url))
}
