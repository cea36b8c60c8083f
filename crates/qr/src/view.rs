//! Views of a picture: what one cannot show, another may.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

/// Pictures are first looked at with at most this many pixels: a module still has several.
const WORKING_PIXELS: u32 = 1_500_000;

/// Larger ones are looked at again with this many: a small code may be in a corner.
const CLOSER_PIXELS: u32 = 6_000_000;

/// No view is larger than this.
const MAX_VIEW_PIXELS: u32 = 3_000_000;

/// No picture smaller than the smallest code at three pixels a module is worth a look, and the library
/// cannot count more pixels in a row.
const SIDES: RangeInclusive<u32> = 63..=16_384;

/// One way to look at a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// New size in sixths of the old.
    sixths: u32,
    filter: Filter,
    /// The brightness of a pixel is compared with the mean around it, as far as this part of the
    /// picture's longer side; without it the reader uses its own threshold.
    threshold: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Filter {
    None,
    /// Against blur.
    Sharpen,
    /// Against noise.
    Smooth,
    /// For light modules on dark.
    Invert,
}

/// The order is by what each adds to those before it, and by cost: see docs/adr/0010.
pub(crate) const VIEWS: &[View] = &[
    View { sixths: 6, filter: Filter::None, threshold: None },
    View { sixths: 6, filter: Filter::None, threshold: Some(32) },
    View { sixths: 4, filter: Filter::Sharpen, threshold: None },
    View { sixths: 6, filter: Filter::None, threshold: Some(1) },
    View { sixths: 2, filter: Filter::None, threshold: None },
    View { sixths: 3, filter: Filter::Sharpen, threshold: None },
    View { sixths: 6, filter: Filter::Invert, threshold: None },
    View { sixths: 12, filter: Filter::None, threshold: Some(32) },
    View { sixths: 12, filter: Filter::Smooth, threshold: None },
    View { sixths: 4, filter: Filter::Smooth, threshold: Some(64) },
    View { sixths: 6, filter: Filter::Sharpen, threshold: Some(16) },
    View { sixths: 3, filter: Filter::Sharpen, threshold: Some(64) },
    View { sixths: 12, filter: Filter::Smooth, threshold: Some(16) },
    View { sixths: 12, filter: Filter::Sharpen, threshold: None },
    View { sixths: 9, filter: Filter::None, threshold: Some(64) },
];

impl View {
    /// The view of a picture, unless it would be too large.
    pub(crate) fn of(self, picture: &GrayImage) -> Option<Cow<'_, GrayImage>> {
        let scaled = |side: u32| side.saturating_mul(self.sixths) / 6;
        let (width, height) = (scaled(picture.width()), scaled(picture.height()));
        if width.saturating_mul(height) > MAX_VIEW_PIXELS {
            return None;
        }
        let sized = match self.sixths {
            6 => Cow::Borrowed(picture),
            ..6 => Cow::Owned(imageops::resize(picture, width, height, FilterType::Triangle)),
            _ => Cow::Owned(imageops::resize(picture, width, height, FilterType::CatmullRom)),
        };
        let filtered = self.filter.of(sized);
        Some(match self.threshold {
            Some(part) => Cow::Owned(threshold(&filtered, width.max(height) / part)),
            None => filtered,
        })
    }
}

impl Filter {
    fn of(self, mut picture: Cow<'_, GrayImage>) -> Cow<'_, GrayImage> {
        match self {
            Self::None => picture,
            Self::Sharpen => Cow::Owned(imageops::unsharpen(&*picture, 2.0, 0)),
            Self::Smooth => Cow::Owned(imageops::fast_blur(&*picture, 1.2)),
            Self::Invert => {
                imageops::invert(picture.to_mut());
                picture
            }
        }
    }
}

/// Whether a picture has a shape in which a code can be found.
pub(crate) fn is_viewable(picture: &GrayImage) -> bool {
    SIDES.contains(&picture.width()) && SIDES.contains(&picture.height())
}

/// The picture, not larger than the views are made from.
pub(crate) fn working_size(picture: &GrayImage) -> Cow<'_, GrayImage> {
    reduced(picture, WORKING_PIXELS)
}

/// Larger pictures, when nothing was found in the views: closer, then as they are.
pub(crate) fn closer(picture: &GrayImage) -> impl Iterator<Item = Cow<'_, GrayImage>> {
    let pixels = picture.width().saturating_mul(picture.height());
    let closer = (pixels > WORKING_PIXELS).then(|| reduced(picture, CLOSER_PIXELS));
    closer.into_iter().chain((pixels > CLOSER_PIXELS).then_some(Cow::Borrowed(picture)))
}

/// The picture itself, or a smaller one: a pixel of it is the mean of some.
fn reduced(picture: &GrayImage, most: u32) -> Cow<'_, GrayImage> {
    let (width, height) = picture.dimensions();
    let mut divisor = 1;
    while (width / divisor).saturating_mul(height / divisor) > most {
        divisor += 1;
    }
    if divisor == 1 {
        return Cow::Borrowed(picture);
    }
    Cow::Owned(imageops::thumbnail(picture, width / divisor, height / divisor))
}

/// Black where a pixel is darker than the mean of the square of `reach` around it: so the light
/// may be uneven.
fn threshold(picture: &GrayImage, reach: u32) -> GrayImage {
    let sums = Sums::new(picture);
    let (width, height) = picture.dimensions();
    let reach = reach.max(4);
    GrayImage::from_fn(width, height, |x, y| {
        let (left, top) = (x.saturating_sub(reach), y.saturating_sub(reach));
        let (right, bottom) = ((x + reach + 1).min(width), (y + reach + 1).min(height));
        let sum = sums.of(left, top, right, bottom);
        let count = (right - left) * (bottom - top);
        let bright = picture.get_pixel_checked(x, y).map_or(0, |pixel| u32::from(pixel.0[0]));
        Luma([if bright * count < sum { 0 } else { 255 }])
    })
}

/// Sums of brightness from the corner to each pixel, so that the sum of any square costs nothing.
struct Sums {
    /// Of the rows above and columns left of a place; one more each way than pixels.
    sums: Vec<u32>,
    width: usize,
}

impl Sums {
    /// A view has so few pixels that the sum of all fits.
    fn new(picture: &GrayImage) -> Self {
        let width = picture.width() as usize + 1;
        let mut sums = vec![0_u32; width];
        for row in picture.rows() {
            let above = sums.len() - width;
            let mut sum = 0;
            sums.push(0);
            for (x, pixel) in row.enumerate() {
                sum += u32::from(pixel.0[0]);
                sums.push(sum + sums.get(above + x + 1).copied().unwrap_or(0));
            }
        }
        Self { sums, width }
    }

    fn of(&self, left: u32, top: u32, right: u32, bottom: u32) -> u32 {
        let at = |x: u32, y: u32| {
            let place = y as usize * self.width + x as usize;
            self.sums.get(place).copied().unwrap_or(0)
        };
        (at(right, bottom) + at(left, top)) - at(left, bottom) - at(right, top)
    }
}
