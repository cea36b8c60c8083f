//! What it costs to draw a picture: parts that use parts that use parts grow without end.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId};

use super::{SvgFault, SvgMistake, line};

/// Most elements that are drawn, each as often as it is used.
const DRAWN_MAX: usize = 20_000;
/// How deep elements lie within each other, and use each other; a circle is deeper.
const DEPTH_MAX: usize = 48;
/// Each step of a filter, which works on every point of a picture, beside a shape.
const FILTER_COST: usize = 200;
/// Cost nothing, however often they are used.
const GRADIENTS: [&str; 2] = ["linearGradient", "radialGradient"];

/// Refuses what takes too long to draw.
pub(super) fn check(document: &Document<'_>) -> Result<(), SvgMistake> {
    let elements = || document.descendants().filter(Node::is_element);
    let mut drawing = Drawing { by_id: HashMap::new(), known: HashMap::new() };
    for node in elements() {
        if let Some(id) = node.attribute("id") {
            drawing.by_id.entry(id).or_insert(node);
        }
    }
    // A style sheet may hold for any number of elements.
    for style in elements().filter(|node| node.tag_name().name() == "style") {
        let texts = style.children().filter_map(|child| child.text());
        let is_cheap = texts.flat_map(inside).all(|id| drawing.is_gradient(id));
        if !is_cheap {
            return Err(SvgFault::UnsafeStyle.in_line(line(&style)));
        }
    }
    match drawing.cost(document.root_element(), 0) {
        Some(cost) if cost <= DRAWN_MAX => Ok(()),
        _ => Err(SvgFault::TooComplex.in_line(1)),
    }
}

struct Drawing<'d, 'i> {
    by_id: HashMap<&'d str, Node<'d, 'i>>,
    /// Each element is looked at once.
    known: HashMap<NodeId, usize>,
}

impl<'d, 'i> Drawing<'d, 'i> {
    fn is_gradient(&self, id: &str) -> bool {
        self.by_id.get(id).is_none_or(|node| GRADIENTS.contains(&node.tag_name().name()))
    }

    /// `None` where it is too deep.
    fn cost(&mut self, node: Node<'d, 'i>, depth: usize) -> Option<usize> {
        if let Some(known) = self.known.get(&node.id()) {
            return Some(*known);
        }
        if depth > DEPTH_MAX {
            return None;
        }
        let is_filter = node.tag_name().name().starts_with("fe");
        let mut cost = if is_filter { FILTER_COST } else { 1 };
        let used = node.attributes().flat_map(|attribute| {
            let own = (attribute.name() == "href").then(|| attribute.value().trim());
            let own = own.and_then(|value| value.strip_prefix('#'));
            own.into_iter().chain(inside(attribute.value()))
        });
        let used: Vec<_> = used.filter_map(|id| self.by_id.get(id).copied()).collect();
        for part in node.children().filter(Node::is_element).chain(used) {
            cost = cost.saturating_add(self.cost(part, depth + 1)?);
        }
        self.known.insert(node.id(), cost);
        Some(cost)
    }
}

/// The ids that `url(#…)` names.
fn inside(text: &str) -> impl Iterator<Item = &str> {
    text.split("url(").skip(1).filter_map(|target| {
        let id = target.trim_start().trim_start_matches(['"', '\'']).strip_prefix('#')?;
        id.split([')', '"', '\'']).next().map(str::trim_end)
    })
}
