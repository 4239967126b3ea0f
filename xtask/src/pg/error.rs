//! PostgreSQL's errors without the rows in them: DETAIL, CONTEXT, and the text of data errors quote values, which are personal data.

use std::fmt::Write;

use anyhow::Result;
use postgres::error::{DbError, SqlState};

use crate::failure::{Failure, Kind};

/// Says what was being done, and keeps of the server's error only what names objects.
pub trait Told<T> {
    fn told(self, doing: &str) -> Result<T>;
}

impl<T> Told<T> for std::result::Result<T, postgres::Error> {
    fn told(self, doing: &str) -> Result<T> {
        self.map_err(|error| {
            if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                return locked(doing).into();
            }
            if lost(&error) {
                return gone(doing, &without_values(&error)).into();
            }
            anyhow::anyhow!("{doing}: {}", without_values(&error))
        })
    }
}

/// The session is at its end: the server was stopped or killed, somebody ended the session, or the way there broke.
fn lost(error: &postgres::Error) -> bool {
    let ended = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    let broken = std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>());
    error.is_closed() || broken || error.code().is_some_and(|code| ended.contains(code))
}

fn gone(doing: &str, cause: &str) -> Failure {
    Failure::environment(format!("{doing}: the session with the database has ended"))
        .detail(cause)
        .hint("see that the server is up, then run the same command again; what was under way there is looked at first")
}

/// Somebody else's doing, and over when they are done.
fn locked(doing: &str) -> Failure {
    Failure::new(Kind::Temporary, format!("{doing}: another session holds a lock (SQLSTATE 55P03)"))
        .detail("or waits for one: of a migration under way, or of one that was interrupted")
        .hint("try again when it has ended; `select pid, application_name, query_start from pg_stat_activity where state <> 'idle'` names it")
}

/// SQLSTATE, the text where it holds no values, and the objects that the server names.
#[must_use]
pub fn without_values(error: &postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        return format!("{error}{cause}");
    };
    let code = refusal.code().code();
    // Data errors (22), broken constraints (23) and texts from user functions (P0) quote values.
    let mut told = match &code[..2] {
        "22" => format!("a value does not fit (SQLSTATE {code})"),
        "23" => format!("a constraint is broken (SQLSTATE {code})"),
        "P0" => format!("a function raised an error (SQLSTATE {code})"),
        _ => format!("{} (SQLSTATE {code})", refusal.message()),
    };
    for (what, name) in named(refusal) {
        let _ = write!(told, ", {what} `{name}`");
    }
    told
}

fn named(refusal: &DbError) -> impl Iterator<Item = (&'static str, &str)> {
    let names = [
        ("table", refusal.table()),
        ("column", refusal.column()),
        ("constraint", refusal.constraint()),
        ("type", refusal.datatype()),
    ];
    names.into_iter().filter_map(|(what, name)| Some((what, name?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;

    #[test]
    fn a_lock_of_another_session_is_temporary() {
        let (scratch, mut client) = Scratch::with("create table t (id integer)");
        let mut other = scratch.client();
        let mut holding = other.transaction().unwrap();
        holding.batch_execute("lock table t").unwrap();
        let error = client.batch_execute("set lock_timeout = '10ms'; select * from t").told("reading").unwrap_err();
        let failure = Failure::from_error(&error);
        assert_eq!(failure.kind.exit_code(), 75, "{}", failure.render());
        assert!(failure.message.starts_with("reading: another session holds a lock"));
    }

    #[test]
    fn a_session_that_was_ended_is_the_environments_matter() {
        let (scratch, mut client) = Scratch::with("create table t (id integer)");
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'other' and pid <> pg_backend_pid()
            and datname = current_database()";
        scratch.client().batch_execute(end).unwrap();
        for _ in 0..2 {
            let failure = Failure::from_error(&client.batch_execute("select 1").told("reading").unwrap_err());
            assert_eq!(failure.kind.exit_code(), 6, "{}", failure.render());
            assert!(failure.message.contains("has ended"), "{}", failure.render());
        }
    }

    #[test]
    fn no_value_is_in_the_text() {
        let (_scratch, mut client) =
            Scratch::with("create table t (id integer primary key, a text); insert into t values (4711)");
        for (sql, code) in [
            ("insert into t values (4711)", "(SQLSTATE 23505), table `t`, constraint `t_pkey`"),
            ("select 'x4711'::integer", "(SQLSTATE 22P02)"),
            ("do $$ begin raise 'user 4711'; end $$", "(SQLSTATE P0001)"),
            ("select nothing", "column \"nothing\" does not exist (SQLSTATE 42703)"),
        ] {
            let error = format!("{:#}", client.batch_execute(sql).told("trying").unwrap_err());
            assert!(error.ends_with(code) && !error.contains("4711"), "{error}");
        }
    }
}
