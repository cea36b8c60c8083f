//! What was checked, and what came of it.

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable word for it.
    pub name: &'static str,
    /// The section that demands it.
    pub rule: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found, or why nothing was; may hold texts of strangers.
    pub found: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It was not made.
    NotChecked,
}

impl Outcome {
    /// A stable word for scripts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotChecked => "not_checked",
        }
    }
}

/// All checks of one thing, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One at least.
    pub checks: Vec<Check>,
    /// Whether something that is trusted says whose the key is.
    pub(super) is_vouched: bool,
    /// Whether somebody was asked and did not answer.
    pub(super) is_unanswered: bool,
}

/// What follows from all checks together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing failed, and the issuer is vouched for.
    Verified,
    /// A check failed.
    Failed,
    /// Nothing failed, but somebody who was asked did not answer.
    Unanswered,
    /// Nothing failed, but nobody vouches for the issuer.
    NotVouched,
}

impl Report {
    /// What follows.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.checks.iter().any(|check| check.outcome == Outcome::Failed) {
            Verdict::Failed
        } else if self.is_unanswered {
            Verdict::Unanswered
        } else if self.is_vouched {
            Verdict::Verified
        } else {
            Verdict::NotVouched
        }
    }

    /// Says of a holder's key binding that whom it was made for alone can judge it.
    pub fn skip_key_binding(&mut self) {
        let why = "it is for whoever asked for it, and knows its nonce";
        self.skipped("key_binding", "RFC 9901 §7.3", why);
    }

    pub(super) fn passed(
        &mut self,
        name: &'static str,
        rule: &'static str,
        found: impl Into<String>,
    ) {
        self.add(name, rule, Outcome::Passed, found.into());
    }

    pub(super) fn failed(
        &mut self,
        name: &'static str,
        rule: &'static str,
        found: impl Into<String>,
    ) {
        self.add(name, rule, Outcome::Failed, found.into());
    }

    pub(super) fn skipped(
        &mut self,
        name: &'static str,
        rule: &'static str,
        why: impl Into<String>,
    ) {
        self.add(name, rule, Outcome::NotChecked, why.into());
    }

    fn add(&mut self, name: &'static str, rule: &'static str, outcome: Outcome, found: String) {
        self.checks.push(Check { name, rule, outcome, found });
    }
}
