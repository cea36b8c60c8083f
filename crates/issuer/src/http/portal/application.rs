//! Steps 2-4: the applicant's own page, and the offer on it as QR code, picture and letter.

use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use oid4vci::grant::OfferState;
use oid4vci::secret::TxCode;
use qr::{Level, QrCode};

use super::apply::{read, to_application};
use super::form_session;
use super::trouble::Trouble;
use super::visitor::{Segment, Visitor};
use crate::credential_type::Approval;
use crate::flow::application::{ApplicationView, ShownOffer, Stage, renew as renew_offer};
use crate::letter::{Letter, LetterTxCode, letter};
use crate::portal::pages::{
    ClosedPage, ClosedReason, IssuedPage, NoticeKind, NoticePage, OfferPage, OfferPageState,
    PageTxCode, ReceivedPage,
};

/// Large enough for any printer, and small enough for any mailbox.
const PIXELS_PER_MODULE: u32 = 10;

/// `GET /applications/SECRET`
pub(super) async fn application(
    Extension(visitor): Extension<Visitor>,
    Segment(secret): Segment,
) -> Result<Response, Trouble> {
    let view = visitor.view(&secret).await?;
    let path = format!("/applications/{secret}");
    match &view.stage {
        Stage::Waiting => received_page(&visitor, &view, &path),
        Stage::Rejected => {
            let page = NoticePage { site: visitor.site(), kind: NoticeKind::Rejected("") };
            visitor.page(StatusCode::OK, &page)
        }
        Stage::Offer(offer) => match offer.state {
            OfferState::Created => {
                offer_page(&visitor, (&view, offer), (&path, OfferPageState::Waiting))
            }
            OfferState::Fetched | OfferState::Redeemed => {
                offer_page(&visitor, (&view, offer), (&path, OfferPageState::Opened))
            }
            OfferState::Deferred => {
                let page = NoticePage { site: visitor.site(), kind: NoticeKind::Deferred };
                visitor.page(StatusCode::OK, &page)
            }
            OfferState::Issued => issued_page(&visitor, &view, offer),
            OfferState::Expired => closed_page(&visitor, &view, (&path, ClosedReason::Expired)),
            OfferState::Locked => {
                let reason = match view.credential_type.approval {
                    Approval::AtOnce | Approval::Deferred => ClosedReason::Locked,
                    Approval::Officer => ClosedReason::LockedForOfficer,
                };
                closed_page(&visitor, &view, (&path, reason))
            }
            OfferState::Withdrawn => closed_page(&visitor, &view, (&path, ClosedReason::Withdrawn)),
        },
    }
}

fn received_page(
    visitor: &Visitor,
    view: &ApplicationView<'_>,
    path: &str,
) -> Result<Response, Trouble> {
    let page = ReceivedPage {
        site: visitor.site(),
        card: &visitor.card(view.credential_type),
        path,
        number: &view.application.id.to_string(),
        sent_at: view.application.created_at.date_time(),
    };
    visitor.page(StatusCode::OK, &page)
}

fn offer_page(
    visitor: &Visitor,
    (view, offer): (&ApplicationView<'_>, &ShownOffer),
    (path, state): (&str, OfferPageState),
) -> Result<Response, Trouble> {
    let now = visitor.issuer().clock.now();
    let page = OfferPage {
        site: visitor.site(),
        card: &visitor.card(view.credential_type),
        path,
        state,
        uri: &offer.uri,
        code: &code(offer)?,
        expires_at: offer.expires_at.date_time(),
        seconds_left: offer.expires_at.0.saturating_sub(now.0),
        letter: view.credential_type.letter,
        tx_code: match &offer.tx_code {
            Some(tx_code) => PageTxCode::OnScreen(tx_code.expose()),
            None if view.credential_type.tx_code => PageTxCode::Elsewhere(""),
            None => PageTxCode::None,
        },
        csrf: &visitor.csrf(),
    };
    visitor.page(StatusCode::OK, &page)
}

fn issued_page(
    visitor: &Visitor,
    view: &ApplicationView<'_>,
    offer: &ShownOffer,
) -> Result<Response, Trouble> {
    let page = IssuedPage {
        site: visitor.site(),
        card: &visitor.card(view.credential_type),
        number: &view.application.id.to_string(),
        issued_at: offer.issued_at.unwrap_or(offer.expires_at).date_time(),
    };
    visitor.page(StatusCode::OK, &page)
}

fn closed_page(
    visitor: &Visitor,
    view: &ApplicationView<'_>,
    (path, reason): (&str, ClosedReason),
) -> Result<Response, Trouble> {
    let (card, csrf) = (visitor.card(view.credential_type), visitor.csrf());
    let page = ClosedPage { site: visitor.site(), card: &card, path, reason, csrf: &csrf };
    visitor.page(StatusCode::OK, &page)
}

/// For a phone that is not the screen's own; beside it stands the link for one that is (HAIP-21).
///
/// Readers on screens meet neither dirt nor folds: a lower level has larger modules.
fn code(offer: &ShownOffer) -> Result<QrCode, Trouble> {
    QrCode::encode(&offer.uri, Level::M).map_err(|error| Trouble::fault(error.to_string()))
}

/// `GET /applications/SECRET/qr.png`: as long as the offer can be used.
pub(super) async fn qr_png(
    Extension(visitor): Extension<Visitor>,
    Segment(secret): Segment,
) -> Result<Response, Trouble> {
    let (offer, _) = open_offer(&visitor, &secret).await?;
    let png = code(&offer)?.to_png(PIXELS_PER_MODULE);
    Ok(([(CONTENT_TYPE, "image/png")], png).into_response())
}

/// `GET /applications/SECRET/letter.pdf`: only of types that allow it, and those have a
/// Transaction Code, which paper needs (VCI §13.6.1).
pub(super) async fn letter_pdf(
    Extension(visitor): Extension<Visitor>,
    Segment(secret): Segment,
) -> Result<Response, Trouble> {
    let (offer, view) = open_offer(&visitor, &secret).await?;
    if !view.credential_type.letter || !view.credential_type.tx_code {
        return Err(Trouble::NotFound);
    }
    let pdf = printed(&visitor, &view, &offer)?;
    Ok(([(CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

fn printed(
    visitor: &Visitor,
    view: &ApplicationView<'_>,
    offer: &ShownOffer,
) -> Result<Vec<u8>, Trouble> {
    let site = visitor.site();
    let number = view.application.id.to_string();
    let tx_code = offer.tx_code.as_ref().map(TxCode::expose);
    letter(&Letter {
        language: visitor.language,
        issuer_name: site.issuer_name,
        issuer_host: site.host,
        card_names: &[visitor.card(view.credential_type).name],
        recipient: &[], // the applicant prints it: no need for an address on it
        id: number.rsplit('-').next().unwrap_or_default(),
        uri: &offer.uri,
        expires_at: offer.expires_at.date_time(),
        help_line: site.help_line,
        tx_code: tx_code.map_or(LetterTxCode::Elsewhere, LetterTxCode::Sheet),
    })
    .map_err(|error| Trouble::fault(error.to_string()))
}

/// The offer of an application while its code can be used.
async fn open_offer<'v>(
    visitor: &'v Visitor,
    secret: &str,
) -> Result<(ShownOffer, ApplicationView<'v>), Trouble> {
    let mut view = visitor.view(secret).await?;
    match std::mem::replace(&mut view.stage, Stage::Waiting) {
        Stage::Offer(offer) if offer.state.is_open() => Ok((offer, view)),
        Stage::Offer(_) | Stage::Waiting | Stage::Rejected => Err(Trouble::NotFound),
    }
}

/// `POST /applications/SECRET/renew`
pub(super) async fn renew(
    Extension(visitor): Extension<Visitor>,
    Segment(secret): Segment,
    request: Request,
) -> Result<Response, Trouble> {
    let answers = read(&visitor, request).await?;
    visitor.check_csrf(answers.text(form_session::FIELD).as_deref())?;
    if !renew_offer(visitor.issuer(), &secret).await? {
        return Err(Trouble::NotFound);
    }
    Ok(to_application(&visitor, &secret))
}
