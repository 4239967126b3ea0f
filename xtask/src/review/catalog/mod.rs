//! What is known of tables, types and indexes at one point of the reviewed files: what was there before, and what the statements
//! until here have done to it.
//!
//! Invariant: each object carries the name that the database knows it by, so that a question about it can be asked of a database
//! that has none of the reviewed files; what these made has no such name. A table that nobody knows is not a table without columns.

mod apply;
mod live;
mod object;
mod snapshot;

use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

pub use self::object::{Column, Constraint, Enum, Index, Kind, Nothing, Source, Table};
use crate::sql::TableName;

/// Where the statement stands that is taken note of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// `None` for what ran before the reviewed files.
    pub file: Option<usize>,
    pub statement: usize,
    pub line: usize,
}

#[derive(Default)]
pub struct Catalog {
    /// Shared with who looks at one, so that looking copies nothing.
    tables: HashMap<TableName, Rc<Table>>,
    enums: HashMap<TableName, Enum>,
    /// The values of types that are gone; empty where nobody knows them.
    dropped: HashMap<TableName, Vec<String>>,
    /// Functions that the files or the history made: whether they are volatile, where all of a name agree.
    routines: HashMap<TableName, Option<bool>>,
    /// Domains that they made: whether they restrict their values.
    domains: HashMap<TableName, bool>,
    /// What else the reviewed files made: kind and name.
    made: HashSet<(String, TableName)>,
    /// Index to table, for those that the files or the history made.
    indexes: HashMap<TableName, TableName>,
    /// Names that are free again: the source must not bring them back.
    gone: HashSet<TableName>,
    /// Of these, those that went with their rows.
    dropped_tables: HashSet<TableName>,
    /// Schemas that went with all that was in them.
    gone_schemas: HashSet<String>,
    /// Columns that are or were of a type, by the type.
    of_type: HashMap<TableName, BTreeSet<(TableName, String)>>,
    /// Foreign keys that refer or referred to a table, by the table.
    referring: HashMap<TableName, BTreeSet<(TableName, String)>>,
    /// Tables that are or were its partitions, by the table.
    partitions: HashMap<TableName, BTreeSet<TableName>>,
    /// The values of enums that were asked for one.
    values: HashMap<TableName, HashSet<String>>,
    /// Tables that a reviewed statement was about, since [`Catalog::settle`].
    touched: HashSet<TableName>,
}

impl Catalog {
    /// A table as it is now; asked of the source the first time.
    pub fn table(&mut self, name: &TableName, source: &mut dyn Source) -> Option<&Rc<Table>> {
        self.load(name, source);
        self.tables.get(name)
    }

    pub fn enumeration(&mut self, name: &TableName, source: &mut dyn Source) -> Option<&Enum> {
        if !self.enums.contains_key(name)
            && !self.dropped.contains_key(name)
            && let Some(found) = source.enumeration(name)
        {
            self.enums.insert(name.clone(), found);
        }
        self.enums.get(name)
    }

    /// Whether an enum has a value.
    pub fn has_value(&mut self, name: &TableName, value: &str, source: &mut dyn Source) -> Option<bool> {
        self.enumeration(name, source)?;
        let known = self.enums.get(name)?;
        let values = self.values.entry(name.clone()).or_insert_with(|| known.values.iter().cloned().collect());
        Some(values.contains(value))
    }

    /// The table that an index belongs to.
    pub fn table_of_index(&mut self, index: &TableName, source: &mut dyn Source) -> Option<TableName> {
        self.indexes.get(index).cloned().or_else(|| source.table_of_index(index))
    }

    /// Whether a function may give another value for each row, by the files; the inner `None`: its namesakes differ.
    #[must_use]
    pub fn volatile(&self, name: &TableName) -> Option<Option<bool>> {
        self.routines.get(name).copied()
    }

    /// Whether a type restricts its values, by the files.
    #[must_use]
    pub fn restricted(&self, name: &TableName) -> Option<bool> {
        self.domains.get(name).copied().or_else(|| self.enums.contains_key(name).then_some(false))
    }

    /// Whether the reviewed files made a view, a function, a schema … themselves.
    #[must_use]
    pub fn made(&self, kind: &str, name: &TableName) -> bool {
        self.made.contains(&(kind.to_owned(), name.clone()))
    }

    /// Whether the files dropped a table or gave it another name, and made none of its name since.
    #[must_use]
    pub fn is_gone(&self, name: &TableName) -> bool {
        !self.tables.contains_key(name) && (self.gone.contains(name) || self.gone_schemas.contains(&name.schema))
    }

    /// Whether the files dropped a type or gave it another name.
    #[must_use]
    pub fn is_type_gone(&self, name: &TableName) -> bool {
        self.dropped.contains_key(name) && !self.enums.contains_key(name)
    }

    /// The columns of a type, as far as they are known.
    pub fn columns_of_type(&mut self, name: &TableName, source: &mut dyn Source) -> Vec<(TableName, String)> {
        let mut found = source.columns_of_type(name);
        // What the statements until here dropped, renamed or gave another type is not as the source has it.
        found.retain(|(table, column)| {
            let as_before = |known: &Table| {
                known.columns.get(column).is_some_and(|known| !known.retyped && known.in_database.is_some())
            };
            !self.gone.contains(table) && self.tables.get(table).is_none_or(|known| as_before(known))
        });
        let is_of = |(table, column): &&(TableName, String)| {
            let declared = self.tables.get(table).and_then(|facts| facts.columns.get(column));
            declared.and_then(|declared| super::types::named(&declared.data_type)).is_some_and(|of| of == *name)
        };
        found.extend(self.of_type.get(name).into_iter().flatten().filter(is_of).cloned());
        found.sort();
        found.dedup();
        found
    }

    fn load(&mut self, name: &TableName, source: &mut dyn Source) {
        if self.tables.contains_key(name) || self.gone.contains(name) || self.gone_schemas.contains(&name.schema) {
            return;
        }
        if let Some(table) = source.table(name) {
            // A partition went with its parent.
            if table.partition_of.as_ref().is_some_and(|parent| self.dropped_tables.contains(parent)) {
                self.gone.insert(name.clone());
                return;
            }
            self.take_in(name, table);
        }
    }

    /// The table, made known as one of which only the name is, where nobody knows more.
    fn entry(&mut self, name: &TableName, source: &mut dyn Source) -> &mut Table {
        self.load(name, source);
        self.touched.insert(name.clone());
        let unknown = || Rc::new(Table { in_database: Some(name.clone()), ..Table::default() });
        Rc::make_mut(self.tables.entry(name.clone()).or_insert_with(unknown))
    }

    fn column(&mut self, table: &TableName, column: &str, source: &mut dyn Source) -> &mut Column {
        self.entry(table, source)
            .columns
            .entry(column.to_owned())
            .or_insert_with(|| Box::new(Column { in_database: Some(column.to_owned()), ..Column::default() }))
    }

    /// What was done until here has been run some time before what comes: it is as old as the rest, and may hold rows.
    pub fn settle(&mut self) {
        for name in self.touched.drain() {
            let Some(table) = self.tables.get_mut(&name).map(Rc::make_mut) else { continue };
            table.written = None;
            for (column, facts) in &mut table.columns {
                facts.in_database = Some(column.clone());
                (facts.retyped, facts.written, facts.filled) = (false, None, None);
            }
            table.in_database = Some(name);
        }
    }

    /// Takes a table in, with what is looked up of it from elsewhere.
    fn take_in(&mut self, name: &TableName, table: Table) {
        for (column, facts) in &table.columns {
            self.typed(name, column, &facts.data_type);
        }
        for (constraint, facts) in table.constraints.iter() {
            self.refers(name, constraint, facts.references.as_ref().map(|(parent, _)| parent));
        }
        if let Some(parent) = &table.partition_of {
            self.divides(parent, name);
        }
        self.tables.insert(name.clone(), Rc::new(table));
    }

    fn divides(&mut self, parent: &TableName, partition: &TableName) {
        self.partitions.entry(parent.clone()).or_default().insert(partition.clone());
    }

    fn typed(&mut self, table: &TableName, column: &str, data_type: &str) {
        if let Some(of) = super::types::named(data_type) {
            self.of_type.entry(of).or_default().insert((table.clone(), column.to_owned()));
        }
    }

    fn refers(&mut self, table: &TableName, constraint: &str, parent: Option<&TableName>) {
        if let Some(parent) = parent {
            self.referring.entry(parent.clone()).or_default().insert((table.clone(), constraint.to_owned()));
        }
    }
}
