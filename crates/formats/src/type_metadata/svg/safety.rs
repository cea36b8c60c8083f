//! What a picture may be made of: what is not named here is refused.

use roxmltree::{Attribute, Node};

use super::{NAMESPACE, OPEN, SvgFault};

/// No `pattern` and no `marker`: what is filled with them is heir to what it is in, and a line of a
/// thousand corners has a thousand markers.
const ELEMENTS: [&str; 41] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "metadata",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "textPath",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "image",
    "switch",
    "filter",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feOffset",
];

/// In styles and attributes; all others might fetch something, or as filters take long to draw.
const FUNCTIONS: [&str; 37] = [
    "calc",
    "circle",
    "clamp",
    "color",
    "color-mix",
    "ellipse",
    "hsl",
    "hsla",
    "hwb",
    "inset",
    "is",
    "lab",
    "lch",
    "linear-gradient",
    "matrix",
    "max",
    "min",
    "not",
    "nth-child",
    "nth-of-type",
    "oklab",
    "oklch",
    "path",
    "polygon",
    "rgb",
    "rgba",
    "rotate",
    "scale",
    "scalex",
    "scaley",
    "skewx",
    "skewy",
    "translate",
    "translatex",
    "translatey",
    "var",
    "where",
];

/// Pictures in the picture: neither of them runs or fetches anything.
const EMBEDDED: [&str; 2] = ["data:image/png;base64,", "data:image/jpeg;base64,"];

const XLINK: &str = "http://www.w3.org/1999/xlink";

/// Elements by name, attributes by what they could do.
pub(super) fn check(node: &Node<'_, '_>) -> Result<(), SvgFault> {
    let tag = node.tag_name();
    if tag.name().eq_ignore_ascii_case("script") {
        return Err(SvgFault::Script);
    }
    if tag.namespace() != Some(NAMESPACE) || !ELEMENTS.contains(&tag.name()) {
        return Err(SvgFault::UnknownElement);
    }
    if tag.name() == "style" {
        // Browsers join the texts around a comment, and read what neither of them says.
        if !node.children().all(|child| child.is_text()) {
            return Err(SvgFault::UnsafeStyle);
        }
        node.children().filter_map(|child| child.text()).try_for_each(style)?;
    }
    node.attributes().try_for_each(|attribute| check_attribute(tag.name(), &attribute))
}

fn check_attribute(element: &str, attribute: &Attribute<'_, '_>) -> Result<(), SvgFault> {
    let name = attribute.name().to_ascii_lowercase();
    let value = attribute.value();
    if value.contains(OPEN) {
        return Err(SvgFault::MisplacedPlaceholder);
    }
    if name.starts_with("on") {
        return Err(SvgFault::Script);
    }
    match name.as_str() {
        "href" | "src" => reference(element, value),
        "base" => Err(SvgFault::ExternalReference),
        "id" | "class" => Ok(()),
        // Notes of programs for drawing.
        _ if !matches!(attribute.namespace(), None | Some(XLINK)) => Ok(()),
        _ if name.starts_with("aria-") || name.starts_with("data-") => Ok(()),
        _ => style(value).and_then(|()| no_at_rule(value)),
    }
}

fn reference(element: &str, value: &str) -> Result<(), SvgFault> {
    let value = value.trim();
    if value.to_ascii_lowercase().starts_with("javascript:") {
        return Err(SvgFault::Script);
    }
    let is_embedded = element == "image" && is_embedded(value);
    let is_inside = element != "image" && value.strip_prefix('#').is_some_and(is_plain_id);
    if is_embedded || is_inside { Ok(()) } else { Err(SvgFault::ExternalReference) }
}

/// One way to write it: browsers decode what is written otherwise, and whoever counts does not.
fn is_plain_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}

fn is_embedded(value: &str) -> bool {
    EMBEDDED.iter().any(|beginning| value.starts_with(beginning))
}

fn no_at_rule(value: &str) -> Result<(), SvgFault> {
    if value.contains('@') { Err(SvgFault::UnsafeStyle) } else { Ok(()) }
}

/// A style sheet, a style, or an attribute that is read like one.
fn style(text: &str) -> Result<(), SvgFault> {
    let is_media =
        |rule: &str| rule.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("media"));
    // A backslash hides what a word is.
    if text.contains('\\') || !text.split('@').skip(1).all(is_media) {
        return Err(SvgFault::UnsafeStyle);
    }
    let mut before = "";
    for (at, piece) in text.split('(').enumerate() {
        if at > 0 {
            called(before, piece)?;
        }
        before = piece;
    }
    Ok(())
}

/// A function by the name before its parenthesis; without a name, it is only a parenthesis.
fn called(before: &str, arguments: &str) -> Result<(), SvgFault> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let written = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
    let name = written.to_ascii_lowercase();
    match name.as_str() {
        "" | "and" | "or" => Ok(()),
        // One way to write it: who counts what is used looks for this one.
        "url" if written == "url" => {
            let target = arguments.trim_start().trim_start_matches(['"', '\'']);
            let id = target.strip_prefix('#').and_then(|id| id.split([')', '"', '\'']).next());
            let is_inside = id.is_some_and(|id| is_plain_id(id.trim_end())) || is_embedded(target);
            if is_inside { Ok(()) } else { Err(SvgFault::ExternalReference) }
        }
        name if FUNCTIONS.contains(&name) => Ok(()),
        _ => Err(SvgFault::UnsafeStyle),
    }
}
