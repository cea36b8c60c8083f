//! One field of a form: how it is shown, and how a browser may fill it in.

/// Fields that belong together, such as those of an address.
#[derive(Clone, Debug)]
pub struct FieldGroup {
    /// What they are together; none for fields that stand alone.
    pub legend: Option<String>,
    /// In the order of the form.
    pub fields: Vec<Field>,
}

/// One question of the form.
#[derive(Clone, Debug)]
pub struct Field {
    /// The claim's path with dots, as it comes back.
    pub name: String,
    /// The question in the reader's language.
    pub label: String,
    /// What kind of answer.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
    /// An example, shown as a hint; may be empty.
    pub example: String,
    /// The longest text.
    pub max_length: Option<usize>,
    /// What was entered before.
    pub value: String,
    /// What is wrong with it, and what to do.
    pub error: Option<String>,
}

/// What kind of answer a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// An e-mail address.
    Email,
    /// A day.
    Date,
    /// A day and a time.
    DateTime,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
    /// A PNG or JPEG file.
    Picture,
}

impl Field {
    /// The id of the field's element; the name may hold what an id should not.
    pub(super) fn id(&self) -> String {
        let letter = |character: char| {
            if character.is_ascii_alphanumeric() { character } else { '-' }
        };
        format!("field-{}", self.name.chars().map(letter).collect::<String>())
    }

    /// What an error links to: of a yes-or-no question the first answer.
    pub(super) fn first_id(&self) -> String {
        let id = self.id();
        if self.kind == FieldKind::Boolean { format!("{id}-yes") } else { id }
    }

    pub(super) const fn input_type(&self) -> &'static str {
        match self.kind {
            FieldKind::Email => "email",
            FieldKind::Date => "date",
            FieldKind::DateTime => "datetime-local",
            FieldKind::Picture => "file",
            FieldKind::Text | FieldKind::Integer | FieldKind::Number | FieldKind::Boolean => "text",
        }
    }

    /// Which keyboard a phone shows; `type=number` would spin and swallow what is not a number.
    pub(super) const fn input_mode(&self) -> Option<&'static str> {
        match self.kind {
            FieldKind::Integer => Some("numeric"),
            FieldKind::Number => Some("decimal"),
            FieldKind::Text
            | FieldKind::Email
            | FieldKind::Date
            | FieldKind::DateTime
            | FieldKind::Boolean
            | FieldKind::Picture => None,
        }
    }

    pub(super) fn has_hint(&self) -> bool {
        self.kind == FieldKind::Picture || self.shows_example()
    }

    /// A browser asks for a day in its own way, so an example would only confuse.
    pub(super) fn shows_example(&self) -> bool {
        use FieldKind::{Boolean, Date, DateTime, Picture};
        let written = !matches!(self.kind, Date | DateTime | Boolean | Picture);
        written && !self.example.is_empty()
    }

    /// The ids that describe the field, for those who do not see it.
    pub(super) fn described_by(&self) -> Option<String> {
        let id = self.id();
        let hint = self.has_hint().then(|| format!("{id}-hint"));
        let error = self.error.as_ref().map(|_| format!("{id}-error"));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// What the browser knows about its user and may offer to fill in (WCAG 2.2, 1.3.5).
    pub(super) fn autocomplete(&self) -> Option<&'static str> {
        let last = self.name.rsplit('.').next().unwrap_or_default();
        Some(match last {
            "given_name" => "given-name",
            "family_name" => "family-name",
            "name" => "name",
            "email" => "email",
            "phone_number" => "tel",
            "birth_date" | "birthdate" => "bday",
            "street" | "street_address" => "street-address",
            "postal_code" => "postal-code",
            "city" | "locality" => "address-level2",
            "region" => "address-level1",
            "country" => "country-name",
            _ => return None,
        })
    }
}
