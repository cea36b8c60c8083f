//! Step 6: pictures of whole cards are fetched once, while their issuer is asked anyway
//! (SD-JWT VC §8.1.2).

use data_url::DataUrl;
use formats::type_metadata::{SVG_BYTES_MAX, SvgTemplate, TemplateLink, TypeMetadata};
use url::Url;

use crate::Wallet;
use crate::display::best;
use crate::http::Request;
use crate::svg_templates::{SvgTemplates, TEMPLATES_MAX};

impl Wallet {
    /// Fetches the pictures of a type, those in the holder's language first. As of logos: only the
    /// issuer itself is asked, whom the holder has agreed to ask. What cannot be had, is not what was
    /// meant or could do more than be looked at is left out: the card then looks as it does without.
    pub(super) async fn fetch_svg_templates(
        &self,
        described: &TypeMetadata,
        credential_issuer: &str,
    ) -> SvgTemplates {
        let mut kept = SvgTemplates::of(&described.claims);
        for (locale, link) in links(described, &self.settings.locale) {
            if let Some(template) = self.fetch_svg_template(link, credential_issuer).await {
                kept.take(locale, link.look, &template);
            }
        }
        kept
    }

    async fn fetch_svg_template(
        &self,
        link: &TemplateLink,
        credential_issuer: &str,
    ) -> Option<SvgTemplate> {
        let integrity = link.integrity.as_deref();
        let bytes = match (self.reader().kept(&link.uri, integrity), DataUrl::process(&link.uri)) {
            (Some(kept), _) => kept,
            (None, Ok(data)) => data.decode_to_vec().ok()?.0,
            (None, Err(_)) => self.fetch_svg(&link.uri, credential_issuer).await?,
        };
        let template = SvgTemplate::read_as(&bytes, integrity).ok()?;
        self.reader().keep(&link.uri, integrity, &bytes);
        Some(template)
    }

    async fn fetch_svg(&self, uri: &str, credential_issuer: &str) -> Option<Vec<u8>> {
        let url = Url::parse(uri).ok()?;
        self.check_places(&[credential_issuer], std::iter::once(&url)).ok()?;
        let request = Request::get(url).header("accept", "image/svg+xml");
        let answer = self.send(request.at_most(SVG_BYTES_MAX)).await.ok()?;
        (answer.status == 200).then_some(answer.body)
    }
}

/// As many as are fetched, each with its language.
fn links<'d>(described: &'d TypeMetadata, locale: &str) -> Vec<(&'d str, &'d TemplateLink)> {
    let own = best(&described.display, |one| Some(&one.locale), locale);
    let others = described.display.iter();
    let others = others.filter(|one| own.is_none_or(|own| own.locale != one.locale));
    let links = own.into_iter().chain(others);
    let links =
        links.flat_map(|one| one.svg_templates.iter().map(|link| (one.locale.as_str(), link)));
    links.take(TEMPLATES_MAX).collect()
}
