//! Claims of a credential type that are a list of objects.

/// To be written below the head of a type, with more of the objects after it.
pub const DEGREES: &str = r#"
[[claims]]
path = ["degrees"]
type = "list"
label = { en = "Degree" }

[[claims]]
path = ["degrees", "*"]
type = "object"

[[claims]]
path = ["degrees", "*", "title"]
type = "string"
required = true
label = { en = "Title" }
example = "BSc"
"#;
