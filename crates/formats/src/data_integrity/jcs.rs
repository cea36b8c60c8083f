//! JSON in its one canonical form (RFC 8785).

use serde_json::{Map, Number, Value};

use crate::FormatError;

/// From here on, a double no longer tells one whole number from the next (RFC 8785).
const WHOLE_MAX: u64 = 1 << 53;

/// The canonical text.
///
/// A number that no double holds is refused: another reader would sign for its neighbour.
pub(super) fn canonical(object: &Map<String, Value>) -> Result<Vec<u8>, FormatError> {
    if !object.values().all(is_canonical) {
        return Err(FormatError::Uncanonical);
    }
    serde_json_canonicalizer::to_vec(object).map_err(|_| FormatError::Uncanonical)
}

/// How deep it goes is bounded by whoever read the JSON.
fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_of_double(number),
        Value::Array(values) => values.iter().all(is_canonical),
        Value::Object(members) => members.values().all(is_canonical),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Whether it is written as the double is that readers take it for: 10^17 is, but not its neighbour.
fn is_of_double(number: &Number) -> bool {
    let whole = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    if whole.is_none_or(|whole| whole <= WHOLE_MAX) {
        return true;
    }
    let double = number.as_f64().map(|double| serde_json_canonicalizer::to_string(&double));
    double.is_some_and(|text| text.is_ok_and(|text| text == number.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use serde_json::{Value, json};

    use super::{WHOLE_MAX, canonical};
    use crate::FormatError;

    fn text(value: &Value) -> String {
        let wrapped = json!({ "v": value });
        let bytes = canonical(wrapped.as_object().unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.strip_prefix("{\"v\":").and_then(|text| text.strip_suffix('}')).unwrap().to_owned()
    }

    /// The pairs that RFC 8785 refers to.
    #[test]
    fn published_pairs_are_reproduced() {
        macro_rules! pair {
            ($name:literal) => {
                (
                    $name,
                    include_str!(concat!("../../tests/vectors/jcs/", $name, "-input.json")),
                    include_str!(concat!("../../tests/vectors/jcs/", $name, "-output.json")),
                )
            };
        }
        for (name, input, output) in [
            pair!("arrays"),
            pair!("french"),
            pair!("structures"),
            pair!("unicode"),
            pair!("values"),
            pair!("weird"),
        ] {
            let input = keys::json::parse(input.as_bytes()).unwrap();
            assert_eq!(text(&input), output.trim_end_matches('\n'), "{name}");
        }
    }

    /// RFC 8785, appendix B: doubles by their bits.
    #[test]
    fn published_numbers_are_reproduced() {
        for (bits, expected) in [
            (0, "0"),
            (0x8000_0000_0000_0000, "0"),
            (1, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(text(&f64::from_bits(bits).into()), expected, "{bits:x}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (0..=WHOLE_MAX).prop_map(Value::from),
            (0..=WHOLE_MAX).prop_map(|whole| json!(-whole.cast_signed())),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Whether a reader that knows doubles only sees the same.
    fn is_same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(a, b)| a.0 == b.0 && is_same(a.1, b.1))
            }
            _ => one == other,
        }
    }

    /// RFC 8785: it says what was said, and is the canonical text of what it says itself.
    #[test]
    fn canonical_text_stays_as_it_is() {
        let config = Config { failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&any_value(), |value| {
            let once = text(&value);
            let read = keys::json::parse(once.as_bytes()).unwrap();
            assert!(is_same(&read, &value), "{once} for {value}");
            assert_eq!(text(&read), once);
            Ok(())
        });
        outcome.unwrap();
    }

    /// Readers that know doubles only would sign for, and see, another number.
    #[test]
    fn a_number_that_no_double_holds_is_refused() {
        for number in
            [json!(9_007_199_254_740_993_u64), json!(i64::MIN), json!([{ "a": u64::MAX }])]
        {
            let object = json!({ "n": number });
            let refused = canonical(object.as_object().unwrap());
            assert_eq!(refused, Err(FormatError::Uncanonical), "{number}");
        }
        for same in ["-9007199254740992", "100000000000000000", "1152921504606847000"] {
            let read = keys::json::parse(same.as_bytes()).unwrap();
            assert_eq!(text(&read), same, "as every reader writes it");
        }
    }
}
