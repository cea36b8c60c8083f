//! What a caller would rather have (RFC 9110 §12.5).

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
