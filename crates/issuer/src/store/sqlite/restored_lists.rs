//! Status lists of a backup: which entries were given out since is not known, what was revoked since
//! stands in the journal.

use std::path::Path;

use keys::outside::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::journal::JournalContent;
use super::status::change_status;
use crate::open::ISSUER_ID;
use crate::store::StoreError;

/// Numbers that are passed over: lists that were opened after the backup keep theirs.
const NUMBERS_PASSED: u64 = 1000;

/// What was found and done.
pub(super) struct RestoredLists {
    /// There is something in the backup that may have been revoked since.
    pub(super) has_lists: bool,
    /// Changes that the backup did not know.
    pub(super) changes: usize,
    /// Lines of the journal that cannot be read.
    pub(super) unreadable: usize,
}

/// Gives out no entry of an old list again, whether it was leased before the backup or after it
/// (catalogue J02), and sets what was set since (I8).
pub(super) fn restore_lists(
    database: &Path,
    journal: Option<&JournalContent>,
    now: Timestamp,
) -> Result<RestoredLists, StoreError> {
    let mut connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let transaction = connection.transaction()?;
    let has_lists = transaction.execute("UPDATE status_lists SET closed = 1", [])? > 0;
    let nothing = [];
    let (changes, unreadable) = journal
        .map_or((&nothing[..], 0), |journal| (journal.changes.as_slice(), journal.unreadable));
    let mut issuers: Vec<&str> = changes.iter().map(|(issuer, _)| issuer.as_str()).collect();
    issuers.push(ISSUER_ID);
    issuers.sort_unstable();
    issuers.dedup();
    for issuer in issuers {
        pass_over(&transaction, issuer, now)?;
    }
    let mut made = 0;
    for (issuer, change) in changes {
        let wanted = (change.entry, change.status);
        made += usize::from(change_status(&transaction, issuer, wanted, now)?);
    }
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    Ok(RestoredLists { has_lists, changes: made, unreadable })
}

/// A list without entries, so that the next one has a number that nobody has seen.
fn pass_over(connection: &Connection, issuer_id: &str, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO status_lists (issuer_id, list_id, bits, size, leased, shuffle_key, \
               created_at, closed) SELECT ?1, coalesce(max(list_id), 0) + ?2, 2, 0, 0, x'', ?3, 1 \
               FROM status_lists WHERE issuer_id = ?1";
    connection.execute(sql, (issuer_id, NUMBERS_PASSED, now.0)).map(drop)
}
