//! The pages on which somebody signs in for a wallet, and answers it.

use askama::Template;
use oid4vci::provider::ProviderRefusal;

use super::pages::{Card, Site};

/// `/authorize/HANDLE`, as long as nobody has signed in.
#[derive(Debug, Template)]
#[template(path = "portal/sign_in.html")]
pub struct SignInPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What people call the wallet that asks.
    pub client_name: &'a str,
    /// This page's path below `base`.
    pub path: &'a str,
    /// What was typed before.
    pub account: &'a str,
    /// Whether that was wrong.
    pub wrong: bool,
    /// Whether accounts of the issuer can sign in.
    pub accounts: bool,
    /// What people call the provider where they can sign in instead.
    pub provider: Option<&'a str>,
    /// What went wrong there.
    pub trouble: Option<ProviderTrouble<'a>>,
    /// Goes back in the field `csrf` (P01).
    pub csrf: &'a str,
}

/// What went wrong at a provider.
#[derive(Clone, Copy, Debug)]
pub struct ProviderTrouble<'a> {
    /// What it was.
    pub refusal: ProviderRefusal,
    /// Under which the log has it.
    pub support_id: &'a str,
}

impl SignInPage<'_> {
    /// The person reads what they can do; all else is for whoever operates the issuer.
    const fn trouble_text(&self, trouble: &ProviderTrouble<'_>) -> &'static str {
        let words = &self.site.words().sign_in;
        if trouble.refusal.passes() {
            words.provider_away
        } else if trouble.refusal.is_of_the_person() {
            words.provider_denied
        } else {
            words.provider_broken
        }
    }

    const fn has_problem(&self) -> bool {
        self.wrong || self.trouble.is_some()
    }
}

/// `/authorize/HANDLE` once somebody has signed in: who wants what (AUTHZ-25).
#[derive(Debug, Template)]
#[template(path = "portal/consent.html")]
pub struct ConsentPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What people call the wallet that asks.
    pub client_name: &'a str,
    /// Who has signed in.
    pub account: &'a str,
    /// This page's path below `base`.
    pub path: &'a str,
    /// What the wallet will get.
    pub cards: &'a [ShownCredential<'a>],
    /// Goes back in the field `csrf` (P01).
    pub csrf: &'a str,
}

/// One credential that the wallet will get.
#[derive(Debug)]
pub struct ShownCredential<'a> {
    /// Its type.
    pub card: Card<'a>,
    /// Everything that it will say.
    pub claims: Vec<ShownClaim>,
}

/// One claim, for people.
#[derive(Debug)]
pub struct ShownClaim {
    /// What it is called.
    pub label: String,
    /// What it says.
    pub value: String,
}
