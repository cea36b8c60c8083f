//! What a caller would rather have (RFC 9110 §12.5), or has already (RFC 9110 §13.1.2).

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderName};

/// The names under which a format or an encoding may be asked for, the most exact one first.
pub(super) type Names = [&'static str; 3];

/// How much something is wanted: the weight of the most exact name (RFC 9110 §12.4.2).
pub(super) fn quality(headers: &HeaderMap, header: &HeaderName, names: Names) -> f32 {
    let weight = |name: &str| {
        elements(headers, header).find_map(|element| {
            let (own, parameters) = element.split_once(';').unwrap_or((element, ""));
            own.trim().eq_ignore_ascii_case(name).then(|| weight_of(parameters))
        })
    };
    names.into_iter().find_map(weight).unwrap_or(0.0)
}

fn weight_of(parameters: &str) -> f32 {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value)
    });
    weight.map_or(1.0, |value| value.trim().parse().unwrap_or(0.0))
}

pub(super) fn elements<'h>(
    headers: &'h HeaderMap,
    header: &HeaderName,
) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

/// RFC 9110 §13.1.2: whether the caller has this version.
pub(super) fn names(headers: &HeaderMap, etag: &str) -> bool {
    elements(headers, &IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_its_name_weak_or_not() {
        for (given, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, given.parse().unwrap())]);
            assert_eq!(names(&headers, "\"a\""), known, "{given}");
        }
    }
}
