//! Step 4: what was given, a link or a picture of one, becomes the text of an offer.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::exit::{Failure, Kind};

/// Longest picture that is read.
const INPUT_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// Reads standard input, a file, or takes the argument itself.
pub(crate) fn offer_text(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        return text_of(&bytes);
    }
    if Path::new(argument).is_file() {
        let file = fs::File::open(argument).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(INPUT_BYTES_MAX).read_to_end(&mut bytes).map(|_| bytes)
        });
        let bytes = file.map_err(|error| Failure::usage(format!("{argument}: {error}")))?;
        return text_of(&bytes);
    }
    if argument.contains(':') {
        return Ok(argument.to_owned());
    }
    Err(Failure::new(Kind::Usage, "no_such_file", format!("there is no file {argument}"))
        .hint("give a link, the file of a picture, or - for standard input"))
}

/// A link is text with a scheme; everything else must be a picture.
fn text_of(bytes: &[u8]) -> Result<String, Failure> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.trim_start().starts_with('<')
    {
        return Ok(text.trim().to_owned());
    }
    from_picture(bytes)
}

/// Decodes the pixels; of several codes the one that is an offer counts.
pub(crate) fn from_picture(bytes: &[u8]) -> Result<String, Failure> {
    let texts = qr::read(bytes).map_err(|error| {
        Failure::new(Kind::Usage, "no_qr_code", error.to_string())
            .hint("take the picture again: closer, straighter, in better light")
    })?;
    let mut offers =
        texts.iter().filter(|text| wallet::flow::offer::ScannedOffer::scan(text).is_ok());
    match (offers.next(), offers.next(), texts.first()) {
        (Some(offer), None, _) => Ok(offer.clone()),
        (Some(_), Some(_), _) => Err(Failure::new(
            Kind::Usage,
            "several_offers",
            "the picture shows several offers: cut out the one that you want",
        )),
        (None, _, Some(text)) => Ok(text.clone()), // scanning it says what is wrong with it
        (None, _, None) => Err(Failure::own_fault("a picture without a code was read")),
    }
}
