//! A QR code as SVG, PNG and terminal text, always dark on white with its quiet zone.

use std::error::Error;
use std::fmt::{self, Display, Formatter, Write as _};
use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qrcodegen::{QrCodeEcc, QrSegment, Version};

/// Light modules that a reader needs around the code.
const QUIET_ZONE: i32 = 4;

/// Enough for a wall poster; keeps the picture of the largest code below 50 megapixels.
const MAX_PIXELS_PER_MODULE: u32 = 32;

const LIGHT: Luma<u8> = Luma([255]);
const DARK: Luma<u8> = Luma([0]);

/// How much of a code may be lost before it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// About 7 %: the smallest code.
    L,
    /// About 15 %: for screens.
    M,
    /// About 25 %: for paper.
    Q,
}

/// Why a text does not become a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// More text than the largest code holds.
    TooLong,
}

impl Display for EncodeError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => {
                "The text is too long for a QR code. Use an offer by reference, which is short."
            }
        })
    }
}

impl Error for EncodeError {}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether it understands colours: then the code is black on white whatever the theme.
    pub ansi: bool,
}

/// A drawn QR code: a square of dark and light modules.
#[derive(Clone, PartialEq, Eq)]
pub struct QrCode(qrcodegen::QrCode);

impl fmt::Debug for QrCode {
    /// Only the size: the modules hold the offer, and the offer its code.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("QrCode").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl QrCode {
    /// Makes the smallest code for a text; its level rises where that costs no space.
    pub fn encode(text: &str, level: Level) -> Result<Self, EncodeError> {
        let level = match level {
            Level::L => QrCodeEcc::Low,
            Level::M => QrCodeEcc::Medium,
            Level::Q => QrCodeEcc::Quartile,
        };
        let segments = QrSegment::make_segments(text);
        let (least, most) = (Version::MIN, Version::MAX);
        qrcodegen::QrCode::encode_segments_advanced(&segments, level, least, most, None, true)
            .map(Self)
            .map_err(|_| EncodeError::TooLong)
    }

    /// Modules along one side, without the quiet zone.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size().unsigned_abs() as usize
    }

    /// Whether the module in this column and row is dark; outside the code none is.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        match (i32::try_from(x), i32::try_from(y)) {
            (Ok(x), Ok(y)) => self.0.get_module(x, y),
            _ => false,
        }
    }

    /// A picture that scales: a white tile with the code as one path.
    ///
    /// It has neither size nor script nor role, so the page decides on all three.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let side = self.side();
        let path: String = (0..self.0.size()).map(|y| self.row_path(y)).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
             <path fill=\"#000\" d=\"{path}\"/></svg>"
        )
    }

    /// A grey PNG; a module is 1 to 32 pixels wide.
    #[must_use]
    pub fn to_png(&self, pixels_per_module: u32) -> Vec<u8> {
        let scale = pixels_per_module.clamp(1, MAX_PIXELS_PER_MODULE);
        let side = self.side().unsigned_abs() * scale;
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let place = |pixel: u32| (pixel / scale).cast_signed() - QUIET_ZONE;
            if self.0.get_module(place(x), place(y)) { DARK } else { LIGHT }
        });
        let mut png = Cursor::new(Vec::new());
        // Writing to memory cannot fail, and every size above is a valid one.
        let _ = picture.write_to(&mut png, ImageFormat::Png);
        png.into_inner()
    }

    /// Text for a terminal: a character shows two modules, one above the other.
    #[must_use]
    pub fn to_terminal(&self, terminal: Terminal) -> String {
        let (before, after) = if terminal.ansi { ("\x1b[30;107m", "\x1b[0m") } else { ("", "") };
        let mut text = String::new();
        let places = || -QUIET_ZONE..self.0.size() + QUIET_ZONE;
        for y in places().step_by(2) {
            text.push_str(before);
            text.extend(places().map(|x| self.half_blocks(x, y, terminal)));
            text.push_str(after);
            text.push('\n');
        }
        text
    }

    /// The character for the module at a place and the one below.
    ///
    /// Without colours blocks stand for light modules, because most terminals are dark; readers
    /// also take the inverse picture that a light terminal makes of it.
    fn half_blocks(&self, x: i32, y: i32, terminal: Terminal) -> char {
        let filled = |y| self.0.get_module(x, y) == terminal.ansi;
        match (filled(y), filled(y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }
    }

    /// One rectangle for each run of dark modules: between single squares some viewers show joints.
    fn row_path(&self, y: i32) -> String {
        let mut path = String::new();
        let mut x = 0;
        while x < self.0.size() {
            let run =
                (x..self.0.size()).take_while(|&x| self.0.get_module(x, y)).fold(0, |n, _| n + 1);
            if run > 0 {
                let (left, top) = (x + QUIET_ZONE, y + QUIET_ZONE);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{left} {top}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
        path
    }

    /// Modules along one side, with the quiet zone.
    fn side(&self) -> i32 {
        self.0.size() + 2 * QUIET_ZONE
    }
}
