//! What the pure steps cost: the floor below any issuer that is made of them.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use formats::status_list::token::{StatusListClaims, StatusListKey, TokenFormat, issue as sign};
use formats::status_list::{Bits, Status, StatusList};
use issuer::Issuer;
use issuer::issue::issue;
use keys::outside::{Clock as _, SystemRandom};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::attestation::key::KeyAttestationPolicy;
use oid4vci::attestation::status::KnownEntries;
use oid4vci::credential::CredentialRequest;
use oid4vci::grant::Grant;

use oid4vci::nonce::{NonceResponse, SpendableNonce};
use oid4vci::offer::OfferId;
use oid4vci::proof::{
    BindingMethod, HolderBinding, KnownDocuments, NewProof, ProofContext, VerifiedProofs, verify,
};
use oid4vci::secret::OfferReference;
use oid4vci::sender::{Sender, SenderPolicy};
use oid4vci::token::{PRE_AUTHORIZED_CODE, TokenPolicy, TokenRequest, decide};
use testkit::by_hand::request;
use testkit::proof::holder_key;
use testkit::world::World;
use tokio::runtime::{Builder, Runtime};

/// How long each is measured.
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let mut criterion = Criterion::default().measurement_time(TIME).configure_from_args();
    token(&mut criterion, &world);
    nonce(&mut criterion, &world);
    proof(&mut criterion, &world, &runtime);
    credential(&mut criterion, &world, &runtime);
    status_list(&mut criterion, &world, &runtime);
    criterion.final_summary();
}

/// Steps 8-10: a Token Request is read and judged.
fn token(criterion: &mut Criterion, world: &World) {
    let (now, id) = (world.clock.now(), OfferId::fresh(world.clock.now(), &SystemRandom));
    let reference = OfferReference::fresh(id, &SystemRandom);
    let code = reference.pre_authorized_code(&world.issuer.keys().offer).unwrap();
    let digests = (reference.digest(), code.digest());
    let grant = Grant::fresh(id, vec!["student_card".into()], (now, now.plus(600)), digests);
    let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code.expose())];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let keys = world.issuer.keys();
    let tx_code_key = &keys.tx_code;
    let (sender, anonymous) = (SenderPolicy::default(), Sender::default());
    let policy = TokenPolicy {
        tx_code_key,
        attempts_max: 5,
        anonymous_access: true,
        sender,
        has_invalid_tx_code: false,
    };
    criterion.bench_function("token request: read and decide", |bencher| {
        bencher.iter(|| {
            let TokenRequest::PreAuthorizedCode(request) =
                TokenRequest::parse(black_box(&form)).unwrap()
            else {
                return;
            };
            decide(&request, Some(&grant), &anonymous, &policy, now).unwrap();
        });
    });
}

/// Step 11a, and what a nonce costs when it comes back.
fn nonce(criterion: &mut Criterion, world: &World) {
    let keys = world.issuer.keys();
    let (issuer, key) = (world.issuer.credential_issuer(), &keys.nonce);
    let now = world.clock.now();
    criterion.bench_function("nonce: make", |bencher| {
        bencher.iter(|| NonceResponse::fresh(issuer, key, now, &SystemRandom));
    });
    let text = NonceResponse::fresh(issuer, key, now, &SystemRandom).c_nonce;
    criterion.bench_function("nonce: check", |bencher| {
        bencher.iter(|| SpendableNonce::parse(black_box(&text), issuer, key, now).unwrap());
    });
}

/// Steps 12 and 15: the wallet's side is what a load generator pays.
fn proof(criterion: &mut Criterion, world: &World, runtime: &Runtime) {
    let holder = holder_key();
    let nonce = runtime.block_on(world.nonce());
    let new = NewProof {
        binding: &HolderBinding::Jwk,
        credential_issuer: world.issuer.credential_issuer(),
        client_id: None,
        nonce: Some(&nonce),
        key_attestation: None,
        now: world.clock.now(),
    };
    criterion.bench_function("proof: make (wallet)", |bencher| {
        bencher.iter(|| runtime.block_on(new.sign(&holder)).unwrap());
    });
    let body = request("student_card", &[runtime.block_on(new.sign(&holder)).unwrap()]);
    let body = body.to_string();
    criterion.bench_function("credential request: read", |bencher| {
        bencher.iter(|| CredentialRequest::parse(black_box(body.as_bytes()), true).unwrap());
    });
    criterion.bench_function("credential request: read, proof: verify", |bencher| {
        bencher.iter(|| verified(black_box(&body), &world.issuer, &holder));
    });
}

fn verified(body: &str, issuer: &Issuer, holder: &SoftwareKey) -> VerifiedProofs {
    let request = CredentialRequest::parse(body.as_bytes(), true).unwrap();
    let keys = issuer.keys();
    let context = ProofContext {
        is_typed: true,
        takes_certificates_beside_keys: false,
        credential_issuer: issuer.credential_issuer(),
        client_id: None,
        algorithms: &[holder.algorithm()],
        binding_methods: &[BindingMethod::Jwk],
        proofs_max: 1,
        window_seconds: 300,
        nonce_key: &keys.nonce,
        key_attestations: KeyAttestationPolicy::NONE,
        takes_di_vp: false,
        known_entries: KnownEntries::NONE,
        known_documents: KnownDocuments::NONE,
        now: issuer.clock.now(),
    };
    verify(&request.proofs.unwrap(), &context).unwrap()
}

/// Step 17, the signature included.
fn credential(criterion: &mut Criterion, world: &World, runtime: &Runtime) {
    let (issuer, holder) = (&*world.issuer, holder_key());
    let jwt = runtime.block_on(world.proof(&holder));
    let entry = runtime.block_on(issuer.status_lists.take(issuer, 1)).unwrap().pop();
    let proofs = verified(&request("student_card", &[jwt]).to_string(), issuer, &holder);
    for id in ["student_card", "diploma"] {
        let credential_type = &issuer.types.get(id).unwrap();
        let mut claims = credential_type.sample();
        claims.remove("photo");
        let name = format!("credential: issue {}", credential_type.format.name());
        criterion.bench_function(&name, |bencher| {
            let proof = proofs.proofs().first();
            let run = || issue(issuer, (credential_type, None), &claims, proof, entry);
            bencher.iter(|| runtime.block_on(run()).unwrap());
        });
    }
}

/// A status list of a million entries, of which one in a hundred is revoked.
fn status_list(criterion: &mut Criterion, world: &World, runtime: &Runtime) {
    const ENTRIES: u64 = 1 << 20;
    let (mut list, mut place) = (StatusList::new(Bits::Two, ENTRIES), 1_u64);
    for _ in 0..ENTRIES / 100 {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        list.set((place >> 32) % ENTRIES, Status::Invalid);
    }
    criterion.bench_function("status list: pack a million entries", |bencher| {
        bencher.iter(|| list.compress().unwrap());
    });
    let keys = world.issuer.keys();
    let (key, now) = (&keys.signing, world.clock.now());
    let packed = list.compress().unwrap();
    let claims = StatusListClaims {
        uri: "https://issuer.example/status-lists/1",
        issued_at: now,
        expires_at: now.plus(43_200),
        ttl_seconds: 300,
        list: &packed,
    };
    for format in [TokenFormat::Jwt, TokenFormat::Cwt] {
        let name = format!("status list: sign {}", format.media_type());
        criterion.bench_function(&name, |bencher| {
            let its_key = StatusListKey { x5c: &key.x5c, kid: &key.kid };
            bencher.iter(|| {
                runtime.block_on(sign(format, claims, its_key, &*key.signer)).unwrap();
            });
        });
    }
}
