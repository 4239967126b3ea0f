//! The table in which Drizzle's migrator keeps what it has applied.

use anyhow::Result;
use postgres::GenericClient;
use serde::{Deserialize, Serialize};

use super::error::Told;
use crate::sql::names::TableName;

/// One row of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// SHA-256 of the whole migration file.
    pub hash: String,
    /// When the migration was made, in milliseconds; not when it was applied.
    pub created_at: i64,
    /// The migration's folder. The table has names once a migrator of drizzle-orm 1.x has seen it; a row without one in such a
    /// table has an empty name, which is no migration's.
    #[serde(default)]
    pub name: Option<String>,
}

/// Whether rows are those that were expected: where a name was, the same one.
#[must_use]
pub fn agree(expected: &[Applied], found: &[Applied]) -> bool {
    let same = |(expected, found): (&Applied, &Applied)| {
        (&expected.hash, expected.created_at) == (&found.hash, found.created_at)
            && (expected.name.is_none() || expected.name == found.name)
    };
    expected.len() == found.len() && expected.iter().zip(found).all(same)
}

/// What has been applied, in the order in which it was; `None`: there is no such table, so nothing ever was.
///
/// The migrator of 0.x looks at the greatest `created_at` only (drizzle-orm 0.45, pg-core/dialect), so that its order is by that;
/// that of 1.x goes by names and may apply an older one later.
pub fn applied(client: &mut impl GenericClient, schema: &str, table: &str) -> Result<Option<Vec<Applied>>> {
    let name = TableName::new(schema, table);
    let sql = "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v')";
    if client.query_opt(sql, &[&schema, &table]).told("looking for the migrations table")?.is_none() {
        return Ok(None);
    }
    let column =
        "select 1 from information_schema.columns where (table_schema, table_name, column_name) = ($1, $2, 'name')";
    let has_names = client.query_opt(column, &[&schema, &table]).told("looking at the migrations table")?.is_some();
    let (called, order) = if has_names { ("coalesce(name::text, '')", "id") } else { ("null::text", "created_at, id") };
    let sql = format!("select hash::text, created_at::bigint, {called} from {} order by {order}", name.quoted());
    let rows = client.query(&sql, &[]).told(&format!("reading the migrations table {name}"))?;
    let mut applied = Vec::with_capacity(rows.len());
    for row in &rows {
        let created_at: Option<i64> = row.try_get(1).told("reading the migrations table")?;
        let created_at = created_at
            .ok_or_else(|| crate::failure::Failure::refused(format!("a row of {name} has no `created_at`")))?;
        applied.push(Applied { hash: row.get(0), created_at, name: row.get(2) });
    }
    Ok(Some(applied))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;

    #[test]
    fn no_table_is_not_the_same_as_no_rows() {
        let (_scratch, mut client) = Scratch::with(r#"create schema "D z""#);
        assert_eq!(applied(&mut client, "D z", "M \"1\"").unwrap(), None);
        client
            .batch_execute(
                r#"create table "D z"."M ""1""" (id serial primary key, hash text not null, created_at bigint)"#,
            )
            .unwrap();
        assert_eq!(applied(&mut client, "D z", "M \"1\"").unwrap(), Some(vec![]));
        client.batch_execute(r#"insert into "D z"."M ""1""" (hash, created_at) values ('b', 20), ('a', 10)"#).unwrap();
        let rows: Vec<_> = applied(&mut client, "D z", "M \"1\"")
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|row| (row.hash, row.created_at))
            .collect();
        assert_eq!(rows, [("a".to_owned(), 10), ("b".to_owned(), 20)]);
        client
            .batch_execute(r#"alter table "D z"."M ""1""" add name text; update "D z"."M ""1""" set name = hash"#)
            .unwrap();
        client.batch_execute(r#"insert into "D z"."M ""1""" (hash, created_at) values ('c', 15)"#).unwrap();
        let names = applied(&mut client, "D z", "M \"1\"").unwrap().unwrap().into_iter().map(|row| row.name.unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["b", "a", ""]);
    }
}
