//! The objects that the catalog knows, and where facts come from that no reviewed statement told.

use std::collections::BTreeMap;

use crate::review::by_column::{AboutColumns, ByColumn};
use crate::sql::TableName;
use crate::sql::action::Generated;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// As the database calls it; `None` for one that the reviewed files made.
    pub in_database: Option<TableName>,
    /// The reviewed file that made it.
    pub made: Option<usize>,
    /// Whether the maps below hold all that there is.
    pub known: bool,
    /// In boxes: a map keeps room for eleven from its first on.
    pub columns: BTreeMap<String, Box<Column>>,
    pub constraints: ByColumn<Constraint>,
    pub indexes: ByColumn<Index>,
    pub partitioned: bool,
    /// `RANGE (at)`
    pub partition_key: Option<String>,
    pub default_partition: Option<TableName>,
    pub partition_of: Option<TableName>,
    /// Line of the last statement that wrote rows.
    pub written: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// As the database calls it; `None` for one that the reviewed files added.
    pub in_database: Option<String>,
    /// As it was declared or as `format_type` spells it; empty where nobody knows.
    pub data_type: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub generated: Option<Generated>,
    /// The reviewed file changed its type: no question about the old values fits any more.
    pub retyped: bool,
    /// Line of the last statement that set it.
    pub written: Option<usize>,
    /// Line of a statement that put a value in place of each NULL.
    pub filled: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
    NotNull,
    Exclude,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub kind: Kind,
    pub columns: Vec<String>,
    pub expression: Option<String>,
    pub valid: bool,
    pub references: Option<(TableName, Vec<String>)>,
    /// The statement of the reviewed files that added it: file and statement.
    pub added: Option<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Plain columns, in order.
    pub columns: Vec<String>,
    /// Whether it has parts that are no plain columns.
    pub expressions: bool,
    pub unique: bool,
    pub valid: bool,
    pub filter: Option<String>,
    pub added: bool,
}

impl AboutColumns for Constraint {
    fn columns(&self) -> &[String] {
        &self.columns
    }
    fn columns_mut(&mut self) -> &mut Vec<String> {
        &mut self.columns
    }
    fn text(&self) -> Option<&str> {
        self.expression.as_deref()
    }
}

impl AboutColumns for Index {
    fn columns(&self) -> &[String] {
        &self.columns
    }
    fn columns_mut(&mut self) -> &mut Vec<String> {
        &mut self.columns
    }
    fn text(&self) -> Option<&str> {
        None
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enum {
    /// Empty where nobody knows them.
    pub values: Vec<String>,
    /// The reviewed file that made it.
    pub made: Option<usize>,
    /// The values of the one that it stands in for: dropped, and made again by the reviewed files.
    pub before: Option<Vec<String>>,
    /// Values that the reviewed files added: value, file and statement.
    pub added: Vec<(String, usize, usize)>,
}

/// Where facts come from that no reviewed statement told.
pub trait Source {
    /// `None`: it is not there, or nobody knows.
    fn table(&mut self, name: &TableName) -> Option<Table>;
    fn enumeration(&mut self, name: &TableName) -> Option<Enum>;
    /// The table of an index.
    fn table_of_index(&mut self, index: &TableName) -> Option<TableName>;
    /// Columns that have this type.
    fn columns_of_type(&mut self, name: &TableName) -> Vec<(TableName, String)>;
    /// Whether functions of this name may give another value for each row; `None` where they differ or nobody knows.
    fn volatile(&mut self, _schema: Option<&str>, _name: &str) -> Option<bool> {
        None
    }
    /// Whether a type, as SQL writes it, is a domain that restricts its values.
    fn restricted(&mut self, _data_type: &str) -> Option<bool> {
        None
    }
    /// The tables whose foreign keys refer to it, and those that refer to these; `cascading`: only over ON DELETE CASCADE.
    fn referrers(&mut self, _table: &TableName, _cascading: bool) -> Option<Vec<TableName>> {
        None
    }
}

/// Nobody to ask.
pub struct Nothing;

impl Source for Nothing {
    fn table(&mut self, _: &TableName) -> Option<Table> {
        None
    }
    fn enumeration(&mut self, _: &TableName) -> Option<Enum> {
        None
    }
    fn table_of_index(&mut self, _: &TableName) -> Option<TableName> {
        None
    }
    fn columns_of_type(&mut self, _: &TableName) -> Vec<(TableName, String)> {
        Vec::new()
    }
}
