//! Pictures in claims: `data:` URLs of PNG or JPEG, never SVG, which can carry scripts (P09).
//!
//! What comes in is decoded within limits and encoded again: the pixels are all that is left of it,
//! neither where the photograph was taken, nor a second file that hides behind the first.

use std::collections::BTreeMap;
use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{DynamicImage, ImageDecoder, ImageError, ImageResult, Limits};
use tokio::sync::Semaphore;

use super::value::Fault;

/// Largest picture, as a file.
pub const IMAGE_BYTES_MAX: usize = 200_000;
/// Pixels of a side at most: more than any portrait needs, and few enough to decode.
pub const IMAGE_SIDE_MAX: u32 = 3_000;
/// What a decoder may allocate.
const MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Scans of a JPEG at most: each goes over all pixels, and honest files have a dozen.
const SCANS_MAX: usize = 64;
/// Of JPEG files that we write: one cannot see the difference.
const JPEG_QUALITY: u8 = 85;
/// A picture that is too large as we encode it shrinks by a quarter, so often at most.
const SHRINKINGS_MAX: usize = 12;
/// Pictures that are decoded at the same time: they cost processor and memory.
static DECODERS: Semaphore = Semaphore::const_new(2);

/// The kinds of pictures that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
}

impl Kind {
    /// By what every such file begins with.
    fn of(file: &[u8]) -> Option<Self> {
        let kinds = [(Self::Png, &b"\x89PNG\r\n\x1a\n"[..]), (Self::Jpeg, &b"\xff\xd8\xff"[..])];
        kinds.into_iter().find(|(_, signature)| file.starts_with(signature)).map(|(kind, _)| kind)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Writes a file as the `data:` URL that a claim of type `image` holds; only its beginning and its
/// length are looked at.
pub fn data_url(file: &[u8]) -> Result<String, Fault> {
    if file.len() > IMAGE_BYTES_MAX {
        return Err(Fault::ImageTooLarge);
    }
    let media_type = Kind::of(file).ok_or(Fault::NotImage)?.media_type();
    Ok(format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(file)))
}

/// The file in what [`data_url`] writes: the media type must be that of the bytes.
fn file_of(url: &str) -> Result<Vec<u8>, Fault> {
    if url.len() > (IMAGE_BYTES_MAX + 100) / 3 * 4 {
        return Err(Fault::ImageTooLarge);
    }
    let (_, base64) = url.split_once(";base64,").ok_or(Fault::NotImage)?;
    let file = BASE64_STANDARD.decode(base64).map_err(|_| Fault::NotImage)?;
    if data_url(&file)? == url { Ok(file) } else { Err(Fault::NotImage) }
}

/// The pictures among given claims, decoded and encoded again.
///
/// What became of each is under its `data:` URL, and one that is not here is refused: no entry can
/// forget to do it.
#[derive(Clone, Debug)]
pub struct Pictures {
    cleaned: BTreeMap<String, Result<Cleaned, Fault>>,
    /// All of them come from our own store: only what must change its kind is to be here.
    are_of_store: bool,
}

/// What became of a picture, as a `data:` URL.
#[derive(Clone, Debug)]
struct Cleaned {
    /// As the kind of file that it was.
    url: String,
    /// As JPEG, if it was another kind.
    jpeg: Option<Result<String, Fault>>,
}

impl Pictures {
    /// There are none, so any is refused.
    #[must_use]
    pub const fn none() -> Self {
        Self { cleaned: BTreeMap::new(), are_of_store: false }
    }

    /// For claims of our own store: they were cleaned when they came in. A PNG of which a type makes a
    /// JPEG is refused: [`Self::stored`] is for them.
    #[must_use]
    pub const fn of_store() -> Self {
        Self { cleaned: BTreeMap::new(), are_of_store: true }
    }

    /// The same, with those of [`Claims::pictures_as_jpeg`](super::Claims::pictures_as_jpeg): they may
    /// have come in for another format, or before the type had this one.
    pub async fn stored(as_jpeg: Vec<String>) -> Self {
        Self { are_of_store: true, ..Self::clean(as_jpeg).await }
    }

    pub(super) const fn is_of_store(&self) -> bool {
        self.are_of_store
    }

    /// For a value that an operator wrote into a file.
    pub(super) fn of_file(url: &str) -> Self {
        let cleaned = BTreeMap::from([(url.to_owned(), clean(url))]);
        Self { cleaned, are_of_store: false }
    }

    /// Decodes and encodes pictures that came in, beside the event loop and a few at a time.
    pub async fn clean(urls: Vec<String>) -> Self {
        if urls.is_empty() {
            return Self::none();
        }
        let _permit = DECODERS.acquire().await; // never closed
        let cleaned = tokio::task::spawn_blocking(move || {
            let each = urls.into_iter().map(|url| {
                let cleaned = clean(&url);
                (url, cleaned)
            });
            each.collect()
        });
        // A decoder that panics has met a file that is no picture.
        cleaned.await.map_or_else(|_| Self::none(), |cleaned| Self { cleaned, are_of_store: false })
    }

    /// The picture to keep in place of the given one, as JPEG where that is asked for.
    pub(super) fn kept(&self, url: &str, as_jpeg: bool) -> Result<String, Fault> {
        if self.are_of_store && !(as_jpeg && is_png(&file_of(url)?)) {
            return file_of(url).map(|_| url.to_owned());
        }
        let Cleaned { url, jpeg } =
            self.cleaned.get(url).cloned().unwrap_or(Err(Fault::NotImage))?;
        jpeg.filter(|_| as_jpeg).unwrap_or(Ok(url))
    }
}

fn is_png(file: &[u8]) -> bool {
    Kind::of(file) == Some(Kind::Png)
}

/// Whether a `data:` URL says that it is a PNG.
pub(super) fn says_png(url: &str) -> bool {
    url.strip_prefix("data:").is_some_and(|rest| rest.starts_with(Kind::Png.media_type()))
}

/// Decodes a picture and encodes it again.
fn clean(url: &str) -> Result<Cleaned, Fault> {
    let file = file_of(url)?;
    let kind = Kind::of(&file).ok_or(Fault::NotImage)?;
    let image = decode(kind, &file).map_err(|error| match error {
        ImageError::Limits(_) => Fault::ImageTooWide,
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_)
        | ImageError::IoError(_) => Fault::ImageBroken,
    })?;
    let image = image.ok_or(Fault::ImageBroken)?;
    let encoded = |kind, image| {
        let file = encode(kind, image).map_err(|_| Fault::ImageBroken)?;
        data_url(&file.ok_or(Fault::ImageTooLarge)?)
    };
    let jpeg = (kind == Kind::Png).then(|| encoded(Kind::Jpeg, on_white(image.clone())));
    Ok(Cleaned { url: encoded(kind, image)?, jpeg })
}

/// A JPEG cannot be seen through.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let mut pixels = image.into_rgba8();
    for pixel in pixels.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0.map(u16::from);
        let mixed = [red, green, blue].map(|part| (part * alpha + 255 * (255 - alpha)) / 255);
        let [red, green, blue] = mixed.map(|part| u8::try_from(part).unwrap_or(u8::MAX));
        pixel.0 = [red, green, blue, u8::MAX];
    }
    DynamicImage::from(pixels).into_rgb8().into()
}

/// `None` for what is no still picture, or costs more than one.
fn decode(kind: Kind, file: &[u8]) -> ImageResult<Option<DynamicImage>> {
    match kind {
        Kind::Png => {
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits())?;
            if decoder.is_apng()? {
                return Ok(None);
            }
            upright(decoder).map(Some)
        }
        Kind::Jpeg if !is_whole_jpeg(file) => Ok(None),
        Kind::Jpeg => {
            let mut decoder = JpegDecoder::new(Cursor::new(file))?;
            decoder.set_limits(limits())?;
            upright(decoder).map(Some)
        }
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(IMAGE_SIDE_MAX);
    limits.max_image_height = Some(IMAGE_SIDE_MAX);
    limits.max_alloc = Some(MEMORY_BYTES_MAX);
    limits
}

/// The decoder shows what it has of a file that was cut off; and it takes any number of scans.
/// Among the pixels of a JPEG no other marker follows `0xff`.
fn is_whole_jpeg(file: &[u8]) -> bool {
    let count = |marker: u8| file.windows(2).filter(|pair| *pair == [0xff, marker]).count();
    (1..=SCANS_MAX).contains(&count(0xda)) && count(0xd9) > 0
}

/// Cameras write beside the pixels which side is up; that goes, so the pixels are turned.
fn upright(mut decoder: impl ImageDecoder) -> ImageResult<DynamicImage> {
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let color = image.color();
    Ok(match (color.has_color(), color.has_alpha()) {
        (true, true) => image.into_rgba8().into(),
        (true, false) => image.into_rgb8().into(),
        (false, true) => image.into_luma_alpha8().into(),
        (false, false) => image.into_luma8().into(),
    })
}

/// `None` when even a small copy has too many bytes.
fn encode(kind: Kind, mut image: DynamicImage) -> ImageResult<Option<Vec<u8>>> {
    for _ in 0..=SHRINKINGS_MAX {
        let mut file = Vec::new();
        match kind {
            Kind::Png => {
                let (compression, filter) = (CompressionType::Default, FilterType::Adaptive);
                let encoder = PngEncoder::new_with_quality(&mut file, compression, filter);
                image.write_with_encoder(encoder)?;
            }
            Kind::Jpeg => {
                let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
                image.write_with_encoder(encoder)?;
            }
        }
        if file.len() <= IMAGE_BYTES_MAX {
            return Ok(Some(file));
        }
        let smaller = |side: u32| (side / 4 * 3).max(1);
        image = image.thumbnail_exact(smaller(image.width()), smaller(image.height()));
    }
    Ok(None)
}
