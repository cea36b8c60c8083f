//! What the server is like: what no issuer can rely on is refused, what is risky is told.

use std::collections::HashMap;

use tokio_postgres::Client;

use super::fault::Fault;
use crate::store::StoreError;

/// PostgreSQL 13.
const VERSION_MIN: u32 = 130_000;

/// Looks at the settings that decide whether what was acknowledged is kept. An engine that only
/// speaks PostgreSQL's language has not all of them; what is not there is not judged.
pub(super) async fn warnings(client: &Client) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name, setting FROM pg_settings WHERE name IN ('server_version_num', \
               'fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')";
    let rows = client.query(sql, &[]).await.map_err(Fault::from)?;
    let mut settings = HashMap::new();
    for row in &rows {
        let name: String = row.try_get(0).map_err(Fault::from)?;
        let setting: String = row.try_get(1).map_err(Fault::from)?;
        settings.insert(name, setting);
    }
    judge(&|name| settings.get(name).map(String::as_str))
}

fn judge<'s>(setting: &dyn Fn(&str) -> Option<&'s str>) -> Result<Vec<String>, StoreError> {
    let version = setting("server_version_num").and_then(|text| text.parse::<u32>().ok());
    if version.is_some_and(|version| version < VERSION_MIN) {
        return refuse("the server is older than PostgreSQL 13");
    }
    if setting("fsync") == Some("off") {
        return refuse("the server runs with fsync = off: it forgets when its machine stops");
    }
    if matches!(setting("synchronous_commit"), Some("off" | "local" | "remote_write")) {
        return refuse("the server insists on a synchronous_commit below `on`");
    }
    let mut warnings = Vec::new();
    if setting("full_page_writes") == Some("off") {
        warnings.push("database: full_page_writes = off is safe on few file systems".to_owned());
    }
    if setting("synchronous_standby_names") == Some("") {
        let text = "database: no synchronous standby: a failing server can lose what was \
                    acknowledged";
        warnings.push(text.to_owned());
    }
    Ok(warnings)
}

fn refuse(text: &str) -> Result<Vec<String>, StoreError> {
    Err(StoreError::Broken(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::judge;

    fn judged(name: &'static str, value: &'static str) -> Result<usize, String> {
        let warnings = judge(&|asked| (asked == name).then_some(value));
        warnings.map(|warnings| warnings.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_forgets_is_refused() {
        assert!(judged("server_version_num", "120022").is_err());
        assert!(judged("fsync", "off").is_err());
        assert!(judged("synchronous_commit", "local").is_err());
        assert_eq!(judged("server_version_num", "130000"), Ok(0));
        assert_eq!(judged("synchronous_commit", "remote_apply"), Ok(0));
        assert_eq!(judged("synchronous_standby_names", ""), Ok(1));
        assert_eq!(judged("synchronous_standby_names", "ANY 1 (a, b)"), Ok(0));
        assert_eq!(judged("none of them", ""), Ok(0), "an engine that has no such settings");
    }
}
