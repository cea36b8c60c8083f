//! The keys in use, replaced as a whole while requests are answered.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::manifest::{MANIFEST, unreadable};
use crate::config::ConfigError;
use crate::init::load_keys;
use crate::issue::check_key;
use crate::{Issuer, IssuerKeys};

/// How often a node looks whether the manifest is another, or a key's time has come.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The keys in use. Who works with them keeps what it has got: a request ends with the keys that it
/// began with.
pub(crate) struct CurrentKeys {
    keys: ArcSwap<IssuerKeys>,
    /// Which manifest they were read from.
    read_from: Mutex<Mark>,
}

impl CurrentKeys {
    /// `mark` was taken before they were read: what changed meanwhile is seen at the next look.
    pub(crate) fn new(keys: IssuerKeys, mark: Mark) -> Self {
        Self { keys: ArcSwap::from_pointee(keys), read_from: Mutex::new(mark) }
    }

    fn is_another(&self, mark: &Mark) -> bool {
        *self.read_from.lock().unwrap_or_else(PoisonError::into_inner) != *mark
    }

    fn replace(&self, keys: IssuerKeys, mark: Mark) {
        self.keys.store(Arc::new(keys));
        *self.read_from.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }
}

impl fmt::Debug for CurrentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentKeys(..)")
    }
}

/// What tells one manifest from the next without reading it: it is replaced, never written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark(Option<(u64, u64, i64, i64)>);

impl Mark {
    /// Of the manifest that lies in the folder now; none where there is none.
    pub(crate) fn of(folder: &Path) -> Result<Self, ConfigError> {
        let manifest = folder.join(MANIFEST);
        match fs::metadata(&manifest) {
            Ok(file) => Ok(Self(Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec())))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(unreadable(&manifest, &error)),
        }
    }
}

impl Issuer {
    /// The keys in use. Neither waits for anything nor makes others wait.
    #[must_use]
    pub fn keys(&self) -> Arc<IssuerKeys> {
        self.current_keys.keys.load_full()
    }

    /// Reads the folder of keys again; when anything in it is wrong, the old keys stay in use.
    pub fn reload_keys(&self) -> Result<(), ConfigError> {
        let mark = Mark::of(&self.config.keys)?;
        let keys = load_keys(&self.config, self.clock.now())?;
        check_key(&self.config, &keys, &self.types)?;
        self.current_keys.replace(keys, mark);
        self.status_lists.wake();
        Ok(())
    }

    /// Says which keys are in use.
    pub fn log_keys(&self) {
        let in_use = self.keys().in_use(self.clock.now());
        tracing::info!(in_use, "keys read again");
    }

    /// Reads the folder again if its manifest is another, or the time of a key has come.
    pub fn follow_keys(&self) -> Result<bool, ConfigError> {
        let is_time = self.keys().change_at.is_some_and(|at| at <= self.clock.now());
        let is_due = is_time || self.current_keys.is_another(&Mark::of(&self.config.keys)?);
        if is_due {
            self.reload_keys()?;
        }
        Ok(is_due)
    }
}

/// Keeps the keys up to date, as long as the server runs.
pub(crate) async fn keep_up_to_date(issuer: Arc<Issuer>) {
    let mut failing: Option<String> = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let node = Arc::clone(&issuer);
        let followed = tokio::task::spawn_blocking(move || node.follow_keys()).await;
        let Ok(followed) = followed else { continue };
        let problem = followed.as_ref().err().map(ToString::to_string);
        match (&followed, &problem) {
            (Ok(true), _) => issuer.log_keys(),
            // Told once: files that are being copied here are complete at one of the next looks.
            (Err(_), Some(problem)) if failing.as_ref() != Some(problem) => {
                tracing::error!(problem, "the old keys stay in use");
            }
            (Ok(false) | Err(_), _) => {}
        }
        failing = problem;
    }
}

/// What follows from the keys alone: made once, and again when they are others.
pub(crate) struct OfKeys<T>(ArcSwapOption<(Weak<IssuerKeys>, T)>);

impl<T> Default for OfKeys<T> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<T: Clone> OfKeys<T> {
    /// Of these keys.
    pub(crate) fn of(&self, keys: &Arc<IssuerKeys>, render: impl FnOnce(&IssuerKeys) -> T) -> T {
        if let Some(made) = &*self.0.load()
            && std::ptr::eq(made.0.as_ptr(), Arc::as_ptr(keys))
        {
            return made.1.clone();
        }
        let made = render(keys);
        self.0.store(Some(Arc::new((Arc::downgrade(keys), made.clone()))));
        made
    }
}
