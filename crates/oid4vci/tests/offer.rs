//! VCI §4.1 as tables: the offer we send, and what a Wallet makes of links and documents.

#[macro_use]
mod refusals;

use keys::outside::{SystemRandom, Timestamp};
use oid4vci::offer::OfferError::{
    Ambiguous, BadGrant, BadOfferUri, ForeignScheme, NoConfiguration, NoIssuer, NoOffer, NotALink,
    NotJson, TooLong,
};
use oid4vci::offer::{
    CredentialOffer, HAIP_SCHEME, InputMode, LINK_BYTES_MAX, OFFER_BYTES_MAX, OfferError, OfferId,
    OfferLink, ReceivedOffer, SCHEME, TxCodeInput, link_by_reference,
};
use oid4vci::secret::{PreAuthorizedCode, TxCode};
use refusals::check_texts;
use serde_json::{Value, json};
use url::Url;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const ISSUER: &str = "https://issuer.example";

/// The smallest offer, percent-encoded where it must be.
const SMALL: &str = "{%22credential_issuer%22:%22https://issuer.example%22,\
                     %22credential_configuration_ids%22:[%22a%22]}";

/// VCI §4.1, VCI §12.1.1, HAIP §4.2, HAIP-07; `SMALL` stands for [`SMALL`], `?` in front gets our scheme.
const LINKS: [(&str, &str, Result<&str, OfferError>); 33] = [
    ("OFFER-01: by value", "?credential_offer=SMALL", Ok("value")),
    ("OFFER-01: by reference", "?credential_offer_uri=https://i.example/o", Ok("reference")),
    ("OFFER-32, HAIP-20", "haip-vci://?credential_offer=SMALL", Ok("value")),
    ("OFFER-32: our endpoint", "https://w.example/open?credential_offer=SMALL", Ok("value")),
    ("a path", "openid-credential-offer://offer/?credential_offer=SMALL", Ok("value")),
    ("capitals", "OPENID-CREDENTIAL-OFFER://?credential_offer=SMALL", Ok("value")),
    ("a scanner's line", " openid-credential-offer://?credential_offer=SMALL\n", Ok("value")),
    ("OFFER-10: unknown", "?a=1&a=2&credential_offer=SMALL", Ok("value")),
    ("the Wallet decides", "?credential_offer_uri=http://127.0.0.1/o", Ok("reference")),
    (
        "OFFER-02, A06: both",
        "?credential_offer=SMALL&credential_offer_uri=https://i",
        Err(Ambiguous),
    ),
    ("A06: one empty", "?credential_offer=SMALL&credential_offer_uri=", Err(Ambiguous)),
    ("OFFER-01: twice", "?credential_offer=SMALL&credential_offer=SMALL", Err(Ambiguous)),
    ("OFFER-01: in disguise", "?credential_offer=SMALL&credential%5foffer=SMALL", Err(Ambiguous)),
    ("OFFER-02: neither", "?", Err(NoOffer)),
    ("OFFER-02: a fragment", "openid-credential-offer://#credential_offer=SMALL", Err(NoOffer)),
    ("OFFER-02: empty", "?credential_offer=", Err(NotJson)),
    ("OFFER-02: not JSON", "?credential_offer={", Err(NotJson)),
    ("OFFER-02: not an object", "?credential_offer=[]", Err(NotJson)),
    ("OFFER-29: a JWT", "?credential_offer=e30.e30.", Err(NotJson)),
    ("OFFER-02: not a URL", "?credential_offer_uri=offer", Err(BadOfferUri)),
    ("A04: a file", "?credential_offer_uri=file:///etc/passwd", Err(BadOfferUri)),
    ("A04: data", "?credential_offer_uri=data:application/json,{}", Err(BadOfferUri)),
    ("A04: ftp", "?credential_offer_uri=ftp://i.example/o", Err(BadOfferUri)),
    ("A04: a script", "?credential_offer_uri=javascript:alert(1)", Err(BadOfferUri)),
    ("A10: a user", "?credential_offer_uri=https://i.example@e.example/o", Err(BadOfferUri)),
    ("A10: a password", "?credential_offer_uri=https://:p@e.example/o", Err(BadOfferUri)),
    ("A24: old drafts", "openid-initiate-issuance://?issuer=https://i", Err(ForeignScheme)),
    ("a presentation", "openid4vp://?client_id=v", Err(ForeignScheme)),
    ("plain http", "http://w.example/?credential_offer=SMALL", Err(ForeignScheme)),
    ("a script", "javascript:credential_offer", Err(ForeignScheme)),
    ("something else", "https://i.example/news", Err(NoOffer)),
    ("words", "hello", Err(NotALink)),
    ("nothing", "", Err(NotALink)),
];

/// REG-06
#[test]
fn a_link_carries_one_offer_or_is_refused() {
    for (rule, link, expected) in LINKS {
        let scheme = if link.starts_with('?') { "openid-credential-offer://" } else { "" };
        let parsed = OfferLink::parse(&format!("{scheme}{link}").replace("SMALL", SMALL));
        let kind = parsed.map(|link| match link {
            OfferLink::ByValue(_) => "value",
            OfferLink::ByReference(_) => "reference",
        });
        assert_eq!(kind, expected, "{rule}");
    }
}

/// OFFER-02, A23: what is too long is not even parsed.
#[test]
fn links_and_offers_have_a_largest_size() {
    let filled = |length: usize| format!("{SCHEME}://?{}", "a".repeat(length - SCHEME.len() - 4));
    assert_eq!(OfferLink::parse(&filled(LINK_BYTES_MAX)), Err(NoOffer));
    assert_eq!(OfferLink::parse(&filled(LINK_BYTES_MAX + 1)), Err(TooLong));

    let padded = |length: usize| {
        let offer = offer(&json!(["a"]), &json!({})).to_string();
        format!("{offer}{}", " ".repeat(length - offer.len()))
    };
    assert!(ReceivedOffer::parse(padded(OFFER_BYTES_MAX).as_bytes()).is_ok());
    let longer = ReceivedOffer::parse(padded(OFFER_BYTES_MAX + 1).as_bytes());
    assert_eq!(longer, Err(TooLong));
}

fn offer(ids: &Value, grants: &Value) -> Value {
    json!({
        "credential_issuer": ISSUER, "credential_configuration_ids": ids, "grants": grants,
    })
}

fn read(document: &Value) -> Result<ReceivedOffer, OfferError> {
    ReceivedOffer::parse(document.to_string().as_bytes())
}

/// VCI §4.1.1, OFFER-05, OFFER-06, A11: at least one, each once, not too many.
#[test]
fn an_offer_names_what_it_offers() {
    let many = |count: u32| (0..count).map(|number| number.to_string()).collect::<Value>();
    let cases = [
        ("one", json!(["a"]), true),
        ("several", json!(["b", "a"]), true),
        ("the most", many(64), true),
        ("one more", many(65), false),
        ("A11: thousands", many(9_000), false),
        ("none", json!([]), false),
        ("one twice", json!(["a", "b", "a"]), false),
        ("not a string", json!(["a", 1]), false),
        ("not an array", json!("a"), false),
        ("null", Value::Null, false),
    ];
    for (rule, ids, good) in cases {
        let read = read(&offer(&ids, &json!({})));
        let expected = if good { Ok(ids) } else { Err(NoConfiguration) };
        let found = read.map(|offer| json!(offer.credential_configuration_ids));
        assert_eq!(found, expected, "{rule}");
    }
    let without = json!({ "credential_issuer": ISSUER });
    assert_eq!(read(&without), Err(NoConfiguration), "OFFER-05");
}

/// OFFER-04, OFFER-10, A23: the rest of the document.
#[test]
fn an_offer_document_is_one_strict_object() {
    let ids = r#""credential_configuration_ids":["a"]"#;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let cases = [
        ("OFFER-10", format!(r#"{{"credential_issuer":"i",{ids},"x":[{{}}]}}"#), Ok(())),
        ("OFFER-08", format!(r#"{{"credential_issuer":"i",{ids}}}"#), Ok(())),
        ("OFFER-04", format!("{{{ids}}}"), Err(NoIssuer)),
        ("OFFER-04", format!(r#"{{"credential_issuer":1,{ids}}}"#), Err(NoIssuer)),
        ("A23: twice", format!(r#"{{"x":1,"x":1,"credential_issuer":"i",{ids}}}"#), Err(NotJson)),
        (
            "A23: twice, in disguise",
            format!(r#"{{"credential_issuer":"i","credential\u005fissuer":"j",{ids}}}"#),
            Err(NotJson),
        ),
        ("A23: deep", deep, Err(NotJson)),
        ("something behind", format!(r#"{{"credential_issuer":"i",{ids}}}{{}}"#), Err(NotJson)),
        ("OFFER-29: a JWT", "e30.e30.".to_owned(), Err(NotJson)),
        ("a string", r#""offer""#.to_owned(), Err(NotJson)),
        ("nothing", String::new(), Err(NotJson)),
    ];
    for (rule, document, expected) in cases {
        let read = ReceivedOffer::parse(document.as_bytes()).map(|_| ());
        assert_eq!(read, expected, "{rule}: {document:.80}");
    }
    assert_eq!(ReceivedOffer::parse(b"{\"a\":\"\xff\"}"), Err(NotJson), "not UTF-8");
}

/// VCI §4.1.1: `grants`; `Ok` holds whether ours is there, and whether others are.
#[test]
fn grants_are_read_or_refused() {
    let code = json!({ "pre-authorized_code": "c" });
    let other = json!({ "issuer_state": "s" });
    let cases = [
        ("OFFER-15", json!({ GRANT: code }), Ok((true, false))),
        ("OFFER-08", json!({}), Ok((false, false))),
        ("OFFER-09", json!({ GRANT: code, "authorization_code": other }), Ok((true, true))),
        ("OFFER-10", json!({ "urn:unknown": [] }), Ok((false, true))),
        (
            "OFFER-10",
            json!({ GRANT: { "pre-authorized_code": "c", "interval": 5 } }),
            Ok((true, false)),
        ),
        ("OFFER-15: no code", json!({ GRANT: {} }), Err(BadGrant)),
        (
            "OFFER-15: an underscore",
            json!({ GRANT: { "pre_authorized_code": "c" } }),
            Err(BadGrant),
        ),
        ("OFFER-15: empty", json!({ GRANT: { "pre-authorized_code": "" } }), Err(BadGrant)),
        ("OFFER-15: a number", json!({ GRANT: { "pre-authorized_code": 1 } }), Err(BadGrant)),
        ("OFFER-15: not an object", json!({ GRANT: "c" }), Err(BadGrant)),
        ("OFFER-07: not an object", json!([]), Err(BadGrant)),
        (
            "OFFER-13",
            json!({ GRANT: { "pre-authorized_code": "c", "authorization_server": 1 } }),
            Err(BadGrant),
        ),
    ];
    for (rule, grants, expected) in cases {
        let found = read(&offer(&json!(["a"]), &grants));
        let found =
            found.map(|offer| (offer.pre_authorized_code.is_some(), offer.has_other_grants));
        assert_eq!(found, expected, "{rule}: {grants}");
    }
}

/// OFFER-17: the code goes on unchanged; OFFER-13: so does the name of the server.
#[test]
fn the_code_is_kept_as_it_came() {
    let odd = " Ä+%2B\u{202e}\n ";
    let grant =
        json!({ "pre-authorized_code": odd, "authorization_server": "https://as.example/" });
    let read = read(&offer(&json!(["a"]), &json!({ GRANT: grant }))).unwrap();
    let grant = read.pre_authorized_code.unwrap();
    assert_eq!(grant.pre_authorized_code.expose(), odd);
    assert_eq!(grant.authorization_server.as_deref(), Some("https://as.example/"));
    assert!(!format!("{grant:?}").contains("Ä"), "{grant:?}");
}

/// VCI §4.1.1: `tx_code`; `None` when the offer asks for none.
#[test]
fn a_transaction_code_is_asked_for_as_the_offer_says() {
    let input = |input_mode, length, description: Option<&str>| {
        Ok(Some(TxCodeInput { input_mode, length, description: description.map(str::to_owned) }))
    };
    let (long, cut) = ("é".repeat(301), "é".repeat(300));
    let cases = [
        ("OFFER-18: absent", None, Ok(None)),
        ("OFFER-18: empty", Some(json!({})), input(InputMode::Numeric, None, None)),
        ("OFFER-19", Some(json!({ "input_mode": "text" })), input(InputMode::Text, None, None)),
        (
            "OFFER-19",
            Some(json!({ "input_mode": "numeric" })),
            input(InputMode::Numeric, None, None),
        ),
        ("OFFER-20", Some(json!({ "length": 4 })), input(InputMode::Numeric, Some(4), None)),
        (
            "OFFER-22",
            Some(json!({ "description": "d" })),
            input(InputMode::Numeric, None, Some("d")),
        ),
        (
            "OFFER-21, A23",
            Some(json!({ "description": long })),
            input(InputMode::Numeric, None, Some(&cut)),
        ),
        ("OFFER-10", Some(json!({ "x": 1 })), input(InputMode::Numeric, None, None)),
        ("OFFER-19: unknown", Some(json!({ "input_mode": "voice" })), Err(BadGrant)),
        ("OFFER-20: negative", Some(json!({ "length": -1 })), Err(BadGrant)),
        ("OFFER-20: a string", Some(json!({ "length": "4" })), Err(BadGrant)),
        ("OFFER-20: huge", Some(json!({ "length": 4_294_967_296_u64 })), Err(BadGrant)),
        ("OFFER-21: no string", Some(json!({ "description": 1 })), Err(BadGrant)),
        ("OFFER-18: no object", Some(json!(true)), Err(BadGrant)),
    ];
    for (rule, tx_code, expected) in cases {
        let mut grant = json!({ "pre-authorized_code": "c" });
        grant.as_object_mut().unwrap().extend(tx_code.map(|input| ("tx_code".to_owned(), input)));
        let found = read(&offer(&json!(["a"]), &json!({ GRANT: grant })));
        let found = found.map(|offer| offer.pre_authorized_code.unwrap().tx_code);
        assert_eq!(found, expected, "{rule}");
    }
}

/// OFFER-19, OFFER-20, C06: a slip of the finger costs no attempt, a strange code is not refused.
#[test]
fn a_typed_code_fits_or_not() {
    let cases = [
        ("OFFER-19: digits", InputMode::Numeric, Some(6), "493536", true),
        ("C06: leading zeros", InputMode::Numeric, Some(4), "0042", true),
        ("OFFER-19: a letter", InputMode::Numeric, Some(6), "49353o", false),
        ("C06: digits of another script", InputMode::Numeric, None, "٤٩٣٥٣٦", false),
        ("OFFER-19: a space", InputMode::Numeric, None, "493 536", false),
        ("OFFER-20: too short", InputMode::Numeric, Some(6), "49353", false),
        ("OFFER-20: too long", InputMode::Numeric, Some(6), "4935360", false),
        ("C06: no length", InputMode::Numeric, None, "1", true),
        ("C06: any text", InputMode::Text, None, "Grüße, +%", true),
        ("OFFER-20: characters, not bytes", InputMode::Text, Some(5), "Grüße", true),
        ("C06: long", InputMode::Text, None, &"x".repeat(1000), true),
        ("nothing", InputMode::Text, None, "", false),
    ];
    for (rule, input_mode, length, typed, expected) in cases {
        let input = TxCodeInput { input_mode, length, description: None };
        assert_eq!(input.fits(&TxCode::new(typed)), expected, "{rule}");
    }
}

/// VCI §4.1.1: what we send is what the spec shows, and we can read it.
#[test]
fn our_offer_is_the_one_of_the_spec() {
    let ids = ["student_card".to_owned(), "diploma".to_owned()];
    let code = PreAuthorizedCode::new("c");
    let input = TxCodeInput {
        input_mode: InputMode::Numeric,
        length: Some(6),
        description: Some("In the letter".into()),
    };
    let sent = |tx_code: Option<TxCodeInput>| CredentialOffer {
        credential_issuer: ISSUER,
        credential_configuration_ids: &ids,
        pre_authorized_code: Some(&code),
        tx_code,
        issuer_state: None,
        authorization_server: None,
    };
    let grant = json!({ "pre-authorized_code": "c" });
    assert_eq!(sent(None).to_json(), offer(&json!(ids), &json!({ GRANT: grant })), "OFFER-15");
    let shown = json!({ "input_mode": "numeric", "length": 6, "description": "In the letter" });
    let grant = json!({ "pre-authorized_code": "c", "tx_code": shown });
    let json = sent(Some(input)).to_json();
    assert_eq!(json, offer(&json!(ids), &json!({ GRANT: grant })), "OFFER-18 to OFFER-21");

    let empty = sent(Some(TxCodeInput::default())).to_json();
    assert!(empty["grants"][GRANT]["tx_code"].is_object(), "OFFER-18: present, though empty");
    assert!(!format!("{:?}", sent(None)).contains("\"c\""), "a code in a log is a breach");
}

/// OFFER-01, OFFER-31: the link decodes to the offer; once decoded it has nothing that a second
/// decoding or an old form decoder would change.
#[test]
fn an_offer_by_value_survives_careless_decoding() {
    let description = "100 % sure?\t1 + 1\n\u{a0}\u{3000}\u{2028}\"\\ ü \u{1f600} a%20b";
    let ids = ["a b".to_owned(), "c+d".to_owned(), "e%2Bf".to_owned()];
    let code = PreAuthorizedCode::new("c+d e%");
    let sent = CredentialOffer {
        credential_issuer: ISSUER,
        credential_configuration_ids: &ids,
        pre_authorized_code: Some(&code),
        tx_code: Some(TxCodeInput { description: Some(description.into()), ..Default::default() }),
        issuer_state: None,
        authorization_server: None,
    };
    let link = sent.to_link();
    assert!(link.starts_with("openid-credential-offer://?credential_offer=%7B"), "{link}");
    assert!(link.is_ascii() && !link.contains(char::is_whitespace), "{link}");
    let url = Url::parse(&link).unwrap();
    let (_, decoded) = url.query_pairs().next().unwrap();
    let harmful = |character: char| character.is_whitespace() || "+%".contains(character);
    assert!(!decoded.contains(harmful), "{decoded}");
    assert_eq!(serde_json::from_str::<Value>(&decoded).unwrap(), sent.to_json());

    let OfferLink::ByValue(offer) = OfferLink::parse(&link).unwrap() else { unreachable!() };
    let grant = offer.pre_authorized_code.unwrap();
    assert_eq!(offer.credential_configuration_ids, ids);
    assert_eq!(grant.pre_authorized_code.expose(), code.expose());
    assert_eq!(grant.tx_code.unwrap().description.as_deref(), Some(description));
}

/// OFFER-30, OFFER-31: the link for QR codes; also with an address that needs encoding.
#[test]
fn an_offer_by_reference_leads_to_its_address() {
    let uri = "https://issuer.example/a/offers/x?b=c&d=%2B#e";
    let link = link_by_reference(uri);
    let start =
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fa%2F";
    assert!(link.starts_with(start), "{link}");
    assert_eq!(OfferLink::parse(&link), Ok(OfferLink::ByReference(Url::parse(uri).unwrap())));
    assert_eq!((SCHEME, HAIP_SCHEME), ("openid-credential-offer", "haip-vci"));
}

/// RFC 9562 §5.7: ids grow with time, differ, and are read back.
#[test]
fn offer_ids_are_ordered_by_time() {
    let id = |seconds| OfferId::fresh(Timestamp(seconds), &SystemRandom);
    let (earlier, later) = (id(1_750_000_000), id(1_750_000_001));
    assert!(earlier < later && earlier.to_string() < later.to_string());
    assert_ne!(id(1), id(1));
    assert_eq!(OfferId::parse(&later.to_string()), Some(later));
    for text in ["", "1", "../etc/passwd", &format!("{later}0")] {
        assert_eq!(OfferId::parse(text), None, "{text}");
    }
}

/// A person who scanned something learns what is wrong with it.
#[test]
fn each_refusal_of_an_offer_has_its_own_text() {
    let all = every!(OfferError {
        NotALink,
        ForeignScheme,
        NoOffer,
        Ambiguous,
        TooLong,
        BadOfferUri,
        NotJson,
        NoIssuer,
        BadIssuer,
        NoConfiguration,
        BadGrant,
    });
    check_texts(&all.map(OfferError::message));
}

#[test]
fn ids_grow_with_time() {
    let (random, time) = (SystemRandom, Timestamp(1_700_000_000));
    let id = OfferId::fresh(time, &random);
    assert!(OfferId::before(time) < id && id < OfferId::before(time.plus(1)));
    assert_eq!(id.drawn_at(), time);
    assert!(OfferId::before(Timestamp(0)) < OfferId::before(Timestamp(1)));
}
