//! What the pages say; each language has a file of its own, and none can miss a sentence.

use super::language::Language;

mod english;
mod german;

/// Everything that the pages say by themselves.
pub(super) struct Words {
    pub(super) skip: &'static str,
    pub(super) questions: &'static str,
    pub(super) all_cards: &'static str,

    pub(super) index_title: fn(&str) -> String,
    pub(super) index_lead: &'static str,
    pub(super) index_empty: &'static str,
    pub(super) apply_for: fn(&str) -> String,

    pub(super) form_lead: &'static str,
    pub(super) optional: &'static str,
    pub(super) example: fn(&str) -> String,
    pub(super) picture_hint: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    pub(super) send: &'static str,
    pub(super) error: &'static str,
    pub(super) problem: &'static str,

    pub(super) received_title: &'static str,
    pub(super) received_status: &'static str,
    pub(super) received_next: &'static str,
    pub(super) received_steps: [&'static str; 3],
    pub(super) keep_page: &'static str,
    pub(super) number: &'static str,
    pub(super) sent: &'static str,
    pub(super) card: &'static str,

    pub(super) offer_title: fn(&str) -> String,
    pub(super) progress: &'static str,
    pub(super) progress_steps: [&'static str; 3],
    pub(super) waiting: &'static str,
    pub(super) opened: &'static str,
    pub(super) code_picture: fn(&str) -> String,
    pub(super) scan_title: &'static str,
    pub(super) scan: &'static str,
    pub(super) same_device: &'static str,
    pub(super) open: &'static str,
    pub(super) valid_until: &'static str,
    pub(super) time_left: &'static str,
    pub(super) other_ways: &'static str,
    pub(super) link: &'static str,
    pub(super) copy: &'static str,
    pub(super) copied: &'static str,
    pub(super) letter: &'static str,
    pub(super) png: &'static str,
    pub(super) renew: &'static str,
    pub(super) renew_hint: &'static str,
    pub(super) tx_code: &'static str,
    pub(super) tx_code_demo: &'static str,
    pub(super) tx_code_screen: &'static str,
    pub(super) tx_code_elsewhere: &'static str,
    pub(super) careful: &'static str,
    pub(super) only_here: fn(&str) -> String,

    pub(super) expired: Notice,
    pub(super) locked: Notice,
    pub(super) locked_for_officer: Notice,
    pub(super) withdrawn: Notice,

    pub(super) issued_title: fn(&str) -> String,
    pub(super) issued_text: &'static str,
    pub(super) issued_at: &'static str,
    pub(super) not_me: &'static str,
    pub(super) not_me_text: &'static str,

    pub(super) rejected: Notice,
    pub(super) reason: &'static str,
    pub(super) deferred: Notice,
    pub(super) not_found: Notice,
    pub(super) stale_form: Notice,
    pub(super) long_form: Notice,
    pub(super) too_slow: Notice,
    pub(super) broken: Notice,
    pub(super) support_id: &'static str,
    pub(super) too_many: Notice,
    pub(super) wait: fn(u64) -> String,

    pub(super) sign_in: SignInWords,
}

/// What the pages say to somebody whom a wallet has sent.
pub(super) struct SignInWords {
    pub(super) title: &'static str,
    pub(super) lead: fn(&str) -> String,
    pub(super) account: &'static str,
    pub(super) password: &'static str,
    pub(super) button: &'static str,
    pub(super) cancel: &'static str,
    pub(super) provider: fn(&str) -> String,
    pub(super) or_account: &'static str,
    pub(super) provider_denied: &'static str,
    pub(super) provider_away: &'static str,
    pub(super) provider_broken: &'static str,
    pub(super) wrong: &'static str,
    pub(super) wrong_text: &'static str,
    pub(super) only_here: fn(&str) -> String,
    pub(super) consent: fn(&str) -> String,
    pub(super) signed_in_as: fn(&str) -> String,
    pub(super) says: &'static str,
    pub(super) allow: &'static str,
    pub(super) deny: &'static str,
    pub(super) not_started: &'static str,
    pub(super) picture: &'static str,
    pub(super) over: Notice,
    pub(super) bad_request: Notice,
    pub(super) detail: &'static str,
}

/// What is the matter, and what to do next.
#[derive(Clone, Copy)]
pub(super) struct Notice {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

impl Words {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::WORDS,
            Language::German => &german::WORDS,
        }
    }
}
