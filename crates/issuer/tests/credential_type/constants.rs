//! What a type says itself, the same in every credential.

use issuer::credential_type::{Fault, Pictures, check_all};
use serde_json::{Value, json};

use super::{claims, faults, read};

const HEAD: &str = r#"format = "vc+jwt"
types = ["VerifiableCredential", "Badge"]
validity_days = 30

[[display]]
name = "Badge"
locale = "en"

[[claims]]
path = ["narrative"]
type = "string"
example = "Led the project."
"#;

fn claim(path: &str, rest: &str) -> String {
    format!("[[claims]]\npath = {path}\n{rest}\n")
}

fn told(format: &str, claim: &str) -> String {
    let head = HEAD.replace("vc+jwt", format);
    let head = match format {
        "dc+sd-jwt" => head.replace("types = [\"VerifiableCredential\", \"Badge\"]\n", ""),
        _ => head,
    };
    read(&format!("{head}{claim}")).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn a_constant_is_in_every_credential_and_nobody_gives_it() {
    let constants = [
        claim("[\"type\"]", "type = \"list\"\nvalue = [\"Subject\"]"),
        claim("[\"achievement\", \"id\"]", "type = \"string\"\nvalue = \"urn:x:1\""),
        claim("[\"achievement\", \"type\"]", "type = \"string\"\nvalue = \"Achievement\""),
        claim("[\"achievement\", \"credits\"]", "type = \"number\"\nvalue = 2.5"),
        claim("[\"achievement\", \"open\"]", "type = \"boolean\"\nvalue = true"),
    ];
    let badge = read(&format!("{HEAD}{}", constants.concat())).unwrap();
    let check = |given: &Value| badge.claims.check(&claims(given), &Pictures::none());
    let achievement =
        json!({ "id": "urn:x:1", "type": "Achievement", "credits": 2.5, "open": true });
    let all = json!({ "type": ["Subject"], "achievement": achievement, "narrative": "Well done" });
    assert_eq!(check(&json!({ "narrative": "Well done" })), Ok(claims(&all)));
    for given in [json!({ "type": ["Subject"] }), json!({ "achievement": { "open": true } })] {
        let found = faults(check(&given));
        assert!(matches!(&found[..], [(_, Fault::Constant)]), "{found:?}");
    }
    let told = check(&json!({ "achievement": { "id": "urn:x:2" } })).unwrap_err().to_string();
    assert_eq!(told, "achievement.id: is the same in every credential: leave it out");
    // Another type of the same offer may take it; that none does is told once.
    let other = read(HEAD).unwrap();
    let given = claims(&json!({ "narrative": "x", "type": ["Subject"] }));
    for both in [[&badge.claims, &other.claims], [&other.claims, &badge.claims]] {
        let told = check_all(&both, &given, &Pictures::none()).unwrap_err().to_string();
        assert_eq!(told, "type: is the same in every credential: leave it out");
    }
    // What was stored on another day is brought up to date, and not refused.
    let mut old = claims(&all);
    old.insert("type".into(), json!(["Former"]));
    assert_eq!(badge.claims.check(&old, &Pictures::of_store()), Ok(claims(&all)));
    assert_eq!(badge.sample(), claims(&json!({ "narrative": "Led the project." })));
    let fields: Vec<String> = badge.fields("en").into_iter().map(|field| field.name).collect();
    assert_eq!(fields, ["narrative"]);
    let filled = badge.from_form(&[("achievement.open".into(), "false".into())], &Pictures::none());
    assert_eq!(filled.unwrap()["achievement"], achievement);
}

/// It belongs to what is around it: of what is not there nothing is said.
#[test]
fn a_constant_in_an_object_comes_and_goes_with_it() {
    let text = [
        claim("[\"result\"]", "type = \"object\""),
        claim("[\"result\", \"type\"]", "type = \"list\"\nvalue = [\"Result\"]"),
        claim("[\"result\", \"grade\"]", "type = \"string\"\nexample = \"A\""),
    ];
    let badge = read(&format!("{HEAD}{}", text.concat())).unwrap();
    let check = |given: &Value| badge.claims.check(&claims(given), &Pictures::none()).unwrap();
    assert_eq!(check(&json!({})), claims(&json!({})));
    let result = json!({ "grade": "A", "type": ["Result"] });
    assert_eq!(check(&json!({ "result": { "grade": "A" } })), claims(&json!({ "result": result })));
}

/// What is for machines is not for applicants: `type` gives other claims their meaning.
#[test]
fn what_a_thing_is_only_its_type_says() {
    for (format, claim, problem) in [
        ("vc+jwt", claim("[\"type\"]", "type = \"string\""), "says what its object is"),
        ("ldp_vc", claim("[\"a\", \"type\"]", "type = \"string\""), "says what its object is"),
        ("vc+jwt", claim("[\"id\"]", "type = \"string\"\nvalue = \"urn:x\""), "reserved"),
        ("vc+jwt", claim("[\"a\", \"id\"]", "type = \"integer\""), "is a URI"),
        ("vc+jwt", claim("[\"a\", \"id\"]", "type = \"string\"\nvalue = \"x\""), "a URI"),
        ("vc+jwt", claim("[\"a\"]", "type = \"object\"\nvalue = \"x\""), "type `object`"),
        ("vc+jwt", claim("[\"a\"]", "type = \"list\"\nvalue = []"), "1 to 100 texts"),
        ("vc+jwt", claim("[\"a\"]", "type = \"list\"\nvalue = [1]"), "must be text"),
        ("vc+jwt", claim("[\"a\"]", "type = \"list\"\nvalue = [\"x\", \"x\"]"), "twice"),
        ("vc+jwt", claim("[\"a\"]", "type = \"integer\"\nvalue = \"x\""), "a whole number"),
        ("vc+jwt", claim("[\"a\"]", "type = \"string\"\nvalue = \"x\"\nrequired = true"), "beside"),
        ("vc+jwt", claim("[\"a\"]", "type = \"string\"\nvalue = \"x\"\ndefault = \"y\""), "beside"),
        (
            "vc+sd-jwt",
            claim(
                "[\"a\", \"type\"]",
                "type = \"string\"\nvalue = \"A\"\ndisclosure = \"selective\"",
            ),
            "not left out",
        ),
        ("dc+sd-jwt", claim("[\"iss\"]", "type = \"string\"\nvalue = \"x\""), "reserved"),
        ("ldp_vc", claim("[\"a\", \"id\"]", "type = \"string\""), ""),
    ] {
        let told = told(format, &claim);
        let is_it = if problem.is_empty() { told.is_empty() } else { told.contains(problem) };
        assert!(is_it, "{format} {claim}: {told}");
    }
    let badge = format!("{HEAD}{}", claim("[\"a\", \"id\"]", "type = \"string\""));
    let given = claims(&json!({ "a": { "id": "no uri" } }));
    let found = faults(read(&badge).unwrap().claims.check(&given, &Pictures::none()));
    assert_eq!(found, [("a.id".to_owned(), Fault::NotUri)]);
}

#[test]
fn names_of_credentials_are_for_formats_that_have_them() {
    for (format, line, problem) in [
        ("dc+sd-jwt", "credential_id = true", "belongs to W3C"),
        ("jwt_vc_json", "credential_id = true", ""),
        ("jwt_vc_json", "credential_name = \"Badge\"", "version 2.0"),
        ("vc+jwt", "credential_name = \"Badge\"", ""),
        ("vc+jwt", "credential_name = \" \"", "nobody can read"),
        ("ldp_vc", "credential_id = true\ncredential_name = \"Badge\"", ""),
    ] {
        let mut head = format!("{line}\n{}", HEAD.replace("vc+jwt", format));
        if format == "dc+sd-jwt" {
            head = head.replace("types = [\"VerifiableCredential\", \"Badge\"]\n", "");
        }
        let told = read(&head).map_or_else(|error| error.to_string(), |_| String::new());
        let is_it = if problem.is_empty() { told.is_empty() } else { told.contains(problem) };
        assert!(is_it, "{format} {line}: {told}");
    }
}
