//! What is published at well-known places (VCI §12.2.2, RFC 8414 §3.1), each at the place of 1.0 and
//! at the one of the drafts before it.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use keys::json;
use keys::outside::Timestamp;
use oid4vci::language::Languages;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{AUTHORIZATION_SERVER, CREDENTIAL_ISSUER, JWT_VC_ISSUER};
use oid4vci::signed_metadata::MEDIA_TYPE;
use serde::Serialize;
use serde_json::{Map, Value};

use super::accept::{Names, quality};
use crate::failure::Broken;
use crate::generations::OfKeys;
use crate::{Issuer, IssuerKeys, flow};

/// Well-known name of what OpenID Providers publish, and Issuers of the first drafts with them.
const OPENID_CONFIGURATION: &str = "openid-configuration";
/// Wallets and what stands between may keep them so long.
pub(super) const CACHED: &str = "public, max-age=300";
const CACHED_JSON: [(HeaderName, &str); 2] =
    [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHED)];
const JSON: Names = ["application/json", "application/*", "*/*"];
const JWT: Names = [MEDIA_TYPE, "application/*", "*/*"];

pub(super) fn routes(issuer: &Issuer) -> Router<Arc<Issuer>> {
    let documents = [
        (CREDENTIAL_ISSUER, credential_issuer()),
        (AUTHORIZATION_SERVER, published(&flow::metadata::authorization_server(issuer))),
        (JWT_VC_ISSUER, of_keys(flow::metadata::jwt_vc_issuer)),
    ];
    let path = issuer.config.url.path();
    let did = if path.is_empty() { "/.well-known/did.json" } else { &format!("{path}/did.json") };
    let mut router = Router::new().route(did, of_keys(flow::metadata::did_document));
    for (name, document) in documents {
        router = router.route(&format!("/.well-known/{name}{path}"), document.clone());
        if !path.is_empty() {
            router = router.route(&format!("{path}/.well-known/{name}"), document);
        }
    }
    router
}

/// The same for each draft, below its own identifier; before draft 10 they are all one document, for
/// which Wallets look in many places.
pub(super) fn of_drafts(issuer: &Issuer) -> Router<Arc<Issuer>> {
    const EVERYWHERE: [&str; 3] = [AUTHORIZATION_SERVER, OPENID_CONFIGURATION, CREDENTIAL_ISSUER];
    let mut router = Router::new();
    for dialect in issuer.config.legacy.drafts.iter().copied() {
        let path = format!("{}/draft-{dialect}", issuer.config.url.path());
        let credential_issuer =
            of_keys(move |issuer, keys| flow::legacy::credential_issuer(dialect, issuer, keys));
        let server = flow::legacy::authorization_server(dialect, issuer);
        let documents = if dialect.has_one_metadata() {
            EVERYWHERE.map(|name| (name, credential_issuer.clone())).to_vec()
        } else {
            vec![(CREDENTIAL_ISSUER, credential_issuer), (AUTHORIZATION_SERVER, published(&server))]
        };
        for (name, document) in documents {
            router = router
                .route(&format!("/.well-known/{name}{path}"), document.clone())
                .route(&format!("{path}/.well-known/{name}"), document);
        }
    }
    router
}

/// A document that is the same for everybody until the next start: rendered once.
pub(super) fn published(document: &impl Serialize) -> MethodRouter<Arc<Issuer>> {
    let document = rendered(document);
    get(async move || (CACHED_JSON, document))
}

/// A document that follows from the keys: rendered once, and again when they are others.
pub(super) fn of_keys(
    document: impl Fn(&Issuer, &IssuerKeys) -> Value + Clone + Send + Sync + 'static,
) -> MethodRouter<Arc<Issuer>> {
    let kept = Arc::new(OfKeys::default());
    get(async move |State(issuer): State<Arc<Issuer>>| {
        (CACHED_JSON, kept.of(&issuer.keys(), |keys| rendered(&document(&issuer, keys))))
    })
}

fn rendered(document: &impl Serialize) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

/// Credential Issuer Metadata, which come signed or in some languages only to those who ask.
fn credential_issuer() -> MethodRouter<Arc<Issuer>> {
    let kept = Arc::new(OfKeys::<Arc<Document>>::default());
    get(async move |State(issuer): State<Arc<Issuer>>, headers: HeaderMap| {
        let keys = issuer.keys();
        let document = kept.of(&keys, |keys| Arc::new(Document::of(&issuer, keys)));
        document.answer(&issuer, &keys, &headers).await
    })
}

struct Document {
    members: Map<String, Value>,
    rendered: Bytes,
    /// The last signed form, and when it is to be signed again.
    signed: RwLock<Option<(Bytes, Timestamp)>>,
}

impl Document {
    fn of(issuer: &Issuer, keys: &IssuerKeys) -> Self {
        let metadata = serde_json::to_value(flow::metadata::credential_issuer(issuer, keys));
        let mut members = match metadata {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        };
        if issuer.config.legacy.shared {
            Dialect::share_metadata(&mut members);
        }
        Self { rendered: rendered(&members), members, signed: RwLock::default() }
    }

    async fn answer(
        &self,
        issuer: &Issuer,
        keys: &IssuerKeys,
        headers: &HeaderMap,
    ) -> Result<Response, Broken> {
        let about = [(CACHE_CONTROL, CACHED), (VARY, "accept, accept-language")];
        // META-07, META-08: unsigned, unless the other form is wanted more.
        if quality(headers, &ACCEPT, JWT) > quality(headers, &ACCEPT, JSON) {
            let signed = self.signed(issuer, keys).await?;
            return Ok((about, [(CONTENT_TYPE, MEDIA_TYPE)], signed).into_response());
        }
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let json = [(CONTENT_TYPE, "application/json")];
        let Some(languages) = asked.and_then(Languages::parse) else {
            return Ok((about, json, self.rendered.clone()).into_response());
        };
        let mut members = self.members.clone();
        let left = languages.narrow(&mut members).join(", ");
        let tagged = (!left.is_empty()).then_some([(CONTENT_LANGUAGE, left)]);
        Ok((about, json, tagged, json::text(&members)).into_response())
    }

    async fn signed(&self, issuer: &Issuer, keys: &IssuerKeys) -> Result<Bytes, Broken> {
        let now = issuer.clock.now();
        let kept = self.signed.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((signed, until)) = kept
            && now < until
        {
            return Ok(signed);
        }
        let (signed, until) = flow::metadata::signed(issuer, keys, self.members.clone()).await?;
        let signed = Bytes::from(signed);
        *self.signed.write().unwrap_or_else(PoisonError::into_inner) =
            Some((signed.clone(), until));
        Ok(signed)
    }
}
