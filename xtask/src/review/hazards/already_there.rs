//! H100: what is to be made is there already, what is changed is not, or is of a kind that cannot be changed so: the database is not what
//! the migration was written for.

use crate::review::dependants::Stands;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::missing::missing;
use crate::review::refused::refusal;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H100",
    title: "the database is not as the statement needs it",
    class: Class::MayFail,
    danger: "What is made is there already, or what is changed is not, or is of a kind that PostgreSQL does not change so. Somebody changed the \
             database by hand, files ran in another order, or the statement was never run. It fails, and with drizzle-orm the whole set of \
             pending files.",
    decided: Some("whether the table, column, index, constraint, trigger or type is there, and what it is"),
    safe: "bring schema files, migrations and database together first; IF NOT EXISTS only hides the difference",
    aka: &[("atlas", &["non_linear"]), ("safe-migrate", &["schema-drift", "chain-conflict"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    if let Some((what, code, table)) = there(site) {
        return fails(site, &format!("{what} is there already"), code, table);
    }
    if let Some(missing) = missing(site) {
        return fails(site, &format!("{} is not there", missing.what), missing.code, missing.table);
    }
    if let Some(refusal) = refusal(site) {
        fails(site, &refusal.why, refusal.code, Some(refusal.table));
    }
}

fn fails(site: &mut Site<'_, '_>, why: &str, code: &str, table: Option<TableName>) {
    let (severity, decided) = match site.facts.asked() {
        Some(_) => (Severity::Error, site.facts.decided("by its catalog", None)),
        None => (Severity::Warning, site.facts.decided("by the statements and migrations before", None)),
    };
    let draft = Draft::new(severity, format!("{why}: the statement fails ({code})"));
    let draft = match table {
        Some(table) => draft.on(&table),
        None => draft,
    };
    site.find(draft.by(decided).remedy("find out what the database has, and bring schema files, migrations and database together"));
}

fn there(site: &mut Site<'_, '_>) -> Option<(String, &'static str, Option<TableName>)> {
    let facts = &mut *site.facts;
    match site.action {
        Action::AddColumn(added) if !added.if_not_exists => {
            facts.column(&added.table, &added.column)?;
            Some((format!("column {}.{}", added.table, added.column), "42701", Some(added.table.clone())))
        }
        Action::CreateTable(create) if !create.if_not_exists && !create.temporary => {
            facts.look(&create.table, |_| ())?;
            Some((format!("table {}", create.table), "42P07", Some(create.table.clone())))
        }
        Action::CreateIndex(index) if !index.if_not_exists => {
            let name = index.table.beside(index.name.as_deref()?);
            facts.table_of_index(&name)?;
            Some((format!("index {name}"), "42P07", Some(index.table.clone())))
        }
        Action::AddUnique { table, name: Some(name), .. }
        | Action::AddForeignKey { table, name: Some(name), .. }
        | Action::AddConstraint { table, name: Some(name), .. } => {
            facts.look(table, |facts| facts.constraints.contains_key(name)).filter(|there| *there)?;
            Some((format!("constraint {name} of {table}"), "42710", Some(table.clone())))
        }
        Action::RenameColumn { table, to, .. } => {
            facts.column(table, to)?;
            Some((format!("column {table}.{to}"), "42701", Some(table.clone())))
        }
        Action::RenameTable { table, to } => {
            let name = table.beside(to);
            facts.look(&name, |_| ())?;
            Some((format!("table {name}"), "42P07", Some(name)))
        }
        Action::CreateOther { kind, name } if kind == "schema" => {
            let excused = site.statement.text.to_lowercase().contains("if not exists");
            let dropped = |action: &Action| matches!(action, Action::DropOther { kind, name: gone, .. } if kind == "schema" && gone.name == name.name);
            if excused || site.scene.called_before(&name.name, site.at).any(dropped) {
                return None;
            }
            let there = matches!(facts.dependants("schema", name), Some(Stands::On(_)));
            there.then(|| (format!("schema {}", name.name), "42P06", None))
        }
        Action::CreateType { name, .. } => {
            facts.enumeration(name)?;
            Some((format!("type {name}"), "42710", None))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn a_partition_goes_with_its_parent_whatever_that_is_called_by_then() {
        let made = "CREATE TABLE e (a int) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF e DEFAULT;";
        fires("H100", &format!("{made} DROP TABLE e; ALTER TABLE p ADD b int"));
        fires("H100", &format!("{made} ALTER TABLE e RENAME TO f; DROP TABLE f; ALTER TABLE p ADD b int"));
        silent("H100", &format!("{made} ALTER TABLE e DETACH PARTITION p; DROP TABLE e; ALTER TABLE p ADD b int"));
    }

    #[test]
    fn fires_on_what_was_made_before_and_not_on_what_went_in_between_or_is_excused() {
        fires("H100", "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users ADD COLUMN a int");
        fires("H100", "CREATE TABLE t (a int); CREATE TABLE t (a int)");
        fires("H100", "CREATE INDEX i ON users (a); CREATE INDEX i ON users (b)");
        fires("H100", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0); ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)");
        silent("H100", "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users DROP COLUMN a; ALTER TABLE users ADD COLUMN a int");
        silent("H100", "CREATE TABLE t (a int); DROP TABLE t; CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS t (a int)");
        silent("H100", "CREATE TABLE s.t (a int); DROP SCHEMA s CASCADE; CREATE TABLE s.t (a int)");
    }
}
