//! All refusals of one kind, and what their texts must be like.

use std::collections::BTreeSet;

/// Does not compile when a variant is missing; those with a value in them stand behind `except`.
macro_rules! every {
    ($enum:ident { $($variant:ident),* $(,)? } $(except $other:pat)?) => {{
        let _is_listed = |value: $enum| match value {
            $($enum::$variant => {})*
            $($other => {})?
        };
        [$($enum::$variant),*]
    }};
}

/// CRED-63, and a text of its own for each: nobody has to guess which rule was broken.
pub(crate) fn check_texts(texts: &[&str]) {
    let allowed = |c| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    let mut seen = BTreeSet::new();
    for text in texts {
        assert!(!text.is_empty() && text.chars().all(allowed), "{text}");
        assert!(seen.insert(text), "two refusals have one text: {text}");
    }
}
