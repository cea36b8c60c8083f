//! An SD-JWT as its holder shows it, with a key binding (RFC 9901 §4.3, RFC 9901 §7.3).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::FormatError;
use formats::binding::Binding;
use formats::key_binding::{
    Expected, KeyBinding, KeyBindingClaims, KeyBindingError, PresentError, VerifiedKeyBinding,
    present, split,
};
use formats::path::Step;
use formats::sd_jwt::{SdJwtError, Showable, conceal};
use formats::sd_jwt_vc::{IssuerKeyHeader, SdJwtVc, SdJwtVcClaims, issue};
use formats::verified::Verified;
use keys::algorithm::Algorithm;
use keys::did::{to_did_jwk, to_did_key, verification_method};
use keys::digest::sha256;
use keys::jws::{self, JwsError, RefusedAlgorithm};
use keys::outside::{SystemRandom, Timestamp};
use keys::public_key::PublicKey;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Map, Value, json};

const NOW: Timestamp = Timestamp(1_800_000_000);
const AUDIENCE: &str = "https://verifier.example";
const NONCE: &str = "a-nonce";
const HOUR: u64 = 3600;
const EXPECTED: Expected<'_> =
    Expected { audience: AUDIENCE, nonce: NONCE, now: NOW, age_seconds_max: HOUR };
const CLAIMS: KeyBindingClaims<'_> =
    KeyBindingClaims { audience: AUDIENCE, nonce: NONCE, issued_at: NOW };

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm).unwrap()
}

/// An issuer, a holder, and what the one made for the other.
struct Scene {
    issuer: SoftwareKey,
    holder: SoftwareKey,
    issued: String,
}

impl Scene {
    async fn bound_to(binding: impl Fn(&PublicKey) -> Option<Binding>) -> Self {
        Self::with(Algorithm::Es256, binding).await
    }

    async fn new() -> Self {
        Self::bound_to(|key| Some(Binding::Jwk(key.clone()))).await
    }

    async fn with(algorithm: Algorithm, binding: impl Fn(&PublicKey) -> Option<Binding>) -> Self {
        let (issuer, holder) = (key(Algorithm::Es256), key(algorithm));
        let path = |path: &[&str]| {
            let step = |name: &&str| if *name == "*" { Step::Every } else { Step::from(*name) };
            path.iter().map(step).collect::<Vec<_>>()
        };
        let claims = SdJwtVcClaims {
            vct: "https://issuer.example/person",
            vct_integrity: None,
            issuer: "https://issuer.example",
            claims: object(json!({
                "given_name": "Ada",
                "always": true,
                "address": { "town": "Graz", "zip/code~": "8010" },
                "nationalities": ["GB", "AT"],
            })),
            selective: [
                path(&["given_name"]),
                path(&["address"]),
                path(&["address", "town"]),
                path(&["address", "zip/code~"]),
                path(&["nationalities"]),
                path(&["nationalities", "*"]),
            ]
            .to_vec()
            .into(),
            decoys: 2,
            binding: binding(holder.public_key()),
            issued_at: NOW,
            not_before: None,
            expires_at: NOW.plus(HOUR),
            status: None,
        };
        let made = issue(claims, IssuerKeyHeader::Kid("1"), &issuer, &SystemRandom).await;
        Self { issuer, holder, issued: made.unwrap() }
    }

    fn verified(&self, shown: &str) -> Result<Verified, FormatError> {
        SdJwtVc::parse(shown)?.verify(self.issuer.public_key(), NOW)
    }

    /// All steps of a verifier, in their order.
    fn verify(&self, presentation: &str) -> Result<VerifiedKeyBinding, KeyBindingError> {
        let (shown, key_binding) = split(presentation).unwrap();
        let verified = self.verified(shown).unwrap();
        let key_binding = key_binding.ok_or(KeyBindingError::Missing)?;
        let verified = KeyBinding::parse(key_binding)?.verify(&verified)?;
        verified.check(&EXPECTED).map(|()| verified)
    }

    /// What a holder, or somebody else, might sign behind all that was issued.
    async fn signed(&self, header: Value, claims: Value) -> String {
        self.signed_by(&self.holder, header, claims).await
    }

    async fn signed_by(&self, key: &SoftwareKey, header: Value, claims: Value) -> String {
        let jwt = jws::sign(object(header), claims.to_string().as_bytes(), key).await.unwrap();
        format!("{}{jwt}", self.issued)
    }

    /// Right claims, but for what is changed; `null` takes one out.
    fn claims(&self, changed: Value) -> Value {
        let sd_hash = BASE64_URL_SAFE_NO_PAD.encode(sha256(self.issued.as_bytes()));
        let mut claims = object(json!({ "iat": NOW.0, "aud": AUDIENCE, "nonce": NONCE }));
        claims.insert("sd_hash".to_owned(), sd_hash.into());
        claims.extend(object(changed));
        claims.retain(|_, value| !value.is_null());
        claims.into()
    }
}

fn typ() -> Value {
    json!({ "typ": "kb+jwt" })
}

fn pointers(pointers: &[&str]) -> Vec<String> {
    pointers.iter().map(|pointer| (*pointer).to_owned()).collect()
}

/// RFC 9901 §4.2.6: what is inside is of no use without what is around it.
#[tokio::test]
async fn an_inner_claim_is_shown_with_those_around_it() {
    let scene = Scene::new().await;
    let showable = Showable::parse(&scene.issued).unwrap();
    let all = [
        "/address",
        "/address/town",
        "/address/zip~1code~0",
        "/given_name",
        "/nationalities",
        "/nationalities/0",
        "/nationalities/1",
    ];
    assert_eq!(showable.pointers(), all);
    for (chosen, shown) in [
        (&[][..], json!({ "always": true })),
        (&["/always"], json!({ "always": true })),
        (&["/given_name"], json!({ "always": true, "given_name": "Ada" })),
        (&["/address/town"], json!({ "always": true, "address": { "town": "Graz" } })),
        (
            &["/address/zip~1code~0", "/nationalities/1"],
            json!({ "always": true, "address": { "zip/code~": "8010" }, "nationalities": ["AT"] }),
        ),
        (
            &["/address"],
            json!({ "always": true, "address": { "town": "Graz", "zip/code~": "8010" } }),
        ),
    ] {
        let chosen = showable.choose(&pointers(chosen)).unwrap();
        let verified = scene.verified(chosen.text()).unwrap();
        assert_eq!(Value::Object(verified.claims), shown);
        let presented = present(&chosen, CLAIMS, &scene.holder).await.unwrap();
        assert_eq!(presented.strip_prefix(chosen.text()).unwrap().matches('.').count(), 2);
        scene.verify(&presented).unwrap();
    }
    let whole = showable.choose(&pointers(&all)).unwrap();
    assert_eq!((whole.text(), whole.left_out()), (&*scene.issued, &[][..]));
    let one = showable.choose(&pointers(&["/address/town"])).unwrap();
    assert_eq!(one.left_out().len(), 5);
    for nowhere in ["", "given_name", "/given_name/0", "/nationalities/2", "/address/_sd", "/x"] {
        let refused = showable.choose(&pointers(&[nowhere])).unwrap_err();
        assert_eq!(refused, PresentError::UnknownPointer, "{nowhere}");
    }
}

/// Each way in which a credential names its holder's key, and each kind of key.
#[tokio::test]
async fn what_is_presented_verifies() {
    let bindings: [fn(&PublicKey) -> Binding; 4] = [
        |key| Binding::Jwk(key.clone()),
        |key| Binding::Kid(verification_method(&to_did_key(key))),
        |key| Binding::Kid(verification_method(&to_did_jwk(key))),
        |key| Binding::Kid(to_did_jwk(key)),
    ];
    for algorithm in Algorithm::ALL {
        for binding in bindings {
            let scene = Scene::with(algorithm, |key| Some(binding(key))).await;
            let chosen = Showable::parse(&scene.issued).unwrap().choose(&[]).unwrap();
            assert!(chosen.is_bound());
            let presented = present(&chosen, CLAIMS, &scene.holder).await.unwrap();
            let verified = scene.verify(&presented).unwrap();
            assert_eq!((verified.issued_at(), verified.audience()), (NOW, AUDIENCE));
        }
    }
}

/// Presentations that a library made which is not ours.
#[test]
fn foreign_presentations_verify() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/key-binding.json")).unwrap();
    let issuer = PublicKey::from_jwk(&vectors["issuer"]).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (shown, key_binding) = split(case["presentation"].as_str().unwrap()).unwrap();
        let verified = SdJwtVc::parse(shown).unwrap().verify(&issuer, NOW).unwrap();
        assert_eq!(Value::Object(verified.claims.clone()), case["claims"], "{}", case["name"]);
        let key_binding = KeyBinding::parse(key_binding.unwrap()).unwrap();
        let said = key_binding.clone().verify(&verified).unwrap();
        let expected = Expected {
            audience: vectors["audience"].as_str().unwrap(),
            nonce: vectors["nonce"].as_str().unwrap(),
            ..EXPECTED
        };
        said.check(&expected).unwrap();
        // The same behind what another presentation shows.
        for other in cases.iter().filter(|other| other["name"] != case["name"]) {
            let (shown, _) = split(other["presentation"].as_str().unwrap()).unwrap();
            let verified = SdJwtVc::parse(shown).unwrap().verify(&issuer, NOW).unwrap();
            key_binding.clone().verify(&verified).unwrap_err();
        }
    }
}

/// RFC 9901 §7.3, step by step.
#[tokio::test]
async fn each_defect_of_a_key_binding_is_refused_by_name() {
    let scene = Scene::new().await;
    assert!(scene.verify(&scene.signed(typ(), scene.claims(json!({}))).await).is_ok());
    let cases = [
        (typ(), json!({ "iat": null }), KeyBindingError::Incomplete),
        (typ(), json!({ "aud": null }), KeyBindingError::Incomplete),
        (typ(), json!({ "nonce": null }), KeyBindingError::Incomplete),
        (typ(), json!({ "sd_hash": null }), KeyBindingError::Incomplete),
        (typ(), json!({ "aud": [AUDIENCE] }), KeyBindingError::Incomplete),
        (typ(), json!({ "nonce": 5 }), KeyBindingError::Incomplete),
        (typ(), json!({ "iat": "1800000000" }), KeyBindingError::Incomplete),
        (typ(), json!({ "iat": -1 }), KeyBindingError::Incomplete),
        (typ(), json!({ "exp": "soon" }), KeyBindingError::Incomplete),
        (typ(), json!({ "aud": "https://other.example" }), KeyBindingError::OtherAudience),
        (typ(), json!({ "aud": "https://verifier.example/" }), KeyBindingError::OtherAudience),
        (typ(), json!({ "nonce": "another" }), KeyBindingError::OtherNonce),
        (typ(), json!({ "nonce": "" }), KeyBindingError::OtherNonce),
        (typ(), json!({ "sd_hash": "" }), KeyBindingError::OtherDisclosures),
        (typ(), json!({ "iat": NOW.0 + 61 }), KeyBindingError::InFuture),
        (typ(), json!({ "iat": NOW.0 - HOUR - 1 }), KeyBindingError::TooOld),
        (typ(), json!({ "iat": 0 }), KeyBindingError::TooOld),
        (typ(), json!({ "exp": NOW.0 - 60 }), KeyBindingError::OutOfTime),
        (typ(), json!({ "nbf": NOW.0 + 61 }), KeyBindingError::OutOfTime),
        (json!({}), json!({}), KeyBindingError::WrongType),
        (json!({ "typ": "JWT" }), json!({}), KeyBindingError::WrongType),
        (json!({ "typ": "dc+sd-jwt" }), json!({}), KeyBindingError::WrongType),
        (json!({ "typ": ["kb+jwt"] }), json!({}), KeyBindingError::WrongType),
        (
            json!({ "typ": "kb+jwt", "crit": ["b64"] }),
            json!({}),
            KeyBindingError::Jws(JwsError::CriticalHeader),
        ),
    ];
    for (header, changed, error) in cases {
        let presented = scene.signed(header.clone(), scene.claims(changed.clone())).await;
        assert_eq!(scene.verify(&presented).unwrap_err(), error, "{header} {changed}");
    }
    for iat in [NOW.0 + 60, NOW.0 - HOUR] {
        let presented = scene.signed(typ(), scene.claims(json!({ "iat": iat }))).await;
        assert!(scene.verify(&presented).is_ok(), "{iat}");
    }
    assert_eq!(scene.verify(&scene.issued).unwrap_err(), KeyBindingError::Missing);
}

/// Catalogue I01: of another key, of none, and of a secret that everybody knows.
#[tokio::test]
async fn only_the_holders_key_makes_one() {
    let scene = Scene::new().await;
    let claims = scene.claims(json!({}));
    for other in [key(Algorithm::Es256), key(Algorithm::EdDsa)] {
        let presented = scene.signed_by(&other, typ(), claims.clone()).await;
        assert_eq!(scene.verify(&presented).unwrap_err(), KeyBindingError::WrongKey);
        // Its own key in the header is no reason to believe it.
        let header = json!({ "typ": "kb+jwt", "jwk": other.public_key().to_jwk() });
        let presented = scene.signed_by(&other, header, claims.clone()).await;
        assert_eq!(scene.verify(&presented).unwrap_err(), KeyBindingError::WrongKey);
    }
    let presented = scene.signed_by(&scene.issuer, typ(), claims.clone()).await;
    assert_eq!(scene.verify(&presented).unwrap_err(), KeyBindingError::WrongKey);
    for (alg, error) in [
        ("none", JwsError::NoneAlgorithm),
        ("None", JwsError::NoneAlgorithm),
        ("HS256", JwsError::MacAlgorithm),
        ("RS256", JwsError::UnknownAlgorithm(RefusedAlgorithm::of("RS256"))),
    ] {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({ "typ": "kb+jwt", "alg": alg }));
        for signature in ["", "AAAA"] {
            let jwt = format!("{header}.{}.{signature}", part(&claims));
            let refused = scene.verify(&format!("{}{jwt}", scene.issued)).unwrap_err();
            assert_eq!(refused, KeyBindingError::Jws(error), "{alg}");
        }
    }
    // The holder is asked, too: a signature that nobody can use is not made.
    let chosen = Showable::parse(&scene.issued).unwrap().choose(&[]).unwrap();
    let refused = present(&chosen, CLAIMS, &scene.issuer).await;
    assert_eq!(refused.unwrap_err(), PresentError::OtherKey);
    let long = "a".repeat(17 * 1024);
    let refused = present(&chosen, KeyBindingClaims { nonce: &long, ..CLAIMS }, &scene.holder);
    assert_eq!(refused.await.unwrap_err(), PresentError::TooLong);
}

/// Two members of one name: one reader would take the first, another the last.
#[tokio::test]
async fn a_claim_that_comes_twice_is_refused() {
    let scene = Scene::new().await;
    for name in ["iat", "aud", "nonce", "sd_hash"] {
        let claims = scene.claims(json!({}));
        let again = format!("{{\"{name}\":{},{}", claims[name], &claims.to_string()[1..]);
        let jwt = jws::sign(object(typ()), again.as_bytes(), &scene.holder).await.unwrap();
        let refused = scene.verify(&format!("{}{jwt}", scene.issued)).unwrap_err();
        assert_eq!(refused, KeyBindingError::Jws(JwsError::Malformed), "{name}");
    }
}

/// RFC 9901 §4.3.1: nobody on the way shows more, or less, or in another order.
#[tokio::test]
async fn another_set_of_disclosures_is_refused() {
    let scene = Scene::new().await;
    let showable = Showable::parse(&scene.issued).unwrap();
    let chosen = showable.choose(&pointers(&["/given_name", "/address/town"])).unwrap();
    let presented = present(&chosen, CLAIMS, &scene.holder).await.unwrap();
    let (shown, key_binding) = split(&presented).unwrap();
    let key_binding = key_binding.unwrap();
    let mut parts: Vec<&str> = shown.trim_end_matches('~').split('~').collect();
    assert_eq!(parts.len(), 4);
    let more = showable.choose(&pointers(&["/given_name", "/address"])).unwrap();
    let less = showable.choose(&pointers(&["/given_name"])).unwrap();
    let order = [1, 2, 3].map(|at| parts[at]);
    parts[1..].rotate_left(1);
    assert_ne!(parts[1..], order);
    let turned = format!("{}~", parts.join("~"));
    for other in [more.text(), less.text(), &*turned, &*scene.issued] {
        let refused = scene.verify(&format!("{other}{key_binding}")).unwrap_err();
        assert_eq!(refused, KeyBindingError::OtherDisclosures);
    }
    // Of the same holder, and of the same words.
    let other = Scene::new().await;
    let shown = Showable::parse(&other.issued).unwrap().choose(&[]).unwrap();
    let refused = other.verify(&format!("{}{key_binding}", shown.text())).unwrap_err();
    assert_eq!(refused, KeyBindingError::WrongKey);
}

/// A key binding proves nothing where the issuer named no key; and the issuer sends none.
#[tokio::test]
async fn a_key_binding_stands_only_where_it_is_allowed() {
    let unbound = Scene::bound_to(|_| None).await;
    let presented = unbound.signed(typ(), unbound.claims(json!({}))).await;
    assert_eq!(unbound.verify(&presented).unwrap_err(), KeyBindingError::NotBound);
    let chosen = Showable::parse(&unbound.issued).unwrap().choose(&[]).unwrap();
    assert!(!chosen.is_bound());
    let refused = present(&chosen, CLAIMS, &unbound.holder).await;
    assert_eq!(refused.unwrap_err(), PresentError::NotBound);
    let scene = Scene::new().await;
    let presented = scene.signed(typ(), scene.claims(json!({}))).await;
    assert_eq!(scene.verified(&presented).unwrap_err(), FormatError::UnexpectedKeyBinding);
    assert_eq!(Showable::parse(&presented).unwrap_err(), FormatError::UnexpectedKeyBinding);
    // A document has the key of a did:web: nobody can hand in another than that.
    let website = Scene::bound_to(|_| Some(Binding::Kid("did:web:a.example#1".into()))).await;
    let presented = website.signed(typ(), website.claims(json!({}))).await;
    assert_eq!(website.verify(&presented).unwrap_err(), KeyBindingError::UnknownKey);
    let key_binding = KeyBinding::parse(split(&presented).unwrap().1.unwrap()).unwrap();
    let verified = website.verified(&website.issued).unwrap();
    let by = |key: &SoftwareKey| key_binding.clone().verify_by(key.public_key(), &verified);
    assert!(by(&website.holder).is_ok());
    assert_eq!(by(&website.issuer).unwrap_err(), KeyBindingError::WrongKey);
    // Nor for a credential that has its key itself.
    let key_binding = split(&presented).unwrap().1.unwrap().to_owned();
    let key_binding = KeyBinding::parse(&key_binding).unwrap();
    let verified = scene.verified(&scene.issued).unwrap();
    let refused = key_binding.verify_by(website.holder.public_key(), &verified);
    assert_eq!(refused.unwrap_err(), KeyBindingError::WrongKey);
}

/// Whatever is behind it, or in it.
#[tokio::test]
async fn a_changed_byte_and_one_too_many_are_refused() {
    let scene = Scene::new().await;
    let chosen = Showable::parse(&scene.issued).unwrap().choose(&[]).unwrap();
    let presented = present(&chosen, CLAIMS, &scene.holder).await.unwrap();
    let begin = chosen.text().len();
    for place in begin..presented.len() {
        let mut changed = presented.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(scene.verify(&String::from_utf8(changed).unwrap()).is_err(), "byte {place}");
    }
    for more in [".", ".AAAA", "=", " ", "\n", "A", "AAAA"] {
        assert!(scene.verify(&format!("{presented}{more}")).is_err(), "{more:?}");
    }
    // Behind a further tilde it is a disclosure, and none that can be read.
    for more in ["~", "~~", "~e30.e30.AA"] {
        let presented = format!("{presented}{more}");
        let (shown, _) = split(&presented).unwrap();
        let refused = scene.verified(shown).unwrap_err();
        assert!(matches!(
            refused,
            FormatError::Disclosures(SdJwtError::Unreferenced | SdJwtError::RepeatedDigest)
        ));
    }
    assert_eq!(split("no.tilde.here").unwrap_err(), FormatError::CutOff);
    assert_eq!(split(&"~".repeat(3 * 1024 * 1024)).unwrap_err(), FormatError::TooLong);
    let long = format!("{}{}", scene.issued, "A".repeat(17 * 1024));
    let refused = scene.verify(&long).unwrap_err();
    assert_eq!(refused, KeyBindingError::Jws(JwsError::TooLong));
}

/// An issuer may let its key be left out, too: what is then shown is good for whoever bears it, and no
/// key binding stands behind it (RFC 9901 §4.3).
#[tokio::test]
async fn a_key_that_is_not_shown_signs_nothing() {
    let scene = Scene::new().await;
    let cnf = json!({ "jwk": scene.holder.public_key().to_jwk() });
    let claims = object(json!({ "vct": "a", "given_name": "Ada", "cnf": cnf }));
    let paths = [vec![Step::from("cnf")], vec![Step::from("given_name")]];
    let made = conceal(claims, &paths, 0, &SystemRandom).unwrap();
    let header = object(json!({ "typ": "dc+sd-jwt" }));
    let payload = Value::from(made.payload.clone()).to_string();
    let jwt = jws::sign(header, payload.as_bytes(), &scene.issuer).await.unwrap();
    let disclosures = made.disclosures.iter().map(|one| format!("{}~", one.text()));
    let issued = format!("{jwt}~{}", disclosures.collect::<String>());
    let showable = Showable::parse(&issued).unwrap();
    let without = showable.choose(&pointers(&["/given_name"])).unwrap();
    assert!(!without.is_bound());
    let refused = present(&without, CLAIMS, &scene.holder).await;
    assert_eq!(refused.unwrap_err(), PresentError::NotBound);
    let with = showable.choose(&pointers(&["/cnf"])).unwrap();
    assert!(with.is_bound());
    assert!(present(&with, CLAIMS, &scene.holder).await.is_ok());
}

/// A hostile issuer's names do not fill the memory of whoever looks for what to show.
#[tokio::test]
async fn a_path_to_a_claim_has_an_end() {
    let issuer = key(Algorithm::Es256);
    let name = "n".repeat(5000);
    let payload = json!({ "vct": "a", name: { "a": { "b": 1 } } }).to_string();
    let header = object(json!({ "typ": "dc+sd-jwt" }));
    let jwt = jws::sign(header, payload.as_bytes(), &issuer).await.unwrap();
    let refused = Showable::parse(&format!("{jwt}~")).unwrap_err();
    assert_eq!(refused, FormatError::Disclosures(SdJwtError::TooDeep));
}
