//! What an action takes: which lock on which table, and what it does while it holds it.
//!
//! Sources: PostgreSQL docs, 13.3.1 and the pages of the commands; locks, scans and rewrites were seen on PostgreSQL 15. Invariant: what
//! nobody knows (a type, the volatility of a default) costs as much as it could.

use super::affected;
use super::catalog::{Constraint, Kind};
use super::facts::Facts;
use super::lock::Lock;
use super::types::{self, Change};
use super::volatility::Computed;
use crate::sql::TableName;
use crate::sql::action::{Action, Column, ConstraintKind, CreateTable, Generated, Rows};

/// How long an action works under its lock: not at all, or as long as the table is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Entries of the catalog, or a row or a few.
    Catalog,
    /// The whole table is read.
    Scan,
    /// An index is built.
    Build,
    /// The table and its indexes are written anew.
    Rewrite,
    /// Rows are written one by one.
    Rows,
}

impl Work {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Work::Catalog => "changed in the catalog",
            Work::Scan => "read",
            Work::Build => "indexed",
            Work::Rewrite => "written anew",
            Work::Rows => "updated row by row",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub table: TableName,
    pub lock: Lock,
    pub work: Work,
}

/// So many rows in one INSERT … VALUES are written at once.
const FEW: i64 = 1_000;

use Lock as L;
use Work as W;

/// What an action takes, table by table; the table that it is about comes first.
pub fn cost(action: &Action, facts: &mut Facts<'_>) -> Vec<Cost> {
    use Action as A;
    let on = |table: &TableName, lock, work| vec![Cost { table: table.clone(), lock, work }];
    match action {
        A::AddColumn(added) => {
            let mut found = on(&added.table, L::AccessExclusive, column(added, facts));
            if let Some((parent, _)) = &added.references {
                found.push(Cost { table: parent.clone(), lock: L::ShareRowExclusive, work: W::Catalog });
            }
            found
        }
        A::CreateTable(create) => create_table(create, facts),
        A::DropTable { table, .. } | A::DropConstraint { table, .. } => {
            let mut found = on(table, L::AccessExclusive, W::Catalog);
            let parent = |key: &Constraint| Some(key.references.as_ref()?.0.clone());
            let parents: Option<Vec<TableName>> = facts.look(table, |table| match action {
                A::DropConstraint { name, .. } => table.constraints.get(name).and_then(parent).into_iter().collect(),
                _ => table.constraints.values().filter_map(parent).collect(),
            });
            for parent in parents.into_iter().flatten().filter(|parent| parent != table) {
                found.push(Cost { table: parent, lock: L::AccessExclusive, work: W::Catalog });
            }
            found
        }
        A::RenameColumn { table, .. }
        | A::DropColumn { table, .. }
        | A::RenameTable { table, .. }
        | A::RenameConstraint { table, .. }
        | A::DropNotNull { table, .. }
        | A::SetDefault { table, .. }
        | A::DropDefault { table, .. }
        | A::Identity { table, .. }
        | A::DropTrigger { table, .. }
        | A::Policy { table, .. }
        | A::RowSecurity { table, .. }
        | A::ReplicaIdentity { table, .. } => on(table, L::AccessExclusive, W::Catalog),
        A::SetSchema { kind, name, .. } | A::Owner { kind, name } if kind == "table" => {
            on(name, L::AccessExclusive, W::Catalog)
        }
        A::Truncate { tables, .. } => {
            tables.iter().flat_map(|table| on(table, L::AccessExclusive, W::Catalog)).collect()
        }
        A::SetNotNull { table, column } => {
            let work = if proven(table, column, facts) { W::Catalog } else { W::Scan };
            on(table, L::AccessExclusive, work)
        }
        A::ChangeType { table, column, data_type, using, .. } => {
            let from = facts.column(table, column).map(|column| column.data_type);
            let change = types::change(from.as_deref(), data_type, using.is_some());
            let utc = facts.settings.get("timezone").is_some_and(|zone| zone.eq_ignore_ascii_case("utc"));
            let free = change == Change::Free || change == Change::DependsOnTimeZone && utc;
            on(table, L::AccessExclusive, if free { W::Catalog } else { W::Rewrite })
        }
        A::Expression { table, drop, .. } => on(table, L::AccessExclusive, if *drop { W::Catalog } else { W::Rewrite }),
        A::ColumnOption { table, option, .. } if option.contains("statistics") => {
            on(table, L::ShareUpdateExclusive, W::Catalog)
        }
        A::ColumnOption { table, .. } => on(table, L::AccessExclusive, W::Catalog),
        A::AddUnique { table, using_index, .. } => {
            on(table, L::AccessExclusive, if using_index.is_some() { W::Catalog } else { W::Build })
        }
        A::AddForeignKey { table, to, not_valid, .. } => {
            let mut found = on(table, L::ShareRowExclusive, if *not_valid { W::Catalog } else { W::Scan });
            if to != table {
                found.push(Cost { table: to.clone(), lock: L::ShareRowExclusive, work: W::Catalog });
            }
            found
        }
        A::AddConstraint { table, kind, columns, not_valid, using_index, .. } => {
            let work = match kind {
                _ if *not_valid => W::Catalog,
                ConstraintKind::PrimaryKey if using_index.is_some() => {
                    let index = using_index.clone().unwrap_or_default();
                    let told = facts.look(table, |table| table.indexes.get(&index).map(|index| index.columns.clone()));
                    let columns = told.flatten().unwrap_or_else(|| columns.clone());
                    let sure = !columns.is_empty()
                        && columns.iter().all(|column| {
                            facts.column(table, column).is_some_and(|column| column.not_null)
                                || proven(table, column, facts)
                        });
                    if sure { W::Catalog } else { W::Scan }
                }
                ConstraintKind::PrimaryKey | ConstraintKind::Exclude => W::Build,
                ConstraintKind::Check | ConstraintKind::NotNull | ConstraintKind::Other => W::Scan,
            };
            on(table, L::AccessExclusive, work)
        }
        A::ValidateConstraint { table, .. } => on(table, L::ShareUpdateExclusive, W::Scan),
        A::CreateIndex(index) => {
            let partitioned = facts.look(&index.table, |table| table.partitioned).unwrap_or(false);
            let work = if index.only && partitioned { W::Catalog } else { W::Build };
            on(&index.table, if index.concurrently { L::ShareUpdateExclusive } else { L::Share }, work)
        }
        A::DropIndex { name, concurrently, .. } => {
            let lock = if *concurrently { L::ShareUpdateExclusive } else { L::AccessExclusive };
            facts.table_of_index(name).map(|table| on(&table, lock, W::Catalog)).unwrap_or_default()
        }
        A::Reindex { what, name: Some(name), concurrently } => {
            let lock = if *concurrently { L::ShareUpdateExclusive } else { L::Share };
            match what.as_str() {
                "table" => on(name, lock, W::Build),
                "index" => facts.table_of_index(name).map(|table| on(&table, lock, W::Build)).unwrap_or_default(),
                _ => Vec::new(),
            }
        }
        A::RefreshView { name, concurrently } => {
            on(name, if *concurrently { L::Exclusive } else { L::AccessExclusive }, W::Rewrite)
        }
        A::DropView { name, .. } | A::CreateView { name, replace: true, .. } => {
            on(name, L::AccessExclusive, W::Catalog)
        }
        A::RenameOther { kind, name, .. } if kind.ends_with("view") => on(name, L::AccessExclusive, W::Catalog),
        A::AlterDomain { name, adds_constraint: true, not_valid: false } => {
            let mut tables: Vec<TableName> = facts.columns_of_type(name).into_iter().map(|(table, _)| table).collect();
            tables.dedup();
            tables.iter().flat_map(|table| on(table, L::Share, W::Scan)).collect()
        }
        A::Update { table, filter, .. } | A::Delete { table, filter } => {
            let few = filter.as_deref().is_some_and(|filter| few_rows(table, filter, facts));
            on(table, L::RowExclusive, if few { W::Catalog } else { W::Rows })
        }
        A::Insert { table, rows: Rows::Values(count), .. } => on(
            table,
            L::RowExclusive,
            if i64::try_from(*count).is_ok_and(|count| count <= FEW) { W::Catalog } else { W::Rows },
        ),
        A::Insert { table, .. } | A::Merge { table } | A::Copy { table: Some(table), from: true } => {
            on(table, L::RowExclusive, W::Rows)
        }
        A::CreateTrigger { table, .. } | A::SetTrigger { table, .. } => on(table, L::ShareRowExclusive, W::Catalog),
        A::AttachPartition { table, partition, .. } => {
            let parent =
                if facts.major.is_some_and(|major| major < 12) { L::AccessExclusive } else { L::ShareUpdateExclusive };
            let mut found = on(partition, L::AccessExclusive, W::Scan);
            found.push(Cost { table: table.clone(), lock: parent, work: W::Catalog });
            found.extend(default_partition(table, facts));
            found
        }
        A::DetachPartition { table, partition, concurrently } => {
            let (lock, child) = if *concurrently {
                (L::ShareUpdateExclusive, L::ShareUpdateExclusive)
            } else {
                (L::AccessExclusive, L::AccessExclusive)
            };
            let mut found = on(table, lock, W::Catalog);
            found.push(Cost { table: partition.clone(), lock: child, work: W::Catalog });
            found
        }
        A::Inherit { table, parent, .. } => {
            let mut found = on(table, L::AccessExclusive, W::Catalog);
            found.push(Cost { table: parent.clone(), lock: L::ShareUpdateExclusive, work: W::Catalog });
            found
        }
        A::LockTable { tables, mode } => {
            let Some(lock) = mode_named(mode) else { return Vec::new() };
            tables.iter().flat_map(|table| on(table, lock, W::Catalog)).collect()
        }
        A::Storage { table: Some(table), kind } => match kind.as_str() {
            "vacuum" => on(table, L::ShareUpdateExclusive, W::Scan),
            "cluster on" | "analyze" => on(table, L::ShareUpdateExclusive, W::Catalog),
            "set logged" | "set unlogged" if facts.kept(table) == Some(kind == "set logged") => {
                on(table, L::AccessExclusive, W::Catalog)
            }
            _ => on(table, L::AccessExclusive, W::Rewrite),
        },
        A::TableOption { table, kind } => {
            let oids = kind.contains("oids");
            on(table, if oids { L::AccessExclusive } else { L::ShareUpdateExclusive }, W::Catalog)
        }
        A::Publication { tables, .. } => {
            tables.iter().flat_map(|table| on(table, L::ShareUpdateExclusive, W::Catalog)).collect()
        }
        _ => Vec::new(),
    }
}

fn create_table(create: &CreateTable, facts: &mut Facts<'_>) -> Vec<Cost> {
    let mut found = Vec::new();
    let mut parent = |table: &TableName, lock| found.push(Cost { table: table.clone(), lock, work: W::Catalog });
    for column in &create.columns {
        if let Some((to, _)) = &column.references {
            parent(to, L::ShareRowExclusive);
        }
    }
    for constraint in &create.constraints {
        if let Action::AddForeignKey { to, .. } = constraint {
            parent(to, L::ShareRowExclusive);
        }
    }
    create.inherits.iter().for_each(|table| parent(table, L::ShareUpdateExclusive));
    if let Some(table) = &create.partition_of {
        parent(table, L::AccessExclusive);
        found.extend(default_partition(table, facts));
    }
    found.retain(|cost| cost.table != create.table);
    found
}

/// The partition that holds what no other takes: its rows are compared with the bounds of each new one.
fn default_partition(parent: &TableName, facts: &mut Facts<'_>) -> Option<Cost> {
    let table = facts.look(parent, |table| table.default_partition.clone()).flatten()?;
    Some(Cost { table, lock: L::AccessExclusive, work: W::Scan })
}

fn column(added: &Column, facts: &mut Facts<'_>) -> Work {
    let base = types::parse(&added.data_type).base;
    let serial = added.data_type.to_lowercase().contains("serial");
    let filled = added.default.as_deref().is_some_and(|default| !default.eq_ignore_ascii_case("null"));
    let old = facts.major.is_some_and(|major| major < 11) && filled;
    let rewrites = serial
        || matches!(added.generated, Some(Generated::Stored | Generated::Identity))
        || base == "serial"
        || old
        || added.default.as_deref().is_some_and(|default| facts.computed(default) != Computed::Once);
    if rewrites {
        Work::Rewrite
    } else if added.unique || added.primary_key {
        Work::Build
    } else if added.check.is_some() || added.references.is_some() && filled {
        Work::Scan
    } else {
        Work::Catalog
    }
}

/// Whether a valid CHECK or a key already says that a column holds no NULL (PostgreSQL 12 and later read no row then).
fn proven(table: &TableName, column: &str, facts: &mut Facts<'_>) -> bool {
    if facts.major.is_some_and(|major| major < 12) {
        return false;
    }
    let spelled = format!("{column}isnotnull");
    let said = facts.look(table, |table| {
        table.constraints.of(column).map(|(_, constraint)| constraint).filter(|constraint| constraint.valid).any(
            |constraint| match constraint.kind {
                Kind::NotNull | Kind::PrimaryKey => constraint.columns.iter().any(|of| of == column),
                Kind::Check => constraint.expression.as_deref().is_some_and(|text| {
                    let plain: String = text.chars().filter(|c| !c.is_whitespace() && !"()\"".contains(*c)).collect();
                    plain.eq_ignore_ascii_case(&spelled)
                }),
                _ => false,
            },
        ) || table.columns.get(column).is_some_and(|column| column.not_null)
    });
    said.unwrap_or(false)
}

/// Whether a filter pins a key to a few values.
fn few_rows(table: &TableName, filter: &str, facts: &mut Facts<'_>) -> bool {
    facts.look(table, |table| affected::pinned(table, filter)).flatten().is_some_and(|rows| rows <= FEW)
}

/// The mode of LOCK TABLE; `None` for those that let everybody write.
fn mode_named(mode: &str) -> Option<Lock> {
    let known =
        [L::RowExclusive, L::ShareUpdateExclusive, L::Share, L::ShareRowExclusive, L::Exclusive, L::AccessExclusive];
    let words = mode.to_uppercase();
    known.into_iter().find(|lock| lock.to_string() == words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::testing::facts_of;

    #[track_caller]
    fn costs(before: &str, sql: &str, expected: &[(&str, Lock, Work)]) {
        let mut facts = facts_of(before);
        let parsed = crate::sql::statements::parse(sql);
        let found: Vec<Cost> =
            parsed.statements[0].actions.iter().flat_map(|action| cost(action, &mut facts)).collect();
        let found: Vec<(&str, Lock, Work)> =
            found.iter().map(|cost| (cost.table.name.as_str(), cost.lock, cost.work)).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn locks_and_work_are_those_of_postgresql() {
        let before = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a text, n numeric(10,2), v varchar(20));
            CREATE INDEX t_a ON t (a)";
        let one = |sql: &str, lock, work| costs(before, sql, &[("t", lock, work)]);
        one("ALTER TABLE t ADD COLUMN b text", L::AccessExclusive, W::Catalog);
        one("ALTER TABLE t ADD COLUMN b timestamptz NOT NULL DEFAULT now()", L::AccessExclusive, W::Catalog);
        one("ALTER TABLE t ADD COLUMN b varchar(9) DEFAULT 'a(b)'::varchar(9)", L::AccessExclusive, W::Catalog);
        one("ALTER TABLE t ADD COLUMN b uuid DEFAULT gen_random_uuid()", L::AccessExclusive, W::Rewrite);
        one("ALTER TABLE t ADD COLUMN b bigserial", L::AccessExclusive, W::Rewrite);
        one("ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (id * 2) STORED", L::AccessExclusive, W::Rewrite);
        one("ALTER TABLE t ADD COLUMN b int UNIQUE", L::AccessExclusive, W::Build);
        one("ALTER TABLE t ADD COLUMN b int CHECK (b > 0)", L::AccessExclusive, W::Scan);
        one("ALTER TABLE t ALTER COLUMN v TYPE text", L::AccessExclusive, W::Catalog);
        one("ALTER TABLE t ALTER COLUMN id TYPE bigint", L::AccessExclusive, W::Rewrite);
        one("ALTER TABLE t ALTER COLUMN a SET NOT NULL", L::AccessExclusive, W::Scan);
        one("ALTER TABLE t ADD CHECK (id > 0)", L::AccessExclusive, W::Scan);
        one("ALTER TABLE t ADD CHECK (id > 0) NOT VALID", L::AccessExclusive, W::Catalog);
        one("ALTER TABLE t VALIDATE CONSTRAINT c", L::ShareUpdateExclusive, W::Scan);
        one("CREATE INDEX ON t (v)", L::Share, W::Build);
        one("CREATE INDEX CONCURRENTLY ON t (v)", L::ShareUpdateExclusive, W::Build);
        one("DROP INDEX t_a", L::AccessExclusive, W::Catalog);
        one("UPDATE t SET a = 'x' WHERE id = 7", L::RowExclusive, W::Catalog);
        one("UPDATE t SET a = 'x' WHERE id <= 7", L::RowExclusive, W::Rows);
        one("INSERT INTO t (a) VALUES ('x')", L::RowExclusive, W::Catalog);
        one("LOCK TABLE t IN SHARE MODE", L::Share, W::Catalog);
        one("ALTER TABLE t SET (fillfactor = 70)", L::ShareUpdateExclusive, W::Catalog);
        one("ALTER TABLE t DISABLE TRIGGER x", L::ShareRowExclusive, W::Catalog);
        one("CLUSTER t USING t_a", L::AccessExclusive, W::Rewrite);
        costs(
            before,
            "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES parent",
            &[("t", L::ShareRowExclusive, W::Scan), ("parent", L::ShareRowExclusive, W::Catalog)],
        );
    }

    #[test]
    fn a_valid_check_spares_the_scan_of_set_not_null() {
        let before = "CREATE TABLE t (a text, CONSTRAINT c CHECK (a IS NOT NULL))";
        costs(before, "ALTER TABLE t ALTER COLUMN a SET NOT NULL", &[("t", L::AccessExclusive, W::Catalog)]);
    }
}
