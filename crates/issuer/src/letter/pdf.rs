//! Writes a typeset letter as tagged PDF: what a screen reader needs is in the file (U10).

use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ContentTag, Identifier, ListNumbering, Node, SpanTag, Tag, TagGroup, TagTree,
};
use krilla::{Document, SerializeSettings};

use super::LetterError;
use super::layout::{Ink, Mark, PAGE_HEIGHT, PAGE_WIDTH, Pages, Placed, Rectangle, Role};
use super::typeface::{Line, Typefaces};

/// Where the control points of a quarter circle lie.
const QUARTER_CIRCLE: f32 = 0.552_285;

/// A block and what was drawn of it.
type Drawn = Vec<(usize, Identifier)>;

/// Writes the file; without a date in it, so that the same letter gives the same bytes.
pub(super) fn write(
    letter: &Pages,
    typefaces: &Typefaces,
    title: &str,
    language: &str,
) -> Result<Vec<u8>, LetterError> {
    let mut document = Document::new_with(SerializeSettings::default());
    let metadata = Metadata::new().title(title.to_owned()).language(language.to_owned());
    document.set_metadata(metadata);
    let mut drawn = Drawn::new();
    for marks in &letter.pages {
        let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).ok_or(LetterError::Pdf)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for placed in marks {
            draw(&mut surface, placed, typefaces, &mut drawn);
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tags(&letter.blocks, &drawn, language));
    document.finish().map_err(|_| LetterError::Pdf)
}

fn draw(surface: &mut Surface<'_>, placed: &Placed, typefaces: &Typefaces, drawn: &mut Drawn) {
    let tag = match (placed.block, &placed.mark) {
        (None, _) => ContentTag::Artifact(Artifact::default()),
        (Some(_), Mark::Text { .. }) => ContentTag::Span(SpanTag::empty()),
        (Some(_), Mark::Rectangles { .. } | Mark::Disc { .. }) => ContentTag::Other,
    };
    let identifier = surface.start_tagged(tag);
    drawn.extend(placed.block.map(|block| (block, identifier)));
    match &placed.mark {
        Mark::Text { x, y, size, weight, ink, line } => {
            surface.set_fill(Some(fill(*ink)));
            text(surface, (*x, *y), *size, &typefaces.of(*weight).font, line);
        }
        Mark::Rectangles { rectangles: shapes, ink } => shape(surface, rectangles(shapes), *ink),
        Mark::Disc { x, y, radius, ink } => shape(surface, disc(*x, *y, *radius), *ink),
    }
    surface.end_tagged();
}

fn text(
    surface: &mut Surface<'_>,
    (mut x, y): (f32, f32),
    size: f32,
    font: &krilla::text::Font,
    line: &Line,
) {
    for run in &line.runs {
        let start = Point::from_xy(x, y);
        surface.draw_glyphs(start, &run.glyphs, font.clone(), &run.text, size, false);
        x += run.width * size;
    }
}

fn shape(surface: &mut Surface<'_>, path: Option<Path>, ink: Ink) {
    if let Some(path) = path {
        surface.set_fill(Some(fill(ink)));
        surface.draw_path(&path);
    }
}

fn rectangles(rectangles: &[Rectangle]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for Rectangle(left, top, width, height) in rectangles {
        path.push_rect(Rect::from_xywh(*left, *top, *width, *height)?);
    }
    path.finish()
}

fn disc(x: f32, y: f32, radius: f32) -> Option<Path> {
    let (r, c) = (radius, radius * QUARTER_CIRCLE);
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + c, x + c, y + r, x, y + r);
    path.cubic_to(x - c, y + r, x - r, y + c, x - r, y);
    path.cubic_to(x - r, y - c, x - c, y - r, x, y - r);
    path.cubic_to(x + c, y - r, x + r, y - c, x + r, y);
    path.close();
    path.finish()
}

fn fill(ink: Ink) -> Fill {
    let (red, green, blue) = match ink {
        Ink::Black => (0x14, 0x18, 0x1f),
        Ink::Grey => (0x5a, 0x62, 0x6e),
        Ink::Accent => (0x1f, 0x3f, 0x77),
        Ink::Tint => (0xee, 0xf2, 0xf8),
        Ink::White => (0xff, 0xff, 0xff),
    };
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

/// Headings, paragraphs, the picture and one list of the steps, in reading order.
fn tags(blocks: &[Role], drawn: &Drawn, language: &str) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    let mut steps = Vec::new();
    for (block, role) in blocks.iter().enumerate() {
        let parts: Vec<Node> = drawn
            .iter()
            .filter(|(of, _)| *of == block)
            .map(|(_, identifier)| (*identifier).into())
            .collect();
        if *role == Role::Step {
            let body = TagGroup::with_children(Tag::LBody, parts);
            steps.push(TagGroup::with_children(Tag::LI, vec![body.into()]).into());
            continue;
        }
        push_steps(&mut tree, &mut steps);
        tree.push(group(*role, parts));
    }
    push_steps(&mut tree, &mut steps);
    tree
}

fn push_steps(tree: &mut TagTree, steps: &mut Vec<Node>) {
    if !steps.is_empty() {
        let list = Tag::L(ListNumbering::Decimal);
        tree.push(TagGroup::with_children(list, std::mem::take(steps)));
    }
}

fn group(role: Role, parts: Vec<Node>) -> TagGroup {
    match role {
        Role::Title => TagGroup::with_children(Tag::Hn(NonZeroU16::MIN, None), parts),
        Role::Heading => {
            TagGroup::with_children(Tag::Hn(NonZeroU16::MIN.saturating_add(1), None), parts)
        }
        Role::Figure(alternative) => {
            TagGroup::with_children(Tag::Figure(Some(alternative.to_owned())), parts)
        }
        Role::Lead | Role::Body | Role::Fine | Role::Step => TagGroup::with_children(Tag::P, parts),
    }
}
