//! H104: nothing that harms now, and what is better known before it does. The rules of squawk-linter join in `review/advisory`.

use crate::review::catalog::Table;
use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::types;
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind, CreateTable};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H104",
    title: "good to know",
    class: Class::Advisory,
    danger: "Types that run out or hold less than was thought, names that PostgreSQL cuts to 63 bytes, tables whose rows nothing tells apart. \
             None of it is wrong today.",
    decided: Some("whether ids of an integer key are past four fifths of what it holds"),
    safe: "bigint keys, timestamptz, text with a check, identity columns, a primary key for each table",
    aka: &[
        (
            "squawk",
            &[
                "prefer-bigint-over-int",
                "prefer-bigint-over-smallint",
                "prefer-identity",
                "prefer-text-field",
                "prefer-timestamptz",
                "ban-char-field",
                "identifier-too-long",
                "ban-duplicate-column-assignments",
            ],
        ),
        ("atlas", &["NM101", "PG110"]),
        ("bytebase", &["TABLE_REQUIRE_PK"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    if let Action::CreateTable(create) = site.action {
        without_key(site, create);
        return;
    }
    if site.facts.asked().is_none() {
        return;
    }
    let tables: Vec<TableName> = site.action.tables().into_iter().cloned().collect();
    for table in tables {
        // Once for each table, where these files first come to it.
        if site.scene.earlier(&table, site.at).next().is_none() {
            nearly_full(site, &table);
        }
    }
}

fn without_key(site: &mut Site<'_, '_>, create: &CreateTable) {
    let table = &create.table;
    let key = |action: &Action| {
        matches!(action, Action::AddConstraint { kind: ConstraintKind::PrimaryKey, .. })
            || matches!(action, Action::AddColumn(column) if column.primary_key)
    };
    let elsewhere = create.temporary || create.partition_of.is_some() || !create.inherits.is_empty() || create.columns.is_empty();
    let has = create.columns.iter().any(|column| column.primary_key) || create.constraints.iter().any(key);
    let gone = |action: &Action| matches!(action, Action::DropTable { .. });
    if elsewhere || has || site.scene.later(table, site.at).any(|(_, action)| key(action) || gone(action)) {
        return;
    }
    site.find(
        Draft::new(Severity::Note, format!("table {table} has no primary key: replication and batches cannot tell its rows apart"))
            .on(table)
            .sql(["-- behind it, in the same transaction:".to_owned(), format!("ALTER TABLE {} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;", table.quoted())]),
    );
}

/// Above which an integer of so many bits is four fifths used.
fn limit(key: &Table) -> Option<(String, &'static str, i64)> {
    let columns = key.primary_key();
    let [column] = columns.as_slice() else { return None };
    let (kind, most) = match types::parse(&key.columns.get(column)?.data_type).base.as_str() {
        "integer" => ("integer", i64::from(i32::MAX)),
        "smallint" => ("smallint", i64::from(i16::MAX)),
        _ => return None,
    };
    Some((column.clone(), kind, most / 5 * 4))
}

fn nearly_full(site: &mut Site<'_, '_>, table: &TableName) {
    let Some((column, kind, most)) = site.facts.table(table).as_deref().and_then(limit) else { return };
    // By the key's index: one row is enough.
    let sql = |table: &TableName, columns: &[String]| {
        let key = quote(&columns[0]);
        format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {key} > {most} LIMIT 1) used", table.quoted())
    };
    let columns = [column.clone()];
    let question = Question { table, columns: &columns, sql: &sql, unit: "or more past four fifths" };
    if let Verdict::Harmful(_, by) = site.facts.rows(&question) {
        site.find(
            Draft::new(Severity::Note, format!("more than four fifths of what {table}.{column} holds as {kind} is used"))
                .on(table)
                .by(by)
                .remedy("move to bigint now: a new column, both written, a backfill in batches, and a switch"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::limit;
    use crate::review::catalog::{Column, Constraint, Kind, Table};
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_table_without_a_key_and_not_where_it_gets_one() {
        fires("H104", "CREATE TABLE t (a bigint)");
        silent("H104", "CREATE TABLE t (a bigint PRIMARY KEY)");
        silent("H104", "CREATE TABLE t (a bigint, PRIMARY KEY (a))");
        silent("H104", "CREATE TABLE t (a bigint); ALTER TABLE t ADD PRIMARY KEY (a)");
    }

    #[test]
    fn only_one_integer_can_run_out() {
        let table = |data_type: &str, key: &[&str]| {
            let mut table = Table::default();
            table.columns.insert("id".to_owned(), Box::new(Column { data_type: data_type.to_owned(), ..Column::default() }));
            let columns = key.iter().map(|name| (*name).to_owned()).collect();
            let key = Constraint { kind: Kind::PrimaryKey, columns, expression: None, valid: true, references: None, added: None };
            table.constraints.insert("k".to_owned(), key);
            limit(&table).map(|(_, _, most)| most)
        };
        assert_eq!(table("serial", &["id"]), Some(1_717_986_916));
        assert_eq!(table("bigint", &["id"]), None);
        assert_eq!(table("integer", &["id", "part"]), None);
    }
}
