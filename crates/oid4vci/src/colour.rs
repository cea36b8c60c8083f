//! Steps 3 and 20: a card's `background_color` and `text_color` (META-40), made readable whatever the
//! issuer wrote.

/// A colour written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// WCAG 2.2 AA asks for this ratio between text and what is behind it.
const CONTRAST_MIN: f64 = 4.5;

const BLACK: Colour = Colour { red: 0, green: 0, blue: 0 };
const WHITE: Colour = Colour { red: 255, green: 255, blue: 255 };

impl Colour {
    /// Reads `#rrggbb`, the form that metadata and style sheets share.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self { red, green, blue })
    }

    /// This colour, or black or white where it could not be read on the background.
    #[must_use]
    pub fn readable_on(self, background: Self) -> Self {
        if self.contrast(background) >= CONTRAST_MIN {
            self
        } else if WHITE.contrast(background) >= BLACK.contrast(background) {
            WHITE
        } else {
            BLACK
        }
    }

    /// The colour as `#rrggbb`.
    #[must_use]
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    /// The contrast ratio of WCAG 2.2, from 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.0722f64.mul_add(
            linear(self.blue),
            0.2126f64.mul_add(linear(self.red), 0.7152 * linear(self.green)),
        )
    }
}
