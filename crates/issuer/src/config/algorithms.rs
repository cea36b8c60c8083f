//! Signature algorithms in `bestow.toml`.

use keys::algorithm::Algorithm;
use serde::{Deserialize, Serialize};

/// Algorithms in the order of the file, each once; none is symmetric.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// Those that are taken.
    #[must_use]
    pub fn as_slice(&self) -> &[Algorithm] {
        &self.0
    }

    /// Their names in metadata.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|algorithm| algorithm.name()).collect()
    }
}

impl From<&[Algorithm]> for Algorithms {
    fn from(algorithms: &[Algorithm]) -> Self {
        Self(algorithms.to_vec())
    }
}

impl TryFrom<Vec<String>> for Algorithms {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let mut algorithms = Vec::new();
        for name in names {
            match Algorithm::parse(&name) {
                Some(algorithm) if !algorithms.contains(&algorithm) => algorithms.push(algorithm),
                _ => {
                    let remedy = "name some of ES256, ES384, ES512, ES256K and EdDSA";
                    return Err(format!("`{name}` is not known here, or is there twice\n{remedy}"));
                }
            }
        }
        Ok(Self(algorithms))
    }
}

impl From<Algorithms> for Vec<String> {
    fn from(algorithms: Algorithms) -> Self {
        algorithms.names().into_iter().map(str::to_owned).collect()
    }
}
