//! The suite's emulated wallet: it does what the specification says and nothing else, looks at every
//! answer, and can be told to do one thing wrong.

use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use issuer::Issuer;
use issuer::credential_type::Approval;
use keys::jwe::{Compression, Curve, DecryptionKey};
use keys::outside::Clock as _;
use keys::signer::SoftwareKey;
use oid4vci::client::ClientAuthentication;
use oid4vci::encryption::Encryption::Required;
use oid4vci::encryption::{ChosenEncryption, ReceivedBody, ReceivedEncryption};
use oid4vci::offer::OfferLink;
use oid4vci::secret::CodeVerifier;
use oid4vci::token::PRE_AUTHORIZED_CODE;
use serde_json::{Value, json};
use testkit::proof::{Draft, holder_key};
use testkit::sender::{CLIENT, Instance, dpop};
use testkit::sign_in::{Browser, REDIRECT, VERIFIER, parameter, register};
use testkit::wire::{Answer, FORM, JSON};
use testkit::world::{ISSUER, World};
use url::form_urlencoded;

use crate::variant::Variant;

/// The type that every module asks for.
pub(crate) const CARD: &str = "student_card";
/// A type that is bound to no key.
pub(crate) const TICKET: &str = "course_ticket";

/// The client that comes after the first one.
pub(crate) const SECOND_CLIENT: &str = "https://another-wallet.example";

/// What a module does wrong to a client attestation and its proof of possession.
pub(crate) type Spoil = fn(&mut Draft, &mut Draft);

/// One client in front of one issuer.
pub(crate) struct EmulatedWallet {
    pub(crate) world: World,
    pub(crate) variant: Variant,
    pub(crate) client_id: &'static str,
    pub(crate) instance: Instance,
    /// Binds the token.
    pub(crate) sender_key: SoftwareKey,
    /// Binds the credential.
    pub(crate) holder: SoftwareKey,
}

/// What a Token Response gave.
pub(crate) struct Token {
    pub(crate) access_token: String,
    /// Of the card, where the response has details.
    pub(crate) credential_identifier: Option<String>,
}

impl EmulatedWallet {
    pub(crate) async fn of(variant: Variant) -> Self {
        Self::with(variant, |_| {}).await
    }

    /// In front of an issuer that was set up otherwise.
    pub(crate) async fn with(variant: Variant, change: impl FnOnce(&mut Issuer)) -> Self {
        let instance = Instance::default();
        let attesters = instance.attesters();
        let world = World::with(|issuer| {
            register(issuer, CLIENT, ClientAuthentication::None);
            register(issuer, SECOND_CLIENT, ClientAuthentication::None);
            if variant.attested {
                issuer.client_attesters = Some(attesters);
                issuer.config.authorization.client_attestation_required = true;
            }
            issuer.config.dpop.required = variant.bound;
            if variant.encrypted {
                let encryption = &mut issuer.config.encryption;
                (encryption.request, encryption.response) = (Required, Required);
                encryption.zip_values_supported.0 = vec![Compression::Deflate];
                issuer.encryption = issuer.config.encryption.policy().unwrap();
            }
            if variant.deferred {
                issuer.types.get_mut(CARD).unwrap().approval = Approval::Deferred;
            }
            change(issuer);
        })
        .await;
        world.account("ada", &[CARD]).await;
        Self::client(world, variant, (CLIENT, instance))
    }

    /// One client with keys of its own.
    pub(crate) fn client(
        world: World,
        variant: Variant,
        (client_id, instance): (&'static str, Instance),
    ) -> Self {
        let (sender_key, holder) = (holder_key(), holder_key());
        Self { world, variant, client_id, instance, sender_key, holder }
    }

    /// The issuer's metadata.
    pub(crate) async fn metadata(&self) -> Value {
        let answer = self.world.public.get("/.well-known/openid-credential-issuer").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, JSON));
        answer.json()
    }

    /// The attestation of this client for the authorization server, perhaps spoilt, signed by these.
    pub(crate) async fn attestation(
        &self,
        spoil: Spoil,
        (provider, instance): (&SoftwareKey, &SoftwareKey),
    ) -> Vec<(&'static str, String)> {
        let challenge = self.world.public.ask(Request::post("/challenge"), "").await.success();
        let challenge = challenge["attestation_challenge"].as_str();
        let now = self.world.clock.now().0;
        let mut attestation = self.instance.attestation(now);
        let mut pop = self.instance.pop(ISSUER, now, challenge);
        attestation.claim("sub", json!(self.client_id));
        pop.claim("iss", json!(self.client_id));
        spoil(&mut attestation, &mut pop);
        vec![
            ("OAuth-Client-Attestation", attestation.sign(provider).await),
            ("OAuth-Client-Attestation-PoP", pop.sign(instance).await),
        ]
    }

    /// A good one, where the variant has one.
    pub(crate) async fn client_authentication(&self) -> Vec<(&'static str, String)> {
        if !self.variant.attested {
            return Vec::new();
        }
        let Instance { provider, key } = &self.instance;
        self.attestation(|_, _| {}, (&**provider, key)).await
    }

    /// The DPoP proof beside a request, where the variant has one.
    async fn dpop(&self, endpoint: &str, token: Option<&str>) -> Option<(&'static str, String)> {
        if !self.variant.bound {
            return None;
        }
        let endpoint = self.world.issuer.endpoint(endpoint);
        let proof = dpop(&self.sender_key, &endpoint, self.world.clock.now().0, token);
        Some(("DPoP", proof.sign(&self.sender_key).await))
    }

    /// Sends a form to an endpoint of the authorization server.
    pub(crate) async fn form(
        &self,
        endpoint: &str,
        client: Vec<(&'static str, String)>,
        form: &[(String, String)],
    ) -> Answer {
        let mut begun =
            Request::post(self.world.issuer.endpoint(endpoint)).header(CONTENT_TYPE, FORM);
        for (name, value) in client.into_iter().chain(self.dpop(endpoint, None).await) {
            begun = begun.header(name, value);
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.world.public.ask(begun, body).await
    }

    /// The parameters of the request that is pushed, with one that nobody knows.
    pub(crate) fn pushed(&self) -> Vec<(String, String)> {
        let change = [("client_id", self.client_id), ("random-parameter", "xyz")];
        self.world.authorization_request(CARD, &change)
    }

    /// Pushes, signs in and gives back the code.
    async fn authorization_code(&self) -> String {
        let client = self.client_authentication().await;
        let pushed = self.form("par", client, &self.pushed()).await;
        assert_eq!((pushed.status, pushed.header("content-type")), (201, JSON), "{pushed:?}");
        let pushed = pushed.json();
        let expires_in = pushed["expires_in"].as_u64().unwrap();
        assert!((5..=600).contains(&expires_in), "RFC 9126 §2.2: {expires_in}");
        let uri = pushed["request_uri"].as_str().unwrap();
        let request = [("client_id", self.client_id), ("request_uri", uri)];
        let mut request = request.map(|(name, value)| (name.to_owned(), value.to_owned()));
        if self.client_id == SECOND_CLIENT {
            request.reverse();
        }
        let address = self.world.authorize(&request);
        let back = Browser::of(&self.world.public).allow(&address, "ada").await;
        assert!(back.starts_with(REDIRECT), "{back}");
        assert_eq!(parameter(&back, "iss").as_deref(), Some(ISSUER), "RFC 9207 §2");
        assert_eq!(parameter(&back, "state").as_deref(), Some("the state"));
        parameter(&back, "code").unwrap()
    }

    /// The parameters of a good Token Request, with one that nobody knows.
    pub(crate) async fn token_request(&self) -> Vec<(String, String)> {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let random = [("client_id", self.client_id), ("random-parameter", "xyz")];
        if self.variant.signs_in {
            let code = self.authorization_code().await;
            let verifier = CodeVerifier::new(VERIFIER);
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", REDIRECT),
                ("code_verifier", verifier.expose()),
            ];
            return [own(&form), own(&random)].concat();
        }
        let offered = self.world.offer(CARD, &json!({ "tx_code": true })).await;
        let tx_code = offered.tx_code.as_deref().unwrap();
        self.check_offer(&offered.uri).await;
        let form = [
            ("grant_type", PRE_AUTHORIZED_CODE),
            ("pre-authorized_code", offered.code.as_str()),
            ("tx_code", tx_code),
        ];
        [own(&form), own(&random)].concat()
    }

    /// What the suite looks at in an offer: one parameter, and no member that it does not know.
    async fn check_offer(&self, uri: &str) {
        let OfferLink::ByReference(place) = OfferLink::parse(uri).unwrap() else { return };
        let offer = self.world.public.get(place.as_str()).await.success();
        let names: Vec<&String> = offer.as_object().unwrap().keys().collect();
        assert_eq!(names, ["credential_configuration_ids", "credential_issuer", "grants"]);
        let grant = offer["grants"][PRE_AUTHORIZED_CODE].as_object().unwrap();
        assert!(grant.keys().all(|name| ["pre-authorized_code", "tx_code"].contains(&&**name)));
    }

    /// Gets a token, by the grant of the variant.
    pub(crate) async fn token(&self) -> Token {
        let form = self.token_request().await;
        let answer = self.form("token", self.client_authentication().await, &form).await.success();
        let expected = if self.variant.bound { "DPoP" } else { "Bearer" };
        assert_eq!(answer["token_type"], expected);
        assert!(answer["expires_in"].is_u64());
        let details = answer["authorization_details"].as_array().cloned().unwrap_or_default();
        let identifier = details.first().map(|detail| {
            assert_eq!(detail["type"], "openid_credential");
            assert_eq!(detail["credential_configuration_id"], CARD);
            detail["credential_identifiers"][0].as_str().unwrap().to_owned()
        });
        assert_eq!(identifier.is_some(), self.variant.signs_in, "TOKEN-17");
        let access_token = answer["access_token"].as_str().unwrap().to_owned();
        Token { access_token, credential_identifier: identifier }
    }

    /// Names the card as the Token Response wants it, and a member that nobody knows.
    pub(crate) fn named(token: &Token) -> Value {
        let mut body = match &token.credential_identifier {
            Some(identifier) => json!({ "credential_identifier": identifier }),
            None => json!({ "credential_configuration_id": CARD }),
        };
        body["random-member"] = json!({ "xyz": [1] });
        body
    }

    /// A good proof of a key, not yet signed.
    pub(crate) async fn draft(&self, key: &SoftwareKey) -> Draft {
        let mut draft = self.world.draft(key, &self.world.nonce().await);
        draft.claim("iss", json!(self.client_id));
        draft
    }

    /// A good Credential Request.
    pub(crate) async fn credential_request(&self, token: &Token) -> Value {
        let mut body = Self::named(token);
        let proof = self.draft(&self.holder).await.sign(&self.holder).await;
        body["proofs"] = json!({ "jwt": [proof] });
        body
    }

    /// How to encrypt, as the metadata say.
    pub(crate) async fn encryption(&self, compress: bool) -> ChosenEncryption {
        ReceivedEncryption::parse(&self.metadata().await).choose(compress).unwrap()
    }

    /// Sends a request with a token to the issuer, in the clear.
    pub(crate) async fn send(
        &self,
        endpoint: &str,
        token: &Token,
        headers: &[(&str, &str)],
        (media_type, body): (&str, Vec<u8>),
    ) -> Answer {
        let scheme = if self.variant.bound { "DPoP" } else { "Bearer" };
        let access_token = &token.access_token;
        let mut begun = Request::post(self.world.issuer.endpoint(endpoint))
            .header(AUTHORIZATION, format!("{scheme} {access_token}"))
            .header(CONTENT_TYPE, media_type);
        let proof = self.dpop(endpoint, Some(access_token)).await;
        if let Some((name, value)) = &proof {
            begun = begun.header(*name, value);
        }
        for (name, value) in headers {
            begun = begun.header(*name, *value);
        }
        self.world.public.ask(begun, body).await
    }

    /// The same under a cover where the variant has one; the answer's status and what is in it.
    pub(crate) async fn ask(
        &self,
        endpoint: &str,
        token: &Token,
        (headers, body, compress): (&[(&str, &str)], Value, bool),
    ) -> (u16, Value) {
        if !self.variant.encrypted {
            let body = (JSON, body.to_string().into_bytes());
            let answer = self.send(endpoint, token, headers, body).await;
            assert_eq!(answer.header("content-type"), JSON, "{answer:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            return (answer.status, answer.json());
        }
        let encryption = self.encryption(compress).await;
        let begun = encryption.begin(|algorithm| DecryptionKey::generate(Curve::P256, algorithm));
        let exchange = begun.unwrap();
        let sealed = exchange.seal(body).unwrap();
        let sealed = (sealed.media_type, sealed.bytes);
        let answer = self.send(endpoint, token, headers, sealed).await;
        assert_eq!(answer.header("content-type"), "application/jwt", "{answer:?}");
        let opened = exchange.open(ReceivedBody::Jwt(&answer.body)).unwrap();
        (answer.status, serde_json::from_slice(&opened).unwrap())
    }

    /// Asks for the card; where it is deferred, an officer agrees and it is fetched.
    pub(crate) async fn issued(&self, token: &Token, body: Value) -> Value {
        let (status, answer) = self.ask("credential", token, (&[], body, false)).await;
        if !self.variant.deferred {
            assert_eq!(status, 200, "CRED-30: {answer}");
            return answer;
        }
        assert_eq!(status, 202, "CRED-31: {answer}");
        assert!(answer["interval"].as_u64().unwrap() > 0);
        let body = || json!({ "transaction_id": answer["transaction_id"] });
        let endpoint = "deferred-credential";
        let waits = self.ask(endpoint, token, (&[], body(), false)).await;
        assert_eq!((waits.0, &waits.1["transaction_id"]), (202, &answer["transaction_id"]));
        self.approve().await;
        let (status, issued) = self.ask(endpoint, token, (&[], body(), false)).await;
        assert_eq!(status, 200, "{issued}");
        issued
    }

    async fn approve(&self) {
        let listed = self.world.operator("GET", "/admin/v1/deferrals?state=", None).await.json();
        let id = listed["deferrals"].as_array().unwrap().last().unwrap()["id"].clone();
        let path = format!("/admin/v1/deferrals/{}/approve", id.as_str().unwrap());
        let answer = self.world.operator("POST", &path, None).await;
        assert!(answer.status < 300, "{answer:?}");
    }

    /// Tells the issuer, with a member that nobody knows.
    pub(crate) async fn notify(&self, token: &Token, issued: &Value) {
        let id = issued["notification_id"].as_str().unwrap();
        let body = json!({
            "notification_id": id, "event": "credential_accepted", "random-member": "xyz",
        });
        let body = (JSON, body.to_string().into_bytes());
        let answer = self.send("notification", token, &[], body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// The claims and the header of the only credential of an answer, once it is verified.
    pub(crate) fn verified(&self, issued: &Value) -> formats::verified::Verified {
        let [only] = &issued["credentials"].as_array().unwrap()[..] else { panic!("{issued}") };
        self.verify(&only["credential"])
    }

    /// Verifies one credential with the key that the issuer signs with.
    pub(crate) fn verify(&self, credential: &Value) -> formats::verified::Verified {
        let unverified = formats::parse("dc+sd-jwt", credential).unwrap();
        let keys = self.world.issuer.keys();
        unverified.verify(keys.signing.signer.public_key(), self.world.clock.now()).unwrap()
    }
}
