//! An SVG becomes pixels, if it draws no more than a QR code needs.
//!
//! SVG is a language in which a short text can ask for hours of work (shapes that repeat shapes,
//! filters, layers upon layers), so what a code does not need is refused instead of drawn.

use image::GrayImage;
use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};
use resvg::{tiny_skia, usvg};

use crate::read::ReadError;

/// The longer side in pixels: the largest code still gets 5 for a module.
const SIDE: f32 = 1000.0;

/// The largest code, with an element for each module.
const MAX_BYTES: usize = 4_000_000;
const MAX_NODES: u32 = 100_000;

/// Of elements in each other, as programs for drawing write them.
const MAX_DEPTH: usize = 32;

/// Every rule of a style sheet is compared with every element.
const MAX_STYLE_BYTES: usize = 4_000;

/// The largest code as one path has fewer.
const MAX_SEGMENTS: usize = 200_000;

/// Groups that are drawn apart and then laid over the rest.
const MAX_LAYERS: usize = 64;

/// How often the whole picture may be painted over.
const MAX_COATS: f32 = 64.0;

/// `image` and `text` are accepted and not drawn: a logo or a caption does not matter.
const ELEMENTS: [&str; 21] = [
    "svg",
    "g",
    "a",
    "defs",
    "use",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "style",
    "title",
    "desc",
    "metadata",
    "image",
    "text",
];

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// Draws an SVG on white.
pub(crate) fn decode(bytes: &[u8]) -> Result<GrayImage, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::NotAPicture)?;
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooComplex);
    }
    let parsing = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..Default::default() };
    let document =
        Document::parse_with_options(text, parsing).map_err(|_| ReadError::NotAPicture)?;
    if !is_simple(&document) {
        return Err(ReadError::TooComplex);
    }
    let tree =
        usvg::Tree::from_xmltree(&document, &options()).map_err(|_| ReadError::NotAPicture)?;
    let mut work = Work::default();
    work.add(tree.root());
    if !work.is_bearable(tree.size()) {
        return Err(ReadError::TooComplex);
    }
    draw(&tree).ok_or(ReadError::NotAPicture)
}

/// A stranger's SVG must not read our files.
fn options() -> usvg::Options<'static> {
    usvg::Options {
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}

fn draw(tree: &usvg::Tree) -> Option<GrayImage> {
    let scale = SIDE / tree.size().width().max(tree.size().height());
    let size = tree.size().to_int_size().scale_by(scale)?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let luma = pixels.pixels().iter().map(|pixel| pixel.green()).collect();
    GrayImage::from_raw(size.width(), size.height(), luma)
}

/// Whether the text holds only what a code needs, and nothing that grows when it is read.
fn is_simple(document: &Document<'_>) -> bool {
    let style_bytes: usize = document
        .descendants()
        .filter(|node| node.has_tag_name("style") || node.has_tag_name((NAMESPACE, "style")))
        .flat_map(|node| node.children())
        .filter_map(|text| text.text())
        .map(str::len)
        .sum();
    style_bytes <= MAX_STYLE_BYTES
        && !document.descendants().any(|node| node.ancestors().nth(MAX_DEPTH).is_some())
        && document.descendants().filter(Node::is_element).all(|node| {
            let tag = node.tag_name();
            tag.namespace() != Some(NAMESPACE) || ELEMENTS.contains(&tag.name())
        })
        && !repeats_a_group(document)
}

/// Repeated groups may hold repeated groups; one module may be repeated.
fn repeats_a_group(document: &Document<'_>) -> bool {
    let repeated: std::collections::HashSet<&str> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "use")
        .flat_map(|node| node.attributes())
        .filter(|attribute| attribute.name() == "href")
        .map(|attribute| attribute.value().trim().trim_start_matches('#'))
        .collect();
    document.descendants().any(|node| {
        let is_group = node.children().any(|child| child.is_element());
        let is_path = node.has_attribute("d") || node.has_attribute("points");
        (is_group || is_path) && node.attribute("id").is_some_and(|id| repeated.contains(id))
    })
}

/// What drawing would cost.
#[derive(Debug, Default)]
struct Work {
    segments: usize,
    layers: usize,
    /// In units of the SVG.
    area: f32,
    has_filter: bool,
}

impl Work {
    fn add(&mut self, group: &usvg::Group) {
        self.has_filter |= !group.filters().is_empty();
        self.layers += usize::from(group.should_isolate());
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.add(group),
                usvg::Node::Path(path) => {
                    let around = path.abs_stroke_bounding_box();
                    self.segments += path.data().verbs().len();
                    self.area += around.width() * around.height();
                }
                usvg::Node::Image(_) | usvg::Node::Text(_) => {}
            }
        }
    }

    fn is_bearable(&self, size: usvg::Size) -> bool {
        !self.has_filter
            && self.layers <= MAX_LAYERS
            && self.segments <= MAX_SEGMENTS
            && self.area <= MAX_COATS * size.width() * size.height()
    }
}
