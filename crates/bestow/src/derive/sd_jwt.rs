//! An SD-JWT: disclosures are left out, and the holder's key signs for whom the rest is.

use std::path::Path;

use formats::key_binding::{KeyBindingClaims, PresentError, present};
use formats::sd_jwt::{Chosen, Showable};
use keys::outside::{Clock as _, SystemClock};
use keys::signer::SoftwareKey;
use serde_json::json;

use crate::cli::DeriveArguments;
use crate::exit::{Failure, Kind as Ending};
use crate::terminal::{plain, print, print_json, tell};
use crate::wallet::open::read;

/// Shows what is at the pointers, or what there is to choose from.
pub(super) async fn derive(arguments: &DeriveArguments, text: &str) -> Result<(), Failure> {
    let showable = Showable::parse(text).map_err(super::refused)?;
    if arguments.list {
        let pointers = showable.pointers();
        if arguments.json {
            return print_json(&json!({ "pointers": pointers }));
        }
        pointers.into_iter().map(plain).for_each(print);
        return Ok(());
    }
    let chosen = choose(&showable, &arguments.pointer)?;
    let shown = match &arguments.key {
        Some(key) => bound(arguments, &chosen, key).await?,
        None => chosen.text().to_owned(),
    };
    if arguments.json {
        return print_json(&json!({ "credential": shown, "left_out": chosen.left_out() }));
    }
    print(shown);
    for pointer in chosen.left_out() {
        tell(format!("left out: {}", plain(pointer)));
    }
    if chosen.is_bound() && arguments.key.is_none() {
        tell(
            "without a key binding: whoever asked for one gets it with --nonce, --audience, --key",
        );
    }
    Ok(())
}

/// A pointer that leads nowhere would show less than its user thinks.
fn choose(showable: &Showable, pointers: &[String]) -> Result<Chosen, Failure> {
    for pointer in pointers {
        if showable.choose(std::slice::from_ref(pointer)).is_err() {
            return Err(super::bad_pointer(pointer));
        }
    }
    showable.choose(pointers).map_err(not_shown)
}

async fn bound(
    arguments: &DeriveArguments,
    chosen: &Chosen,
    key: &Path,
) -> Result<String, Failure> {
    let signer = SoftwareKey::from_pem(&read(key)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", key.display())))?;
    let claims = KeyBindingClaims {
        audience: arguments.audience.as_deref().unwrap_or_default(),
        nonce: arguments.nonce.as_deref().unwrap_or_default(),
        issued_at: SystemClock.now(),
    };
    present(chosen, claims, &signer).await.map_err(not_shown)
}

fn not_shown(error: PresentError) -> Failure {
    let (code, hint) = match error {
        PresentError::UnknownPointer => ("bad_pointer", "--list names all that there are"),
        PresentError::NotBound => {
            ("not_bound", "show it without: leave out --nonce, --audience and --key")
        }
        PresentError::OtherKey => ("wrong_key", "the public half is in `cnf`: bestow inspect FILE"),
        PresentError::TooLong => ("too_long", "choose a shorter nonce or audience"),
        PresentError::Signing(_) => ("not_signed", "see whether the key is good"),
    };
    Failure::new(Ending::Usage, code, error.to_string()).hint(hint)
}
