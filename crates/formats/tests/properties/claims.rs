//! Claims at random: any names, any values, nested a little.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::num;

use super::*;

/// From here on, readers that know doubles only see another number.
const WHOLE_MAX: i64 = 1 << 53;

/// What a claim may be called inside others; the first ones mean something elsewhere.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => prop::sample::select(vec!["", "iss", "cnf", "status", "type", "~", "a/b", "a b"])
            .prop_map(str::to_owned),
        4 => "[a-z]{1,6}",
        1 => any::<String>(),
    ]
    .prop_filter("names of the format", |name| !["_sd", "_sd_alg", "..."].contains(&&**name))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-WHOLE_MAX..=WHOLE_MAX).prop_map(Value::from),
        (num::f64::NORMAL | num::f64::ZERO).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z ]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Claims of a subject, without the names in `reserved`, which belong to the credential itself.
pub(super) fn claims(
    reserved: &'static [&'static str],
) -> impl Strategy<Value = Map<String, Value>> {
    let outermost =
        name().prop_filter("names of the credential", |name| !reserved.contains(&&**name));
    btree_map(outermost, value(), 0..6).prop_map(|members| members.into_iter().collect())
}

/// Claims that linked data can say under a vocabulary, within what is taken of it (docs/adr/0017): each
/// name is one that no context has, there is something at least, nothing is `null` or empty, and no list
/// has something twice or another list in it.
pub(super) fn linked() -> impl Strategy<Value = Map<String, Value>> {
    let name = || "x[a-z]{1,5}";
    let leaf = || {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-WHOLE_MAX..=WHOLE_MAX).prop_map(Value::from),
            (-4000..4000_i32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            "\\PC{0,20}".prop_map(Value::from),
        ]
    };
    let list = || {
        btree_set("\\PC{1,10}", 1..4)
            .prop_map(|all| all.into_iter().map(Value::from).collect::<Vec<_>>().into())
    };
    let value = leaf().prop_recursive(3, 12, 4, move |inner| {
        let members = btree_map(name(), prop_oneof![3 => inner, 1 => list()], 1..4);
        members.prop_map(|members| Value::Object(members.into_iter().collect()))
    });
    let claim = prop_oneof![4 => value, 1 => list()];
    btree_map(name(), claim, 1..5).prop_map(|members| members.into_iter().collect())
}
