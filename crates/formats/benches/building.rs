//! What a credential costs beside its signature: it is to be at most half as much again (10 claims).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark tells, and stops at the first surprise"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use formats::binding::Binding;
use formats::lint::{Expected, TypeName, check};
use formats::mso_mdoc::{self, Element, MdocClaims, NameSpace};
use formats::path::Step;
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVcClaims};
use formats::status_list::StatusReference;
use formats::unsigned::Unsigned;
use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::outside::{SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_from_pem;
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};

const ISSUER: &str = "https://issuer.example";
const TYPE: &str = "https://issuer.example/credentials/student_card";
const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_810_000_000);
const CLAIMS: usize = 10;
/// As long as what is signed of a credential with so many claims.
const SIGNED_BYTES: usize = 2_000;
/// How often the two are compared.
const ROUNDS: u32 = 5_000;

struct Scene {
    runtime: Runtime,
    signer: SoftwareKey,
    holder: PublicKey,
    status: StatusReference,
    x5c: Vec<Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        let signer = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let holder = SoftwareKey::generate(Algorithm::Es256).unwrap().public_key().clone();
        let status = StatusReference { uri: format!("{ISSUER}/status-lists/1"), idx: 4711 };
        let ca = DevelopmentCa::generate("Authority", NOW).unwrap();
        let pem = ca.signing_certificate(signer.public_key(), "Signer", ISSUER, NOW).unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        Self { runtime, signer, holder, status, x5c: x5c_from_pem(&pem).unwrap() }
    }

    fn signature(&self) {
        let message = [7; SIGNED_BYTES];
        self.runtime.block_on(self.signer.sign(black_box(&message))).unwrap();
    }

    fn expected<'a>(&'a self, type_name: TypeName<'a>, binding: &'a Binding) -> Expected<'a> {
        Expected {
            type_name,
            issuer: ISSUER,
            holder: Some((&self.holder, binding)),
            now: NOW,
            certificate: Some((NOW, END)),
            status: Some((&self.status, 1 << 20)),
        }
    }

    fn sd_jwt_vc(&self, values: &Map<String, Value>, selective: &[Vec<Step>]) -> String {
        let binding = Binding::Jwk(self.holder.clone());
        let claims = SdJwtVcClaims {
            vct: TYPE,
            vct_integrity: None,
            issuer: ISSUER,
            claims: values.clone(),
            selective: selective.to_vec(),
            decoys: 0,
            binding: Some(binding.clone()),
            issued_at: NOW,
            not_before: None,
            expires_at: END,
            status: Some(self.status.clone()),
        };
        let unsigned = Unsigned::SdJwtVc(sd_jwt_vc::prepare(claims, &SystemRandom).unwrap());
        check(&unsigned, &self.expected(TypeName::Vct(TYPE), &binding)).unwrap();
        let Unsigned::SdJwtVc(made) = unsigned else { unreachable!("it is what it was") };
        let header = IssuerKeyHeader::X5c(&self.x5c);
        self.runtime.block_on(sd_jwt_vc::sign(&made, header, &self.signer)).unwrap()
    }

    fn mdoc(&self, elements: &[(String, Element)]) -> String {
        let binding = Binding::Jwk(self.holder.clone());
        let name = "org.example.student.1".to_owned();
        let claims = MdocClaims {
            doc_type: TYPE,
            name_spaces: vec![NameSpace { name, elements: elements.to_vec() }],
            device_key: &self.holder,
            signed_at: NOW,
            expires_at: END,
            status: Some(self.status.clone()),
        };
        let unsigned = Unsigned::MsoMdoc(mso_mdoc::prepare(&claims, &SystemRandom).unwrap());
        check(&unsigned, &self.expected(TypeName::DocType(TYPE), &binding)).unwrap();
        let Unsigned::MsoMdoc(made) = unsigned else { unreachable!("it is what it was") };
        self.runtime.block_on(mso_mdoc::sign(&made, &self.x5c, &self.signer)).unwrap()
    }
}

fn main() {
    let scene = Scene::new();
    let names: Vec<String> = (0..CLAIMS).map(|at| format!("claim_{at}")).collect();
    let value = "a value of usual length";
    let values = names.iter().map(|name| (name.clone(), value.into())).collect();
    let selective: Vec<_> = names.iter().map(|name| vec![Step::from(name.as_str())]).collect();
    let elements: Vec<_> =
        names.iter().map(|name| (name.clone(), Element::Text(value.to_owned()))).collect();

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("signature alone", |bencher| bencher.iter(|| scene.signature()));
    criterion.bench_function("dc+sd-jwt", |bencher| {
        bencher.iter(|| scene.sd_jwt_vc(&values, &selective));
    });
    criterion.bench_function("mso_mdoc", |bencher| bencher.iter(|| scene.mdoc(&elements)));
    criterion.final_summary();

    let alone = time(|| scene.signature());
    let sd_jwt = time(|| drop(scene.sd_jwt_vc(&values, &selective)));
    let mdoc = time(|| drop(scene.mdoc(&elements)));
    let ratio = |whole: Duration| whole.as_secs_f64() / alone.as_secs_f64();
    println!(
        "building ÷ signature alone: dc+sd-jwt {:.2}, mso_mdoc {:.2}",
        ratio(sd_jwt),
        ratio(mdoc)
    );
}

fn time(mut run: impl FnMut()) -> Duration {
    let begun = Instant::now();
    (0..ROUNDS).for_each(|_| run());
    begun.elapsed()
}
