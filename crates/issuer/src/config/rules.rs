//! Rules between the keys of `bestow.toml`, each with its place in the file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use oid4vci::encryption::Encryption::Required;
use oid4vci::proof::WINDOW_SECONDS_MIN;
use oid4vci::provider::{OPENID, is_provider};
use oid4vci::secret::TX_CODE_LENGTHS;
use oid4vci::token;
use url::Url;

use super::section::Tls;
use super::source::Source;
use super::{Config, ConfigError, Profile};
use crate::credential_type::text::is_one_visible_line;
use crate::generations::FOLLOWED_SECONDS;

/// Checks what the type of a single key cannot say.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let rules = Rules { config, source };
    rules.root()?;
    rules.tls()?;
    rules.admin()?;
    rules.ranges()?;
    rules.credential_offer_endpoint()?;
    rules.senders()?;
    rules.sign_in()?;
    rules.authorization_server()?;
    rules.encryption()?;
    rules.legacy()?;
    rules.status()
}

/// Most characters in the name of an issuer.
pub const NAME_LENGTH_MAX: usize = 100;

/// Whether it can stand on a page, a letter and a certificate.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let characters = name.trim().chars().count();
    (1..=NAME_LENGTH_MAX).contains(&characters) && is_one_visible_line(name)
}

struct Rules<'r> {
    config: &'r Config,
    source: &'r Source,
}

/// Nothing that runs in a browser, shows a file or goes over the network unprotected.
fn is_endpoint_of_wallet(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_website = url.scheme() == "https" && url.has_host();
    let never =
        ["http", "https", "javascript", "data", "file", "blob", "about", "ftp", "ws", "wss"];
    let is_app = text.contains("://") && !never.contains(&url.scheme());
    (is_website || is_app) && !text.contains('#') && is_one_visible_line(text)
}

impl Rules<'_> {
    fn credential_offer_endpoint(&self) -> Result<(), ConfigError> {
        let endpoint = self.config.offer.credential_offer_endpoint.as_deref();
        if endpoint.is_none_or(is_endpoint_of_wallet) {
            return Ok(());
        }
        let remedy = "write a scheme, as `haip-vci://`, or an https address; no fragment";
        let key = "offer.credential_offer_endpoint";
        Err(self.source.mistake(key, "no wallet is reached there", remedy))
    }

    fn root(&self) -> Result<(), ConfigError> {
        if !self.source.has("url") {
            let remedy = "write url = \"https://issuer.example\" before the first section";
            return Err(self.source.mistake("url", "the address of the issuer is missing", remedy));
        }
        if !is_name(&self.config.name) {
            let remedy = format!("write 1 to {NAME_LENGTH_MAX} visible characters in one line");
            return Err(self.source.mistake("name", "no one can read this name", remedy));
        }
        let alt_text = self.config.logo.as_ref().map(|logo| logo.alt_text.as_str());
        if !alt_text.is_none_or(is_one_visible_line) {
            let remedy = "write one line in which everything can be seen";
            return Err(self.source.mistake("logo.alt_text", "no one can read this", remedy));
        }
        if !is_one_visible_line(&self.config.portal.help_line) {
            let remedy = "write one line in which everything can be seen";
            return Err(self.source.mistake("portal.help_line", "no one can read this", remedy));
        }
        let is_file = self.config.database.file().is_some();
        for key in ["database_password_file", "database_ca"] {
            if is_file && self.source.has(key) {
                let remedy = "remove it, or name a server in `database`";
                return Err(self.source.mistake(key, "the database is a file", remedy));
            }
        }
        Ok(())
    }

    /// Nothing but this machine may be reached without TLS (CRED-01, DEFER-02, NOTIF-05, META-03,
    /// SEC-21).
    fn tls(&self) -> Result<(), ConfigError> {
        let Config { url, server, .. } = self.config;
        let off = server.tls == Tls::Off;
        if url.is_plain_http() && !(url.is_loopback() && off) {
            let problem = "plain http is for this machine only";
            let remedy = "write https, or a loopback address together with [server] tls = \"off\"";
            return Err(self.source.mistake("url", problem, remedy));
        }
        if off && server.trusted_proxies.is_empty() {
            let problem = "nobody ends TLS in front of this issuer";
            let remedy = "name the reverse proxy, like trusted_proxies = [\"127.0.0.1\"], or set \
                          tls = \"files\"";
            return Err(self.source.mistake("server.tls", problem, remedy));
        }
        Ok(())
    }

    fn admin(&self) -> Result<(), ConfigError> {
        let admin = &self.config.admin;
        let (public, listen) = (self.config.listen(), self.config.admin_listen());
        for (key, address) in [("server.listen", public), ("admin.listen", listen)] {
            if address.port() == 0 {
                let remedy = "write the port, like listen = \"127.0.0.1:8443\"";
                return Err(self.source.mistake(key, "nobody can reach port 0", remedy));
            }
        }
        if is_same(public, listen) {
            let problem =
                format!("has the same address as the public listener: {public}, {listen}");
            let remedy = "choose another port, like [admin] listen = \"127.0.0.1:9443\"";
            return Err(self.source.mistake("admin.listen", problem, remedy));
        }
        match (&admin.certificate, &admin.private_key) {
            (Some(_), Some(_)) => Ok(()),
            (None, None) if listen.ip().is_loopback() => Ok(()),
            (None, None) => {
                let problem = "administration would be open to the network without TLS";
                let remedy = "add `certificate` and `private_key`, or listen on 127.0.0.1";
                Err(self.source.mistake("admin.listen", problem, remedy))
            }
            (Some(_), None) | (None, Some(_)) => {
                let problem = "`certificate` and `private_key` belong together";
                Err(self.source.mistake("admin", problem, "add the other one, or remove both"))
            }
        }
    }

    /// Somebody must be able to sign in, and a provider must be able to know us.
    fn sign_in(&self) -> Result<(), ConfigError> {
        let sign_in = &self.config.sign_in;
        let Some(provider) = sign_in.provider() else {
            if sign_in.accounts {
                return Ok(());
            }
            let remedy = "name a provider, or write accounts = true";
            return Err(self.source.mistake("sign_in.accounts", "nobody can sign in", remedy));
        };
        if !is_provider(provider) {
            let remedy = "write https and a host, as the provider writes it; no query or fragment";
            return Err(self.source.mistake(
                "sign_in.provider",
                "no provider can be there",
                remedy,
            ));
        }
        if sign_in.client_id.is_empty() {
            let remedy = "register this issuer at the provider, and write the name it got there";
            return Err(self.source.mistake("sign_in.client_id", "who we are is missing", remedy));
        }
        if !is_one_visible_line(&sign_in.provider_name) {
            let remedy = "write one line in which everything can be seen";
            return Err(self.source.mistake(
                "sign_in.provider_name",
                "no one can read this",
                remedy,
            ));
        }
        let is_word =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        let words = sign_in.scopes.iter().all(is_word);
        if !words || sign_in.scopes.iter().all(|scope| scope != OPENID) {
            let remedy = "write single words, and `openid` among them";
            return Err(self.source.mistake("sign_in.scopes", "there is no ID token", remedy));
        }
        Ok(())
    }

    /// Another server must be another one, and know us where it is asked about tokens.
    fn authorization_server(&self) -> Result<(), ConfigError> {
        let server = &self.config.authorization_server;
        let Some(issuer) = server.issuer() else { return Ok(()) };
        if !is_provider(issuer) {
            let problem = "no authorization server can be there";
            let remedy = "write https and a host, as the server writes it; no query or fragment";
            return Err(self.source.mistake("authorization_server.issuer", problem, remedy));
        }
        if issuer == self.config.url.as_str() {
            let problem = "this is ourselves";
            let remedy = "remove it: without it we are our own authorization server";
            return Err(self.source.mistake("authorization_server.issuer", problem, remedy));
        }
        if server.introspection && server.client_id.is_empty() {
            let problem = "who asks about tokens is missing";
            let remedy = "register this issuer at the server, and write the name it got there";
            return Err(self.source.mistake("authorization_server.client_id", problem, remedy));
        }
        Ok(())
    }

    /// What is to be encrypted needs a method.
    fn encryption(&self) -> Result<(), ConfigError> {
        if self.config.encryption.policy().is_some() {
            return Ok(());
        }
        let problem = "something is to be encrypted, and there is no method for it";
        let remedy = "name methods in alg_values_supported and enc_values_supported, or write \
                      request = \"off\" and response = \"off\"";
        Err(self.source.mistake("encryption", problem, remedy))
    }

    /// What drafts cannot keep is not promised beside them.
    fn legacy(&self) -> Result<(), ConfigError> {
        let config = self.config;
        let drafts = &config.legacy.drafts;
        let mut seen = BTreeSet::new();
        if let Some(twice) = drafts.iter().find(|draft| !seen.insert(**draft)) {
            let problem = format!("draft {twice} is named twice (10 is the same as 11)");
            return Err(self.source.mistake("legacy.drafts", problem, "name it once"));
        }
        if let Some(draft) = config.legacy.portal.filter(|draft| !drafts.contains(draft)) {
            let problem = format!("draft {draft} is not enabled");
            let remedy = format!("write drafts = [\"{draft}\"] beside it, or remove it");
            return Err(self.source.mistake("legacy.portal", problem, remedy));
        }
        self.shared_identifier()?;
        if drafts.is_empty() {
            return Ok(());
        }
        let what = if config.profile == Profile::Haip {
            "profile = \"haip\""
        } else if config.encryption.request == Required {
            "an encryption of requests that is required"
        } else if config.encryption.response == Required
            && drafts.iter().any(|draft| !draft.has_encryption())
        {
            let problem = "encryption of responses is required, and drafts before 12 have none";
            let remedy = "leave drafts before 12 out, or write response = \"offered\"";
            return Err(self.source.mistake("legacy.drafts", problem, remedy));
        } else {
            return Ok(());
        };
        let problem = format!("{what} allows no drafts, which cannot keep it");
        Err(self.source.mistake("legacy.drafts", problem, "write drafts = [], or remove the other"))
    }

    /// Drafts 13 and 14 ask in the clear, and for an answer in the clear, at the endpoints of 1.0.
    fn shared_identifier(&self) -> Result<(), ConfigError> {
        let Config { profile, encryption, legacy, .. } = self.config;
        let what = if *profile == Profile::Haip {
            "profile = \"haip\""
        } else if [encryption.request, encryption.response].contains(&Required) {
            "an encryption that is required"
        } else {
            return Ok(());
        };
        if !legacy.shared {
            return Ok(());
        }
        let problem = format!("{what} is kept by 1.0 alone");
        Err(self.source.mistake("legacy.shared", problem, "remove the line, or the other"))
    }

    fn ranges(&self) -> Result<(), ConfigError> {
        const DAY: u64 = 24 * 60 * 60;
        let Config { server, offer, proof, authorization, portal, retention, .. } = self.config;
        let lengths = u64::from(*TX_CODE_LENGTHS.start())..=u64::from(*TX_CODE_LENGTHS.end());
        self.range("server.body_bytes_max", count(server.body_bytes_max), 16_384..=16_777_216)?;
        self.range("server.request_seconds", server.request_seconds, 1..=600)?;
        self.range("server.requests_at_once", count(server.requests_at_once), 1..=100_000)?;
        self.range("server.queue_milliseconds", server.queue_milliseconds, 5..=10_000)?;
        self.range("server.failures_per_minute", server.failures_per_minute.into(), 1..=1_000_000)?;
        self.range("server.connections_max", count(server.connections_max), 16..=1_000_000)?;
        let each = count(server.connections_per_address);
        self.range("server.connections_per_address", each, 1..=1_000_000)?;
        let idle = server.request_seconds + 1..=3_600; // a request under way sends nothing
        self.range("server.idle_seconds", server.idle_seconds, idle)?;
        self.range("server.shutdown_seconds", server.shutdown_seconds, 0..=600)?;
        self.range("offer.expires_in_max", offer.expires_in_max.into(), 60..=366 * DAY)?;
        self.range("offer.expires_in", offer.expires_in.into(), 30..=offer.expires_in_max.into())?;
        self.range("offer.credentials_per_offer", offer.credentials_per_offer.into(), 1..=100)?;
        self.range("offer.tx_code_length", offer.tx_code_length.into(), lengths)?;
        self.range("offer.tx_code_attempts_max", offer.tx_code_attempts_max.into(), 1..=10)?;
        let deferred = &self.config.deferred;
        self.range("deferred.interval", deferred.interval.into(), 1..=DAY)?;
        self.range("deferred.keep_days", deferred.keep_days.into(), 1..=366)?;
        self.range("proof.window_seconds", proof.window_seconds, WINDOW_SECONDS_MIN..=3_600)?;
        self.range(
            "portal.applications_per_hour",
            portal.applications_per_hour.into(),
            1..=100_000,
        )?;
        let hours = u64::from(authorization.refresh_hours); // a year at most (HAIP-24)
        self.range("authorization.refresh_hours", hours, 0..=8_784)?;
        let pushes = u64::from(authorization.pushes_per_minute);
        self.range("authorization.pushes_per_minute", pushes, 1..=1_000_000)?;
        let failed = u64::from(authorization.failed_sign_ins_per_hour);
        self.range("authorization.failed_sign_ins_per_hour", failed, 1..=100_000)?;
        self.range("portal.pages_per_minute", portal.pages_per_minute.into(), 1..=100_000)?;
        self.range("retention.claims_hours", retention.claims_hours.into(), 0..=87_600)?;
        let applications_days = u64::from(retention.applications_days);
        self.range("retention.applications_days", applications_days, 1..=3_650)?;
        // An applicant's page that has lost its offer would make another one.
        let days = applications_days..=36_500;
        self.range("retention.offers_days", retention.offers_days.into(), days)?;
        let days = u64::from(retention.offers_days)..=36_500;
        self.range("retention.issuances_days", retention.issuances_days.into(), days)?;
        let lead = FOLLOWED_SECONDS..=31 * DAY; // known to nobody else, a key is of no use
        self.range("rotation.lead_seconds", self.config.rotation.lead_seconds, lead)
    }

    /// A token that nothing binds to the wallet is short-lived (VCI §13.10, B19); what is required
    /// must be possible.
    fn senders(&self) -> Result<(), ConfigError> {
        let Config { token, dpop, authorization, .. } = self.config;
        let longest = u64::from(token::LIFETIME_SECONDS_MAX);
        self.range("token.expires_in", token.expires_in.into(), 10..=longest)?;
        self.range("token.dpop_expires_in", token.dpop_expires_in.into(), 10..=86_400)?;
        self.range("dpop.window_seconds", dpop.window_seconds, 10..=600)?;
        if dpop.required && !dpop.is_on() {
            let problem = "no proof could be made for it";
            let remedy = "name algorithms in signing_alg_values_supported, or set required = false";
            return Err(self.source.mistake("dpop.required", problem, remedy));
        }
        let nobody = authorization.client_attestation_trust_anchors.is_empty();
        if authorization.client_attestation_required && nobody {
            let problem = "nobody is trusted to vouch for a wallet";
            let remedy = "name files in client_attestation_trust_anchors, or set it to false";
            let place = "authorization.client_attestation_required";
            return Err(self.source.mistake(place, problem, remedy));
        }
        Ok(())
    }

    /// Short lists tell too much of each credential in them; a list that is renewed when half its
    /// time is over must then be good for as long as it may be kept.
    fn status(&self) -> Result<(), ConfigError> {
        let status = &self.config.status;
        self.range("status.bits", status.bits.into(), 1..=2)?;
        self.range("status.size", status.size, 1 << 10..=1 << 24)?;
        if !status.size.is_multiple_of(8) {
            let remedy = "write a multiple of 8: a list is whole bytes";
            return Err(self.source.mistake("status.size", "the last byte is not full", remedy));
        }
        self.range("status.ttl", status.ttl, 10..=86_400)?;
        self.range("status.expires_in", status.expires_in, 2 * status.ttl..=31 * 86_400)
    }

    fn range(
        &self,
        place: &str,
        value: u64,
        allowed: RangeInclusive<u64>,
    ) -> Result<(), ConfigError> {
        if allowed.contains(&value) {
            return Ok(());
        }
        let remedy = format!("write {} to {}", allowed.start(), allowed.end());
        Err(self.source.mistake(place, format!("{value} is out of range"), remedy))
    }
}

/// Whether two listeners get in each other's way: an unspecified address is every address.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (is_any || one.ip() == other.ip())
}

/// A count, for [`Rules::range`].
fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
