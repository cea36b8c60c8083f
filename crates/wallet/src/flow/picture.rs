//! Step 6: pictures that an issuer keeps at an address are fetched once, while it is asked anyway
//! (HAIP-16).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use super::metadata::OfferedCredential;
use crate::Wallet;
use crate::display::{PICTURE_BYTES_MAX, PICTURES_BYTES_MAX};
use crate::http::{Request, Response};

/// Most pictures of one offer that are fetched.
const PICTURES_MAX: usize = 4;
/// Larger ones would be too long as text.
const FETCHED_BYTES_MAX: usize = PICTURE_BYTES_MAX / 4 * 3 - 64;
/// How every PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

impl Wallet {
    /// Puts pictures into what is kept, so that later nobody hears whenever the wallet is opened
    /// (catalogue N03). Only the issuer itself is asked, whom the holder has agreed to ask. What
    /// cannot be had stays an address, and so does what would be too long with the others: no
    /// credential fails for its logo.
    pub(super) async fn fetch_pictures(
        &self,
        offered: &mut [OfferedCredential],
        credential_issuer: &str,
    ) {
        let mut fetched: BTreeMap<String, Option<String>> = BTreeMap::new();
        for display in offered.iter_mut().map(|one| &mut one.display) {
            let mut length: usize = display.pictures().map(|picture| picture.uri.len()).sum();
            for picture in display.pictures().filter(|one| !one.uri.starts_with("data:")) {
                if !fetched.contains_key(&picture.uri) && fetched.len() < PICTURES_MAX {
                    let data = self.fetch_picture(&picture.uri, credential_issuer).await;
                    fetched.insert(picture.uri.clone(), data);
                }
                let Some(Some(data)) = fetched.get(&picture.uri) else { continue };
                let with_it = length - picture.uri.len() + data.len();
                if with_it <= PICTURES_BYTES_MAX {
                    picture.uri.clone_from(data);
                    length = with_it;
                }
            }
        }
    }

    /// The picture as a `data:` URL.
    async fn fetch_picture(&self, uri: &str, credential_issuer: &str) -> Option<String> {
        let url = Url::parse(uri).ok()?;
        self.check_places(&[credential_issuer], [&url].into_iter()).ok()?;
        let request = Request::get(url).header("accept", "image/svg+xml, image/png");
        as_data(&self.send(request.at_most(FETCHED_BYTES_MAX)).await.ok()?)
    }
}

/// An SVG runs no script where pages show it as a picture; what calls itself a PNG must be one.
fn as_data(answer: &Response) -> Option<String> {
    let content_type = answer.content_type.as_deref().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let media_type = ["image/svg+xml", "image/png"]
        .into_iter()
        .find(|known| media_type.eq_ignore_ascii_case(known))?;
    let is_whole = media_type != "image/png" || answer.body.starts_with(PNG);
    let is_taken =
        answer.status == 200 && is_whole && (1..=FETCHED_BYTES_MAX).contains(&answer.body.len());
    is_taken.then(|| format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(&answer.body)))
}
