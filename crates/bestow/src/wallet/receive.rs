//! `bestow wallet receive`: steps 4 to 20, with a person who is asked where it matters.

use std::sync::Arc;
use std::time::Duration;

use oid4vci::offer::OfferError;
use oid4vci::secret::TxCode;
use serde_json::Value;
use wallet::Wallet;
use wallet::error::WalletError;
use wallet::flow::key::KeyWish;
use wallet::flow::metadata::ResolvedOffer;
use wallet::flow::offer::{Consent, FetchedOffer, ScannedOffer};
use wallet::flow::receipt::Received;
use wallet::flow::sign_in::SignIn;
use wallet::flow::token::{Authorized, TokenFailure};
use wallet::store::KeyId;

use super::challenge::sign_in_here;
use super::open::{Reach, client_key, open};
use super::said::Said;
use super::sign_in::Return;
use super::{Place, card, input, pending, wallet_failure};
use crate::cli::ReceiveArguments;
use crate::exit::{Failure, Kind};
use crate::terminal::{ask, confirm, is_interactive, plain, print, print_json, tell};

/// How often a person may type a Transaction Code; the issuer counts too.
const TYPING_MAX: usize = 5;
/// Longest that is waited for an issuer that is not ready.
const WAIT_SECONDS_MAX: u64 = 3600;

/// An issuer's own address is a link, too.
const NO_OFFER: &str = "scan the QR code again; if this is the issuer's own address, say what you want of it: \
                        --credential CONFIGURATION_ID";

/// Receives what is offered, shows it and keeps it.
pub(crate) async fn receive(place: &Place, arguments: &ReceiveArguments) -> Result<(), Failure> {
    let scanned = match &arguments.credential[..] {
        [] => ScannedOffer::scan(&input::offer_text(&arguments.offer)?),
        ids => ScannedOffer::of_issuer(&arguments.offer, ids),
    };
    let scanned = scanned.map_err(|error| {
        let failure = told(&error);
        let is_bare = error == WalletError::Offer(OfferError::NoOffer);
        if is_bare { failure.hint(NO_OFFER) } else { failure }
    })?;
    let dialogue = scanned.dialogue();
    let done = Box::pin(take(place, arguments, scanned)).await;
    let said = Said::of(&dialogue);
    if arguments.trace {
        said.tell();
    }
    done.map_err(|failure| said.beside(failure))
}

/// The same from what was scanned on. What was spoken is told however it ends.
async fn take(
    place: &Place,
    arguments: &ReceiveArguments,
    scanned: ScannedOffer,
) -> Result<(), Failure> {
    let dialogue = scanned.dialogue();
    let allow_http_loopback = arguments.allow_http_loopback;
    let reach = Reach { allow_http_loopback, ..Reach::of(&arguments.reach) };
    let mut wallet = open(place, reach, |client| Arc::new(client)).await?;
    wallet.settings.prefers_sign_in = arguments.sign_in || arguments.account.is_some();
    wallet.settings.client_id.clone_from(&arguments.client_id);
    wallet.settings.client_key = client_key(&arguments.client_key)?;
    let person = Person { yes: arguments.yes };
    let resolved = person.agree(&wallet, scanned).await?;
    let authorized = match &arguments.account {
        Some(account) if resolved.needs_sign_in() => {
            let typed = (account.as_str(), arguments.password_file.as_deref());
            Box::pin(sign_in_here(&wallet, resolved, typed)).await?
        }
        _ if resolved.needs_sign_in() => Box::pin(sign_in(&wallet, resolved)).await?,
        _ => person.redeem(&wallet, resolved, arguments.tx_code.as_deref()).await?,
    };
    let received = request(&wallet, &authorized, &wish(arguments)).await;
    let received = received.map_err(|error| told(&error))?;
    let received = person.look(&wallet, received, arguments.accept_unverified_issuer).await?;
    let kept = wallet.keep(&received).await.map_err(|error| told(&error))?;
    let credentials: Value = kept.iter().map(card::json).collect();
    if !arguments.json {
        for credential in &kept {
            print(card::card(credential));
        }
    }
    let _ = wallet.send_notices().await; // also of other times, when they did not arrive
    let waits: Value = received.pending().iter().map(pending::object).collect();
    for one in received.pending() {
        let name = pending::name(one);
        tell(format!("{name} is not ready; ask for it later: bestow wallet resume {}", one.id));
    }
    match not_received(&received) {
        Some(failure) if received.pending().is_empty() => {
            Err(failure.done("credentials", credentials))
        }
        Some(failure) => Err(failure.done("credentials", credentials).done("pending", waits)),
        None if !received.pending().is_empty() => {
            Err(pending::not_ready().done("credentials", credentials).done("pending", waits))
        }
        None if arguments.json => print_json(&Said::of(&dialogue).json(&credentials)),
        None => Ok(()),
    }
}

/// The person signs in with the issuer, in a browser on this machine, and comes back.
async fn sign_in(wallet: &Wallet, offer: ResolvedOffer) -> Result<Authorized, Failure> {
    let back = Return::open().await?;
    let begun = wallet.begin_sign_in(offer, &back.redirect_uri()).await;
    in_browser(wallet, begun.map_err(|error| told(&error))?, back).await
}

/// The person is sent to the browser, and comes back.
pub(super) async fn in_browser(
    wallet: &Wallet,
    begun: SignIn,
    back: Return,
) -> Result<Authorized, Failure> {
    tell("Sign in with the issuer: open this address in a browser on this machine.");
    tell(format!("  {}", begun.address()));
    let query = back.query().await?;
    wallet.finish_sign_in(begun, &query).await.map_err(|error| told(&error))
}

/// A token that died on the way is renewed once, where the issuer gave the means for it.
async fn request(
    wallet: &Wallet,
    authorized: &Authorized,
    wish: &KeyWish,
) -> Result<Received, WalletError> {
    let received = wallet.request_credentials(authorized, wish).await;
    match &received {
        Err(WalletError::Refused(refused)) if refused.is("invalid_token") => {
            match wallet.renew(authorized).await? {
                Some(renewed) => wallet.request_credentials(&renewed, wish).await,
                None => received,
            }
        }
        _ => received,
    }
}

/// A failure with the option that helps, where there is one.
pub(super) fn told(error: &WalletError) -> Failure {
    let failure = wallet_failure(error);
    let hint = match error.code() {
        "untrusted_certificate" => {
            "if the server uses an authority of its own, name its certificate: --ca FILE"
        }
        "not_https" => {
            "ask the issuer for a link that uses https; plain http, to this machine only, needs \
             --allow-http-loopback"
        }
        "tx_code_needed" => {
            "look for the code in the issuer's message or letter, and add --tx-code CODE"
        }
        "key_attestation_needed" => {
            "name a program that vouches for this wallet's keys: --key-attestation-command CMD"
        }
        "issuer_not_verified" => {
            "name an authority that vouches for it (--trust-anchor FILE), or take it as it is \
             (--accept-unverified-issuer); this offer is used, so get a new one first"
        }
        "attestation_needed" => {
            "ask the issuer which wallets it knows; what your wallet's maker gives goes into \
             --client-attestation and --client-attestation-key"
        }
        "client_key_needed" => {
            "ask the issuer to register a key for this wallet, and name it: --client-id CLIENT_ID \
             --client-key FILE"
        }
        "client_key_missing" => "go on with the key that it was begun with: --client-key FILE",
        "signed_requests_not_taken" => {
            "leave out --sign-request, or ask the issuer which keys it takes for signed requests"
        }
        _ => return failure,
    };
    failure.hint(hint)
}

fn wish(arguments: &ReceiveArguments) -> KeyWish {
    KeyWish {
        key: (arguments.key != "new").then(|| KeyId::new(arguments.key.as_str())),
        algorithm: arguments.alg,
        binding: arguments.binding,
        did_web: arguments.did_web.clone(),
        copies: arguments.batch.into(),
    }
}

/// Who sits at the terminal, or has said yes to all beforehand.
pub(super) struct Person {
    pub(super) yes: bool,
}

impl Person {
    /// Nothing is sent before the person agreed to the host (OFFER-39).
    async fn agree(
        &self,
        wallet: &Wallet,
        scanned: ScannedOffer,
    ) -> Result<ResolvedOffer, Failure> {
        let failed = |error: WalletError| told(&error);
        let host = scanned.host().to_owned();
        self.consent(&format!("Contact {} about this offer?", plain(&host)))?;
        let mut consent = Consent::to(&host);
        let fetched: FetchedOffer = wallet.fetch_offer(scanned, &consent).await.map_err(failed)?;
        if fetched.host() != host {
            let issuer = plain(fetched.host());
            self.consent(&format!("The offer is from {issuer}. Contact that host too?"))?;
            consent = consent.and(fetched.host());
        }
        let issuer = fetched.host().to_owned();
        let described = wallet.describe_offer(fetched, &consent).await.map_err(failed)?;
        if described.server_host() != issuer {
            self.consent(&elsewhere(&issuer, described.server_host()))?;
            consent = consent.and(described.server_host());
        }
        let resolved = wallet.resolve_offer(described, &consent).await.map_err(failed)?;
        describe(&resolved);
        self.consent("Receive it?")?;
        Ok(resolved)
    }

    fn consent(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            tell(format!("{question} yes"));
            return Ok(());
        }
        if !is_interactive() {
            return Err(Failure::new(Kind::Declined, "declined", "nobody is here to say yes")
                .hint("to go on without being asked, add --yes"));
        }
        if confirm(question)? {
            return Ok(());
        }
        Err(Failure::new(Kind::Declined, "declined", "nothing was received"))
    }

    /// A Transaction Code that was mistyped may be typed again; the offer stays good meanwhile.
    async fn redeem(
        &self,
        wallet: &Wallet,
        mut offer: ResolvedOffer,
        given: Option<&str>,
    ) -> Result<Authorized, Failure> {
        let mut tx_code = given.map(TxCode::new);
        for _ in 0..TYPING_MAX {
            if tx_code.is_none() && offer.tx_code().is_some() {
                tx_code = Some(ask_tx_code(&offer)?);
            }
            match self.redeem_when_ready(wallet, offer, tx_code.take()).await {
                Ok(authorized) => return Ok(authorized),
                Err(failure) if failure.may_retype() && is_interactive() => {
                    tell(format!("{}; type the code again.", plain(&failure.error.to_string())));
                    offer = failure.offer;
                }
                Err(failure) if is_refused_code(&failure) => {
                    return Err(told(&failure.error).hint(
                        "check the transaction code and try again: the offer stays good until the \
                         code was wrong too often",
                    ));
                }
                Err(failure) => return Err(told(&failure.error)),
            }
        }
        Err(Failure::new(Kind::Refused, "invalid_grant", "the code was wrong too often"))
    }

    /// Some issuers of drafts make an offer before it can be taken, and say when to ask again; until the
    /// offer is over, or too much time is.
    async fn redeem_when_ready(
        &self,
        wallet: &Wallet,
        mut offer: ResolvedOffer,
        tx_code: Option<TxCode>,
    ) -> Result<Authorized, Box<TokenFailure>> {
        let mut waited = 0;
        loop {
            let failure = match wallet.request_token(offer, tx_code.clone()).await {
                Err(failure) => failure,
                authorized => return authorized,
            };
            let seconds =
                failure.ask_again_after().filter(|more| waited + more <= WAIT_SECONDS_MAX);
            let Some(seconds) = seconds else { return Err(failure) };
            if waited == 0 {
                tell("The issuer is not ready yet: waiting for it. To end: Ctrl-C.");
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            waited += seconds;
            offer = failure.offer;
        }
    }

    fn may_ask(&self) -> bool {
        !self.yes && is_interactive()
    }

    /// Shows what came before anything is stored; an issuer that nobody vouches for needs its own
    /// yes, which `--yes` is not.
    ///
    /// Who says no, or is not there to say yes, does not want it: the issuer may know (NOTIF-08). What
    /// is kept until somebody has looked at it waits for that.
    pub(super) async fn look(
        &self,
        wallet: &Wallet,
        received: Received,
        accept_unverified: bool,
    ) -> Result<Received, Failure> {
        let Some(doubt) = received.doubt() else { return Ok(received) };
        let error = WalletError::from(wallet::trust::VerificationError::Doubtful(doubt));
        if accept_unverified {
            return Ok(received.accept_unverified_issuer());
        }
        if self.may_ask() {
            for preview in received.previews() {
                tell(card::card(preview.credential()));
            }
            tell(plain(&error.to_string()));
            if confirm("Keep it nevertheless?")? {
                return Ok(received.accept_unverified_issuer());
            }
        }
        if !self.may_ask() && received.is_kept() {
            return Err(told(&error).hint(
                "it stays in the wallet until somebody decides: name an authority that vouches \
                 for its issuer (--trust-anchor FILE), take it as it is \
                 (--accept-unverified-issuer), or delete it",
            ));
        }
        wallet.decline(&received).await;
        Err(told(&error))
    }
}

fn ask_tx_code(offer: &ResolvedOffer) -> Result<TxCode, Failure> {
    if !is_interactive() {
        return Err(told(&WalletError::TxCodeNeeded));
    }
    if let Some(description) = offer.tx_code().and_then(|input| input.description.as_deref()) {
        tell(plain(description));
    }
    let question = format!("Transaction code for {}:", plain(&offer.token_host()));
    let typed = ask(&question)?;
    let declined = || Failure::new(Kind::Declined, "declined", "no code was typed");
    typed.filter(|code| !code.is_empty()).map(TxCode::new).ok_or_else(declined)
}

/// The code that the offer is worth goes to a host that the person has not seen yet (SEC-09).
fn elsewhere(issuer: &str, server: &str) -> String {
    let (issuer, server) = (plain(issuer), plain(server));
    format!("{issuer} has the codes of its offers redeemed at {server}. Send them to that host?")
}

/// Whose offer it is and what is in it, before the person says yes.
fn describe(offer: &ResolvedOffer) {
    let name = offer.offered().first().and_then(|offered| offered.display().issuer_name("en"));
    let address = plain(offer.credential_issuer());
    tell(match name {
        Some(name) => format!("{} ({address}) offers:", plain(name)),
        None => format!("{address} offers:"),
    });
    for offered in offer.offered() {
        let face = offered.display().face("en");
        let name = face.map_or_else(|| offered.id(), |face| face.name.as_str());
        tell(format!("  - {} ({})", plain(name), plain(offered.format())));
    }
    for format in offer.unsupported() {
        tell(format!(
            "  - something of the format {}, which this wallet cannot hold",
            plain(format)
        ));
    }
}

/// The issuer does not say which of the two codes was wrong; the one that was typed is likelier.
fn is_refused_code(failure: &TokenFailure) -> bool {
    failure.may_retype() && matches!(failure.error.code(), "invalid_grant" | "invalid_tx_code")
}

/// What came is kept and shown; what did not come is named, and decides how the program ends.
fn not_received(received: &Received) -> Option<Failure> {
    for failure in received.failures() {
        let error = plain(&failure.error.to_string());
        tell(format!("{} was not received: {error}", plain(&failure.id)));
    }
    received.failures().first().map(|failure| told(&failure.error))
}
