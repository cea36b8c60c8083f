//! The printable letter.

use issuer::letter::{Letter, LetterError, LetterTxCode, letter};
use issuer::portal::language::Language;
use time::macros::datetime;

const LINK: &str = "openid-credential-offer://?credential_offer_uri=\
                    https%3A%2F%2Fcards.example%2Foffers%2F0123456789abcdef";

fn sample() -> Letter<'static> {
    Letter {
        language: Language::English,
        issuer_name: "Riverside University",
        issuer_host: "cards.example",
        card_names: &["Student Card"],
        recipient: &["Zoë Nováková", "Ølgade 12", "1307 København K"],
        id: "7K2M-9QXD",
        uri: LINK,
        expires_at: datetime!(2026-12-01 16:00 UTC),
        help_line: "Telephone 555 0100",
        tx_code: LetterTxCode::None,
    }
}

/// Page objects are not compressed, so they can be counted.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    let kinds = text.split("/Type").filter_map(|part| part.trim_start().strip_prefix("/Page"));
    kinds.filter(|rest| !rest.starts_with('s') && !rest.starts_with('L')).count()
}

#[test]
fn an_offer_fits_one_page() {
    for language in Language::ALL {
        let pdf = letter(&Letter { language, ..sample() }).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        assert_eq!(pages(&pdf), 1, "{language:?}");
    }
}

/// Also where a printer uses both sides of the paper (A25).
#[test]
fn the_transaction_code_is_on_a_sheet_of_its_own() {
    let pdf = letter(&Letter { tx_code: LetterTxCode::Sheet("493536"), ..sample() }).unwrap();
    assert_eq!(pages(&pdf), 3);
    let pdf = letter(&Letter { tx_code: LetterTxCode::Elsewhere, ..sample() }).unwrap();
    assert_eq!(pages(&pdf), 1);
}

#[test]
fn the_same_letter_gives_the_same_bytes() {
    let sheet = || Letter { tx_code: LetterTxCode::Sheet("493536"), ..sample() };
    assert_eq!(letter(&sheet()).unwrap(), letter(&sheet()).unwrap());
    let other = Letter { id: "AAAA-AAAA", ..sheet() };
    assert_ne!(letter(&sheet()).unwrap(), letter(&other).unwrap());
}

#[test]
fn a_screen_reader_finds_title_language_and_structure() {
    let pdf = letter(&Letter { language: Language::German, ..sample() }).unwrap();
    let text = String::from_utf8_lossy(&pdf);
    for part in ["/Lang(de)", "/StructTreeRoot", "/Marked true", "/Figure", "/Alt"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn every_name_can_be_printed() {
    let long = "Ж".repeat(5000);
    let names = [
        "",
        " ",
        "محمد بن عبد الله",
        "נועה לוי (Noa)",
        "王小明 🎓",
        "Z\u{308}\u{301}\u{323}oe\u{300}",
        "\u{202e}desrever",
        "tab\tnew\nline\0nul\u{7f}",
        "\u{fffd}\u{200d}\u{feff}",
        "नमस्ते ไทย",
        long.as_str(),
    ];
    for name in names {
        let recipient = [name, "Town"];
        let made = letter(&Letter { recipient: &recipient, issuer_name: name, ..sample() });
        assert!(made.is_ok(), "{name:?}: {made:?}");
        let made = letter(&Letter { card_names: &[name], help_line: name, id: name, ..sample() });
        assert!(made.is_ok(), "{name:?}: {made:?}");
    }
}

#[test]
fn what_does_not_fit_goes_on_on_the_next_page() {
    let help = "Ask at the desk in the main building. ".repeat(60);
    let tx_code = LetterTxCode::Sheet("493536");
    assert_eq!(pages(&letter(&Letter { help_line: &help, ..sample() }).unwrap()), 2);
    // Two pages are two sides of one sheet: the next one is free.
    let pdf = letter(&Letter { recipient: &["Name"; 60], tx_code, ..sample() }).unwrap();
    assert!(pages(&pdf) >= 4);
}

#[test]
fn a_link_that_no_code_holds_is_refused() {
    let uri = "x".repeat(5000);
    assert_eq!(letter(&Letter { uri: &uri, ..sample() }), Err(LetterError::LinkTooLong));
    let by_value = "x".repeat(1800);
    assert!(letter(&Letter { uri: &by_value, ..sample() }).is_ok());
}
