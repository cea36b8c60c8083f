//! A document about a type, read strictly: what we do not understand is not guessed at.

use keys::json;
use serde_json::{Map, Value};

use super::{
    BYTES_MAX, CLAIMS_MAX, ColorScheme, Contrast, Extends, LANGUAGES_MAX, Look, Orientation,
    PATH_MAX, PathStep, Sd, TemplateLink, TypeDisplay, TypeFault, TypeMetadata, is_svg_id,
};

/// A type, and what it says itself of each claim: a type that it extends may say the rest.
pub(super) struct Link {
    pub(super) own: TypeMetadata,
    pub(super) claims: Vec<OwnClaim>,
    /// Whether it says how it looks: then nothing else does.
    pub(super) has_display: bool,
}

/// A claim as one type describes it.
pub(super) struct OwnClaim {
    pub(super) path: Vec<PathStep>,
    pub(super) display: Option<Vec<(String, String)>>,
    pub(super) mandatory: Option<bool>,
    pub(super) sd: Option<Sd>,
    pub(super) svg_id: Option<String>,
}

/// Reads what lies at the address of a type (SD-JWT VC §6.2).
pub(super) fn read(bytes: &[u8], vct: &str) -> Result<Link, TypeFault> {
    if bytes.len() > BYTES_MAX {
        return Err(TypeFault::TooLong);
    }
    let object = json::parse_object(bytes).map_err(|_| TypeFault::Malformed)?;
    if text(&object, "vct")?.ok_or(TypeFault::Malformed)? != vct {
        return Err(TypeFault::OtherType);
    }
    let integrity = text(&object, "extends#integrity")?;
    let extends = text(&object, "extends")?.map(|uri| Extends { uri, integrity });
    let own = TypeMetadata {
        vct: vct.to_owned(),
        name: text(&object, "name")?,
        description: text(&object, "description")?,
        display: each(&object, "display", LANGUAGES_MAX, display)?.unwrap_or_default(),
        claims: Vec::new(),
        extends,
    };
    let claims: Vec<OwnClaim> = each(&object, "claims", CLAIMS_MAX, claim)?.unwrap_or_default();
    let is_twice = |(at, claim): (usize, &OwnClaim)| {
        claims.iter().take(at).any(|earlier| {
            let is_named = claim.svg_id.is_some();
            earlier.path == claim.path || is_named && earlier.svg_id == claim.svg_id
        })
    };
    if claims.iter().enumerate().any(is_twice) {
        return Err(TypeFault::Malformed);
    }
    Ok(Link { own, claims, has_display: object.contains_key("display") })
}

fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, TypeFault> {
    let read = |value: &Value| value.as_str().map(str::to_owned).ok_or(TypeFault::Malformed);
    object.get(name).map(read).transpose()
}

fn each<T>(
    object: &Map<String, Value>,
    name: &str,
    most: usize,
    read: impl Fn(&Map<String, Value>) -> Result<T, TypeFault>,
) -> Result<Option<Vec<T>>, TypeFault> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let elements = value.as_array().filter(|elements| elements.len() <= most);
    let elements = elements.ok_or(TypeFault::Malformed)?.iter();
    let read = |element: &Value| read(element.as_object().ok_or(TypeFault::Malformed)?);
    elements.map(read).collect::<Result<_, _>>().map(Some)
}

/// `lang` up to draft 11, `locale` since.
fn locale(object: &Map<String, Value>) -> Result<String, TypeFault> {
    text(object, "locale")?.or(text(object, "lang")?).ok_or(TypeFault::Malformed)
}

fn display(object: &Map<String, Value>) -> Result<TypeDisplay, TypeFault> {
    let rendering = inside(object, "rendering")?;
    let simple = inside(&rendering, "simple")?;
    let logo = inside(&simple, "logo")?;
    // `svg_template` up to draft 12.
    let name =
        if rendering.contains_key("svg_template") { "svg_template" } else { "svg_templates" };
    let template = |template: &Map<String, Value>| {
        let uri = text(template, "uri")?.ok_or(TypeFault::Malformed)?;
        let look = look(&inside(template, "properties")?)?;
        Ok(TemplateLink { uri, integrity: text(template, "uri#integrity")?, look })
    };
    let alt_text = text(&logo, "alt_text")?;
    Ok(TypeDisplay {
        locale: locale(object)?,
        name: text(object, "name")?.ok_or(TypeFault::Malformed)?,
        description: text(object, "description")?,
        background_color: text(&simple, "background_color")?,
        text_color: text(&simple, "text_color")?,
        logo: text(&logo, "uri")?.map(|uri| (uri, alt_text)),
        svg_templates: each(&rendering, name, LANGUAGES_MAX, template)?.unwrap_or_default(),
    })
}

/// A word that we do not know says nothing to us (SD-JWT VC §8.1.2.1).
fn look(properties: &Map<String, Value>) -> Result<Look, TypeFault> {
    let orientation = text(properties, "orientation")?;
    let color_scheme = text(properties, "color_scheme")?;
    let contrast = text(properties, "contrast")?;
    Ok(Look {
        orientation: orientation.as_deref().and_then(Orientation::parse),
        color_scheme: color_scheme.as_deref().and_then(ColorScheme::parse),
        contrast: contrast.as_deref().and_then(Contrast::parse),
    })
}

fn inside(object: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, TypeFault> {
    match object.get(name) {
        None => Ok(Map::new()),
        Some(Value::Object(inside)) => Ok(inside.clone()),
        Some(_) => Err(TypeFault::Malformed),
    }
}

fn claim(object: &Map<String, Value>) -> Result<OwnClaim, TypeFault> {
    let mandatory =
        object.get("mandatory").map(|value| value.as_bool().ok_or(TypeFault::Malformed));
    let label = |display: &Map<String, Value>| {
        // `label` is REQUIRED; drafts before 4 called it `name`.
        let label = text(display, "label")?.or(text(display, "name")?);
        Ok((locale(display)?, label.ok_or(TypeFault::Malformed)?))
    };
    let sd = match text(object, "sd")?.as_deref() {
        None => None,
        Some("always") => Some(Sd::Always),
        Some("allowed") => Some(Sd::Allowed),
        Some("never") => Some(Sd::Never),
        Some(_) => return Err(TypeFault::Malformed),
    };
    Ok(OwnClaim {
        path: path(object.get("path"))?,
        display: each(object, "display", LANGUAGES_MAX, label)?,
        mandatory: mandatory.transpose()?,
        sd,
        svg_id: svg_id(object)?,
    })
}

/// SD-JWT VC §9.1
fn path(value: Option<&Value>) -> Result<Vec<PathStep>, TypeFault> {
    let steps = value.and_then(Value::as_array);
    let steps = steps.filter(|steps| (1..=PATH_MAX).contains(&steps.len()));
    let step = |step: &Value| match step {
        Value::String(name) => Some(PathStep::Name(name.clone())),
        Value::Null => Some(PathStep::Every),
        Value::Number(index) => index.as_u64().map(PathStep::Index),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let steps: Option<Vec<PathStep>> = steps.and_then(|steps| steps.iter().map(step).collect());
    steps.ok_or(TypeFault::Malformed)
}

/// Letters, digits and `_`, and no digit first (SD-JWT VC §9).
fn svg_id(object: &Map<String, Value>) -> Result<Option<String>, TypeFault> {
    let id = text(object, "svg_id")?;
    if id.as_deref().is_none_or(is_svg_id) { Ok(id) } else { Err(TypeFault::Malformed) }
}
