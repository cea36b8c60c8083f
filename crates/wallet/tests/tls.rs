//! The wallet's HTTP client over TLS: whom it trusts, and how it says why not (catalogue X53).
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use keys::development::DevelopmentCa;
use keys::outside::{Clock, SystemClock, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;
use wallet::client::{ClientOptions, GuardedClient};
use wallet::http::{Http, HttpError, Request};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const YEARS: u64 = 3 * 366 * 24 * 3600;

/// A server whose certificate names one host and was made at `made`; answers with its port.
fn server(ca: &DevelopmentCa, host: &str, made: Timestamp) -> u16 {
    let (certificate, key) = ca.tls_certificate(&[host.to_owned()], made).unwrap();
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            if stream.read(&mut [0; 4096]).is_ok() {
                drop(stream.write_all(ANSWER));
                stream.conn.send_close_notify();
                drop(stream.flush());
            }
        }
    });
    port
}

async fn get(authority: Option<&DevelopmentCa>, port: u16) -> Result<u16, HttpError> {
    let pem = authority.map(|ca| ca.certificate_pem().to_owned());
    let client = GuardedClient::new(&ClientOptions {
        extra_authorities: pem.into_iter().collect(),
        allow_private_addresses: true,
        ..ClientOptions::default()
    });
    let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    client.unwrap().send(Request::get(url)).await.map(|answer| answer.status)
}

#[tokio::test]
async fn a_given_authority_is_trusted() {
    let ca = DevelopmentCa::generate("Test", SystemClock.now()).unwrap();
    let port = server(&ca, "localhost", SystemClock.now());
    assert_eq!(get(Some(&ca), port).await, Ok(200));
}

/// SEC-21
#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_name() {
    let now = SystemClock.now();
    let ca = DevelopmentCa::generate("Test", now.minus(YEARS)).unwrap();
    let other = DevelopmentCa::generate("Other", now).unwrap();
    let good = server(&ca, "localhost", now);
    assert_eq!(get(None, good).await, Err(HttpError::UntrustedCertificate));
    assert_eq!(get(Some(&other), good).await, Err(HttpError::UntrustedCertificate));
    let foreign = server(&ca, "other.example", now);
    assert_eq!(get(Some(&ca), foreign).await, Err(HttpError::ForeignCertificate));
    let old = server(&ca, "localhost", now.minus(YEARS));
    assert_eq!(get(Some(&ca), old).await, Err(HttpError::ExpiredCertificate));
    let early = server(&ca, "localhost", now.plus(YEARS));
    assert_eq!(get(Some(&ca), early).await, Err(HttpError::ExpiredCertificate));
}
