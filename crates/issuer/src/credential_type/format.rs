//! The format of a credential type, and the names that it needs (VCI §A).

use formats::data_integrity::Canonicalization;
use formats::status_list::bitstring::V1_CONTEXT;
use formats::w3c::DataModel;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::StatusKind;
use super::entry::Entry;
use crate::config::ConfigError;

/// The format of a credential and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `dc+sd-jwt`
    SdJwtVc {
        /// FMT-SDJWT-03
        vct: String,
    },
    /// `mso_mdoc`
    MsoMdoc {
        /// FMT-MDOC-04
        doctype: String,
        /// Where every claim lies; `None` where the path of each begins with a name space.
        name_space: Option<String>,
    },
    /// A W3C credential.
    W3c(W3cType),
}

/// What a W3C credential is, and what secures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct W3cType {
    /// The format by which it is secured.
    pub securing: Securing,
    /// What stands behind the context of the data model.
    pub contexts: Vec<Value>,
    /// FMT-JWT-04
    pub types: Vec<String>,
}

/// The formats of W3C credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Securing {
    /// `jwt_vc_json`
    JwtVcJson,
    /// `jwt_vc_json-ld`
    JwtVcJsonLd,
    /// `vc+jwt`
    VcJwt,
    /// `vc+sd-jwt`
    VcSdJwt,
    /// `ldp_vc`, in one of its canonical forms.
    LdpVc(Canonicalization),
}

impl Format {
    /// The Credential Format Identifier.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SdJwtVc { .. } => "dc+sd-jwt",
            Self::MsoMdoc { .. } => "mso_mdoc",
            Self::W3c(w3c) => w3c.securing.name(),
        }
    }

    /// What stands in front of the path of a claim in a credential (FMT-JWT-06, FMT-MDOC-06).
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Self::SdJwtVc { .. } => None,
            Self::MsoMdoc { name_space, .. } => name_space.as_deref(),
            Self::W3c(_) => Some("credentialSubject"),
        }
    }

    /// Claims where a verifier of the credential finds them: those of an mdoc in their name space.
    #[must_use]
    pub fn placed(&self, claims: Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::MsoMdoc { name_space: Some(space), .. } => {
                Map::from_iter([(space.clone(), claims.into())])
            }
            Self::MsoMdoc { name_space: None, .. } | Self::SdJwtVc { .. } | Self::W3c(_) => claims,
        }
    }

    /// Whether a holder can leave claims out that are not such as are always shown.
    #[must_use]
    pub const fn can_conceal(&self) -> bool {
        match self {
            Self::SdJwtVc { .. } | Self::MsoMdoc { .. } => true,
            Self::W3c(w3c) => matches!(
                w3c.securing,
                Securing::VcSdJwt
                    | Securing::LdpVc(Canonicalization::Selective | Canonicalization::Unlinkable)
            ),
        }
    }

    /// The members that the format adds to metadata (VCI §A).
    #[must_use]
    pub fn members(&self) -> Map<String, Value> {
        let (name, value) = match self {
            Self::SdJwtVc { vct } => ("vct", json!(vct)),
            Self::MsoMdoc { doctype, .. } => ("doctype", json!(doctype)),
            Self::W3c(w3c) => ("credential_definition", w3c.definition()),
        };
        Map::from_iter([(name.to_owned(), value)])
    }
}

impl W3cType {
    /// FMT-JWT-04; of linked data with the names of its contexts (FMT-JWTLD-03, FMT-LDP-04). One that
    /// is written out stands in the credential alone: wallets in use take nothing but names here.
    fn definition(&self) -> Value {
        if self.securing == Securing::JwtVcJson {
            return json!({ "type": self.types });
        }
        let own = self.securing.data_model().context();
        let names = self.contexts.iter().filter_map(Value::as_str);
        let names: Vec<&str> = std::iter::once(own).chain(names).collect();
        json!({ "@context": names, "type": self.types })
    }
}

impl Securing {
    /// The Credential Format Identifier.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JwtVcJson => "jwt_vc_json",
            Self::JwtVcJsonLd => "jwt_vc_json-ld",
            Self::VcJwt => "vc+jwt",
            Self::VcSdJwt => "vc+sd-jwt",
            Self::LdpVc(_) => "ldp_vc",
        }
    }

    /// The version of the data model that it secures.
    #[must_use]
    pub const fn data_model(self) -> DataModel {
        match self {
            Self::JwtVcJson | Self::JwtVcJsonLd => DataModel::V1,
            Self::VcJwt | Self::VcSdJwt | Self::LdpVc(_) => DataModel::V2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum WrittenFormat {
    #[serde(rename = "dc+sd-jwt")]
    SdJwtVc,
    #[serde(rename = "mso_mdoc")]
    MsoMdoc,
    #[serde(rename = "jwt_vc_json")]
    JwtVcJson,
    #[serde(rename = "jwt_vc_json-ld")]
    JwtVcJsonLd,
    #[serde(rename = "vc+jwt")]
    VcJwt,
    #[serde(rename = "vc+sd-jwt")]
    VcSdJwt,
    #[serde(rename = "ldp_vc")]
    LdpVc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenCanonicalization {
    Jcs,
    Rdfc,
}

/// Those that do not follow from the key and the canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum WrittenCryptosuite {
    #[serde(rename = "ecdsa-sd-2023")]
    EcdsaSd2023,
    #[serde(rename = "bbs-2023")]
    Bbs2023,
}

impl WrittenFormat {
    /// How a W3C credential is secured; `None` of any other.
    const fn securing(self) -> Option<Securing> {
        match self {
            Self::SdJwtVc | Self::MsoMdoc => None,
            Self::JwtVcJson => Some(Securing::JwtVcJson),
            Self::JwtVcJsonLd => Some(Securing::JwtVcJsonLd),
            Self::VcJwt => Some(Securing::VcJwt),
            Self::VcSdJwt => Some(Securing::VcSdJwt),
            Self::LdpVc => Some(Securing::LdpVc(Canonicalization::Rdfc)),
        }
    }

    pub(super) const fn is_w3c(self) -> bool {
        self.securing().is_some()
    }

    /// Whether a holder can leave claims out.
    pub(super) const fn is_selective(self) -> bool {
        match self {
            Self::SdJwtVc | Self::MsoMdoc | Self::VcSdJwt => true,
            Self::JwtVcJson | Self::JwtVcJsonLd | Self::VcJwt | Self::LdpVc => false,
        }
    }

    /// In which status lists a credential can have an entry, the usual kind first: a proof inside of
    /// JSON has no place for a Token Status List.
    pub(super) const fn status_kinds(self) -> &'static [StatusKind] {
        match self {
            Self::SdJwtVc | Self::MsoMdoc => &[StatusKind::Token],
            Self::JwtVcJson | Self::JwtVcJsonLd | Self::VcJwt | Self::VcSdJwt => {
                &[StatusKind::Token, StatusKind::Bitstring]
            }
            Self::LdpVc => &[StatusKind::Bitstring],
        }
    }

    /// What follows the name of the type where a further format has no identifier of its own.
    pub(super) const fn short_name(self) -> &'static str {
        match self {
            Self::SdJwtVc => "sd_jwt",
            Self::MsoMdoc => "mdoc",
            Self::JwtVcJson => "jwt_vc_json",
            Self::JwtVcJsonLd => "jwt_vc_json-ld",
            Self::VcJwt => "vc_jwt",
            Self::VcSdJwt => "vc_sd_jwt",
            Self::LdpVc => "ldp_vc",
        }
    }

    /// The Credential Format Identifier.
    pub(super) const fn name(self) -> &'static str {
        match self.securing() {
            Some(securing) => securing.name(),
            None if matches!(self, Self::MsoMdoc) => "mso_mdoc",
            None => "dc+sd-jwt",
        }
    }

    /// The key under which it is named.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::SdJwtVc => "vct",
            Self::MsoMdoc => "doctype",
            Self::JwtVcJson | Self::JwtVcJsonLd | Self::VcJwt | Self::VcSdJwt | Self::LdpVc => {
                "types"
            }
        }
    }
}

/// Reads the names that the format needs; `issuer` and the identifier of the type make those that may
/// be left out. `status` is the kind of the status lists in which it has an entry, if in any.
pub(super) fn read(
    entry: &Entry<'_>,
    (issuer, id): (&str, &str),
    status: Option<StatusKind>,
) -> Result<Format, ConfigError> {
    let names = &entry.written;
    check_strange_names(entry)?;
    let home = format!("{issuer}/credentials/{id}"); // nobody else may use a URL below ours
    let securing = names.format.securing();
    let securing = securing.map(|securing| match (names.canonicalization, names.cryptosuite) {
        (_, Some(WrittenCryptosuite::EcdsaSd2023)) => Securing::LdpVc(Canonicalization::Selective),
        (_, Some(WrittenCryptosuite::Bbs2023)) => Securing::LdpVc(Canonicalization::Unlinkable),
        (Some(WrittenCanonicalization::Jcs), None) => Securing::LdpVc(Canonicalization::Jcs),
        (Some(WrittenCanonicalization::Rdfc) | None, None) => securing,
    });
    match securing {
        Some(securing) => w3c(entry, securing, (&home, status)).map(Format::W3c),
        None if names.format == WrittenFormat::MsoMdoc => {
            let doctype =
                names.doctype.as_ref().filter(|one| is_doctype(one)).ok_or_else(|| {
                    let problem = "mso_mdoc needs the doctype of the credential";
                    let remedy =
                        r#"write it like doctype = "org.example.membership.1", a name of yours"#;
                    entry.mistake("doctype", problem, remedy)
                })?;
            let name_space = name_space(entry, doctype)?;
            Ok(Format::MsoMdoc { doctype: doctype.clone(), name_space })
        }
        None => Ok(Format::SdJwtVc { vct: names.vct.clone().unwrap_or(home) }),
    }
}

/// The one name space of an mdoc, where all its claims lie in one.
fn name_space(entry: &Entry<'_>, doctype: &str) -> Result<Option<String>, ConfigError> {
    if !entry.has_name_space() {
        return Ok(None);
    }
    let written = entry.written.name_space.as_deref().unwrap_or(doctype);
    if is_doctype(written) {
        return Ok(Some(written.to_owned()));
    }
    let remedy = r#"write it like name_space = "org.example.membership.1", a name of yours"#;
    Err(entry.mistake("name_space", "this names no name space", remedy))
}

fn w3c(
    entry: &Entry<'_>,
    securing: Securing,
    (home, status): (&str, Option<StatusKind>),
) -> Result<W3cType, ConfigError> {
    let names = &entry.written;
    let types = names.types.as_ref().filter(|types| is_w3c(types)).ok_or_else(|| {
        let problem = format!("{} needs the W3C types of the credential", securing.name());
        let remedy = r#"write them like types = ["VerifiableCredential", "DiplomaCredential"]"#;
        entry.mistake("types", problem, remedy)
    })?;
    let mut contexts = match &names.contexts {
        None if securing == Securing::JwtVcJson => Vec::new(),
        None => vec![json!({ "@vocab": format!("{home}#") })], // every claim has a meaning, ours
        Some(contexts) => contexts.iter().map(|context| json!(context)).collect(),
    };
    let own = securing.data_model().context();
    if contexts.iter().any(|context| context == own) {
        let problem = format!("`{own}` comes first by itself");
        return Err(entry.mistake("contexts", problem, "remove it"));
    }
    // Linked data of version 1.1 knows the words of such an entry from there alone.
    let has_entry = status == Some(StatusKind::Bitstring);
    let is_missing = !contexts.iter().any(|context| context == V1_CONTEXT);
    if securing == Securing::JwtVcJsonLd && has_entry && is_missing {
        contexts.insert(0, json!(V1_CONTEXT));
    }
    Ok(W3cType { securing, contexts, types: types.clone() })
}

/// What another format calls its types.
fn check_strange_names(entry: &Entry<'_>) -> Result<(), ConfigError> {
    let names = &entry.written;
    let own = names.format.key();
    let written = [
        ("vct", names.vct.is_some(), "dc+sd-jwt"),
        ("doctype", names.doctype.is_some(), "mso_mdoc"),
        ("types", names.types.is_some(), "jwt_vc_json and other W3C formats"),
    ];
    let strange = written.iter().find(|(key, is_there, _)| *is_there && *key != own);
    if let Some((key, _, format)) = strange {
        let problem = format!("`{key}` belongs to {format}");
        return Err(entry.mistake(key, problem, format!("use `{own}` instead")));
    }
    if names.name_space.is_some() && names.format != WrittenFormat::MsoMdoc {
        let problem = "`name_space` belongs to mso_mdoc";
        return Err(entry.mistake("name_space", problem, "remove it"));
    }
    if names.canonicalization.is_some() && names.format != WrittenFormat::LdpVc {
        let problem = "`canonicalization` belongs to ldp_vc";
        return Err(entry.mistake("canonicalization", problem, "remove it"));
    }
    let is_json = names.canonicalization == Some(WrittenCanonicalization::Jcs);
    if names.cryptosuite.is_some() && (names.format != WrittenFormat::LdpVc || is_json) {
        let problem = "`cryptosuite` belongs to ldp_vc, which is signed as linked data";
        return Err(entry.mistake("cryptosuite", problem, "remove it, or canonicalization"));
    }
    if names.cryptosuite == Some(WrittenCryptosuite::Bbs2023) && !cfg!(feature = "bbs-2023") {
        let problem =
            "this program was built without bbs-2023, whose arithmetic nobody has audited";
        let remedy = "take \"ecdsa-sd-2023\"; or build with `--features bbs-2023`, once you have read \
                      docs/adr/0019-bbs.md";
        return Err(entry.mistake("cryptosuite", problem, remedy));
    }
    let is_plain = matches!(names.format.securing(), None | Some(Securing::JwtVcJson));
    if names.contexts.is_some() && is_plain {
        let problem = "`contexts` belongs to W3C credentials as linked data";
        return Err(entry.mistake("contexts", problem, "remove it, or use jwt_vc_json-ld"));
    }
    Ok(())
}

/// A name in reverse domain order (ISO 18013-5 §7.2), which is compared byte by byte.
fn is_doctype(doctype: &str) -> bool {
    let is_plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'/');
    (1..=200).contains(&doctype.len()) && doctype.bytes().all(is_plain)
}

/// VCDM 1.1: the general type comes first.
fn is_w3c(types: &[String]) -> bool {
    types.first().is_some_and(|first| first == "VerifiableCredential")
        && types.iter().all(|name| !name.is_empty())
}
