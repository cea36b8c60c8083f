//! What describes a type of SD-JWT VC to those who meet its credentials (SD-JWT VC §6.2): made from the
//! same file as all else, and served where `vct` leads.

use formats::path::Step;
use formats::type_metadata::{Chain, is_integrity, sha256};
use serde_json::{Map, Value, json};

use super::entry::Entry;
use super::svg_template::svg_id;
use super::{Claim, CredentialType, Disclosure, Display, Format};
use crate::config::ConfigError;

/// What a file says of the description of its type.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// The type that this one extends, and what its description must be.
    pub extends: Option<(String, Option<String>)>,
    /// Whether each credential names the description by its digest.
    pub is_pinned: bool,
}

impl Description {
    pub(super) fn read(entry: &Entry<'_>) -> Result<Self, ConfigError> {
        let written = &entry.written;
        let is_named = written.format.key() == "vct";
        let written_keys = [
            ("extends", written.extends.is_some()),
            ("extends_integrity", written.extends_integrity.is_some()),
            ("vct_integrity", written.vct_integrity),
        ];
        if let Some((key, _)) = written_keys.iter().find(|(_, written)| *written && !is_named) {
            let problem = format!("`{key}` belongs to dc+sd-jwt");
            return Err(entry.mistake(key, problem, "remove the line"));
        }
        if written.extends.as_ref().is_some_and(|uri| !uri.starts_with("https://")) {
            let remedy = "write the https: address that is the vct of that type";
            return Err(entry.mistake("extends", "nobody could fetch what it extends", remedy));
        }
        if written.extends.is_none() && written.extends_integrity.is_some() {
            let problem = "there is no `extends` that it would be for";
            return Err(entry.mistake("extends_integrity", problem, "remove it, or add extends"));
        }
        if written.extends_integrity.as_ref().is_some_and(|text| !is_integrity(text)) {
            let problem = "no reader could hold the description against this";
            let remedy = "write \"sha256-\" and the digest of the description in Base64, which \
                          `openssl dgst -sha256 -binary FILE | base64` prints, or remove the line";
            return Err(entry.mistake("extends_integrity", problem, remedy));
        }
        let extends = written.extends.clone();
        let extends = extends.map(|uri| (uri, written.extends_integrity.clone()));
        Ok(Self { extends, is_pinned: written.vct_integrity })
    }
}

impl CredentialType {
    /// Where its description is served: below the address of its issuer, or nowhere.
    #[must_use]
    pub fn described_at(&self, issuer: &str) -> Option<&str> {
        let Format::SdJwtVc { vct } = &self.format else { return None };
        let path = vct.strip_prefix(issuer)?.strip_prefix('/')?;
        let is_plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~');
        (!path.is_empty() && path.bytes().all(is_plain)).then_some(vct)
    }

    /// The bytes of its description, always the same; `None` for what is no SD-JWT VC.
    #[must_use]
    pub fn type_metadata(&self) -> Option<Vec<u8>> {
        let Format::SdJwtVc { vct } = &self.format else { return None };
        let mut document = Map::from_iter([("vct".to_owned(), json!(vct))]);
        let mut insert = |name: &str, value| document.insert(name.to_owned(), value);
        if let Some(display) = self.display("en") {
            insert("name", json!(display.name));
            display.description.as_ref().map(|text| insert("description", json!(text)));
        }
        if let Some((uri, integrity)) = &self.description.extends {
            insert("extends", json!(uri));
            integrity.as_ref().map(|integrity| insert("extends#integrity", json!(integrity)));
        }
        insert("display", self.display.iter().map(|one| self.type_display(one, vct)).collect());
        insert("claims", self.claims.disclosed().map(|claim| self.claim_metadata(claim)).collect());
        serde_json::to_vec(&document).ok()
    }

    /// What credentials say of their description, where they are to.
    pub(super) fn pin(&mut self) {
        let document = self.type_metadata().filter(|_| self.description.is_pinned);
        self.vct_integrity = document.map(|document| sha256(&document));
    }

    /// A description that readers would refuse, or not find, is a mistake of the file.
    pub(super) fn check_description(
        &self,
        issuer: &str,
        entry: &Entry<'_>,
    ) -> Result<(), ConfigError> {
        let Description { extends, is_pinned } = &self.description;
        let lines = [("vct_integrity", *is_pinned), ("extends", extends.is_some())];
        let lines = lines.into_iter().find(|(_, is_written)| *is_written);
        let pictures = self.display.iter().position(|one| !one.svg_templates.is_empty());
        let pictures = pictures.map(|at| format!("display.{at}.svg_templates.0"));
        let remedy = "leave vct out, or remove the line";
        let problem = || format!("{issuer} describes no type that has this vct");
        match (lines, pictures, self.described_at(issuer)) {
            (Some((key, _)), _, None) => return Err(entry.mistake(key, problem(), remedy)),
            (None, Some(place), None) => return Err(entry.misfit(&place, problem(), remedy)),
            (None, None, None) | (_, _, Some(_)) => {}
        }
        let (Format::SdJwtVc { vct }, Some(document)) = (&self.format, self.type_metadata()) else {
            return Ok(());
        };
        let mut chain = Chain::of(vct, None);
        chain.take(&document).map_err(|fault| {
            let problem = format!("others could not read the description of this type: {fault}");
            entry.mistake("extends", problem, "correct what it extends, or remove the line")
        })
    }

    /// An issuer of ours conceals every claim that it may, so what it says is what it does.
    fn claim_metadata(&self, claim: &Claim) -> Value {
        let path: Vec<Option<&str>> = claim.path.iter().map(Step::name).collect();
        let labels = self.languages(claim);
        let display: Vec<Value> = labels
            .map(|(locale, label)| json!({ "lang": locale, "locale": locale, "label": label }))
            .collect();
        let sd = match claim.disclosure {
            Disclosure::Selective => "always",
            Disclosure::Always | Disclosure::Never => "never", // the latter is not described at all
        };
        let mut described = json!({ "path": path, "sd": sd });
        if let Some(members) = described.as_object_mut() {
            let mut insert = |name: &str, value| members.insert(name.to_owned(), value);
            claim.mandatory.then(|| insert("mandatory", json!(true)));
            (!display.is_empty()).then(|| insert("display", json!(display)));
            svg_id(&self.claims, claim).map(|id| insert("svg_id", json!(id)));
        }
        described
    }

    /// `lang` for readers of draft 11, `locale` for later ones; and two names for the pictures.
    fn type_display(&self, display: &Display, vct: &str) -> Value {
        let mut simple = Map::new();
        let mut insert = |name: &str, value| simple.insert(name.to_owned(), value);
        display.logo.as_ref().map(|logo| insert("logo", json!(logo)));
        display.background_color.as_ref().map(|color| insert("background_color", json!(color)));
        display.text_color.as_ref().map(|color| insert("text_color", json!(color)));
        let pictures = self.svg_templates.iter().filter(|one| one.locale == display.locale);
        let pictures: Vec<Value> = pictures.map(|one| one.named(vct)).collect();
        let mut rendering = Map::new();
        (!simple.is_empty()).then(|| rendering.insert("simple".to_owned(), simple.into()));
        for name in ["svg_template", "svg_templates"].iter().filter(|_| !pictures.is_empty()) {
            rendering.insert((*name).to_owned(), json!(pictures));
        }
        let mut members = json!({
            "lang": display.locale, "locale": display.locale, "name": display.name,
        });
        if let Some(members) = members.as_object_mut() {
            let description = display.description.as_ref();
            description.map(|text| members.insert("description".to_owned(), json!(text)));
            (!rendering.is_empty())
                .then(|| members.insert("rendering".to_owned(), rendering.into()));
        }
        members
    }
}
