//! A database with something of everything, and what is in one.

use std::collections::BTreeMap;
use std::path::Path;

use formats::status_list::{Bits, Status};
use issuer::account::{Account, PasswordHash};
use issuer::application::{Application, ApplicationId, ApplicationSecret, ApplicationState};
use issuer::store::authorization::{Allowed, AllowedOffer, AuthorizationStore as _};
use issuer::store::client::{ClientStore as _, StoredClient};
use issuer::store::deferral::{DeferralStore as _, Deferred};
use issuer::store::held::HeldStore as _;
use issuer::store::sqlite::{Sqlite, migrate};
use issuer::store::status::{NewLease, StatusStore as _};
use issuer::store::{Idempotency, NewOffer, Store};
use keys::digest::MacKey;
use keys::outside::{Clock as _, Timestamp};
use oid4vci::authorization::{
    AnswerTo, AuthorizationRequest, GrantedCode, Person, Provided, RunningAuthorization, Stage,
};
use oid4vci::credential::Record;
use oid4vci::deferred::{Deferral, DeferralState};
use oid4vci::grant::{Grant, Redemption, StatusEntry};
use oid4vci::nonce::{NonceResponse, SpendableNonce};
use oid4vci::offer::OfferId;
use oid4vci::secret::{AccessToken, AuthorizationHandle, CodeVerifier, SecretDigest, TxCodeDigest};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::{Map, json};
use testkit::contract::new_offer;
use testkit::outside::{TestClock, TestRandom};

/// Whose ids a transfer finds; in no two engines they have the same order.
pub(crate) const ISSUERS: [&str; 3] = ["default", "Über", "a b"];

/// Entries that are not valid, of each issuer.
pub(crate) const STATUSES: [(StatusEntry, Status); 3] = [
    (StatusEntry { list: 1, idx: 9 }, Status::Invalid),
    (StatusEntry { list: 1, idx: 3 }, Status::Suspended),
    (StatusEntry { list: 2, idx: 0 }, Status::Invalid),
];

/// Fills a new file: small things through the store, many rows by SQL.
pub(crate) async fn filled(file: &Path) {
    migrate(file).unwrap();
    for (seed, issuer_id) in ISSUERS.into_iter().enumerate() {
        let store = Sqlite::open(file, issuer_id).unwrap();
        let random = TestRandom::new(seed as u64 + 1);
        let filling = Filling { store, clock: TestClock::new(), random };
        filling.offers().await;
        filling.applications().await;
        filling.status_lists().await;
        filling.sign_ins().await;
        filling.deferral().await;
    }
    multiply(file);
}

struct Filling {
    store: Sqlite,
    clock: TestClock,
    random: TestRandom,
}

impl Filling {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn new_offer(&self) -> NewOffer {
        new_offer(self.now(), &self.random)
    }

    async fn open(&self, offer: NewOffer) -> Grant {
        let id = offer.grant.id;
        self.store.open_offer(offer).await.unwrap();
        self.store.grant(id).await.unwrap().unwrap()
    }

    /// One in each state: created, fetched, redeemed, issued, locked, expired, withdrawn.
    async fn offers(&self) {
        let mut created = self.new_offer();
        created.idempotency = Some(Idempotency {
            key_digest: SecretDigest([1; 32]),
            request_digest: SecretDigest([2; 32]),
            expires_at: self.now().plus(60),
        });
        self.open(created).await;
        let fetched = self.open(self.new_offer()).await;
        self.store.note_fetched(fetched.id, self.now().plus(1)).await.unwrap();
        self.redeemed("wal\0let").await;
        self.issued().await;
        let mut locked = self.new_offer();
        locked.grant.tx_code_digest = Some(TxCodeDigest([9; 32]));
        let mut locked = self.open(locked).await;
        for _ in 0..3 {
            assert!(self.store.count_wrong_tx_code(&locked).await.unwrap());
            locked = self.store.grant(locked.id).await.unwrap().unwrap();
        }
        let mut expired = self.new_offer();
        expired.grant.expires_at = self.now();
        self.open(expired).await;
        let withdrawn = self.open(self.new_offer()).await;
        assert!(self.store.withdraw_offer(withdrawn.id, self.now()).await.unwrap());
        let (held, asked) =
            (OfferId::fresh(self.now(), &self.random), OfferId::fresh(self.now(), &self.random));
        for id in [held, asked] {
            self.store.hold_offer(id, self.now().plus(600)).await.unwrap();
        }
        self.store.ask_held(asked, 5, self.now()).await.unwrap();
    }

    async fn redeemed(&self, client_id: &str) -> Grant {
        let grant = self.open(self.new_offer()).await;
        let redemption = Redemption {
            at: self.now(),
            token_digest: AccessToken::fresh(grant.id, &self.random).digest(),
            token_expires_at: self.now().plus(300),
            credential_configuration_ids: vec!["student_card".into()],
            by_identifier: true,
            client_id: Some(client_id.into()),
            bound_to: None,
            client_key: None,
        };
        assert!(self.store.redeem(&grant, &redemption).await.unwrap());
        self.store.grant(grant.id).await.unwrap().unwrap()
    }

    async fn issued(&self) {
        let (issuer, key) = ("https://issuer.example", MacKey::new([8; 32]));
        let text = NonceResponse::fresh(issuer, &key, self.now(), &self.random).c_nonce;
        let nonce = SpendableNonce::parse(&text, issuer, &key, self.now()).unwrap();
        let grant = self.redeemed("wallet").await;
        let record = Record {
            grant: &grant,
            credential_configuration_id: "student_card",
            thumbprints: vec![None, None],
            beside: Vec::new(),
            used: None,
        };
        let entries = [STATUSES[0].0, STATUSES[1].0];
        self.store.record_issuance(&record, &[nonce], &entries, self.now()).await.unwrap();
        let grant = self.redeemed("another").await;
        let record =
            Record { grant: &grant, thumbprints: vec![None], beside: Vec::new(), ..record };
        self.store.record_issuance(&record, &[], &[], self.now()).await.unwrap();
    }

    async fn applications(&self) {
        for state in [None, Some(ApplicationState::Approved), Some(ApplicationState::Rejected)] {
            let id = ApplicationId(OfferId::fresh(self.now(), &self.random));
            let application = Application {
                id,
                secret_digest: ApplicationSecret::fresh(id, &self.random).digest(),
                credential_configuration_id: "student_card".into(),
                claims: Map::from_iter([("name".to_owned(), json!("Zoë \u{0} \u{1f600}"))]),
                state: ApplicationState::Waiting,
                created_at: self.now(),
                decided_at: None,
                approvals: 0,
                offer_id: None,
            };
            self.store.open_application(application.clone()).await.unwrap();
            let Some(state) = state else { continue };
            let decided = self.store.decide_application(&application, state, self.now()).await;
            assert!(decided.unwrap());
            if state == ApplicationState::Approved {
                let mut offer = self.new_offer();
                offer.application = Some((id, None));
                self.open(offer).await;
            }
        }
    }

    async fn status_lists(&self) {
        for (place, count) in [(1, 100), (2, 1000), (3, 100)] {
            let new = NewLease {
                count,
                bits: Bits::Two,
                size: 1024,
                shuffle_key: [place; 32],
                now: self.now(),
            };
            self.store.lease_entries(&new).await.unwrap();
        }
        self.store.set_statuses(&STATUSES, self.now()).await.unwrap();
        let reinstated = StatusEntry { list: 1, idx: 77 };
        for status in [Status::Suspended, Status::Valid] {
            self.store.set_statuses(&[(reinstated, status)], self.now()).await.unwrap();
        }
    }
}

impl Filling {
    /// One sign-in under way, one that became a code, and accounts whose names sort in two ways.
    async fn sign_ins(&self) {
        self.store.begin_authorization(&self.running(), &[]).await.unwrap();
        let running = self.running();
        self.store.begin_authorization(&running, &[]).await.unwrap();
        let mut grant = self.new_offer().grant;
        grant.id = running.id;
        let code = GrantedCode {
            digest: SecretDigest([6; 32]),
            expires_at: self.now().plus(60),
            request: running.request.clone(),
            account: "ada".into(),
            is_spent: false,
        };
        let allowed = Allowed { code, offer: AllowedOffer::Fresh(Box::new(grant), Map::new()) };
        assert!(self.store.allow_authorization(&running, &allowed, self.now()).await.unwrap());
        let bound = NewOffer {
            issuer_state: Some(SecretDigest([8; 32])),
            for_account: Some("ada".into()),
            ..self.new_offer()
        };
        self.open(bound).await;
        for client_id in ["b", "A", "https://w.example"] {
            let client = json!({ "name": client_id }).to_string();
            let client_id = client_id.to_owned();
            let client = StoredClient { client_id, client, created_at: self.now() };
            assert!(self.store.open_client(&client).await.unwrap());
        }
        for name in ["ada", "Ägir", "Zoe", "z a"] {
            let account = Account {
                name: name.into(),
                password_hash: PasswordHash::new(format!("hash of {name}")),
                datasets: Map::from_iter([("student_card".to_owned(), json!({ "name": name }))]),
                created_at: self.now(),
            };
            assert!(self.store.open_account(&account).await.unwrap());
        }
    }

    fn running(&self) -> RunningAuthorization {
        let id = OfferId::fresh(self.now(), &self.random);
        let request = AuthorizationRequest {
            client_id: "wallet".into(),
            answer_to: AnswerTo { redirect_uri: "https://w.example/".into(), state: None },
            code_challenge: CodeVerifier::fresh(&self.random).challenge(),
            credential_configuration_ids: vec!["student_card".into()],
            by_identifier: false,
            scope: Some("card".into()),
            claims: BTreeMap::new(),
            dpop_jkt: None,
            offer_id: None,
            dialect: None,
            by_challenge: false,
        };
        RunningAuthorization {
            id,
            handle_digest: AuthorizationHandle::fresh(id, &self.random).digest(),
            expires_at: self.now().plus(90),
            stage: Stage::SignedIn(Person {
                account: "https://login.example#1".into(),
                provided: Some(Provided { name: "Ada".into(), datasets: Map::new() }),
            }),
            request,
        }
    }

    /// One that waits for an officer.
    async fn deferral(&self) {
        let grant = self.redeemed("patient").await;
        let record = Record {
            grant: &grant,
            credential_configuration_id: "student_card",
            thumbprints: vec![None],
            beside: Vec::new(),
            used: None,
        };
        let times = (self.now(), self.now().plus(1000));
        let (deferral, _) = Deferral::new(&record, None, &MacKey::new([5; 32]), times);
        let outcome = self.store.defer(&record, &[], &deferral).await.unwrap();
        assert_eq!(outcome, Deferred::Recorded(DeferralState::Waiting));
    }
}

/// More than one page of most tables.
fn multiply(file: &Path) {
    let connection = Connection::open(file).unwrap();
    let columns = |table: &str| {
        let sql = "SELECT group_concat(name) FROM pragma_table_info(?1) \
                   WHERE name NOT IN ('issuer_id', 'offer_id')";
        connection.query_row(sql, [table], |row| row.get::<_, String>(0)).unwrap()
    };
    for (table, count) in [("offers", 1100), ("datasets", 150)] {
        let columns = columns(table);
        let sql = format!(
            "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count \
             WHERE n < {count}) INSERT INTO {table} (issuer_id, offer_id, {columns}) \
             SELECT 'default', randomblob(16), {columns} FROM count, \
             (SELECT {columns} FROM {table} WHERE issuer_id = 'default' LIMIT 1)"
        );
        connection.execute(&sql, []).unwrap();
    }
    connection
        .execute_batch(
            "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count \
             WHERE n < 1000) INSERT INTO spent_nonces SELECT 'default', randomblob(24) FROM count; \
             WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count \
             WHERE n < 1000) INSERT INTO statuses SELECT 'default', 2 + n % 2, 100 + n, 2, n \
             FROM count;",
        )
        .unwrap();
}

/// Every row of every table of a file, but for the one that is written to for no reason.
pub(crate) fn dump(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'checks'";
    let mut statement = connection.prepare(sql).unwrap();
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut lines = Vec::new();
    for table in tables.map(Result::unwrap) {
        lines.push(table.clone());
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let count = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..count).map(|place| row.get::<_, Value>(place));
            Ok(format!("{table} {:?}", values.collect::<Result<Vec<_>, _>>()?))
        });
        lines.extend(rows.unwrap().map(Result::unwrap));
    }
    lines.sort();
    lines
}

/// Changes a file behind everybody's back.
pub(crate) fn change(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}
