//! The letter's sentences, in each language.

use crate::portal::language::Language;

/// Everything that a letter says by itself.
pub(super) struct Words {
    pub(super) title: fn(&str) -> String,
    pub(super) and: &'static str,
    pub(super) lead: &'static str,
    pub(super) letter_id: fn(&str) -> String,
    pub(super) code_alternative: &'static str,
    pub(super) wallet: (&'static str, &'static str),
    pub(super) scan: (&'static str, &'static str),
    pub(super) check: &'static str,
    pub(super) check_text: fn(&str, &str) -> String,
    pub(super) enter: &'static str,
    pub(super) enter_elsewhere: &'static str,
    pub(super) enter_sheet: &'static str,
    pub(super) done: (&'static str, &'static str),
    pub(super) use_by: fn(&str) -> String,
    pub(super) after_that: &'static str,
    pub(super) no_camera: &'static str,
    pub(super) type_link: &'static str,
    pub(super) be_careful: &'static str,
    pub(super) only_if: fn(&str, &str) -> String,
    pub(super) questions: &'static str,
    pub(super) code_title: &'static str,
    pub(super) code_lead: fn(&str) -> String,
    pub(super) code_secret: &'static str,
    pub(super) own_envelope: &'static str,
    pub(super) empty_page: &'static str,
    pub(super) page: fn(usize, usize) -> String,
}

impl Words {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

static ENGLISH: Words = Words {
    title: |names| format!("Your {names}"),
    and: " and ",
    lead: "Put it into the wallet app on your phone. This takes about two minutes.",
    letter_id: |id| format!("Letter {id}"),
    code_alternative: "QR code with the offer; the same link is printed below as text",
    wallet: (
        "Get a wallet app",
        "Use the one you have, or install one. It must support OpenID4VCI.",
    ),
    scan: ("Scan the code", "Choose “Scan” in the wallet and hold the phone over the square."),
    check: "Check who offers it",
    check_text: |name, host| format!("The wallet must show {name} and the address {host}."),
    enter: "Enter your code",
    enter_elsewhere: "The wallet asks for a transaction code. You receive it separately.",
    enter_sheet: "The wallet asks for a transaction code. It comes in a second letter.",
    done: ("Done", "The card is in your wallet. You no longer need this letter."),
    use_by: |until| format!("Use this letter by {until}"),
    after_that: "After that the code no longer works, and you can ask for a new letter.",
    no_camera: "If scanning does not work",
    type_link: "Type this link into your wallet, without spaces:",
    be_careful: "Before you scan",
    only_if: |name, host| {
        format!(
            "Scan the code only if you expect this letter from {name}. Your wallet must show the \
             address {host} before it goes on; if it shows another one, stop and ask us."
        )
    },
    questions: "Questions?",
    code_title: "Your transaction code",
    code_lead: |id| {
        format!("Your wallet asks for this code after you scanned the square in letter {id}.")
    },
    code_secret: "Type it into your wallet only. Nobody from our side will ever ask you for it.",
    own_envelope: "For the sender: this sheet goes in an envelope of its own, apart from the letter.",
    empty_page: "This page is empty, so that the transaction code is on a sheet of its own.",
    page: |page, pages| format!("Page {page} of {pages}"),
};

static GERMAN: Words = Words {
    title: |names| format!("{names} für Ihr Wallet"),
    and: " und ",
    lead: "Laden Sie den Nachweis in Ihre Wallet-App. Das dauert etwa zwei Minuten.",
    letter_id: |id| format!("Brief {id}"),
    code_alternative: "QR-Code mit dem Angebot; derselbe Link steht unten als Text",
    wallet: (
        "Wallet-App öffnen",
        "Nehmen Sie Ihre eigene oder installieren Sie eine. Sie muss OpenID4VCI unterstützen.",
    ),
    scan: (
        "Code scannen",
        "Wählen Sie im Wallet „Scannen“ und halten Sie das Telefon über das Quadrat.",
    ),
    check: "Absender prüfen",
    check_text: |name, host| format!("Das Wallet muss {name} und die Adresse {host} zeigen."),
    enter: "Code eingeben",
    enter_elsewhere: "Das Wallet fragt nach einem Transaktionscode. Sie erhalten ihn getrennt.",
    enter_sheet: "Das Wallet fragt nach einem Transaktionscode. Er kommt in einem zweiten Brief.",
    done: ("Fertig", "Der Nachweis ist in Ihrem Wallet. Sie brauchen diesen Brief nicht mehr."),
    use_by: |until| format!("Gültig bis {until}"),
    after_that: "Danach gilt der Code nicht mehr, und Sie können einen neuen Brief anfordern.",
    no_camera: "Wenn das Scannen nicht geht",
    type_link: "Geben Sie diesen Link in Ihr Wallet ein, ohne Leerzeichen:",
    be_careful: "Bevor Sie scannen",
    only_if: |name, host| {
        format!(
            "Scannen Sie den Code nur, wenn Sie diesen Brief von {name} erwarten. Ihr Wallet muss \
             die Adresse {host} zeigen; zeigt es eine andere, brechen Sie ab und fragen Sie uns."
        )
    },
    questions: "Fragen?",
    code_title: "Ihr Transaktionscode",
    code_lead: |id| {
        format!("Ihr Wallet fragt nach diesem Code, wenn Sie Brief {id} gescannt haben.")
    },
    code_secret: "Geben Sie ihn nur in Ihr Wallet ein. Niemand von uns wird Sie je danach fragen.",
    own_envelope: "Für den Absender: Dieses Blatt gehört in einen eigenen Umschlag.",
    empty_page: "Diese Seite ist leer, damit der Transaktionscode auf einem eigenen Blatt steht.",
    page: |page, pages| format!("Seite {page} von {pages}"),
};
