//! Afterwards: is everything there that was acknowledged, and does nothing work twice?

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::flow::{credential_request, token};
use crate::journal::{Flow, Journal, Step, Story};
use crate::nodes::Nodes;

/// Questions under way at the same time.
const QUESTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of the flows of a journal.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    offers: usize,
    redemptions: usize,
    records: usize,
    /// The code was good for another token.
    twice: usize,
    /// The same proof was good for another credential.
    replayed: usize,
    /// Nobody answered the question.
    unanswered: usize,
}

/// Looks every acknowledgement of the journal up and tries every code and every proof again.
pub(crate) async fn check(nodes: Nodes, file: &Path) -> io::Result<()> {
    let mut story = Story::read(file)?;
    let aside = Arc::new(Journal::create(&file.with_extension("check"))?);
    let (nodes, turns) = (Arc::new(nodes), Arc::new(Semaphore::new(QUESTIONS)));
    let mut questions = JoinSet::new();
    for (id, flow) in story.flows.clone() {
        let (nodes, turns, aside) = (nodes.clone(), turns.clone(), aside.clone());
        questions.spawn(async move {
            let _turn = turns.acquire().await;
            look_up(&nodes, &aside, &id, &flow).await
        });
    }
    let mut found = Found::default();
    for one in questions.join_all().await {
        found = found.and(one);
    }
    print(&mut story, found);
    Ok(())
}

async fn look_up(nodes: &Nodes, aside: &Journal, id: &str, flow: &Flow) -> Found {
    let mut found = Found::default();
    let address = format!("{}/admin/v1/offers/{id}", nodes.admin);
    let ask = |client: &Client| client.get(&address).bearer_auth(&nodes.key);
    let Some(standing) = nodes.ask(Step::Check, deadline(), aside, ask).await else {
        return Found { unanswered: 1, ..found };
    };
    found.offers = usize::from(standing.status == 200);
    let is_redeemed = matches!(standing.text("state"), "redeemed" | "issued");
    let issued =
        standing.body.get("credentials_issued").and_then(Value::as_u64).unwrap_or_default();
    if let Some(code) = &flow.code {
        found.redemptions = usize::from(is_redeemed);
        match token(nodes, aside, code).await {
            Some(answer) => found.twice = usize::from(answer.status == 200),
            None => found.unanswered += 1,
        }
    }
    if let Some((token, request)) = &flow.credential {
        found.records = usize::from(issued > 0);
        let ask = |client: &Client| credential_request(nodes, client, token, request);
        match nodes.ask(Step::Check, deadline(), aside, ask).await {
            Some(answer) => found.replayed = usize::from(answer.status == 200),
            None => found.unanswered += 1,
        }
    }
    found
}

impl Found {
    const fn and(self, other: Self) -> Self {
        Self {
            offers: self.offers + other.offers,
            redemptions: self.redemptions + other.redemptions,
            records: self.records + other.records,
            twice: self.twice + other.twice,
            replayed: self.replayed + other.replayed,
            unanswered: self.unanswered + other.unanswered,
        }
    }
}

fn print(story: &mut Story, found: Found) {
    let redeemed = story.flows.values().filter(|flow| flow.code.is_some()).count();
    let answered = story.flows.values().filter(|flow| flow.credential.is_some()).count();
    let numbers = [
        ("offers acknowledged", story.flows.len()),
        ("offers found", found.offers),
        ("redemptions acknowledged", redeemed),
        ("redemptions found", found.redemptions),
        ("credentials answered", answered),
        ("credentials recorded", found.records),
        ("codes redeemed twice", found.twice),
        ("proofs accepted twice", found.replayed),
        ("codes spent without answer", story.spent),
        ("flows given up", story.given_up),
        ("questions unanswered", found.unanswered),
    ];
    for (name, number) in numbers {
        println!("{name}\t{number}");
    }
    println!("milliseconds\t{}", story.milliseconds);
    println!("longest gap\t{}", story.gap.0);
    println!("gap begun\t{}", story.gap.1);
    for (kind, number) in &story.errors {
        println!("error {kind}\t{number}");
    }
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}
