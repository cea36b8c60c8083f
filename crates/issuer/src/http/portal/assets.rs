//! Style sheets, script and icon.

use axum::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use oid4vci::colour::Colour;

use super::trouble::Trouble;
use super::visitor::{Segment, Visitor};
use crate::Issuer;
use crate::portal::assets::{self, Asset, TypeColours};

/// Short: after an update nobody shall see new pages in old clothes for long.
const KEPT: &str = "public, max-age=300";
/// For a type that names a background and no text colour.
const WHITE: &str = "#ffffff";

/// `/assets/NAME`
pub(super) async fn asset(
    Extension(visitor): Extension<Visitor>,
    Segment(name): Segment,
) -> Result<Response, Trouble> {
    if name == "types.css" {
        let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEPT)];
        return Ok((headers, visitor.portal.types_css.clone()).into_response());
    }
    let Asset { content_type, content } = assets::asset(&name).ok_or(Trouble::NotFound)?;
    Ok(([(CONTENT_TYPE, content_type), (CACHE_CONTROL, KEPT)], content).into_response())
}

/// The colours of every type that names some.
pub(super) fn types_css(issuer: &Issuer) -> String {
    let types = issuer.types.values().filter_map(|credential_type| {
        let display = credential_type.display(issuer.config.locale.as_str())?;
        let background = Colour::parse(display.background_color.as_ref()?.as_str())?;
        let text = display.text_color.as_ref().map_or(WHITE, |colour| colour.as_str());
        Some(TypeColours { id: &credential_type.id, background, text: Colour::parse(text)? })
    });
    assets::types_css(&types.collect::<Vec<_>>())
}
