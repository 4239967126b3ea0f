//! Names that PostgreSQL gave by itself and that stay when a table or a column gets another name: primary keys without a name
//! of their own, and the sequences of serial and identity columns.

use std::collections::BTreeMap;

use anyhow::Result;
use postgres::GenericClient;

use super::error::Told;
use crate::sql::names::{TableName, quote};

const KEYS: &str = "
select n.nspname::text, c.relname::text, '', k.conname::text
from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'p' and (k.conname = left(c.relname, 58) || '_pkey') = $1";

const SEQUENCES: &str = "
select n.nspname::text, t.relname::text, a.attname::text, s.relname::text
from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
  join pg_catalog.pg_class t on t.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid and d.deptype in ('a', 'i') and $1";

/// Statements that give the names of `wanted` to a database that was made anew and is called by default.
pub fn renames(made_anew: &mut impl GenericClient, wanted: &mut impl GenericClient) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    // What the schema files name is theirs: only a default gives way.
    let (here, there) = (names(made_anew, KEYS, true)?, all_keys(wanted)?);
    for ((table, _), name) in &here {
        if let Some(old) = there.get(&(table.clone(), String::new())).filter(|old| *old != name) {
            let (table, name, old) = (table.quoted(), quote(name), quote(old));
            statements.push(format!("ALTER TABLE {table} RENAME CONSTRAINT {name} TO {old}"));
        }
    }
    let (here, there) = (names(made_anew, SEQUENCES, true)?, names(wanted, SEQUENCES, true)?);
    for ((table, column), name) in &here {
        if let Some(old) = there.get(&(table.clone(), column.clone())).filter(|old| *old != name) {
            statements.push(format!("ALTER SEQUENCE {} RENAME TO {}", table.beside(name).quoted(), quote(old)));
        }
    }
    Ok(statements)
}

type Names = BTreeMap<(TableName, String), String>;

fn all_keys(client: &mut impl GenericClient) -> Result<Names> {
    let mut found = names(client, KEYS, true)?;
    found.extend(names(client, KEYS, false)?);
    Ok(found)
}

/// Table and column (none for a key) → name.
fn names(client: &mut impl GenericClient, query: &str, default: bool) -> Result<Names> {
    let rows = client.query(query, &[&default]).told("reading the names that PostgreSQL gave")?;
    let name = |row: &postgres::Row| ((TableName { schema: row.get(0), name: row.get(1) }, row.get(2)), row.get(3));
    Ok(rows.iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::Scratch;

    #[test]
    fn a_renamed_table_keeps_the_names_that_it_was_made_with() {
        let (_old, mut old) = Scratch::with(
            "create table a (id serial primary key, n int); alter table a rename to b; alter table b rename id to nr",
        );
        let (_new, mut new) = Scratch::with(
            "create table b (nr serial primary key, n int); create table c (id int constraint own primary key)",
        );
        let statements = renames(&mut new, &mut old).unwrap();
        assert_eq!(
            statements,
            [
                r#"ALTER TABLE "public"."b" RENAME CONSTRAINT "b_pkey" TO "a_pkey""#,
                r#"ALTER SEQUENCE "public"."b_nr_seq" RENAME TO "a_id_seq""#,
            ]
        );
        statements.iter().for_each(|statement| new.batch_execute(statement).unwrap());
        assert_eq!(renames(&mut new, &mut old).unwrap(), [] as [&str; 0]);
    }
}
