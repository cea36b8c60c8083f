//! The issuer of `interop/`, made with libraries that we did not write, under the same load.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::{env, fs};

use serde_json::Value;

use super::{number, text};
use crate::install;

/// A running server; it ends when this is dropped.
pub(super) struct Foreign {
    process: Child,
    url: String,
    pid: String,
    key_file: PathBuf,
}

impl Foreign {
    /// Installs and starts it; `None` where there is no npm.
    pub(super) fn start(folder: &Path) -> io::Result<Option<Self>> {
        let project = Path::new("interop");
        if crate::process::find("npm").is_none() {
            println!("npm is missing: the foreign issuer is left out");
            return Ok(None);
        }
        install::node_modules(project)?;
        let mut node = install::node("node", &["speed.mjs"])?;
        let mut process = node.current_dir(project).stdout(Stdio::piped()).spawn()?;
        let printed = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(printed).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)?;
        // It asks for no key, but the load generator wants to send one.
        let key_file = env::current_dir()?.join(folder).join("no.key");
        fs::write(&key_file, "none\n")?;
        Ok(Some(Self {
            url: text(&told, "/url"),
            pid: number(&told, "/pid").to_string(),
            process,
            key_file,
        }))
    }

    /// How the load generator finds it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let key_file = self.key_file.display().to_string();
        let options = [
            ("--issuer", &self.url),
            ("--admin", &self.url),
            ("--key-file", &key_file),
            ("--pid", &self.pid),
        ];
        let options =
            options.into_iter().flat_map(|(name, value)| [name.to_owned(), value.clone()]);
        options.chain(["--configuration".to_owned(), "library_card".to_owned()]).collect()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // Whether it ended by itself does not matter any more.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
