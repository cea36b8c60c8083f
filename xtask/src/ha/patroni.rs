//! The configuration of Patroni, as an operator would write it.

use std::path::Path;

/// Password of every role: the network has no way out, and its life is short.
pub(super) const PASSWORD: &str = "known-to-this-run-only";
/// Where Patroni says what it is.
pub(super) const REST: u16 = 8008;
pub(super) const POSTGRESQL: u16 = 5432;

/// Which Patroni it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    /// 3.0.2, of Debian 12: a primary that was cut off may take the lock back from its successor.
    Debian,
    /// A newer one, without that mistake; no `ttl` below 20.
    Newer,
}

impl Edition {
    /// How it is called; `folder` is where the newer one is.
    pub(super) fn line(self, folder: &Path) -> Vec<String> {
        let modules = format!("PYTHONPATH={}", folder.display());
        let words: &[&str] = match self {
            Self::Debian => &["patroni"],
            // Debian's Python has what both are built on.
            Self::Newer => &["env", &modules, "/usr/bin/python3", "-m", "patroni"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

/// When a commit is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    /// On two hosts, or not at all.
    Synchronous,
    /// On one host; the others follow as they can.
    Asynchronous,
}

/// How soon a primary that is silent is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failover {
    /// `ttl` 20: for networks and hosts that may stumble.
    Calm,
    /// `ttl` 6: for one room with good switches.
    Fast,
}

impl Failover {
    /// `ttl`, `loop_wait`, `retry_timeout`: the first is at least the second and twice the third.
    pub(super) const fn seconds(self) -> [u32; 3] {
        match self {
            Self::Calm => [20, 5, 5],
            Self::Fast => [6, 1, 2],
        }
    }
}

/// One database host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) address: &'a str,
    /// Of all members, the client's port of etcd.
    pub(super) etcd: &'a [String],
    pub(super) folder: &'a Path,
    /// Where `initdb` and `postgres` are.
    pub(super) programs: &'a Path,
    pub(super) replication: Replication,
    pub(super) failover: Failover,
}

impl Member<'_> {
    /// The whole file. `synchronous_mode_strict` is what keeps a primary that lost its standby
    /// from going on alone.
    pub(super) fn yaml(&self) -> String {
        let [ttl, loop_wait, retry_timeout] = self.failover.seconds();
        let is_synchronous = self.replication == Replication::Synchronous;
        let Self { name, address, .. } = *self;
        let (folder, programs) = (self.folder.display(), self.programs.display());
        let etcd = self.etcd.join(", ");
        format!(
            "\
scope: bestow
name: {name}
restapi:
  listen: {address}:{REST}
  connect_address: {address}:{REST}
etcd3:
  hosts: [{etcd}]
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: {loop_wait}
    retry_timeout: {retry_timeout}
    primary_start_timeout: {ttl}
    synchronous_mode: {is_synchronous}
    synchronous_mode_strict: {is_synchronous}
    postgresql:
      use_pg_rewind: true
      parameters:
        synchronous_commit: 'on'
        wal_log_hints: 'on'
        max_connections: 100
        shared_buffers: 64MB
        max_wal_size: 128MB
        min_wal_size: 32MB
        wal_keep_size: 64MB
        wal_retrieve_retry_interval: 1s
  initdb:
  - encoding: UTF8
  - locale: C.UTF-8
  - data-checksums
postgresql:
  listen: {address}:{POSTGRESQL}
  connect_address: {address}:{POSTGRESQL}
  data_dir: {folder}/data
  bin_dir: {programs}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{ username: postgres, password: {PASSWORD} }}
    replication: {{ username: replicator, password: {PASSWORD} }}
    rewind: {{ username: rewinder, password: {PASSWORD} }}
  parameters:
    unix_socket_directories: {folder}
    password_encryption: scram-sha-256
  pg_hba:
  - local all all trust
  - host all all samenet scram-sha-256
  - host replication replicator samenet scram-sha-256
"
        )
    }
}
