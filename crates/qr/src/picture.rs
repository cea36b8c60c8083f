//! The bytes of a file become pixels of brightness, within limits.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, ImageReader, Limits};
use resvg::{tiny_skia, usvg};

use crate::read::ReadError;

/// More than any camera's JPEG.
const MAX_BYTES: usize = 20_000_000;

/// What a good phone makes.
const MAX_PIXELS: u64 = 50_000_000;

/// Nothing in a picture of `MAX_PIXELS` may need more memory: four colours of 16 bits each.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 8;

/// An SVG is drawn with its longer side this long: a large code still gets 8 pixels a module.
const SVG_SIDE: f32 = 1600.0;

/// Reads PNG, JPEG or SVG, whichever the first bytes say.
pub(crate) fn decode(bytes: &[u8]) -> Result<GrayImage, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => raster(bytes, format),
        _ => vector(bytes),
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
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader().into_dimensions().map_err(|_| ReadError::NotAPicture)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError::TooLarge);
    }
    let mut reader = reader();
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    reader.decode().map(|picture| picture.to_luma8()).map_err(|_| ReadError::NotAPicture)
}

/// Draws an SVG on white; it can reach neither files nor fonts.
fn vector(bytes: &[u8]) -> Result<GrayImage, ReadError> {
    let tree = usvg::Tree::from_data(bytes, &usvg::Options::default())
        .map_err(|_| ReadError::NotAPicture)?;
    let size = tree.size();
    let scale = SVG_SIDE / size.width().max(size.height());
    let size = size.to_int_size().scale_by(scale).ok_or(ReadError::NotAPicture)?;
    let mut pixels =
        tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(ReadError::NotAPicture)?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let luma = pixels.pixels().iter().map(|pixel| pixel.green()).collect();
    GrayImage::from_raw(size.width(), size.height(), luma).ok_or(ReadError::NotAPicture)
}
