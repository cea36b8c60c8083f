#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
//! Pictures that hold no code, several, or harm.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, LumaA, imageops};
use qr::{Level, QrCode, ReadError};

/// Two seconds are the aim; a debug build on a busy machine gets more.
const AT_MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 4 });

fn code(text: &str) -> GrayImage {
    image::load_from_memory(&QrCode::encode(text, Level::M).unwrap().to_png(6)).unwrap().to_luma8()
}

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG that says it is this large, and holds nothing.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = file(GrayImage::new(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = u32::MAX;
    for &byte in &bytes[12..29] {
        sum = (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        });
    }
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

#[test]
fn what_is_not_a_picture_is_refused() {
    let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";
    let png = file(code("a"), ImageFormat::Png);
    let cases: [&[u8]; 8] = [
        b"",
        b"openid-credential-offer://?credential_offer_uri=x",
        &[0; 4096],
        &[0xff; 4096],
        gif,
        b"<html><body>no</body></html>",
        &png[..png.len() / 2],
        &[0xff, 0xd8, 0xff, 0xe0, 0, 16],
    ];
    for bytes in cases {
        assert_eq!(qr::read(bytes), Err(ReadError::NotAPicture), "{bytes:.20?}");
    }
}

#[test]
fn a_picture_without_a_code_says_what_to_do() {
    let empty = GrayImage::from_pixel(640, 480, Luma([200]));
    let error = qr::read(&file(empty, ImageFormat::Jpeg)).unwrap_err();
    assert_eq!(error, ReadError::NoQrCode);
    for word in ["closer", "straight", "light"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    for (width, height) in [(1, 1), (20, 20), (41, 600), (600, 41), (42, 42), (43, 900)] {
        let pixels = vec![0; (width * height) as usize];
        assert_eq!(qr::read_luma(width, height, &pixels), Err(ReadError::NoQrCode));
    }
}

#[test]
fn too_many_bytes_or_pixels_are_refused_before_they_are_decoded() {
    let started = Instant::now();
    assert_eq!(qr::read(&vec![b' '; 20_000_001]), Err(ReadError::TooLarge));
    for (width, height) in [(7_072, 7_072), (u32::MAX >> 1, u32::MAX >> 1), (60_000_000, 1)] {
        assert_eq!(qr::read(&png_header(width, height)), Err(ReadError::TooLarge));
    }
    assert_eq!(qr::read_luma(u32::MAX, u32::MAX, &[]), Err(ReadError::TooLarge));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_header_that_promises_more_than_it_holds_is_refused() {
    assert_eq!(qr::read(&png_header(7_000, 7_000)), Err(ReadError::NotAPicture));
    assert_eq!(qr::read_luma(100, 100, &[0; 9_999]), Err(ReadError::NotAPicture));
}

#[test]
fn several_codes_are_several_texts() {
    let mut page = GrayImage::from_pixel(1000, 500, Luma([255]));
    imageops::overlay(&mut page, &code("the first offer"), 20, 30);
    imageops::overlay(&mut page, &code("the second offer"), 500, 200);
    imageops::overlay(&mut page, &code("the second offer"), 750, 20);
    let mut texts = qr::read(&file(page, ImageFormat::Png)).unwrap();
    texts.sort();
    assert_eq!(texts, ["the first offer", "the second offer"]);
}

#[test]
fn every_format_and_colour_is_read() {
    let gray = DynamicImage::from(code("an offer"));
    let mut inverted = gray.clone();
    inverted.invert();
    let files = [
        file(gray.clone(), ImageFormat::Png),
        file(gray.clone(), ImageFormat::Jpeg),
        file(gray.to_rgb8(), ImageFormat::Jpeg),
        file(gray.to_rgba16(), ImageFormat::Png),
        file(gray.fliph(), ImageFormat::Png),
        file(inverted, ImageFormat::Png),
    ];
    for bytes in files {
        assert_eq!(qr::read(&bytes), Ok(vec!["an offer".to_owned()]));
    }
}

#[test]
fn black_on_nothing_is_read() {
    let opaque = code("an offer");
    let clear = image::ImageBuffer::from_fn(opaque.width(), opaque.height(), |x, y| {
        LumaA([0, 255 - opaque.get_pixel(x, y).0[0]])
    });
    assert_eq!(qr::read(&file(clear, ImageFormat::Png)), Ok(vec!["an offer".to_owned()]));
}

#[test]
fn a_page_of_corners_does_not_keep_the_reader_busy() {
    let corner = imageops::crop_imm(&code("a"), 24, 24, 48, 48).to_image();
    for module in [1, 2, 3, 6] {
        let corner = imageops::thumbnail(&corner, 8 * module, 8 * module);
        let page = GrayImage::from_fn(1200, 1200, |x, y| {
            *corner.get_pixel(x % corner.width(), y % corner.height())
        });
        let started = Instant::now();
        assert_eq!(qr::read(&file(page, ImageFormat::Png)), Err(ReadError::NoQrCode));
        assert!(started.elapsed() < AT_MOST, "{module}: {:?}", started.elapsed());
    }
}

#[test]
fn spoilt_codes_never_panic() {
    let whole = code("an offer that is spoilt in every way");
    for step in 1..60_usize {
        let mut spoilt = whole.clone();
        for (place, pixel) in spoilt.pixels_mut().enumerate() {
            if (place / 6 * step + place / 1_000) % 17 < step % 7 {
                pixel.0[0] = 255 - pixel.0[0];
            }
        }
        let _ = qr::read_luma(spoilt.width(), spoilt.height(), spoilt.as_raw());
    }
}

#[test]
fn a_module_that_an_svg_repeats_is_read() {
    let code = QrCode::encode("an offer", Level::M).unwrap();
    let mut uses = String::new();
    for (x, y) in (0..code.size()).flat_map(|x| (0..code.size()).map(move |y| (x, y))) {
        if code.is_dark(x, y) {
            write!(uses, "<use xlink:href='#m' x='{x}' y='{y}'/>").unwrap();
        }
    }
    let svg = format!(
        "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd'>\
         <svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         viewBox='-4 -4 29 29'><defs><rect id='m' width='1' height='1'/></defs>\
         <style>rect {{ fill: #123 }}</style>{uses}</svg>"
    );
    assert_eq!(qr::read(svg.as_bytes()), Ok(vec!["an offer".to_owned()]));
}

/// An SVG with this in it; each asks for hours of work, or for files, in its own way.
fn hostile_svgs() -> Vec<String> {
    let mut nested_uses = String::from("<rect id='n0' width='1' height='1'/>");
    for level in 1..=12 {
        let link = format!("<use href='#n{}'/>", level - 1).repeat(10);
        write!(nested_uses, "<g id='n{level}'>{link}</g>").unwrap();
    }
    let long_path = format!("<path d='{}'/>", "M0 0L9 900L1 0".repeat(100_000));
    let repeated_path = format!(
        "<path id='p' d='{}'/>{}",
        "M0 0L9 9".repeat(50_000),
        "<use href='#p'/>".repeat(50_000)
    );
    let rules = format!("<style>{}</style>", "a b c{fill:red}".repeat(50_000));
    [
        "<filter id='f'><feTurbulence numOctaves='9999999'/></filter>".to_owned(),
        "<rect width='9' height='9' style='filter: blur(1000px)'/>".to_owned(),
        "<mask id='m'/><pattern id='p'/>".to_owned(),
        "<image href='file.svg' width='9' height='9'/>".to_owned(),
        "<g opacity='.5'><path d='M0 0h9v9z'/><path d='M0 0h9v9z'/></g>".repeat(20_000),
        "<path d='M0 0h900v900z'/>".repeat(90_000),
        "<path d='M0 0h900' stroke='red' stroke-dasharray='0.00001'/>".repeat(1_000),
        "<g>".repeat(300_000),
        format!("{}{}", "<g>".repeat(20_000), "</g>".repeat(20_000)),
        nested_uses,
        long_path,
        repeated_path,
        rules,
    ]
    .into_iter()
    .map(|inside| {
        format!("<svg xmlns='http://www.w3.org/2000/svg' width='900' height='900'>{inside}</svg>")
    })
    .collect()
}

#[test]
fn an_svg_cannot_take_long_or_open_files() {
    let thin = "<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1'/>".to_owned();
    let huge = "<svg xmlns='http://www.w3.org/2000/svg' width='1e30' height='1e30'/>".to_owned();
    let entities = "<!DOCTYPE svg [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>\
                    <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;'>]>\
                    <svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><g id='&d;'/></svg>";
    let svgs = [thin, huge, entities.to_owned()].into_iter().chain(hostile_svgs());
    for svg in svgs {
        let started = Instant::now();
        assert!(qr::read(svg.as_bytes()).is_err());
        let beginning: String = svg.chars().take(160).collect();
        assert!(started.elapsed() < AT_MOST, "{beginning} {:?}", started.elapsed());
    }
}
