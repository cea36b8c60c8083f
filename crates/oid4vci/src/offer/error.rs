//! Why there is no offer to go on with, in words for the person.

/// Why a scanned text is no Credential Offer that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferError {
    /// Not a link at all.
    NotALink,
    /// A link, but to something else.
    ForeignScheme,
    /// A link of the right kind that carries no offer.
    NoOffer,
    /// Two offers, or one parameter twice (OFFER-01).
    Ambiguous,
    /// Larger than any honest offer.
    TooLong,
    /// `credential_offer_uri` is not an https URL (OFFER-03), or names a user.
    BadOfferUri,
    /// The document is not a JSON object, or repeats a member.
    NotJson,
    /// `credential_issuer` missing.
    NoIssuer,
    /// `credential_issuer` is no Credential Issuer Identifier (META-01).
    BadIssuer,
    /// `credential_configuration_ids` missing, empty, repeated or too many.
    NoConfiguration,
    /// A member of `grants` has the wrong shape.
    BadGrant,
}

impl OfferError {
    /// What is wrong, for the person who scanned.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotALink => "this is not a link",
            Self::ForeignScheme => "this link is not a Credential Offer",
            Self::NoOffer => "this link carries no Credential Offer",
            Self::Ambiguous => "this link carries two Credential Offers",
            Self::TooLong => "this Credential Offer is too large",
            Self::BadOfferUri => {
                "the offer is said to be at an address that is not https, or that names a user"
            }
            Self::NotJson => "the Credential Offer is not a JSON object",
            Self::NoIssuer => "the Credential Offer names no issuer",
            Self::BadIssuer => {
                "the Credential Offer names its issuer by an address that is none: it must be https \
                 with a host, without a user, a query or a fragment"
            }
            Self::NoConfiguration => "the Credential Offer does not say what it offers",
            Self::BadGrant => "the Credential Offer has a grant that cannot be read",
        }
    }
}
