//! Whether a pooler that hands out server processes per transaction stands before a database: session settings, advisory locks
//! and exported snapshots get lost there, without a word.
//!
//! Names are a sign, behaviour is proof: two sessions that are open at one time cannot have one server process, and one
//! session cannot change its own. A pooler that hands out processes per session behaves as a server does, and is none here.

use anyhow::{Context, Result};
use postgres::{Client, SimpleQueryMessage};

use super::connect;
use super::error::Told;
use super::url::DatabaseUrl;
use crate::failure::Failure;

/// Refuses what goes to `target` through a pooler.
pub fn refuse(url: &DatabaseUrl, target: &str, doing: &str) -> Result<()> {
    let sign = match named(url) {
        Some(sign) => Some(sign),
        None => shared(url)?,
    };
    let Some(sign) = sign else { return Ok(()) };
    Err(Failure::environment(format!("`{target}` is reached through a connection pooler, and {doing} needs the server itself"))
        .detail(sign)
        .hint(format!(
            "write `direct_url_env = \"NAME\"` under `[target.{target}]` in the workflow file, and give the server's own URL in `NAME`"
        ))
        .into())
}

/// What the URL itself says. A port alone (6543) says nothing: servers are put on any.
#[must_use]
pub fn named(url: &DatabaseUrl) -> Option<String> {
    if url.dropped.iter().any(|name| name == "pgbouncer") {
        return Some("its URL says `pgbouncer`".to_owned());
    }
    let label = url.host.split('.').next().unwrap_or_default();
    if label.ends_with("-pooler") {
        return Some(format!("its host is named `{label}`"));
    }
    (url.host.contains(".pooler.") && url.port == 6543)
        .then(|| format!("its host is `{}`, whose port 6543 hands out a server process per transaction", url.host))
}

/// What two sessions show.
fn shared(url: &DatabaseUrl) -> Result<Option<String>> {
    let mut one = connect::connect(url, "db-change")?;
    let mut other = connect::connect(url, "db-change")?;
    let before = process(&mut one)?;
    // Poolers hand out the process that was given back last.
    if other.batch_execute("BEGIN").is_err() {
        return Ok(Some("no transaction may be begun there, as with a pool per statement".to_owned()));
    }
    let meanwhile = process(&mut other)?;
    let after = process(&mut one)?;
    other.batch_execute("ROLLBACK").told("looking for a pooler")?;
    if meanwhile == before || meanwhile == after {
        return Ok(Some(format!("two sessions that were open at one time had the same server process, {meanwhile}")));
    }
    Ok((before != after).then(|| format!("one session had the server process {before}, then {after}")))
}

/// In one message: a pooler may not know what was prepared elsewhere.
fn process(client: &mut Client) -> Result<String> {
    let answer = client.simple_query("SELECT pg_catalog.pg_backend_pid()").told("looking for a pooler")?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    row.context("the server did not say which process it is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;
    use crate::pg::url;

    #[test]
    fn a_pooler_is_known_by_what_its_url_says_and_not_by_a_port() {
        let sign = |text: &str| named(&url::exact(text).unwrap());
        assert!(sign("postgres://u@h/d?pgbouncer=true").is_some());
        assert!(sign("postgres://u@ep-cool-1-pooler.eu.aws.neon.tech/d").unwrap().contains("ep-cool-1-pooler"));
        assert!(sign("postgres://u@aws-0-eu.pooler.supabase.com:6543/d").is_some());
        assert_eq!(sign("postgres://u@localhost:6543/d"), None);
        assert_eq!(sign("postgres://u@aws-0-eu.pooler.supabase.com:5432/d"), None);
    }

    #[test]
    fn a_server_is_no_pooler() {
        let scratch = Scratch::new();
        assert_eq!(shared(&scratch.url).unwrap(), None);
    }
}
