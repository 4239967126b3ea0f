//! What statements do to the catalog.

use std::rc::Rc;

use super::{Catalog, Column, Constraint, Enum, Index, Kind, Place, Source, Table};
use crate::sql::TableName;
use crate::sql::action::{Action, Column as Declared, ConstraintKind, CreateIndex, CreateTable, Generated};

impl Catalog {
    /// Takes note of what a statement does.
    pub fn apply(&mut self, action: &Action, place: Place, source: &mut dyn Source) {
        match action {
            Action::CreateTable(create) => self.create_table(create, place, source),
            Action::AddColumn(declared) => {
                let there = self.entry(&declared.table, source).columns.contains_key(&declared.column);
                if !(declared.if_not_exists && there) {
                    self.add_column(declared, place, source);
                }
            }
            Action::DropColumn { table, column, .. } => {
                let found = self.entry(table, source);
                found.columns.remove(column);
                found.constraints.drop_column(column);
                found.indexes.drop_column(column);
            }
            Action::RenameColumn { table, from, to } => self.rename_column(table, from, to, source),
            Action::RenameTable { table, to } => self.rename_table(table, &table.beside(to), source),
            Action::SetSchema { kind, name, to } if kind == "table" => {
                self.rename_table(name, &TableName::new(to, &name.name), source);
            }
            Action::DropOther { kind, name, cascade: true, .. } if kind == "schema" => {
                self.tables.retain(|table, _| table.schema != name.name);
                self.enums.retain(|of, _| of.schema != name.name);
                self.values.retain(|of, _| of.schema != name.name);
                self.indexes.retain(|index, _| index.schema != name.name);
                self.gone_schemas.insert(name.name.clone());
            }
            Action::DropTable { table, .. } => {
                self.tables.remove(table);
                self.gone.insert(table.clone());
                self.dropped_tables.insert(table.clone());
                for partition in self.partitions.remove(table).unwrap_or_default() {
                    if self.tables.get(&partition).is_some_and(|of| of.partition_of.as_ref() == Some(table)) {
                        self.tables.remove(&partition);
                        self.gone.insert(partition);
                    }
                }
            }
            Action::SetNotNull { table, column } => self.column(table, column, source).not_null = true,
            Action::DropNotNull { table, column } => self.column(table, column, source).not_null = false,
            Action::SetDefault { table, column, default } => {
                self.column(table, column, source).default = Some(default.clone());
            }
            Action::DropDefault { table, column } => self.column(table, column, source).default = None,
            Action::ChangeType { table, column, data_type, .. } => {
                let found = self.column(table, column, source);
                found.data_type.clone_from(data_type);
                found.retyped = true;
                self.typed(table, column, data_type);
            }
            Action::Identity { table, column, change } if change != "set" => {
                let of = (change == "add").then_some(Generated::Identity);
                self.column(table, column, source).generated = of;
            }
            Action::Expression { table, column, drop: true } => self.column(table, column, source).generated = None,
            Action::AddUnique { .. } | Action::AddForeignKey { .. } | Action::AddConstraint { .. } => {
                self.add_constraint(action, place, source);
            }
            Action::ValidateConstraint { table, name } => {
                if let Some(found) = self.entry(table, source).constraints.get_mut(name) {
                    found.valid = true;
                }
            }
            Action::DropConstraint { table, name, .. } => {
                let found = self.entry(table, source);
                found.constraints.remove(name);
                found.indexes.remove(name);
            }
            Action::RenameConstraint { table, from, to } => {
                let found = self.entry(table, source);
                if let Some(constraint) = found.constraints.remove(from) {
                    let parent = constraint.references.as_ref().map(|(parent, _)| parent.clone());
                    found.constraints.insert(to.clone(), constraint);
                    self.refers(table, to, parent.as_ref());
                }
            }
            Action::CreateIndex(index) => self.create_index(index, place, source),
            Action::DropIndex { name, .. } => {
                if let Some(table) = self.table_of_index(name, source) {
                    self.entry(&table, source).indexes.remove(&name.name);
                }
                self.indexes.remove(name);
            }
            Action::AttachPartition { table, partition, bounds } => {
                self.entry(partition, source).partition_of = Some(table.clone());
                self.divides(table, partition);
                if is_default(bounds) {
                    self.entry(table, source).default_partition = Some(partition.clone());
                }
            }
            Action::DetachPartition { partition, .. } => self.entry(partition, source).partition_of = None,
            Action::CreateType { name, labels } => {
                let before = self.dropped.get(name).cloned();
                let made = Enum { values: labels.clone(), made: place.file, before, ..Enum::default() };
                self.values.remove(name);
                self.enums.insert(name.clone(), made);
            }
            Action::CreateRoutine { kind, name, replace, volatile } => {
                let volatile = Some(*volatile);
                let known = self.routines.entry(name.clone()).or_insert(volatile);
                *known = if *replace { volatile } else { known.filter(|known| Some(*known) == volatile) };
                // What it may have replaced was there before.
                if !replace {
                    self.note(kind, name, place);
                }
            }
            Action::CreateDomain { name, checked } => {
                self.domains.insert(name.clone(), *checked);
                self.note("domain", name, place);
            }
            Action::AlterDomain { name, adds_constraint: true, .. } => {
                self.domains.insert(name.clone(), true);
            }
            Action::CreateView { name, materialized, replace: false } => {
                self.note(if *materialized { "materialized view" } else { "view" }, name, place);
            }
            Action::CreateOther { kind, name } => self.note(kind, name, place),
            Action::DropType { name, .. } => {
                let gone = self.enumeration(name, source).map(|found| found.values.clone());
                self.dropped.insert(name.clone(), gone.unwrap_or_default());
                self.values.remove(name);
                self.enums.remove(name);
            }
            Action::AddEnumValue { name, value, .. } => {
                self.enumeration(name, source);
                let found = self.enums.entry(name.clone()).or_default();
                if found.values.contains(value) {
                    return;
                }
                found.values.push(value.clone());
                if let Some(values) = self.values.get_mut(name) {
                    values.insert(value.clone());
                }
                if let Some(file) = place.file {
                    found.added.push((value.clone(), file, place.statement));
                }
            }
            Action::RenameEnumValue { name, from, to } => {
                self.enumeration(name, source);
                self.values.remove(name);
                if let Some(found) = self.enums.get_mut(name) {
                    found.values.iter_mut().filter(|value| *value == from).for_each(|value| value.clone_from(to));
                }
            }
            Action::RenameOther { kind, name, to } if kind == "type" => {
                self.enumeration(name, source);
                self.values.remove(name);
                self.values.remove(&name.beside(to));
                if let Some(found) = self.enums.remove(name) {
                    self.dropped.insert(name.clone(), Vec::new());
                    self.enums.insert(name.beside(to), found);
                }
            }
            // The rows that are there now are after all of the history.
            Action::Update { .. }
            | Action::Insert { .. }
            | Action::Delete { .. }
            | Action::Merge { .. }
            | Action::Copy { .. }
            | Action::Truncate { .. }
                if place.file.is_none() => {}
            Action::Update { table, columns, filter } => self.update(table, columns, filter.as_deref(), place, source),
            Action::Insert { table, .. } | Action::Delete { table, .. } | Action::Merge { table } => {
                self.entry(table, source).written = Some(place.line);
            }
            Action::Copy { table: Some(table), from: true } => self.entry(table, source).written = Some(place.line),
            Action::Truncate { tables, .. } => {
                for table in tables {
                    self.entry(table, source).written = Some(place.line);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, kind: &str, name: &TableName, place: Place) {
        if place.file.is_some() {
            self.made.insert((kind.to_owned(), name.clone()));
        }
    }

    fn create_table(&mut self, create: &CreateTable, place: Place, source: &mut dyn Source) {
        let name = &create.table;
        if create.if_not_exists {
            self.load(name, source);
            if self.tables.contains_key(name) {
                return;
            }
        }
        self.gone.insert(name.clone());
        let before_the_files = place.file.is_none();
        let made = Table {
            in_database: before_the_files.then(|| name.clone()),
            made: place.file,
            known: !create.from_query && create.inherits.is_empty() && create.partition_of.is_none(),
            partitioned: create.partitioned,
            partition_key: create.partition_key.clone(),
            partition_of: create.partition_of.clone(),
            ..Table::default()
        };
        self.take_in(name, made);
        if let (Some(parent), Some(true)) = (&create.partition_of, create.bounds.as_deref().map(is_default)) {
            self.entry(parent, source).default_partition = Some(name.clone());
        }
        self.touched.insert(name.clone());
        for column in &create.columns {
            self.add_column(column, place, source);
        }
        for constraint in &create.constraints {
            self.add_constraint(constraint, place, source);
        }
    }

    fn add_column(&mut self, declared: &Declared, place: Place, source: &mut dyn Source) {
        let table = &declared.table;
        let column = Column {
            in_database: place.file.is_none().then(|| declared.column.clone()),
            data_type: declared.data_type.clone(),
            not_null: declared.not_null
                || declared.primary_key
                || declared.generated == Some(Generated::Identity)
                || crate::review::added::is_serial(declared),
            default: declared.default.clone(),
            generated: declared.generated,
            ..Column::default()
        };
        let added = place.file.map(|file| (file, place.statement));
        let columns = vec![declared.column.clone()];
        self.typed(table, &declared.column, &declared.data_type);
        self.refers(table, &named(table, &columns, "fkey"), declared.references.as_ref().map(|(parent, _)| parent));
        let found = self.entry(table, source);
        found.columns.insert(declared.column.clone(), Box::new(column));
        let mut constraint = |kind, suffix: &str, expression: Option<String>, references| {
            let name = named(table, &columns, suffix);
            let columns = columns.clone();
            found.constraints.insert(name, Constraint { kind, columns, expression, valid: true, references, added });
        };
        if declared.unique {
            constraint(Kind::Unique, "key", None, None);
        }
        if declared.primary_key {
            constraint(Kind::PrimaryKey, "pkey", None, None);
        }
        if let Some(check) = &declared.check {
            constraint(Kind::Check, "check", Some(check.clone()), None);
        }
        if let Some(references) = &declared.references {
            constraint(Kind::ForeignKey, "fkey", None, Some(references.clone()));
        }
        for (wanted, suffix) in [(declared.unique, "key"), (declared.primary_key, "pkey")] {
            if wanted {
                let columns = columns.clone();
                let index = Index {
                    columns,
                    expressions: false,
                    unique: true,
                    valid: true,
                    filter: None,
                    added: added.is_some(),
                };
                found.indexes.insert(named(table, std::slice::from_ref(&declared.column), suffix), index);
            }
        }
    }

    fn add_constraint(&mut self, action: &Action, place: Place, source: &mut dyn Source) {
        let added = place.file.map(|file| (file, place.statement));
        let (table, name, using_index, constraint, backed) = match action {
            Action::AddUnique { table, name, columns, using_index, .. } => {
                let columns = self.indexed(table, columns, using_index.as_deref(), source);
                let constraint =
                    Constraint { kind: Kind::Unique, columns, expression: None, valid: true, references: None, added };
                (table, name.clone(), using_index.clone(), constraint, true)
            }
            Action::AddForeignKey { table, name, columns, to, to_columns, not_valid, .. } => {
                let references = Some((to.clone(), to_columns.clone()));
                let kind = Kind::ForeignKey;
                let columns = columns.clone();
                let constraint = Constraint { kind, columns, expression: None, valid: !not_valid, references, added };
                (table, name.clone(), None, constraint, false)
            }
            Action::AddConstraint { table, kind, name, columns, expression, not_valid, using_index } => {
                let columns = self.indexed(table, columns, using_index.as_deref(), source);
                let kind = match kind {
                    ConstraintKind::Check => Kind::Check,
                    ConstraintKind::PrimaryKey => Kind::PrimaryKey,
                    ConstraintKind::Exclude => Kind::Exclude,
                    ConstraintKind::NotNull => Kind::NotNull,
                    ConstraintKind::Other => return,
                };
                let expression = expression.clone();
                let backed = matches!(kind, Kind::PrimaryKey | Kind::Exclude);
                let constraint = Constraint { kind, columns, expression, valid: !not_valid, references: None, added };
                (table, name.clone(), using_index.clone(), constraint, backed)
            }
            _ => return,
        };
        let found = self.entry(table, source);
        if constraint.kind == Kind::PrimaryKey {
            for column in &constraint.columns {
                if let Some(column) = found.columns.get_mut(column) {
                    column.not_null = true;
                }
            }
        }
        // The index that becomes the constraint takes its name.
        if let Some(index) = &using_index {
            found.indexes.remove(index);
        }
        let suffix = match constraint.kind {
            Kind::PrimaryKey => "pkey",
            Kind::Unique => "key",
            Kind::ForeignKey => "fkey",
            Kind::Check => "check",
            Kind::NotNull => "not_null",
            Kind::Exclude => "excl",
        };
        let name = name.or(using_index).unwrap_or_else(|| {
            let name = named(table, &constraint.columns, suffix);
            let again = |name: &String| found.constraints.contains_key(name);
            if again(&name) { format!("{name}{}", found.constraints.keys().count()) } else { name }
        });
        if backed {
            let index = Index {
                columns: constraint.columns.clone(),
                expressions: constraint.kind == Kind::Exclude,
                unique: constraint.kind != Kind::Exclude,
                valid: true,
                filter: None,
                added: added.is_some(),
            };
            found.indexes.insert(name.clone(), index);
        }
        let parent = constraint.references.as_ref().map(|(parent, _)| parent.clone());
        found.constraints.insert(name.clone(), constraint);
        self.refers(table, &name, parent.as_ref());
        if backed {
            self.indexes.insert(table.beside(&name), table.clone());
        }
    }

    /// The columns of a constraint, which may be told by an index.
    fn indexed(
        &mut self,
        table: &TableName,
        columns: &[String],
        index: Option<&str>,
        source: &mut dyn Source,
    ) -> Vec<String> {
        match index.and_then(|index| self.entry(table, source).indexes.get(index)) {
            Some(index) => index.columns.clone(),
            None => columns.to_vec(),
        }
    }

    fn create_index(&mut self, index: &CreateIndex, place: Place, source: &mut dyn Source) {
        let found = Index {
            columns: index.columns.clone(),
            expressions: !index.expressions.is_empty(),
            unique: index.unique,
            valid: true,
            filter: index.filter.clone(),
            added: place.file.is_some(),
        };
        let name =
            index.name.clone().unwrap_or_else(|| format!("{}_{}_idx", index.table.name, index.columns.join("_")));
        self.indexes.insert(index.table.beside(&name), index.table.clone());
        let table = self.entry(&index.table, source);
        if !(index.if_not_exists && table.indexes.contains_key(&name)) {
            table.indexes.insert(name, found);
        }
    }

    fn rename_column(&mut self, table: &TableName, from: &str, to: &str, source: &mut dyn Source) {
        let renamed = Box::new(std::mem::take(self.column(table, from, source)));
        let found = self.entry(table, source);
        found.columns.remove(from);
        found.columns.insert(to.to_owned(), renamed);
        found.constraints.rename_column(from, to);
        found.indexes.rename_column(from, to);
        let data_type = found.columns.get(to).map(|column| column.data_type.clone()).unwrap_or_default();
        self.typed(table, to, &data_type);
    }

    fn rename_table(&mut self, from: &TableName, to: &TableName, source: &mut dyn Source) {
        let table = std::mem::take(self.entry(from, source));
        self.tables.remove(from);
        self.gone.insert(from.clone());
        for index in table.indexes.keys() {
            if self.indexes.remove(&from.beside(index)).is_some() {
                self.indexes.insert(to.beside(index), to.clone());
            }
        }
        self.take_in(to, table);
        self.touched.insert(to.clone());
        for partition in self.partitions.remove(from).unwrap_or_default() {
            let parent = self.tables.get_mut(&partition).and_then(|facts| Rc::make_mut(facts).partition_of.as_mut());
            if let Some(parent) = parent.filter(|parent| *parent == from) {
                parent.clone_from(to);
                self.divides(to, &partition);
            }
        }
        for (child, name) in self.referring.remove(from).unwrap_or_default() {
            let key = self.tables.get_mut(&child).and_then(|facts| Rc::make_mut(facts).constraints.get_mut(&name));
            if let Some((parent, _)) = key.and_then(|key| key.references.as_mut()).filter(|(parent, _)| parent == from)
            {
                parent.clone_from(to);
                self.referring.entry(to.clone()).or_default().insert((child, name));
            }
        }
    }

    fn update(
        &mut self,
        table: &TableName,
        columns: &[(String, String)],
        filter: Option<&str>,
        place: Place,
        source: &mut dyn Source,
    ) {
        self.entry(table, source).written = Some(place.line);
        for (column, value) in columns {
            let fills = never_null(value)
                && filter.is_none_or(|filter| {
                    let filter = filter.trim().trim_start_matches('(').trim_end_matches(')');
                    let words: Vec<&str> = filter.split_whitespace().collect();
                    matches!(words.as_slice(), [name, is, null]
                        if is.eq_ignore_ascii_case("is") && null.eq_ignore_ascii_case("null")
                            && crate::sql::action::unquoted(name.rsplit('.').next().unwrap_or(name)) == *column)
                });
            let found = self.column(table, column, source);
            found.written = Some(place.line);
            if fills {
                found.filled = Some(place.line);
            }
        }
    }
}

/// The name that PostgreSQL gives a constraint that has none: `users_email_key`, `users_pkey`.
fn named(table: &TableName, columns: &[String], suffix: &str) -> String {
    if suffix == "pkey" || columns.is_empty() {
        return format!("{}_{suffix}", table.name);
    }
    format!("{}_{}_{suffix}", table.name, columns.join("_"))
}

/// The bounds of the partition that takes what no other does.
fn is_default(bounds: &str) -> bool {
    bounds.trim().eq_ignore_ascii_case("default")
}

/// A value that is no NULL whatever the row holds: a literal, or a function known to give one.
fn never_null(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_lowercase();
    let literal = value.starts_with('\'') || value.parse::<f64>().is_ok() || matches!(lower.as_str(), "true" | "false");
    let call = ["now()", "current_timestamp", "current_date", "gen_random_uuid()", "clock_timestamp()", "'{}'"];
    literal || call.contains(&lower.as_str()) || (lower.starts_with("coalesce(") && coalesced(&lower))
}

/// `coalesce(…, 'x')`: the last one decides.
fn coalesced(lower: &str) -> bool {
    let inner = lower.trim_start_matches("coalesce(").trim_end_matches(')');
    inner.rsplit_once(',').is_some_and(|(_, last)| never_null(last))
}
