//! `bestow.toml`: what an operator says, checked once (META-01, catalogue X39).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use oid4vci::attestation::Attesters;
use oid4vci::client::Client;

use crate::credential_type::{Approval, CredentialType, Locale, Logo, Revocation, TxCodeChannel};
use section::section;
use source::Source;

pub use address::{IssuerUrl, TrustedProxy};
pub use algorithms::Algorithms;
pub use authorization_server::AuthorizationServer;
pub use clients::{ClientMistake, WrittenClient};
pub use database::Database;
pub use encryption::{Encryption, Named, Names};
pub use haip::Profile;
pub use reference::{example, reference};
pub use rules::{NAME_LENGTH_MAX, is_name};
pub use section::{
    Admin, Authorization, Compatibility, Deferred, Dpop, Legacy, Log, LogFormat, LogLevel,
    Notification, Offer, Openid4vci11, Portal, Proof, Retention, Rotation, Server, Status, Tls,
    Token,
};
pub use sign_in::SignIn;
pub use source::ConfigError;

mod address;
mod algorithms;
mod authorization_server;
mod clients;
mod database;
mod drafts;
mod encryption;
pub(crate) mod haip;
mod json_place;
mod reference;
mod rules;
mod section;
mod sign_in;
pub(crate) mod source;
pub(crate) mod trust;

section! {
    /// Everything that an operator says about the issuer; relative paths begin at the file.
    Config {
        /// The Credential Issuer Identifier: the address that wallets see, and the beginning of
        /// all others. `https`, host, optional port and path, no `/` at the end. Do not change it
        /// once credentials are issued. Plain `http` is for this machine only, with
        /// `[server] tls = "off"`.
        url: IssuerUrl = IssuerUrl::development(),
        /// What people call the issuer.
        name: String = "My Organisation".to_owned(),
        /// The language of `name`, and of pages whose reader asks for none that we have.
        locale: Locale = Locale::english(),
        /// The issuer's picture, which wallets may show beside `name`: an `https:` address, or a
        /// `data:image/` URL, and what it says to those who do not see it.
        logo: Option<Logo> = None,
        /// `none`, or `haip`: the High Assurance Interoperability Profile, for wallets and
        /// ecosystems that ask for it. It turns on what it needs, and refuses what contradicts it;
        /// `bestow issuer check-config` lists both.
        profile: Profile = Profile::None,
        /// Where offers and applications are kept: a file of SQLite, or a PostgreSQL server, as
        /// `postgres://user@host:port/name`. Behind that may stand `?sslmode=verify-full`, which
        /// checks the server's certificate and name, and is the default unless the server is on
        /// this machine, or `?sslmode=disable`. Several hosts stand side by side, with commas
        /// between them; the one that takes writes is used. After a change:
        /// `bestow issuer migrate`.
        database: Database = Database::File("bestow.db".into()),
        /// The file with the password for the PostgreSQL server; only the issuer may read it.
        database_password_file: Option<PathBuf> = None,
        /// The certificates, as PEM, that the PostgreSQL server's certificate must lead to.
        /// Without it: those that this machine trusts.
        database_ca: Option<PathBuf> = None,
        /// The folder of the secret keys, as `bestow issuer init` makes it and `bestow issuer keys`
        /// changes it. Keep a copy: without them, offers that are out cannot be redeemed.
        keys: PathBuf = PathBuf::from("keys"),
        /// The folder of the credential types, one file each.
        credentials: PathBuf = PathBuf::from("credentials"),
        /// The folder of the wallets that may send people here to sign in, one file each, with
        /// `client_id`, `name` (what people call it), `redirect_uris`, and for a wallet with a
        /// server `authentication = "private_key_jwt"` and `keys`. Without the folder nobody can
        /// sign in, and offers are the only way to a credential.
        clients: PathBuf = PathBuf::from("clients"),
        /// See below.
        server: Server = Server::default(),
        /// See below.
        admin: Admin = Admin::default(),
        /// See below.
        offer: Offer = Offer::default(),
        /// See below.
        token: Token = Token::default(),
        /// See below.
        dpop: Dpop = Dpop::default(),
        /// See below.
        authorization: Authorization = Authorization::default(),
        /// See below.
        sign_in: SignIn = SignIn::default(),
        /// See below.
        authorization_server: AuthorizationServer = AuthorizationServer::default(),
        /// See below.
        proof: Proof = Proof::default(),
        /// See below.
        encryption: Encryption = Encryption::default(),
        /// See below.
        deferred: Deferred = Deferred::default(),
        /// See below.
        notification: Notification = Notification::default(),
        /// See below.
        compatibility: Compatibility = Compatibility::default(),
        /// See below.
        legacy: Legacy = Legacy::default(),
        /// See below.
        openid4vci_1_1: Openid4vci11 = Openid4vci11::default(),
        /// See below.
        portal: Portal = Portal::default(),
        /// See below.
        retention: Retention = Retention::default(),
        /// See below.
        status: Status = Status::default(),
        /// See below.
        rotation: Rotation = Rotation::default(),
        /// See below.
        log: Log = Log::default(),
    }
}

/// Who has no issuer yet is told how to get one.
fn or_init(file: &Path, mistake: ConfigError) -> ConfigError {
    if file.exists() {
        return mistake;
    }
    let remedy = format!("{}; `bestow issuer init DIR` makes a new one", mistake.remedy);
    ConfigError { remedy, ..mistake }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let source = Source::read(file).map_err(|mistake| or_init(file, mistake))?;
        let mut config: Self = source.parse()?;
        haip::apply(&mut config, &source)?;
        rules::check(&config, &source)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        if folder.to_str().is_none() {
            let problem = "lies in a folder whose name is no UTF-8 text";
            return Err(ConfigError::of_file(file, problem, "rename the folder"));
        }
        config.resolve(folder);
        Ok(config)
    }

    /// Makes every path begin where the file is, and writes out what follows from other keys.
    fn resolve(&mut self, folder: &Path) {
        self.database.resolve(folder);
        self.admin.listen = Some(self.admin_listen());
        self.server.listen = Some(self.listen());
        let key_file = self.admin.key_file.take();
        self.admin.key_file = Some(key_file.unwrap_or_else(|| self.keys.join("admin.key")));
        let paths = [
            self.database_password_file.as_mut(),
            self.database_ca.as_mut(),
            Some(&mut self.keys),
            Some(&mut self.credentials),
            Some(&mut self.clients),
            Some(&mut self.server.certificate),
            Some(&mut self.server.private_key),
            self.admin.key_file.as_mut(),
            self.admin.certificate.as_mut(),
            self.admin.private_key.as_mut(),
            self.sign_in.client_secret_file.as_mut(),
            self.sign_in.provider_ca.as_mut(),
            self.authorization_server.client_secret_file.as_mut(),
            self.authorization_server.ca.as_mut(),
            self.authorization.attestation_status_ca.as_mut(),
            self.proof.did_web_ca.as_mut(),
        ];
        let anchors = self.authorization.client_attestation_trust_anchors.iter_mut();
        for path in paths.into_iter().flatten().chain(anchors) {
            *path = folder.join(&*path);
        }
    }

    /// Where the public listener listens.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.server.listen.unwrap_or_else(|| self.url.listen())
    }

    /// Where the listener for administration listens.
    #[must_use]
    pub fn admin_listen(&self) -> SocketAddr {
        let next = || {
            let port = self.listen().port().saturating_add(1);
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
        };
        self.admin.listen.unwrap_or_else(next)
    }

    /// The file with the key of the administration.
    #[must_use]
    pub fn admin_key_file(&self) -> PathBuf {
        self.admin.key_file.clone().unwrap_or_else(|| self.keys.join("admin.key"))
    }

    /// Reads who may vouch for wallets; `None` when their attestations are not looked at.
    pub fn client_attesters(&self) -> Result<Option<Attesters>, ConfigError> {
        let files = &self.authorization.client_attestation_trust_anchors;
        let attesters = trust::attesters(files)?;
        if self.profile != Profile::Haip {
            return Ok(attesters);
        }
        let file = files.first().map_or(Path::new(""), PathBuf::as_path);
        let mistake = |problem: &str, remedy: &str| ConfigError::of_file(file, problem, remedy);
        attesters.map(|attesters| haip::check_attesters(attesters, mistake)).transpose()
    }

    /// Reads all credential types.
    pub fn credential_types(&self) -> Result<BTreeMap<String, CredentialType>, ConfigError> {
        let mut types = CredentialType::load_all(&self.credentials, self.url.as_str())?;
        if self.profile == Profile::Haip {
            haip::check_types(&self.credentials, &mut types)?;
        }
        types.values().try_for_each(|credential_type| {
            self.check_offer_seconds(credential_type)?;
            self.check_suspendable(credential_type)
        })?;
        Ok(types)
    }

    /// Reads all clients.
    pub fn registered_clients(&self) -> Result<BTreeMap<String, Client>, ConfigError> {
        let clients = clients::load(&self.clients)?;
        if self.profile == Profile::Haip {
            haip::check_clients(&self.clients, &clients)?;
        }
        let can_attest = !self.authorization.client_attestation_trust_anchors.is_empty();
        clients::check_first_party(&self.clients, &clients, can_attest)?;
        Ok(clients)
    }

    /// What `profile` asks for, a line each; empty where there is none.
    #[must_use]
    pub fn demands(&self) -> Vec<String> {
        haip::demands(self)
    }

    /// A type cannot promise what `[offer] expires_in_max` forbids.
    fn check_offer_seconds(&self, credential_type: &CredentialType) -> Result<(), ConfigError> {
        let longest = self.offer.expires_in_max;
        let Some(seconds) = credential_type.offer_seconds.filter(|seconds| *seconds > longest)
        else {
            return Ok(());
        };
        let file = &credential_type.origin.file;
        let problem = format!(
            "offer_seconds = {seconds} is more than [offer] expires_in_max = {longest} allows"
        );
        let remedy = "lower it, or raise expires_in_max in bestow.toml";
        Err(Source::read(file)?.mistake("offer_seconds", problem, remedy))
    }

    /// A type cannot promise what no list has room for.
    fn check_suspendable(&self, credential_type: &CredentialType) -> Result<(), ConfigError> {
        let status = &self.status;
        if credential_type.revocation != Revocation::WithSuspension {
            return Ok(());
        }
        let (problem, remedy) = match (status.enabled, status.bits) {
            (false, _) => {
                ("there are no status lists", "write [status] enabled = true in bestow.toml")
            }
            (true, 1) => (
                "lists with [status] bits = 1 have no room for a suspension",
                "write [status] bits = 2 in bestow.toml, or remove suspendable here",
            ),
            (true, _) => return Ok(()),
        };
        let file = &credential_type.origin.file;
        Err(Source::read(file)?.mistake("suspendable", problem, remedy))
    }

    /// Whether credentials of this type may be suspended.
    #[must_use]
    pub fn may_suspend(&self, credential_type: &CredentialType) -> bool {
        match credential_type.revocation {
            Revocation::Never | Revocation::WithoutSuspension => false,
            Revocation::AsListsAllow => self.status.bits > 1,
            Revocation::WithSuspension => true,
        }
    }

    /// Whether new credentials of this type have an entry in a status list.
    #[must_use]
    pub fn has_status(&self, credential_type: &CredentialType) -> bool {
        self.status.enabled && credential_type.revocation != Revocation::Never
    }

    /// The longest life of an offer of this type.
    #[must_use]
    pub fn offer_seconds(&self, credential_type: &CredentialType) -> u32 {
        let seconds = credential_type.offer_seconds.unwrap_or(self.offer.expires_in);
        seconds.min(self.offer.expires_in_max)
    }

    /// What is allowed, but should not stay so.
    #[must_use]
    pub fn warnings(&self, types: &BTreeMap<String, CredentialType>) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.url.is_plain_http() {
            warnings.push("url: without TLS everybody on the way can read everything".to_owned());
        }
        if self.url.is_loopback() {
            warnings.push("url: only wallets on this machine can reach this issuer".to_owned());
        }
        if let Database::Postgres(address) = &self.database
            && address.is_open_to_listeners()
        {
            let text = "database: without TLS everybody on the way can read everything";
            warnings.push(text.to_owned());
        }
        if self.proof.did_web_private_addresses {
            warnings.push(
                "proof.did_web_private_addresses: whoever may ask for a credential can make this \
                 issuer knock at addresses inside of its network"
                    .to_owned(),
            );
        }
        let kept_days = self.retention.issuances_days;
        // What is said of a file is said once, whatever formats are in it.
        let files = || types.values().filter(|one| one.origin.is_first());
        for one in files().filter(|one| one.validity_days > kept_days) {
            let file = one.origin.name();
            warnings.push(format!(
                "{file}: valid for longer than the record of it is kept \
                 ([retention] issuances_days = {kept_days}): after that nobody can revoke it"
            ));
        }
        warnings.extend(haip::warnings(self, types));
        warnings.extend(files().filter_map(program_warning));
        if self.portal.enabled {
            warnings.extend(files().filter(|one| one.portal).flat_map(portal_warnings));
        }
        warnings
    }

    /// What is in force, defaults included, as it could be written; there are no secrets in it.
    #[must_use]
    pub fn effective(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

/// Not a mistake of the file: the program may be installed later, or on another machine.
fn program_warning(credential_type: &CredentialType) -> Option<String> {
    let TxCodeChannel::Command(command) = &credential_type.tx_code_channel else { return None };
    let program = command.first().filter(|program| program.contains('/'))?;
    (!Path::new(program).is_file()).then(|| {
        let file = credential_type.origin.name();
        format!("{file}: tx_code_command: there is no program `{program}` here")
    })
}

fn portal_warnings(credential_type: &CredentialType) -> Vec<String> {
    let (file, mut warnings) = (credential_type.origin.name(), Vec::new());
    if credential_type.approval == Approval::AtOnce {
        warnings.push(format!(
            "{file}: approval = \"at-once\" gives this credential to everybody who \
             fills in the form; for demonstrations only"
        ));
    }
    if credential_type.tx_code && credential_type.tx_code_channel == TxCodeChannel::Screen {
        warnings.push(format!(
            "{file}: tx_code_channel = \"screen\" shows the transaction code beside \
             the QR code, where it protects nobody; for demonstrations only"
        ));
    }
    warnings
}
