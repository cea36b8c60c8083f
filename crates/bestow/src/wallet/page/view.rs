//! What the page gets to show: a stranger's texts, pictures and colours, each made harmless.

use keys::outside::Timestamp;
use oid4vci::colour::Colour;
use oid4vci::offer::{InputMode, TxCodeInput};
use serde_json::{Map, Value, json};
use url::Url;
use wallet::card::{Line, Lines};
use wallet::display::{Display, Picture, TEXT_CHARACTERS_MAX, clean};
use wallet::flow::check::Expected;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::receipt::Received;
use wallet::flow::sign_in::SignIn;
use wallet::status::word;
use wallet::store::{PendingCredential, StoredCredential, Trust};

use super::flows::Stage;
use crate::wallet::card;

/// Longest picture in a claim that is drawn.
const PHOTO_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most types of a credential that are named.
const TYPES_MAX: usize = 16;
/// Longest Transaction Code that a field is drawn for.
const TX_CODE_LENGTH_MAX: u32 = 64;
/// A card that ends this soon says so.
const SOON_SECONDS: u64 = 30 * 24 * 60 * 60;
/// For a card without colours of its own.
const BACKGROUND: &str = "#33475f";
const BLACK: &str = "#000000";
const WHITE: &str = "#ffffff";

/// Where a flow stands.
pub(super) fn stage(
    id: &str,
    (stage, spoken): (&Stage, Option<&Map<String, Value>>),
    locale: &str,
    now: Timestamp,
) -> Value {
    let mut shown = match stage {
        Stage::Scanned(scanned) => contact(scanned.host(), "offer"),
        Stage::Fetched(fetched, _) => contact(fetched.host(), "issuer"),
        Stage::Described(described, _) => contact(described.server_host(), "server"),
        Stage::Resolved(resolved) => offer(resolved, resolved.tx_code(), locale),
        Stage::SigningIn(sign_in, _) => sign_in_at(sign_in),
        Stage::Authorized(authorized) => offer(authorized.offer(), None, locale),
        Stage::Received(received) => preview(id, received, locale, now),
        Stage::Waits(pending) => {
            let cards: Vec<_> = pending.iter().map(|one| awaited(one, locale)).collect();
            json!({ "step": "waits", "cards": cards })
        }
        Stage::Kept(kept) => {
            let cards: Vec<_> = kept.iter().map(|card| stored(card, locale, now)).collect();
            json!({ "step": "kept", "cards": cards })
        }
    };
    if let Some(members) = shown.as_object_mut() {
        members.insert("flow".to_owned(), id.into());
        match (stage, spoken) {
            (_, Some(spoken)) => members.extend(spoken.clone()),
            (Stage::Received(received), None) => {
                members.insert("findings".to_owned(), json!(received.findings()));
            }
            (_, None) => {}
        }
    }
    shown
}

/// The person is asked about a host, and told what it is for.
fn contact(host: &str, role: &str) -> Value {
    json!({ "step": "host", "host": host, "role": role })
}

/// Where the person signs in; the host is shown, as it is the one to look for in the other window.
fn sign_in_at(sign_in: &SignIn) -> Value {
    let address = sign_in.address().as_str();
    json!({ "step": "sign_in", "address": address, "host": host(address) })
}

fn offer(offer: &ResolvedOffer, tx_code: Option<&TxCodeInput>, locale: &str) -> Value {
    let issuer = offer.credential_issuer();
    let offered = offer.offered();
    let cards: Vec<_> =
        offered.iter().map(|one| drawn(one.display(), one.id(), issuer, locale)).collect();
    let name = offered.first().and_then(|one| one.display().issuer_name(locale));
    json!({
        "step": "offer",
        "issuer": name,
        "host": host(issuer),
        "cards": cards,
        "unsupported": offer.unsupported(),
        "tx_code": tx_code.map(|input| code_field(input, &offer.token_host())),
        "sign_in": offer.needs_sign_in(),
    })
}

/// OFFER-19 to OFFER-22; `host` is where the code goes (SEC-09).
fn code_field(input: &TxCodeInput, host: &str) -> Value {
    let length = input.length.filter(|length| (1..=TX_CODE_LENGTH_MAX).contains(length));
    json!({
        "numeric": input.input_mode == InputMode::Numeric,
        "length": length,
        "description": input.description,
        "host": host,
    })
}

fn preview(id: &str, received: &Received, locale: &str, now: Timestamp) -> Value {
    let previews = received.previews().iter().enumerate();
    let cards: Vec<_> = previews
        .map(|(at, one)| {
            let place = format!("flows/{id}/cards/{at}/picture");
            pictured_card(one.credential(), &place, locale, now)
        })
        .collect();
    let failures: Vec<_> = received
        .failures()
        .iter()
        .map(|failure| json!({ "id": clean(&failure.id), "message": failure.error.to_string() }))
        .collect();
    let doubt = received.doubt().map(wallet::trust::Doubt::message);
    json!({ "step": "preview", "cards": cards, "failures": failures, "doubt": doubt })
}

/// A card that is still to come, as it will look.
pub(super) fn awaited(pending: &PendingCredential, locale: &str) -> Value {
    let Expected { display, credential_configuration_id, credential_issuer, .. } =
        &pending.expected;
    let mut shown = drawn(display, credential_configuration_id, credential_issuer, locale);
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), pending.id.to_string().into());
        members.insert("ask_at".to_owned(), pending.ask_at.to_rfc3339().into());
    }
    shown
}

/// A stored credential as it lies in the list.
pub(super) fn stored(credential: &StoredCredential, locale: &str, now: Timestamp) -> Value {
    let mut shown = face(credential, locale, now);
    pictured(&mut shown, credential, &picture_of(credential));
    shown
}

/// A stored credential with all it says.
pub(super) fn stored_card(credential: &StoredCredential, locale: &str, now: Timestamp) -> Value {
    pictured_card(credential, &picture_of(credential), locale, now)
}

fn pictured_card(
    credential: &StoredCredential,
    place: &str,
    locale: &str,
    now: Timestamp,
) -> Value {
    let mut shown = card(credential, locale, now);
    if let Some(face) = shown.get_mut("face") {
        pictured(face, credential, place);
    }
    shown
}

fn picture_of(credential: &StoredCredential) -> String {
    format!("cards/{}/picture", credential.id)
}

/// Says where below `/api/` the picture of the whole card is, if there is one.
fn pictured(face: &mut Value, credential: &StoredCredential, place: &str) {
    if let Some(members) = face.as_object_mut() {
        let picture = (!credential.display.svg_templates.is_empty()).then_some(place);
        members.insert("picture".to_owned(), picture.into());
    }
}

/// A credential as it looks, stored or not.
fn face(credential: &StoredCredential, locale: &str, now: Timestamp) -> Value {
    let StoredCredential { display, credential_configuration_id, credential_issuer, .. } =
        credential;
    let mut shown = drawn(display, credential_configuration_id, credential_issuer, locale);
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), credential.id.to_string().into());
        members.insert("trust".to_owned(), trust(&credential.trust));
        members.insert("expires".to_owned(), credential.expires_at.map(Timestamp::to_date).into());
        members.insert("validity".to_owned(), validity(credential.expires_at, now).into());
        members.insert("status".to_owned(), status(credential, now));
    }
    shown
}

/// How it stands, in a word and in words; `null` where its issuer tells no status.
fn status(credential: &StoredCredential, now: Timestamp) -> Value {
    let told = card::status(credential, now);
    told.map_or(
        Value::Null,
        |(standing, text)| json!({ "value": word(standing.status), "text": text }),
    )
}

/// A credential with all it says, stored or not.
fn card(credential: &StoredCredential, locale: &str, now: Timestamp) -> Value {
    let key = credential.holder_key.as_ref().map(
        |key| json!({ "kid": key.kid.to_string(), "binding": key.binding.name(), "did": key.did }),
    );
    let Lines { shown, more } = credential.lines(locale);
    let types: Vec<_> = credential.types.iter().take(TYPES_MAX).map(|name| clean(name)).collect();
    json!({
        "face": face(credential, locale, now),
        "claims": shown.iter().map(claim).collect::<Vec<_>>(),
        "more_claims": more,
        "format": credential.format,
        "types": types,
        "configuration": credential.credential_configuration_id,
        "received": credential.received_at.to_date(),
        "holder_key": key,
        "copies": 1 + credential.copies.len(),
    })
}

/// What is printed on a card.
fn drawn(display: &Display, configuration: &str, issuer: &str, locale: &str) -> Value {
    let face = display.face(locale);
    let colour = |given: Option<&String>| given.and_then(|text| Colour::parse(text));
    let background = colour(face.and_then(|face| face.background_color.as_ref()))
        .or_else(|| Colour::parse(BACKGROUND));
    let text = colour(face.and_then(|face| face.text_color.as_ref()))
        .or_else(|| Colour::parse(WHITE))
        .zip(background)
        .map(|(text, background)| text.readable_on(background));
    json!({
        "name": face.map_or_else(|| clean(configuration), |face| face.name.clone()),
        "description": face.and_then(|face| face.description.as_deref()),
        "lang": face.and_then(|face| face.locale.as_deref()),
        "issuer": display.issuer_name(locale),
        "issuer_id": issuer,
        "host": host(issuer),
        "background": background.map(Colour::css),
        "text": text.map(Colour::css),
        "shade": text.map(shade),
        "logo": face.and_then(|face| face.logo.as_ref()).and_then(logo),
    })
}

/// The end of the scale that makes the text easier to read, for the gradient behind it.
fn shade(text: Colour) -> &'static str {
    let contrast = |other| Colour::parse(other).map_or(0.0, |other| other.contrast(text));
    if contrast(BLACK) >= contrast(WHITE) { BLACK } else { WHITE }
}

/// To fetch a picture would tell the issuer whenever the wallet is opened (catalogue N03), so only
/// those count that came with the metadata; in an `<img>`, an SVG runs no script (N01, N02).
fn logo(picture: &Picture) -> Option<Value> {
    let types = ["data:image/png", "data:image/jpeg", "data:image/svg+xml"];
    let known = is_data(&picture.uri, &types);
    known.then(|| json!({ "uri": picture.uri, "alt": picture.alt_text }))
}

fn is_data(uri: &str, types: &[&str]) -> bool {
    types
        .iter()
        .filter_map(|known| uri.strip_prefix(known))
        .any(|rest| rest.starts_with([';', ',']))
}

/// A label and its value: words, or a photo.
fn claim(line: &Line<'_>) -> Value {
    let photo = line.value.as_str().filter(|text| text.starts_with("data:"));
    let Some(uri) = photo else {
        let text = line.text();
        let is_cut = text.chars().count() >= TEXT_CHARACTERS_MAX;
        return json!({ "label": line.label, "text": text, "is_cut": is_cut });
    };
    let drawable =
        uri.len() <= PHOTO_BYTES_MAX && is_data(uri, &["data:image/png", "data:image/jpeg"]);
    if drawable {
        return json!({ "label": line.label, "picture": uri });
    }
    json!({ "label": line.label, "text": "(a file that cannot be shown)" })
}

fn trust(trust: &Trust) -> Value {
    let (is_verified, text) = match trust {
        Trust::Anchor { subject: Some(subject) } => {
            (true, format!("A trusted authority vouches for {}.", clean(subject)))
        }
        Trust::Anchor { subject: None } => {
            (true, "A trusted authority vouches for the issuer.".to_owned())
        }
        Trust::IssuerMetadata => (true, "The issuer publishes the key that signed.".to_owned()),
        Trust::Accepted => {
            (false, "Nothing shows that this issuer is who it says it is.".to_owned())
        }
    };
    json!({ "is_verified": is_verified, "text": text })
}

fn validity(expires_at: Option<Timestamp>, now: Timestamp) -> &'static str {
    match expires_at {
        Some(end) if end <= now => "expired",
        Some(end) if end <= now.plus(SOON_SECONDS) => "ends-soon",
        _ => "valid",
    }
}

/// The name that people know a website by; an identifier that is no URL is shown as it is.
fn host(issuer: &str) -> String {
    let url = Url::parse(issuer).ok();
    let shown = url.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    shown.unwrap_or_else(|| issuer.to_owned())
}

#[cfg(test)]
mod tests {
    use keys::outside::Timestamp;
    use serde_json::{Value, json};
    use wallet::card::LINES_MAX;
    use wallet::store::StoredCredential;

    use super::card;

    /// A credential whose display data and claims are given; all else is plain.
    fn shown(face: &Value, claims: &Value, labels: &Value) -> Value {
        let credential: StoredCredential = serde_json::from_value(json!({
            "id": "1", "format": "jwt_vc_json", "credential_configuration_id": "diploma",
            "credential_issuer": "https://issuer.example/a", "raw": "x", "types": ["Diploma"],
            "claims": claims, "display": { "issuer": [], "faces": [face], "claims": labels },
            "trust": { "by": "accepted" }, "holder_key": null, "received_at": 0,
            "expires_at": 100,
        }))
        .unwrap();
        card(&credential, "en", Timestamp(100))
    }

    fn face(background: &str, text: &str, logo: &str) -> Value {
        json!({
            "locale": "en", "name": "Diploma", "description": null, "background_image": null,
            "background_color": background, "text_color": text,
            "logo": { "uri": logo, "alt_text": "A tree" },
        })
    }

    #[test]
    fn text_that_cannot_be_read_on_its_colour_is_repaired() {
        for (background, text, repaired) in [
            ("#ffffff", "#fefefe", "#000000"),
            ("#12406b", "#12406b", "#ffffff"),
            ("#12406b", "#ffffff", "#ffffff"),
            ("red;}", "url(x)", "#ffffff"),
        ] {
            let card =
                shown(&face(background, text, "data:image/png;base64,AA"), &json!({}), &json!([]));
            assert_eq!(card["face"]["text"], repaired, "{text} on {background}");
        }
    }

    #[test]
    fn a_logo_is_shown_only_if_it_came_along() {
        let card = |logo| shown(&face("#000000", "#ffffff", logo), &json!({}), &json!([]));
        for logo in ["data:image/png;base64,AA", "data:image/svg+xml,%3Csvg%2F%3E"] {
            assert_eq!(card(logo)["face"]["logo"]["uri"], logo);
        }
        for logo in [
            "https://issuer.example/logo.png",
            "data:text/html,x",
            "data:image/pngx,",
            "javascript:1",
        ] {
            assert_eq!(card(logo)["face"]["logo"], Value::Null, "{logo}");
        }
    }

    #[test]
    fn a_flood_of_claims_is_cut_and_counted() {
        let claims: Value = (0..30_000).map(|n| (format!("n{n}"), json!(n))).collect();
        let card = shown(&face("#000000", "#ffffff", ""), &claims, &json!([]));
        assert_eq!(card["claims"].as_array().unwrap().len(), LINES_MAX);
        assert_eq!(card["more_claims"], 30_000 - LINES_MAX);
    }

    #[test]
    fn only_photos_are_drawn() {
        let claims = json!({
            "a": "data:image/jpeg;base64,AA", "b": "data:text/html,<b>", "c": "<b>bold</b>",
        });
        let card = shown(&face("#000000", "#ffffff", ""), &claims, &json!([]));
        assert_eq!(card["claims"][0]["picture"], "data:image/jpeg;base64,AA");
        assert_eq!(card["claims"][1]["picture"], Value::Null);
        assert_eq!(card["claims"][2]["text"], "<b>bold</b>");
    }

    #[test]
    fn a_card_says_that_it_is_over_and_that_nobody_vouches_for_it() {
        let card = shown(&face("#000000", "#ffffff", ""), &json!({}), &json!([]));
        assert_eq!(card["face"]["validity"], "expired");
        assert_eq!(card["face"]["trust"]["is_verified"], false);
        assert_eq!(card["face"]["host"], "issuer.example");
    }
}
