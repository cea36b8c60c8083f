//! From a scan to a card, over the page's own questions.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use keys::algorithm::Algorithm;
use keys::signer::{Signer as _, SoftwareKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::served::{Answer, Running, Served, bestow};

/// A page that somebody has opened.
struct Visitor {
    page: Served,
    cookie: String,
}

impl Visitor {
    fn of(page: Served) -> Self {
        let cookie = page.session();
        Self { page, cookie }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.page.ask(method, path, &self.cookie, body.to_string().as_bytes())
    }

    /// The path of the flow that a link begins.
    fn scan(&self, link: &str) -> String {
        let begun = self.ask("POST", "/api/scan/text", &json!({ "text": link })).json();
        format!("/api/flows/{}", begun["flow"].as_str().unwrap())
    }
}

#[test]
fn nothing_is_sent_before_the_person_agreed_to_the_host() {
    let issuer = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    issuer.set_nonblocking(true).unwrap();
    let host = issuer.local_addr().unwrap().to_string();
    let visitor = Visitor::of(Served::start());
    let link = format!("openid-credential-offer://?credential_offer_uri=https%3A%2F%2F{host}%2Fo");
    let flow = visitor.scan(&link);
    let asked = visitor.ask("GET", &flow, &Value::Null).json();
    assert_eq!((&asked["step"], &asked["host"]), (&json!("host"), &json!(host)));
    let same = visitor.scan(&link.replace("openid-credential-offer:", "haip-vci:"));
    assert_eq!(visitor.ask("GET", &same, &Value::Null).json()["host"], host, "HAIP-20");
    for decision in [
        json!({ "action": "agree", "host": "other.example" }),
        json!({ "action": "redeem", "tx_code": "1" }),
        json!({ "action": "keep", "accept_unverified_issuer": true }),
    ] {
        assert_eq!(visitor.ask("POST", &flow, &decision).code(), "out_of_order");
    }
    assert_eq!(issuer.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(visitor.ask("DELETE", &flow, &Value::Null).status, 204);
    assert_eq!(visitor.ask("GET", &flow, &Value::Null).code(), "flow_gone");
}

#[test]
fn the_oldest_of_too_many_flows_is_dropped() {
    let visitor = Visitor::of(Served::start());
    let link = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo";
    let flows: Vec<String> = (0..9).map(|_| visitor.scan(link)).collect();
    assert_eq!(visitor.ask("GET", &flows[0], &Value::Null).code(), "flow_gone");
    assert_eq!(visitor.ask("GET", &flows[1], &Value::Null).status, 200);
}

/// An issuer in a process of its own.
struct Issuer {
    folder: TempDir,
    _process: Running,
}

/// The picture to start from.
const PICTURE: &str = include_str!("../../../../docs/credential-types/student_card.svg");

impl Issuer {
    fn start() -> Self {
        Self::start_with(|_| ())
    }

    /// With what `change` writes into its folder first.
    fn start_with(change: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports();
        let url = format!("https://localhost:{port}");
        let made = bestow(&["issuer", "init", "--url", &url, "--name", "Riverside University"])
            .arg(folder.path().join("issuer"))
            .output();
        assert!(made.unwrap().status.success());
        draw_card(&folder.path().join("issuer/credentials"));
        speak_draft_13(&folder.path().join("issuer/bestow.toml"));
        change(&folder.path().join("issuer"));
        let mut serve = bestow(&["issuer", "serve", "--config"]);
        let process = Running::start(serve.arg(folder.path().join("issuer/bestow.toml")));
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        Self { folder, _process: process }
    }

    fn authority(&self) -> String {
        self.path("tls/ca.pem")
    }

    fn path(&self, name: &str) -> String {
        Path::new(self.folder.path()).join("issuer").join(name).to_str().unwrap().to_owned()
    }

    fn offer(&self, arguments: &[&str]) -> Value {
        let config = self.path("bestow.toml");
        let fixed = ["issuer", "offer", "--sample", "--json", "--config", &config];
        let output = bestow(&fixed).args(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The student card has a picture as a whole, for night and day, in English.
fn draw_card(folder: &Path) {
    let file = folder.join("student_card.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let template = |name: &str| {
        std::fs::write(folder.join(format!("{name}.svg")), PICTURE.replace("Student card", name))
            .unwrap();
        format!("[[display.svg_templates]]\nfile = \"{name}.svg\"\ncolor_scheme = \"{name}\"\n")
    };
    let german = "[[display]]\nname = \"Studierendenausweis\"";
    let with_both = format!("{}{}{german}", template("light"), template("dark"));
    std::fs::write(&file, text.replace(german, &with_both)).unwrap();
}

/// The second one is for the admin API.
fn free_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let draw = || TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    (0..50).map(|_| draw()).find(|port| port.checked_add(1).is_some_and(is_free)).unwrap()
}

/// RFC 7523 §3, RFC 9101 §5: the page, too, proves which wallet it is, and signs what it asks for.
#[test]
fn an_issuer_that_demands_the_wallets_key_gets_it() {
    let key = SoftwareKey::generate(Algorithm::Es256).unwrap();
    let issuer = Issuer::start_with(|folder| {
        std::fs::write(folder.join("own.pem"), key.to_pem().as_bytes()).unwrap();
        std::fs::create_dir(folder.join("clients")).unwrap();
        let jwk = key.public_key().to_jwk();
        let client = format!(
            "client_id = \"keyed\"\nname = \"Keyed Wallet\"\nauthentication = \"private_key_jwt\"\n\
             redirect_uris = [\"http://127.0.0.1/cb\"]\nrequire_signed_request_object = true\n\
             keys = [{{ kid = \"1\", kty = \"EC\", crv = \"P-256\", x = {}, y = {} }}]\n",
            jwk["x"], jwk["y"]
        );
        std::fs::write(folder.join("clients/keyed.toml"), client).unwrap();
    });
    let (authority, own) = (issuer.authority(), issuer.path("own.pem"));
    let trust = ["--ca", &authority, "--trust-anchor", &authority, "--client-id", "keyed"];
    let offer = issuer.offer(&["student_card", "--grants", "authorization_code"]);
    for (more, wanted) in [
        (&[][..], Err("invalid_client")),
        (&["--client-key", &own, "--client-key-id", "1"][..], Err("invalid_request")),
        (
            &["--client-key", &own, "--client-key-id", "1", "--sign-request"][..],
            Ok("/authorize?client_id=keyed&request_uri="),
        ),
    ] {
        let visitor = Visitor::of(Served::start_with(&[&trust, more].concat()));
        let flow = visitor.scan(offer["uri"].as_str().unwrap());
        let host = visitor.ask("GET", &flow, &Value::Null).json()["host"].clone();
        drop(visitor.ask("POST", &flow, &json!({ "action": "agree", "host": host })));
        let redeem = json!({ "action": "redeem", "tx_code": null });
        let answer = visitor.ask("POST", &flow, &redeem);
        match wanted {
            Err(code) => assert_eq!(answer.code(), code, "{more:?}"),
            Ok(address) => assert!(answer.body.contains(address), "{}", answer.body),
        }
    }
}

/// For offers of a draft beside those of 1.0.
fn speak_draft_13(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    let changed = text.replace("#drafts = []", "drafts = [\"13\"]");
    assert_ne!(changed, text);
    std::fs::write(config, changed).unwrap();
}

/// HAIP-02: the page, too, holds issuers to the profile that its owner chose.
#[test]
fn an_issuer_without_the_profile_is_left() {
    let issuer = Issuer::start();
    let authority = issuer.authority();
    let options = ["--ca", &authority, "--trust-anchor", &authority, "--profile", "haip"];
    let visitor = Visitor::of(Served::start_with(&options));
    let flow = visitor.scan(issuer.offer(&["course_ticket"])["uri"].as_str().unwrap());
    let host = visitor.ask("GET", &flow, &Value::Null).json()["host"].clone();
    let refused = visitor.ask("POST", &flow, &json!({ "action": "agree", "host": host }));
    assert_eq!(refused.code(), "haip", "{:?}", refused.json());
}

#[test]
fn an_offer_becomes_a_card_and_a_mistyped_code_costs_nothing() {
    let issuer = Issuer::start();
    let authority = issuer.authority();
    let trust = ["--ca", &authority, "--trust-anchor", &authority];
    let visitor = Visitor::of(Served::start_with(&trust));
    let picture = issuer.path("offer.png");
    let offer = issuer.offer(&["student_card", "--tx-code", "--qr", &picture]);
    let bytes = std::fs::read(&picture).unwrap();
    let begun = visitor.page.ask("POST", "/api/scan/picture", &visitor.cookie, &bytes).json();
    let flow = format!("/api/flows/{}", begun["flow"].as_str().unwrap());

    let host = visitor.ask("GET", &flow, &Value::Null).json()["host"].clone();
    let agreed = visitor.ask("POST", &flow, &json!({ "action": "agree", "host": host })).json();
    assert_eq!(agreed["step"], "offer");
    assert_eq!(agreed["cards"][0]["name"], "Student Card");
    assert_eq!(agreed["tx_code"]["length"], 6);
    assert_eq!(agreed["tx_code"]["host"], host);

    let code = offer["tx_code"].as_str().unwrap();
    let wrong = if code == "111111" { "222222" } else { "111111" };
    for (typed, problem) in [("12", "tx_code_misfit"), (wrong, "invalid_grant")] {
        let redeem = json!({ "action": "redeem", "tx_code": typed });
        let refused = visitor.ask("POST", &flow, &redeem);
        assert_eq!(refused.code(), problem);
        assert_eq!(refused.json()["error"]["retype"], true);
    }
    let redeem = json!({ "action": "redeem", "tx_code": code });
    let preview = visitor.ask("POST", &flow, &redeem).json();
    assert_eq!((&preview["step"], &preview["doubt"]), (&json!("preview"), &Value::Null));
    assert_eq!(
        visitor.ask("GET", "/api/cards", &Value::Null).json(),
        json!({ "cards": [], "pending": [], "damaged": [] })
    );

    let face = &preview["cards"][0]["face"];
    check_picture(&visitor, face);

    let keep = json!({ "action": "keep", "accept_unverified_issuer": false });
    let kept = visitor.ask("POST", &flow, &keep).json();
    let previewed = format!("/api/{}", face["picture"].as_str().unwrap());
    assert_eq!(visitor.ask("GET", &previewed, &Value::Null).status, 404, "it is a card now");
    let path = format!("/api/cards/{}", kept["cards"][0]["id"].as_str().unwrap());
    let card = visitor.ask("GET", &path, &Value::Null).json();
    assert_eq!(card["face"]["trust"]["is_verified"], true);
    assert_eq!(
        card["claims"][0],
        json!({ "label": "Given name", "text": "Erika", "is_cut": false })
    );
    assert_eq!(card["face"]["status"]["value"], "unknown", "nobody has asked");
    let asked = visitor.ask("POST", &format!("{path}/status"), &Value::Null).json();
    assert_eq!(asked["face"]["status"]["value"], "valid");
    check_picture(&visitor, &card["face"]);
    let raw = visitor.ask("GET", &format!("{path}/raw"), &Value::Null).json();
    assert!(raw["raw"].as_str().unwrap().contains('~'));
    assert_eq!(visitor.ask("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(visitor.ask("GET", &path, &Value::Null).code(), "unknown_credential");
}

/// SD-JWT VC §8.1.2.2: filled, in the look that is wanted, and where nothing in it could run or fetch.
fn check_picture(visitor: &Visitor, face: &Value) {
    let path = format!("/api/{}", face["picture"].as_str().unwrap());
    for (wanted, expected) in [
        ("", "light"),
        ("?color_scheme=light&contrast=normal", "light"),
        ("?color_scheme=dark", "dark"),
    ] {
        let answer = visitor.ask("GET", &format!("{path}{wanted}"), &Value::Null);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/svg+xml")));
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
        assert_eq!(answer.header("content-security-policy"), Some(policy));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.body.contains(">Erika Mustermann</text>"), "{}", answer.body);
        assert!(answer.body.contains(&format!(">{expected}</text>")), "{wanted}");
    }
    let unknown = visitor.ask("GET", &format!("{path}?color_scheme=sepia"), &Value::Null);
    assert_eq!(unknown.code(), "bad_request");
}

#[test]
fn an_issuer_that_nobody_vouches_for_needs_a_yes_of_its_own() {
    let issuer = Issuer::start();
    let visitor = Visitor::of(Served::start_with(&["--ca", &issuer.authority()]));
    let offer = issuer.offer(&["course_ticket"]);
    let flow = visitor.scan(offer["uri"].as_str().unwrap());
    let host = visitor.ask("GET", &flow, &Value::Null).json()["host"].clone();
    drop(visitor.ask("POST", &flow, &json!({ "action": "agree", "host": host })));
    let preview =
        visitor.ask("POST", &flow, &json!({ "action": "redeem", "tx_code": null })).json();
    assert!(preview["doubt"].as_str().unwrap().contains("not verified"));

    let keep = |yes: bool| json!({ "action": "keep", "accept_unverified_issuer": yes });
    assert_eq!(visitor.ask("POST", &flow, &keep(false)).code(), "issuer_not_verified");
    assert_eq!(
        visitor.ask("GET", "/api/cards", &Value::Null).json(),
        json!({ "cards": [], "pending": [], "damaged": [] })
    );
    let kept = visitor.ask("POST", &flow, &keep(true)).json();
    assert_eq!(kept["cards"][0]["trust"]["is_verified"], false);
}

/// For whoever runs the issuer: beside each step, and beside what went wrong.
#[test]
fn what_was_excused_is_told_at_every_step() {
    let issuer = Issuer::start();
    let authority = issuer.authority();
    let trust = ["--ca", &authority, "--trust-anchor", &authority];
    let visitor = Visitor::of(Served::start_with(&trust));
    let offer = issuer.offer(&["course_ticket", "--by-value"]);
    let link = offer["uri"].as_str().unwrap().replace("=%7B", "=%7B+");
    let says = |shown: &Value| shown["findings"][0].as_str().unwrap().contains("+ for a space");
    let redeem = json!({ "action": "redeem", "tx_code": null });
    let begin = || {
        let flow = visitor.scan(&link);
        let host = visitor.ask("GET", &flow, &Value::Null).json();
        assert!(says(&host));
        let agree = json!({ "action": "agree", "host": host["host"] });
        assert!(says(&visitor.ask("POST", &flow, &agree).json()));
        flow
    };
    let preview = visitor.ask("POST", &begin(), &redeem).json();
    assert_eq!(preview["step"], "preview");
    assert!(says(&preview));
    let refused = visitor.ask("POST", &begin(), &redeem);
    assert_eq!(refused.code(), "invalid_grant", "a code is redeemed once");
    assert!(says(&refused.json()));
}

/// An offer of a draft that cannot be taken yet: the page knows when to ask again, and the same code is
/// good then (draft 13, section 6.3).
#[test]
fn an_issuer_that_is_not_ready_is_asked_again() {
    let issuer = Issuer::start();
    let authority = issuer.authority();
    let trust = ["--ca", &authority, "--trust-anchor", &authority];
    let visitor = Visitor::of(Served::start_with(&trust));
    let offer = issuer.offer(&["course_ticket", "--draft", "13", "--held"]);
    let flow = visitor.scan(offer["uri"].as_str().unwrap());
    let host = visitor.ask("GET", &flow, &Value::Null).json()["host"].clone();
    drop(visitor.ask("POST", &flow, &json!({ "action": "agree", "host": host })));
    let redeem = json!({ "action": "redeem", "tx_code": null });
    let refused = visitor.ask("POST", &flow, &redeem);
    assert_eq!(refused.code(), "authorization_pending");
    let told = refused.json();
    assert_eq!((&told["error"]["ask_again_after"], &told["draft"]), (&json!(5), &json!("13")));
    let id = offer["id"].as_str().unwrap();
    let config = issuer.path("bestow.toml");
    let released = bestow(&["issuer", "release", id, "--config", &config]).output().unwrap();
    assert!(released.status.success());
    assert_eq!(visitor.ask("POST", &flow, &redeem).json()["step"], "preview");
}
