//! Step 6: what the Issuer publishes, in the words of a draft.

use serde_json::{Map, Value, json};

use keys::cose;

use super::dialect::Draft;
use super::format::{MDL_ISO, MDL_ISO_CBOR};
use super::{Dialect, claims, object};
use crate::metadata::{
    AuthorizationServerMetadata, CredentialConfiguration, CredentialIssuerMetadata,
};

impl Dialect {
    /// The metadata of the Issuer. What the draft has no word for is left out; `metadata` have the
    /// draft's own identifier and endpoints.
    #[must_use]
    pub fn issuer_metadata(
        self,
        metadata: &CredentialIssuerMetadata,
        server: &AuthorizationServerMetadata,
        batch_endpoint: &str,
    ) -> Value {
        let mut published = if self.has_one_metadata() {
            let mut published = object(json!(server));
            // Here the name is that of an object, and only later that of the identifier.
            let display = self.displays(&json!(metadata.display));
            published.insert("credential_issuer".into(), json!({ "display": display }));
            published
        } else {
            let mut published = Map::new();
            published.insert("credential_issuer".into(), metadata.credential_issuer.clone().into());
            published.insert("display".into(), self.displays(&json!(metadata.display)));
            published
        };
        self.endpoints(&mut published, metadata, batch_endpoint);
        let catalogue = if self.0 >= Draft::D13 {
            "credential_configurations_supported"
        } else {
            "credentials_supported"
        };
        published.insert(catalogue.into(), self.catalogue(metadata));
        published.into()
    }

    fn endpoints(
        self,
        published: &mut Map<String, Value>,
        metadata: &CredentialIssuerMetadata,
        batch_endpoint: &str,
    ) {
        let mut put = |name: &str, url: Option<&str>| {
            published.extend(url.map(|url| (name.to_owned(), url.into())));
        };
        put("credential_endpoint", Some(&metadata.credential_endpoint));
        // The drafts until 11 have no name for it, and no other way to find it.
        put("deferred_credential_endpoint", metadata.deferred_credential_endpoint.as_deref());
        put("batch_credential_endpoint", self.has_batch_endpoint().then_some(batch_endpoint));
        let notification = metadata.notification_endpoint.as_deref();
        put("notification_endpoint", notification.filter(|_| self.has_notifications()));
        let nonce = self.has_nonce_endpoint().then_some(metadata.nonce_endpoint.as_str());
        put("nonce_endpoint", nonce);
        let batch = metadata.batch_credential_issuance.filter(|_| self.0 >= Draft::D14);
        published.extend(batch.map(|one| ("batch_credential_issuance".to_owned(), json!(one))));
        self.put_encryption(published, metadata.credential_response_encryption.as_ref());
    }

    /// A list with the ids inside from draft 9 to 11, before and after that a map.
    fn catalogue(self, metadata: &CredentialIssuerMetadata) -> Value {
        let all = metadata.credential_configurations_supported.iter();
        let all = all.filter(|(_, one)| self.has_format(&one.format));
        if (Draft::D9..=Draft::D11).contains(&self.0) {
            return all
                .map(|(id, one)| {
                    let mut entry = self.entry(one);
                    entry.insert("id".into(), id.clone().into());
                    Value::Object(entry)
                })
                .collect();
        }
        all.map(|(id, one)| (id.clone(), Value::Object(self.entry(one)))).collect()
    }

    fn entry(self, configuration: &CredentialConfiguration) -> Map<String, Value> {
        let description = &configuration.credential_metadata;
        let format = self.format(&configuration.format).unwrap_or_default();
        let display = self.displays(description.get("display").unwrap_or(&Value::Null));
        let mut secured = self.type_members(configuration);
        let (suites, methods) = (suites(configuration), self.methods(configuration));
        let name = if self.0 >= Draft::D13 {
            "credential_signing_alg_values_supported"
        } else {
            "cryptographic_suites_supported"
        };
        secured.insert(name.into(), suites);
        if !methods.is_empty() {
            secured.insert("cryptographic_binding_methods_supported".into(), json!(methods));
        }
        if self.0 == Draft::D8 {
            let tree = claims::tree(description.get("claims"));
            let key = if format == MDL_ISO_CBOR { MDL_ISO } else { format };
            let formats = Map::from_iter([(key.to_owned(), secured.into())]);
            return object(json!({ "display": display, "formats": formats, "claims": tree }));
        }
        let mut entry = secured;
        entry.insert("format".into(), format.into());
        entry.insert("display".into(), display);
        if self.0 >= Draft::D12 {
            let scope = configuration.scope.clone();
            entry.extend(scope.map(|scope| ("scope".to_owned(), scope.into())));
            entry.extend(self.proof_types(configuration));
        }
        self.put_claims(&mut entry, configuration);
        entry
    }

    /// A list of names in draft 12, then a map; attestations of keys came with draft 15.
    fn proof_types(self, configuration: &CredentialConfiguration) -> Option<(String, Value)> {
        let mut types = configuration.proof_types_supported.clone();
        let is_late = self.has_key_attestations();
        types.retain(|name, _| name == "jwt" || is_late && name == "attestation");
        if !is_late {
            for one in types.values_mut().filter_map(Value::as_object_mut) {
                one.remove("key_attestations_required");
            }
        }
        let written = if self.0 == Draft::D12 {
            types.keys().cloned().collect()
        } else {
            Value::Object(types)
        };
        let is_bound = !configuration.proof_types_supported.is_empty();
        is_bound.then(|| ("proof_types_supported".to_owned(), written))
    }

    /// Claims are a list again in draft 15. Before that they stand in the subject of a W3C
    /// credential, wherever the draft has that.
    fn put_claims(self, entry: &mut Map<String, Value>, configuration: &CredentialConfiguration) {
        let claims = configuration.credential_metadata.get("claims");
        if self.0 >= Draft::D15 {
            entry.extend(claims.map(|claims| ("claims".to_owned(), claims.clone())));
            return;
        }
        let tree = claims::tree(claims);
        if tree.is_empty() {
            return;
        }
        let is_w3c = configuration.format_members.contains_key("credential_definition");
        let definition = entry.get_mut("credential_definition").and_then(Value::as_object_mut);
        match definition {
            Some(definition) => definition.insert("credentialSubject".into(), tree.into()),
            None if is_w3c => entry.insert("credentialSubject".into(), tree.into()),
            None => entry.insert("claims".into(), tree.into()),
        };
    }

    /// Before draft 10 a DID is a DID, and the key of an mdoc is `mso`.
    fn methods(self, configuration: &CredentialConfiguration) -> Vec<&'static str> {
        let old = |method: &'static str| match method {
            "cose_key" => "mso",
            did if did.starts_with("did:") => "did",
            other => other,
        };
        let given = configuration.cryptographic_binding_methods_supported.iter().copied();
        let mut methods: Vec<&str> =
            given.map(|method| if self.0 <= Draft::D9 { old(method) } else { method }).collect();
        methods.dedup();
        methods
    }

    /// `logo.url` until draft 12.
    fn displays(self, displays: &Value) -> Value {
        let mut displays = displays.clone();
        if self.0 >= Draft::D13 {
            return displays;
        }
        let each = displays.as_array_mut().into_iter().flatten();
        for logo in each.filter_map(|one| one.get_mut("logo")?.as_object_mut()) {
            let url = logo.remove("uri");
            logo.extend(url.map(|url| ("url".to_owned(), url)));
        }
        displays
    }
}

/// Algorithms by name: the numbers of COSE came with draft 16.
fn suites(configuration: &CredentialConfiguration) -> Value {
    let name = |value: &Value| {
        let algorithm = value.as_i64().and_then(cose::algorithm);
        algorithm.map_or_else(|| value.clone(), |algorithm| algorithm.name().into())
    };
    configuration.credential_signing_alg_values_supported.iter().map(name).collect()
}
