//! Decentralized identifiers: did:jwk and did:key, which carry their key, and the names of did:web.
//! Nothing is fetched.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use url::{Host, Url};

use crate::algorithm::Algorithm;
use crate::public_key::{KeyError, PublicKey};
use crate::{json, multibase};

/// Longest DID URL; base58 takes time with the square of the length.
pub const DID_BYTES_MAX: usize = 4 * 1024;

/// Multicodec names of keys, as the bytes in front of the key.
const CODECS: [(&[u8], Codec); 7] = [
    (&[0x80, 0x24], Codec::Raw(Algorithm::Es256)),
    (&[0x81, 0x24], Codec::Raw(Algorithm::Es384)),
    (&[0x82, 0x24], Codec::Raw(Algorithm::Es512)),
    (&[0xe7, 0x01], Codec::Raw(Algorithm::Es256K)),
    (&[0xed, 0x01], Codec::Raw(Algorithm::EdDsa)),
    (&[0xd1, 0xd6, 0x03], Codec::Jwk),
    (&[0xeb, 0x01], Codec::Raw(Algorithm::Bbs)),
];

#[derive(Clone, Copy)]
enum Codec {
    /// A compressed point, or the 32 bytes of Ed25519.
    Raw(Algorithm),
    /// `jwk_jcs-pub`: the canonical JWK; some national wallets write it.
    Jwk,
}

/// The did:jwk of a key.
#[must_use]
pub fn to_did_jwk(key: &PublicKey) -> String {
    format!("did:jwk:{}", BASE64_URL_SAFE_NO_PAD.encode(key.canonical_jwk()))
}

/// The did:key of a key.
#[must_use]
pub fn to_did_key(key: &PublicKey) -> String {
    format!("did:key:{}", to_multikey(key))
}

/// A key as text (Multikey of Controlled Identifiers): what is in its did:key.
#[must_use]
pub fn to_multikey(key: &PublicKey) -> String {
    let mut bytes = match key.algorithm() {
        Algorithm::Es256 => vec![0x80, 0x24],
        Algorithm::Es384 => vec![0x81, 0x24],
        Algorithm::Es512 => vec![0x82, 0x24],
        Algorithm::Es256K => vec![0xe7, 0x01],
        Algorithm::EdDsa => vec![0xed, 0x01],
        Algorithm::Rs256 | Algorithm::Ps256 => vec![0x85, 0x24],
        Algorithm::Bbs => vec![0xeb, 0x01],
    };
    bytes.extend(key.compressed());
    multibase::encode_base58(&bytes)
}

/// The did:web of a website, or of a path of it; `None` when a URL has no host.
#[must_use]
pub fn to_did_web(website: &Url) -> Option<String> {
    let mut did = format!("did:web:{}", website.host_str()?);
    if let Some(port) = website.port() {
        did = format!("{did}%3A{port}");
    }
    for segment in website.path().split('/').filter(|segment| !segment.is_empty()) {
        did = format!("{did}:{segment}");
    }
    Some(did)
}

/// The website of a did:web, or of a DID URL of it: the one whose DID it is, to the letter.
#[must_use]
pub fn website_of(did_url: &str) -> Option<Url> {
    let did = did_of(did_url);
    let mut parts = did.strip_prefix("did:web:")?.split(':');
    let mut website = format!("https://{}", parts.next()?.replace("%3A", ":"));
    for segment in parts {
        website.push('/');
        website.push_str(segment);
    }
    let website = Url::parse(&website).ok()?;
    (to_did_web(&website).as_deref() == Some(did)).then_some(website)
}

/// The did:web of which this DID URL names a key. Its website has a name: a mere address is that of a
/// machine, which may be anybody's tomorrow (did:web allows none).
#[must_use]
pub fn did_web_of_key(did_url: &str) -> Option<&str> {
    let (did, fragment) = did_url.split_once('#').filter(|_| did_url.len() <= DID_BYTES_MAX)?;
    let is_fragment = !fragment.is_empty()
        && fragment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let website = website_of(did).filter(|_| is_fragment && did_of(did) == did)?;
    matches!(website.host(), Some(Host::Domain(_))).then_some(did)
}

/// Where the document of a website's did:web is.
#[must_use]
pub fn did_web_document(website: &Url) -> Url {
    let path = match website.path().trim_end_matches('/') {
        "" => "/.well-known/did.json".to_owned(),
        path => format!("{path}/did.json"),
    };
    let mut document = website.clone();
    document.set_path(&path);
    document
}

/// The DID URL of the one key of such a DID.
#[must_use]
pub fn verification_method(did: &str) -> String {
    match did.strip_prefix("did:key:") {
        Some(multibase) => format!("{did}#{multibase}"),
        None => format!("{did}#0"),
    }
}

/// The DID in a DID URL.
#[must_use]
pub fn did_of(did_url: &str) -> &str {
    did_url.split(['#', '?', '/']).next().unwrap_or(did_url)
}

/// The key of a DID, or of a DID URL that names it: one that somebody can prove to have.
pub fn resolve(did_url: &str) -> Result<PublicKey, DidError> {
    resolve_issuer(did_url).and_then(can_be_proved)
}

/// The key of whoever signs credentials: it may be one of BLS12-381, too, in builds that have it.
pub fn resolve_issuer(did_url: &str) -> Result<PublicKey, DidError> {
    if did_url.len() > DID_BYTES_MAX {
        return Err(DidError::TooLong);
    }
    let (did, fragment) = match did_url.split_once('#') {
        Some((did, fragment)) => (did, Some(fragment)),
        None => (did_url, None),
    };
    let (method, id) = did
        .strip_prefix("did:")
        .and_then(|rest| rest.split_once(':'))
        .ok_or(DidError::Malformed)?;
    let (key, only_fragment) = match method {
        "jwk" => (read_jwk(id)?, "0"),
        "key" => (read_issuer_multikey(id)?, id),
        _ => return Err(DidError::UnsupportedMethod),
    };
    if fragment.is_some_and(|fragment| fragment != only_fragment) {
        return Err(DidError::UnknownFragment);
    }
    Ok(key)
}

fn read_jwk(id: &str) -> Result<PublicKey, DidError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(id).map_err(|_| DidError::Malformed)?;
    let jwk = json::parse(&bytes).map_err(|_| DidError::Malformed)?;
    PublicKey::from_jwk(&jwk).map_err(DidError::BadKey)
}

/// What is signed with BBS is no proof of a key.
fn can_be_proved(key: PublicKey) -> Result<PublicKey, DidError> {
    if key.algorithm() == Algorithm::Bbs { Err(DidError::UnsupportedKey) } else { Ok(key) }
}

/// Reads what [`to_multikey`] writes, of the kinds that [`resolve`] takes.
pub fn read_multikey(text: &str) -> Result<PublicKey, DidError> {
    read_issuer_multikey(text).and_then(can_be_proved)
}

/// Reads what [`to_multikey`] writes, of the kinds that [`resolve_issuer`] takes.
///
/// Both base58 and the multicodec have one spelling each here; others are refused, so that equal
/// keys have equal DIDs.
pub fn read_issuer_multikey(text: &str) -> Result<PublicKey, DidError> {
    let bytes = multibase::decode_base58(text).ok_or(DidError::Malformed)?;
    let (codec, rest) = CODECS
        .iter()
        .find_map(|(prefix, codec)| Some((*codec, bytes.strip_prefix(*prefix)?)))
        .ok_or(DidError::UnsupportedKey)?;
    match codec {
        Codec::Raw(algorithm) => {
            let key = PublicKey::from_raw(algorithm, rest).map_err(DidError::of_key)?;
            if key.compressed() == rest { Ok(key) } else { Err(DidError::Malformed) }
        }
        Codec::Jwk => {
            let jwk = json::parse(rest).map_err(|_| DidError::Malformed)?;
            let key = PublicKey::from_jwk(&jwk).map_err(DidError::BadKey)?;
            let is_canonical = key.canonical_jwk().as_bytes() == rest;
            if is_canonical { Ok(key) } else { Err(DidError::Malformed) }
        }
    }
}

/// Why a DID gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DidError {
    /// Longer than [`DID_BYTES_MAX`].
    TooLong,
    /// Not a DID, or its key is spelt in a way of its own.
    Malformed,
    /// Neither did:jwk nor did:key.
    UnsupportedMethod,
    /// did:key of a kind of key that we do not use.
    UnsupportedKey,
    /// The fragment names no key of the DID.
    UnknownFragment,
    /// The key itself is refused.
    BadKey(KeyError),
}

impl DidError {
    /// A kind of key that only other builds read is as unknown as any other.
    fn of_key(error: KeyError) -> Self {
        if error == KeyError::UnsupportedKey { Self::UnsupportedKey } else { Self::BadKey(error) }
    }
}

impl fmt::Display for DidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the DID is too long",
            Self::Malformed => "this is not a well-formed DID",
            Self::UnsupportedMethod => "the DID must be a did:jwk or did:key",
            Self::UnsupportedKey => {
                "the did:key must hold a key of P-256, P-384, P-521, secp256k1 or Ed25519"
            }
            Self::UnknownFragment => "the part behind # names no key of the DID",
            Self::BadKey(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for DidError {}
