//! Why nobody is signed in by what a provider says.

/// Why an answer, a document or a token of a provider is refused. The person reads which side must
/// do something; the log has the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderRefusal {
    /// The person said no, or the provider did (RFC 6749 §4.1.2.1).
    Denied,
    /// The provider asks to come again.
    TryAgain,
    /// The provider does not know us, or not what we asked for: the operator must look.
    Misconfigured,
    /// The provider gave another error code.
    Refused,
    /// Begun in another browser, over, or answered before (RFC 6749 §10.12).
    OtherBrowser,
    /// RFC 9207 §2.4: the answer comes from another server than the one that was asked.
    MixUp,
    /// No code, or a parameter twice.
    UnreadableAnswer,
    /// OIDC Discovery §4.3: the metadata are somebody else's.
    OtherProvider,
    /// An endpoint that we need is missing.
    NoEndpoint,
    /// An endpoint is no `https` address.
    UnsafeEndpoint,
    /// It cannot be reached, or does not answer as servers do.
    Unreachable,
    /// No JWK Set.
    UnreadableKeys,
    /// No ID Token in the answer, or none that can be read.
    UnreadableIdToken,
    /// RFC 8725 §3.12
    NotAnIdToken,
    /// RFC 8725 §3.2: `none`, a shared secret, or something that we do not know.
    Algorithm,
    /// OIDC §3.1.3.7
    WrongIssuer,
    /// OIDC §3.1.3.7
    WrongAudience,
    /// OIDC §3.1.3.7
    WrongNonce,
    /// `exp` or `iat` is missing, or not a number.
    NoTime,
    /// OIDC §3.1.3.7
    Expired,
    /// From the future.
    NotYetValid,
    /// OIDC §2
    NoSubject,
    /// None of the provider's keys.
    UnknownKey,
    /// OIDC §3.1.3.7
    WrongSignature,
    /// OIDC §5.3.2
    OtherPerson,
}

impl ProviderRefusal {
    /// The provider's error code (OIDC §3.1.2.6); nothing else of its answer is repeated.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        match code {
            "access_denied"
            | "login_required"
            | "interaction_required"
            | "consent_required"
            | "account_selection_required" => Self::Denied,
            "temporarily_unavailable" | "server_error" => Self::TryAgain,
            "invalid_request"
            | "unauthorized_client"
            | "invalid_scope"
            | "invalid_client"
            | "unsupported_response_type" => Self::Misconfigured,
            _ => Self::Refused,
        }
    }

    /// For the log, and for whoever operates the issuer.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Denied => "the provider did not sign this person in",
            Self::TryAgain => "the provider asks to come again later",
            Self::Misconfigured => "the provider refuses our client: check [sign_in]",
            Self::Refused => "the provider refused the sign-in",
            Self::OtherBrowser => "the answer belongs to another sign-in or another browser",
            Self::MixUp => "another server answered than the one that was asked",
            Self::UnreadableAnswer => "the provider's answer cannot be read",
            Self::OtherProvider => "the provider's metadata name another issuer",
            Self::NoEndpoint => "the provider's metadata lack an endpoint",
            Self::UnsafeEndpoint => "the provider's metadata name an endpoint that is not https",
            Self::Unreachable => "the provider cannot be reached",
            Self::UnreadableKeys => "the provider's keys cannot be read",
            Self::UnreadableIdToken => "the provider gave no readable ID token",
            Self::NotAnIdToken => "what the provider gave is no ID token",
            Self::Algorithm => "the ID token is signed in a way that we do not take",
            Self::WrongIssuer => "iss of the ID token is another provider",
            Self::WrongAudience => "the ID token is not for us alone",
            Self::WrongNonce => "the ID token belongs to another sign-in",
            Self::NoTime => "the ID token lacks exp or iat",
            Self::Expired => "the ID token is too old",
            Self::NotYetValid => "the ID token is from the future: compare the clocks",
            Self::NoSubject => "the ID token names nobody",
            Self::UnknownKey => "no key of the provider fits the ID token",
            Self::WrongSignature => "the signature of the ID token is wrong",
            Self::OtherPerson => "the provider's userinfo is about somebody else",
        }
    }

    /// Whether the same may succeed in a few minutes.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::TryAgain | Self::Unreachable)
    }

    /// Whether the person may succeed by trying once more, without anybody else doing anything.
    #[must_use]
    pub const fn is_of_the_person(self) -> bool {
        matches!(self, Self::Denied | Self::TryAgain | Self::OtherBrowser)
    }
}
