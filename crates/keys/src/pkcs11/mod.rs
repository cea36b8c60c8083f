//! Keys that never leave their hardware: PKCS #11, as modules of every maker speak it.
//!
//! A module may take milliseconds for a signature, and stand still: it is asked on threads where
//! that stops nobody else, by a few sessions at once. What it lost, such as its sessions after a
//! restart, is made again once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use der::Decode as _;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use tokio::sync::Semaphore;

use crate::algorithm::Algorithm;
use crate::digest::{DigestAlgorithm, sha256};
use crate::public_key::PublicKey;
use crate::signer::{KeyAtHand, SignError, Signer};
use crate::x509;

mod uri;

pub use uri::{Pkcs11Uri, SCHEME};

/// Sessions that sign at the same time.
const SESSIONS_MAX: usize = 8;

/// Modules that were loaded: one of them is initialised once for the whole process, and never
/// ended, since other keys may use it.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// PINs that a token did not take, with the token. They are not tried again by this process: after a
/// few wrong ones a token is locked for everybody, and who looks for new keys looks often.
static REFUSED: Mutex<BTreeSet<[u8; 32]>> = Mutex::new(BTreeSet::new());

/// A private key in a token.
pub struct Pkcs11Key {
    token: Arc<Token>,
    public_key: PublicKey,
    turns: Arc<Semaphore>,
}

/// The token, its key, and how to come back to both.
struct Token {
    module: Pkcs11,
    uri: Pkcs11Uri,
    pin: AuthPin,
    attempt: [u8; 32],
    idle: Mutex<Vec<(Session, ObjectHandle)>>,
}

impl Pkcs11Key {
    /// Finds the key, and sees that it signs what its public half verifies.
    pub fn open(uri: &Pkcs11Uri, pin: &str) -> Result<Self, Pkcs11Error> {
        let module = load(&uri.module)?;
        let token = Token {
            module,
            uri: uri.clone(),
            pin: pin.into(),
            attempt: attempt(uri, pin),
            idle: Mutex::new(Vec::new()),
        };
        let (session, key) = token.fresh()?;
        let public_key = public_key(&session, &token.uri, key)?;
        token.put_back((session, key));
        let own =
            Self { token: token.into(), public_key, turns: Semaphore::new(SESSIONS_MAX).into() };
        let probe = b"Bestow: does the key fit its public half?";
        let signature = own.token.sign(own.public_key.algorithm(), probe)?;
        own.public_key.verify(probe, &signature).map_err(|_| Pkcs11Error::OtherPublicKey)?;
        Ok(own)
    }
}

#[async_trait]
impl Signer for Pkcs11Key {
    fn algorithm(&self) -> Algorithm {
        self.public_key.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| SignError::Signing)?;
        let (token, algorithm) = (Arc::clone(&self.token), self.algorithm());
        let message = message.to_vec();
        // Whoever asked may be gone before the module answers: the turn is over with the thread.
        let signed = tokio::task::spawn_blocking(move || {
            let signature = token.sign(algorithm, &message);
            drop(turn);
            signature
        });
        signed.await.map_err(|_| SignError::Signing)?.map_err(|_| SignError::Signing)
    }
}

impl KeyAtHand for Pkcs11Key {
    fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.token.sign(self.algorithm(), message).map_err(|_| SignError::Signing)
    }
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pkcs11Key({:?})", self.public_key)
    }
}

impl Token {
    /// Signs; a session that fails is left, and a fresh one tries once more.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Pkcs11Error> {
        let (mechanism, data) = mechanism(algorithm, message)?;
        let kept = self.idle().pop();
        if let Some((session, key)) = kept
            && let Ok(signature) = session.sign(&mechanism, key, &data)
        {
            self.put_back((session, key));
            return Ok(signature);
        }
        let (session, key) = self.fresh()?;
        let signature = session.sign(&mechanism, key, &data)?;
        self.put_back((session, key));
        Ok(signature)
    }

    /// A new session that is logged in, and the key as it is called there.
    fn fresh(&self) -> Result<(Session, ObjectHandle), Pkcs11Error> {
        if refused_pins().contains(&self.attempt) {
            return Err(Pkcs11Error::WrongPin);
        }
        let session = self.module.open_ro_session(self.slot()?)?;
        match session.login(UserType::User, Some(&self.pin)) {
            // Whoever logs in does so for all sessions.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _)) => {
                refused_pins().insert(self.attempt);
                return Err(Pkcs11Error::WrongPin);
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => return Err(Pkcs11Error::PinLocked),
            Err(error) => return Err(error.into()),
        }
        let key = only(&session, &self.uri, ObjectClass::PRIVATE_KEY)?.ok_or(Pkcs11Error::NoKey)?;
        Ok((session, key))
    }

    fn slot(&self) -> Result<Slot, Pkcs11Error> {
        let mut found = Vec::new();
        for slot in self.module.get_slots_with_token()? {
            let info = self.module.get_token_info(slot)?;
            let fits = |wish: &Option<String>, own: &str| {
                wish.as_ref().is_none_or(|wish| wish == own.trim_end())
            };
            let is_wished = fits(&self.uri.token, info.label())
                && fits(&self.uri.serial, info.serial_number())
                && self.uri.slot.is_none_or(|wish| wish == slot.id());
            if is_wished && info.token_initialized() {
                found.push(slot);
            }
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            [] => Err(Pkcs11Error::NoToken),
            _ => Err(Pkcs11Error::SeveralTokens),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Session, ObjectHandle)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_back(&self, session: (Session, ObjectHandle)) {
        let mut idle = self.idle();
        if idle.len() < SESSIONS_MAX {
            idle.push(session);
        }
    }
}

/// What tells one attempt to log in from another.
fn attempt(uri: &Pkcs11Uri, pin: &str) -> [u8; 32] {
    let Pkcs11Uri { module, token, serial, slot, .. } = uri;
    let place = format!("{}\n{token:?}\n{serial:?}\n{slot:?}\n", module.display());
    sha256(&[place.as_bytes(), pin.as_bytes()].concat())
}

fn refused_pins() -> MutexGuard<'static, BTreeSet<[u8; 32]>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load(path: &Path) -> Result<Pkcs11, Pkcs11Error> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(|_| Pkcs11Error::NoModule)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error.into()),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

/// The one object of a class that the URI names; `None` when there is none.
fn only(
    session: &Session,
    uri: &Pkcs11Uri,
    class: ObjectClass,
) -> Result<Option<ObjectHandle>, Pkcs11Error> {
    let mut wanted = vec![Attribute::Class(class)];
    wanted.extend(uri.label.clone().map(|label| Attribute::Label(label.into_bytes())));
    wanted.extend(uri.id.clone().map(Attribute::Id));
    match session.find_objects(&wanted)?.as_slice() {
        [] => Ok(None),
        [object] => Ok(Some(*object)),
        _ => Err(Pkcs11Error::SeveralKeys),
    }
}

/// Its public half, which most tokens keep as an object beside it.
fn public_key(
    session: &Session,
    uri: &Pkcs11Uri,
    private: ObjectHandle,
) -> Result<PublicKey, Pkcs11Error> {
    let object = only(session, uri, ObjectClass::PUBLIC_KEY)?.unwrap_or(private);
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let (mut curve, mut point) = (None, None);
    for attribute in session.get_attributes(object, &wanted)? {
        if let Attribute::EcParams(der) = attribute {
            curve = Some(der);
        } else if let Attribute::EcPoint(der) = attribute {
            point = Some(der);
        }
    }
    let algorithm = curve.as_deref().and_then(algorithm).ok_or(Pkcs11Error::UnsupportedKey)?;
    let point = point.ok_or(Pkcs11Error::NoPublicKey)?;
    // An OCTET STRING by the standard; some modules give what is in it.
    let inner = <&OctetStringRef>::from_der(&point).map_or(&point[..], OctetStringRef::as_bytes);
    PublicKey::from_raw(algorithm, inner).map_err(|_| Pkcs11Error::UnsupportedKey)
}

/// What a curve is signed with; Ed25519 is told by its number, or by its name.
fn algorithm(parameters: &[u8]) -> Option<Algorithm> {
    match ObjectIdentifier::from_der(parameters) {
        Ok(curve) => x509::algorithm_of_curve(curve),
        Err(_) => parameters.ends_with(b"edwards25519").then_some(Algorithm::EdDsa),
    }
}

/// How a module is asked, and what it is given: for ECDSA the digest, so that any module can.
fn mechanism(
    algorithm: Algorithm,
    message: &[u8],
) -> Result<(Mechanism<'static>, Vec<u8>), Pkcs11Error> {
    let digest = match algorithm {
        Algorithm::Es256 | Algorithm::Es256K => DigestAlgorithm::Sha256,
        Algorithm::Es384 => DigestAlgorithm::Sha384,
        Algorithm::Es512 => DigestAlgorithm::Sha512,
        Algorithm::EdDsa => {
            let parameters = EddsaParams::new(EddsaSignatureScheme::Ed25519);
            return Ok((Mechanism::Eddsa(parameters), message.to_vec()));
        }
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Bbs => {
            return Err(Pkcs11Error::UnsupportedKey);
        }
    };
    Ok((Mechanism::Ecdsa, digest.digest(message)))
}

/// Why a key in hardware cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pkcs11Error {
    /// The URI itself, and what is wrong with it.
    Uri(&'static str),
    /// There is no such library, or it is none of PKCS #11.
    NoModule,
    /// No token of that name, or it is not initialised.
    NoToken,
    /// More than one.
    SeveralTokens,
    /// The PIN is not the token's.
    WrongPin,
    /// The token takes no more PINs.
    PinLocked,
    /// No private key of that name.
    NoKey,
    /// More than one.
    SeveralKeys,
    /// Its public half is not there.
    NoPublicKey,
    /// Neither P-256, P-384, P-521, secp256k1 nor Ed25519.
    UnsupportedKey,
    /// The public key beside it is another one's.
    OtherPublicKey,
    /// What the module says.
    Module(String),
}

impl From<Error> for Pkcs11Error {
    fn from(error: Error) -> Self {
        Self::Module(error.to_string())
    }
}

impl fmt::Display for Pkcs11Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uri(problem) => return write!(f, "the pkcs11: URI {problem}"),
            Self::NoModule => "module-path is no PKCS #11 library that can be loaded",
            Self::NoToken => "the module has no initialised token of this name",
            Self::SeveralTokens => "the module has several tokens that fit: name one by `serial`",
            Self::WrongPin => "the token does not take the PIN of pin-source",
            Self::PinLocked => "the token is locked after too many wrong PINs",
            Self::NoKey => "the token has no private key of this name that this PIN can use",
            Self::SeveralKeys => "the token has several keys that fit: name one by `id`",
            Self::NoPublicKey => "the token has no public key beside it of the same name",
            Self::UnsupportedKey => "the key must be of P-256, P-384, P-521, secp256k1 or Ed25519",
            Self::OtherPublicKey => "the public key of this name is not that of the private key",
            Self::Module(error) => return write!(f, "the PKCS #11 module failed: {error}"),
        })
    }
}

impl std::error::Error for Pkcs11Error {}
