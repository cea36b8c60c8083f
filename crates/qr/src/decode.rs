//! Finds and decodes the codes of one view of a picture.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::GrayImage;
use rxing::common::cpp_essentials::{ConcentricPattern, GetPatternRowTP, PatternRow};
use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR,
};
use rxing::{Binarizer, Luma8Source};

/// A busy photograph crosses fewer things that look like the corner of a code; a picture made to
/// keep the reader busy, more.
const MAX_CROSSINGS: usize = 6_000;

/// Corners that are kept, the largest first.
const MAX_CORNERS: usize = 300;

/// Triples of corners that are tried, the likeliest first; zxing-cpp tries as many.
const MAX_TRIPLES: usize = 256;

/// A sheet of labels holds fewer.
const MAX_CODES: usize = 16;

/// The texts of the codes in a view, each once.
pub(crate) fn decode(view: &GrayImage) -> Vec<String> {
    // The library has indexed out of bounds on strange pictures before; a stranger's picture must
    // not end the wallet.
    catch_unwind(AssertUnwindSafe(|| detect(view))).ok().flatten().unwrap_or_default()
}

/// What rxing's own reader does, with the bounds that it lacks: a page tiled with corners of codes
/// would keep it busy for minutes.
fn detect(view: &GrayImage) -> Option<Vec<String>> {
    let source = Luma8Source::new_with_slice(view.as_raw(), view.width(), view.height()).ok()?;
    let binarizer = HybridBinarizer::new(source);
    let pixels = binarizer.get_black_matrix().ok()?;
    if crossings(pixels) > MAX_CROSSINGS {
        return None;
    }
    let mut corners = FindFinderPatterns(pixels, true, 0);
    corners.sort_by_key(|corner| std::cmp::Reverse(corner.size));
    corners.truncate(MAX_CORNERS);
    let mut used: Vec<ConcentricPattern> = Vec::new();
    let mut texts = Vec::new();
    for triple in GenerateFinderPatternSets(&mut corners).iter().take(MAX_TRIPLES) {
        let corners = [triple.bl, triple.tl, triple.tr];
        if texts.len() == MAX_CODES || corners.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        if let Some(text) = text(pixels, triple) {
            used.extend(corners);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    Some(texts)
}

fn text(pixels: &BitMatrix, triple: &FinderPatternSet) -> Option<String> {
    let sampled = SampleQR(pixels, triple).ok()?;
    let decoded = Decode(sampled.getBits()).ok()?;
    decoded.isValid().then(|| decoded.text())
}

/// How often a row crosses what may be the corner of a code: dark and light in 1:1:3:1:1.
///
/// In the rows that the library looks at, and never fewer than it finds.
fn crossings(pixels: &BitMatrix) -> usize {
    let mut runs = PatternRow::default();
    let mut count = 0;
    for y in (2..pixels.height()).step_by(3) {
        GetPatternRowTP(pixels, y, &mut runs, false);
        // The first run is light.
        let runs = runs.into_pattern_view();
        let dark_first = runs.data().windows(5).skip(1).step_by(2);
        count += dark_first.filter(|runs| is_crossing(runs)).count();
    }
    count
}

fn is_crossing(runs: &[u16]) -> bool {
    let &[left, light_left, middle, light_right, right] = runs else { return false };
    let lights = u32::from(light_left) + u32::from(light_right);
    middle >= 3
        && u32::from(middle) >= 2 * u32::from(left.max(right))
        && middle >= light_left.max(light_right)
        && 3 * u32::from(light_left.abs_diff(light_right)) <= lights + 3
}
