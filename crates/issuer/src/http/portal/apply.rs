//! Step 1: what can be applied for, the form, and the application that comes back.

use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::form_body::{FormBody, Unreadable};
use super::form_fields::{Form, claims, pictures};
use super::form_session;
use super::trouble::Trouble;
use super::visitor::{Segment, Visitor};
use crate::credential_type::{ClaimFault, ClaimsError, CredentialType};
use crate::flow::application;
use crate::portal::pages::{Card, FormPage, IndexPage};

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::NoForm => Self::StaleForm,
            Unreadable::TooLong => Self::LongForm,
        }
    }
}

/// `GET /`
pub(super) async fn index(Extension(visitor): Extension<Visitor>) -> Result<Response, Trouble> {
    let types = visitor.issuer().types.values().filter(|one| is_offered(one));
    let cards: Vec<Card<'_>> = types.map(|credential_type| visitor.card(credential_type)).collect();
    visitor.page(StatusCode::OK, &IndexPage { site: visitor.site(), cards: &cards })
}

/// `GET /apply/ID`
pub(super) async fn form(
    Extension(visitor): Extension<Visitor>,
    Segment(id): Segment,
) -> Result<Response, Trouble> {
    let credential_type = offered_type(&visitor, &id)?;
    form_page(&visitor, credential_type, (&FormBody::default(), &[]))
}

/// `POST /apply/ID`: afterwards the browser is elsewhere, so that a reload does not apply again.
pub(super) async fn apply(
    Extension(visitor): Extension<Visitor>,
    Segment(id): Segment,
    request: Request,
) -> Result<Response, Trouble> {
    let credential_type = offered_type(&visitor, &id)?;
    let answers = read(&visitor, request).await?;
    visitor.check_csrf(answers.text(form_session::FIELD).as_deref())?;
    let is_picture = |name: &String| pictures(credential_type).contains(name);
    if answers.cut.as_ref().is_some_and(|name| !is_picture(name)) {
        return Err(Trouble::LongForm);
    }
    let claims = match claims(credential_type, &answers).await {
        Ok(claims) => claims,
        Err(ClaimsError(faults)) => {
            return form_page(&visitor, credential_type, (&answers, &faults));
        }
    };
    visitor.limit_applications()?;
    let secret = application::apply(visitor.issuer(), credential_type, claims).await?;
    Ok(to_application(&visitor, secret.expose()))
}

/// The body of a form, as long as the operator allows.
pub(super) async fn read(visitor: &Visitor, request: Request) -> Result<FormBody, Trouble> {
    Ok(FormBody::read(request, visitor.issuer().config.server.body_bytes_max).await?)
}

/// 303 to an application's page.
pub(super) fn to_application(visitor: &Visitor, secret: &str) -> Response {
    Redirect::to(&format!("{}/applications/{secret}", visitor.site().base)).into_response()
}

/// A type that can be applied for here.
fn offered_type<'v>(visitor: &'v Visitor, id: &str) -> Result<&'v CredentialType, Trouble> {
    let found = visitor.issuer().types.get(id);
    found.filter(|credential_type| is_offered(credential_type)).ok_or(Trouble::NotFound)
}

/// People apply for a type, and get it in all its formats.
const fn is_offered(credential_type: &CredentialType) -> bool {
    credential_type.portal && credential_type.origin.is_first()
}

/// The form, empty or with what was entered and what is wrong with it.
fn form_page(
    visitor: &Visitor,
    credential_type: &CredentialType,
    (answers, faults): (&FormBody, &[ClaimFault]),
) -> Result<Response, Trouble> {
    let form = Form { credential_type, language: visitor.language, answers, faults };
    let groups = form.groups();
    let has_error =
        groups.iter().flat_map(|group| &group.fields).any(|field| field.error.is_some());
    if !faults.is_empty() && !has_error {
        // Nothing that the applicant could mend: a required claim is not in the form.
        return Err(Trouble::fault(ClaimsError(faults.to_vec()).to_string()));
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let card = visitor.card(credential_type);
    let csrf = visitor.csrf();
    let page = FormPage { site: visitor.site(), card: &card, groups: &groups, csrf: &csrf };
    visitor.page(status, &page)
}
