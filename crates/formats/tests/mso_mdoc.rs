//! ISO mdoc, issued and received (VCI §A.2): what others signed, what we sign, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::binding::Binding;
use formats::mso_mdoc::{Element, Mdoc, MdocClaims, NameSpace, issue};
use formats::status_list::{CredentialStatus, StatusReference};
use formats::verified::{Format, Verified};
use formats::{FormatError, IssueError};
use keys::algorithm::Algorithm;
use keys::cbor::{Label, Map, encode};
use keys::cose::{self, CoseError};
use keys::development::DevelopmentCa;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::{Signer as _, SoftwareKey};
use keys::x509::{Certificate, x5c_from_pem};
use minicbor::Decoder;
use minicbor::data::Tag;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_800_000_000);
const END: Timestamp = Timestamp(1_810_000_000);
const MDL: &str = "org.iso.18013.5.1.mDL";
const SPACE: &str = "org.iso.18013.5.1";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// `issuerSigned` of the one document in the response of ISO 18013-5 Annex D.4.1.2.
fn annex_d() -> Vec<u8> {
    let response = hex(include_str!("vectors/iso-18013-5-annex-d.hex"));
    let documents = Map::parse(&response).unwrap().get(Label::Text("documents")).unwrap();
    let mut decoder = Decoder::new(documents);
    assert_eq!(decoder.array().unwrap(), Some(1));
    let document = Map::parse(documents.get(decoder.position()..).unwrap()).unwrap();
    document.get(Label::Text("issuerSigned")).unwrap().to_vec()
}

fn read(bytes: &[u8]) -> Result<Mdoc, FormatError> {
    Mdoc::parse(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// FMT-MDOC-05: an mdoc of the standard itself, with digests, signature and certificate.
#[test]
fn the_example_of_the_standard_verifies() {
    let then = Timestamp::from_rfc3339("2020-11-01T00:00:00Z").unwrap();
    let mdoc = read(&annex_d()).unwrap();
    let x5c = mdoc.key_reference().x5c.unwrap();
    let signer = Certificate::from_der(x5c.first().unwrap()).unwrap();
    let verified = mdoc.clone().verify(&signer.public_key, then).unwrap();
    assert_eq!((verified.format, &verified.types), (Format::MsoMdoc, &vec![MDL.to_owned()]));
    let claims = verified.claims.get(SPACE).unwrap();
    assert_eq!(claims["family_name"], "Doe");
    assert_eq!(claims["issue_date"], "2019-10-20");
    assert_eq!(claims["document_number"], "123456789");
    assert_eq!(claims["driving_privileges"][0]["vehicle_category_code"], "A");
    assert!(claims["portrait"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
    let Some(Binding::Jwk(device_key)) = verified.binding else { panic!() };
    let expected = json!({ "kty": "EC", "crv": "P-256",
        "x": "ljE9bGPiTjNydCv9saM7osiX3NaKuMdT5PvUjcprf5o",
        "y": "H7MmneQZvRteTZuBtaWnUNDhCFHWHmYs-I4UFP1yeQ0" });
    assert_eq!(device_key.to_jwk()["x"], expected["x"]);
    let late = Timestamp::from_rfc3339("2022-01-01T00:00:00Z").unwrap();
    assert_eq!(mdoc.verify(&signer.public_key, late).unwrap_err(), FormatError::Expired);
}

/// Every byte of it counts: whichever is changed, it is not read, or not believed.
#[test]
fn no_byte_can_be_changed() {
    let then = Timestamp::from_rfc3339("2020-11-01T00:00:00Z").unwrap();
    let good = annex_d();
    let mdoc = read(&good).unwrap();
    let x5c = mdoc.key_reference().x5c.unwrap();
    let key = Certificate::from_der(x5c.first().unwrap()).unwrap().public_key;
    let before = mdoc.verify(&key, then).unwrap();
    let certificate = good.windows(x5c[0].len()).position(|window| window == x5c[0]).unwrap();
    for at in 0..good.len() {
        // The certificate is judged elsewhere, with the chain that it belongs to.
        if (certificate..certificate + x5c[0].len()).contains(&at) {
            continue;
        }
        let mut bad = good.clone();
        bad[at] ^= 1;
        let verified = read(&bad).and_then(|mdoc| mdoc.verify(&key, then));
        assert!(
            verified.is_err(),
            "byte {at}: {:?}",
            verified.map(|found| found.claims == before.claims)
        );
    }
}

struct Issuer {
    key: SoftwareKey,
    x5c: Vec<Vec<u8>>,
}

impl Issuer {
    fn new() -> Self {
        let ca = DevelopmentCa::generate("IACA", NOW).unwrap();
        let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
        let url = "https://issuer.example";
        let pem = ca.signing_certificate(key.public_key(), "Signer", url, NOW).unwrap();
        Self { key, x5c: x5c_from_pem(&pem).unwrap() }
    }
}

fn elements() -> Vec<(String, Element)> {
    let privilege = Element::Map(vec![
        ("vehicle_category_code".into(), Element::Text("B".into())),
        ("issue_date".into(), Element::FullDate("2020-01-02".into())),
    ]);
    [
        ("family_name", Element::Text("Mustermann".into())),
        ("birth_date", Element::FullDate("1990-05-06".into())),
        ("age_over_18", Element::Bool(true)),
        ("height", Element::Integer(-170)),
        ("grade", Element::Number(1.7)),
        ("portrait", Element::Bytes(b"\xff\xd8\xff\xe0 not much of a picture".to_vec())),
        ("issued", Element::DateTime("2026-11-26T00:00:00Z".into())),
        ("driving_privileges", Element::Array(vec![privilege])),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn claims(device_key: &SoftwareKey) -> MdocClaims<'_> {
    MdocClaims {
        doc_type: MDL,
        name_spaces: vec![
            NameSpace { name: SPACE.into(), elements: elements() },
            NameSpace {
                name: "example".into(),
                elements: vec![("family_name".into(), Element::Text("M.".into()))],
            },
        ],
        device_key: device_key.public_key(),
        signed_at: NOW,
        expires_at: END,
        status: Some(StatusReference { uri: "https://issuer.example/status/1".into(), idx: 7 }),
    }
}

fn verify(raw: &str, issuer: &Issuer) -> Result<Verified, FormatError> {
    Mdoc::parse(raw)?.verify(issuer.key.public_key(), NOW)
}

/// All kinds of values come back as they were; the identifiers of digests are not in their order.
#[tokio::test]
async fn what_is_issued_verifies() {
    let (issuer, device_key) = (Issuer::new(), SoftwareKey::generate(Algorithm::Es384).unwrap());
    let raw = issue(claims(&device_key), &issuer.x5c, &issuer.key, &SystemRandom).await.unwrap();
    let mdoc = Mdoc::parse(&raw).unwrap();
    assert_eq!(mdoc.key_reference().x5c.unwrap(), issuer.x5c);
    let verified = verify(&raw, &issuer).unwrap();
    assert_eq!(verified.claims[SPACE]["family_name"], "Mustermann");
    assert_eq!(verified.claims[SPACE]["birth_date"], "1990-05-06");
    assert_eq!(verified.claims[SPACE]["age_over_18"], true);
    assert_eq!(verified.claims[SPACE]["height"], -170);
    assert_eq!(verified.claims[SPACE]["grade"], 1.7);
    assert_eq!(verified.claims[SPACE]["driving_privileges"][0]["issue_date"], "2020-01-02");
    assert_eq!(verified.claims["example"]["family_name"], "M.");
    assert_eq!(verified.binding, Some(Binding::Jwk(device_key.public_key().clone())));
    assert_eq!((verified.not_before, verified.expires_at), (Some(NOW), Some(END)));
    let Some(CredentialStatus::StatusList(status)) = verified.status else { panic!() };
    assert_eq!((status.idx, status.uri.as_str()), (7, "https://issuer.example/status/1"));
    assert_eq!(verified.raw, raw);
}

/// ISO 18013-5 §9.1.2.5: two mdocs of one holder have nothing in common but what they say.
#[tokio::test]
async fn salts_and_identifiers_are_drawn_for_each() {
    let (issuer, device_key) = (Issuer::new(), SoftwareKey::generate(Algorithm::Es256).unwrap());
    let mut orders = Vec::new();
    for _ in 0..8 {
        let raw =
            issue(claims(&device_key), &issuer.x5c, &issuer.key, &SystemRandom).await.unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).unwrap();
        let spaces = Map::parse(&bytes).unwrap().get(Label::Text("nameSpaces")).unwrap();
        let items = Map::parse(spaces).unwrap().get(Label::Text(SPACE)).unwrap();
        let mut decoder = Decoder::new(items);
        let count = decoder.array().unwrap().unwrap();
        let read = |decoder: &mut Decoder<'_>| {
            assert_eq!(decoder.tag().unwrap(), Tag::new(24));
            let item = Map::parse(decoder.bytes().unwrap()).unwrap();
            let id = item.number(Label::Text("digestID")).unwrap().unwrap();
            (id, item.bytes(Label::Text("random")).unwrap().unwrap().to_vec())
        };
        let read: Vec<_> = (0..count).map(|_| read(&mut decoder)).collect();
        let mut salts: Vec<_> = read.iter().map(|(_, salt)| salt.clone()).collect();
        salts.sort();
        salts.dedup();
        assert_eq!(salts.len(), read.len());
        assert!(salts.iter().all(|salt| salt.len() >= 16));
        let mut ids: Vec<_> = read.iter().map(|(id, _)| *id).collect();
        orders.push(ids.clone());
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..count));
    }
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 1, "{orders:?}");
}

/// What a wrong issuer, or an attacker with its key, might sign.
#[tokio::test]
async fn each_defect_is_refused() {
    let (issuer, device_key) = (Issuer::new(), SoftwareKey::generate(Algorithm::Es256).unwrap());
    let sign = async |change: &dyn Fn(&mut MdocClaims<'_>)| {
        let mut claims = claims(&device_key);
        change(&mut claims);
        issue(claims, &issuer.x5c, &issuer.key, &SystemRandom).await
    };
    let expired = sign(&|claims| claims.expires_at = NOW).await.unwrap();
    let late = Mdoc::parse(&expired).unwrap();
    let late = late.verify(issuer.key.public_key(), NOW.plus(61));
    assert_eq!(late.unwrap_err(), FormatError::Expired);
    let early = sign(&|claims| claims.signed_at = NOW.plus(3600)).await.unwrap();
    assert_eq!(verify(&early, &issuer).unwrap_err(), FormatError::NotYetValid);
    let before = sign(&|claims| claims.signed_at = NOW.minus(7 * 24 * 3600)).await.unwrap();
    assert_eq!(verify(&before, &issuer).unwrap_err(), FormatError::SignedOutsideLife);
    let good = sign(&|_| {}).await.unwrap();
    let other = Issuer::new();
    assert_eq!(verify(&good, &other).unwrap_err(), FormatError::WrongSignature);
    assert_eq!(verify(&format!("{good}="), &issuer).unwrap_err(), FormatError::Malformed);
    let mut longer = BASE64_URL_SAFE_NO_PAD.decode(&good).unwrap();
    longer.push(0);
    assert_eq!(read(&longer).unwrap_err(), FormatError::Malformed, "trailing bytes");

    let twice = sign(&|claims| {
        let again = claims.name_spaces[0].clone();
        claims.name_spaces.push(again);
    });
    assert_eq!(twice.await.unwrap_err(), IssueError::ReservedClaim);
    let repeated = sign(&|claims| {
        let again = claims.name_spaces[0].elements[0].clone();
        claims.name_spaces[0].elements.push(again);
    });
    for empty in [
        sign(&|claims| claims.name_spaces.clear()).await,
        sign(&|claims| claims.name_spaces[1].elements.clear()).await,
    ] {
        assert_eq!(empty.unwrap_err(), IssueError::NoClaims);
    }
    let repeated = repeated.await;
    assert_eq!(repeated.unwrap_err(), IssueError::ReservedClaim, "it would say two things");
}

/// An element as it stands in a name space; `again` is a member that comes a second time.
fn item(digest_id: u64, identifier: &str, again: Option<&str>) -> Vec<u8> {
    let map = encode(|to| {
        to.map(4 + u64::from(again.is_some()))?.str("digestID")?.u64(digest_id)?;
        to.str("random")?.bytes(&[7; 16])?.str("elementIdentifier")?.str(identifier)?;
        to.str("elementValue")?.bool(true)?;
        if let Some(name) = again {
            to.str(name)?.u64(digest_id)?;
        }
        Ok(())
    });
    encode(|to| {
        to.tag(Tag::new(24))?.bytes(&map)?;
        Ok(())
    })
}

/// Name spaces of elements, in front of a signature; each as often as it is given.
fn with_name_spaces(spaces: &[(&str, Vec<Vec<u8>>)], auth: &[u8]) -> Vec<u8> {
    let mut bytes = encode(|to| {
        to.map(2)?.str("issuerAuth")?;
        Ok(())
    });
    bytes.extend(auth);
    bytes.extend(encode(|to| {
        to.str("nameSpaces")?.map(u64::try_from(spaces.len()).unwrap())?;
        Ok(())
    }));
    for (name, items) in spaces {
        bytes.extend(encode(|to| {
            to.str(name)?.array(u64::try_from(items.len()).unwrap())?;
            Ok(())
        }));
        bytes.extend(items.concat());
    }
    bytes
}

/// ISO 18013-5 §9.1.2.5: of two elements with one name, or one digest, readers differ in which they
/// take; and so of two members of a map (RFC 8949 §5.6).
#[tokio::test]
async fn what_comes_twice_is_not_read() {
    let (issuer, device_key) = (Issuer::new(), SoftwareKey::generate(Algorithm::Es256).unwrap());
    let raw = issue(claims(&device_key), &issuer.x5c, &issuer.key, &SystemRandom).await.unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).unwrap();
    let auth = Map::parse(&bytes).unwrap().get(Label::Text("issuerAuth")).unwrap().to_vec();
    let (one, other) = (item(0, "a", None), item(1, "b", None));
    let of = |items: &[&Vec<u8>]| items.iter().map(|item| (*item).clone()).collect::<Vec<_>>();
    let read_of = |spaces: &[(&str, Vec<Vec<u8>>)]| read(&with_name_spaces(spaces, &auth));
    read_of(&[("s", of(&[&one, &other])), ("t", of(&[&one]))]).unwrap();
    let repeated = [
        ("digestID", vec![("s", of(&[&one, &item(0, "b", None)]))]),
        ("elementIdentifier", vec![("s", of(&[&one, &item(1, "a", None)]))]),
        ("an element", vec![("s", of(&[&one, &one]))]),
        ("a name space", vec![("s", of(&[&one])), ("s", of(&[&other]))]),
        ("digestID in an element", vec![("s", of(&[&item(0, "a", Some("digestID"))]))]),
        ("elementValue", vec![("s", of(&[&item(0, "a", Some("elementValue"))]))]),
    ];
    for (what, spaces) in repeated {
        assert_eq!(read_of(&spaces).unwrap_err(), FormatError::Malformed, "{what}");
    }
    let mut twice = encode(|to| {
        to.map(3)?.str("nameSpaces")?.map(0)?;
        Ok(())
    });
    twice.extend(with_name_spaces(&[("s", of(&[&one]))], &auth).get(1..).unwrap());
    assert_eq!(read(&twice).unwrap_err(), FormatError::Malformed, "nameSpaces");
}

/// RFC 9052 §3.1: by which algorithm it is signed stands where the signature covers it, and is one of
/// ours.
#[test]
fn a_signature_by_another_algorithm_is_refused() {
    let payload = encode(|to| {
        to.tag(Tag::new(24))?.bytes(b"\xa0")?;
        Ok(())
    });
    let signed_by = |protected: &[u8], unprotected: &[u8]| {
        let mut auth = encode(|to| {
            to.array(4)?.bytes(protected)?;
            Ok(())
        });
        auth.extend(unprotected);
        auth.extend(encode(|to| {
            to.bytes(&payload)?.bytes(&[0; 64])?;
            Ok(())
        }));
        read(&with_name_spaces(&[], &auth)).unwrap_err()
    };
    let unknown = FormatError::Signature(CoseError::UnknownAlgorithm);
    for (what, protected) in [
        ("HMAC 256/256", &[0xa1, 0x01, 0x05][..]),
        ("RS1", &[0xa1, 0x01, 0x39, 0xff, 0xfe]),
        ("PS512", &[0xa1, 0x01, 0x38, 0x26]),
        ("a name", &[0xa1, 0x01, 0x65, b'E', b'S', b'2', b'5', b'6']),
        ("none", &[0xa0]),
    ] {
        assert_eq!(signed_by(protected, &[0xa0]), unknown, "{what}");
    }
    assert_eq!(signed_by(&[0xa0], &[0xa1, 0x01, 0x26]), unknown, "ES256, but not signed");
    let twice = signed_by(&[0xa2, 0x01, 0x26, 0x01, 0x05], &[0xa0]);
    assert_eq!(twice, FormatError::Signature(CoseError::Malformed), "two of them");
}

/// Signed well, and not what an mdoc is.
#[tokio::test]
async fn a_security_object_is_read_strictly() {
    let issuer = Issuer::new();
    let device_key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let whole = |version: &str, digest: &str, tag: u64| {
        let object = encode(|to| {
            to.map(6)?.str("version")?.str(version)?.str("digestAlgorithm")?.str(digest)?;
            to.str("valueDigests")?.map(0)?.str("deviceKeyInfo")?.map(1)?.str("deviceKey")?;
            cose::write_key(to, device_key.public_key())?;
            to.str("docType")?.str(MDL)?.str("validityInfo")?.map(3)?;
            for (name, time) in [("signed", NOW), ("validFrom", NOW), ("validUntil", END)] {
                to.str(name)?.tag(Tag::new(tag))?.str(&time.to_rfc3339())?;
            }
            Ok(())
        });
        encode(|to| {
            to.tag(Tag::new(24))?.bytes(&object)?;
            Ok(())
        })
    };
    let sign = async |payload: Vec<u8>, tagged: bool| {
        let auth = cose::sign_untagged(&issuer.x5c, &payload, &issuer.key).await.unwrap();
        let mut bytes = encode(|to| {
            to.map(2)?.str("nameSpaces")?.map(0)?.str("issuerAuth")?;
            Ok(())
        });
        if tagged {
            bytes.push(0xd2);
        }
        bytes.extend(auth);
        read(&bytes).and_then(|mdoc| mdoc.verify(issuer.key.public_key(), NOW))
    };
    sign(whole("1.0", "SHA-512", 0), false).await.unwrap();
    sign(whole("1.0", "SHA-256", 0), true).await.unwrap();
    for (bad, error) in [
        (whole("2.0", "SHA-256", 0), FormatError::OtherDataModel),
        (whole("1.0", "SHA-1", 0), FormatError::Malformed),
        (whole("1.0", "SHA-256", 1004), FormatError::Malformed),
        (b"\xa0".to_vec(), FormatError::Malformed),
    ] {
        assert_eq!(sign(bad, false).await.unwrap_err(), error);
    }
}
