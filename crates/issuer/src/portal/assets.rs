//! The portal's style sheet, script and icon; nothing comes from another host.

use std::fmt::Write as _;

use oid4vci::colour::Colour;

/// Goes with every page: no inline script or style, no frame, nothing from elsewhere (P03).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
     script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// A file that pages refer to.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// What is in it.
    pub content: &'static str,
}

/// The file of that name in `assets/`; `types.css` is made by [`types_css`].
#[must_use]
pub fn asset(name: &str) -> Option<Asset> {
    let (content_type, content) = match name {
        "portal.css" => ("text/css; charset=utf-8", include_str!("assets/portal.css")),
        "portal.js" => ("text/javascript; charset=utf-8", include_str!("assets/portal.js")),
        "icon.svg" => ("image/svg+xml", include_str!("assets/icon.svg")),
        _ => return None,
    };
    Some(Asset { content_type, content })
}

/// The colours of one credential type.
#[derive(Clone, Copy, Debug)]
pub struct TypeColours<'a> {
    /// Its Credential Configuration Identifier.
    pub id: &'a str,
    /// `background_color` of its display data.
    pub background: Colour,
    /// `text_color` of its display data.
    pub text: Colour,
}

/// The style sheet with the colours of all types: a class each.
#[must_use]
pub fn types_css(types: &[TypeColours<'_>]) -> String {
    let mut css = String::new();
    for colours in types {
        let class = type_class(colours.id);
        let background = colours.background.css();
        let text = colours.text.readable_on(colours.background).css();
        // Writing to a String cannot fail.
        let _ = writeln!(css, ".{class}{{--card:{background};--card-text:{text}}}");
    }
    css
}

/// The class of a type: its id, with what a class name cannot hold spelled out.
#[must_use]
pub fn type_class(id: &str) -> String {
    let mut class = String::from("type-");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            class.push(char::from(byte));
        } else {
            let _ = write!(class, "_{byte:02x}");
        }
    }
    class
}
