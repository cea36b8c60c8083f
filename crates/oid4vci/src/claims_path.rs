//! Claims path pointers: where in a credential a claim is (VCI §C), and descriptions of claims that
//! cannot all be meant (VCI §B.3).

use serde_json::{Map, Value};

/// Longest path.
pub const PATH_MAX: usize = 16;

/// Whether this is a path into a credential made of JSON: names, `null` for every element, numbers
/// for one (PATH-01, PATH-05).
#[must_use]
pub fn is_path(path: &[Value]) -> bool {
    let is_step = |step: &Value| step.is_string() || step.is_null() || step.is_u64();
    (1..=PATH_MAX).contains(&path.len()) && path.iter().all(is_step)
}

/// What a path selects, from the object on top to the right (VCI §C.1.1, PATH-02); nothing where it does not fit the claims, or where what it names
/// is not there.
#[must_use]
pub fn select<'c>(claims: &'c Map<String, Value>, path: &[Value]) -> Option<Vec<&'c Value>> {
    let (first, rest) = path.split_first().filter(|_| is_path(path))?;
    let mut selected: Vec<&Value> = claims.get(first.as_str()?).into_iter().collect();
    for step in rest {
        selected = descend(&selected, step)?;
    }
    (!selected.is_empty()).then_some(selected) // PATH-07
}

fn descend<'c>(selected: &[&'c Value], step: &Value) -> Option<Vec<&'c Value>> {
    let mut next = Vec::new();
    for element in selected {
        if let Some(name) = step.as_str() {
            next.extend(element.as_object()?.get(name)); // PATH-03
        } else if step.is_null() {
            next.extend(element.as_array()?); // PATH-04
        } else {
            let place = usize::try_from(step.as_u64()?).ok()?;
            next.extend(element.as_array()?.get(place)); // PATH-06
        }
    }
    Some(next)
}

/// Whether one of these paths repeats or contradicts an earlier one (CLAIM-08, CLAIM-09,
/// CLAIM-10).
#[must_use]
pub fn has_contradiction(paths: &[&[Value]]) -> bool {
    paths.iter().enumerate().any(|(place, path)| {
        let mut earlier = paths.iter().take(place);
        earlier.any(|other| other == path || contradicts(other, path))
    })
}

/// Where two paths part, one claim would be both an array and an object, or the same array would be
/// meant wholly and in part.
fn contradicts(one: &[Value], other: &[Value]) -> bool {
    let Some((one, other)) = one.iter().zip(other).find(|(one, other)| one != other) else {
        return false;
    };
    let alike = one.is_string() && other.is_string() || one.is_u64() && other.is_u64();
    !alike
}
