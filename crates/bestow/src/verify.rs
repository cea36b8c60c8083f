//! `bestow verify`: each check on a line, and one verdict.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use etcetera::{BaseStrategy as _, choose_base_strategy};
use formats::status_list::token::TokenFormat;
use formats::{jwt_vc_json, ldp_vc, mso_mdoc, sd_jwt_vc, vc_jose};
use keys::json as strict;
use keys::outside::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};
use wallet::Settings;
use wallet::client::{ClientOptions, GuardedClient};
use wallet::documents::{Documents, DocumentsInFolder};
use wallet::http::{Http, NoNetwork};
use wallet::verify::{Asked, Check, Outcome, Report, SignedBy, Verdict, Verifier};

use crate::cli::VerifyArguments;
use crate::contexts::contexts;
use crate::exit::{Failure, Kind as Ending};
use crate::inspect::found;
use crate::inspect::kind::Kind;
use crate::inspect::recognise::{Body, Found};
use crate::terminal::{plain, print, print_json};
use crate::wallet::open::{anchors, read};

/// Runs the command.
pub(crate) async fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let thing = found(&arguments.what)?;
    let asked =
        Asked { audience: arguments.audience.as_deref(), nonce: arguments.nonce.as_deref() };
    if asked.is_any() && !matches!(thing.body, Body::SdJwt(_)) {
        return Err(not_shown(thing.kind));
    }
    let verifier = verifier(arguments)?;
    let report = report(&verifier, &thing, asked).await?;
    let verdict = report.verdict();
    let checks: Vec<Value> = report.checks.iter().map(json_of).collect();
    let result = json!({
        "kind": thing.kind.code(),
        "verdict": word(verdict),
        "issuer": report.issuer,
        "checks": checks,
    });
    if !arguments.json {
        print(thing.kind.title());
        report.checks.iter().map(line).for_each(print);
    }
    let done = match failure(verdict, report.is_published) {
        None => Ok("verified"),
        Some(_) if arguments.proof && verdict == Verdict::PossessionOnly => {
            Ok("its maker has the key")
        }
        Some(failure) => Err(failure),
    };
    match done {
        Ok(_) if arguments.json => print_json(&result),
        Ok(words) => {
            print(words);
            Ok(())
        }
        Err(failure) => {
            let members = ["kind", "verdict", "issuer", "checks"];
            let with = |failure: Failure, name| {
                failure.done(name, result.get(name).cloned().unwrap_or_default())
            };
            Err(members.into_iter().fold(failure, with))
        }
    }
}

fn verifier(arguments: &VerifyArguments) -> Result<Verifier, Failure> {
    let options = ClientOptions {
        extra_authorities: arguments.ca.as_deref().map(read).transpose()?.into_iter().collect(),
        allow_http_loopback: false,
        allow_private_addresses: arguments.allow_private_addresses,
    };
    let http: Arc<dyn Http> = if arguments.offline {
        Arc::new(NoNetwork)
    } else {
        let client = GuardedClient::new(&options);
        Arc::new(client.map_err(|error| Failure::usage(error.to_string()))?)
    };
    let clock: Arc<dyn Clock> = match arguments.at {
        Some(at) => Arc::new(At(at)),
        None => Arc::new(SystemClock),
    };
    Ok(Verifier {
        http,
        clock,
        settings: Settings {
            anchors: arguments.trust_anchor.as_deref().map(anchors).transpose()?,
            documents: documents(),
            contexts: contexts(&arguments.context)?,
            ..Settings::default()
        },
        given_keys: arguments.issuer_keys.as_deref().map(keys_of).transpose()?,
        status_list: arguments.status_list.as_deref().map(list_of).transpose()?,
        is_now: arguments.at.is_none(),
        without_status: arguments.without_status,
    })
}

/// Among the files that anybody may delete; nothing is kept where there is no place for them.
fn documents() -> Option<Arc<dyn Documents>> {
    let folder = choose_base_strategy().ok()?.cache_dir().join("bestow").join("documents");
    Some(Arc::new(DocumentsInFolder::new(folder)))
}

/// A clock that stands still.
#[derive(Debug)]
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A JWK Set, one JWK, or what an issuer publishes at /.well-known/jwt-vc-issuer.
fn keys_of(file: &Path) -> Result<Vec<Value>, Failure> {
    let none = || {
        Failure::usage(format!("{} has no keys of an issuer", file.display()))
            .hint("give a JWK Set, a JWK, or JWT VC Issuer Metadata with `jwks`")
    };
    let value = strict::parse(read(file)?.as_bytes()).map_err(|_| none())?;
    match value.get("jwks").unwrap_or(&value).get("keys").and_then(Value::as_array) {
        Some(keys) => Ok(keys.clone()),
        None if value.get("kty").is_some() => Ok(vec![value]),
        None => Err(none()),
    }
}

/// A status list as it was fetched.
fn list_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = fs::read(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    // An editor ends the file of a JWT with a new line.
    Ok(if bytes.starts_with(b"ey") { bytes.trim_ascii_end().to_vec() } else { bytes })
}

async fn report(verifier: &Verifier, thing: &Found, asked: Asked<'_>) -> Result<Report, Failure> {
    Ok(match (&thing.body, thing.kind) {
        (Body::SdJwt(found), Kind::SdJwtVc | Kind::VcSdJwt) => {
            let is_w3c = thing.kind == Kind::VcSdJwt;
            let format = if is_w3c { vc_jose::SD_FORMAT } else { sd_jwt_vc::FORMAT };
            verifier.presentation(format, &found.text, asked).await
        }
        // Its end is missing, and it is not to pass for something that has none.
        (Body::Jwt(jwt), Kind::SdJwtVc) => verifier.credential(sd_jwt_vc::FORMAT, &jwt.text).await,
        (Body::Jwt(jwt), Kind::VcSdJwt) => verifier.credential(vc_jose::SD_FORMAT, &jwt.text).await,
        (Body::Mdoc(text), _) => verifier.credential(mso_mdoc::FORMAT, text).await,
        (Body::Jwt(jwt), Kind::JwtVcJson) => {
            verifier.credential(jwt_vc_json::FORMAT, &jwt.text).await
        }
        (Body::Jwt(jwt), Kind::VcJwt) => verifier.credential(vc_jose::FORMAT, &jwt.text).await,
        (Body::Json(credential), Kind::LinkedDataCredential) => {
            verifier.credential(ldp_vc::FORMAT, &credential.to_string()).await
        }
        (Body::Jwt(jwt), Kind::StatusListJwt) => {
            verifier.status_list(TokenFormat::Jwt, jwt.text.as_bytes()).await
        }
        (Body::Cwt(token), _) => verifier.status_list(TokenFormat::Cwt, token).await,
        (Body::SdJwt(found), _) => verifier.sd_jwt(&found.text, asked).await,
        (Body::Shown(documents), _) => verifier.device_response(documents).await,
        (Body::Certificates(chain), _) => verifier.certificates(chain),
        (Body::Link(text), _) => verifier.offer_link(text),
        (Body::Json(value), kind) => return unsigned(verifier, value, kind).await,
        (Body::Jwt(jwt), Kind::ClientAttestationPop) => {
            let why = "made by the key in its client attestation, which is not here";
            verifier.jwt(&jwt.text, SignedBy::Elsewhere(why)).await
        }
        (Body::Jwt(jwt), Kind::KeyBinding) => {
            let why = "made by the key in its credential, which is not here";
            verifier.jwt(&jwt.text, SignedBy::Elsewhere(why)).await
        }
        (Body::Jwt(jwt), Kind::DpopProof | Kind::KeyProof | Kind::PresentationJwt) => {
            verifier.jwt(&jwt.text, SignedBy::Holder).await
        }
        (Body::Jwt(jwt), Kind::SignedIssuerMetadata) => {
            verifier.jwt(&jwt.text, SignedBy::Issuer("sub")).await
        }
        (Body::Jwt(jwt), Kind::Jwt | Kind::KeyAttestation | Kind::ClientAttestation) => {
            verifier.jwt(&jwt.text, SignedBy::Issuer("iss")).await
        }
        (Body::Jwt(_) | Body::Jwe(_), kind) => return Err(not_verifiable(kind)),
    })
}

/// What has no signature is held against the rules of whoever would read it.
async fn unsigned(verifier: &Verifier, value: &Value, kind: Kind) -> Result<Report, Failure> {
    Ok(match (kind, value) {
        (Kind::CredentialOffer, offer) => verifier.offer(offer.to_string().as_bytes()),
        (Kind::IssuerMetadata, metadata) => verifier.issuer_metadata(metadata).await,
        (Kind::ServerMetadata, metadata) => verifier.server_metadata(metadata),
        (Kind::JwtVcIssuerMetadata, metadata) => verifier.issuer_keys(metadata),
        (Kind::TypeMetadata, metadata) => verifier.type_metadata(metadata),
        (Kind::DidDocument, document) => verifier.did_document(document),
        (other, _) => return Err(not_verifiable(other)),
    })
}

/// Whoever asked for a key binding is not to be told that something else is good.
fn not_shown(kind: Kind) -> Failure {
    let message =
        format!("only an SD-JWT has a key binding; this is another thing: {}", kind.title());
    Failure::usage(message).hint("leave out --nonce and --audience")
}

fn not_verifiable(kind: Kind) -> Failure {
    let message = format!("there is nothing to verify in this: {}", kind.title());
    let hint = "see what it says: bestow inspect FILE";
    Failure::new(Ending::Usage, "not_verifiable", message).hint(hint)
}

fn json_of(check: &Check) -> Value {
    json!({
        "check": check.name,
        "rule": check.rule,
        "result": check.outcome.word(),
        "found": check.found,
    })
}

pub(crate) fn line(check: &Check) -> String {
    let outcome = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::NotChecked => "not checked",
    };
    format!("{outcome:<11}  {:<11}  {} ({})", check.name, plain(&check.found), check.rule)
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Failed => "failed",
        Verdict::Unanswered => "unanswered",
        Verdict::NotVouched => "issuer_not_verified",
        Verdict::StatusUnknown => "status_not_checked",
        Verdict::PossessionOnly => "possession_only",
        Verdict::NotSigned => "not_signed",
    }
}

/// `is_published`: where authorities were given, the website may know the key and they do not.
fn failure(verdict: Verdict, is_published: bool) -> Option<Failure> {
    let (kind, message, hint) = match verdict {
        Verdict::Verified => return None,
        Verdict::Failed => (
            Ending::VerificationFailed,
            "a check failed: do not rely on it",
            "see what it says: bestow inspect FILE",
        ),
        Verdict::Unanswered => (
            Ending::Network,
            "not all could be checked: somebody who was asked did not answer",
            "try again later, or give what is missing as a file: --issuer-keys, --status-list; a \
             server in a private network needs --allow-private-addresses",
        ),
        Verdict::NotVouched => (
            Ending::VerificationFailed,
            "nothing shows that the issuer is who it says it is",
            if is_published {
                "leave out --trust-anchor to take its website's word, or give its keys \
                 (--issuer-keys)"
            } else {
                "give an authority that vouches for it (--trust-anchor) or its keys (--issuer-keys)"
            },
        ),
        Verdict::StatusUnknown => (
            Ending::VerificationFailed,
            "it may be revoked: it has a status that was not looked at",
            "leave out --offline and --at, give the list as a file (--status-list), or do without \
             (--without-status)",
        ),
        Verdict::PossessionOnly => (
            Ending::VerificationFailed,
            "this shows that its maker has a key, and nothing of who that is",
            "where that is what you want to know: --proof",
        ),
        Verdict::NotSigned => (
            Ending::VerificationFailed,
            "nothing failed, and nothing in it is signed: anybody can have written it",
            "it is as good as the place that it came from",
        ),
    };
    Some(Failure::new(kind, word(verdict), message).hint(hint))
}
