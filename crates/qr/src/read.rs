//! Reads the codes of a picture: tries the cheapest view of it first, then others.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use image::GrayImage;

use crate::decode::decode;
use crate::picture;
use crate::view::{VIEWS, closer, is_viewable, working_size};

/// Why a picture gives no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Neither PNG, JPEG nor SVG, or a broken one.
    NotAPicture,
    /// More bytes or pixels than we read.
    TooLarge,
    /// An SVG that asks for more work than a code needs.
    TooComplex,
    /// A picture, but no code in it that can be read.
    NoQrCode,
}

impl Display for ReadError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotAPicture => {
                "This is not a picture that can be read. Use a PNG, JPEG or SVG file."
            }
            Self::TooLarge => {
                "This picture is too large: at most 20 MB and 50 megapixels are read. \
                 Make it smaller, or cut out the QR code."
            }
            Self::TooComplex => {
                "This SVG draws more than a QR code needs, so it is not opened. Save it as a PNG \
                 file, and use that."
            }
            Self::NoQrCode => {
                "No QR code was found in this picture. Go closer, hold the camera straight, and \
                 take care of even light."
            }
        })
    }
}

impl Error for ReadError {}

/// Reads the QR codes of a PNG, JPEG or SVG picture: their texts, each once.
pub fn read(bytes: &[u8]) -> Result<Vec<String>, ReadError> {
    texts(&picture::decode(bytes)?)
}

/// Reads the QR codes of a camera's frame: one byte of brightness a pixel, row by row.
pub fn read_luma(width: u32, height: u32, luma: &[u8]) -> Result<Vec<String>, ReadError> {
    texts(&picture::from_luma(width, height, luma)?)
}

/// The first view in which anything can be read decides.
fn texts(picture: &GrayImage) -> Result<Vec<String>, ReadError> {
    if !is_viewable(picture) {
        return Err(ReadError::NoQrCode);
    }
    let working = working_size(picture);
    VIEWS
        .iter()
        .filter_map(|view| view.of(&working))
        .chain(closer(picture))
        .map(|view| decode(&view))
        .find(|texts| !texts.is_empty())
        .ok_or(ReadError::NoQrCode)
}
