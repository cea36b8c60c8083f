//! A backup is older than what was revoked since (catalogue J02, I8).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use formats::status_list::Status;
use issuer::Issuer;
use issuer::config::Database;
use issuer::http::public;
use issuer::store::sqlite::{BackupError, Restored, backup, journal_path, restore};
use keys::outside::Clock as _;
use serde_json::json;
use testkit::outside::TestRandom;
use testkit::wire::Wire;
use testkit::world::World;

use crate::{CARD, issued, status};

/// An issuer whose database was copied, and what happened after that.
struct Lost {
    world: World,
    copy: PathBuf,
    /// Where the database comes back.
    database: PathBuf,
}

impl Lost {
    fn new(world: World) -> Self {
        let folder = world.folder.path();
        let (copy, database) = (folder.join("copy.db"), folder.join("again/bestow.db"));
        fs::create_dir(folder.join("again")).unwrap();
        backup(world.issuer.config.database.file().unwrap(), &copy).unwrap();
        Self { world, copy, database }
    }

    fn restore(&self, with_journal: bool, accept_lost: bool) -> Result<Restored, BackupError> {
        let lost = self.world.issuer.config.database.file().unwrap();
        if with_journal {
            fs::copy(journal_path(lost), journal_path(&self.database)).unwrap();
        }
        restore(&self.copy, &self.database, accept_lost, self.world.clock.now())
    }

    async fn open(&self) -> Arc<Issuer> {
        let mut config = self.world.issuer.config.clone();
        config.database = Database::File(self.database.clone());
        let (clock, random) = (Box::new(self.world.clock.clone()), Box::new(TestRandom::new(8)));
        Arc::new(Issuer::open(config, clock, random).await.unwrap())
    }
}

async fn set(world: &World, offer: &str, status: &str) {
    let path = format!("/admin/v1/offers/{offer}/status");
    let answer = world.operator("POST", &path, Some(&json!({ "status": status }))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn what_was_set_since_the_backup_is_set_again() {
    let world = World::new().await;
    let (before, old) = issued(&world, CARD).await;
    let (reinstated, third) = issued(&world, CARD).await;
    set(&world, &reinstated, "suspended").await;
    let lost = Lost::new(world);
    let world = &lost.world;
    set(world, &reinstated, "valid").await;
    set(world, &before, "invalid").await;
    let (after, new) = issued(world, CARD).await; // the backup does not know of it
    set(world, &after, "suspended").await;
    let restored = lost.restore(true, false).unwrap();
    assert_eq!((restored.changes, restored.unreadable), (3, 0));
    let issuer = lost.open().await;
    let wire = Wire::new(public(Arc::clone(&issuer)));
    for (reference, expected) in
        [(&old, Status::Invalid), (&new, Status::Suspended), (&third, Status::Valid)]
    {
        assert_eq!(status(world, &wire, reference).await, Some(expected));
    }
}

/// I3: what was given out after the backup is not given out again, in whatever list it is.
#[tokio::test]
async fn no_entry_of_an_old_list_is_given_out_again() {
    let world = World::with(|issuer| issuer.config.status.size = 1024).await;
    world.issuer.status_lists.take(&world.issuer, 10).await.unwrap();
    let lost = Lost::new(world);
    let issuer = &lost.world.issuer;
    let since = issuer.status_lists.take(issuer, 3000).await.unwrap();
    lost.restore(true, false).unwrap();
    let issuer = lost.open().await;
    let again = issuer.status_lists.take(&issuer, 3000).await.unwrap();
    let newest = since.iter().map(|entry| entry.list).max();
    let oldest = again.iter().map(|entry| entry.list).min();
    assert!(oldest > newest, "{oldest:?} {newest:?}");
    issuer.status_lists.bring_up_to_date(&issuer).await.unwrap();
}

/// A backup from before the first list knows of none, and numbers are passed over all the same.
#[tokio::test]
async fn a_backup_without_lists_gives_out_no_number_again() {
    let lost = Lost::new(World::new().await);
    let issuer = &lost.world.issuer;
    let since = issuer.status_lists.take(issuer, 1).await.unwrap();
    let restored = lost.restore(false, false).unwrap();
    assert_eq!(restored.changes, 0, "without lists there was nothing to lose");
    let issuer = lost.open().await;
    assert_ne!(issuer.status_lists.take(&issuer, 1).await.unwrap()[0].list, since[0].list);
}

/// Without the journal nobody knows what was revoked; that has to be said.
#[tokio::test]
async fn a_lost_journal_has_to_be_accepted() {
    let world = World::new().await;
    let (offer, reference) = issued(&world, CARD).await;
    let lost = Lost::new(world);
    set(&lost.world, &offer, "invalid").await;
    let refused = lost.restore(false, false).unwrap_err();
    assert!(matches!(refused, BackupError::NoJournal(_)), "{refused:?}");
    assert!(refused.to_string().contains("--accept-lost-revocations"), "{refused}");
    assert!(!lost.database.exists(), "nothing happened");
    lost.restore(false, true).unwrap();
    let wire = Wire::new(public(lost.open().await));
    assert_eq!(status(&lost.world, &wire, &reference).await, Some(Status::Valid), "as was said");
}
