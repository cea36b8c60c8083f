//! `[sign_in]`: how people show who they are when a wallet sends them here.

use std::path::PathBuf;

use oid4vci::provider::OPENID;

use super::section::section;

section! {
    /// How people sign in when a wallet sends them here (see `clients`).
    SignIn {
        /// Whether accounts of this issuer can sign in (`bestow issuer account`).
        accounts: bool = true,
        /// The identifier of an OpenID Connect provider where people can sign in, such as
        /// `https://login.example`: exactly as the provider writes it. Empty: none. What a provider
        /// says of a person becomes claims as `sign_in_claims` of each credential type says.
        /// Register `URL/sign-in/callback` there as the redirect URI, where `URL` is that of this
        /// issuer.
        provider: String = String::new(),
        /// What people call the provider; it stands on the button. Empty: its host.
        provider_name: String = String::new(),
        /// The name under which this issuer is registered at the provider.
        client_id: String = String::new(),
        /// The file with the secret that the provider gave for it; only the issuer may read it.
        /// Without it: a public client, which PKCE protects.
        client_secret_file: Option<PathBuf> = None,
        /// What the provider is asked for; `openid` must be among it.
        scopes: Vec<String> = vec![OPENID.to_owned(), "profile".to_owned()],
        /// Whether the UserInfo Endpoint is asked too: some providers say no more than a name in
        /// the ID token.
        userinfo: bool = false,
        /// Certificates, as PEM, that the provider's TLS certificate may lead to, beside those that
        /// this machine trusts.
        provider_ca: Option<PathBuf> = None,
    }
}

impl SignIn {
    /// The provider, where there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        Some(self.provider.as_str()).filter(|provider| !provider.is_empty())
    }
}
