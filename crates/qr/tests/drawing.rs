#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
//! What is drawn can be read again.

use qr::{EncodeError, Level, QrCode, Terminal};

const OFFER: &str = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Flocalhost%3A8443\
                     %2Foffers%2F9KALg3ijPEnqST3L_GWrtu10v1gfjvmUfJYIUdIbbEUhEK7inZEGUCGIbLMMwZBL";

fn code() -> QrCode {
    QrCode::encode(OFFER, Level::M).unwrap()
}

fn is_offer(texts: &Result<Vec<String>, qr::ReadError>) {
    assert_eq!(texts, &Ok(vec![OFFER.to_owned()]));
}

#[test]
fn png_is_read_at_every_scale() {
    for scale in [0, 1, 2, 3, 8, 20, 32, 1000] {
        // One pixel a module is the sharpest that a file can be, and too small for a camera.
        let texts = qr::read(&code().to_png(scale));
        if scale > 1 {
            is_offer(&texts);
        }
    }
}

#[test]
fn svg_is_read() {
    is_offer(&qr::read(code().to_svg().as_bytes()));
}

#[test]
fn svg_has_no_script_and_a_quiet_zone_of_four_modules_on_white() {
    let code = QrCode::encode("a", Level::L).unwrap();
    let svg = code.to_svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 29 29\""));
    assert!(svg.contains("<path fill=\"#fff\" d=\"M0 0h29v29H0z\"/>"));
    assert!(svg.contains("d=\"M4 4h7v1h-7z"));
    assert!(!svg.contains("script") && !svg.contains("style") && !svg.contains("role"));
}

#[test]
fn every_level_and_length_is_read() {
    for level in [Level::L, Level::M, Level::Q] {
        for length in [1, 50, 500, 1500] {
            let text = "x".repeat(length);
            let png = QrCode::encode(&text, level).unwrap().to_png(5);
            assert_eq!(qr::read(&png), Ok(vec![text]));
        }
    }
}

#[test]
fn letters_beyond_ascii_are_read() {
    let text = "Žluťoučký kůň — 学生証 🎓";
    let png = QrCode::encode(text, Level::M).unwrap().to_png(5);
    assert_eq!(qr::read(&png), Ok(vec![text.to_owned()]));
}

#[test]
fn a_text_too_long_for_a_code_is_refused() {
    assert_eq!(QrCode::encode(&"x".repeat(2_400), Level::M), Err(EncodeError::TooLong));
}

#[test]
fn modules_can_be_asked_one_by_one() {
    let code = code();
    assert!(code.is_dark(0, 0) && !code.is_dark(1, 1) && code.is_dark(3, 3));
    assert!(!code.is_dark(code.size(), 0) && !code.is_dark(0, usize::MAX));
}

#[test]
fn debug_does_not_show_the_modules() {
    assert_eq!(format!("{:?}", QrCode::encode("a", Level::L).unwrap()), "QrCode { size: 21, .. }");
}

#[test]
fn terminal_with_colours_is_read_on_every_theme() {
    let text = code().to_terminal(Terminal { ansi: true });
    assert!(text.lines().all(|line| line.starts_with("\x1b[30;107m") && line.ends_with("\x1b[0m")));
    let modules = text.replace("\x1b[30;107m", "").replace("\x1b[0m", "");
    is_offer(&on_screen(&modules, 0, 255));
}

#[test]
fn terminal_without_colours_is_read_on_dark_and_on_light() {
    let text = code().to_terminal(Terminal { ansi: false });
    assert!(!text.contains('\x1b'));
    is_offer(&on_screen(&text, 230, 30));
    is_offer(&on_screen(&text, 20, 245));
}

/// Photographs a terminal: a character is 8 by 16 pixels.
fn on_screen(text: &str, ink: u8, paper: u8) -> Result<Vec<String>, qr::ReadError> {
    let width = text.lines().next().unwrap().chars().count() * 8;
    let mut pixels = Vec::new();
    for line in text.lines() {
        for blocks in ["█▀", "█▄"] {
            let row = line
                .chars()
                .flat_map(|character| [if blocks.contains(character) { ink } else { paper }; 8]);
            let row: Vec<u8> = row.collect();
            pixels.extend(row.repeat(8));
        }
    }
    let height = pixels.len() / width;
    qr::read_luma(u32::try_from(width).unwrap(), u32::try_from(height).unwrap(), &pixels)
}
