//! German.

use super::{Notice, SignInWords, Words};

pub(super) static WORDS: Words = Words {
    skip: "Zum Inhalt springen",
    questions: "Fragen?",
    all_cards: "Alle Nachweise",

    index_title: |issuer| format!("Nachweise von {issuer}"),
    index_lead: "Beantragen Sie hier Ihren Nachweis und bewahren Sie ihn in der Wallet-App auf \
                 Ihrem Telefon auf.",
    index_empty: "Zurzeit kann nichts beantragt werden. Bitte kommen Sie später wieder.",
    apply_for: |card| format!("{card} beantragen"),

    form_lead: "Am Ende erhalten Sie einen QR-Code. Ihre Wallet-App scannt ihn und übernimmt den \
                Nachweis.",
    optional: "freiwillig",
    example: |example| format!("Zum Beispiel {example}"),
    picture_hint: "PNG oder JPEG, höchstens 200 KB",
    yes: "Ja",
    no: "Nein",
    send: "Antrag senden",
    error: "Fehler",
    problem: "Bitte prüfen Sie Ihre Eingaben",

    received_title: "Ihr Antrag ist angekommen",
    received_status: "Wartet auf Genehmigung",
    received_next: "Wie es weitergeht",
    received_steps: [
        "Wir prüfen Ihren Antrag.",
        "Sobald er genehmigt ist, erscheint auf dieser Seite Ihr QR-Code.",
        "Sie scannen ihn mit der Wallet-App auf Ihrem Telefon.",
    ],
    keep_page: "Setzen Sie ein Lesezeichen oder lassen Sie diese Seite offen: Nur so kommen Sie \
                zu Ihrem Antrag zurück. Sie aktualisiert sich selbst.",
    number: "Antragsnummer",
    sent: "Gesendet",
    card: "Nachweis",

    offer_title: |card| format!("{card}: bereit für Ihr Wallet"),
    progress: "Fortschritt",
    progress_steps: ["Scannen", "Im Wallet annehmen", "Fertig"],
    waiting: "Wartet auf Ihr Wallet",
    opened: "Ihr Wallet hat das Angebot geöffnet. Machen Sie dort weiter.",
    code_picture: |card| {
        format!("QR-Code für Ihr Wallet: Angebot von {card}. Den Link gibt es auch als Text.")
    },
    scan_title: "Mit dem Wallet scannen",
    scan: "Öffnen Sie die Wallet-App auf Ihrem Telefon, wählen Sie „Scannen“ und halten Sie die \
           Kamera auf den Code.",
    same_device: "Ist Ihr Wallet auf diesem Gerät?",
    open: "Im Wallet öffnen",
    valid_until: "Gültig bis",
    time_left: "Verbleibende Zeit",
    other_ways: "Andere Wege",
    link: "Link zum Einfügen in Ihr Wallet",
    copy: "Link kopieren",
    copied: "Link kopiert",
    letter: "Brief zum Drucken (PDF)",
    png: "QR-Code als Bild (PNG)",
    renew: "Neuen QR-Code holen",
    renew_hint: "Der bisherige gilt dann nicht mehr.",
    tx_code: "Transaktionscode",
    tx_code_demo: "Nur zur Vorführung. Ein echter Aussteller schickt diesen Code auf anderem Weg, \
                   nie auf derselben Seite wie den QR-Code.",
    tx_code_screen: "Ihr Wallet fragt nach diesem Code:",
    tx_code_elsewhere: "Ihr Wallet fragt nach einem Transaktionscode. Sie erhalten ihn getrennt.",
    careful: "Bevor Sie annehmen",
    only_here: |host| {
        format!(
            "Scannen Sie den Code nur auf einer Seite von {host} und prüfen Sie, ob Ihr Wallet \
             dieselbe Adresse zeigt. Wir schicken QR-Codes nie per E-Mail."
        )
    },

    expired: Notice {
        title: "Dieser QR-Code ist abgelaufen",
        text: "Ihr Antrag gilt weiter. Holen Sie sich einen neuen QR-Code.",
    },
    locked: Notice {
        title: "Dieser QR-Code ist gesperrt",
        text: "Zu oft wurde ein falscher Transaktionscode eingegeben. Holen Sie sich einen neuen \
               QR-Code; dazu gehört ein neuer Transaktionscode.",
    },
    locked_for_officer: Notice {
        title: "Dieser QR-Code ist gesperrt",
        text: "Zu oft wurde ein falscher Transaktionscode eingegeben. Bitte wenden Sie sich an uns: \
               Sobald wir Ihren Antrag erneut bewilligt haben, finden Sie hier einen neuen QR-Code \
               mit einem neuen Transaktionscode.",
    },
    withdrawn: Notice {
        title: "Dieses Angebot wurde zurückgezogen",
        text: "Es kann nicht mehr benutzt werden. Bitte fragen Sie uns, wenn Sie das nicht \
               erwartet haben.",
    },

    issued_title: |card| format!("{card}: jetzt in Ihrem Wallet"),
    issued_text: "Sie können diese Seite schließen.",
    issued_at: "Ausgestellt",
    not_me: "Waren Sie das nicht?",
    not_me_text: "Sagen Sie es uns sofort, damit wir den Nachweis sperren können. Nennen Sie die \
                  Antragsnummer.",

    rejected: Notice {
        title: "Ihr Antrag wurde nicht genehmigt",
        text: "Sie können uns danach fragen oder mit berichtigten Angaben einen neuen stellen.",
    },
    reason: "Grund",
    deferred: Notice {
        title: "Ihre Wallet hat die Karte angefragt",
        text: "Wir prüfen Ihren Antrag. Sobald er genehmigt ist, erhält Ihre Wallet-App die Karte: \
               Schauen Sie dort später noch einmal nach.",
    },
    not_found: Notice {
        title: "Seite nicht gefunden",
        text: "Vielleicht ist die Adresse unvollständig. Ein Antrag öffnet sich nur über den \
               ganzen Link, den Sie beim Antrag erhalten haben.",
    },
    too_slow: Notice {
        title: "Das hat zu lange gedauert",
        text: "Die Verbindung oder unser Server war zu langsam. Gehen Sie zurück und senden Sie noch \
               einmal; ein kleineres Bild hilft.",
    },
    long_form: Notice {
        title: "Das ist zu viel",
        text: "Es wurde nichts gesendet: Das Formular ist größer, als wir annehmen. Gehen Sie zurück \
               und wählen Sie ein kleineres Bild, oder schreiben Sie weniger.",
    },
    stale_form: Notice {
        title: "Diese Seite war zu lange offen",
        text: "Es wurde nichts gesendet. Gehen Sie zurück, laden Sie die Seite neu und senden Sie \
               noch einmal.",
    },
    broken: Notice {
        title: "Bei uns ist etwas schiefgegangen",
        text: "Sie haben nichts falsch gemacht. Versuchen Sie es in einer Minute noch einmal. \
               Bleibt es dabei, nennen Sie uns diese Nummer:",
    },
    support_id: "Nummer für Rückfragen",
    too_many: Notice {
        title: "Zu viele Anfragen",
        text: "Von Ihrem Anschluss kam in kurzer Zeit zu viel.",
    },
    wait: |seconds| {
        let unit = if seconds == 1 { "Sekunde" } else { "Sekunden" };
        format!("Bitte warten Sie {seconds} {unit} und versuchen Sie es dann erneut.")
    },

    sign_in: SignInWords {
        title: "Anmelden",
        lead: |client| {
            format!(
                "{client} möchte einen Nachweis für Sie holen. Zeigen Sie uns zuerst, wer Sie sind."
            )
        },
        account: "Konto",
        password: "Passwort",
        button: "Anmelden",
        cancel: "Abbrechen",
        provider: |name| format!("Anmelden bei {name}"),
        or_account: "Oder mit einem Konto bei uns",
        provider_denied: "Sie wurden dort nicht angemeldet. Bitte versuchen Sie es noch einmal, \
                          oder brechen Sie ab.",
        provider_away: "Der Anmeldedienst antwortet gerade nicht. Bitte versuchen Sie es in \
                        einigen Minuten noch einmal.",
        provider_broken: "Der Anmeldedienst und wir verstehen einander nicht. Sie haben nichts \
                          falsch gemacht. Nennen Sie uns diese Nummer, dann sehen wir nach:",
        wrong: "Das hat nicht geklappt",
        wrong_text: "Konto oder Passwort ist falsch. Bitte tippen Sie beides noch einmal.",
        only_here: |host| {
            format!(
                "Tippen Sie Ihr Passwort nur auf einer Seite von {host}, und nur, wenn Sie in Ihrer \
                 Wallet begonnen haben."
            )
        },
        consent: |client| format!("Darf {client} das haben?"),
        signed_in_as: |account| format!("Sie sind angemeldet als {account}."),
        says: "Im Nachweis in Ihrer Wallet wird stehen:",
        allow: "Erlauben",
        deny: "Nicht erlauben",
        not_started: "Sie haben das nicht in Ihrer Wallet begonnen? Dann erlauben Sie es nicht.",
        picture: "ein Bild",
        over: Notice {
            title: "Diese Anmeldung ist vorbei",
            text: "Sie hat zu lange gedauert, oder es ging in einem anderen Fenster weiter. Bitte \
                   beginnen Sie in Ihrer Wallet von vorn.",
        },
        bad_request: Notice {
            title: "Ihre Wallet hat etwas verlangt, das wir nicht können",
            text: "Sie haben nichts falsch gemacht. Wer die Wallet macht, kann damit etwas anfangen:",
        },
        detail: "Einzelheit",
    },
};
