//! Steps 15-18: the Issuer verifies token and proof, records, signs and answers (VCI §8).

use oid4vci::access::{Authenticated, Presented, authenticate};
use oid4vci::attestation::key::KeyAttestationPolicy;
use oid4vci::attestation::status::KnownEntries;
use oid4vci::credential::{
    CredentialRefusal, CredentialRequest, CredentialResponse, ISSUANCES_MAX, IssuedCredential,
    authorize, check_left, decide,
};
use oid4vci::dpop::DpopRefusal;
use oid4vci::encryption::ReceivedBody;
use oid4vci::error::Refusal as _;
use oid4vci::grant::{Grant, StatusEntry};
use oid4vci::legacy::Dialect;
use oid4vci::notification::Notified;
use oid4vci::proof::{
    KnownDocuments, ProofContext, ProofRefusal, VerifiedProofs, documents, statuses, verify,
};
use serde_json::{Map, Value};

use super::authorization::without_the_unwanted;
use super::cover::{Reply, Uncovered, uncover};
use super::deferred::{Answer, put_off, waits};
use super::external::offer_id;
use super::notification::notification_id;
use crate::Issuer;
use crate::attestation_lists::known_entries;
use crate::credential_type::CredentialType;
use crate::did_documents::known_documents;
use crate::failure::{Broken, Failure};
use crate::issue::{Made, check_entries, check_signer, make, sign};
use crate::store::{Recorded, StoreError};

/// Answers a Credential Request: reads, decides, makes, commits once, and only then signs.
///
/// Whatever happens after the commit, the issuance is on record: nothing is signed that is not.
/// What is signed is answered and not kept (PRIV-04); what was issued before stays good (IMPL-04).
///
/// `seen` is the grant of the token, where somebody has just read it.
pub async fn credential(
    presented: Presented<'_>,
    body: ReceivedBody<'_>,
    (dialect, mut seen): (Option<Dialect>, Option<Grant>),
    issuer: &Issuer,
) -> Result<Answer, Failure<CredentialRefusal>> {
    let mut uncovered: Option<Uncovered> = None;
    for _ in 0..=ISSUANCES_MAX {
        let now = issuer.clock.now();
        let grant = grant(presented, (dialect, &mut seen), issuer).await?;
        let token = authenticate(presented, grant.as_ref(), now)?;
        let Uncovered { request, response } = match &mut uncovered {
            Some(uncovered) => &*uncovered,
            none => none.insert(uncover(body, dialect, issuer)?),
        };
        let is_known = |id: &str| issuer.types.contains_key(id);
        let id = authorize(&request.selector, token, is_known)?;
        let credential_type = issuer.types.get(id).ok_or(CredentialRefusal::NotAuthorised)?;
        let proofs = proofs(request, credential_type, token, issuer).await?;
        let record = decide(token, id, proofs.as_ref(), issuer.credentials_per_offer())?;
        // Whatever the grant (GEN-11).
        if waits(credential_type) {
            match put_off(&record, proofs.as_ref(), response.as_ref(), issuer).await? {
                Some(wait) => return Ok(Answer::Wait(Reply::new(&wait, response.as_ref())?)),
                None => continue, // another request of this token was first
            }
        }
        check_signer(issuer, credential_type)?;
        let nonces = proofs.as_ref().map_or(&[][..], VerifiedProofs::nonces);
        let claims = claims(token.grant(), credential_type, issuer).await?;
        let entries = entries(issuer, credential_type, record.thumbprints.len()).await?;
        let made = make_all(credential_type, token, (&claims, proofs.as_ref(), &entries), issuer)
            .inspect_err(|_| issuer.status_lists.give_back(entries.clone()))?;
        let recorded = issuer.store.record_issuance(&record, nonces, &entries, now).await?;
        if recorded == Recorded::Recorded {
            let signed = sign_all(credential_type, token, made, issuer).await?;
            return Ok(Answer::Ready(Reply::new(&signed, response.as_ref())?));
        }
        issuer.status_lists.give_back(entries);
        refusal(recorded)?; // or another request of this token was first
    }
    Err(Broken::fault("the offer changed more often than an offer can".into()).into())
}

/// Why nothing was recorded, where that is final.
pub(super) fn refusal(recorded: Recorded) -> Result<(), CredentialRefusal> {
    match recorded {
        Recorded::NonceSpent => Err(ProofRefusal::BadNonce.into()),
        Recorded::Replayed => Err(DpopRefusal::Replayed.into()),
        Recorded::Recorded | Recorded::Changed => Ok(()),
    }
}

/// A place in a status list for each credential; none for a type whose credentials have none.
pub(super) async fn entries(
    issuer: &Issuer,
    credential_type: &CredentialType,
    count: usize,
) -> Result<Vec<StatusEntry>, StoreError> {
    if !issuer.config.has_status(credential_type) {
        return Ok(Vec::new());
    }
    issuer.status_lists.take(issuer, count).await
}

/// The grant of a token: the one that was `seen`, once, and then as it stands.
pub(super) async fn grant(
    presented: Presented<'_>,
    (dialect, seen): (Option<Dialect>, &mut Option<Grant>),
    issuer: &Issuer,
) -> Result<Option<Grant>, Failure<CredentialRefusal>> {
    if let Some(grant) = seen.take() {
        return Ok(Some(grant));
    }
    Ok(match offer_id::<CredentialRefusal>(presented, issuer).await? {
        Some(id) => issuer.grant(id, dialect).await?,
        None => None,
    })
}

/// Proofs are needed exactly when the type is bound to a key (CRED-09); else they are not looked at.
pub(super) async fn proofs(
    request: &CredentialRequest,
    credential_type: &CredentialType,
    token: Authenticated<'_>,
    issuer: &Issuer,
) -> Result<Option<VerifiedProofs>, Failure<CredentialRefusal>> {
    let Some(key_binding) = &credential_type.key_binding else { return Ok(None) };
    let proofs = request.proofs.as_ref().ok_or(CredentialRefusal::from(ProofRefusal::Missing))?;
    let (keys, dialect) = (issuer.keys(), token.grant().dialect);
    let identifier = issuer.identifier(dialect);
    let mut context = ProofContext {
        credential_issuer: &identifier,
        is_typed: !dialect.is_some_and(Dialect::has_untyped_proofs),
        takes_certificates_beside_keys: dialect.is_some_and(Dialect::has_certificates_beside_keys),
        client_id: token.redemption().client_id.as_deref(),
        algorithms: &key_binding.proof_algorithms,
        binding_methods: &key_binding.methods,
        proofs_max: issuer.credentials_per_offer(),
        window_seconds: issuer.config.proof.window_seconds,
        nonce_key: &keys.nonce,
        key_attestations: spoken(key_binding.key_attestations(), dialect),
        takes_di_vp: key_binding.takes_di_vp,
        known_entries: KnownEntries::NONE,
        known_documents: KnownDocuments::NONE,
        now: issuer.clock.now(),
    };
    let asked = match context.key_attestations.attesters {
        Some(attesters) => {
            Box::pin(known_entries(statuses(proofs, &context), attesters, issuer)).await?
        }
        None => KnownEntries::default(),
    };
    context.known_entries = &asked;
    let wanted = documents(proofs, &context);
    if !wanted.is_empty() {
        check_left(token)?; // nobody is asked for what is refused whatever the key
    }
    let read = Box::pin(known_documents(wanted, token.grant().id, issuer)).await?;
    context.known_documents = &read;
    // Others were waited for: a nonce that ended meanwhile may be forgotten already (NONCE-10).
    context.now = issuer.clock.now();
    let verified = verify(proofs, &context).inspect_err(|refusal| {
        tracing::debug!(reason = refusal.answer().1, "proof refused");
    });
    Ok(Some(verified.map_err(CredentialRefusal::from)?))
}

/// A draft without a word for attestations takes none, as it hands out one credential for each proof
/// and not for each attested key. Where one is needed it stays needed.
fn spoken(policy: KeyAttestationPolicy<'_>, dialect: Option<Dialect>) -> KeyAttestationPolicy<'_> {
    match dialect {
        Some(draft) if !draft.has_key_attestations() => {
            KeyAttestationPolicy { required: policy.required, ..KeyAttestationPolicy::NONE }
        }
        Some(_) | None => policy,
    }
}

/// One credential for each key, in the order of the proofs (CRED-36, AMB-21): all say the same
/// (GEN-04), and each is made anew (GEN-05).
pub(super) fn make_all<'m>(
    credential_type: &'m CredentialType,
    token: Authenticated<'_>,
    (claims, proofs, entries): (&Map<String, Value>, Option<&VerifiedProofs>, &[StatusEntry]),
    issuer: &Issuer,
) -> Result<Vec<Made<'m>>, Broken> {
    let holders: Vec<_> = proofs.map_or(vec![None], |all| all.proofs().iter().map(Some).collect());
    check_entries(entries, holders.len())?;
    let spoken = (credential_type, token.grant().dialect);
    let each = holders.into_iter().enumerate();
    each.map(|(at, holder)| make(issuer, spoken, claims, (holder, entries.get(at).copied())))
        .collect()
}

/// Signs what was made and recorded.
pub(super) async fn sign_all(
    credential_type: &CredentialType,
    token: Authenticated<'_>,
    made: Vec<Made<'_>>,
    issuer: &Issuer,
) -> Result<CredentialResponse, Broken> {
    let id = token.grant().id;
    let mut credentials = Vec::new();
    for one in made {
        credentials.push(IssuedCredential { credential: sign(one, issuer).await? });
    }
    tracing::info!(
        offer = %id,
        credential_configuration_id = credential_type.id,
        count = credentials.len(),
        "issued"
    );
    let notified = Notified::new(id, token.grant().issued.len(), credentials.len());
    let is_described = issuer.config.openid4vci_1_1.credential_metadata; // V11-16
    Ok(CredentialResponse {
        credentials,
        notification_id: notification_id(notified, issuer),
        credential_metadata: is_described.then(|| credential_type.credential_metadata()),
    })
}

/// An offer holds one dataset for each configuration, under its id. Of one that somebody signed in
/// for, what was consented to (AUTHZ-07, AUTHZ-25).
pub(super) async fn claims(
    grant: &Grant,
    credential_type: &CredentialType,
    issuer: &Issuer,
) -> Result<Map<String, Value>, Broken> {
    let datasets = issuer.store.datasets(grant.id).await?;
    let found = datasets.and_then(|mut datasets| datasets.remove(&credential_type.id));
    let Some(Value::Object(claims)) = found else {
        return Err(Broken::fault(format!("the claims of offer {} are gone", grant.id)));
    };
    if !grant.signs_in {
        return Ok(claims);
    }
    let code = issuer.store.authorization(grant.id).await?.and_then(|found| found.code);
    // An offer with both grants may have been taken by the other one.
    let request = code.filter(|code| code.is_spent).map(|code| code.request);
    let wanted = request.and_then(|mut request| request.claims.remove(&credential_type.id));
    Ok(without_the_unwanted(credential_type, claims, &wanted.unwrap_or_default()))
}
