//! The one place that lists what the tables hold, for both engines. A migration that adds a table
//! or a column adds it here: a transfer refuses a column that it does not know, and a test fails on
//! a table.

use Kind::{Boolean, Bytes, Id, Integer, Text, TextAsBytes};

use super::value::Kind;

/// The rows that are read, and written in one commit.
const ROWS: u32 = 500;
/// The same where a row may hold photographs.
const LARGE_ROWS: u32 = 64;

/// One table. Its key begins with `issuer_id`, which is not among the columns.
#[derive(Debug)]
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// How many of the columns, from the first one, are the rest of the key.
    pub(in crate::store) key_length: usize,
    pub(in crate::store) columns: &'static [(&'static str, Kind)],
    /// PostgreSQL has a `step_id` in it, which means something to the step alone that wrote it.
    pub(in crate::store) has_step_id: bool,
    /// Rows of a page.
    pub(in crate::store) page: u32,
}

/// Beside the columns of PostgreSQL's tables: see [`Table::has_step_id`].
pub(in crate::store) const STEP_ID: &str = "step_id";

/// Says that a transfer into a database has not ended.
pub(in crate::store) const MARKER: &str = "bestow_transfer";

/// Tables that stay: `checks` is written to by whoever asks whether that is possible, and
/// `bestow_migrations` is the engine's own.
#[cfg(test)]
pub(in crate::store) const LEFT_OUT: [&str; 2] = ["checks", "bestow_migrations"];

/// All that is transferred.
pub(in crate::store) const TABLES: [Table; 14] = [
    Table {
        name: "offers",
        key_length: 1,
        columns: &[
            ("offer_id", Id),
            ("created_at", Integer),
            ("expires_at", Integer),
            ("credential_configuration_ids", Text),
            ("reference_digest", Bytes),
            ("code_digest", Bytes),
            ("tx_code_digest", Bytes),
            ("attempts", Integer),
            ("fetched_at", Integer),
            ("withdrawn_at", Integer),
            ("redeemed_at", Integer),
            ("token_digest", Bytes),
            ("token_expires_at", Integer),
            ("token_configuration_ids", Text),
            ("token_by_identifier", Boolean),
            ("client_id", TextAsBytes),
            ("issued_count", Integer),
            ("token_bound_to", Text),
            ("client_key", Text),
            ("signs_in", Boolean),
            ("deferred_until", Integer),
            ("draft", Text),
        ],
        has_step_id: true,
        page: ROWS,
    },
    Table {
        name: "datasets",
        key_length: 1,
        columns: &[("offer_id", Id), ("datasets", Text)],
        has_step_id: false,
        page: LARGE_ROWS,
    },
    Table {
        name: "issuances",
        key_length: 2,
        columns: &[
            ("offer_id", Id),
            ("place", Integer),
            ("credential_configuration_id", Text),
            ("thumbprint", Text),
            ("issued_at", Integer),
            ("list_id", Integer),
            ("idx", Integer),
            ("event", Text),
            ("notified_at", Integer),
        ],
        has_step_id: false,
        page: ROWS,
    },
    Table {
        name: "spent_nonces",
        key_length: 1,
        columns: &[("nonce", Bytes)],
        has_step_id: false,
        page: ROWS,
    },
    Table {
        name: "idempotency_keys",
        key_length: 1,
        columns: &[
            ("key_digest", Bytes),
            ("request_digest", Bytes),
            ("offer_id", Id),
            ("expires_at", Integer),
        ],
        has_step_id: false,
        page: ROWS,
    },
    Table {
        name: "applications",
        key_length: 1,
        columns: &[
            ("application_id", Id),
            ("secret_digest", Bytes),
            ("credential_configuration_id", Text),
            ("claims", Text),
            ("state", Text),
            ("created_at", Integer),
            ("decided_at", Integer),
            ("approvals", Integer),
            ("offer_id", Id),
        ],
        has_step_id: true,
        page: LARGE_ROWS,
    },
    Table {
        name: "running_authorizations",
        key_length: 1,
        columns: &[
            ("offer_id", Id),
            ("handle_digest", Bytes),
            ("stage", Text),
            ("account", Text),
            ("request", Text),
            ("expires_at", Integer),
            ("provided", Text),
        ],
        has_step_id: false,
        page: LARGE_ROWS,
    },
    Table {
        name: "authorizations",
        key_length: 1,
        columns: &[
            ("offer_id", Id),
            ("issuer_state_digest", Bytes),
            ("code_digest", Bytes),
            ("code_expires_at", Integer),
            ("code_spent", Boolean),
            ("account", Text),
            ("request", Text),
            ("refresh_digest", Bytes),
            ("refresh_replaced_digest", Bytes),
            ("refresh_replaced_at", Integer),
            ("refresh_expires_at", Integer),
            ("refresh_sender", Text),
            ("for_account", Text),
        ],
        has_step_id: false,
        page: LARGE_ROWS,
    },
    Table {
        name: "accounts",
        key_length: 1,
        columns: &[
            ("name", Text),
            ("password_hash", Text),
            ("datasets", Text),
            ("created_at", Integer),
        ],
        has_step_id: false,
        page: LARGE_ROWS,
    },
    Table {
        name: "clients",
        key_length: 1,
        columns: &[("client_id", Text), ("client", Text), ("created_at", Integer)],
        has_step_id: false,
        page: LARGE_ROWS,
    },
    Table {
        name: "deferrals",
        key_length: 1,
        columns: &[
            ("deferral_id", Id),
            ("offer_id", Id),
            ("transaction_digest", Bytes),
            ("credential_configuration_id", Text),
            ("proofs", Text),
            ("claims", Text),
            ("state", Text),
            ("created_at", Integer),
            ("expires_at", Integer),
            ("decided_at", Integer),
        ],
        has_step_id: true,
        page: LARGE_ROWS,
    },
    Table {
        name: "held_offers",
        key_length: 1,
        columns: &[("offer_id", Id), ("asked_at", Integer), ("expires_at", Integer)],
        has_step_id: false,
        page: ROWS,
    },
    Table {
        name: "status_lists",
        key_length: 1,
        columns: &[
            ("list_id", Integer),
            ("bits", Integer),
            ("size", Integer),
            ("leased", Integer),
            ("shuffle_key", Bytes),
            ("created_at", Integer),
            ("closed", Boolean),
        ],
        has_step_id: false,
        page: ROWS,
    },
    Table {
        name: "statuses",
        key_length: 2,
        columns: &[
            ("list_id", Integer),
            ("idx", Integer),
            ("status", Integer),
            ("changed_at", Integer),
        ],
        has_step_id: false,
        page: ROWS,
    },
];

impl Table {
    /// The key behind `issuer_id`.
    pub(in crate::store) fn key(&self) -> &'static [(&'static str, Kind)] {
        self.columns.get(..self.key_length).unwrap_or(self.columns)
    }

    /// The names of some of its columns, with commas between them.
    pub(in crate::store) fn names(columns: &[(&str, Kind)]) -> String {
        columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The key in an order that both engines share: PostgreSQL has one of its own for text.
    fn ordered_key(&self, sign: char) -> String {
        let one = |(name, kind): &(&str, Kind)| {
            if sign == '$' && *kind == Text {
                format!("{name} COLLATE \"C\"")
            } else {
                (*name).to_owned()
            }
        };
        self.key().iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// A page in the order of the key: of an issuer, and where `after` says so behind a key. The
    /// values are `issuer_id`, then the key; `sign` stands before their numbers.
    pub(in crate::store) fn page_sql(&self, sign: char, after: bool) -> String {
        let Self { name, page, .. } = self;
        let (columns, key) = (Self::names(self.columns), self.ordered_key(sign));
        let behind = if after {
            let values = places(sign, 2, self.key_length);
            format!(" AND ({key}) > ({values})")
        } else {
            String::new()
        };
        format!(
            "SELECT {columns} FROM {name} WHERE issuer_id = {sign}1{behind} \
             ORDER BY {key} LIMIT {page}"
        )
    }

    /// The last key of an issuer.
    pub(in crate::store) fn last_sql(&self, sign: char) -> String {
        let (name, key) = (self.name, Self::names(self.key()));
        let backwards = self.ordered_key(sign).replace(", ", " DESC, ");
        format!(
            "SELECT {key} FROM {name} WHERE issuer_id = {sign}1 ORDER BY {backwards} DESC LIMIT 1"
        )
    }

    /// The first issuer that has rows, or the next one, in the engine's own order.
    pub(in crate::store) fn issuer_sql(&self, sign: char, after: bool) -> String {
        let (name, comparison) = (self.name, if after { ">" } else { ">=" });
        format!(
            "SELECT issuer_id FROM {name} WHERE issuer_id {comparison} {sign}1 \
             ORDER BY issuer_id LIMIT 1"
        )
    }
}

/// `?2, ?3` and the like.
pub(in crate::store) fn places(sign: char, first: usize, count: usize) -> String {
    let places = (first..first + count).map(|place| format!("{sign}{place}"));
    places.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{LEFT_OUT, TABLES};
    use crate::store::{postgres, sqlite};

    /// The tables that migrations make.
    fn made(migrations: &[&'static str]) -> BTreeSet<&'static str> {
        let lines = migrations.iter().flat_map(|migration| migration.lines());
        let made = lines.filter_map(|line| line.strip_prefix("CREATE TABLE "));
        made.map(|rest| rest.split([' ', '(']).next().unwrap()).collect()
    }

    /// Columns are compared before each transfer.
    #[test]
    fn every_table_of_both_engines_is_listed() {
        let listed = TABLES.iter().map(|table| table.name).chain(LEFT_OUT);
        let listed: BTreeSet<_> = listed.collect();
        for migrations in [sqlite::MIGRATIONS, postgres::MIGRATIONS] {
            let unknown: Vec<_> = made(migrations).difference(&listed).copied().collect();
            assert_eq!(unknown, [""; 0], "list them in store/transfer/tables.rs");
        }
        let made = made(sqlite::MIGRATIONS);
        for table in &TABLES {
            assert!(made.contains(table.name), "{} is made nowhere", table.name);
        }
    }
}
