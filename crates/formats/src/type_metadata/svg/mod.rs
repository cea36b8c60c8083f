//! A picture of a whole card, in which the values of claims stand where their names stood
//! (SD-JWT VC §8.1.2).
//!
//! SVG can run scripts, fetch from anywhere, and ask for hours of drawing in a few lines. Here it is a
//! picture and nothing else: what is not known to be harmless is refused. Who shows it, still shows it
//! where nothing runs.

use std::fmt;
use std::ops::Range;

use roxmltree::{Document, Node, NodeType, ParsingOptions};

use super::TypeFault;
use super::integrity;

mod cost;
mod safety;

/// Longest template that is read.
pub const SVG_BYTES_MAX: usize = 128 * 1024;
/// Most elements, texts and comments.
const NODES_MAX: u32 = 10_000;
/// Most values in one picture.
const PLACEHOLDERS_MAX: usize = 200;
/// What such pictures are made of.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";
/// Where people read what is written.
const TEXTS: [&str; 5] = ["text", "tspan", "textPath", "title", "desc"];
const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// A picture that is harmless, and the places of values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SvgTemplate {
    source: String,
    placeholders: Vec<Placeholder>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Placeholder {
    /// Of the source, braces and all.
    range: Range<usize>,
    svg_id: String,
    line: usize,
}

/// What is wrong with a template, and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvgMistake {
    /// What.
    pub fault: SvgFault,
    /// Counted from 1.
    pub line: usize,
}

/// Why a template is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SvgFault {
    /// Longer than [`SVG_BYTES_MAX`].
    TooLong,
    /// No well-formed XML, or its root is no `svg`.
    NotSvg,
    /// A script, or an attribute that runs one.
    Script,
    /// An element that such pictures do without.
    UnknownElement,
    /// Something that lies elsewhere.
    ExternalReference,
    /// A style that may fetch something.
    UnsafeStyle,
    /// A placeholder that stands in no text, or is no name.
    MisplacedPlaceholder,
    /// No claim of the type has this name.
    UnknownPlaceholder,
    /// More than a card needs.
    TooComplex,
}

impl SvgFault {
    /// What is wrong, and what to do about it.
    #[must_use]
    pub const fn answer(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLong => {
                ("the picture is too long", "make it smaller: 128 KiB are the most that is read")
            }
            Self::NotSvg => (
                "this is no SVG",
                "write well-formed XML in UTF-8, without a DOCTYPE, whose root is <svg \
                 xmlns=\"http://www.w3.org/2000/svg\">",
            ),
            Self::Script => (
                "the picture would run a script",
                "remove <script>, javascript: and attributes that begin with \"on\"",
            ),
            Self::UnknownElement => (
                "the picture has an element that wallets do not show",
                "remove it: shapes, texts, gradients, masks, filters and embedded PNG and JPEG are shown, \
                 and nothing that moves, links or is no SVG; Inkscape saves that as \"Plain SVG\"",
            ),
            Self::ExternalReference => (
                "the picture fetches something from elsewhere",
                "refer to parts of the picture itself (#id), or embed a PNG or JPEG as a data: URL",
            ),
            Self::UnsafeStyle => (
                "the picture has a style that might fetch something",
                "write colours, fonts that everybody has, and plain sizes; no @ but @media, no \
                 backslash, and url() of gradients only",
            ),
            Self::MisplacedPlaceholder => (
                "a placeholder stands where no text is",
                "write {{svg_id}} into a <text>, <tspan>, <textPath>, <title> or <desc>, without \
                 spaces, and not into attributes, comments or CDATA",
            ),
            Self::UnknownPlaceholder => (
                "a placeholder names no claim",
                "write the svg_id of a claim: the names of its path, joined by \"_\"",
            ),
            Self::TooComplex => (
                "to draw the picture takes too long",
                "let parts of it be used less often, and not within each other",
            ),
        }
    }

    const fn in_line(self, line: usize) -> SvgMistake {
        SvgMistake { fault: self, line }
    }
}

impl fmt::Display for SvgFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.answer().0)
    }
}

impl std::error::Error for SvgFault {}

impl SvgTemplate {
    /// Reads a template; one that is not harmless is refused as a whole.
    pub fn read(bytes: &[u8]) -> Result<Self, SvgMistake> {
        if bytes.len() > SVG_BYTES_MAX {
            return Err(SvgFault::TooLong.in_line(1));
        }
        let source = std::str::from_utf8(bytes).map_err(|_| SvgFault::NotSvg.in_line(1))?;
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(source, options).map_err(|error| {
            let is_long = matches!(error, roxmltree::Error::NodesLimitReached);
            let fault = if is_long { SvgFault::TooComplex } else { SvgFault::NotSvg };
            fault.in_line(usize::try_from(error.pos().row).unwrap_or(1))
        })?;
        if !document.root_element().has_tag_name((NAMESPACE, "svg")) {
            return Err(SvgFault::NotSvg.in_line(1));
        }
        let placeholders = placeholders(&document, source)?;
        cost::check(&document)?;
        Ok(Self { source: source.to_owned(), placeholders })
    }

    /// The same for what lay at an address, where its digest may be known (SD-JWT VC §7).
    pub fn read_as(bytes: &[u8], integrity: Option<&str>) -> Result<Self, TypeFault> {
        if let Some(integrity) = integrity {
            integrity::check(bytes, integrity)?;
        }
        Self::read(bytes).map_err(|mistake| TypeFault::Template(mistake.fault))
    }

    /// The claims that it shows, by their `svg_id`.
    pub fn svg_ids(&self) -> impl Iterator<Item = &str> {
        self.placeholders.iter().map(|placeholder| placeholder.svg_id.as_str())
    }

    /// A name that no claim has would be shown as it is: such a template is refused
    /// (SD-JWT VC §8.1.2.2).
    pub fn check_ids(&self, is_known: impl Fn(&str) -> bool) -> Result<(), SvgMistake> {
        let unknown = self.placeholders.iter().find(|placeholder| !is_known(&placeholder.svg_id));
        unknown.map_or(Ok(()), |unknown| Err(SvgFault::UnknownPlaceholder.in_line(unknown.line)))
    }

    /// As it was read.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The picture with these values; what the credential does not say is left empty. No value can
    /// become markup (SD-JWT VC §8.1.2.2).
    #[must_use]
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let mut filled = String::with_capacity(self.source.len());
        let mut at = 0;
        for Placeholder { range, svg_id, .. } in &self.placeholders {
            filled.push_str(self.source.get(at..range.start).unwrap_or_default());
            push_escaped(&mut filled, &value(svg_id).unwrap_or_default());
            at = range.end;
        }
        filled.push_str(self.source.get(at..).unwrap_or_default());
        filled
    }
}

/// Letters, digits and `_`, and no digit first (SD-JWT VC §9).
#[must_use]
pub fn is_svg_id(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// Looks at every node once: all are harmless, and some are places of values.
fn placeholders(document: &Document<'_>, source: &str) -> Result<Vec<Placeholder>, SvgMistake> {
    let mut found = Vec::new();
    for node in document.descendants() {
        // To count lines takes long: only of what is wrong.
        let in_line = |fault: SvgFault| fault.in_line(line(&node));
        match node.node_type() {
            NodeType::Root => {}
            NodeType::Element => {
                safety::check(&node).map_err(in_line)?;
            }
            NodeType::PI => return Err(in_line(SvgFault::UnknownElement)),
            NodeType::Comment => {
                refuse_placeholder(&node).map_err(in_line)?;
            }
            NodeType::Text => {
                let is_text =
                    node.parent().is_some_and(|parent| TEXTS.contains(&parent.tag_name().name()));
                if is_text {
                    in_text(&node, source, &mut found)?;
                } else {
                    refuse_placeholder(&node).map_err(in_line)?;
                }
            }
        }
    }
    Ok(found)
}

fn line(node: &Node<'_, '_>) -> usize {
    usize::try_from(node.document().text_pos_at(node.range().start).row).unwrap_or(1)
}

fn refuse_placeholder(node: &Node<'_, '_>) -> Result<(), SvgFault> {
    let is_plain = node.text().is_none_or(|text| !text.contains(OPEN));
    if is_plain { Ok(()) } else { Err(SvgFault::MisplacedPlaceholder) }
}

/// The places are those of the source: what reads as a placeholder must be written as one, and not in
/// a CDATA section, where nothing is escaped.
fn in_text(
    node: &Node<'_, '_>,
    source: &str,
    found: &mut Vec<Placeholder>,
) -> Result<(), SvgMistake> {
    let misplaced = || SvgFault::MisplacedPlaceholder.in_line(line(node));
    let Range { start, end } = node.range();
    let written = source.get(start..end).ok_or_else(misplaced)?;
    let read = node.text().unwrap_or_default();
    if read.matches(OPEN).count() != written.matches(OPEN).count()
        || written.contains(OPEN) && written.contains("<![CDATA[")
    {
        return Err(misplaced());
    }
    let (mut rest, mut at) = (written, start);
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (svg_id, behind) = after.split_once(CLOSE).ok_or_else(misplaced)?;
        if !is_svg_id(svg_id) {
            return Err(misplaced());
        }
        if found.len() == PLACEHOLDERS_MAX {
            return Err(SvgFault::TooComplex.in_line(1));
        }
        let from = at + before.len();
        let to = from + OPEN.len() + svg_id.len() + CLOSE.len();
        let line = usize::try_from(node.document().text_pos_at(from).row).unwrap_or(1);
        found.push(Placeholder { range: from..to, svg_id: svg_id.to_owned(), line });
        (rest, at) = (behind, to);
    }
    Ok(())
}

/// Of what XML cannot hold nothing is left.
fn push_escaped(filled: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => filled.push_str("&amp;"),
            '<' => filled.push_str("&lt;"),
            '>' => filled.push_str("&gt;"),
            '"' => filled.push_str("&quot;"),
            '\'' => filled.push_str("&apos;"),
            '\t' | '\n' | '\r' => filled.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => filled.push(c),
        }
    }
}
