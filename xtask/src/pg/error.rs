//! PostgreSQL's errors without the rows in them: DETAIL, CONTEXT, and the text of data errors quote values, which are personal data.

use std::fmt::Write;

use anyhow::Result;
use postgres::error::DbError;

/// Says what was being done, and keeps of the server's error only what names objects.
pub trait Told<T> {
    fn told(self, doing: &str) -> Result<T>;
}

impl<T> Told<T> for std::result::Result<T, postgres::Error> {
    fn told(self, doing: &str) -> Result<T> {
        self.map_err(|error| anyhow::anyhow!("{doing}: {}", without_values(&error)))
    }
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
