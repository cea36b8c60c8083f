//! What the claims of a credential are called: a list of paths in 1.0, a tree until draft 14.

use serde_json::{Map, Value, json};

use super::object;

/// `claims` of 1.0 as a tree; `null`, which stands for every element of a list, is no level of it.
/// The subject of a W3C credential is where the tree begins.
pub(super) fn tree(claims: Option<&Value>) -> Map<String, Value> {
    let mut tree = Map::new();
    for claim in claims.and_then(Value::as_array).into_iter().flatten() {
        let path = claim.get("path").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<&str> = path.filter_map(Value::as_str).collect();
        let names = names.strip_prefix(&["credentialSubject"]).unwrap_or(&names);
        insert(&mut tree, names, description(claim));
    }
    tree
}

fn insert(tree: &mut Map<String, Value>, names: &[&str], description: Map<String, Value>) {
    let Some((first, rest)) = names.split_first() else { return };
    let inside = tree.entry(*first).or_insert_with(|| json!({}));
    let Some(inside) = inside.as_object_mut() else { return };
    if rest.is_empty() {
        for (name, value) in description {
            inside.entry(name).or_insert(value); // a claim of that name came first
        }
    } else {
        insert(inside, rest, description);
    }
}

fn description(claim: &Value) -> Map<String, Value> {
    let mut description = object(claim.clone());
    description.remove("path");
    description.retain(|name, value| name != "mandatory" || value == true);
    description
}
