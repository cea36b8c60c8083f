//! Parameters of a form or a query (RFC 6749 §3.1, RFC 6749 §3.2).

/// Longest parameter.
pub(crate) const PARAMETER_BYTES_MAX: usize = 8 * 1024;

/// Why parameters are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadParameter {
    Repeated,
    TooLong,
}

/// An empty parameter counts as absent, and none may be repeated (TOKEN-28, AUTHZ-20: unknown ones
/// are not looked at).
pub(crate) fn parameter<'f>(
    form: &'f [(String, String)],
    name: &str,
) -> Result<Option<&'f str>, BadParameter> {
    let mut values = form.iter().filter(|(given, _)| given == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(BadParameter::Repeated),
        (Some(value), None) if value.len() > PARAMETER_BYTES_MAX => Err(BadParameter::TooLong),
        (value, None) => Ok(value.map(String::as_str).filter(|value| !value.is_empty())),
    }
}
