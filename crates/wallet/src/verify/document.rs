//! What nobody signed, by the rules of whoever would read it: offers, metadata, descriptions.

use formats::type_metadata::Chain;
use keys::did_document::DidDocument;
use keys::jws::Jws;
use keys::public_key::PublicKey;
use oid4vci::legacy::Dialect;
use oid4vci::metadata::{ReceivedIssuerMetadata, ReceivedServerMetadata, parse_identifier};
use oid4vci::offer::{OfferError, OfferLink, ReceivedOffer};
use serde_json::Value;
use url::Url;

use super::jwt::BYTES_MAX;
use super::report::counted;
use super::{Report, SignedBy, Verdict, Verifier};
use crate::flow::host;

const OFFER: &str = "VCI §4.1";
const GRANTS: &str = "VCI §4.1.1";
const ISSUER_METADATA: &str = "VCI §12.2.4";
const SERVER_METADATA: &str = "RFC 8414 §2";
/// Most of what a stranger wrote that is told.
const CHARACTERS_MAX: usize = 200;
/// Most keys that are looked at.
const KEYS_MAX: usize = 100;

/// An offer that was read, of which draft it is, and what had to be excused.
type Read = (ReceivedOffer, Option<Dialect>, Vec<&'static str>);

impl Verifier {
    /// Checks an offer as a link; one by reference is not fetched, as that spends it.
    #[must_use]
    pub fn offer_link(&self, text: &str) -> Report {
        match Dialect::read_link(text) {
            Ok((OfferLink::ByValue(offer), dialect, findings)) => {
                offered(Ok((offer, dialect, findings)))
            }
            Ok((OfferLink::ByReference(place), dialect, findings)) => {
                let mut report = Report::unsigned();
                report.passed("form", OFFER, of_draft("a link to a Credential Offer", dialect));
                excused(&findings, &mut report);
                let why = format!("the offer lies at {} and was not fetched", host(&place));
                report.skipped("offer", "VCI §4.1.3", why);
                report
            }
            Err(error) => offered(Err(error)),
        }
    }

    /// Checks an offer as JSON.
    #[must_use]
    pub fn offer(&self, document: &[u8]) -> Report {
        offered(Dialect::read_offer(document, None))
    }

    /// Checks Credential Issuer Metadata.
    pub async fn issuer_metadata(&self, document: &Value) -> Report {
        let mut report = Report::unsigned();
        let id = named(document, "credential_issuer");
        let body = document.to_string();
        let read = match ReceivedIssuerMetadata::parse(body.as_bytes(), &id) {
            Ok(read) => read,
            Err(error) => {
                report.failed("form", ISSUER_METADATA, error.message());
                return report;
            }
        };
        let count = read.configurations.len();
        report.passed("form", ISSUER_METADATA, counted(count, "credential configuration"));
        identifier(&id, "VCI §12.2.1", &mut report);
        let unnamed = read.configurations.values().find(|one| one.format.is_empty());
        let contradictory = read.configurations.values().find(|one| one.contradicts_itself());
        match (unnamed, contradictory) {
            (Some(_), _) => report.failed("content", ISSUER_METADATA, "one of them has no format"),
            (None, Some(_)) => {
                report.failed("content", "CLAIM-08", "its claims contradict each other");
            }
            (None, None) => report.passed("content", ISSUER_METADATA, "each has a format"),
        }
        let mut homes = vec![id.clone()];
        homes.extend(read.authorization_servers.iter().cloned());
        let more =
            [&read.nonce_endpoint, &read.deferred_credential_endpoint, &read.notification_endpoint];
        let endpoints = more.into_iter().flatten().chain([&read.credential_endpoint]);
        at_home(&homes, endpoints, ISSUER_METADATA, &mut report);
        self.signed_inside((document, &id), &mut report).await;
        unsigned(ISSUER_METADATA, &mut report);
        report
    }

    /// In drafts, metadata had a signed copy of themselves among them; the rest is as unsigned as before.
    /// It is about whoever they are of: what somebody else signed says nothing here, whoever vouches.
    async fn signed_inside(&self, (document, id): (&Value, &str), report: &mut Report) {
        const NAME: &str = "signed_metadata";
        const RULE: &str = "VCI §12.2.3";
        let Some(signed) = document.get(NAME).and_then(Value::as_str) else { return };
        let inside = Box::pin(self.jwt(signed, SignedBy::Issuer("sub"))).await;
        match inside.verdict() {
            Verdict::Failed => report.failed(NAME, RULE, "what is signed in it does not verify"),
            _ if subject(signed).is_none_or(|subject| subject != id) => {
                report.failed(NAME, RULE, "its sub is not the credential_issuer");
            }
            Verdict::Verified => {
                report.passed(NAME, RULE, "signed by somebody who is vouched for");
            }
            Verdict::Unanswered
            | Verdict::NotVouched
            | Verdict::StatusUnknown
            | Verdict::PossessionOnly
            | Verdict::NotSigned => {
                report.skipped(NAME, RULE, "nobody vouches for whoever signed it");
            }
        }
    }

    /// Checks Authorization Server Metadata.
    #[must_use]
    pub fn server_metadata(&self, document: &Value) -> Report {
        let mut report = Report::unsigned();
        let id = named(document, "issuer");
        let body = document.to_string();
        let read = match ReceivedServerMetadata::parse(body.as_bytes(), &id) {
            Ok(read) => read,
            Err(error) => {
                report.failed("form", SERVER_METADATA, error.message());
                return report;
            }
        };
        report.passed("form", SERVER_METADATA, "it has what a wallet needs");
        identifier(&id, "RFC 8414 §2", &mut report);
        let flow = read.code_flow.as_ref();
        let endpoints = [Some(&read.token_endpoint), read.challenge_endpoint.as_ref()];
        let of_flow = [
            flow.map(|flow| &flow.authorization_endpoint),
            flow.and_then(|flow| flow.pushed_authorization_request_endpoint.as_ref()),
        ];
        let endpoints = endpoints.into_iter().chain(of_flow).flatten();
        at_home(&[id], endpoints, SERVER_METADATA, &mut report);
        unsigned(SERVER_METADATA, &mut report);
        report
    }

    /// Checks JWT VC Issuer Metadata: the keys that an issuer publishes.
    #[must_use]
    pub fn issuer_keys(&self, document: &Value) -> Report {
        const RULE: &str = "SD-JWT VC §5";
        let mut report = Report::unsigned();
        let keys = document.pointer("/jwks/keys").and_then(Value::as_array);
        let uri = document.get("jwks_uri").and_then(Value::as_str);
        let id = named(document, "issuer");
        match (keys, uri) {
            (Some(keys), None) => {
                report.passed("form", RULE, counted(keys.len(), "key"));
                published(keys, RULE, &mut report);
            }
            (None, Some(uri)) => {
                report.passed("form", RULE, "its keys lie elsewhere");
                let uri = Url::parse(uri);
                at_home(std::slice::from_ref(&id), uri.iter(), RULE, &mut report);
                if uri.is_err() {
                    report.failed("endpoints", RULE, "jwks_uri is no URL");
                }
            }
            _ => report.failed("form", RULE, "it must have either jwks or jwks_uri"),
        }
        identifier(&id, RULE, &mut report);
        report.issuer = Some(id);
        unsigned(RULE, &mut report);
        report
    }

    /// Checks a description of a type of SD-JWT VCs; what it extends is not fetched.
    #[must_use]
    pub fn type_metadata(&self, document: &Value) -> Report {
        const RULE: &str = "SD-JWT VC §6.2";
        let mut report = Report::unsigned();
        let mut chain = Chain::of(&named(document, "vct"), None);
        if let Err(fault) = chain.take(document.to_string().as_bytes()) {
            report.failed("form", RULE, fault.to_string());
            return report;
        }
        report.passed("form", RULE, "a description of a type");
        let extended = chain.wanted().map(|wanted| told(wanted.uri));
        match (extended, chain.finish()) {
            (Some(extended), _) => {
                let why = format!("it extends {extended}, which was not asked for");
                report.skipped("content", "SD-JWT VC §6.4", why);
            }
            (None, Ok(read)) => {
                report.passed("content", "SD-JWT VC §9", counted(read.claims.len(), "claim"));
            }
            (None, Err(fault)) => report.failed("content", "SD-JWT VC §9", fault.to_string()),
        }
        unsigned(RULE, &mut report);
        report
    }

    /// Checks a DID document.
    #[must_use]
    pub fn did_document(&self, document: &Value) -> Report {
        const RULE: &str = "DID Core 1.0";
        let mut report = Report::unsigned();
        match DidDocument::parse(document.to_string().as_bytes(), &named(document, "id")) {
            Ok(read) => report.passed("form", RULE, format!("of {}", told(read.did()))),
            Err(error) => report.failed("form", RULE, error.to_string()),
        }
        unsigned(RULE, &mut report);
        report
    }
}

fn offered(read: Result<Read, OfferError>) -> Report {
    let mut report = Report::unsigned();
    let (offer, dialect, findings) = match read {
        Ok(read) => read,
        Err(error) => {
            report.failed("form", OFFER, error.message());
            return report;
        }
    };
    report.passed("form", OFFER, of_draft("a Credential Offer", dialect));
    excused(&findings, &mut report);
    report.passed("content", GRANTS, told(&offer.credential_configuration_ids.join(", ")));
    identifier(&offer.credential_issuer, "VCI §12.2.1", &mut report);
    let code = offer.pre_authorized_code.as_ref();
    let found = match (code, &offer.authorization_code) {
        (Some(code), _) if code.tx_code.is_some() => "a code, good with a transaction code",
        (Some(_), _) => "a code, good for whoever has it",
        (None, Some(_)) => "after a sign-in",
        (None, None) => "",
    };
    if found.is_empty() {
        report.skipped("grants", GRANTS, "it names none that is known: its issuer's metadata tell");
    } else {
        report.passed("grants", GRANTS, found);
    }
    unsigned(OFFER, &mut report);
    report
}

fn of_draft(what: &str, dialect: Option<Dialect>) -> String {
    dialect.map_or_else(|| what.to_owned(), |draft| format!("{what} of draft {draft}"))
}

/// What a wallet may take, and no issuer should write.
fn excused(findings: &[&'static str], report: &mut Report) {
    for finding in findings {
        report.skipped("excused", OFFER, *finding);
    }
}

/// Whoever stands behind it has a name that can be asked.
fn identifier(id: &str, rule: &'static str, report: &mut Report) {
    report.issuer = Some(id.to_owned());
    match parse_identifier(id).filter(|url| url.scheme() == "https") {
        Some(_) => report.passed("identifier", rule, told(id)),
        None => report.failed(
            "identifier",
            rule,
            format!("{} is no https address without user, query and fragment", told(id)),
        ),
    }
}

/// Metadata that lead elsewhere are how mix-ups begin (catalogue M02 to M05).
fn at_home<'u>(
    homes: &[String],
    endpoints: impl IntoIterator<Item = &'u Url>,
    rule: &'static str,
    report: &mut Report,
) {
    let homes: Vec<Url> = homes.iter().filter_map(|home| parse_identifier(home)).collect();
    let is_stray = |place: &&Url| {
        place.scheme() != "https" || !homes.iter().any(|home| home.origin() == place.origin())
    };
    match endpoints.into_iter().find(is_stray) {
        Some(stray) => {
            let why = format!("one is at {}, or not https: wallets do not go there", host(stray));
            report.failed("endpoints", rule, why);
        }
        None => report.passed("endpoints", rule, "all at home with whoever names them"),
    }
}

fn published(keys: &[Value], rule: &'static str, report: &mut Report) {
    let keys = keys.iter().take(KEYS_MAX);
    match keys.map(PublicKey::from_jwk_or_rsa).find_map(Result::err) {
        Some(error) => report.failed("content", rule, format!("a key cannot be used: {error}")),
        None => report.passed("content", rule, "each can be used"),
    }
}

fn unsigned(rule: &'static str, report: &mut Report) {
    let why = "nothing in it is signed: anybody can have written it";
    report.skipped("signature", rule, why);
}

/// Of whom signed metadata are.
fn subject(signed: &str) -> Option<String> {
    let claims = Jws::parse_with_rsa(signed, BYTES_MAX).ok()?.claims().ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

/// A member that is text; nothing where it is none.
fn named(document: &Value, name: &str) -> String {
    document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// So much of what a stranger wrote.
fn told(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect()
}
