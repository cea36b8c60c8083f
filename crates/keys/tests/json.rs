//! JSON from strangers (catalogue G03, G05, G07).

use keys::json::{DEPTH_MAX, JsonError, from_slice, parse, parse_object};
use serde_json::json;

#[test]
fn a_value_is_read_as_it_stands() {
    let text = r#"{"a":[1,-2,0.5,true,null,"é"],"b":{"a":{}}}"#;
    let value = json!({ "a": [1, -2, 0.5, true, null, "é"], "b": { "a": {} } });
    assert_eq!(parse(text.as_bytes()).unwrap(), value);
}

#[test]
fn a_repeated_name_is_refused_at_any_depth_and_in_any_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"[[{"x":[{"a":1,"\u0061":2}]}]]"#,
    ] {
        assert_eq!(parse(text.as_bytes()), Err(JsonError::RepeatedName), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let cases: [&[u8]; 12] = [
        b"",
        b" ",
        b"{} {}",
        b"{}x",
        b"{\"a\":1,}",
        b"[1e400]",
        b"[NaN]",
        b"\"\\ud800\"",
        b"\"\xff\"",
        b"\xef\xbb\xbf{}",
        b"'a'",
        b"{\"a\":\"\x01\"}",
    ];
    for text in cases {
        assert_eq!(parse(text), Err(JsonError::Malformed), "{}", text.escape_ascii());
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(parse(nested(DEPTH_MAX + 1).as_bytes()), Err(JsonError::TooDeep));
    assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(JsonError::TooDeep));
    let objects = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    assert_eq!(parse(objects.as_bytes()), Err(JsonError::TooDeep));
}

#[test]
fn a_wrong_shape_is_told_from_wrong_json() {
    assert_eq!(from_slice::<Vec<u8>>(b"[1,2]"), Ok(vec![1, 2]));
    assert_eq!(from_slice::<Vec<u8>>(b"{}"), Err(JsonError::WrongShape));
    assert_eq!(from_slice::<Vec<u8>>(b"[1,"), Err(JsonError::Malformed));
    assert_eq!(parse_object(b"[]"), Err(JsonError::WrongShape));
}
