//! `bestow bench`: complete flows, many at once, against our issuer or another one.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::exit::Failure;
use arguments::BenchArguments;
use flow::{End, Holder};
use http::Trust;
use idle::Idle;
use load::Load;
use offers::{Admin, Made, Offers};
use own::Own;
use plan::{Named, Plan};
use report::Report;

pub(crate) mod arguments;
mod flow;
mod histogram;
mod http;
mod idle;
mod load;
mod offers;
mod own;
mod plan;
mod process;
mod report;
mod request;
mod stored;
mod tally;
mod trouble;

/// Measures, and prints what was measured.
pub(crate) async fn bench(arguments: &BenchArguments) -> Result<(), Failure> {
    let own = if arguments.own { Some(Own::start(arguments).await?) } else { None };
    let ca = arguments.ca.as_deref().or_else(|| own.as_ref().map(|own| own.ca.as_path()));
    let trust = Trust::of(ca)?;
    let (plan, offers) = prepare(arguments, own.as_ref(), trust).await?;
    let load = Load {
        concurrency: usize::try_from(arguments.concurrency).map_err(Failure::own_fault)?,
        warm_up: Duration::from_secs(arguments.warm_up.into()),
        duration: Duration::from_secs(arguments.duration.into()),
        pid: arguments.pid.or_else(|| own.as_ref().and_then(Own::pid)),
    };
    if load.pid.is_some_and(|pid| process::Usage::of(pid).is_none()) {
        return Err(Failure::usage("there is no process with the number of --pid"));
    }
    let idle = match arguments.idle {
        0 => None,
        count => Some(Idle::open(&plan, count, load.pid).await?),
    };
    let measured = load::run(&plan, &offers, load).await?;
    let (own, idle) = (own.as_ref(), idle.as_ref());
    Report { plan: &plan, load, measured: &measured, own, idle }.print(arguments.json)
}

/// Finds out where to go, and whether one flow works at all.
async fn prepare(
    arguments: &BenchArguments,
    own: Option<&Own>,
    trust: Trust,
) -> Result<(Arc<Plan>, Offers), Failure> {
    let (plan, offers, tried) = if let Some(offers) = given(arguments)? {
        let first = first_of(&offers).await?;
        let named = named(arguments, &first, &trust).await?;
        (Plan::make(&named, arguments, trust).await?, offers, Offers::only(first))
    } else {
        let issuer = own.map(|own| own.url.clone()).or_else(|| arguments.issuer.clone());
        let issuer = issuer.ok_or_else(|| Failure::usage("say --issuer, or --self"))?;
        let named = Named { credential_issuer: issuer, ..Named::default() };
        let plan = Plan::make(&named, arguments, trust).await?;
        let offers = Offers::Admin(Arc::new(admin(arguments, own, &plan)?));
        let tried = offers.for_one_of(1);
        (plan, offers, tried)
    };
    let plan = Arc::new(plan);
    match Holder::new(&plan)?.flow(&tried).await {
        Ok(_) if arguments.ahead > 0 => Ok((plan, offers.ahead(arguments.ahead).await?)),
        Ok(_) => Ok((plan, offers)),
        Err(End::NoMoreOffers) => Err(offers::none()),
        Err(End::Failed(step, trouble)) => Err(trouble.failure(step.name())),
    }
}

/// Offers that somebody else makes.
fn given(arguments: &BenchArguments) -> Result<Option<Offers>, Failure> {
    match (&arguments.offers, &arguments.offer_command) {
        (Some(file), _) => Offers::list(file).map(Some),
        (None, Some(line)) => Ok(Some(Offers::program(line))),
        (None, None) => Ok(None),
    }
}

async fn first_of(offers: &Offers) -> Result<Made, Failure> {
    let first = offers.next().await.map_err(|trouble| trouble.failure("offer"))?;
    first.ok_or_else(offers::none)
}

/// The issuer is named by the offer, unless the person did so.
async fn named(arguments: &BenchArguments, first: &Made, trust: &Trust) -> Result<Named, Failure> {
    let offer = flow::look(first, trust).await?;
    let issuer = arguments.issuer.clone();
    Ok(Named {
        credential_issuer: issuer.unwrap_or(offer.credential_issuer),
        authorization_server: offer
            .pre_authorized_code
            .and_then(|grant| grant.authorization_server),
        configuration_id: offer.credential_configuration_ids.into_iter().next(),
    })
}

/// The admin API makes the offers.
fn admin(arguments: &BenchArguments, own: Option<&Own>, plan: &Plan) -> Result<Admin, Failure> {
    let places = match (own, &arguments.admin, &arguments.key_file) {
        (Some(own), _, _) => Some((own.admin.as_str(), own.key_file.as_path())),
        (None, Some(admin), Some(file)) => Some((admin.as_str(), file.as_path())),
        (None, _, _) => None,
    };
    let (url, file) = places.ok_or_else(|| Failure::usage("say --admin and --key-file"))?;
    let key = fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("cannot read the key of {}: {error}", file.display()))
    })?;
    let claims: Map<String, Value> = match (&arguments.claims, own) {
        (Some(file), _) => offers::claims(file)?,
        (None, Some(own)) => own.sample(&plan.configuration_id, arguments.pictures)?,
        (None, None) => Map::new(),
    };
    let wish = (plan.configuration_id.as_str(), claims);
    Admin::new(url, &key, wish, &plan.trust)
}
