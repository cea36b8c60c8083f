//! What is wrong with an answer, said to the applicant in the applicant's language.

use crate::credential_type::{Fault, IMAGE_BYTES_MAX, IMAGE_SIDE_MAX};
use crate::portal::language::Language;

/// Largest picture in the unit that people know.
const IMAGE_KILOBYTES_MAX: usize = IMAGE_BYTES_MAX / 1000;

/// What is wrong and what to do.
pub(super) fn text(fault: Fault, language: Language) -> String {
    match language {
        Language::English => english(fault),
        Language::German => german(fault),
    }
}

/// A browser sends a picture once: with the next try it has to be chosen again.
pub(super) const fn picture_again(language: Language) -> &'static str {
    match language {
        Language::English => "Please choose the picture again.",
        Language::German => "Bitte wählen Sie das Bild noch einmal aus.",
    }
}

fn english(fault: Fault) -> String {
    match fault {
        Fault::Missing => "Please fill this in.".into(),
        Fault::Unknown
        | Fault::Constant
        | Fault::Repeated
        | Fault::NotObject
        | Fault::NotList
        | Fault::NotText => "Please fill this in again.".into(),
        Fault::HiddenCharacter => {
            "Please type this in again: it holds a character that cannot be seen.".into()
        }
        Fault::BlankNode => "Please write this without _: at the beginning.".into(),
        Fault::TooFew(1) => "Please fill in at least one of these.".into(),
        Fault::TooFew(least) => format!("Please fill in at least {least} of these."),
        Fault::TooMany(most) => format!("Please fill in at most {most} of these."),
        Fault::TooShort(1) => "Please write at least one character.".into(),
        Fault::TooShort(least) => format!("Please write at least {least} characters."),
        Fault::TooLong(1) => "Please write one character only.".into(),
        Fault::TooLong(most) => format!("Please write at most {most} characters."),
        Fault::NotEmail => "Please write an e-mail address like name@example.org.".into(),
        Fault::NotDate => "Please write a day that exists, like 2001-12-31.".into(),
        Fault::NotDateTime => "Please write a day and time, like 2001-12-31T23:59:59Z.".into(),
        Fault::NotBytes => "Please write this in base64url, without = at its end.".into(),
        Fault::TooFewBytes(least) => format!("Please give at least {least} bytes."),
        Fault::TooManyBytes(most) => format!("Please give at most {most} bytes."),
        Fault::NotInteger => "Please write a whole number, in digits.".into(),
        Fault::NotNumber => "Please write a number, in digits.".into(),
        Fault::TooSmall(least) => format!("Please write {least} or more."),
        Fault::TooLarge(most) => format!("Please write {most} or less."),
        Fault::NotBoolean => "Please choose yes or no.".into(),
        Fault::OtherCountry => "Please write the country of the issuer.".into(),
        Fault::SaysNothing => "Please fill in this field, or another one.".into(),
        Fault::NotUri => "Please write an address like https://example.org/1.".into(),
        Fault::Twice => "Please write this once only.".into(),
        Fault::NotImage => "Please choose a picture in PNG or JPEG format.".into(),
        Fault::ImageBroken => {
            "Please choose another picture: this file is damaged, or it moves.".into()
        }
        Fault::ImageTooWide => {
            format!("Please choose a picture of at most {IMAGE_SIDE_MAX} pixels a side.")
        }
        Fault::ImageTooLarge => {
            format!("Please choose a smaller picture: at most {IMAGE_KILOBYTES_MAX} KB.")
        }
    }
}

fn german(fault: Fault) -> String {
    match fault {
        Fault::Missing => "Bitte füllen Sie dieses Feld aus.".into(),
        Fault::Unknown
        | Fault::Constant
        | Fault::Repeated
        | Fault::NotObject
        | Fault::NotList
        | Fault::NotText => "Bitte füllen Sie dieses Feld noch einmal aus.".into(),
        Fault::HiddenCharacter => {
            "Bitte tippen Sie das noch einmal: Es enthält ein unsichtbares Zeichen.".into()
        }
        Fault::BlankNode => "Bitte schreiben Sie das ohne _: am Anfang.".into(),
        Fault::TooFew(1) => "Bitte füllen Sie mindestens eines davon aus.".into(),
        Fault::TooFew(least) => format!("Bitte füllen Sie mindestens {least} davon aus."),
        Fault::TooMany(most) => format!("Bitte füllen Sie höchstens {most} davon aus."),
        Fault::TooShort(1) => "Bitte schreiben Sie mindestens ein Zeichen.".into(),
        Fault::TooLong(1) => "Bitte schreiben Sie nur ein Zeichen.".into(),
        Fault::TooShort(least) => format!("Bitte schreiben Sie mindestens {least} Zeichen."),
        Fault::TooLong(most) => format!("Bitte schreiben Sie höchstens {most} Zeichen."),
        Fault::NotEmail => "Bitte schreiben Sie eine E-Mail-Adresse wie name@example.org.".into(),
        Fault::NotDate => "Bitte schreiben Sie einen Tag, den es gibt, wie 2001-12-31.".into(),
        Fault::NotDateTime => {
            "Bitte schreiben Sie Tag und Uhrzeit wie 2001-12-31T23:59:59Z.".into()
        }
        Fault::NotBytes => "Bitte schreiben Sie das in base64url, ohne = am Ende.".into(),
        Fault::TooFewBytes(least) => format!("Bitte geben Sie mindestens {least} Bytes an."),
        Fault::TooManyBytes(most) => format!("Bitte geben Sie höchstens {most} Bytes an."),
        Fault::NotInteger => "Bitte schreiben Sie eine ganze Zahl in Ziffern.".into(),
        Fault::NotNumber => "Bitte schreiben Sie eine Zahl in Ziffern.".into(),
        Fault::TooSmall(least) => format!("Bitte schreiben Sie {least} oder mehr."),
        Fault::TooLarge(most) => format!("Bitte schreiben Sie {most} oder weniger."),
        Fault::NotBoolean => "Bitte wählen Sie Ja oder Nein.".into(),
        Fault::OtherCountry => "Bitte geben Sie das Land des Ausstellers an.".into(),
        Fault::SaysNothing => "Bitte füllen Sie dieses Feld oder ein anderes aus.".into(),
        Fault::NotUri => "Bitte geben Sie eine Adresse wie https://example.org/1 an.".into(),
        Fault::Twice => "Bitte geben Sie dies nur einmal an.".into(),
        Fault::NotImage => "Bitte wählen Sie ein Bild im Format PNG oder JPEG.".into(),
        Fault::ImageBroken => {
            "Bitte wählen Sie ein anderes Bild: Die Datei ist beschädigt, oder sie bewegt sich."
                .into()
        }
        Fault::ImageTooWide => {
            format!("Bitte wählen Sie ein Bild mit höchstens {IMAGE_SIDE_MAX} Pixeln je Seite.")
        }
        Fault::ImageTooLarge => {
            format!("Bitte wählen Sie ein kleineres Bild: höchstens {IMAGE_KILOBYTES_MAX} KB.")
        }
    }
}
