//! The portal's pages, as a browser and a stranger's input meet them.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use askama::Template;
use issuer::portal::assets::{CONTENT_SECURITY_POLICY, TypeColours, asset, type_class, types_css};
use issuer::portal::language::Language;
use issuer::portal::pages::{
    Card, ClosedPage, ClosedReason, Field, FieldGroup, FieldKind, FormPage, IndexPage, IssuedPage,
    Logo, NoticeKind, NoticePage, OfferPage, OfferPageState, PageTxCode, ReceivedPage, Site,
};
use issuer::portal::sign_in_pages::{ConsentPage, ShownClaim, ShownCredential, SignInPage};
use oid4vci::colour::Colour;
use qr::{Level, QrCode};
use time::OffsetDateTime;
use time::macros::datetime;

mod html;
use html::Html;

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
const LINK: &str = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fa.example%2F0";
const NOW: OffsetDateTime = datetime!(2026-11-24 14:05 UTC);

fn site(text: &str, language: Language) -> Site<'_> {
    Site { base: "/cards", issuer_name: text, host: "a.example", help_line: text, language }
}

fn card(text: &str) -> Card<'_> {
    let logo = Some(Logo { uri: "/cards/assets/icon.svg", alt_text: text });
    Card { id: "student_card", name: text, description: text, logo }
}

fn field(kind: FieldKind, text: &str) -> Field {
    Field {
        name: format!("{kind:?}.{text}"),
        label: text.to_owned(),
        kind,
        required: false,
        example: text.to_owned(),
        max_length: Some(80),
        value: text.to_owned(),
        error: Some(text.to_owned()),
    }
}

fn groups(text: &str) -> Vec<FieldGroup> {
    use FieldKind::{Boolean, Date, Email, Integer, Number, Picture, Text};
    let kinds = [Text, Email, Date, Integer, Number, Boolean, Picture];
    let fields = kinds.map(|kind| field(kind, text)).to_vec();
    let address = vec![Field { name: "address.city".into(), ..field(Text, text) }];
    vec![
        FieldGroup { legend: None, fields },
        FieldGroup { legend: Some(text.to_owned()), fields: address },
    ]
}

fn offer(text: &str, language: Language, tx_code: PageTxCode<'_>) -> String {
    OfferPage {
        site: site(text, language),
        card: &card(text),
        path: "/applications/s",
        state: OfferPageState::Waiting,
        uri: LINK,
        code: &QrCode::encode(LINK, Level::M).unwrap(),
        expires_at: NOW,
        seconds_left: 599,
        letter: true,
        tx_code,
        csrf: "c5rf",
    }
    .render()
    .unwrap()
}

fn form(text: &str, language: Language) -> String {
    let (site, card, groups) = (site(text, language), card(text), groups(text));
    FormPage { site, card: &card, groups: &groups, csrf: "c5rf" }.render().unwrap()
}

fn closed(text: &str, language: Language, reason: ClosedReason) -> String {
    let (site, card, path) = (site(text, language), card(text), "/applications/s");
    ClosedPage { site, card: &card, path, reason, csrf: "c5rf" }.render().unwrap()
}

fn notice(kind: NoticeKind<'_>, text: &str, language: Language) -> String {
    NoticePage { site: site(text, language), kind }.render().unwrap()
}

/// Every page there is, with this text in every place that takes one.
fn pages(text: &str, language: Language) -> Vec<String> {
    let (site, card) = (site(text, language), card(text));
    let (path, number) = ("/applications/s", text);
    let cards = [card.clone()];
    let mut pages = vec![
        IndexPage { site, cards: &cards }.render().unwrap(),
        IndexPage { site, cards: &[] }.render().unwrap(),
        form(text, language),
        ReceivedPage { site, card: &card, path, number, sent_at: NOW }.render().unwrap(),
        offer(text, language, PageTxCode::OnScreen(text)),
        offer(text, language, PageTxCode::Elsewhere(text)),
        offer(text, language, PageTxCode::None),
        IssuedPage { site, card: &card, number, issued_at: NOW }.render().unwrap(),
    ];
    for wrong in [false, true] {
        let (client_name, account) = (text, text);
        let page = SignInPage {
            site,
            client_name,
            path,
            account,
            wrong,
            accounts: true,
            provider: None,
            trouble: None,
            csrf: "c5rf",
        };
        pages.push(page.render().unwrap());
    }
    let claims = vec![ShownClaim { label: text.to_owned(), value: text.to_owned() }];
    let shown = [ShownCredential { card: card.clone(), claims }];
    let consent =
        ConsentPage { site, client_name: text, account: text, path, cards: &shown, csrf: "c5rf" };
    pages.push(consent.render().unwrap());
    for reason in [ClosedReason::Expired, ClosedReason::Locked, ClosedReason::Withdrawn] {
        pages.push(closed(text, language, reason));
    }
    let kinds = [
        NoticeKind::Rejected(text),
        NoticeKind::Deferred,
        NoticeKind::SignInOver,
        NoticeKind::BadRequest(text),
        NoticeKind::NotFound,
        NoticeKind::StaleForm,
        NoticeKind::LongForm,
        NoticeKind::TooSlow,
        NoticeKind::Broken(text),
        NoticeKind::TooMany(30),
    ];
    pages.extend(kinds.map(|kind| notice(kind, text, language)));
    pages
}

fn every_page() -> impl Iterator<Item = String> {
    Language::ALL.into_iter().flat_map(|language| {
        ["Plain", HOSTILE].into_iter().flat_map(move |text| pages(text, language))
    })
}

#[test]
fn every_page_is_sound_html() {
    for page in every_page() {
        let html = Html::parse(&page);
        html.assert_ids_are_unique_and_found();
        html.assert_inputs_are_labelled();
        assert_eq!(html.count("h1"), 1, "{page}");
        assert_eq!(html.count("main"), 1, "{page}");
    }
}

/// P03: what a stranger typed stays text, whatever the page.
#[test]
fn hostile_values_stay_text() {
    for page in Language::ALL.into_iter().flat_map(|language| pages(HOSTILE, language)) {
        assert!(!page.contains("<script>"), "{page}");
        assert!(!page.contains("<img src=x"), "{page}");
    }
}

/// The policy forbids it, so a page with it would be broken.
#[test]
fn nothing_is_inline() {
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    for page in every_page() {
        let html = Html::parse(&page);
        assert_eq!(html.count("style"), 0);
        for tag in &html.tags {
            assert!(tag.name != "script" || tag.attribute("src").is_some(), "{page}");
            let inline = |name: &String| name == "style" || name.starts_with("on");
            assert!(!tag.attributes.iter().any(|(name, _)| inline(name)), "{page}");
        }
    }
}

#[test]
fn links_stay_below_the_base() {
    for page in every_page() {
        for tag in &Html::parse(&page).tags {
            for name in ["href", "src", "action", "data-events"] {
                let Some(target) = tag.attribute(name) else { continue };
                let ours = target.starts_with("/cards/") || target.starts_with('#');
                assert!(ours || target == LINK, "{target}");
            }
        }
    }
}

#[test]
fn a_page_with_its_assets_weighs_less_than_100_kb() {
    let weight = |name| asset(name).unwrap().content.len();
    let assets = weight("portal.css") + weight("portal.js") + weight("icon.svg");
    let page = offer("Plain", Language::English, PageTxCode::OnScreen("493536"));
    assert!(page.len() + assets < 100_000);
    assert!(asset("../pages.rs").is_none());
}

/// A wrong answer keeps what was entered and leads to what must be corrected.
#[test]
fn a_form_with_errors_keeps_values_and_links_to_them() {
    let page = form("Plain", Language::English);
    let html = Html::parse(&page);
    assert!(page.contains("role=\"alert\""));
    assert!(page.contains("<title>Error: "));
    for kind in ["Text", "Email", "Date", "Integer", "Number", "Picture"] {
        let id = format!("field-{kind}-Plain");
        let input = html.by_id(&id);
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
        assert_eq!(input.attribute("aria-invalid"), Some("true"));
        let described = input.attribute("aria-describedby").unwrap();
        assert!(described.contains(&format!("{id}-error")), "{id}");
        let value = (kind != "Picture").then_some("Plain");
        assert_eq!(input.attribute("value"), value, "{id}");
    }
    assert!(page.contains("href=\"#field-Boolean-Plain-yes\""));
    assert_eq!(html.by_id("field-address-city").attribute("autocomplete"), Some("address-level2"));
}

#[test]
fn forms_carry_their_token() {
    let language = Language::English;
    let pages = [
        form("Plain", language),
        offer("Plain", language, PageTxCode::None),
        closed("Plain", language, ClosedReason::Expired),
    ];
    for page in pages {
        let html = Html::parse(&page);
        let token = |tag: &&html::Tag| tag.attribute("name") == Some("csrf");
        assert_eq!(html.count("form"), 1);
        assert_eq!(html.tags.iter().find(token).unwrap().attribute("value"), Some("c5rf"));
    }
}

/// Only a demonstration shows the code beside the QR code, and says so (A25).
#[test]
fn a_transaction_code_on_screen_is_marked_as_demonstration() {
    let page = |tx_code| offer("Plain", Language::English, tx_code);
    let shown = page(PageTxCode::OnScreen("493536"));
    assert!(shown.contains("493536") && shown.contains("Demonstration only"));
    let elsewhere = page(PageTxCode::Elsewhere("By text message"));
    assert!(elsewhere.contains("By text message") && !elsewhere.contains("Demonstration only"));
    assert!(!page(PageTxCode::None).contains("tx-code"));
}

/// A page that may change loads itself again without JavaScript; one at its end does not.
#[test]
fn only_pages_that_wait_reload() {
    let reload = "<noscript><meta http-equiv=\"refresh\" content=\"15\"></noscript>";
    for page in pages("Plain", Language::English) {
        assert_eq!(page.contains(reload), page.contains("data-events="), "{page}");
    }
    assert!(offer("Plain", Language::English, PageTxCode::None).contains(reload));
}

#[test]
fn what_was_taken_back_cannot_be_renewed() {
    let renewable = |reason| closed("Plain", Language::English, reason).contains("/renew");
    assert!(renewable(ClosedReason::Expired));
    assert!(renewable(ClosedReason::Locked));
    assert!(!renewable(ClosedReason::LockedForOfficer));
    assert!(!renewable(ClosedReason::Withdrawn));
}

/// RFC 9110 §12.5.4
#[test]
fn the_best_liked_language_is_spoken() {
    let cases = [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5, DE;q=0.51", "de"),
        ("fr, en;q=0.3, de;q=0.2", "en"),
        ("de;q=0", "en"),
        ("xx;q=nonsense,;;,=", "en"),
    ];
    for (header, tag) in cases {
        assert_eq!(Language::accepted(header).tag(), tag, "{header}");
    }
}

#[test]
fn card_colours_are_readable_whatever_the_operator_wrote() {
    let colour = |text| Colour::parse(text).unwrap();
    for (background, text) in
        [("#7a1f3d", "#7a2040"), ("#f2c14e", "#ffffff"), ("#777777", "#888888")]
    {
        let background = colour(background);
        let shown = colour(text).readable_on(background);
        assert!(shown.contrast(background) >= 4.5, "{text}");
    }
    assert_eq!(colour("#FFFFFF").readable_on(colour("#1b4d8f")).css(), "#ffffff");
    for wrong in ["", "red", "#fff", "#12345g", "#+12345", "#1234567", "#ffffff;}"] {
        assert!(Colour::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_type_cannot_write_style_of_its_own() {
    let colours = TypeColours {
        id: "a b}*{x:url(//e)",
        background: Colour::parse("#000000").unwrap(),
        text: Colour::parse("#ffffff").unwrap(),
    };
    let class = type_class(colours.id);
    assert!(class.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let css = types_css(&[colours]);
    assert_eq!(css, format!(".{class}{{--card:#000000;--card-text:#ffffff}}\n"));
    assert_ne!(type_class("a_b"), type_class("a-b"));
}
