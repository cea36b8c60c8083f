//! The rules for the paths of claims: which there may be, and which cannot all be meant.

use formats::path::Step;

use super::claim_rules::{Rules, WrittenClaim};
use super::claims::{DEPTH_MAX, name_of};
use super::format::WrittenFormat;
use super::value::ValueType;
use crate::config::ConfigError;

/// Longest name of a claim.
const NAME_LENGTH_MAX: usize = 64;
/// Claims of an SD-JWT VC and of a JWT, which only the issuer sets (FMT-SDJWT-06, RFC 7519 §4.1).
const SD_JWT_RESERVED: [&str; 13] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "vct", "status", "aka_vcts", "_sd_alg",
    "vp",
];
/// Members of `credentialSubject` that have a meaning of their own.
const SUBJECT_RESERVED: [&str; 2] = ["id", "type"];

impl Rules<'_> {
    pub(super) fn check_path(&self) -> Result<(), ConfigError> {
        let path = &self.claim.path;
        if !(1..=DEPTH_MAX).contains(&path.len()) {
            let remedy = format!("write 1 to {DEPTH_MAX} names, the outermost first");
            return self.refuse("path", "is empty or too deep", &remedy);
        }
        if self.context.format == WrittenFormat::MsoMdoc {
            return self.check_mdoc_path();
        }
        let mut names = path.iter().filter_map(Step::name);
        if path.first() == Some(&Step::Every) || !names.clone().all(is_name) {
            let remedy = "use letters of a-z, digits, `_` and `-` for each name";
            return self.refuse("path", "is no name that every wallet can show", remedy);
        }
        let is_w3c = self.context.format.is_w3c();
        if is_w3c && self.is_for_machines() && (path.len() > 1 || !self.is_called()) {
            return self.check_for_machines();
        }
        let reserved: &[&str] = if is_w3c { &SUBJECT_RESERVED } else { &SD_JWT_RESERVED };
        let outermost = names.clone().next().is_some_and(|name| reserved.contains(&name));
        if outermost || names.any(|name| name == "_sd") {
            return self.refuse("path", "this name is reserved for the issuer", "choose another");
        }
        Ok(())
    }

    /// Whether it is `id`, and not `type`.
    fn is_called(&self) -> bool {
        self.claim.path.last().and_then(Step::name) == Some("id")
    }

    /// What kind of thing something is gives its claims their meaning, so nobody but this file says it;
    /// what it is called may be given.
    fn check_for_machines(&self) -> Result<(), ConfigError> {
        let claim = self.claim;
        if !self.is_called() && claim.value.is_none() {
            let remedy = r#"write the same for all, like value = "Achievement" or value = ["…"]"#;
            return self.refuse("path", "`type` says what its object is, for machines", remedy);
        }
        if self.is_called() && claim.value_type != ValueType::String {
            let remedy = "set type = \"string\", or choose another name";
            return self.refuse("type", "`id` is a URI, by which machines know an object", remedy);
        }
        Ok(())
    }

    /// FMT-MDOC-06: a name space, which has dots, and an element of it.
    fn check_mdoc_path(&self) -> Result<(), ConfigError> {
        let is_name_space = |name: &str| name.split('.').all(is_name);
        match &self.claim.path[..] {
            [Step::Name(element), inside @ ..] if self.context.is_in_name_space => {
                if is_name(element) && inside.iter().filter_map(Step::name).all(is_name) {
                    return Ok(());
                }
                let remedy = "use letters of a-z, digits, `_` and `-` for each name; name_space is \
                              where all of them lie";
                self.refuse("path", "does not name an element of the name space", remedy)
            }
            [Step::Name(space), Step::Name(element), inside @ ..]
                if is_name_space(space)
                    && is_name(element)
                    && inside.iter().filter_map(Step::name).all(is_name) =>
            {
                Ok(())
            }
            _ => self.refuse(
                "path",
                "does not name an element of a name space",
                r#"write it like path = ["org.example.membership.1", "given_name"]"#,
            ),
        }
    }

    /// What the claim at this path is, if one is declared there.
    pub(super) fn declared(&self, path: &[Step]) -> Option<ValueType> {
        self.all.iter().find(|other| other.path == path).map(|other| other.value_type)
    }

    /// A star is in a list, and nothing else is (CLAIM-10); what it stands for is declared.
    fn check_lists(&self) -> Result<(), ConfigError> {
        let path = &self.claim.path;
        for (at, step) in path.iter().enumerate() {
            let (around, here) = (path.get(..at), path.get(..=at));
            let is_in_list = around.and_then(|it| self.declared(it)) == Some(ValueType::List);
            if is_in_list && *step != Step::Every {
                let remedy = r#"write "*" after the name of the list: each element"#;
                return self.refuse("path", "lies in a list, as no element of it", remedy);
            }
            if *step == Step::Every {
                if !is_in_list {
                    let remedy = "declare it: a claim of type = \"list\" with the path before `*`";
                    return self.refuse("path", "`*` comes after what is no list", remedy);
                }
                if here.and_then(|it| self.declared(it)).is_none() {
                    let remedy = "add a claim whose path ends with that `*`, which is often an \
                                  object";
                    return self.refuse("path", "what the list holds is not declared", remedy);
                }
            }
        }
        Ok(())
    }

    /// No claim twice, and none that is a value and an object at once (CLAIM-08, CLAIM-10).
    pub(super) fn check_neighbours(&self) -> Result<(), ConfigError> {
        let path = &self.claim.path;
        for earlier in self.earlier() {
            // By its whole name a claim is typed, filled in and complained of.
            if name_of(&earlier.path) == name_of(path) {
                return self.refuse("path", "is there twice", "remove one");
            }
        }
        if self.context.format == WrittenFormat::MsoMdoc {
            let declared = |outer: &[Step]| self.declared(outer).is_some();
            let outermost = if self.context.is_in_name_space { 1 } else { 2 };
            if !(outermost..path.len()).all(|depth| path.get(..depth).is_some_and(declared)) {
                let remedy = "declare the element around it: a claim of type = \"object\"";
                return self.refuse("path", "lies in an element that is not declared", remedy);
            }
        }
        self.check_lists()?;
        if self.around().any(|other| other.value_type.is_value() || other.value.is_some()) {
            let remedy = "set type = \"object\" for the outer claim, or remove it";
            return self.refuse("path", "lies inside a claim that is a value itself", remedy);
        }
        Ok(())
    }

    /// Claims whose path this one lies below.
    pub(super) fn around(&self) -> impl Iterator<Item = &WrittenClaim> {
        let path = &self.claim.path;
        let above =
            |other: &&WrittenClaim| other.path.len() < path.len() && path.starts_with(&other.path);
        self.all.iter().filter(above)
    }
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain)
}
