//! Pictures that come in as claims: the pixels are kept and nothing else (P09).

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat, RgbImage};
use issuer::credential_type::{Fault, IMAGE_BYTES_MAX, IMAGE_SIDE_MAX, Pictures, data_url};
use serde_json::{Value, json};

use super::{HEAD, card, claims, mistake, read};

/// Left half red, right half blue.
fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        image::Rgb(if x < width / 2 { [255, 0, 0] } else { [0, 0, 255] })
    })
}

fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn url(media_type: &str, file: &[u8]) -> String {
    format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(file))
}

/// What becomes of a picture on its way into a claim.
async fn kept(url: &str) -> Result<Vec<u8>, Fault> {
    let given = claims(&json!({ "given_name": "Erika", "photo": url }));
    let pictures = card().claims.pictures(&given).map(str::to_owned).collect();
    let pictures = Pictures::clean(pictures).await;
    match card().claims.check(&given, &pictures) {
        Ok(taken) => {
            let (_, base64) = taken["photo"].as_str().unwrap().split_once(',').unwrap();
            Ok(BASE64_STANDARD.decode(base64).unwrap())
        }
        Err(error) => Err(error.0[0].fault),
    }
}

/// ISO 18013-5 §7.2: readers of mdocs know no PNG, so a portrait comes to them as JPEG.
#[tokio::test]
async fn a_portrait_of_an_mdoc_becomes_jpeg() {
    let claim = |name: &str| format!("\n[[claims]]\npath = [\"{name}\"]\ntype = \"image\"\n");
    let names = ["portrait", "signature_usual_mark", "logo"];
    let both = "\n[[also]]\nformat = \"mso_mdoc\"\ndoctype = \"org.example.1\"\n";
    let given =
        "\n[[claims]]\npath = [\"x\"]\ntype = \"string\"\nrequired = true\nexample = \"x\"\n";
    let text = format!("{HEAD}{given}{}", names.map(claim).concat());
    // What can be seen through stands on white.
    let glass = image::RgbaImage::from_fn(16, 16, |x, _| {
        image::Rgba(if x < 8 { [0, 0, 0, 0] } else { [0, 0, 255, 255] })
    });
    for png in [file(flag(16, 16), ImageFormat::Png), file(glass, ImageFormat::Png)] {
        let url = url("image/png", &png);
        let given =
            claims(&json!({ "x": "x", "portrait": url, "signature_usual_mark": url, "logo": url }));
        let pictures = Pictures::clean(vec![url.clone()]).await;
        let kinds = |also: &str| {
            let taken =
                read(&format!("{text}{also}")).unwrap().claims.check(&given, &pictures).unwrap();
            names.map(|name| {
                let url = taken[name].as_str().unwrap();
                let (kind, base64) = url.split_once(";base64,").unwrap();
                (kind.to_owned(), BASE64_STANDARD.decode(base64).unwrap())
            })
        };
        let [portrait, mark, logo] = kinds(both);
        assert_eq!((portrait.0.as_str(), mark.0.as_str()), ("data:image/jpeg", "data:image/jpeg"));
        assert_eq!(logo.0, "data:image/png");
        assert!(kinds("").iter().all(|(kind, _)| kind == "data:image/png"));
        let pixels = image::load_from_memory(&portrait.1).unwrap().into_rgb8();
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 40);
        let left = if png.len() == file(flag(16, 16), ImageFormat::Png).len() {
            [255, 0, 0]
        } else {
            [255; 3]
        };
        assert!(near(pixels.get_pixel(2, 8).0, left), "{:?}", pixels.get_pixel(2, 8));
        assert!(near(pixels.get_pixel(13, 8).0, [0, 0, 255]), "{:?}", pixels.get_pixel(13, 8));
    }
}

fn has(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|part| part == text.as_bytes())
}

/// A chunk of PNG, its checksum included.
fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in name.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], name, data, &(!crc).to_be_bytes()].concat()
}

/// Puts a chunk of PNG behind the header.
fn with_chunk(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    let header = 8 + 25;
    [&png[..header], chunk, &png[header..]].concat()
}

#[tokio::test]
async fn a_picture_keeps_its_pixels() {
    let png = file(flag(64, 48), ImageFormat::Png);
    let taken = kept(&url("image/png", &png)).await.unwrap();
    assert_eq!(image::load_from_memory(&taken).unwrap().into_rgb8(), flag(64, 48));
    assert_eq!(kept(&url("image/png", &taken)).await.unwrap(), taken, "again changes nothing");

    let jpeg = file(flag(64, 48), ImageFormat::Jpeg);
    let taken = kept(&url("image/jpeg", &jpeg)).await.unwrap();
    assert!(taken.starts_with(b"\xff\xd8\xff"));
    let pixels = image::load_from_memory(&taken).unwrap().into_rgb8();
    assert_eq!(pixels.dimensions(), (64, 48));
    assert!(pixels[(4, 4)].0[0] > 240 && pixels[(60, 4)].0[2] > 240, "{:?}", pixels[(4, 4)]);
}

/// Where a photograph was taken, who made it, and what hides behind it.
#[tokio::test]
async fn nothing_but_pixels_is_kept() {
    let png = file(flag(8, 8), ImageFormat::Png);
    let texts = [
        with_chunk(&png, &chunk(b"tEXt", b"Author\0Somebody")),
        with_chunk(&png, &chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0Somebody")),
        [&png[..], b"<script>Somebody</script>"].concat(),
    ];
    for text in texts {
        let taken = kept(&url("image/png", &text)).await.unwrap();
        assert!(has(&text, "Somebody") && !has(&taken, "Somebody"));
    }
    let jpeg = file(flag(8, 8), ImageFormat::Jpeg);
    let comment = [&jpeg[..2], b"\xff\xfe\0\x0aSomebody", &jpeg[2..]].concat();
    for text in [comment, [&jpeg[..], b"PK\x03\x04Somebody"].concat()] {
        let taken = kept(&url("image/jpeg", &text)).await.unwrap();
        assert!(has(&text, "Somebody") && !has(&taken, "Somebody"));
    }
}

/// Which side is up stands beside the pixels, and goes.
#[tokio::test]
async fn a_photograph_stands_upright() {
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new(&mut jpeg);
    // TIFF, little endian, one entry: orientation 6, turn by 90 degrees.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(flag(64, 48).as_raw(), 64, 48, ExtendedColorType::Rgb8).unwrap();
    let taken = kept(&url("image/jpeg", &jpeg)).await.unwrap();
    assert!(has(&jpeg, "Exif") && !has(&taken, "Exif"));
    let pixels = image::load_from_memory(&taken).unwrap().into_rgb8();
    assert_eq!(pixels.dimensions(), (48, 64));
    assert!(pixels[(4, 4)].0[0] > 240 && pixels[(4, 60)].0[2] > 240);
}

#[tokio::test]
async fn what_cannot_be_shown_as_one_picture_is_refused() {
    let png = file(flag(64, 48), ImageFormat::Png);
    let jpeg = file(flag(640, 480), ImageFormat::Jpeg);
    let moving = with_chunk(&png, &chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]));
    let mut bent = png.clone();
    bent[50] ^= 1;
    let scans = [&jpeg[..jpeg.len() - 2], &b"\xff\xda\0\x02".repeat(100), b"\xff\xd9"].concat();
    let wide = file(flag(IMAGE_SIDE_MAX + 1, 1), ImageFormat::Png);
    let high = file(flag(1, IMAGE_SIDE_MAX + 1), ImageFormat::Jpeg);
    // 4 294 967 295 pixels a side, in a few bytes.
    let bomb = chunk(b"IHDR", b"\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\0\0\0");
    let bomb = [&png[..8], &bomb, &png[33..]].concat();
    let large = [png.clone(), vec![0; IMAGE_BYTES_MAX]].concat();
    let rows: Vec<(&str, String, Fault)> = vec![
        ("SVG", url("image/svg+xml", b"<svg onload=\"alert(1)\"/>"), Fault::NotImage),
        ("SVG in disguise", url("image/png", b"<svg/>"), Fault::NotImage),
        ("GIF", url("image/gif", b"GIF89a"), Fault::NotImage),
        ("another kind than it says", url("image/jpeg", &png), Fault::NotImage),
        ("an address", "https://issuer.example/photo.png".to_owned(), Fault::NotImage),
        ("no base64", "data:image/png;base64,%%%".to_owned(), Fault::NotImage),
        ("its beginning alone", url("image/png", b"\x89PNG\r\n\x1a\n"), Fault::ImageBroken),
        ("cut off", url("image/png", &png[..png.len() / 2]), Fault::ImageBroken),
        ("cut off", url("image/jpeg", &jpeg[..jpeg.len() / 2]), Fault::ImageBroken),
        ("a wrong checksum", url("image/png", &bent), Fault::ImageBroken),
        ("it moves", url("image/png", &moving), Fault::ImageBroken),
        ("a hundred scans", url("image/jpeg", &scans), Fault::ImageBroken),
        ("too wide", url("image/png", &wide), Fault::ImageTooWide),
        ("too high", url("image/jpeg", &high), Fault::ImageTooWide),
        ("a bomb", url("image/png", &bomb), Fault::ImageTooWide),
        ("too many bytes", url("image/png", &large), Fault::ImageTooLarge),
    ];
    for (row, url, fault) in rows {
        assert_eq!(kept(&url).await, Err(fault), "{row}");
    }
    assert_eq!(data_url(&large), Err(Fault::ImageTooLarge));
    assert_eq!(data_url(b"<svg onload=\"alert(1)\"/>"), Err(Fault::NotImage));
}

/// Our encoder may need more bytes than the one before; the applicant's picture was not too large, so it is made
/// smaller rather than refused.
#[tokio::test]
async fn a_picture_that_grows_is_made_smaller() {
    let mut seed = 1_u32;
    let mut bit = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let noise = RgbImage::from_fn(500, 500, |_, _| image::Rgb([bit(), bit(), bit()]));
    let jpeg = |quality| {
        let mut file = Vec::new();
        noise.write_with_encoder(JpegEncoder::new_with_quality(&mut file, quality)).unwrap();
        file
    };
    assert!(jpeg(30).len() <= IMAGE_BYTES_MAX && jpeg(85).len() > IMAGE_BYTES_MAX);
    let taken = kept(&url("image/jpeg", &jpeg(30))).await.unwrap();
    let width = image::load_from_memory(&taken).unwrap().width();
    assert!(taken.len() <= IMAGE_BYTES_MAX && (200..500).contains(&width), "{width}");
}

/// Claims of the store are as they were taken; all others must have been cleaned.
#[tokio::test]
async fn a_picture_that_nobody_has_looked_at_is_no_picture() {
    let png = url("image/png", &file(flag(8, 8), ImageFormat::Png));
    let given = claims(&json!({ "given_name": "Erika", "photo": png }));
    assert!(card().claims.check(&given, &Pictures::none()).is_err());
    let taken = card().claims.check(&given, &Pictures::of_store()).unwrap();
    assert_eq!(Value::from(taken), Value::from(given));
}

#[test]
fn a_picture_in_a_file_keeps_to_the_same_rules() {
    let claim = |example: &str| {
        format!("{HEAD}[[claims]]\npath = [\"photo\"]\ntype = \"image\"\nexample = \"{example}\"\n")
    };
    let png = file(flag(8, 8), ImageFormat::Png);
    let hiding = [&png[..], b"Somebody"].concat();
    let sample = read(&claim(&url("image/png", &hiding))).unwrap().sample();
    let taken = sample["photo"].as_str().unwrap();
    assert!(taken.len() < url("image/png", &hiding).len());
    let found = mistake(&claim(&url("image/png", &png[..40])));
    assert!(found.contains("`example` must be a still picture that can be shown"), "{found}");
}
