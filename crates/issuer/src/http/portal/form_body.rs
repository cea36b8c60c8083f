//! What a browser sends for a form: `multipart/form-data` or `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use futures_util::StreamExt as _;

/// More answers than any form of ours has.
const ANSWERS_MAX: usize = 1_000;
/// What is too long is still read to here and dropped: a browser shows our answer only once it has
/// sent everything, and photographs of phones are too long every day.
const DROPPED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A filled-in form.
#[derive(Debug, Default)]
pub(super) struct FormBody {
    answers: Vec<(String, Bytes)>,
    /// The answer in which the body became too long; those after it are lost.
    pub(super) cut: Option<String>,
}

/// Why a body is not read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is no form, or not a whole one.
    NoForm,
    /// It is longer than the operator allows.
    TooLong,
}

impl From<MultipartError> for Unreadable {
    fn from(_: MultipartError) -> Self {
        Self::NoForm
    }
}

impl FormBody {
    /// Reads a request; keeps at most `bytes_max` of its body.
    pub(super) async fn read(request: Request, bytes_max: usize) -> Result<Self, Unreadable> {
        let (parts, body) = request.into_parts();
        let (body, is_whole) = beginning(body, bytes_max).await?;
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if is_multipart(content_type.unwrap_or_default()) {
            return multipart(Request::from_parts(parts, Body::from(body)), is_whole).await;
        }
        if is_whole { urlencoded(&body) } else { Err(Unreadable::TooLong) }
    }

    /// The first answer of this name, as it came.
    pub(super) fn bytes(&self, name: &str) -> Option<&Bytes> {
        self.answers.iter().find(|(given, _)| given == name).map(|(_, bytes)| bytes)
    }

    /// The first answer of this name as text.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.bytes(name).map(|bytes| String::from_utf8_lossy(bytes))
    }

    /// All answers as text, in their order.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.answers.iter().map(|(name, bytes)| (name.as_str(), String::from_utf8_lossy(bytes)))
    }

    fn push(&mut self, name: String, value: Bytes) -> Result<(), Unreadable> {
        self.answers.push((name, value));
        if self.answers.len() > ANSWERS_MAX { Err(Unreadable::TooLong) } else { Ok(()) }
    }
}

fn is_multipart(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// Keeps the beginning, reads on for a while, and says whether that was all.
async fn beginning(body: Body, bytes_max: usize) -> Result<(Bytes, bool), Unreadable> {
    let mut body = body.into_data_stream();
    let (mut kept, mut dropped) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Unreadable::NoForm)?;
        let room = bytes_max - kept.len();
        kept.extend(chunk.iter().take(room));
        dropped += chunk.len().saturating_sub(room);
        if dropped > DROPPED_BYTES_MAX {
            return Err(Unreadable::TooLong);
        }
    }
    Ok((kept.into(), dropped == 0))
}

fn urlencoded(body: &[u8]) -> Result<FormBody, Unreadable> {
    let mut form = FormBody::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        form.push(name.into_owned(), value.into_owned().into())?;
    }
    Ok(form)
}

async fn multipart(request: Request, is_whole: bool) -> Result<FormBody, Unreadable> {
    let mut multipart =
        Multipart::from_request(request, &()).await.map_err(|_| Unreadable::NoForm)?;
    let mut form = FormBody::default();
    while let Some(answer) = multipart.next_field().await? {
        let name = answer.name().ok_or(Unreadable::NoForm)?.to_owned();
        match answer.bytes().await {
            Ok(value) => form.push(name, value)?,
            Err(_) if !is_whole => {
                form.cut = Some(name);
                return Ok(form);
            }
            Err(_) => return Err(Unreadable::NoForm),
        }
    }
    Ok(form)
}
