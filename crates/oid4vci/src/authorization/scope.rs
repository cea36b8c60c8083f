//! What scope values stand for, once some of what they asked for is granted (RFC 6749 §3.3).

use super::Requestable;

impl Requestable<'_> {
    /// The values of a granted `scope` that a token for these configurations still has: the answer
    /// names no more than what it gives (RFC 6749 §5.1).
    #[must_use]
    pub fn granted_scope(&self, scope: Option<&str>, ids: &[String]) -> Option<String> {
        let is_given = |value: &&str| ids.iter().any(|id| self.scope_of(id) == Some(value));
        let given: Vec<&str> = scope?.split(' ').filter(is_given).collect();
        (!given.is_empty()).then(|| given.join(" "))
    }

    /// Those of the configurations that a renewal with these values is for (RFC 6749 §6): what was
    /// granted by a value that is not among them is left out, what was granted by a detail stays.
    pub(crate) fn within_scopes(
        &self,
        ids: &[String],
        granted: &[&str],
        asked: &[String],
    ) -> Vec<String> {
        let stays = |id: &&String| {
            let scope = self.scope_of(id).filter(|scope| granted.contains(scope));
            scope.is_none_or(|scope| asked.iter().any(|value| value == scope))
        };
        ids.iter().filter(stays).cloned().collect()
    }

    fn scope_of(&self, id: &str) -> Option<&str> {
        self.configurations.get(id)?.as_deref()
    }
}
