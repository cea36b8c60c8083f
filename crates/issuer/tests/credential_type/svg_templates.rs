//! Pictures of the whole card: what no wallet would show is a mistake, told where it stands.

use std::fs;

use issuer::credential_type::{CredentialType, Inspected};
use tempfile::TempDir;

use super::ISSUER;

const SVG: &str =
    "<svg xmlns='http://www.w3.org/2000/svg'>\n<text>\n{{name}} {{address_city}}</text></svg>";

/// A type with these lines for its pictures, and this picture as `card.svg`.
fn inspect(head: &str, lines: &str, svg: &str) -> Inspected {
    let folder = TempDir::new().unwrap();
    let text = format!(
        r#"{head}
validity_days = 1

[[display]]
name = "Card"
locale = "en"
{lines}

[[claims]]
path = ["name"]
type = "string"

[[claims]]
path = ["photo"]
type = "image"

[[claims]]
path = ["address"]
type = "object"

[[claims]]
path = ["address", "city"]
type = "string"
"#
    );
    let file = folder.path().join("card.toml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join("card.svg"), svg).unwrap();
    CredentialType::inspect(&file, ISSUER)
}

const FORMAT: &str = "format = \"dc+sd-jwt\"";
const ONE: &str = "[[display.svg_templates]]\nfile = \"card.svg\"";

#[test]
fn a_picture_beside_the_file_is_read() {
    let two = format!("{ONE}\ncolor_scheme = \"light\"\n{ONE}\ncolor_scheme = \"dark\"");
    for (lines, count) in [("", 0), (ONE, 1), (&two, 2)] {
        let found = inspect(FORMAT, lines, SVG);
        assert!(found.mistakes.is_empty(), "{:?}", found.mistakes);
        assert_eq!(found.credential_types[0].svg_templates.len(), count);
    }
}

#[test]
fn a_picture_that_no_wallet_shows_is_a_mistake() {
    let script = SVG.replace("<text>", "<script/><text>");
    let unknown = SVG.replace("address_city", "address_town");
    let photo = SVG.replace("address_city", "photo");
    let outside = "[[display.svg_templates]]\nfile = \"../card.svg\"";
    let missing = "[[display.svg_templates]]\nfile = \"other.svg\"";
    let twins = format!("{ONE}\ncolor_scheme = \"dark\"\n{ONE}\ncolor_scheme = \"dark\"");
    let nameless = format!("{ONE}\n{ONE}\ncolor_scheme = \"dark\"");
    let word = format!("{ONE}\ncolor_scheme = \"sepia\"");
    let elsewhere = "format = \"dc+sd-jwt\"\nvct = \"urn:card\"";
    let w3c = "format = \"vc+jwt\"\ntypes = [\"VerifiableCredential\", \"Card\"]";
    for (head, lines, svg, file, line) in [
        (FORMAT, ONE, script.as_str(), "card.svg", 2),
        (FORMAT, ONE, &unknown, "card.svg", 3),
        (FORMAT, ONE, &photo, "card.svg", 3),
        (FORMAT, ONE, "no picture", "card.svg", 1),
        (FORMAT, outside, SVG, "card.toml", 8),
        (FORMAT, missing, SVG, "card.toml", 8),
        (FORMAT, &twins, SVG, "card.toml", 10),
        (FORMAT, &nameless, SVG, "card.toml", 7),
        (FORMAT, &word, SVG, "card.toml", 9),
        (elsewhere, ONE, SVG, "card.toml", 8),
        (w3c, ONE, SVG, "card.toml", 8),
    ] {
        let found = inspect(head, lines, svg);
        let [mistake] = &found.mistakes[..] else { panic!("{lines}: {:?}", found.mistakes) };
        assert!(mistake.file.ends_with(file), "{mistake}");
        assert_eq!(mistake.line, Some(line), "{mistake}");
        assert!(!mistake.remedy.is_empty());
    }
    let found = inspect(FORMAT, ONE, &unknown);
    assert!(found.mistakes[0].remedy.ends_with("name, address_city"), "{}", found.mistakes[0]);
}
