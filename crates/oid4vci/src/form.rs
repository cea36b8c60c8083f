//! What is wrong with a JWT, or its key, before anything in it is looked at (RFC 8725 §3.1).

use keys::jws::{Jws, JwsError};
use keys::public_key::KeyError;

/// Each kind of JWT has its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Unreadable,
    Algorithm,
    CriticalHeader,
    Signature,
    PrivateKey,
    BadKey,
}

impl From<JwsError> for Form {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::NoneAlgorithm
            | JwsError::MacAlgorithm
            | JwsError::UnknownAlgorithm(_)
            | JwsError::WrongAlgorithm => Self::Algorithm,
            JwsError::CriticalHeader => Self::CriticalHeader,
            JwsError::WrongSignature => Self::Signature,
            JwsError::TooLong | JwsError::Malformed => Self::Unreadable,
        }
    }
}

impl From<KeyError> for Form {
    fn from(error: KeyError) -> Self {
        if error == KeyError::PrivateKey { Self::PrivateKey } else { Self::BadKey }
    }
}

/// Whether the JWT says that it is of a kind in `known`, or says nothing (RFC 7515 §4.1.9).
pub(crate) fn is_of_type(jws: &Jws, known: &[&str]) -> bool {
    let Some(typ) = jws.header().get("typ") else { return true };
    let typ = typ.as_str().unwrap_or_default();
    let short = typ.strip_prefix("application/").unwrap_or(typ);
    known.iter().any(|known| short.eq_ignore_ascii_case(known))
}

/// Each refusal of a JWT has a variant for each of these, with a text of its own.
macro_rules! from_form {
    ($refusal:ident) => {
        impl From<$crate::form::Form> for $refusal {
            fn from(form: $crate::form::Form) -> Self {
                use $crate::form::Form;
                match form {
                    Form::Unreadable => Self::Unreadable,
                    Form::Algorithm => Self::AlgorithmNotSupported,
                    Form::CriticalHeader => Self::CriticalHeader,
                    Form::Signature => Self::WrongSignature,
                    Form::PrivateKey => Self::PrivateKey,
                    Form::BadKey => Self::BadKey,
                }
            }
        }
    };
}
pub(crate) use from_form;
