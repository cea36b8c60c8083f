//! Steps 15-16 over the router: every proof that is refused, and what it costs (VCI §F.4).
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keys::algorithm::Algorithm;
use keys::development::DevelopmentCa;
use keys::did::{to_did_jwk, to_did_key, verification_method};
use keys::digest::MacKey;
use keys::outside::Clock as _;
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{x5c_from_pem, x5c_to_json};
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::{Draft, holder_key, sign_text};
use testkit::wire::Answer;
use testkit::world::{ISSUER, World};

const CARD: &str = "student_card";
/// `window_seconds` of a new issuer.
const WINDOW: u64 = 300;

/// One change to a good proof.
type Spoil = Box<dyn Fn(&mut Draft)>;

fn header(name: &'static str, value: Value) -> Spoil {
    Box::new(move |draft| draft.header(name, value.clone()))
}

fn claim(name: &'static str, value: impl Into<Value>) -> Spoil {
    let value = value.into();
    Box::new(move |draft| draft.claim(name, value.clone()))
}

fn kid(kid: impl Into<Value>) -> Spoil {
    let kid = kid.into();
    Box::new(move |draft| {
        draft.header("jwk", None);
        draft.header("kid", kid.clone());
    })
}

fn jwk(change: impl Fn(&mut Value) + 'static) -> Spoil {
    Box::new(move |draft| change(draft.header.get_mut("jwk").unwrap()))
}

/// The header: type, algorithm, and the one name of the key (E11 to E20, F01, F06).
fn headers(key: &SoftwareKey) -> Vec<(&'static str, Spoil)> {
    let own = to_did_jwk(key.public_key());
    let other = verification_method(&to_did_key(holder_key().public_key()));
    vec![
        ("E12: no typ, PROOF-28", Box::new(|draft| draft.header("typ", None))),
        ("E12: typ JWT", header("typ", json!("JWT"))),
        ("E12: upper case", header("typ", json!("OPENID4VCI-PROOF+JWT"))),
        ("E12: with more", header("typ", json!("openid4vci-proof+jwt "))),
        ("E12: not text", header("typ", json!(["openid4vci-proof+jwt"]))),
        ("E13: alg none, PROOF-05", header("alg", json!("none"))),
        ("E13: alg None", header("alg", json!("None"))),
        ("E13: a MAC, PROOF-29", header("alg", json!("HS256"))),
        ("E13: not announced, PROOF-19", header("alg", json!("ES384"))),
        ("E13: RSA", header("alg", json!("RS256"))),
        ("E13: of another key", header("alg", json!("EdDSA"))),
        ("E13: no alg", Box::new(|draft| draft.header("alg", None))),
        ("no key at all, PROOF-07", Box::new(|draft| draft.header("jwk", None))),
        ("E14: jwk and kid, PROOF-07", header("kid", json!(verification_method(&own)))),
        ("E14: jwk and x5c", header("x5c", json!(["AAAA"]))),
        ("E15: a private key, PROOF-31", jwk(|jwk| jwk["d"] = json!("AAAA"))),
        ("E16: crit", header("crit", json!(["exp"]))),
        ("E16: b64", header("b64", json!(false))),
        ("E18: off the curve", jwk(|jwk| jwk["y"] = jwk["x"].clone())),
        ("E18: a short coordinate", jwk(|jwk| jwk["x"] = json!("AA"))),
        ("E18: infinity", jwk(|jwk| *jwk = json!({"kty": "EC", "crv": "P-256"}))),
        ("E18: another curve", jwk(|jwk| jwk["crv"] = json!("P-384"))),
        ("E18: another kind", jwk(|jwk| jwk["kty"] = json!("RSA"))),
        ("E18: a symmetric key", jwk(|jwk| *jwk = json!({"kty": "oct", "k": "AAAA"}))),
        ("E18: no object", header("jwk", json!("AAAA"))),
        ("E19: a path, PROOF-08", kid("../../etc/passwd")),
        ("E19: a query", kid("' OR 1=1--")),
        ("E19: a long name", kid(format!("did:key:z{}", "1".repeat(8_000)))),
        ("E19: a number", kid(7)),
        ("E20: no such key in the DID", kid(format!("{own}#1"))),
        ("E21: signed by another key, PROOF-30", kid(other)),
        ("F01: did:web", kid("did:web:127.0.0.1#0")),
        ("F06: no multicodec", kid("did:key:z11#z11")),
        (
            "E23: a certificate that is none, PROOF-09",
            Box::new(|draft| {
                draft.header("jwk", None);
                draft.header("x5c", json!(["AAAA"]));
            }),
        ),
        (
            "E23: a hundred certificates",
            Box::new(|draft| {
                draft.header("jwk", None);
                draft.header("x5c", Value::from(vec!["AAAA"; 100]));
            }),
        ),
        ("E24: an attestation, PROOF-10", header("key_attestation", json!("a.b.c"))),
        ("a trust chain, PROOF-11", header("trust_chain", json!([]))),
    ]
}

/// The claims: whom it is for, and when it was made (E09 to E11, E26).
fn claims(now: u64) -> Vec<(&'static str, Spoil)> {
    vec![
        ("E09: for another issuer, PROOF-14", claim("aud", "https://other.example")),
        ("E09: a list of two", claim("aud", vec![ISSUER, "https://other.example"])),
        ("E09: with a slash", claim("aud", format!("{ISSUER}/"))),
        ("E09: the endpoint", claim("aud", format!("{ISSUER}/credential"))),
        ("E09: for nobody", Box::new(|draft| draft.claim("aud", None))),
        ("E10: no iat, PROOF-15", Box::new(|draft| draft.claim("iat", None))),
        ("E10: text", claim("iat", now.to_string())),
        ("E10: negative", claim("iat", -1)),
        ("E10: endless", claim("iat", 1e300)),
        ("E10: too old, PROOF-33", claim("iat", now - WINDOW - 1)),
        ("E10: from the future", claim("iat", now + WINDOW + 1)),
    ]
}

async fn ask(world: &World, token: &str, proof: String) -> Answer {
    world.credential(token, CARD, &[proof]).await
}

/// PROOF-27: each row is `invalid_proof`; afterwards token and nonce are as good as before.
#[tokio::test]
async fn a_refused_proof_spends_nothing() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let rows = headers(&key).into_iter().chain(claims(world.clock.now().0));
    for (row, spoil) in rows {
        let mut draft = world.draft(&key, &nonce);
        spoil(&mut draft);
        let answer = ask(&world, &token, draft.sign(&key).await).await;
        assert!(answer.is(400, "invalid_proof"), "{row}: {answer:?}");
    }
    let proof = world.draft(&key, &nonce).sign(&key).await;
    ask(&world, &token, proof).await.success();
}

/// E17, E21, E27: what is not three parts of JSON under one signature.
#[tokio::test]
async fn a_proof_that_is_no_jwt_spends_nothing() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let draft = world.draft(&key, &nonce);
    let good = draft.sign(&key).await;
    let (input, signature) = good.rsplit_once('.').unwrap();
    let [header, claims] = [&draft.header, &draft.claims].map(|part| json!(part).to_string());
    let doubled = claims.replacen('{', &format!(r#"{{"nonce":"{nonce}","#), 1);
    let escaped = claims.replacen('{', &format!(r#"{{"\u006eonce":"{nonce}","#), 1);
    let rows = [
        ("E27: a claim twice", sign_text(&header, &doubled, &key).await),
        ("E27: a claim twice, once escaped", sign_text(&header, &escaped, &key).await),
        (
            "a header twice",
            sign_text(&header.replacen('{', r#"{"typ":"JWT","#, 1), &claims, &key).await,
        ),
        ("claims that are a list", sign_text(&header, "[]", &key).await),
        ("claims that are no JSON", sign_text(&header, "x", &key).await),
        ("E13: signed with our public key", mac_signed(&world, &header, &claims)),
        ("E17: no signature", format!("{input}.")),
        ("E17: half a signature", format!("{input}.{}", &signature[..43])),
        ("E17: zeros", format!("{input}.{}", "A".repeat(86))),
        ("E17: another's signature", draft.sign(&holder_key()).await),
        ("padding", format!("{good}==")),
        ("a fourth part", format!("{good}.AAAA")),
        ("two parts", input.to_owned()),
        ("white space", format!(" {good}")),
        ("empty", String::new()),
        ("long", format!("{input}{}.{signature}", "A".repeat(20_000))),
    ];
    for (row, proof) in rows {
        let answer = ask(&world, &token, proof).await;
        assert!(answer.is(400, "invalid_proof"), "{row}: {answer:?}");
    }
    ask(&world, &token, good).await.success();
}

/// The old trick: the issuer's public key taken for a shared secret.
fn mac_signed(world: &World, header: &str, claims: &str) -> String {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as base64;
    let header = header.replace("ES256", "HS256");
    let input = format!("{}.{}", base64.encode(header), base64.encode(claims));
    let x = world.issuer.keys().signing.signer.public_key().to_jwk()["x"].clone();
    let secret = base64.decode(x.as_str().unwrap()).unwrap();
    let mac = MacKey::new(secret.try_into().unwrap()).mac(&input, &[]);
    format!("{input}.{}", base64.encode(mac))
}

/// PROOF-33, PROOF-34: clocks of phones are wrong; E10: some write fractions.
#[tokio::test]
async fn the_time_of_a_proof_may_be_a_little_off() {
    let world = World::new().await;
    let (token, key, now) = (world.token(CARD).await, holder_key(), world.clock.now().0);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are small")]
    let fraction = json!(now as f64 + 0.5);
    for iat in [json!(now - WINDOW), json!(now - 60), json!(now + WINDOW), fraction] {
        let mut draft = world.draft(&key, &world.nonce().await);
        draft.claim("iat", iat.clone());
        assert_eq!(ask(&world, &token, draft.sign(&key).await).await.status, 200, "{iat}");
    }
}

/// PROOF-12, E11: `iss` is the name that stood in the Token Request.
#[tokio::test]
async fn a_proof_names_the_client_of_its_token() {
    let world = World::new().await;
    let offered = world.offer(CARD, &json!({})).await;
    let token = world.redeem(&offered.code, &[("client_id", "a-wallet")]).await.success();
    let (token, key) = (token["access_token"].as_str().unwrap(), holder_key());
    for (iss, status) in [(json!("another"), 400), (json!(1), 400), (json!("a-wallet"), 200)] {
        let mut draft = world.draft(&key, &world.nonce().await);
        draft.claim("iss", iss.clone());
        let answer = ask(&world, token, draft.sign(&key).await).await;
        assert_eq!(answer.status, status, "{iss}");
        assert!(status == 200 || answer.is(400, "invalid_proof"));
    }
}

/// E22, CRED-08, CRED-11, CRED-36: the shape of `proofs`.
#[tokio::test]
async fn proofs_that_are_too_many_or_of_the_wrong_shape_spend_nothing() {
    let world = World::new().await;
    let (token, key, nonce) = (world.token(CARD).await, holder_key(), world.nonce().await);
    let good = world.draft(&key, &nonce).sign(&key).await;
    let mut crowd = Vec::new();
    for _ in 0..11 {
        let key = holder_key();
        crowd.push(world.draft(&key, &nonce).sign(&key).await);
    }
    let rows = [
        ("the same key twice", json!({ "jwt": [good, good] }), "invalid_proof"),
        ("more than batch_size", json!({ "jwt": crowd }), "invalid_proof"),
        ("none", json!({ "jwt": [] }), "invalid_proof"),
        ("no kind", json!({}), "invalid_proof"),
        ("another kind", json!({ "di_vp": [{}] }), "invalid_proof"),
        ("two kinds", json!({ "jwt": [good], "x": [] }), "invalid_credential_request"),
        ("not a list", json!({ "jwt": good }), "invalid_proof"),
        ("not text", json!({ "jwt": [1] }), "invalid_proof"),
        ("not an object", json!([good]), "invalid_proof"),
        ("nothing", Value::Null, "invalid_proof"),
    ];
    for (row, proofs, error) in rows {
        let body = json!({ "credential_configuration_id": CARD, "proofs": proofs });
        let answer = world.credential_request(&token, &body).await;
        assert!(answer.is(400, error), "{row}: {answer:?}");
    }
    let missing = json!({ "credential_configuration_id": CARD });
    assert!(world.credential_request(&token, &missing).await.is(400, "invalid_proof"), "CRED-57");
    let body = request(CARD, &crowd[..10]);
    let answer = world.credential_request(&token, &body).await.success();
    assert_eq!(answer["credentials"].as_array().unwrap().len(), 10, "up to batch_size");
}

/// PROOF-07, META-34: three names of one key, two algorithms.
#[tokio::test]
async fn every_announced_way_to_name_a_key_is_taken() {
    let world = World::new().await;
    let token = world.token(CARD).await;
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = SoftwareKey::generate(algorithm).unwrap();
        let dids = [to_did_jwk(key.public_key()), to_did_key(key.public_key())];
        for did in dids.iter().map(Some).chain([None]) {
            let mut draft = world.draft(&key, &world.nonce().await);
            if let Some(did) = did {
                kid(verification_method(did))(&mut draft);
            }
            ask(&world, &token, draft.sign(&key).await).await.success();
        }
    }
}

/// PROOF-07, PROOF-09: a certificate names the key, whoever it is from; the credential is bound to
/// the key alone.
#[tokio::test]
async fn a_certificate_may_name_the_key() {
    let world = World::new().await;
    let (token, key, now) = (world.token(CARD).await, holder_key(), world.clock.now());
    let ca = DevelopmentCa::generate("Wallet Provider", now).unwrap();
    let url = "https://wallet.example";
    let leaf = ca.signing_certificate(key.public_key(), "A wallet", url, now).unwrap();
    let chain = x5c_from_pem(&format!("{leaf}{}", ca.certificate_pem())).unwrap();
    for x5c in [&chain[..], &chain[..1]] {
        let mut draft = world.draft(&key, &world.nonce().await);
        draft.header("jwk", None);
        draft.header("x5c", x5c_to_json(x5c));
        let answer = ask(&world, &token, draft.sign(&key).await).await.success();
        let credential = answer["credentials"][0]["credential"].as_str().unwrap();
        let payload = credential.split('.').nth(1).unwrap();
        let payload: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(payload["cnf"], json!({ "jwk": key.public_key().to_jwk() }));
        assert!(!credential.contains(&x5c_to_json(x5c)[0].as_str().unwrap()[..60]));
    }
    let mut draft = world.draft(&key, &world.nonce().await);
    draft.header("jwk", None);
    draft.header("x5c", x5c_to_json(&chain));
    let forged = draft.sign(&holder_key()).await;
    assert!(ask(&world, &token, forged).await.is(400, "invalid_proof"), "E21");
}

/// AMB-17: drafts send one `proof`; strict issuers do not look at it.
#[tokio::test]
async fn the_single_proof_of_the_drafts_is_taken_unless_switched_off() {
    for single_proof in [true, false] {
        let world = World::with(|issuer| issuer.config.compatibility.single_proof = single_proof);
        let world = world.await;
        let (token, key) = (world.token(CARD).await, holder_key());
        let jwt = world.proof(&key).await;
        let proof = json!({ "proof_type": "jwt", "jwt": jwt });
        let body = json!({ "credential_configuration_id": CARD, "proof": &proof });
        let answer = world.credential_request(&token, &body).await;
        if single_proof {
            answer.success();
            let other = json!({ "proof_type": "ldp_vp", "ldp_vp": {} });
            let body = json!({ "credential_configuration_id": CARD, "proof": other });
            assert!(world.credential_request(&token, &body).await.is(400, "invalid_proof"));
            let mut both = request(CARD, &[world.proof(&key).await]);
            both["proof"] = proof;
            let answer = world.credential_request(&token, &both).await;
            assert!(answer.is(400, "invalid_credential_request"), "which of them counts?");
        } else {
            assert!(answer.is(400, "invalid_proof"), "{answer:?}");
            world.credential(&token, CARD, &[jwt]).await.success();
        }
    }
}
