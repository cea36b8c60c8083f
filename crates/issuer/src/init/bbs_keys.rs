//! Keys of BLS12-381, for credentials whose disclosures cannot be linked (`bbs-2023`), read back.

use std::path::Path;

#[cfg(feature = "bbs-2023")]
use keys::bbs::BbsKey;
#[cfg(feature = "bbs-2023")]
use keys::did;
use keys::multibase;
use keys::outside::{Random, Timestamp};
use zeroize::Zeroizing;

#[cfg(feature = "bbs-2023")]
use super::key_files::secret;
use super::key_files::text;
use crate::BbsKeys;
use crate::config::ConfigError;
#[cfg(feature = "bbs-2023")]
use crate::generations::KeyState;
use crate::generations::{Generations, KeyFile, KeyPurpose, KeysError};

/// What a public Multikey of this kind begins with, and how long it is.
const MULTICODEC: [u8; 2] = [0xeb, 0x01];
const PUBLIC_KEY_BYTES: usize = 2 + 96;

/// A new key, as its files hold it: the public half, and the private one.
#[cfg(feature = "bbs-2023")]
pub(crate) fn fresh(random: &dyn Random) -> Result<(String, Zeroizing<String>), KeysError> {
    let key = BbsKey::generate(random).map_err(|_| KeysError::BbsKey)?;
    let private = Zeroizing::new(format!("{}\n", *key.to_multikey()));
    Ok((format!("{}\n", did::to_multikey(key.public_key())), private))
}

/// This program can do nothing with one.
#[cfg(not(feature = "bbs-2023"))]
pub(crate) const fn fresh(_: &dyn Random) -> Result<(String, Zeroizing<String>), KeysError> {
    Err(KeysError::NoBbs)
}

/// Reads the keys. Public ones are published by builds that cannot sign with their private halves, too:
/// credentials of them are still valid.
pub(super) fn load(
    folder: &Path,
    generations: &Generations,
    now: Timestamp,
) -> Result<BbsKeys, ConfigError> {
    let alive = generations.alive(KeyPurpose::Bbs, now);
    let public = alive.map(|(one, _)| public_key(&KeyFile::BbsPublic.path(folder, one.number)));
    Ok(BbsKeys {
        published: public.collect::<Result<_, _>>()?,
        #[cfg(feature = "bbs-2023")]
        signing: signing_key(folder, generations, now)?,
    })
}

/// The one in use; the next one is looked at, too, while there is time.
#[cfg(feature = "bbs-2023")]
fn signing_key(
    folder: &Path,
    generations: &Generations,
    now: Timestamp,
) -> Result<Option<BbsKey>, ConfigError> {
    let mut signing = None;
    for (generation, state) in generations.alive(KeyPurpose::Bbs, now) {
        if state == KeyState::Retired {
            continue;
        }
        let key = private_key(folder, generation.number)?;
        if state == KeyState::Active {
            signing = Some(key);
        }
    }
    Ok(signing)
}

fn public_key(file: &Path) -> Result<String, ConfigError> {
    let multikey = text(file)?.trim().to_owned();
    let bytes = multibase::decode_base58(&multikey).unwrap_or_default();
    if bytes.starts_with(&MULTICODEC) && bytes.len() == PUBLIC_KEY_BYTES {
        return Ok(multikey);
    }
    let problem = "holds no public key of BLS12-381 as a Multikey";
    Err(ConfigError::of_file(file, problem, "put the copy of this file back"))
}

#[cfg(feature = "bbs-2023")]
fn private_key(folder: &Path, number: u32) -> Result<BbsKey, ConfigError> {
    let file = KeyFile::Bbs.path(folder, number);
    let public = public_key(&KeyFile::BbsPublic.path(folder, number))?;
    let key = BbsKey::from_multikey(&secret(&file)?).ok();
    let key = key.filter(|key| did::to_multikey(key.public_key()) == public);
    key.ok_or_else(|| {
        let problem = format!("is not the private key of {}", KeyFile::BbsPublic.name(number));
        ConfigError::of_file(&file, problem, "put the copies of both files back")
    })
}
