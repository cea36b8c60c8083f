//! A website on this machine, by TLS, where a holder publishes a DID document, and may do it badly.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keys::development::DevelopmentCa;
use keys::outside::{Clock as _, SystemClock};
use keys::public_key::PublicKey;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What the website says to whoever asks.
#[derive(Clone, Debug)]
pub struct Says {
    /// The status line and the headers, but for the length.
    pub head: String,
    /// The body.
    pub body: String,
    /// How long it takes.
    pub after: Duration,
}

impl Says {
    /// This document, as it should be.
    #[must_use]
    pub fn document(document: &Value) -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/did+json".to_owned();
        Self { head, body: document.to_string(), after: Duration::ZERO }
    }
}

/// The website.
#[derive(Clone, Debug)]
pub struct Website {
    /// The authority of its certificate, as PEM.
    pub authority: String,
    port: u16,
    says: Arc<Mutex<Says>>,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Website {
    /// Begins to listen; until told otherwise, there is nothing.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ca = DevelopmentCa::generate("Holder", SystemClock.now()).unwrap();
        let head = "HTTP/1.1 404 Not Found\r\ncontent-type: text/html".to_owned();
        let nothing = Says { head, body: String::new(), after: Duration::ZERO };
        let website = Self {
            authority: ca.certificate_pem().to_owned(),
            port: listener.local_addr().unwrap().port(),
            says: Arc::new(Mutex::new(nothing)),
            asked: Arc::default(),
            connections: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(tls(&ca)));
        let its_own = website.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                its_own.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(its_own.clone().answer(acceptor.clone(), stream));
            }
        });
        website
    }

    /// From now on it says this.
    pub fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// From now on it has a document with these keys, `#0` and so on.
    pub fn publishes(&self, keys: &[&PublicKey]) {
        self.says(Says::document(&self.document(keys)));
    }

    /// Its DID; `path` is empty, or begins with a colon.
    #[must_use]
    pub fn did(&self, path: &str) -> String {
        format!("did:web:localhost%3A{}{path}", self.port)
    }

    /// The document of its DID with these keys.
    #[must_use]
    pub fn document(&self, keys: &[&PublicKey]) -> Value {
        let did = self.did("");
        let method = |(at, key): (usize, &&PublicKey)| {
            json!({
                "id": format!("{did}#{at}"), "type": "JsonWebKey2020", "controller": did,
                "publicKeyJwk": key.to_jwk(),
            })
        };
        let methods: Value = keys.iter().enumerate().map(method).collect();
        let names: Vec<String> = (0..keys.len()).map(|at| format!("#{at}")).collect();
        json!({ "id": did, "verificationMethod": methods, "authentication": names })
    }

    /// The paths that were asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How many have connected, whether or not they asked.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn answer(self, acceptor: TlsAcceptor, stream: TcpStream) {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap_or_default();
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(path);
        let Says { head, body, after } = self.says.lock().unwrap().clone();
        tokio::time::sleep(after).await;
        let length = body.len();
        let answer =
            format!("{head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}

fn tls(ca: &DevelopmentCa) -> ServerConfig {
    let (certificate, key) =
        ca.tls_certificate(&["localhost".to_owned()], SystemClock.now()).unwrap();
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(chain, key).unwrap()
}
