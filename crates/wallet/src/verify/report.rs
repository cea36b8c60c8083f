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
    /// Whom it names as its issuer; whether that is so, the verdict tells.
    pub issuer: Option<String>,
    /// Whose word there is for whose the key is.
    pub(super) voucher: Voucher,
    /// Whether the issuer's website publishes the key, and the given authorities are silent.
    pub is_published: bool,
    /// Whether somebody was asked and did not answer.
    pub(super) is_unanswered: bool,
    /// Whether it has a status for which nobody was asked.
    pub(super) is_status_unknown: bool,
}

/// Who says whose the key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Voucher {
    #[default]
    Nobody,
    /// Somebody who is trusted.
    Trusted,
    /// Whoever made it, with a key of its own: that says only that it has the key.
    Holder,
    /// Nobody can: nothing in it is signed.
    Unsigned,
}

/// What follows from all checks together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing failed, the issuer is vouched for, and it is not revoked as far as it can be.
    Verified,
    /// A check failed.
    Failed,
    /// Nothing failed, but somebody who was asked did not answer.
    Unanswered,
    /// Nothing failed, but nobody vouches for the issuer.
    NotVouched,
    /// Nothing failed, but it has a status that was not looked at: it may be revoked.
    StatusUnknown,
    /// A proof that its maker has a key: anybody can make one.
    PossessionOnly,
    /// Nothing failed, and nothing in it is signed: anybody can have written it.
    NotSigned,
}

impl Report {
    /// What follows.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.checks.iter().any(|check| check.outcome == Outcome::Failed) {
            Verdict::Failed
        } else if self.is_unanswered {
            Verdict::Unanswered
        } else {
            match self.voucher {
                Voucher::Nobody => Verdict::NotVouched,
                Voucher::Holder => Verdict::PossessionOnly,
                Voucher::Unsigned => Verdict::NotSigned,
                Voucher::Trusted if self.is_status_unknown => Verdict::StatusUnknown,
                Voucher::Trusted => Verdict::Verified,
            }
        }
    }

    /// Both: only as good as the worse of them.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.checks.extend(other.checks);
        self.is_published |= other.is_published;
        self.is_unanswered |= other.is_unanswered;
        self.is_status_unknown |= other.is_status_unknown;
        if self.voucher != other.voucher {
            self.voucher = Voucher::Nobody;
        }
        self
    }

    /// Of what has no signature.
    pub(super) fn unsigned() -> Self {
        Self { voucher: Voucher::Unsigned, ..Self::default() }
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

/// How many there are, in words.
pub(super) fn counted(count: usize, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}
