//! Pictures in claims: `data:` URLs of PNG or JPEG, never SVG, which can carry scripts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::value::Fault;

/// Largest picture, decoded.
pub const IMAGE_BYTES_MAX: usize = 200_000;

/// A kind of picture: its media type, and the bytes that every such file begins with.
const KINDS: [(&str, &[u8]); 2] =
    [("image/png", b"\x89PNG\r\n\x1a\n"), ("image/jpeg", b"\xff\xd8\xff")];

/// Writes an uploaded PNG or JPEG file as the `data:` URL that a claim of type `image` holds.
pub fn data_url(file: &[u8]) -> Result<String, Fault> {
    if file.len() > IMAGE_BYTES_MAX {
        return Err(Fault::ImageTooLarge);
    }
    let kind = KINDS.iter().find(|(_, signature)| file.starts_with(signature));
    let (media_type, _) = kind.ok_or(Fault::NotImage)?;
    Ok(format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(file)))
}

/// Accepts exactly what [`data_url`] writes: the media type must be that of the bytes.
pub(super) fn check_data_url(url: &str) -> Result<(), Fault> {
    if url.len() > (IMAGE_BYTES_MAX + 100) / 3 * 4 {
        return Err(Fault::ImageTooLarge);
    }
    let (_, base64) = url.split_once(";base64,").ok_or(Fault::NotImage)?;
    let file = BASE64_STANDARD.decode(base64).map_err(|_| Fault::NotImage)?;
    if data_url(&file)? == url { Ok(()) } else { Err(Fault::NotImage) }
}
