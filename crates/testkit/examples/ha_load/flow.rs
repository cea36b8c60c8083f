//! One full flow: offer, fetch, token, nonce, credential, each at the next node.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keys::outside::{Clock as _, SystemClock};
use oid4vci::token::PRE_AUTHORIZED_CODE;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use testkit::by_hand::request;
use testkit::proof::{Draft, holder_key};
use testkit::wire::{FORM, JSON};

use crate::journal::{Entry, Journal, Step};
use crate::nodes::{Answer, Nodes};

/// The type of the credentials, one of those that every new issuer has.
const TYPE: &str = "student_card";
/// How long a wallet goes on trying one step: longer than any drill keeps the service away.
const PATIENCE: Duration = Duration::from_mins(2);

/// Numbers the offers, so that one that was asked for twice is made once.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// One wallet, from the offer to the credential; each acknowledgement goes into the journal.
pub(crate) async fn flow(nodes: &Nodes, journal: &Journal, end: &AtomicBool) {
    let Some((id, reference)) = offer(nodes, journal).await else { return };
    if !end.load(Ordering::Relaxed) && redeem(nodes, journal, &id, &reference).await.is_none() {
        journal.write(&Entry::GivenUp { id: &id });
    }
}

/// Makes an offer: its id, and where a wallet fetches it.
async fn offer(nodes: &Nodes, journal: &Journal) -> Option<(String, String)> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let wish = json!({
        "credential_configuration_ids": [TYPE],
        "expires_in": 3600,
        "claims": {
            "given_name": "Erika", "family_name": "Mustermann",
            "birth_date": "2003-08-12", "student_id": format!("{number}"),
        },
    });
    let (address, wish) = (format!("{}/admin/v1/offers", nodes.admin), wish.to_string());
    let key = format!("{}-{number}", std::process::id());
    let request = |client: &Client| {
        let begun = client.post(&address).bearer_auth(&nodes.key).header("content-type", JSON);
        begun.header("idempotency-key", &key).body(wish.clone())
    };
    let answer = nodes.ask(Step::Offer, deadline(), journal, request).await?;
    let made = expect(journal, Step::Offer, 201, &answer)?;
    let id = text(made, "/id")?;
    journal.write(&Entry::Offer { id: &id });
    let link = url::Url::parse(&text(made, "/uri")?).ok()?;
    let reference = link.query_pairs().find(|(name, _)| name == "credential_offer_uri")?;
    Some((id, reference.1.into_owned()))
}

/// Everything that a wallet does with an offer. `None` when it gave up.
async fn redeem(nodes: &Nodes, journal: &Journal, id: &str, reference: &str) -> Option<()> {
    let fetch = |client: &Client| client.get(reference);
    let answer = nodes.ask(Step::Fetch, deadline(), journal, fetch).await?;
    let document = expect(journal, Step::Fetch, 200, &answer)?;
    let code = text(document, &format!("/grants/{PRE_AUTHORIZED_CODE}/pre-authorized_code"))?;
    let answer = token(nodes, journal, &code).await?;
    if answer.status == 400 && answer.unknown > 0 {
        // It was redeemed, and the answer got lost on its way: the holder needs a new offer.
        journal.write(&Entry::Spent { id });
        return Some(());
    }
    let token = text(expect(journal, Step::Token, 200, &answer)?, "/access_token")?;
    journal.write(&Entry::Token { id, code: &code });
    credential(nodes, journal, id, &token).await
}

/// Redeems a code.
pub(crate) async fn token(nodes: &Nodes, journal: &Journal, code: &str) -> Option<Answer> {
    let form = [("grant_type", PRE_AUTHORIZED_CODE), ("pre-authorized_code", code)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let address = format!("{}/token", nodes.url);
    let request =
        |client: &Client| client.post(&address).header("content-type", FORM).body(body.clone());
    nodes.ask(Step::Token, deadline(), journal, request).await
}

/// Gets a credential for a new key. A proof whose fate nobody knows is not used again.
async fn credential(nodes: &Nodes, journal: &Journal, id: &str, token: &str) -> Option<()> {
    let (key, until) = (holder_key(), deadline());
    while Instant::now() < until {
        let ask = |client: &Client| client.post(format!("{}/nonce", nodes.url));
        let answer = nodes.ask(Step::Nonce, until, journal, ask).await?;
        let nonce = text(expect(journal, Step::Nonce, 200, &answer)?, "/c_nonce")?;
        let draft = Draft::new(&key, &nodes.url, SystemClock.now().0, &nonce);
        let body = request(TYPE, &[draft.sign(&key).await]).to_string();
        let ask = |client: &Client| credential_request(nodes, client, token, &body);
        let answer = nodes.ask(Step::Credential, until, journal, ask).await?;
        if answer.status == 400 && answer.unknown > 0 && answer.error() == "invalid_nonce" {
            continue;
        }
        expect(journal, Step::Credential, 200, &answer)?;
        journal.write(&Entry::Credential { id, token, request: &body });
        return Some(());
    }
    None
}

/// Sends a Credential Request as it was signed.
pub(crate) fn credential_request(
    nodes: &Nodes,
    client: &Client,
    token: &str,
    body: &str,
) -> RequestBuilder {
    let request = client.post(format!("{}/credential", nodes.url)).bearer_auth(token);
    request.header("content-type", JSON).body(body.to_owned())
}

/// The body of the one answer that is right here; any other is written down.
fn expect<'a>(journal: &Journal, step: Step, status: u16, answer: &'a Answer) -> Option<&'a Value> {
    if answer.status == status {
        return Some(&answer.body);
    }
    let kind = format!("{} {}", answer.status, answer.error());
    journal.write(&Entry::Wrong { step, kind: &kind });
    None
}

fn text(body: &Value, pointer: &str) -> Option<String> {
    body.pointer(pointer)?.as_str().map(str::to_owned)
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}
