//! Step 6: what a Wallet can ask for by `scope` (VCI §5.1.2, HAIP §4.3).

use super::{ReceivedConfiguration, ReceivedIssuerMetadata};

impl ReceivedIssuerMetadata {
    /// The scopes of these configurations; `None` where one has none, or one that means other
    /// credentials too: then a request by `scope` would ask for more than was agreed to (AUTHZ-11,
    /// HAIP-23).
    #[must_use]
    pub fn scopes<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Option<Vec<String>> {
        let mut scopes = Vec::new();
        for id in ids {
            let configuration = self.configurations.get(id)?;
            let scope = configuration.scope.as_ref()?;
            let credential_type = configuration.credential_type();
            let mut others =
                self.configurations.values().filter(|other| other.scope.as_ref() == Some(scope));
            if others.any(|other| other.credential_type() != credential_type) {
                return None;
            }
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Some(scopes)
    }
}

impl ReceivedConfiguration {
    /// What a credential of it is about, in whatever format.
    pub(crate) fn credential_type(&self) -> (Option<&str>, &[String]) {
        (self.vct.as_deref(), &self.types)
    }
}
