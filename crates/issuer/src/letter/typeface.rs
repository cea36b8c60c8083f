//! Text becomes lines of glyphs: shaping, both writing directions, breaking into lines.

use harfrust::{Direction, FontRef, GlyphBuffer, ShapeOptions, ShaperData, UnicodeBuffer};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use unicode_bidi::{BidiInfo, Level};

/// `DejaVu` Sans Condensed, cut down to the scripts of Europe and the Near East.
static REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSansCondensed.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSansCondensed-Bold.ttf");

/// A text of the caller may be so long; more is cut off, as no letter needs it.
const TEXT_CHARACTERS_MAX: usize = 3000;

/// Which of the two fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The letter's fonts.
pub(super) struct Typefaces {
    regular: Typeface,
    bold: Typeface,
}

impl Typefaces {
    pub(super) fn load() -> Option<Self> {
        Some(Self { regular: Typeface::load(REGULAR)?, bold: Typeface::load(BOLD)? })
    }

    pub(super) const fn of(&self, weight: Weight) -> &Typeface {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

/// One font, ready to shape and to be embedded.
pub(super) struct Typeface {
    /// For the PDF.
    pub(super) font: Font,
    face: FontRef<'static>,
    shaping: ShaperData,
}

/// Text of one direction: what is drawn with one instruction. Measures are in em.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    pub(super) width: f32,
}

/// One line: its runs from left to right.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
}

impl Line {
    /// In em.
    pub(super) fn width(&self) -> f32 {
        self.runs.iter().map(|run| run.width).sum()
    }
}

impl Typeface {
    fn load(data: &'static [u8]) -> Option<Self> {
        let face = FontRef::from_index(data, 0).ok()?;
        let shaping = ShaperData::new(&face);
        Some(Self { font: Font::new(data.into(), 0)?, face, shaping })
    }

    /// Breaks a text into lines no wider than `width` em, at spaces where there are any.
    pub(super) fn lines(&self, text: &str, width: f32) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut current = String::new();
        for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
            let longer =
                if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
            if self.line(&longer).width() <= width {
                current = longer;
                continue;
            }
            if !current.is_empty() {
                lines.push(self.line(&current));
            }
            current = self.break_word(word, width, &mut lines);
        }
        if !current.is_empty() {
            lines.push(self.line(&current));
        }
        lines
    }

    /// One line, however wide.
    pub(super) fn line(&self, text: &str) -> Line {
        let bidi = BidiInfo::new(text, None);
        let mut runs = Vec::new();
        for paragraph in &bidi.paragraphs {
            let (levels, ranges) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for range in ranges {
                let right_to_left = levels.get(range.start).is_some_and(Level::is_rtl);
                runs.extend(text.get(range).map(|part| self.run(part, right_to_left)));
            }
        }
        Line { runs }
    }

    /// Fills whole lines with a word that is wider than one, such as a link; returns the rest.
    fn break_word(&self, word: &str, width: f32, lines: &mut Vec<Line>) -> String {
        let (mut start, mut used) = (0, 0.0);
        for glyph in self.run(word, false).glyphs {
            let place = glyph.text_range.start;
            if used + glyph.x_advance > width && place > start {
                lines.extend(word.get(start..place).map(|part| self.line(part)));
                (start, used) = (place, 0.0);
            }
            used += glyph.x_advance;
        }
        word.get(start..).unwrap_or_default().to_owned()
    }

    /// A character that the font lacks becomes the font's empty box.
    fn run(&self, text: &str, right_to_left: bool) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let direction = if right_to_left { Direction::RightToLeft } else { Direction::LeftToRight };
        buffer.set_direction(direction);
        let shaper = self.shaping.shaper(&self.face).build();
        let output = shaper.shape(buffer, ShapeOptions::new());
        let glyphs = glyphs(&output, text, self.font.units_per_em());
        let width = glyphs.iter().map(|glyph| glyph.x_advance).sum();
        Run { text: text.to_owned(), glyphs, width }
    }
}

/// A glyph stands for the text from its own cluster to the next one, so that the PDF's text can
/// be searched and read aloud.
fn glyphs(shaped: &GlyphBuffer, text: &str, units_per_em: f32) -> Vec<KrillaGlyph> {
    let mut starts: Vec<usize> =
        shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.push(text.len());
    starts.sort_unstable();
    let end = |start: usize| starts.iter().copied().find(|&other| other > start);
    let em = |units: i32| from_font_units(units) / units_per_em;
    shaped
        .glyph_infos()
        .iter()
        .zip(shaped.glyph_positions())
        .map(|(info, position)| {
            let start = info.cluster as usize;
            KrillaGlyph {
                glyph_id: GlyphId::new(info.glyph_id),
                text_range: start..end(start).unwrap_or(text.len()),
                x_advance: em(position.x_advance),
                x_offset: em(position.x_offset),
                y_offset: em(position.y_offset),
                y_advance: em(position.y_advance),
                location: None,
            }
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "font units are far below 2^24")]
const fn from_font_units(units: i32) -> f32 {
    units as f32
}

/// White space becomes single spaces; what is invisible or turns the text around is left out.
fn clean(text: &str) -> String {
    text.chars()
        .take(TEXT_CHARACTERS_MAX)
        .map(|character| {
            let space = character.is_whitespace() && character != '\u{a0}';
            if space { ' ' } else { character }
        })
        .filter(|&character| !character.is_control() && !turns_text(character))
        .collect()
}

const fn turns_text(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
