//! The printable letter: an offer on paper, its Transaction Code on a sheet of its own (VCI §4.1).
//!
//! The same letter always gives the same bytes, so that a lost print can be made again.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use qr::{Level, QrCode};
use time::OffsetDateTime;

use crate::portal::language::Language;

mod layout;
mod pdf;
mod typeface;
mod words;

use layout::{Layout, Role};
use typeface::Typefaces;
use words::Words;

/// What a letter says.
pub struct Letter<'a> {
    /// The language of our own sentences.
    pub language: Language,
    /// Who sends it.
    pub issuer_name: &'a str,
    /// The host that the wallet will name: the reader compares both.
    pub issuer_host: &'a str,
    /// The names of the offered cards.
    pub card_names: &'a [&'a str],
    /// Name and address, a line each; stands where a window envelope shows it.
    pub recipient: &'a [&'a str],
    /// A short id that both sheets carry, so that they can be told to belong together.
    pub id: &'a str,
    /// The Credential Offer as a link: drawn as QR code and printed below.
    pub uri: &'a str,
    /// The last moment of the offer.
    pub expires_at: OffsetDateTime,
    /// Where to ask, such as a telephone number.
    pub help_line: &'a str,
    /// Whether the wallet will ask for a code, and whether we print it.
    pub tx_code: LetterTxCode<'a>,
}

/// What the letter says about the Transaction Code.
#[derive(Clone, Copy)]
pub enum LetterTxCode<'a> {
    /// The offer needs none.
    None,
    /// It reaches the holder on another way.
    Elsewhere,
    /// It is printed on a second sheet, for an envelope of its own (A25).
    Sheet(&'a str),
}

/// Why there is no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterError {
    /// The link does not fit a QR code.
    LinkTooLong,
    /// The embedded fonts cannot be read: a fault of this build.
    Fonts,
    /// The PDF could not be written: a fault of this program.
    Pdf,
}

impl Display for LetterError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LinkTooLong => {
                "The offer is too long for a QR code on paper. Make an offer by reference instead."
            }
            Self::Fonts => "The letter's fonts cannot be read. Please install Bestow again.",
            Self::Pdf => "The letter cannot be written as PDF. Please report this letter's id.",
        })
    }
}

impl Error for LetterError {}

/// Typesets a letter as PDF in A4.
pub fn letter(letter: &Letter<'_>) -> Result<Vec<u8>, LetterError> {
    let code = QrCode::encode(letter.uri, Level::Q)
        .or_else(|_| QrCode::encode(letter.uri, Level::L))
        .map_err(|_| LetterError::LinkTooLong)?;
    let typefaces = Typefaces::load().ok_or(LetterError::Fonts)?;
    let words = Words::of(letter.language);
    let mut layout = Layout::new(&typefaces);
    offer_sheet(&mut layout, letter, words, &code);
    layout.end_part(words.page);
    if let LetterTxCode::Sheet(tx_code) = letter.tx_code {
        layout.new_sheet(words.empty_page);
        tx_code_sheet(&mut layout, letter, words, tx_code);
        layout.end_part(words.page);
    }
    pdf::write(&layout.finish(), &typefaces, &title(letter, words), letter.language.tag())
}

fn offer_sheet(layout: &mut Layout<'_>, letter: &Letter<'_>, words: &Words, code: &QrCode) {
    head(layout, letter, words);
    layout.text(&title(letter, words), Role::Title);
    layout.text(words.lead, Role::Lead);
    layout.beside_code(code, words.code_alternative, |layout| {
        for (number, step) in (1..).zip(&steps(letter, words)) {
            layout.step(number, &step.0, &step.1);
        }
    });
    let until = letter.language.date_time(letter.expires_at);
    layout.panel(&(words.use_by)(&until), words.after_that);
    layout.text(words.no_camera, Role::Heading);
    layout.text(words.type_link, Role::Body);
    layout.text(letter.uri, Role::Fine);
    layout.text(words.be_careful, Role::Heading);
    layout.text(&(words.only_if)(letter.issuer_name, letter.issuer_host), Role::Body);
    questions(layout, letter, words);
}

fn tx_code_sheet(layout: &mut Layout<'_>, letter: &Letter<'_>, words: &Words, tx_code: &str) {
    head(layout, letter, words);
    layout.text(words.code_title, Role::Title);
    layout.text(&(words.code_lead)(letter.id), Role::Lead);
    layout.plate(&grouped(tx_code));
    layout.text(words.code_secret, Role::Body);
    questions(layout, letter, words);
    layout.text(words.own_envelope, Role::Fine);
}

fn head(layout: &mut Layout<'_>, letter: &Letter<'_>, words: &Words) {
    layout.head(letter.issuer_name, &(words.letter_id)(letter.id));
    layout.address(letter.recipient);
}

fn questions(layout: &mut Layout<'_>, letter: &Letter<'_>, words: &Words) {
    if !letter.help_line.is_empty() {
        layout.text(words.questions, Role::Heading);
        layout.text(letter.help_line, Role::Body);
    }
}

fn title(letter: &Letter<'_>, words: &Words) -> String {
    (words.title)(&letter.card_names.join(words.and))
}

/// Heading and text of each step.
fn steps(letter: &Letter<'_>, words: &Words) -> Vec<(String, String)> {
    let third = match letter.tx_code {
        LetterTxCode::None => {
            (words.check.to_owned(), (words.check_text)(letter.issuer_name, letter.issuer_host))
        }
        LetterTxCode::Elsewhere => (words.enter.to_owned(), words.enter_elsewhere.to_owned()),
        LetterTxCode::Sheet(_) => (words.enter.to_owned(), words.enter_sheet.to_owned()),
    };
    let plain = |(heading, text): (&str, &str)| (heading.to_owned(), text.to_owned());
    vec![plain(words.wallet), plain(words.scan), third, plain(words.done)]
}

/// Digits are read and typed in groups: six as three and three, eight as four and four.
fn grouped(tx_code: &str) -> String {
    let characters: Vec<char> = tx_code.chars().collect();
    let group = if characters.len().is_multiple_of(4) { 4 } else { 3 };
    let groups: Vec<String> = characters.chunks(group).map(String::from_iter).collect();
    groups.join("\u{a0}\u{a0}")
}
