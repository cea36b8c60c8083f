//! Why no offer is made, in words for the operator.

use std::fmt;

use oid4vci::legacy::Dialect;

use crate::credential_type::ClaimsError;
use crate::failure::Broken;
use crate::flow::unknown_type::UnknownType;
use crate::tx_code_command::NotDelivered;

/// What an operator is told who names an offer that is not there.
pub const UNKNOWN_OFFER: &str =
    "There is no such offer: GET /admin/v1/offers lists those that are known.";

/// Why no offer was made; told to the operator.
#[derive(Debug)]
pub enum MakeOfferError {
    /// None was named.
    NoConfiguration,
    /// This one is not configured.
    UnknownConfiguration(UnknownType),
    /// This one was named twice (OFFER-05).
    RepeatedConfiguration(String),
    /// Names every claim that is wrong.
    Claims(ClaimsError),
    /// Nobody could scan it in time.
    TooShort,
    /// This type allows at most so many seconds.
    TooLong((String, String), u64),
    /// It is long or printed, and nothing guards it.
    NeedsTxCode,
    /// There is nobody who could send people here to sign in.
    NoClients,
    /// An offer for one account could be taken without signing in.
    AccountWithoutSignIn,
    /// Nobody has this account.
    UnknownAccount(String),
    /// A Transaction Code is typed in for the Pre-Authorized Code alone.
    UselessTxCode,
    /// The operator has not enabled it.
    DraftNotEnabled(Dialect),
    /// The draft has no word for this type.
    NotInDraft(String, Dialect),
    /// Only Wallets of drafts 8 to 13 know how to wait for an offer.
    NothingToWaitWith,
    /// The `Idempotency-Key` stands for another request.
    KeyUsedBefore,
    /// The application got another offer meanwhile.
    Replaced,
    /// The operator's program did not take the Transaction Code.
    NotDelivered(NotDelivered),
    /// Our own fault.
    Broken(Broken),
}

impl From<Broken> for MakeOfferError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl fmt::Display for MakeOfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfiguration => {
                f.write_str("say what to offer: a credential_configuration_id")
            }
            Self::UnknownConfiguration(unknown) => unknown.fmt(f),
            Self::RepeatedConfiguration(id) => write!(f, "`{id}` is named twice: name it once"),
            Self::Claims(error) => error.fmt(f),
            Self::TooShort => f.write_str("an offer must live at least one second"),
            Self::TooLong((id, file), longest) => {
                write!(
                    f,
                    "an offer of `{id}` lives at most {longest} seconds: see `offer_seconds`"
                )?;
                write!(f, " in {file}")
            }
            Self::NeedsTxCode => f.write_str(
                "an offer that is printed or lives longer than an hour needs a transaction code: \
                 ask for one, or say that it shall go without",
            ),
            Self::NoClients => f.write_str(
                "no wallet is registered that could send people here to sign in: put a file into \
                 the folder clients/",
            ),
            Self::AccountWithoutSignIn => f.write_str(
                "an offer for one account is taken by signing in alone: ask for the grant \
                 authorization_code, without the other one",
            ),
            Self::UnknownAccount(name) => {
                write!(f, "there is no account `{name}`: see `bestow issuer account list`")
            }
            Self::UselessTxCode => f.write_str(
                "a transaction code belongs to the pre-authorized code, which this offer lacks",
            ),
            Self::DraftNotEnabled(draft) => write!(
                f,
                "offers in draft {draft} are not enabled: add \"{draft}\" to `drafts` of the section \
                 [legacy] in bestow.toml, and start the issuer anew"
            ),
            Self::NotInDraft(id, draft) => write!(
                f,
                "draft {draft} has no words for `{id}`: its format, or the key attestation that it \
                 needs, came later; offer it in a later draft, or in 1.0"
            ),
            Self::NothingToWaitWith => f.write_str(
                "only wallets of drafts 8 to 13 wait for an offer that is held, and only for its \
                 pre-authorized code: make it in one of them, or once it can be taken",
            ),
            Self::KeyUsedBefore => {
                f.write_str("this Idempotency-Key was used for another request: choose a new one")
            }
            Self::Replaced => f.write_str("the application has another offer by now: look again"),
            Self::NotDelivered(error) => {
                write!(f, "{error}; ask again once the program works")
            }
            Self::Broken(_) => f.write_str("internal error: the log says more"),
        }
    }
}

impl std::error::Error for MakeOfferError {}
