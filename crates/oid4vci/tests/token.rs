//! VCI §6 and VCI §6.1 as tables: Token Requests and what is decided of them, one line a sentence of the spec.

mod details;
mod fixture;

use details::{detail, with};
use fixture::{CODE, NOW, OFFER, grant, redeemed};
use keys::digest::MacKey;
use keys::outside::Timestamp;
use oid4vci::grant::{Grant, Issued};
use oid4vci::secret::TxCode;
use oid4vci::sender::{Sender, SenderPolicy};
use oid4vci::token::{
    Commit, PARAMETER_BYTES_MAX, PRE_AUTHORIZED_CODE, PreAuthorizedCodeRequest, TokenPolicy,
    TokenRefusal, TokenRequest, decide,
};
use serde_json::{Value, json};

const GRANT: (&str, &str) = ("grant_type", PRE_AUTHORIZED_CODE);
const PAIR: (&str, &str) = ("pre-authorized_code", CODE);
const ATTEMPTS_MAX: u32 = 5;

fn parse(form: &[(&str, &str)]) -> Result<PreAuthorizedCodeRequest, TokenRefusal> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    match TokenRequest::parse(&form.iter().map(owned).collect::<Vec<_>>())? {
        TokenRequest::PreAuthorizedCode(request) => Ok(request),
        TokenRequest::AuthorizationCode(_) | TokenRequest::RefreshToken(_) => {
            unreachable!("not the grant of this test")
        }
    }
}

/// VCI §6.1, RFC 6749 §3.2: `grant_type` first; empty is absent, repeated is refused.
#[test]
fn a_token_request_is_read_or_refused() {
    use TokenRefusal::{
        MissingCode, MissingCodeParameter, MissingGrantType, RepeatedParameter, TooLong,
        UnsupportedGrantType,
    };
    let long = "x".repeat(PARAMETER_BYTES_MAX + 1);
    let code_grant = ("grant_type", "authorization_code");
    let foreign = ("grant_type", "password");
    let cases: [(&str, &[_], Result<(), TokenRefusal>); 17] = [
        ("TOKEN-02: both parameters", &[GRANT, PAIR], Ok(())),
        ("TOKEN-13: unknown, twice", &[GRANT, PAIR, ("x", "1"), ("x", "1")], Ok(())),
        ("TOKEN-13: `user_pin` of old drafts", &[GRANT, PAIR, ("user_pin", "1")], Ok(())),
        ("TOKEN-10: `resource`", &[GRANT, PAIR, ("resource", "https://i.example")], Ok(())),
        ("RFC 6749 §3.2: empty is absent", &[GRANT, PAIR, ("client_id", "")], Ok(())),
        ("no grant_type", &[PAIR], Err(MissingGrantType)),
        ("an empty one", &[("grant_type", ""), PAIR], Err(MissingGrantType)),
        ("nothing", &[], Err(MissingGrantType)),
        ("TOKEN-28: foreign", &[("grant_type", "password"), PAIR], Err(UnsupportedGrantType)),
        ("B09: the other grant", &[code_grant, ("code", CODE)], Err(MissingCodeParameter)),
        ("TOKEN-28: judged first", &[foreign, PAIR, PAIR], Err(UnsupportedGrantType)),
        ("TOKEN-02, B07: no code", &[GRANT], Err(MissingCode)),
        ("B07: an empty code", &[GRANT, ("pre-authorized_code", "")], Err(MissingCode)),
        ("TOKEN-02: an underscore", &[GRANT, ("pre_authorized_code", "c")], Err(MissingCode)),
        ("TOKEN-28, B07: a repeated code", &[GRANT, PAIR, PAIR], Err(RepeatedParameter)),
        ("TOKEN-28: a repeated grant", &[GRANT, GRANT, PAIR], Err(RepeatedParameter)),
        ("B07: long", &[GRANT, ("pre-authorized_code", &long)], Err(TooLong)),
    ];
    for (rule, form, expected) in cases {
        assert_eq!(parse(form).map(|_| ()), expected, "{rule}");
    }
    for name in ["tx_code", "client_id", "authorization_details"] {
        let twice = parse(&[GRANT, PAIR, (name, "1"), (name, "1")]).map(|_| ());
        assert_eq!(twice, Err(RepeatedParameter), "TOKEN-28: {name}");
    }
}

/// VCI §6.1.1, RFC 9396 §2: which configurations the details name.
#[test]
fn authorization_details_choose_configurations() {
    const BAD: Result<&str, TokenRefusal> = Err(TokenRefusal::BadDetails);
    let many = |count| json!(vec![detail("a"); count]);
    let cases = [
        ("TOKEN-14", json!([detail("a")]), Ok("a")),
        ("AUTHZ-10: several", json!([detail("b"), detail("a")]), Ok("b a")),
        ("one twice counts once", json!([detail("a"), detail("a")]), Ok("a")),
        ("AUTHZ-08: unknown members", json!([with("x", json!({}))]), Ok("a")),
        ("TOKEN-09: `locations`", json!([with("locations", json!(["https://i"]))]), Ok("a")),
        ("AUTHZ-07: `claims`", json!([with("claims", json!([{ "path": ["n"] }]))]), Ok("a")),
        ("RFC 9396 §5: another type", json!([detail("a"), with("type", json!("pay"))]), BAD),
        ("RFC 9396 §5: no type", json!([{ "credential_configuration_id": "a" }]), BAD),
        ("AUTHZ-06: no id", json!([{ "type": "openid_credential" }]), BAD),
        ("AUTHZ-06: a number", json!([with("credential_configuration_id", json!(1))]), BAD),
        ("DEP-09: no array", detail("a"), BAD),
        ("DEP-09: no object", json!(["a"]), BAD),
        ("DEP-09: none", json!([]), BAD),
        ("the most", many(64), Ok("a")),
        ("one more", many(65), BAD),
    ];
    for (rule, details, expected) in cases {
        let parsed = parse(&[GRANT, PAIR, ("authorization_details", &details.to_string())]);
        let ids = parsed.map(|request| request.credential_configuration_ids.unwrap().join(" "));
        assert_eq!(ids, expected.map(str::to_owned), "{rule}");
    }
    let repeated = r#"[{"type":"openid_credential","type":"x","credential_configuration_id":"a"}]"#;
    for text in [repeated, "[", "openid_credential"] {
        let parsed = parse(&[GRANT, PAIR, ("authorization_details", text)]).map(|_| ());
        assert_eq!(parsed, Err(TokenRefusal::BadDetails), "G03: {text}");
    }
}

/// VCI §6.1: what our Wallet sends, our Issuer reads.
#[test]
fn a_wallet_sends_the_parameters_of_the_grant() {
    let (pin, client) = (("tx_code", "493536"), ("client_id", "wallet"));
    let forms: [(&str, &[(&str, &str)]); 4] = [
        ("TOKEN-02", &[GRANT, PAIR]),
        ("TOKEN-03", &[GRANT, PAIR, pin]),
        ("TOKEN-06", &[GRANT, PAIR, client]),
        ("TOKEN-03, TOKEN-08", &[GRANT, PAIR, pin, client]),
    ];
    for (rule, form) in forms {
        let request = TokenRequest::PreAuthorizedCode(parse(form).unwrap());
        assert_eq!(request.to_form(), form, "{rule}");
        let shown = format!("{request:?}");
        assert!(!shown.contains("493536") && !shown.contains(CODE), "C13: {shown}");
    }
}

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn guarded() -> Grant {
    Grant { tx_code_digest: Some(TxCode::new("493536").digest(&key(), OFFER)), ..grant() }
}

/// What a request with this code leads to, in a word.
fn verdict(
    form: &[(&str, &str)],
    grant: Option<&Grant>,
    anonymous_access: bool,
    now: Timestamp,
) -> Result<String, TokenRefusal> {
    let key = key();
    let (sender, attempts_max) = (SenderPolicy::default(), ATTEMPTS_MAX);
    let has_invalid_tx_code = false;
    let policy = TokenPolicy {
        tx_code_key: &key,
        attempts_max,
        anonymous_access,
        sender,
        has_invalid_tx_code,
    };
    match decide(&parse(form)?, grant, &Sender::default(), &policy, now)? {
        Commit::RedeemAgain(..) => Ok("again".into()),
        Commit::Redeem(_, ids) => Ok(ids.join(" ")),
        Commit::CountWrongTxCode(_) => Ok("count".into()),
    }
}

/// VCI §6.3: what each pair of offer and Transaction Code leads to; empty is none.
#[test]
fn a_transaction_code_is_right_wrong_or_out_of_place() {
    use TokenRefusal::{MissingTxCode, UnexpectedTxCode, UnknownCode};
    let all = "student_card diploma";
    let tried = |attempts| Grant { attempts, ..guarded() };
    let other = TxCode::new("493536").digest(&key(), oid4vci::offer::OfferId([2; 16]));
    let swapped = Grant { tx_code_digest: Some(other), ..grant() };
    let cases = [
        ("none expected, none given", grant(), "", Ok(all)),
        ("TOKEN-03: the right one", guarded(), "493536", Ok(all)),
        ("TOKEN-23, C05: not expected", grant(), "493536", Err(UnexpectedTxCode)),
        ("TOKEN-24, C05: missing", guarded(), "", Err(MissingTxCode)),
        ("TOKEN-25, TOKEN-33: wrong", guarded(), "000000", Ok("count")),
        ("C06: its first digits", guarded(), "49353", Ok("count")),
        ("C06: white space behind it", guarded(), "493536 ", Ok("count")),
        ("C06: digits of another script", guarded(), "٤٩٣٥٣٦", Ok("count")),
        ("AMB-18, C01: right after wrong ones", tried(4), "493536", Ok(all)),
        ("TOKEN-31: the last wrong one", tried(4), "000000", Ok("count")),
        ("TOKEN-31, C02: locked, though right", tried(5), "493536", Err(UnknownCode)),
        ("TOKEN-31: locked, wrong", tried(5), "000000", Err(UnknownCode)),
        ("C04: locked, none given", tried(5), "", Err(UnknownCode)),
        ("TOKEN-31: the digest of another offer", swapped, "493536", Ok("count")),
    ];
    for (rule, grant, tx_code, expected) in cases {
        let form = [GRANT, PAIR, ("tx_code", tx_code)];
        let found = verdict(&form, Some(&grant), true, NOW);
        assert_eq!(found, expected.map(str::to_owned), "{rule}");
    }
}

/// VCI §6.3, TOKEN-26: what becomes of the code.
#[test]
fn a_code_is_good_once_and_for_a_while() {
    use TokenRefusal::{ExpiredCode, UnknownCode};
    let all = Ok("student_card diploma");
    let issued = || Issued {
        credential_configuration_id: "a".into(),
        thumbprint: None,
        at: NOW,
        entry: None,
        notified: None,
    };
    let fetched = Grant { fetched_at: Some(NOW), ..grant() };
    let withdrawn = Grant { withdrawn_at: Some(NOW), ..grant() };
    let used_up = Grant { issued: vec![issued()], ..redeemed() };
    let cases = [
        ("new", Some(grant()), 0, all),
        ("fetched", Some(fetched), 0, all),
        ("OFFER-16: the last second", Some(grant()), 299, all),
        ("TOKEN-26, B05: the first second after", Some(grant()), 300, Err(ExpiredCode)),
        ("TOKEN-26, B05: a second later", Some(grant()), 301, Err(ExpiredCode)),
        ("TOKEN-26, B06: unknown", None, 0, Err(UnknownCode)),
        ("TOKEN-26, SEC-07, B01: spent", Some(redeemed()), 0, Err(UnknownCode)),
        ("SEC-07: spent, token over", Some(redeemed()), 300, Err(UnknownCode)),
        ("TOKEN-32: issued", Some(used_up), 0, Err(UnknownCode)),
        ("TOKEN-26: withdrawn", Some(withdrawn), 0, Err(UnknownCode)),
    ];
    for (rule, grant, after, expected) in cases {
        let found = verdict(&[GRANT, PAIR], grant.as_ref(), true, NOW.plus(after));
        assert_eq!(found, expected.map(str::to_owned), "{rule}");
    }
    for code in ["the cod", "the code ", "THE CODE", "the%20code", "the code\0"] {
        let form = [GRANT, ("pre-authorized_code", code)];
        let found = verdict(&form, Some(&grant()), true, NOW);
        assert_eq!(found, Err(UnknownCode), "B06: a row found by less than the code: {code:?}");
    }
}

/// TOKEN-07, TOKEN-27, B12: who may come without a name.
#[test]
fn an_anonymous_wallet_is_served_or_asked_for_its_name() {
    let anonymous: &[_] = &[GRANT, PAIR];
    let named: &[_] = &[GRANT, PAIR, ("client_id", "wallet")];
    let all = || Ok("student_card diploma".to_owned());
    let refused = || Err(TokenRefusal::AnonymousClient);
    let cases = [
        ("TOKEN-07: anonymous, supported", anonymous, true, all()),
        ("TOKEN-06, B13: named, though needless", named, true, all()),
        ("TOKEN-27: anonymous, not supported", anonymous, false, refused()),
        ("TOKEN-08: named", named, false, all()),
    ];
    for (rule, form, supported, expected) in cases {
        assert_eq!(verdict(form, Some(&grant()), supported, NOW), expected, "{rule}");
    }
    // C09: somebody without a name does not even learn whether the code is known.
    assert_eq!(verdict(anonymous, None, false, NOW), refused());
}

/// VCI §6.1.1, TOKEN-11, TOKEN-15: the token is good for what was offered, or for less.
#[test]
fn a_token_never_exceeds_the_offer() {
    let refused = Err(TokenRefusal::DetailsNotOffered);
    let cases = [
        ("TOKEN-15: one of two", vec!["diploma"], Ok("diploma")),
        ("all of it", vec!["diploma", "student_card"], Ok("diploma student_card")),
        ("TOKEN-11, B10: another", vec!["course_ticket"], refused),
        ("TOKEN-11, B10: one more", vec!["diploma", "course_ticket"], refused),
        ("an identifier is no configuration", vec!["diploma#1"], refused),
    ];
    for (rule, ids, expected) in cases {
        let details = ids.into_iter().map(detail).collect::<Value>().to_string();
        let form = [GRANT, PAIR, ("authorization_details", &details)];
        let found = verdict(&form, Some(&grant()), true, NOW);
        assert_eq!(found, expected.map(str::to_owned), "{rule}");
    }
    // Such a request costs nothing, not even with a wrong Transaction Code (B14).
    let details = json!([detail("course_ticket")]).to_string();
    let form = [GRANT, PAIR, ("tx_code", "0"), ("authorization_details", &details)];
    assert_eq!(verdict(&form, Some(&guarded()), true, NOW), Err(TokenRefusal::DetailsNotOffered));
}
