//! What a rule may ask: what a table is at this point, how large, and what its rows say.
//!
//! One order of witnesses: what the reviewed files did themselves, then the database that may be asked, then the migrations before. Invariant:
//! an answer carries what it stands on, and "nobody knows" is an answer of its own.

use std::rc::Rc;
use std::time::Duration;

use super::behaviour::Behaviour;
use super::catalog::{Catalog, Column, Enum, Nothing, Place, Source, Table};
use super::finding::{DecidedBy, Severity};
use super::live::{Answer, Live, Tried, Volume};
use super::usage;
use crate::numbers::thousands;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

/// Up to here a scan, a build or a rewrite is over before anybody notices (10,000 rows in some 10 ms, facts measured on PostgreSQL 15).
pub const SMALL_ROWS: i64 = 10_000;
/// From here on others wait for seconds: an index on 300,000 rows took one, a rewrite two to three.
pub const LARGE_ROWS: i64 = 1_000_000;
pub const LARGE_BYTES: i64 = 1 << 30;

pub struct Facts<'a> {
    pub(super) catalog: Catalog,
    pub(super) behaviour: Behaviour,
    pub(super) live: Option<Live<'a>>,
    /// Drizzle's snapshot, where there is one.
    pub(super) before: Option<Box<dyn Source + 'a>>,
    /// The server's major version.
    pub major: Option<u32>,
    /// What somebody wrote down of the sizes.
    pub(super) rows: std::collections::BTreeMap<String, i64>,
    /// Whether what an earlier file made is still empty for a later one.
    pub(super) pending: bool,
    pub session: super::session::Session,
    /// `SET` in force: name to value.
    pub settings: std::collections::HashMap<String, String>,
}

/// A question whose answer is a number of rows.
pub struct Question<'q> {
    pub table: &'q TableName,
    /// The columns that it reads: each must be as it was before the reviewed files.
    pub columns: &'q [String],
    /// Makes the SQL from the names that the database knows: table, columns.
    pub sql: &'q dyn Fn(&TableName, &[String]) -> String,
    /// `NULLs`, `rows without a parent`
    pub unit: &'q str,
}

/// What the data say.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// None: harmless as far as rows go.
    Clear(DecidedBy),
    /// So many rows are in the way.
    Harmful(i64, DecidedBy),
    /// Nobody can tell.
    Open(DecidedBy),
}

impl<'a> Facts<'a> {
    fn with_source<T>(&mut self, ask: impl FnOnce(&mut Catalog, &mut dyn Source) -> T) -> T {
        match (&mut self.live, &mut self.before) {
            (Some(live), _) => ask(&mut self.catalog, live),
            (None, Some(before)) => ask(&mut self.catalog, before.as_mut()),
            (None, None) => ask(&mut self.catalog, &mut Nothing),
        }
    }

    pub fn table(&mut self, name: &TableName) -> Option<Rc<Table>> {
        self.with_source(|catalog, source| catalog.table(name, source).cloned())
    }

    /// Looks at a table without a copy of it.
    pub fn look<T>(&mut self, name: &TableName, look: impl FnOnce(&Table) -> T) -> Option<T> {
        self.with_source(|catalog, source| catalog.table(name, source).map(|table| look(table)))
    }

    pub fn column(&mut self, table: &TableName, column: &str) -> Option<Column> {
        self.with_source(|catalog, source| {
            catalog.table(table, source)?.columns.get(column).map(|known| (**known).clone())
        })
    }

    pub fn enumeration(&mut self, name: &TableName) -> Option<Enum> {
        self.with_source(|catalog, source| catalog.enumeration(name, source).cloned())
    }

    /// Looks at an enum without a copy of it.
    pub fn look_enum<T>(&mut self, name: &TableName, look: impl FnOnce(&Enum) -> T) -> Option<T> {
        self.with_source(|catalog, source| catalog.enumeration(name, source).map(look))
    }

    /// Whether an enum has a value.
    pub fn has_value(&mut self, name: &TableName, value: &str) -> Option<bool> {
        self.with_source(|catalog, source| catalog.has_value(name, value, source))
    }

    pub fn table_of_index(&mut self, index: &TableName) -> Option<TableName> {
        self.with_source(|catalog, source| catalog.table_of_index(index, source))
    }

    pub fn columns_of_type(&mut self, name: &TableName) -> Vec<(TableName, String)> {
        self.with_source(|catalog, source| catalog.columns_of_type(name, source))
    }

    /// Whether the reviewed files made a view, a function, a schema … themselves.
    #[must_use]
    pub fn made(&self, kind: &str, name: &TableName) -> bool {
        self.catalog.made(kind, name)
    }

    /// Whether the reviewed files took it away.
    #[must_use]
    pub(super) fn gone(&self, name: &TableName) -> bool {
        self.catalog.is_gone(name)
    }

    /// The same of a type.
    #[must_use]
    pub(super) fn type_gone(&self, name: &TableName) -> bool {
        self.catalog.is_type_gone(name)
    }

    /// The tables that refer to it, by their names in the database; `cascading`: over ON DELETE CASCADE.
    pub fn referrers(&mut self, table: &TableName, cascading: bool) -> Option<Vec<TableName>> {
        let name = self.look(table, |table| table.in_database.clone())??;
        self.live.as_mut()?.referrers(&name, cascading)
    }

    pub(super) fn apply(&mut self, action: &Action, place: Place) {
        if let Action::Set { name, value, .. } = action {
            self.settings.insert(name.to_lowercase(), value.clone());
        }
        self.with_source(|catalog, source| catalog.apply(action, place, source));
    }

    /// Whether the reviewed files made the table themselves, so that it holds no row but theirs and has no reader.
    pub fn is_new(&mut self, table: &TableName, file: usize) -> bool {
        let pending = self.pending;
        self.with_source(|catalog, source| {
            catalog.table(table, source).and_then(|table| table.made).is_some_and(|made| made == file || pending)
        })
    }

    #[must_use]
    pub fn asked(&self) -> Option<&str> {
        self.live.as_ref().map(Live::name)
    }

    /// Whether a table that goes is still used, and a column of it by queries that the server remembers.
    pub(super) fn usage(&mut self, table: &TableName, column: Option<&str>) -> Option<String> {
        let name = self.look(table, |table| table.in_database.clone())??;
        let live = self.live.as_mut()?;
        let scans = if column.is_none() { usage::of_table(live, &name) } else { None };
        let words: Vec<&str> = std::iter::once(name.name.as_str()).chain(column).collect();
        let known: Vec<String> = scans.into_iter().chain(usage::in_queries(live, &words)).collect();
        (!known.is_empty()).then(|| known.join("; "))
    }

    /// How large a table is, by its name in the database.
    pub fn volume(&mut self, table: &TableName) -> Option<Volume> {
        let name = self.look(table, |table| table.in_database.clone())??;
        self.live.as_mut()?.volume(&name)
    }

    /// How much it matters that others wait while the table is read or written once, and who says so.
    pub fn weight(&mut self, table: &TableName) -> (Severity, DecidedBy) {
        if let Some(rows) = self.stated(table) {
            return (by_rows(rows), DecidedBy::Static(format!("{} rows, as the workflow file says", thousands(rows))));
        }
        if self.live.is_none() {
            return (Severity::Warning, DecidedBy::Static("how large the table is was not asked".to_owned()));
        }
        let Some(volume) = self.volume(table) else {
            return (Severity::Warning, DecidedBy::NotJudged(format!("{table} is not in the database that was asked")));
        };
        (volume.weight(), self.decided(&volume.words(), None))
    }

    fn stated(&mut self, table: &TableName) -> Option<i64> {
        if self.rows.is_empty() {
            return None;
        }
        let name = self.look(table, |table| table.in_database.clone()).flatten().unwrap_or_else(|| table.clone());
        self.rows.get(&name.to_string()).copied()
    }

    pub(super) fn decided(&self, what: &str, elapsed: Option<Duration>) -> DecidedBy {
        self.live.as_ref().map_or_else(|| DecidedBy::Static(what.to_owned()), |live| live.decided(what, elapsed))
    }

    /// Asks the rows. What the reviewed files wrote before cannot be asked of a database that has not run them.
    pub fn rows(&mut self, question: &Question<'_>) -> Verdict {
        let Question { table, columns, sql, unit } = *question;
        match self.untouched(table, columns) {
            Ok((name, names)) => self.counted(&name, &sql(&name, &names), unit),
            Err(why) => Verdict::Open(DecidedBy::NotJudged(why)),
        }
    }

    /// The database's names of a table and of columns whose rows are still as they were before the reviewed files, or why there are none.
    pub(super) fn untouched(
        &mut self,
        table: &TableName,
        columns: &[String],
    ) -> Result<(TableName, Vec<String>), String> {
        let found = self.look(table, |facts| facts.names_in_database(table, columns));
        found.unwrap_or_else(|| {
            Err(match self.asked() {
                Some(name) => format!("{table} is not in {name}"),
                None => "no database was asked".to_owned(),
            })
        })
    }

    /// The number that a query gives, about a table by its name in the database.
    pub(super) fn counted(&mut self, name: &TableName, text: &str, unit: &str) -> Verdict {
        let Some(live) = self.live.as_mut() else {
            return Verdict::Open(DecidedBy::NotJudged(format!("no database was asked; run: {text};")));
        };
        let answer = live.count(text);
        let of = live.volume(name);
        match answer {
            Answer::Count { count, elapsed } => {
                let of = of.map(|volume| {
                    format!(" of {}{} rows", if volume.exact { "" } else { "about " }, thousands(volume.rows))
                });
                let what = format!("{} {unit}{}", thousands(count), of.unwrap_or_default());
                let decided = live.decided(&what, Some(elapsed));
                if count == 0 { Verdict::Clear(decided) } else { Verdict::Harmful(count, decided) }
            }
            Answer::NotJudged { why, sql } => Verdict::Open(DecidedBy::NotJudged(format!("{why}; run: {sql}"))),
        }
    }

    /// Whether an expression can be computed for each row: PostgreSQL stops at the first value that has none.
    pub(super) fn tried(&mut self, text: &str, what: &str) -> Verdict {
        let Some(live) = self.live.as_mut() else {
            return Verdict::Open(DecidedBy::NotJudged(format!("no database was asked; run: {text};")));
        };
        match live.tried(text) {
            Tried::Each { count, elapsed } => {
                let what = format!("{} values, each {what}", thousands(count));
                Verdict::Clear(live.decided(&what, Some(elapsed)))
            }
            Tried::Fails { state, elapsed } => {
                let what = format!("at least 1 value is not {what}, SQLSTATE {state}");
                Verdict::Harmful(1, live.decided(&what, Some(elapsed)))
            }
            Tried::NotJudged { why } => Verdict::Open(DecidedBy::NotJudged(format!("{why}; run: {text};"))),
        }
    }

    /// Rows without a value.
    pub fn nulls(&mut self, table: &TableName, columns: &[String]) -> Verdict {
        let sql = |table: &TableName, columns: &[String]| {
            let nulls: Vec<String> = columns.iter().map(|column| format!("{} IS NULL", quote(column))).collect();
            format!("SELECT count(*) FROM {} WHERE {}", table.quoted(), nulls.join(" OR "))
        };
        self.rows(&Question { table, columns, sql: &sql, unit: "NULLs" })
    }

    /// Values that are there.
    pub fn values(&mut self, table: &TableName, column: &str) -> Verdict {
        let sql = |table: &TableName, columns: &[String]| {
            format!("SELECT count({}) FROM {}", quote(&columns[0]), table.quoted())
        };
        self.rows(&Question { table, columns: &[column.to_owned()], sql: &sql, unit: "values" })
    }

    /// Any row at all.
    pub fn any(&mut self, table: &TableName) -> Verdict {
        let sql = |table: &TableName, _: &[String]| format!("SELECT count(*) FROM {}", table.quoted());
        self.rows(&Question { table, columns: &[], sql: &sql, unit: "rows" })
    }

    /// Values, or combinations of them, that occur more than once.
    pub fn duplicates(
        &mut self,
        table: &TableName,
        columns: &[String],
        nulls_are_equal: bool,
        filter: Option<&str>,
    ) -> Verdict {
        let sql = |table: &TableName, columns: &[String]| {
            let list: Vec<String> = columns.iter().map(|column| quote(column)).collect();
            let mut tests: Vec<String> = Vec::new();
            if !nulls_are_equal {
                tests.extend(list.iter().map(|column| format!("{column} IS NOT NULL")));
            }
            tests.extend(filter.map(|filter| format!("({filter})")));
            let filter = if tests.is_empty() { "true".to_owned() } else { tests.join(" AND ") };
            let list = list.join(", ");
            format!(
                "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {filter} GROUP BY {list} HAVING count(*) > 1) d",
                table.quoted()
            )
        };
        self.rows(&Question { table, columns, sql: &sql, unit: "values that occur more than once" })
    }

    /// Rows for which a condition over the columns is true.
    pub fn such(&mut self, table: &TableName, columns: &[String], condition: &str, unit: &str) -> Verdict {
        let sql =
            |table: &TableName, _: &[String]| format!("SELECT count(*) FROM {} WHERE {condition}", table.quoted());
        self.rows(&Question { table, columns, sql: &sql, unit })
    }

    /// Rows that refer to none (MATCH SIMPLE: a NULL in the key exempts the row).
    pub fn orphans(&mut self, table: &TableName, columns: &[String], to: &TableName, to_columns: &[String]) -> Verdict {
        let parent = self.table(to);
        let Some(name) = parent.as_ref().and_then(|parent| parent.in_database.clone()) else {
            return Verdict::Open(DecidedBy::NotJudged(format!("{to} is not there to be asked")));
        };
        let parent = parent.unwrap_or_default();
        if let Some(line) = parent.written {
            return Verdict::Open(DecidedBy::NotJudged(format!("line {line} writes rows of {to} first")));
        }
        let to_columns = if to_columns.is_empty() { parent.primary_key() } else { to_columns.to_vec() };
        if to_columns.len() != columns.len() {
            return Verdict::Open(DecidedBy::NotJudged("the referenced columns are not known".to_owned()));
        }
        let old = |column: &String| {
            parent.columns.get(column).and_then(|found| found.in_database.clone()).unwrap_or_else(|| column.clone())
        };
        let to_columns: Vec<String> = to_columns.iter().map(old).collect();
        let sql = |table: &TableName, columns: &[String]| {
            let filled: Vec<String> = columns.iter().map(|column| format!("c.{} IS NOT NULL", quote(column))).collect();
            let pairs: Vec<String> = columns
                .iter()
                .zip(&to_columns)
                .map(|(column, to)| format!("p.{} = c.{}", quote(to), quote(column)))
                .collect();
            format!(
                "SELECT count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                table.quoted(),
                filled.join(" AND "),
                name.quoted(),
                pairs.join(" AND ")
            )
        };
        self.rows(&Question { table, columns, sql: &sql, unit: "rows without a parent" })
    }
}

impl Volume {
    /// How much it matters that it is read or written once.
    #[must_use]
    pub fn weight(self) -> Severity {
        match self {
            Volume { rows, bytes: ..LARGE_BYTES, .. } => by_rows(rows),
            Volume { rows: ..=SMALL_ROWS, .. } => Severity::Note,
            _ => Severity::Error,
        }
    }
}

/// How much it matters that so many rows are read or written at once.
#[must_use]
pub fn by_rows(rows: i64) -> Severity {
    match rows {
        ..=SMALL_ROWS => Severity::Note,
        LARGE_ROWS.. => Severity::Error,
        _ => Severity::Warning,
    }
}

impl Table {
    fn names_in_database(&self, table: &TableName, columns: &[String]) -> Result<(TableName, Vec<String>), String> {
        let mut names = Vec::new();
        for column in columns {
            match self.columns.get(column).map(|known| &**known) {
                Some(Column { written: Some(line), .. }) => {
                    return Err(format!("line {line} sets {table}.{column} first: only a run shows what is left"));
                }
                Some(Column { retyped: true, .. }) => {
                    return Err(format!("{table}.{column} has another type until then"));
                }
                Some(Column { in_database: Some(name), .. }) => names.push(name.clone()),
                Some(_) => return Err(format!("{table}.{column} is new in these files")),
                None if self.known => return Err(format!("{table} has no column {column}")),
                None => names.push(column.clone()),
            }
        }
        if let Some(line) = self.written {
            return Err(format!("line {line} writes rows of {table} first: only a run shows what is left"));
        }
        let name = self.in_database.clone().ok_or_else(|| format!("{table} is new in these files"))?;
        Ok((name, names))
    }

    /// The columns of its primary key; empty where none is known.
    #[must_use]
    pub fn primary_key(&self) -> Vec<String> {
        let key = self.constraints.values().find(|constraint| constraint.kind == super::catalog::Kind::PrimaryKey);
        key.map(|key| key.columns.clone()).unwrap_or_default()
    }
}

impl Verdict {
    /// An error where rows are in the way, this where none is, a warning where nobody knows.
    #[must_use]
    pub fn severity(&self, clear: Severity) -> Severity {
        match self {
            Verdict::Clear(_) => clear,
            Verdict::Harmful(..) => Severity::Error,
            Verdict::Open(_) => Severity::Warning.max(clear),
        }
    }

    #[must_use]
    pub fn decided(self) -> DecidedBy {
        let (Verdict::Clear(decided) | Verdict::Harmful(_, decided) | Verdict::Open(decided)) = self;
        decided
    }
}
