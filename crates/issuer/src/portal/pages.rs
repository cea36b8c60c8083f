//! The pages: what each one shows. They know neither store nor protocol.

use askama::Template;
use qr::QrCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::assets::type_class;
use super::language::Language;
use super::words::{Notice, Words};

pub use super::field::{Field, FieldGroup, FieldKind};
pub use super::sign_in_pages::{
    ConsentPage, ProviderTrouble, ShownClaim, ShownCredential, SignInPage,
};

/// Without JavaScript a page that waits loads itself again after so many seconds.
const RELOAD_SECONDS: u8 = 15;

/// What is the same on every page of an Issuer.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The path of the issuer's URL, such as `/issuer`; empty for none. All links begin with it.
    pub base: &'a str,
    /// The issuer's name.
    pub issuer_name: &'a str,
    /// The host of the issuer's URL, for people to compare.
    pub host: &'a str,
    /// Where to ask; may be empty.
    pub help_line: &'a str,
    /// The reader's language.
    pub language: Language,
}

impl Site<'_> {
    pub(super) const fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// Stands for a picture that will be disclosed.
    #[must_use]
    pub const fn picture(&self) -> &'static str {
        self.words().sign_in.picture
    }

    /// A claim that is true or false.
    #[must_use]
    pub const fn yes_or_no(&self, yes: bool) -> &'static str {
        if yes { self.words().yes } else { self.words().no }
    }

    fn when(&self, moment: &OffsetDateTime) -> String {
        self.language.date_time(*moment)
    }
}

/// One credential type, as a card.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// Its Credential Configuration Identifier.
    pub id: &'a str,
    /// Its name in the reader's language.
    pub name: &'a str,
    /// A sentence about it; may be empty.
    pub description: &'a str,
    /// A picture from this server or a `data:` URL: the policy lets no other through.
    pub logo: Option<Logo<'a>>,
}

/// A card's logo.
#[derive(Clone, Copy, Debug)]
pub struct Logo<'a> {
    /// Where it is.
    pub uri: &'a str,
    /// What it shows; empty when it only decorates.
    pub alt_text: &'a str,
}

impl Card<'_> {
    pub(super) fn class(&self) -> String {
        type_class(self.id)
    }

    fn path(&self) -> String {
        format!("/apply/{}", segment(self.id))
    }
}

/// `/`: what can be applied for.
#[derive(Debug, Template)]
#[template(path = "portal/index.html")]
pub struct IndexPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// One card a type.
    pub cards: &'a [Card<'a>],
}

/// `/apply/ID`: the form of one type.
#[derive(Debug, Template)]
#[template(path = "portal/form.html")]
pub struct FormPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// The type.
    pub card: &'a Card<'a>,
    /// Its fields, with what was entered and what is wrong with it.
    pub groups: &'a [FieldGroup],
    /// Goes back in the field `csrf` (P01).
    pub csrf: &'a str,
}

impl FormPage<'_> {
    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| &group.fields)
    }

    /// The fields to correct, and what is wrong with each.
    fn errors(&self) -> Vec<(String, &str)> {
        let error = |field: &'_ Field| field.error.as_ref().map(|_| field.first_id());
        self.fields().filter_map(|field| Some((error(field)?, field.error.as_deref()?))).collect()
    }

    fn has_picture(&self) -> bool {
        self.fields().any(|field| field.kind == FieldKind::Picture)
    }
}

/// `/applications/SECRET`, as long as nobody has decided.
#[derive(Debug, Template)]
#[template(path = "portal/received.html")]
pub struct ReceivedPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// The type applied for.
    pub card: &'a Card<'a>,
    /// This page's path below `base`: `/applications/SECRET`.
    pub path: &'a str,
    /// Names the application in a conversation; opens nothing.
    pub number: &'a str,
    /// When it was sent.
    pub sent_at: OffsetDateTime,
}

/// `/applications/SECRET` with an offer.
#[derive(Template)]
#[template(path = "portal/offer.html")]
pub struct OfferPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What is offered.
    pub card: &'a Card<'a>,
    /// This page's path below `base`; `/qr.png`, `/letter.pdf`, `/renew` and `/events` follow it.
    pub path: &'a str,
    /// What the offer waits for.
    pub state: OfferPageState,
    /// The offer as a link.
    pub uri: &'a str,
    /// The same as QR code.
    pub code: &'a QrCode,
    /// The last moment of the offer.
    pub expires_at: OffsetDateTime,
    /// Until then, for the countdown: the reader's clock may be wrong.
    pub seconds_left: u64,
    /// Whether there is a letter to print.
    pub letter: bool,
    /// Whether the wallet asks for a code, and where it is.
    pub tx_code: PageTxCode<'a>,
    /// Goes back in the field `csrf` (P01).
    pub csrf: &'a str,
}

/// What an open offer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferPageState {
    /// Nobody has fetched it.
    Waiting,
    /// A wallet has fetched it.
    Opened,
}

impl OfferPageState {
    /// The name that `/events` sends and the script compares.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Opened => "opened",
        }
    }
}

/// What the page says about the Transaction Code.
#[derive(Clone, Copy)]
pub enum PageTxCode<'a> {
    /// The wallet asks for none.
    None,
    /// It stands on the page: for demonstrations only (A25).
    OnScreen(&'a str),
    /// It comes another way; the text says which, and may be empty.
    Elsewhere(&'a str),
}

impl OfferPage<'_> {
    fn status(&self) -> &'static str {
        match self.state {
            OfferPageState::Waiting => self.site.words().waiting,
            OfferPageState::Opened => self.site.words().opened,
        }
    }

    /// How far the reader is on the way to the card.
    const fn step(&self) -> usize {
        match self.state {
            OfferPageState::Waiting => 0,
            OfferPageState::Opened => 1,
        }
    }

    fn countdown(&self) -> String {
        format!("{}:{:02}", self.seconds_left / 60, self.seconds_left % 60)
    }
}

/// `/applications/SECRET` with an offer that can no longer be used.
#[derive(Debug, Template)]
#[template(path = "portal/closed.html")]
pub struct ClosedPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What was offered.
    pub card: &'a Card<'a>,
    /// This page's path below `base`.
    pub path: &'a str,
    /// Why.
    pub reason: ClosedReason,
    /// Goes back in the field `csrf` (P01).
    pub csrf: &'a str,
}

/// Why an offer can no longer be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedReason {
    /// Its time is over.
    Expired,
    /// Too many wrong Transaction Codes (VCI §13.6.3), where everybody is approved at once.
    Locked,
    /// The same, where an officer must approve again.
    LockedForOfficer,
    /// The Issuer took it back.
    Withdrawn,
}

impl ClosedPage<'_> {
    const fn state(&self) -> &'static str {
        match self.reason {
            ClosedReason::Expired => "expired",
            ClosedReason::Locked | ClosedReason::LockedForOfficer => "locked",
            ClosedReason::Withdrawn => "withdrawn",
        }
    }

    const fn notice(&self) -> Notice {
        match self.reason {
            ClosedReason::Expired => self.site.words().expired,
            ClosedReason::Locked => self.site.words().locked,
            ClosedReason::LockedForOfficer => self.site.words().locked_for_officer,
            ClosedReason::Withdrawn => self.site.words().withdrawn,
        }
    }

    /// What was taken back on purpose, or guessed at, is not given out again without an officer.
    fn can_renew(&self) -> bool {
        matches!(self.reason, ClosedReason::Expired | ClosedReason::Locked)
    }
}

/// `/applications/SECRET` after the credential was issued: the receipt.
#[derive(Debug, Template)]
#[template(path = "portal/issued.html")]
pub struct IssuedPage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What was issued.
    pub card: &'a Card<'a>,
    /// Names the application in a conversation; opens nothing.
    pub number: &'a str,
    /// When.
    pub issued_at: OffsetDateTime,
}

/// Any page that only says what is the matter and what to do next.
#[derive(Debug, Template)]
#[template(path = "portal/notice.html")]
pub struct NoticePage<'a> {
    /// The issuer's site.
    pub site: Site<'a>,
    /// What is the matter.
    pub kind: NoticeKind<'a>,
}

/// What is the matter.
#[derive(Clone, Copy, Debug)]
pub enum NoticeKind<'a> {
    /// The application was rejected, with the officer's words; they may be empty.
    Rejected(&'a str),
    /// The wallet has asked, and an officer has not decided yet.
    Deferred,
    /// No such page, or another person's (404).
    NotFound,
    /// The CSRF token is missing or too old (403).
    StaleForm,
    /// More was sent than a form of ours needs (413).
    LongForm,
    /// It took longer than a request may take (408).
    TooSlow,
    /// The sign-in for a wallet took too long, or is in another browser (400).
    SignInOver,
    /// A wallet asked for something that is none of ours; for whoever makes the wallet (400).
    BadRequest(&'a str),
    /// Our fault (500), under the id that is in the log.
    Broken(&'a str),
    /// More than one address may ask (429); wait so many seconds.
    TooMany(u64),
}

impl NoticePage<'_> {
    const fn notice(&self) -> Notice {
        let words = self.site.words();
        match self.kind {
            NoticeKind::Rejected(_) => words.rejected,
            NoticeKind::Deferred => words.deferred,
            NoticeKind::NotFound => words.not_found,
            NoticeKind::StaleForm => words.stale_form,
            NoticeKind::LongForm => words.long_form,
            NoticeKind::TooSlow => words.too_slow,
            NoticeKind::SignInOver => words.sign_in.over,
            NoticeKind::BadRequest(_) => words.sign_in.bad_request,
            NoticeKind::Broken(_) => words.broken,
            NoticeKind::TooMany(_) => words.too_many,
        }
    }
}

/// For the `datetime` attribute, which the script turns into the reader's own time.
fn machine_time(moment: &OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A path segment, percent-encoded (RFC 3986 §3.3).
fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
