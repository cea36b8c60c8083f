//! What a credential of ten claims costs, the last look at it included, beside the signature in it,
//! which no code of ours makes cheaper: at most half as much again.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use criterion::{BatchSize, Criterion};
use formats::binding::Binding;
use formats::lint::{Expected, TypeName, check};
use formats::mso_mdoc::{self, Element, MdocClaims, NameSpace};
use formats::path::Step;
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVcClaims};
use formats::unsigned::Unsigned;
use keys::algorithm::Algorithm;
use keys::cbor::{Label, Map};
use keys::development::DevelopmentCa;
use keys::jws::ProtectedHeader;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::x5c_from_pem;
use minicbor::Decoder;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_810_000_000);
const ISSUER: &str = "https://issuer.example";
const TYPE: &str = "https://issuer.example/card";
const CLAIMS: usize = 10;
/// How long each is measured.
const TIME: Duration = Duration::from_secs(5);

/// An issuer, with what it keeps from one credential to the next, and a holder.
struct Scene {
    runtime: Runtime,
    signer: SoftwareKey,
    x5c: Vec<Vec<u8>>,
    header: ProtectedHeader,
    selective: Vec<Vec<Step>>,
    holder: SoftwareKey,
    binding: Binding,
}

fn main() {
    let signer = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let ca = DevelopmentCa::generate("CA", NOW).unwrap();
    let pem = ca.signing_certificate(signer.public_key(), "Issuer", ISSUER, NOW).unwrap();
    let x5c = x5c_from_pem(&pem).unwrap();
    let holder = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let scene = Scene {
        runtime: Builder::new_current_thread().build().unwrap(),
        header: IssuerKeyHeader::X5c(&x5c).written(sd_jwt_vc::FORMAT, Algorithm::Es256),
        selective: names().map(|name| vec![Step::Name(name)]).collect(),
        signer,
        x5c,
        binding: Binding::Jwk(holder.public_key().clone()),
        holder,
    };
    let mut criterion = Criterion::default().measurement_time(TIME).configure_from_args();
    let sd_jwt = scene.sd_jwt(scene.sd_jwt_claims());
    let front = sd_jwt.split('~').next().unwrap().rsplit_once('.').unwrap().0;
    let format = ("dc+sd-jwt", front.as_bytes());
    scene.compare(&mut criterion, format, Scene::sd_jwt_claims, Scene::sd_jwt);
    let mdoc = signed_of(&scene.mdoc(&scene.mdoc_claims()));
    let issue = |scene: &Scene, claims: MdocClaims<'_>| scene.mdoc(&claims);
    scene.compare(&mut criterion, ("mso_mdoc", &mdoc), Scene::mdoc_claims, issue);
    criterion.final_summary();
}

fn names() -> impl Iterator<Item = String> {
    (0..CLAIMS).map(|count| format!("claim_{count}"))
}

impl Scene {
    /// What is to be said is there before the clock starts; that the credential goes away again is
    /// not counted, and that of what it was made of is.
    fn compare<'s, C>(
        &'s self,
        criterion: &mut Criterion,
        (format, signed): (&str, &[u8]),
        claims: impl Fn(&'s Self) -> C,
        issue: impl Fn(&'s Self, C) -> String,
    ) {
        criterion.bench_function(&format!("{format}: its signature alone"), |bencher| {
            bencher.iter(|| self.runtime.block_on(self.signer.sign(signed)).unwrap());
        });
        criterion.bench_function(&format!("{format}: issue ten claims"), |bencher| {
            bencher.iter_batched(|| claims(self), |said| issue(self, said), BatchSize::SmallInput);
        });
    }

    fn sd_jwt_claims(&self) -> SdJwtVcClaims<'_> {
        SdJwtVcClaims {
            vct: TYPE,
            vct_integrity: None,
            issuer: ISSUER,
            claims: names().map(|name| (name, Value::from("as long as a name"))).collect(),
            selective: self.selective.as_slice().into(),
            decoys: 0,
            binding: Some(self.binding.clone()),
            issued_at: NOW,
            not_before: None,
            expires_at: END,
            status: None,
        }
    }

    fn sd_jwt(&self, claims: SdJwtVcClaims<'_>) -> String {
        let made = sd_jwt_vc::prepare(claims, &SystemRandom).unwrap();
        let Unsigned::SdJwtVc(made) = self.seen(Unsigned::SdJwtVc(made), TypeName::Vct(TYPE))
        else {
            unreachable!("it is what it was")
        };
        let issued = sd_jwt_vc::sign(&made, &self.header, &self.signer);
        self.runtime.block_on(issued).unwrap()
    }

    fn mdoc_claims(&self) -> MdocClaims<'_> {
        let text = || Element::Text("as long as a name".to_owned());
        let elements = names().map(|name| (name, text())).collect();
        MdocClaims {
            doc_type: TYPE,
            name_spaces: vec![NameSpace { name: "org.example.1".to_owned(), elements }],
            device_key: self.holder.public_key(),
            signed_at: NOW,
            expires_at: END,
            status: None,
        }
    }

    fn mdoc(&self, claims: &MdocClaims<'_>) -> String {
        let made = mso_mdoc::prepare(claims, &SystemRandom).unwrap();
        let Unsigned::MsoMdoc(made) = self.seen(Unsigned::MsoMdoc(made), TypeName::DocType(TYPE))
        else {
            unreachable!("it is what it was")
        };
        let issued = mso_mdoc::sign(&made, &self.x5c, &self.signer);
        self.runtime.block_on(issued).unwrap()
    }

    /// The last look.
    fn seen(&self, unsigned: Unsigned, type_name: TypeName<'_>) -> Unsigned {
        let key = self.holder.public_key();
        let (holder, certificate) = (Some((key, &self.binding)), Some((NOW, END)));
        let expected = Expected {
            type_name,
            issuer: ISSUER,
            holder,
            now: NOW,
            certificate,
            country: None,
            status: None,
        };
        check(&unsigned, &expected).unwrap();
        unsigned
    }
}

/// The protected header and the payload, which with a few bytes more are what is signed.
fn signed_of(mdoc: &str) -> Vec<u8> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(mdoc).unwrap();
    let auth = Map::parse(&bytes).unwrap().get(Label::Text("issuerAuth")).unwrap().to_vec();
    let mut decoder = Decoder::new(&auth);
    decoder.array().unwrap();
    let protected = decoder.bytes().unwrap().to_vec();
    decoder.skip().unwrap();
    [&protected, decoder.bytes().unwrap()].concat()
}
