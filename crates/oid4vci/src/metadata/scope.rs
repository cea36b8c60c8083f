//! Step 6: what a Wallet can ask for by `scope` (VCI §5.1.2, HAIP §4.3).

use super::{ReceivedConfiguration, ReceivedIssuerMetadata};

impl ReceivedIssuerMetadata {
    /// The scopes of these configurations, each once (HAIP-19, HAIP-23); `None` where one has none.
    #[must_use]
    pub fn scopes<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Option<Vec<String>> {
        let mut scopes = Vec::new();
        for id in ids {
            let scope = self.configurations.get(id)?.scope.as_ref()?;
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Some(scopes)
    }

    /// The same, and `None` too where a scope means other credentials as well: a request by it would
    /// ask for more than was agreed to (AUTHZ-11).
    #[must_use]
    pub fn exact_scopes<'i>(
        &self,
        ids: impl Iterator<Item = &'i str> + Clone,
    ) -> Option<Vec<String>> {
        let scopes = self.scopes(ids.clone())?;
        let wanted: Vec<_> = ids.filter_map(|id| self.configurations.get(id)).collect();
        let is_wanted = |other: &ReceivedConfiguration| {
            wanted.iter().any(|one| one.credential_type() == other.credential_type())
        };
        let mut meant = self
            .configurations
            .values()
            .filter(|other| other.scope.as_ref().is_some_and(|scope| scopes.contains(scope)));
        meant.all(is_wanted).then_some(scopes)
    }
}

impl ReceivedConfiguration {
    /// What a credential of it is about, in whatever format.
    pub(crate) fn credential_type(&self) -> (Option<&str>, &[String]) {
        (self.vct.as_deref().or(self.doctype.as_deref()), &self.types)
    }
}

/// RFC 6749 §3.3: one value, as it can stand among others.
pub(super) fn is_scope(scope: &str) -> bool {
    let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !scope.is_empty() && scope.bytes().all(is_token)
}
