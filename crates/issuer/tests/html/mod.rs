//! A small, strict reader of HTML: what it cannot read, our pages must not contain.

use std::collections::BTreeSet;

const VOID: [&str; 6] = ["meta", "link", "br", "img", "input", "hr"];

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

/// A page that was read to its end.
#[derive(Debug)]
pub(crate) struct Html {
    pub(crate) tags: Vec<Tag>,
}

impl Html {
    /// Panics unless every element is closed in order.
    pub(crate) fn parse(page: &str) -> Self {
        let mut rest = page.trim_start().strip_prefix("<!DOCTYPE html>").unwrap();
        let (mut open, mut tags): (Vec<String>, Vec<Tag>) = (Vec::new(), Vec::new());
        while let Some((_, after)) = rest.split_once('<') {
            let (inside, next) = after.split_once('>').unwrap();
            rest = next;
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "closed in the wrong order");
                continue;
            }
            let tag = Tag::parse(inside);
            if !VOID.contains(&tag.name.as_str()) && !inside.ends_with('/') {
                open.push(tag.name.clone());
            }
            tags.push(tag);
        }
        assert!(open.is_empty(), "left open: {open:?}");
        Self { tags }
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.tags.iter().filter(|tag| tag.name == name).count()
    }

    pub(crate) fn by_id(&self, id: &str) -> &Tag {
        self.tags.iter().find(|tag| tag.attribute("id") == Some(id)).unwrap()
    }

    /// Also what `for`, `aria-…` and links within the page point to.
    pub(crate) fn assert_ids_are_unique_and_found(&self) {
        let mut ids = BTreeSet::new();
        for id in self.tags.iter().filter_map(|tag| tag.attribute("id")) {
            assert!(ids.insert(id), "twice: {id}");
        }
        for tag in &self.tags {
            let fragment = tag.attribute("href").and_then(|href| href.strip_prefix('#'));
            let pointers = ["for", "aria-labelledby", "aria-describedby", "data-copy"];
            let pointers = pointers.iter().filter_map(|name| tag.attribute(name));
            for id in pointers.chain(fragment).flat_map(str::split_whitespace) {
                assert!(ids.contains(id), "nothing has the id {id}");
            }
        }
    }

    pub(crate) fn assert_inputs_are_labelled(&self) {
        for input in self.tags.iter().filter(|tag| tag.name == "input") {
            if input.attribute("type") != Some("hidden") {
                let id = input.attribute("id").unwrap();
                let labels = |tag: &&Tag| tag.name == "label" && tag.attribute("for") == Some(id);
                assert_eq!(self.tags.iter().filter(labels).count(), 1, "label of {id}");
            }
        }
    }
}

impl Tag {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Values stand in double quotes or are missing.
    fn parse(inside: &str) -> Self {
        let inside = inside.trim_end_matches('/');
        let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "tag {name:?}");
        let mut attributes = Vec::new();
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-:".contains(&byte);
            assert!(!name.is_empty() && name.bytes().all(plain), "attribute {name:?}");
            let (value, after) = match after.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"').unwrap(),
                None => ("", after),
            };
            attributes.push((name.to_owned(), value.to_owned()));
            rest = after;
        }
        Self { name: name.to_owned(), attributes }
    }
}
