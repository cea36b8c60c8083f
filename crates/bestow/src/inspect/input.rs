//! What is looked at: a file, standard input, or a link that was typed.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use formats::status_list::token::TOKEN_BYTES_MAX;

use crate::exit::{Failure, Kind};
use crate::terminal::plain;
use crate::wallet::input::from_picture;

/// In which forms it is taken.
pub(crate) const WAYS: &str = "give a file with a credential, a presentation, an offer, a JWT, a \
    status list, metadata, a DID document, keys or certificates, or a picture of a QR code; - is \
    standard input";

/// The longest thing that is read: a status list.
const BYTES_MAX: usize = TOKEN_BYTES_MAX;
/// How pictures begin.
const PICTURES: [&[u8]; 2] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"];

/// Reads it; a picture becomes the text of its QR code.
pub(crate) fn read(argument: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(argument);
    let bytes = if argument == "-" {
        at_most(io::stdin().lock())
    } else if path.exists() || !argument.contains(':') {
        fs::File::open(path).and_then(at_most)
    } else {
        return Ok(argument.as_bytes().to_vec()); // a link
    };
    let bytes = bytes.map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", plain(argument))).hint(WAYS)
    })?;
    if bytes.len() > BYTES_MAX {
        let mebibytes = BYTES_MAX / (1024 * 1024);
        let message = format!("{} is longer than {mebibytes} MiB", plain(argument));
        return Err(Failure::new(Kind::Usage, "too_long", message));
    }
    if PICTURES.iter().any(|start| bytes.starts_with(start)) {
        return from_picture(&bytes).map(String::into_bytes);
    }
    Ok(bytes)
}

fn at_most(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
