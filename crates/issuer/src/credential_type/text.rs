//! One line of text that people can read, and that looks like what it is (catalogue N04, I21).

/// Whether every character can be seen, or has its place between ones that can.
///
/// Two texts that look the same must be the same: what is invisible, breaks the line or turns the
/// reading direction is refused at every entry, not taken out, as the person who wrote it should
/// know.
pub(crate) fn is_one_visible_line(text: &str) -> bool {
    let mut before = None;
    let mut joins = false;
    for c in text.chars() {
        joins = is_joiner(c);
        if is_invisible(c) || joins && !before.is_some_and(can_be_joined) {
            return false;
        }
        before = Some(c);
    }
    !joins
}

/// U+200C and U+200D: Persian and the scripts of India cannot be written without them.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Joiners have no use after Latin letters, and none twice.
fn can_be_joined(before: char) -> bool {
    !before.is_ascii() && !before.is_whitespace() && !is_joiner(before)
}

/// Controls, separators of lines and paragraphs, and what has no width and no letter to change.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe // no character of any text, as U+10FFFF
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::is_one_visible_line;

    #[test]
    fn names_of_all_scripts_can_be_written() {
        for name in [
            "Erika Müller",
            "O’Brien-Søren",
            "علی\u{200c}رضا",
            "क्\u{200d}ष",
            "山田 太郎",
            "辻\u{e0100}",
        ] {
            assert!(is_one_visible_line(name), "{name:?}");
        }
    }

    /// N04
    #[test]
    fn what_cannot_be_seen_is_refused() {
        for hidden in [
            '\n',
            '\t',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2066}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0041}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{10ffff}',
        ] {
            assert!(!is_one_visible_line(&format!("Erika{hidden}M")), "{hidden:?}");
        }
        for joiner in ['\u{200c}', '\u{200d}'] {
            let texts = [format!("Eri{joiner}ka"), format!("{joiner}ش"), format!("ش{joiner}")];
            for text in [&texts[..], &[format!("ش{joiner}{joiner}ش")]].concat() {
                assert!(!is_one_visible_line(&text), "{text:?}");
            }
        }
    }
}
