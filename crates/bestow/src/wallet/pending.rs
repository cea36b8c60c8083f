//! `bestow wallet pending` and `bestow wallet resume`: credentials that their issuers make later.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wallet::Wallet;
use wallet::error::WalletError;
use wallet::flow::deferred::Resumed;
use wallet::store::{Listed, PendingCredential};

use super::open::{Reach, client_key, open};
use super::receive::{Person, told};
use super::said::tell_excused;
use super::{Place, card, listed, store_failure, tell_damaged};
use crate::cli::ResumeArguments;
use crate::exit::{Failure, Kind};
use crate::terminal::{plain, print, print_json, tell};

/// Lists what is still to come.
pub(super) async fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let Listed { records, damaged } = place.open().await?.pending().await.map_err(store_failure)?;
    tell_damaged(place, "pending", &damaged);
    if json {
        return print_json(&listed("pending", records.iter().map(object).collect(), damaged));
    }
    if records.is_empty() {
        tell("Nothing is still to come.");
    }
    for pending in &records {
        print(line(pending));
    }
    Ok(())
}

/// The object that scripts get; what opens the issuer stays in the wallet.
pub(super) fn object(pending: &PendingCredential) -> Value {
    json!({
        "id": pending.id.to_string(),
        "credential_configuration_id": pending.expected.credential_configuration_id,
        "issuer": pending.expected.credential_issuer,
        "asked_at": pending.asked_at.to_rfc3339(),
        "ask_at": pending.ask_at.to_rfc3339(),
        "fetched": pending.fetched.is_some(),
    })
}

fn line(pending: &PendingCredential) -> String {
    let issuer = plain(&pending.expected.credential_issuer);
    let when = match &pending.fetched {
        Some(_) => "came, and is to be looked at".to_owned(),
        None => format!("ask from {}", pending.ask_at.to_rfc3339()),
    };
    format!("{}  {}  {issuer}  {when}", pending.id, name(pending))
}

/// What it is called.
pub(super) fn name(pending: &PendingCredential) -> String {
    let face = pending.expected.display.face("en");
    let id = &pending.expected.credential_configuration_id;
    plain(face.map_or(id.as_str(), |face| face.name.as_str()))
}

/// Asks for what is still to come, and keeps what is here by now; tells issuers what they have not
/// heard yet.
pub(super) async fn resume(place: &Place, arguments: &ResumeArguments) -> Result<(), Failure> {
    let allow_http_loopback = arguments.allow_http_loopback;
    let reach = Reach::of_later(&arguments.trust, &arguments.attestation);
    let reach = Reach { allow_http_loopback, profile: arguments.profile.profile, ..reach };
    let mut wallet = open(place, reach, |client| Arc::new(client)).await?;
    wallet.settings.client_key = client_key(&arguments.client_key)?;
    let chosen = chosen(&wallet, arguments.id.as_deref()).await?;
    let (mut kept, mut waits, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for pending in &chosen {
        match ask(&wallet, pending, arguments, &mut findings).await {
            Ok(Some(credentials)) => kept.extend(credentials),
            Ok(None) => waits.push(object(pending)),
            Err(failure) => failures.push((pending, failure)),
        }
    }
    let _ = wallet.send_notices().await; // those that do not arrive are sent the next time
    for (pending, failure) in &failures {
        tell(format!("{} did not come: {}", name(pending), failure.message));
    }
    if arguments.trace {
        tell_excused(&findings);
    }
    let (is_done, kept, waits) = (waits.is_empty(), Value::from(kept), Value::from(waits));
    let failure = match failures.into_iter().next() {
        Some((_, failure)) => failure.done("credentials", kept),
        None if !is_done => not_ready().done("credentials", kept).done("pending", waits),
        None if arguments.json => {
            let mut done = Map::from_iter([("credentials".to_owned(), kept)]);
            done.insert("pending".to_owned(), waits);
            if !findings.is_empty() {
                done.insert("findings".to_owned(), json!(findings));
            }
            return print_json(&done);
        }
        None => return Ok(()),
    };
    let is_right = findings.is_empty();
    Err(if is_right { failure } else { failure.done("findings", json!(findings)) })
}

/// Nothing is wrong, and nothing is here.
pub(super) fn not_ready() -> Failure {
    Failure::new(Kind::NotYet, "not_yet", "the issuer has not finished the credential yet")
        .hint("ask again later: bestow wallet resume")
}

async fn chosen(wallet: &Wallet, id: Option<&str>) -> Result<Vec<PendingCredential>, Failure> {
    let all = wallet.store.pending().await.map_err(store_failure)?.records;
    let Some(id) = id else { return Ok(all) };
    let found: Vec<_> = all.into_iter().filter(|one| one.id.to_string() == id).collect();
    if found.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            "unknown_credential",
            "nothing of this id is pending",
        )
        .hint("list what is still to come: bestow wallet pending"));
    }
    Ok(found)
}

/// `None` when it is not ready.
async fn ask(
    wallet: &Wallet,
    pending: &PendingCredential,
    arguments: &ResumeArguments,
    findings: &mut Vec<Cow<'static, str>>,
) -> Result<Option<Vec<Value>>, Failure> {
    let failed = |error: WalletError| told(&error);
    match wallet.resume(&pending.id).await.map_err(failed)? {
        Resumed::Waits(waits) => {
            let at = waits.ask_at.to_rfc3339();
            tell(format!("{} is not ready; ask again from {at}", name(&waits)));
            Ok(None)
        }
        Resumed::Received(received) => {
            findings.extend(received.findings().iter().cloned());
            let person = Person { yes: arguments.yes };
            let received =
                person.look(wallet, received, arguments.accept_unverified_issuer).await?;
            let kept = wallet.keep(&received).await.map_err(failed)?;
            if !arguments.json {
                for credential in &kept {
                    print(card::card(credential));
                }
            }
            Ok(Some(kept.iter().map(card::json).collect()))
        }
    }
}
