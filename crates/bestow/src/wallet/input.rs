//! Step 4: what was given, a link or a picture of one, becomes the text of an offer.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::exit::{Failure, Kind};
use crate::terminal::plain;

/// Longest picture that is read.
const INPUT_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// Reads standard input, a file, or takes the argument itself.
pub(crate) fn offer_text(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        let bytes = read(io::stdin().lock());
        let bytes = bytes.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
        return text_of(&bytes, "standard input");
    }
    let path = Path::new(argument);
    // A pipe that a shell made is a file too.
    if path.exists() && !path.is_dir() {
        let bytes = fs::File::open(path).and_then(read);
        let bytes =
            bytes.map_err(|error| Failure::usage(format!("{}: {error}", plain(argument))))?;
        return text_of(&bytes, argument);
    }
    if argument.contains(':') {
        return Ok(argument.to_owned());
    }
    let message = match argument.trim() {
        "" => "the offer is an empty text".to_owned(),
        _ if path.is_dir() => format!("{} is a folder", plain(argument)),
        _ => format!("there is no file {}", plain(argument)),
    };
    Err(Failure::new(Kind::Usage, "no_such_file", message).hint(WAYS))
}

/// In which forms an offer is taken.
const WAYS: &str = "give a link, the file of a picture, or - for standard input";

fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(INPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A link is text with a scheme; everything else must be a picture.
fn text_of(bytes: &[u8], source: &str) -> Result<String, Failure> {
    let Some(text) = std::str::from_utf8(bytes).ok().map(str::trim) else {
        return from_picture(bytes);
    };
    if text.is_empty() {
        let message = format!("{} is empty", plain(source));
        return Err(Failure::new(Kind::Usage, "empty_offer", message).hint(WAYS));
    }
    // An SVG is text too.
    if text.starts_with('<') { from_picture(bytes) } else { Ok(text.to_owned()) }
}

/// Decodes the pixels; of several codes the one that is an offer counts.
pub(crate) fn from_picture(bytes: &[u8]) -> Result<String, Failure> {
    let texts = qr::read(bytes).map_err(|error| {
        Failure::new(Kind::Usage, "no_qr_code", error.to_string())
            .hint("or give the link of the offer instead of a picture")
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
