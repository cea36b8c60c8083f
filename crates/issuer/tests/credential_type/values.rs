//! Moments and bytes in claims.

use issuer::credential_type::{CredentialType, Fault, Pictures};
use serde_json::{Value, json};

use super::{HEAD, claims, faults, mistake, read};

fn event() -> CredentialType {
    read(&format!(
        "{HEAD}
[[claims]]
path = [\"begins_at\"]
type = \"date-time\"
label = {{ en = \"Begins\" }}
example = 2026-01-31T12:00:00Z

[[claims]]
path = [\"template\"]
type = \"bytes\"
min_length = 2
max_length = 4
example = \"AQID\"
"
    ))
    .unwrap()
}

fn fault(name: &str, value: &Value) -> Option<Fault> {
    let given = claims(&json!({ name: value }));
    event().claims.check(&given, &Pictures::none()).err().map(|error| error.0[0].fault)
}

/// RFC 3339 §5.6
#[test]
fn a_moment_has_a_day_a_time_and_an_offset() {
    for good in [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.25Z",
        "2026-01-31T12:00:00+05:30",
        "2024-02-29T23:59:59-11:00",
    ] {
        assert_eq!(fault("begins_at", &json!(good)), None, "{good}");
    }
    for bad in [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00Z",
        "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        " 2026-01-31T12:00:00Z",
        "",
    ] {
        assert_eq!(fault("begins_at", &json!(bad)), Some(Fault::NotDateTime), "{bad}");
    }
    assert_eq!(fault("begins_at", &json!(1_769_860_800)), Some(Fault::NotText));
}

#[test]
fn bytes_are_base64url_without_padding() {
    for good in ["AQI", "AQIDBA", "-_-_"] {
        assert_eq!(fault("template", &json!(good)), None, "{good}");
    }
    for bad in ["AQI=", "+/+/", "AQ ID", "A", "AQJ"] {
        assert_eq!(fault("template", &json!(bad)), Some(Fault::NotBytes), "{bad}");
    }
    assert_eq!(fault("template", &json!("AQ")), Some(Fault::TooFewBytes(2)));
    assert_eq!(fault("template", &json!("AQIDBAU")), Some(Fault::TooManyBytes(4)));
    assert_eq!(fault("template", &json!([1, 2])), Some(Fault::NotText));
}

/// A browser asks for a moment without an offset, and the form says that it is UTC.
#[test]
fn a_moment_from_a_form_is_utc() {
    let typed = |text: &str| {
        let form = [("begins_at".to_owned(), text.to_owned())];
        event().from_form(&form, &Pictures::none())
    };
    for (text, taken) in [
        ("2026-01-31T12:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:30", "2026-01-31T12:00:30Z"),
        ("2026-01-31T12:00:30+01:00", "2026-01-31T12:00:30+01:00"),
    ] {
        assert_eq!(typed(text).unwrap()["begins_at"], taken);
    }
    assert_eq!(faults(typed("tomorrow, at noon")), [("begins_at".to_owned(), Fault::NotDateTime)]);
}

#[test]
fn a_sample_has_them_and_a_file_is_held_to_them() {
    let sample = json!({ "begins_at": "2026-01-31T12:00:00Z", "template": "AQID" });
    assert_eq!(json!(event().sample()), sample);
    let with = |kind: &str, line: &str| {
        mistake(&format!("{HEAD}\n[[claims]]\npath = [\"x\"]\ntype = \"{kind}\"\n{line}\n"))
    };
    let told = with("date-time", "example = 2026-01-31T12:00:00");
    assert!(told.contains(":11: claim `x`: `example` must be a day and time"), "{told}");
    let told = with("bytes", "default = \"A\"");
    assert!(told.contains(":11: claim `x`: `default` must be bytes in base64url"), "{told}");
    let told = with("date-time", "max_length = 3");
    assert!(told.contains("`max_length` means nothing for type `date-time`"), "{told}");
}
