//! Databases of a throw-away server: made, copied and dropped by name, whatever characters the name holds.

use std::time::{Duration, Instant};

use anyhow::Result;
use postgres::Client;

use super::server::{Server, database_error};
use crate::failure::Failure;
use crate::sql::names::quote;

/// PostgreSQL cuts longer names off without an error (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;
/// How long sessions get to end after they were told to.
const PATIENCE: Duration = Duration::from_secs(10);

impl Server {
    /// An empty database.
    pub fn create_database(&self, name: &str) -> Result<()> {
        check_name(name)?;
        self.administer(&format!("create database {}", quote(name)), || format!("cannot create the database `{name}`"))
    }

    /// A copy of the database `template`; sessions that are still open on it are ended first.
    pub fn clone_database(&self, template: &str, name: &str) -> Result<()> {
        check_name(name)?;
        end_sessions(&mut self.connect("postgres")?, template)?;
        let sql = format!("create database {} template {}", quote(name), quote(template));
        self.administer(&sql, || format!("cannot copy the database `{template}` to `{name}`"))
    }

    /// Drops a database with the sessions on it.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        check_name(name)?;
        self.administer(&format!("drop database {} with (force)", quote(name)), || {
            format!("cannot drop the database `{name}`")
        })
    }

    fn administer(&self, sql: &str, what: impl Fn() -> String) -> Result<()> {
        self.connect("postgres")?.batch_execute(sql).map_err(|error| database_error(&what(), &error).into())
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
        return Err(Failure::usage(format!("a database name has 1 to {LONGEST_NAME} bytes: `{name}`")).into());
    }
    Ok(())
}

/// A database can be copied only while nobody is connected to it.
fn end_sessions(client: &mut Client, database: &str) -> Result<()> {
    let what = format!("cannot end the sessions on `{database}`");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let end = "select count(*), count(*) filter (where pg_terminate_backend(pid)) \
                   from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()";
        let row = client.query_one(end, &[&database]).map_err(|error| database_error(&what, &error))?;
        let open: i64 = row.get(0);
        if open == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::environment(format!("{what}: {open} still open after {seconds} s")).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
