//! H32: a foreign key is added, or validated, over the rows that are there.

use crate::review::catalog::{Constraint, Kind};
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::types;
use crate::review::weighed::{LATER, called};
use crate::sql::TableName;
use crate::sql::action::{Action, Column, CreateTable};
use crate::sql::names::{quote, quoted_list};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H32",
    title: "a foreign key is added over existing rows",
    class: Class::MayFail,
    danger: "Each row is looked up under SHARE ROW EXCLUSIVE on both tables, so that writers of both wait, and a row without a parent fails it; \
             a NULL in the key exempts a row. VALIDATE CONSTRAINT takes SHARE UPDATE EXCLUSIVE and ROW SHARE, which stop no writer.",
    decided: Some("how many rows have no parent, and how large the table is"),
    safe: "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later transaction",
    aka: &[
        ("squawk", &["adding-foreign-key-constraint"]),
        ("strong_migrations", &["add_foreign_key", "add_reference", "validate_foreign_key"]),
        ("eugene", &["E1"]),
        ("atlas", &["PG306"]),
        ("pg-schema-diff", &["ACQUIRES_SHARE_ROW_EXCLUSIVE_LOCK"]),
        ("bytebase", &["STATEMENT_ADD_FOREIGN_KEY_NOT_VALID"]),
    ],
    judge,
};

struct Key<'k> {
    table: &'k TableName,
    name: String,
    columns: &'k [String],
    to: &'k TableName,
    to_columns: &'k [String],
    rules: &'k str,
}

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::AddForeignKey { table, name, columns, to, to_columns, rules, not_valid } => {
            let name = called(name.as_ref(), table, columns, "fkey");
            let key = Key { table, name, columns, to, to_columns, rules };
            if let Some(why) = refused(site, &key) {
                return cannot(site, &key, &why);
            }
            if !*not_valid && !site.facts.is_new(table, site.at.file) {
                add(site, &key);
            }
        }
        Action::ValidateConstraint { table, name } => validate(site, table, name),
        Action::AddColumn(added) => inline(site, added),
        Action::CreateTable(create) => {
            let there = create.if_not_exists && site.facts.look(&create.table, |_| ()).is_some();
            if !there {
                create.columns.iter().for_each(|column| inline(site, column));
                create.constraints.iter().for_each(|constraint| of_new_table(site, create, constraint));
            }
        }
        _ => {}
    }
}

/// REFERENCES of a column that comes; whether its values have a parent is H25's.
fn inline(site: &mut Site<'_, '_>, added: &Column) {
    let Some((to, to_columns)) = &added.references else { return };
    let columns = std::slice::from_ref(&added.column);
    let name = called(None, &added.table, columns, "fkey");
    let key = Key { table: &added.table, name, columns, to, to_columns, rules: &added.reference_rules };
    if let Some(why) = unfit(site, &key, &[Some(added.data_type.clone())]) {
        cannot(site, &key, &why);
    }
}

fn of_new_table(site: &mut Site<'_, '_>, create: &CreateTable, constraint: &Action) {
    let Action::AddForeignKey { table, name, columns, to, to_columns, rules, .. } = constraint else { return };
    let name = called(name.as_ref(), table, columns, "fkey");
    let key = Key { table, name, columns, to, to_columns, rules };
    let type_of = |name: &String| create.columns.iter().find(|column| column.column == *name);
    let types: Vec<Option<String>> =
        columns.iter().map(|name| type_of(name).map(|column| column.data_type.clone())).collect();
    if let Some(why) = unfit(site, &key, &types) {
        cannot(site, &key, &why);
    }
}

/// Why PostgreSQL refuses it whatever the rows are.
fn refused(site: &mut Site<'_, '_>, key: &Key<'_>) -> Option<String> {
    let child = site.facts.table(key.table);
    let type_of = |name: &String| Some(child.as_ref()?.columns.get(name)?.data_type.clone());
    let types: Vec<Option<String>> = key.columns.iter().map(type_of).collect();
    unfit(site, key, &types)
}

/// `types`: of the key's columns, where they are known.
fn unfit(site: &mut Site<'_, '_>, key: &Key<'_>, types_of: &[Option<String>]) -> Option<String> {
    let parent = site.facts.table(key.to).filter(|parent| parent.known)?;
    let to_columns = if key.to_columns.is_empty() { parent.primary_key() } else { key.to_columns.to_vec() };
    if to_columns.is_empty() {
        return Some(format!("{} has no primary key", key.to));
    }
    if !parent.unique_over(&to_columns, "") {
        return Some(format!("no unique constraint of {} covers ({})", key.to, to_columns.join(", ")));
    }
    if to_columns.len() != key.columns.len() {
        return Some(format!("{} columns refer to {}", key.columns.len(), to_columns.len()));
    }
    key.columns.iter().zip(types_of).zip(&to_columns).find_map(|((column, from), to_column)| {
        let (from, to) = (from.as_ref()?, &parent.columns.get(to_column)?.data_type);
        types::never_equal(from, to).then(|| format!("{column} is {from}, {}.{to_column} is {to}", key.to))
    })
}

fn cannot(site: &mut Site<'_, '_>, key: &Key<'_>, why: &str) {
    site.find(
        Draft::new(Severity::Error, format!("foreign key {} of {} cannot be added: {why}", key.name, key.table))
            .lock(key.table, Lock::ShareRowExclusive)
            .by(DecidedBy::Static(why.to_owned()))
            .remedy("refer to the columns of a primary key or a unique constraint, with columns of the same types"),
    );
}

fn orphans(site: &mut Site<'_, '_>, key: &Key<'_>) -> Verdict {
    let child = site.facts.table(key.table);
    let empty = child.and_then(|child| {
        key.columns.iter().find(|name| {
            child.columns.get(*name).is_some_and(|column| {
                let new = column.in_database.is_none() && column.written.is_none();
                new && column.default.is_none() && column.generated.is_none()
            })
        }).cloned()
    });
    if let Some(column) = empty.filter(|_| !key.rules.to_lowercase().starts_with("match full")) {
        return Verdict::none(&format!("{column} is new and NULL in each row"));
    }
    let rows = site.facts.orphans(key.table, key.columns, key.to, key.to_columns);
    if !key.rules.to_lowercase().starts_with("match full") || key.columns.len() < 2 {
        return rows;
    }
    let list = quoted_list(key.columns);
    let condition = format!("num_nulls({list}) NOT IN (0, {})", key.columns.len());
    rows.or_worse(|| site.facts.rows_such(key.table, &list, &condition, "keys that are half NULL"))
}

fn add(site: &mut Site<'_, '_>, key: &Key<'_>) {
    let rows = orphans(site, key);
    let words = match rows {
        Verdict::Harmful(..) => "there are rows without a parent, so it fails",
        Verdict::Clear(_) => "writers of both tables wait while each row is looked up",
        Verdict::Open(_) => "writers of both tables wait while each row is looked up, and one without a parent fails it",
    };
    let weight = site.facts.weight(key.table);
    let (severity, decided) = rows.with(weight);
    let (sql, name) = (key.table.quoted(), quote(&key.name));
    let to_columns = if key.to_columns.is_empty() { String::new() } else { format!(" ({})", quoted_list(key.to_columns)) };
    let rules = if key.rules.is_empty() { String::new() } else { format!(" {}", key.rules) };
    site.find(
        Draft::new(severity, format!("adds foreign key {} from {} to {}: {words}", key.name, key.table, key.to))
            .lock(key.table, Lock::ShareRowExclusive)
            .scans(true)
            .by(decided)
            .remedy("add it NOT VALID, give the rows a parent, and validate it in a later transaction")
            .sql([
                format!(
                    "ALTER TABLE {sql} ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {}{to_columns}{rules} NOT VALID;",
                    quoted_list(key.columns),
                    key.to.quoted()
                ),
                LATER.to_owned(),
                format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {name};"),
            ]),
    );
}

/// A constraint that nobody knows, by its name.
pub(super) fn named_like_one(name: &str) -> bool {
    ["_fk", "_fkey", "_foreign"].iter().any(|end| name.ends_with(end)) || name.starts_with("fk_")
}

/// The scan stops nobody; only the rows can fail it.
fn validate(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let constraint = site.facts.table(table).and_then(|facts| facts.constraints.get(name).cloned());
    let known = constraint.is_some();
    let rows = match constraint {
        Some(Constraint { kind: Kind::ForeignKey, valid: false, columns, references: Some((to, to_columns)), .. }) => {
            site.facts.orphans(table, &columns, &to, &to_columns)
        }
        None if named_like_one(name) => super::add_check::unknown(table, name),
        _ => return,
    };
    let severity = match rows {
        Verdict::Open(_) if known && site.facts.asked().is_none() => Severity::Note,
        _ => rows.severity(Severity::Note),
    };
    let words = match rows {
        Verdict::Harmful(..) => "there are rows without a parent, so it fails",
        Verdict::Clear(_) => "each row has its parent",
        Verdict::Open(_) => "one row without a parent fails it",
    };
    site.find(
        Draft::new(severity, format!("validates foreign key {name} of {table}: {words}"))
            .lock(table, Lock::ShareUpdateExclusive)
            .scans(true)
            .by(rows.decided())
            .remedy("give the rows a parent first, or delete them, in batches and outside the migration"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_rows_are_looked_up_and_where_it_is_refused() {
        fires("H32", "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
        fires("H32", "CREATE TABLE b (id int); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id) NOT VALID");
        silent("H32", "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id) NOT VALID");
        silent("H32", "CREATE TABLE a (b int); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
    }
}
