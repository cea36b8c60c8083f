//! Finds and decodes the codes of one view of a picture.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::GrayImage;
use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8Source};

/// A sheet of labels holds fewer.
const MAX_CODES: usize = 16;

/// The texts of the codes in a view, each once.
pub(crate) fn decode(view: &GrayImage) -> Vec<String> {
    // The library has indexed out of bounds on strange pictures before; a stranger's picture must
    // not end the wallet.
    let found = catch_unwind(AssertUnwindSafe(|| detect(view))).unwrap_or_default();
    let mut texts = Vec::new();
    for text in found {
        if texts.len() < MAX_CODES && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn detect(view: &GrayImage) -> Vec<String> {
    let Ok(source) = Luma8Source::new_with_slice(view.as_raw(), view.width(), view.height()) else {
        return Vec::new();
    };
    let hints = DecodeHints {
        PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])),
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    QrReader
        .decode_multiple_with_hints(&mut BinaryBitmap::new(HybridBinarizer::new(source)), &hints)
        .unwrap_or_default()
        .iter()
        .map(|code| code.getText().to_owned())
        .collect()
}
