//! Descriptions of types (SD-JWT VC §6): read, extended, and held against credentials.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use formats::path::Step;
use formats::sd_jwt_vc::{self, IssuerKeyHeader, SdJwtVcClaims};
use formats::type_metadata::{
    BYTES_MAX, Chain, EXTENDED_MAX, PathStep, Sd, TypeFault, TypeMetadata, check, sha256,
};
use keys::algorithm::Algorithm;
use keys::outside::{SystemRandom, Timestamp};
use keys::signer::SoftwareKey;
use serde_json::{Value, json};
use tokio::runtime::Builder;

const VCT: &str = "https://a.example/card";

/// Reads types one after the other, as a fetcher would that gets each at its address.
fn read(types: &[Value]) -> Result<TypeMetadata, TypeFault> {
    let mut chain = Chain::of(VCT, None);
    for document in types {
        assert!(chain.wanted().is_some(), "nobody asks for {document}");
        chain.take(document.to_string().as_bytes())?;
    }
    assert_eq!(chain.wanted(), None, "there is more to ask for");
    chain.finish()
}

/// The names of draft 11 and those of later ones say the same.
#[test]
fn a_description_is_read_under_its_old_names_and_its_new_ones() {
    for (language, templates) in [("lang", "svg_template"), ("locale", "svg_templates")] {
        let template = json!({ "uri": "https://a.example/card.svg", "uri#integrity": "sha256-x" });
        let read = read(&[json!({
            "vct": VCT, "name": "Card", "description": "A card.",
            "display": [{ language: "de", "name": "Karte", "description": "Eine Karte.",
                "rendering": { "simple": {
                    "logo": { "uri": "https://a.example/logo.png", "alt_text": "An otter" },
                    "background_color": "#12107c", "text_color": "#ffffff" },
                    templates: [template] } }],
            "claims": [
                { "path": ["name"], "display": [{ language: "de", "label": "Name" }],
                  "sd": "always", "mandatory": true, "svg_id": "name" },
                { "path": ["degrees", null, "type"], "sd": "never" },
                { "path": ["degrees", 0] },
            ],
        })])
        .unwrap();
        assert_eq!((read.vct.as_str(), read.name.as_deref()), (VCT, Some("Card")));
        let display = read.display.first().unwrap();
        assert_eq!((display.locale.as_str(), display.name.as_str()), ("de", "Karte"));
        assert_eq!(display.logo.as_ref().unwrap().1.as_deref(), Some("An otter"));
        assert_eq!(display.svg_templates.len(), 1);
        let [name, kind, first] = &read.claims[..] else { panic!("{:?}", read.claims) };
        assert_eq!(name.display, [("de".to_owned(), "Name".to_owned())]);
        assert_eq!(
            (name.sd, name.mandatory, name.svg_id.as_deref()),
            (Sd::Always, true, Some("name"))
        );
        assert_eq!((kind.sd, kind.path.get(1)), (Sd::Never, Some(&PathStep::Every)));
        assert_eq!((first.sd, first.path.get(1)), (Sd::Allowed, Some(&PathStep::Index(0))));
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for wrong in [
        json!([]),
        json!({}),
        json!({ "vct": 1 }),
        json!({ "vct": VCT, "name": 1 }),
        json!({ "vct": VCT, "display": {} }),
        json!({ "vct": VCT, "display": [{ "name": "Card" }] }),
        json!({ "vct": VCT, "display": [{ "lang": "en" }] }),
        json!({ "vct": VCT, "claims": [{}] }),
        json!({ "vct": VCT, "claims": [{ "path": [] }] }),
        json!({ "vct": VCT, "claims": [{ "path": [-1] }] }),
        json!({ "vct": VCT, "claims": [{ "path": [true] }] }),
        json!({ "vct": VCT, "claims": [{ "path": ["a"], "sd": "maybe" }] }),
        json!({ "vct": VCT, "claims": [{ "path": ["a"], "mandatory": "yes" }] }),
        json!({ "vct": VCT, "claims": [{ "path": ["a"], "svg_id": "1a" }] }),
        json!({ "vct": VCT, "claims": [{ "path": ["a"], "svg_id": "a b" }] }),
        json!({ "vct": VCT, "claims": [{ "path": ["a"] }, { "path": ["a"] }] }),
        json!({ "vct": VCT, "claims": [
            { "path": ["a"], "svg_id": "x" }, { "path": ["b"], "svg_id": "x" }] }),
    ] {
        assert_eq!(read(std::slice::from_ref(&wrong)), Err(TypeFault::Malformed), "{wrong}");
    }
    let other = json!({ "vct": "https://a.example/other" });
    assert_eq!(read(&[other]), Err(TypeFault::OtherType));
    let twice = format!(r#"{{"vct":"{VCT}","vct":"{VCT}"}}"#);
    assert_eq!(Chain::of(VCT, None).take(twice.as_bytes()), Err(TypeFault::Malformed));
    let long = vec![b' '; BYTES_MAX + 1];
    assert_eq!(Chain::of(VCT, None).take(&long), Err(TypeFault::TooLong));
}

/// SD-JWT VC §6.4: claims are merged, looks are replaced.
#[test]
fn a_type_says_last_what_it_extends_says_first() {
    let own = json!({
        "vct": VCT, "extends": "https://b.example/base",
        "display": [{ "lang": "en", "name": "Card" }],
        "claims": [
            { "path": ["b"], "sd": "always", "mandatory": true },
            { "path": ["c"], "display": [{ "lang": "en", "label": "C" }] },
        ],
    });
    let base = json!({
        "vct": "https://b.example/base", "name": "Base",
        "display": [{ "lang": "en", "name": "Base" }, { "lang": "de", "name": "Basis" }],
        "claims": [
            { "path": ["a"], "sd": "never" },
            { "path": ["b"], "display": [{ "lang": "en", "label": "B" }], "svg_id": "b" },
        ],
    });
    let all = read(&[own, base]).unwrap();
    assert_eq!((all.vct.as_str(), all.name.as_deref()), (VCT, Some("Base")));
    assert_eq!(all.display.len(), 1, "replaced as a whole");
    let [a, b, c] = &all.claims[..] else { panic!("{:?}", all.claims) };
    assert_eq!(a.sd, Sd::Never);
    assert_eq!((b.sd, b.mandatory, b.svg_id.as_deref()), (Sd::Always, true, Some("b")));
    assert_eq!(b.display, [("en".to_owned(), "B".to_owned())]);
    assert_eq!(c.display, [("en".to_owned(), "C".to_owned())]);
}

/// SD-JWT VC §6.4: whoever relies on the extended type relies on its rules.
#[test]
fn a_type_may_only_be_stricter() {
    let merged = |base: Value, own: Value| {
        read(&[
            json!({ "vct": VCT, "extends": "https://b.example/base", "claims": [own] }),
            json!({ "vct": "https://b.example/base", "claims": [base] }),
        ])
        .map(|read| read.claims.first().map(|claim| (claim.sd, claim.mandatory)).unwrap())
    };
    let sd = |sd: &str| json!({ "path": ["a"], "sd": sd });
    let mandatory = |is: bool| json!({ "path": ["a"], "mandatory": is });
    assert_eq!(merged(sd("allowed"), sd("never")), Ok((Sd::Never, false)));
    assert_eq!(merged(sd("always"), sd("always")), Ok((Sd::Always, false)));
    assert_eq!(merged(mandatory(false), mandatory(true)), Ok((Sd::Allowed, true)));
    assert_eq!(merged(mandatory(true), sd("always")), Ok((Sd::Always, true)), "kept");
    for (base, own) in [("always", "allowed"), ("always", "never"), ("never", "always")] {
        assert_eq!(merged(sd(base), sd(own)), Err(TypeFault::Loosened), "{base} {own}");
    }
    assert_eq!(merged(mandatory(true), mandatory(false)), Err(TypeFault::Loosened));
}

/// SD-JWT VC §9: in all that applies to the type, and not in one document alone.
#[test]
fn a_name_in_pictures_is_that_of_one_claim_also_across_types() {
    let merged = |base: Value, own: Value| {
        read(&[
            json!({ "vct": VCT, "extends": "https://b.example/base", "claims": own }),
            json!({ "vct": "https://b.example/base", "claims": base }),
        ])
        .map(|read| read.claims.len())
    };
    let claim = |path: &str, id: &str| json!({ "path": [path], "svg_id": id });
    let base = || json!([claim("a", "x"), claim("b", "y")]);
    assert_eq!(merged(base(), json!([claim("c", "x")])), Err(TypeFault::RepeatedSvgId));
    assert_eq!(merged(base(), json!([claim("a", "y")])), Err(TypeFault::RepeatedSvgId));
    assert_eq!(merged(base(), json!([claim("a", "x"), claim("c", "z")])), Ok(3));
    // The names change places: each is still that of one claim.
    assert_eq!(merged(base(), json!([claim("a", "y"), claim("b", "x")])), Ok(2));
    assert_eq!(merged(base(), json!([claim("a", "z"), claim("c", "x")])), Ok(3));
}

#[test]
fn types_that_extend_one_another_come_to_an_end() {
    let link = |own: &str, extended: &str| json!({ "vct": own, "extends": extended });
    assert_eq!(read(&[link(VCT, VCT)]), Err(TypeFault::Cycle));
    let circle = [link(VCT, "https://b.example"), link("https://b.example", VCT)];
    assert_eq!(read(&circle), Err(TypeFault::Cycle));
    let mut chain = Chain::of("https://a.example/0", None);
    for at in 0..EXTENDED_MAX {
        let link =
            link(&format!("https://a.example/{at}"), &format!("https://a.example/{}", at + 1));
        let is_last = at + 1 == EXTENDED_MAX;
        let expected = if is_last { Err(TypeFault::TooManyExtended) } else { Ok(()) };
        assert_eq!(chain.take(link.to_string().as_bytes()), expected, "{at}");
    }
    assert!(Chain::of(VCT, None).finish().is_err(), "nothing was read");
}

/// SD-JWT VC §7: over the bytes as they came.
#[test]
fn a_description_is_the_one_that_was_meant() {
    let base = json!({ "vct": "https://b.example/base" }).to_string();
    let integrity = sha256(base.as_bytes());
    let own = json!({
        "vct": VCT, "extends": "https://b.example/base", "extends#integrity": integrity,
    })
    .to_string();
    let begin = |integrity: &str| {
        let mut chain = Chain::of(VCT, Some(integrity));
        chain.take(own.as_bytes()).map(|()| chain)
    };
    assert_eq!(begin(&integrity).map(drop), Err(TypeFault::WrongIntegrity));
    let mut chain = begin(&sha256(own.as_bytes())).unwrap();
    assert_eq!(chain.wanted().unwrap().integrity, Some(&*integrity));
    assert_eq!(chain.take(format!("{base} ").as_bytes()), Err(TypeFault::WrongIntegrity));
    let mut chain = begin(&sha256(own.as_bytes())).unwrap();
    chain.take(base.as_bytes()).unwrap();
    chain.finish().unwrap();
}

/// A card of which the holder may leave out the name, the address as a whole and the first of two
/// degrees' types, and neither the age nor the town.
fn card() -> String {
    let claims = json!({
        "name": "Erika", "age": 20, "address": { "town": "Köln" },
        "degrees": [{ "type": "BSc" }, { "type": "MSc" }], "none": [],
        "courses": [{ "title": "Logic", "grades": [{ "mark": 1 }] }, { "title": "Sets", "grades": [] }],
        "exams": [{ "room": 1 }, { "day": 2 }],
    });
    let name = |name: &str| Step::from(name);
    let claims = SdJwtVcClaims {
        vct: VCT,
        vct_integrity: Some("sha256-x"),
        issuer: "https://a.example",
        claims: claims.as_object().unwrap().clone(),
        selective: vec![
            vec![name("name")],
            vec![name("address")],
            vec![name("degrees"), Step::Every, name("type")],
        ]
        .into(),
        decoys: 1,
        binding: None,
        issued_at: Timestamp(1),
        not_before: None,
        expires_at: Timestamp(2),
        status: None,
    };
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let issued = sd_jwt_vc::issue(claims, IssuerKeyHeader::Kid("1"), &key, &SystemRandom);
    Builder::new_current_thread().build().unwrap().block_on(issued).unwrap()
}

/// SD-JWT VC §9
#[test]
fn a_credential_is_held_against_its_type() {
    let card = card();
    let judge = |claim: Value| {
        let described = read(&[json!({ "vct": VCT, "claims": [claim] })]).unwrap();
        check(&described, &card)
    };
    for good in [
        json!({ "path": ["name"], "sd": "always", "mandatory": true }),
        json!({ "path": ["age"], "sd": "never", "mandatory": true }),
        json!({ "path": ["age"], "sd": "allowed" }),
        json!({ "path": ["address"], "sd": "always" }),
        json!({ "path": ["address", "town"], "sd": "never" }),
        json!({ "path": ["degrees", null, "type"], "sd": "always", "mandatory": true }),
        json!({ "path": ["degrees", 1], "sd": "never" }),
        json!({ "path": ["none", null], "mandatory": true }),
        json!({ "path": ["none", null, "type"], "mandatory": true }),
        json!({ "path": ["courses", null, "title"], "mandatory": true }),
        json!({ "path": ["courses", null, "grades", null, "mark"], "mandatory": true }),
        json!({ "path": ["exams", null, "room"] }),
        json!({ "path": ["email"], "sd": "always" }),
        json!({ "path": ["degrees", 7] }),
    ] {
        assert_eq!(judge(good.clone()), Ok(()), "{good}");
    }
    for (wrong, fault) in [
        (json!({ "path": ["name"], "sd": "never" }), TypeFault::WrongDisclosure),
        (json!({ "path": ["age"], "sd": "always" }), TypeFault::WrongDisclosure),
        // What is around it can be left out, and it is not itself (SD-JWT VC §9.3).
        (json!({ "path": ["address", "town"], "sd": "always" }), TypeFault::WrongDisclosure),
        (json!({ "path": ["degrees", null], "sd": "always" }), TypeFault::WrongDisclosure),
        (json!({ "path": ["email"], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["degrees", 7], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["exams", null, "room"], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["exams", null, "day"], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["many", null], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["many", null, "type"], "mandatory": true }), TypeFault::MissingClaim),
        (json!({ "path": ["age", null] }), TypeFault::WrongShape),
        (json!({ "path": ["degrees", "type"] }), TypeFault::WrongShape),
        (json!({ "path": ["address", 0] }), TypeFault::WrongShape),
    ] {
        assert_eq!(judge(wrong.clone()), Err(fault), "{wrong}");
    }
    let (chain, is_pinned) = Chain::of_credential(&card).unwrap();
    assert_eq!((chain.wanted().unwrap().uri, is_pinned), (VCT, true));
}
