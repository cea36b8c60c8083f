//! `bestow demo`: an issuer and a wallet on this machine, for people to try and for `--once` to show.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use issuer::Issuer;
use issuer::config::Config;
use issuer::credential_type::new::blank;
use issuer::init::Purpose;
use oid4vci::legacy::Dialect;
use tempfile::TempDir;

use crate::cli::DemoArguments;
use crate::exit::Failure;
use crate::issuer::{init::make_issuer, open, serve::start};
use crate::terminal::{asked_to_end, print, tell};
use crate::wallet::Place;

mod all_formats;
mod browser;
mod narrator;
mod once;

use narrator::Story;

/// The organisation of the demonstration.
const NAME: &str = "Riverside University";
/// What it issues in the formats that a new issuer does not begin with, and what it says of them.
const FORMATS: [(&str, &str, [&str; 2]); 5] = [
    (
        "sports_pass",
        "mso_mdoc",
        ["Opens the halls and the pool.", "Öffnet die Hallen und das Schwimmbad."],
    ),
    (
        "press_card",
        "jwt_vc_json-ld",
        ["For those who write for the paper.", "Für alle, die für die Zeitung schreiben."],
    ),
    (
        "library_card",
        "vc+jwt",
        ["Borrows up to twenty books.", "Zum Ausleihen von bis zu zwanzig Büchern."],
    ),
    (
        "travel_card",
        "vc+sd-jwt",
        ["For buses and trams in the city.", "Für Busse und Bahnen in der Stadt."],
    ),
    (
        "volunteer_badge",
        "ldp_vc",
        ["Thanks for helping in the open week.", "Dank für die Hilfe in der offenen Woche."],
    ),
];
/// What stands there in the file of a new type.
const UNSAID: [&str; 2] =
    ["What the card is for, in a sentence.", "Wozu der Ausweis dient, in einem Satz."];
/// How often a free pair of ports is looked for.
const PORT_TRIES: u32 = 50;

/// Runs the demonstration until it is over, or until somebody ends it.
pub(crate) async fn demo(arguments: &DemoArguments) -> Result<(), Failure> {
    let folder = Folder::of(arguments.keep.as_deref())?;
    let (issuer, certificates) = make(folder.path(), arguments.draft).await?;
    let server = start(&issuer).await?;
    let place = Place::with_key_file(folder.path().join("wallet"));
    let outcome = if arguments.all_formats {
        all_formats::play(&issuer, &certificates, &place, arguments.draft).await
    } else if arguments.once {
        once::play(&issuer, &certificates, &place, Story(arguments.draft)).await
    } else {
        wait_for_people(&issuer, &certificates, &place).await
    };
    server.stop().await;
    folder.finish();
    outcome
}

/// A folder that goes away with the demonstration, or stays where it was asked for.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn of(keep: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = keep else {
            return TempDir::with_prefix("bestow-demo-").map(Self::Temporary).map_err(|error| {
                Failure::own_fault(format!("cannot make a temporary folder: {error}"))
            });
        };
        let made = fs::create_dir_all(path);
        made.map_err(|error| Failure::usage(format!("cannot make {}: {error}", path.display())))?;
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    fn finish(self) {
        match self {
            Self::Temporary(folder) => drop(folder), // nothing is left behind
            Self::Kept(path) => tell(format!("kept: {}", path.display())),
        }
    }
}

async fn make(folder: &Path, draft: Option<Dialect>) -> Result<(Arc<Issuer>, PathBuf), Failure> {
    let issuer = folder.join("issuer");
    let url = format!("https://localhost:{}", free_ports()?);
    make_issuer(&issuer, &url, NAME, Purpose::Demonstration)?;
    add_formats(&issuer.join("credentials"))?;
    let settings = issuer.join("bestow.toml");
    if let Some(draft) = draft {
        speak(&settings, draft)?;
    }
    let config = Config::load(&settings);
    let config = config.map_err(|error| Failure::own_fault(error.to_string()))?;
    Ok((Arc::new(open(config).await?), issuer.join("tls/ca.pem")))
}

/// A type of each format that none of a new issuer's types has.
fn add_formats(credentials: &Path) -> Result<(), Failure> {
    for (id, format, said) in FORMATS {
        let text = blank(id, format).replace("approval = \"officer\"", "approval = \"at-once\"");
        let text =
            UNSAID.iter().zip(said).fold(text, |text, (unsaid, said)| text.replace(unsaid, said));
        let written = fs::write(credentials.join(format!("{id}.toml")), text);
        written.map_err(Failure::own_fault)?;
    }
    Ok(())
}

/// Enables a draft, and has the portal make its offers in it.
fn speak(settings: &Path, draft: Dialect) -> Result<(), Failure> {
    let text = fs::read_to_string(settings).map_err(Failure::own_fault)?;
    let spoken = format!("drafts = [\"{draft}\"]\nportal = \"{draft}\"");
    fs::write(settings, text.replace("#drafts = []", &spoken)).map_err(Failure::own_fault)
}

/// A port that is free together with the one after it, where the admin API will be.
pub(crate) fn free_ports() -> Result<u16, Failure> {
    for _ in 0..PORT_TRIES {
        let first = TcpListener::bind(("127.0.0.1", 0)).map_err(Failure::own_fault)?;
        let port = first.local_addr().map_err(Failure::own_fault)?.port();
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if port.checked_add(1).is_some_and(is_free) {
            return Ok(port);
        }
    }
    Err(Failure::own_fault("there are no two free ports beside each other"))
}

async fn wait_for_people(
    issuer: &Issuer,
    certificates: &Path,
    place: &Place,
) -> Result<(), Failure> {
    let page = crate::wallet::page::start(place, Some(certificates)).await?;
    let portal = issuer.credential_issuer();
    print(format!("{NAME} is open.\n\n  Portal:  {portal}/\n  Wallet:  {}\n", page.url()));
    print(
        "Next:\n  \
         1  Open the portal. Its certificate is from a development CA, so the browser warns: go on.\n  \
         2  Apply for a card; the portal then shows a QR code.\n  \
         3  Open the wallet in another tab, and drop the QR code's picture into it, or paste its link.\n",
    );
    print("To end: Ctrl-C.");
    asked_to_end().await?;
    page.stop();
    Ok(())
}
