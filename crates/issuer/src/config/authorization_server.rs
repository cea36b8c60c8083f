//! `[authorization_server]`: another server that gives Access Tokens for this issuer.

use std::path::PathBuf;

use super::section::section;

section! {
    /// Another authorization server, whose access tokens open the credential endpoint beside our
    /// own (VCI §12.2.4). It tells people and wallets apart; what a person can have stands in an
    /// account of the name `ISSUER#SUB`, made by `bestow issuer account add`, without a password.
    AuthorizationServer {
        /// Its identifier, exactly as it writes it, such as `https://login.example`. Empty: none.
        issuer: String = String::new(),
        /// What its tokens call this issuer in `aud`. Empty: `url`.
        audience: String = String::new(),
        /// Whether it is asked about each token (RFC 7662), for tokens that only it can read. Else
        /// tokens are JWTs (RFC 9068), verified by its keys.
        introspection: bool = false,
        /// The name under which this issuer asks.
        client_id: String = String::new(),
        /// The file with the secret for that; only the issuer may read it.
        client_secret_file: Option<PathBuf> = None,
        /// Certificates, as PEM, that its TLS certificate may lead to, beside those that this
        /// machine trusts.
        ca: Option<PathBuf> = None,
    }
}

impl AuthorizationServer {
    /// Its identifier, where there is one.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        Some(self.issuer.as_str()).filter(|issuer| !issuer.is_empty())
    }
}
