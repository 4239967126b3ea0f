//! Other sessions on a database, as far as a person needs them to know whom to ask or what to end.

use anyhow::Result;
use postgres::GenericClient;

use super::error::Told;
use crate::sql::TableName;

/// A session of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub process: i32,
    pub name: String,
    /// When its present or last statement began.
    pub since: String,
    /// Whose locks it waits for, in words.
    pub waits_for: Option<String>,
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "session {} ({}), since {}", self.process, self.name, self.since)?;
        match &self.waits_for {
            Some(whom) => write!(f, ", waits for a lock of {whom}"),
            None => Ok(()),
        }
    }
}

const SESSION: &str = "
select a.pid, coalesce(nullif(a.application_name, ''), 'no name'),
  to_char(coalesce(a.query_start, a.backend_start) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
  (select string_agg(format('session %s (%s)', b.pid, coalesce(nullif(b.application_name, ''), 'no name')), ', ')
     from pg_catalog.pg_stat_activity b where b.pid = any (pg_catalog.pg_blocking_pids(a.pid)))
from pg_catalog.pg_stat_activity a
where a.pid <> pg_catalog.pg_backend_pid() and a.datname = pg_catalog.current_database()";

/// The key of the lock that whoever changes a database holds: one session at a time, whatever work tree it comes from.
pub const TURN: &str = "pg_catalog.hashtextextended('db-change:' || pg_catalog.current_database(), 0)";

/// Sessions of these names on this database.
pub fn named(client: &mut impl GenericClient, names: &[String]) -> Result<Vec<Session>> {
    let sql = format!("{SESSION} and a.application_name = any ($1) order by 1");
    Ok(client.query(&sql, &[&names]).told("looking for sessions of an interrupted run")?.iter().map(read).collect())
}

/// Who holds the lock `TURN`.
pub fn holding_the_turn(client: &mut impl GenericClient) -> Result<Option<Session>> {
    // A key of 64 bits stands in two columns (PostgreSQL 15 docs, pg_locks); `oid` is unsigned.
    let sql = format!(
        "{SESSION} and exists (select 1 from pg_catalog.pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted
           and l.objsubid = 1 and (l.classid::bigint << 32) | l.objid::bigint = {TURN}) limit 1"
    );
    Ok(client.query_opt(&sql, &[]).told("asking who holds the advisory lock")?.as_ref().map(read))
}

/// Who holds a lock on this table, in words: which lock, and what the session is doing by its first word, never its values.
pub fn holding(client: &mut impl GenericClient, table: &TableName) -> Result<Vec<String>> {
    let sql = "
select a.pid, coalesce(nullif(a.application_name, ''), 'no name'), string_agg(distinct l.mode, ', '),
  to_char(coalesce(a.xact_start, a.query_start, a.backend_start) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
  coalesce(a.state, 'state not shown to this role'), coalesce(upper(substring(a.query from '^\\s*([A-Za-z]+)')), 'nothing')
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.granted and l.pid <> pg_catalog.pg_backend_pid() and l.relation = pg_catalog.to_regclass($1)
  and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
group by 1, 2, 4, 5, 6 order by 1";
    let rows = client.query(sql, &[&table.quoted()]).told("asking who holds the lock")?;
    let said = |row: &postgres::Row| {
        let [name, mode, since, state, last] = [1, 2, 3, 4, 5].map(|at| row.get::<_, String>(at));
        format!("session {} ({name}) holds {mode} since {since}: {state}, last {last}", row.get::<_, i32>(0))
    };
    Ok(rows.iter().map(said).collect())
}

/// Takes the lock `TURN` for as long as the session lasts, unless another one has it.
pub fn try_turn(client: &mut impl GenericClient) -> Result<bool> {
    let sql = format!("select pg_catalog.pg_try_advisory_lock({TURN})");
    Ok(client.query_one(&sql, &[]).told("asking for the advisory lock")?.get(0))
}

fn read(row: &postgres::Row) -> Session {
    Session { process: row.get(0), name: row.get(1), since: row.get(2), waits_for: row.get(3) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::connect;
    use crate::pg::testing::Scratch;

    #[test]
    fn the_turn_is_had_by_one_session_which_is_named() {
        let scratch = Scratch::new();
        let mut holder = connect::connect(&scratch.url, "someone else").unwrap();
        let mut other = scratch.client();
        assert_eq!(holding_the_turn(&mut other).unwrap(), None);
        assert!(try_turn(&mut holder).unwrap() && !try_turn(&mut other).unwrap());
        let found = holding_the_turn(&mut other).unwrap().unwrap();
        assert!(found.to_string().contains("(someone else), since 20"), "{found}");
    }

    #[test]
    fn a_session_that_waits_says_for_whom() {
        let (scratch, mut holder) = Scratch::with("create table t ()");
        holder.batch_execute("begin; lock table t").unwrap();
        let mut waiting = connect::connect(&scratch.url, "left over").unwrap();
        let thread = std::thread::spawn(move || waiting.batch_execute("begin; lock table t"));
        let mut client = scratch.client();
        let found = loop {
            match named(&mut client, &["left over".to_owned()]).unwrap().as_slice() {
                [session] if session.waits_for.is_some() => break session.clone(),
                _ => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        };
        assert!(found.to_string().contains("waits for a lock of session"), "{found}");
        holder.batch_execute("rollback").unwrap();
        thread.join().unwrap().unwrap();
        assert_eq!(named(&mut client, &["nobody".to_owned()]).unwrap(), []);
    }
}
