//! What a statement names and the database does not have: a table, a column, a constraint, a trigger.
//!
//! Invariant: only what is certain. Where a statement before could have made it (a DO block, a function, an extension), where a
//! search_path is set, or where the table is not wholly known, nothing is missing.

use super::definition::words;
use super::hazard::Site;
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};

/// PostgreSQL cuts longer names.
const LONGEST_NAME: usize = 63;

pub(super) struct Missing {
    /// `column users.emial`
    pub what: String,
    pub code: &'static str,
    pub table: Option<TableName>,
}

/// The first thing that is not there, where its absence fails the statement.
pub(super) fn missing(site: &mut Site<'_, '_>) -> Option<Missing> {
    if let Some(name) = tables(site.action).into_iter().find(|name| absent(site, name))
        && !excused(&site.statement.text)
    {
        return Some(Missing { what: format!("table {name}"), code: "42P01", table: Some(name) });
    }
    column(site).or_else(|| constraint(site)).or_else(|| trigger(site)).or_else(|| enumeration(site))
}

/// `ALTER TABLE IF EXISTS`, `DROP TABLE IF EXISTS`, `DROP TRIGGER IF EXISTS`
fn excused(statement: &str) -> bool {
    let words = words(statement);
    words.get(2).is_some_and(|word| word == "if") && words.get(3).is_some_and(|word| word == "exists")
}

/// The tables that must be there.
fn tables(action: &Action) -> Vec<TableName> {
    match action {
        Action::CreateTable(create) => {
            let of_constraints = create.constraints.iter().filter_map(|constraint| match constraint {
                Action::AddForeignKey { to, .. } => Some(to),
                _ => None,
            });
            let of_columns = create.columns.iter().filter_map(|column| column.references.as_ref().map(|(to, _)| to));
            let others = of_constraints.chain(of_columns).chain(&create.partition_of).chain(&create.inherits);
            others.filter(|table| **table != create.table).cloned().collect()
        }
        Action::AddColumn(added) => {
            let parent = added.references.iter().map(|(to, _)| to.clone());
            std::iter::once(added.table.clone()).chain(parent).collect()
        }
        // Views and indexes have findings of their own.
        Action::CreateView { .. }
        | Action::DropView { .. }
        | Action::DropIndex { .. }
        | Action::RefreshView { .. }
        | Action::DropTable { if_exists: true, .. } => Vec::new(),
        other => other.tables().into_iter().cloned().collect(),
    }
}

fn absent(site: &mut Site<'_, '_>, name: &TableName) -> bool {
    if name.name.is_empty() || site.facts.look(name, |_| ()).is_some() || opaque_before(site) {
        return false;
    }
    let made = |action: &Action| match action {
        Action::CreateView { name: made, .. } => made == name,
        Action::RenameOther { name: from, to, .. } => from.beside(to) == *name,
        Action::SetSchema { name: from, to, .. } => from.name == name.name && *to == name.schema,
        _ => false,
    };
    if site.scene.called_before(&name.name, site.at).any(made) {
        return false;
    }
    if site.facts.gone(name) {
        return true;
    }
    let bare = if name.schema == "public" { crate::sql::names::quote(&name.name) } else { name.quoted() };
    let sql = "select pg_catalog.to_regclass($1) is null and pg_catalog.to_regclass($2) is null";
    let rows = site.facts.live.as_mut().and_then(|live| live.rows(sql, &[&name.quoted(), &bare]));
    rows.as_ref().and_then(|rows| rows.first()).is_some_and(|row| row.get(0))
}

/// Whether something ran before of which nobody knows what it made, or names may mean something else.
fn opaque_before(site: &Site<'_, '_>) -> bool {
    site.facts.settings.contains_key("search_path") || site.scene.is_opaque_before(site.at)
}

fn column(site: &mut Site<'_, '_>) -> Option<Missing> {
    let (table, columns): (&TableName, Vec<&str>) = match site.action {
        Action::RenameColumn { table, from: column, .. }
        | Action::SetNotNull { table, column }
        | Action::DropNotNull { table, column }
        | Action::SetDefault { table, column, .. }
        | Action::DropDefault { table, column }
        | Action::ChangeType { table, column, .. }
        | Action::Identity { table, column, .. }
        | Action::Expression { table, column, .. }
        | Action::ColumnOption { table, column, .. } => (table, vec![column]),
        Action::AddUnique { table, columns, using_index: None, .. }
        | Action::AddForeignKey { table, columns, .. }
        | Action::AddConstraint { table, columns, kind: ConstraintKind::PrimaryKey, using_index: None, .. }
        | Action::Insert { table, columns, .. } => (table, columns.iter().map(String::as_str).collect()),
        Action::CreateIndex(index) => (&index.table, index.columns.iter().map(String::as_str).collect()),
        Action::Update { table, columns, .. } => (table, columns.iter().map(|(column, _)| column.as_str()).collect()),
        _ => return None,
    };
    // ALTER TABLE adds columns before it adds what is over them.
    let beside = |column: &str| {
        let adds = |action: &Action| matches!(action, Action::AddColumn(added) if added.column == column);
        site.statement.actions.iter().any(adds)
    };
    let lacks =
        |column: &&str, known: &super::catalog::Table| !column.is_empty() && !known.columns.contains_key(*column);
    let found = site.facts.look(table, |known| {
        let first = known.known.then(|| columns.iter().find(|column| lacks(column, known) && !beside(column)));
        first.flatten().map(|column| (*column).to_owned())
    });
    let column = found.flatten()?;
    Some(Missing { what: format!("column {table}.{column}"), code: "42703", table: Some(table.clone()) })
}

fn constraint(site: &mut Site<'_, '_>) -> Option<Missing> {
    let (Action::ValidateConstraint { table, name }
    | Action::DropConstraint { table, name, .. }
    | Action::RenameConstraint { table, from: name, .. }) = site.action
    else {
        return None;
    };
    let if_exists = site.statement.text.to_lowercase().contains("if exists");
    if name.len() > LONGEST_NAME || if_exists && matches!(site.action, Action::DropConstraint { .. }) {
        return None;
    }
    // What it calls those without a name is PostgreSQL's matter.
    let nameless = |action: &Action| match action {
        Action::AddUnique { name, .. } | Action::AddForeignKey { name, .. } | Action::AddConstraint { name, .. } => {
            name.is_none()
        }
        Action::AddColumn(added) => added.check.is_some() || added.references.is_some(),
        Action::RenameOther { .. } | Action::AttachPartition { .. } | Action::CreateTable(_) => true,
        _ => false,
    };
    if site.scene.earlier(table, site.at).any(|(_, action)| nameless(action)) {
        return None;
    }
    let known =
        site.facts.look(table, |known| known.known && known.made.is_none() && !known.constraints.contains_key(name));
    known.filter(|missing| *missing)?;
    Some(Missing { what: format!("constraint {name} of {table}"), code: "42704", table: Some(table.clone()) })
}

fn enumeration(site: &mut Site<'_, '_>) -> Option<Missing> {
    let (Action::AddEnumValue { name, .. } | Action::RenameEnumValue { name, .. }) = site.action else { return None };
    let gone = site.facts.look_enum(name, |_| ()).is_none() && site.facts.type_gone(name);
    (gone && !opaque_before(site)).then(|| Missing { what: format!("type {name}"), code: "42704", table: None })
}

fn trigger(site: &mut Site<'_, '_>) -> Option<Missing> {
    let (Action::DropTrigger { table, name } | Action::SetTrigger { table, name: Some(name), .. }) = site.action else {
        return None;
    };
    if excused(&site.statement.text) || name.is_empty() {
        return None;
    }
    let made = |action: &Action| matches!(action, Action::CreateTrigger { name: made, .. } if made == name);
    if site.scene.called_before(name, site.at).any(made) || opaque_before(site) {
        return None;
    }
    let there = trigger_there(site, table, name)?;
    (!there).then(|| Missing { what: format!("trigger {name} of {table}"), code: "42704", table: Some(table.clone()) })
}

/// Whether the database has a trigger of this name on the table.
pub(super) fn trigger_there(site: &mut Site<'_, '_>, table: &TableName, name: &str) -> Option<bool> {
    let of = site.facts.look(table, |known| known.in_database.clone())??;
    let sql = "
select exists (select from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and t.tgname = $3)";
    let rows = site.facts.live.as_mut()?.rows(sql, &[&of.schema, &of.name, &name])?;
    rows.first().map(|row| row.get(0))
}
