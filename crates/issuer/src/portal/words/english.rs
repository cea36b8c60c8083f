//! English.

use super::{Notice, SignInWords, Words};

pub(super) static WORDS: Words = Words {
    skip: "Skip to content",
    questions: "Questions?",
    all_cards: "All cards",

    index_title: |issuer| format!("Cards from {issuer}"),
    index_lead: "Apply here, then keep the card in the wallet app on your phone.",
    index_empty: "There is nothing to apply for at the moment. Please come back later.",
    apply_for: |card| format!("Apply for {card}"),

    form_lead: "When you are done you get a QR code. Your wallet app scans it and adds the card.",
    optional: "optional",
    example: |example| format!("For example {example}"),
    picture_hint: "PNG or JPEG, up to 200 KB",
    yes: "Yes",
    no: "No",
    send: "Send application",
    error: "Error",
    problem: "Please check what you entered",

    received_title: "We have your application",
    received_status: "Waiting for approval",
    received_next: "What happens next",
    received_steps: [
        "We check your application.",
        "Once it is approved, your QR code appears on this page.",
        "You scan it with the wallet app on your phone.",
    ],
    keep_page: "Bookmark this page or keep it open: it is how you get back to your application. \
                It updates by itself.",
    number: "Application number",
    sent: "Sent",
    card: "Card",

    offer_title: |card| format!("Your {card} is ready"),
    progress: "Progress",
    progress_steps: ["Scan", "Accept in your wallet", "Done"],
    waiting: "Waiting for your wallet",
    opened: "Your wallet has opened the offer. Go on there.",
    code_picture: |card| {
        format!("QR code for your wallet: the offer of {card}. The link to it is on this page too.")
    },
    scan_title: "Scan with your wallet",
    scan: "Open the wallet app on your phone, choose “Scan”, and point the camera at the code.",
    same_device: "Is your wallet on this device?",
    open: "Open in wallet",
    valid_until: "Valid until",
    time_left: "Time left",
    other_ways: "Other ways",
    link: "Link to paste into your wallet",
    copy: "Copy link",
    copied: "Link copied",
    letter: "Letter to print (PDF)",
    png: "QR code as a picture (PNG)",
    renew: "Get a new QR code",
    renew_hint: "The one above then stops working.",
    tx_code: "Transaction code",
    tx_code_demo: "Demonstration only. A real issuer sends this code another way, never on the \
                   same page as the QR code.",
    tx_code_screen: "Your wallet asks for this code:",
    tx_code_elsewhere: "Your wallet asks for a transaction code that you receive separately.",
    careful: "Before you accept",
    only_here: |host| {
        format!(
            "Scan the code only on a page of {host}, and check that your wallet shows the same \
             address. We never send QR codes by e-mail."
        )
    },

    expired: Notice {
        title: "This QR code has expired",
        text: "Your application is still valid. Get a new QR code to go on.",
    },
    locked: Notice {
        title: "This QR code is locked",
        text: "A wrong transaction code was entered too often. Get a new QR code to go on; it has \
               a new transaction code.",
    },
    locked_for_officer: Notice {
        title: "This QR code is locked",
        text: "A wrong transaction code was entered too often. Please ask us: once we have approved \
               your application again, this page has a new QR code, with a new transaction code.",
    },
    withdrawn: Notice {
        title: "This offer was taken back",
        text: "It can no longer be used. Please ask us if you did not expect this.",
    },

    issued_title: |card| format!("Your {card} is in your wallet"),
    issued_text: "You can close this page now.",
    issued_at: "Issued",
    not_me: "Was this not you?",
    not_me_text: "Tell us at once, so that we can stop the card. Name the application number.",

    rejected: Notice {
        title: "Your application was not approved",
        text: "You can ask us about it, or apply again with corrected details.",
    },
    reason: "Reason",
    deferred: Notice {
        title: "Your wallet has asked for the card",
        text: "We are checking your application. Once it is approved, your wallet app gets the card: \
               look there again later.",
    },
    not_found: Notice {
        title: "Page not found",
        text: "The address may be incomplete. An application opens only through the complete link \
               that you got when you applied.",
    },
    too_slow: Notice {
        title: "This took too long",
        text: "The connection or our server was too slow. Go back and send it once more; a smaller \
               picture helps.",
    },
    long_form: Notice {
        title: "This is too much",
        text: "Nothing was sent: the form is larger than we take. Go back and choose a smaller \
               picture, or write less.",
    },
    stale_form: Notice {
        title: "This page was open for too long",
        text: "Nothing was sent. Go back, load the page again and send it once more.",
    },
    broken: Notice {
        title: "Something went wrong on our side",
        text: "You did nothing wrong. Please try again in a minute. If it keeps happening, tell \
               us this number:",
    },
    support_id: "Support number",
    too_many: Notice {
        title: "Too many requests",
        text: "Too much came from your connection in a short time.",
    },
    wait: |seconds| {
        let unit = if seconds == 1 { "second" } else { "seconds" };
        format!("Please wait {seconds} {unit}, then try again.")
    },

    sign_in: SignInWords {
        title: "Sign in",
        lead: |client| {
            format!("{client} wants to fetch a card for you. First show us who you are.")
        },
        account: "Account",
        password: "Password",
        button: "Sign in",
        cancel: "Cancel",
        provider: |name| format!("Sign in at {name}"),
        or_account: "Or with an account of ours",
        provider_denied: "You were not signed in there. Please try again, or cancel.",
        provider_away: "The sign-in service does not answer now. Please try again in a few \
                        minutes.",
        provider_broken: "The sign-in service and we do not understand each other. You did nothing \
                          wrong. Tell us this number and we will look:",
        wrong: "That did not work",
        wrong_text: "Account or password is wrong. Please type both again.",
        only_here: |host| {
            format!(
                "Type your password only on a page of {host}, and only if you began in your wallet."
            )
        },
        consent: |client| format!("May {client} have this?"),
        signed_in_as: |account| format!("You are signed in as {account}."),
        says: "The card in your wallet will say:",
        allow: "Allow",
        deny: "Do not allow",
        not_started: "You did not begin this in your wallet? Then do not allow it.",
        picture: "a picture",
        over: Notice {
            title: "This sign-in is over",
            text: "It took too long, or went on in another window. Please begin again in your wallet.",
        },
        bad_request: Notice {
            title: "Your wallet asked for something that we cannot do",
            text: "You did nothing wrong. Whoever makes the wallet can use this:",
        },
        detail: "Detail",
    },
};
