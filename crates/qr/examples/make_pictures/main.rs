//! Makes the pictures of `tests/pictures`: QR codes of offers as a camera sees them.
//!
//! `cargo run --release -p bestow-qr --example make_pictures -- 1 crates/qr/tests/pictures`
//! makes the kept set again; another number makes other pictures of the same scenes, with other
//! codes, angles, light and noise, to see whether the reader suits more than one set.

mod camera;
mod dice;
mod scenes;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::dice::Dice;
use crate::scenes::{SCENES, Scene, Text};

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: make_pictures NUMBER FOLDER";
    let seed: u64 = arguments.next().ok_or(usage)?.parse()?;
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    fs::create_dir_all(&folder)?;
    let mut list = String::new();
    for (number, scene) in (1_u64..).zip(SCENES) {
        let mut dice = Dice::new(seed * 1_000 + number);
        let offer = offer(scene, &mut dice);
        let name = format!("{number:02}-{}", scene.file_name());
        fs::write(folder.join(&name), camera::photograph(scene, &offer, &mut dice)?)?;
        writeln!(list, "{name}\t{offer}")?;
    }
    fs::write(folder.join("offers.tsv"), list)?;
    Ok(())
}

/// An offer as the issuer makes it: by reference it is short, by value long.
fn offer(scene: &Scene, dice: &mut Dice) -> String {
    match scene.text {
        Text::ByReference => format!(
            "openid-credential-offer://?credential_offer_uri=\
             https%3A%2F%2Flocalhost%3A8443%2Foffers%2F{}",
            random_text(64, dice)
        ),
        Text::ByValue => format!(
            "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A\
             %2F%2Flocalhost%3A8443%22%2C%22credential_configuration_ids%22%3A%5B%22student_card\
             %22%2C%22diploma%22%5D%2C%22grants%22%3A%7B%22urn%3Aietf%3Aparams%3Aoauth%3A\
             grant-type%3Apre-authorized_code%22%3A%7B%22pre-authorized_code%22%3A%22{}%22%2C%22\
             tx_code%22%3A%7B%22length%22%3A6%2C%22description%22%3A%22The%20code%20on%20the%20\
             second%20sheet%22%7D%7D%7D%7D",
            random_text(64, dice)
        ),
    }
}

fn random_text(length: usize, dice: &mut Dice) -> String {
    (0..length)
        .filter_map(|_| BASE64URL.get(dice.up_to(BASE64URL.len())))
        .map(|&byte| char::from(byte))
        .collect()
}
