//! Signing in at the terminal, with an issuer whose own wallet this is.

use std::path::Path;

use oid4vci::secret::GivenPassword;
use wallet::Wallet;
use wallet::flow::challenge::Challenged;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::token::Authorized;

use super::first_line;
use super::receive::{in_browser, told};
use super::sign_in::Return;
use crate::exit::{Failure, Kind};
use crate::terminal::{is_interactive, plain, tell};

/// How often a person may type a password; the issuer counts too.
const TYPING_MAX: usize = 5;

/// Signs in with the name of an account and its password, where the issuer lets this wallet ask for
/// it; else in a browser.
pub(super) async fn sign_in_here(
    wallet: &Wallet,
    offer: ResolvedOffer,
    (account, password_file): (&str, Option<&Path>),
) -> Result<Authorized, Failure> {
    let back = Return::open().await?;
    let begun = wallet.begin_challenge(offer, &back.redirect_uri()).await;
    let mut challenged = begun.map_err(|error| told(&error))?;
    for tried in 0..TYPING_MAX {
        let challenge = match challenged {
            Challenged::Authorized(authorized) => return Ok(*authorized),
            Challenged::Browser(begun) => {
                tell("This issuer lets no wallet like this one ask for the password.");
                return in_browser(wallet, *begun, back).await;
            }
            Challenged::Asks(challenge) => challenge,
        };
        let password = match password_file {
            Some(_) if tried > 0 => return Err(wrong()),
            Some(file) => first_line(file, "password")?,
            None => ask_password(account, &challenge.host(), tried > 0)?,
        };
        let password = GivenPassword::new(password.as_str());
        let answered = wallet.answer_challenge(*challenge, account, &password).await;
        challenged = answered.map_err(|error| told(&error))?;
    }
    match challenged {
        Challenged::Authorized(authorized) => Ok(*authorized),
        Challenged::Asks(_) | Challenged::Browser(_) => Err(wrong()),
    }
}

fn wrong() -> Failure {
    Failure::new(
        Kind::Refused,
        "wrong_password",
        "the name of the account or its password is wrong",
    )
    .hint("check both; the offer stays good")
}

/// Whose password it is stands before it: it is typed for this host alone.
fn ask_password(
    account: &str,
    host: &str,
    was_wrong: bool,
) -> Result<zeroize::Zeroizing<String>, Failure> {
    if !is_interactive() {
        let nobody = "nobody is here to type the password";
        return Err(Failure::new(Kind::Declined, "declined", nobody)
            .hint("name a file whose first line it is: --password-file FILE"));
    }
    if was_wrong {
        tell("The name or the password is wrong; type the password again.");
    }
    let question = format!("Password of {} at {}: ", plain(account), plain(host));
    let typed = rpassword::prompt_password(question);
    typed.map(zeroize::Zeroizing::new).map_err(Failure::own_fault)
}
