//! `bestow issuer credential preview`: what a type makes, before anybody has got one.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use formats::unsigned::Unsigned;
use issuer::config::Config;
use issuer::credential_type::{CardTemplate, CredentialType, Field, Pictures};
use issuer::flow::metadata::configuration;
use issuer::issue::{Signatory, example};
use keys::algorithm::Algorithm;
use keys::json;
use keys::outside::{Clock as _, SystemClock, SystemRandom};
use keys::signer::{Signer as _, SoftwareKey};
use oid4vci::metadata::ReceivedIssuerMetadata;
use serde_json::{Map, Value, json};
use wallet::display::Display;

use super::{SOMEBODY, config_for, file_of};
use crate::cli::PreviewArguments;
use crate::exit::Failure;
use crate::terminal::{plain, print, print_json, tell};
use crate::wallet::card::{Face, face};

/// Longest claims object that is read.
const CLAIMS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest text that people are shown of a payload: the rest of a picture tells them nothing.
const TEXT_MAX: usize = 100;

/// Prints the card, the form, the metadata and what would be signed.
pub(super) async fn preview(arguments: &PreviewArguments) -> Result<(), Failure> {
    let PreviewArguments { file, language, .. } = arguments;
    let config = config_for(std::slice::from_ref(file), &arguments.config)?;
    let file = file_of(file, config.as_ref())?;
    let issuer = Previewed::of(config)?;
    let found = CredentialType::inspect(&file, issuer.config.url.as_str());
    if let Some(mistake) = found.mistakes.first() {
        return Err(Failure::mistake(mistake));
    }
    let formats = &found.credential_types;
    let read = formats.first().ok_or_else(|| Failure::own_fault("there is no type"))?;
    let claims = match &arguments.claims {
        None => checked(read, read.sample()).await?,
        Some(file) => checked(read, given(file)?).await?,
    };
    let metadata = issuer.metadata(formats);
    let made: Result<Vec<Made>, Failure> =
        formats.iter().map(|format| Made::new(format, &claims, (&metadata, &issuer))).collect();
    let made = made?;
    if arguments.json {
        return print_json(&as_json((read, language), &claims, made));
    }
    print(card(&metadata, (read, &claims), language)?);
    show_form(read, language);
    made.iter().zip(formats).try_for_each(|(made, format)| made.show(format))
}

/// What all formats have in common and the first of them beside each other; further ones by their
/// identifiers.
fn as_json(
    (read, language): (&CredentialType, &str),
    claims: &Map<String, Value>,
    made: Vec<Made>,
) -> Value {
    let fields: Vec<Value> = read.fields(language).iter().map(field_json).collect();
    let mut made = made.into_iter();
    let mut first = made.next().map(Made::into_json).unwrap_or_default();
    let further = made.map(|made| (made.id.clone(), made.into_json()));
    let further: Map<String, Value> = further.collect();
    if let Some(members) = first.as_object_mut() {
        let mut insert = |name: &str, value| members.insert(name.to_owned(), value);
        insert("claims", json!(claims));
        insert("fields", json!(fields));
        insert("svg_templates", read.svg_templates.iter().map(template_json).collect());
        (!further.is_empty()).then(|| insert("also", json!(further)));
    }
    first
}

fn show_form(read: &CredentialType, language: &str) {
    print("\nThe form:");
    if !read.portal {
        print("  none: portal = false");
    }
    for field in read.fields(language).iter().filter(|_| read.portal) {
        print(field_line(field));
    }
}

/// What follows from a type in one of its formats, beside card and form.
struct Made {
    id: String,
    /// In the issuer's metadata.
    entry: Value,
    /// Of an SD-JWT VC.
    description: Option<Value>,
    unsigned: Value,
}

impl Made {
    fn new(
        read: &CredentialType,
        claims: &Map<String, Value>,
        (metadata, issuer): (&Value, &Previewed),
    ) -> Result<Self, Failure> {
        let entry = metadata.get(SUPPORTED).and_then(|all| all.get(&read.id)).cloned();
        Ok(Self {
            id: read.id.clone(),
            entry: entry.unwrap_or_default(),
            description: read.type_metadata().and_then(|document| json::parse(&document).ok()),
            unsigned: issuer.unsigned(read, claims)?.to_json(),
        })
    }

    fn into_json(self) -> Value {
        json!({
            "configuration": self.entry, "type_metadata": self.description,
            "unsigned": self.unsigned,
        })
    }

    fn show(&self, read: &CredentialType) -> Result<(), Failure> {
        if !read.origin.is_first() {
            print(format!("\nThe same as {}, called {}", read.format.name(), self.id));
        }
        print("\nIn the issuer's metadata:");
        print(pretty(&self.entry)?);
        if !read.svg_templates.is_empty() {
            print("\nPictures of the whole card, for wallets that show them:");
        }
        for template in &read.svg_templates {
            print(template_line(template));
        }
        if let Some(description) = &self.description {
            print("\nWhat describes the type, where its vct leads if that is the issuer's:");
            print(pretty(description)?);
        }
        print(format!("\nTo be signed as {}:", read.format.name()));
        print(pretty(&self.unsigned)?);
        Ok(())
    }
}

/// Where metadata have the types.
const SUPPORTED: &str = "credential_configurations_supported";

/// Whose type it is.
struct Previewed {
    config: Config,
    signatory: Signatory,
}

impl Previewed {
    /// The issuer that is configured here, or somebody; where no certificate can be read, with one that
    /// is made for the occasion.
    fn of(config: Option<Config>) -> Result<Self, Failure> {
        let now = SystemClock.now();
        let signatory = match config.as_ref().map(|config| Signatory::of(config, now)) {
            Some(Ok(signatory)) => Some(signatory),
            Some(Err(mistake)) => {
                tell(format!("shown as if signed by a new key of ES256: {mistake}"));
                None
            }
            None => None,
        };
        let config = match config {
            Some(config) => config,
            None => Config {
                url: SOMEBODY.to_owned().try_into().map_err(Failure::own_fault)?,
                name: "Your organisation".to_owned(),
                ..Config::default()
            },
        };
        let signatory = match signatory {
            Some(signatory) => signatory,
            None => Signatory::sample(&config, now)
                .map_err(|broken| Failure::own_fault(broken.told()))?,
        };
        Ok(Self { config, signatory })
    }

    /// As much of the metadata as a wallet needs for a card.
    fn metadata(&self, formats: &[CredentialType]) -> Value {
        let algorithm = self.signatory.algorithm();
        let entry = |one: &CredentialType| (one.id.clone(), json!(configuration(one, algorithm)));
        let supported: Map<String, Value> = formats.iter().map(entry).collect();
        let issuer = self.config.url.as_str();
        json!({
            "credential_issuer": issuer,
            "credential_endpoint": format!("{issuer}/credential"),
            "display": [{ "name": self.config.name }],
            SUPPORTED: supported,
        })
    }

    fn unsigned(
        &self,
        read: &CredentialType,
        claims: &Map<String, Value>,
    ) -> Result<Unsigned, Failure> {
        let key = SoftwareKey::generate(Algorithm::Es256).map_err(Failure::own_fault)?;
        let holder = (key.public_key().clone(), SystemClock.now());
        let by = (&self.config, &self.signatory);
        let made = example(by, (read, claims), holder, &SystemRandom);
        made.map_err(|broken| Failure::usage(broken.told()))
    }
}

/// As a wallet reads and draws it.
fn card(
    metadata: &Value,
    (read, claims): (&CredentialType, &Map<String, Value>),
    language: &str,
) -> Result<String, Failure> {
    let issuer = metadata.get("credential_issuer").and_then(Value::as_str).unwrap_or_default();
    let received = ReceivedIssuerMetadata::parse(metadata.to_string().as_bytes(), issuer);
    let received = received.map_err(|_| Failure::own_fault("no wallet would read the metadata"))?;
    let configuration = received.configurations.get(&read.id);
    let display = configuration.map(|configuration| Display::new(&received, configuration));
    let display = display.ok_or_else(|| Failure::own_fault("no wallet would know the type"))?;
    let claims = &read.format.placed(read.claims.to_disclose(claims).into_owned());
    Ok(face(&Face { id: &read.id, issuer, display: &display, claims }, language))
}

fn given(file: &Path) -> Result<Map<String, Value>, Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(CLAIMS_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|file| file.take(CLAIMS_BYTES_MAX).read_to_end(&mut bytes))
    };
    let name = file.display();
    read.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    json::parse_object(&bytes).map_err(|error| {
        Failure::usage(format!("{name}: {error}")).hint("it has to be a JSON object of claims")
    })
}

async fn checked(
    read: &CredentialType,
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let urls = read.claims.pictures(&given).map(str::to_owned).collect();
    let pictures = Pictures::clean(urls).await;
    read.claims.check(&given, &pictures).map_err(|faults| {
        Failure::usage(faults.to_string()).hint("correct the claims: these are not issued")
    })
}

fn field_json(field: &Field<'_>) -> Value {
    json!({
        "name": field.name, "label": field.label, "group": field.group,
        "type": field.value_type.name(), "required": field.required, "example": field.example,
    })
}

fn field_line(field: &Field<'_>) -> String {
    let group = field.group.as_ref().map(|group| format!("{group} › "));
    let label = format!("{}{}", group.unwrap_or_default(), field.label);
    let star = if field.required { " *" } else { "" };
    plain(&format!("  {label}{star} ({})", field.value_type.name()))
}

fn template_json(template: &CardTemplate) -> Value {
    json!({
        "file": template.name, "locale": template.locale, "look": template.look,
        "shows": template.template.svg_ids().collect::<Vec<_>>(),
    })
}

/// The file, what it is for, and the claims in it.
fn template_line(CardTemplate { name, locale, look, template, .. }: &CardTemplate) -> String {
    let look = json!(look);
    let words = look.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_str);
    let for_what: Vec<&str> = std::iter::once(locale.as_str()).chain(words).collect();
    let shown: Vec<&str> = template.svg_ids().collect();
    let shown = if shown.is_empty() { "no claim".to_owned() } else { shown.join(", ") };
    plain(&format!("  {name} ({}) shows {shown}", for_what.join(", ")))
}

fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(&shortened(value))
        .map(|text| plain_lines(&text))
        .map_err(Failure::own_fault)
}

/// JSON has no control characters of its own but the ends of its lines.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => {
            let begin: String = text.chars().take(TEXT_MAX / 2).collect();
            format!("{begin}… ({} characters)", text.chars().count()).into()
        }
        Value::Array(values) => values.iter().map(shortened).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), shortened(value)));
            Value::Object(members.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
