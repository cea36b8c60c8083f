//! ISO mdoc (ISO 18013-5 §9.3.1): what is shown is what was said, and nothing else.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use formats::FormatError;
use formats::mso_mdoc::{Element, Mdoc, MdocClaims, NameSpace, issue};
use keys::cbor::{Label, Map as CborMap, encode};
use keys::development::DevelopmentCa;
use keys::outside::SystemRandom;
use keys::x509::x5c_from_pem;
use minicbor::Decoder;
use proptest::collection::{btree_map, vec};
use proptest::num;

use super::*;

/// The certificate of [`KEY`].
static CHAIN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let ca = DevelopmentCa::generate("CA", NOW).unwrap();
    let pem = ca.signing_certificate(public_key(), "Issuer", ISSUER, NOW).unwrap();
    x5c_from_pem(&pem).unwrap()[..1].to_vec()
});

/// A value, and what a reader is shown of it.
fn element() -> impl Strategy<Value = (Element, Value)> {
    let text = |text: String| (Element::Text(text.clone()), Value::from(text));
    let date = |days: u64| Timestamp(days * 86_400);
    let leaf = prop_oneof![
        any::<String>().prop_map(text),
        any::<i64>().prop_map(|number| (Element::Integer(number), number.into())),
        num::f64::NORMAL.prop_map(|number| (Element::Number(number), number.into())),
        any::<bool>().prop_map(|value| (Element::Bool(value), value.into())),
        (0..30_000_u64).prop_map(move |days| {
            let date = date(days).to_date();
            (Element::FullDate(date.clone()), date.into())
        }),
        (0..30_000_u64).prop_map(move |days| {
            let time = date(days).to_rfc3339();
            (Element::DateTime(time.clone()), time.into())
        }),
        vec(0..0x80_u8, 0..200).prop_map(|bytes| {
            let shown = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            (Element::Bytes(bytes), shown.into())
        }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| {
                let (values, shown): (Vec<_>, Vec<Value>) = values.into_iter().unzip();
                (Element::Array(values), shown.into())
            }),
            btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|members| {
                let mut shown = Map::new();
                let members = members.into_iter().map(|(name, (value, seen))| {
                    shown.insert(name.clone(), seen);
                    (name, value)
                });
                let members = members.collect();
                (Element::Map(members), shown.into())
            }),
        ]
    })
}

/// Elements by their name space.
type Elements = BTreeMap<String, BTreeMap<String, (Element, Value)>>;

fn elements() -> impl Strategy<Value = Elements> {
    let name = || prop_oneof![3 => "[a-z.]{1,20}".boxed(), 1 => any::<String>().boxed()];
    btree_map(name(), btree_map(name(), element(), 1..5), 1..4)
}

fn issued(elements: &Elements) -> Vec<u8> {
    let space = |(name, elements): (&String, &BTreeMap<String, (Element, Value)>)| {
        let elements = elements.iter().map(|(name, (element, _))| (name.clone(), element.clone()));
        NameSpace { name: name.clone(), elements: elements.collect() }
    };
    let claims = MdocClaims {
        doc_type: "org.example.card",
        name_spaces: elements.iter().map(space).collect(),
        device_key: public_key(),
        signed_at: NOW,
        expires_at: END,
        status: None,
    };
    let raw = now(issue(claims, &CHAIN, &*KEY, &SystemRandom)).unwrap();
    BASE64_URL_SAFE_NO_PAD.decode(raw).unwrap()
}

fn read(mdoc: &[u8]) -> Result<Value, FormatError> {
    let raw = BASE64_URL_SAFE_NO_PAD.encode(mdoc);
    Ok(Mdoc::parse(&raw)?.verify(public_key(), NOW)?.claims.into())
}

/// What a reader shall see of elements, but for those that are left out.
fn seen(elements: &Elements, is_shown: impl Fn(&str, &str) -> bool) -> Value {
    let mut spaces = Map::new();
    for (space, elements) in elements {
        let shown = elements.iter().filter(|(name, _)| is_shown(space, name));
        let shown: Map<String, Value> =
            shown.map(|(name, (_, value))| (name.clone(), value.clone())).collect();
        if !shown.is_empty() {
            spaces.insert(space.clone(), shown.into());
        }
    }
    spaces.into()
}

#[test]
fn who_holds_everything_reads_everything() {
    for_all(&elements(), |elements| {
        assert_eq!(read(&issued(&elements)), Ok(seen(&elements, |_, _| true)));
    });
}

/// What a holder shows of an mdoc: items whose places are in `shown`, counted through all name spaces.
fn presented(mdoc: &[u8], shown: &[bool]) -> (Vec<u8>, Vec<(String, String)>) {
    let map = CborMap::parse(mdoc).unwrap();
    let spaces = CborMap::parse(map.get(Label::Text("nameSpaces")).unwrap()).unwrap();
    let mut decisions = shown.iter().cycle();
    let (mut kept, mut names) = (Vec::new(), Vec::new());
    for (label, items) in spaces.iter() {
        let Label::Text(space) = label else { panic!("{label:?}") };
        let mut decoder = Decoder::new(items);
        let mut of_space = Vec::new();
        for _ in 0..decoder.array().unwrap().unwrap() {
            let start = decoder.position();
            decoder.skip().unwrap();
            let item = &items[start..decoder.position()];
            if *decisions.next().unwrap() {
                names.push((space.to_owned(), identifier(item)));
                of_space.push(item);
            }
        }
        if !of_space.is_empty() {
            kept.push((space, of_space));
        }
    }
    let mdoc = encode(|to| {
        to.map(2)?.str("nameSpaces")?.map(kept.len() as u64)?;
        for (space, items) in &kept {
            to.str(space)?.array(items.len() as u64)?;
            for item in items {
                to.writer_mut().extend_from_slice(item);
            }
        }
        to.str("issuerAuth")?;
        to.writer_mut().extend_from_slice(map.get(Label::Text("issuerAuth")).unwrap());
        Ok(())
    });
    (mdoc, names)
}

fn identifier(item: &[u8]) -> String {
    let mut decoder = Decoder::new(item);
    decoder.tag().unwrap();
    let item = CborMap::parse(decoder.bytes().unwrap()).unwrap();
    item.text(Label::Text("elementIdentifier")).unwrap().unwrap().to_owned()
}

/// ISO 18013-5 §9.3.1: each element is verified by itself.
#[test]
fn what_is_shown_is_seen_and_nothing_else() {
    for_all(&(elements(), vec(any::<bool>(), 1..12)), |(elements, shown)| {
        let (mdoc, names) = presented(&issued(&elements), &shown);
        let is_shown = |space: &str, name: &str| {
            names.iter().any(|(own, identifier)| own == space && identifier == name)
        };
        assert_eq!(read(&mdoc), Ok(seen(&elements, is_shown)));
    });
}

/// Certificates stand beside what is signed, for whoever decides whose the key is.
#[test]
fn whatever_is_changed_is_refused() {
    let changes = vec((any::<Index>(), 1..=255_u8), 12);
    for_all(&(elements(), changes), |(elements, changes)| {
        let mdoc = issued(&elements);
        let certificate = &CHAIN[0];
        let is_it = |window: &[u8]| window == certificate.as_slice();
        let start = mdoc.windows(certificate.len()).position(is_it).unwrap();
        for (index, by) in changes {
            let place = index.index(mdoc.len() - certificate.len());
            let place = if place < start { place } else { place + certificate.len() };
            let mut other = mdoc.clone();
            other[place] ^= by;
            assert!(read(&other).is_err(), "byte {place} of {mdoc:02x?}");
        }
    });
}
