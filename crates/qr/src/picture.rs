//! The bytes of a file become pixels of brightness, within limits.

use std::io::Cursor;

use image::{GrayAlphaImage, GrayImage, ImageError, ImageFormat, ImageReader, Limits, Luma};

use crate::read::ReadError;
use crate::svg;

/// More than any camera's JPEG.
const MAX_BYTES: usize = 20_000_000;

/// What a good phone makes.
const MAX_PIXELS: u64 = 50_000_000;

/// What its decoder may use: four bytes a pixel.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;

/// Reads PNG, JPEG or SVG, whichever the first bytes say.
pub(crate) fn decode(bytes: &[u8]) -> Result<GrayImage, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => raster(bytes, format),
        _ => svg::decode(bytes),
    }
}

/// Takes a camera's frame.
pub(crate) fn from_luma(width: u32, height: u32, luma: &[u8]) -> Result<GrayImage, ReadError> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError::TooLarge);
    }
    GrayImage::from_raw(width, height, luma.to_vec()).ok_or(ReadError::NotAPicture)
}

/// The header is judged before any pixel is decoded.
fn raster(bytes: &[u8], format: ImageFormat) -> Result<GrayImage, ReadError> {
    let (width, height) =
        reader(bytes, format).into_dimensions().map_err(|error| refusal(&error))?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError::TooLarge);
    }
    let picture = reader(bytes, format).decode().map_err(|error| refusal(&error))?;
    if picture.color().has_alpha() {
        return Ok(on_white(&picture.to_luma_alpha8()));
    }
    Ok(picture.to_luma8())
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader
}

fn refusal(error: &ImageError) -> ReadError {
    if matches!(error, ImageError::Limits(_)) {
        ReadError::TooLarge
    } else {
        ReadError::NotAPicture
    }
}

/// Codes are often saved as black on nothing, and nothing is black once its alpha is dropped.
fn on_white(picture: &GrayAlphaImage) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [luma, alpha] = picture.get_pixel_checked(x, y).map_or([255, 255], |pixel| pixel.0);
        let bright = 255 - (255 - u16::from(luma)) * u16::from(alpha) / 255;
        Luma([u8::try_from(bright).unwrap_or(u8::MAX)])
    })
}
